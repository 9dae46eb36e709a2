//! Somebody who gives bytes: a real shelf, with every way of giving wrongly that there is.

use std::cell::{Cell, RefCell};

use downtime::distribution::{Giver, Lost, Remark};
use downtime::shelf::{ArrivalFault, Pulled, Shelf};
use vault::shelf_slots::Identity;

use crate::hospital::{Hospital, code};

/// How somebody behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Honest,
    /// Has nothing.
    Empty,
    Busy,
    /// The line breaks, or is slower than patience allows.
    Broken,
    /// Breaks off after so many answers.
    After(u32),
    FlipsABit,
    TooLong,
    TooShort,
    Zeros,
    /// Gives the bytes that stand behind the right ones.
    Shifted,
    /// Gives another section of the same length, or what there is.
    Another,
    /// Has no batches, and flips a bit of large sections.
    FlipsLarge,
}

pub struct Shop<'a> {
    pub name: String,
    pub shelf: &'a Shelf,
    pub way: Cell<Way>,
    pub asked: Cell<u32>,
    pub given: Cell<u64>,
}

impl<'a> Shop<'a> {
    pub fn new(name: &str, shelf: &'a Shelf, way: Way) -> Self {
        Self {
            name: name.to_owned(),
            shelf,
            way: Cell::new(way),
            asked: Cell::new(0),
            given: Cell::new(0),
        }
    }

    fn honest(&self, sha256: &[u8; 32], offset: u64, len: usize) -> Result<Vec<u8>, Lost> {
        let shelved = self.shelf.current().ok_or(Lost::NotThere)?;
        let (at, whole) = shelved.section_of(sha256).ok_or(Lost::NotThere)?;
        assert!(offset + len as u64 <= whole, "nobody asks behind the end");
        shelved
            .read_at(at + offset, len)
            .map_err(|error| Lost::Line(error.to_string()))
    }

    fn bent(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        match self.way.get() {
            Way::FlipsABit | Way::FlipsLarge => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 4;
            }
            Way::TooLong => bytes.extend_from_slice(&[0; 4096]),
            Way::TooShort => bytes.truncate(bytes.len() - 1),
            Way::Zeros => bytes.fill(0),
            Way::Shifted => bytes.rotate_left(1),
            Way::Another => bytes.reverse(),
            _ => {}
        }
        bytes
    }

    fn enter(&self) -> Result<(), Lost> {
        let nth = self.asked.get();
        self.asked.set(nth + 1);
        match self.way.get() {
            Way::Empty => Err(Lost::NotThere),
            Way::Busy => Err(Lost::Busy),
            Way::Broken => Err(Lost::Line("cut".into())),
            Way::After(most) if nth >= most => Err(Lost::Line("cut".into())),
            _ => Ok(()),
        }
    }
}

impl Giver for Shop<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn piece(&self, sha256: &[u8; 32], offset: u64, len: usize) -> Result<Vec<u8>, Lost> {
        self.enter()?;
        let bytes = self.bent(self.honest(sha256, offset, len)?);
        self.given.set(self.given.get() + bytes.len() as u64);
        Ok(bytes)
    }

    fn batch(&self, sha256: &[[u8; 32]], len: usize) -> Result<Vec<u8>, Lost> {
        self.enter()?;
        if self.way.get() == Way::FlipsLarge {
            return Err(Lost::NotThere);
        }
        let mut all = Vec::new();
        for name in sha256 {
            let shelved = self.shelf.current().ok_or(Lost::NotThere)?;
            let (_, len) = shelved.section_of(name).ok_or(Lost::NotThere)?;
            all.extend(self.honest(name, 0, usize::try_from(len).unwrap())?);
        }
        assert_eq!(all.len(), len);
        let bytes = self.bent(all);
        self.given.set(self.given.get() + bytes.len() as u64);
        Ok(bytes)
    }
}

/// A ward's station that pulls.
pub struct Ward<'h> {
    pub hospital: &'h Hospital,
    pub shelf: Shelf,
    pub remarks: RefCell<Vec<Remark>>,
}

impl<'h> Ward<'h> {
    pub fn new(hospital: &'h Hospital) -> Self {
        Self {
            hospital,
            shelf: hospital.shelf("R03"),
            remarks: RefCell::default(),
        }
    }

    pub fn now(&self) -> chart::Moment {
        chart::Moment(self.hospital.clock.load(std::sync::atomic::Ordering::SeqCst))
    }

    pub fn identity(&self) -> Option<Identity> {
        self.shelf.current().map(|shelved| shelved.identity())
    }

    /// Follows what this shelf has as its newest.
    pub fn follow(&self, hub: &Shelf, givers: &[&dyn Giver]) -> Result<Pulled, ArrivalFault> {
        self.follow_tail(&hub.current().unwrap().tail().unwrap(), givers)
    }

    pub fn follow_tail(&self, tail: &[u8], givers: &[&dyn Giver]) -> Result<Pulled, ArrivalFault> {
        let mut remark = |remark| self.remarks.borrow_mut().push(remark);
        self.shelf.pull(tail, givers, None, self.now(), &mut remark)
    }

    pub fn lied(&self) -> Vec<String> {
        let remarks = self.remarks.borrow();
        let lied = remarks.iter().filter_map(|remark| match remark {
            Remark::Lied { who } => Some(who.clone()),
            _ => None,
        });
        lied.collect()
    }
}

/// The hub's shelf.
pub fn hub(hospital: &Hospital) -> Shelf {
    assert!(hospital.roster.station(code("H01")).is_some());
    hospital.shelf("H01")
}
