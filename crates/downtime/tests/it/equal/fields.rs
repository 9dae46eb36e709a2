//! Every field of `carries.toml` and where it stands in a chart: one table, from the field's path to its lines.
//!
//! A line has a key (of what it is said: an order, a drug of a prescription) and a value. Reading a chart into lines forgives nothing;
//! what may differ between two ways of reading a hospital is in `readings`.

use chart::{Chart, Coded, Known};
use downtime::sources::Extract;
use jiff::civil::{Date, Time};

use super::hospital::Words;

mod booked;
mod clinical;
mod person;
mod ward;

pub use person::LABELS;
pub use ward::PLANS;

/// One thing that is said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// Of what.
    pub key: String,
    /// What.
    pub value: String,
}

/// Where a field stands.
#[derive(Clone, Copy)]
pub enum From {
    /// In every chart.
    Everybody(fn(&Chart) -> Vec<Line>),
    /// In charts in full; who only has an appointment in the coming days has no more than that.
    Whole(fn(&Chart) -> Vec<Line>),
    /// In charts in full, where one text of the chart holds two fields of the hospital.
    Words(fn(&Chart, &Words) -> Vec<Line>),
    /// Said of the hospital.
    Hospital(fn(&Extract) -> Vec<Line>),
}

/// One field.
pub type Field = (&'static str, From);

/// All of them.
pub fn all() -> Vec<Field> {
    [person::FIELDS, booked::FIELDS, clinical::FIELDS, ward::FIELDS].concat()
}

/// The key of what says in which of the four states a list is.
pub const STATE: &str = "(state)";

/// A value; nothing where it is empty.
fn one(key: impl Into<String>, value: impl Into<String>) -> Vec<Line> {
    line(key, value).into_iter().collect()
}

fn line(key: impl Into<String>, value: impl Into<String>) -> Option<Line> {
    let (key, value) = (key.into(), value.into());
    (!value.trim().is_empty()).then_some(Line { key, value })
}

/// The state of a list that is not there.
fn state<T>(known: &Known<T>) -> Option<Line> {
    match known {
        Known::Present(_) => None,
        other => line(STATE, other.state()),
    }
}

/// A list with its state.
fn items<T>(known: &Known<Vec<T>>, show: impl Fn(&T) -> Option<Line>) -> Vec<Line> {
    state(known)
        .into_iter()
        .chain(known.items().iter().filter_map(show))
        .collect()
}

/// What is said of the items of a list; its state is another field's.
fn of<T>(known: &Known<Vec<T>>, show: impl Fn(&T) -> Option<Line>) -> Vec<Line> {
    known.items().iter().filter_map(show).collect()
}

/// A text in one of the four states.
fn text(known: &Known<String>) -> Vec<Line> {
    match known {
        Known::Present(text) => one("", text.clone()),
        other => state(other).into_iter().collect(),
    }
}

fn coded(coded: &Coded) -> String {
    format!("{} {}", coded.code, coded.name).trim().to_owned()
}

fn day(on: Option<Date>) -> String {
    on.map(chart::date::iso).unwrap_or_default()
}

fn time(at: Option<Time>) -> String {
    at.map(|at| format!("{:02}:{:02}", at.hour(), at.minute()))
        .unwrap_or_default()
}

fn moment(on: Option<Date>, at: Option<Time>) -> String {
    format!("{} {}", day(on), time(at)).trim().to_owned()
}

/// A number that may be there.
fn shown<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
