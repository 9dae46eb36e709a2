//! One bottle of an injection (RXE with its RXC): its components are its name, and how it is given is one text.
//!
//! Amounts, timing and the marks of two people are those of `dosing`.

use chart::Coded;
use chart::medication::Route;
use hl7::Segment;

use super::dosing::{Comment, DrugSegments, Line, amounts, codes, remark, timing, two_people};
use super::read::{Cwe, MAX_MEDIUM, MAX_SHORT, Remarks, cut, short};
use super::units::{counted, unit_words};

/// Reads one bottle of an injection: its components are its name.
#[must_use]
pub fn read_injection(segments: &DrugSegments<'_>, remarks: &mut Remarks) -> Option<Line> {
    let rxe = segments.rxe?;
    let head = Cwe::of(rxe.field(2).first());
    let mut line = Line::default();
    let mut comment = Comment(Vec::new());
    let mut names = Vec::new();
    for rxc in &segments.rxc {
        let part = Cwe::of(rxc.field(2).first());
        let unit = unit_words(&Cwe::of(rxc.field(4).first()));
        let amount = short(rxc.field(3).component(1));
        let name = part.words();
        if !name.is_empty() {
            names.push(format!("{name} {amount}{unit}").trim().to_owned());
        }
        line.codes.extend(codes(&part));
        line.high_risk |= rxc.field(7).repetitions().any(|flag| short(flag.component(1)) == "01");
    }
    let class = [&head.first, &head.second]
        .into_iter()
        .find(|t| t.system.starts_with("JHSI0002"));
    line.high_risk |= class.is_some_and(|class| matches!(class.code.as_str(), "03" | "07"));
    if names.is_empty() {
        // Without components RXE-2 is the drug itself.
        line.codes = codes(&head);
        line.item.drug = head.coded();
    } else {
        let first = segments
            .rxc
            .first()
            .map(|rxc| Cwe::of(rxc.field(2).first()).coded().code);
        line.item.drug = Coded::new(first.unwrap_or_default(), cut(&names.join(" ＋ "), MAX_MEDIUM));
    }
    if line.item.drug.is_empty() {
        return None;
    }
    timing(segments, &mut line, None, &mut comment, remarks);
    // The times of a bottle are its hours, not words of its comment: three bottles of a day would be three drugs.
    comment.0.clear();
    for tq1 in &segments.tq1 {
        comment.add(cut(&tq1.field(11).text(), MAX_SHORT));
    }
    for repetition in rxe.field(7).repetitions() {
        let words = Cwe::of(repetition).words();
        if two_people(&words) {
            line.high_risk = true;
        } else {
            comment.add(words);
        }
    }
    for nte in &segments.notes {
        remark(*nte, &mut line, &mut comment);
    }
    amounts(rxe, &mut line, &mut comment, remarks);
    line.item.per_day = None;
    line.item.route = Route::Injection;
    line.how = how(rxe, segments);
    line.item.comment = cut(&comment.0.join(" "), MAX_MEDIUM);
    Some(line)
}

/// 静脈内 点滴 主管 100 mL/時 5時間
fn how(rxe: Segment<'_>, segments: &DrugSegments<'_>) -> String {
    let mut words: Vec<String> = Vec::new();
    for rxr in &segments.rxr {
        for field in [1, 3, 4, 5] {
            words.push(Cwe::of(rxr.field(field).first()).words());
        }
    }
    words.push(Cwe::of(rxe.field(27).first()).words());
    let rate = short(rxe.field(23).component(1));
    if !rate.is_empty() {
        words.push(format!("{rate}{}", unit_words(&Cwe::of(rxe.field(24).first()))));
    }
    for tq1 in &segments.tq1 {
        let (number, unit) = counted(tq1.field(13));
        if !number.is_empty() {
            let unit = if unit == "hr" { "時間" } else { &unit };
            words.push(format!("{number}{unit}で"));
        }
    }
    let mut seen: Vec<String> = Vec::new();
    for word in words {
        if !word.is_empty() && !seen.contains(&word) {
            seen.push(word);
        }
    }
    cut(&seen.join(" "), MAX_SHORT)
}
