//! Fields of a message to the chart's words: codes with their names, people, places, moments, amounts.
//!
//! Liberal with what is written one component too early or too late (JAHIS hl7v2 samples do), strict with what decides: a date that
//! cannot be read whole is said and left out, never completed.

use chart::id::half_width_text;
use chart::{Coded, Moment, Severity};
use hl7::{Component, Field, Repetition};
use jiff::civil::{Date, Time};

use crate::sources::gather::names;

/// Most characters of a name, code or short text.
pub const MAX_SHORT: usize = 300;
/// Most characters of a comment.
pub const MAX_MEDIUM: usize = 2_000;
/// Most characters of a document's text.
pub const MAX_LONG: usize = 40_000;
/// Most remarks kept of one statement.
const MAX_REMARKS: usize = 12;

/// Something noticed while a statement was read; it becomes a Finding where the statement counts in the end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remark {
    /// The Finding's code.
    pub code: &'static str,
    /// How much care it needs.
    pub severity: Severity,
    /// Segment and field: `RXE-3`.
    pub field: &'static str,
    /// What happened and what was done.
    pub message: String,
}

/// Remarks of one statement.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remarks(pub Vec<Remark>);

impl Remarks {
    /// Takes one; the same thing twice is once.
    pub fn add(&mut self, code: &'static str, severity: Severity, field: &'static str, message: impl Into<String>) {
        let remark = Remark {
            code,
            severity,
            field,
            message: message.into(),
        };
        if self.0.len() < MAX_REMARKS && !self.0.contains(&remark) {
            self.0.push(remark);
        }
    }
}

/// Text of any level, trimmed; `""` and blanks are empty; cut at a bound with a sign that it was.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{3000}');
    if text == "\"\"" {
        return String::new();
    }
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…（以下省略）", text.get(..at).unwrap_or("")),
        None => text.to_owned(),
    }
}

/// A short text of a component.
#[must_use]
pub fn short(component: Component<'_>) -> String {
    cut(&component.text(), MAX_SHORT)
}

/// A coded value with its two triples.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cwe {
    /// Component 1, 2, 3.
    pub first: Triple,
    /// Component 4, 5, 6.
    pub second: Triple,
}

/// Code, text and coding system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Triple {
    /// The code.
    pub code: String,
    /// Its text.
    pub text: String,
    /// Whose code it is.
    pub system: String,
}

impl Triple {
    /// True for a hospital's own code (99 and three characters, HL7 table 0396), or a code without a system.
    fn is_local(&self) -> bool {
        (self.system.starts_with("99") || self.system == "L") && !(self.code.is_empty() && self.text.is_empty())
    }
}

impl Cwe {
    /// From the components of a repetition.
    #[must_use]
    pub fn of(repetition: Repetition<'_>) -> Self {
        let mut parts = repetition.components();
        let mut next = || parts.next().map(short).unwrap_or_default();
        Self::from_parts(&mut next)
    }

    /// From the sub-components of a component, as inside CQ and RPT.
    #[must_use]
    pub fn of_subs(component: Component<'_>) -> Self {
        let mut parts = component.subs();
        let mut next = || parts.next().map(|sub| cut(&sub.text(), MAX_SHORT)).unwrap_or_default();
        Self::from_parts(&mut next)
    }

    fn from_parts(next: &mut dyn FnMut() -> String) -> Self {
        let mut triple = || Triple {
            code: next(),
            text: next(),
            system: next(),
        };
        Self {
            first: triple(),
            second: triple(),
        }
    }

    /// The hospital's own code and name where it gives one, for staff know it; else the standard's.
    #[must_use]
    pub fn coded(&self) -> Coded {
        let nothing = self.first.code.is_empty() && self.first.text.is_empty();
        let second = nothing || (self.second.is_local() && !self.first.is_local());
        let (own, other) = if second {
            (&self.second, &self.first)
        } else {
            (&self.first, &self.second)
        };
        let name = if own.text.is_empty() { &other.text } else { &own.text };
        let code = if own.code.is_empty() { &other.code } else { &own.code };
        Coded::new(code.clone(), name.clone())
    }

    /// What a person reads: the name, or the code where there is none.
    #[must_use]
    pub fn words(&self) -> String {
        self.coded().label().to_owned()
    }
}

/// A coded field: its first repetition.
#[must_use]
pub fn coded(field: Field<'_>) -> Coded {
    Cwe::of(field.first()).coded()
}

/// A person (XCN): number and name; the whole name may stand in the family name. Kanji (I) before kana (P).
#[must_use]
pub fn person(field: Field<'_>) -> Coded {
    let mut found = Coded::default();
    for repetition in field.repetitions() {
        let code = short(repetition.component(1));
        let name = names::joined(&short(repetition.component(2)), &short(repetition.component(3)));
        let kana = short(repetition.component(15)) == "P";
        if found.code.is_empty() {
            found.code = code;
        }
        if found.name.is_empty() && !kana {
            found.name = names::written(&name);
        }
    }
    found
}

/// A place (PL).
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Ward, or department where outpatients are meant.
    pub point: String,
    /// Room.
    pub room: String,
    /// Bed.
    pub bed: String,
    /// N ward, C department and others; in component 5 or 6.
    pub kind: String,
}

/// Reads a place. `32^302^^^^N` is read like `32^302^1^^^N`.
#[must_use]
pub fn place(field: Field<'_>) -> Place {
    let first = field.first();
    let kind = [6, 5]
        .into_iter()
        .map(|at| short(first.component(at)))
        .find(|kind| !kind.is_empty())
        .unwrap_or_default();
    Place {
        point: short(first.component(1)),
        room: short(first.component(2)),
        bed: short(first.component(3)),
        kind,
    }
}

/// A day, perhaps with a time: what a TS says, no more precise than it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct When {
    /// The day.
    pub on: Date,
    /// The time, to the minute at least.
    pub at: Option<Time>,
}

impl When {
    /// Reads `YYYYMMDD[HH[MM[SS[.S…]]]]`, with or without a zone behind it. A year or a month alone is no day: `None`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let folded = half_width_text(text.trim());
        let plain = folded.split(['+', '.']).next().unwrap_or("").trim();
        let digits: String = plain
            .chars()
            .filter(|c| !matches!(c, '-' | '/' | ':' | ' ' | 'T'))
            .collect();
        if digits.len() < 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let number = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<i16>().ok());
        let small = |from: usize, to: usize| number(from, to).and_then(|n| i8::try_from(n).ok());
        let on = Date::new(number(0, 4)?, small(4, 6)?, small(6, 8)?).ok()?;
        let at = small(8, 10).and_then(|hour| {
            let minute = small(10, 12)?;
            Time::new(hour, minute, small(12, 14).unwrap_or(0), 0).ok()
        });
        Some(Self { on, at })
    }

    /// From the first component of a field.
    #[must_use]
    pub fn of(field: Field<'_>) -> Option<Self> {
        Self::read(&field.component(1).text())
    }

    /// Seconds on the clock of the wall; a day without a time begins at midnight.
    #[must_use]
    pub fn moment(self) -> Moment {
        Moment::from_local(self.on.to_datetime(self.at.unwrap_or(Time::midnight())))
    }

    /// `11-20 08:05`, or the day alone.
    #[must_use]
    pub fn text(self) -> String {
        let day = format!("{:02}-{:02}", self.on.month(), self.on.day());
        match self.at {
            Some(at) => format!("{day} {:02}:{:02}", at.hour(), at.minute()),
            None => day,
        }
    }
}

/// A day that matters and is there but cannot be read is said.
#[must_use]
pub fn day(field: Field<'_>, name: &'static str, remarks: &mut Remarks) -> Option<Date> {
    let text = cut(&field.component(1).text(), MAX_SHORT);
    if text.is_empty() || text.chars().all(|c| c == '0') {
        return None;
    }
    let read = When::read(&text).map(|when| when.on);
    if read.is_none() {
        let partial = text.bytes().all(|b| b.is_ascii_digit()) && text.len() < 8;
        let (code, message) = if partial {
            (
                "date.partial",
                format!("日付「{text}」は年か月までしか分かりません。日は空にしました。"),
            )
        } else {
            (
                "date.unreadable",
                format!("日付「{text}」を読めません。空として扱いました。"),
            )
        };
        remarks.add(code, Severity::Warning, name, message);
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};

    fn field_of<T>(raw: &str, take: impl Fn(Field<'_>) -> T) -> T {
        let text = format!("MSH|^~\\&|A\rZZZ|{raw}\r");
        let message = hl7::Message::parse(&text).unwrap();
        take(message.segment("ZZZ").unwrap().field(1))
    }

    #[test]
    fn moments_are_as_precise_as_they_are_written() {
        let when = |text: &str| When::read(text);
        assert_eq!(when("20261120").unwrap().at, None);
        assert_eq!(when("202611200830").unwrap().at, Some(time(8, 30, 0, 0)));
        assert_eq!(when("20261120093015.1200+0900").unwrap().at, Some(time(9, 30, 15, 0)));
        assert_eq!(when("2026-11-20T09:30:15").unwrap().on, date(2026, 11, 20));
        for partial in ["1935", "199601", "", "20261340", "不明"] {
            assert_eq!(when(partial), None, "{partial}");
        }
    }

    #[test]
    fn the_hospitals_own_name_is_shown_where_it_gives_one() {
        let own = |raw: &str| field_of(raw, coded);
        assert_eq!(own("3H015^カリウム^JC10^0181^Ｋ^99LAB"), Coded::new("0181", "Ｋ"));
        assert_eq!(own("0181^Ｋ^99LAB^3H015^カリウム^JC10"), Coded::new("0181", "Ｋ"));
        assert_eq!(own("01^内科^HL70069 "), Coded::new("01", "内科"));
        assert_eq!(own("\"\""), Coded::default());
    }

    #[test]
    fn people_and_places_in_the_ways_they_are_written() {
        let who = |raw: &str| field_of(raw, person);
        assert_eq!(who("D001^架空^花子^^^^^^^L^^^^^I"), Coded::new("D001", "架空　花子"));
        assert_eq!(who("607^医師一郎^^^"), Coded::new("607", "医師一郎"));
        assert_eq!(
            who("D001^カクウ^ハナコ^^^^^^^L^^^^^P~D001^架空^花子^^^^^^^L^^^^^I"),
            Coded::new("D001", "架空　花子")
        );
        let place = |raw: &str| field_of(raw, place);
        assert_eq!(place("32^302^^^^N").kind, "N");
        assert_eq!(place("01^^^^C").kind, "C");
        assert_eq!(place("05E^512^2^^^N").bed, "2");
    }
}
