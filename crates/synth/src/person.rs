//! Who a patient is: name, birth, sex, where they live and how they are reached. All invented.
//!
//! Telephone numbers begin with 0000, 0900, 0800 or 0700 after the prefix, ranges that are given to nobody.

use crate::calendar;
use crate::catalogue::{Catalogue, HazardRow};
use crate::rng::Rng;
use jiff::civil::Date;

/// Sex as recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    /// 男
    Male,
    /// 女
    Female,
    /// Not recorded.
    Unknown,
}

impl Sex {
    /// `M` or `F`; nothing for anything else.
    pub(crate) fn only(text: &str) -> Option<Self> {
        match text {
            "M" => Some(Sex::Male),
            "F" => Some(Sex::Female),
            _ => None,
        }
    }
}

/// Kind of insurance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insurance {
    /// 社保
    Employees,
    /// 国保
    National,
    /// 後期高齢者
    LateElderly,
    /// 生活保護
    PublicAssistance,
    /// 自費
    OwnExpense,
}

impl Insurance {
    /// As shape A writes it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Employees => "社保",
            Self::National => "国保",
            Self::LateElderly => "後期高齢者",
            Self::PublicAssistance => "生活保護",
            Self::OwnExpense => "自費",
        }
    }

    /// As shape B writes it.
    pub(crate) const fn digit(self) -> &'static str {
        match self {
            Self::Employees => "1",
            Self::National => "2",
            Self::LateElderly => "3",
            Self::PublicAssistance => "4",
            Self::OwnExpense => "5",
        }
    }
}

/// Who a patient is.
#[derive(Debug, Clone)]
pub struct Person {
    /// Family name.
    pub family: String,
    /// Given name.
    pub given: String,
    /// Reading of both in full-width katakana; nothing when it was never recorded.
    pub kana: Option<(String, String)>,
    /// Former family name, mostly empty.
    pub former: String,
    /// Alias (通称), mostly empty.
    pub alias: String,
    /// Sex.
    pub sex: Sex,
    /// Birth date.
    pub birth: Date,
    /// Date of death.
    pub death: Option<Date>,
    /// Post code.
    pub post_code: &'static str,
    /// Address.
    pub address: String,
    /// Telephone at home, may be empty.
    pub home: String,
    /// Mobile telephone, may be empty.
    pub mobile: String,
    /// Workplace, may be empty.
    pub workplace: &'static str,
    /// Its telephone, may be empty.
    pub work_phone: String,
    /// ABO group and Rh positive.
    pub blood: Option<(&'static str, bool)>,
    /// Insurance.
    pub insurance: Insurance,
    /// First registered.
    pub registered: Date,
}

const WORKPLACES: [&str; 12] = [
    "灯里製作所",
    "灯里市役所",
    "ほしみ運輸",
    "波留水産加工",
    "ソラノ・システム",
    "能満寺建設",
    "十軒屋食品",
    "緑ヶ原農園",
    "汐見坂小学校",
    "構内サービス（株）",
    "ポプラ保育園",
    "自営",
];

impl Person {
    /// An invented person of this sex and birth.
    pub(crate) fn invent(catalogue: &Catalogue, rng: &mut Rng, sex: Sex, birth: Date, today: Date) -> Self {
        let age = calendar::age(birth, today);
        let (family, family_kana) = catalogue.families.as_slice().pick_name(rng);
        let (given, given_kana) = given_name(catalogue, rng, sex, birth);
        let former = if sex == Sex::Female && age >= 24 && rng.chance(12) {
            catalogue.families.as_slice().pick_name(rng).0
        } else {
            ""
        };
        let (post_code, town) = rng
            .pick(&catalogue.towns)
            .map_or(("", ""), |town| (town.text, town.kana));
        let employed = (20..65).contains(&age) && rng.chance(62);
        let workplace = if employed { rng.word(&WORKPLACES) } else { "" };
        Person {
            family: family.to_owned(),
            given: given.to_owned(),
            kana: (!rng.chance(1)).then(|| (family_kana.to_owned(), given_kana.to_owned())),
            former: if former == family {
                String::new()
            } else {
                former.to_owned()
            },
            alias: String::new(),
            sex,
            birth,
            death: None,
            post_code,
            address: format!(
                "{town}{}-{}-{}",
                rng.between(1, 6),
                rng.between(1, 28),
                rng.between(1, 30)
            ),
            home: if rng.chance(if age >= 60 { 88 } else { 35 }) {
                landline(rng)
            } else {
                String::new()
            },
            mobile: if rng.chance(if age >= 85 { 45 } else { 93 }) {
                mobile(rng)
            } else {
                String::new()
            },
            work_phone: if workplace.is_empty() || workplace == "自営" {
                String::new()
            } else {
                landline(rng)
            },
            workplace,
            blood: rng.chance(55).then(|| (blood_group(rng), !rng.chance(1))),
            insurance: insurance(rng, age),
            registered: today,
        }
    }

    /// Lays the particulars of a hazard over an invented person.
    pub(crate) fn lay_over(&mut self, row: &HazardRow, today: Date) {
        self.family = row.family.to_owned();
        self.given = row.given.to_owned();
        self.kana = (!row.family_kana.is_empty()).then(|| (row.family_kana.to_owned(), row.given_kana.to_owned()));
        self.former = row.former.to_owned();
        self.alias = row.alias.to_owned();
        if row.number == 6 || row.number == 7 {
            // Twins: one household.
            self.post_code = "000-0031";
            self.address = "灯里市緑ヶ原2-14-5".to_owned();
            self.home = "0000-26-0431".to_owned();
            self.mobile = "090-0412-8830".to_owned();
            self.insurance = Insurance::Employees;
        }
        if row.has("nophone") {
            self.home.clear();
            self.mobile.clear();
            self.work_phone.clear();
        }
        if row.has("wide") {
            self.home = "００００－２３－４５６７".to_owned();
            self.mobile = "０９０－０１２３－４５６７".to_owned();
            self.address = "灯里市水守１丁目２〜３番地　コーポ水守Ｂ－１０２".to_owned();
        }
        if row.has("5c") {
            self.workplace = "ソフト予構（表示・貼付）ポ竹社";
            self.work_phone = "0000-22-0505".to_owned();
            self.address = "灯里市能満寺通十丁目5-7 申川ハイツ".to_owned();
        }
        if row.has("dead") {
            self.death = Some(calendar::plus(today, -6));
        }
        if row.has("formula") {
            self.workplace = "=HYPERLINK(\"x\",\"'y'\")";
            self.work_phone = "+00-0000-0000".to_owned();
        }
    }
}

/// Picking a name from a bank that has the common ones first.
trait PickName {
    fn pick_name(&self, rng: &mut Rng) -> (&'static str, &'static str);
}

impl PickName for [crate::catalogue::Name] {
    fn pick_name(&self, rng: &mut Rng) -> (&'static str, &'static str) {
        rng.pick_early(self).map_or(("", ""), |name| (name.text, name.kana))
    }
}

fn given_name(catalogue: &Catalogue, rng: &mut Rng, sex: Sex, birth: Date) -> (&'static str, &'static str) {
    let year = birth.year().max(1900);
    let fitting: Vec<_> = catalogue
        .given
        .iter()
        .filter(|name| name.sex == sex && (name.years.0..=name.years.1).contains(&year))
        .collect();
    rng.pick(&fitting).map_or(("", ""), |name| (name.text, name.kana))
}

fn landline(rng: &mut Rng) -> String {
    format!("0000-{:02}-{:04}", rng.between(21, 89), rng.between(0, 9999))
}

fn mobile(rng: &mut Rng) -> String {
    let prefix = rng.word(&["090", "080", "070"]);
    format!("{prefix}-0{:03}-{:04}", rng.between(0, 999), rng.between(0, 9999))
}

fn blood_group(rng: &mut Rng) -> &'static str {
    match rng.below(100) {
        0..=38 => "A",
        39..=68 => "O",
        69..=90 => "B",
        _ => "AB",
    }
}

fn insurance(rng: &mut Rng, age: i64) -> Insurance {
    let roll = rng.below(100);
    match (age, roll) {
        (_, 0..=2) => Insurance::PublicAssistance,
        (75.., _) => Insurance::LateElderly,
        (_, 3) => Insurance::OwnExpense,
        (65.., 4..=84) => Insurance::National,
        (_, 4..=64) => Insurance::Employees,
        _ => Insurance::National,
    }
}
