//! What S90 shows of a job and of a printer, in words with a shape.
//!
//! Who a sheet is about is shown only while patient screens are open; in normal times its number is enough to clear the queue.

use super::{Health, People, Shown, State, Subject, Trouble, Visit, Who, Words, say};
use downtime::printing::{Condition, Over, Overview, Printer};

/// One job.
pub struct Line {
    pub id: String,
    pub mark: &'static str,
    pub state: String,
    pub say: Option<String>,
    pub form: String,
    pub who: String,
    pub pages: String,
    pub printer: String,
    pub since: String,
    pub by: String,
    /// Printers it can be sent to; empty while it is with one.
    pub others: Vec<(String, bool)>,
    /// Nothing can be done while it is being handed over.
    pub may_cancel: bool,
    pub urgent: bool,
}

/// One job that is over.
pub struct OverLine {
    pub mark: &'static str,
    pub state: String,
    pub form: String,
    pub pages: String,
    pub printer: String,
    pub at: String,
}

/// One printer.
pub struct PrinterLine {
    pub name: String,
    pub place: String,
    pub paper: String,
    pub mark: &'static str,
    pub state: String,
    pub needs: Vec<String>,
}

fn word(w: &Words, key: &str) -> String {
    w.get(key).unwrap_or(key).to_owned()
}

pub fn line(visit: &Visit, shown: &Shown, all: &Overview) -> Line {
    let w = visit.w();
    let job = &shown.job;
    let condition = all
        .printers
        .iter()
        .find(|(printer, _)| printer.name == shown.state.printer())
        .map(|(_, condition)| condition);
    let (mark, key) = match &shown.state {
        State::Waiting(_) => ("○", "waiting"),
        State::Sending(_) => ("◇", "sending"),
        State::Printing(..) => ("◇", "printing"),
        State::Stopped(..) => ("■", "stopped"),
        State::Unsure(_) => ("■", "unsure"),
    };
    let say = match (&shown.state, shown.trouble) {
        (State::Stopped(_, why), _) => Some(word(w, &format!("printing-stop-{}", why.word()))),
        (State::Unsure(_), _) => Some(word(w, "printing-unsure-say")),
        (State::Printing(..), _) if shown.withdrawing => Some(word(w, "printing-withdrawing")),
        (_, Some(Trouble::Silent)) => Some(word(w, "printing-silent")),
        (_, Some(Trouble::PrinterStopped)) => Some(needs(w, condition)),
        (_, Some(Trouble::Busy)) => Some(word(w, "printing-busy")),
        (_, Some(Trouble::Disk)) => Some(word(w, "printing-disk-waits")),
        (State::Printing(..), None) => match condition.map(|c| c.health) {
            Some(Health::Stopped) => Some(needs(w, condition)),
            Some(Health::Silent) => Some(word(w, "printing-silent")),
            _ => None,
        },
        (State::Waiting(_) | State::Sending(_), None) => None,
    };
    let with_printer = matches!(shown.state, State::Sending(_) | State::Printing(..));
    let fitting = all
        .printers
        .iter()
        .filter(|(printer, _)| printer.trays.keys().any(|paper| paper.word() == job.paper));
    let others = fitting.map(|(printer, _)| (printer.name.clone(), printer.name == shown.state.printer()));
    Line {
        id: shown.id.hex(),
        mark,
        state: word(w, &format!("printing-state-{key}")),
        urgent: mark == "■" || say.is_some(),
        say,
        form: form(w, &job.form, &job.number),
        who: about(visit, &job.subject),
        pages: pages(w, job.pages),
        printer: shown.state.printer().to_owned(),
        since: say::moment(w, shown.since, visit.state.now),
        by: job.by.name.clone(),
        others: if with_printer { Vec::new() } else { others.collect() },
        may_cancel: !matches!(shown.state, State::Sending(_)) && !shown.withdrawing,
    }
}

pub fn over(visit: &Visit, over: &Over) -> OverLine {
    let w = visit.w();
    let (mark, key) = if over.printed {
        ("●", "printing-state-done")
    } else {
        ("－", "printing-state-cancelled")
    };
    OverLine {
        mark,
        state: word(w, key),
        form: form(w, &over.job.form, &over.job.number),
        pages: pages(w, over.job.pages),
        printer: over.printer.clone(),
        at: say::moment(w, over.at, visit.state.now),
    }
}

pub fn printer(w: &Words, printer: &Printer, condition: &Condition) -> PrinterLine {
    let (mark, key) = match condition.health {
        Health::Ready => ("○", "ready"),
        Health::Busy => ("◇", "busy"),
        Health::Stopped => ("■", "stopped"),
        Health::Silent => ("■", "silent"),
        Health::Refuses => ("■", "refuses"),
        Health::Unknown => ("？", "unknown"),
    };
    let paper: Vec<&str> = printer.trays.keys().map(|paper| paper.word()).collect();
    PrinterLine {
        name: printer.name.clone(),
        place: printer.place.clone(),
        paper: paper.join("・"),
        mark,
        state: word(w, &format!("printer-{key}")),
        needs: condition
            .needs
            .iter()
            .map(|need| word(w, &format!("printer-need-{}", need.word())))
            .collect(),
    }
}

/// What a person must do at a printer that has stopped.
fn needs(w: &Words, condition: Option<&Condition>) -> String {
    let needs: Vec<String> = condition
        .into_iter()
        .flat_map(|condition| &condition.needs)
        .map(|need| word(w, &format!("printer-need-{}", need.word())))
        .collect();
    if needs.is_empty() {
        word(w, "printer-need-other")
    } else {
        needs.join("　")
    }
}

fn form(w: &Words, code: &str, number: &str) -> String {
    let key = format!("form-name-{}", code.to_lowercase());
    format!("{}（{code}）{number}", w.get(&key).unwrap_or_default())
}

fn pages(w: &Words, pages: u32) -> String {
    w.with("printing-pages", &[("n", u64::from(pages).into())])
}

fn about(visit: &Visit, subject: &Subject) -> String {
    let w = visit.w();
    if *subject == Subject::Hospital {
        return word(w, "printing-no-patient");
    }
    let Some(signed) = visit.signed.as_ref().filter(|_| visit.state.mode.is_open()) else {
        return word(w, "printing-patient-closed");
    };
    let (index, day) = (signed.session.index(), signed.session.day());
    let who = Who::of(visit, &index, &day, subject);
    let said = who.and_then(|who| People::new(visit, &index, &day).identified(&who));
    said.unwrap_or_else(|| subject.number().to_owned())
}
