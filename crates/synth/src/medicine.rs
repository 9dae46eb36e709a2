//! The last prescription of each department: drugs that fit the diseases, the age, the kidneys, the allergies and each other.
//!
//! It plays a careful prescriber so that nobody learns wrong doses from the demonstration; it is no source of doses.

use crate::amount::Amount;
use crate::body::Body;
use crate::catalogue::{Avoid, Course, Disease, Drug, DrugKind, Every, Fixed, Measure, Sig};
use crate::hospital::Hospital;
use crate::illness::Case;
use crate::patient::{Interval, Prescribed, Prescription, Visit};
use crate::rng::{Rng, Subject};

/// At most so many drugs in one prescription of somebody who is no hazard.
const MAX_DRUGS: usize = 12;
/// So many in the prescription of the hazard that has many.
const MANY_DRUGS: usize = 15;
/// What fills up the prescription of the hazard that has many.
const FILLERS: [&str; 14] = [
    "b12", "prob", "mgo", "apapt", "muc", "senn", "kgor", "eldec", "orex", "emet", "hya", "hepa", "lima", "urea",
];

/// Diseases that every department treats along the way.
const EVERYWHERE: [&str; 3] = ["K59.0", "G47.0", "M54.5"];
/// Words in names of drugs that are not crushed.
const WHOLE: [&str; 6] = ["徐放", "腸溶", "口腔内崩壊", "舌下", "チュアブル", "メトトレキサート"];
/// Words in names of drugs that do not go into a bag with others.
const ALONE: [&str; 4] = ["ダビガトラン", "バルプロ酸", "アスピリン", "ニコランジル"];

/// Writes the prescriptions into the visits.
pub(crate) fn prescribe(
    hospital: &Hospital,
    number: u32,
    case: &Case,
    body: &Body,
    stops: &[&'static str],
    visits: &mut [Visit],
) {
    let mut pen = Prescriber {
        hospital,
        case,
        body,
        stops,
        rng: hospital.rng(number, Subject::Medicine),
        groups: Vec::new(),
        weekday: 0,
    };
    pen.weekday = pen.rng.below(6) as usize + 1;
    let many = hospital.hazard(number).is_some_and(|row| row.has("rx15"));
    for (attended, visit) in case.attended.iter().zip(visits) {
        let Some(date) = visit.last else { continue };
        let mut items = Vec::new();
        for (nth, disease) in attended
            .diseases
            .iter()
            .filter_map(|place| hospital.catalogue.diseases.get(*place))
            .enumerate()
        {
            let everywhere = EVERYWHERE.contains(&disease.key) && case.age >= 16;
            if nth > 0 && !everywhere && !hospital.catalogue.looks_after(attended.department, disease) {
                // Somebody else treats it, here or outside.
                continue;
            }
            pen.treat(
                disease,
                visit.weeks,
                if many { MANY_DRUGS } else { MAX_DRUGS },
                &mut items,
            );
        }
        if many
            && let Some(disease) = attended
                .diseases
                .first()
                .and_then(|place| hospital.catalogue.diseases.get(*place))
        {
            for group in FILLERS {
                pen.give(&[group], disease, visit.weeks, MANY_DRUGS, &mut items);
            }
        }
        if !items.is_empty() {
            let bagged =
                case.age >= 70 && items.iter().filter(|i| i.kind == DrugKind::Oral).count() >= 5 && pen.rng.chance(50);
            visit.prescription = Some(Prescription {
                date,
                items: into_rps(items, bagged),
            });
        }
    }
}

/// One prescriber at work on one patient.
struct Prescriber<'a> {
    hospital: &'a Hospital,
    case: &'a Case,
    body: &'a Body,
    stops: &'a [&'static str],
    rng: Rng,
    /// Groups given so far, in any department.
    groups: Vec<&'static str>,
    /// The day of the week for weekly drugs.
    weekday: usize,
}

impl Prescriber<'_> {
    fn treat(&mut self, disease: &Disease, weeks: i64, most: usize, items: &mut Vec<Prescribed>) {
        for (groups, percent) in &disease.drugs {
            if self.case.full && *percent >= 8 || self.rng.chance(*percent) {
                self.give(groups, disease, weeks, most, items);
            }
        }
    }

    fn give(
        &mut self,
        groups: &[&'static str],
        disease: &Disease,
        weeks: i64,
        most: usize,
        items: &mut Vec<Prescribed>,
    ) {
        if items.len() + groups.len() > most || !groups.iter().all(|group| self.allowed(group)) {
            return;
        }
        let mut found = Vec::new();
        for group in groups {
            let fitting: Vec<_> = self
                .hospital
                .catalogue
                .drugs_of(group)
                .filter(|(_, d)| (d.ages.0..=d.ages.1).contains(&self.case.age))
                .collect();
            match self.rng.pick(&fitting) {
                Some((place, drug)) => found.push((*place, *drug)),
                None => return,
            }
        }
        for (place, drug) in found {
            let fitting: Vec<&Sig> = drug
                .sigs
                .iter()
                .filter(|sig| self.reaches(sig, drug, disease))
                .collect();
            let any: Vec<&Sig> = drug.sigs.iter().collect();
            if let Some(sig) = self.rng.pick(if fitting.is_empty() { &any } else { &fitting }).copied() {
                items.push(self.item(place, drug, sig, disease, weeks));
                self.groups.push(drug.group);
            }
        }
    }

    /// May this group be given to this person now?
    fn allowed(&self, group: &&'static str) -> bool {
        let none = Vec::new();
        let rules = |group: &str| self.hospital.catalogue.avoid.get(group).unwrap_or(&none).iter();
        let hit = |rule: &Avoid| match rule {
            Avoid::Group(other) => self.groups.contains(other),
            Avoid::Disease(prefix) => self.case.has(&self.hospital.catalogue, prefix),
            Avoid::Kidney(limit) => self.body.egfr < *limit,
            Avoid::Older(limit) => self.case.age > *limit,
            Avoid::Pregnancy => self.case.pregnant(&self.hospital.catalogue),
            Avoid::Child => self.case.age < 15,
        };
        let wanted_by_others = self
            .groups
            .iter()
            .any(|given| rules(given).any(|rule| *rule == Avoid::Group(group)));
        !self.groups.contains(group) && !self.stops.contains(group) && !rules(group).any(hit) && !wanted_by_others
    }

    /// A tape goes where the disease is.
    fn reaches(&self, sig: &Sig, drug: &Drug, disease: &Disease) -> bool {
        let wanted = match disease.key.get(..3) {
            Some("M17") => "tpk",
            Some("M48" | "M51" | "M54") => "tpw",
            Some("M75" | "M47") => "tps",
            _ => return true,
        };
        drug.group != "tape" || self.hospital.catalogue.usage(sig.usage).key == wanted
    }

    fn item(&mut self, place: usize, drug: &Drug, sig: &Sig, disease: &Disease, weeks: i64) -> Prescribed {
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
fn into_rps(mut items: Vec<Prescribed>, bagged: bool) -> Vec<Prescribed> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hospital::Plan;
    use crate::patient::{Cautions, Patient};
    use jiff::civil::date;

    /// Everything that can be said against a prescription by the tables, over many patients.
    #[test]
    fn nobody_gets_what_they_must_not() {
        let plan = Plan {
            patients: 900,
            date: date(2026, 11, 20),
            seed: 7,
        };
        let hospital = Hospital::new(&plan).expect("plan within limits");
        let mut seen = 0;
        for number in 1..=plan.patients {
            let patient = hospital.patient(number);
            let items: Vec<_> = patient
                .visits
                .iter()
                .filter_map(|v| v.prescription.as_ref())
                .flat_map(|p| &p.items)
                .collect();
            for item in &items {
                let drug = &hospital.catalogue.drugs[item.drug];
                let age = crate::calendar::age(patient.person.birth, plan.date);
                assert!(
                    (drug.ages.0..=drug.ages.1).contains(&age),
                    "{number}: {} at {age}",
                    drug.name
                );
                let most = if drug.kind == DrugKind::AsNeeded {
                    item.each
                } else {
                    item.daily
                };
                assert!(
                    drug.max.0 == 0 || most.is_none_or(|most| most <= drug.max),
                    "{number}: {} {most:?}",
                    drug.name
                );
                assert!(
                    item.quantity >= 1 && item.quantity <= 400,
                    "{number}: {} {}",
                    drug.name,
                    item.quantity
                );
                if let Some(parts) = item.uneven {
                    assert_eq!(item.daily, Some(Amount(parts.iter().map(|p| p.0).sum())));
                }
                if let (Some(each), Some(daily)) = (item.each, item.daily) {
                    assert_eq!(daily, each.times(i64::from(item.times)));
                }
                if drug.limited {
                    assert!(item.quantity <= 30);
                }
                against(&hospital, &patient, drug.group, &items);
                seen += 1;
            }
        }
        assert!(seen > 1800, "only {seen} drugs were prescribed");
    }

    fn against(hospital: &Hospital, patient: &Patient, group: &str, items: &[&Prescribed]) {
        let groups: Vec<&str> = items.iter().map(|i| hospital.catalogue.drugs[i.drug].group).collect();
        let active: Vec<&str> = patient
            .diagnoses
            .iter()
            .filter(|d| !d.suspected && d.ended.is_none())
            .map(|d| d.icd)
            .collect();
        for rule in hospital.catalogue.avoid.get(group).into_iter().flatten() {
            match rule {
                Avoid::Group(other) => assert!(!groups.contains(other), "{}: {group} with {other}", patient.id),
                Avoid::Disease(prefix) => assert!(
                    !active.iter().any(|icd| icd.starts_with(prefix)),
                    "{}: {group} in {prefix}",
                    patient.id
                ),
                _ => {}
            }
        }
        if let Cautions::Known(cautions) = &patient.cautions {
            for allergen in hospital
                .catalogue
                .allergens
                .iter()
                .filter(|a| cautions.iter().any(|c| c.code == a.code))
            {
                assert!(
                    !allergen.stops.contains(&group),
                    "{}: {group} in spite of {}",
                    patient.id,
                    allergen.text
                );
            }
        }
    }

    #[test]
    fn weekly_and_uneven_and_weight_based_drugs_come_out_right() {
        let plan = Plan {
            patients: 60,
            date: date(2026, 11, 20),
            seed: 1,
        };
        let hospital = Hospital::new(&plan).expect("plan within limits");
        let items = |number: u32| {
            hospital
                .patient(number)
                .visits
                .iter()
                .filter_map(|v| v.prescription.clone())
                .flat_map(|p| p.items)
                .collect::<Vec<_>>()
        };
        let methotrexate = items(51)
            .into_iter()
            .find(|i| i.name.contains("メトトレキサート"))
            .expect("hazard 51 takes it weekly");
        assert!(
            matches!(methotrexate.interval, Interval::Weekdays(days) if days.iter().filter(|on| **on).count() == 1)
        );
        assert!(methotrexate.uneven.is_some());
        let child = items(49);
        assert!(child.iter().any(|i| i.unit == "g" || i.unit == "mL"), "{child:?}");
        assert_eq!(items(34).len(), MANY_DRUGS);
    }
}
