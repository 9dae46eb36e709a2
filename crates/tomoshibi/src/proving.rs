//! A station tries itself: after every snapshot, once a day, whenever somebody asks; and says in between that it is still as it was.
//!
//! It takes the way of a downtime: this station's secret opens the snapshot, the canary patients open, every form comes out of the very
//! press that prints for people, a record is written and read back. What comes out is a signed receipt. Old PCs do this while people work:
//! one sheet at a time, with a pause as long as the sheet took. What is judged how: `downtime::readiness::proof`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use anyhow::{Context, Result};
use chart::Moment;
use downtime::printing::Queue;
use downtime::readiness::board::{Board, holds};
use downtime::readiness::canaries::Canaries;
use downtime::readiness::proof::{CanariesTried, FormsTried, Opening, Second, Tried, points};
use downtime::readiness::receipt::{People, Receipt, Signed};
use downtime::readiness::{PrinterState, staff};
use downtime::shelf::{Shelf, Shelved};
use downtime::state::TimeQuality;
use downtime::stations::{Disk, SignIns, Station};
use press::Press;
use vault::shelf_slots::Identity;

use crate::clock;
use crate::config::Config;
use crate::home::{Home, write_durably};

pub mod pressing;
mod program;
mod trial;

pub use program::{maker, program};

/// How often the thread looks whether something is due.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Seconds after its start before a station tries itself for the first time: people who wait for a screen come first.
const SETTLE_SECONDS: u64 = 5;

/// Seconds after which all forms are printed again though nothing has changed.
const PRINT_AGAIN_SECONDS: i64 = 86_400;

/// Seconds for which a visit of another station counts as an answer.
const VISIT_SECONDS: i64 = 300;

/// Longest that printing all forms into memory may take; what was not tried by then is said.
pub const PRINT_SECONDS: u64 = 600;

/// What is known besides what is tried here.
pub struct Looks {
    /// Room on the disk.
    pub disk: Option<Disk>,
    /// The clock.
    pub clock: TimeQuality,
    /// Listed printers.
    pub printers: Option<Vec<(String, PrinterState)>>,
    /// Whoever else answers.
    pub second: Second,
}

/// All forms as they were last printed.
#[derive(Clone)]
pub struct Printed {
    of: Identity,
    at: Moment,
    tried: FormsTried,
}

/// What a station is tried with.
pub struct Ground<'a> {
    /// Keys and roster.
    pub home: &'a Home,
    /// The shelf that serves people.
    pub shelf: &'a Shelf,
    /// The press that prints for people.
    pub press: &'a Press,
    /// Who has signed in.
    pub sign_ins: &'a SignIns,
}

/// What the station of this directory knows about all stations. One for each directory, shared by whoever asks in this program.
#[must_use]
pub fn board(home: &Home) -> Arc<Board> {
    static BOARDS: Mutex<BTreeMap<PathBuf, Weak<Board>>> = Mutex::new(BTreeMap::new());
    let mut boards = BOARDS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(board) = boards.get(&home.data).and_then(Weak::upgrade) {
        return board;
    }
    let board = Arc::new(Board::open(Arc::new(vault::files::Disk), &home.data, &home.roster));
    boards.insert(home.data.clone(), Arc::downgrade(&board));
    board
}

/// Tries a station for ever, on a thread of its own.
///
/// # Errors
/// When keys cannot be read or the thread cannot be started.
pub fn start(
    config: &Config,
    station: &Arc<Station>,
    press: &Arc<Press>,
    printers: Option<&Arc<Queue>>,
    board: &Arc<Board>,
) -> Result<()> {
    let (home, every) = (Home::open(config)?, config.readiness.every_seconds());
    let (station, board) = (Arc::downgrade(station), Arc::downgrade(board));
    let (press, printers) = (Arc::clone(press), printers.map(Arc::downgrade));
    let thread = std::thread::Builder::new().name("proving".into());
    thread.spawn(move || turns(&home, &station, &press, printers.as_ref(), &board, every))?;
    Ok(())
}

fn turns(
    home: &Home,
    station: &Weak<Station>,
    press: &Press,
    printers: Option<&Weak<Queue>>,
    board: &Weak<Board>,
    every: i64,
) {
    std::thread::sleep(Duration::from_secs(SETTLE_SECONDS));
    let mut printed: Option<Printed> = None;
    let mut last: Option<(Option<Identity>, Moment)> = None;
    loop {
        let (Some(station), Some(board)) = (station.upgrade(), board.upgrade()) else {
            return;
        };
        let now = station.now();
        let here = station.shelf().current().map(|shelved| shelved.identity());
        let asked = board.take_asked() | was_asked(&home.data);
        let changed = last.is_none_or(|(before, _)| before != here);
        let again = last.is_none_or(|(_, at)| !(0..every).contains(&(now.0 - at.0)));
        if asked || changed || again {
            board.note_proving(true);
            if asked || is_due(printed.as_ref(), here, now) {
                printed = None;
            }
            let ground = Ground {
                home,
                shelf: station.shelf(),
                press,
                sign_ins: station.sign_ins(),
            };
            let queue = printers.and_then(Weak::upgrade);
            let signed = prove(&ground, &looks(&station, queue.as_deref(), now), &mut printed, true);
            if let Err(error) = board.take(&station, std::slice::from_ref(&signed)) {
                tracing::error!(%error, "★ this station's readiness receipt could not be written down; it is sent all the same");
            }
            if let Err(error) = write_durably(&own_file(&home.data), &signed.to_bytes()) {
                tracing::warn!(%error, "the own receipt could not be left for commands");
            }
            tell(&signed);
            board.note_proving(false);
            last = Some((here, now));
        }
        drop((station, board));
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Where a command leaves its wish for a proof.
fn ask_file(data: &Path) -> PathBuf {
    data.join("readiness").join("asked")
}

/// Where the newest receipt of this station lies for commands.
fn own_file(data: &Path) -> PathBuf {
    data.join("readiness").join("own.receipt")
}

/// Whether a command has left its wish; it is taken.
fn was_asked(data: &Path) -> bool {
    std::fs::remove_file(ask_file(data)).is_ok()
}

/// Whether the forms must be printed again. A change on top of the same snapshot carries the same canary patients.
fn is_due(printed: Option<&Printed>, here: Option<Identity>, now: Moment) -> bool {
    let Some(printed) = printed else { return true };
    let same = here.is_some_and(|here| here.epoch == printed.of.epoch);
    let whole = matches!(printed.tried, FormsTried::Done { .. });
    !same || !whole || !(0..PRINT_AGAIN_SECONDS).contains(&(now.0 - printed.at.0))
}

fn tell(signed: &Signed) {
    let Ok(receipt) = signed.claim() else { return };
    if receipt.is_good() {
        tracing::info!(ms = receipt.took_ms, "this station has proved itself ready");
        return;
    }
    let failing = receipt
        .points
        .iter()
        .filter(|point| point.light() > downtime::readiness::Light::Care);
    for point in failing {
        let why = point.why().map_or("?", downtime::readiness::receipt::Why::word);
        tracing::warn!(why, text = point.text, "★ this station is not ready");
    }
}

fn looks(station: &Station, queue: Option<&Queue>, now: Moment) -> Looks {
    Looks {
        disk: station.disk(),
        clock: station.time_quality(),
        printers: queue.map(|queue| {
            let listed = queue.overview().printers.into_iter();
            listed
                .map(|(printer, condition)| (printer.name, condition.health.into()))
                .collect()
        }),
        second: second(station, now),
    }
}

/// A station asks its hub; a hub hears from its stations.
fn second(station: &Station, now: Moment) -> Second {
    if let Some(hub) = station.hub_watch() {
        return match (hub.answered, hub.silent_since()) {
            (_, Some(since)) => Second::Silent(since),
            (Some(at), None) => Second::Answers(at),
            (None, None) => Second::Unknown,
        };
    }
    let visits = station
        .stations_seen()
        .into_iter()
        .filter_map(|seen| seen.visited)
        .max();
    match visits {
        None => Second::Unknown,
        Some(at) if (0..=VISIT_SECONDS).contains(&(now.0 - at.0)) => Second::Answers(at),
        Some(at) => Second::Silent(at),
    }
}

/// Tries everything and signs what came out. `printed` is carried where it still holds; where it is `None`, every form is printed.
pub fn prove(ground: &Ground<'_>, looks: &Looks, printed: &mut Option<Printed>, gently: bool) -> Signed {
    let begun = clock::running();
    let now = clock::now();
    let shelved = ground.shelf.current();
    let (opening, canaries) = open(ground, shelved.as_deref());
    let tried_canaries = match &canaries {
        Ok(Some(canaries)) => CanariesTried::Opened(canaries.charts.len() as u64),
        Ok(None) => CanariesTried::None,
        Err(why) => CanariesTried::Failed(why.clone()),
    };
    if printed.is_none()
        && let (Some(shelved), Ok(Some(canaries))) = (&shelved, &canaries)
    {
        *printed = Some(Printed {
            of: shelved.identity(),
            at: now,
            tried: pressing::try_forms(ground.press, canaries, gently),
        });
    }
    let forms = printed.as_ref().filter(|_| matches!(canaries, Ok(Some(_))));
    let people = shelved.as_ref().map_or_else(People::default, |shelved| {
        staff(shelved, ground.home.code, ground.sign_ins, now)
    });
    let tried = Tried {
        now,
        opening,
        canaries: tried_canaries,
        forms: forms.map_or(FormsTried::NotYet, |printed| printed.tried.clone()),
        saving: trial::save_and_read_back(&ground.home.data).map_err(|fault| format!("{fault:#}")),
        disk: looks.disk,
        clock: looks.clock,
        printers: looks.printers.clone(),
        second: looks.second,
        people,
    };
    let done = |printed: &&Printed| matches!(printed.tried, FormsTried::Done { .. });
    let took = clock::running().saturating_sub(begun).as_millis();
    let receipt = Receipt {
        station: *ground.home.roster.station_id(ground.home.code).as_bytes(),
        code: ground.home.code,
        at: clock::now(),
        holds: shelved.as_deref().map(holds),
        printed: forms.filter(done).map(|printed| printed.at),
        points: points(&tried),
        program: program(),
        people,
        took_ms: u32::try_from(took).unwrap_or(u32::MAX),
    };
    Signed::sign(&receipt, &ground.home.secret)
}

/// The snapshot and its canary patients, under this station's secret alone.
fn open(ground: &Ground<'_>, shelved: Option<&Shelved>) -> (Opening, Result<Option<Canaries>, String>) {
    let Some(shelved) = shelved else {
        return (Opening::NoSnapshot, Ok(None));
    };
    let opened = Opening::Opened(shelved.state().fresh_until);
    match ground.shelf.canaries(shelved) {
        // The snapshot is in use, so its users opened; that the section does not is its own matter.
        Err(fault @ vault::snapshot::SnapshotFault::NotFor(_)) => (Opening::Refused(fault.to_string()), Ok(None)),
        Err(fault) => (opened, Err(fault.to_string())),
        Ok(None) => (opened, Ok(None)),
        Ok(Some(bytes)) => match Canaries::from_bytes(&bytes) {
            Ok(canaries) => (opened, Ok(Some(canaries))),
            Err(fault) => (opened, Err(fault.to_string())),
        },
    }
}

/// One proof from a command, without a running station: what only that one knows is ✕ in its receipt.
///
/// # Errors
/// When keys, shelf or forms cannot be read.
pub fn by_command(config: &Config) -> Result<Signed> {
    let home = Home::open(config)?;
    let shelf = home.shelf()?;
    let (forms, _) = crate::serving::forms(config)?;
    let press = Press::new(forms, std::num::NonZeroUsize::MIN).context("印刷の準備ができません")?;
    let sign_ins = SignIns::open(Arc::new(vault::files::Disk), &home.data);
    let listed = config.printers()?.into_iter();
    let listed = listed.map(|printer| (printer.name, PrinterState::Unknown)).collect();
    let looks = Looks {
        disk: crate::disk_room::look(&home.data, clock::now()),
        clock: TimeQuality::Unknown,
        printers: Some(listed).filter(|listed: &Vec<_>| !listed.is_empty()),
        second: Second::Unknown,
    };
    let ground = Ground {
        home: &home,
        shelf: &shelf,
        press: &press,
        sign_ins: &sign_ins,
    };
    Ok(prove(&ground, &looks, &mut None, false))
}

/// Has the running station prove itself, and waits for it.
///
/// # Errors
/// When the wish cannot be left, or no receipt comes in time.
pub fn by_the_running_station(home: &Home) -> Result<Signed> {
    let wanted = clock::now();
    let (ask, own) = (ask_file(&home.data), own_file(&home.data));
    std::fs::create_dir_all(home.data.join("readiness"))?;
    write_durably(&ask, b"prove")?;
    let patience = Duration::from_secs(PRINT_SECONDS + 60);
    let begun = clock::running();
    while clock::running().saturating_sub(begun) < patience {
        std::thread::sleep(LOOK_EVERY);
        let bytes = std::fs::read(&own).unwrap_or_default();
        let Ok(signed) = Signed::from_bytes(&bytes) else {
            continue;
        };
        if !ask.exists() && signed.claim().is_ok_and(|receipt| receipt.at >= wanted) {
            return Ok(signed);
        }
    }
    anyhow::bail!("動いている端末から即応証明が届きません。端末のログを確かめてください")
}
