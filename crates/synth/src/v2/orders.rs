//! Examinations ordered and diets: OML, OMG, OMD.

use super::medicine::Ordered;
use super::{Use, V2, coded, day, esc, minute, segment};
use crate::patient::Order;
use jiff::civil::{Date, DateTime};

impl V2<'_> {
    /// One examination: TQ1 and OBR behind its ORC, and between systems what to prepare.
    pub(crate) fn examination(&self, ordered: &Ordered<'_>, order: &Order, on: Date) -> String {
        let Some(exam) = self.hospital.catalogue.exams.get(order.exam) else {
            return String::new();
        };
        let laboratory = super::exam_kind(exam.code_a) == "OML-01";
        let when = order.time.map_or_else(|| day(on), |time| minute(on.to_datetime(time)));
        let mut out = String::new();
        if laboratory {
            out += &segment("SPM", &[(1, "1"), (4, "018^全血^JC10")]);
        }
        out += &self.orc(ordered, "", "SC");
        out += &segment("TQ1", &[(1, "1"), (7, &when), (9, "R^通常^HL70485")]);
        let planned = if laboratory { "" } else { when.as_str() };
        out += &segment(
            "OBR",
            &[
                (1, "1"),
                (2, ordered.number),
                (4, &coded(exam.code_a, exam.name, "99EXM")),
                (13, &esc(order.remark)),
                (16, &self.xcn(ordered.doctor)),
                (36, planned),
            ],
        );
        if self.way == Use::Stream {
            out += &note(1, exam.preparation, "準備");
            out += &note(2, exam.place, "場所");
        }
        out
    }

    /// A diet: ORC, TQ1, ODS.
    pub(crate) fn diet(&self, ordered: &Ordered<'_>, diet: &str, from: DateTime) -> String {
        let mut out = self.orc(ordered, "", "");
        out += &segment("TQ1", &[(1, "1"), (7, &minute(from))]);
        out += &segment("ODS", &[(1, "D"), (3, &coded("", diet, "99DIE"))]);
        out
    }
}

/// NTE with the kind of note.
fn note(number: u32, text: &str, kind: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    segment(
        "NTE",
        &[
            (1, &number.to_string()),
            (2, "P"),
            (3, &esc(text)),
            (4, &coded("", kind, "99NTE")),
        ],
    )
}
