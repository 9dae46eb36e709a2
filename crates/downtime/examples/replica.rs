//! What a station that holds everybody's records of ninety days costs: `cargo run --release -p downtime --example replica
//! [entries] [stations]`. Target: 1.8 million records in 400 MB with somebody signed in, and every question as quick as on the first day.
//!
//! Records are made by real journals and taken by a real replica on a real disk, then the station starts anew and is asked what it is
//! asked all day. Sealed for the journal role, as in life.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chart::entry::SignedNote;
use chart::note::{Section, SectionKind};
use chart::{Act, Author, Coded, Entry, Moment, PatientId, StationCode, Subject};
use downtime::journal::ENTRY;
use downtime::stations::replica::{Answer, Ask, Hello, Peer, Replica, ReplicaStart, Since, Visit};
use downtime::stations::{Bytes, Live};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use vault::files::{Disk, Files};
use vault::journal::{Incarnation, Journal, NewRecord, Start, Stations};
use vault::keys::{RoleSecret, StationSecret};
use vault::{CompartmentId, HospitalId, StationId};

const HOSPITAL: HospitalId = HospitalId([9; 16]);

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let wanted: u64 = arguments.next().map_or(Ok(1_800_000), |n| n.parse())?;
    let stations: u64 = arguments.next().map_or(Ok(1_000), |n| n.parse())?;
    let dir = tempfile::tempdir()?;
    let mut rng = UnwrapErr(SysRng);
    let reader = RoleSecret::random(&mut rng);
    let secret = Arc::new(StationSecret::random(&mut rng));
    let mut enrolled = Stations::new();
    enrolled.insert(id(0), secret.public());
    let writers: Vec<StationSecret> = (1..=stations).map(|_| StationSecret::random(&mut rng)).collect();
    for (n, writer) in (1..).zip(&writers) {
        enrolled.insert(id(n), writer.public());
    }
    let files: Arc<dyn Files> = Arc::new(Disk);
    let data = dir.path().join("station");
    let start = ReplicaStart {
        files: Arc::clone(&files),
        data: &data,
        hospital: HOSPITAL,
        station: id(0),
        secret,
        stations: enrolled,
    };
    let (replica, _) = Replica::start(&start, [], &mut rng, &mut |_| ())?;
    let begun = Instant::now();
    let each = wanted / stations;
    for (n, writer) in (1..).zip(&writers) {
        let records = write(&dir.path().join("writer"), id(n), writer, &reader, each)?;
        replica.take(&records)?;
    }
    println!(
        "made and taken   {} records in {:.0} s",
        replica.len(),
        begun.elapsed().as_secs_f64()
    );
    drop(replica);

    let before = resident("VmRSS")?;
    let begun = Instant::now();
    let (replica, _) = Replica::start(&start, [], &mut rng, &mut |_| ())?;
    let replica = Arc::new(replica);
    println!("start            {:.2} s", begun.elapsed().as_secs_f64());
    let held = resident("VmRSS")?;
    println!(
        "memory, nobody in  {} MB for {} records",
        held.saturating_sub(before) / 1024,
        replica.len()
    );

    asked(&replica)?;
    let begun = Instant::now();
    let live = Live::of_replica(reader, &replica);
    println!(
        "sign-in          {:.2} s until the first page ({} older to open)",
        begun.elapsed().as_secs_f64(),
        live.older()
    );
    while live.older() > 0 {
        std::thread::park_timeout(Duration::from_millis(100));
    }
    println!(
        "everything open  {:.1} s, {} entries",
        begun.elapsed().as_secs_f64(),
        live.day().len()
    );
    println!(
        "memory, somebody in  {} MB",
        resident("VmRSS")?.saturating_sub(before) / 1024
    );
    println!("peak             {} MB", resident("VmHWM")? / 1024);
    asked(&replica)
}

/// What other stations and browsers ask all day.
fn asked(replica: &Arc<Replica>) -> Result<()> {
    let hello = |since| Ask::Hello(Hello { from: id(1).0, since });
    let time = |what: &str, work: &mut dyn FnMut() -> Result<()>| -> Result<()> {
        let begun = Instant::now();
        for _ in 0..100 {
            work()?;
        }
        println!("{what:<28} {:>8.0} µs", begun.elapsed().as_secs_f64() * 10_000.0);
        Ok(())
    };
    let mut since: Option<Since> = None;
    time("hello for the first time", &mut || {
        if let (Answer::Heads(told), _) = replica.answer(&hello(None), 0)? {
            since = Some(told.since);
        }
        Ok(())
    })?;
    time("hello again", &mut || {
        replica.answer(&hello(since), 0).map(drop).map_err(Into::into)
    })?;
    time("unsent, for the mode bar", &mut || {
        std::hint::black_box(replica.only_here());
        std::hint::black_box(replica.forks());
        Ok(())
    })?;
    let mut heads = replica.heads();
    if let Some(head) = heads.first_mut() {
        head.seq = head.seq.saturating_sub(20);
    }
    time("twenty records somebody lacks", &mut || {
        std::hint::black_box(replica.missing(&heads));
        Ok(())
    })?;
    let (mut peer, mut visit) = (Peer::default(), Visit::new());
    time("a visit begins", &mut || visit_begins(replica, &mut peer, &mut visit))
}

fn visit_begins(replica: &Replica, peer: &mut Peer, visit: &mut Visit) -> Result<()> {
    *visit = Visit::new();
    visit.next(replica, peer, None, 0)?;
    Ok(())
}

/// One station's life of records, in another directory.
fn write(
    dir: &Path,
    station: StationId,
    secret: &StationSecret,
    reader: &RoleSecret,
    count: u64,
) -> Result<Vec<Bytes>> {
    let mut rng = UnwrapErr(SysRng);
    let readers = [reader.public()];
    let start = Start {
        hospital: HOSPITAL,
        station,
        secret,
        incarnation: Incarnation::New,
        readers: &readers,
        hlc: 1 << 20,
        time_quality: 0,
    };
    let (mut journal, _) = Journal::start(Arc::new(Disk), dir, &start, &mut rng)?;
    let mut out = vec![Bytes(journal.key_record().bytes().to_vec())];
    let mut n = 0;
    while n < count {
        let some = (count - n).min(1_000);
        let payloads: Result<Vec<Vec<u8>>> = (n..n + some).map(|n| Ok(note(n)?.to_bytes()?)).collect();
        let payloads = payloads?;
        let entries: Vec<NewRecord<'_>> = (n..)
            .zip(&payloads)
            .map(|(n, payload)| NewRecord {
                class: ENTRY,
                compartment: CompartmentId(0),
                user: [1; 16],
                hlc: (1_795_132_800 + n * 4_320) << 20,
                time_quality: 0,
                payload,
            })
            .collect();
        let records = journal.append_batch(&entries, &mut rng)?;
        out.extend(records.iter().map(|record| Bytes(record.bytes().to_vec())));
        n += some;
    }
    drop(journal);
    std::fs::remove_dir_all(dir)?;
    Ok(out)
}

fn note(n: u64) -> Result<Entry> {
    let at = Moment(1_795_132_800 + i64::try_from(n * 4_320)?);
    let text = "息切れは変わらない。下腿浮腫なし。処方継続。次回は二週間後、採血と胸部写真。".repeat(4);
    Ok(Entry {
        by: Author {
            user: format!("{:04}", n % 900),
            name: "佐藤　一郎".to_owned(),
            role: "physician".to_owned(),
        },
        written_at: at,
        station: StationCode::parse("S01").context("a station")?,
        subject: Subject::Patient(PatientId::parse(&format!("{:08}", n % 60_000)).context("a patient")?),
        act: Act::NoteSigned(SignedNote {
            department: Coded::new("01", "循環器内科"),
            sections: vec![Section {
                kind: SectionKind::Free,
                text,
            }],
            ..SignedNote::default()
        }),
    })
}

fn id(n: u64) -> StationId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.to_be_bytes());
    StationId(id)
}

/// One line of the process's status, in KB.
fn resident(which: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("memory is read from /proc")?;
    let line = status
        .lines()
        .find(|line| line.starts_with(which))
        .context("no such line")?;
    let kb = line.split_whitespace().nth(1).context("no figure")?;
    Ok(kb.parse()?)
}
