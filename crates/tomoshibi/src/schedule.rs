//! The extracts that nobody has to think of: at night for the new day, refreshed during the day, at once when one was missed or asked for.
//!
//! It runs beside the desk; a refused or failed extract leaves the last good snapshot in use and is said loudly in the
//! log, on the home screen and on S70. When what is due is decided by `downtime::extract::Runs`, which knows no clock.

use std::sync::{Arc, Weak};
use std::time::Duration;

use downtime::extract::{ExtractFault, Have, Lasting, Outcome, Timetable, Why};
use downtime::stations::Station;
use jiff::civil::Date;

use crate::cli::{How, run_watched};
use crate::config::{Config, Extract, extract_time};
use crate::extract_days;
use crate::home::Home;
use crate::packs;

/// How often the clock is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Looks at the clock until the station is gone.
///
/// # Errors
/// When the thread cannot be started.
pub fn start(station: &Arc<Station>, config: Config, extract: &Extract) -> std::io::Result<()> {
    station.runs().keep(Timetable {
        at_minutes: extract_time(&extract.at).unwrap_or(0),
        refresh_minutes: extract.refresh_minutes,
    });
    let station = Arc::downgrade(station);
    std::thread::Builder::new()
        .name("extract".into())
        .spawn(move || watch(&station, &config))?;
    Ok(())
}

fn watch(station: &Weak<Station>, config: &Config) {
    let mut late = false;
    // The keys of the epoch live here and nowhere else: as long as this thread does, a refresh seals only what changed.
    let mut lasting = Lasting::default();
    loop {
        let Some(station) = station.upgrade() else { return };
        // The command extracts, too: the file is what both have seen.
        station.runs().remember(extract_days::read(&config.data()));
        let now = station.now();
        if let Some((day, why)) = station.runs().due(now, have(&station), station.state().declared) {
            attempt(&station, config, day, why, &mut lasting);
        }
        // Once in the log for each time it becomes late; the screens say it as long as it lasts.
        let is_late = station.runs().late(station.now(), have(&station));
        if let (Some(how), false) = (is_late, late) {
            tracing::error!(?how, "★ the extract is late");
        }
        late = is_late.is_some();
        drop(station);
        std::thread::sleep(LOOK_EVERY);
    }
}

/// What the snapshot in use is.
fn have(station: &Station) -> Option<Have> {
    let current = station.shelf().current()?;
    Some(Have {
        day: current.stat().day?,
        sealed: current.state().sealed_at,
    })
}

fn attempt(station: &Station, config: &Config, day: Date, why: Why, lasting: &mut Lasting) {
    tracing::info!(%day, ?why, "extract begins");
    let runs = station.runs();
    runs.begins(station.now(), day);
    let how = How {
        accept: false,
        quiet: true,
        only_new: why == Why::Refresh,
    };
    let outcome = Home::open(config).and_then(|home| {
        run_watched(config, &home, day, &how, lasting, &mut |step| runs.comes_to(step)).inspect_err(|fault| {
            if is_unchanged(fault) {
                return;
            }
            let line = format!("{} REFUSED {fault:#}", station.now().text());
            if let Err(error) = home.log("extract.log", &line) {
                tracing::error!(%error, "the extract log cannot be written");
            }
        })
    });
    let at = station.now();
    match outcome {
        Ok(done) => {
            let (epoch, delta) = (done.identity.epoch, done.identity.delta);
            tracing::info!(epoch, delta, charts = done.stat.charts, kept = done.kept, "sealed");
            if let Err(error) = station.shelf().refresh() {
                tracing::error!(%error, "the new snapshot cannot be taken into use");
            }
            runs.ends(Outcome::Sealed {
                at,
                epoch: done.stat.edition_of(done.identity.epoch),
                charts: done.stat.charts,
            });
            // The seal is done and in use; what follows waits for nobody and nobody waits for it.
            if config.packs.enabled
                && let Err(error) = packs::in_background(config, done)
            {
                tracing::error!(%error, "★ the print packs cannot be made");
            }
        }
        Err(fault) if is_unchanged(&fault) => {
            tracing::info!("the EHR has said nothing new");
            runs.ends(Outcome::Unchanged { at });
        }
        Err(fault) => {
            tracing::error!("★ {fault:#}");
            extract_days::failed(&config.data(), day);
            runs.ends(Outcome::Failed {
                at,
                why: format!("{fault:#}"),
            });
        }
    }
}

fn is_unchanged(fault: &anyhow::Error) -> bool {
    matches!(fault.downcast_ref(), Some(ExtractFault::Unchanged))
}
