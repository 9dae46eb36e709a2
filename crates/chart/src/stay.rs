//! 入院: where an inpatient lies, under whose care, what is due today, and what the night shift said.
//!
//! What the EHR said, word for word; whoever moved since then moved on paper. No due hour is computed from a usage text:
//! a drug without hours is due at hours nobody told us, and its row says so.

use jiff::civil::{Date, Time};
use minicbor::{Decode, Encode};

use crate::id::Coded;
use crate::known::Known;
use crate::medication::PrescriptionItem;

/// Hours of a day, for due lists.
pub const HOURS: u8 = 24;

/// One inpatient's stay.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Stay {
    /// 病棟
    #[n(0)]
    pub ward: Coded,
    /// 病室
    #[n(1)]
    pub room: String,
    /// 病床 within the room.
    #[n(2)]
    pub bed: String,
    /// 入院日
    #[cbor(n(3), with = "crate::codec::maybe_date")]
    pub admitted: Option<Date>,
    /// 診療科
    #[n(4)]
    pub department: Coded,
    /// 主治医
    #[n(5)]
    pub attending: Coded,
    /// 担当看護師; empty where the EHR names none.
    #[n(6)]
    pub nurse: Coded,
    /// 入院の目的
    #[n(7)]
    pub purpose: String,
    /// 食事・絶食
    #[n(8)]
    pub diet: Known<String>,
    /// 隔離
    #[n(9)]
    pub isolation: Known<String>,
    /// 安静度
    #[n(10)]
    pub rest: Known<String>,
    /// 酸素
    #[n(11)]
    pub oxygen: Known<String>,
    /// 点滴
    #[n(12)]
    pub drip: Known<String>,
    /// インスリン
    #[n(13)]
    pub insulin: Known<String>,
    /// 方針 (DNAR …): shown to roles that treat, to nobody else.
    #[n(14)]
    pub policy: Known<Vec<String>>,
    /// 与薬予定: what is taken by mouth or applied, with its hours.
    #[n(15)]
    pub medicines: Known<Vec<Scheduled>>,
    /// 注射
    #[n(16)]
    pub injections: Known<Vec<Scheduled>>,
    /// バイタル of the last 24 hours, newest first.
    #[n(17)]
    pub vitals: Known<Vec<Vital>>,
    /// 予定: operation, examination, discharge.
    #[n(18)]
    pub plans: Known<Vec<Plan>>,
    /// 申し送り, newest first.
    #[n(19)]
    pub handovers: Known<Vec<Handover>>,
    /// ADL, 転倒, 嚥下, 皮膚
    #[n(20)]
    pub care: Care,
    /// 家族連絡先, the first to call first.
    #[n(21)]
    pub contacts: Known<Vec<Contact>>,
}

/// One drug of today's schedule.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Scheduled {
    /// The drug with its amounts, as on a prescription: one formatter words both.
    #[n(0)]
    pub item: PrescriptionItem,
    /// The hours at which it is due; empty where the EHR gives none.
    #[n(1)]
    pub due: Vec<Due>,
    /// 高リスク薬: two people give it.
    #[n(2)]
    pub high_risk: bool,
    /// 投与方法・速度: 静注, 持続 2.1 mL/時.
    #[n(3)]
    #[cbor(default)]
    pub how: String,
}

/// One hour at which a drug is due.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Due {
    /// 0 to 23.
    #[n(0)]
    pub hour: u8,
    /// Anything else than "give": 交換, 食前.
    #[n(1)]
    #[cbor(default)]
    pub words: String,
}

/// What was measured at one time; empty is not measured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Vital {
    /// Day.
    #[cbor(n(0), with = "crate::codec::maybe_date")]
    pub on: Option<Date>,
    /// Time.
    #[cbor(n(1), with = "crate::codec::maybe_time")]
    pub at: Option<Time>,
    /// 体温 with its unit.
    #[n(2)]
    pub temperature: String,
    /// 血圧 118/70
    #[n(3)]
    pub pressure: String,
    /// 脈拍
    #[n(4)]
    pub pulse: String,
    /// SpO₂
    #[n(5)]
    pub spo2: String,
    /// Anything else, word for word.
    #[n(6)]
    #[cbor(default)]
    pub remark: String,
}

/// Something that is planned.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Plan {
    /// When, as the EHR writes it.
    #[n(0)]
    pub when: String,
    /// 手術, 退院 …
    #[n(1)]
    pub what: String,
}

/// 申し送り: what one shift told the next.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Handover {
    /// Day.
    #[cbor(n(0), with = "crate::codec::maybe_date")]
    pub on: Option<Date>,
    /// Time.
    #[cbor(n(1), with = "crate::codec::maybe_time")]
    pub at: Option<Time>,
    /// Who wrote it.
    #[n(2)]
    pub author: Coded,
    /// The text.
    #[n(3)]
    pub text: String,
}

/// 看護の状態, each in one of four states.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Care {
    /// 日常生活動作
    #[n(0)]
    pub adl: Known<String>,
    /// 転倒・転落の危険
    #[n(1)]
    pub falls: Known<String>,
    /// 嚥下
    #[n(2)]
    pub swallowing: Known<String>,
    /// 皮膚・褥瘡
    #[n(3)]
    pub skin: Known<String>,
}

impl Care {
    /// The items with their words, in the order of printing.
    #[must_use]
    pub const fn items(&self) -> [(&'static str, &Known<String>); 4] {
        [
            ("ADL", &self.adl),
            ("転倒", &self.falls),
            ("嚥下", &self.swallowing),
            ("皮膚", &self.skin),
        ]
    }
}

/// Somebody of the family.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Contact {
    /// Name.
    #[n(0)]
    pub name: String,
    /// 続柄
    #[n(1)]
    pub relation: String,
    /// Phone.
    #[n(2)]
    pub phone: String,
}

impl Stay {
    /// A stay at one bed of which nothing else could be fetched: what every source begins with.
    #[must_use]
    pub fn at(ward: Coded, room: impl Into<String>, bed: impl Into<String>) -> Self {
        const fn unfetched<T>() -> Known<T> {
            Known::Unavailable { since: None }
        }
        Self {
            ward,
            room: room.into(),
            bed: bed.into(),
            admitted: None,
            department: Coded::default(),
            attending: Coded::default(),
            nurse: Coded::default(),
            purpose: String::new(),
            diet: unfetched(),
            isolation: unfetched(),
            rest: unfetched(),
            oxygen: unfetched(),
            drip: unfetched(),
            insulin: unfetched(),
            policy: unfetched(),
            medicines: unfetched(),
            injections: unfetched(),
            vitals: unfetched(),
            plans: unfetched(),
            handovers: unfetched(),
            care: Care {
                adl: unfetched(),
                falls: unfetched(),
                swallowing: unfetched(),
                skin: unfetched(),
            },
            contacts: unfetched(),
        }
    }

    /// `501-1`; 病床 未定 where the EHR names neither room nor bed.
    #[must_use]
    pub fn place(&self) -> String {
        place(&self.room, &self.bed)
    }

    /// `5階東 501-1`
    #[must_use]
    pub fn whole_place(&self) -> String {
        format!("{} {}", self.ward.label(), self.place()).trim().to_owned()
    }

    /// The day of the stay: the day of admission is the first. `None` for an unknown admission, and for one after `day`.
    #[must_use]
    pub fn day_of_stay(&self, day: Date) -> Option<i32> {
        let days = day.since(self.admitted?).ok()?.get_days();
        (days >= 0).then_some(days + 1)
    }
}

/// `501-1`; the room alone, or the bed alone, where the EHR names only one; 病床 未定 where it names none.
#[must_use]
pub fn place(room: &str, bed: &str) -> String {
    match (room.is_empty(), bed.is_empty()) {
        (true, true) => "病床 未定".to_owned(),
        (false, true) => room.to_owned(),
        (true, false) => bed.to_owned(),
        (false, false) => format!("{room}-{bed}"),
    }
}

/// One bed of the hospital, whoever lies in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Encode, Decode)]
pub struct Bed {
    /// 病棟
    #[n(0)]
    pub ward: Coded,
    /// 病室
    #[n(1)]
    pub room: String,
    /// 病床 within the room.
    #[n(2)]
    pub bed: String,
}

impl Bed {
    /// What makes two beds the same one: the ward's code (its name where it has none), room and bed.
    #[must_use]
    pub fn key(&self) -> (&str, &str, &str) {
        let ward = if self.ward.code.is_empty() {
            &self.ward.name
        } else {
            &self.ward.code
        };
        (ward, &self.room, &self.bed)
    }

    /// `501-1`
    #[must_use]
    pub fn place(&self) -> String {
        place(&self.room, &self.bed)
    }
}

/// What is known about the beds of the hospital.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Beds {
    /// Nobody asked the EHR for inpatients.
    #[default]
    NotAsked,
    /// It was asked, and the list of inpatients could not be read whole: no bed may be called empty.
    Unread,
    /// Read whole.
    Known {
        /// Beds in which nobody lies.
        empty: Vec<Bed>,
    },
}

/// Puts rooms and beds in the order in which a nurse walks: numbers by their value (`2` before `10`), letters after them.
#[must_use]
pub fn bed_order(a: (&str, &str), b: (&str, &str)) -> std::cmp::Ordering {
    natural(a.0, b.0).then_with(|| natural(a.1, b.1))
}

fn natural(a: &str, b: &str) -> std::cmp::Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (Some(x), Some(y)) = (left.chars().next(), right.chars().next()) else {
            // A text that ends first comes first; texts of equal value (`01`, `1`) still have one order.
            return left.len().cmp(&right.len()).then_with(|| a.cmp(b));
        };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (n, rest_left) = number(left);
            let (m, rest_right) = number(right);
            let order = n.len().cmp(&m.len()).then_with(|| n.cmp(m));
            if order.is_ne() {
                return order;
            }
            (left, right) = (rest_left, rest_right);
        } else if x == y {
            let skip = x.len_utf8();
            (left, right) = (left.get(skip..).unwrap_or(""), right.get(skip..).unwrap_or(""));
        } else {
            return x.cmp(&y);
        }
    }
}

/// The leading digits without their zeros, and what follows.
fn number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    (digits.trim_start_matches('0'), rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn beds_stand_in_the_order_of_the_corridor() {
        let mut beds = vec![
            ("510", "1"),
            ("502", "10"),
            ("502", "2"),
            ("5A", "窓"),
            ("502", "A"),
            ("0502", "3"),
        ];
        beds.sort_by(|a, b| bed_order(*a, *b));
        assert_eq!(
            beds,
            [
                ("5A", "窓"),
                ("0502", "3"),
                ("502", "2"),
                ("502", "10"),
                ("502", "A"),
                ("510", "1")
            ]
        );
    }

    #[test]
    fn a_place_is_never_blank_and_the_day_of_admission_is_the_first() {
        let mut stay = Stay::at(Coded::new("5E", "5階東"), "501", "1");
        assert_eq!(stay.whole_place(), "5階東 501-1");
        assert_eq!(Stay::at(Coded::default(), "", "").place(), "病床 未定");
        assert_eq!(stay.day_of_stay(date(2026, 11, 20)), None);
        stay.admitted = Some(date(2026, 11, 9));
        assert_eq!(stay.day_of_stay(date(2026, 11, 20)), Some(12));
        assert_eq!(stay.day_of_stay(date(2026, 11, 8)), None, "admitted in the future");
    }
}
