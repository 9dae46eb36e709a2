//! The ninetieth day of an outage beside its first: a hub that holds what a thousand stations wrote, twenty entries a day each.
//!
//! The records are real ones, each signed and sealed by its own station (`downtime`'s example `outage_records`); so many an outage has
//! when only some of the stations are enrolled and each writes more. It deliberately measures over the desk and the process, never inside:
//! what must not grow is what a person waits for.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::hospital::{Hospital, text};
use super::http::{self, Connection};
use super::server::Server;
use super::{Ground, Measured, measure, percentile};

/// Entries of a day: a thousand stations, twenty each.
const A_DAY: u32 = 20_000;
/// Days of the outage.
const DAYS: u32 = 90;
/// Stations that write them; each has a letter of its own.
const STATIONS: u8 = 25;
/// Notes saved one after the other.
const SAVES: usize = 40;
/// Polls of the mode bar, and home pages.
const POLLS: u32 = 1_000;

/// What one day costs.
struct Costs {
    restart_cpu: f64,
    restart_wall: f64,
    peak: f64,
    sign_in: f64,
    poll: f64,
    home: f64,
    save: f64,
}

/// Each beside the first day's: restart (CPU s, s), memory (MB), sign-in (s), a poll and a home page (CPU ms), a save (ms).
pub fn ninetieth_day(ground: &Ground) -> Result<Vec<Measured>> {
    let made = ground.hospitals.of(600)?;
    let hospital = made.copy_to(&ground.scratch)?;
    let writers = enrol(&hospital, ground)?;
    write(&hospital, &writers, DAYS, DAYS)?;
    let first = costs(&hospital)?;
    write(&hospital, &writers, DAYS - 1, 1)?;
    let last = costs(&hospital)?;
    Ok(vec![
        Measured::beside(last.restart_cpu, first.restart_cpu),
        Measured::beside(last.restart_wall, first.restart_wall),
        Measured::beside(last.peak, first.peak),
        Measured::beside(last.sign_in, first.sign_in),
        Measured::beside(last.poll, first.poll),
        Measured::beside(last.home, first.home),
        Measured::beside(last.save, first.save),
    ])
}

fn enrol(hospital: &Hospital, ground: &Ground) -> Result<Vec<PathBuf>> {
    let config = text(&hospital.config())?;
    (0..STATIONS)
        .map(|n| {
            let (code, letter, node) = (
                format!("W{n:02}"),
                char::from(b'B' + n).to_string(),
                (n + 2).to_string(),
            );
            let dir = ground.scratch.join("stations").join(&code);
            let (at, public, trust) = (
                text(&dir)?,
                text(&dir.join(format!("{code}.public")))?,
                text(&dir.join("data/trust.cbor"))?,
            );
            let what = ["--code", &code, "--node", &node, "--letter", &letter];
            let new = [
                "station",
                "new",
                "--dir",
                &at,
                "--hospital",
                "架空の病院",
                "--hub",
                "http://127.0.0.1:1",
            ];
            hospital.call(&[&new[..], &what[..]].concat())?;
            let add = ["station", "-c", &config, "add", "--public", &public, "--trust", &trust];
            hospital.call(&[&add[..], &what[..]].concat())?;
            Ok(dir.join("data"))
        })
        .collect()
}

/// The stations write on these days, counted back from today, and the hub receives it.
fn write(hospital: &Hospital, writers: &[PathBuf], first: u32, last: u32) -> Result<()> {
    let program = measure::example("downtime", "outage_records")?;
    let status = Command::new(program)
        .arg(hospital.data())
        .args([first.to_string(), last.to_string(), A_DAY.to_string()])
        .args(writers)
        .stdout(Stdio::null())
        .status()
        .context("the example outage_records")?;
    if !status.success() {
        bail!("the records of days {first} to {last} could not be written");
    }
    Ok(())
}

fn costs(hospital: &Hospital) -> Result<Costs> {
    let begun = Instant::now();
    let server = Server::start(hospital)?;
    // It listens before everything is read, if it can: the first page says when it is there.
    Connection::open(server.address)?.must_answer(&http::get("/", ""), 200)?;
    let (restart_wall, restart_cpu) = (begun.elapsed().as_secs_f64(), server.cpu_seconds()?);
    let begun = Instant::now();
    let cookie = server.sign_in()?;
    let sign_in = begun.elapsed().as_secs_f64();
    let patients = server.patients(&cookie)?;
    let poll = each(&server, "/state", &cookie)?;
    let home = each(&server, "/", &cookie)?;
    let mut saves = (0..SAVES)
        .map(|n| save(&server, &cookie, patients.get(n % patients.len()).context("a patient")?))
        .collect::<Result<Vec<f64>>>()?;
    Ok(Costs {
        restart_cpu,
        restart_wall,
        peak: server.peak_megabytes()?,
        sign_in,
        poll,
        home,
        save: percentile(&mut saves, 50),
    })
}

/// CPU ms of one of many.
fn each(server: &Server, path: &str, cookie: &str) -> Result<f64> {
    let mut connection = Connection::open(server.address)?;
    let before = server.cpu_seconds()?;
    for _ in 0..POLLS {
        connection.must_answer(&http::get(path, cookie), 200)?;
    }
    Ok((server.cpu_seconds()? - before) * 1e3 / f64::from(POLLS))
}

/// Milliseconds from sending a note to hearing that it is saved.
fn save(server: &Server, cookie: &str, chart: &str) -> Result<f64> {
    let path = format!("{chart}/note");
    let mut connection = Connection::open(server.address)?;
    let form = connection.must_answer(&http::get(&path, cookie), 200)?;
    let form = String::from_utf8_lossy(&form.body).into_owned();
    let once = form
        .split("name=\"once\" value=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .context("the note's form")?;
    let note = http::post(
        &path,
        cookie,
        false,
        &[("once", once), ("s", "変わりない"), ("sign", "only")],
    );
    let begun = Instant::now();
    connection.must_answer(&note, 303)?;
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}
