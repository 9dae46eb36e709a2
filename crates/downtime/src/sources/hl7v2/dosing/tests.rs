//! The special regimens of JAHIS 処方 messages, and the days on which they are due.

use chart::medication::Rhythm;
use jiff::civil::date;

use super::*;

fn line(rxe: &str, tq1: &str, rxr: &str) -> (Line, Remarks) {
    let text = format!("MSH|^~\\&|A\rRXE|{rxe}\rTQ1|{tq1}\rRXR|{rxr}\r");
    let message = hl7::Message::parse(&text).unwrap();
    let segments = DrugSegments {
        rxe: message.segment("RXE"),
        tq1: message.segments_named("TQ1").collect(),
        rxr: message.segments_named("RXR").collect(),
        ..DrugSegments::default()
    };
    let mut remarks = Remarks::default();
    let line = read(&segments, Some(date(2026, 11, 20)), &mut remarks).unwrap();
    (line, remarks)
}

const TAB: &str = "TAB^錠^MR9P";

#[test]
fn a_plain_line() {
    let rxe = format!("|999999901^架空消炎錠５ｍｇ^HOT9|1||{TAB}|TAB^錠剤^MR9P||||28|{TAB}||||||||2^TAB&錠&MR9P");
    let (line, remarks) = line(
        &rxe,
        "1||1012040400000000&1日2回朝夕食後&JAMISDP01|||14^d|20261120",
        "PO^口^HL70162",
    );
    assert_eq!(
        line.item.line().replace('\u{a0}', " "),
        "架空消炎錠５ｍｇ 1回 1錠（1日 2錠） 1日2回朝夕食後 14日分"
    );
    assert_eq!(line.item.route, Route::Oral);
    assert!(remarks.0.is_empty());
    assert!(line.is_due(date(2026, 12, 3), None));
    assert!(!line.is_due(date(2026, 12, 4), None));
}

#[test]
fn uneven_doses_are_told_dose_by_dose() {
    let rxe = format!(
        "|A^錠^99X|1|4|{TAB}||V14NNNNN^４錠^JAMISDP01~V22NNNNN^２錠^JAMISDP01~V31NNNNN^１錠^JAMISDP01||||||||||||7^TAB&錠&MR9P"
    );
    let (line, _) = line(&rxe, "1||1013044400000000&1日3回&JAMISDP01|||7^d|20261120", "PO");
    assert!(
        line.item.dose_text().contains("不均等 4錠－2錠－1錠"),
        "{}",
        line.item.dose_text()
    );
    assert_eq!(line.item.per_dose, None, "never 'one tablet'");
}

#[test]
fn days_of_taking_are_not_calendar_days() {
    let every_other = line(
        &format!("|A^錠^99X|1||{TAB}"),
        "1||1011000400000000&朝食後&JAMISDP01~I1100000&１日おき&JAMISDP01|||7^d|20261120",
        "PO",
    )
    .0;
    assert_eq!(every_other.item.rhythm, Rhythm::AlternateDays);
    assert!(
        every_other.is_due(date(2026, 12, 2), None),
        "the 7th time, 12 days later"
    );
    assert!(!every_other.is_due(date(2026, 12, 1), None));
    assert!(!every_other.is_due(date(2026, 12, 4), None));
    let weekdays = line(
        &format!("|A^錠^99X|1||{TAB}"),
        "1||1011000400000000&朝食後&JAMISDP01~W0100100&月木&JAMISDP01|||4^d|20261120",
        "PO",
    )
    .0;
    assert!(!weekdays.is_due(date(2026, 11, 20), None), "a Friday");
    assert!(weekdays.is_due(date(2026, 11, 23), None), "a Monday");
    assert!(weekdays.is_due(date(2026, 12, 3), None));
    assert!(!weekdays.is_due(date(2026, 12, 7), None), "the fifth time");
}

#[test]
fn as_needed_external_and_strength() {
    let as_needed = line(
        &format!("|A^頓服錠^99X|1||{TAB}||||||||||||||||||||||22^頓用^JHSP0003"),
        "1||1050110020000000&疼痛時&JAMISDP01||||20261120||||1日2回まで|||10",
        "PO",
    )
    .0;
    assert_eq!(
        (as_needed.item.route, as_needed.item.times),
        (Route::AsNeeded, Some(10))
    );
    assert!(as_needed.item.comment.contains("1日2回まで"));
    let ointment = line(
        "|B^軟膏^99X|\"\"||\"\"|||||2|HON^本^MR9P",
        "1||2B74000000000000&1日4回塗布&JAMISDP01||||20261120",
        "AP^外用^HL70162|77L^左手^JAMISDP01",
    )
    .0;
    assert_eq!(ointment.item.route, Route::External);
    assert_eq!(ointment.item.dose_text(), "全量 2本");
    assert!(ointment.item.comment.contains("左手"));
    let (powder, remarks) = line(
        "|C^散10%^99X|50||MG^mg^MR9P|||||1.4|G^g^MR9P||||||||100^MG&mg&MR9P||||||100|MG^mg^MR9P",
        "1||1012040400000000&朝夕食後&JAMISDP01|||14^d|20261120",
        "PO",
    );
    assert!(
        powder.item.comment.contains("力価 100mg 調剤量 1.4g"),
        "{}",
        powder.item.comment
    );
    assert_eq!(powder.item.total, None, "1.4 g of what, nobody can say here");
    assert_eq!(remarks.0.first().unwrap().code, "quantity.strength");
}

#[test]
fn a_start_in_the_future_and_a_stop_are_said() {
    let (later, _) = line(
        &format!("|A^錠^99X|1||{TAB}"),
        "1||&食後&99X|||7^d|20261127|20261130",
        "PO",
    );
    assert!(later.item.comment.contains("11-27から") && later.item.comment.contains("11-30まで"));
    assert!(
        !later.is_due(date(2026, 11, 20), None),
        "next week's prescription is not due today"
    );
    assert!(later.is_due(date(2026, 11, 30), None));
    assert!(
        !later.is_due(date(2026, 12, 1), None),
        "stopped by TQ1-8 before its days are over"
    );
}

#[test]
fn what_is_not_a_number_stays_in_words() {
    let (odd, remarks) = line(
        &format!("|A^錠^99X|適量||{TAB}"),
        "1||&食後&99X|||二週^w|20261120",
        "PO",
    );
    assert!(odd.item.comment.contains("1回量: 適量錠"), "{}", odd.item.comment);
    assert!(odd.item.comment.contains("期間: 二週w"));
    assert_eq!(remarks.0.len(), 2);
}
