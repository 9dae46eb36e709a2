//! What several watches together say: a server, a path, or both; which path; since when.
//!
//! Pure: probes with what they have seen come in, a judgement comes out. It proposes and never declares. What was not
//! checked within [`FRESH_SECONDS`] proves neither that something is there nor that it is gone.

use chart::Moment;
use minicbor::{Decode, Encode};

use super::{FRESH_SECONDS, Watch};

/// Most probes of one station.
pub const MAX_PROBES: usize = 40;

/// A feed must be silent for so many times its usual gap before anybody suspects it.
pub const FEED_TIMES: i64 = 2;

/// A feed's silence below this many seconds is never suspicious.
pub const FEED_LEAST_SECONDS: i64 = 120;

/// What a probe looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Watched {
    /// The EHR's database.
    #[n(0)]
    EhrDb,
    /// The EHR's application.
    #[n(1)]
    EhrApp,
    /// Messages that the EHR sends by itself.
    #[n(2)]
    Feed,
    /// The hub, as a station sees it.
    #[n(3)]
    Hub,
    /// The gateway of this network.
    #[n(4)]
    Gateway,
    /// One of the lines behind it.
    #[n(5)]
    Line,
}

impl Watched {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::EhrDb,
        Self::EhrApp,
        Self::Feed,
        Self::Hub,
        Self::Gateway,
        Self::Line,
    ];

    /// The word in configuration.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::EhrDb => "ehr-db",
            Self::EhrApp => "ehr-app",
            Self::Feed => "hl7-feed",
            Self::Hub => "hub",
            Self::Gateway => "gateway",
            Self::Line => "line",
        }
    }

    /// Reads [`Self::word`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|watched| watched.word() == word)
    }

    /// Something at the far end of a path.
    #[must_use]
    pub const fn is_server(self) -> bool {
        matches!(self, Self::EhrDb | Self::EhrApp | Self::Hub)
    }

    /// Part of the EHR itself: without it nobody can work with the EHR.
    #[must_use]
    pub const fn is_ehr(self) -> bool {
        matches!(self, Self::EhrDb | Self::EhrApp)
    }

    /// Part of the way there.
    #[must_use]
    pub const fn is_path(self) -> bool {
        matches!(self, Self::Gateway | Self::Line)
    }
}

/// How long a feed has been quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quiet {
    /// The last message.
    pub last: Option<Moment>,
    /// The gap that is usual at this time of day, in seconds; `None` until it has been learnt.
    pub usual: Option<i64>,
    /// The silence counts from here where that is later than the last message: the end of quiet hours, or when listening began.
    pub counts_since: Option<Moment>,
    /// The longest silence that the hospital expects, in seconds. Said, it is believed before what was learnt.
    pub allowed: Option<i64>,
}

impl Quiet {
    /// True when it is silent for longer than anybody expects; `None` while nobody knows what to expect.
    fn too_long(&self, now: Moment) -> Option<bool> {
        let learnt = || Some(self.usual?.saturating_mul(FEED_TIMES).max(FEED_LEAST_SECONDS));
        let allowed = self.allowed.or_else(learnt)?;
        let from = self.last.max(self.counts_since)?;
        Some(now.0.saturating_sub(from.0) > allowed)
    }
}

/// One probe with what it has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// As people call it.
    pub name: String,
    /// What it looks at.
    pub what: Watched,
    /// Name of the gateway or line over which it is reached.
    pub via: Option<String>,
    /// Its checks.
    pub watch: Watch,
    /// For a feed.
    pub quiet: Quiet,
}

/// How one probe stands at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It answered lately.
    Answers,
    /// It has failed [`FAILURES`](super::FAILURES) times in a row, or a feed is longer silent than usual.
    Silent(Moment),
    /// Nobody knows: not checked lately, or not failed often enough.
    Unknown,
}

impl Probe {
    /// A probe that has seen nothing yet.
    #[must_use]
    pub fn new(name: &str, what: Watched, via: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            what,
            via: via.map(str::to_owned),
            watch: Watch::default(),
            quiet: Quiet::default(),
        }
    }

    /// How it stands. A check from the future proves as little as an old one.
    #[must_use]
    pub fn standing(&self, now: Moment) -> Standing {
        let fresh = self
            .watch
            .checked
            .is_some_and(|at| (now.0.saturating_sub(at.0)).abs() <= FRESH_SECONDS);
        if !fresh {
            return Standing::Unknown;
        }
        if let Some(since) = self.watch.silent_since() {
            return Standing::Silent(since);
        }
        if !self.watch.is_proven(now) {
            return Standing::Unknown;
        }
        if self.what != Watched::Feed {
            return Standing::Answers;
        }
        match (self.quiet.last, self.quiet.too_long(now)) {
            (Some(last), Some(true)) => Standing::Silent(last),
            (Some(_), Some(false)) => Standing::Answers,
            _ => Standing::Unknown,
        }
    }
}

/// Several watches over the EHR as one: it is there when everything of it is, and silent when anything of it is.
#[must_use]
pub fn together<'a>(watches: impl IntoIterator<Item = &'a Watch>) -> Watch {
    let mut all: Option<Watch> = None;
    for one in watches {
        let Some(sum) = &mut all else {
            all = Some(*one);
            continue;
        };
        // `None` is the smallest: what was never checked makes the whole unchecked.
        sum.checked = sum.checked.min(one.checked);
        sum.answered = sum.answered.min(one.answered);
        let silent = [sum.silent_since(), one.silent_since()].into_iter().flatten().min();
        let failing = [sum.failing_since, one.failing_since].into_iter().flatten().min();
        sum.failures = sum.failures.max(one.failures);
        // Since when it counts as silent, not since when something else failed once.
        sum.failing_since = silent.or(failing);
    }
    all.unwrap_or_default()
}

/// What is gone, as far as probes can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Cause {
    /// Not enough was checked lately.
    #[n(0)]
    #[default]
    Checking,
    /// Everything answers.
    #[n(1)]
    Nothing,
    /// Everything answers, but a feed is silent longer than usual: a suspicion.
    #[n(2)]
    Feed,
    /// A path is gone; what was asked answers all the same.
    #[n(3)]
    Path,
    /// A server is gone while the way to it is there.
    #[n(4)]
    Server,
    /// The way to a server is gone; nothing can be known about the server.
    #[n(5)]
    Network,
    /// A server is gone, and a path too.
    #[n(6)]
    Both,
    /// A server does not answer, and whether the way is there is not known.
    #[n(7)]
    Unclear,
}

impl Cause {
    /// Stable word for texts.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Checking => "checking",
            Self::Nothing => "nothing",
            Self::Feed => "feed",
            Self::Path => "path",
            Self::Server => "server",
            Self::Network => "network",
            Self::Both => "both",
            Self::Unclear => "unclear",
        }
    }

    /// Something is gone or suspected.
    #[must_use]
    pub const fn is_trouble(self) -> bool {
        !matches!(self, Self::Checking | Self::Nothing)
    }
}

/// One thing that does not answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Silent {
    /// Since when.
    #[n(0)]
    pub since: Moment,
    /// As people call it.
    #[n(1)]
    pub name: String,
    /// What it is.
    #[n(2)]
    pub what: Watched,
    /// Over which path it is reached.
    #[n(3)]
    pub via: Option<String>,
}

/// What the probes say together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Judgement {
    /// What is gone.
    #[n(0)]
    pub cause: Cause,
    /// Since when.
    #[n(1)]
    pub since: Option<Moment>,
    /// Everything that does not answer, the longest silent first.
    #[n(2)]
    pub silent: Vec<Silent>,
    /// Names of what could not be told lately.
    #[n(3)]
    pub unknown: Vec<String>,
}

impl Judgement {
    /// Names of silent paths.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.silent.iter().filter(|s| s.what.is_path()).map(|s| s.name.as_str())
    }

    /// Names of silent servers.
    pub fn servers(&self) -> impl Iterator<Item = &str> {
        self.silent
            .iter()
            .filter(|s| s.what.is_server())
            .map(|s| s.name.as_str())
    }
}

/// Why a silent server may be silent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Its way answers.
    Itself,
    /// Its way is silent since then.
    Way(Moment),
    /// Its way is not known.
    Unclear,
}

/// Judges what the probes have seen; their order does not matter.
#[must_use]
pub fn judge(probes: &[Probe], now: Moment) -> Judgement {
    let standing: Vec<(&Probe, Standing)> = probes
        .iter()
        .take(MAX_PROBES)
        .map(|probe| (probe, probe.standing(now)))
        .collect();
    let mut silent: Vec<Silent> = standing
        .iter()
        .filter_map(|(probe, standing)| match standing {
            Standing::Silent(since) => Some(Silent {
                since: *since,
                name: probe.name.clone(),
                what: probe.what,
                via: probe.via.clone(),
            }),
            _ => None,
        })
        .collect();
    silent.sort();
    let mut unknown: Vec<String> = standing
        .iter()
        .filter(|(_, standing)| *standing == Standing::Unknown)
        .map(|(probe, _)| probe.name.clone())
        .collect();
    unknown.sort();
    let (cause, since) = cause(&standing, &silent, !unknown.is_empty());
    Judgement {
        cause,
        since,
        silent,
        unknown,
    }
}

fn cause(standing: &[(&Probe, Standing)], silent: &[Silent], unknown: bool) -> (Cause, Option<Moment>) {
    let first = |wanted: &dyn Fn(&Silent) -> bool| silent.iter().filter(|s| wanted(s)).map(|s| s.since).min();
    let path = first(&|s| s.what.is_path());
    let servers: Vec<(&Silent, Why)> = silent
        .iter()
        .filter(|s| s.what.is_server())
        .map(|s| (s, why(standing, s.via.as_deref())))
        .collect();
    let itself = servers
        .iter()
        .filter(|(_, why)| *why == Why::Itself)
        .map(|(s, _)| s.since)
        .min();
    let way = servers.iter().filter_map(|(_, why)| match why {
        Why::Way(since) => Some(*since),
        _ => None,
    });
    let way = way.min();
    match (itself, way.or(path)) {
        (Some(itself), Some(path)) => (Cause::Both, Some(itself.min(path))),
        (Some(itself), None) => (Cause::Server, Some(itself)),
        (None, _) if way.is_some() => (Cause::Network, way),
        (None, _) if !servers.is_empty() => (Cause::Unclear, first(&|s| s.what.is_server())),
        (None, Some(path)) => (Cause::Path, Some(path)),
        (None, None) if !silent.is_empty() => (Cause::Feed, first(&|_| true)),
        (None, None) if unknown || standing.is_empty() => (Cause::Checking, None),
        (None, None) => (Cause::Nothing, None),
    }
}

/// Whether a silent server's own way explains it. Without a named way every path has a say, and they must agree.
fn why(standing: &[(&Probe, Standing)], via: Option<&str>) -> Why {
    let ways: Vec<Standing> = standing
        .iter()
        .filter(|(probe, _)| probe.what.is_path() && via.is_none_or(|via| via == probe.name))
        .map(|(_, standing)| *standing)
        .collect();
    if ways.is_empty() {
        return Why::Unclear;
    }
    if ways.iter().all(|way| *way == Standing::Answers) {
        return Why::Itself;
    }
    let silent: Option<Vec<Moment>> = ways
        .iter()
        .map(|way| match way {
            Standing::Silent(since) => Some(*since),
            _ => None,
        })
        .collect();
    match silent.and_then(|since| since.into_iter().min()) {
        Some(since) => Why::Way(since),
        None => Why::Unclear,
    }
}

#[cfg(test)]
mod tests;
