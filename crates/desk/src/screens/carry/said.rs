//! What a stick holds and how the last work with one ended, in the reader's words.

use std::sync::PoisonError;

use downtime::carry::{CarryFault, SeenPack, StickName, Taken, Written};

use super::Row;
use crate::carry::{Carry, Job, Stick};
use crate::say;
use crate::visit::Visit;
use crate::words::Words;

/// How the last work ended.
pub(super) struct Ended {
    /// The stick may be unplugged: everything was read back.
    pub unplug: bool,
    /// Something did not go as asked.
    pub failed: bool,
    /// In one sentence.
    pub head: String,
    /// What else there is to say.
    pub lines: Vec<String>,
}

/// 12.4 MB
pub(super) fn size(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..=999 => format!("{bytes} B"),
        1_000..=999_999 => format!("{} kB", tenths(1_000)),
        1_000_000..=999_999_999 => format!("{} MB", tenths(1_000_000)),
        _ => format!("{} GB", tenths(1_000_000_000)),
    }
}

/// What people call a stick.
pub(super) fn stick_name(w: &Words, stick: &StickName) -> String {
    match (stick.label.as_str(), stick.serial.as_str()) {
        ("", "") => w["carry-nameless"].to_owned(),
        ("", serial) => serial.to_owned(),
        (label, "") => label.to_owned(),
        (label, serial) => format!("{label}（{serial}）"),
    }
}

/// A stick with what lies on it.
pub(super) fn row(visit: &Visit, seen: Result<SeenPack, CarryFault>, stick: &Stick) -> Row {
    let w = visit.w();
    let (lies, urgent, takes, sure) = match &seen {
        Ok(seen) => {
            let at = say::moment(w, seen.header.made, visit.state.now);
            let from = seen.from.to_string();
            let key = if seen.own { "carry-lies-own" } else { "carry-lies" };
            let bytes = size(seen.bytes);
            let values = [
                ("code", (&from).into()),
                ("time", (&at).into()),
                ("n", seen.header.records.into()),
                ("size", (&bytes).into()),
            ];
            (w.with(key, &values), false, !seen.own, false)
        }
        Err(CarryFault::Nothing) => (w["carry-lies-nothing"].to_owned(), false, false, false),
        Err(fault) => (
            fault_words(w, fault),
            true,
            false,
            !matches!(fault, CarryFault::NotAFile),
        ),
    };
    Row {
        dir: stick.dir.to_string_lossy().into_owned(),
        name: stick_name(w, &stick.name),
        lies: if stick.read_only {
            format!("{lies}　{}", &w["carry-read-only"])
        } else {
            lies
        },
        urgent,
        takes,
        writes: !stick.read_only,
        sure,
    }
}

/// How the last work ended, until the next begins.
pub(super) fn ended(visit: &Visit, carry: &Carry) -> Option<Ended> {
    let w = visit.w();
    let job = carry.job.lock().unwrap_or_else(PoisonError::into_inner);
    let Job::Over(over) = &*job else { return None };
    let stick = stick_name(w, &over.stick);
    let at = say::moment(w, over.at, visit.state.now);
    let mut lines = Vec::new();
    if let Some(taken) = &over.taken {
        lines.extend(taken_lines(w, taken));
    }
    if let Some(written) = &over.written {
        lines.push(written_line(w, written));
    }
    let head = match &over.fault {
        Some(fault) => fault_words(w, fault),
        None => {
            let key = match (&over.written, &over.taken) {
                (Some(_), _) => "carry-unplug",
                _ => "carry-taken-head",
            };
            w.with(key, &[("stick", (&stick).into()), ("time", (&at).into())])
        }
    };
    Some(Ended {
        unplug: over.fault.is_none(),
        failed: over.fault.is_some(),
        head,
        lines,
    })
}

fn written_line(w: &Words, written: &Written) -> String {
    let key = match (written.header.answers.is_some(), written.header.more) {
        (true, _) => "carry-answered",
        (false, false) => "carry-written",
        (false, true) => "carry-written-more",
    };
    w.with(
        key,
        &[
            ("n", written.header.records.into()),
            ("size", (&size(written.bytes)).into()),
        ],
    )
}

pub(super) fn taken_lines(w: &Words, taken: &Taken) -> Vec<String> {
    let from = taken.from.to_string();
    let mut lines = vec![w.with(
        "carry-taken",
        &[
            ("code", (&from).into()),
            ("n", taken.new.into()),
            ("known", taken.known.into()),
        ],
    )];
    if taken.older {
        lines.push(w["carry-taken-older"].to_owned());
    }
    if taken.refused > 0 {
        lines.push(w.with("carry-taken-refused", &[("n", taken.refused.into())]));
    }
    if taken.retired {
        lines.push(w.with("carry-taken-retired", &[("code", (&from).into())]));
    }
    if !taken.confirmed.is_empty() {
        lines.push(w.with("carry-receipt", &[("code", (&from).into())]));
    }
    match &taken.snapshot {
        Some(Ok(epoch)) => lines.push(w.with("carry-taken-snapshot", &[("epoch", (*epoch).into())])),
        Some(Err(_)) => lines.push(w["carry-taken-no-snapshot"].to_owned()),
        None => {}
    }
    lines
}

/// A refusal in the reader's words.
pub(super) fn fault_words(w: &Words, fault: &CarryFault) -> String {
    let key = match fault {
        CarryFault::NoStick(_) => "carry-fault-gone",
        CarryFault::Nothing => "carry-fault-nothing",
        CarryFault::NotAFile => "carry-fault-not-a-file",
        CarryFault::NotAPack => "carry-fault-not-a-pack",
        CarryFault::Truncated => "carry-fault-truncated",
        CarryFault::Newer => "carry-fault-newer",
        CarryFault::OtherHospital => "carry-fault-other-hospital",
        CarryFault::UnknownStation => "carry-fault-unknown",
        CarryFault::Forged => "carry-fault-forged",
        CarryFault::Damaged(_) => "carry-fault-damaged",
        CarryFault::TooSlow => "carry-fault-slow",
        CarryFault::Stick(_) => "carry-fault-stick",
        CarryFault::Full => "carry-fault-full",
        CarryFault::ReadBack => "carry-fault-read-back",
        CarryFault::Occupied(_) => "carry-fault-occupied",
        CarryFault::NotTakenIn(_) => "carry-fault-not-taken-in",
        CarryFault::NoCode => "carry-fault-no-code",
        CarryFault::CodeMisread(_) => "carry-fault-misread",
        CarryFault::CodesMissing(..) => "carry-fault-missing",
        CarryFault::NotSaved(_) | CarryFault::Roster(_) => "carry-fault-not-saved",
    };
    match fault {
        CarryFault::Stick(why) | CarryFault::NotSaved(why) => w.with(key, &[("why", why.into())]),
        CarryFault::CodeMisread(place) => w.with(key, &[("n", (*place as u64).into())]),
        CarryFault::CodesMissing(n, all) => w.with(key, &[("n", (*n as u64).into()), ("all", (*all as u64).into())]),
        CarryFault::Damaged(piece) => w.with(key, &[("n", (*piece as u64).into())]),
        CarryFault::Occupied(within) => {
            let why = fault_words(w, within);
            w.with(key, &[("why", (&why).into())])
        }
        CarryFault::NotTakenIn(code) => w.with(key, &[("code", (&code.to_string()).into())]),
        CarryFault::Roster(why) => w.with(key, &[("why", (&why.to_string()).into())]),
        _ => w[key].to_owned(),
    }
}
