//! Older entries are opened behind a gate here, slice by slice. What an opened day then shows is deliberately tested elsewhere.

use std::path::Path;
use std::sync::mpsc::channel;

use chart::{Act, Author, EntryId, Moment, StationCode, Subject};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use vault::journal::{Incarnation, Journal, NewRecord, Start, Stations};
use vault::keys::StationSecret;
use vault::simfs::SimFs;
use vault::{CompartmentId, HospitalId, StationId};

use super::super::parcel::Bytes;
use super::super::replica::ReplicaStart;
use super::*;
use crate::journal::OPEN_ENTRY;
use crate::view::Order;

fn entry(n: usize) -> Entry {
    Entry {
        by: Author {
            user: "1001".to_owned(),
            name: String::new(),
            role: "clerk".to_owned(),
        },
        written_at: Moment(1_795_132_800),
        station: StationCode::parse("R03").unwrap(),
        subject: Subject::Hospital,
        act: Act::UserDisabled {
            user: n.to_string(),
            reason: String::new(),
        },
    }
}

fn saved(n: u8) -> Recorded {
    Recorded {
        id: EntryId([n; 32]),
        order: Order {
            hlc: u64::MAX - u64::from(n),
            station: [1; 16],
            incarnation: [1; 8],
            seq: u64::from(n),
        },
        entry: entry(0),
    }
}

/// A replica that has received so many entries.
fn replica_of(count: usize) -> Arc<Replica> {
    let mut rng = UnwrapErr(SysRng);
    let files: Arc<SimFs> = Arc::new(SimFs::new(5));
    let (me, other, reader) = (
        StationSecret::random(&mut rng),
        StationSecret::random(&mut rng),
        RoleSecret::random(&mut rng),
    );
    let (hospital, here, there) = (HospitalId([9; 16]), StationId([1; 16]), StationId([2; 16]));
    let start = Start {
        hospital,
        station: there,
        secret: &other,
        incarnation: Incarnation::Continue,
        readers: &[reader.public()],
        hlc: 0,
        time_quality: 0,
    };
    let (mut journal, _) = Journal::start(files.clone(), Path::new("/there"), &start, &mut rng).unwrap();
    let payloads: Vec<Vec<u8>> = (0..count).map(|n| entry(n).to_bytes().unwrap()).collect();
    let new: Vec<NewRecord<'_>> = (1..)
        .zip(&payloads)
        .map(|(hlc, payload)| NewRecord {
            class: OPEN_ENTRY,
            compartment: CompartmentId(0),
            user: [0; 16],
            hlc,
            time_quality: 0,
            payload,
        })
        .collect();
    let made = journal.append_batch(&new, &mut rng).unwrap();
    let bytes = |record: &Record| Bytes(record.bytes().to_vec());
    let records: Vec<Bytes> = [bytes(journal.key_record())]
        .into_iter()
        .chain(made.iter().map(bytes))
        .collect();
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
    replica.take(&records).unwrap();
    Arc::new(replica)
}

/// The background stands at its gate before every slice: what is saved then is there at once, with thousands still unopened.
#[test]
fn a_save_never_waits_for_older_entries_to_be_opened() {
    const ALL: usize = 1_000;
    const FIRST: usize = 100;
    let replica = replica_of(ALL);
    let (stands, gate) = channel();
    let (go, may_go) = channel::<()>();
    let (stands, may_go) = (Mutex::new(stands), Mutex::new(may_go));
    let between = move || {
        stands.lock().unwrap().send(()).unwrap();
        // Open for good once the other end is gone.
        let _ = may_go.lock().unwrap().recv();
    };
    let live = Live::paced(RoleSecret::random(&mut UnwrapErr(SysRng)), &replica, FIRST, between);
    let mut left = ALL - FIRST;
    for n in 1..=3 {
        gate.recv().unwrap();
        assert_eq!(live.older(), left, "one slice since the last time, and no more");
        assert!(
            live.day.try_write().is_ok() && live.keys.try_lock().is_ok(),
            "nothing is held between slices"
        );
        live.add([saved(n)]);
        assert!(live.day().get(&saved(n).id).is_some());
        assert_eq!(live.older(), left, "it did not wait for them");
        left -= SLICE;
        go.send(()).unwrap();
    }
    drop(go);
    assert_eq!(gate.iter().count(), (ALL - FIRST).div_ceil(SLICE) - 3);
    assert_eq!((live.older(), live.day().len()), (0, ALL + 3));
    let orders: Vec<_> = live.day().all().map(|r| r.order).collect();
    assert!(orders.is_sorted());
}
