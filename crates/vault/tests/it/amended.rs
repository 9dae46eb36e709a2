//! Deltas: what has not changed keeps its bytes, what has changed opens as it is now, and nothing of another delta stands in for it.

use vault::snapshot::{
    Amendment, CLIENT_VERSION, MAX_DELTAS, Manifest, RecordFault, SealFault, Sealed, SectionKind, Snapshot,
    SnapshotFault, SnapshotWriter, Tail, Unlocked,
};
use vault::{CompartmentId, StationId};

use crate::hospital::*;

/// What the hospital's sealer knows between two sealings: where each patient's record is, and the bytes that were sealed.
pub struct Day {
    pub hospital: Hospital,
    pub file: Vec<u8>,
    pub sealed: Sealed,
    places: Vec<(u64, Vec<u8>)>,
    /// Where each patient's record was when the epoch began.
    first: Vec<u64>,
}

const WHEN: Amendment = Amendment {
    created: 1_795_000_900,
    fresh_until: 1_795_094_500,
    level: 3,
};

fn homes(n: usize) -> &'static [CompartmentId] {
    if n.is_multiple_of(2) {
        &[EVERYBODY, WARD]
    } else {
        &[EVERYBODY]
    }
}

impl Day {
    pub fn begin(seed: u64, patients: usize) -> Self {
        let mut hospital = Hospital::new(seed);
        let plan = hospital.plan(100);
        let (mut file, mut places) = (Vec::new(), Vec::new());
        let mut writer = SnapshotWriter::new(&mut file, &plan, &hospital.sealer, &mut hospital.rng).unwrap();
        for n in 0..patients {
            writer.add_record(homes(n), &patient(n)).unwrap();
            places.push((writer.place(), patient(n)));
        }
        let sealed = writer.finish(&mut |id, count| thin(id, count), b"stat 0").unwrap();
        Self {
            hospital,
            file,
            sealed,
            first: places.iter().map(|(place, _)| *place).collect(),
            places,
        }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::open(source(self.file.clone()), &self.hospital.trusted()).unwrap()
    }

    /// The next delta: these people's charts as they are now, in this order; `None` is a chart that has not changed.
    pub fn next(&mut self, people: &[(usize, Option<Vec<u8>>)], stat: &[u8]) -> Result<(), SealFault> {
        let before = self.snapshot();
        let (mut file, mut places) = (Vec::new(), self.places.clone());
        let keys = self.sealed.reopen.clone();
        let Hospital { sealer, rng, .. } = &mut self.hospital;
        let mut writer = SnapshotWriter::amend(&mut file, &before, keys, WHEN, sealer, rng)?;
        for (n, changed) in people {
            let place = places.get(*n).map(|(place, _)| *place);
            match (changed, place) {
                (None, Some(place)) => drop(writer.keep_record(homes(*n), place)?),
                (Some(bytes), _) => {
                    match self.first.get(*n) {
                        Some(first) if n % 3 != 0 => writer.change_record(homes(*n), bytes, *first)?,
                        _ => writer.add_record(homes(*n), bytes)?,
                    };
                    let now = (writer.place(), bytes.clone());
                    if *n < places.len() {
                        places[*n] = now;
                    } else {
                        places.push(now);
                    }
                }
                (None, None) => panic!("nobody there"),
            }
        }
        self.sealed = writer.finish(&mut |id, count| thin(id, count), stat)?;
        (self.file, self.places) = (file, places);
        Ok(())
    }

    fn doctor(&self) -> Unlocked {
        self.hospital.open_as_doctor(self.file.clone())
    }

    /// Every person opens with the bytes they should have, in order.
    fn shows(&self, people: &[usize]) {
        let doctor = self.doctor();
        assert_eq!(doctor.index(EVERYBODY).unwrap().len as usize, people.len());
        for (row, n) in (0..).zip(people) {
            assert_eq!(
                &*doctor.record(EVERYBODY, row).unwrap(),
                &self.places[*n].1,
                "person {n}"
            );
        }
        let ward: Vec<&usize> = people.iter().filter(|n| n.is_multiple_of(2)).collect();
        for (row, n) in (0..).zip(&ward) {
            assert_eq!(
                &*doctor.record(WARD, row).unwrap(),
                &self.places[**n].1,
                "ward, person {n}"
            );
        }
        let checked = doctor.verify_records(&mut |_, _| ()).unwrap();
        assert!(
            checked.is_whole() && checked.opened == people.len() as u64,
            "{checked:?}"
        );
        assert!(self.snapshot().verify_sections(&mut |_, _| ()).is_whole());
        let all = self.snapshot().unlock_epoch(&self.sealed.reopen).unwrap();
        assert!(all.verify_records(&mut |_, _| ()).unwrap().is_whole());
    }
}

pub fn everybody(count: usize) -> Vec<(usize, Option<Vec<u8>>)> {
    (0..count).map(|n| (n, None)).collect()
}

#[test]
fn unchanged_records_keep_their_bytes_and_changed_new_moved_and_gone_ones_are_as_they_are_now() {
    let mut day = Day::begin(700, 40);
    let first = day.file.clone();
    let mut people = everybody(40);
    people[7].1 = Some(b"changed at nine".to_vec());
    day.next(&people, b"stat 1").unwrap();
    day.shows(&(0..40).collect::<Vec<_>>());
    let (base, now) = (
        Snapshot::open(source(first.clone()), &day.hospital.trusted()).unwrap(),
        day.snapshot(),
    );
    let shared = base.manifest().section(SectionKind::Stat, 0).unwrap().offset as usize;
    assert_eq!(
        first[..shared],
        day.file[..shared],
        "everything sealed before stays as it is"
    );
    assert_eq!((now.manifest().epoch, now.manifest().delta), (100, 1));
    assert_eq!(now.manifest().previous, base.manifest().sha256);
    assert_eq!(now.stat().unwrap(), b"stat 1");
    assert_eq!(now.manifest().created, WHEN.created);

    // Somebody is gone, two come in front, the order is another, and the one of nine o'clock changes again.
    let mut people: Vec<_> = (0..39).rev().map(|n| (n, None)).collect();
    people.insert(0, (41, Some(b"new patient forty-one".to_vec())));
    people.insert(0, (40, Some(b"new patient forty".to_vec())));
    people.iter_mut().find(|(n, _)| *n == 7).unwrap().1 = Some(b"changed at ten".to_vec());
    day.next(&people, b"stat 2").unwrap();
    let order: Vec<usize> = people.iter().map(|(n, _)| *n).collect();
    day.shows(&order);

    // Nothing changed at all: no section for records, and all there.
    let before = day.file.len();
    day.next(&order.iter().map(|n| (*n, None)).collect::<Vec<_>>(), b"stat 3")
        .unwrap();
    day.shows(&order);
    assert!(day.file.len() < before + 600, "{} behind {before}", day.file.len());
    let records = |snapshot: &Snapshot| -> Vec<u16> {
        let sections = &snapshot.manifest().sections;
        sections
            .iter()
            .filter(|s| s.kind == SectionKind::Records)
            .map(|s| s.id)
            .collect()
    };
    assert_eq!(records(&day.snapshot()), [0, 1, 2]);
    day.next(&[], b"stat 4").unwrap();
    day.shows(&[]);
}

/// A chart that gained a line costs that line, in every delta, and opens through the record the epoch began with.
#[test]
fn a_changed_record_is_sealed_as_what_differs() {
    let mut day = Day::begin(712, 30);
    let long = |n: usize, more: &str| {
        let mut text: String = (0..400)
            .map(|word| format!("{} ", (word * 7919 + n * 31) % 10_007))
            .collect();
        text.push_str(more);
        text.into_bytes()
    };
    let people = (0..30).map(|n| (n, Some(long(n, "")))).collect::<Vec<_>>();
    day.next(&people, b"").unwrap();
    let mut day = {
        // An epoch that begins with the long ones.
        let mut hospital = Hospital::new(713);
        let plan = hospital.plan(100);
        let (mut file, mut places) = (Vec::new(), Vec::new());
        let mut writer = SnapshotWriter::new(&mut file, &plan, &hospital.sealer, &mut hospital.rng).unwrap();
        for n in 0..30 {
            writer.add_record(homes(n), &long(n, "")).unwrap();
            places.push((writer.place(), long(n, "")));
        }
        let sealed = writer.finish(&mut |id, count| thin(id, count), b"").unwrap();
        Day {
            hospital,
            file,
            sealed,
            first: places.iter().map(|(place, _)| *place).collect(),
            places,
        }
    };
    let added = |day: &Day| {
        let snapshot = day.snapshot();
        let sections = &snapshot.manifest().sections;
        sections
            .iter()
            .rfind(|s| s.kind == SectionKind::Records)
            .map_or(0, |s| s.len)
    };
    let whole = added(&day) / 30;
    for round in 1..4 {
        let mut people = everybody(30);
        // 1 is told over its first record; 3 is added whole; 2 moves to the other ward's list, which never had it.
        people[1].1 = Some(long(1, &format!("and one line more in round {round}")));
        day.next(&people, b"").unwrap();
        assert!(added(&day) * 4 < whole, "{} of {whole}", added(&day));
        day.shows(&(0..30).collect::<Vec<_>>());
    }
    let mut people = everybody(30);
    people[3].1 = Some(long(3, "and one line more"));
    day.next(&people, b"").unwrap();
    assert!(added(&day) * 2 > whole, "{} of {whole}", added(&day));
    // Somebody else's first record, a place that is none, and a compartment that never listed it: sealed whole, and right.
    for (first, home) in [
        (day.first[5], &[EVERYBODY][..]),
        (99, &[EVERYBODY]),
        (day.first[1], &[EVERYBODY, WARD]),
    ] {
        let before = day.snapshot();
        let mut file = Vec::new();
        let keys = day.sealed.reopen.clone();
        let Hospital { sealer, rng, .. } = &mut day.hospital;
        let mut writer = SnapshotWriter::amend(&mut file, &before, keys, WHEN, sealer, rng).unwrap();
        writer.change_record(home, b"whatever it is now", first).unwrap();
        writer.finish(&mut |id, count| thin(id, count), b"").unwrap();
        let doctor = day.hospital.open_as_doctor(file);
        assert_eq!(&*doctor.record(EVERYBODY, 0).unwrap(), b"whatever it is now");
    }
}

#[test]
fn a_user_who_opens_one_compartment_sees_its_changes_and_no_other() {
    let mut day = Day::begin(701, 10);
    let mut people = everybody(10);
    (people[2].1, people[3].1) = (Some(b"two now".to_vec()), Some(b"three now".to_vec()));
    day.next(&people, b"").unwrap();
    let outer = day.snapshot().unlock_station(&STATION, &day.hospital.station).unwrap();
    let clerk = outer.unlock_user(&CLERK, &day.hospital.clerk).unwrap();
    assert_eq!(&*clerk.record(WARD, 1).unwrap(), b"two now");
    assert!(matches!(clerk.record(EVERYBODY, 3), Err(RecordFault::NoSuchRecord)));
    assert_eq!(blocks(&clerk.index(WARD).unwrap()), thin(WARD, 5));
}

#[test]
fn ninety_six_deltas_and_no_more() {
    let mut day = Day::begin(702, 6);
    for delta in 1..=MAX_DELTAS {
        let mut people = everybody(6);
        people[delta as usize % 6].1 = Some(format!("of delta {delta}").into_bytes());
        day.next(&people, b"").unwrap();
    }
    day.shows(&[0, 1, 2, 3, 4, 5]);
    let size = day.file.len();
    assert!(matches!(day.next(&everybody(6), b""), Err(SealFault::Plan(_))));
    assert_eq!(day.file.len(), size);
}

#[test]
fn what_cannot_be_gone_on_from_is_refused() {
    let mut day = Day::begin(703, 6);
    let other = Day::begin(704, 6);
    let before = day.snapshot();
    let Hospital { sealer, rng, .. } = &mut day.hospital;
    let (mut dice, mut nowhere) = (Repeatable(1), Vec::new());
    let mut amend = |keys, sealer| SnapshotWriter::amend(&mut nowhere, &before, keys, WHEN, sealer, &mut dice).err();
    let refused = amend(other.sealed.reopen.clone(), &*sealer);
    assert!(
        matches!(refused, Some(SealFault::Before(_))),
        "another epoch's keys: {refused:?}"
    );
    let refused = amend(day.sealed.reopen.clone(), &other.hospital.sealer);
    assert!(
        matches!(refused, Some(SealFault::Plan(_))),
        "another sealer: {refused:?}"
    );
    let mut file = Vec::new();
    let keys = day.sealed.reopen.clone();
    let mut writer = SnapshotWriter::amend(&mut file, &before, keys, WHEN, sealer, rng).unwrap();
    assert!(
        matches!(writer.keep_record(&[EVERYBODY], 3), Err(SealFault::Record(_))),
        "no such place"
    );
    assert!(matches!(
        writer.keep_record(&[CompartmentId(99)], day.places[0].0),
        Err(SealFault::Record(_))
    ));
    writer.keep_record(&[EVERYBODY], day.places[0].0).unwrap();
    drop(writer);
    // A record of the base that has rotted is found while it is copied.
    let records = day.sealed.manifest.section(SectionKind::Records, 0).unwrap().offset as usize;
    day.file[records + 9] ^= 1;
    assert!(matches!(day.next(&everybody(6), b""), Err(SealFault::Before(_))));
    let mut with_delta = day.hospital.plan(5);
    with_delta.delta = 1;
    assert!(with_delta.check().is_err());
}

/// Parts of one delta in the file of another: hashes say so, and with the hashes right, the context does.
#[test]
fn parts_of_another_delta_do_not_open() {
    let mut day = Day::begin(705, 8);
    let mut files = vec![(day.file.clone(), day.sealed.manifest.clone())];
    for round in 0..2 {
        let mut people = everybody(8);
        people[round].1 = Some(vec![b'n'; 300]);
        day.next(&people, b"same stat").unwrap();
        files.push((day.file.clone(), day.sealed.manifest.clone()));
    }
    let section = |n: usize, kind, id| {
        let (file, manifest): &(Vec<u8>, Manifest) = &files[n];
        let section = manifest.section(kind, id).unwrap();
        (
            section.offset as usize,
            file[section.offset as usize..][..section.len as usize].to_vec(),
        )
    };
    for id in [EVERYBODY.0, WARD.0] {
        let (at, mine) = section(2, SectionKind::IndexChanges, id);
        let (_, theirs) = section(1, SectionKind::IndexChanges, id);
        let mut mixed = files[2].0.clone();
        if mine.len() != theirs.len() {
            continue;
        }
        mixed[at..at + mine.len()].copy_from_slice(&theirs);
        let snapshot = Snapshot::open(source(mixed), &day.hospital.trusted()).unwrap();
        assert!(!snapshot.verify_sections(&mut |_, _| ()).is_whole());
        let open = snapshot.unlock_epoch(&day.sealed.reopen).unwrap();
        assert!(open.index(CompartmentId(id)).is_err());
    }
    // Cut back to the delta before, with its end put behind: the end says another length.
    let (now, before) = (&files[2], &files[1]);
    let cut = before.1.section(SectionKind::IndexChanges, EVERYBODY.0).unwrap().offset as usize;
    let mut mixed = now.0[..cut].to_vec();
    mixed.extend_from_slice(&before.0[before.1.sections_end() as usize..]);
    assert!(Snapshot::open(source(mixed), &day.hospital.trusted()).is_err());
    assert_ne!(now.1.sha256, before.1.sha256);
}

#[test]
fn every_flipped_byte_of_what_a_delta_adds_is_noticed() {
    let mut day = Day::begin(706, 4);
    let shared = day.sealed.manifest.section(SectionKind::Stat, 0).unwrap().offset as usize;
    let mut people = everybody(4);
    people[1].1 = Some(b"one now".to_vec());
    day.next(&people, b"stat").unwrap();
    for at in shared..day.file.len() {
        let mut changed = day.file.clone();
        changed[at] ^= 0x10;
        let opened = Snapshot::open(source(changed), &day.hospital.trusted());
        let passes = opened.is_ok_and(|snapshot| snapshot.verify_sections(&mut |_, _| ()).is_whole());
        assert!(!passes, "byte {at}");
    }
}

#[test]
fn an_older_program_says_that_it_must_be_updated() {
    let mut day = Day::begin(707, 3);
    assert!(
        day.sealed.manifest.min_client < CLIENT_VERSION,
        "a base opens with the program before"
    );
    day.next(&everybody(3), b"").unwrap();
    assert_eq!(day.sealed.manifest.min_client, CLIENT_VERSION);
}

#[test]
fn recovery_opens_a_delta_as_it_is_now() {
    let mut hospital = Hospital::new(708);
    let secret = vault::keys::RecoverySecret::random(&mut hospital.rng);
    let mut plan = hospital.plan(100);
    plan.recovery = Some(secret.public());
    let (file, sealed) = hospital.seal_plan(&plan, 3);
    let before = Snapshot::open(source(file), &hospital.trusted()).unwrap();
    let mut file = Vec::new();
    let Hospital { sealer, rng, .. } = &mut hospital;
    let mut writer = SnapshotWriter::amend(&mut file, &before, sealed.reopen, WHEN, sealer, rng).unwrap();
    writer.add_record(&[EVERYBODY], b"only one now").unwrap();
    writer.finish(&mut |id, count| thin(id, count), b"").unwrap();
    let opened = Snapshot::open(source(file), &hospital.trusted()).unwrap();
    let opened = opened.unlock_recovery(&secret).unwrap();
    assert_eq!(&*opened.record(EVERYBODY, 0).unwrap(), b"only one now");
    assert!(matches!(opened.record(EVERYBODY, 1), Err(RecordFault::NoSuchRecord)));
    let unknown = StationId([1; 16]);
    let outer = Snapshot::open(source(Vec::new()), &hospital.trusted())
        .map(|s| s.unlock_station(&unknown, &hospital.station).is_ok());
    assert!(matches!(outer, Err(SnapshotFault::Malformed(_))));
}

#[test]
fn the_end_of_a_file_travels_alone_and_is_believed_only_whole() {
    let mut day = Day::begin(709, 5);
    day.next(&everybody(5), b"stat").unwrap();
    let trusted = day.hospital.trusted();
    let bytes = Tail::of(&day.snapshot()).unwrap();
    let tail = Tail::parse(&bytes, &trusted).unwrap();
    assert_eq!(tail.manifest(), day.snapshot().manifest());
    assert_eq!((tail.file_len(), tail.bytes()), (day.file.len() as u64, &bytes[..]));
    assert!(day.file.starts_with(&Tail::header()));
    let other = Hospital::new(1);
    assert!(matches!(
        Tail::parse(&bytes, &other.trusted()),
        Err(SnapshotFault::Untrusted)
    ));
    for len in 0..bytes.len() {
        assert!(Tail::parse(&bytes[..len], &trusted).is_err(), "cut to {len}");
        assert!(Tail::parse(&bytes[len + 1..], &trusted).is_err(), "begun late by {len}");
    }
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(Tail::parse(&changed, &trusted).is_err(), "bit {bit}");
    }
    let mut long = vec![0; vault::snapshot::MAX_TAIL];
    long.extend_from_slice(&bytes);
    assert!(Tail::parse(&long, &trusted).is_err(), "endless");
}
