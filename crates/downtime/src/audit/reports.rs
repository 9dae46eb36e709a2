//! The questions a privacy officer asks. Each is one pass over the book; nothing is judged, only arranged and counted.
//!
//! The maintenance report is the one the ministry's Q&A シQ-23 asks for: identifiers of the records in the order of time, and
//! how often each patient's record was opened within a given time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chart::{Moment, Subject};

use super::{Book, Deed, Method, Outcome, Seen};

/// What to look for. Empty fields ask for nothing in particular.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Question {
    /// About this patient (number as written, or temporary number).
    pub subject: String,
    /// By this person (職員番号).
    pub user: String,
    /// At this station.
    pub station: String,
    /// Of this kind.
    pub deed: Option<Deed>,
    /// From this moment on.
    pub from: Option<Moment>,
    /// Before this moment.
    pub until: Option<Moment>,
    /// Only what was refused or failed.
    pub only_refused: bool,
    /// Only what was done with a sealed envelope.
    pub only_envelopes: bool,
    /// Only outside these hours of the day (`7..20` is day), local time.
    pub outside: Option<(i8, i8)>,
    /// Only by accounts of maintenance.
    pub only_maintenance: bool,
}

/// One person, patient or station with counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Whom: a number.
    pub key: String,
    /// As shown.
    pub name: String,
    /// How many sightings.
    pub times: usize,
    /// First and last.
    pub first: Moment,
    /// Last.
    pub last: Moment,
    /// How many different patients.
    pub patients: usize,
}

/// Somebody who opened many charts in a short time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulk {
    /// 職員番号
    pub user: String,
    /// Name.
    pub name: String,
    /// Different patients within the window.
    pub patients: usize,
    /// When the window with most began.
    pub from: Moment,
}

/// Different patients within [`BULK_WINDOW_SECONDS`] from which on an access counts as bulk.
pub const BULK_PATIENTS: usize = 30;

/// Length of the window of [`bulk`].
pub const BULK_WINDOW_SECONDS: i64 = 600;

impl Question {
    fn fits(&self, seen: &Seen) -> bool {
        let s = &seen.sighting;
        let hour = s.at.local().time().hour();
        let is = |wanted: &str, found: &str| wanted.is_empty() || bare(wanted) == bare(found);
        is(&self.subject, s.subject.number())
            && is(&self.user, &s.by.user)
            && (self.station.is_empty() || self.station.eq_ignore_ascii_case(s.station.as_str()))
            && self.deed.is_none_or(|deed| deed == s.deed)
            && self.from.is_none_or(|from| s.at >= from)
            && self.until.is_none_or(|until| s.at < until)
            && (!self.only_refused || s.outcome != Outcome::Done)
            && (!self.only_envelopes || s.method == Method::Envelope)
            && (!self.only_maintenance || s.by.role == "maintenance")
            && self.outside.is_none_or(|(from, to)| !(from..to).contains(&hour))
    }
}

/// Numbers that are all digits compare without leading zeros.
fn bare(text: &str) -> &str {
    let text = text.trim();
    let stripped = text.trim_start_matches('0');
    if text.bytes().all(|b| b.is_ascii_digit()) && !stripped.is_empty() {
        stripped
    } else {
        text
    }
}

/// Everything that fits, newest first.
#[must_use]
pub fn find(book: &Book, question: &Question) -> Vec<Arc<Seen>> {
    book.all().rev().filter(|seen| question.fits(seen)).cloned().collect()
}

/// Everything that fits in the order of time, oldest first: the first half of the maintenance report.
#[must_use]
pub fn in_order(book: &Book, question: &Question) -> Vec<Arc<Seen>> {
    book.all().filter(|seen| question.fits(seen)).cloned().collect()
}

/// How often each patient's record was opened: the second half of the maintenance report. Most often first.
#[must_use]
pub fn per_patient(found: &[Arc<Seen>]) -> Vec<Counted> {
    count(found.iter().filter(|s| s.sighting.subject != Subject::Hospital), |s| {
        (s.sighting.subject.number().to_owned(), s.sighting.subject.shown())
    })
}

/// How often each person appears.
#[must_use]
pub fn per_user(found: &[Arc<Seen>]) -> Vec<Counted> {
    count(found.iter(), |s| {
        (s.sighting.by.user.clone(), s.sighting.by.name.clone())
    })
}

fn count<'a>(found: impl Iterator<Item = &'a Arc<Seen>>, key: impl Fn(&Seen) -> (String, String)) -> Vec<Counted> {
    let mut by_key: BTreeMap<String, (Counted, BTreeSet<&Subject>)> = BTreeMap::new();
    for seen in found {
        let (number, name) = key(seen);
        let at = seen.sighting.at;
        let (counted, patients) = by_key.entry(number.clone()).or_insert_with(|| {
            let counted = Counted {
                key: number,
                name,
                times: 0,
                first: at,
                last: at,
                patients: 0,
            };
            (counted, BTreeSet::new())
        });
        counted.times += 1;
        counted.first = counted.first.min(at);
        counted.last = counted.last.max(at);
        if seen.sighting.subject != Subject::Hospital {
            patients.insert(&seen.sighting.subject);
        }
    }
    let mut all: Vec<Counted> = by_key
        .into_values()
        .map(|(counted, patients)| Counted {
            patients: patients.len(),
            ..counted
        })
        .collect();
    all.sort_by(|a, b| b.times.cmp(&a.times).then_with(|| a.key.cmp(&b.key)));
    all
}

/// People who opened or printed charts of many different patients within minutes. A clinic's printing round is among them:
/// it is for a person to tell.
#[must_use]
pub fn bulk(found: &[Arc<Seen>]) -> Vec<Bulk> {
    let mut by_user: BTreeMap<&str, Vec<&Arc<Seen>>> = BTreeMap::new();
    for seen in found {
        let s = &seen.sighting;
        if matches!(s.deed, Deed::Opened | Deed::Printed) && s.subject != Subject::Hospital {
            by_user.entry(&s.by.user).or_default().push(seen);
        }
    }
    let mut all = Vec::new();
    for (user, mut seen) in by_user {
        seen.sort_by_key(|s| s.sighting.at);
        let (most, from) = busiest(&seen);
        if most >= BULK_PATIENTS {
            all.push(Bulk {
                user: user.to_owned(),
                name: seen.first().map(|s| s.sighting.by.name.clone()).unwrap_or_default(),
                patients: most,
                from,
            });
        }
    }
    all.sort_by(|a, b| b.patients.cmp(&a.patients).then_with(|| a.user.cmp(&b.user)));
    all
}

/// The window with most different patients; `seen` is sorted by time.
fn busiest(seen: &[&Arc<Seen>]) -> (usize, Moment) {
    let mut inside: HashMap<&Subject, usize> = HashMap::new();
    let (mut best, mut from, mut start) = (0, Moment::default(), 0);
    for (end, last) in seen.iter().enumerate() {
        *inside.entry(&last.sighting.subject).or_default() += 1;
        while let Some(first) = seen.get(start).filter(|_| start < end)
            && last.sighting.at.0 - first.sighting.at.0 > BULK_WINDOW_SECONDS
        {
            if let Some(times) = inside.get_mut(&first.sighting.subject) {
                *times -= 1;
                if *times == 0 {
                    inside.remove(&first.sighting.subject);
                }
            }
            start += 1;
        }
        if inside.len() > best {
            best = inside.len();
            from = seen.get(start).map_or(last.sighting.at, |s| s.sighting.at);
        }
    }
    (best, from)
}

/// One opening of a sealed envelope with everything that was done under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dossier {
    /// The opening.
    pub opened: Arc<Seen>,
    /// Everything by that envelope's user from the opening to its end or the next opening, in order.
    pub deeds: Vec<Arc<Seen>>,
    /// Each patient touched, with counts.
    pub patients: Vec<Counted>,
    /// The review that closes the dossier, if somebody made one.
    pub reviewed: Option<Arc<Seen>>,
}

/// Every use of a sealed envelope, newest first.
#[must_use]
pub fn dossiers(book: &Book) -> Vec<Dossier> {
    let mut all: Vec<Dossier> = Vec::new();
    for seen in book.all() {
        let s = &seen.sighting;
        if s.deed == Deed::EnvelopeOpened && s.outcome == Outcome::Done {
            all.push(Dossier {
                opened: Arc::clone(seen),
                deeds: Vec::new(),
                patients: Vec::new(),
                reviewed: None,
            });
        } else if s.method == Method::Envelope
            && let Some(dossier) = all.iter_mut().rev().find(|d| d.opened.sighting.by.user == s.by.user)
        {
            dossier.deeds.push(Arc::clone(seen));
        }
    }
    let reviews = reviews(book);
    for dossier in &mut all {
        dossier.patients = per_patient(&dossier.deeds);
        dossier.reviewed = reviews.get(&dossier.opened.id).cloned();
    }
    all.reverse();
    all
}

/// Reviews by the record they are about: a [`Deed::Reviewed`] names it in its detail.
#[must_use]
pub fn reviews(book: &Book) -> HashMap<[u8; 32], Arc<Seen>> {
    book.all()
        .filter(|seen| seen.sighting.deed == Deed::Reviewed)
        .filter_map(|seen| Some((chart::EntryId::parse(seen.sighting.detail.trim())?.0, Arc::clone(seen))))
        .collect()
}
