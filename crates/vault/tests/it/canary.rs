//! The canary section: opened by a station with nobody signed in, by no other, never wrongly; snapshots without one say so.

use vault::snapshot::{MAX_CANARIES, SealFault, SectionKind, Snapshot, SnapshotFault, SnapshotWriter};

use crate::hospital::{EVERYBODY, Hospital, OTHER_STATION, STATION, patient, source, thin};

const PLAIN: &[u8] = b"twenty invented patients, and what the sealer's press made of them";

fn sealed(hospital: &mut Hospital, plain: &[u8]) -> Vec<u8> {
    let plan = hospital.plan(7);
    let mut file = Vec::new();
    let mut writer = SnapshotWriter::new(&mut file, &plan, &hospital.sealer, &mut hospital.rng).unwrap();
    writer.set_canaries(plain).unwrap();
    writer.add_record(&[EVERYBODY], &patient(1)).unwrap();
    writer.finish(&mut |id, count| thin(id, count), b"stat").unwrap();
    file
}

#[test]
fn every_enrolled_station_opens_it_with_nobody_signed_in() {
    let mut hospital = Hospital::new(1);
    let file = sealed(&mut hospital, PLAIN);
    let snapshot = Snapshot::open(source(file), &hospital.trusted()).unwrap();
    for (id, secret) in [(STATION, &hospital.station), (OTHER_STATION, &hospital.other_station)] {
        assert_eq!(snapshot.canaries(&id, secret).unwrap().unwrap().as_slice(), PLAIN);
    }
    assert!(matches!(
        snapshot.canaries(&STATION, &hospital.other_station),
        Err(SnapshotFault::CannotOpen(_))
    ));
    // The section costs no reader of older programs anything: it is listed and hashed like every other.
    assert!(snapshot.verify_sections(&mut |_, _| ()).changed.is_empty());
    assert_eq!(snapshot.manifest().min_client, 1);
}

#[test]
fn a_snapshot_without_one_says_so() {
    let mut hospital = Hospital::new(2);
    let (file, _) = hospital.seal(7, 3);
    let snapshot = Snapshot::open(source(file), &hospital.trusted()).unwrap();
    assert!(snapshot.canaries(&STATION, &hospital.station).unwrap().is_none());
    assert!(snapshot.manifest().section(SectionKind::Canary, 0).is_none());
}

#[test]
fn a_changed_byte_is_seen_and_too_much_is_refused() {
    let mut hospital = Hospital::new(3);
    let file = sealed(&mut hospital, PLAIN);
    let snapshot = Snapshot::open(source(file.clone()), &hospital.trusted()).unwrap();
    let section = *snapshot.manifest().section(SectionKind::Canary, 0).unwrap();
    for at in section.offset..section.offset + section.len {
        let mut bad = file.clone();
        bad[usize::try_from(at).unwrap()] ^= 1;
        let snapshot = Snapshot::open(source(bad), &hospital.trusted()).unwrap();
        let refused = snapshot.canaries(&STATION, &hospital.station);
        assert!(matches!(
            refused,
            Err(SnapshotFault::SectionChanged(SectionKind::Canary, 0))
        ));
    }
    let plan = hospital.plan(8);
    let mut file = Vec::new();
    let mut writer = SnapshotWriter::new(&mut file, &plan, &hospital.sealer, &mut hospital.rng).unwrap();
    let refused = writer.set_canaries(&vec![0; MAX_CANARIES + 1]);
    assert!(matches!(refused, Err(SealFault::Plan(_))));
}

#[test]
fn it_is_sealed_and_not_only_signed() {
    let mut hospital = Hospital::new(4);
    let file = sealed(&mut hospital, PLAIN);
    assert!(!file.windows(8).any(|window| window == &PLAIN[..8]));
}
