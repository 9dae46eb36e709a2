//! Data: the people of the stories, with the hazards of the trade: same names, variants, the four allergy states, a newborn,
//! somebody who died, a hostile name.

use chart::allergy::AllergyKind;
use chart::dose::Quantity;
use chart::note::{Section, SectionKind};
use chart::patient::{Fact, Phone};
use chart::result::Flag;
use chart::{
    Allergy, Appointment, AsOf, Chart, Coded, DataKind, Diagnosis, ExamOrder, Known, LabResult, Moment, Name, Note,
    Patient, PatientId, Prescription, PrescriptionItem, Sex,
};
use jiff::civil::{Date, date, time};

use super::DAY;

/// A patient with a booking and nothing else.
pub fn patient(id: &str, written: &str, kana: &str, birth: Date, sex: Sex, at: (i8, i8)) -> Chart {
    Chart {
        patient: Patient {
            id: PatientId::parse(id).unwrap(),
            name: Name::new(written, kana),
            former_names: Vec::new(),
            birth: Some(birth),
            sex,
            phones: vec![Phone {
                number: format!("090-1234-{}", &id[id.len() - 4..]),
                purpose: "携帯".into(),
            }],
            facts: Vec::new(),
            died: None,
            address: String::new(),
            insurance: "社保 3割".into(),
            language: (id == "00123456").then(|| chart::Language::parse("en")).flatten(),
        },
        appointments: vec![booking("01", "循環器内科", "D1", "佐藤　一郎", at)],
        orders: Vec::new(),
        allergies: Known::NotRecorded,
        diagnoses: Known::NotRecorded,
        notes: Known::NotRecorded,
        prescriptions: Known::NotRecorded,
        results: Known::NotRecorded,
        as_of: AsOf::all(Moment::from_local(DAY.at(8, 45, 0, 0))),
        findings: Vec::new(),
        thin: false,
        origins: Vec::new(),
        insurances: Known::NotRecorded,
        stay: None,
    }
}

pub fn booking(department: &str, name: &str, doctor: &str, doctor_name: &str, at: (i8, i8)) -> Appointment {
    Appointment {
        on: DAY,
        at: Some(time(at.0, at.1, 0, 0)),
        department: Coded::new(department, name),
        doctor: Coded::new(doctor, doctor_name),
        place: "2階 C受付".into(),
        purpose: "再診".into(),
        number: String::new(),
    }
}

/// The people of the stories: same names, variants, four allergy states, a newborn, a hostile name.
pub fn people() -> Vec<Chart> {
    let mut all = vec![hanako()];
    let mut hanako2 = patient(
        "00341187",
        "山田　華子",
        "ヤマダ　ハナコ",
        date(1978, 11, 2),
        Sex::Female,
        (10, 0),
    );
    hanako2.allergies = Known::ConfirmedNone {
        on: Some(date(2026, 8, 3)),
    };
    hanako2.appointments = vec![booking("05", "皮膚科", "D5", "中村　真", (10, 0))];
    all.push(hanako2);
    all.push(patient(
        "00009921",
        "山田　一郎",
        "ヤマダ　イチロウ",
        date(1940, 1, 30),
        Sex::Male,
        (8, 45),
    ));
    let mut satoshi = patient(
        "00214400",
        "山田　聡",
        "ヤマダ　サトシ",
        date(1969, 7, 21),
        Sex::Male,
        (9, 45),
    );
    satoshi.appointments = vec![
        booking("03", "整形外科", "D3", "小林　翼", (9, 45)),
        booking("01", "循環器内科", "D1", "佐藤　一郎", (11, 0)),
    ];
    all.push(satoshi);
    let mut haruto = patient(
        "00817732",
        "山田　陽翔",
        "ヤマダ　ハルト",
        date(2019, 3, 5),
        Sex::Male,
        (10, 30),
    );
    haruto.appointments.clear();
    all.push(haruto);
    let mut died = patient(
        "00550310",
        "山田　美咲",
        "ヤマダ　ミサキ",
        date(1990, 12, 24),
        Sex::Female,
        (9, 0),
    );
    died.patient.died = Some(date(2026, 10, 1));
    all.push(died);
    let mut taka = patient(
        "00770001",
        "髙橋　﨑太",
        "タカハシ　サキタ",
        date(1963, 2, 3),
        Sex::Male,
        (9, 15),
    );
    taka.patient.former_names = vec![Name::new("澤田　﨑太", "サワダ　サキタ")];
    taka.allergies = Known::Unavailable {
        since: Some(Moment::from_local(DAY.at(8, 40, 0, 0))),
    };
    all.push(taka);
    all.push(patient(
        "00770002",
        "𠮷田　■子",
        "ヨシダ　トモコ",
        date(1926, 12, 24),
        Sex::Female,
        (9, 20),
    ));
    all.push(patient(
        "00770003",
        "<b>悪い</b>\"名'",
        "ワルイ　ナマエ",
        date(1985, 5, 5),
        Sex::Other,
        (9, 25),
    ));
    let long = "グエン　ティ　フオン　リエン　アレクサンドラ　マリア";
    all.push(patient(
        "00770004",
        "NGUYEN THI HUONG LIEN ALEXANDRA MARIA",
        long,
        date(1995, 8, 15),
        Sex::Female,
        (9, 35),
    ));
    all.push(patient(
        "00770005",
        "新生児　太郎",
        "",
        date(2026, 11, 8),
        Sex::Male,
        (9, 40),
    ));
    // The hardest pair: same name, same birth date.
    for (id, minute) in [("00880001", 50), ("00880002", 55)] {
        let birth = date(1960, 3, 15);
        all.push(patient(id, "中村　健", "ナカムラ　ケン", birth, Sex::Male, (9, minute)));
    }
    all
}

/// The patient with everything.
pub fn hanako() -> Chart {
    let mut chart = patient(
        "00123456",
        "山田　花子",
        "ヤマダ　ハナコ",
        date(1951, 5, 12),
        Sex::Female,
        (9, 30),
    );
    chart.as_of.apart = vec![(DataKind::Result, Moment::from_local(date(2026, 11, 19).at(17, 0, 0, 0)))];
    chart.patient.facts = vec![
        Fact {
            label: "感染症".into(),
            value: "なし".into(),
            on: Some(date(2025, 10, 1)),
        },
        Fact {
            label: "eGFR".into(),
            value: "48".into(),
            on: Some(date(2026, 10, 2)),
        },
        Fact {
            label: "体重".into(),
            value: "52.4 kg".into(),
            on: Some(date(2026, 9, 18)),
        },
        Fact {
            label: "血液型".into(),
            value: "A (+)".into(),
            on: None,
        },
    ];
    chart.orders = vec![
        exam("L1", "採血・採尿", "1階 中央採血", "絶食"),
        exam("P1", "心電図", "2階 生理検査", ""),
    ];
    chart.allergies = Known::Present(vec![
        Allergy {
            kind: AllergyKind::Drug,
            substance: "ペニシリン系".into(),
            reaction: "アナフィラキシー".into(),
            on: Some(date(2014, 3, 2)),
            ..Allergy::default()
        },
        Allergy {
            kind: AllergyKind::Contrast,
            substance: "ヨード造影剤".into(),
            reaction: "発疹".into(),
            ..Allergy::default()
        },
    ]);
    let problem = |name: &str, since: Date, main| Diagnosis {
        name: name.into(),
        since: Some(since),
        main,
        ..Diagnosis::default()
    };
    chart.diagnoses = Known::Present(vec![
        problem("慢性心不全", date(2021, 4, 12), true),
        problem("非弁膜症性心房細動", date(2021, 4, 12), false),
        problem("高血圧症", date(2008, 2, 1), false),
        problem("2型糖尿病", date(2012, 9, 30), false),
        Diagnosis {
            suspected: true,
            ..problem("睡眠時無呼吸症候群", date(2026, 9, 18), false)
        },
    ]);
    chart.prescriptions = Known::Present(vec![Prescription {
        on: Some(date(2026, 9, 18)),
        department: Coded::new("01", "循環器内科"),
        doctor: Coded::new("D1", "佐藤　一郎"),
        items: vec![
            drug("アムロジピン錠5mg", "", "1", "1", "1日1回 朝食後", 35),
            drug("アピキサバン錠2.5mg", "抗凝固", "1", "2", "1日2回 朝夕食後", 35),
            drug("フロセミド錠20mg", "", "1", "1", "1日1回 朝食後", 35),
            drug("メトホルミン錠250mg", "血糖", "1", "2", "1日2回 朝夕食後", 35),
            PrescriptionItem {
                rp: 5,
                drug: Coded::new("X5", "ケトプロフェンテープ40mg"),
                route: chart::medication::Route::External,
                total: Quantity::parse("21", "枚"),
                usage: "1日1回 腰".into(),
                comment: "残薬があれば調整".into(),
                ..PrescriptionItem::default()
            },
        ],
    }]);
    let lab = |name: &str, value: &str, unit: &str, flag, reference: &str| LabResult {
        name: name.into(),
        value: value.into(),
        unit: unit.into(),
        flag,
        reference: reference.into(),
        on: Some(date(2026, 10, 2)),
        ..LabResult::default()
    };
    chart.results = Known::Present(vec![
        lab("BNP", "212", "pg/mL", Some(Flag::High), "0–18.4"),
        lab("K", "5.9", "mmol/L", Some(Flag::Critical), "3.6–4.8"),
        lab("Cr", "0.92", "mg/dL", Some(Flag::High), "0.46–0.79"),
        lab("HbA1c", "6.9", "%", Some(Flag::High), "4.9–6.0"),
        lab("Hb", "11.2", "g/dL", Some(Flag::Low), "11.6–14.8"),
        lab("尿蛋白", "(2+)", "", Some(Flag::Abnormal), "(-)"),
    ]);
    let section = |kind, text: &str| Section {
        kind,
        text: text.into(),
    };
    chart.notes = Known::Present(vec![Note {
        on: Some(date(2026, 9, 18)),
        at: Some(time(10, 20, 0, 0)),
        department: Coded::new("01", "循環器内科"),
        author: Coded::new("D1", "佐藤　一郎"),
        sections: vec![
            section(
                SectionKind::Subjective,
                "階段で少し息が切れる。夜間の呼吸困難はない。\n体重は朝 52kg 台で変わらない。",
            ),
            section(
                SectionKind::Objective,
                "血圧 128/74、脈拍 72 不整。下腿浮腫 軽度。肺野 清。",
            ),
            section(
                SectionKind::Assessment,
                "慢性心不全 NYHA II で安定。BNP は前回 240 から低下。",
            ),
            section(
                SectionKind::Plan,
                "処方継続。塩分制限を続ける。\n5週後に採血・心電図。増悪時は早めに受診。",
            ),
        ],
    }]);
    chart
}

fn exam(code: &str, name: &str, place: &str, remarks: &str) -> ExamOrder {
    ExamOrder {
        on: DAY,
        at: None,
        exam: Coded::new(code, name),
        place: place.into(),
        remarks: remarks.into(),
        department: Coded::new("01", "循環器内科"),
        number: String::new(),
    }
}

fn drug(name: &str, tag: &str, dose: &str, day: &str, usage: &str, days: u16) -> PrescriptionItem {
    PrescriptionItem {
        rp: 1,
        drug: Coded::new(name, name),
        per_dose: Quantity::parse(dose, "錠"),
        per_day: Quantity::parse(day, "錠"),
        usage: usage.into(),
        days: Some(days),
        tag: tag.into(),
        ..PrescriptionItem::default()
    }
}
