//! What of a station's records is carried by hand: portions of what somebody else lacks, a station's own first.
//!
//! Portions follow one another by the place where the last one ended, so that nothing is skipped whatever order records came in.
//! What a pack is, and where it is written, is `carry`'s.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::PoisonError;

use chart::StationCode;
use vault::files::Files;
use vault::journal::{Class, Record, RecordLog};

use super::held::{Chain, Held, chain};
use super::{Heads, Station, StationFault, enrolled_stations, parcel};
use crate::identity::Roster;

/// Whose records a portion has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// This station's own: nobody else may have them.
    Own,
    /// Those of others.
    Others,
}

/// Some records, and where the next portion begins.
#[derive(Debug, Clone, Default)]
pub struct Portion {
    /// The records.
    pub records: Vec<Record>,
    /// Where to go on; `None` at the end.
    pub next: Option<usize>,
}

/// The records in a station's files, read while the station runs or not.
pub struct Stock {
    held: Held,
    own: [u8; 16],
}

impl Stock {
    /// Reads them.
    ///
    /// # Errors
    /// [`StationFault`] when the files cannot be listed or the station is not enrolled.
    pub fn read(files: &dyn Files, data: &Path, roster: &Roster, code: StationCode) -> Result<Self, StationFault> {
        let (hospital, id) = (roster.hospital(), roster.station_id(code));
        let public = roster.station(code).ok_or(StationFault::NotEnrolled(code))?.public()?;
        let stations = enrolled_stations(roster)?;
        let own = vault::journal::read_journal(files, &data.join("journal"), &hospital, &id, &public);
        let heard = RecordLog::read(files, &data.join("peers"), &hospital, &id, &stations);
        let mut held = Held::default();
        held.take(own.map_err(StationFault::Read)?.records);
        held.take(heard.map_err(StationFault::Read)?.records);
        let own = *id.as_bytes();
        Ok(Self { held, own })
    }

    /// How far each chain is here.
    #[must_use]
    pub fn heads(&self) -> Heads {
        parcel::heads(&self.held, None)
    }

    /// How many records.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.held.records().len() as u64
    }

    /// Records that somebody with these heads lacks, at most `most` bytes of them, from a place on.
    #[must_use]
    pub fn portion(&self, theirs: &Heads, whose: Whose, from: usize, most: usize) -> Portion {
        portion(&self.held, &self.own, theirs, whose, from, most)
    }
}

impl Station {
    /// Records that somebody with these heads lacks, at most `most` bytes of them, from a place on.
    #[must_use]
    pub fn portion(&self, theirs: &Heads, whose: Whose, from: usize, most: usize) -> Portion {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        portion(&held, self.id.as_bytes(), theirs, whose, from, most)
    }

    /// This station's newest entries that somebody with these heads lacks, at most so many, with the keys that seal them, in the order
    /// of their chains; and how many entries that is.
    #[must_use]
    pub fn newest_own(&self, theirs: &Heads, most: usize) -> (u64, Vec<Record>) {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let have = |record: &Record| {
            let known = theirs
                .0
                .iter()
                .find(|head| (head.station, head.incarnation) == chain(record));
            known.is_some_and(|head| head.seq >= record.header().seq)
        };
        let own = |record: &&Record| record.header().station == self.id;
        let entries = held.records().iter().rev().filter(own);
        let entries = entries.filter(|record| record.header().class != Class::KEY && !have(record));
        let mut records: Vec<Record> = entries.take(most).cloned().collect();
        let count = records.len() as u64;
        let keys: Vec<[u8; 16]> = records.iter().map(|record| record.header().key).collect();
        let sealing = held.records().iter().filter(own).filter(|record| {
            let header = record.header();
            header.class == Class::KEY && keys.contains(&header.key) && !have(record)
        });
        records.extend(sealing.cloned());
        records.sort_by_key(|record| (chain(record), record.header().seq));
        (count, records)
    }

    /// Another station has signed that it holds our chains up to these numbers, and somebody has brought the paper or the stick. What
    /// is known from the line already is not taken back.
    pub fn note_carried(&self, theirs: &Heads) {
        let mine = theirs
            .0
            .iter()
            .filter(|head| head.station == *self.id.as_bytes())
            .map(|head| head.seq)
            .sum::<u64>();
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        *sent = (*sent).max(mine);
    }

    /// Entries of this station that nobody else is known to hold, key records included; also on a hub, which has no hub of its own.
    #[must_use]
    pub fn only_here(&self) -> u64 {
        self.unsent()
    }
}

fn portion(held: &Held, own: &[u8; 16], theirs: &Heads, whose: Whose, from: usize, most: usize) -> Portion {
    let have: BTreeMap<Chain, u64> = theirs
        .0
        .iter()
        .map(|head| ((head.station, head.incarnation), head.seq))
        .collect();
    let mut portion = Portion::default();
    let mut size = 0;
    for (place, record) in held.records().iter().enumerate().skip(from) {
        let header = record.header();
        let of_own = header.station.as_bytes() == own;
        let known = header.seq <= have.get(&chain(record)).copied().unwrap_or(0);
        if known || of_own != (whose == Whose::Own) {
            continue;
        }
        size += record.bytes().len();
        if size > most && !portion.records.is_empty() {
            portion.next = Some(place);
            break;
        }
        portion.records.push(record.clone());
    }
    portion
}
