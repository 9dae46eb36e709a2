//! アレルギー (AL1, IAM) and 病名 (PRB, ZPR).
//!
//! 「情報なし」 is never 「なし」: only words that say so in full make a confirmed none. What AL1 has and IAM has not stays; what IAM
//! deletes later than AL1 was said goes.

use chart::allergy::AllergyKind;
use chart::{Allergy, Diagnosis, Severity};
use hl7::{Field, Segment};
use jiff::civil::Date;

use super::read::{Cwe, MAX_MEDIUM, Remarks, When, cut, day, short};
use super::said::{Latest, Register, Said};
use super::told::Taking;
use crate::sources::gather::AllergySaid;

/// Allergies as messages said them.
#[derive(Debug, Clone, Default)]
pub struct Allergies {
    /// IAM by allergen; `None` is deleted.
    each: Register<String, AllergySaid>,
    /// The latest whole list of IAM.
    whole: Latest<()>,
    /// The latest list of AL1.
    short_list: Latest<Vec<(String, AllergySaid)>>,
}

impl Allergies {
    /// IAM of A60. Where the source's lists are whole, what it does not have any more is gone.
    pub fn take_iam(&mut self, taking: &Taking<'_>) {
        for iam in taking.message.segments_named("IAM") {
            let mut remarks = Remarks::default();
            let Some((key, said)) = allergy(iam, true, &mut remarks) else {
                continue;
            };
            let deleted = short(iam.field(6).component(1)) == "D";
            self.each.take(key, taking.told((!deleted).then_some(said), remarks));
        }
        if taking.whole_lists {
            self.whole.take(taking.told(Some(()), Remarks::default()));
        }
    }

    /// AL1 of any ADT message.
    pub fn take_al1(&mut self, taking: &Taking<'_>) {
        let mut segments = taking.message.segments_named("AL1").peekable();
        if segments.peek().is_none() {
            return;
        }
        let mut remarks = Remarks::default();
        let list = segments.filter_map(|al1| allergy(al1, false, &mut remarks)).collect();
        self.short_list.take(taking.told(Some(list), remarks));
    }

    /// What counts, AL1 and IAM together.
    #[must_use]
    pub fn said(&self) -> Vec<(AllergySaid, &Remarks, &str)> {
        let since = self.whole.told().map(|whole| &whole.said);
        let holds = |said: &Said| since.is_none_or(|since| said >= since);
        let mut all = Vec::new();
        for (_, told) in self.each.iter().filter(|(_, told)| holds(&told.said)) {
            if let Some(what) = &told.what {
                all.push((what.clone(), &told.remarks, &*told.file));
            }
        }
        if let Some(list) = self.short_list.told() {
            for (key, what) in list.what.iter().flatten() {
                let gone = self
                    .each
                    .get(key)
                    .is_some_and(|iam| iam.what.is_none() && iam.said >= list.said);
                let same = |other: &AllergySaid| substance(other).is_some() && substance(other) == substance(what);
                let known = all.iter().any(|(other, ..)| same(other))
                    || (self
                        .each
                        .get(key)
                        .is_some_and(|iam| iam.what.is_some() && holds(&iam.said)));
                if !gone && !known {
                    all.push((what.clone(), &list.remarks, &*list.file));
                }
            }
        }
        // 「なし」 beside something that is there: the something counts, and gather tells of the contradiction.
        all
    }
}

fn substance(said: &AllergySaid) -> Option<&str> {
    match said {
        AllergySaid::Present(allergy) => Some(&allergy.substance),
        _ => None,
    }
}

/// Words that say in full that somebody asked and there is nothing.
const NONE: [&str; 9] = [
    "なし",
    "無し",
    "無",
    "アレルギーなし",
    "アレルギー無し",
    "アレルギー歴なし",
    "特になし",
    "該当なし",
    "既知のアレルギーなし",
];

/// Words that say that nobody knows.
const UNKNOWN: [&str; 8] = [
    "情報なし",
    "情報無し",
    "未確認",
    "未聴取",
    "未登録",
    "不明",
    "確認できず",
    "記録なし",
];

/// AL1 and IAM: type, allergen, and for IAM severity, reaction and onset.
fn allergy(segment: Segment<'_>, full: bool, remarks: &mut Remarks) -> Option<(String, AllergySaid)> {
    let allergen = Cwe::of(segment.field(3).first());
    let substance = allergen.words();
    if substance.is_empty() {
        return None;
    }
    let coded = allergen.coded();
    let key = if coded.code.is_empty() {
        substance.clone()
    } else {
        coded.code.clone()
    };
    let plain: String = substance.chars().filter(|c| !c.is_whitespace()).collect();
    // When it began, else when it was confirmed or reported.
    let on = full
        .then(|| day(segment.field(11), "IAM-11", remarks))
        .flatten()
        .or_else(|| {
            [20, 13]
                .into_iter()
                .filter(|_| full)
                .find_map(|at| When::of(segment.field(at)))
                .map(|when| when.on)
        });
    if UNKNOWN.contains(&plain.as_str()) {
        return Some((key, AllergySaid::NotRecorded));
    }
    if NONE.contains(&plain.as_str()) {
        let confirmed = if full {
            When::of(segment.field(20)).map(|when| when.on)
        } else {
            None
        };
        return Some((key, AllergySaid::ConfirmedNone(confirmed)));
    }
    let class = Cwe::of(segment.field(2).first());
    let kind = kind(&class.first.code, &format!("{substance} {}", class.words()));
    let mut reaction = Vec::new();
    if full {
        reaction.extend(segment.field(5).repetitions().map(|one| short(one.component(1))));
        reaction.push(Cwe::of(segment.field(4).first()).words());
        reaction.push(short(segment.field(8).component(1)));
        reaction.push(short(segment.field(12).component(1)));
    } else {
        reaction.extend(segment.field(5).repetitions().map(|one| short(one.component(1))));
    }
    reaction.retain(|word| !word.is_empty());
    let allergy = Allergy {
        kind,
        substance,
        code: coded.code,
        reaction: cut(&reaction.join(" "), MAX_MEDIUM),
        on,
    };
    Some((key, AllergySaid::Present(allergy)))
}

/// HL7 table 0127.
fn kind(code: &str, substance: &str) -> AllergyKind {
    match code {
        "MC" => AllergyKind::Contraindication,
        _ if substance.contains("造影剤") => AllergyKind::Contrast,
        "DA" => AllergyKind::Drug,
        "FA" => AllergyKind::Food,
        _ => AllergyKind::Other,
    }
}

/// Diagnoses as messages said them.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    each: Register<String, Problem>,
    whole: Latest<()>,
}

/// One diagnosis with its place in the list and its end.
#[derive(Debug, Clone)]
struct Problem {
    place: usize,
    diagnosis: Diagnosis,
    ended: Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    No,
    On(Date),
    Yes,
}

impl Problems {
    /// PPR^ZD1.
    pub fn take(&mut self, taking: &Taking<'_>) {
        let mut remarks = Remarks::default();
        let mut open: Option<(String, bool, Problem)> = None;
        let mut place = 0;
        for segment in taking.message.segments() {
            match segment.name() {
                "PRB" => {
                    self.close(open.take(), taking, &mut remarks);
                    open = problem(segment, place, &mut remarks);
                    place += 1;
                }
                "ZPR" => {
                    if let Some((_, _, problem)) = &mut open {
                        modified(&mut problem.diagnosis, segment);
                    }
                }
                "ORC" => {
                    if let Some((_, _, problem)) = &mut open {
                        problem.diagnosis.department = Cwe::of(segment.field(17).first()).words();
                    }
                }
                _ => {}
            }
        }
        self.close(open, taking, &mut remarks);
        if taking.whole_lists {
            self.whole.take(taking.told(Some(()), Remarks::default()));
        }
    }

    fn close(&mut self, open: Option<(String, bool, Problem)>, taking: &Taking<'_>, remarks: &mut Remarks) {
        if let Some((key, deleted, problem)) = open {
            let remarks = std::mem::take(remarks);
            self.each.take(key, taking.told((!deleted).then_some(problem), remarks));
        }
    }

    /// Diagnoses that are not over on a day, in the order of their lists.
    #[must_use]
    pub fn said(&self, on: Date) -> Vec<(Diagnosis, &Remarks, &str)> {
        let since = self.whole.told().map(|whole| &whole.said);
        let mut all: Vec<_> = self
            .each
            .iter()
            .filter(|(_, told)| since.is_none_or(|since| told.said >= *since))
            .filter_map(|(key, told)| Some((key, told, told.what.as_ref()?)))
            .filter(|(_, _, problem)| match problem.ended {
                Ended::No => true,
                Ended::On(last) => last > on,
                Ended::Yes => false,
            })
            .collect();
        all.sort_by(|a, b| (&a.1.said, a.2.place, a.0).cmp(&(&b.1.said, b.2.place, b.0)));
        all.into_iter()
            .map(|(_, told, problem)| (problem.diagnosis.clone(), &told.remarks, &*told.file))
            .collect()
    }
}

/// PRB: key, deleted or not, and the diagnosis without its modifiers.
fn problem(prb: Segment<'_>, place: usize, remarks: &mut Remarks) -> Option<(String, bool, Problem)> {
    let disease = Cwe::of(prb.field(3).first());
    let coded = disease.coded();
    let since = day(prb.field(7), "PRB-7", remarks).or_else(|| When::of(prb.field(16)).map(|when| when.on));
    let instance = short(prb.field(4).component(1));
    let key = if instance.is_empty() {
        format!("{} {since:?}", coded.label())
    } else {
        instance
    };
    let suspected = {
        let status = Cwe::of(prb.field(13).first());
        status.first.code == "1" || status.words().contains("疑")
    };
    let over = prb.field(9);
    let outcome = Cwe::of(prb.field(14).first());
    let word = outcome.words();
    let final_word = ["治癒", "中止", "死亡", "完治", "完全回復"]
        .iter()
        .any(|end| word.contains(end));
    let ended = match (When::of(over), over.is_blank()) {
        (Some(when), _) => Ended::On(when.on),
        // A day that cannot be read (`2026`): it is over, only when is unknown.
        (None, false) => Ended::Yes,
        (None, true) if final_word || matches!(outcome.first.code.as_str(), "F" | "D") => Ended::Yes,
        (None, true) => Ended::No,
    };
    let diagnosis = Diagnosis {
        name: coded.name.clone(),
        code: if disease.first.code.is_empty() {
            coded.code
        } else {
            disease.first.code.clone()
        },
        icd10: short(prb.field(10).component(1)),
        since,
        main: short(prb.field(18).component(1)) == "1",
        suspected,
        department: String::new(),
        // Messages have no field for 未告知: nobody has said that it was told either, and papers for patients list no diagnosis unasked.
        uninformed: false,
    };
    if diagnosis.name.is_empty() && diagnosis.code.is_empty() {
        let message = "病名もコードもない病名です。入れませんでした。";
        remarks.add("diagnosis.empty", Severity::Warning, "PRB-3", message);
        return None;
    }
    let deleted = short(prb.field(1).component(1)) == "DE";
    Some((
        key,
        deleted,
        Problem {
            place,
            diagnosis,
            ended,
        },
    ))
}

/// ZPR: 接頭語 + 病名 + 接尾語, by 管理番号 (1 to 3) or 交換用コード (4 to 6).
fn modified(diagnosis: &mut Diagnosis, zpr: Segment<'_>) {
    let texts = |field: Field<'_>| -> String { field.repetitions().map(|one| short(one.component(2))).collect() };
    let either = |one: usize, other: usize| {
        let text = texts(zpr.field(one));
        if text.is_empty() { texts(zpr.field(other)) } else { text }
    };
    let (before, behind) = (either(1, 4), either(3, 6));
    let disease = either(2, 5);
    let disease = if disease.is_empty() {
        diagnosis.name.clone()
    } else {
        disease
    };
    diagnosis.name = format!("{before}{disease}{behind}");
    if diagnosis.name.ends_with("の疑い") {
        diagnosis.suspected = true;
    }
}
