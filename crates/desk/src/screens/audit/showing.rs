//! What S80 found, in the reader's words: rows, counts, envelopes, alarms, and how the log stands. Nothing is asked or decided here.

use chart::EntryId;
use downtime::audit::{Deed, FlawKind, Outcome, Seen, Sighting, reports};
use downtime::stations::{AlarmKind, LogState, Raised};

use super::PRESETS;
use super::answer::{Answer, MOST_COUNTED};
use crate::say;
use crate::visit::Visit;
use crate::words::Words;

pub(super) fn deed_word(w: &Words, deed: Deed) -> &str {
    &w[format!("deed-{}", deed.word()).as_str()]
}

pub(super) fn outcome_word(w: &Words, outcome: Outcome) -> &str {
    &w[format!("outcome-{}", outcome.word()).as_str()]
}

pub(super) fn reviewed_words(w: &Words, seen: &Seen, now: chart::Moment) -> String {
    let at = say::moment(w, seen.sighting.at, now);
    let values = [
        ("name", (&seen.sighting.by.name).into()),
        ("time", (&at).into()),
        ("note", (&seen.sighting.reason).into()),
    ];
    w.with("audit-reviewed-by", &values)
}

/// One row.
pub(super) struct Line {
    pub(super) id: String,
    pub(super) at: String,
    pub(super) station: String,
    pub(super) user: String,
    pub(super) name: String,
    pub(super) deed: String,
    pub(super) patient: String,
    pub(super) count: u32,
    pub(super) words: String,
    pub(super) outcome: String,
    pub(super) refused: bool,
    pub(super) reviewed: bool,
}

pub(super) fn line(visit: &Visit, answer: &Answer, seen: &Seen) -> Line {
    let w = visit.w();
    let s = &seen.sighting;
    let detail = detail(w, s);
    let words = [s.reason.as_str(), detail.as_str()];
    let words: Vec<&str> = words.into_iter().filter(|text| !text.is_empty()).collect();
    Line {
        id: EntryId(seen.id).hex(),
        at: s.at.text(),
        station: s.station.to_string(),
        user: s.by.user.clone(),
        name: s.by.name.clone(),
        deed: deed_word(w, s.deed).to_owned(),
        patient: s.subject.shown(),
        count: s.count,
        words: words.join("　").chars().take(60).collect(),
        outcome: outcome_word(w, s.outcome).to_owned(),
        refused: s.outcome != Outcome::Done,
        reviewed: answer.reviewed.contains(&seen.id),
    }
}

/// What a sighting is about in more detail; a question to the log in the reader's words.
pub(super) fn detail(w: &Words, s: &Sighting) -> String {
    let (first, rest) = s.detail.split_once(' ').unwrap_or((&s.detail, ""));
    match PRESETS.into_iter().find(|preset| *preset == first) {
        Some(preset) if s.deed == Deed::AuditRead => {
            let question = &w[&format!("audit-preset-{preset}")];
            format!("{question} {rest}").trim_end().to_owned()
        }
        _ => s.detail.clone(),
    }
}

/// Counts beside the rows: head of the first column, lines.
pub(super) struct Table {
    pub(super) head: String,
    pub(super) lines: Vec<(String, String, usize, usize, String, String)>,
}

pub(super) fn table(visit: &Visit, (by_patient, counted): &(bool, Vec<reports::Counted>)) -> Table {
    let w = visit.w();
    let line = |c: &reports::Counted| {
        (
            c.key.clone(),
            if *by_patient { String::new() } else { c.name.clone() },
            c.times,
            c.patients,
            c.first.text(),
            c.last.text(),
        )
    };
    Table {
        head: w[if *by_patient { "patient-id" } else { "audit-head-who" }].to_owned(),
        lines: counted.iter().take(MOST_COUNTED).map(line).collect(),
    }
}

pub(super) fn bulk_line(visit: &Visit, bulk: &reports::Bulk) -> String {
    let w = visit.w();
    let at = bulk.from.text();
    let values = [
        ("user", (&bulk.user).into()),
        ("name", (&bulk.name).into()),
        ("n", bulk.patients.into()),
        ("time", (&at).into()),
    ];
    w.with("audit-bulk", &values)
}

/// One use of a sealed envelope.
pub(super) struct Envelope {
    pub(super) id: String,
    pub(super) head: String,
    pub(super) reason: String,
    pub(super) lines: Vec<String>,
    pub(super) reviewed: Option<String>,
}

pub(super) fn envelope(visit: &Visit, dossier: &reports::Dossier) -> Envelope {
    let w = visit.w();
    let s = &dossier.opened.sighting;
    let station = s.station.to_string();
    let at = s.at.text();
    let values = [
        ("name", (&s.by.name).into()),
        ("time", (&at).into()),
        ("station", (&station).into()),
        ("n", dossier.patients.len().into()),
        ("deeds", dossier.deeds.len().into()),
    ];
    let patient = |c: &reports::Counted| {
        w.with(
            "audit-envelope-patient",
            &[("id", (&c.name).into()), ("n", c.times.into())],
        )
    };
    Envelope {
        id: EntryId(dossier.opened.id).hex(),
        head: w.with("audit-envelope", &values),
        reason: s.reason.clone(),
        lines: dossier.patients.iter().map(patient).collect(),
        reviewed: dossier
            .reviewed
            .as_ref()
            .map(|seen| reviewed_words(w, seen, visit.state.now)),
    }
}

/// 12,904
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What chain, tree and witnesses say, one sentence each.
pub(super) fn standing(visit: &Visit, state: &LogState, unreadable: usize) -> Vec<(&'static str, String)> {
    let w = visit.w();
    let station = visit.site.station();
    let mark = |good: bool| if good { "○" } else { "■" };
    let mut lines = Vec::new();
    let broken = state.damage + state.flaws.len();
    lines.push((
        mark(broken == 0),
        if broken == 0 {
            w["audit-chain-whole"].to_owned()
        } else {
            w.with("audit-chain-broken", &[("n", broken.into())])
        },
    ));
    for flaw in &state.flaws {
        let of = station.code_of(flaw.chain.0.as_bytes());
        let word = match flaw.kind {
            FlawKind::Gap => "audit-flaw-gap",
            FlawKind::Fork => "audit-flaw-fork",
            FlawKind::Break => "audit-flaw-break",
        };
        lines.push(("■", w.with(word, &[("station", (&of).into()), ("n", flaw.seq.into())])));
    }
    let tree = if state.contradicted == 0 {
        "audit-tree-whole"
    } else {
        "audit-tree-broken"
    };
    let values = [
        ("n", state.proven.into()),
        ("bad", state.contradicted.into()),
        ("ahead", state.ahead.into()),
    ];
    lines.push((mark(state.contradicted == 0), w.with(tree, &values)));
    lines.push(match state.witnessed {
        Some((size, at)) => {
            let at = say::moment(w, at, visit.state.now);
            (
                "○",
                w.with("audit-witnessed", &[("n", size.into()), ("time", (&at).into())]),
            )
        }
        None => ("−", w["audit-not-witnessed"].to_owned()),
    });
    if unreadable > 0 {
        lines.push(("■", w.with("audit-unreadable", &[("n", unreadable.into())])));
    }
    let covers = if visit.state.has_hub {
        "audit-covers-station"
    } else {
        "audit-covers-hub"
    };
    lines.push(("−", w.with(covers, &[("n", state.stations.into())])));
    lines
}

/// An alarm about a log that took something back.
pub(super) struct AlarmLine {
    pub(super) id: String,
    pub(super) words: String,
    pub(super) before: String,
    pub(super) now: String,
    pub(super) settled: Option<String>,
}

pub(super) fn alarms(visit: &Visit, raised: &[Raised]) -> Vec<AlarmLine> {
    let w = visit.w();
    let line = |raised: &Raised| {
        let alarm = &raised.alarm;
        let station = visit.site.station().code_of(&alarm.station);
        let at = say::moment(w, alarm.at, visit.state.now);
        let word = match alarm.kind {
            AlarmKind::Shorter => "audit-alarm-shorter",
            AlarmKind::Forked => "audit-alarm-forked",
            AlarmKind::NotProven => "audit-alarm-not-proven",
            AlarmKind::Vanished => "audit-alarm-vanished",
        };
        let values = [
            ("station", (&station).into()),
            ("time", (&at).into()),
            ("seen", alarm.seen.into()),
            ("shown", alarm.shown.into()),
        ];
        AlarmLine {
            id: EntryId(raised.id).hex(),
            words: w.with(word, &values),
            before: alarm.before.clone(),
            now: alarm.now.clone(),
            settled: raised.settled.as_ref().map(|settled| {
                let at = say::moment(w, settled.at, visit.state.now);
                let values = [
                    ("name", (&settled.by).into()),
                    ("time", (&at).into()),
                    ("note", (&settled.note).into()),
                ];
                w.with("audit-reviewed-by", &values)
            }),
        }
    };
    raised.iter().map(line).collect()
}
