//! From a drug that was chosen to a line of the prescription: how much, how long, on which days, and in which Rp.

use super::Prescriber;
use crate::amount::Amount;
use crate::catalogue::{Course, Disease, Drug, DrugKind, Every, Fixed, Measure, Sig};
use crate::patient::{Interval, Prescribed};

/// Words in names of drugs that are not crushed.
const WHOLE: [&str; 6] = ["徐放", "腸溶", "口腔内崩壊", "舌下", "チュアブル", "メトトレキサート"];
/// Words in names of drugs that do not go into a bag with others.
const ALONE: [&str; 4] = ["ダビガトラン", "バルプロ酸", "アスピリン", "ニコランジル"];

impl Prescriber<'_> {
    pub(super) fn item(&mut self, place: usize, drug: &Drug, sig: &Sig, disease: &Disease, weeks: i64) -> Prescribed {
        let usage = self.hospital.catalogue.usage(sig.usage);
        let (each, daily, uneven) = self.amounts(drug, &sig.measure, i64::from(usage.times));
        let days = days(drug, disease, weeks);
        let (quantity, quantity_unit) = match drug.kind {
            DrugKind::Oral => (doses(sig.every, days, weeks), "日分"),
            DrugKind::AsNeeded => (self.packed(drug), "回分"),
            DrugKind::External => (self.packed(drug), drug.pack.as_ref().map_or("本", |(unit, _)| unit)),
            DrugKind::Injection => (
                self.pens(drug, sig, each, daily, i64::from(usage.times), days, weeks),
                drug.pack.as_ref().map_or("キット", |(unit, _)| unit),
            ),
        };
        Prescribed {
            drug: place,
            rp: (0, 0),
            code: drug.code,
            name: drug.name,
            kind: drug.kind,
            each,
            daily,
            unit: if each.is_none() && daily.is_none() {
                ""
            } else {
                drug.unit
            },
            usage: usage.text,
            times: usage.times,
            quantity,
            quantity_unit,
            uneven,
            interval: self.interval(drug, sig.every),
            remark: self.remark(drug),
        }
    }

    /// Amount each time, amount a day, uneven amounts.
    fn amounts(
        &mut self,
        drug: &Drug,
        measure: &Measure,
        times: i64,
    ) -> (Option<Amount>, Option<Amount>, Option<[Amount; 4]>) {
        let a_day = |each: Amount| {
            (matches!(drug.kind, DrugKind::Oral | DrugKind::Injection) && times > 0).then(|| each.times(times))
        };
        let step = if drug.unit == "mL" { 500 } else { 100 };
        match measure {
            Measure::None => (None, None, None),
            Measure::Each(low, high) => {
                let each = self.within(*low, *high);
                (Some(each), a_day(each), None)
            }
            Measure::Uneven(parts) => {
                let parts = parts.map(|(low, high)| self.within(low, high));
                (None, Some(Amount(parts.iter().map(|p| p.0).sum())), Some(parts))
            }
            Measure::PerKgDay(per_kg) => {
                let most = if drug.max.0 == 0 {
                    i64::MAX
                } else {
                    drug.max.0 / times.max(1) / step * step
                };
                let each = Amount((per_kg.0 * self.body.weight / 10 / times.max(1)).min(most)).rounded(step);
                (Some(each), Some(each.times(times.max(1))), None)
            }
            Measure::PerKgEach(per_kg) => {
                let each = Amount((per_kg.0 * self.body.weight / 10).min(drug.max.0)).rounded(step);
                (Some(each), None, None)
            }
        }
    }

    fn within(&mut self, low: Amount, high: Amount) -> Amount {
        if low == high {
            low
        } else {
            Amount(self.rng.around(low.0 / 1000, high.0 / 1000) * 1000)
        }
    }

    fn packed(&mut self, drug: &Drug) -> i64 {
        drug.pack
            .as_ref()
            .and_then(|(_, counts)| self.rng.pick(counts).copied())
            .unwrap_or(1)
    }

    #[allow(clippy::too_many_arguments)]
    fn pens(
        &mut self,
        drug: &Drug,
        sig: &Sig,
        each: Option<Amount>,
        daily: Option<Amount>,
        times: i64,
        days: i64,
        weeks: i64,
    ) -> i64 {
        let up = |need: i64, content: i64| ((need + content - 1) / content).max(1);
        let a_day = daily.or(each).unwrap_or_default().0;
        match (drug.group, sig.every) {
            // 300 units a pen, two units lost to priming each time.
            ("insb" | "insr" | "insm", _) => up((a_day / 1000 + 2 * times.max(1)) * days, 300),
            ("terip", _) => up(days, 28),
            (_, Every::Week(_)) if drug.unit == "キット" => weeks * (a_day / 1000).max(1),
            (_, Every::Weeks(every)) => up(weeks, i64::from(every)),
            ("glp1", Every::Week(_)) => up(a_day * weeks, 2_000),
            ("glp1", _) => up(a_day * days, 18_000),
            ("p_gh", _) => up(a_day * days, 10_000),
            _ => self.packed(drug),
        }
    }

    fn interval(&mut self, drug: &Drug, every: Every) -> Interval {
        let mut week = [false; 7];
        match every {
            Every::Day | Every::Weeks(_) => return Interval::Daily,
            Every::OtherDay => return Interval::OtherDay,
            Every::Week(1) => {
                // Folic acid follows methotrexate by a day.
                let day = if drug.group == "fol" {
                    (self.weekday + 1) % 7
                } else {
                    self.weekday
                };
                if let Some(flag) = week.get_mut(day) {
                    *flag = true;
                }
            }
            Every::Week(_) => {
                let start = if self.rng.chance(60) { 1 } else { 2 };
                week.iter_mut()
                    .skip(start)
                    .step_by(2)
                    .take(3)
                    .for_each(|flag| *flag = true);
            }
        }
        Interval::Weekdays(week)
    }

    fn remark(&mut self, drug: &Drug) -> &'static str {
        match drug.group {
            "mtx" => "週1回のみ服用（毎日ではない）",
            "fol" => "メトトレキサートの翌日に服用",
            "s1" => "28日内服14日休薬",
            "cape" => "14日内服7日休薬",
            "epin" => "学校・職場に1本保管",
            _ if drug.kind == DrugKind::Oral => match self.rng.below(100) {
                0..=3
                    if self.case.age >= 75
                        && drug.name.contains('錠')
                        && !WHOLE.iter().any(|word| drug.name.contains(word)) =>
                {
                    "粉砕"
                }
                2..=3 => "残薬あり、日数調整済み",
                4 => "前回から増量",
                5 => "前回から減量",
                6 => "後発品変更不可（患者希望）",
                _ => "",
            },
            _ => "",
        }
    }
}

/// Days of treatment until the next visit.
fn days(drug: &Drug, disease: &Disease, weeks: i64) -> i64 {
    let most = if drug.limited { 30 } else { 90 };
    if disease.key == "B98.0" {
        return 7;
    }
    if disease.course == Course::Recent && !disease.pregnancy() {
        return Fixed::days(drug.group).unwrap_or_else(|| (weeks * 7).clamp(5, 14));
    }
    (weeks * 7).min(most)
}

/// Days on which it is taken.
fn doses(every: Every, days: i64, weeks: i64) -> i64 {
    match every {
        Every::Day => days,
        Every::OtherDay => (days + 1) / 2,
        Every::Week(times) => weeks * i64::from(times),
        Every::Weeks(step) => ((weeks + i64::from(step) - 1) / i64::from(step)).max(1),
    }
}

/// Puts the drugs in order and numbers them: oral drugs with the same usage and days share an Rp, others stand alone.
pub(super) fn into_rps(mut items: Vec<Prescribed>, bagged: bool) -> Vec<Prescribed> {
    let order = |kind: DrugKind| match kind {
        DrugKind::Oral => 0,
        DrugKind::AsNeeded => 1,
        DrugKind::External => 2,
        DrugKind::Injection => 3,
    };
    items.sort_by_key(|item| order(item.kind));
    let mut out: Vec<Prescribed> = Vec::with_capacity(items.len());
    let mut rp = 0;
    while !items.is_empty() {
        let first = items.remove(0);
        rp += 1;
        let together = |item: &Prescribed| {
            first.kind == DrugKind::Oral
                && item.kind == DrugKind::Oral
                && (item.usage, item.quantity, item.interval) == (first.usage, first.quantity, first.interval)
        };
        let (mut same, rest): (Vec<_>, Vec<_>) = items.into_iter().partition(together);
        items = rest;
        same.insert(0, first);
        for (place, mut item) in (1..).zip(same) {
            item.rp = (rp, place);
            let solid = matches!(item.unit, "錠" | "カプセル") && !ALONE.iter().any(|word| item.name.contains(word));
            if bagged
                && solid
                && item.kind == DrugKind::Oral
                && item.remark.is_empty()
                && item.interval == Interval::Daily
            {
                item.remark = "一包化";
            }
            out.push(item);
        }
    }
    out
}
