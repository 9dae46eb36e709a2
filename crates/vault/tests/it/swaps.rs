//! Whole, untouched, well-signed pieces in the wrong place: another patient's, epoch's, hospital's or role's. None opens.

use vault::context::Context;
use vault::journal::{JournalKeys, OpenFault, Record};
use vault::keys::{Key32, UserSecret};
use vault::sign::Purpose;
use vault::simfs::SimFs;
use vault::snapshot::{SectionKind, Snapshot};
use vault::{CompartmentId, HospitalId, sealbox, wrap};

use crate::hospital::*;
use crate::journal::{Desk, texts};

/// Every place of a small world: kind × hospital × epoch × role or patient.
fn places() -> Vec<Context> {
    let mut places = Vec::new();
    for kind in ["rec", "idx", "ring", "rk", "jent", "jkey"] {
        for hospital in [HOSPITAL, HospitalId([0; 16]), HospitalId(*b"tomoshibi-hosp-2")] {
            for epoch in [1_u64, 2, 1 << 40] {
                for whose in 0..3_u16 {
                    places.push(Context::new(kind, &hospital).u64(epoch).u16(whose));
                }
            }
        }
    }
    places
}

#[test]
fn a_box_or_wrap_of_one_place_opens_in_no_other() {
    let mut rng = Repeatable(50);
    let key = Key32::random(&mut rng);
    let user = UserSecret::random(&mut rng);
    let places = places();
    let boxes: Vec<_> = places
        .iter()
        .map(|place| sealbox::seal(&key, place, b"x", &mut rng))
        .collect();
    let (mut tried, mut accepted) = (0, 0);
    for (from, sealed) in boxes.iter().enumerate() {
        for (to, place) in places.iter().enumerate() {
            let opens = sealbox::open(&key, place, sealed).is_ok();
            if from == to {
                assert!(opens);
            } else {
                (tried, accepted) = (tried + 1, accepted + u64::from(opens));
            }
        }
    }
    let wrapped: Vec<_> = places
        .iter()
        .step_by(7)
        .map(|place| wrap::wrap(&user.public(), place, b"a role key", &mut rng).unwrap())
        .collect();
    for (from, wrapped) in wrapped.iter().enumerate() {
        for (to, place) in places.iter().step_by(7).enumerate().filter(|(to, _)| *to != from) {
            assert_ne!(from, to);
            (tried, accepted) = (
                tried + 1,
                accepted + u64::from(wrap::unwrap(&user, place, wrapped).is_ok()),
            );
        }
    }
    println!("torture: boxes and wraps in another place: {tried} tried, {accepted} accepted");
    assert_eq!(accepted, 0);
    assert!(tried > 20_000);
}

const SECTIONS: [(SectionKind, u16); 7] = [
    (SectionKind::Stations, 0),
    (SectionKind::Users, 0),
    (SectionKind::Rings, 0),
    (SectionKind::Dictionary, 0),
    (SectionKind::Records, 0),
    (SectionKind::Index, 0),
    (SectionKind::Index, 7),
];

/// Somebody with the sealer's key puts parts of other snapshots into one, section by section, and signs the result.
#[test]
fn sections_of_another_epoch_or_hospital_do_not_open() {
    let mut hospital = Hospital::new(51);
    let (mine, _) = hospital.seal(1, 6);
    let (next_epoch, _) = hospital.seal(2, 6);
    let (resealed, _) = hospital.seal(1, 6);
    let mut plan = hospital.plan(1);
    plan.hospital = HospitalId(*b"tomoshibi-hosp-2");
    let (elsewhere, _) = hospital.seal_plan(&plan, 6);
    let (mut tried, mut accepted) = (0, 0);
    for other in [&next_epoch, &resealed, &elsewhere] {
        for from in SECTIONS {
            for to in SECTIONS {
                let mixed = hospital.replace_section(&mine, other, to, from);
                tried += 1;
                accepted += usize::from(hospital.everything_opens(mixed));
            }
        }
    }
    // Within one snapshot: a list for a role, an index for a compartment, in the place of another.
    for from in SECTIONS {
        for to in SECTIONS.iter().filter(|to| **to != from) {
            let mixed = hospital.replace_section(&mine, &mine, *to, from);
            tried += 1;
            accepted += usize::from(hospital.everything_opens(mixed));
        }
    }
    println!(
        "torture: sections of another epoch, hospital or role under a good signature: {tried} tried, {accepted} accepted"
    );
    assert_eq!(accepted, 0);
    assert!(hospital.everything_opens(mine));
}

/// Two roles exchange what they hold: the rings in the file, and the people's own wraps.
#[test]
fn a_role_does_not_open_what_another_role_opens() {
    let mut hospital = Hospital::new(52);
    let (file, _) = hospital.seal(1, 6);
    let snapshot = Snapshot::open(source(file), &hospital.trusted()).unwrap();
    let outer = snapshot.unlock_station(&STATION, &hospital.station).unwrap();
    let clerk = outer.unlock_user(&CLERK, &hospital.clerk).unwrap();
    let mut tried = 0;
    for ordinal in 0..6 {
        assert!(clerk.record(EVERYBODY, ordinal).is_err());
        tried += 1;
    }
    assert!(clerk.index(EVERYBODY).is_err() && clerk.index(WARD).is_ok());
    for (user, secret) in [(CLERK, &hospital.doctor), (DOCTOR, &hospital.clerk)] {
        assert!(outer.unlock_user(&user, secret).is_err());
        tried += 1;
    }
    assert!(snapshot.unlock_station(&STATION, &hospital.other_station).is_err());
    assert!(snapshot.unlock_station(&OTHER_STATION, &hospital.station).is_err());
    println!(
        "torture: another role's, user's or station's lock: {} tried, 0 accepted",
        tried + 3
    );
}

/// The records of any two patients exchanged in the file, whole: neither opens.
#[test]
fn patients_exchanged_in_the_file_do_not_open() {
    let mut hospital = Hospital::new(53);
    let (file, _) = hospital.seal(1, 12);
    // Where records lie stands in the sealed index only; equal lengths are found by trying.
    let snapshot = Snapshot::open(source(file.clone()), &hospital.trusted()).unwrap();
    let records = *snapshot.manifest().section(SectionKind::Records, 0).unwrap();
    let (from, to) = (records.offset as usize, (records.offset + records.len) as usize);
    let opens = |file: &[u8], ordinal| {
        hospital
            .open_as_doctor(file.to_vec())
            .record(EVERYBODY, ordinal)
            .is_ok()
    };
    let starts: Vec<usize> = {
        let mut starts = Vec::new();
        let mut ordinal = 0;
        for at in from..to {
            let mut changed = file.clone();
            changed[at] ^= 1;
            if ordinal < 12 && !opens(&changed, ordinal) {
                starts.push(at);
                ordinal += 1;
            }
        }
        starts.push(to);
        starts
    };
    assert_eq!(starts.len(), 13);
    let (mut tried, mut accepted) = (0, 0);
    for one in 0..12 {
        for other in (0..12).filter(|other| *other != one) {
            // The other one's bytes where this one's are, as many as there is room for.
            let len = (starts[one + 1] - starts[one]).min(starts[other + 1] - starts[other]);
            let mut changed = file.clone();
            changed[starts[one]..starts[one] + len].copy_from_slice(&file[starts[other]..starts[other] + len]);
            tried += 1;
            accepted += usize::from(opens(&changed, one as u32));
        }
    }
    println!("torture: a patient's record in another's place: {tried} tried, {accepted} accepted");
    assert_eq!(accepted, 0);
}

/// A station that lies: the sealed text of one entry under the header of another, signed by the station itself.
#[test]
fn an_entry_under_another_header_does_not_open() {
    let mut desk = Desk::new(54);
    let fs = SimFs::new(3);
    let (mut journal, _) = desk.start(&fs).unwrap();
    desk.append(&mut journal, &texts(10..20)).unwrap();
    let records = desk.read(&fs).records;
    let stations = desk.stations();
    let mut keys = JournalKeys::new(desk.reader.clone());
    let learnt = records.iter().filter(|record| keys.learn(record)).count();
    assert_eq!(learnt, 1);
    let entries = &records[1..];
    let graft = |header_of: &Record, payload_of: &Record| {
        let (header, payload) = (header_of.bytes(), payload_of.bytes());
        let mut bytes = header[..140].to_vec();
        bytes.extend_from_slice(&payload[140..payload.len() - 68]);
        bytes.extend_from_slice(&desk.hospital.station.sign(Purpose::Record, &bytes));
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        Record::parse_verified(&bytes, &stations).unwrap()
    };
    let (mut tried, mut accepted) = (0, 0);
    for one in entries {
        for other in entries {
            let opened = keys.open(&graft(one, other));
            if one == other {
                assert!(opened.is_ok());
            } else {
                assert!(matches!(opened, Ok(_) | Err(OpenFault::CannotOpen)));
                (tried, accepted) = (tried + 1, accepted + usize::from(opened.is_ok()));
            }
        }
    }
    println!("torture: an entry under another entry's header: {tried} tried, {accepted} accepted");
    assert_eq!((tried, accepted), (90, 0));
    assert_ne!(EVERYBODY, CompartmentId(7));
}
