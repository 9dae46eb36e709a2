//! Every fault is found, and a sound prescription has none.

use super::*;
use crate::rx::{GivenOut, Insurance, Measure, OralUse, Substitution, USUAL_VALID_DAYS};

fn q(number: &str, unit: &str) -> Quantity {
    Quantity::parse(number, unit).unwrap()
}

fn sound() -> Rx {
    let drug = Drug {
        name: "架空胃薬錠100mg".to_owned(),
        system: CodeSystem::None,
        code: String::new(),
        dose: Dose::Each(q("1", "錠")),
        measure: Measure::Counted,
        substitution: Substitution::Free,
        control: Control::Unmarked,
        conversion: None,
        notes: Vec::new(),
    };
    let usage = Usage::Oral(OralUse {
        timing: Timing::Times(3),
        rhythm: Rhythm::Daily,
        days: 14,
    });
    Rx {
        given_out: GivenOut::Outside,
        rps: vec![Rp {
            drugs: vec![drug],
            usage,
            packed: false,
            crushed: false,
            step: None,
            notes: Vec::new(),
            jami: String::new(),
        }],
        valid_days: USUAL_VALID_DAYS,
        refill: None,
        leftovers: None,
        remarks: Vec::new(),
        insurance: Insurance::default(),
    }
}

fn faults(change: impl FnOnce(&mut Rx)) -> Vec<Fault> {
    let mut rx = sound();
    change(&mut rx);
    rx.check()
}

#[test]
fn a_sound_one_has_no_fault_and_comes_back_from_its_bytes() {
    assert_eq!(sound().check(), []);
    let bytes = minicbor::to_vec(sound()).unwrap();
    assert_eq!(minicbor::decode::<Rx>(&bytes).unwrap(), sound());
}

#[test]
fn narcotics_are_refused_by_mark_and_by_name() {
    let marked = faults(|rx| rx.rps[0].drugs[0].control = Control::Narcotic);
    assert!(matches!(marked.as_slice(), [Fault::Narcotic { rp: 1, .. }]));
    assert!(marked[0].to_string().contains("専用の麻薬処方箋用紙"));
    let named = faults(|rx| rx.rps[0].drugs[0].name = "（麻）架空徐放錠10mg".to_owned());
    assert!(matches!(named.as_slice(), [Fault::Narcotic { .. }]));
}

#[test]
fn an_amount_must_fit_its_usage() {
    for dose in [
        Dose::Each(q("0", "錠")),
        Dose::Each(q("1", "")),
        Dose::PerUse(q("1", "錠")),
        Dose::Total(q("1", "錠")),
        Dose::Each(q("1000000", "錠")),
        Dose::Uneven(vec![q("1", "錠"), q("2", "錠")]),
        Dose::Uneven(vec![q("1", "錠"), q("2", "錠"), q("2", "g")]),
        Dose::Uneven(vec![q("0", "錠"), q("0", "錠"), q("0", "錠")]),
    ] {
        let found = faults(|rx| rx.rps[0].drugs[0].dose = dose.clone());
        assert!(matches!(found.as_slice(), [Fault::Amount { .. }]), "{dose:?} {found:?}");
    }
    let uneven = Dose::Uneven(vec![q("1", "錠"), q("0", "錠"), q("2", "錠")]);
    assert_eq!(faults(|rx| rx.rps[0].drugs[0].dose = uneven), []);
}

#[test]
fn usage_refill_period_and_insurance_are_bounded() {
    let usage = |usage: Usage| faults(|rx| rx.rps[0].usage = usage);
    let oral = |timing, rhythm, days| usage(Usage::Oral(OralUse { timing, rhythm, days }));
    assert!(matches!(
        oral(Timing::Times(3), Rhythm::Daily, 0).as_slice(),
        [Fault::Usage { field: "日数", .. }]
    ));
    assert!(matches!(
        oral(Timing::EveryHours(7), Rhythm::Daily, 3).as_slice(),
        [Fault::Usage {
            field: "服用の間隔",
            ..
        }]
    ));
    assert!(matches!(
        oral(Timing::Times(1), Rhythm::Weekdays(0), 3).as_slice(),
        [Fault::Usage { field: "曜日", .. }]
    ));
    assert_eq!(faults(|rx| rx.refill = Some(4)), [Fault::RefillCount(4)]);
    let limited = faults(|rx| {
        rx.refill = Some(2);
        rx.rps[0].drugs[0].control = Control::Limited;
    });
    assert!(matches!(limited.as_slice(), [Fault::RefillLimited { .. }]));
    assert_eq!(faults(|rx| rx.valid_days = 0), [Fault::ValidDays(0)]);
    assert_eq!(
        faults(|rx| rx.insurance.insurer = "1234567".to_owned()),
        [Fault::Insurance("保険者番号")]
    );
    assert!(matches!(
        faults(|rx| rx.remarks = vec!["二\n行".to_owned()]).as_slice(),
        [Fault::Text { .. }]
    ));
    assert!(faults(|rx| rx.rps = vec![rx.rps[0].clone(); 31]).len() == 1);
    assert!(!faults(|rx| rx.rps.clear()).is_empty());
}

#[test]
fn steps_go_from_the_first_to_the_last() {
    let steps = |steps: &[(u8, u8)]| {
        faults(|rx| {
            rx.rps = steps
                .iter()
                .map(|(step, of)| Rp {
                    step: Some(Step { step: *step, of: *of }),
                    ..rx.rps[0].clone()
                })
                .collect();
        })
    };
    assert_eq!(steps(&[(1, 3), (2, 3), (3, 3)]), []);
    assert_eq!(steps(&[(1, 2), (2, 2), (1, 2), (2, 2)]), []);
    for bad in [
        &[(1, 3), (2, 3)][..],
        &[(2, 2)],
        &[(1, 1)],
        &[(1, 3), (3, 3)],
        &[(1, 2), (2, 2), (2, 2)],
    ] {
        assert!(!steps(bad).is_empty(), "{bad:?}");
    }
}

#[test]
fn the_last_day_counts_the_day_of_issue() {
    assert_eq!(
        sound().last_day(jiff::civil::date(2026, 11, 28)),
        Some(jiff::civil::date(2026, 12, 1))
    );
}
