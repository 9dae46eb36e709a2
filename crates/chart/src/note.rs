//! 診療録: one note with its author and time, in SOAP sections or as free text.

use std::borrow::Cow;

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
    let one_kind_of_break = if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    };
    let text = &*one_kind_of_break;
    // The lines of a section stand behind one another: a section is a piece of the text, from here to the next one's line.
    let mut begins: Vec<(SectionKind, usize, usize)> = Vec::new();
    let mut line_at = 0;
    for line in text.split('\n') {
        if let Some((kind, rest)) = soap_mark(line) {
            begins.push((kind, line_at, line_at + line.len() - rest.trim_start().len()));
        } else if begins.is_empty() && !line.trim().is_empty() {
            begins.push((SectionKind::Free, line_at, line_at));
        }
        line_at += line.len() + 1;
    }
    let ends = begins
        .iter()
        .skip(1)
        .map(|(_, line_at, _)| *line_at)
        .chain([text.len()]);
    let piece = |((kind, _, from), end): (&(SectionKind, usize, usize), usize)| {
        let text = text.get(*from..end).unwrap_or_default().trim_end();
        (!text.is_empty()).then(|| Section {
            kind: *kind,
            text: text.to_owned(),
        })
    };
    begins.iter().zip(ends).filter_map(piece).collect()
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
        let texts = |text: &str| split_soap(text).into_iter().map(|s| s.text).collect::<Vec<_>>();
        assert_eq!(
            texts("S)\n　痛み \n\nO) \nP) 継続\n"),
            ["\n　痛み", "継続"],
            "a mark alone on its line"
        );
    }
}
