//! A journal that rotted, was forged or was mixed up: what is left is right, and what is wrong is named.

use std::path::Path;

use vault::journal::{DamageKind, Record, RecordRefused, Stations, Walk, read_journal, verify_chain};
use vault::simfs::{Ending, SimFs};

use crate::hospital::*;
use crate::journal::{DIR, Desk, segment, texts};

#[test]
fn rot_among_acknowledged_records_is_named_and_costs_only_what_it_hit() {
    let mut desk = Desk::new(87);
    let fs = SimFs::new(8);
    let (mut journal, _) = desk.start(&fs).unwrap();
    for n in 0..6 {
        desk.append(&mut journal, &texts(n * 10..n * 10 + 3)).unwrap();
    }
    drop(journal);
    // Batches begin at 4 KiB blocks; 0 is the header, 1 the key record, 2 the settled mark, 3.. the entries.
    fs.tamper(&segment(1), |bytes| bytes[5 * 4096 + 400..5 * 4096 + 700].fill(0xEE));
    fs.break_sector(&segment(1), 7 * 4096 + 100);
    let (mut journal, walk) = desk.start(&fs).unwrap();
    let left = desk.payloads(&walk.records);
    assert_eq!(left.len(), 18 - 2 - 3, "{:?}", walk.damage);
    assert!(
        texts(50..53).iter().all(|entry| left.contains(entry)),
        "what is behind the damage is there"
    );
    assert!(
        walk.damage
            .iter()
            .any(|damage| matches!(damage.kind, DamageKind::Missing { from: 9, to: 10, .. })),
        "{:?}",
        walk.damage
    );
    assert!(walk.damage.iter().any(|damage| damage.kind == DamageKind::Garbled));
    assert!(
        walk.damage
            .iter()
            .any(|damage| damage.kind == DamageKind::Unreadable && damage.offset == 7 * 4096)
    );
    let bytes = fs.bytes(&segment(1)).unwrap();
    assert_eq!(bytes[5 * 4096 + 400], 0xEE, "the damaged file itself is kept as it is");
    let receipts = desk.append(&mut journal, &texts(60..61)).unwrap();
    let header = receipts[0].header();
    let before = walk.records[0].header().incarnation;
    assert_eq!(header.seq, 2, "nothing is chained behind a gap");
    assert_ne!(header.incarnation, before, "nor is a number given twice");
}

#[test]
fn no_flipped_bit_of_a_segment_changes_an_entry_unseen() {
    let mut desk = Desk::new(88);
    let fs = SimFs::new(9);
    let (mut journal, _) = desk.start(&fs).unwrap();
    desk.append(&mut journal, &texts(0..2)).unwrap();
    desk.append(&mut journal, &texts(2..3)).unwrap();
    drop(journal);
    let whole = fs.bytes(&segment(1)).unwrap();
    let ids = |walk: &Walk| walk.records.iter().map(|record| *record.id()).collect::<Vec<_>>();
    let good = ids(&desk.read(&fs));
    // Padding is not looked at; everything else is one of: header block, batch headers, records.
    let used: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] != 0).collect();
    for at in used.iter().step_by(if cfg!(debug_assertions) { 37 } else { 1 }) {
        for bit in 0..8 {
            fs.tamper(&segment(1), |bytes| bytes[*at] ^= 1 << bit);
            let walk = desk.read(&fs);
            let found = ids(&walk);
            assert!(
                found.iter().all(|id| good.contains(id)),
                "byte {at} bit {bit}: nothing new appears"
            );
            assert!(
                found == good || !walk.damage.is_empty(),
                "byte {at} bit {bit}: a loss is named"
            );
            assert!(
                found.len() + 1 >= good.len(),
                "byte {at} bit {bit}: only one record is hit"
            );
            fs.tamper(&segment(1), |bytes| bytes[*at] ^= 1 << bit);
        }
    }
    for len in (0..whole.len()).step_by(if cfg!(debug_assertions) { 301 } else { 3 }) {
        fs.tamper(&segment(1), |bytes| bytes.truncate(len));
        let found = ids(&desk.read(&fs));
        assert!(good.starts_with(&found), "first {len} bytes: a prefix");
        fs.tamper(&segment(1), |bytes| bytes.clone_from(&whole));
    }
}

#[test]
fn no_flipped_bit_and_no_other_length_of_a_record_is_taken_from_outside() {
    let mut desk = Desk::new(89);
    let fs = SimFs::new(10);
    let (mut journal, _) = desk.start(&fs).unwrap();
    desk.append(&mut journal, &texts(0..1)).unwrap();
    let bytes = desk.read(&fs).records[1].bytes().to_vec();
    let stations = desk.stations();
    assert!(Record::parse_verified(&bytes, &stations).is_ok());
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(Record::parse_verified(&changed, &stations).is_err(), "bit {bit}");
    }
    for len in 0..bytes.len() {
        assert!(
            Record::parse_verified(&bytes[..len], &stations).is_err(),
            "first {len} bytes"
        );
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(
        Record::parse_verified(&longer, &stations),
        Err(RecordRefused::Malformed)
    );
    assert_eq!(
        Record::parse_verified(&bytes, &Stations::new()),
        Err(RecordRefused::UnknownStation)
    );
    let impostor = Stations::from([(STATION, desk.hospital.other_station.public())]);
    assert_eq!(
        Record::parse_verified(&bytes, &impostor),
        Err(RecordRefused::BadSignature)
    );
}

/// A whole tail written by somebody without the station's key, with every check sum and hash right.
#[test]
fn a_forged_tail_is_refused_and_the_real_chain_goes_on() {
    let mut desk = Desk::new(90);
    let fs = SimFs::new(11);
    let (mut journal, _) = desk.start(&fs).unwrap();
    desk.append(&mut journal, &texts(0..2)).unwrap();
    drop(journal);
    let mut forger = Desk::new(90);
    forger.hospital.station = forger.hospital.other_station.clone();
    // The forger signs with another key but names this station, in the chain's own files.
    let forged = fs.fork(1);
    let (mut journal, _) = forger.start(&forged).unwrap();
    forger.append(&mut journal, &texts(70..72)).unwrap();
    drop(journal);
    let (_, walk) = desk.start(&forged).unwrap();
    assert_eq!(desk.payloads(&walk.records), texts(0..2));
    assert!(
        walk.damage
            .iter()
            .filter(|damage| damage.kind == DamageKind::Forged)
            .count()
            >= 3,
        "{:?}",
        walk.damage
    );
}

/// Segments of two lives that went on from the same disk image: what does not fit is named, where it does not fit.
#[test]
fn mixed_files_of_two_copies_of_one_disk_leave_no_unnamed_break() {
    let mut desk = Desk::new(94);
    let one = SimFs::new(15);
    let (mut journal, _) = desk.start(&one).unwrap();
    desk.append(&mut journal, &texts(0..2)).unwrap();
    drop(journal);
    let other = one.fork(1);
    other.restart(Ending::Kill);
    for (fs, first) in [(&one, 10), (&other, 20)] {
        let (mut journal, _) = desk.start(fs).unwrap();
        (0..3).for_each(|n| drop(desk.append(&mut journal, &texts(first + n..first + n + 1)).unwrap()));
    }
    other.restart(Ending::Kill);
    let (mut journal, _) = desk.start(&other).unwrap();
    desk.append(&mut journal, &texts(30..31)).unwrap();
    let third = other.bytes(&segment(3)).unwrap();
    one.restart(Ending::Kill);
    let (journal, _) = desk.start(&one).unwrap();
    drop(journal);
    one.tamper(&segment(3), |bytes| *bytes = third);
    let walk = desk.read(&one);
    assert_eq!(desk.payloads(&walk.records[..7]), [texts(0..2), texts(10..13)].concat());
    assert_eq!(
        desk.read(&other).records.last(),
        walk.records.last(),
        "the other copy's newest entry is not lost"
    );
    let named = |wanted: fn(&DamageKind) -> bool| walk.damage.iter().filter(|damage| wanted(&damage.kind)).count();
    assert_eq!(
        named(|kind| matches!(kind, DamageKind::Missing { from: 8, to: 8, .. })),
        1,
        "{:?}",
        walk.damage
    );
    assert_eq!(named(|kind| *kind == DamageKind::Unlinked), 2, "{:?}", walk.damage);
    let report = verify_chain(&walk.records, &desk.stations());
    assert_eq!(
        (report.breaks.len(), report.bad_signatures.len()),
        (1, 0),
        "one break, and it is named"
    );
}

#[test]
fn another_stations_files_are_not_taken_in() {
    let mut desk = Desk::new(91);
    let fs = SimFs::new(12);
    let (mut journal, _) = desk.start(&fs).unwrap();
    desk.append(&mut journal, &texts(0..2)).unwrap();
    drop(journal);
    let walk = read_journal(
        &fs,
        Path::new(DIR),
        &HOSPITAL,
        &OTHER_STATION,
        &desk.hospital.other_station.public(),
    )
    .unwrap();
    assert!(walk.records.is_empty());
    assert_eq!(
        walk.damage.iter().map(|damage| damage.kind.clone()).collect::<Vec<_>>(),
        [DamageKind::NotASegment]
    );
}
