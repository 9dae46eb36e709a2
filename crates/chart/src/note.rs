//! 診療録: one note with its author and time, in SOAP sections or as free text.

use jiff::civil::{Date, Time};
use minicbor::{Decode, Encode};

use crate::id::Coded;

/// Where a piece of a note belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum SectionKind {
    /// S 主訴・経過
    #[n(0)]
    Subjective,
    /// O 所見
    #[n(1)]
    Objective,
    /// A 評価
    #[n(2)]
    Assessment,
    /// P 計画
    #[n(3)]
    Plan,
    /// Unstructured text.
    #[default]
    #[n(4)]
    Free,
}

impl SectionKind {
    /// The order of writing and printing.
    pub const ALL: [Self; 5] = [
        Self::Subjective,
        Self::Objective,
        Self::Assessment,
        Self::Plan,
        Self::Free,
    ];

    /// S O A P, or empty for free text.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Subjective => "S",
            Self::Objective => "O",
            Self::Assessment => "A",
            Self::Plan => "P",
            Self::Free => "",
        }
    }

    /// 主訴・経過 所見 評価 計画 記載
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Subjective => "主訴・経過",
            Self::Objective => "所見",
            Self::Assessment => "評価",
            Self::Plan => "計画",
            Self::Free => "記載",
        }
    }
}

/// One section of a note; line breaks are `\n`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Section {
    /// S, O, A, P or free.
    #[n(0)]
    pub kind: SectionKind,
    /// The text as written.
    #[n(1)]
    pub text: String,
}

/// One note of the EHR.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Note {
    /// 記載日
    #[cbor(n(0), with = "crate::codec::maybe_date")]
    pub on: Option<Date>,
    /// 記載時刻
    #[cbor(n(1), with = "crate::codec::maybe_time")]
    pub at: Option<Time>,
    /// 診療科
    #[n(2)]
    pub department: Coded,
    /// 記載者
    #[n(3)]
    pub author: Coded,
    /// The text, in order.
    #[n(4)]
    pub sections: Vec<Section>,
}

/// Splits running text that marks its parts with S) O) A) P) (or `S:` `#S` `【S】`, full or half width, at line starts) into sections.
///
/// Text before the first mark becomes a free section; text without marks is one free section. Nothing is dropped.
#[must_use]
pub fn split_soap(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.replace("\r\n", "\n").replace('\r', "\n").split('\n') {
        if let Some((kind, rest)) = soap_mark(line) {
            sections.push(Section {
                kind,
                text: rest.trim_start().to_owned(),
            });
        } else if let Some(last) = sections.last_mut() {
            last.text.push('\n');
            last.text.push_str(line);
        } else if !line.trim().is_empty() {
            sections.push(Section {
                kind: SectionKind::Free,
                text: line.to_owned(),
            });
        }
    }
    for section in &mut sections {
        section.text.truncate(section.text.trim_end().len());
    }
    sections.retain(|s| !s.text.is_empty());
    sections
}

fn soap_mark(line: &str) -> Option<(SectionKind, &str)> {
    let line = line.trim_start_matches([' ', '\u{3000}', '#', '＃', '【', '[', '(', '（', '<', '＜']);
    let mut chars = line.chars();
    let kind = match crate::id::half_width(chars.next()?).to_ascii_uppercase() {
        'S' => SectionKind::Subjective,
        'O' => SectionKind::Objective,
        'A' => SectionKind::Assessment,
        'P' => SectionKind::Plan,
        _ => return None,
    };
    let rest = chars.as_str();
    let mut marks = rest.chars();
    matches!(marks.next()?, ')' | '）' | ':' | '：' | '】' | ']' | '>' | '＞').then_some((kind, marks.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soap_is_split_and_nothing_is_dropped() {
        let parts = split_soap("家族同伴\r\nS) 息切れ\n 夜間なし\nＯ）BP 132/74\n【A】心不全\nP: 継続");
        let kinds: Vec<_> = parts.iter().map(|s| s.kind).collect();
        assert_eq!(
            kinds,
            [
                SectionKind::Free,
                SectionKind::Subjective,
                SectionKind::Objective,
                SectionKind::Assessment,
                SectionKind::Plan
            ]
        );
        assert_eq!(parts[1].text, "息切れ\n 夜間なし");
        assert_eq!(
            split_soap("SpO2 98%\n安定"),
            vec![Section {
                kind: SectionKind::Free,
                text: "SpO2 98%\n安定".into()
            }]
        );
        assert!(split_soap("\n \n").is_empty());
    }
}
