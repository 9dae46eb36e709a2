//! One examination as OML^O33 and OMG^O19 order it (ORC, TQ1, OBR, NTE).

use chart::{Coded, ExamOrder};
use hl7::Segment;

use super::orders::Group;
use super::read::{Cwe, MAX_MEDIUM, MAX_SHORT, Place, When, coded, cut, place};
use super::told::Taking;

/// The examination; `None` without its name, or where not even the message has a day.
pub(super) fn exam_order(
    orc: Segment<'_>,
    obr: Segment<'_>,
    group: &Group<'_>,
    exam: Coded,
    number: &str,
    taking: &Taking<'_>,
) -> Option<ExamOrder> {
    let tq1 = group.drug.tq1.first();
    let when = tq1
        .and_then(|tq1| When::of(tq1.field(7)))
        .or_else(|| When::of(obr.field(36)))
        .or_else(|| When::of(obr.field(7)))
        .or_else(|| When::of(orc.field(15)))
        .or_else(|| When::of(orc.field(9)))
        .or_else(|| When::read(&chart::date::iso(taking.said.moment().day())))?;
    if exam.is_empty() {
        return None;
    }
    let mut words: Vec<String> = Vec::new();
    for tq1 in &group.drug.tq1 {
        words.push(cut(&tq1.field(11).text(), MAX_SHORT));
    }
    words.push(cut(&obr.field(13).text(), MAX_SHORT));
    let Place { point, .. } = place(obr.field(24));
    let mut room = if point.is_ascii() { String::new() } else { point };
    for nte in &group.notes {
        let text = cut(&nte.field(3).text(), MAX_SHORT);
        // NTE-4 says what a note is about; where to go has a place of its own.
        if room.is_empty() && Cwe::of(nte.field(4).first()).words() == "場所" {
            room = text;
        } else {
            words.push(text);
        }
    }
    words.retain(|word| !word.is_empty());
    let department = coded(orc.field(17));
    Some(ExamOrder {
        on: when.on,
        at: when.at,
        exam,
        place: room,
        remarks: cut(&words.join(" "), MAX_MEDIUM),
        department,
        number: if taking.is_unnumbered(number) {
            String::new()
        } else {
            number.to_owned()
        },
    })
}
