//! What mode this station is in, from what it can see by itself: the watch over the EHR, the link to the hub, and the
//! declaration in the journal. The mode bar shows exactly this.
//!
//! Pure: observations and moments come in, a state comes out. Nothing here declares a downtime; only a person does.

use chart::entry::Declaration;
use chart::{AsOf, EntryId, Moment};

mod expected;
mod rhythm;
mod time;
mod watching;

pub use expected::{Hours, MAX_SPANS, counts_since};
pub use rhythm::{LEARNT_DAYS, Rhythm};
pub use time::{
    DAEMON_SILENCE_SECONDS, DRIFT_HOURS, Evidence, JUMP_MS, MAX_OFFSET_SECONDS, SYNCED_MS, TimeDaemon, TimeQuality,
    jump_ms,
};
pub use watching::{
    Cause, FEED_LEAST_SECONDS, FEED_TIMES, Judgement, MAX_PROBES, Probe, Quiet, Silent, Standing, Watched, judge,
    together,
};

/// How long an observation holds before it no longer proves anything (ux bar 4: 通常 is never shown on an older check).
pub const FRESH_SECONDS: i64 = 15;

/// Failed checks in a row before the EHR counts as silent.
pub const FAILURES: u32 = 3;

/// What the watch over one thing (the EHR, the hub) has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watch {
    /// Last check, whatever its outcome.
    pub checked: Option<Moment>,
    /// Last answer.
    pub answered: Option<Moment>,
    /// First failure since the last answer.
    pub failing_since: Option<Moment>,
    /// Failures since the last answer.
    pub failures: u32,
}

impl Watch {
    /// Takes the outcome of one check.
    pub fn observe(&mut self, at: Moment, answered: bool) {
        self.checked = Some(at);
        if answered {
            *self = Self {
                checked: Some(at),
                answered: Some(at),
                ..Self::default()
            };
        } else {
            self.failures = self.failures.saturating_add(1);
            self.failing_since.get_or_insert(at);
        }
    }

    /// Silent: at least [`FAILURES`] checks in a row failed. Gives the first failure.
    #[must_use]
    pub fn silent_since(&self) -> Option<Moment> {
        if self.failures >= FAILURES {
            self.failing_since
        } else {
            None
        }
    }

    /// True when the last answer is recent enough to prove that the thing is there.
    #[must_use]
    pub fn is_proven(&self, now: Moment) -> bool {
        self.failures == 0 && self.answered.is_some_and(|at| now.0 - at.0 <= FRESH_SECONDS)
    }
}

/// The three modes of the mode bar, and the two moments between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// ○ 通常: the EHR answered within [`FRESH_SECONDS`].
    Normal,
    /// 確認中: the last answer is too old to say 通常, but not enough checks have failed.
    Checking,
    /// 電子カルテの応答がありません: proposed to people, not yet declared.
    EhrSilent {
        /// First failed check.
        since: Moment,
    },
    /// ◆ 電子カルテ停止中: somebody declared it.
    EhrDown {
        /// The declaration.
        declaration: Declaration,
        /// Who declared.
        by: String,
        /// When.
        at: Moment,
    },
    /// ■ ネットワーク停止: this station cannot reach the hub and works alone.
    NetworkDown {
        /// First failed check.
        since: Moment,
    },
}

impl Mode {
    /// Stable word for style sheets and `/state`: `normal`, `checking`, `silent`, `ehr`, `net`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Checking => "checking",
            Self::EhrSilent { .. } => "silent",
            Self::EhrDown { .. } => "ehr",
            Self::NetworkDown { .. } => "net",
        }
    }

    /// Patient screens are open: somebody declared, or the EHR or the network is gone. In normal times they are closed.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(
            self,
            Self::EhrSilent { .. } | Self::EhrDown { .. } | Self::NetworkDown { .. }
        )
    }

    /// Somebody declared it.
    #[must_use]
    pub const fn is_declared(&self) -> bool {
        matches!(self, Self::EhrDown { .. })
    }

    /// The boxed word on paper.
    #[must_use]
    pub const fn paper_mark(&self) -> &'static str {
        match self {
            Self::Normal | Self::Checking => "通常",
            Self::EhrSilent { .. } | Self::EhrDown { .. } => "電子カルテ停止中",
            Self::NetworkDown { .. } => "ネットワーク停止中",
        }
    }
}

/// What the snapshot on this station is, as far as anybody may know without signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotState {
    /// Number of the sealing.
    pub epoch: u64,
    /// When it was sealed.
    pub sealed_at: Moment,
    /// Until when it counts as fresh.
    pub fresh_until: Moment,
    /// The latest moment a sealer has vouched for here: a clock that was set back makes nothing fresh again.
    pub told: Moment,
    /// The day for which it was made.
    pub day: String,
    /// データ時点
    pub as_of: AsOf,
    /// Charts in full.
    pub charts: u64,
    /// How many of them are inpatients'.
    pub inpatients: u64,
    /// Charts with identity and appointments only.
    pub thin_charts: u64,
    /// Findings of the extract, by severity: severe, warning, note.
    pub findings: [u64; 3],
    /// Signature and hashes were checked when it was installed.
    pub verified: bool,
}

impl SnapshotState {
    /// It has run out, by this station's clock or by what the sealer said last, whichever is later.
    #[must_use]
    pub fn has_run_out(&self, now: Moment) -> bool {
        now.max(self.told) > self.fresh_until
    }
}

/// Everything the mode bar and the home screen show without anybody signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Which mode.
    pub mode: Mode,
    /// A drill runs.
    pub drill: bool,
    /// A declaration holds here, also where the mode tells of something nearer (a network that is down).
    pub declared: bool,
    /// When the 仮宣言 runs out that nobody confirmed; `None` for a confirmed one, and without any.
    pub runs_out: Option<Moment>,
    /// The snapshot here, if there is one.
    pub snapshot: Option<SnapshotState>,
    /// When the EHR stopped: declared, or first silence.
    pub stopped_at: Option<Moment>,
    /// Now, by this station's clock.
    pub now: Moment,
    /// Entries that only this station has so far, as far as signed receipts tell.
    pub unsent: u64,
    /// The line was gone and came back, while that is news.
    pub rejoined: Option<Rejoined>,
    /// Until when this station knows what others wrote; `None` where it never spoke to another.
    pub heard_until: Option<Moment>,
    /// Codes of stations whose journals contradict themselves: a copied disk, or a key in two places.
    pub forked: Vec<String>,
    /// True on a station that has a hub elsewhere.
    pub has_hub: bool,
    /// Why entries cannot be saved, if they cannot: 「保存できません」.
    pub not_saving: Option<String>,
    /// Since when the audit log cannot be written, if it cannot: then only envelopes open anything.
    pub no_audit: Option<Moment>,
    /// Sealed envelopes that are open anywhere.
    pub envelopes: Vec<OpenEnvelope>,
    /// How far this station's clock can be trusted.
    pub time: TimeQuality,
    /// What the probes say together: a proposal, never a mode.
    pub judgement: Judgement,
}

/// What the first whole visit after an interruption of the line has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejoined {
    /// When.
    pub at: Moment,
    /// When the line was lost.
    pub since: Moment,
    /// Entries of this station that others have now.
    pub sent: u64,
    /// Entries of others that came.
    pub received: u64,
}

/// How long people are told that the line is back.
pub const REJOINED_SECONDS: i64 = 600;

impl Rejoined {
    /// Whether it still has to be told.
    #[must_use]
    pub const fn is_news(&self, now: Moment) -> bool {
        let age = now.0 - self.at.0;
        -60 <= age && age < REJOINED_SECONDS
    }
}

/// An envelope that is open somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenEnvelope {
    /// The entry that opened it.
    pub entry: EntryId,
    /// Number on the outside.
    pub envelope: String,
    /// Who opened it.
    pub operator: String,
    /// Why.
    pub reason: String,
    /// Where.
    pub station: String,
    /// When.
    pub at: Moment,
    /// In normal times: nobody had declared and the EHR answered.
    pub in_normal_times: bool,
}

/// How old the data was at the stop (ux §4.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staleness {
    /// 15 minutes or less.
    Fresh,
    /// 16 to 60 minutes.
    Old,
    /// Over an hour.
    VeryOld,
    /// No as-of time.
    Unknown,
}

impl State {
    /// Minutes from the data's as-of to the stop (or to now, while the EHR runs).
    #[must_use]
    pub fn gap_minutes(&self) -> Option<i64> {
        let snapshot = self.snapshot.as_ref()?;
        let as_of = snapshot.as_of.oldest();
        if as_of == Moment::default() {
            return None;
        }
        // A clock that was set back makes no data younger.
        let until = self.stopped_at.unwrap_or_else(|| self.now.max(snapshot.told));
        Some(until.minutes_since(as_of).max(0))
    }

    /// The chip beside データ時点.
    #[must_use]
    pub fn staleness(&self) -> Staleness {
        match self.gap_minutes() {
            None => Staleness::Unknown,
            Some(..=15) => Staleness::Fresh,
            Some(16..=60) => Staleness::Old,
            Some(_) => Staleness::VeryOld,
        }
    }
}

/// Hours after sealing for which data open without anybody having declared a downtime (security decision D5).
pub const UNDECLARED_HOURS: i64 = 72;

/// Days for which a declared downtime holds.
pub const DECLARED_DAYS: i64 = 90;

/// Minutes for which a 仮宣言 holds that nobody confirmed.
pub const PROVISIONAL_MINUTES: i64 = 30;

/// Hours since sealing when data are too old for normal sign-in; `None` while they open. Old data are shown as old and
/// never lock out care: a declared downtime opens them for [`DECLARED_DAYS`], a sealed envelope always. Nothing is ever
/// destroyed because of this.
#[must_use]
pub fn too_old(now: Moment, sealed_at: Moment, declared: bool) -> Option<i64> {
    let hours = now.0.saturating_sub(sealed_at.0) / 3600;
    (!declared && hours >= UNDECLARED_HOURS).then_some(hours)
}

/// Decides the mode.
///
/// `hub` is `None` on the hub itself. A station that cannot reach its hub is in network failure whatever the EHR does,
/// because it can no longer know; a declaration it already has keeps its stop time.
#[must_use]
pub fn mode(now: Moment, ehr: &Watch, hub: Option<&Watch>, declared: Option<(Declaration, String, Moment)>) -> Mode {
    if let Some(since) = hub.and_then(Watch::silent_since) {
        return Mode::NetworkDown { since };
    }
    if let Some((declaration, by, at)) = declared {
        return Mode::EhrDown { declaration, by, at };
    }
    if let Some(since) = ehr.silent_since() {
        return Mode::EhrSilent { since };
    }
    if ehr.is_proven(now) && hub.is_none_or(|hub| hub.is_proven(now)) {
        Mode::Normal
    } else {
        Mode::Checking
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(outcomes: &[(i64, bool)]) -> Watch {
        let mut watch = Watch::default();
        for (at, answered) in outcomes {
            watch.observe(Moment(*at), *answered);
        }
        watch
    }

    #[test]
    fn normal_is_never_claimed_on_an_old_check() {
        let ehr = watch(&[(100, true)]);
        assert_eq!(mode(Moment(110), &ehr, None, None), Mode::Normal);
        assert_eq!(mode(Moment(116), &ehr, None, None), Mode::Checking);
        assert_eq!(mode(Moment(0), &Watch::default(), None, None), Mode::Checking);
    }

    #[test]
    fn silence_needs_three_failures_and_names_the_first() {
        let ehr = watch(&[(0, true), (20, false), (40, false)]);
        assert_eq!(mode(Moment(41), &ehr, None, None), Mode::Checking);
        let ehr = watch(&[(0, true), (20, false), (40, false), (60, false)]);
        assert_eq!(
            mode(Moment(61), &ehr, None, None),
            Mode::EhrSilent { since: Moment(20) }
        );
        let ehr = watch(&[(0, true), (20, false), (40, false), (60, false), (80, true)]);
        assert_eq!(mode(Moment(81), &ehr, None, None), Mode::Normal);
    }

    #[test]
    fn a_lost_hub_comes_before_everything_and_a_declaration_before_silence() {
        let dead = watch(&[(20, false), (40, false), (60, false)]);
        let alive = watch(&[(60, true)]);
        let declaration = Declaration {
            provisional: true,
            drill: false,
            stopped_at: Moment(20),
            reason: String::new(),
        };
        let declared = Some((declaration, "田中".to_owned(), Moment(50)));
        assert_eq!(mode(Moment(61), &dead, Some(&dead), declared.clone()).word(), "net");
        assert_eq!(mode(Moment(61), &dead, Some(&alive), declared).word(), "ehr");
        assert_eq!(mode(Moment(61), &alive, Some(&Watch::default()), None), Mode::Checking);
    }
}
