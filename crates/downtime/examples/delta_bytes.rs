//! What a refresh costs on the line when some charts changed: `cargo run --release -p downtime --example delta_bytes -- PATIENTS PERCENT DIR
//! MAPPING`. It makes an invented hospital's CSV export, seals it, lets the EHR write a new note and a new set of results for so many per cent of
//! the patients, seals again in the same epoch, and has a station pull the delta. It prints bytes of the raw CSV and bytes pulled.
//!
//! Deliberately without a line: the bytes a station asks for are counted where they are given.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use chart::{Moment, StationCode};
use downtime::distribution::{Giver, Lost};
use downtime::extract::{self, Guard, Lasting, Order};
use downtime::identity::{NewUser, Role, Roster, Sponsor};
use downtime::shelf::Shelf;
use downtime::sources::Scope;
use downtime::sources::table::{Config, Table};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use jiff::civil::date;
use vault::HospitalId;
use vault::files::Disk;
use vault::keys::{RoleSecret, SealerSecret, StationSecret};
use vault::slot::SlotCost;

const PASSWORD: &str = "akari-no-michi-2026";

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [patients, percent, dir, mapping] = words.as_slice() else {
        bail!("PATIENTS PERCENT DIR MAPPING");
    };
    let (dir, percent) = (PathBuf::from(dir), percent.parse::<usize>()?);
    let export = dir.join("export");
    let plan = synth::Plan {
        patients: patients.parse()?,
        date: date(2026, 11, 20),
        seed: 1,
    };
    synth::write(&plan, synth::Shape::A, &export, &mut |_, _| {})?;
    let hospital = Hospital::new(dir, Config::read(&fs::read_to_string(mapping)?)?, export)?;
    let mut lasting = Lasting::default();
    let first = hospital.seal(&mut lasting, 0)?;
    let hub = hospital.shelf("H01")?;
    let ward = hospital.shelf("R03")?;
    let whole = hospital.pull(&hub, &ward)?;
    let changed = hospital.change(percent)?;
    let raw = hospital.raw()?;
    let begun = Instant::now();
    let second = hospital.seal(&mut lasting, 1800)?;
    let seconds = begun.elapsed().as_secs_f64();
    hub.refresh()?;
    let delta = hospital.pull(&hub, &ward)?;
    ensure!(second.identity.epoch == first.identity.epoch && second.identity.delta == 1);
    let charts = second.stat.charts;
    println!(
        "raw CSV {raw} bytes, {charts} charts, {changed} patients changed, {} records kept",
        second.kept
    );
    println!(
        "whole snapshot {whole} bytes pulled, {:.2} % of the raw CSV",
        share(whole, raw)
    );
    println!(
        "delta {delta} bytes pulled, {:.3} % of the raw CSV; sealed in {seconds:.2} s",
        share(delta, raw)
    );
    for section in hub.current().context("no snapshot")?.sections().skip(5) {
        println!("  {section:?}");
    }
    let third = hospital.seal(&mut lasting, 3600)?;
    hub.refresh()?;
    let nothing = hospital.pull(&hub, &ward)?;
    println!("nothing changed: {} records kept, {nothing} bytes pulled", third.kept);
    println!("delta.bytes {:.3}", share(delta, raw));
    Ok(())
}

fn share(bytes: u64, of: u64) -> f64 {
    100.0 * bytes as f64 / of as f64
}

struct Hospital {
    dir: PathBuf,
    export: PathBuf,
    config: Config,
    roster: Roster,
    sealer: SealerSecret,
    stations: [(StationCode, Arc<StationSecret>); 2],
}

impl Hospital {
    fn new(dir: PathBuf, config: Config, export: PathBuf) -> Result<Self> {
        let mut rng = UnwrapErr(SysRng);
        let (sealer, journal, audit) = (
            SealerSecret::random(&mut rng),
            RoleSecret::random(&mut rng),
            RoleSecret::random(&mut rng),
        );
        let id = HospitalId([7; 16]);
        let mut roster = Roster::new(id, "試験病院", &journal.public(), &audit.public(), &sealer.public());
        let mut stations = Vec::new();
        for (code, node, letter) in [("H01", 1, 'A'), ("R03", 3, 'C')] {
            let code = StationCode::parse(code).context("station")?;
            let secret = StationSecret::random(&mut rng);
            roster.enrol_station(code, node, letter, &secret.public())?;
            stations.push((code, Arc::new(secret)));
        }
        let sponsor = Sponsor {
            user: "9001",
            journal: Some(&journal),
            audit: Some(&audit),
            at: Moment(0),
            note: "試験",
        };
        let user = NewUser::with_password("2001", "試験　花子", Role::Physician, PASSWORD);
        roster.enrol_user(&user, &sponsor, SlotCost::FLOOR, &mut rng)?;
        let stations = stations.try_into().ok().context("two stations")?;
        Ok(Self {
            dir,
            export,
            config,
            roster,
            sealer,
            stations,
        })
    }

    fn shelf(&self, which: &str) -> Result<Shelf> {
        let found = self.stations.iter().find(|(code, _)| code.as_str() == which);
        let (code, secret) = found.context("station")?;
        let trusted = (self.roster.hospital(), self.roster.sealers()?);
        let dir = self.dir.join(which);
        let id = self.roster.station_id(*code);
        Ok(Shelf::open(Arc::new(Disk), &dir, trusted, id, Arc::clone(secret))?)
    }

    fn seal(&self, lasting: &mut Lasting, later: i64) -> Result<extract::Done> {
        let source = Table::new(self.config.clone(), self.export.clone())?;
        let order = Order {
            roster: &self.roster,
            sealer: &self.sealer,
            scope: Scope {
                day: date(2026, 11, 20),
                thin_days: 14,
                now: Moment(1_795_132_800 + later),
                wanted: None,
            },
            guard: Guard::default(),
            fresh_hours: 26,
            only_new: false,
            canaries: &[],
        };
        let hub = self.shelf("H01")?;
        let mut rng = UnwrapErr(SysRng);
        Ok(extract::run_lasting(
            &source,
            hub.slots(),
            &order,
            lasting,
            &mut rng,
            &mut |_| (),
        )?)
    }

    /// Bytes that a station is given: the manifest and the sections it asks for.
    fn pull(&self, hub: &Shelf, ward: &Shelf) -> Result<u64> {
        let tail = hub.current().context("no snapshot")?.tail()?;
        let counter = Counter {
            hub,
            bytes: Cell::new(tail.len() as u64),
        };
        ward.pull(&tail, &[&counter], None, Moment(1_795_136_400), &mut |_| ())?;
        Ok(counter.bytes.get())
    }

    fn raw(&self) -> Result<u64> {
        let files = fs::read_dir(&self.export)?;
        files.map(|file| Ok(file?.metadata()?.len())).sum()
    }

    /// Writes a note and five results of this morning for so many per cent of the patients, and the account of the export anew.
    fn change(&self, percent: usize) -> Result<usize> {
        let people = fs::read(self.export.join("患者基本.csv"))?;
        let ids: Vec<&[u8]> = lines(&people)
            .skip(1)
            .filter_map(|line| line.split(|b| *b == b',').next())
            .collect();
        let every = 100 / percent.max(1);
        let chosen: Vec<&[u8]> = ids.iter().step_by(every).copied().collect();
        let results = self.export.join("検体検査結果.csv");
        let known = fs::read(&results)?;
        let items: Vec<Vec<u8>> = lines(&known)
            .skip(1)
            .take(5)
            .map(|line| line.split(|b| *b == b',').skip(3).collect::<Vec<_>>().join(&b','))
            .collect();
        let (mut more, mut notes) = (known.clone(), fs::read(self.export.join("診療録.csv"))?);
        for (n, id) in chosen.iter().enumerate() {
            for item in &items {
                more.extend_from_slice(id);
                more.extend_from_slice(b",2026/11/20,8:40,");
                more.extend_from_slice(item);
                more.extend_from_slice(b"\r\n");
            }
            let words = format!(
                "\"【S】今朝から頭痛 {n}。\n【O】{n} 122/78 36.{}。\n【P】経過観察。\"",
                n % 10
            );
            let (words, ..) = encoding_rs::SHIFT_JIS.encode(&words);
            notes.extend_from_slice(id);
            notes.extend_from_slice(b",2026/11/20,08,D0801,2026/11/20 9:02,");
            notes.extend_from_slice(&words);
            notes.extend_from_slice(b"\r\n");
        }
        fs::write(&results, more)?;
        fs::write(self.export.join("診療録.csv"), notes)?;
        tally(&self.export.join("出力件数.csv"), chosen.len())?;
        Ok(chosen.len())
    }
}

/// The account of the export: more rows in two files, and another time for all.
fn tally(path: &Path, changed: usize) -> Result<()> {
    let bytes = fs::read(path)?;
    let (text, ..) = encoding_rs::SHIFT_JIS.decode(&bytes);
    let mut out = String::new();
    for (n, line) in text.lines().enumerate() {
        let fields: Vec<&str> = line.split(',').collect();
        match fields.as_slice() {
            [name, rows, at] if n > 0 => {
                let more = match *name {
                    "検体検査結果.csv" => 5 * changed,
                    "診療録.csv" => changed,
                    _ => 0,
                };
                let rows: usize = rows.parse()?;
                let day = at.split(' ').next().unwrap_or("");
                out.push_str(&format!("{name},{},{day} 9:05\r\n", rows + more));
            }
            _ => out.push_str(&format!("{line}\r\n")),
        }
    }
    let (bytes, ..) = encoding_rs::SHIFT_JIS.encode(&out);
    Ok(fs::write(path, bytes)?)
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty())
}

/// The hub, with what it gave counted.
struct Counter<'a> {
    hub: &'a Shelf,
    bytes: Cell<u64>,
}

impl Giver for Counter<'_> {
    fn name(&self) -> &'static str {
        "hub"
    }

    fn piece(&self, sha256: &[u8; 32], offset: u64, len: usize) -> Result<Vec<u8>, Lost> {
        let current = self.hub.current().ok_or(Lost::NotThere)?;
        let (at, _) = current.section_of(sha256).ok_or(Lost::NotThere)?;
        self.bytes.set(self.bytes.get() + len as u64);
        current
            .read_at(at + offset, len)
            .map_err(|error| Lost::Line(error.to_string()))
    }

    fn batch(&self, sha256: &[[u8; 32]], _: usize) -> Result<Vec<u8>, Lost> {
        let current = self.hub.current().ok_or(Lost::NotThere)?;
        let mut all = Vec::new();
        for name in sha256 {
            let (_, len) = current.section_of(name).ok_or(Lost::NotThere)?;
            all.extend(self.piece(name, 0, usize::try_from(len).unwrap_or(0))?);
        }
        Ok(all)
    }
}
