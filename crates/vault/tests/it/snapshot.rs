//! Sealing and opening a snapshot, and everything that must not open.

use std::sync::Arc;

use vault::keys::{StationSecret, UserSecret};
use vault::snapshot::{RecordFault, SealFault, SectionKind, Snapshot, SnapshotFault, SnapshotWriter, Unlocked};
use vault::{CompartmentId, HospitalId, RoleId};

use crate::hospital::*;

#[test]
fn what_was_sealed_is_opened_by_those_it_was_sealed_for() {
    let mut hospital = Hospital::new(1);
    let (file, sealed) = hospital.seal(40_000, 30);
    let snapshot = Snapshot::open(source(file), &hospital.trusted()).unwrap();
    assert_eq!(*snapshot.manifest(), sealed.manifest);
    assert_eq!((snapshot.manifest().epoch, snapshot.manifest().records), (40_000, 30));
    assert_eq!(snapshot.stat().unwrap(), b"stat: all is well");

    let outer = snapshot.unlock_station(&STATION, &hospital.station).unwrap();
    assert_eq!(outer.policy(), b"policy");
    assert_eq!(
        outer
            .users()
            .iter()
            .map(|user| user.record.as_slice())
            .collect::<Vec<_>>(),
        [b"clerk".as_slice(), b"doctor"]
    );
    assert_eq!(
        outer.user(&DOCTOR).unwrap().roles().collect::<Vec<_>>(),
        [PHYSICIAN, RECEPTION]
    );

    let doctor = outer.unlock_user(&DOCTOR, &hospital.doctor).unwrap();
    assert_eq!(
        doctor
            .access()
            .map(|access| (access.compartment, access.verbs))
            .collect::<Vec<_>>(),
        [(EVERYBODY, READ | RECORD), (WARD, READ | RECORD)]
    );
    assert_eq!(
        doctor.enclosures().collect::<Vec<_>>(),
        [(PHYSICIAN, b"for physicians".as_slice()), (RECEPTION, b"for reception")]
    );
    assert_eq!(doctor.compartment_name(WARD), Some(b"ward".as_slice()));
    let index = doctor.index(EVERYBODY).unwrap();
    assert_eq!((index.len, blocks(&index)), (30, thin(EVERYBODY, 30)));
    for n in 0..30 {
        assert_eq!(*doctor.record(EVERYBODY, n as u32).unwrap(), patient(n));
    }
    assert_eq!(
        *doctor.record(WARD, 3).unwrap(),
        patient(6),
        "one record, two compartments"
    );
    assert!(matches!(doctor.record(EVERYBODY, 30), Err(RecordFault::NoSuchRecord)));

    let clerk = outer.unlock_user(&CLERK, &hospital.clerk).unwrap();
    assert_eq!(clerk.access().count(), 1);
    assert_eq!(
        *clerk.record(WARD, 1).unwrap(),
        patient(2),
        "without asking for the index first"
    );
    assert!(matches!(clerk.record(EVERYBODY, 0), Err(RecordFault::NoSuchRecord)));
    assert!(matches!(clerk.index(EVERYBODY), Err(SnapshotFault::NotFor(_))));
}

#[test]
fn the_sealer_can_prove_it_without_a_user() {
    let mut hospital = Hospital::new(2);
    let (file, sealed) = hospital.seal(1, 25);
    let snapshot = Snapshot::open(source(file), &hospital.trusted()).unwrap();
    assert!(snapshot.verify_sections(&mut |_, _| ()).is_whole());
    let mut last = (0, 0);
    let checked = snapshot
        .unlock_epoch(&sealed.reopen)
        .unwrap()
        .verify_records(&mut |done, all| last = (done, all))
        .unwrap();
    assert!(checked.is_whole(), "{checked:?}");
    assert_eq!((checked.opened, last), (25, (25, 25)));

    let (_, other) = hospital.seal(2, 1);
    assert!(snapshot.unlock_epoch(&other.reopen).is_err(), "another epoch's keys");
}

#[test]
fn records_of_every_size_come_back() {
    let mut hospital = Hospital::new(3);
    let plan = hospital.plan(1);
    let mut file = Vec::new();
    let mut noise = vec![0; 300_000];
    rand_core::Rng::fill_bytes(&mut hospital.rng, &mut noise);
    let records: Vec<Vec<u8>> = vec![
        vec![],
        vec![7],
        noise[..4096].to_vec(),
        noise[..65_530].to_vec(),
        noise.clone(),
        b"again and again ".repeat(200_000),
        vec![0; vault::snapshot::MAX_RECORD],
    ];
    let mut writer = SnapshotWriter::new(&mut file, &plan, &hospital.sealer, &mut hospital.rng).unwrap();
    for record in &records {
        writer.add_record(&[EVERYBODY], record).unwrap();
    }
    assert!(matches!(
        writer.add_record(&[EVERYBODY], &vec![0; vault::snapshot::MAX_RECORD + 1]),
        Err(SealFault::Record(_))
    ));
    assert!(matches!(writer.add_record(&[], b""), Err(SealFault::Record(_))));
    assert!(matches!(
        writer.add_record(&[EVERYBODY, EVERYBODY], b""),
        Err(SealFault::Record(_))
    ));
    assert!(matches!(
        writer.add_record(&[CompartmentId(99)], b""),
        Err(SealFault::Record(_))
    ));
    writer.finish(&mut |_, _| Vec::new(), b"").unwrap();
    let doctor = hospital.open_as_doctor(file);
    for (n, record) in records.iter().enumerate() {
        assert_eq!(*doctor.record(EVERYBODY, n as u32).unwrap(), *record, "record {n}");
    }
}

#[test]
fn an_unlocked_snapshot_is_shared_by_threads() {
    let mut hospital = Hospital::new(4);
    let (file, _) = hospital.seal(1, 64);
    let doctor = Arc::new(hospital.open_as_doctor(file));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let doctor: Arc<Unlocked> = Arc::clone(&doctor);
            scope.spawn(move || {
                (0..64).for_each(|n| assert_eq!(*doctor.record(EVERYBODY, n as u32).unwrap(), patient(n)))
            });
        }
    });
}

#[test]
fn wrong_keys_open_nothing() {
    let mut hospital = Hospital::new(5);
    let (file, _) = hospital.seal(1, 4);
    let stranger = Hospital::new(99);
    assert!(matches!(
        Snapshot::open(source(file.clone()), &stranger.trusted()),
        Err(SnapshotFault::Untrusted)
    ));
    assert!(matches!(
        Snapshot::open(source(file.clone()), &[]),
        Err(SnapshotFault::Untrusted)
    ));
    let snapshot = Snapshot::open(source(file), &hospital.trusted()).unwrap();
    assert!(matches!(
        snapshot.unlock_station(&STATION, &hospital.other_station),
        Err(SnapshotFault::CannotOpen(_))
    ));
    assert!(matches!(
        snapshot.unlock_station(&STATION, &StationSecret::random(&mut hospital.rng)),
        Err(SnapshotFault::CannotOpen(_))
    ));
    assert!(matches!(
        snapshot.unlock_station(&vault::StationId([9; 16]), &hospital.station),
        Err(SnapshotFault::NotFor(_))
    ));
    let outer = snapshot
        .unlock_station(&OTHER_STATION, &hospital.other_station)
        .unwrap();
    assert!(matches!(
        outer.unlock_user(&DOCTOR, &hospital.clerk),
        Err(SnapshotFault::CannotOpen(_))
    ));
    assert!(matches!(
        outer.unlock_user(&CLERK, &UserSecret::random(&mut hospital.rng)),
        Err(SnapshotFault::CannotOpen(_))
    ));
    assert!(matches!(
        outer.unlock_user(&vault::UserId([0; 16]), &hospital.clerk),
        Err(SnapshotFault::NotFor(_))
    ));
}

#[test]
fn a_contradictory_plan_is_refused() {
    let hospital = Hospital::new(6);
    let refused = |change: &dyn Fn(&mut vault::snapshot::SealPlan)| {
        let mut plan = hospital.plan(1);
        change(&mut plan);
        assert!(matches!(plan.check(), Err(SealFault::Plan(_))));
    };
    refused(&|plan| plan.users[0].roles.push(RoleId(77)));
    refused(&|plan| plan.users[1].id = plan.users[0].id);
    refused(&|plan| plan.roles[0].grants[0].compartment = CompartmentId(77));
    refused(&|plan| plan.roles[1].id = plan.roles[0].id);
    refused(&|plan| plan.stations[1].id = plan.stations[0].id);
    refused(&|plan| plan.compartments[1].id = plan.compartments[0].id);
    refused(&|plan| plan.policy = vec![0; vault::snapshot::MAX_OPAQUE + 1]);
    refused(&|plan| plan.dictionary = vec![0; vault::snapshot::MAX_DICTIONARY + 1]);
    assert!(hospital.plan(1).check().is_ok());
}

/// Whole sections of another, equally well signed snapshot: of another epoch or hospital, or another section.
#[test]
fn parts_of_other_snapshots_do_not_open() {
    let mut hospital = Hospital::new(7);
    let (mine, _) = hospital.seal(10, 4);
    let mut elsewhere = hospital.plan(10);
    elsewhere.hospital = HospitalId([3; 16]);
    let next = hospital.plan(11);
    for plan in [next, elsewhere] {
        let (other, _) = hospital.seal_plan(&plan, 4);
        for (kind, id) in [
            (SectionKind::Stations, 0),
            (SectionKind::Users, 0),
            (SectionKind::Rings, 0),
            (SectionKind::Dictionary, 0),
            (SectionKind::Index, EVERYBODY.0),
            (SectionKind::Index, WARD.0),
        ] {
            let mixed = hospital.replace_section(&mine, &other, (kind, id), (kind, id));
            assert!(!hospital.everything_opens(mixed), "{kind:?} {id} of another snapshot");
        }
    }
    let swapped = hospital.replace_section(
        &mine,
        &mine,
        (SectionKind::Index, EVERYBODY.0),
        (SectionKind::Index, WARD.0),
    );
    assert!(!hospital.everything_opens(swapped), "another compartment's index");
    assert!(hospital.everything_opens(mine.clone()));
    let same = hospital.replace_section(&mine, &mine, (SectionKind::Rings, 0), (SectionKind::Rings, 0));
    assert!(hospital.everything_opens(same), "the test itself can succeed");
}

/// Two patients' sealed records exchanged on disk: hashes say so, and each record on its own says so too.
#[test]
fn patients_cannot_be_exchanged() {
    let mut hospital = Hospital::new(8);
    let plan = hospital.plan(1);
    let mut file = Vec::new();
    let mut writer = SnapshotWriter::new(&mut file, &plan, &hospital.sealer, &mut hospital.rng).unwrap();
    for n in 0..2 {
        writer.add_record(&[EVERYBODY], &[n; 100]).unwrap();
    }
    let manifest = writer.finish(&mut |_, _| Vec::new(), b"").unwrap().manifest;
    let records = *manifest.section(SectionKind::Records, 0).unwrap();
    let (start, half) = (records.offset as usize, (records.len / 2) as usize);
    file[start..start + 2 * half].rotate_left(half);
    let doctor = hospital.open_as_doctor(file.clone());
    for n in 0..2 {
        assert!(
            matches!(doctor.record(EVERYBODY, n), Err(RecordFault::Damaged)),
            "record {n}"
        );
    }
    let snapshot = Snapshot::open(source(file), &hospital.trusted()).unwrap();
    assert_eq!(
        snapshot.verify_sections(&mut |_, _| ()).changed,
        [(SectionKind::Records, 0)]
    );
}

#[test]
fn no_patient_id_and_no_name_is_in_the_file() {
    let mut hospital = Hospital::new(9);
    let (file, _) = hospital.seal(1, 12);
    let holds = |needle: &[u8]| file.windows(needle.len()).any(|window| window == needle);
    assert!(!holds(patient_id(3).as_bytes()) && !holds(b"temperature") && !holds(b"clerk") && !holds(b"list of"));
    assert!(holds(b"stat: all is well"), "statistics are plain on purpose");
}
