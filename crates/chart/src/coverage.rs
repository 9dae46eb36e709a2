//! 保険: what the EHR last knew about who pays for a patient, and what of it may be printed on a day.
//!
//! Nothing is looked up: eligibility (資格確認) is the hospital's own task. What is over, not yet begun, or cannot be right is never printed;
//! its boxes stay empty for the hand. Deliberately absent: 労災・自賠責, whose papers carry no such numbers.

use jiff::civil::Date;
use minicbor::{Decode, Encode};

use crate::as_of::Moment;
use crate::known::Known;
use crate::rx::insurance::check_digit_holds;
use crate::rx::{Burden, Insurance, Member, Payer};

/// Most insurances kept of one patient; old cards stay in EHRs for years.
pub const MAX_COVERAGES: usize = 20;

/// Most public payers of one insurance; a prescription has boxes for two.
pub const MAX_PUBLIC: usize = 2;

/// 公費: a public payer and until when it pays. Certificates are renewed every year, mostly apart from the insurance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct PublicPayer {
    /// 公費負担者番号
    #[n(0)]
    pub payer: String,
    /// 受給者番号
    #[n(1)]
    pub recipient: String,
    /// 有効期限
    #[cbor(n(2), with = "crate::codec::maybe_date")]
    pub valid_until: Option<Date>,
}

/// One insurance of a patient as the EHR last knew it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Coverage {
    /// 保険種別 in the hospital's own words (社保, 国保, 後期高齢者), or empty.
    #[n(0)]
    pub kind: String,
    /// 保険者番号, or empty.
    #[n(1)]
    pub insurer: String,
    /// 記号, or empty.
    #[n(2)]
    pub symbol: String,
    /// 番号, or empty.
    #[n(3)]
    pub number: String,
    /// 枝番, two digits, or empty.
    #[n(4)]
    pub branch: String,
    /// 本人・家族
    #[n(5)]
    #[cbor(default)]
    pub member: Option<Member>,
    /// 一部負担区分
    #[n(6)]
    #[cbor(default)]
    pub burden: Option<Burden>,
    /// 負担割合 in tenths: 3 is 3割.
    #[n(7)]
    #[cbor(default)]
    pub share: Option<u8>,
    /// 公費, first and second.
    #[n(8)]
    #[cbor(default)]
    pub public: Vec<PublicPayer>,
    /// 有効開始日
    #[cbor(n(9), with = "crate::codec::maybe_date")]
    pub valid_from: Option<Date>,
    /// 有効終了日; `None` when the EHR gives none, which most cards of 社保 have.
    #[cbor(n(10), with = "crate::codec::maybe_date")]
    pub valid_until: Option<Date>,
}

/// What an insurance is worth on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It holds as far as the EHR knows.
    Holds,
    /// Its last day is past.
    Expired(Date),
    /// Its first day is still to come.
    NotYet(Date),
    /// A number that cannot be right, by the name of its box.
    Wrong(&'static str),
}

impl Coverage {
    /// The first number that cannot be right, as the name of its box. Length, kind of character and check digits; nothing is looked up.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        let numbers = Insurance {
            payers: Vec::new(),
            ..self.numbers(None)
        };
        let fault = numbers.faults().first().copied();
        fault.or_else(|| (check_digit_holds(&self.insurer) == Some(false)).then_some("保険者番号"))
    }

    /// What it is worth on a day. Public payers stand for themselves: see [`Self::printed`].
    #[must_use]
    pub fn standing(&self, on: Date) -> Standing {
        if let Some(fault) = self.fault() {
            return Standing::Wrong(fault);
        }
        match (self.valid_from, self.valid_until) {
            (_, Some(until)) if until < on => Standing::Expired(until),
            (Some(from), _) if from > on => Standing::NotYet(from),
            _ => Standing::Holds,
        }
    }

    /// What a prescription of that day may print; `None` when the boxes stay empty. A public payer that is over or cannot be right is
    /// left out, and the next takes its place.
    #[must_use]
    pub fn printed(&self, on: Date, as_of: Moment) -> Option<Insurance> {
        let says_something = !self.insurer.is_empty() || self.public.iter().any(|payer| payer.holds(on));
        (self.standing(on) == Standing::Holds && says_something).then(|| self.numbers(Some((on, as_of))))
    }

    fn numbers(&self, at: Option<(Date, Moment)>) -> Insurance {
        let payers = self.public.iter().filter(|p| at.is_some_and(|(on, _)| p.holds(on)));
        Insurance {
            insurer: self.insurer.clone(),
            symbol: self.symbol.clone(),
            number: self.number.clone(),
            branch: self.branch.clone(),
            member: self.member,
            burden: self.burden,
            payers: payers
                .take(MAX_PUBLIC)
                .map(|p| Payer {
                    payer: p.payer.clone(),
                    recipient: p.recipient.clone(),
                })
                .collect(),
            as_of: at.map(|(_, as_of)| as_of),
        }
    }
}

impl PublicPayer {
    /// The number that cannot be right, as the name of its box.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        let digits = |text: &str, len: usize| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(&self.payer, 8) || check_digit_holds(&self.payer) == Some(false) {
            Some("公費負担者番号")
        } else if !self.recipient.is_empty() && !digits(&self.recipient, 7) {
            Some("受給者番号")
        } else {
            None
        }
    }

    /// True when it may be printed on that day.
    #[must_use]
    pub fn holds(&self, on: Date) -> bool {
        self.fault().is_none() && self.valid_until.is_none_or(|until| until >= on)
    }
}

/// The one insurance that a prescription of that day prints unless the physician says otherwise: the only one that holds. Of several nobody
/// can say which it is to be, so it is none; a person chooses. Gives its place in the list.
#[must_use]
pub fn preselected(known: &Known<Vec<Coverage>>, on: Date) -> Option<usize> {
    let mut held = known
        .items()
        .iter()
        .enumerate()
        .filter(|(_, coverage)| coverage.printed(on, Moment::default()).is_some());
    match (held.next(), held.next()) {
        (Some((at, _)), None) => Some(at),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const DAY: Date = date(2026, 11, 20);

    fn card() -> Coverage {
        Coverage {
            insurer: "06139992".to_owned(),
            symbol: "模擬".to_owned(),
            number: "345".to_owned(),
            branch: "01".to_owned(),
            valid_from: Some(date(2024, 4, 1)),
            valid_until: Some(date(2027, 3, 31)),
            ..Coverage::default()
        }
    }

    #[test]
    fn only_what_holds_on_the_day_is_printed() {
        let at = Moment(1);
        assert!(card().printed(DAY, at).is_some_and(|i| i.as_of == Some(at)));
        assert!(card().printed(date(2027, 3, 31), at).is_some());
        assert_eq!(card().standing(date(2027, 4, 1)), Standing::Expired(date(2027, 3, 31)));
        assert_eq!(card().standing(date(2024, 3, 31)), Standing::NotYet(date(2024, 4, 1)));
        let wrong = Coverage {
            insurer: "06139993".to_owned(),
            ..card()
        };
        assert_eq!(wrong.standing(DAY), Standing::Wrong("保険者番号"));
        for empty in [wrong, Coverage::default()] {
            assert_eq!(empty.printed(DAY, at), None);
        }
    }

    #[test]
    fn a_public_payer_that_is_over_is_left_out_and_the_next_takes_its_place() {
        let payer = |until| PublicPayer {
            payer: "06139992".to_owned(),
            recipient: "1234567".to_owned(),
            valid_until: until,
        };
        let mut both = card();
        both.public = vec![payer(Some(date(2026, 11, 19))), payer(Some(DAY))];
        assert_eq!(both.printed(DAY, Moment(1)).unwrap().payers.len(), 1);
        both.public[1].recipient = "12".to_owned();
        assert!(both.printed(DAY, Moment(1)).unwrap().payers.is_empty());
    }

    #[test]
    fn of_two_that_hold_none_is_preselected() {
        let over = Coverage {
            valid_until: Some(date(2025, 3, 31)),
            ..card()
        };
        assert_eq!(preselected(&Known::Present(vec![over.clone(), card()]), DAY), Some(1));
        assert_eq!(preselected(&Known::Present(vec![card(), over, card()]), DAY), None);
        assert_eq!(preselected(&Known::NotRecorded, DAY), None);
    }
}
