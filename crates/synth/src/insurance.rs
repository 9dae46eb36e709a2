//! Insurances: the numbers on a card, what the patient pays, and until when.
//!
//! The numbers are invented. Their check digits hold, and none can be a real insurer's: the two digits that name a prefecture (01 to 47) are 99.

use crate::calendar;
use crate::hospital::Hospital;
use crate::person::{Insurance, Person};
use crate::rng::{Rng, Subject};
use jiff::civil::{Date, date};

/// One insurance of a patient as the hospital registered it.
#[derive(Debug, Clone)]
pub struct Cover {
    /// 社保, 国保, …
    pub kind: Insurance,
    /// 保険者番号 (6 or 8 digits), empty for those whom only public money covers.
    pub insurer: String,
    /// 記号
    pub symbol: String,
    /// 番号
    pub number: String,
    /// 枝番
    pub branch: String,
    /// The patient is the insured person, not a dependant.
    pub own: bool,
    /// 一部負担区分: 高一 高７ 高８ ６歳, or empty.
    pub burden: &'static str,
    /// 負担割合 in tenths.
    pub share: u8,
    /// 公費: payer, recipient, last day.
    pub public: Option<(String, String, Date)>,
    /// First day.
    pub from: Date,
    /// Last day.
    pub until: Option<Date>,
}

impl Cover {
    /// The burden as shape B writes it.
    pub(crate) fn burden_digit(&self) -> &'static str {
        match self.burden {
            "高一" => "1",
            "高７" => "2",
            "６歳" => "3",
            "高８" => "5",
            _ => "",
        }
    }
}

/// The insurances of a patient; none for those who pay everything themselves.
pub(crate) fn invent(hospital: &Hospital, number: u32, person: &Person) -> Vec<Cover> {
    let mut rng = hospital.rng(number, Subject::Insurance);
    let today = hospital.today();
    if person.insurance == Insurance::OwnExpense {
        return Vec::new();
    }
    let mut now = cover(&mut rng, person, person.insurance, today);
    let certificate = rng.chance(6);
    if certificate && person.insurance != Insurance::PublicAssistance {
        // 難病 (54) and 自立支援 (21): renewed every year.
        let law = rng.word(&["54", "21"]);
        let until = calendar::plus(today, rng.between(-20, 330));
        now.public = Some((
            checked(&format!("{law}99{:03}", rng.below(900))),
            recipient(&mut rng),
            until,
        ));
    }
    // The hospital has not seen a card since the last one ended.
    if rng.chance(4) {
        now.until = Some(calendar::plus(today, -rng.between(1, 200)));
    }
    let mut covers = vec![now];
    // The card before: closed, or (who changed work) never closed.
    if person.insurance == Insurance::National && rng.chance(25) {
        let mut before = cover(&mut rng, person, Insurance::Employees, today);
        before.from = calendar::plus(today, -rng.between(1_500, 3_000));
        before.until = (!rng.chance(12)).then(|| calendar::plus(today, -rng.between(400, 1_400)));
        covers.push(before);
    }
    covers
}

fn cover(rng: &mut Rng, person: &Person, kind: Insurance, today: Date) -> Cover {
    let age = calendar::age(person.birth, today);
    let insurer = rng.below(900);
    let rich = rng.chance(12);
    let (share, burden) = match age {
        ..6 => (2, "６歳"),
        75.. if rich => (3, "高７"),
        75.. if rng.chance(22) => (2, "高８"),
        75.. => (1, "高一"),
        70.. if rich => (3, "高７"),
        70.. => (2, "高一"),
        _ => (3, ""),
    };
    let mut cover = Cover {
        kind,
        insurer: String::new(),
        symbol: String::new(),
        number: String::new(),
        branch: String::new(),
        own: (20..).contains(&age) && !rng.chance(18),
        burden,
        share,
        public: None,
        from: calendar::plus(today, -rng.between(30, 1_400)).max(person.birth),
        until: None,
    };
    // National cards and those of the old run to the end of July.
    let july = date(today.year() + if today.month() > 7 { 1 } else { 0 }, 7, 31);
    match kind {
        Insurance::Employees => {
            cover.insurer = checked(&format!("0699{insurer:03}"));
            cover.symbol = rng.between(10, 9_999).to_string();
            cover.number = rng.between(1, 99_999).to_string();
            cover.branch = format!("{:02}", if cover.own { 0 } else { rng.between(1, 5) });
        }
        Insurance::National => {
            cover.insurer = checked(&format!("99{insurer:03}"));
            cover.symbol = format!("灯{}", rng.between(1, 99));
            cover.number = rng.between(10_000, 999_999).to_string();
            cover.branch = format!("{:02}", rng.between(1, 5));
            cover.until = Some(july);
        }
        Insurance::LateElderly => {
            cover.insurer = checked(&format!("3999{insurer:03}"));
            cover.number = format!("{:08}", rng.between(1, 99_999_999));
            cover.own = true;
            cover.until = Some(july);
        }
        Insurance::PublicAssistance => {
            let month_end = calendar::plus(today, 30 - i64::from(today.day()).min(30));
            cover.public = Some((
                checked(&format!("1299{insurer:03}")),
                recipient(rng),
                month_end.max(today),
            ));
            (cover.own, cover.share, cover.burden) = (true, 0, "");
        }
        Insurance::OwnExpense => {}
    }
    cover
}

fn recipient(rng: &mut Rng) -> String {
    checked(&format!("{:06}", rng.between(1, 999_999)))
}

/// The digits with their check digit: weights 2 and 1 from the right, digits of the products summed, what is left to the next ten.
fn checked(digits: &str) -> String {
    let product = |(at, c): (usize, char)| {
        let product = c.to_digit(10).unwrap_or(0) * if at % 2 == 0 { 2 } else { 1 };
        product / 10 + product % 10
    };
    let sum: u32 = digits.chars().rev().enumerate().map(product).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::checked;

    #[test]
    fn check_digits_as_in_the_example_of_the_rules() {
        assert_eq!(checked("0613999"), "06139992");
    }
}
