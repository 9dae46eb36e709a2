//! The twenty canary patients: every state of knowledge, every length, every kind of name that has ever made a page go wrong.
//!
//! Invented, and marked so in name, number, address and ward. Fixed for one version of the program: what changes here changes the pages,
//! and stations of another version then say that nothing was compared.

use chart::allergy::AllergyKind;
use chart::dose::Quantity;
use chart::medication::{Rhythm, Route};
use chart::note::{Section, SectionKind};
use chart::patient::{Fact, Phone};
use chart::result::Flag;
use chart::stay::{Care, Contact, Due, Handover, Plan, Scheduled, Vital};
use chart::{
    Allergy, Appointment, AsOf, Chart, Coded, Diagnosis, ExamOrder, Known, LabResult, Language, Moment, Name, Note,
    Patient, PatientId, Prescription, PrescriptionItem, Sex, Stay,
};
use jiff::ToSpan;
use jiff::civil::{Date, Time, date, time};

use super::{CANARY_ID, CANARY_WORD};

/// The day of the canary patients: one that is over for ever.
pub const DAY: Date = date(2020, 4, 1);

/// Written name, reading, birth date, sex.
type Person = (&'static str, &'static str, Option<Date>, Sex);

/// Names that pages have to bear: long ones, one-letter ones, letters of no font, no reading, Latin, a space where none belongs.
const PEOPLE: [Person; 20] = [
    (
        "見本　長曽我部左衛門尉太郎兵衛",
        "ミホン　チョウソカベサエモンノジョウタロウベエ",
        Some(date(1924, 12, 31)),
        Sex::Male,
    ),
    (
        "見本　\u{E000}邉　\u{E001}子",
        "ミホン　ワタナベ　ジュンコ",
        Some(date(1951, 5, 12)),
        Sex::Female,
    ),
    (
        "見本　MARIA DEL CARMEN GARCIA LOPEZ DE LA FUENTE",
        "ミホン　マリア　デル　カルメン　ガルシア　ロペス",
        Some(date(1988, 2, 29)),
        Sex::Female,
    ),
    ("見本　乙", "ミホン　オツ", Some(date(2020, 3, 31)), Sex::Unknown),
    ("見本　花子", "ミホン　ハナコ", Some(date(1960, 1, 1)), Sex::Female),
    ("見本　華子", "ミホン　ハナコ", Some(date(1960, 1, 1)), Sex::Female),
    ("見本　読みなし", "", Some(date(1945, 8, 15)), Sex::Male),
    ("見本　生年月日なし", "ミホン　セイネンガッピナシ", None, Sex::Other),
    ("見本　多剤", "ミホン　タザイ", Some(date(1938, 7, 7)), Sex::Male),
    (
        "見本　多項目",
        "ミホン　タコウモク",
        Some(date(1971, 11, 3)),
        Sex::Female,
    ),
    ("見本　長文", "ミホン　チョウブン", Some(date(1966, 6, 6)), Sex::Male),
    (
        "見本　入院一",
        "ミホン　ニュウインイチ",
        Some(date(1932, 4, 29)),
        Sex::Female,
    ),
    (
        "見本　入院二",
        "ミホン　ニュウインニ",
        Some(date(1949, 9, 9)),
        Sex::Male,
    ),
    (
        "見本　入院三",
        "ミホン　ニュウインサン",
        Some(date(2019, 4, 30)),
        Sex::Female,
    ),
    (
        "見本　取得不可",
        "ミホン　シュトクフカ",
        Some(date(1955, 10, 10)),
        Sex::Male,
    ),
    (
        "見本　なし確認済",
        "ミホン　ナシカクニンズミ",
        Some(date(1990, 1, 8)),
        Sex::Female,
    ),
    (
        "見本　予約多数",
        "ミホン　ヨヤクタスウ",
        Some(date(1983, 3, 3)),
        Sex::Male,
    ),
    (
        "見本　未告知",
        "ミホン　ミコクチ",
        Some(date(1958, 12, 24)),
        Sex::Female,
    ),
    (
        "見本　時点違い",
        "ミホン　ジテンチガイ",
        Some(date(1977, 7, 7)),
        Sex::Male,
    ),
    (
        "見本　阮氏明珠",
        "ミホン　グエンティミンチャウ",
        Some(date(1995, 5, 5)),
        Sex::Female,
    ),
];

/// All of them, the hardest names first.
#[must_use]
pub fn charts() -> Vec<Chart> {
    PEOPLE
        .iter()
        .zip(0..)
        .filter_map(|(person, n)| Some(hard_case(plain(person, n)?, n)))
        .collect()
}

/// Somebody with one appointment and a little of everything. The number always fits; `None` would leave a patient out, which a test sees.
fn plain((written, kana, birth, sex): &Person, n: usize) -> Option<Chart> {
    let patient = Patient {
        id: PatientId::parse(&format!("{CANARY_ID}{:02}", n + 1))?,
        name: Name::new(*written, *kana),
        former_names: Vec::new(),
        birth: *birth,
        sex: *sex,
        phones: vec![Phone {
            number: "000-0000-0000".to_owned(),
            purpose: CANARY_WORD.to_owned(),
        }],
        facts: vec![fact("血液型", "A（＋）", None), fact("体重", "52.4 kg", Some(ago(10)))],
        died: None,
        address: format!("{CANARY_WORD}県{CANARY_WORD}市1-2-3"),
        insurance: "社保".to_owned(),
        language: None,
    };
    Some(Chart {
        patient,
        appointments: vec![booked(time(9, 30, 0, 0), "循環器内科")],
        orders: vec![exam("採血"), exam("心電図")],
        allergies: Known::Present(vec![allergy(AllergyKind::Drug, "ペニシリン系", "アナフィラキシー")]),
        diagnoses: Known::Present(vec![disease("高血圧症", true), disease("脂質異常症", false)]),
        notes: Known::Present(vec![note("階段での息切れは前回より軽い。", "処方継続。")]),
        prescriptions: Known::Present(vec![prescribed(vec![drug(
            "アムロジピン錠 5 mg",
            "1",
            "錠",
            "1日1回 朝食後",
        )])]),
        results: Known::Present(vec![
            result("ヘモグロビン", "12.1", None),
            result("K", "6.8", Some(Flag::Critical)),
        ]),
        as_of: as_of(),
        findings: Vec::new(),
        thin: false,
        insurances: Known::NotRecorded,
        stay: None,
        origins: Vec::new(),
    })
}

/// What makes each of them hard.
fn hard_case(mut chart: Chart, n: usize) -> Chart {
    match n {
        2 => chart.patient.language = Language::parse("en"),
        3 => chart.allergies = Known::NotRecorded,
        6 => chart.appointments.clear(),
        8 => chart.prescriptions = Known::Present(vec![prescribed(many_drugs()), prescribed(many_drugs())]),
        9 => {
            chart.results = Known::Present(
                (1..=60)
                    .map(|n| result(&format!("検査項目その{n}"), "1,234.5", flag(n)))
                    .collect(),
            );
            chart.diagnoses = Known::Present(
                (1..=20)
                    .map(|n| disease(&format!("長い名前の病名その{n}の経過観察中"), n == 1))
                    .collect(),
            );
        }
        10 => {
            let long =
                "長い記載がページをまたいでも、氏名と時点がすべての面に残ることを確かめるための文です。".repeat(30);
            chart.notes = Known::Present(vec![note(&long, &long)]);
            chart.allergies = Known::Present(
                (1..=12)
                    .map(|n| allergy(AllergyKind::Food, &format!("食品その{n}"), "発疹"))
                    .collect(),
            );
        }
        11 => chart.stay = Some(full_stay("501", "1")),
        12 => chart.stay = Some(quiet_stay("501", "2")),
        13 => chart.stay = Some(Stay::at(ward(), "502", "1")),
        14 => unavailable(&mut chart),
        15 => none(&mut chart),
        16 => {
            let at = |hour: i8| booked(time(hour, 15, 0, 0), "整形外科");
            chart.appointments = (9..=16).map(at).collect();
            chart.orders = (1..=14).map(|n| exam(&format!("検査その{n}"))).collect();
        }
        17 => {
            if let Known::Present(list) = &mut chart.diagnoses {
                list.extend([Diagnosis {
                    uninformed: true,
                    ..disease("告げていない病名", false)
                }]);
            }
        }
        18 => {
            chart.as_of.apart = vec![(chart::DataKind::Result, Moment(as_of().at.0 - 7_200))];
            chart.origins = vec![(chart::DataKind::Result, "部門検査".to_owned())];
        }
        19 => chart.patient.language = Language::parse("vi"),
        _ => {}
    }
    chart
}

fn unavailable(chart: &mut Chart) {
    let since = Some(as_of().at);
    chart.allergies = Known::Unavailable { since };
    chart.diagnoses = Known::Unavailable { since };
    chart.notes = Known::Unavailable { since };
    chart.prescriptions = Known::Unavailable { since };
    chart.results = Known::Unavailable { since: None };
}

fn none(chart: &mut Chart) {
    let on = Some(ago(30));
    chart.allergies = Known::ConfirmedNone { on };
    chart.diagnoses = Known::ConfirmedNone { on };
    chart.prescriptions = Known::ConfirmedNone { on: None };
    chart.notes = Known::NotRecorded;
    chart.results = Known::NotRecorded;
}

fn as_of() -> AsOf {
    AsOf::all(Moment::from_local(DAY.at(8, 45, 0, 0)))
}

fn ago(days: i64) -> Date {
    DAY.checked_sub(days.days()).unwrap_or(DAY)
}

fn fact(label: &str, value: &str, on: Option<Date>) -> Fact {
    Fact {
        label: label.to_owned(),
        value: value.to_owned(),
        on,
    }
}

fn booked(at: Time, department: &str) -> Appointment {
    Appointment {
        on: DAY,
        at: Some(at),
        department: Coded::new(CANARY_WORD, department),
        doctor: Coded::new("", "見本　医師"),
        place: "2階 見本受付".to_owned(),
        purpose: "再診".to_owned(),
        number: String::new(),
    }
}

fn exam(name: &str) -> ExamOrder {
    ExamOrder {
        on: DAY,
        at: None,
        exam: Coded::new("", name),
        place: "1階 見本".to_owned(),
        remarks: "絶食".to_owned(),
        department: Coded::new(CANARY_WORD, "循環器内科"),
        number: String::new(),
    }
}

fn allergy(kind: AllergyKind, substance: &str, reaction: &str) -> Allergy {
    Allergy {
        kind,
        substance: substance.to_owned(),
        reaction: reaction.to_owned(),
        on: Some(ago(2000)),
        ..Allergy::default()
    }
}

fn disease(name: &str, main: bool) -> Diagnosis {
    Diagnosis {
        name: name.to_owned(),
        since: Some(ago(400)),
        main,
        ..Diagnosis::default()
    }
}

fn note(subjective: &str, plan: &str) -> Note {
    let section = |kind, text: &str| Section {
        kind,
        text: text.to_owned(),
    };
    Note {
        on: Some(ago(35)),
        at: Some(time(10, 5, 0, 0)),
        department: Coded::new(CANARY_WORD, "循環器内科"),
        author: Coded::new("", "見本　医師"),
        sections: vec![
            section(SectionKind::Subjective, subjective),
            section(SectionKind::Plan, plan),
        ],
    }
}

fn amount(number: &str, unit: &str) -> Option<Quantity> {
    Quantity::parse(number, unit)
}

fn drug(name: &str, dose: &str, unit: &str, usage: &str) -> PrescriptionItem {
    PrescriptionItem {
        rp: 1,
        drug: Coded::new("", name),
        per_dose: amount(dose, unit),
        per_day: amount(dose, unit),
        usage: usage.to_owned(),
        days: Some(35),
        ..PrescriptionItem::default()
    }
}

fn many_drugs() -> Vec<PrescriptionItem> {
    let mut list: Vec<PrescriptionItem> = (1..=18)
        .map(|n| PrescriptionItem {
            rp: n,
            ..drug(
                &format!("長い名前の配合剤その{n}「見本」 OD錠 12.5 mg"),
                "0.5",
                "錠",
                "1日3回 毎食後",
            )
        })
        .collect();
    list.push(PrescriptionItem {
        uneven: ["2", "0", "1"].into_iter().filter_map(|n| amount(n, "錠")).collect(),
        comment: "一包化。朝は粉砕。残薬があれば知らせること。".to_owned(),
        rhythm: Rhythm::Weekdays(0b010_1010),
        tag: "抗凝固".to_owned(),
        ..drug("ワルファリン錠 1 mg", "3", "錠", "不均等")
    });
    list.push(PrescriptionItem {
        route: Route::External,
        per_dose: None,
        per_day: None,
        total: amount("2", "本"),
        days: None,
        ..drug("見本軟膏 0.05 %", "1", "本", "1日2回 患部に塗布")
    });
    list
}

fn prescribed(items: Vec<PrescriptionItem>) -> Prescription {
    Prescription {
        on: Some(ago(35)),
        department: Coded::new(CANARY_WORD, "循環器内科"),
        doctor: Coded::new("", "見本　医師"),
        items,
    }
}

fn flag(n: u32) -> Option<Flag> {
    [None, Some(Flag::High), Some(Flag::Low), Some(Flag::Abnormal)]
        .into_iter()
        .cycle()
        .nth(n as usize)
        .flatten()
}

fn result(name: &str, value: &str, flag: Option<Flag>) -> LabResult {
    LabResult {
        name: name.to_owned(),
        value: value.to_owned(),
        unit: "mEq/L".to_owned(),
        flag,
        reference: "3.5–5.0".to_owned(),
        on: Some(ago(7)),
        ..LabResult::default()
    }
}

fn ward() -> Coded {
    Coded::new(CANARY_WORD, "見本病棟")
}

fn words(text: &str) -> Known<String> {
    Known::Present(text.to_owned())
}

fn scheduled(name: &str, hours: &[u8], high_risk: bool) -> Scheduled {
    let due = |hour: &u8| Due {
        hour: *hour,
        words: String::new(),
    };
    Scheduled {
        item: drug(name, "1", "錠", "指示どおり"),
        due: hours.iter().map(due).collect(),
        high_risk,
        how: "静注".to_owned(),
    }
}

/// A stay with everything in it, and much of it.
fn full_stay(room: &str, bed: &str) -> Stay {
    let vital = |hour: i8| Vital {
        on: Some(ago(1)),
        at: Some(time(hour, 0, 0, 0)),
        temperature: "38.2 ℃".to_owned(),
        pressure: "118/70".to_owned(),
        pulse: "72".to_owned(),
        spo2: "96 %".to_owned(),
        remark: String::new(),
    };
    Stay {
        admitted: Some(ago(11)),
        department: Coded::new(CANARY_WORD, "循環器内科"),
        attending: Coded::new("", "見本　医師"),
        nurse: Coded::new("", "見本　看護師"),
        purpose: "心不全の治療".to_owned(),
        diet: words("絶食"),
        isolation: words("接触予防策"),
        rest: words("ベッド上"),
        oxygen: words("鼻カニュラ 2 L/分"),
        drip: words("右前腕 持続"),
        insulin: words("スライディングスケール"),
        policy: Known::Present(vec!["DNAR（見本）".to_owned()]),
        medicines: Known::Present(
            (0..14)
                .map(|n| scheduled("見本内服薬の長い名前", &[8, 12, 18, n], false))
                .collect(),
        ),
        injections: Known::Present(
            (0..8)
                .map(|n| scheduled("見本注射液 40 mEq", &[n, n + 8], true))
                .collect(),
        ),
        vitals: Known::Present((0..24).map(vital).collect()),
        plans: Known::Present(vec![Plan {
            when: "04-02 09:00".to_owned(),
            what: "心臓カテーテル検査".to_owned(),
        }]),
        handovers: Known::Present(vec![Handover {
            on: Some(ago(0)),
            at: Some(time(6, 0, 0, 0)),
            author: Coded::new("", "見本　看護師"),
            text: "夜間の尿量が少ない。朝の採血の結果を確かめること。".repeat(6),
        }]),
        care: Care {
            adl: words("全介助"),
            falls: words("高い"),
            swallowing: words("とろみ"),
            skin: words("仙骨部 発赤"),
        },
        contacts: Known::Present(vec![Contact {
            name: "見本　家族".to_owned(),
            relation: "長女".to_owned(),
            phone: "000-0000-0000".to_owned(),
        }]),
        ..Stay::at(ward(), room, bed)
    }
}

/// A stay of which everything was asked and nothing is there.
fn quiet_stay(room: &str, bed: &str) -> Stay {
    fn asked<T>() -> Known<T> {
        Known::ConfirmedNone { on: Some(DAY) }
    }
    Stay {
        admitted: Some(DAY),
        diet: words("常食"),
        isolation: asked(),
        rest: Known::NotRecorded,
        oxygen: asked(),
        drip: asked(),
        insulin: asked(),
        policy: asked(),
        medicines: asked(),
        injections: asked(),
        vitals: Known::NotRecorded,
        plans: asked(),
        handovers: Known::NotRecorded,
        contacts: Known::NotRecorded,
        ..Stay::at(ward(), room, bed)
    }
}
