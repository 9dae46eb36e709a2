//! 検体検査結果 (OUL^R22, ORU^R01) and バイタル (ORU with the patient's own codes of JLAC10, class 9).
//!
//! Values stand as reported. A correction replaces what it corrects, observation by observation; what was posted to the wrong patient
//! (OBX-11 W) is gone. A flag that is not there is no flag: nothing is judged here.

use std::collections::BTreeMap;

use chart::result::Flag;
use chart::stay::Vital;
use chart::{Coded, LabResult, Severity};
use hl7::Segment;

use super::read::{Cwe, MAX_MEDIUM, Remarks, When, cut, short};
use super::said::Register;
use super::told::Taking;

/// Most characters of a value; longer ones are documents.
const MAX_VALUE: usize = 500;

/// Results and measurements as messages said them.
#[derive(Debug, Clone, Default)]
pub struct Results {
    by_item: Register<ItemKey, LabResult>,
    cancelled: Register<String, ()>,
    vitals: Register<(i64, &'static str), Measured>,
}

/// What a message had.
#[derive(Debug, Clone, Copy, Default)]
pub struct Took {
    /// Results of a laboratory.
    pub results: bool,
    /// Measurements of the bedside.
    pub vitals: bool,
}

type ItemKey = (String, String, String, Option<When>);

#[derive(Debug, Clone)]
struct Measured {
    when: When,
    value: String,
}

/// What an OBX is part of.
#[derive(Debug, Clone, Default)]
struct Around {
    order: String,
    collected: Option<When>,
    observed: Option<When>,
    reported: Option<When>,
    cancelled: bool,
}

impl Results {
    /// OUL^R22: SPM, OBR, ORC, OBX. ORU^R01 and R30: ORC, OBR, OBX. Unknown segments are passed over. Says what there was.
    pub fn take(&mut self, taking: &Taking<'_>, measured_too: bool) -> Took {
        let mut around = Around::default();
        let mut took = Took::default();
        // The last OBX, waiting for notes behind it.
        let mut open: Option<(ItemKey, Option<LabResult>, Remarks)> = None;
        for segment in taking.message.segments() {
            let name = segment.name();
            if name != "NTE" {
                self.close(open.take(), taking);
            }
            match name {
                "SPM" => {
                    around = Around {
                        collected: When::of(segment.field(17)),
                        ..Around::default()
                    };
                }
                "OBR" => {
                    around.order = number(segment, 2, 3).unwrap_or(around.order);
                    around.observed = When::of(segment.field(7));
                    around.reported = When::of(segment.field(22));
                }
                "ORC" => {
                    around.order = number(segment, 2, 3).unwrap_or(around.order);
                    around.cancelled =
                        matches!(short(segment.field(1).component(1)).as_str(), "CA" | "OC" | "DC" | "DE");
                    if around.cancelled {
                        let told = taking.told(Some(()), Remarks::default());
                        self.cancelled.take(around.order.clone(), told);
                    }
                }
                // A measurement of the bedside, else a result.
                "OBX" if around.cancelled => {}
                "OBX" if measured_too && self.take_vital(segment, &around, taking) => took.vitals = true,
                "OBX" => {
                    took.results = true;
                    open = observation(segment, &around, taking);
                }
                "NTE" => {
                    if let Some((_, Some(result), _)) = &mut open {
                        let note = cut(&segment.field(3).text(), MAX_VALUE);
                        result.value = cut(&format!("{} {note}", result.value), MAX_MEDIUM);
                    }
                }
                _ => {}
            }
        }
        self.close(open, taking);
        took
    }

    fn close(&mut self, open: Option<(ItemKey, Option<LabResult>, Remarks)>, taking: &Taking<'_>) {
        if let Some((key, result, remarks)) = open {
            self.by_item.take(key, taking.told(result, remarks));
        }
    }

    /// A measurement of the bedside; false when it is a laboratory's.
    fn take_vital(&mut self, obx: Segment<'_>, around: &Around, taking: &Taking<'_>) -> bool {
        let code = Cwe::of(obx.field(3).first());
        let Some(kind) = [&code.first.code, &code.second.code]
            .into_iter()
            .find_map(|code| vital(code))
        else {
            return false;
        };
        let Some(when) = When::of(obx.field(14)).or(around.observed) else {
            return false;
        };
        let gone = matches!(short(obx.field(11).component(1)).as_str(), "D" | "W" | "X");
        let value = value(obx);
        let measured = (!gone && !value.is_empty()).then_some(Measured { when, value });
        self.vitals
            .take((when.moment().0, kind), taking.told(measured, Remarks::default()));
        true
    }

    /// What counts.
    pub fn results(&self) -> impl Iterator<Item = (&LabResult, &Remarks, &str)> {
        self.by_item.iter().filter_map(|((order, ..), told)| {
            let cancelled = self.cancelled.get(order).is_some_and(|cancel| cancel.said >= told.said);
            let result = told.what.as_ref().filter(|_| !cancelled)?;
            Some((result, &told.remarks, &*told.file))
        })
    }

    /// Measurements, those of one time together.
    #[must_use]
    pub fn vitals(&self) -> Vec<Vital> {
        let mut by_time: BTreeMap<i64, (When, BTreeMap<&str, &str>)> = BTreeMap::new();
        for ((at, kind), told) in self.vitals.iter() {
            if let Some(measured) = &told.what {
                let row = by_time.entry(*at).or_insert((measured.when, BTreeMap::new()));
                row.1.insert(kind, &measured.value);
            }
        }
        let of = |values: &BTreeMap<&str, &str>, kind: &str, unit: &str| match values.get(kind) {
            Some(value) => format!("{value}{unit}"),
            None => String::new(),
        };
        by_time
            .into_values()
            .map(|(when, values)| Vital {
                on: Some(when.on),
                at: when.at,
                temperature: of(&values, "temperature", "℃"),
                pressure: match (values.get("systolic"), values.get("diastolic")) {
                    (None, None) => String::new(),
                    (high, low) => format!("{}/{}", high.copied().unwrap_or("－"), low.copied().unwrap_or("－")),
                },
                pulse: of(&values, "pulse", ""),
                spo2: of(&values, "spo2", "%"),
                remark: match values.get("breaths") {
                    Some(breaths) => format!("呼吸 {breaths}"),
                    None => String::new(),
                },
            })
            .collect()
    }

    /// Statements that found no room.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.by_item.dropped + self.vitals.dropped
    }
}

/// JLAC10 of the bedside, by its analyte.
fn vital(code: &str) -> Option<&'static str> {
    Some(match code.get(..5)? {
        "9A751" => "systolic",
        "9A761" => "diastolic",
        "9P300" => "pulse",
        "9P200" => "breaths",
        "9P100" => "temperature",
        "3H065" => "spo2",
        _ => return None,
    })
}

/// The placer's number, else the filler's; nines are no number.
#[must_use]
pub fn number(segment: Segment<'_>, placer: usize, filler: usize) -> Option<String> {
    [placer, filler].into_iter().find_map(|at| {
        let number = short(segment.field(at).component(1));
        (!number.is_empty() && !number.bytes().all(|b| b == b'9')).then_some(number)
    })
}

fn observation(
    obx: Segment<'_>,
    around: &Around,
    taking: &Taking<'_>,
) -> Option<(ItemKey, Option<LabResult>, Remarks)> {
    let item = Cwe::of(obx.field(3).first());
    let coded = item.coded();
    if coded.is_empty() {
        return None;
    }
    let when = When::of(obx.field(14))
        .or(around.collected)
        .or(around.observed)
        .or(around.reported);
    let status = short(obx.field(11).component(1));
    let sub = short(obx.field(4).component(1));
    // Corrections keep their time; where the laboratory gives the order no number, the time tells two of them apart.
    let key_time = around.order.is_empty().then_some(when).flatten();
    let id = if item.first.code.bytes().all(|b| b == b'9') {
        coded.label().to_owned()
    } else {
        item.first.code.clone()
    };
    let key = (around.order.clone(), id, sub, key_time);
    if matches!(status.as_str(), "D" | "W" | "X" | "O" | "I") {
        return Some((key, None, Remarks::default()));
    }
    let mut remarks = Remarks::default();
    let kind = short(obx.field(2).component(1));
    if matches!(kind.as_str(), "ED" | "RP") {
        let message = format!(
            "「{}」は文書や画像で、ここでは表示できません。元のシステムで見てください。",
            coded.label()
        );
        remarks.add("result.document", Severity::Note, "OBX-5", message);
        return Some((key, None, remarks));
    }
    let mut value = value(obx);
    let (flag, susceptible) = flag(obx, &mut remarks);
    if let Some(word) = susceptible {
        value = format!("{value} {word}").trim().to_owned();
    }
    if matches!(status.as_str(), "P" | "R" | "S") && !value.is_empty() {
        value.push_str("（中間報告）");
    }
    if value.is_empty() {
        return Some((key, None, remarks));
    }
    let unit = Cwe::of(obx.field(6).first());
    let on = when.or_else(|| {
        let local = taking.said.moment().local();
        Some(When {
            on: local.date(),
            at: Some(local.time()),
        })
    });
    let Coded { code, name } = coded;
    let result = LabResult {
        name: if name.is_empty() { code.clone() } else { name },
        value,
        unit: super::units::unit_words(&unit),
        flag,
        reference: cut(&obx.field(7).text(), MAX_VALUE),
        on: on.map(|when| when.on),
        at: on.and_then(|when| when.at),
        code: if code.bytes().all(|b| b == b'9') {
            String::new()
        } else {
            code
        },
    };
    Some((key, Some(result), remarks))
}

/// OBX-5 in words: numbers and texts as they are, coded values by their text, qualitative ones in brackets.
#[must_use]
pub fn value(obx: Segment<'_>) -> String {
    let kind = short(obx.field(2).component(1));
    let words = |repetition: hl7::Repetition<'_>| match kind.as_str() {
        "CWE" | "CE" | "CNE" | "CF" => Cwe::of(repetition).words(),
        // SN is not allowed in SS-MIX2 and comes all the same: `<^0.3`.
        "SN" => cut(
            &repetition.components().map(short).collect::<Vec<_>>().join(" "),
            MAX_VALUE,
        ),
        "NM" => short(repetition.component(1)),
        _ => qualitative(&cut(&repetition.text(), MAX_VALUE)),
    };
    let all: Vec<String> = obx
        .field(5)
        .repetitions()
        .map(words)
        .filter(|text| !text.is_empty())
        .collect();
    cut(&all.join("\n"), MAX_MEDIUM)
}

/// `  -`, ` 2 +`, `  +-` as `(-)`, `(2+)`, `(±)`: a lone sign is easily overlooked. Everything else stays.
fn qualitative(text: &str) -> String {
    let token: String = chart::id::half_width_text(text)
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    let digits = token.chars().take_while(char::is_ascii_digit).count();
    match token.get(digits..) {
        Some("-") if digits == 0 => "(-)".to_owned(),
        Some("+-" | "±") if digits == 0 => "(±)".to_owned(),
        Some(plus) if digits <= 1 && !plus.is_empty() && plus.len() <= 4 && plus.bytes().all(|b| b == b'+') => {
            format!("({token})")
        }
        _ => text.to_owned(),
    }
}

/// HL7 table 0078. S, I and R are a susceptibility, no deviation.
fn flag(obx: Segment<'_>, remarks: &mut Remarks) -> (Option<Flag>, Option<&'static str>) {
    let (mut flag, mut word) = (None, None);
    for repetition in obx.field(8).repetitions() {
        let text = short(repetition.component(1));
        match text.as_str() {
            "H" => flag = flag.or(Some(Flag::High)),
            "L" => flag = flag.or(Some(Flag::Low)),
            "HH" | "LL" | "AA" => flag = Some(Flag::Critical),
            "A" => flag = flag.or(Some(Flag::Abnormal)),
            "S" => word = Some("S"),
            "I" => word = Some("I"),
            "R" => word = Some("R"),
            "" | "N" | "<" | ">" | "U" | "D" | "B" | "W" => {}
            other => {
                let message = format!("判定「{other}」はHL7表0078にありません。判定は空にしました。");
                remarks.add("code.unknown", Severity::Warning, "OBX-8", message);
            }
        }
    }
    (flag, word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_signs_are_put_in_brackets_and_numbers_stay() {
        for (text, shown) in [
            ("-", "(-)"),
            ("2 +", "(2+)"),
            ("+-", "(±)"),
            ("3+", "(3+)"),
            ("＋", "(+)"),
            ("< 0.02", "< 0.02"),
            ("-1.5", "-1.5"),
            ("陰性", "陰性"),
            ("1:40", "1:40"),
        ] {
            assert_eq!(qualitative(text), shown);
        }
    }
}
