//! 準備状況: what would fail if the EHR stopped now, as a list of checks, the worst first.
//!
//! Pure: facts come in, checks come out, each with a key of the words and when it was last looked at. A check that did not run is
//! [`Light::Unchecked`] and is never left out: silence here is how hospitals find out on the day. Nothing is mended here.

use std::sync::Arc;

use chart::Moment;
use jiff::civil::Date;

use crate::extract::{Late, Outcome, Running, Timetable};
use crate::state::{Cause, Judgement, SnapshotState, TimeQuality, Watch};
use crate::stations::{Disk, LineState, StationSeen};

pub mod alarm;
mod backups;
pub mod board;
pub mod canaries;
mod checks;
pub mod fleet;
pub mod kept;
mod lines;

pub mod proof;
pub mod receipt;
mod staff;

#[cfg(test)]
mod tests;

pub use backups::Backups;
pub use checks::said;
pub use lines::{CERTIFICATE_CARE_DAYS, ISSUING_CARE_DAYS};
pub use staff::{LATELY, staff};

/// After so many seconds without a visit a station is no longer called ready: three visits of the audit log.
pub const STATION_FRESH_SECONDS: i64 = 180;

/// After so many seconds without a visit a station counts as gone.
pub const STATION_GONE_SECONDS: i64 = 3600;

/// Free room on the disk below which sealing may fail: four snapshots of the largest hospital measured.
pub const DISK_LEAST_BYTES: u64 = 2 << 30;

/// Free room below which somebody should look.
pub const DISK_CARE_BYTES: u64 = 10 << 30;

/// After so many minutes since the sealing packs that are not made are a fault.
pub const PACKS_MINUTES: i64 = 60;

/// A look at the disk older than this is none.
pub const DISK_FRESH_SECONDS: i64 = 600;

/// How a check stands, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Light {
    /// ○ ready
    Good,
    /// ◆ somebody should look today
    Care,
    /// ✕ it did not run
    Unchecked,
    /// ■ it would fail now
    Bad,
}

impl Light {
    /// Its shape.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Good => "○",
            Self::Care => "◆",
            Self::Unchecked => "✕",
            Self::Bad => "■",
        }
    }

    /// Stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Care => "care",
            Self::Unchecked => "unchecked",
            Self::Bad => "bad",
        }
    }
}

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tile {
    /// データ同期
    Data,
    /// 明日の予約
    Tomorrow,
    /// 電子カルテと経路の監視
    Watch,
    /// 外字・不明データ
    Findings,
    /// この端末と拠点
    Hub,
    /// BCP端末
    Stations,
    /// 印刷パック
    Packs,
    /// プリンタ
    Printers,
    /// 緊急封筒
    Envelopes,
    /// 時計
    Clock,
    /// 記録の保存
    Saving,
    /// 監査
    Audit,
    /// ディスク
    Disk,
    /// 通信の証明書
    Line,
    /// 控え
    Backups,
}

impl Tile {
    /// Stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Tomorrow => "tomorrow",
            Self::Watch => "watch",
            Self::Findings => "findings",
            Self::Hub => "hub",
            Self::Stations => "stations",
            Self::Packs => "packs",
            Self::Printers => "printers",
            Self::Envelopes => "envelopes",
            Self::Clock => "clock",
            Self::Saving => "saving",
            Self::Audit => "audit",
            Self::Disk => "disk",
            Self::Line => "line",
            Self::Backups => "backups",
        }
    }
}

/// A value in a sentence; whoever shows it says it in the reader's language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Count(u64),
    /// A moment.
    At(Moment),
    /// A day.
    Day(Date),
    /// A span.
    Minutes(i64),
    /// A name or other text that is the same in every language.
    Text(String),
}

/// A sentence: a key of the words with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The key.
    pub key: &'static str,
    /// Its values by name.
    pub values: Vec<(&'static str, Value)>,
}

impl Said {
    /// A sentence without values.
    #[must_use]
    pub const fn plain(key: &'static str) -> Self {
        Self {
            key,
            values: Vec::new(),
        }
    }

    fn with(key: &'static str, values: Vec<(&'static str, Value)>) -> Self {
        Self { key, values }
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was checked.
    pub tile: Tile,
    /// How it stands.
    pub light: Light,
    /// In one sentence.
    pub says: Said,
    /// What more there is to say.
    pub lines: Vec<Said>,
    /// When it was last looked at; `None` when it never was.
    pub checked: Option<Moment>,
}

/// How one printer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrinterState {
    /// Ready, or at work.
    Ready,
    /// It waits for a person, or is busy with others.
    Waits,
    /// It does not answer.
    Silent,
    /// Nobody asked it yet.
    Unknown,
}

/// How the packs of the snapshot in use stand, on a station that makes or holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Packs {
    /// They are being made now.
    pub making: bool,
    /// When they were made, where they were.
    pub made: Option<Moment>,
    /// How many there are, and their pages.
    pub packs: u64,
    /// Their pages.
    pub pages: u64,
    /// Packs that could not be made.
    pub failed: u64,
    /// Sheets in them that are not as they should be.
    pub spoiled: u64,
    /// Packs of which pages were let out or printed.
    pub out: u64,
    /// The last time pages got out.
    pub last_out: Option<Moment>,
}

/// Everything the checks look at, taken at one moment.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Now, by this station's clock.
    pub now: Moment,
    /// The snapshot in use.
    pub snapshot: Option<SnapshotState>,
    /// Last day of the list of coming appointments in it.
    pub listed_until: Option<Date>,
    /// People booked for tomorrow, where whoever asks can read the list.
    pub tomorrow: Option<u64>,
    /// When extracts are made here; `None` where none are.
    pub timetable: Option<Timetable>,
    /// The extract under way.
    pub running: Option<Running>,
    /// How the last one ended.
    pub last: Option<Outcome>,
    /// Whether it is late.
    pub late: Option<Late>,
    /// When the next is due.
    pub next: Option<Moment>,
    /// The watch over the hub, on a station that has one.
    pub hub: Option<Watch>,
    /// Entries only this station has.
    pub unsent: u64,
    /// The other stations, on a hub.
    pub stations: Vec<StationSeen>,
    /// Listed printers with their state; `None` where none are listed.
    pub printers: Option<Vec<(String, PrinterState)>>,
    /// The packs; `None` where none are made.
    pub packs: Option<Packs>,
    /// Sheets that wait for a person.
    pub stuck: u64,
    /// Envelopes that are sealed, open and used.
    pub envelopes: [u64; 3],
    /// The clock.
    pub time: TimeQuality,
    /// Since when entries cannot be saved, in words.
    pub not_saving: Option<String>,
    /// Places in journal files that are not as written.
    pub damage: u64,
    /// Since when the audit log cannot be written.
    pub no_audit: Option<Moment>,
    /// Open alarms about the audit log.
    pub audit_alarms: u64,
    /// The last time somebody else witnessed the audit log.
    pub witnessed: Option<Moment>,
    /// Room on the disk.
    pub disk: Option<Disk>,
    /// Backups, on a station that makes them.
    pub backups: Option<Backups>,
    /// What the probes say together.
    pub judgement: Judgement,
    /// How many probes there are.
    pub probes: u64,
    /// Lines to other stations and browsers; `None` where none leaves this machine.
    pub lines: Option<Arc<LineState>>,
}

/// Every check that exists here, the worst first; equal ones in the order of [`Tile`].
#[must_use]
pub fn checks(facts: &Facts) -> Vec<Check> {
    let mut all = vec![
        checks::data(facts),
        checks::tomorrow(facts),
        checks::watch(facts),
        checks::findings(facts),
        checks::printers(facts),
        checks::envelopes(facts),
        checks::clock(facts),
        checks::saving(facts),
        checks::audit(facts),
        checks::disk(facts),
    ];
    all.extend(backups::backups(facts));
    all.extend(checks::packs(facts));
    all.extend(checks::hub(facts));
    all.extend(checks::stations(facts));
    all.extend(lines::lines(facts));
    all.sort_by_key(|check| (std::cmp::Reverse(check.light), check.tile));
    all
}

/// People who would be shown if the EHR stopped now: outpatients and inpatients.
#[must_use]
pub fn people(snapshot: &SnapshotState) -> (u64, u64) {
    (snapshot.charts.saturating_sub(snapshot.inpatients), snapshot.inpatients)
}

/// The key of what the probes say.
#[must_use]
pub const fn cause_key(cause: Cause) -> &'static str {
    match cause {
        Cause::Checking => "watch-checking",
        Cause::Nothing => "watch-nothing",
        Cause::Feed => "watch-feed",
        Cause::Path => "watch-path",
        Cause::Server => "watch-server",
        Cause::Network => "watch-network",
        Cause::Both => "watch-both",
        Cause::Unclear => "watch-unclear",
    }
}
