//! The facts behind S70 and the home screen, taken once per request, and their sentences in the reader's language.
//!
//! What the facts mean is decided in `downtime::readiness`; here nothing is judged.

use std::collections::HashSet;

use downtime::extract::Have;
use downtime::identity::verb;
use downtime::printing::Health;
use downtime::readiness::{Facts, Packs, PrinterState, Said, Value as Says};
use downtime::stations::{Lies, Station};
use jiff::ToSpan;
use jiff::civil::Date;

use crate::say;
use crate::visit::Visit;
use crate::words::{Value, Words};

/// What the snapshot in use is, as far as extracts care.
pub fn have(station: &Station) -> Option<Have> {
    let current = station.shelf().current()?;
    Some(Have {
        day: current.stat().day?,
        sealed: current.state().sealed_at,
    })
}

/// Everything the checks look at.
#[must_use]
pub fn facts(visit: &Visit) -> Facts {
    let state = &visit.state;
    let station = visit.site.station();
    let (runs, have) = (station.runs(), have(station));
    let current = station.shelf().current();
    let listed_until = current.and_then(|shelved| {
        let stat = shelved.stat();
        stat.day?.checked_add(i64::from(stat.thin_days).days()).ok()
    });
    let printers = visit.site.desk.printers.as_ref();
    Facts {
        now: state.now,
        snapshot: state.snapshot.clone(),
        listed_until,
        tomorrow: tomorrow(visit),
        timetable: runs.timetable(),
        running: runs.running(),
        last: runs.last(),
        late: runs.late(state.now, have),
        next: runs.next(state.now, have),
        hub: station.hub_watch(),
        unsent: state.unsent,
        stations: station.stations_seen(),
        printers: printers.map(|queue| {
            let all = queue.overview().printers;
            all.into_iter()
                .map(|(printer, condition)| (printer.name, printer_state(condition.health)))
                .collect()
        }),
        packs: packs(visit),
        stuck: printers.map_or(0, |queue| queue.stuck() as u64),
        envelopes: envelopes(station),
        time: state.time,
        not_saving: state.not_saving.clone(),
        damage: station.damage() as u64,
        no_audit: state.no_audit,
        audit_alarms: station.audit_alarms() as u64,
        witnessed: station.audit_state().witnessed.map(|(_, at)| at),
        disk: station.disk(),
        backups: visit.site.desk.backups.as_ref().and_then(|backups| backups()),
        judgement: state.judgement.clone(),
        probes: station.probes().len() as u64,
        lines: station.lines(),
    }
}

/// The packs of the snapshot in use. Without any and without a maker there is nothing to check here.
fn packs(visit: &Visit) -> Option<Packs> {
    let packs = visit.site.desk.packs.as_ref()?;
    let epoch = visit.state.snapshot.as_ref()?.epoch;
    let made = packs.store.made(epoch);
    if made.is_none() && packs.remake.is_none() {
        return None;
    }
    let mut facts = Packs {
        making: made.is_none() && packs.is_busy(),
        ..Packs::default()
    };
    if let Some(made) = &made {
        facts.made = Some(chart::Moment(made.ended));
        facts.packs = made.packs as u64;
        facts.pages = u64::from(made.pages);
        facts.failed = made.failed.len() as u64;
        facts.spoiled = u64::from(made.spoiled);
    }
    let all = packs.store.packs().unwrap_or_default();
    for id in all.get(&epoch).into_iter().flatten() {
        let Ok(released) = packs.store.released(epoch, id) else {
            continue;
        };
        facts.out += u64::from(!released.is_none());
        facts.last_out = facts
            .last_out
            .max(released.last.map(|release| chart::Moment(release.at)));
    }
    Some(facts)
}

const fn printer_state(health: Health) -> PrinterState {
    match health {
        Health::Ready | Health::Busy => PrinterState::Ready,
        Health::Stopped | Health::Refuses => PrinterState::Waits,
        Health::Silent => PrinterState::Silent,
        Health::Unknown => PrinterState::Unknown,
    }
}

fn envelopes(station: &Station) -> [u64; 3] {
    let mut counts = [0; 3];
    for envelope in station.envelopes_in_stock() {
        let place = match envelope.lies {
            Lies::Sealed => 0,
            Lies::Open { .. } => 1,
            Lies::Used { .. } => 2,
        };
        if let Some(count) = counts.get_mut(place) {
            *count += 1;
        }
    }
    counts
}

/// People booked for tomorrow, where this person's keys open the list.
fn tomorrow(visit: &Visit) -> Option<u64> {
    let signed = visit.signed.as_ref()?;
    if signed.role().verbs() & verb::LIST == 0 {
        return None;
    }
    let day = visit.state.now.day().tomorrow().ok()?;
    Some(booked_on(visit, day)? as u64)
}

/// How many people the snapshot has booked for a day.
pub fn booked_on(visit: &Visit, day: Date) -> Option<usize> {
    let index = visit.signed.as_ref()?.session.index();
    let people: HashSet<u32> = index.slots_on(day).iter().map(|slot| slot.row).collect();
    Some(people.len())
}

/// A sentence in the reader's language.
#[must_use]
pub fn said(w: &Words, said: &Said, now: chart::Moment) -> String {
    let texts: Vec<(&str, Option<String>, u64)> = said
        .values
        .iter()
        .map(|(name, value)| match value {
            Says::Count(n) => (*name, None, *n),
            Says::At(at) => (*name, Some(say::moment(w, *at, now)), 0),
            Says::Day(day) => (*name, Some(say::day(w, *day)), 0),
            Says::Minutes(minutes) => (*name, Some(say::span(w, *minutes)), 0),
            Says::Text(text) => (*name, Some(text.clone()), 0),
        })
        .collect();
    let values: Vec<(&str, Value<'_>)> = texts
        .iter()
        .map(|(name, text, n)| match text {
            Some(text) => (*name, Value::Text(text)),
            None => (*name, Value::Count(*n)),
        })
        .collect();
    w.with(said.key, &values)
}

/// いま止まったら：外来 612人、入院 241人を表示できます。データは 08:45 時点です。
#[must_use]
pub fn sentence(visit: &Visit) -> String {
    let w = visit.w();
    let Some(snapshot) = &visit.state.snapshot else {
        return w["home-nothing"].to_owned();
    };
    let at = say::moment(w, snapshot.as_of.oldest(), visit.state.now);
    let (out, inside) = downtime::readiness::people(snapshot);
    let values = [("n", out.into()), ("in", inside.into()), ("time", (&at).into())];
    let key = match (visit.state.mode.is_open(), inside) {
        (false, 0) => "home-ready",
        (false, _) => "home-ready-wards",
        (true, 0) => "home-open",
        (true, _) => "home-open-wards",
    };
    w.with(key, &values)
}

/// What the probes say, and whether somebody must be told.
#[must_use]
pub fn watching(visit: &Visit) -> Option<String> {
    let judged = &visit.state.judgement;
    let w = visit.w();
    judged
        .cause
        .is_trouble()
        .then(|| said(w, &downtime::readiness::said(judged), visit.state.now))
}

/// ★ the extract is late, in words.
#[must_use]
pub fn late(visit: &Visit) -> Option<String> {
    use downtime::extract::Late;
    let station = visit.site.station();
    let now = visit.state.now;
    let w = visit.w();
    Some(match station.runs().late(now, have(station))? {
        Late::Missing { day, since } => {
            let (day, since) = (say::day(w, day), say::moment(w, since, now));
            w.with(
                "ready-data-missing",
                &[("day", (&day).into()), ("time", (&since).into())],
            )
        }
        Late::Stale { minutes } => {
            let span = say::span(w, minutes);
            w.with("ready-data-stale", &[("span", (&span).into())])
        }
    })
}
