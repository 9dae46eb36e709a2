//! Durable saves: notes signed over HTTP by many browsers at once, each acknowledged when it is on the disk.
//!
//! It deliberately saves real notes through the real form with a real session, and begins every run on a fresh copy of
//! the hospital: a journal that grows from run to run would measure something else.

use anyhow::Result;

use super::http;
use super::pages::milliseconds_each;
use super::server::Server;
use super::{Ground, Measured, load, medians_of, peers};

/// Browsers that save.
const CONNECTIONS: usize = 200;
/// Notes in one run: seconds of work, some 15 for each patient.
const NOTES: usize = 10_000;
/// Notes before anything is counted.
const WARM_UP: usize = 400;
/// A short note, as they are during a downtime.
const SUBJECTIVE: &str = "昨日から咳と微熱。食事は取れている。夜間の息苦しさはない。";
const PLAN: &str = "対症療法で様子をみる。改善しなければ3日後に再診。";

/// Saves/s beside synced appends/s of one writer, CPU ms per save, p99 in ms.
pub fn notes(ground: &Ground) -> Result<Vec<Measured>> {
    let original = ground.hospitals.of(600)?;
    let [rate, cpu, p99, peer] = medians_of(ground.runs, || {
        let folder = ground.scratch.join("hospital");
        let hospital = original.copy_to(&folder)?;
        let server = Server::start(&hospital)?;
        let cookie = server.sign_in()?;
        let patients = server.patients(&cookie)?;
        let note = |n: usize| {
            let path = patients.get(n % patients.len()).map_or("", String::as_str);
            let once = format!("bench-{n}");
            let fields = [
                ("once", once.as_str()),
                ("s", SUBJECTIVE),
                ("p", PLAN),
                ("sign", "only"),
            ];
            http::post(&format!("{path}/note"), &cookie, false, &fields)
        };
        load::drive(server.address, CONNECTIONS, WARM_UP, 303, note)?;
        // Made beforehand: encoding the forms would take the processor from the server.
        let mut requests: Vec<Vec<u8>> = (WARM_UP..WARM_UP + NOTES).map(note).collect();
        let made = |n: usize| requests.get_mut(n).map(std::mem::take).unwrap_or_default();
        let before = server.cpu_seconds()?;
        let mut load = load::drive(server.address, CONNECTIONS, NOTES, 303, made)?;
        let cpu = milliseconds_each(server.cpu_seconds()? - before, NOTES);
        drop(server);
        std::fs::remove_dir_all(&folder)?;
        let peer = peers::synced_appends_per_second(&ground.scratch, 1024)?;
        Ok([load.rate(), cpu, load.p99(), peer])
    })?;
    Ok(vec![
        Measured::beside(rate, peer),
        Measured::alone(cpu),
        Measured::alone(p99),
    ])
}
