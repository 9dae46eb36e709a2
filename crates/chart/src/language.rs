//! The language a patient reads besides Japanese: ISO 639-1, two letters. Paper for the patient then carries both.
//!
//! Japanese is never a value here: it is always the main text. Which languages there are words for is the press's business.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A language other than Japanese, as its two letters of ISO 639-1: `en`, `zh`, `vi`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language([u8; 2]);

/// Languages as registers write them, with their letters: what the most frequent foreign patients of Japan read.
const NAMES: [(&str, [u8; 2]); 21] = [
    ("英語", *b"en"),
    ("中国語", *b"zh"),
    ("韓国語", *b"ko"),
    ("朝鮮語", *b"ko"),
    ("ベトナム語", *b"vi"),
    ("ポルトガル語", *b"pt"),
    ("スペイン語", *b"es"),
    ("フィリピノ語", *b"tl"),
    ("タガログ語", *b"tl"),
    ("ネパール語", *b"ne"),
    ("インドネシア語", *b"id"),
    ("ミャンマー語", *b"my"),
    ("ビルマ語", *b"my"),
    ("タイ語", *b"th"),
    ("フランス語", *b"fr"),
    ("ドイツ語", *b"de"),
    ("ロシア語", *b"ru"),
    ("アラビア語", *b"ar"),
    ("ウクライナ語", *b"uk"),
    ("ベンガル語", *b"bn"),
    ("ヒンディー語", *b"hi"),
];

impl Language {
    /// Reads `en`, `EN`, `en-US`, `zh_CN`. `None` for Japanese and for what is no such code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let code = text.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        let letters: [u8; 2] = code.as_bytes().try_into().ok()?;
        let well = letters.iter().all(u8::is_ascii_lowercase) && letters != *b"ja";
        well.then_some(Self(letters))
    }

    /// Reads a register's word for the patient's language. `Some(None)`: Japanese, or nothing registered; `None`: not understood.
    #[must_use]
    #[allow(clippy::option_option, reason = "no language and no understanding are two things")]
    pub fn from_word(text: &str) -> Option<Option<Self>> {
        let text: String = text.trim().chars().map(crate::id::half_width).collect();
        if matches!(
            text.to_ascii_lowercase().as_str(),
            "" | "ja" | "jp" | "jpn" | "日本語" | "ja-jp" | "japanese"
        ) {
            return Some(None);
        }
        if text.eq_ignore_ascii_case("english") {
            return Some(Some(Self(*b"en")));
        }
        let named = NAMES.iter().find(|(name, _)| *name == text);
        named
            .map(|(_, letters)| Self(*letters))
            .or_else(|| Self::parse(&text))
            .map(Some)
    }

    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII letters are ever taken in.
        std::str::from_utf8(&self.0).unwrap_or("en")
    }

    /// 英語, or the letters of a language without a word here.
    #[must_use]
    pub fn in_japanese(&self) -> &str {
        let named = NAMES.iter().find(|(_, letters)| *letters == self.0);
        named.map_or(self.as_str(), |(name, _)| name)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Language {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is not a language of ISO 639-1 other than Japanese"))
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.as_str().to_owned()
    }
}

crate::codec::as_text!(Language, "a language has two letters and is not Japanese");

/// What somebody chose for a patient's paper at the desk: Japanese alone, or with a second language. Where nobody chose, the register's
/// language counts. In bytes the two letters, `ja` for Japanese alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PaperLanguage(pub Option<Language>);

impl PaperLanguage {
    /// Reads a choice: `ja`, or a language's two letters. `None`: nobody chose.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "ja" => Some(Self(None)),
            other => Language::parse(other).map(|language| Self(Some(language))),
        }
    }

    /// The two letters, `ja` for Japanese alone.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or("ja", Language::as_str)
    }
}

crate::codec::as_text!(PaperLanguage, "a language has two letters");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_registers_words_are_read() {
        for (text, code) in [
            ("en", "en"),
            (" EN ", "en"),
            ("ｅｎ", "en"),
            ("en-US", "en"),
            ("zh_CN", "zh"),
            ("英語", "en"),
            ("ベトナム語", "vi"),
        ] {
            let read = Language::from_word(text);
            assert_eq!(read.flatten().map(|l| l.to_string()).as_deref(), Some(code), "{text}");
        }
        for none in ["", "ja", "日本語", "JA-JP"] {
            assert_eq!(Language::from_word(none), Some(None), "{none}");
        }
        for bad in ["e", "eng", "1", "エスペラント", "日", "../x"] {
            assert_eq!(Language::from_word(bad), None, "{bad}");
        }
        assert_eq!(Language::parse("ja"), None);
        assert_eq!(
            Language::parse("vi").map(|l| l.in_japanese().to_owned()).as_deref(),
            Some("ベトナム語")
        );
    }

    #[test]
    fn its_bytes_come_back_and_others_are_refused() {
        let bytes = minicbor::to_vec(Language(*b"vi")).unwrap();
        assert_eq!(minicbor::decode::<Language>(&bytes).unwrap(), Language(*b"vi"));
        for bad in ["ja", "v", "viet", "日"] {
            assert!(
                minicbor::decode::<Language>(&minicbor::to_vec(bad).unwrap()).is_err(),
                "{bad}"
            );
        }
    }
}
