//! 前回どおり: lines of the last prescription as they can be prescribed again.
//!
//! A line whose amounts the source does not give in parts (only in words) is not guessed at: the physician writes it anew.

use crate::medication::{PrescriptionItem, Route};

use super::{CodeSystem, Dose, Drug, OralUse, Rp, Timing, Usage};

/// One line of the last prescription for so many days (内服) or uses (頓服); `None` when its amounts are not known in parts.
#[must_use]
pub fn again(item: &PrescriptionItem, supply: u16) -> Option<Rp> {
    let (dose, usage) = match item.route {
        Route::Oral => (oral_dose(item)?, oral(item, supply)),
        Route::AsNeeded => {
            let usage = Usage::AsNeeded {
                when: item.usage.clone(),
                at_most: 0,
                times: supply,
            };
            (Dose::PerUse(item.per_dose.clone()?), usage)
        }
        Route::External => {
            let usage = Usage::External {
                site: String::new(),
                how: item.usage.clone(),
                per_day: 0,
            };
            (Dose::Total(item.total.clone()?), usage)
        }
        Route::Injection => (Dose::Total(item.total.clone()?), Usage::Injection(item.usage.clone())),
        Route::Other => (Dose::Total(item.total.clone()?), Usage::Material(item.usage.clone())),
    };
    let mut drug = Drug::written(item.drug.label(), dose);
    if !item.drug.code.is_empty() {
        drug.system = CodeSystem::Local;
        drug.code.clone_from(&item.drug.code);
    }
    if !item.comment.is_empty() {
        drug.notes.push(item.comment.clone());
    }
    Some(Rp::of(drug, usage))
}

fn oral_dose(item: &PrescriptionItem) -> Option<Dose> {
    if item.uneven.len() > 1 {
        return Some(Dose::Uneven(item.uneven.clone()));
    }
    let each = item.per_dose.clone().map(Dose::Each);
    each.or_else(|| item.per_day.clone().map(Dose::Divided))
}

fn oral(item: &PrescriptionItem, days: u16) -> Usage {
    Usage::Oral(OralUse {
        timing: Timing::AsWritten(times(item), item.usage.clone()),
        rhythm: item.rhythm.clone(),
        days,
    })
}

/// Doses a day: what the amounts say, else what the words say, else one.
fn times(item: &PrescriptionItem) -> u8 {
    if item.uneven.len() > 1 {
        return u8::try_from(item.uneven.len()).unwrap_or(u8::MAX);
    }
    let of_amounts = match (&item.per_dose, &item.per_day) {
        (Some(dose), Some(day)) if dose.unit == day.unit && dose.milli > 0 && day.milli % dose.milli == 0 => {
            u8::try_from(day.milli / dose.milli).ok()
        }
        _ => None,
    };
    of_amounts.or_else(|| times_said(&item.usage)).unwrap_or(1)
}

/// 1日3回 is three; 分3 is three.
#[must_use]
pub fn times_said(usage: &str) -> Option<u8> {
    let text = crate::id::half_width_text(usage);
    let after = |mark: &str| {
        let (_, rest) = text.split_once(mark)?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    after("1日").filter(|_| text.contains('回')).or_else(|| after("分"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dose::Quantity;
    use crate::id::Coded;

    fn item(usage: &str) -> PrescriptionItem {
        PrescriptionItem {
            rp: 1,
            drug: Coded::new("612170709", "アムロジピン錠5mg"),
            per_dose: Quantity::parse("1", "錠"),
            usage: usage.to_owned(),
            days: Some(35),
            ..PrescriptionItem::default()
        }
    }

    #[test]
    fn a_line_is_prescribed_again_as_it_was_written() {
        let rp = again(&item("1日3回 毎食後"), 14).unwrap();
        let Usage::Oral(oral) = &rp.usage else { panic!("oral") };
        assert_eq!((oral.timing.times(), oral.days), (3, 14));
        assert_eq!(
            super::super::wording::dose(&rp.drugs[0], &rp.usage),
            "1回 1錠（1日 3錠）"
        );
        assert!(super::super::wording::usage(&rp).contains("1日3回 毎食後"));
    }

    #[test]
    fn amounts_count_before_words() {
        let twice = PrescriptionItem {
            per_day: Quantity::parse("2", "錠"),
            ..item("朝夕食後")
        };
        let Usage::Oral(oral) = again(&twice, 7).unwrap().usage else {
            panic!("oral")
        };
        assert_eq!(oral.timing.times(), 2);
        assert_eq!(times_said("分３ 毎食後"), Some(3));
        assert_eq!(times_said("就寝前"), None);
    }

    #[test]
    fn amounts_in_words_alone_are_not_guessed() {
        let bare = PrescriptionItem {
            per_dose: None,
            ..item("医師の指示どおり")
        };
        assert!(again(&bare, 7).is_none());
    }
}
