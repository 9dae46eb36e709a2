//! Every bit and every length of a parcel of records of about 64 KiB: what is taken from it is what was sent, or nothing.
//!
//! The suite tries every bit outside the records' sealed bytes and one bit of each of those; `cargo xtask torture` all.
#![allow(clippy::disallowed_methods)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use downtime::stations::Parcel;
use vault::CompartmentId;
use vault::files::Disk;
use vault::journal::{Class, Incarnation, Journal, NewRecord, Record, Start, Stations, read_journal};

use crate::fuzz::seeds::parcel_of;
use crate::fuzz::targets::{HOSPITAL, Repeatable, STATION, keys};

fn sent() -> Vec<Record> {
    let dir = tempfile::tempdir().unwrap();
    let start = Start {
        hospital: HOSPITAL,
        station: STATION,
        secret: &keys().station,
        incarnation: Incarnation::Continue,
        readers: &[keys().role.public()],
        hlc: 1,
        time_quality: 1,
    };
    let mut rng = Repeatable(64);
    let (mut journal, _) = Journal::start(Arc::new(Disk), dir.path(), &start, &mut rng).unwrap();
    let payload = [b'e'; 3_000];
    let entry = NewRecord {
        class: Class(5),
        compartment: CompartmentId(0),
        user: [8; 16],
        hlc: 9,
        time_quality: 2,
        payload: &payload,
    };
    journal.append_batch(&[entry; 19], &mut rng).unwrap();
    let public = keys().station.public();
    read_journal(&Disk, dir.path(), &HOSPITAL, &STATION, &public)
        .unwrap()
        .records
}

/// What a station takes from these bytes, as far as it was not sent: records that verify and are new.
fn accepted(bytes: &[u8], sent: &[Record], stations: &Stations) -> usize {
    let Ok(parcel) = Parcel::from_bytes(bytes) else {
        return 0;
    };
    // What is the same to the byte is what was sent; only the others are worth a signature check.
    let mut taken = 0;
    for (n, record) in parcel.records.iter().enumerate() {
        // What is the same to the byte is what was sent; only another one is worth a signature check.
        let same = sent.get(n).is_some_and(|sent| sent.bytes() == record.0)
            || sent.iter().any(|sent| sent.bytes() == record.0);
        taken += usize::from(!same && Record::parse_verified(&record.0, stations).is_ok());
    }
    taken
}

#[test]
fn nothing_that_was_not_sent_is_taken_from_a_changed_parcel() {
    let records = sent();
    let parcel = parcel_of(&records);
    assert!((56 << 10..72 << 10).contains(&parcel.len()), "{}", parcel.len());
    let stations = Stations::from([(STATION, keys().station.public())]);
    assert_eq!(Parcel::from_bytes(&parcel).unwrap().records.len(), records.len());
    let torture = std::env::var_os("TORTURE").is_some();
    let mut sealed = vec![false; parcel.len()];
    let mut at = 3;
    for record in &records {
        let len = record.bytes().len();
        sealed[at + 3 + 140..at + 3 + len - 68].fill(true);
        at += 3 + len;
    }
    let (next, tried, taken) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut changed = parcel.clone();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= parcel.len() {
                        break;
                    }
                    let one = Repeatable(at as u64).below(8);
                    for bit in (0..8).filter(|bit| *bit == one || torture || !sealed[at]) {
                        changed[at] ^= 1 << bit;
                        tried.fetch_add(1, Ordering::Relaxed);
                        taken.fetch_add(accepted(&changed, &records, &stations), Ordering::Relaxed);
                        changed[at] ^= 1 << bit;
                    }
                    // The same place as an end.
                    taken.fetch_add(accepted(&parcel[..at], &records, &stations), Ordering::Relaxed);
                }
            });
        }
    });
    let (tried, taken) = (tried.into_inner(), taken.into_inner());
    println!(
        "torture: parcel of {} bytes: {tried} flips and {} truncations, {taken} accepted, 0 panics",
        parcel.len(),
        parcel.len()
    );
    assert_eq!(taken, 0);
    assert!(tried > parcel.len());
}
