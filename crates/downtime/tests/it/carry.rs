//! Carrying by hand between stations that no line joins: what arrives, what counts as elsewhere, and what a stick can do to nobody.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chart::entry::SignedNote;
use chart::{Act, Subject};
use downtime::carry::pack::{self, Header};
use downtime::carry::{CarryFault, Carrying, Hands, Holder, PACK_NAME, PART_NAME, StickName, Taken, Wish, Written};
use downtime::extract::Guard;
use downtime::stations::{Heads, Session, Station, Stock};
use vault::HospitalId;
use vault::files::Disk;
use vault::keys::StationSecret;
use vault::slot::Credentials;

use crate::hospital::{Hospital, PASSWORD, code, patients, rng, sealed_file};

mod codes;

/// A hub and a ward that no line joins, and a stick.
struct Apart {
    hospital: Hospital,
    hub: Arc<Station>,
    ward: Arc<Station>,
    stick: tempfile::TempDir,
}

impl Apart {
    fn new() -> Self {
        let hospital = Hospital::new();
        hospital.seal(patients(3), Guard::default()).unwrap();
        let (hub, ward) = (hospital.start("H01"), hospital.start("R03"));
        ward.shelf().receive(&mut sealed_file(hub.shelf()).as_slice()).unwrap();
        let stick = tempfile::tempdir().unwrap();
        Self {
            hospital,
            hub,
            ward,
            stick,
        }
    }

    fn carrying(&self, of: &str) -> Carrying {
        let secret = if of == "H01" {
            &self.hospital.hub
        } else {
            &self.hospital.ward
        };
        let data = self.hospital.data(of);
        Carrying::new(
            &self.hospital.roster,
            code(of),
            Arc::clone(secret),
            Arc::new(Disk),
            &data,
        )
        .unwrap()
    }

    fn pack(&self) -> std::path::PathBuf {
        self.stick.path().join(PACK_NAME)
    }

    fn out(&self, of: &str, station: &Station) -> Result<Written, CarryFault> {
        self.out_with(of, station, Wish::default())
    }

    fn out_with(&self, of: &str, station: &Station, wish: Wish<'_>) -> Result<Written, CarryFault> {
        let stick = StickName {
            label: "TMB-3E".into(),
            serial: "0815".into(),
        };
        let holder = Holder::Running(station);
        hands(|hands| self.carrying(of).write(self.stick.path(), &stick, &holder, wish, hands))
    }

    fn take(&self, of: &str, station: &Station) -> Result<Taken, CarryFault> {
        self.take_within(of, station, &|| Duration::ZERO)
    }

    fn take_within(&self, of: &str, station: &Station, elapsed: &dyn Fn() -> Duration) -> Result<Taken, CarryFault> {
        let mut install = |bytes: &mut dyn std::io::Read| {
            let received = station.shelf().receive(bytes);
            received.map(|_| ()).map_err(|fault| fault.to_string())
        };
        let mut hands = Hands {
            now: station.now(),
            elapsed,
            progress: &mut |_, _| (),
        };
        self.carrying(of)
            .take(self.stick.path(), station, &mut install, &mut hands)
    }
}

fn hands<T>(act: impl FnOnce(&mut Hands<'_>) -> T) -> T {
    act(&mut Hands {
        now: crate::hospital::nine(),
        elapsed: &|| Duration::ZERO,
        progress: &mut |_, _| (),
    })
}

fn note(session: &Session) {
    let act = Act::NoteSigned(SignedNote::default());
    session.record_blocking(Subject::Hospital, act).unwrap();
}

fn enter(station: &Arc<Station>) -> Session {
    station.sign_in("2001", &Credentials::Password(PASSWORD)).unwrap()
}

#[test]
fn what_a_ward_alone_recorded_arrives_and_counts_as_elsewhere_only_when_the_receipt_is_back() {
    let there = Apart::new();
    let session = enter(&there.ward);
    (0..12).for_each(|_| note(&session));
    let only_here = there.ward.only_here();
    assert_eq!(only_here, 12);
    let plan = there.carrying("R03").plan(&Holder::Running(&there.ward), None).unwrap();
    // The record with the key goes along.
    let records = only_here + 1;
    assert_eq!((plan.own, plan.others), (records, 0));

    let written = there.out("R03", &there.ward).unwrap();
    assert_eq!(written.header.records, records);
    assert_eq!(written.bytes, std::fs::metadata(there.pack()).unwrap().len());
    assert_eq!(there.ward.only_here(), only_here, "a stick is no other place");
    let register = there.carrying("R03").register().unwrap();
    assert_eq!(register.unconfirmed().count(), 1);
    let names: Vec<_> = std::fs::read_dir(there.stick.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names, [PACK_NAME], "one name on the stick, and nothing half written");

    let taken = there.take("H01", &there.hub).unwrap();
    assert_eq!((taken.new, taken.known, taken.refused), (records, 0, 0));
    assert_eq!(taken.from, code("R03"));
    let again = there.take("H01", &there.hub).unwrap();
    assert_eq!((again.new, again.known), (0, records), "once more is harmless");

    // The way back: what the ward lacks, and what the hub holds, signed.
    let own = there
        .carrying("H01")
        .plan(&Holder::Running(&there.hub), None)
        .unwrap()
        .own;
    let wish = Wish {
        to: Some(code("R03")),
        ..Wish::default()
    };
    let back = there.out_with("H01", &there.hub, wish).unwrap();
    assert_eq!(back.header.records, own, "nothing of what the ward has itself");
    let receipt = there.take("R03", &there.ward).unwrap();
    assert_eq!(receipt.new, own);
    assert_eq!(receipt.confirmed.len(), 1);
    assert_eq!(there.ward.only_here(), 0, "elsewhere too");
    let register = there.carrying("R03").register().unwrap();
    assert_eq!(register.unconfirmed().count(), 0);
    assert_eq!(register.out[0].confirmed.unwrap().by, code("H01"));

    // What was proven survives the program; what was recorded since is only here again.
    drop(session);
    let Apart {
        hospital,
        hub,
        ward,
        stick,
    } = there;
    drop(ward);
    let ward = hospital.start("R03");
    let apart = Apart {
        hospital,
        hub,
        ward: Arc::clone(&ward),
        stick,
    };
    assert_eq!(apart.ward.only_here(), 0, "the signed receipt lies on this disk");
}

#[test]
fn a_stick_that_goes_round_takes_every_ward_along_and_loses_none() {
    let there = Apart::new();
    let session = enter(&there.ward);
    note(&session);
    there.out("R03", &there.ward).unwrap();
    let before = std::fs::read(there.pack()).unwrap();
    // The hub may not overwrite what it has not taken in.
    let refused = there.out("H01", &there.hub).unwrap_err();
    assert!(
        matches!(refused, CarryFault::NotTakenIn(from) if from == code("R03")),
        "{refused}"
    );
    assert_eq!(std::fs::read(there.pack()).unwrap(), before);
    // With making room first it may, and the ward's records go on in its own pack.
    let mut install = |_: &mut dyn std::io::Read| Ok(());
    let taken = hands(|hands| {
        there
            .carrying("H01")
            .make_room(there.stick.path(), &there.hub, &mut install, hands)
    });
    assert!(taken.unwrap().unwrap().new > 0);
    let on = there.out("H01", &there.hub).unwrap();
    let ward = *there.hospital.roster.station_id(code("R03")).as_bytes();
    assert!(on.header.ranges.iter().any(|range| range.station == ward));
    // Something that nobody can read stays, unless somebody says that it may go.
    std::fs::write(there.pack(), "photographs").unwrap();
    let refused = there.out("H01", &there.hub).unwrap_err();
    assert!(matches!(refused, CarryFault::Occupied(_)), "{refused}");
    let wish = Wish {
        replace: true,
        ..Wish::default()
    };
    there.out_with("H01", &there.hub, wish).unwrap();
}

#[test]
fn an_older_pack_changes_nothing_and_a_station_is_no_witness_for_itself() {
    let there = Apart::new();
    let session = enter(&there.ward);
    note(&session);
    there.out("R03", &there.ward).unwrap();
    let old = std::fs::read(there.pack()).unwrap();
    note(&session);
    there.out("R03", &there.ward).unwrap();
    let newest = there.take("H01", &there.hub).unwrap();
    assert!(!newest.older);
    std::fs::write(there.pack(), old).unwrap();
    let older = there.take("H01", &there.hub).unwrap();
    assert!(older.older && older.new == 0, "{older:?}");
    // Its own pack that comes back proves nothing.
    let only_here = there.ward.only_here();
    let own = there.take("R03", &there.ward).unwrap();
    assert!(own.confirmed.is_empty());
    assert_eq!(there.ward.only_here(), only_here);
}

#[test]
fn a_station_that_was_taken_out_brings_its_records_and_is_no_other_place() {
    let mut there = Apart::new();
    let session = enter(&there.hub);
    note(&session);
    there.out("R03", &there.ward).unwrap();
    assert!(there.hospital.roster.retire_station(code("R03"), None));
    let taken = there.take("H01", &there.hub).unwrap();
    assert!(taken.retired && taken.new > 0);
    let register = there.carrying("H01").register().unwrap();
    assert!(register.heard(&taken.header.sender).is_some());
}

#[test]
fn the_sealed_snapshot_goes_along_and_only_a_newer_one_is_taken_into_use() {
    let there = Apart::new();
    let first = there.ward.shelf().current().unwrap().identity().epoch;
    there.hospital.seal(patients(4), Guard::default()).unwrap();
    there.hub.shelf().refresh().unwrap();
    let shelved = there.hub.shelf().current().unwrap();
    let wish = Wish {
        snapshot: Some(&shelved),
        ..Wish::default()
    };
    there.out_with("H01", &there.hub, wish).unwrap();
    let taken = there.take("R03", &there.ward).unwrap();
    let epoch = shelved.identity().epoch;
    assert_eq!(taken.snapshot, Some(Ok(epoch)));
    assert!(epoch > first);
    assert_eq!(there.ward.shelf().current().unwrap().identity().epoch, epoch);
    assert_eq!(
        there.take("R03", &there.ward).unwrap().snapshot,
        None,
        "it is here already"
    );
    // A changed byte of it: the records are taken, the snapshot here stays.
    there.hospital.seal(patients(5), Guard::default()).unwrap();
    there.hub.shelf().refresh().unwrap();
    let shelved = there.hub.shelf().current().unwrap();
    let wish = Wish {
        snapshot: Some(&shelved),
        ..Wish::default()
    };
    let written = there.out_with("H01", &there.hub, wish).unwrap();
    let mut bytes = std::fs::read(there.pack()).unwrap();
    let at = 8 + usize::try_from(written.header.record_bytes()).unwrap() + 500;
    bytes[at] ^= 1;
    std::fs::write(there.pack(), bytes).unwrap();
    let taken = there.take("R03", &there.ward).unwrap();
    assert!(matches!(taken.snapshot, Some(Err(_))), "{:?}", taken.snapshot);
    assert_eq!(there.ward.shelf().current().unwrap().identity().epoch, epoch);
}

/// Everything that a person could find on a stick, each with its own answer, and nothing taken.
#[test]
fn hostile_sticks_are_refused_each_in_its_own_words() {
    let there = Apart::new();
    let session = enter(&there.ward);
    note(&session);
    let refused = |what: &str| match there.take("H01", &there.hub) {
        Ok(taken) => panic!("{what}: {taken:?}"),
        Err(fault) => fault,
    };
    assert!(matches!(refused("empty stick"), CarryFault::Nothing));
    std::fs::create_dir(there.pack()).unwrap();
    assert!(matches!(refused("a folder"), CarryFault::NotAFile));
    std::fs::remove_dir(there.pack()).unwrap();
    let secret = there.hospital.dir.path().join("elsewhere");
    std::fs::write(&secret, "not yours").unwrap();
    std::os::unix::fs::symlink(&secret, there.pack()).unwrap();
    assert!(matches!(refused("a link"), CarryFault::NotAFile));
    std::fs::remove_file(there.pack()).unwrap();
    std::os::unix::net::UnixListener::bind(there.pack()).unwrap();
    assert!(matches!(refused("a socket"), CarryFault::NotAFile));
    std::fs::remove_file(there.pack()).unwrap();
    std::fs::write(there.pack(), "").unwrap();
    assert!(matches!(refused("nothing in it"), CarryFault::NotAPack));
    // A terabyte of zeros, without a terabyte of disk.
    let endless = std::fs::File::create(there.pack()).unwrap();
    endless.set_len(1 << 40).unwrap();
    assert!(matches!(refused("endless"), CarryFault::NotAPack));
    std::fs::remove_file(there.pack()).unwrap();

    there.out("R03", &there.ward).unwrap();
    let good = std::fs::read(there.pack()).unwrap();
    let put = |bytes: &[u8]| std::fs::write(there.pack(), bytes).unwrap();
    put(&[&good[..], b"\0"].concat());
    assert!(matches!(refused("longer"), CarryFault::Truncated));
    let endless = std::fs::OpenOptions::new().write(true).open(there.pack()).unwrap();
    endless.set_len(1 << 40).unwrap();
    assert!(matches!(refused("endless behind a pack"), CarryFault::Truncated));
    // Signed by nobody who is enrolled, by another one than it names, by a newer version.
    let remade = |change: &dyn Fn(&mut Header), secret: &StationSecret| {
        let mut header = header_of(&good);
        let body = body_of(&good);
        change(&mut header);
        put(&[body, pack::close(&header, secret)].concat());
    };
    let stranger = StationSecret::random(&mut rng());
    remade(&|_| (), &stranger);
    assert!(matches!(refused("another key"), CarryFault::Forged));
    remade(&|header| header.sender = [3; 16], &stranger);
    assert!(matches!(refused("nobody enrolled"), CarryFault::UnknownStation));
    let hub = *there.hospital.roster.station_id(code("H01")).as_bytes();
    remade(&|header| header.sender = hub, &there.hospital.ward);
    assert!(matches!(refused("signed by another"), CarryFault::Forged));
    remade(&|header| header.version = 2, &there.hospital.ward);
    assert!(matches!(refused("newer"), CarryFault::Newer));
    remade(&|header| header.hospital = [9; 16], &there.hospital.ward);
    assert!(matches!(refused("another hospital"), CarryFault::OtherHospital));
    remade(&|header| header.pieces[0].len = u64::MAX, &there.hospital.ward);
    assert!(matches!(refused("lies about lengths"), CarryFault::NotAPack));
    let many = |header: &mut Header| header.pieces = vec![header.pieces[0]; 129];
    remade(&many, &there.hospital.ward);
    assert!(matches!(refused("too many pieces"), CarryFault::NotAPack));
    // A stick that gives a byte now and then.
    put(&good);
    let turns = std::cell::Cell::new(0);
    let slow = || {
        turns.set(turns.get() + 1);
        Duration::from_secs(turns.get())
    };
    let fault = there.take_within("H01", &there.hub, &|| slow() * 3).unwrap_err();
    assert!(matches!(fault, CarryFault::TooSlow), "{fault}");
    assert_eq!(there.hub.heads().0.len(), 1, "only its own chain");
    assert!(
        there.take("H01", &there.hub).unwrap().new > 0,
        "the good one is taken after all that"
    );
}

fn header_of(pack: &[u8]) -> Header {
    let last = pack.last_chunk::<12>().unwrap();
    let (at, length) = pack::header_at(pack.len() as u64, last).unwrap();
    let at = usize::try_from(at).unwrap();
    minicbor::decode(&pack[at..at + length]).unwrap()
}

fn body_of(pack: &[u8]) -> Vec<u8> {
    let last = pack.last_chunk::<12>().unwrap();
    let (at, _) = pack::header_at(pack.len() as u64, last).unwrap();
    pack[..usize::try_from(at).unwrap()].to_vec()
}

/// Every byte of a pack changed, and every length of it: nothing of it is ever believed.
#[test]
fn no_changed_byte_and_no_cut_passes() {
    let there = Apart::new();
    let session = enter(&there.ward);
    note(&session);
    there.out("R03", &there.ward).unwrap();
    let good = std::fs::read(there.pack()).unwrap();
    assert!(good.len() < 6_000, "{}", good.len());
    let carrying = there.carrying("H01");
    let take = |bytes: &[u8]| {
        std::fs::write(there.pack(), bytes).unwrap();
        let mut none = |_: &mut dyn std::io::Read| Ok(());
        hands(|hands| carrying.take(there.stick.path(), &there.hub, &mut none, hands))
    };
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1 << (at % 8);
        let taken = take(&changed);
        assert!(taken.is_err(), "byte {at}: {taken:?}");
    }
    for len in 0..good.len() {
        let taken = take(&good[..len]);
        assert!(taken.is_err(), "first {len} bytes: {taken:?}");
    }
    assert_eq!(there.hub.heads().0.len(), 1, "nothing of it was taken");
    assert!(take(&good).unwrap().new > 0);
}

#[test]
fn a_record_that_nobody_signed_is_left_out_and_the_others_are_taken() {
    let there = Apart::new();
    let session = enter(&there.ward);
    note(&session);
    there.out("R03", &there.ward).unwrap();
    let good = std::fs::read(there.pack()).unwrap();
    let mut header = header_of(&good);
    // A station whose own key was stolen signs a pack with somebody else's record changed.
    let mut body = body_of(&good);
    let at = body.len() - 20;
    body[at] ^= 1;
    header.pieces[0].sha256 = {
        use sha2::Digest;
        sha2::Sha256::digest(&body[8..]).into()
    };
    std::fs::write(
        there.pack(),
        [body, pack::close(&header, &there.hospital.ward)].concat(),
    )
    .unwrap();
    let taken = there.take("H01", &there.hub).unwrap();
    assert_eq!(taken.refused, 1);
    assert_eq!(taken.new, header.records - 1);
}

#[test]
fn without_a_running_station_the_same_pack_is_made_of_its_files() {
    let there = Apart::new();
    let session = enter(&there.ward);
    note(&session);
    let stock = Stock::read(&Disk, &there.hospital.data("R03"), &there.hospital.roster, code("R03")).unwrap();
    let far = |heads: Heads| heads.0.iter().map(|head| (head.chain(), head.seq)).collect::<Vec<_>>();
    assert_eq!(far(stock.heads()), far(there.ward.heads()));
    let running = there.out("R03", &there.ward).unwrap();
    let holder = Holder::Files(&stock);
    let name = StickName::default();
    let of_files = hands(|hands| {
        there
            .carrying("R03")
            .write(there.stick.path(), &name, &holder, Wish::default(), hands)
    });
    assert_eq!(of_files.unwrap().header.pieces, running.header.pieces);
}

#[test]
fn a_stick_that_cannot_be_written_keeps_what_lay_on_it() {
    let there = Apart::new();
    there.out("R03", &there.ward).unwrap();
    let before = std::fs::read(there.pack()).unwrap();
    // Something that is no file has the name of the unfinished one.
    std::fs::create_dir(there.stick.path().join(PART_NAME)).unwrap();
    let fault = there.out("R03", &there.ward).unwrap_err();
    assert!(matches!(fault, CarryFault::Stick(_)), "{fault}");
    assert_eq!(std::fs::read(there.pack()).unwrap(), before);
    let gone = hands(|hands| {
        let holder = Holder::Running(&there.ward);
        let nowhere = Path::new("/nonexistent-stick");
        there
            .carrying("R03")
            .write(nowhere, &StickName::default(), &holder, Wish::default(), hands)
    });
    assert!(matches!(gone.unwrap_err(), CarryFault::NoStick(_)));
}

#[test]
fn another_hospital_with_the_same_names_is_another_hospital() {
    let there = Apart::new();
    let elsewhere = Hospital::named(HospitalId([9; 16]));
    elsewhere.seal(patients(3), Guard::default()).unwrap();
    let station = elsewhere.start("R03");
    let data = elsewhere.data("R03");
    let secret = Arc::clone(&elsewhere.ward);
    let carrying = Carrying::new(&elsewhere.roster, code("R03"), secret, Arc::new(Disk), &data).unwrap();
    let holder = Holder::Running(&station);
    let name = StickName::default();
    hands(|hands| carrying.write(there.stick.path(), &name, &holder, Wish::default(), hands)).unwrap();
    let fault = there.take("H01", &there.hub).unwrap_err();
    assert!(matches!(fault, CarryFault::OtherHospital), "{fault}");
}
