//! Installing snapshots: whatever goes wrong, there is a good one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use vault::files::{Disk, Files};
use vault::keys::RecoverySecret;
use vault::shelf_slots::{BoxError, Found, Identity, Installed, SlotName, Slots, SlotsFault, whole_snapshot};
use vault::simfs::{Ending, Fault, SimFs};
use vault::snapshot::Snapshot;

use crate::hospital::*;

fn slots(fs: &SimFs) -> Slots {
    Slots::open(Arc::new(fs.clone()), Path::new("/shelf")).unwrap()
}

fn install(slots: &Slots, hospital: &Hospital, file: &[u8]) -> Result<Installed<Snapshot>, SlotsFault> {
    let trusted = hospital.trusted();
    // Small writes, as a real sink sees them, so that faults can hit between any two.
    slots.install(
        |sink| {
            file.chunks(700)
                .try_for_each(|part| sink.write_all(part))
                .map_err(BoxError::from)
        },
        &mut |source| whole_snapshot(source, &trusted),
    )
}

fn current(slots: &Slots, hospital: &Hospital) -> Found<Snapshot> {
    let trusted = hospital.trusted();
    slots.current(&mut |source| whole_snapshot(source, &trusted)).unwrap()
}

fn current_epoch(slots: &Slots, hospital: &Hospital) -> Option<u64> {
    current(slots, hospital).current.map(|current| current.identity.epoch)
}

#[test]
fn each_install_replaces_the_oldest_and_the_newest_is_current() {
    let mut hospital = Hospital::new(60);
    let fs = SimFs::new(1);
    let slots = slots(&fs);
    assert!(current(&slots, &hospital).current.is_none());
    for epoch in 1..=7 {
        let (file, sealed) = hospital.seal(epoch, 3);
        let installed = install(&slots, &hospital, &file).unwrap();
        assert_eq!(installed.current.identity, Identity::from(&sealed.manifest));
        assert_eq!(
            installed.destroyed.map(|record| record.identity.unwrap().epoch),
            (epoch > 3).then(|| epoch - 3)
        );
        assert_eq!(current_epoch(&slots, &hospital), Some(epoch));
    }
    assert_eq!(slots.pointers().unwrap().len(), 7, "the log keeps its history");
}

#[test]
fn an_older_or_equal_snapshot_is_not_installed() {
    let mut hospital = Hospital::new(61);
    let fs = SimFs::new(2);
    let slots = slots(&fs);
    let (old, _) = hospital.seal(4, 1);
    let (new, _) = hospital.seal(5, 1);
    install(&slots, &hospital, &new).unwrap();
    assert!(matches!(install(&slots, &hospital, &old), Err(SlotsFault::NotNewer)));
    assert!(matches!(install(&slots, &hospital, &new), Err(SlotsFault::NotNewer)));
    assert_eq!(current_epoch(&slots, &hospital), Some(5));
    assert_eq!(fs.paths().len(), 3, "one snapshot, two copies of the pointer log");
}

#[test]
fn a_damaged_newest_snapshot_is_refused_aloud_and_the_one_before_is_shown() {
    let mut hospital = Hospital::new(62);
    let fs = SimFs::new(3);
    let slots = slots(&fs);
    for epoch in 1..=2 {
        let (file, _) = hospital.seal(epoch, 3);
        install(&slots, &hospital, &file).unwrap();
    }
    let newest = current(&slots, &hospital).current.unwrap().slot;
    let path = PathBuf::from(format!("/shelf/{newest:?}/snapshot.tmb"));
    fs.tamper(&path, |bytes| bytes[3000] ^= 1);
    let found = current(&slots, &hospital);
    assert_eq!(found.current.unwrap().identity.epoch, 1);
    assert_eq!(
        found.refused.iter().map(|(slot, _)| *slot).collect::<Vec<_>>(),
        [newest]
    );
    let (file, _) = hospital.seal(3, 3);
    assert_eq!(
        install(&slots, &hospital, &file).unwrap().current.slot,
        newest,
        "the bad slot is reused first"
    );
    assert_eq!(current_epoch(&slots, &hospital), Some(3));
}

#[test]
fn one_or_both_pointer_logs_lost_still_shows_something() {
    let mut hospital = Hospital::new(63);
    let fs = SimFs::new(4);
    let slots = slots(&fs);
    for epoch in 1..=3 {
        let (file, _) = hospital.seal(epoch, 2);
        install(&slots, &hospital, &file).unwrap();
    }
    fs.tamper(Path::new("/shelf/CURRENT.a.log"), |bytes| bytes.fill(0));
    assert_eq!(current_epoch(&slots, &hospital), Some(3));
    fs.tamper(Path::new("/shelf/CURRENT.b.log"), |bytes| bytes.truncate(100));
    assert!(slots.pointers().unwrap().is_empty());
    assert_eq!(
        current_epoch(&slots, &hospital),
        Some(3),
        "found by looking into the slots"
    );
}

#[test]
fn destroying_erases_the_keys_first_and_spares_the_one_in_use() {
    let mut hospital = Hospital::new(64);
    let fs = SimFs::new(5);
    let slots = slots(&fs);
    let mut plan = hospital.plan(1);
    plan.recovery = Some(RecoverySecret::random(&mut hospital.rng).public());
    let (file, sealed) = hospital.seal_plan(&plan, 2);
    install(&slots, &hospital, &file).unwrap();
    assert!(matches!(
        slots.destroy(SlotName::A, Some(SlotName::A)),
        Err(SlotsFault::InUse(SlotName::A))
    ));
    assert_eq!(current_epoch(&slots, &hospital), Some(1));
    let record = slots.destroy(SlotName::A, None).unwrap().unwrap();
    assert_eq!(
        (record.identity, record.file_len),
        (Some(Identity::from(&sealed.manifest)), file.len() as u64)
    );
    let plain: u64 = sealed
        .manifest
        .sections
        .iter()
        .filter(|s| [5, 7, 8].contains(&s.kind.code()))
        .map(|s| s.len)
        .sum();
    assert_eq!(
        record.erased,
        file.len() as u64 - plain - 16,
        "all but header, records, dictionary and statistics: the recovery keys too"
    );
    assert_eq!(slots.destroy(SlotName::A, None).unwrap(), None);
    assert!(current(&slots, &hospital).current.is_none());
}

/// Every operation of an install × every accident × two ways to go on: a good snapshot is there afterwards, and it
/// is the old or the new one, never a worse one; and the next install works.
#[test]
fn an_install_interrupted_anywhere_leaves_a_good_snapshot() {
    let mut hospital = Hospital::new(65);
    let files: Vec<Vec<u8>> = (1..=5).map(|epoch| hospital.seal(epoch, 2).0).collect();
    let fs = SimFs::new(6);
    let store = slots(&fs);
    for file in &files[..3] {
        install(&store, &hospital, file).unwrap();
    }
    let before = fs.operations();
    install(&slots(&fs.fork(0)), &hospital, &files[3]).unwrap();
    let probe = fs.fork(0);
    install(&slots(&probe), &hospital, &files[3]).unwrap();
    let operations = probe.operations() - before;
    assert!(operations > 15, "{operations}");
    let mut outcomes = [0; 2];
    for operation in 0..operations {
        for fault in [Fault::Kill, Fault::Full, Fault::Short, Fault::Fail] {
            for ending in [Ending::Kill, Ending::PowerCut] {
                let fs = fs.fork(operation * 31 + fault as u64);
                fs.fault_in(operation, fault);
                let result = install(&slots(&fs), &hospital, &files[3]);
                let shown = (!fs.is_dead()).then(|| current_epoch(&slots(&fs), &hospital).unwrap());
                fs.restart(ending);
                let after = current_epoch(&slots(&fs), &hospital).unwrap();
                assert!(
                    after == 4 || (after == 3 && result.is_err()),
                    "{operation} {fault:?} {ending:?}: {after}"
                );
                assert!(shown.is_none_or(|shown| shown >= 3));
                outcomes[usize::from(after == 4)] += 1;
                install(&slots(&fs), &hospital, &files[4]).unwrap();
                fs.restart(Ending::PowerCut);
                assert_eq!(current_epoch(&slots(&fs), &hospital), Some(5));
            }
        }
    }
    assert!(
        outcomes.iter().all(|count| *count > 20),
        "both outcomes occur: {outcomes:?}"
    );
}

/// A disk that is full from some moment on and stays full: the old snapshot stays.
#[test]
fn a_full_disk_never_costs_the_last_good_snapshot() {
    let mut hospital = Hospital::new(66);
    let fs = SimFs::new(7);
    let (old, _) = hospital.seal(1, 2);
    let (new, _) = hospital.seal(2, 2);
    install(&slots(&fs), &hospital, &old).unwrap();
    for operation in 0..40 {
        let fs = fs.fork(operation);
        fs.full_in(operation);
        let result = install(&slots(&fs), &hospital, &new);
        let expected = if result.is_ok() { 2 } else { 1 };
        assert!(current_epoch(&slots(&fs), &hospital).unwrap() >= expected);
        fs.restart(Ending::PowerCut);
        assert!(current_epoch(&slots(&fs), &hospital).unwrap() >= expected);
        fs.heal();
        install(&slots(&fs), &hospital, &hospital_file(&mut Hospital::new(66), 3)).unwrap();
    }
}

fn hospital_file(hospital: &mut Hospital, epoch: u64) -> Vec<u8> {
    hospital.seal(epoch, 2).0
}

#[test]
fn it_works_on_the_real_disk() {
    let mut hospital = Hospital::new(67);
    let dir = tempfile::tempdir().unwrap();
    let slots = Slots::open(Arc::new(Disk), &dir.path().join("deep/shelf")).unwrap();
    for epoch in 1..=4 {
        let (file, _) = hospital.seal(epoch, 20);
        install(&slots, &hospital, &file).unwrap();
    }
    assert_eq!(current_epoch(&slots, &hospital), Some(4));
    let open = current(&slots, &hospital).current.unwrap().opened;
    let doctor = open
        .unlock_station(&STATION, &hospital.station)
        .unwrap()
        .unlock_user(&DOCTOR, &hospital.doctor)
        .unwrap();
    assert_eq!(*doctor.record(EVERYBODY, 19).unwrap(), patient(19));
    let lock = Disk.lock(&dir.path().join("LOCK")).unwrap();
    assert!(Disk.lock(&dir.path().join("LOCK")).is_err());
    drop(lock);
    assert!(Disk.lock(&dir.path().join("LOCK")).is_ok());
}
