//! Who lies in the beds of the invented hospital, and what is due to them on the day.
//!
//! An inpatient is a person like the others, made at a position of their own so that neither the size of the hospital nor its beds
//! change anybody else. Only facts are made here; the two shapes print them.

use jiff::civil::{Date, DateTime, time};

use crate::calendar;
use crate::catalogue::DrugKind;
use crate::hospital::Hospital;
use crate::patient::{Patient, Prescribed};
use crate::rng::{Rng, Subject};

/// Positions of inpatients: behind everybody booked or in the thin list, before numbers repeat.
pub(crate) const FIRST: u32 = 950_000;
/// Most beds.
pub const MAX_BEDS: u32 = 2_000;
/// Code and name of the wards.
pub(crate) const WARDS: [(&str, &str); 8] = [
    ("3E", "3階東"),
    ("3W", "3階西"),
    ("4E", "4階東"),
    ("4W", "4階西"),
    ("5E", "5階東"),
    ("5W", "5階西"),
    ("6E", "6階東"),
    ("ICU", "ICU"),
];
/// Beds in one room.
const ROOM: u32 = 4;
/// Of a hundred beds so many hold nobody.
const EMPTY_PERCENT: u32 = 9;

/// One bed of the invented hospital.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bed {
    /// Position, from 0.
    pub number: u32,
    /// Place in the table of wards.
    pub(crate) ward: usize,
    /// 病室
    pub room: String,
    /// 病床 within the room.
    pub bed: String,
}

/// A stay with everything a ward knows of it. Empty is not recorded.
#[derive(Debug, Clone)]
pub struct Lying {
    /// Where.
    pub bed: Bed,
    /// Place in the table of departments.
    pub(crate) department: usize,
    /// Place in the table of doctors.
    pub(crate) doctor: usize,
    /// 入院日
    pub admitted: Date,
    /// 担当看護師
    pub nurse: &'static str,
    /// 目的
    pub purpose: &'static str,
    /// 食事 安静度 隔離 酸素 点滴 インスリン 方針 ADL 転倒 嚥下 皮膚
    pub marks: [&'static str; 11],
    /// 手術予定
    pub operation: String,
    /// 退院予定
    pub discharge: Option<Date>,
    /// 家族: name, relation, phone.
    pub contact: (String, &'static str, String),
    /// Of the day.
    pub due: Vec<DueLine>,
    /// Of the last day, newest first.
    pub vitals: Vec<Measured>,
    /// 申し送り: when, who, what.
    pub handovers: Vec<(DateTime, &'static str, &'static str)>,
}

/// One line of the day's schedule.
#[derive(Debug, Clone)]
pub struct DueLine {
    /// The drug, as prescribed.
    pub(crate) drug: Prescribed,
    /// 静注 …; empty for what is taken.
    pub how: &'static str,
    /// Hours.
    pub hours: Vec<u8>,
    /// Two people give it.
    pub high_risk: bool,
}

/// Measured at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// When.
    pub at: DateTime,
    /// Tenths of a degree.
    pub temperature: i64,
    /// mmHg
    pub pressure: (i64, i64),
    /// A minute.
    pub pulse: i64,
    /// %
    pub spo2: i64,
}

/// Name, amount unit, how, high risk, hours.
type Infusion = (&'static str, &'static str, &'static str, bool, &'static [u8]);

const INFUSIONS: [Infusion; 6] = [
    ("フロセミド注20mg", "アンプル", "静注", false, &[9, 17]),
    (
        "セフトリアキソンナトリウム静注用1g",
        "瓶",
        "点滴静注 30分",
        false,
        &[9, 21],
    ),
    (
        "ヘパリンナトリウム注5千単位/5mL",
        "瓶",
        "持続静注 2.1 mL/時",
        true,
        &[9, 21],
    ),
    (
        "インスリン リスプロ注100単位/mL",
        "単位",
        "皮下注 毎食前",
        true,
        &[7, 11, 17],
    ),
    ("維持輸液 500mL", "袋", "点滴静注 60 mL/時", false, &[0, 8, 16]),
    ("カリウム補給液 20mEq", "キット", "点滴に混注", true, &[8]),
];
const NURSES: [&str; 6] = [
    "中村　恵",
    "小林　健",
    "加藤　由美",
    "吉田　直子",
    "山口　翔",
    "松本　彩",
];
const PURPOSES: [&str; 6] = [
    "急性増悪の治療",
    "手術",
    "精密検査",
    "化学療法",
    "リハビリテーション",
    "食事・薬の調整",
];
const NOTES: [&str; 6] = [
    "夜間良眠。疼痛の訴えなし。\n朝の食事は全量摂取。",
    "23時に点滴自己抜去あり、左前腕に再留置。以後訴えなし。",
    "0時 37.8℃、クーリングで経過を見る。朝 36.9℃。",
    "トイレは付き添いで。ふらつきあり、ナースコールを押してもらう。",
    "家族より電話あり、14時に来棟の予定。主治医から説明。",
    "尿量 1,250 mL/日。体重は朝食前に測定すること。",
];

impl Hospital {
    /// Every bed, in the order of wards and rooms.
    pub fn beds(&self) -> impl Iterator<Item = Bed> + '_ {
        let all = self.bed_count();
        let each = all.div_ceil(u32::try_from(WARDS.len()).unwrap_or(1)).max(1);
        (0..all).map(move |number| {
            let (ward, within) = (number / each, number % each);
            let ward = usize::try_from(ward).unwrap_or(0).min(WARDS.len() - 1);
            let floor = 3 + ward / 2;
            let side = if ward % 2 == 0 { 0 } else { 50 };
            Bed {
                number,
                ward,
                room: format!("{floor}{:02}", side + within / ROOM + 1),
                bed: (within % ROOM + 1).to_string(),
            }
        })
    }

    /// Who lies in a bed; `None` for an empty one.
    pub fn lying(&self, bed: &Bed) -> Option<Patient> {
        let mut rng = self.rng(FIRST + bed.number, Subject::Stay);
        if rng.chance(EMPTY_PERCENT) {
            return None;
        }
        let mut patient = self.patient(FIRST + bed.number);
        // One in twenty leaves the ward for an appointment of the day.
        if !rng.chance(5) {
            for visit in &mut patient.visits {
                visit.appointment = None;
            }
        }
        patient.later = None;
        patient.person.death = None;
        patient.lying = Some(self.stay(bed, &patient, &mut rng));
        Some(patient)
    }

    /// Does nobody lie in it?
    pub(crate) fn is_empty(&self, bed: &Bed) -> bool {
        self.rng(FIRST + bed.number, Subject::Stay).chance(EMPTY_PERCENT)
    }

    pub(crate) fn stay(&self, bed: &Bed, patient: &Patient, rng: &mut Rng) -> Lying {
        let visit = patient.visits.first();
        let fasting = rng.chance(10);
        let insulin = rng.chance(12);
        let mark = |rng: &mut Rng, percent: u32, words: &[&'static str], none: &'static str| {
            if rng.chance(percent) { rng.word(words) } else { none }
        };
        let rest = ["ベッド上", "室内", "病棟内", "院内"];
        let marks = [
            if fasting {
                "絶食"
            } else {
                rng.word(&["常食", "軟食", "糖尿食1600", "減塩食", "嚥下食2", "経管"])
            },
            rng.word(&rest),
            mark(rng, 8, &["接触", "飛沫", "空気"], "なし"),
            mark(rng, 18, &["1 L", "2 L", "3 L", "ネーザルハイフロー"], "なし"),
            mark(rng, 45, &["あり", "末梢", "CV"], "なし"),
            if insulin { "毎食前" } else { "なし" },
            mark(rng, 7, &["DNAR", "挿管しない"], ""),
            rng.word(&["自立", "車椅子・一部介助", "全介助"]),
            rng.word(&["危険度 I", "危険度 II", "危険度 III", ""]),
            rng.word(&["問題なし", "とろみ 中間", ""]),
            mark(rng, 10, &["仙骨部 発赤", "右踵 びらん"], "なし"),
        ];
        let admitted = calendar::plus(self.today(), -rng.between(0, 40));
        let relation = rng.word(&["長男", "長女", "妻", "夫", "母"]);
        let given = rng.word(&["太郎", "花子", "一郎", "恵子"]);
        let operation = if rng.chance(8) {
            format!(
                "{} 13:00",
                calendar::slashed(calendar::plus(self.today(), rng.between(0, 3)))
            )
        } else {
            String::new()
        };
        let leaves = rng.chance(30).then(|| calendar::plus(self.today(), rng.between(0, 9)));
        Lying {
            bed: bed.clone(),
            department: visit.map_or(0, |visit| visit.department),
            doctor: visit.map_or(0, |visit| visit.doctor),
            admitted,
            nurse: rng.word(&NURSES),
            purpose: rng.word(&PURPOSES),
            marks,
            operation,
            discharge: leaves,
            contact: (
                format!("{}　{given}", patient.person.family),
                relation,
                format!("090-0000-{:04}", rng.below(10_000)),
            ),
            due: due(patient, insulin, rng),
            vitals: self.measured(rng),
            handovers: self.told(rng),
        }
    }

    /// Every eight hours of the day before, newest first.
    fn measured(&self, rng: &mut Rng) -> Vec<Measured> {
        let yesterday = calendar::plus(self.today(), -1);
        let times = [22, 14, 6].map(|hour| yesterday.to_datetime(time(hour, 0, 0, 0)));
        let one = |at: DateTime| Measured {
            at,
            temperature: rng.around(360, 381),
            pressure: (rng.around(95, 165), rng.around(50, 95)),
            pulse: rng.around(52, 110),
            spo2: rng.between(92, 99),
        };
        times.into_iter().map(one).collect()
    }

    fn told(&self, rng: &mut Rng) -> Vec<(DateTime, &'static str, &'static str)> {
        let yesterday = calendar::plus(self.today(), -1);
        let mut told = Vec::new();
        for hour in [23, 16] {
            if rng.chance(70) {
                told.push((
                    yesterday.to_datetime(time(hour, 30, 0, 0)),
                    rng.word(&NURSES),
                    rng.word(&NOTES),
                ));
            }
        }
        told
    }
}

/// What the person takes anyway, at the hours of the ward, and what runs into a vein.
fn due(patient: &Patient, insulin: bool, rng: &mut Rng) -> Vec<DueLine> {
    let taken = patient.visits.iter().filter_map(|visit| visit.prescription.as_ref());
    let taken = taken.flat_map(|prescription| &prescription.items);
    let mut lines: Vec<DueLine> = taken
        .filter(|item| item.kind == DrugKind::Oral && item.uneven.is_none())
        .map(|item| DueLine {
            drug: item.clone(),
            how: "",
            hours: match item.times {
                1 => vec![8],
                2 => vec![8, 18],
                3 => vec![8, 12, 18],
                4 => vec![8, 12, 18, 21],
                // As needed, or at hours nobody laid down.
                _ => Vec::new(),
            },
            high_risk: item.name.contains("ワルファリン") || item.name.contains("キサバン"),
        })
        .collect();
    let wanted = rng.between(0, 3);
    for (place, (name, unit, how, high_risk, hours)) in INFUSIONS.iter().enumerate() {
        let is_insulin = name.starts_with("インスリン");
        let chosen = if is_insulin {
            insulin
        } else {
            rng.chance(25) && i64::try_from(place).unwrap_or(9) <= wanted + 2
        };
        if !chosen {
            continue;
        }
        lines.push(DueLine {
            drug: Prescribed {
                drug: 0,
                rp: (0, 1),
                code: "",
                name,
                kind: DrugKind::Injection,
                each: crate::Amount::parse(if is_insulin { "4" } else { "1" }),
                daily: None,
                unit,
                usage: "",
                times: 0,
                quantity: 1,
                quantity_unit: "日分",
                uneven: None,
                interval: crate::patient::Interval::Daily,
                remark: "",
            },
            how,
            hours: hours.to_vec(),
            high_risk: *high_risk,
        });
    }
    lines
}
