//! 「いま止まったら」: from the receipts of all stations, how many of each ward and department could be used now.
//!
//! Pure: members with what is known of each come in, the fleet comes out, the worst first. A station is ready only by a receipt that is
//! fresh, good and for the newest snapshot; whoever says nothing is silent, and silence is never ready. Signatures were checked before
//! anything gets here (`kept`).

use std::collections::BTreeMap;

use chart::{Moment, StationCode};

use super::receipt::{Holds, Point, Receipt};

/// After so many seconds without a receipt a station is silent: three of the receipts that a running station gives.
pub const RECEIPT_FRESH_SECONDS: i64 = 2_700;

/// After so many seconds the print of all forms proves nothing any more: a day and two hours.
pub const PRINTED_FRESH_SECONDS: i64 = 93_600;

/// So far ahead of this clock a receipt may be dated: two clocks, and the way.
pub const AHEAD_SECONDS: i64 = 300;

/// How a station stands, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// 使えます
    Ready,
    /// 古い: it works, but with an older snapshot than the newest.
    Stale,
    /// 応答なし: nothing is known of it lately.
    Silent,
    /// 使えません: it said itself what fails.
    Failing,
}

impl Standing {
    /// All of them, the worst first.
    pub const WORST_FIRST: [Self; 4] = [Self::Failing, Self::Silent, Self::Stale, Self::Ready];

    /// Its shape.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Ready => "○",
            Self::Stale => "▲",
            Self::Silent => "✕",
            Self::Failing => "■",
        }
    }

    /// Stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Stale => "stale",
            Self::Silent => "silent",
            Self::Failing => "failing",
        }
    }

    /// The reverse of [`Self::word`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORST_FIRST.into_iter().find(|standing| standing.word() == word)
    }
}

/// What is odd about a receipt, besides what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Odd {
    /// There was never one.
    Never,
    /// The newest is dated in the future of this clock.
    Future(Moment),
    /// It is for a newer snapshot than the newest known here.
    Ahead,
    /// It is for another snapshot of the same number.
    OtherSnapshot,
    /// No snapshot is known here to compare with.
    NothingToCompare,
    /// The forms were last printed too long ago, or for another program.
    PrintedLongAgo,
}

/// One enrolled station with what is known of it.
#[derive(Debug, Clone)]
pub struct Member<'a> {
    /// Its code.
    pub code: StationCode,
    /// It seals.
    pub hub: bool,
    /// Its wards, by code.
    pub wards: &'a [String],
    /// Its departments, by code.
    pub departments: &'a [String],
    /// Its newest receipt that is believed.
    pub receipt: Option<&'a Receipt>,
    /// The last good one's moment.
    pub good: Option<Moment>,
    /// The moment of a signed receipt from the future, if there is one.
    pub future: Option<Moment>,
}

/// The newest snapshot there is.
pub type Newest = Holds;

/// One station as the fleet shows it.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// Who.
    pub member: Member<'a>,
    /// How it stands.
    pub standing: Standing,
    /// What is odd.
    pub odd: Option<Odd>,
}

impl Row<'_> {
    /// The point that keeps it from being ready, or the first that somebody should look at.
    #[must_use]
    pub fn worst(&self) -> Option<&Point> {
        let worst = self.member.receipt?.worst()?;
        (worst.light() != super::Light::Good).then_some(worst)
    }
}

/// What a group is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// 病棟, by code.
    Ward(String),
    /// 診療科, by code.
    Department(String),
    /// Stations of no ward and no department.
    Shared,
}

/// The stations of one ward or department.
#[derive(Debug, Clone)]
pub struct Group {
    /// Which.
    pub place: Place,
    /// Rows of the fleet, the worst first.
    pub rows: Vec<usize>,
    /// How many stand how, in the order of [`Standing`].
    pub counts: [usize; 4],
    /// On the station where most did: how many of how many accounts signed in within seven days.
    pub people: Option<(u32, u32)>,
}

impl Group {
    /// How many can be used.
    #[must_use]
    pub const fn ready(&self) -> usize {
        self.counts[0]
    }

    /// How its worst station stands; an empty group is silent.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let there = |standing: &Standing| self.counts.get(*standing as usize).is_some_and(|n| *n > 0);
        Standing::WORST_FIRST
            .into_iter()
            .find(there)
            .unwrap_or(Standing::Silent)
    }

    /// Nobody in it can use any station now.
    #[must_use]
    pub const fn is_dark(&self) -> bool {
        self.ready() == 0
    }
}

/// All stations.
#[derive(Debug, Clone)]
pub struct Fleet<'a> {
    /// By code.
    pub rows: Vec<Row<'a>>,
    /// By ward and department, the worst first.
    pub groups: Vec<Group>,
    /// How many stand how, in the order of [`Standing`].
    pub counts: [usize; 4],
    /// When this was.
    pub now: Moment,
}

impl Fleet<'_> {
    /// How many stations there are.
    #[must_use]
    pub const fn all(&self) -> usize {
        self.rows.len()
    }

    /// How many can be used now.
    #[must_use]
    pub const fn ready(&self) -> usize {
        self.counts[0]
    }
}

/// How one station stands at `now`, with the newest snapshot known.
#[must_use]
pub fn standing(member: &Member<'_>, newest: Option<&Newest>, now: Moment) -> (Standing, Option<Odd>) {
    let ahead = |at: Moment| at.0 > now.0.saturating_add(AHEAD_SECONDS);
    if let Some(at) = member.future.filter(|at| ahead(*at)) {
        return (Standing::Silent, Some(Odd::Future(at)));
    }
    let Some(receipt) = member.receipt else {
        return (Standing::Silent, Some(Odd::Never));
    };
    if ahead(receipt.at) {
        return (Standing::Silent, Some(Odd::Future(receipt.at)));
    }
    if now.0.saturating_sub(receipt.at.0) > RECEIPT_FRESH_SECONDS {
        return (Standing::Silent, None);
    }
    if !receipt.is_good() {
        return (Standing::Failing, None);
    }
    let Some(newest) = newest else {
        return (Standing::Stale, Some(Odd::NothingToCompare));
    };
    // A good receipt holds a snapshot.
    let Some(holds) = receipt.holds else {
        return (Standing::Failing, None);
    };
    match (holds.epoch, holds.delta).cmp(&(newest.epoch, newest.delta)) {
        std::cmp::Ordering::Less => return (Standing::Stale, None),
        std::cmp::Ordering::Greater => return (Standing::Stale, Some(Odd::Ahead)),
        std::cmp::Ordering::Equal if holds.manifest != newest.manifest => {
            return (Standing::Failing, Some(Odd::OtherSnapshot));
        }
        std::cmp::Ordering::Equal => {}
    }
    let printed = receipt.printed.map_or(i64::MAX, |at| now.0.saturating_sub(at.0));
    if !(-AHEAD_SECONDS..=PRINTED_FRESH_SECONDS).contains(&printed) {
        return (Standing::Failing, Some(Odd::PrintedLongAgo));
    }
    (Standing::Ready, None)
}

/// The whole fleet.
#[must_use]
pub fn fleet<'a>(members: Vec<Member<'a>>, newest: Option<&Newest>, now: Moment) -> Fleet<'a> {
    let mut rows: Vec<Row<'a>> = members
        .into_iter()
        .map(|member| {
            let (standing, odd) = standing(&member, newest, now);
            Row { member, standing, odd }
        })
        .collect();
    rows.sort_by_key(|row| row.member.code);
    let mut places: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        for place in places_of(&row.member) {
            places.entry(place).or_default().push(at);
        }
    }
    let mut counts = [0; 4];
    rows.iter().for_each(|row| count(&mut counts, row.standing));
    let mut groups: Vec<Group> = places.into_iter().map(|(place, at)| group(place, at, &rows)).collect();
    // Nobody can use anything there, then the share that cannot, then the worst standing; equal ones by place.
    groups.sort_by_key(|group| {
        let share = group.ready() * 1_000 / group.rows.len().max(1);
        (
            !group.is_dark(),
            share,
            std::cmp::Reverse(group.standing()),
            group.place.clone(),
        )
    });
    Fleet {
        rows,
        groups,
        counts,
        now,
    }
}

fn places_of(member: &Member<'_>) -> Vec<Place> {
    let wards = member.wards.iter().cloned().map(Place::Ward);
    let mut places: Vec<Place> = wards
        .chain(member.departments.iter().cloned().map(Place::Department))
        .collect();
    places.sort();
    places.dedup();
    if places.is_empty() {
        places.push(Place::Shared);
    }
    places
}

fn count(counts: &mut [usize; 4], standing: Standing) {
    if let Some(place) = counts.get_mut(standing as usize) {
        *place += 1;
    }
}

fn group(place: Place, mut at: Vec<usize>, rows: &[Row<'_>]) -> Group {
    let standing = |at: &usize| rows.get(*at).map(|row| row.standing);
    at.sort_by_key(|at| (std::cmp::Reverse(standing(at)), *at));
    let mut counts = [0; 4];
    at.iter()
        .filter_map(standing)
        .for_each(|standing| count(&mut counts, standing));
    let heard = at
        .iter()
        .filter_map(|at| rows.get(*at))
        .filter(|row| row.standing != Standing::Silent);
    let people = heard.filter_map(|row| row.member.receipt).map(|receipt| receipt.people);
    let people = people
        .filter(|people| people.staff > 0)
        .max_by_key(|people| people.lately);
    Group {
        place,
        rows: at,
        counts,
        people: people.map(|people| (people.lately, people.staff)),
    }
}
