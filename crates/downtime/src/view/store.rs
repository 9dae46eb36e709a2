//! Where a day keeps its entries: packed, so that 90 days of a big hospital fit a station, and the newest also as they are.
//!
//! An entry has a place, the number of its arrival, which never changes; the total order is a list of places beside it. What
//! the fold asks of every entry (name, order, kind, about whom) stays in a short mark and needs no unpacking. Who wrote and
//! about whom stand in tables, once each. Deliberately absent: any meaning of an entry; that is the fold's matter.

use std::collections::VecDeque;
use std::hash::Hash;
use std::sync::Arc;

use chart::{Act, Author, Entry, EntryId, Moment, StationCode, Subject};
use hashbrown::hash_table::Entry as Slot;
use hashbrown::{HashMap, HashTable};
use minicbor::{Decode, Encode};

use super::{Order, Recorded};

/// So many of the newest arrivals are kept as they are, too: more than most hospitals write in a day.
const OPEN: usize = 8_192;

/// Packed entries lie in pieces of this size, so that growing never copies them.
const PIECE: usize = 1 << 20;

/// A piece is full when less than this is free; an entry that is longer makes its piece longer.
const MOST_OF_ONE: usize = 4 << 10;

/// The number of an entry's arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    #[cfg(test)]
    pub(super) const fn new(number: u32) -> Self {
        Self(number)
    }

    pub(super) fn index(self) -> usize {
        // A number of 32 bits is an index on every machine this runs on.
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// What kind of entry, as far as the fold must know without unpacking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Reception,
    Note,
    Correction,
    Appointment,
    Temporary,
    Prescription,
    Order,
    Payment,
    Notebook,
    Printed,
    Other,
}

impl Kind {
    const fn of(act: &Act) -> Self {
        match act {
            Act::CheckedIn(_) => Self::Reception,
            Act::NoteSigned(_) => Self::Note,
            Act::NoteCorrected { .. } => Self::Correction,
            Act::AppointmentProvisional(_) => Self::Appointment,
            Act::TemporaryRegistered(_) => Self::Temporary,
            Act::Prescribed(_) => Self::Prescription,
            Act::Ordered(_) => Self::Order,
            Act::PaymentDeferred(_) => Self::Payment,
            Act::NotebookRead(_) => Self::Notebook,
            Act::Printed { .. } => Self::Printed,
            _ => Self::Other,
        }
    }
}

/// What stays at hand of every entry.
#[derive(Debug)]
struct Mark {
    id: EntryId,
    hlc: u64,
    seq: u64,
    /// Number of the journal's life.
    life: u32,
    /// Number of whom it is about.
    subject: u32,
    /// Day of writing by the station's clock.
    day: u16,
    kind: Kind,
}

/// A day as marks keep it: enough until the year 2149.
fn short_day(at: Moment) -> u16 {
    u16::try_from(at.day_number()).unwrap_or(0)
}

/// Where a packed entry begins.
#[derive(Debug, Clone, Copy)]
struct Packed {
    piece: u32,
    at: u32,
}

/// An entry without what its mark and the tables say.
#[derive(Encode)]
struct Packing<'a> {
    #[n(0)]
    writer: u32,
    #[n(1)]
    station: StationCode,
    #[n(2)]
    written_at: Moment,
    #[n(3)]
    act: &'a Act,
}

#[derive(Decode)]
struct Unpacked {
    #[n(0)]
    writer: u32,
    #[n(1)]
    station: StationCode,
    #[n(2)]
    written_at: Moment,
    #[n(3)]
    act: Act,
}

/// A line of the table of names: the place, and enough of the name to pass others by without a look at their marks.
#[derive(Debug, Clone, Copy)]
struct Named {
    begins: u32,
    place: u32,
}

/// Values that come again and again, once each, by number.
#[derive(Debug)]
struct Table<T> {
    values: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<T: Clone + Eq + Hash> Table<T> {
    /// The number of a value; there are never more values than entries.
    fn number(&mut self, value: &T) -> u32 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.push(value.clone());
        self.numbers.insert(value.clone(), number);
        number
    }

    fn value(&self, number: u32) -> Option<&T> {
        self.values.get(Place(number).index())
    }
}

/// Every entry of a day.
#[derive(Debug)]
pub(super) struct Store {
    /// So many of the newest arrivals are kept as they are.
    open: usize,
    marks: Vec<Mark>,
    packed: Vec<Packed>,
    /// New arrivals as they were, one after the other from a place on.
    newest: VecDeque<Arc<Recorded>>,
    newest_from: usize,
    pieces: Vec<Vec<u8>>,
    places: HashTable<Named>,
    lives: Table<([u8; 16], [u8; 8])>,
    writers: Table<Author>,
    subjects: Table<Subject>,
}

impl Default for Store {
    fn default() -> Self {
        Self::with_open(OPEN)
    }
}

impl Store {
    pub(super) fn with_open(open: usize) -> Self {
        Self {
            open,
            marks: Vec::new(),
            packed: Vec::new(),
            newest: VecDeque::new(),
            newest_from: 0,
            pieces: Vec::new(),
            places: HashTable::new(),
            lives: Table::default(),
            writers: Table::default(),
            subjects: Table::default(),
        }
    }

    /// Takes an entry; `None` if it is there already. Four thousand million entries are more than any memory holds; beyond them
    /// nothing is taken.
    pub(super) fn add(&mut self, recorded: &Recorded) -> Option<Place> {
        let place = u32::try_from(self.marks.len()).ok()?;
        let begins = begins(&recorded.id);
        let same = |named: &Named| is_named(&self.marks, *named, begins, &recorded.id);
        let slot = self.places.entry(spread(begins), same, |named| spread(named.begins));
        let Slot::Vacant(slot) = slot else { return None };
        let packed = pack(
            &mut self.pieces,
            self.writers.number(&recorded.entry.by),
            &recorded.entry,
        )?;
        slot.insert(Named { begins, place });
        let order = recorded.order;
        let subject = self.subjects.number(&recorded.entry.subject);
        self.marks.push(Mark {
            id: recorded.id,
            hlc: order.hlc,
            seq: order.seq,
            life: self.lives.number(&(order.station, order.incarnation)),
            subject,
            day: short_day(recorded.entry.written_at),
            kind: Kind::of(&recorded.entry.act),
        });
        self.packed.push(packed);
        Some(Place(place))
    }

    /// Keeps the entry that was added last as it is, and lets go of the oldest that is kept so.
    pub(super) fn keep(&mut self, recorded: Arc<Recorded>) {
        let last = self.marks.len().saturating_sub(1);
        if self.newest_from + self.newest.len() != last {
            self.newest.clear();
            self.newest_from = last;
        }
        self.newest.push_back(recorded);
        if self.newest.len() > self.open {
            self.newest.pop_front();
            self.newest_from += 1;
        }
    }

    /// So many are kept as they are.
    pub(super) const fn open(&self) -> usize {
        self.open
    }

    fn unpack(&self, mark: &Mark, bytes: &[u8]) -> Option<Entry> {
        // What follows in the piece belongs to the next entry.
        let unpacked: Unpacked = minicbor::Decoder::new(bytes).decode().ok()?;
        Some(Entry {
            by: self.writers.value(unpacked.writer)?.clone(),
            written_at: unpacked.written_at,
            station: unpacked.station,
            subject: self.subjects.value(mark.subject)?.clone(),
            act: unpacked.act,
        })
    }

    /// How many.
    pub(super) const fn len(&self) -> usize {
        self.marks.len()
    }

    /// Where an entry is.
    pub(super) fn place(&self, id: &EntryId) -> Option<Place> {
        let begins = begins(id);
        let same = |named: &Named| is_named(&self.marks, *named, begins, id);
        let named = self.places.find(spread(begins), same)?;
        Some(Place(named.place))
    }

    /// An entry as it was added.
    pub(super) fn get(&self, place: Place) -> Option<Arc<Recorded>> {
        let mark = self.marks.get(place.index())?;
        let kept = place.index().checked_sub(self.newest_from);
        if let Some(recorded) = kept.and_then(|at| self.newest.get(at)) {
            return Some(Arc::clone(recorded));
        }
        let packed = self.packed.get(place.index())?;
        let piece = self.pieces.get(Place(packed.piece).index())?;
        let entry = self.unpack(mark, piece.get(Place(packed.at).index()..)?)?;
        let (order, id) = self.order(place)?;
        Some(Arc::new(Recorded { id, order, entry }))
    }

    /// An entry's name.
    pub(super) fn id(&self, place: Place) -> Option<EntryId> {
        self.marks.get(place.index()).map(|mark| mark.id)
    }

    /// The number of whom an entry is about, for tables of the fold.
    pub(super) fn subject_of(&self, place: Place) -> usize {
        let mark = self.marks.get(place.index());
        mark.map_or(usize::MAX, |mark| Place(mark.subject).index())
    }

    /// The number of somebody, if anything is recorded about them.
    pub(super) fn subject_number(&self, subject: &Subject) -> Option<usize> {
        let number = self.subjects.numbers.get(subject)?;
        Some(Place(*number).index())
    }

    /// Everybody about whom something is recorded.
    pub(super) fn subjects(&self) -> &[Subject] {
        &self.subjects.values
    }

    /// An entry's kind.
    pub(super) fn kind(&self, place: Place) -> Kind {
        self.marks.get(place.index()).map_or(Kind::Other, |mark| mark.kind)
    }

    /// Whether two entries were written on one day.
    pub(super) fn are_of_one_day(&self, one: Place, other: Place) -> bool {
        let day = |place: Place| self.marks.get(place.index()).map(|mark| mark.day);
        day(one) == day(other)
    }

    /// Whether an entry was written on the day of a moment.
    pub(super) fn is_of_day(&self, place: Place, on: Moment) -> bool {
        self.marks
            .get(place.index())
            .is_some_and(|mark| mark.day == short_day(on))
    }

    /// Where an entry stands among all. Two records of one place exist only when a station's disk was copied; their names
    /// decide then.
    pub(super) fn order(&self, place: Place) -> Option<(Order, EntryId)> {
        let mark = self.marks.get(place.index())?;
        let (station, incarnation) = *self.lives.value(mark.life)?;
        let order = Order {
            hlc: mark.hlc,
            station,
            incarnation,
            seq: mark.seq,
        };
        Some((order, mark.id))
    }

    /// Puts a place into a list that is in total order, wherever it belongs: mostly at the end.
    pub(super) fn insert(&self, list: &mut Vec<Place>, place: Place) {
        let at = match list.last() {
            Some(last) if !self.is_before(*last, place) => list.partition_point(|other| self.is_before(*other, place)),
            _ => list.len(),
        };
        list.insert(at, place);
    }

    /// Whether one stands before the other. The clock decides almost always.
    pub(super) fn is_before(&self, one: Place, other: Place) -> bool {
        match (self.marks.get(one.index()), self.marks.get(other.index())) {
            (Some(a), Some(b)) if a.hlc != b.hlc => a.hlc < b.hlc,
            _ => self.order(one) < self.order(other),
        }
    }
}

fn pack(pieces: &mut Vec<Vec<u8>>, writer: u32, entry: &Entry) -> Option<Packed> {
    let packing = Packing {
        writer,
        station: entry.station,
        written_at: entry.written_at,
        act: &entry.act,
    };
    if pieces.last().is_none_or(|piece| piece.len() + MOST_OF_ONE > PIECE) {
        pieces.push(Vec::with_capacity(PIECE));
    }
    let piece = u32::try_from(pieces.len() - 1).ok()?;
    let last = pieces.last_mut()?;
    let at = u32::try_from(last.len()).ok()?;
    minicbor::encode(&packing, last).ok()?;
    Some(Packed { piece, at })
}

/// The first bytes of a name, which is a SHA-256.
fn begins(id: &EntryId) -> u32 {
    id.0.first_chunk().map_or(0, |first| u32::from_le_bytes(*first))
}

/// A table takes its place from the low bits of a hash and a tag from the high ones.
const fn spread(begins: u32) -> u64 {
    (begins as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn is_named(marks: &[Mark], named: Named, begins: u32, id: &EntryId) -> bool {
    named.begins == begins && marks.get(Place(named.place).index()).is_some_and(|mark| mark.id == *id)
}
