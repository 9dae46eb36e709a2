//! Allergies and contraindications in all four states, and the facts that change seldom.

use crate::body::Body;
use crate::calendar;
use crate::catalogue::{Allergen, HazardRow};
use crate::hospital::Hospital;
use crate::illness::Case;
use crate::patient::{Caution, Cautions, Profile};
use crate::rng::{Rng, Subject};
use jiff::civil::Date;

/// Words for cautions without a code.
const FREE: [&str; 8] = [
    "以前、歯科の麻酔で気分不良（薬剤名不明）",
    "抗生物質で発疹（20代、詳細不明）",
    "山芋で口がかゆくなる",
    "○○市の病院で点滴後に蕁麻疹、薬剤名は本人記憶なし",
    "「赤い風邪薬」で薬疹",
    "造影検査で気分が悪くなった（本人談）",
    "猫、ハウスダスト",
    "母がペニシリンショック（本人は使用歴なし）",
];

/// Allergies and contraindications, and the drug groups that are not given because of them.
pub(crate) fn cautions(
    hospital: &Hospital,
    number: u32,
    case: &Case,
    hazard: Option<&HazardRow>,
    registered: Date,
) -> (Cautions, Vec<&'static str>) {
    let mut rng = hospital.rng(number, Subject::Caution);
    let all = &hospital.catalogue.allergens;
    let today = hospital.today();
    let mut chosen: Vec<(&Allergen, Option<&'static str>)> = Vec::new();
    let mut free = 0;
    let needed = |a: &Allergen| a.needs.iter().any(|prefix| case.has(&hospital.catalogue, prefix));
    for allergen in all {
        // A pacemaker is always written down, other reasons mostly.
        if allergen.contraindication && needed(allergen) && (allergen.weight == 0 || rng.chance(55)) {
            chosen.push((allergen, None));
        }
    }
    if hazard.is_none() && case.attended.iter().all(|a| a.first) {
        // Nobody has asked somebody who has never been here.
        return (Cautions::NotRecorded, Vec::new());
    }
    match hazard.and_then(|row| row.allergy) {
        Some("none") => {
            return (
                Cautions::ConfirmedNone(confirmed(&mut rng, registered, today)),
                Vec::new(),
            );
        }
        Some("unrecorded") => return (Cautions::NotRecorded, Vec::new()),
        Some("unavailable") => return (Cautions::Unavailable, Vec::new()),
        Some(codes) => {
            for code in codes.split('+') {
                let (code, reaction) = code
                    .split_once(':')
                    .map_or((code, None), |(code, reaction)| (code, Some(reaction)));
                match all.iter().find(|a| a.code == code) {
                    Some(allergen) => {
                        chosen.retain(|(other, _)| other.code != code);
                        chosen.push((allergen, reaction));
                    }
                    None => free += 1,
                }
            }
        }
        None => match rng.below(100) {
            _ if !chosen.is_empty() => {}
            0..=21 => {
                let count = rng.pick(&[1, 1, 1, 2, 2, 3]).copied().unwrap_or(1);
                let weights = all.iter().map(|a| {
                    if a.needs == ["*"] && (case.age >= 10 || a.class == 'F') {
                        a.weight
                    } else {
                        0
                    }
                });
                for _ in 0..count {
                    if let Some(allergen) = rng.weighted(weights.clone()).and_then(|place| all.get(place))
                        && !chosen.iter().any(|(other, _)| other.code == allergen.code)
                    {
                        chosen.push((allergen, None));
                    }
                }
                free = u32::from(rng.chance(15));
            }
            22..=76 => {
                return (
                    Cautions::ConfirmedNone(confirmed(&mut rng, registered, today)),
                    Vec::new(),
                );
            }
            77..=94 => return (Cautions::NotRecorded, Vec::new()),
            _ => return (Cautions::Unavailable, Vec::new()),
        },
    }
    let stops = chosen.iter().flat_map(|(a, _)| a.stops.iter().copied()).collect();
    let mut items: Vec<Caution> = chosen
        .iter()
        .map(|(a, reaction)| caution(&mut rng, a, *reaction, case, registered, today))
        .collect();
    for _ in 0..free {
        items.push(Caution {
            contraindication: false,
            class: 'O',
            code: "",
            text: rng.word(&FREE).to_owned(),
            reaction: "",
            severity: None,
            happened: None,
            recorded: confirmed(&mut rng, registered, today),
            remark: "本人の申告",
        });
    }
    (Cautions::Known(items), stops)
}

fn caution(
    rng: &mut Rng,
    allergen: &Allergen,
    reaction: Option<&'static str>,
    case: &Case,
    registered: Date,
    today: Date,
) -> Caution {
    let reaction = reaction.unwrap_or_else(|| rng.word(&allergen.reactions));
    let severe = ["アナフィラキシー", "喘息", "呼吸", "血圧低下", "粘膜疹", "間質性肺炎"]
        .iter()
        .any(|word| reaction.contains(word));
    let severity = if reaction.is_empty() {
        None
    } else if severe {
        Some(3)
    } else {
        Some(u8::from(rng.chance(40)) + 1)
    };
    let lived = calendar::days_between(case.birth, today);
    let happened = calendar::plus(today, -rng.between(30.min(lived), lived.min(365 * 25)));
    let recorded = confirmed(rng, registered, today).max(happened.min(today));
    Caution {
        contraindication: allergen.contraindication,
        class: allergen.class,
        code: allergen.code,
        text: allergen.text.to_owned(),
        reaction,
        severity,
        happened: (!allergen.contraindication && rng.chance(70)).then_some(happened),
        recorded: calendar::open_on_or_before(recorded).max(registered.min(recorded)),
        remark: if rng.chance(12) {
            rng.word(&["お薬手帳で確認", "家族から聴取", "前医の紹介状に記載", "再投与は避ける"])
        } else {
            ""
        },
    }
}

/// A day on which somebody asked.
fn confirmed(rng: &mut Rng, registered: Date, today: Date) -> Date {
    let known = calendar::days_between(registered, today);
    calendar::open_on_or_before(calendar::plus(today, -rng.between(known.min(7), known.min(1100)))).max(registered)
}

/// Body measures, infections and pacemaker, as far as anybody recorded them.
pub(crate) fn profile(hospital: &Hospital, number: u32, case: &Case, body: &Body, registered: Date) -> Profile {
    let mut rng = hospital.rng(number, Subject::Profile);
    let today = hospital.today();
    let mut day = |limit: i64| confirmed(&mut rng, registered.max(calendar::plus(today, -limit)), today);
    let (height, weight, tested, device) = (day(1100), day(180), day(1100), day(1100));
    let child = case.age < 15;
    let has_device = case.has(&hospital.catalogue, "I49.5") || case.has(&hospital.catalogue, "I44.2");
    let carrier = case.has(&hospital.catalogue, "B18.1");
    let antibody = case.has(&hospital.catalogue, "B18.2");
    let known_height = rng.chance(if child { 90 } else { 55 });
    let known_weight = rng.chance(if child { 98 } else { 62 });
    let infections = carrier || antibody || (case.age >= 16 && rng.chance(38));
    let positive = (carrier || rng.chance(1), antibody || (case.age >= 60 && rng.chance(2)));
    let asked = rng.chance(if case.age >= 60 { 40 } else { 8 });
    Profile {
        height: known_height.then_some((body.height, if child { weight } else { height })),
        weight: known_weight.then_some((body.weight, weight)),
        infections: infections.then_some((positive.0, positive.1, tested)),
        pacemaker: (has_device || asked).then_some((has_device, device)),
    }
}
