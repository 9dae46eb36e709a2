//! A snapshot opened with the hospital's recovery key: everything, by nobody else, and only as it was sealed.

use vault::HospitalId;
use vault::keys::RecoverySecret;
use vault::recovery::{join, split};
use vault::snapshot::{SectionKind, Snapshot, SnapshotFault, Unlocked};

use crate::hospital::*;

const SECTION: (SectionKind, u16) = (SectionKind::Recovery, 0);

/// A hospital with a recovery key, and a snapshot sealed to it.
fn sealed(epoch: u64, id: HospitalId) -> (Hospital, RecoverySecret, Vec<u8>) {
    let mut hospital = Hospital::new(90);
    let secret = RecoverySecret::random(&mut Repeatable(91));
    let mut plan = hospital.plan(epoch);
    plan.hospital = id;
    plan.recovery = Some(secret.public());
    let (file, _) = hospital.seal_plan(&plan, 6);
    (hospital, secret, file)
}

fn open(hospital: &Hospital, file: &[u8], secret: &RecoverySecret) -> Result<Unlocked, SnapshotFault> {
    Snapshot::open(source(file.to_vec()), &hospital.trusted())?.unlock_recovery(secret)
}

#[test]
fn three_shares_open_every_patient_and_every_enclosure_without_station_and_user() {
    let (hospital, secret, file) = sealed(5, HOSPITAL);
    let (shares, boxes) = split(&HOSPITAL, &secret, &mut Repeatable(92));
    let joined = join(&boxes, &shares[2..]).unwrap();
    let open = open(&hospital, &file, &joined).unwrap();
    assert!(open.verify_records(&mut |_, _| ()).unwrap().is_whole());
    assert_eq!(*open.record(EVERYBODY, 3).unwrap(), patient(3));
    assert_eq!(blocks(&open.index(WARD).unwrap()), thin(WARD, 3));
    assert!(open.access().all(|access| access.verbs == u32::MAX));
    assert_eq!(open.access().count(), 2);
    let enclosures: Vec<_> = open.enclosures().collect();
    assert_eq!(
        enclosures,
        [
            (RECEPTION, b"for reception".as_slice()),
            (PHYSICIAN, b"for physicians".as_slice())
        ]
    );
    assert!(hospital.everything_opens(file), "and everybody else opens it as before");
}

/// A compartment that no role opens is still not lost.
#[test]
fn what_no_role_opens_is_recovered_too() {
    let (mut hospital, secret, _) = sealed(5, HOSPITAL);
    let mut plan = hospital.plan(6);
    plan.recovery = Some(secret.public());
    plan.roles.clear();
    plan.users.clear();
    let (file, _) = hospital.seal_plan(&plan, 4);
    let open = open(&hospital, &file, &secret).unwrap();
    assert!(open.verify_records(&mut |_, _| ()).unwrap().is_whole());
}

#[test]
fn another_recovery_key_opens_nothing_and_old_readers_are_told_to_update() {
    let (mut hospital, secret, file) = sealed(5, HOSPITAL);
    let other = RecoverySecret::random(&mut Repeatable(93));
    let refused = open(&hospital, &file, &other).err().unwrap();
    assert!(matches!(refused, SnapshotFault::NotFor("recovery key")), "{refused:?}");
    let snapshot = Snapshot::open(source(file), &hospital.trusted()).unwrap();
    assert_eq!(snapshot.manifest().min_client, 2);
    let (without, sealed) = hospital.seal(6, 2);
    assert_eq!(sealed.manifest.min_client, 1, "what has nothing new is for everybody");
    let refused = open(&hospital, &without, &secret).err().unwrap();
    assert!(matches!(refused, SnapshotFault::NotFor("recovery key")), "{refused:?}");
}

#[test]
fn recovery_keys_of_another_epoch_hospital_or_section_do_not_open() {
    let (hospital, secret, file) = sealed(5, HOSPITAL);
    let other_epoch = sealed(6, HOSPITAL).2;
    let other_hospital = sealed(5, HospitalId([3; 16])).2;
    for other in [&other_epoch, &other_hospital] {
        let mixed = hospital.replace_section(&file, other, SECTION, SECTION);
        let refused = open(&hospital, &mixed, &secret).err().unwrap();
        assert!(
            matches!(refused, SnapshotFault::CannotOpen("recovery keys")),
            "{refused:?}"
        );
        let mixed = hospital.replace_section(other, &file, SECTION, SECTION);
        assert!(open(&hospital, &mixed, &secret).is_err());
    }
    let mixed = hospital.replace_section(&file, &file, SECTION, (SectionKind::Stations, 0));
    assert!(open(&hospital, &mixed, &secret).is_err());
    let same = hospital.replace_section(&file, &file, SECTION, SECTION);
    assert!(open(&hospital, &same, &secret).is_ok(), "the test itself can succeed");
}

#[test]
fn no_flipped_bit_and_no_other_length_of_the_section_is_accepted() {
    let (hospital, secret, file) = sealed(5, HOSPITAL);
    let snapshot = Snapshot::open(source(file.clone()), &hospital.trusted()).unwrap();
    let parts: Vec<_> = snapshot
        .manifest()
        .sections
        .iter()
        .map(|s| (s.kind, s.id, file[s.offset as usize..][..s.len as usize].to_vec()))
        .collect();
    let at = parts.iter().position(|part| part.0 == SectionKind::Recovery).unwrap();
    let start = snapshot.manifest().sections[at].offset as usize;
    let len = parts[at].2.len();
    assert_eq!(len, 32 + vault::wrap::wrapped_len(2 * 32 + 4 + 2 * 34 + 4 + 2 * 34));
    for bit in 0..len * 8 {
        let mut damaged = file.clone();
        damaged[start + bit / 8] ^= 1 << (bit % 8);
        let refused = open(&hospital, &damaged, &secret).err().unwrap();
        assert!(
            matches!(refused, SnapshotFault::SectionChanged(SectionKind::Recovery, 0)),
            "bit {bit}"
        );
        let mut forged = parts.clone();
        forged[at].2[bit / 8] ^= 1 << (bit % 8);
        assert!(
            open(&hospital, &hospital.assemble(&file, &forged), &secret).is_err(),
            "bit {bit} under a good signature"
        );
    }
    for shorter in 0..len {
        let mut forged = parts.clone();
        forged[at].2.truncate(shorter);
        assert!(
            open(&hospital, &hospital.assemble(&file, &forged), &secret).is_err(),
            "{shorter} bytes"
        );
    }
}

/// A journal written for the recovery key is read with it; what is wrapped there is bound to another context.
#[test]
fn journals_know_the_recovery_key_as_a_reader() {
    let secret = RecoverySecret::random(&mut Repeatable(94));
    let mut desk = crate::journal::Desk::new(95);
    desk.readers = [secret.public().journal_reader()];
    let fs = vault::simfs::SimFs::new(1);
    let (mut journal, _) = desk.start(&fs).unwrap();
    desk.append(&mut journal, &crate::journal::texts(0..3)).unwrap();
    drop(journal);
    desk.reader = secret.journal_reader();
    assert_eq!(desk.payloads(&desk.read(&fs).records), crate::journal::texts(0..3));
}
