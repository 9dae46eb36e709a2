//! What the stations of a hospital write in a long outage, as real journals, and as the hub has received it: for the bench of the
//! ninetieth day.
//!
//! `outage_records HUB_DATA FIRST_DAY LAST_DAY ENTRIES_A_DAY STATION_DATA…`; the directories are those of `tomoshibi init` and
//! `tomoshibi station new`, the days are counted back from today: 90 to 1. Called again it goes on where the journals end.
//!
//! Deliberately without screens and without the line: what they cost is measured elsewhere. Every record is signed and sealed by its own
//! station, and taken in by the hub's log with the durability that a visit has.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use chart::entry::{CheckIn, SignedNote};
use chart::note::{Section, SectionKind};
use chart::{Act, Author, Coded, Entry, FormId, Moment, PatientId, StationCode, Subject};
use downtime::identity::Roster;
use downtime::journal::ENTRY;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use vault::CompartmentId;
use vault::files::Disk;
use vault::journal::{Incarnation, Journal, MAX_BATCH, NewRecord, RecordLog, Start, Stations};
use vault::keys::StationSecret;

const DAY: i64 = 86_400;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [hub, first, last, entries, stations @ ..] = arguments.as_slice() else {
        anyhow::bail!("outage_records HUB_DATA FIRST_DAY LAST_DAY ENTRIES_A_DAY STATION_DATA…");
    };
    let (first, last, entries): (i64, i64, usize) = (first.parse()?, last.parse()?, entries.parse()?);
    let hub = Path::new(hub);
    let roster = Roster::from_bytes(&std::fs::read(hub.join("roster.cbor")).context("the hub's roster")?)?;
    let mut known = Stations::new();
    for station in &roster.stations {
        known.insert(roster.station_id(station.code), station.public()?);
    }
    let of_hub = roster.stations.first().context("a hub in the roster")?;
    let (mut received, _) = RecordLog::start(
        Arc::new(Disk),
        &hub.join("peers"),
        &roster.hospital(),
        &roster.station_id(of_hub.code),
        &known,
    )?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let today = i64::try_from(now.as_secs())? / DAY * DAY;
    let mut writers = stations
        .iter()
        .zip(1..)
        .map(|(data, n)| Writer::open(&roster, Path::new(data), n))
        .collect::<Result<Vec<_>>>()?;
    let each = entries.div_ceil(writers.len().max(1));
    let mut written = 0;
    for back in (last..=first).rev() {
        for writer in &mut writers {
            // Nobody works at six in the morning, and today's day has not ended.
            let begin = today - back * DAY;
            written += writer.day(begin, each, &mut received)?;
        }
    }
    println!("{written}");
    Ok(())
}

/// One station that writes.
struct Writer {
    journal: Journal,
    code: StationCode,
    node: u8,
    n: u32,
}

impl Writer {
    fn open(roster: &Roster, data: &Path, n: u32) -> Result<Self> {
        let key: PathBuf = data.join("keys").join("station.key");
        let secret = StationSecret::from_file_bytes(&std::fs::read(&key).with_context(|| key.display().to_string())?)?;
        let enrolled = roster
            .stations
            .iter()
            .find(|station| {
                station
                    .public()
                    .is_ok_and(|public| public.to_bytes() == secret.public().to_bytes())
            })
            .with_context(|| format!("{} is not enrolled", data.display()))?;
        let start = Start {
            hospital: roster.hospital(),
            station: roster.station_id(enrolled.code),
            secret: &secret,
            incarnation: Incarnation::Continue,
            readers: &[roster.journal()?],
            hlc: 1,
            time_quality: 1,
        };
        let (journal, _) = Journal::start(Arc::new(Disk), &data.join("journal"), &start, &mut UnwrapErr(SysRng))?;
        Ok(Self {
            journal,
            code: enrolled.code,
            node: enrolled.block.node(),
            n,
        })
    }

    /// A day's entries, saved here and received at the hub.
    fn day(&mut self, begin: i64, entries: usize, received: &mut RecordLog) -> Result<usize> {
        // The key that opens what follows travels first, as it does in life; a log that has it already leaves it.
        received.append(&[self.journal.key_record().clone()])?;
        let mut done = 0;
        while done < entries {
            let some = (entries - done).min(MAX_BATCH / 4);
            let moments = (done..done + some).map(|k| begin + i64::try_from(k * 40_000 / entries).unwrap_or(0));
            let payloads = moments
                .map(|at| Ok((at, self.invent(at)?.to_bytes()?)))
                .collect::<Result<Vec<_>>>()?;
            let batch: Vec<NewRecord<'_>> = payloads
                .iter()
                .zip(0_u64..)
                .map(|((at, payload), k)| NewRecord {
                    class: ENTRY,
                    compartment: CompartmentId(1),
                    user: [7; 16],
                    hlc: (u64::try_from(*at).unwrap_or(0) << 20) + k,
                    time_quality: 1,
                    payload,
                })
                .collect();
            let records = self.journal.append_batch(&batch, &mut UnwrapErr(SysRng))?;
            received.append(&records)?;
            done += some;
        }
        Ok(done)
    }

    /// Receptions, notes and paper in the proportions of a morning.
    fn invent(&mut self, at: i64) -> Result<Entry> {
        self.n += 1;
        let (n, at) = (self.n, Moment(at));
        let number = n % 9_000 + 1;
        let sheet = FormId::issue(at.day(), self.node, number).context("a number of a sheet")?;
        let department = Coded::new("01", "循環器内科");
        let act = match n % 3 {
            0 => Act::CheckedIn(CheckIn {
                number: format!("Z-{number:03}"),
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
                    text: "息切れは変わらない。下腿浮腫なし。処方継続。次回は四週後、採血と心電図。".to_owned(),
                }],
                ..SignedNote::default()
            }),
            _ => Act::Printed {
                form: "F01".to_owned(),
                form_id: sheet,
                reissue: false,
            },
        };
        Ok(Entry {
            by: Author {
                user: format!("{:04}", n % 900),
                name: "佐藤　一郎".to_owned(),
                role: "physician".to_owned(),
            },
            written_at: at,
            station: self.code,
            subject: Subject::Patient(PatientId::parse(&format!("{:08}", n * 7 % 60_000)).context("a patient")?),
            act,
        })
    }
}
