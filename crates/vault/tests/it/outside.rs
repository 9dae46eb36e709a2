//! Bytes from outside, of any kind: refused without a panic and without taking memory for what they claim.

use std::path::Path;

use proptest::prelude::*;
use vault::journal::{Record, Stations, read_journal};
use vault::keys::{RoleSecret, SealerSecret, StationPublic, StationSecret, UserPublic, UserSecret};
use vault::sealbox;
use vault::simfs::SimFs;
use vault::slot::Slot;
use vault::snapshot::Snapshot;

use crate::hospital::*;
use crate::journal::{DIR, Desk, segment, texts};

fn any_bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..most)
}

/// Good bytes with one piece replaced, repeated or cut: what gets past the first checks.
fn nearly(good: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let len = good.len();
    (0..len, 0..len, 0..64_usize, any_bytes(40), any::<bool>()).prop_map(move |(at, from, count, noise, keep)| {
        let mut bytes = good.clone();
        let end = (at + noise.len()).min(bytes.len());
        bytes.splice(at..end, noise);
        let again = bytes
            .get(from..)
            .unwrap_or_default()
            .iter()
            .take(count)
            .copied()
            .collect::<Vec<_>>();
        bytes.extend(again);
        if !keep {
            bytes.truncate(at);
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 32 } else { 512 }))]

    #[test]
    fn no_bytes_are_taken_for_keys_slots_or_records(bytes in any_bytes(400)) {
        prop_assert!(UserSecret::from_file_bytes(&bytes).is_err());
        prop_assert!(StationSecret::from_file_bytes(&bytes).is_err());
        prop_assert!(SealerSecret::from_file_bytes(&bytes).is_err());
        prop_assert!(RoleSecret::from_file_bytes(&bytes).is_err());
        prop_assert!(Record::parse_verified(&bytes, &Stations::new()).is_err());
        if let Ok(slot) = Slot::from_bytes(&bytes) {
            let _ = slot.wants();
        }
        if let Some(half) = bytes.first_chunk::<32>() {
            let _ = UserPublic::from_bytes(half);
        }
        if let Some(whole) = bytes.first_chunk::<64>() {
            let _ = StationPublic::from_bytes(whole);
        }
        let key = vault::keys::Key32::from_bytes([7; 32]);
        prop_assert!(sealbox::open(&key, &vault::context::Context::new("rec", &HOSPITAL), &bytes).is_err());
    }

    #[test]
    fn nearly_a_snapshot_is_none(bytes in nearly({ let mut hospital = Hospital::new(50); hospital.seal(1, 2).0 })) {
        let hospital = Hospital::new(50);
        let good = Hospital::new(50).seal(1, 2).0;
        if bytes != good {
            let opened = Snapshot::open(source(bytes), &hospital.trusted());
            prop_assert!(!opened.is_ok_and(|snapshot| snapshot.verify_sections(&mut |_, _| ()).is_whole()));
        }
    }

    #[test]
    fn nearly_a_segment_yields_no_record_that_was_not_written(bytes in nearly(small_segment())) {
        let mut desk = Desk::new(51);
        let fs = SimFs::new(0);
        let (mut journal, _) = desk.start(&fs).unwrap();
        desk.append(&mut journal, &texts(0..2)).unwrap();
        let written = desk.read(&fs).records;
        fs.tamper(&segment(1), |there| *there = bytes);
        let public = desk.hospital.station.public();
        let walk = read_journal(&fs, Path::new(DIR), &HOSPITAL, &STATION, &public).unwrap();
        prop_assert!(walk.records.iter().all(|record| written.contains(record)));
        prop_assert!(walk.records.len() == written.len() || !walk.damage.is_empty() || written.starts_with(&walk.records));
    }
}

fn small_segment() -> Vec<u8> {
    let mut desk = Desk::new(51);
    let fs = SimFs::new(0);
    let (mut journal, _) = desk.start(&fs).unwrap();
    desk.append(&mut journal, &texts(0..2)).unwrap();
    fs.bytes(&segment(1)).unwrap()
}
