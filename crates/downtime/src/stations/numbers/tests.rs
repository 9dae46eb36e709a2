//! No number twice: over every pair of stations, every day around a re-image, and whatever the officer chose.

use std::collections::BTreeSet;
use std::sync::Arc;

use chart::Moment;
use jiff::civil::{Date, date};
use proptest::prelude::*;
use vault::HospitalId;
use vault::keys::{RoleSecret, SealerSecret, StationPublic, StationSecret};

use super::*;
use crate::identity::ranges::{Label, NODE, SMALL_BLOCK};
use crate::identity::{Hand, MAX_GENERATION, NewStation, Roster, RosterFault};
use crate::view::Day;

fn rng(seed: u8) -> impl rand_core::CryptoRng {
    Counter(u64::from(seed))
}

struct Counter(u64);

impl rand_core::TryRng for Counter {
    type Error = std::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|wide| u32::try_from(wide >> 32).unwrap())
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        Ok(z ^ (z >> 31))
    }
    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in to.chunks_mut(8) {
            let word = self.try_next_u64()?.to_le_bytes();
            chunk.iter_mut().zip(word).for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}
impl rand_core::TryCryptoRng for Counter {}

fn empty() -> Roster {
    let mut rng = rng(1);
    let (role, sealer) = (RoleSecret::random(&mut rng), SealerSecret::random(&mut rng));
    Roster::new(
        HospitalId([7; 16]),
        "試験病院",
        &role.public(),
        &role.public(),
        &sealer.public(),
    )
}

/// Keys in great number, made from a counter.
struct Keys(Counter);

impl Keys {
    fn next(&mut self) -> StationPublic {
        StationSecret::random(&mut self.0).public()
    }
}

const DAY: Date = date(2026, 11, 28);

fn hand() -> Hand<'static> {
    Hand {
        by: "9001",
        at: Moment(1_795_000_000),
        note: "試験",
    }
}

/// Enrols with what the program proposes.
fn proposed(roster: &mut Roster, first: char, len: u16, public: &StationPublic) -> Result<(), RosterFault> {
    let code = roster.propose_code(first, &[]).unwrap();
    let label = roster.propose_label(code, &[]).unwrap();
    let block = roster.propose_block(len, &[]).ok_or(RosterFault::NoNumbers(code))?;
    roster.enrol(&new(code, block, label, public), Some(&hand()))
}

fn new(code: StationCode, block: Block, label: Label, public: &StationPublic) -> NewStation<'_> {
    NewStation {
        code,
        block,
        label,
        public,
        sealer: None,
        wards: &[],
        departments: &[],
        address: None,
        hub: false,
    }
}

#[test]
fn a_thousand_stations_find_room_and_no_two_can_issue_the_same_number() {
    let (mut roster, mut keys) = (empty(), Keys(Counter(9)));
    for n in 0..1_000 {
        // Two hubs and twenty-eight desks with whole nodes; the rest on the wards.
        let (first, len) = match n {
            0..2 => ('H', NODE),
            2..30 => ('R', NODE),
            _ => ('W', SMALL_BLOCK),
        };
        proposed(&mut roster, first, len, &keys.next()).unwrap();
    }
    let mut sheets = BTreeSet::new();
    let mut labels = BTreeSet::new();
    for station in &roster.stations {
        let block = station.block;
        let all = block.sheets().chain(block.blanks()).map(|n| (block.node(), n));
        for number in all {
            assert!(sheets.insert(number), "{} {number:?}", station.code);
        }
        assert!(labels.insert(station.label.clone()), "{}", station.code);
    }
    // Written and read again it is the same, and small enough to travel.
    let bytes = roster.to_bytes().unwrap();
    assert_eq!(Roster::from_bytes(&bytes).unwrap(), roster);
    assert!(bytes.len() < 400_000, "{}", bytes.len());
}

#[test]
fn every_number_that_two_stations_of_one_node_issue_in_a_day_is_theirs_alone() {
    let (mut roster, mut keys) = (empty(), Keys(Counter(5)));
    for _ in 0..20 {
        proposed(&mut roster, 'W', SMALL_BLOCK, &keys.next()).unwrap();
    }
    assert!(
        roster.stations.iter().all(|s| s.block.node() == 79),
        "they share a node"
    );
    let mut seen = BTreeSet::new();
    for station in &roster.stations {
        let (mut issued, range) = (Issued::default(), Range::of(station, DAY));
        let mut count = 0;
        while let Ok(id) = issued.sheet(&range, &Day::default()) {
            assert!(seen.insert(id.as_str().to_owned()), "{id}");
            assert_eq!(id.as_str().len(), 12);
            count += 1;
        }
        assert!((349..=350).contains(&count), "{count}");
        for number in station.block.blanks() {
            let id = FormId::issue(DAY, station.block.node(), number).unwrap();
            assert!(seen.insert(id.as_str().to_owned()), "{id}");
        }
    }
}

#[test]
fn another_machine_under_the_same_code_repeats_nothing_that_the_lost_one_may_have_given_away() {
    let (mut roster, mut keys) = (empty(), Keys(Counter(3)));
    proposed(&mut roster, 'R', NODE, &keys.next()).unwrap();
    proposed(&mut roster, 'W', SMALL_BLOCK, &keys.next()).unwrap();
    for code in ["R01", "W01"].map(|code| StationCode::parse(code).unwrap()) {
        let (mut sheets, mut receptions, mut temporaries) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for life in 0..=MAX_GENERATION {
            let station = roster.station(code).unwrap().clone();
            assert_eq!(station.generation, life);
            // The lost machine gave away everything it could, and no record of it reached anybody.
            let (mut issued, range) = (Issued::default(), Range::of(&station, DAY));
            for _ in 0..50 {
                assert!(receptions.insert(issued.reception(&range, &Day::default())));
                let id = issued.temporary(&range, &Day::default()).unwrap();
                assert!(temporaries.insert(id.as_str().to_owned()), "{id}");
            }
            while let Ok(id) = issued.sheet(&range, &Day::default()) {
                assert!(sheets.insert(id.as_str().to_owned()), "life {life}: {id}");
            }
            let block = station.block_on(DAY);
            for number in block.blanks() {
                let id = FormId::issue(DAY, block.node(), number).unwrap();
                assert!(sheets.insert(id.as_str().to_owned()), "life {life}: {id}");
            }
            let public = keys.next();
            let label = roster.propose_label(code, &[]).unwrap();
            let renewed = roster.renew(&new(code, station.block, label, &public), DAY, &hand());
            if life == MAX_GENERATION {
                assert!(matches!(renewed, Err(RosterFault::NoNumbers(_))));
                continue;
            }
            renewed.unwrap();
            // From tomorrow it has its own numbers again; yesterday's clock does not find them either.
            let station = roster.station(code).unwrap();
            assert_eq!(station.block_on(DAY.tomorrow().unwrap()), station.block);
            assert_ne!(station.block_on(DAY.yesterday().unwrap()), station.block);
        }
        assert_eq!(roster.station(code).unwrap().former.len(), usize::from(MAX_GENERATION));
    }
    // Ten machines, ten names in the vault: each with keys of its own, and all of them still known.
    let ids: BTreeSet<_> = roster.machines().unwrap().into_iter().map(|(id, ..)| id).collect();
    assert_eq!(ids.len(), 20);
}

#[test]
fn what_is_taken_is_refused_whoever_asks_for_it() {
    let (mut roster, mut keys) = (empty(), Keys(Counter(4)));
    let (public, other) = (keys.next(), keys.next());
    let code = |text| StationCode::parse(text).unwrap();
    let label = |text| Label::parse(text).unwrap();
    let block = Block::new(5, 500, 500).unwrap();
    roster
        .enrol(&new(code("W01"), block, label("C8"), &public), None)
        .unwrap();
    let free = Block::new(5, 1_000, 500).unwrap();
    for (code, block, label, public, why) in [
        ("W01", free, "D", other, "code"),
        ("W02", Block::new(5, 900, 200).unwrap(), "D", other, "numbers"),
        ("W02", Block::whole(5).unwrap(), "D", other, "the whole node"),
        ("W02", free, "C8", other, "label"),
        ("W02", free, "CB", other, "label that looks the same"),
        ("W02", free, "D", public, "key"),
    ] {
        let code = StationCode::parse(code).unwrap();
        let refused = roster.enrol(&new(code, block, Label::parse(label).unwrap(), &public), None);
        assert!(matches!(refused, Err(RosterFault::StationTaken(_))), "{why}");
    }
    // What was taken out stays taken.
    assert!(roster.retire_station(code("W01"), Some(&hand())));
    assert!(
        roster
            .enrol(&new(code("W02"), block, label("D"), &other), None)
            .is_err()
    );
    roster.enrol(&new(code("W02"), free, label("D"), &other), None).unwrap();
}

#[test]
fn labels_run_out_into_codes_and_stay_apart() {
    let mut roster = empty();
    let secret = Arc::new(StationSecret::random(&mut rng(2)));
    let mut keys = Keys(Counter(8));
    let public = secret.public();
    let one = roster.propose_label(StationCode::parse("W01").unwrap(), &[]).unwrap();
    assert_eq!(one.as_str(), "A");
    let all: Vec<Label> = Label::proposals().collect();
    let code = StationCode::parse("W77").unwrap();
    let last = roster.propose_label(code, &all).unwrap();
    assert_eq!(last.as_str(), "W77");
    roster
        .enrol(&new(code, Block::whole(1).unwrap(), last, &public), None)
        .unwrap();
    assert_eq!(roster.propose_label(code, &all).unwrap().as_str(), "W77A");
    assert!(proposed(&mut roster, 'W', NODE + 100, &keys.next()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_enrolled_renewed_and_taken_out_no_number_is_two_stations(
        acts in prop::collection::vec((0_u8..5, 0_usize..40, 1_u16..=20), 1..60)
    ) {
        let (mut roster, mut keys, mut today) = (empty(), Keys(Counter(6)), DAY);
        for (act, which, size) in acts {
            let some = roster.stations.get(which % roster.stations.len().max(1)).cloned();
            match (act, some) {
                (0 | 1, _) => {
                    let len = if act == 0 { size * 100 } else { NODE };
                    let _ = proposed(&mut roster, 'W', len, &keys.next());
                }
                (2, Some(station)) => {
                    let public = keys.next();
                    let label = roster.propose_label(station.code, &[]).unwrap();
                    let _ = roster.renew(&new(station.code, station.block, label, &public), today, &hand());
                }
                (3, Some(station)) => { roster.retire_station(station.code, None); }
                (4, _) => today = today.tomorrow().unwrap(),
                _ => {}
            }
            // On this day and on the next, by everybody's clock.
            for day in [today, today.tomorrow().unwrap()] {
                let blocks: Vec<Block> = roster.stations.iter().map(|s| s.block_on(day)).collect();
                for (n, one) in blocks.iter().enumerate() {
                    prop_assert!(blocks.iter().skip(n + 1).all(|other| !one.overlaps(other)), "{one}");
                }
            }
            let labels: Vec<&Label> = roster.stations.iter()
                .flat_map(|s| std::iter::once(&s.label).chain(s.former.iter().map(|f| &f.label))).collect();
            for (n, one) in labels.iter().enumerate() {
                prop_assert!(labels.iter().skip(n + 1).all(|other| !one.looks_like(other)), "{one}");
            }
        }
    }
}
