//! 控え: whether there is a generation, whether one left the house on a stick, and whether somebody tried to open one.

use chart::Moment;

use super::checks::check;
use super::{Check, Facts, Light, Said, Tile, Value};

/// After so many hours without a new generation somebody should look.
pub const CARE_HOURS: i64 = 30;
/// After so many it is a fault.
pub const BAD_HOURS: i64 = 72;
/// Days after which the last stick is too old.
pub const STICK_DAYS: i64 = 8;
/// Days after which a restore should be tried again.
pub const TEST_DAYS: i64 = 92;
/// Sticks that are named.
const NAMED: usize = 7;

/// How backups stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backups {
    /// There is a key to seal them to.
    pub sealable: bool,
    /// When the newest generation was made.
    pub newest: Option<Moment>,
    /// Sticks as they are now, the one written last first: what people call it with its place, and when it was read back.
    pub sticks: Vec<(String, Moment)>,
    /// The last restore that was tried, and whether everything opened.
    pub tried: Option<(Moment, bool)>,
}

/// 控え, on a station that makes them.
pub(super) fn backups(facts: &Facts) -> Option<Check> {
    let backups = facts.backups.as_ref()?;
    let hours = |at: Moment| facts.now.0.saturating_sub(at.0) / 3600;
    let at = |key, at: Moment| Said::with(key, vec![("time", Value::At(at))]);
    // A moment that has not come yet is no proof of anything: a clock was wrong.
    let (light, says) = match backups.newest {
        _ if !backups.sealable => (Light::Bad, Said::plain("ready-backups-no-key")),
        None => (Light::Bad, Said::plain("ready-backups-none")),
        Some(made) if !(-1..BAD_HOURS).contains(&hours(made)) => (Light::Bad, at("ready-backups-old", made)),
        Some(made) if hours(made) >= CARE_HOURS => (Light::Care, at("ready-backups-old", made)),
        Some(made) => (Light::Good, at("ready-backups-good", made)),
    };
    let mut lines = Vec::new();
    let mut worst = light;
    match backups.sticks.first() {
        Some((_, written)) if (0..STICK_DAYS * 24).contains(&hours(*written)) => {}
        Some((_, written)) => {
            worst = worst.max(Light::Care);
            lines.push(at("ready-backups-stick-old", *written));
        }
        None => {
            worst = worst.max(Light::Care);
            lines.push(Said::plain("ready-backups-no-stick"));
        }
    }
    for (stick, written) in backups.sticks.iter().take(NAMED) {
        lines.push(Said::with(
            "ready-backups-stick",
            vec![("stick", Value::Text(stick.clone())), ("time", Value::At(*written))],
        ));
    }
    match backups.tried {
        Some((tried, true)) if (0..TEST_DAYS * 24).contains(&hours(tried)) => {
            lines.push(at("ready-backups-tried", tried))
        }
        Some((tried, true)) => {
            worst = worst.max(Light::Care);
            lines.push(at("ready-backups-tried-old", tried));
        }
        Some((tried, false)) => {
            worst = Light::Bad;
            lines.push(at("ready-backups-tried-failed", tried));
        }
        None => {
            worst = worst.max(Light::Care);
            lines.push(Said::plain("ready-backups-never-tried"));
        }
    }
    let mut one = check(Tile::Backups, worst, says, backups.newest);
    one.lines = lines;
    Some(one)
}
