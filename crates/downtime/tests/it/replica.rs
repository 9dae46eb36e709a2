//! Replication between running stations: what receipts prove, a disk that was set back, and a key that writes without end.

use std::path::Path;
use std::sync::Arc;

use chart::{Act, Subject};
use downtime::extract::Guard;
use downtime::stations::replica::{Peer, RECORDS_A_DAY, Replica, ReplicaStart};
use downtime::stations::{Bytes, Session, Station};
use vault::CompartmentId;
use vault::files::Files;
use vault::journal::{Class, Incarnation, Journal, NewRecord, Start, Stations};
use vault::keys::{RoleSecret, StationSecret};
use vault::simfs::{Ending, SimFs};
use vault::slot::Credentials;

use crate::hospital::{Hospital, PASSWORD, patients, rng, sealed_file};

fn clerk(station: &Arc<Station>) -> Session {
    station.sign_in("1001", &Credentials::Password(PASSWORD)).unwrap()
}

fn save(session: &Session, words: &str) -> chart::EntryId {
    let act = Act::UserDisabled {
        user: words.to_owned(),
        reason: String::new(),
    };
    session.record_blocking(Subject::Hospital, act).unwrap()
}

#[test]
fn a_level_is_what_receipts_say_and_survives_a_restart() {
    let hospital = Hospital::new();
    hospital.seal(patients(30), Guard::default()).unwrap();
    let hub = hospital.start("H01");
    let fs = SimFs::new(11);
    let ward = hospital.start_on("R03", Arc::new(fs.clone()));
    ward.shelf().receive(&mut sealed_file(hub.shelf()).as_slice()).unwrap();
    let session = clerk(&ward);
    let entry = save(&session, "one");
    let elsewhere = |station: &Arc<Station>, session: &Session| {
        let order = session.day().get(&entry).unwrap().order;
        station.replica().kept(&order, &entry.0).elsewhere
    };
    assert_eq!((elsewhere(&ward, &session), ward.state().unsent), (0, 1));
    // The other takes it, and its answer is lost on the way: nothing may be claimed.
    let mut peer = Peer::default();
    let lost = ward.visit(&mut peer, |ask| {
        let answer = hub.answer(ask)?;
        match answer {
            downtime::stations::replica::Answer::Taken(_) => Err(downtime::stations::ParcelFault::Malformed),
            other => Ok(other),
        }
    });
    assert!(lost.is_err());
    assert_eq!(elsewhere(&ward, &session), 0);
    ward.visit(&mut Peer::default(), |ask| hub.answer(ask)).unwrap();
    assert_eq!((elsewhere(&ward, &session), ward.state().unsent), (1, 0));
    drop((session, ward));
    fs.restart(Ending::PowerCut);
    let ward = hospital.start_on("R03", Arc::new(fs.clone()));
    let session = clerk(&ward);
    assert_eq!(elsewhere(&ward, &session), 1, "kept, and verified again");
    save(&session, "two");
    assert_eq!(ward.state().unsent, 1);
}

#[test]
fn a_disk_that_was_set_back_is_told_and_begins_another_chain() {
    let hospital = Hospital::new();
    hospital.seal(patients(30), Guard::default()).unwrap();
    let hub = hospital.start("H01");
    let fs = SimFs::new(12);
    let ward = hospital.start_on("R03", Arc::new(fs.clone()));
    ward.shelf().receive(&mut sealed_file(hub.shelf()).as_slice()).unwrap();
    save(&clerk(&ward), "before");
    let image = fs.fork(13);
    save(&clerk(&ward), "lost from the image");
    ward.visit(&mut Peer::default(), |ask| hub.answer(ask)).unwrap();
    drop(ward);
    image.restart(Ending::Kill);
    let ward = hospital.start_on("R03", Arc::new(image.clone()));
    let session = clerk(&ward);
    save(&session, "on the other branch");
    assert!(ward.state().forked.is_empty(), "nobody knows yet");
    for _ in 0..2 {
        ward.visit(&mut Peer::default(), |ask| hub.answer(ask)).unwrap();
    }
    assert_eq!(ward.state().forked, ["R03"]);
    assert_eq!(hub.state().forked, ["R03"]);
    let at_hub = clerk(&hub);
    assert_eq!(at_hub.day().len(), 3, "both branches are kept");
    assert_eq!(session.day().len(), 3, "and what the image had lost is back");
    drop((session, ward));
    image.restart(Ending::Kill);
    let ward = hospital.start_on("R03", Arc::new(image.clone()));
    let id = hospital.roster.station_id(ward.code());
    let chains = ward
        .heads()
        .0
        .iter()
        .filter(|head| head.station == *id.as_bytes())
        .count();
    assert_eq!(chains, 2, "another chain");
    save(&clerk(&ward), "after");
    ward.visit(&mut Peer::default(), |ask| hub.answer(ask)).unwrap();
    assert_eq!(at_hub.day().len(), 4);
    assert_eq!(ward.state().unsent, 0, "the hub vouches for every branch");
}

#[test]
fn a_key_that_writes_without_end_fills_nobodys_disk() {
    let mut rng = rng();
    let (fs, reader) = (SimFs::new(14), RoleSecret::random(&mut rng));
    let (me, other) = (StationSecret::random(&mut rng), StationSecret::random(&mut rng));
    let (here, there) = (vault::StationId([1; 16]), vault::StationId([2; 16]));
    let hospital = vault::HospitalId([3; 16]);
    let files: Arc<dyn Files> = Arc::new(fs);
    let readers = [reader.public()];
    let start = Start {
        hospital,
        station: there,
        secret: &other,
        incarnation: Incarnation::Continue,
        readers: &readers,
        hlc: 0,
        time_quality: 0,
    };
    let (mut journal, _) = Journal::start(Arc::clone(&files), Path::new("/there"), &start, &mut rng).unwrap();
    let mut records = vec![Bytes(journal.key_record().bytes().to_vec())];
    let of_day = |day: u64| NewRecord {
        class: Class(129),
        compartment: CompartmentId(0),
        user: [0; 16],
        hlc: (day * 86_400) << 20,
        time_quality: 0,
        payload: b"x",
    };
    for batch in 0..11 {
        let day = if batch < 10 { 20_000 } else { 20_001 };
        let made = journal.append_batch(&vec![of_day(day); 1_020], &mut rng).unwrap();
        records.extend(made.iter().map(|record| Bytes(record.bytes().to_vec())));
    }
    let stations: Stations = [(here, me.public()), (there, other.public())].into();
    let start = ReplicaStart {
        files,
        data: Path::new("/here"),
        hospital,
        station: here,
        secret: Arc::new(me),
        stations,
    };
    let (replica, _) = Replica::start(&start, [], &mut rng, &mut |_| ()).unwrap();
    let taken = replica.take(&records).unwrap();
    let day = RECORDS_A_DAY as usize;
    assert_eq!(
        taken.fresh.len(),
        1 + day + 1_020,
        "the key record, one day's share, and the next day"
    );
    assert_eq!(replica.over_quota(), [[2; 16]]);
    assert_eq!(
        replica.take(&records).unwrap().fresh.len(),
        0,
        "again is no way around it"
    );
}

#[test]
fn what_lies_behind_a_gap_is_given_and_counted_and_never_called_safe() {
    let mut rng = rng();
    let (fs, reader) = (SimFs::new(15), RoleSecret::random(&mut rng));
    let (me, other) = (StationSecret::random(&mut rng), StationSecret::random(&mut rng));
    let (here, there) = (vault::StationId([1; 16]), vault::StationId([2; 16]));
    let hospital = vault::HospitalId([3; 16]);
    let files: Arc<dyn Files> = Arc::new(fs);
    let readers = [reader.public()];
    let start = Start {
        hospital,
        station: here,
        secret: &me,
        incarnation: Incarnation::Continue,
        readers: &readers,
        hlc: 0,
        time_quality: 0,
    };
    let (mut journal, _) = Journal::start(Arc::clone(&files), Path::new("/here/journal"), &start, &mut rng).unwrap();
    let mut written = vec![(journal.key_record().clone(), journal.places()[0])];
    let new = NewRecord {
        class: Class(129),
        compartment: CompartmentId(0),
        user: [0; 16],
        hlc: 1,
        time_quality: 0,
        payload: b"x",
    };
    let made = journal.append_batch(&[new; 4], &mut rng).unwrap();
    written.extend(made.into_iter().zip(journal.places().iter().copied()));
    drop(journal);
    // Number 3 is gone; 4 and 5 lie behind the gap.
    written.remove(2);
    let stations: Stations = [(here, me.public()), (there, other.public())].into();
    let begin = |data, station, secret: &StationSecret| ReplicaStart {
        files: Arc::clone(&files),
        data: Path::new(data),
        hospital,
        station,
        secret: Arc::new(secret.clone()),
        stations: stations.clone(),
    };
    let own = written.iter().map(|(record, place)| (record, *place));
    let (writer, _) = Replica::start(&begin("/here", here, &me), own, &mut rng, &mut |_| ()).unwrap();
    let (holder, _) = Replica::start(&begin("/there", there, &other), [], &mut rng, &mut |_| ()).unwrap();
    assert_eq!((writer.only_here(), writer.behind_gaps()), (3, 2));
    // The holder has the row and not what waits: its row is as long as the writer's.
    let bytes = |all: &[(vault::journal::Record, _)]| -> Vec<Bytes> {
        all.iter().map(|(record, _)| Bytes(record.bytes().to_vec())).collect()
    };
    holder.take(&bytes(&written[..2])).unwrap();
    let (lacked, more) = writer.missing(&holder.heads());
    assert_eq!((lacked.clone(), more), (bytes(&written[2..]), false));
    holder.take(&lacked).unwrap();
    assert!(writer.missing(&holder.heads()).0.is_empty(), "given once");
    writer.hear_receipts(holder.all_receipts_for(&here, 0));
    let elsewhere = |n: usize| {
        let record = &written[n].0;
        let order = downtime::view::Order {
            hlc: 1,
            station: here.0,
            incarnation: record.header().incarnation.0,
            seq: record.header().seq,
        };
        writer.kept(&order, record.id()).elsewhere
    };
    assert_eq!((elsewhere(1), elsewhere(2), elsewhere(3)), (1, 0, 0));
    assert_eq!(writer.only_here(), 2, "nobody can vouch for what lies behind the gap");
}
