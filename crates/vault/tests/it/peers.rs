//! Records of other stations: kept byte for byte, once, and durably.

use std::path::Path;
use std::sync::Arc;

use vault::journal::{DamageKind, RecordLog, Stations};
use vault::simfs::{Ending, Fault, SimFs};

use crate::hospital::*;
use crate::journal::{Desk, texts};

#[test]
fn other_stations_records_are_kept_byte_for_byte_and_once() {
    let mut desk = Desk::new(92);
    let (here, there) = (SimFs::new(13), SimFs::new(14));
    let (mut journal, _) = desk.start(&there).unwrap();
    desk.append(&mut journal, &texts(0..5)).unwrap();
    let sent = desk.read(&there).records;
    let stations = desk.stations();
    let log_start = |fs: &SimFs| {
        RecordLog::start(
            Arc::new(fs.clone()),
            Path::new("/peers"),
            &HOSPITAL,
            &OTHER_STATION,
            &stations,
        )
    };
    let (mut log, contents) = log_start(&here).unwrap();
    assert!(contents.records.is_empty());
    // Out of order, with a gap, twice.
    assert_eq!(
        log.append(&[sent[4].clone(), sent[1].clone(), sent[4].clone()])
            .unwrap(),
        2
    );
    assert_eq!(log.append(&sent[..3]).unwrap(), 2);
    assert!(log.holds(sent[2].id()) && !log.holds(sent[3].id()));
    drop(log);
    here.restart(Ending::PowerCut);
    let (mut log, contents) = log_start(&here).unwrap();
    let expected: Vec<_> = [4, 1, 0, 2].iter().map(|n: &usize| sent[*n].clone()).collect();
    assert_eq!(contents.records, expected);
    assert_eq!(contents.damage, []);
    assert_eq!(log.append(&sent).unwrap(), 2);
    drop(log);
    let (_, contents) = log_start(&here).unwrap();
    assert_eq!(contents.records.len(), 6);
    assert_eq!(contents.records[0].bytes(), sent[4].bytes());
    let beside = RecordLog::read(&here, Path::new("/peers"), &HOSPITAL, &OTHER_STATION, &stations).unwrap();
    assert_eq!(beside.records, contents.records, "reading needs no lock");
    let strangers = Stations::new();
    let (_, contents) = RecordLog::start(
        Arc::new(here.fork(0)),
        Path::new("/peers"),
        &HOSPITAL,
        &OTHER_STATION,
        &strangers,
    )
    .unwrap();
    assert!(contents.records.is_empty());
    assert!(contents.damage.iter().all(|damage| damage.kind == DamageKind::Forged));
}

/// Not saved, yet visible in the page cache after the process died: taking it for received needs it to be made durable.
#[test]
fn what_a_dead_process_left_in_the_air_is_made_durable_before_it_counts() {
    let mut desk = Desk::new(95);
    let (here, there) = (SimFs::new(16), SimFs::new(17));
    let (mut journal, _) = desk.start(&there).unwrap();
    desk.append(&mut journal, &texts(0..5)).unwrap();
    let sent = desk.read(&there).records;
    let stations = desk.stations();
    let start = || {
        RecordLog::start(
            Arc::new(here.clone()),
            Path::new("/peers"),
            &HOSPITAL,
            &OTHER_STATION,
            &stations,
        )
    };
    let (mut log, _) = start().unwrap();
    log.append(&sent[..1]).unwrap();
    // The sync fails, and no new file can be made.
    (1..4).for_each(|n| here.fault_in(n, Fault::Fail));
    assert!(log.append(&sent[1..2]).is_err());
    assert!(!log.holds(sent[1].id()));
    log.append(&sent[2..3]).unwrap();
    log.append(&sent[3..4]).unwrap();
    drop(log);
    here.restart(Ending::Kill);
    let (log, _) = start().unwrap();
    assert!(log.holds(sent[1].id()), "it was in the page cache");
    drop(log);
    here.restart(Ending::PowerCut);
    let (log, _) = start().unwrap();
    assert!(
        sent[..4].iter().all(|record| log.holds(record.id())),
        "and from then on it stays"
    );
}
