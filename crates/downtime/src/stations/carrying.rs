//! What of a station's records is carried by hand: portions of what somebody else lacks, a station's own first, and the receipts that
//! go along.
//!
//! Portions come in the order of their chains, so that whoever has one lacks what is behind it and nothing before. What a pack is, and
//! where it is written, is `carry`'s.

use std::collections::BTreeMap;
use std::path::Path;

use chart::StationCode;
use vault::StationId;
use vault::files::Files;
use vault::journal::{Class, Record, RecordLog};
use vault::receipt::Receipt;

use super::held::{Chain, chain};
use super::replica::Head;
use super::{Bytes, Heads, Station, StationFault, enrolled_stations};
use crate::identity::Roster;

/// Whose records a portion has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// This station's own: nobody else may have them.
    Own,
    /// Those of others.
    Others,
}

/// Some records in the order of their chains, and whether there are more.
#[derive(Debug, Clone, Default)]
pub struct Portion {
    /// The records.
    pub records: Vec<Record>,
    /// There are more behind them.
    pub more: bool,
}

impl Portion {
    /// What somebody with these heads has once this portion is there too.
    #[must_use]
    pub fn after(&self, theirs: &Heads) -> Heads {
        let mut have = by_chain(theirs);
        for record in &self.records {
            let seq = have.entry(chain(record)).or_default();
            *seq = (*seq).max(record.header().seq);
        }
        Heads(have.into_iter().map(|(chain, seq)| head(chain, seq)).collect())
    }
}

fn by_chain(heads: &Heads) -> BTreeMap<Chain, u64> {
    heads
        .0
        .iter()
        .map(|head| ((head.station, head.incarnation), head.seq))
        .collect()
}

const fn head((station, incarnation): Chain, seq: u64) -> Head {
    Head {
        station,
        incarnation,
        seq,
        id: None,
        sum: 0,
    }
}

/// The records in a station's files, read while the station runs or not.
pub struct Stock {
    /// In the order of their chains.
    records: Vec<Record>,
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
        let mut records = own.map_err(StationFault::Read)?.records;
        records.extend(heard.map_err(StationFault::Read)?.records);
        records.sort_by_key(|record| (chain(record), record.header().seq, *record.id()));
        records.dedup_by_key(|record| *record.id());
        let own = *id.as_bytes();
        Ok(Self { records, own })
    }

    /// How far each chain is here without a gap.
    #[must_use]
    pub fn heads(&self) -> Heads {
        let mut whole: BTreeMap<Chain, u64> = BTreeMap::new();
        for record in &self.records {
            let seq = whole.entry(chain(record)).or_default();
            if record.header().seq == seq.saturating_add(1) {
                *seq += 1;
            }
        }
        Heads(whole.into_iter().map(|(chain, seq)| head(chain, seq)).collect())
    }

    /// How many records.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.records.len() as u64
    }

    /// Records that somebody with these heads lacks, at most `most` bytes of them.
    #[must_use]
    pub fn portion(&self, theirs: &Heads, whose: Whose, most: usize) -> Portion {
        let have = by_chain(theirs);
        let (mut portion, mut size) = (Portion::default(), 0);
        for record in &self.records {
            let of_own = *record.header().station.as_bytes() == self.own;
            let known = record.header().seq <= have.get(&chain(record)).copied().unwrap_or(0);
            if known || of_own != (whose == Whose::Own) {
                continue;
            }
            size += record.bytes().len();
            if size > most && !portion.records.is_empty() {
                portion.more = true;
                break;
            }
            portion.records.push(record.clone());
        }
        portion
    }
}

impl Station {
    /// Records that somebody with these heads lacks, at most one parcel full.
    #[must_use]
    pub fn portion(&self, theirs: &Heads, whose: Whose) -> Portion {
        let mut have = by_chain(theirs);
        for head in self.replica.heads() {
            if (head.station == *self.id.as_bytes()) != (whose == Whose::Own) {
                have.insert(head.chain(), u64::MAX);
            }
        }
        let have: Vec<Head> = have.into_iter().map(|(chain, seq)| head(chain, seq)).collect();
        let (records, more) = self.replica.missing(&have);
        let stations = self.known.now();
        let read = |bytes: &Bytes| Record::parse_verified(&bytes.0, &stations).ok();
        Portion {
            records: records.iter().filter_map(read).collect(),
            more,
        }
    }

    /// This station's newest entries that somebody with these heads lacks, at most so many, with the keys that seal them, in the order
    /// of their chains; and how many entries that is.
    #[must_use]
    pub fn newest_own(&self, theirs: &Heads, most: usize) -> (u64, Vec<Record>) {
        let have = by_chain(theirs);
        let lacks = |record: &Record| record.header().seq > have.get(&chain(record)).copied().unwrap_or(0);
        let mut reader = self.replica.reader();
        let mut own: Vec<Record> = self
            .replica
            .mine()
            .into_iter()
            .filter_map(|lies| reader.read(lies).ok())
            .filter(|record| record.header().class != Class::KEY && lacks(record))
            .collect();
        own.sort_by_key(|record| record.header().hlc);
        let mut records = own.split_off(own.len().saturating_sub(most));
        let count = records.len() as u64;
        let keys = records.iter().filter_map(|record| self.replica.key_of(record.header()));
        let keys: Vec<Record> = keys
            .filter_map(|lies| reader.read(lies).ok())
            .filter(|key| lacks(key))
            .collect();
        records.extend(keys);
        records.sort_by_key(|record| (chain(record), record.header().seq));
        records.dedup_by_key(|record| *record.id());
        (count, records)
    }

    /// The receipts that this station can sign for another one.
    #[must_use]
    pub fn receipts_for(&self, station: &StationId) -> Vec<Bytes> {
        let all = self.replica.all_receipts_for(station, self.now().0);
        all.iter().map(|receipt| Bytes(receipt.to_bytes())).collect()
    }

    /// Takes receipts that somebody carried here. What is not for here or not signed is left out. Gives how many said something new.
    pub fn note_receipts(&self, receipts: &[Bytes]) -> usize {
        let read = |bytes: &Bytes| Receipt::from_bytes(&bytes.0).ok();
        self.replica.hear_receipts(
            receipts
                .iter()
                .filter_map(read)
                .filter(|receipt| receipt.claim().station == self.id),
        )
    }

    /// Entries of this station that nobody else is known to hold.
    #[must_use]
    pub fn only_here(&self) -> u64 {
        self.unsent()
    }
}
