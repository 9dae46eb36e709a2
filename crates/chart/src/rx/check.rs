//! What is wrong with a prescription: everything at once, so that it is put right in one go, and before anything is printed.
//!
//! Only the shape is looked at. Whether drug, dose and interval are right for the patient is not checked here or anywhere.

use thiserror::Error;

use crate::dose::Quantity;
use crate::medication::Rhythm;
use crate::rx::{
    CodeSystem, Control, Dose, Drug, MAX_DRUGS, MAX_REMARKS, MAX_RPS, MAX_TEXT, MAX_VALID_DAYS, Rp, Rx, Step, Timing,
    Usage,
};

/// One thing that keeps a prescription from being issued.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// A narcotic: it needs the hospital's own paper with licence number and address.
    #[error("Rp{rp} 「{drug}」は麻薬です。この処方箋では出せません。専用の麻薬処方箋用紙に手書きしてください。")]
    Narcotic {
        /// Number of the Rp.
        rp: usize,
        /// The drug as written.
        drug: String,
    },
    /// No drug at all, or an Rp without one.
    #[error("{place}に薬がありません。薬を書くか、そのRpを消してください。")]
    Empty {
        /// `処方` or `Rp2`.
        place: String,
    },
    /// More than a sheet takes.
    #[error("{what}は{max}までです（いま{found}）。処方箋を分けてください。")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        max: usize,
        /// What was there.
        found: usize,
    },
    /// A text that is missing, too long, or holds a line break.
    #[error("{place}の{field}が空か、{MAX_TEXT}字を超えるか、改行を含みます。書き直してください。")]
    Text {
        /// `Rp1 「…」`.
        place: String,
        /// Which box.
        field: &'static str,
    },
    /// An amount of zero, above the bound, without unit, or in a shape that does not fit the usage.
    #[error("{place}の量「{amount}」は{usage}の量になりません。量と単位を書き直してください。")]
    Amount {
        /// `Rp1 「…」`.
        place: String,
        /// The amount as it would be printed.
        amount: String,
        /// 内服 頓服 外用 …
        usage: &'static str,
    },
    /// Doses, days or uses outside the bounds, or slots that contradict each other.
    #[error("{place}の{field}が書かれていないか、範囲の外です。{field}を書き直してください。")]
    Usage {
        /// `Rp1`.
        place: String,
        /// 服用回数, 日数, 回数, 曜日 …
        field: &'static str,
    },
    /// A code that cannot be one of its list.
    #[error("{place}のコード「{code}」は形が合いません。コードを消しても処方箋は出せます。")]
    Code {
        /// `Rp1 「…」`.
        place: String,
        /// The code as written.
        code: String,
    },
    /// 漸減 steps that do not follow each other from first to last.
    #[error("Rp{rp}の漸減の段の順番が合いません。1段目から続けて書いてください。")]
    Steps {
        /// Number of the Rp.
        rp: usize,
    },
    /// リフィル that is not 2 or 3 uses.
    #[error("リフィルの総使用回数は2回か3回です（いま{0}回）。書き直すか、リフィルを外してください。")]
    RefillCount(u8),
    /// リフィル with a drug whose days are limited.
    #[error(
        "Rp{rp} 「{drug}」には投与日数の制限があり、リフィルにできません。リフィルを外すか、別の処方箋にしてください。"
    )]
    RefillLimited {
        /// Number of the Rp.
        rp: usize,
        /// The drug as written.
        drug: String,
    },
    /// 使用期間 of no day or beyond the bound.
    #[error("使用期間は1日から{MAX_VALID_DAYS}日までです（いま{0}日）。書き直してください。")]
    ValidDays(u8),
    /// A box of the insurance that cannot be right.
    #[error("保険の「{0}」の桁数か文字が合いません。わからなければ空欄にしてください。薬局が確認します。")]
    Insurance(&'static str),
}

impl Rx {
    /// Everything that is wrong, in the order of the sheet; empty when it can be issued.
    #[must_use]
    pub fn check(&self) -> Vec<Fault> {
        let mut found = Vec::new();
        let drugs = self.drugs().count();
        if drugs == 0 {
            found.push(Fault::Empty {
                place: "処方".to_owned(),
            });
        }
        for (what, max, count) in [
            ("Rp", MAX_RPS, self.rps.len()),
            ("薬", MAX_DRUGS, drugs),
            ("備考", MAX_REMARKS, self.remarks.len()),
        ] {
            if count > max {
                found.push(Fault::TooMany {
                    what,
                    max,
                    found: count,
                });
            }
        }
        let mut before: Option<(Step, &Rp)> = None;
        for (at, rp) in self.rps.iter().enumerate() {
            let number = at + 1;
            check_rp(number, rp, &mut found);
            let last = self
                .rps
                .get(number)
                .is_none_or(|next| next.step.is_none_or(|next| next.step == 1));
            if !step_follows(before, rp, last) {
                found.push(Fault::Steps { rp: number });
            }
            before = rp.step.map(|step| (step, rp));
        }
        self.check_refill(&mut found);
        if !(1..=MAX_VALID_DAYS).contains(&self.valid_days) {
            found.push(Fault::ValidDays(self.valid_days));
        }
        found.extend(texts("備考", "備考", &self.remarks));
        found.extend(self.insurance.faults().into_iter().map(Fault::Insurance));
        found
    }

    fn check_refill(&self, found: &mut Vec<Fault>) {
        let Some(uses) = self.refill else { return };
        if !(2..=3).contains(&uses) {
            found.push(Fault::RefillCount(uses));
        }
        let limited = self.drugs().filter(|(_, _, drug)| drug.control == Control::Limited);
        found.extend(limited.map(|(rp, _, drug)| Fault::RefillLimited {
            rp,
            drug: drug.name.clone(),
        }));
    }
}

/// A course begins with step 1, goes up by one with the same drugs, and ends with its last step.
fn step_follows(before: Option<(Step, &Rp)>, rp: &Rp, last: bool) -> bool {
    let names = |rp: &Rp| rp.drugs.iter().map(|drug| drug.name.clone()).collect::<Vec<_>>();
    let follows = match (before, rp.step) {
        (_, None) => true,
        (None, Some(step)) => step.step == 1 && step.of >= 2,
        (Some((was, _)), Some(step)) if was.step == was.of => step.step == 1 && step.of >= 2,
        (Some((was, other)), Some(step)) => {
            step.of == was.of && step.step == was.step.saturating_add(1) && names(rp) == names(other)
        }
    };
    let complete = |step: Step| step.step <= step.of && (!last || step.step == step.of);
    follows && rp.step.is_none_or(complete)
}

fn check_rp(number: usize, rp: &Rp, found: &mut Vec<Fault>) {
    let place = format!("Rp{number}");
    if rp.drugs.is_empty() {
        found.push(Fault::Empty { place: place.clone() });
    }
    for field in usage_faults(rp) {
        found.push(Fault::Usage {
            place: place.clone(),
            field,
        });
    }
    found.extend(texts(&place, "用法の補足", &rp.notes));
    for drug in &rp.drugs {
        check_drug(number, drug, &rp.usage, found);
    }
}

fn usage_faults(rp: &Rp) -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut need = |right: bool, field: &'static str| found.extend((!right).then_some(field));
    match &rp.usage {
        Usage::Oral(oral) => {
            need((1..=24).contains(&oral.timing.times()), "服用回数");
            need((1..=999).contains(&oral.days), "日数");
            match &oral.timing {
                Timing::EveryHours(hours) => need(*hours > 0 && 24_u8.is_multiple_of(*hours), "服用の間隔"),
                Timing::AsWritten(_, words) => need(is_text(words), "用法"),
                Timing::Slots(..) | Timing::Times(_) => {}
            }
            match oral.rhythm {
                Rhythm::Weekdays(mask) => need((1..128).contains(&mask), "曜日"),
                Rhythm::EveryDays(days) => need((2..=31).contains(&days), "服用の間隔"),
                Rhythm::Daily | Rhythm::AlternateDays => {}
            }
        }
        Usage::AsNeeded { when, at_most, times } => {
            need(is_text(when), "頓服の条件");
            need(*at_most <= 24, "1日の上限回数");
            need((1..=999).contains(times), "回数");
        }
        Usage::External { site, how, per_day } => {
            need(is_text(how), "用法");
            need(site.is_empty() || is_text(site), "部位");
            need(*per_day <= 24, "1日の回数");
        }
        Usage::Drops(how) | Usage::Injection(how) | Usage::Material(how) => need(is_text(how), "用法"),
    }
    let code = &rp.jami;
    need(
        code.is_empty() || (code.len() == 16 && code.bytes().all(|b| b.is_ascii_alphanumeric())),
        "用法コード",
    );
    found
}

fn check_drug(number: usize, drug: &Drug, usage: &Usage, found: &mut Vec<Fault>) {
    let place = format!("Rp{number} 「{}」", drug.name);
    if is_narcotic(drug) {
        found.push(Fault::Narcotic {
            rp: number,
            drug: drug.name.clone(),
        });
    }
    if !is_text(&drug.name) {
        found.push(Fault::Text {
            place: place.clone(),
            field: "薬名",
        });
    }
    if !dose_fits(&drug.dose, usage) {
        found.push(Fault::Amount {
            place: place.clone(),
            amount: super::wording::dose(drug, usage),
            usage: usage.word(),
        });
    }
    if !drug.system.fits(&drug.code) {
        found.push(Fault::Code {
            place: place.clone(),
            code: drug.code.clone(),
        });
    }
    if drug.conversion == Some(0) || (drug.conversion.is_some() && drug.system == CodeSystem::None) {
        found.push(Fault::Amount {
            place: place.clone(),
            amount: "単位変換係数".to_owned(),
            usage: usage.word(),
        });
    }
    found.extend(texts(&place, "コメント", &drug.notes));
}

/// Marked by the master, or by the mark hospitals put into the name.
fn is_narcotic(drug: &Drug) -> bool {
    drug.control == Control::Narcotic || names_a_narcotic(&drug.name)
}

/// The mark that hospitals put into the name of a narcotic. One without a mark is not recognised.
#[must_use]
pub(crate) fn names_a_narcotic(name: &str) -> bool {
    const MARKS: [&str; 6] = ["(麻)", "（麻）", "[麻]", "［麻］", "【麻】", "〔麻〕"];
    MARKS.iter().any(|mark| name.contains(mark))
}

fn dose_fits(dose: &Dose, usage: &Usage) -> bool {
    let sound = |q: &Quantity| {
        let unit = q.unit.trim();
        !unit.is_empty() && unit.chars().count() <= 6 && q.milli <= Quantity::MAX_MILLI && is_text(unit)
    };
    let positive = |q: &Quantity| q.milli > 0 && sound(q);
    match (dose, usage) {
        (Dose::Each(q) | Dose::Divided(q), Usage::Oral(oral)) => {
            positive(q) && dose.per_day(oral.timing.times()).is_some()
        }
        (Dose::Uneven(all), Usage::Oral(oral)) => {
            let one_unit = all.windows(2).all(|pair| matches!(pair, [a, b] if a.unit == b.unit));
            (2..=5).contains(&all.len())
                && all.len() == usize::from(oral.timing.times())
                && all.iter().all(sound)
                && one_unit
                && dose.per_day(0).is_some_and(|day| day.milli > 0)
        }
        (Dose::PerUse(q), Usage::AsNeeded { .. })
        | (Dose::Total(q), Usage::External { .. } | Usage::Drops(_) | Usage::Injection(_) | Usage::Material(_)) => {
            positive(q)
        }
        _ => false,
    }
}

fn texts<'a>(place: &'a str, field: &'static str, all: &'a [String]) -> impl Iterator<Item = Fault> + 'a {
    let wrong = all.iter().filter(|text| !is_text(text));
    wrong.map(move |_| Fault::Text {
        place: place.to_owned(),
        field,
    })
}

fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= MAX_TEXT && !text.chars().any(char::is_control)
}

#[cfg(test)]
#[path = "check/tests.rs"]
mod tests;
