//! What a ward writes down about a stay under words of its own: 安静度, 隔離, 酸素 … 手術予定.
//!
//! By the words, whatever codes stand beside them; every source gives them in the same way. Nothing is concluded from a word that is
//! not here: that stays a labelled fact beside the name.

use chart::stay::Plan;
use chart::{Known, Stay};

/// The words, as wards' systems label them.
pub const WARD: [&str; 11] = [
    "安静度",
    "隔離",
    "酸素",
    "点滴",
    "インスリン",
    "方針",
    "ADL",
    "転倒危険度",
    "嚥下",
    "皮膚",
    "手術予定",
];

/// Puts what was written under these words into a stay. What is not among them was not recorded; isolation that the source knows from
/// elsewhere stays, and an operation joins the plans that are there.
///
/// 「なし」 is confirmed none only where it can mean nothing else: 安静度なし can mean two things.
pub fn put(stay: &mut Stay, marks: &[(String, String)]) {
    let find = |label: &str| {
        let known = marks.iter().find(|(known, _)| known == label);
        known.map(|(_, words)| words.clone())
    };
    let words = |label: &str| find(label).map_or(Known::NotRecorded, Known::Present);
    let mark = |label: &str| match words(label) {
        Known::Present(text) if is_none(&text) => Known::ConfirmedNone { on: None },
        other => other,
    };
    stay.rest = words("安静度");
    if !matches!(stay.isolation, Known::Present(_)) {
        stay.isolation = mark("隔離");
    }
    stay.oxygen = mark("酸素");
    stay.drip = mark("点滴");
    stay.insulin = mark("インスリン");
    stay.policy = match mark("方針") {
        Known::Present(text) => Known::Present(vec![text]),
        Known::ConfirmedNone { on } => Known::ConfirmedNone { on },
        _ => Known::NotRecorded,
    };
    stay.care.adl = words("ADL");
    stay.care.falls = mark("転倒危険度");
    stay.care.swallowing = words("嚥下");
    stay.care.skin = mark("皮膚");
    let mut plans = match std::mem::take(&mut stay.plans) {
        Known::Present(plans) => plans,
        _ => Vec::new(),
    };
    let operation = find("手術予定").filter(|text| !is_none(text));
    let operation = operation.map(|when| Plan {
        when,
        what: "手術".to_owned(),
    });
    plans.splice(..0, operation);
    stay.plans = Known::from_list(plans);
}

fn is_none(text: &str) -> bool {
    matches!(text, "なし" | "無し" | "無")
}

#[cfg(test)]
mod tests {
    use super::*;
    use chart::Coded;

    #[test]
    fn none_is_confirmed_only_where_it_can_mean_nothing_else() {
        let mut stay = Stay::at(Coded::new("5E", "5階東"), "501", "1");
        let marks = [("安静度", "なし"), ("酸素", "なし"), ("手術予定", "11-21 13:00")];
        put(
            &mut stay,
            &marks.map(|(label, words)| (label.to_owned(), words.to_owned())),
        );
        assert_eq!(stay.rest, Known::Present("なし".to_owned()));
        assert_eq!(stay.oxygen, Known::ConfirmedNone { on: None });
        assert_eq!(stay.drip, Known::NotRecorded);
        assert_eq!(stay.plans.items()[0].what, "手術");
    }
}
