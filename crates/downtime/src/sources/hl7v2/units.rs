//! Units as people write them, from CQ and CWE.

use hl7::Field;

use super::read::{Cwe, short};

/// CQ: the number and its unit in words.
#[must_use]
pub fn counted(field: Field<'_>) -> (String, String) {
    let first = field.first();
    let unit = Cwe::of_subs(first.component(2));
    (short(first.component(1)), unit_words(&unit))
}

/// The unit as people write it: its text, else the word of MERIT-9's code, else the code.
#[must_use]
pub fn unit_words(unit: &Cwe) -> String {
    let coded = unit.coded();
    if coded.name.is_empty() {
        merit9(&coded.code).map_or(coded.code, ToOwned::to_owned)
    } else {
        coded.name
    }
}

/// MERIT-9 units whose code alone may stand in a message.
fn merit9(code: &str) -> Option<&'static str> {
    Some(match code {
        "TAB" => "錠",
        "CAP" => "カプセル",
        "PCK" => "包",
        "G" => "g",
        "MG" => "mg",
        "MCG" => "μg",
        "ML" => "mL",
        "AMP" => "アンプル",
        "VIL" => "バイアル",
        "BAG" => "袋",
        "HON" => "本",
        "SHT" | "SHET" => "枚",
        "KO" => "個",
        "KIT" => "キット",
        "BTL" => "瓶",
        "TUBE" => "管",
        "DOSE" => "回分",
        "TIME" => "回",
        "DROP" => "滴",
        "UNT" => "単位",
        "MEQ" => "mEq",
        "SPRY" => "噴霧",
        "INHL" => "吸入",
        "SYRG" => "シリンジ",
        "CAN" => "缶",
        _ => return None,
    })
}
