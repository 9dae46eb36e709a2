//! From records found in segments to the chain they form: origin checked, repeats dropped, gaps named.
//!
//! A record is believed when the station signed it, or when a believed record holds its hash as predecessor: one
//! signature check per chain end covers everything before it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::path::Path;

use crate::files::Files;
use crate::ids::{HospitalId, IncarnationId, StationId};
use crate::keys::StationPublic;

use super::mutants::{Mutant, mutated};
use super::placed::Place;
use super::record::Record;
use super::scan::{self, Found};
use super::segment::{Owner, Purpose};
use super::{Damage, DamageKind, Stations};

/// What a journal's files hold.
#[derive(Debug, Default)]
pub struct Walk {
    /// Every record of the chain, in order of incarnation and number, key records included.
    pub records: Vec<Record>,
    /// Where each of them lies.
    pub places: Vec<Place>,
    /// Every place that is not as it was written. Files are never changed, so the same places are reported again at
    /// the next start.
    pub damage: Vec<Damage>,
    /// Signed records that were never acknowledged and were overtaken by others on the same predecessor.
    pub superseded: Vec<Record>,
}

/// Reads a journal without starting it: for export and verification, also while another process writes to it.
///
/// # Errors
/// When the directory cannot be listed.
pub fn read_journal(
    files: &dyn Files,
    dir: &Path,
    hospital: &HospitalId,
    station: &StationId,
    public: &StationPublic,
) -> io::Result<Walk> {
    let owner = Owner {
        purpose: Purpose::Own,
        hospital: *hospital,
        station: *station,
    };
    Ok(walk(files, dir, &owner, public)?.walk)
}

/// The outcome of checking records one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainReport {
    /// Records looked at.
    pub checked: u64,
    /// Ids of records whose own signature is not their station's, or whose station is unknown.
    pub bad_signatures: Vec<[u8; 32]>,
    /// Ids of records that do not follow their predecessor in this list (number and hash).
    pub breaks: Vec<[u8; 32]>,
}

/// Checks every signature and every link of records in chain order (as [`Walk::records`] holds them). Slow and
/// thorough: for `verify`, not for every start.
#[must_use]
pub fn verify_chain(records: &[Record], stations: &Stations) -> ChainReport {
    let mut report = ChainReport::default();
    let mut heads: BTreeMap<(StationId, IncarnationId), (u64, [u8; 32])> = BTreeMap::new();
    for record in records {
        let header = record.header();
        report.checked += 1;
        if !stations
            .get(&header.station)
            .is_some_and(|public| record.is_signed_by(public))
        {
            report.bad_signatures.push(*record.id());
        }
        let (seq, id) = heads
            .get(&(header.station, header.incarnation))
            .copied()
            .unwrap_or((0, [0; 32]));
        if seq.checked_add(1) != Some(header.seq) || id != header.previous {
            report.breaks.push(*record.id());
        }
        heads.insert((header.station, header.incarnation), (header.seq, *record.id()));
    }
    report
}

/// A walk, and what a writer needs to go on from it.
pub(super) struct Walked {
    pub(super) walk: Walk,
    /// The newest incarnation with the number and id of its last record; `None` when it cannot go on: there is none, or
    /// numbers are missing in it.
    pub(super) head: Option<(IncarnationId, u64, [u8; 32])>,
    /// Ids of chain records that no settled place holds.
    pub(super) unsettled: HashSet<[u8; 32]>,
    pub(super) next_number: u64,
}

pub(super) fn walk(files: &dyn Files, dir: &Path, owner: &Owner, public: &StationPublic) -> io::Result<Walked> {
    let scan = scan::scan(files, dir, owner)?;
    let mut damage = scan.damage;
    let believed = believed(&scan.found, |record| {
        let ours = record.header().station == owner.station && record.header().hospital == owner.hospital;
        ours.then_some(public)
    });
    let mut chains = Chains::default();
    for (place, found) in scan.found.iter().enumerate() {
        let id = found.record.id();
        if !believed.contains(id) {
            damage.push(at_record(found, DamageKind::Forged));
        } else if chains.offer(&scan.found, place) == Offer::Unlinked {
            damage.push(at_record(found, DamageKind::Unlinked));
        }
    }
    chains.name_gaps(&scan.found, &mut damage);
    let unsettled = unsettled(&scan.found);
    let head = chains.head(&scan.found);
    let next_number = scan.next_number;
    let mut found: Vec<Option<Found>> = scan.found.into_iter().map(Some).collect();
    let mut take = |place: &usize| found.get_mut(*place).and_then(Option::take);
    let (records, places) = chains
        .chains
        .iter()
        .flat_map(|chain| chain.by_seq.values())
        .filter_map(&mut take)
        .map(|found| (Place::new(found.segment, found.offset, &found.record), found.record))
        .map(|(place, record)| (record, place))
        .unzip();
    let superseded = chains.superseded.iter().filter_map(&mut take);
    let superseded = superseded.map(|found| found.record).collect();
    Ok(Walked {
        walk: Walk {
            records,
            places,
            damage,
            superseded,
        },
        head,
        unsettled,
        next_number,
    })
}

/// Ids of all records whose origin is certain. `signer` names the key a record must be signed with, if any.
pub(super) fn believed<'a>(
    found: &[Found],
    signer: impl Fn(&Record) -> Option<&'a StationPublic>,
) -> HashSet<[u8; 32]> {
    let mut newest_first: Vec<&Record> = found.iter().map(|found| &found.record).collect();
    newest_first.sort_by_key(|record| std::cmp::Reverse(record.header().seq));
    let mut verdicts: HashMap<[u8; 32], bool> = HashMap::new();
    let mut vouched = HashSet::new();
    for record in newest_first {
        let verdict = verdicts.entry(*record.id()).or_insert_with(|| {
            signer(record).is_some_and(|public| {
                mutated(Mutant::ForgedBelieved) || vouched.contains(record.id()) || record.is_signed_by(public)
            })
        });
        if *verdict {
            vouched.insert(record.header().previous);
        }
    }
    verdicts
        .into_iter()
        .filter_map(|(id, verdict)| verdict.then_some(id))
        .collect()
}

/// Ids that are found in unsettled places only.
pub(super) fn unsettled(found: &[Found]) -> HashSet<[u8; 32]> {
    let settled: HashSet<_> = found
        .iter()
        .filter(|found| !found.unsettled)
        .map(|found| *found.record.id())
        .collect();
    let ids = found
        .iter()
        .filter(|found| found.unsettled)
        .map(|found| *found.record.id());
    ids.filter(|id| !settled.contains(id)).collect()
}

fn at_record(found: &Found, kind: DamageKind) -> Damage {
    Damage {
        segment: found.segment,
        offset: found.offset,
        len: found.record.bytes().len() as u64,
        kind,
    }
}

/// Chains by incarnation, in order of first appearance. Places are positions in the list of found records.
#[derive(Default)]
struct Chains {
    chains: Vec<Chain>,
    superseded: BTreeSet<usize>,
    newest: Option<IncarnationId>,
}

struct Chain {
    incarnation: IncarnationId,
    by_seq: BTreeMap<u64, usize>,
}

#[derive(Debug, PartialEq, Eq)]
enum Offer {
    Taken,
    Repeat,
    Unlinked,
}

impl Chains {
    /// Rule R7. Records come in the order they were written. One that is already there is a repeat. One that follows
    /// its predecessor wins over whatever stood at its number before: that can only be something never acknowledged.
    /// One whose predecessor is missing is taken if its number is free, and the gap is named later.
    fn offer(&mut self, found: &[Found], place: usize) -> Offer {
        let Some(record) = found.get(place).map(|found| &found.record) else {
            return Offer::Unlinked;
        };
        let (seq, previous) = (record.header().seq, record.header().previous);
        let chain = self.chain(record.header().incarnation);
        let id_at = |seq: u64| {
            chain
                .by_seq
                .get(&seq)
                .and_then(|place| found.get(*place))
                .map(|found| found.record.id())
        };
        let previous_at = |seq: u64| {
            let there = chain.by_seq.get(&seq).and_then(|place| found.get(*place));
            there.map(|found| found.record.header().previous)
        };
        if id_at(seq) == Some(record.id()) && !mutated(Mutant::NoRepeatRule) {
            self.newest = Some(record.header().incarnation);
            return Offer::Repeat;
        }
        let before = if seq <= 1 { Some(&[0; 32]) } else { id_at(seq - 1) };
        let fits_behind = previous_at(seq.saturating_add(1)).is_none_or(|previous| previous == *record.id());
        let outvoted = match before {
            _ if seq == 0 => return Offer::Unlinked,
            Some(before) if *before != previous && !mutated(Mutant::NoPreviousCheck) => return Offer::Unlinked,
            Some(_) if id_at(seq).is_some() && mutated(Mutant::FirstWins) => return Offer::Unlinked,
            Some(_) if mutated(Mutant::OvertakenStays) => BTreeMap::new(),
            Some(_) if id_at(seq).is_some() => chain.by_seq.split_off(&seq),
            Some(_) if !fits_behind => chain.by_seq.split_off(&seq.saturating_add(1)),
            Some(_) => BTreeMap::new(),
            None if id_at(seq).is_some() || !fits_behind => return Offer::Unlinked,
            None => BTreeMap::new(),
        };
        chain.by_seq.insert(seq, place);
        self.newest = Some(record.header().incarnation);
        self.superseded.extend(outvoted.into_values());
        Offer::Taken
    }

    fn chain(&mut self, incarnation: IncarnationId) -> &mut Chain {
        let known = self.chains.iter().position(|chain| chain.incarnation == incarnation);
        let place = known.unwrap_or_else(|| {
            self.chains.push(Chain {
                incarnation,
                by_seq: BTreeMap::new(),
            });
            self.chains.len() - 1
        });
        &mut self.chains[place]
    }

    fn name_gaps(&self, found: &[Found], damage: &mut Vec<Damage>) {
        for chain in &self.chains {
            let mut expected = 1;
            for (seq, place) in &chain.by_seq {
                let gap = *seq > expected && !mutated(Mutant::GapsNotNamed);
                if let (true, Some(behind)) = (gap, found.get(*place)) {
                    let kind = DamageKind::Missing {
                        incarnation: chain.incarnation,
                        from: expected,
                        to: seq - 1,
                    };
                    damage.push(Damage {
                        segment: behind.segment,
                        offset: behind.offset,
                        len: 0,
                        kind,
                    });
                }
                expected = seq.saturating_add(1);
            }
        }
    }

    /// Where the journal goes on. Never behind a gap: a batch that a power cut tore before it was acknowledged may have
    /// left its last records and not its first, and whoever went on from those would save entries that hang on nothing.
    /// Nor before it: what is behind may have been acknowledged, and its numbers would be given twice. So another chain
    /// begins, and everything that is left of this one is kept.
    fn head(&self, found: &[Found]) -> Option<(IncarnationId, u64, [u8; 32])> {
        let chain = self
            .chains
            .iter()
            .find(|chain| Some(chain.incarnation) == self.newest)?;
        let (seq, place) = chain.by_seq.last_key_value()?;
        if chain.by_seq.len() as u64 != *seq && !mutated(Mutant::GoesOnBehindGap) {
            return None;
        }
        Some((chain.incarnation, *seq, *found.get(*place)?.record.id()))
    }
}
