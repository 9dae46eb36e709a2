//! The words of every shape of dosing, and the rules that no number may break.

use proptest::prelude::*;

use super::*;
use crate::rx::{CodeSystem, Control, Meal, Step, Substitution};

fn q(number: &str, unit: &str) -> Quantity {
    Quantity::parse(number, unit).unwrap()
}

fn drug(dose: Dose) -> Drug {
    Drug {
        name: "架空錠".to_owned(),
        system: CodeSystem::None,
        code: String::new(),
        dose,
        measure: Measure::Counted,
        substitution: Substitution::Free,
        control: Control::Unmarked,
        conversion: None,
        notes: Vec::new(),
    }
}

fn rp(usage: Usage) -> Rp {
    Rp {
        drugs: Vec::new(),
        usage,
        packed: false,
        crushed: false,
        step: None,
        notes: Vec::new(),
        jami: String::new(),
    }
}

fn oral(timing: Timing, rhythm: Rhythm, days: u16) -> Usage {
    Usage::Oral(OralUse { timing, rhythm, days })
}

fn slots(which: &str) -> Slots {
    Slots {
        waking: which.contains('起'),
        morning: which.contains('朝'),
        noon: which.contains('昼'),
        evening: which.contains('夕'),
        bedtime: which.contains('寝'),
    }
}

#[test]
fn oral_usages_read_as_they_are_written_by_hand() {
    let said = |which: &str, meal, days| usage(&rp(oral(Timing::Slots(slots(which), meal), Rhythm::Daily, days)));
    assert_eq!(said("朝昼夕", Meal::After, 14), "1日3回 毎食後 14日分");
    assert_eq!(said("朝夕", Meal::Before, 7), "1日2回 朝夕食前 7日分");
    assert_eq!(said("朝", Meal::RightAfter, 7), "1日1回 朝食直後 7日分");
    assert_eq!(said("朝昼夕寝", Meal::After, 5), "1日4回 毎食後と就寝前 5日分");
    assert_eq!(said("起", Meal::After, 28), "1日1回 起床時 28日分");
    assert_eq!(said("寝", Meal::After, 28), "1日1回 就寝前 28日分");
    let every = oral(Timing::EveryHours(8), Rhythm::Daily, 5);
    assert_eq!(usage(&rp(every)), "1日3回 8時間ごと 5日分");
    let repeat = Timing::AsWritten(3, "1日3回 毎食後すぐ".to_owned());
    assert_eq!(usage(&rp(oral(repeat, Rhythm::Daily, 35))), "1日3回 毎食後すぐ 35日分");
}

#[test]
fn days_off_say_that_the_days_taken_are_counted() {
    let morning = || Timing::Slots(slots("朝"), Meal::After);
    let said = |rhythm| usage(&rp(oral(morning(), rhythm, 7)));
    assert_eq!(
        said(Rhythm::AlternateDays),
        "1日1回 朝食後 隔日 7日分（服用する日の数）"
    );
    assert_eq!(
        said(Rhythm::Weekdays(0b001_0010)),
        "1日1回 朝食後 月・木曜日 7日分（服用する日の数）"
    );
    assert_eq!(
        said(Rhythm::EveryDays(3)),
        "1日1回 朝食後 3日ごと 7日分（服用する日の数）"
    );
}

#[test]
fn a_step_and_the_handling_are_said_before_the_days() {
    let mut taper = rp(oral(Timing::Slots(slots("朝"), Meal::After), Rhythm::Daily, 3));
    taper.step = Some(Step { step: 2, of: 3 });
    taper.packed = true;
    taper.notes = vec!["粉薬と一緒に".to_owned()];
    assert_eq!(
        usage(&taper),
        "1日1回 朝食後 漸減 2段目（全3段） 一包化 粉薬と一緒に 3日分"
    );
}

#[test]
fn other_usages() {
    let pain = Usage::AsNeeded {
        when: "疼痛時".to_owned(),
        at_most: 2,
        times: 5,
    };
    assert_eq!(usage(&rp(pain.clone())), "疼痛時 1日2回まで 5回分");
    assert_eq!(dose(&drug(Dose::PerUse(q("1", "錠"))), &pain), "1回 1錠");
    let patch = Usage::External {
        site: "腰".to_owned(),
        how: "貼付".to_owned(),
        per_day: 1,
    };
    assert_eq!(usage(&rp(patch.clone())), "1日1回 腰 貼付");
    assert_eq!(dose(&drug(Dose::Total(q("14", "枚"))), &patch), "全量 14枚");
}

#[test]
fn doses_say_the_single_and_the_daily_amount() {
    let three = oral(Timing::Slots(slots("朝昼夕"), Meal::After), Rhythm::Daily, 5);
    assert_eq!(
        dose(&drug(Dose::Each(q("0.5", "錠"))), &three),
        "1回 0.5錠（1日 1.5錠）"
    );
    assert_eq!(
        dose(
            &drug(Dose::Uneven(vec![q("2", "錠"), q("1", "錠"), q("0.5", "錠")])),
            &three
        ),
        "1日 3.5錠（不均等 2錠－1錠－0.5錠）"
    );
    let mut powder = drug(Dose::Divided(q("2", "g")));
    powder.measure = Measure::Preparation;
    assert_eq!(dose(&powder, &three), "1回 2/3\u{a0}g（1日 2\u{a0}g）〔製剤量〕");
    powder.dose = Dose::Divided(q("300", "mg"));
    powder.measure = Measure::Active;
    assert_eq!(dose(&powder, &three), "1回 100\u{a0}mg（1日 300\u{a0}mg）〔成分量〕");
    assert_eq!(
        dose(&drug(Dose::Each(q("10", "ml"))), &three),
        "1回 10\u{a0}mL（1日 30\u{a0}mL）"
    );
    assert_eq!(dose(&drug(Dose::Each(q("4", "U"))), &three), "1回 4単位（1日 12単位）");
}

/// Every number in a text, as it stands there.
fn numbers(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.' || c == ','))
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

proptest! {
    #[test]
    fn no_number_misleads_and_each_comes_back(milli in 1..=40_000_000_u64, times in 1..=24_u8, unit in "(錠|g|mL|単位)") {
        let each = Quantity { milli, unit };
        let said = dose(&drug(Dose::Each(each.clone())), &oral(Timing::Times(times), Rhythm::Daily, 3));
        let found = numbers(&said);
        // "1", the single amount, "1", the daily amount.
        prop_assert_eq!(found.len(), 4, "{}", said);
        for number in &found {
            prop_assert!(!number.starts_with('.') && !number.ends_with('.'), "{}", said);
            prop_assert!(!number.contains('.') || !number.ends_with('0'), "{}", said);
        }
        prop_assert_eq!(Quantity::parse(&found[1], "").map(|q| q.milli), Some(milli));
        prop_assert_eq!(Quantity::parse(&found[3], "").map(|q| q.milli), Some(milli * u64::from(times)));
    }

    #[test]
    fn the_day_is_the_sum_of_its_uneven_doses(parts in prop::collection::vec(0..=20_000_u64, 2..=5)) {
        let all: Vec<Quantity> = parts.iter().map(|milli| Quantity { milli: *milli, unit: "錠".to_owned() }).collect();
        let said = dose(&drug(Dose::Uneven(all)), &oral(Timing::Times(parts.len() as u8), Rhythm::Daily, 3));
        let found = numbers(&said);
        let read: Vec<u64> = found.iter().skip(1).map(|n| Quantity::parse(n, "").unwrap().milli).collect();
        prop_assert_eq!(read[0], read[1..].iter().sum::<u64>(), "{}", said);
        prop_assert_eq!(&read[1..], &parts[..]);
    }

    #[test]
    fn a_divided_dose_is_exact_or_a_fraction(milli in 1..=Quantity::MAX_MILLI, times in 1..=24_u8) {
        match single(&Quantity { milli, unit: String::new() }, times) {
            Single::Exact(each) => prop_assert_eq!(each.milli * u64::from(times), milli),
            Single::Fraction(text) => {
                let (top, bottom) = text.split_once('/').unwrap();
                let (top, bottom): (u128, u128) = (top.parse().unwrap(), bottom.parse().unwrap());
                prop_assert_eq!(top * 1000 * u128::from(times), u128::from(milli) * bottom);
            }
        }
    }
}
