//! Words for people: one Fluent file per language, read once at start.
//!
//! Messages without variables are resolved once and then only looked up; messages with variables are formatted when used.
//! A key that is missing shows as 〔key〕 instead of a blank, and fails a test. No clinical text is translated here.

use std::collections::HashMap;
use std::ops::Index;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};

const JA: &str = include_str!("../words/ja.ftl");
const EN: &str = include_str!("../words/en.ftl");

/// A language of the screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Lang {
    /// 日本語, the default.
    #[default]
    Ja,
    /// English.
    En,
}

impl Lang {
    /// Both, the default first.
    pub const ALL: [Self; 2] = [Self::Ja, Self::En];

    /// The tag for `lang=`, cookies and `?lang=`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }

    /// Reads [`Self::tag`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.tag() == text)
    }

    /// The other one, for the switch in the navigation.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Ja => Self::En,
            Self::En => Self::Ja,
        }
    }
}

/// Why a word file could not be read at start.
#[derive(Debug, thiserror::Error)]
#[error("words/{file}.ftl cannot be read: {what}")]
pub struct WordsFault {
    file: &'static str,
    what: String,
}

/// All words of one language.
pub struct Words {
    lang: Lang,
    plain: HashMap<String, String>,
    bundle: FluentBundle<FluentResource>,
}

impl Words {
    /// Reads one language.
    ///
    /// # Errors
    /// When the file that was compiled in is not valid Fluent: a mistake of ours, found by a test.
    pub fn load(lang: Lang) -> Result<Self, WordsFault> {
        let text = match lang {
            Lang::Ja => JA,
            Lang::En => EN,
        };
        let fault = |what: String| WordsFault { file: lang.tag(), what };
        let resource =
            FluentResource::try_new(text.to_owned()).map_err(|(_, errors)| fault(format!("{:?}", errors.first())))?;
        let keys: Vec<String> = resource
            .entries()
            .filter_map(|entry| match entry {
                fluent_syntax::ast::Entry::Message(message) => Some(message.id.name.to_owned()),
                _ => None,
            })
            .collect();
        let id = lang.tag().parse().map_err(|_| fault("language tag".to_owned()))?;
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        // Invisible isolation marks would end up in copied text and in tests; all words and values here run left to right.
        bundle.set_use_isolating(false);
        bundle
            .add_resource(resource)
            .map_err(|errors| fault(format!("{:?}", errors.first())))?;
        let plain = keys
            .into_iter()
            .filter_map(|key| {
                let pattern = bundle.get_message(&key)?.value()?;
                let mut errors = Vec::new();
                let text = bundle.format_pattern(pattern, None, &mut errors).into_owned();
                errors.is_empty().then_some((key, text))
            })
            .collect();
        Ok(Self { lang, plain, bundle })
    }

    /// The language.
    #[must_use]
    pub const fn lang(&self) -> Lang {
        self.lang
    }

    /// A word that stands alone.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.plain.get(key).map(String::as_str)
    }

    /// A sentence with values. Values are inserted as they are; the template escapes the whole.
    #[must_use]
    pub fn with<'v>(&self, key: &str, values: &[(&'v str, Value<'v>)]) -> String {
        let Some(pattern) = self.bundle.get_message(key).and_then(|message| message.value()) else {
            return missing(key);
        };
        let mut args = FluentArgs::with_capacity(values.len());
        for (name, value) in values {
            match value {
                Value::Text(text) => args.set(*name, *text),
                Value::Count(count) => args.set(*name, *count),
            }
        }
        let mut errors = Vec::new();
        self.bundle
            .format_pattern(pattern, Some(&args), &mut errors)
            .into_owned()
    }
}

/// A value in a sentence.
#[derive(Debug, Clone, Copy)]
pub enum Value<'v> {
    /// Ready-made text.
    Text(&'v str),
    /// A count: English needs it for plurals.
    Count(u64),
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(text: &'v str) -> Self {
        Self::Text(text)
    }
}

impl<'v> From<&'v String> for Value<'v> {
    fn from(text: &'v String) -> Self {
        Self::Text(text)
    }
}

impl From<usize> for Value<'_> {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl From<u64> for Value<'_> {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl Index<&str> for Words {
    type Output = str;

    fn index(&self, key: &str) -> &str {
        self.get(key).unwrap_or("〔?〕")
    }
}

fn missing(key: &str) -> String {
    format!("〔{key}〕")
}

/// Both languages.
pub struct Dictionary {
    ja: Words,
    en: Words,
}

impl Dictionary {
    /// Reads both.
    ///
    /// # Errors
    /// As [`Words::load`].
    pub fn load() -> Result<Self, WordsFault> {
        Ok(Self {
            ja: Words::load(Lang::Ja)?,
            en: Words::load(Lang::En)?,
        })
    }

    /// One of them.
    #[must_use]
    pub const fn in_lang(&self, lang: Lang) -> &Words {
        match lang {
            Lang::Ja => &self.ja,
            Lang::En => &self.en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn keys(text: &str) -> BTreeSet<String> {
        text.lines()
            .filter(|line| !line.starts_with(['#', ' ', '}']))
            .filter_map(|line| line.split_once(" = ").map(|(key, _)| key.trim().to_owned()))
            .collect()
    }

    /// Every key in square brackets or as the first argument of `with` in a template or a Rust file.
    fn used_keys(folder: &std::path::Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                used_keys(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            let text: String = text.split_whitespace().collect();
            for mark in ["w[\"", "w()[\"", ".with(\"", "say(\"", "nav:Some((\""] {
                for part in text.split(mark).skip(1) {
                    found.insert(part.split('"').next().unwrap().to_owned());
                }
            }
        }
    }

    #[test]
    fn both_files_are_valid_and_have_the_same_keys() {
        let both = Dictionary::load().unwrap();
        assert_eq!(keys(JA), keys(EN));
        for lang in Lang::ALL {
            let words = both.in_lang(lang);
            assert!(words.plain.values().all(|word| !word.trim().is_empty()));
        }
    }

    #[test]
    fn every_word_that_is_asked_for_exists() {
        let mut used = BTreeSet::new();
        used_keys(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut used);
        assert!(used.len() > 50, "the search for keys finds nothing");
        let there = keys(JA);
        let lost: Vec<_> = used.difference(&there).collect();
        assert!(lost.is_empty(), "asked for, but not in words/*.ftl: {lost:?}");
    }

    #[test]
    fn a_missing_word_shows_its_key() {
        let words = Words::load(Lang::Ja).unwrap();
        assert_eq!(words.with("no-such-word", &[]), "〔no-such-word〕");
        assert_eq!(&words["no-such-word"], "〔?〕");
    }
}
