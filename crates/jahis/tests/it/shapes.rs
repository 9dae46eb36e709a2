//! Prescriptions to write: the sample of the format page, and random ones. All invented.

use chart::dose::Quantity;
use chart::medication::Rhythm;
use chart::patient::{Name, Sex};
use chart::rx::{
    CodeSystem, Control, Doctor, Dose, Drug, GivenOut, Institution, Insurance, Leftovers, Meal, Measure, Member,
    OralUse, Payer, Rp, Rx, RxPatient, RxSheet, Slots, Step, Substitution, Timing, USUAL_VALID_DAYS, Usage,
};
use chart::{Coded, PatientId};
use jiff::civil::date;
use proptest::prelude::*;

pub fn q(number: &str, unit: &str) -> Quantity {
    Quantity::parse(number, unit).unwrap()
}

pub fn drug(name: &str, dose: Dose) -> Drug {
    Drug {
        name: name.to_owned(),
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

pub fn rp(drugs: Vec<Drug>, usage: Usage) -> Rp {
    Rp {
        drugs,
        usage,
        packed: false,
        crushed: false,
        step: None,
        notes: Vec::new(),
        jami: String::new(),
    }
}

pub fn oral(timing: Timing, days: u16) -> Usage {
    Usage::Oral(OralUse {
        timing,
        rhythm: Rhythm::Daily,
        days,
    })
}

/// The sample of the format page.
pub fn sample() -> RxSheet {
    let both = Slots {
        morning: true,
        evening: true,
        ..Slots::default()
    };
    let mut generic = drug("【般】ロキソプロフェンＮａ錠６０ｍｇ", Dose::Each(q("1", "錠")));
    generic.system = CodeSystem::Generic;
    generic.code = "1149019F1ZZZ".to_owned();
    let mut fixed = drug("架空胃薬錠１００ｍｇ", Dose::Each(q("1", "錠")));
    fixed.substitution = Substitution::NoGeneric;
    let mut first = rp(vec![generic, fixed], oral(Timing::Slots(both, Meal::After), 14));
    first.jami = "1012040400000000".to_owned();
    let second = rp(
        vec![drug("架空頓服錠５ｍｇ", Dose::PerUse(q("1", "錠")))],
        Usage::AsNeeded {
            when: "疼痛時".to_owned(),
            at_most: 2,
            times: 5,
        },
    );
    let third = rp(
        vec![drug("架空貼付剤４０ｍｇ", Dose::Total(q("14", "枚")))],
        Usage::External {
            site: "腰".to_owned(),
            how: "貼付".to_owned(),
            per_day: 1,
        },
    );
    RxSheet {
        institution: Institution {
            prefecture: "13".to_owned(),
            code: "9876543".to_owned(),
            name: "みなと架空病院".to_owned(),
            postcode: "105-0000".to_owned(),
            address: "東京都港区架空町１－２－３".to_owned(),
            phone: "03-0000-1111".to_owned(),
            fax: "03-0000-1112".to_owned(),
        },
        department: Coded::new("01", "内科"),
        doctor: Doctor {
            code: String::new(),
            name: Name::new("架空\u{3000}花子", "カクウ\u{3000}ハナコ"),
        },
        patient: RxPatient {
            id: PatientId::parse("00012345").unwrap(),
            name: Name::new("模擬\u{3000}太郎", "モギ\u{3000}タロウ"),
            sex: Sex::Male,
            birth: Some(date(1958, 3, 2)),
        },
        issued_on: date(2026, 11, 20),
        rx: Rx {
            given_out: GivenOut::Outside,
            rps: vec![first, second, third],
            valid_days: USUAL_VALID_DAYS,
            refill: None,
            leftovers: Some(Leftovers::Inform),
            remarks: vec!["電子カルテ停止中のため紙運用で発行".to_owned()],
            insurance: Insurance {
                insurer: "06139992".to_owned(),
                symbol: "模擬１２".to_owned(),
                number: "３４５".to_owned(),
                branch: "01".to_owned(),
                member: Some(Member::Insured),
                ..Insurance::default()
            },
        },
    }
}

/// Letters of names and texts: kanji, kana, ASCII with commas and quotes, blanks, vendors' characters, private ones.
fn text(most: usize) -> impl Strategy<Value = String> {
    let letters = prop::sample::select(
        "亜架空薬錠散髙﨑濵①Ⅲ㎎〜−,\"'あアｱa9.-% 　（）「」🙂\u{E000}é"
            .chars()
            .collect::<Vec<_>>(),
    );
    (
        prop::sample::select(vec!["架空", "Ａ錠", "x", "薬"]),
        prop::collection::vec(letters, 0..most),
    )
        .prop_map(|(first, rest)| first.chars().chain(rest).collect())
}

fn quantity() -> impl Strategy<Value = Quantity> {
    let milli = prop_oneof![1..=99_u64, (1..=99_u64).prop_map(|n| n * 500), 1..=40_000_000_u64];
    (
        milli,
        prop::sample::select(vec!["錠", "g", "mL", "包", "単位", "カプセル"]),
    )
        .prop_map(|(milli, unit)| Quantity {
            milli,
            unit: unit.to_owned(),
        })
}

fn timing() -> impl Strategy<Value = Timing> {
    let meal = prop::sample::select(vec![
        Meal::Before,
        Meal::RightBefore,
        Meal::RightAfter,
        Meal::After,
        Meal::Between,
    ]);
    prop_oneof![
        (1..32_u8, meal).prop_map(|(bits, meal)| {
            let slots = Slots {
                waking: bits & 1 > 0,
                morning: bits & 2 > 0,
                noon: bits & 4 > 0,
                evening: bits & 8 > 0,
                bedtime: bits & 16 > 0,
            };
            Timing::Slots(slots, meal)
        }),
        prop::sample::select(vec![4, 6, 8, 12, 24]).prop_map(Timing::EveryHours),
        (1..=6_u8).prop_map(Timing::Times),
        (1..=5_u8, text(90)).prop_map(|(times, words)| Timing::AsWritten(times, words)),
    ]
}

fn rhythm() -> impl Strategy<Value = Rhythm> {
    prop_oneof![
        3 => Just(Rhythm::Daily),
        1 => Just(Rhythm::AlternateDays),
        1 => (2..=14_u8).prop_map(Rhythm::EveryDays),
        1 => (1..128_u8).prop_map(Rhythm::Weekdays),
    ]
}

fn coded(name: String, dose: Dose, picks: (u8, u8, u8), notes: Vec<String>) -> Drug {
    let (system, code) = match picks.0 % 7 {
        1 => (CodeSystem::Claim, "620000001"),
        2 => (CodeSystem::Mhlw, "2171022F1029"),
        3 => (CodeSystem::Yj, "2171022F1029"),
        4 => (CodeSystem::Hot, "1000001010101"),
        5 => (CodeSystem::Generic, "1149019F1ZZZ"),
        6 => (CodeSystem::Local, "D-0815"),
        _ => (CodeSystem::None, ""),
    };
    Drug {
        name,
        system,
        code: code.to_owned(),
        dose,
        measure: [Measure::Counted, Measure::Preparation, Measure::Active][usize::from(picks.1 % 3)],
        substitution: [
            Substitution::Free,
            Substitution::NoGeneric,
            Substitution::NoForm,
            Substitution::NoStrength,
            Substitution::NoFormNorStrength,
            Substitution::PatientWish,
        ][usize::from(picks.2 % 6)],
        control: Control::Unmarked,
        conversion: (system != CodeSystem::None && picks.1 > 200).then_some(25_000_001 * u64::from(picks.1)),
        notes,
    }
}

fn group() -> impl Strategy<Value = Rp> {
    let usage = prop_oneof![
        4 => (timing(), rhythm(), 1..=90_u16).prop_map(|(timing, rhythm, days)| Usage::Oral(OralUse { timing, rhythm, days })),
        1 => (text(12), 0..=6_u8, 1..=30_u16).prop_map(|(when, at_most, times)| Usage::AsNeeded { when, at_most, times }),
        1 => (text(6), text(6), 0..=4_u8).prop_map(|(site, how, per_day)| Usage::External { site, how, per_day }),
        1 => (text(20), 0..3_u8).prop_map(|(how, which)| match which {
            0 => Usage::Drops(how),
            1 => Usage::Injection(how),
            _ => Usage::Material(how),
        }),
    ];
    let drug = (
        text(18),
        any::<(u8, u8, u8)>(),
        prop::collection::vec(quantity(), 5),
        prop::collection::vec(text(60), 0..2),
    );
    (
        usage,
        prop::collection::vec(drug, 1..4),
        any::<(bool, bool)>(),
        prop::collection::vec(text(70), 0..2),
        any::<u8>(),
    )
        .prop_map(|(usage, drugs, (packed, crushed), notes, code)| {
            let drugs = drugs
                .into_iter()
                .map(|(name, picks, amounts, notes)| coded(name, dose(&usage, amounts, picks.0), picks, notes))
                .collect();
            let jami = if code.is_multiple_of(4) { "1013044400000000" } else { "" };
            Rp {
                drugs,
                usage,
                packed,
                crushed,
                step: None,
                notes,
                jami: jami.to_owned(),
            }
        })
}

/// A dose that fits the usage.
fn dose(usage: &Usage, mut amounts: Vec<Quantity>, pick: u8) -> Dose {
    let first = amounts[0].clone();
    match usage {
        Usage::Oral(oral) => match (pick / 7 % 3, oral.timing.times()) {
            (0, times @ 2..=5) => {
                for amount in &mut amounts {
                    amount.unit.clone_from(&first.unit);
                }
                amounts.truncate(times.into());
                Dose::Uneven(amounts)
            }
            (1, _) => Dose::Divided(first),
            _ => Dose::Each(first),
        },
        Usage::AsNeeded { .. } => Dose::PerUse(first),
        _ => Dose::Total(first),
    }
}

/// Any prescription that may be issued.
pub fn any_sheet() -> impl Strategy<Value = RxSheet> {
    let insurance =
        (any::<[bool; 6]>(), prop::collection::vec("[0-9]{8}", 0..=3)).prop_map(|(known, payers)| Insurance {
            insurer: if known[0] { "06139992".to_owned() } else { String::new() },
            symbol: if known[1] {
                "模擬,１２".to_owned()
            } else {
                String::new()
            },
            number: if known[2] {
                "３４５".to_owned()
            } else {
                String::new()
            },
            branch: if known[3] { "01".to_owned() } else { String::new() },
            member: known[4].then_some(Member::Dependent),
            burden: known[5].then_some(chart::rx::Burden::Elderly80),
            payers: payers
                .into_iter()
                .map(|payer| Payer {
                    recipient: payer[..7].to_owned(),
                    payer,
                })
                .collect(),
            as_of: None,
        });
    let rest = (
        text(10),
        text(10),
        text(30),
        prop::collection::vec(text(150), 0..3),
        1..=93_u8,
        any::<(u8, bool)>(),
    );
    (prop::collection::vec(group(), 1..5), insurance, rest).prop_map(
        |(mut rps, insurance, (doctor, patient, hospital, remarks, valid_days, (pick, taper)))| {
            if taper {
                let course = rps[0].clone();
                let steps = (1..=3_u8).map(|step| Rp {
                    step: Some(Step { step, of: 3 }),
                    ..course.clone()
                });
                rps.extend(steps);
            }
            let mut sheet = sample();
            sheet.doctor.name = Name::new(doctor, "カクウ");
            sheet.patient.name = Name::new(patient, "模擬");
            sheet.patient.sex = if pick & 1 > 0 { Sex::Male } else { Sex::Female };
            sheet.institution.name = hospital;
            sheet.department = if pick & 2 > 0 {
                Coded::new("", "内科")
            } else {
                Coded::new("08", "")
            };
            sheet.rx = Rx {
                given_out: GivenOut::Outside,
                rps,
                valid_days: if pick & 4 > 0 { USUAL_VALID_DAYS } else { valid_days },
                refill: (pick & 8 > 0).then_some(2 + (pick & 1)),
                leftovers: (pick & 16 > 0).then_some(Leftovers::AskFirst),
                remarks,
                insurance,
            };
            sheet
        },
    )
}
