//! Segments of HL7 v2.5 as Japan uses them (JAHIS, SS-MIX2), written from the facts of the hospital. SS-MIX2 and the stream share them.
//!
//! It knows the fields and the code tables; which messages there are and when they are sent is decided by the two shapes.

mod codes;
mod medicine;
mod orders;
mod people;
mod results;

use crate::catalogue::{Department, Doctor};
use crate::hospital::Hospital;
use jiff::civil::{Date, DateTime};

pub(crate) use codes::{exam_kind, jlac10, merit9, note_words, route, usage};

pub(crate) use medicine::Ordered;
pub(crate) use people::Place;

/// Number of the hospital: prefecture 48, which none has, and digits of nobody.
pub(crate) const FACILITY: &str = "4810009999";
/// Its name.
pub(crate) const FACILITY_NAME: &str = "灯里市立病院";

/// Where the segments go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// A storage: what SS-MIX2 leaves unused stays empty.
    Storage,
    /// A stream: fields that JAHIS uses between systems as well.
    Stream,
}

/// Writes segments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct V2<'h> {
    pub(crate) hospital: &'h Hospital,
    pub(crate) way: Use,
}

/// Text with the characters that have a meaning escaped; line breaks as `\.br\`.
pub(crate) fn esc(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' => out.push_str("\\F\\"),
            '^' => out.push_str("\\S\\"),
            '&' => out.push_str("\\T\\"),
            '~' => out.push_str("\\R\\"),
            '\\' => out.push_str("\\E\\"),
            '\n' => out.push_str("\\.br\\"),
            other => out.push(other),
        }
    }
    out
}

/// A segment from its name and its fields by number, in rising order; empty fields may be given.
pub(crate) fn segment(name: &str, fields: &[(usize, &str)]) -> String {
    let mut out = name.to_owned();
    let mut at = 0;
    for (number, text) in fields {
        if text.is_empty() {
            continue;
        }
        while at < *number {
            out.push('|');
            at += 1;
        }
        out.push_str(text);
    }
    out.push('\r');
    out
}

/// `code^text^system`, escaped.
pub(crate) fn coded(code: &str, text: &str, system: &str) -> String {
    if code.is_empty() && text.is_empty() {
        return String::new();
    }
    format!("{}^{}^{system}", esc(code), esc(text))
}

/// `20261120`
pub(crate) fn day(day: Date) -> String {
    crate::calendar::compact(day)
}

/// `202611200930`
pub(crate) fn minute(at: DateTime) -> String {
    format!("{}{:02}{:02}", day(at.date()), at.hour(), at.minute())
}

/// `20261120093015`
pub(crate) fn second(at: DateTime) -> String {
    format!("{}{:02}", minute(at), at.second())
}

/// `20261120093015.120`
pub(crate) fn milli(at: DateTime) -> String {
    format!("{}.{:03}", second(at), at.millisecond())
}

/// The header of a message.
#[derive(Debug, Clone)]
pub(crate) struct Head<'a> {
    /// Sending application.
    pub(crate) from: &'a str,
    /// When.
    pub(crate) at: DateTime,
    /// `ADT^A08^ADT_A01`
    pub(crate) kind: &'a str,
    /// Its number.
    pub(crate) control: &'a str,
    /// UTF-8 instead of ISO-2022-JP.
    pub(crate) unicode: bool,
}

impl<'h> V2<'h> {
    pub(crate) fn department(&self, place: usize) -> Option<&'h Department> {
        self.hospital.catalogue.departments.get(place)
    }

    pub(crate) fn department_code(&self, place: usize) -> &'static str {
        self.department(place).map_or("", |d| d.code_a)
    }

    fn doctor(&self, place: usize) -> Option<&'h Doctor> {
        self.hospital.catalogue.doctors.get(place)
    }

    /// MSH.
    pub(crate) fn msh(&self, head: &Head<'_>) -> String {
        let (set, handling) = if head.unicode {
            ("UNICODE UTF-8", "")
        } else {
            ("~ISO IR87", "ISO 2022-1994")
        };
        let (to, profile) = match self.way {
            Use::Storage => ("GW|RCV", "|SS-MIX2_1.20^SS-MIX2^1.2.392.200250.2.1.100.1.2.120^ISO"),
            Use::Stream => ("TOMOSHIBI|AKARI", ""),
        };
        format!(
            "MSH|^~\\&|{}|AKARI|{to}|{}||{}|{}|P|2.5||||||{set}||{handling}{profile}\r",
            head.from,
            milli(head.at),
            head.kind,
            head.control
        )
    }

    /// EVN: written at, planned for, happened at.
    pub(crate) fn evn(&self, at: DateTime, planned: Option<DateTime>, happened: Option<DateTime>) -> String {
        let text = |at: Option<DateTime>| at.map(second).unwrap_or_default();
        let (planned, happened) = (text(planned), text(happened));
        segment("EVN", &[(2, &second(at)), (3, &planned), (5, "SYS01"), (6, &happened)])
    }

    /// A doctor as XCN.
    pub(crate) fn xcn(&self, place: usize) -> String {
        self.doctor(place).map_or(String::new(), |d| {
            format!("{}^{}^{}^^^^^^^L^^^^^I", d.code, esc(d.family), esc(d.given))
        })
    }

    /// A department as CWE.
    pub(crate) fn department_cwe(&self, place: usize) -> String {
        self.department(place)
            .map_or(String::new(), |d| coded(d.code_a, d.name, "HL70069"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_at_their_numbers() {
        assert_eq!(
            segment("PV1", &[(1, "1"), (3, "a^b"), (4, ""), (7, "x")]),
            "PV1|1||a^b||||x\r"
        );
    }

    #[test]
    fn what_has_a_meaning_is_escaped() {
        assert_eq!(esc("10^3|a&b~c\\\n"), "10\\S\\3\\F\\a\\T\\b\\R\\c\\E\\\\.br\\");
    }
}
