//! What the reception card says about a patient's insurance: kind, insurer, whose it is, share, and its days. No symbol, no number.
//!
//! The row keeps the days, not a verdict: whether an insurance holds is decided on the day somebody looks.

use chart::coverage::Coverage;
use chart::rx::Member;
use chart::{Known, codec::date};

/// Most insurances of one patient that a card knows of.
const MOST: usize = 4;

/// Between insurances, and between the fields of one. Neither occurs in a text of an arena.
const RECORD: char = '\u{1E}';
const FIELD: char = '\u{1F}';

/// An insurance whose number cannot be right, without the number: the card says so, and nobody copies it.
const WRONG: &str = "?";

/// The text of a row: the state's word, or the insurances.
pub(super) fn write(known: &Known<Vec<Coverage>>) -> String {
    match known {
        Known::Present(list) => {
            let texts: Vec<String> = list.iter().take(MOST).map(one).collect();
            texts.join(&RECORD.to_string())
        }
        // The day of a confirmation and the hour of a failure are on the chart.
        Known::ConfirmedNone { .. } => "-".to_owned(),
        Known::NotRecorded => "0".to_owned(),
        Known::Unavailable { .. } => String::new(),
    }
}

fn one(coverage: &Coverage) -> String {
    let day = |day: Option<jiff::civil::Date>| day.map(|day| date::to_number(day).to_string()).unwrap_or_default();
    let insurer = if coverage.fault().is_some() {
        WRONG
    } else {
        &coverage.insurer
    };
    let member = match coverage.member {
        Some(Member::Insured) => "1",
        Some(Member::Dependent) => "2",
        None => "",
    };
    let share = coverage.share.map(|share| share.to_string()).unwrap_or_default();
    // A kind is the hospital's own text.
    let kind: String = coverage.kind.chars().filter(|c| !c.is_control()).take(20).collect();
    [
        kind.as_str(),
        insurer,
        member,
        &share,
        &day(coverage.valid_from),
        &day(coverage.valid_until),
    ]
    .join(&FIELD.to_string())
}

/// What [`write()`] wrote. A text that is none of ours says that it could not be fetched.
pub(super) fn read(text: &str) -> Known<Vec<Coverage>> {
    match text {
        "-" => Known::ConfirmedNone { on: None },
        "0" => Known::NotRecorded,
        "" => Known::Unavailable { since: None },
        text => {
            let list: Vec<Coverage> = text.split(RECORD).filter_map(coverage).collect();
            if list.is_empty() {
                Known::Unavailable { since: None }
            } else {
                Known::Present(list)
            }
        }
    }
}

fn coverage(text: &str) -> Option<Coverage> {
    let mut fields = text.split(FIELD);
    let mut next = || fields.next();
    let (kind, insurer, member, share, from, until) = (next()?, next()?, next()?, next()?, next()?, next()?);
    let day = |text: &str| text.parse().ok().and_then(date::from_number);
    Some(Coverage {
        kind: kind.to_owned(),
        insurer: insurer.to_owned(),
        member: match member {
            "1" => Some(Member::Insured),
            "2" => Some(Member::Dependent),
            _ => None,
        },
        share: share.parse().ok(),
        valid_from: day(from),
        valid_until: day(until),
        ..Coverage::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_card_needs_comes_back_and_numbers_of_the_person_do_not() {
        let card = Coverage {
            kind: "国保".to_owned(),
            insurer: "06139992".to_owned(),
            symbol: "灯1".to_owned(),
            number: "12345".to_owned(),
            member: Some(Member::Dependent),
            share: Some(3),
            valid_until: Some(jiff::civil::date(2027, 7, 31)),
            ..Coverage::default()
        };
        let wrong = Coverage {
            insurer: "06139993".to_owned(),
            ..card.clone()
        };
        let text = write(&Known::Present(vec![card.clone(), wrong]));
        assert!(!text.contains("12345") && !text.contains("06139993") && !text.contains('\n'));
        let back = read(&text);
        let [first, second] = back.items() else {
            panic!("{back:?}")
        };
        let bare = Coverage {
            symbol: String::new(),
            number: String::new(),
            ..card
        };
        assert_eq!(first, &bare);
        assert_eq!(second.fault(), Some("保険者番号"));
        for known in [
            Known::NotRecorded,
            Known::ConfirmedNone { on: None },
            Known::Unavailable { since: None },
        ] {
            assert_eq!(read(&write(&known)), known);
        }
    }
}
