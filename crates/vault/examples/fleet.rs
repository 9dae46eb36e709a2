//! What a large hospital's snapshot costs: 3,000 patients of 60 KB, 1,000 stations, 2,000 users of 14 roles, 21 compartments.
//! `cargo run --release -p vault --example fleet [patients] [stations] [users]`. Target: sealed in 60 s and 400 MB.
//!
//! The file goes to the disk and is synced, as an extract does it; then one station and one user open every record. Texts are invented
//! and compress about as notes do. Nothing is asserted: this is for people who compare.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::Instant;

use rand_core::UnwrapErr;
use vault::files::{Disk, Files};
use vault::keys::{SealerSecret, StationSecret, UserSecret};
use vault::snapshot::{Compartment, Grant, RoleGrant, SealPlan, Snapshot, SnapshotWriter, StationGrant, UserGrant};
use vault::train::{DICTIONARY_SIZE, LEVEL, SAMPLE_BYTES, train_dictionary};
use vault::{CompartmentId, HospitalId, RoleId, StationId, UserId};

const RECORD: usize = 60_000;
const ROLES: u16 = 14;
const PLACES: u16 = 20;
const EVERYBODY: CompartmentId = CompartmentId(0);

fn main() {
    let mut counts = std::env::args().skip(1).map(|n| n.parse::<u32>().unwrap());
    let patients = counts.next().unwrap_or(3_000);
    let (stations, users) = (counts.next().unwrap_or(1_000), counts.next().unwrap_or(2_000));
    let mut rng = UnwrapErr(getrandom::SysRng);
    let station = StationSecret::random(&mut rng);
    let user = UserSecret::random(&mut rng);
    let mut plan = plan(users, &mut rng);
    plan.stations = (0..stations)
        .map(|n| StationGrant {
            id: station_id(n),
            public: if n == 0 {
                station.public()
            } else {
                StationSecret::random(&mut rng).public()
            },
        })
        .collect();
    plan.users[0].public = user.public();
    let sealer = SealerSecret::random(&mut rng);
    let dir = tempfile::tempdir_in(".").unwrap();
    let path = dir.path().join("snapshot.tmb");
    measured("seal", || {
        let samples: Vec<Vec<u8>> = (0..u32::try_from(SAMPLE_BYTES / RECORD).unwrap() + 1)
            .map(record)
            .collect();
        let samples: Vec<&[u8]> = samples.iter().map(Vec::as_slice).collect();
        plan.dictionary = train_dictionary(&samples, DICTIONARY_SIZE).unwrap();
        let mut file = BufWriter::new(File::create(&path).unwrap());
        let mut writer = SnapshotWriter::new(&mut file, &plan, &sealer, &mut rng).unwrap();
        for n in 0..patients {
            let place = CompartmentId(1 + u16::try_from(n % u32::from(PLACES)).unwrap());
            writer.add_record(&[EVERYBODY, place], &record(n)).unwrap();
        }
        writer.finish(&mut |_, _| Vec::new(), b"").unwrap();
        file.flush().unwrap();
        file.get_ref().sync_all().unwrap();
    });
    println!("  {:.1} MB", std::fs::metadata(&path).unwrap().len() as f64 / 1e6);
    let source = Disk.open(&path).unwrap();
    let snapshot = measured("open: signature and outer lock", || {
        let snapshot = Snapshot::open(source, &[sealer.public()]).unwrap();
        (snapshot.unlock_station(&station_id(0), &station).unwrap(), snapshot)
    });
    let unlocked = measured("open: inner lock", || {
        snapshot.0.unlock_user(&user_id(0), &user).unwrap()
    });
    measured("open: every record", || {
        (0..patients).for_each(|n| assert_eq!(unlocked.record(EVERYBODY, n).unwrap().len(), RECORD));
    });
}

fn station_id(n: u32) -> StationId {
    StationId(id(n))
}

fn user_id(n: u32) -> UserId {
    UserId(id(n))
}

fn id(n: u32) -> [u8; 16] {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&n.to_be_bytes());
    id
}

fn plan(users: u32, rng: &mut UnwrapErr<getrandom::SysRng>) -> SealPlan {
    let role = |n: u32| RoleId(1 + u16::try_from(n % u32::from(ROLES)).unwrap());
    SealPlan {
        hospital: HospitalId([0; 16]),
        epoch: 1,
        delta: 0,
        created: 0,
        fresh_until: 0,
        previous: [0; 32],
        stations: Vec::new(),
        users: (0..users)
            .map(|n| UserGrant {
                id: user_id(n),
                public: UserSecret::random(rng).public(),
                record: vec![b'u'; 120],
                roles: vec![role(n)],
                slots: Vec::new(),
            })
            .collect(),
        roles: (1..=ROLES)
            .map(|n| RoleGrant {
                id: RoleId(n),
                grants: (0..=PLACES)
                    .map(|place| Grant {
                        compartment: CompartmentId(place),
                        verbs: 1,
                    })
                    .collect(),
                enclosed: Vec::new(),
            })
            .collect(),
        compartments: (0..=PLACES)
            .map(|n| Compartment {
                id: CompartmentId(n),
                name: n.to_string().into_bytes(),
            })
            .collect(),
        recovery: None,
        policy: Vec::new(),
        dictionary: Vec::new(),
        level: LEVEL,
    }
}

/// Words in an order that only the number decides.
fn record(n: u32) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "血圧",
        "息切れは変わらない。",
        "下腿浮腫",
        "なし。",
        "処方継続",
        "朝食後",
        "1回1錠",
        "35日分",
        "次回",
        "採血",
        "心電図",
        "NYHA II",
        "体重",
        "kg、",
        "家庭血圧",
        "SpO2 ",
    ];
    let mut state = u64::from(n) + 1;
    let mut text = String::with_capacity(RECORD + 64);
    while text.len() < RECORD {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let draw = state >> 33;
        text.push_str(WORDS[usize::try_from(draw % 16).unwrap()]);
        if draw % 3 == 0 {
            text.push_str(&(draw / 48 % 1_000).to_string());
        }
    }
    let mut bytes = text.into_bytes();
    bytes.truncate(RECORD);
    bytes
}

fn measured<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let result = work();
    println!(
        "{what}: {:.2} s, {:.2} CPU s, peak so far {} MB",
        wall.elapsed().as_secs_f64(),
        cpu_seconds() - cpu,
        peak_megabytes()
    );
    result
}

fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos: u64 = text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0);
    nanos as f64 / 1e9
}

fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kb: u64 = line
        .and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0);
    kb / 1024
}
