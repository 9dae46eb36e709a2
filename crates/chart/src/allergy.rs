//! アレルギー・禁忌: coded and free-text, word for word. No checking against drugs happens anywhere in Tomoshibi.

use jiff::civil::Date;
use minicbor::{Decode, Encode};

use crate::known::Known;

/// What kind of thing must be avoided (JAHIS / HL7 AL1-2 in the hospital's words).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum AllergyKind {
    /// 薬剤アレルギー
    #[n(0)]
    Drug,
    /// 食物
    #[n(1)]
    Food,
    /// 造影剤
    #[n(2)]
    Contrast,
    /// ラテックス・環境 その他
    #[default]
    #[n(3)]
    Other,
    /// 禁忌 (contraindication that is not an allergy, such as a disease or a device)
    #[n(4)]
    Contraindication,
}

impl AllergyKind {
    /// 薬剤 食物 造影剤 その他 禁忌
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Drug => "薬剤",
            Self::Food => "食物",
            Self::Contrast => "造影剤",
            Self::Other => "その他",
            Self::Contraindication => "禁忌",
        }
    }
}

/// One allergy or contraindication as the EHR holds it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Allergy {
    /// Drug, food, contrast medium, other, contraindication.
    #[n(0)]
    pub kind: AllergyKind,
    /// The substance or the free text, as written.
    #[n(1)]
    pub substance: String,
    /// The hospital's code, if it is coded.
    #[n(2)]
    #[cbor(default)]
    pub code: String,
    /// What happened: アナフィラキシー, 発疹 …
    #[n(3)]
    #[cbor(default)]
    pub reaction: String,
    /// When it happened or was recorded.
    #[cbor(n(4), with = "crate::codec::maybe_date", default)]
    pub on: Option<Date>,
}

impl Allergy {
    /// ペニシリン系（アナフィラキシー 2014-03-02）; contraindications begin with 【禁忌】.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        if self.kind == AllergyKind::Contraindication {
            text.push_str("【禁忌】");
        }
        text.push_str(&self.substance);
        let on = self.on.map(crate::date::iso).unwrap_or_default();
        match (self.reaction.is_empty(), on.is_empty()) {
            (true, true) => {}
            (false, true) => text.push_str(&format!("（{}）", self.reaction)),
            (true, false) => text.push_str(&format!("（{on}）")),
            (false, false) => text.push_str(&format!("（{} {on}）", self.reaction)),
        }
        text
    }
}

/// Allergies in one line, in whichever of the four states; never blank.
#[must_use]
pub fn in_words(known: &Known<Vec<Allergy>>) -> String {
    match known {
        Known::Present(list) => list.iter().map(Allergy::text).collect::<Vec<_>>().join("、"),
        Known::ConfirmedNone { .. } => "なし（確認済）".to_owned(),
        Known::NotRecorded => "未確認（記録なし）".to_owned(),
        Known::Unavailable { .. } => "取得できず".to_owned(),
    }
}
