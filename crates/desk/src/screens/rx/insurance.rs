//! Which insurance a prescription prints: the only one that holds, unless the physician says another or none.
//!
//! What is over or cannot be right is shown and cannot be chosen. A choice is told by what it says and not by its place: when a newer
//! snapshot comes between page and button, nobody else's place is taken. Nothing is looked up.

use chart::coverage::{self, Coverage};
use chart::rx::Insurance;
use chart::{DataKind, Known, Moment};
use downtime::view::View;
use jiff::civil::Date;

use crate::visit::Visit;
use crate::{panels, say};

/// The part of the page about insurance.
pub(super) struct Choice {
    /// Value, words, chosen.
    pub options: Vec<(String, String, bool)>,
    /// Nothing is chosen on purpose.
    pub none: bool,
    /// What is known and cannot be printed, and why.
    pub others: Vec<String>,
    /// Why there is nothing at all.
    pub absent: Option<String>,
    /// Several hold: somebody has to choose.
    pub several: bool,
    /// Whether reception saw a card.
    pub seen: bool,
    /// データ時点
    pub as_of: String,
}

const NOTHING: &Known<Vec<Coverage>> = &Known::NotRecorded;

fn known(view: &View) -> &Known<Vec<Coverage>> {
    view.chart.as_ref().map_or(NOTHING, |chart| &chart.insurances)
}

/// The insurances that may be printed on a day, each with its place in the record.
fn printable(view: &View, on: Date) -> Vec<(usize, &Coverage, Insurance)> {
    let as_of = view
        .chart
        .as_ref()
        .map_or_else(Moment::default, |chart| chart.as_of.of(DataKind::Insurance));
    let list = known(view).items().iter().enumerate();
    list.filter_map(|(at, c)| c.printed(on, as_of).map(|printed| (at, c, printed)))
        .collect()
}

/// What says which insurance is meant.
fn value(printed: &Insurance) -> String {
    let payers = printed
        .payers
        .iter()
        .flat_map(|p| [p.payer.as_str(), p.recipient.as_str()]);
    let own = [&printed.insurer, &printed.symbol, &printed.number, &printed.branch].map(String::as_str);
    own.into_iter().chain(payers).collect::<Vec<_>>().join("/")
}

/// The choice as the page shows it. `typed` is what was sent, `None` on a fresh page.
pub(super) fn choice(visit: &Visit, view: &View, typed: Option<&str>) -> Choice {
    let w = visit.w();
    let on = visit.state.now.day();
    let known = known(view);
    let list = printable(view, on);
    let chosen = coverage::preselected(known, on);
    let options: Vec<(String, String, bool)> = list
        .iter()
        .map(|(at, coverage, printed)| {
            let value = value(printed);
            let mut words = vec![say::insurance(w, coverage, on)];
            let holder = [&printed.symbol, &printed.number, &printed.branch];
            let holder: Vec<&str> = holder
                .into_iter()
                .map(String::as_str)
                .filter(|t| !t.is_empty())
                .collect();
            words.push(holder.join("・"));
            words.extend(
                printed
                    .payers
                    .iter()
                    .map(|p| w.with("rx-insurance-public", &[("payer", (&p.payer).into())])),
            );
            words.retain(|word| !word.is_empty());
            let is_chosen = typed.map_or(chosen == Some(*at), |typed| typed == value);
            (value, words.join("　"), is_chosen)
        })
        .collect();
    let others = known.items().iter().enumerate();
    Choice {
        none: !options.iter().any(|(_, _, chosen)| *chosen),
        several: list.len() > 1,
        others: others
            .filter(|(at, _)| !list.iter().any(|(there, _, _)| there == at))
            .map(|(_, coverage)| say::insurance(w, coverage, on))
            .filter(|words| !words.is_empty())
            .collect(),
        absent: say::absence(w, known, visit.state.now),
        seen: view.receptions.iter().any(|(_, check_in)| check_in.insurance_seen),
        as_of: panels::as_of(visit, view, DataKind::Insurance),
        options,
    }
}

/// The insurance that was chosen; the sentence to say when it is no longer there.
pub(super) fn chosen(visit: &Visit, view: &View, typed: &str) -> Result<Insurance, String> {
    if typed.is_empty() {
        return Ok(Insurance::default());
    }
    let list = printable(view, visit.state.now.day());
    let found = list.into_iter().map(|(_, _, printed)| printed);
    let mut found = found.filter(|printed| value(printed) == typed);
    found.next().ok_or_else(|| visit.w()["rx-insurance-changed"].to_owned())
}
