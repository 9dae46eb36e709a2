//! When somebody who does not seal must call out: receipts stop, the hub is silent, the snapshot is late, or the watch itself is blind.
//!
//! Pure: what a warden saw comes in, the alarms that stand come out, in the order of their weight. An alarm ends when it is not among them
//! any more. Who hears of it is the roof's.

use chart::{Moment, StationCode};

use super::fleet::{Fleet, Place, RECEIPT_FRESH_SECONDS, Row, Standing};

/// When a warden calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Of the stations of a ward so many percent must have given a fresh receipt.
    pub fresh_percent: u8,
    /// Seconds for which a hub may be silent.
    pub silent_seconds: i64,
    /// Seconds for which a receipt counts as fresh here.
    pub receipt_seconds: i64,
    /// Hours after which the newest snapshot is too old.
    pub snapshot_hours: i64,
    /// Seconds by which this machine's clock and the hub's may differ.
    pub clock_seconds: i64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            fresh_percent: 90,
            silent_seconds: 900,
            receipt_seconds: RECEIPT_FRESH_SECONDS,
            snapshot_hours: 26,
            clock_seconds: 120,
        }
    }
}

/// What a warden saw of one hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubSeen {
    /// Its address.
    pub address: String,
    /// When it last answered.
    pub answered: Option<Moment>,
    /// When a sealer's signed word (or, from an older hub, the hub's word) about the newest snapshot was last heard from it.
    pub heartbeat: Option<Moment>,
    /// Seconds by which its clock is ahead of this machine's, at the last answer.
    pub ahead: Option<i64>,
    /// Why it does not answer, in words.
    pub why: String,
}

/// Everything a warden saw.
#[derive(Debug, Clone)]
pub struct Seen<'a> {
    /// Now, by this machine's clock.
    pub now: Moment,
    /// Since when this warden has been looking: nothing is late before it could be heard.
    pub since: Moment,
    /// Why the trust file cannot be used, if it cannot.
    pub no_trust: Option<String>,
    /// Why alarms cannot be written down here, if they cannot.
    pub no_disk: Option<String>,
    /// The hubs.
    pub hubs: Vec<HubSeen>,
    /// The fleet, from receipts that this warden verified itself; `None` without trust.
    pub fleet: Option<&'a Fleet<'a>>,
    /// When the newest snapshot that any believed receipt is for was sealed.
    pub sealed: Option<Moment>,
    /// Stations whose receipts came but are not in the trust file: the file is old.
    pub strangers: Vec<StationCode>,
}

/// An alarm that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alarm {
    /// 信頼ファイルが使えない: the warden believes nothing.
    NoTrust(String),
    /// 記録できない
    NoDisk(String),
    /// No hub answers.
    NoHub {
        /// Since when, as far as it is known.
        since: Moment,
        /// Why, in words.
        why: String,
    },
    /// One hub of several does not answer.
    HubSilent {
        /// Its address.
        address: String,
        /// Since when.
        since: Moment,
        /// Why, in words.
        why: String,
    },
    /// Hubs answer, and none has heard from a sealer.
    NoHeartbeat {
        /// The last.
        since: Moment,
    },
    /// The newest snapshot is older than it may be.
    OldSnapshot {
        /// When it was sealed; `None` when nothing is known of any.
        sealed: Option<Moment>,
    },
    /// Too few stations of a place have given a fresh receipt.
    Receipts {
        /// Which place.
        place: Place,
        /// Stations with a fresh receipt.
        fresh: usize,
        /// Stations there.
        all: usize,
    },
    /// Stations of a place say that they cannot be used, and none is left that can.
    Dark {
        /// Which place.
        place: Place,
        /// Stations there.
        all: usize,
    },
    /// This machine's clock and the hub's disagree: nothing said about ages is sure.
    Clock {
        /// Seconds by which the hub is ahead.
        ahead: i64,
    },
    /// The trust file does not know these stations.
    Strangers(Vec<StationCode>),
}

impl Alarm {
    /// What makes two alarms the same one, whatever they count meanwhile.
    #[must_use]
    pub fn name(&self) -> String {
        let of = |place: &Place| match place {
            Place::Ward(code) => format!("ward-{code}"),
            Place::Department(code) => format!("department-{code}"),
            Place::Shared => "shared".to_owned(),
        };
        match self {
            Self::NoTrust(_) => "no-trust".to_owned(),
            Self::NoDisk(_) => "no-disk".to_owned(),
            Self::NoHub { .. } => "no-hub".to_owned(),
            Self::HubSilent { address, .. } => format!("hub-silent {address}"),
            Self::NoHeartbeat { .. } => "no-heartbeat".to_owned(),
            Self::OldSnapshot { .. } => "old-snapshot".to_owned(),
            Self::Receipts { place, .. } => format!("receipts {}", of(place)),
            Self::Dark { place, .. } => format!("dark {}", of(place)),
            Self::Clock { .. } => "clock".to_owned(),
            Self::Strangers(_) => "strangers".to_owned(),
        }
    }
}

/// The alarms that stand now, the heaviest first.
#[must_use]
pub fn alarms(seen: &Seen<'_>, bounds: &Bounds) -> Vec<Alarm> {
    let mut found = Vec::new();
    found.extend(seen.no_trust.clone().map(Alarm::NoTrust));
    found.extend(seen.no_disk.clone().map(Alarm::NoDisk));
    let patience = bounds.silent_seconds;
    let late = |at: Option<Moment>| {
        let since = at.unwrap_or(seen.since).max(Moment(i64::MIN));
        // A moment ahead of this clock is no sign of life: the clock was set back, or it is a lie.
        let age = seen.now.0.saturating_sub(since.0);
        (age >= patience || age < -bounds.clock_seconds).then_some(since)
    };
    let silent: Vec<(&HubSeen, Moment)> = seen
        .hubs
        .iter()
        .filter_map(|hub| Some((hub, late(hub.answered)?)))
        .collect();
    if seen.hubs.is_empty() {
        let why = "拠点（hubs）が一つも設定されていません".to_owned();
        found.push(Alarm::NoHub { since: seen.since, why });
    } else if silent.len() == seen.hubs.len() {
        // The one that was heard last says since when there is none.
        if let Some((hub, since)) = silent.iter().max_by_key(|(_, since)| *since) {
            let why = hub.why.clone();
            found.push(Alarm::NoHub { since: *since, why });
        }
    } else {
        found.extend(silent.iter().map(|(hub, since)| Alarm::HubSilent {
            address: hub.address.clone(),
            since: *since,
            why: hub.why.clone(),
        }));
        let heard = seen.hubs.iter().filter_map(|hub| hub.heartbeat).max();
        found.extend(late(heard).map(|since| Alarm::NoHeartbeat { since }));
    }
    let ahead = seen
        .hubs
        .iter()
        .filter_map(|hub| hub.ahead)
        .max_by_key(|ahead| ahead.saturating_abs());
    if let Some(ahead) = ahead.filter(|ahead| ahead.saturating_abs() > bounds.clock_seconds) {
        found.push(Alarm::Clock { ahead });
    }
    // Nothing may be said of stations before they could have been heard.
    let could_hear = seen.now.0.saturating_sub(seen.since.0) >= patience;
    if let Some(fleet) = seen.fleet {
        let old = seen
            .sealed
            .is_none_or(|sealed| seen.now.0.saturating_sub(sealed.0) > bounds.snapshot_hours.saturating_mul(3_600));
        if old && (could_hear || seen.sealed.is_some()) {
            found.push(Alarm::OldSnapshot { sealed: seen.sealed });
        }
        if could_hear || fleet.rows.iter().any(|row| row.standing != Standing::Silent) {
            found.extend(of_places(fleet, bounds));
        }
    }
    if !seen.strangers.is_empty() {
        found.push(Alarm::Strangers(seen.strangers.clone()));
    }
    found
}

fn of_places(fleet: &Fleet<'_>, bounds: &Bounds) -> Vec<Alarm> {
    let of = |group: &super::fleet::Group| {
        let all = group.rows.len();
        let rows = group.rows.iter().filter_map(|row| fleet.rows.get(*row));
        let fresh = rows.filter(|row| is_fresh(row, fleet.now, bounds)).count();
        if fresh * 100 < all * usize::from(bounds.fresh_percent) {
            return Some(Alarm::Receipts {
                place: group.place.clone(),
                fresh,
                all,
            });
        }
        // A ward that is only a snapshot behind is not dark: it works with what it has.
        let stale = group.counts.get(Standing::Stale as usize).copied().unwrap_or(0);
        (group.is_dark() && stale == 0).then(|| Alarm::Dark {
            place: group.place.clone(),
            all,
        })
    };
    fleet.groups.iter().filter_map(of).collect()
}

fn is_fresh(row: &Row<'_>, now: Moment, bounds: &Bounds) -> bool {
    let age = row
        .member
        .receipt
        .map_or(i64::MAX, |receipt| now.0.saturating_sub(receipt.at.0));
    row.standing != Standing::Silent && age <= bounds.receipt_seconds
}
