//! The frame of every page: mode bar, navigation, patient banner, key hints.
//!
//! The bar is made here and only here, from the station's state, so that a page cannot leave it out or word it differently.

use std::hash::{DefaultHasher, Hash, Hasher};

use chart::{DataKind, Moment};
use downtime::state::{Cause, Mode, Staleness, State};

use crate::assets::Assets;
use crate::say::{self, AllergyBox};
use crate::words::Words;

/// What every page needs around its content.
pub struct Page<'a> {
    /// Words of the reader's language.
    pub w: &'a Words,
    /// Addresses of style sheet and scripts.
    pub a: &'a Assets,
    /// The mode bar.
    pub bar: Bar,
    /// Title of the page.
    pub title: String,
    /// Screens this person may use.
    pub nav: Vec<NavItem<'a>>,
    /// Who is signed in.
    pub signed: Option<Signed<'a>>,
    /// Code of this station.
    pub station: String,
    /// Id of the screen, for its help.
    pub screen: &'static str,
    /// Scripts of this page.
    pub scripts: &'static [&'static str],
    /// The page changes when patient screens open or close.
    pub follows_mode: bool,
    /// A link the roof adds (the demo's control page): word and address.
    pub notice: Option<(&'a str, &'a str)>,
}

/// One entry of the navigation.
pub struct NavItem<'a> {
    /// Where to.
    pub path: &'static str,
    /// The digit pressed with Alt.
    pub key: &'static str,
    /// Name of the screen.
    pub word: &'a str,
    /// This is the page shown.
    pub current: bool,
}

/// Who is signed in.
pub struct Signed<'a> {
    /// Name as shown.
    pub name: &'a str,
    /// Role in words.
    pub role: &'a str,
    /// Seconds without use after which the screen clears.
    pub idle: i64,
}

/// Scripts of every page.
pub const SCRIPTS: &[&str] = &["modebar.js", "scan.js", "keys.js", "fade.js"];

/// The mode bar in words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Bar {
    /// `normal`, `checking`, `silent`, `ehr`, `net`.
    pub mode: &'static str,
    /// ○ ◆ ■
    pub mark: &'static str,
    /// 電子カルテ停止中
    pub word: String,
    /// One sentence more.
    pub say: String,
    /// 08:45
    pub as_of: String,
    /// （停止の15分前）
    pub gap: String,
    /// Style, mark and words of the staleness chip.
    pub chip: Option<(&'static str, &'static str, String)>,
    /// 0:12
    pub since: Option<String>,
    /// Marks and words of what is wrong with this station.
    pub warnings: Vec<(&'static str, String)>,
    /// Offer the declaration.
    pub propose: bool,
    /// あと12分で終わります, for a 仮宣言 that waits for a second person.
    pub waits: Option<String>,
    /// 食い違い 2件, for who can decide.
    pub conflicts: Option<String>,
    /// 印刷が止まっています 2件, for who works with sheets.
    pub stuck: Option<String>,
    /// つながりました。24件を送りました
    pub rejoined: Option<String>,
    /// あと12件がこの端末だけにあります, on a terminal that has been alone for a while.
    pub carry: Option<String>,
    /// A drill runs.
    pub drill: bool,
    /// Patient screens are open.
    pub open: bool,
    /// 【停止中】
    pub tab: String,
    /// 封印 検証済 …
    pub seal: String,
    /// Changes whenever anything above changes.
    pub tag: String,
}

impl Bar {
    /// The bar for a state.
    #[must_use]
    pub fn new(w: &Words, state: &State) -> Self {
        let (mark, word, mut say, tab) = mode_words(w, &state.mode, state.now);
        if let Some(cause) = cause_words(w, state) {
            say.push('　');
            say.push_str(cause);
        }
        if let (Mode::NetworkDown { .. }, Some(until)) = (&state.mode, state.heard_until) {
            let until = say::moment(w, until, state.now);
            say.push('　');
            say.push_str(&w.with("bar-heard-until", &[("time", (&until).into())]));
        }
        let as_of = state.snapshot.as_ref().map_or(Moment::default(), |s| s.as_of.oldest());
        let open = state.mode.is_open();
        let chip = if open { chip(w, state) } else { None };
        let mut warnings = Vec::new();
        if state.not_saving.is_some() {
            warnings.push(("■", w["bar-not-saving"].to_owned()));
        }
        for envelope in &state.envelopes {
            let word = if envelope.in_normal_times {
                "bar-envelope-normal"
            } else {
                "bar-envelope"
            };
            let named = [
                ("envelope", (&envelope.envelope).into()),
                ("operator", (&envelope.operator).into()),
            ];
            warnings.push(("■", w.with(word, &named)));
        }
        if let Some(since) = state.no_audit {
            let since = say::moment(w, since, state.now);
            warnings.push(("■", w.with("bar-no-audit", &[("time", (&since).into())])));
        }
        if state.snapshot.as_ref().is_some_and(|s| !s.verified) {
            warnings.push(("■", w["bar-unverified"].to_owned()));
        }
        if matches!(state.mode, Mode::NetworkDown { .. }) && state.unsent > 0 {
            warnings.push(("◆", w.with("bar-unsent", &[("n", state.unsent.into())])));
        }
        for code in &state.forked {
            warnings.push(("■", w.with("bar-forked", &[("station", code.into())])));
        }
        let mut bar = Self {
            mode: state.mode.word(),
            mark,
            word,
            say,
            as_of: say::moment(w, as_of, state.now),
            // The chip says the gap itself, louder.
            gap: if chip.is_some() { String::new() } else { gap(w, state) },
            chip,
            since: state.stopped_at.map(|stop| say::hours(state.now.minutes_since(stop))),
            warnings,
            propose: matches!(state.mode, Mode::EhrSilent { .. }),
            waits: state.runs_out.map(|until| {
                let minutes = (until.0 - state.now.0).max(0).unsigned_abs().div_ceil(60);
                w.with("bar-waits", &[("minutes", minutes.into())])
            }),
            stuck: None,
            carry: None,
            conflicts: None,
            rejoined: rejoined(w, state),
            drill: state.drill,
            open,
            tab,
            seal: seal(w, state),
            tag: String::new(),
        };
        bar.mark_version(w);
        bar
    }

    /// The bar of somebody for whom older entries are still being opened.
    #[must_use]
    pub fn with_older(mut self, w: &Words, older: usize) -> Self {
        if older > 0 {
            self.warnings.push(("◆", w.with("bar-older", &[("n", older.into())])));
            self.mark_version(w);
        }
        self
    }

    /// The bar with the sheets that wait for a person.
    #[must_use]
    pub fn with_stuck(mut self, w: &Words, stuck: usize) -> Self {
        if stuck > 0 {
            self.stuck = Some(w.with("bar-stuck", &[("n", stuck.into())]));
            self.mark_version(w);
        }
        self
    }

    /// The bar of a terminal whose entries should be carried.
    #[must_use]
    pub fn with_carry(mut self, w: &Words, carry: Option<String>) -> Self {
        if carry.is_some() {
            self.carry = carry;
            self.mark_version(w);
        }
        self
    }

    /// The bar for somebody who can decide what disagrees.
    #[must_use]
    pub fn with_conflicts(mut self, w: &Words, conflicts: usize) -> Self {
        if conflicts > 0 {
            self.conflicts = Some(w.with("bar-conflicts", &[("n", conflicts.into())]));
            self.mark_version(w);
        }
        self
    }

    fn mark_version(&mut self, w: &Words) {
        self.tag.clear();
        let mut version = DefaultHasher::new();
        (&*self, w.lang().tag()).hash(&mut version);
        self.tag = format!("\"{:016x}\"", version.finish());
    }
}

/// The line is back, and what that brought.
fn rejoined(w: &Words, state: &State) -> Option<String> {
    let back = state
        .rejoined
        .filter(|_| !matches!(state.mode, Mode::NetworkDown { .. }))?;
    let counts = [("sent", back.sent.into()), ("received", back.received.into())];
    Some(w.with("bar-rejoined", &counts))
}

/// Where the trouble seems to be, in a few words; the home screen names it.
fn cause_words<'w>(w: &'w Words, state: &State) -> Option<&'w str> {
    if !matches!(state.mode, Mode::EhrSilent { .. } | Mode::NetworkDown { .. }) {
        return None;
    }
    w.get(match state.judgement.cause {
        Cause::Server => "bar-cause-server",
        Cause::Network => "bar-cause-network",
        Cause::Both => "bar-cause-both",
        _ => return None,
    })
}

fn mode_words(w: &Words, mode: &Mode, now: Moment) -> (&'static str, String, String, String) {
    let at = |moment: Moment| say::moment(w, moment, now);
    let (mark, word, say, tab) = match mode {
        Mode::Normal => ("○", &w["mode-normal"], w["bar-normal"].to_owned(), &w["tab-normal"]),
        Mode::Checking => (
            "−",
            &w["mode-checking"],
            w["bar-checking"].to_owned(),
            &w["tab-checking"],
        ),
        Mode::EhrSilent { since } => (
            "◆",
            &w["mode-silent"],
            w.with("bar-silent", &[("time", (&at(*since)).into())]),
            &w["tab-silent"],
        ),
        Mode::EhrDown { .. } => ("◆", &w["mode-ehr"], w["bar-ehr"].to_owned(), &w["tab-ehr"]),
        Mode::NetworkDown { .. } => ("■", &w["mode-net"], w["bar-net"].to_owned(), &w["tab-net"]),
    };
    (mark, word.to_owned(), say, tab.to_owned())
}

/// （停止の15分前）, or nothing while nothing has stopped.
fn gap(w: &Words, state: &State) -> String {
    match (state.stopped_at, state.gap_minutes()) {
        (Some(_), Some(minutes)) => {
            let span = say::span(w, minutes);
            w.with("bar-gap", &[("span", (&span).into())])
        }
        _ => String::new(),
    }
}

/// How old the data was at the stop (ux §4.8): plain, ◆ yellow, ■ black, dashed.
fn chip(w: &Words, state: &State) -> Option<(&'static str, &'static str, String)> {
    let span = say::span(w, state.gap_minutes().unwrap_or(0));
    let span = [("span", (&span).into())];
    match state.staleness() {
        Staleness::Fresh => None,
        Staleness::Old => Some(("chip-warn", "◆", w.with("stale-old", &span))),
        Staleness::VeryOld => Some(("chip-old", "■", w.with("stale-very-old", &span))),
        Staleness::Unknown => Some(("chip-unknown", "−", w["stale-unknown"].to_owned())),
    }
}

fn seal(w: &Words, state: &State) -> String {
    match &state.snapshot {
        None => w["seal-none"].to_owned(),
        Some(snapshot) => {
            let at = say::moment(w, snapshot.sealed_at, state.now);
            let at = [("time", (&at).into())];
            if snapshot.verified {
                w.with("seal-verified", &at)
            } else {
                w.with("seal-unverified", &at)
            }
        }
    }
}

/// データ時点 of one kind of data: 08:45.
#[must_use]
pub fn as_of(w: &Words, as_of: &chart::AsOf, kind: DataKind, now: Moment) -> String {
    let at = say::moment(w, as_of.of(kind), now);
    w.with("as-of-time", &[("time", (&at).into())])
}

/// What was just done, with its sheets and the way back.
#[derive(Debug, Clone)]
pub struct Done {
    /// A-127 山田 花子 さん …
    pub words: String,
    /// Words and address of each sheet.
    pub sheets: Vec<(String, String)>,
    /// Sheets that went to a printer: 印刷に送りました（1階受付）.
    pub sent: Vec<String>,
    /// Where to take it back, and the entry.
    pub undo: Option<(&'static str, String)>,
    /// ●○○ この端末に保存
    pub kept: Option<String>,
}

impl Done {
    /// Words alone.
    #[must_use]
    pub const fn said(words: String) -> Self {
        Self {
            words,
            sheets: Vec::new(),
            sent: Vec::new(),
            undo: None,
            kept: None,
        }
    }
}

/// Identity over a single patient's screen, and the allergy bar where the role may see it.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Banner {
    /// カナ氏名, always above.
    pub kana: String,
    /// 氏名
    pub name: String,
    /// 同姓同名 2人 …
    pub flags: Vec<String>,
    /// Characters that cannot be shown.
    pub gaiji: bool,
    /// 死亡 2026-10-01
    pub dead: Option<String>,
    /// 1951年5月12日（昭和26年）
    pub birth: String,
    /// 75歳
    pub age: String,
    /// 女性
    pub sex: String,
    /// 0012 3456
    pub id: String,
    ///
    pub reception: Option<String>,
    /// 5階東 501-1, for who lies in a bed.
    pub place: Option<String>,
    /// Striped edge.
    pub temporary: bool,
    /// `None` for roles without clinical data.
    pub allergy: Option<AllergyBox>,
    /// 感染症, eGFR, 体重 … with their dates.
    pub facts: Vec<(String, String)>,
    /// Allergies and side effects that a medicine notebook says, with their source. Never among the hospital's.
    pub notebook: Vec<String>,
}
