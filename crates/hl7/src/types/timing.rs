//! CQ, RPT, TQ1: how much, how often, for how long.
//!
//! Amounts stay text: 0.5 and 0.50 are the sender's, and powders mix amounts of product and of substance that nobody may convert here.
//! Usage codes are handed on as they are; what 隔日 does to an end date is the source's to know.

use std::borrow::Cow;

use super::{Coded, trimmed};
use crate::{Repetition, Segment, Stamp};

/// A quantity with its unit (CQ): `14^d`, `6^TAB&錠&MR9P`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quantity<'a> {
    /// The number as written.
    pub amount: Cow<'a, str>,
    /// Its unit.
    pub unit: Coded<'a>,
}

impl<'a> Quantity<'a> {
    /// From a repetition.
    #[must_use]
    pub fn of(repetition: Repetition<'a>) -> Self {
        Self {
            amount: trimmed(repetition.component(1).text()),
            unit: Coded::of_subs(repetition.component(2)),
        }
    }

    /// Nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.amount.is_empty() && self.unit.is_empty()
    }
}

/// One repetition of TQ1-3 (RPT): the usage code sits in the first component, its parts joined by sub-component delimiters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage<'a> {
    /// The code, mostly of JAMISDP01. A plain text is in `code` alone.
    pub code: Coded<'a>,
}

/// A TQ1 segment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timing<'a> {
    /// TQ1-2, how much each time.
    pub quantity: Quantity<'a>,
    /// TQ1-3: the usage, then what varies it (`I1100000` every other day, `W0100100` days of the week).
    pub usages: Vec<Usage<'a>>,
    /// TQ1-6: for how long, in Japan the number of days on which it is taken.
    pub duration: Quantity<'a>,
    /// TQ1-7.
    pub start: Option<Stamp>,
    /// TQ1-8.
    pub end: Option<Stamp>,
    /// TQ1-9, the first priority.
    pub priority: Coded<'a>,
    /// TQ1-10, a condition in words.
    pub condition: Cow<'a, str>,
    /// TQ1-11, an instruction in words: `1日2回まで`.
    pub instruction: Cow<'a, str>,
    /// TQ1-13, how long one administration takes.
    pub occurrence: Quantity<'a>,
    /// TQ1-14, how many doses in all (頓服).
    pub total: Cow<'a, str>,
}

impl<'a> Timing<'a> {
    /// From a segment TQ1.
    #[must_use]
    pub fn of(segment: Segment<'a>) -> Self {
        let first = |number: usize| segment.field(number).first();
        let text = |number: usize| trimmed(segment.field(number).text());
        let usages = segment.field(3).repetitions().map(|usage| Usage {
            code: match Coded::of_subs(usage.component(1)) {
                // Some write the parts as components.
                alone if alone.text.is_empty() && alone.system.is_empty() && !usage.component(2).is_empty() => {
                    Coded::of(usage)
                }
                code => code,
            },
        });
        Self {
            quantity: Quantity::of(first(2)),
            usages: usages
                .filter(|usage| !usage.code.is_empty())
                .take(crate::MAX_REPETITIONS)
                .collect(),
            duration: Quantity::of(first(6)),
            start: Stamp::read(&text(7)),
            end: Stamp::read(&text(8)),
            priority: Coded::of(first(9)),
            condition: text(10),
            instruction: text(11),
            occurrence: Quantity::of(first(13)),
            total: trimmed(first(14).text()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;
    use jiff::civil::date;

    #[test]
    fn a_prescription_every_other_day_and_one_as_needed() {
        let text = "MSH|^~\\&|A\rTQ1|1||1013044400000000&内服・経口・１日３回朝昼夕食後&JAMISDP01~I1100000&１日おき&JAMISDP01|||7^d&日&ISO+|20261120\r\
                    TQ1|2||1050110020000000&疼痛時&JAMISDP01||||||||1日2回まで|||10\rTQ1|3||ねる前\r";
        let message = Message::parse(text).unwrap();
        let timings: Vec<_> = message.segments_named("TQ1").map(Timing::of).collect();
        let codes: Vec<_> = timings[0].usages.iter().map(|usage| &*usage.code.code).collect();
        assert_eq!(codes, ["1013044400000000", "I1100000"]);
        assert_eq!(
            (&*timings[0].duration.amount, timings[0].duration.unit.label()),
            ("7", "日")
        );
        assert_eq!(
            timings[0].start.and_then(|start| start.date()),
            Some(date(2026, 11, 20))
        );
        assert_eq!((&*timings[1].instruction, &*timings[1].total), ("1日2回まで", "10"));
        assert_eq!(timings[2].usages[0].code.label(), "ねる前");
    }
}
