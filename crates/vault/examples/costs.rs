//! Measures sealing, opening and appending on this machine: `cargo run --release -p vault --example costs -- RECORDS`.
//!
//! `RECORDS` is a file of records, each behind its u32 length; without it, repeatable invented text is used, which
//! compresses far too well. CPU time is the main thread's (Linux). Nothing is asserted: this is for people who compare.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rand_core::UnwrapErr;
use vault::files::Disk;
use vault::journal::{Class, Incarnation, Journal, NewRecord, Start};
use vault::keys::{RoleSecret, SealerSecret, StationSecret, UserSecret};
use vault::snapshot::{Compartment, Grant, RoleGrant, SealPlan, Snapshot, SnapshotWriter, StationGrant, UserGrant};
use vault::train::{DICTIONARY_SIZE, LEVEL, SAMPLE_BYTES, train_dictionary};
use vault::{CompartmentId, HospitalId, RoleId, StationId, UserId};

type Random = UnwrapErr<getrandom::SysRng>;

const HOSPITAL: HospitalId = HospitalId([0; 16]);
const STATION: StationId = StationId([1; 16]);
const USER: UserId = UserId([2; 16]);
const ROLE: RoleId = RoleId(1);
const EVERYBODY: CompartmentId = CompartmentId(0);

fn main() {
    let records = std::env::args()
        .nth(1)
        .map_or_else(invented, |path| read(Path::new(&path)));
    let solid = records.concat();
    println!("{} records, {} bytes", records.len(), solid.len());
    let solid = measured("solid zstd -3", 1, || zstd::bulk::compress(&solid, 3).unwrap().len());
    let mut taken = 0;
    let samples = records.iter().map(Vec::as_slice).take_while(|record| {
        taken += record.len();
        taken < SAMPLE_BYTES
    });
    let samples: Vec<&[u8]> = samples.collect();
    let dictionary = measured("train", 1, || train_dictionary(&samples, DICTIONARY_SIZE).unwrap());
    seal_and_open(&records, solid, dictionary);
    append();
}

fn seal_and_open(records: &[Vec<u8>], solid: usize, dictionary: Vec<u8>) {
    let mut rng: Random = UnwrapErr(getrandom::SysRng);
    let sealer = SealerSecret::random(&mut rng);
    let (station, user) = (StationSecret::random(&mut rng), UserSecret::random(&mut rng));
    let plan = plan(&station, &user, dictionary);
    let mut file = Vec::with_capacity(64 << 20);
    measured("seal everything", 1, || {
        let mut writer = SnapshotWriter::new(&mut file, &plan, &sealer, &mut rng).unwrap();
        for record in records {
            writer.add_record(&[EVERYBODY], record).unwrap();
        }
        writer.finish(&mut |_, _| Vec::new(), b"").unwrap()
    });
    println!(
        "  {} bytes, {:.2} × solid zstd",
        file.len(),
        file.len() as f64 / solid as f64
    );
    let snapshot = measured("open: manifest", 1, || {
        Snapshot::open(Arc::new(file), &[sealer.public()]).unwrap()
    });
    let outer = measured("open: outer lock", 1, || {
        snapshot.unlock_station(&STATION, &station).unwrap()
    });
    let unlocked = measured("open: inner lock", 1, || outer.unlock_user(&USER, &user).unwrap());
    measured("open: index", 1, || unlocked.index(EVERYBODY).unwrap());
    let all = 0..u32::try_from(records.len()).unwrap();
    measured("open: one record", records.len(), || {
        all.for_each(|ordinal| drop(unlocked.record(EVERYBODY, ordinal).unwrap()));
    });
}

fn plan(station: &StationSecret, user: &UserSecret, dictionary: Vec<u8>) -> SealPlan {
    let grants = vec![Grant {
        compartment: EVERYBODY,
        verbs: 1,
    }];
    let (public, id) = (user.public(), USER);
    SealPlan {
        hospital: HOSPITAL,
        epoch: 1,
        delta: 0,
        created: 0,
        fresh_until: 0,
        previous: [0; 32],
        stations: vec![StationGrant {
            id: STATION,
            public: station.public(),
        }],
        users: vec![UserGrant {
            id,
            public,
            record: Vec::new(),
            roles: vec![ROLE],
            slots: Vec::new(),
        }],
        roles: vec![RoleGrant {
            id: ROLE,
            grants,
            enclosed: Vec::new(),
        }],
        compartments: vec![Compartment {
            id: EVERYBODY,
            name: Vec::new(),
        }],
        recovery: None,
        policy: Vec::new(),
        dictionary,
        level: LEVEL,
    }
}

fn append() {
    let mut rng: Random = UnwrapErr(getrandom::SysRng);
    let secret = StationSecret::random(&mut rng);
    let readers = [RoleSecret::random(&mut rng).public()];
    let start = Start {
        hospital: HOSPITAL,
        station: STATION,
        secret: &secret,
        incarnation: Incarnation::Continue,
        readers: &readers,
        hlc: 0,
        time_quality: 0,
    };
    // Beside the caller, not in the temporary directory: that is often memory, where a sync costs nothing.
    let dir = tempfile::tempdir_in(".").unwrap();
    let payload = [b'x'; 400];
    let entry = NewRecord {
        class: Class(1),
        compartment: EVERYBODY,
        user: [0; 16],
        hlc: 0,
        time_quality: 0,
        payload: &payload,
    };
    let files = Arc::new(Disk);
    let (mut journal, _) = measured("journal: first start", 1, || {
        Journal::start(files.clone(), dir.path(), &start, &mut rng).unwrap()
    });
    for batch in [1, 64, 200] {
        let entries = vec![entry; batch];
        measured(&format!("append in batches of {batch}: one entry"), 200 * batch, || {
            (0..200).for_each(|_| drop(journal.append_batch(&entries, &mut rng).unwrap()));
        });
    }
    // One at a time, as somebody alone at a desk; 200 at a time, as a busy hub groups them. Beside it what the disk alone needs.
    for batch in [1, 200] {
        let entries = vec![entry; batch];
        let waits = (0..1_000).map(|_| timed(|| drop(journal.append_batch(&entries, &mut rng).unwrap())));
        quantiles(&format!("append, {batch} waiting"), waits.collect());
    }
    let mut raw = std::fs::File::create(dir.path().join("raw")).unwrap();
    let waits = (0..1_000).map(|_| {
        timed(|| {
            raw.write_all(&payload).unwrap();
            raw.sync_data().unwrap();
        })
    });
    quantiles("raw fdatasync of 400 bytes", waits.collect());
    drop(journal);
    measured("journal: start with 254,000 entries", 1, || {
        Journal::start(files, dir.path(), &start, &mut rng).unwrap()
    });
}

fn timed(work: impl FnOnce()) -> u128 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_micros()
}

fn quantiles(what: &str, mut waits: Vec<u128>) {
    waits.sort_unstable();
    println!(
        "{what}: p50 {} µs, p99 {} µs",
        waits[waits.len() / 2],
        waits[waits.len() * 99 / 100]
    );
}

fn measured<T>(what: &str, times: usize, work: impl FnOnce() -> T) -> T {
    let (wall, cpu) = (Instant::now(), cpu_nanos());
    let result = work();
    let (wall, cpu) = (wall.elapsed().as_nanos() as f64, (cpu_nanos() - cpu) as f64);
    let each = 1e3 * times as f64;
    println!("{what}: {:.1} µs wall, {:.1} µs CPU", wall / each, cpu / each);
    result
}

fn cpu_nanos() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}

fn read(path: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(path).unwrap();
    let (mut rest, mut records) = (bytes.as_slice(), Vec::new());
    while let Some((len, tail)) = rest.split_first_chunk() {
        let (record, tail) = tail.split_at(u32::from_le_bytes(*len) as usize);
        records.push(record.to_vec());
        rest = tail;
    }
    records
}

fn invented() -> Vec<Vec<u8>> {
    (0..10_000)
        .map(|n| format!("record {n} of invented text; ").repeat(130).into_bytes())
        .collect()
}
