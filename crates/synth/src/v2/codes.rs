//! Code tables: units of MERIT-9, usages of JAMI, kinds of insurance, routes, and which order an examination makes.
//!
//! What has no standard code here gets a local one in a table that begins with 99, as the standard lays down.

use super::coded;
use crate::catalogue::DrugKind;
use crate::patient::Note;
use crate::person::Insurance;

/// The MERIT-9 code of a unit.
pub(crate) fn merit9(word: &str) -> Option<&'static str> {
    Some(match word {
        "錠" => "TAB",
        "カプセル" => "CAP",
        "包" => "PCK",
        "g" => "G",
        "mg" => "MG",
        "μg" => "MCG",
        "mL" => "ML",
        "アンプル" => "AMP",
        "袋" => "BAG",
        "本" => "HON",
        "枚" => "SHT",
        "個" => "KO",
        "キット" => "KIT",
        "瓶" => "BTL",
        "滴" => "DROP",
        "単位" => "UNT",
        "回分" => "DOSE",
        _ => return None,
    })
}

/// An amount's unit.
pub(super) fn unit(word: &str) -> String {
    match merit9(word) {
        _ if word.is_empty() => String::new(),
        Some(code) => coded(code, word, "MR9P"),
        None => coded(word, word, "99UNT"),
    }
}

/// The 16 digits of a usage where the standard's table is known here; a local code otherwise.
pub(crate) fn usage(text: &str, kind: DrugKind) -> (&'static str, &'static str) {
    let code = match text {
        "1日1回朝食後" => "1011000400000000",
        "1日1回昼食後" => "1011004000000000",
        "1日1回夕食後" => "1011040000000000",
        "1日2回朝夕食後" => "1012040400000000",
        "1日2回朝昼食後" => "1012004400000000",
        "1日3回毎食後" => "1013044400000000",
        _ if kind == DrugKind::AsNeeded && text.starts_with("疼痛時") => "1050110020000000",
        _ if kind == DrugKind::AsNeeded => "1050W10000000000",
        // The dummy code of electronic prescriptions: the text says it.
        _ => return ("0X0XXXXXXXXX0000", "JAMISDP01"),
    };
    (code, "JAMISDP01")
}

/// Route by what the usage says.
pub(crate) fn route(usage: &str, kind: DrugKind) -> (&'static str, &'static str) {
    let has = |word: &str| usage.contains(word);
    match kind {
        _ if has("舌下") => ("SL", "舌下"),
        DrugKind::Injection if has("筋注") => ("IM", "筋肉内"),
        DrugKind::Injection => ("SC", "皮下"),
        _ if has("肛門") => ("PR", "直腸"),
        _ if has("点眼") => ("OP", "眼"),
        _ if has("鼻") => ("NS", "鼻"),
        _ if has("吸入") => ("IH", "吸入"),
        _ if has("耳") => ("OT", "耳"),
        DrugKind::External => ("AP", "外用"),
        _ => ("PO", "口"),
    }
}

/// Kind of insurance: code and name of table JHSD0001.
pub(super) fn plan(kind: Insurance) -> (&'static str, &'static str) {
    match kind {
        Insurance::Employees => ("06", "組合管掌健康保険"),
        Insurance::National => ("C0", "国民健康保険"),
        Insurance::LateElderly => ("39", "後期高齢者医療"),
        Insurance::PublicAssistance => ("12", "生活保護"),
        Insurance::OwnExpense => ("OE", "自費"),
    }
}

/// The data kind of an order by the examination's code: laboratory, imaging, endoscopy, physiology.
pub(crate) fn exam_kind(code: &str) -> &'static str {
    match code.get(..2) {
        Some("K1") => "OML-01",
        Some("K4") => "OMG-01",
        Some("K5") => "OMG-02",
        _ => "OMG-03",
    }
}

/// Material of a laboratory item by its local code and name.
pub(super) fn material(code: &str, name: &str) -> (&'static str, &'static str) {
    match code.get(..1) {
        _ if name.starts_with('尿') => ("001", "尿"),
        _ if name.starts_with('便') => ("015", "便"),
        Some("2") => ("018", "全血"),
        _ => ("023", "血清"),
    }
}

/// JLAC10 of the few items of which it is known here.
pub(crate) fn jlac10(local: &str) -> Option<&'static str> {
    match local {
        "20101" => Some("2A990000001930952"),
        "20102" => Some("2A990000001930951"),
        "30117" => Some("3H015000002326101"),
        "30132" => Some("5C070000002306201"),
        _ => None,
    }
}

/// A unit in the ASCII spelling of ISO+.
pub(super) fn iso(unit: &str) -> String {
    let plain = unit
        .replace("10^", "10*")
        .replace('μ', "u")
        .replace("秒", "s")
        .replace("倍", "(titer)")
        .replace("1.73m2", "{1.73.m*2}");
    if plain.is_ascii() { plain } else { unit.to_owned() }
}

/// The four parts of a note under their headings; empty parts are left out.
pub(crate) fn note_words(note: &Note) -> String {
    let parts = [("S", &note.s), ("O", &note.o), ("A", &note.a), ("P", &note.p)];
    let said = parts.iter().filter(|(_, text)| !text.is_empty());
    said.map(|(letter, text)| format!("【{letter}】{text}"))
        .collect::<Vec<_>>()
        .join("\n")
}
