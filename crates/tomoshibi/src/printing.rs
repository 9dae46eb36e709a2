//! The threads that bring queued sheets to printers: one for each listed printer, so that a silent one delays no other.
//!
//! A thread asks its printer how it is, hands over what waits for it, and asks what became of what it took. What is sent when,
//! and what is never sent twice, is decided by the queue (`downtime::printing`); this only knows the way.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::{Context, Result};
use chart::{Author, Moment};
use downtime::audit::{Deed, Method};
use downtime::printing::{Condition, Health, Printer, Queue, Setup, Stop, Trouble};
use downtime::stations::Station;
use vault::files::Files;

use crate::config::Config;
use crate::home::Home;
use crate::{clock, random};

mod ipp;
#[cfg(test)]
mod tests;

pub use wire::tls;

use ipp::{Client, Handed, Progress, Ticket};
use tls::Trust;

/// Jobs a printer may have at once; the others wait here, where they can still be sent to another printer.
const AT_ONCE: usize = 2;
/// Pause between two looks while there is work.
const BUSY_PAUSE: Duration = Duration::from_millis(500);
/// Pause between two looks for work.
const IDLE_PAUSE: Duration = Duration::from_secs(2);
/// Seconds between two questions to a printer for which nothing waits: a sleeping printer is left to sleep.
const IDLE_ASK: i64 = 60;

/// The same while it is busy with somebody else's job: it is awake, and people wait to hear that it is free.
const BUSY_ASK: i64 = 3;

/// The queue of a configuration; `None` without printers. Nothing is sent yet.
///
/// # Errors
/// When the roster's keys cannot be used.
pub fn queue(config: &Config, home: &Home, files: Arc<dyn Files>) -> Result<Option<Arc<Queue>>> {
    let printers = config.printers()?;
    if printers.is_empty() {
        return Ok(None);
    }
    over(home, files, "print", printers).map(Some)
}

/// A queue over a directory of the station's data.
///
/// # Errors
/// When the roster's keys cannot be used.
pub fn over(home: &Home, files: Arc<dyn Files>, dir: &str, printers: Vec<Printer>) -> Result<Arc<Queue>> {
    Ok(Arc::new(Queue::new(Setup {
        files,
        dir: home.data.join(dir),
        hospital: home.roster.hospital(),
        journal: home.roster.journal()?,
        randomness: Arc::new(|| Box::new(random::system())),
        station: home.code.to_string(),
        printers,
    })))
}

/// Starts the threads. They end when the queue is gone.
///
/// # Errors
/// When a thread cannot be started or an address is none.
pub fn start(queue: &Arc<Queue>, station: &Arc<Station>, trusts: &Trusts) -> Result<()> {
    start_printers(queue, trusts)?;
    let (queue, station) = (Arc::downgrade(queue), Arc::downgrade(station));
    std::thread::Builder::new()
        .name("print-age".to_owned())
        .spawn(move || {
            while let (Some(queue), Some(station)) = (queue.upgrade(), station.upgrade()) {
                expire(&queue, &station);
                drop((queue, station));
                std::thread::sleep(Duration::from_secs(60));
            }
        })
        .context("印刷の見張りを始められません")?;
    Ok(())
}

/// What proves who each printer with an encrypted address is, by its name.
pub type Trusts = BTreeMap<String, Trust>;

/// Starts a thread for each printer of the queue. They end when the queue is gone.
///
/// # Errors
/// When a thread cannot be started or an address is none.
pub fn start_printers(queue: &Arc<Queue>, trusts: &Trusts) -> Result<()> {
    for printer in queue.printers().to_vec() {
        let client = Client::new(&printer, trusts.get(&printer.name))?;
        let queue = Arc::downgrade(queue);
        std::thread::Builder::new()
            .name("printer".to_owned())
            .spawn(move || serve(&queue, &printer, &client))
            .context("プリンタの係を始められません")?;
    }
    Ok(())
}

/// Removes what nobody has come for, with a line in the audit log.
fn expire(queue: &Queue, station: &Station) {
    for job in queue.expire(clock::now()) {
        let mut sighting = station.sighting(&Author::default(), Method::Program, Deed::Destroyed);
        sighting.subject = job.subject;
        sighting.detail = format!("{} {} 印刷待ち（72時間を過ぎた）", job.form, job.number);
        station.audit().note(sighting);
    }
}

fn serve(queue: &Weak<Queue>, printer: &Printer, client: &Client) {
    let mut asked: Option<Moment> = None;
    loop {
        let Some(queue) = queue.upgrade() else { return };
        let now = clock::now();
        let working = queue.has_work(&printer.name);
        let pause = match queue.condition(&printer.name).health {
            Health::Busy => BUSY_ASK,
            _ => IDLE_ASK,
        };
        let due = asked.is_none_or(|at| !(0..pause).contains(&(now.0 - at.0)));
        if working || due {
            asked = Some(now);
            round(&queue, &printer.name, client);
        }
        let pause = if queue.has_work(&printer.name) {
            BUSY_PAUSE
        } else {
            IDLE_PAUSE
        };
        queue.wait(pause);
    }
}

/// One look at a printer: how it is, what became of what it has, what it gets next.
fn round(queue: &Queue, printer: &str, client: &Client) {
    let condition = client.condition();
    queue.observe(printer, condition.clone());
    for flying in queue.in_flight(printer) {
        if flying.withdraw {
            client.withdraw(flying.number);
        }
        let now = clock::now();
        match client.progress(flying.number) {
            Progress::Going => {}
            Progress::Printed => queue.printed(flying.id, now),
            Progress::Aborted => queue.stop(flying.id, Stop::Aborted, now),
            Progress::TakenBack => queue.stop(flying.id, Stop::TakenBack, now),
            Progress::Forgotten => queue.unsure(flying.id, now),
            // Whoever wants it back from a printer that is gone may not have to wait for ever.
            Progress::Silent if flying.withdraw => queue.unsure(flying.id, now),
            Progress::Silent => {}
        }
    }
    while queue.in_flight(printer).len() < AT_ONCE {
        let Some(ready) = queue.next(printer, clock::now()) else {
            return;
        };
        let ticket = Ticket {
            id: ready.id,
            job: &ready.job,
        };
        let handed = match wait_for(&condition) {
            Some(trouble) => Handed::Later(trouble),
            None => match client.validate(&ticket) {
                Handed::Accepted(_) if !queue.begin(ready.id, printer, clock::now()) => continue,
                Handed::Accepted(_) => client.print(&ticket, &ready.pdf),
                refused => refused,
            },
        };
        let now = clock::now();
        match handed {
            Handed::Accepted(number) => queue.accepted(ready.id, number, now),
            Handed::Later(trouble) => queue.later(ready.id, trouble, now),
            Handed::Never(why) => queue.stop(ready.id, why, now),
            Handed::Unknown => queue.unsure(ready.id, now),
        }
    }
}

/// Why nothing is handed to a printer in this condition. A stopped printer would take it; but then nobody could send it elsewhere.
fn wait_for(condition: &Condition) -> Option<Trouble> {
    match condition.health {
        Health::Silent => Some(Trouble::Silent),
        Health::Stopped => Some(Trouble::PrinterStopped),
        Health::Ready | Health::Busy | Health::Refuses | Health::Unknown => None,
    }
}
