//! How long a station needs to fold everything a big hospital records in 90 days, and how much memory the day then takes:
//! `cargo run --release -p downtime --example fold [entries]`. Target: 1.8 million entries in 5 s and 400 MB.
//!
//! Deliberately without journal and keys: what reading and opening cost is measured elsewhere. The entries come in order,
//! as a journal is read, and then once more with a late parcel, which folds everything anew.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::time::Instant;

use anyhow::{Context, Result};
use chart::entry::{CheckIn, SignedNote};
use chart::note::{Section, SectionKind};
use chart::{Act, Author, Coded, Entry, EntryId, FormId, Moment, PatientId, StationCode, Subject};
use downtime::view::{Day, Order, Recorded};
use sha2::{Digest, Sha256};

const STATIONS: u64 = 1_000;

fn main() -> Result<()> {
    let wanted: u64 = std::env::args().nth(1).map_or(Ok(1_800_000), |n| n.parse())?;
    let before = resident("VmRSS")?;
    let mut day = Day::default();
    let started = Instant::now();
    let mut inventing = std::time::Duration::ZERO;
    let mut n = 0;
    while n < wanted {
        let begun = Instant::now();
        let batch: Result<Vec<Recorded>> = (n..wanted.min(n + 10_000)).map(invent).collect();
        let batch = batch?;
        inventing += begun.elapsed();
        n += batch.len() as u64;
        day.add(batch);
    }
    let folding = started.elapsed().saturating_sub(inventing);
    let after = resident("VmRSS")?;
    println!("entries          {}", day.len());
    println!("fold, in order   {:.2} s", folding.as_secs_f64());
    let begun = Instant::now();
    let conflicts = day.conflicts().len();
    println!("conflicts        {conflicts} in {:.2} s", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    day.add([Recorded {
        order: Order {
            hlc: 1,
            station: [0; 16],
            incarnation: [0; 8],
            seq: 1,
        },
        ..invent(wanted)?
    }]);
    println!("a late parcel    {:.2} s", begun.elapsed().as_secs_f64());
    println!("memory of a day  {} MB", (after - before) / 1024);
    println!("peak             {} MB", resident("VmHWM")? / 1024);
    Ok(())
}

/// Receptions, notes, paper and marks in the proportions of a morning.
fn invent(n: u64) -> Result<Recorded> {
    let station = n % STATIONS;
    let number = u32::try_from(n % 9_000)? + 1;
    let at = Moment(1_795_132_800 + i64::try_from(n / 20)?);
    let sheet = FormId::issue(at.day(), u8::try_from(station % 99)? + 1, number).context("a number of a sheet")?;
    let department = Coded::new("01", "循環器内科");
    let act = match n % 4 {
        0 => Act::CheckedIn(CheckIn {
            number: format!("A-{number:03}"),
            visit: sheet,
            department,
            doctor: Coded::new("D1", "佐藤　一郎"),
            booked_at: None,
            unbooked: false,
            identity_confirmed: true,
            insurance_seen: true,
            paper_language: None,
        }),
        1 => Act::NoteSigned(SignedNote {
            department,
            sections: vec![Section {
                kind: SectionKind::Free,
                text: "息切れは変わらない。下腿浮腫なし。処方継続。".to_owned(),
            }],
            ..SignedNote::default()
        }),
        2 => Act::Printed {
            form: "F01".to_owned(),
            form_id: sheet,
            reissue: false,
        },
        _ => Act::EnteredInEhr { entry: name(n - 2), at },
    };
    let mut place = [0; 16];
    place[..8].copy_from_slice(&station.to_be_bytes());
    Ok(Recorded {
        id: name(n),
        order: Order {
            hlc: (n + 2) << 10,
            station: place,
            incarnation: [0; 8],
            seq: n / STATIONS + 1,
        },
        entry: Entry {
            by: Author {
                user: format!("{:04}", station % 900),
                name: "佐藤　一郎".to_owned(),
                role: "physician".to_owned(),
            },
            written_at: at,
            station: StationCode::parse(&format!("S{:02}", station % 100)).context("a station")?,
            subject: Subject::Patient(PatientId::parse(&format!("{:08}", n % 60_000)).context("a patient")?),
            act,
        },
    })
}

fn name(n: u64) -> EntryId {
    EntryId(Sha256::digest(n.to_le_bytes()).into())
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
