//! What S80 asks the log, and what comes back: the form's fields become a question, one pass over the book answers it.
//!
//! Nothing here is worded or shown.

use std::collections::HashSet;
use std::sync::Arc;

use chart::Moment;
use downtime::audit::reports::{self, Bulk, Counted, Dossier, Question};
use downtime::audit::{Book, Deed, Seen};
use serde::Deserialize;

use super::PRESETS;

/// Rows on one page.
pub(super) const PER_PAGE: usize = 100;

/// Most lines of a count on a page; the export has all rows.
pub(super) const MOST_COUNTED: usize = 50;

/// Hours of the day that count as day.
const DAY_HOURS: (i8, i8) = (7, 20);

/// What the page asks for.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(super) struct Wanted {
    /// The button pressed.
    pub(super) preset: String,
    /// The question of the page on which another button was pressed.
    pub(super) was: String,
    pub(super) patient: String,
    pub(super) user: String,
    pub(super) station: String,
    pub(super) deed: String,
    pub(super) from: String,
    pub(super) until: String,
    pub(super) page: String,
    /// All rows, for an export.
    #[serde(skip)]
    pub(super) everything: bool,
}

impl Wanted {
    /// The ready-made question in force.
    pub(super) fn preset(&self) -> &'static str {
        let named = |text: &str| PRESETS.into_iter().find(|preset| *preset == text);
        named(&self.preset).or_else(|| named(&self.was)).unwrap_or("all")
    }

    /// Which page, from 0.
    pub(super) fn page(&self) -> usize {
        self.page.parse().unwrap_or(0)
    }

    /// The same question for a page.
    pub(super) fn one_page(&self) -> Self {
        Self {
            everything: false,
            ..self.clone()
        }
    }

    /// The fields that ask the same again.
    pub(super) fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("preset", self.preset()),
            ("patient", &self.patient),
            ("user", &self.user),
            ("station", &self.station),
            ("deed", &self.deed),
            ("from", &self.from),
            ("until", &self.until),
        ]
    }

    /// For the sighting of the look itself. The patient is its subject.
    pub(super) fn words(&self) -> String {
        let mut words = self.preset().to_owned();
        for (name, value) in [
            ("user", &self.user),
            ("station", &self.station),
            ("deed", &self.deed),
            ("from", &self.from),
            ("until", &self.until),
            ("page", &self.page),
        ] {
            let value: String = value.trim().chars().take(40).collect();
            if !value.is_empty() {
                words.push_str(&format!(" {name}={value}"));
            }
        }
        words
    }

    fn question(&self) -> Question {
        let day = |text: &str| chart::date::parse(text.trim()).ok();
        let start = |day: jiff::civil::Date| Moment::from_local(day.at(0, 0, 0, 0));
        let text = |text: &str| -> String { text.trim().chars().map(chart::id::half_width).take(64).collect() };
        let mut question = Question {
            // Numbers are shown in groups; nobody should have to take the spaces out.
            subject: text(&self.patient).split_whitespace().collect(),
            user: text(&self.user),
            station: text(&self.station),
            deed: Deed::parse(&self.deed),
            from: day(&self.from).map(start),
            until: day(&self.until).and_then(|day| day.tomorrow().ok()).map(start),
            ..Question::default()
        };
        match self.preset() {
            "maintenance" => question.only_maintenance = true,
            "envelopes" => question.only_envelopes = true,
            "night" => question.outside = Some(DAY_HOURS),
            "refused" => question.only_refused = true,
            "printed" => question.deed = question.deed.or(Some(Deed::Printed)),
            _ => {}
        }
        question
    }
}

/// What came back.
#[derive(Default)]
pub(super) struct Answer {
    /// The rows of the page, or all.
    pub(super) lines: Vec<Arc<Seen>>,
    /// How many fit.
    pub(super) total: usize,
    /// How many pages that makes.
    pub(super) pages: usize,
    /// How often each patient (`true`) or each person appears.
    pub(super) counted: Option<(bool, Vec<Counted>)>,
    /// People who opened many charts in a short time.
    pub(super) bulks: Vec<Bulk>,
    /// Uses of sealed envelopes.
    pub(super) dossiers: Vec<Dossier>,
    /// Records among the rows that somebody reviewed.
    pub(super) reviewed: HashSet<[u8; 32]>,
    /// Records that cannot be read here.
    pub(super) unreadable: usize,
}

/// One pass over the log.
pub(super) fn compute(book: &Book, wanted: &Wanted) -> Answer {
    let preset = wanted.preset();
    let question = wanted.question();
    // A question about one patient or person without saying whom would be one about everybody.
    let unsaid = (preset == "patient" && question.subject.is_empty()) || (preset == "user" && question.user.is_empty());
    let mut found = match preset {
        _ if unsaid => Vec::new(),
        // The ministry's order for maintenance: by time, oldest first.
        "maintenance" => reports::in_order(book, &question),
        _ => reports::find(book, &question),
    };
    let bulks = if preset == "bulk" {
        reports::bulk(&found)
    } else {
        Vec::new()
    };
    if preset == "bulk" {
        let users: HashSet<&str> = bulks.iter().map(|bulk| bulk.user.as_str()).collect();
        found.retain(|seen| users.contains(seen.sighting.by.user.as_str()));
    }
    let counted = match preset {
        "patient" | "printed" | "refused" | "night" => Some((false, reports::per_user(&found))),
        "user" | "maintenance" => Some((true, reports::per_patient(&found))),
        _ => None,
    };
    let dossiers = if preset == "envelopes" {
        reports::dossiers(book)
    } else {
        Vec::new()
    };
    let total = found.len();
    let pages = total.div_ceil(PER_PAGE);
    let lines = if wanted.everything {
        found
    } else {
        let from = wanted.page().min(pages.saturating_sub(1)) * PER_PAGE;
        found.into_iter().skip(from).take(PER_PAGE).collect()
    };
    Answer {
        lines,
        total,
        pages,
        counted: counted.filter(|(_, lines)| !lines.is_empty()),
        bulks,
        dossiers,
        reviewed: reports::reviews(book).into_keys().collect(),
        unreadable: book.unreadable(),
    }
}
