//! How a file is written, as the mapping says it: encoding, delimiter, quotes, headings, the time it vouches for.
//!
//! Only the words of the configuration; what they do to bytes is decided in `sheet`, `decode` and `marks`.

use serde::{Deserialize, Deserializer};

use super::spec::Column;

/// How the bytes of a file become rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reading {
    /// `auto`, `utf-8`, `cp932`, `utf-16le`, `utf-16be`, `euc-jp`.
    pub encoding: Option<EncodingName>,
    /// One character, or `tab`, or `auto`.
    pub delimiter: Option<Delimiter>,
    /// One character, or `none`.
    pub quote: Option<Quote>,
    /// Whether the first row holds the headings.
    pub header: Option<bool>,
    /// Lines before the heading (or the first row) that are not part of the table.
    pub skip_lines: Option<u32>,
}

/// When the EHR vouched for a file's data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AsOfRule {
    /// The file's time of change on disk.
    #[default]
    Mtime,
    /// The `{written:…}` part of the file name.
    FileName,
    /// What the tally says.
    Tally,
    /// A column of the first row.
    Column(Column),
    /// A fixed wall-clock time, `2026-11-20 00:05`, for exports that are made by hand.
    Fixed(String),
}

/// Character encodings of exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum EncodingName {
    /// Byte order mark, else valid UTF-8, else CP932.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// UTF-8, with or without a byte order mark.
    #[serde(rename = "utf-8", alias = "UTF-8", alias = "utf8")]
    Utf8,
    /// Windows code page 932 (Shift_JIS with NEC and IBM characters and 外字).
    #[serde(rename = "cp932", alias = "CP932", alias = "shift_jis", alias = "sjis")]
    Cp932,
    /// UTF-16, little end first.
    #[serde(rename = "utf-16le", alias = "utf-16")]
    Utf16Le,
    /// UTF-16, big end first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// EUC-JP.
    #[serde(rename = "euc-jp")]
    EucJp,
}

/// What stands between columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// Tab where the first line holds one, else comma.
    Auto,
    /// This ASCII character.
    Byte(u8),
}

/// What stands around columns that hold delimiters or line breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    /// Nothing: quotation marks are text.
    None,
    /// This ASCII character, doubled inside.
    Byte(u8),
}

/// The text of a code; numbers may be written without quotation marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeText(pub String);

impl Reading {
    /// Fills what is not said here from the defaults.
    #[must_use]
    pub fn over(&self, defaults: &Self) -> Self {
        Self {
            encoding: self.encoding.or(defaults.encoding),
            delimiter: self.delimiter.or(defaults.delimiter),
            quote: self.quote.or(defaults.quote),
            header: self.header.or(defaults.header),
            skip_lines: self.skip_lines.or(defaults.skip_lines),
        }
    }
}

fn one_ascii(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !matches!(byte, b'\n' | b'\r' | b' ' | 0) => {
            Some(*byte)
        }
        _ => None,
    }
}

impl<'de> Deserialize<'de> for Delimiter {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        match text.as_str() {
            "auto" => Ok(Self::Auto),
            "tab" => Ok(Self::Byte(b'\t')),
            "comma" => Ok(Self::Byte(b',')),
            other => one_ascii(other).map(Self::Byte).ok_or_else(|| {
                serde::de::Error::custom(
                    "delimiter は \",\"、\"tab\"、\";\"、\"|\" のような半角記号1つか \"auto\" です",
                )
            }),
        }
    }
}

impl<'de> Deserialize<'de> for Quote {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        match text.as_str() {
            "none" => Ok(Self::None),
            other => one_ascii(other)
                .map(Self::Byte)
                .ok_or_else(|| serde::de::Error::custom("quote は \"\\\"\" のような半角記号1つか \"none\" です")),
        }
    }
}

impl<'de> Deserialize<'de> for CodeText {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Number(i64),
        }
        Ok(match Written::deserialize(d)? {
            Written::Text(text) => Self(text),
            Written::Number(number) => Self(number.to_string()),
        })
    }
}
