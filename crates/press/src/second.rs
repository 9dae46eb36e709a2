//! The second language of paper for patients: words files, English built in, the hospital's own beside and over it.
//!
//! A language is a file, `words/vi.toml`. What it lacks is printed in English and said; what no font draws likewise: a patient must not be
//! given 〓. Not here: where the words stand on a page (`second.typ` and the forms), and which language a patient reads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chart::{Language, Sheet};
use serde::{Deserialize, Serialize};

use crate::error::PressError;
use crate::fonts::Fonts;
use crate::legible::printable;

/// Largest words file, in bytes.
pub const MAX_WORDS_FILE: u64 = 256 * 1024;

/// Most words files of a hospital.
pub const MAX_LANGUAGES: usize = 30;

/// Most words, and most translated texts, of one language.
pub const MAX_ENTRIES: usize = 2_000;

/// Longest word or sentence, in characters.
pub const MAX_CHARS: usize = 300;

/// Longest run without a place to break, in characters: longer ones would leave their column.
const MAX_RUN: usize = 30;

/// The language that stands in for what another lacks.
const STAND_IN: &str = "en";

/// The faces of a page, in their order.
const FACES: [&str; 2] = ["BIZ UDPGothic", "Noto Sans CJK JP"];

/// Every second language there are words for.
#[derive(Debug, Clone, Default)]
pub struct Languages {
    languages: BTreeMap<Language, Words>,
}

/// `words/xx.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The language's name in itself: Tiếng Việt.
    name: Option<String>,
    /// The family of a font of the hospital's forms directory to set it in.
    font: Option<String>,
    /// A date, with `{day}`, `{month}`, `{year}` and `{weekday}`.
    date: Option<String>,
    /// January first.
    #[serde(default)]
    months: Vec<String>,
    /// Monday first.
    #[serde(default)]
    weekdays: Vec<String>,
    /// Labels and sentences of the forms, by key.
    #[serde(default)]
    words: BTreeMap<String, String>,
    /// The hospital's own words, by their exact Japanese text.
    #[serde(default)]
    texts: BTreeMap<String, String>,
}

/// One language, complete: what its file lacks is English.
#[derive(Debug, Clone, PartialEq, Default)]
struct Words {
    name: String,
    font: Option<String>,
    date: String,
    months: Vec<String>,
    weekdays: Vec<String>,
    words: BTreeMap<String, String>,
    texts: BTreeMap<String, String>,
}

/// What the forms of one sheet may print in its second language.
#[derive(Debug, Serialize)]
pub struct Second<'a> {
    language: &'a str,
    fonts: Vec<&'a str>,
    words: &'a BTreeMap<String, String>,
    /// Only those that stand on this sheet, with the places to break that it was given.
    texts: BTreeMap<String, &'a str>,
    date: &'a str,
    months: &'a [String],
    weekdays: &'a [String],
}

impl Languages {
    /// English, from the program itself.
    ///
    /// # Errors
    /// A fault of the build.
    pub fn built_in(english: &str) -> Result<Self, PressError> {
        let bad = |reason: &str| complaint("en.toml", reason, "内蔵の語が壊れています");
        let file: File = toml::from_str(english).map_err(|error| bad(error.message()))?;
        let english = Words {
            name: file.name.unwrap_or_default(),
            font: None,
            date: file.date.unwrap_or_default(),
            months: file.months,
            weekdays: file.weekdays,
            words: file.words,
            texts: file.texts,
        };
        if english.months.len() != 12 || english.weekdays.len() != 7 || !english.date.contains("{month}") {
            return Err(bad("months, weekdays or date"));
        }
        let code = Language::parse(STAND_IN).ok_or_else(|| bad("no language"))?;
        Ok(Self {
            languages: BTreeMap::from([(code, english)]),
        })
    }

    /// Reads the hospital's words files, `en.toml` first, and says what is missing, wrong or not to be drawn.
    pub fn read(&mut self, directory: &Path, fonts: &Fonts) -> Vec<PressError> {
        let mut complaints = Vec::new();
        let mut files = Vec::new();
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(stem) = name.strip_suffix(".toml") else {
                continue;
            };
            match Language::parse(stem).filter(|language| language.as_str() == stem) {
                Some(_) if files.len() == MAX_LANGUAGES => {
                    complaints.push(complaint(
                        &name,
                        "ことばの表が多すぎます",
                        &format!("{MAX_LANGUAGES}までです"),
                    ));
                }
                Some(language) => files.push((language.as_str() != STAND_IN, language, name)),
                None => complaints.push(complaint(
                    &name,
                    "ファイルの名前が言語コード（ISO 639-1、小文字2つ）ではありません",
                    "使っていません。vi.toml のような名前にしてください",
                )),
            }
        }
        files.sort();
        for (_, language, name) in files {
            let text = crate::forms::read_bounded(&directory.join(&name), MAX_WORDS_FILE);
            let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
            let file = match text.as_deref().map(toml::from_str::<File>) {
                Some(Ok(file)) => file,
                Some(Err(error)) => {
                    let reason = error.message();
                    complaints.push(complaint(
                        &name,
                        reason,
                        "このファイルは使っていません（英語で印刷します）",
                    ));
                    continue;
                }
                None => {
                    let reason = format!("読めないか、UTF-8でないか、{MAX_WORDS_FILE}バイトを超えています");
                    complaints.push(complaint(
                        &name,
                        &reason,
                        "このファイルは使っていません（英語で印刷します）",
                    ));
                    continue;
                }
            };
            self.take(language, file, &name, fonts, &mut complaints);
        }
        complaints
    }

    fn take(&mut self, language: Language, file: File, name: &str, fonts: &Fonts, complaints: &mut Vec<PressError>) {
        let base = self.english().cloned().unwrap_or_default();
        let mut said = Said::default();
        let mut words = Words {
            name: file.name.unwrap_or_else(|| language.to_string()),
            font: file.font,
            ..base.clone()
        };
        if let Some(font) = words.font.take_if(|font| !fonts.is_family(font)) {
            complaints.push(complaint(
                name,
                &format!("font = {font:?} という書体がありません"),
                "いつもの書体で印刷します。帳票の場所の fonts フォルダーに置いてください",
            ));
        }
        // English in the hospital's own words is laid over ours and misses nothing.
        let is_base = language.as_str() == STAND_IN;
        for (key, text) in &file.words {
            match words.words.get_mut(key) {
                None => said.unknown.push(key.clone()),
                Some(word) if fit(text, fonts, &mut said, key) => word.clone_from(text),
                Some(_) => {}
            }
        }
        if !is_base {
            let lacking = base.words.keys().filter(|key| !file.words.contains_key(*key));
            said.missing.extend(lacking.cloned());
        }
        for (japanese, text) in file.texts.iter().take(MAX_ENTRIES) {
            if fit(text, fonts, &mut said, japanese) {
                words.texts.insert(japanese.clone(), text.clone());
            }
        }
        let mut named = |what: &str, list: &[String], into: &mut Vec<String>| {
            let all = list.len() == into.len() && list.iter().all(|text| fit(text, fonts, &mut said, what));
            if all {
                into.clone_from_slice(list);
            } else if !is_base || !list.is_empty() {
                said.missing.push(what.to_owned());
            }
            all
        };
        let months = named("months", &file.months, &mut words.months);
        let weekdays = named("weekdays", &file.weekdays, &mut words.weekdays);
        // A date half in one language is worse than one in English.
        let date = file
            .date
            .filter(|date| ["{day}", "{month}", "{year}"].iter().all(|mark| date.contains(mark)));
        match date.filter(|date| fit(date, fonts, &mut said, "date")) {
            Some(date) if is_base || (months && weekdays) => words.date = date,
            _ if is_base => {}
            _ => {
                (words.date, words.months, words.weekdays) = (base.date, base.months, base.weekdays);
                said.missing.push("date".to_owned());
            }
        }
        complaints.extend(said.complaints(name));
        self.languages.insert(language, words);
    }

    fn english(&self) -> Option<&Words> {
        self.languages.get(&Language::parse(STAND_IN)?)
    }

    /// The languages with their names in themselves, English first.
    pub fn iter(&self) -> impl Iterator<Item = (Language, &str)> {
        let (english, others): (Vec<_>, Vec<_>) = self
            .languages
            .iter()
            .partition(|(language, _)| language.as_str() == STAND_IN);
        let all = english.into_iter().chain(others);
        all.map(|(language, words)| (*language, words.name.as_str()))
    }

    /// A sentence for whoever hands the sheet out, when there are no words for its language.
    #[must_use]
    pub fn missing(&self, sheet: &Sheet) -> Option<String> {
        let language = sheet.second.filter(|language| !self.languages.contains_key(language))?;
        Some(format!(
            "{}の語のファイル（words/{language}.toml）がないため、{} の2つめのことばは英語で印刷しました",
            language.in_japanese(),
            sheet.form,
        ))
    }

    /// Texts of a form that no language file but English translates, as (language, text).
    pub(crate) fn untranslated<'a>(&'a self, texts: &'a [String]) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.languages.values().flat_map(move |words| {
            let lacking = texts.iter().filter(|text| !words.texts.contains_key(*text));
            lacking.map(|text| (words.name.as_str(), text.as_str()))
        })
    }

    /// What this sheet's second language says; `None` for a sheet in Japanese alone.
    pub(crate) fn of(&self, sheet: &Sheet) -> Option<Second<'_>> {
        let wanted = sheet.second?;
        let found = self.languages.get_key_value(&wanted);
        let english = self.english().map(|words| (wanted, words));
        let (code, words) = found.map(|(code, words)| (*code, words)).or(english)?;
        let language = self.languages.keys().find(|known| **known == code);
        let mut on_sheet = BTreeSet::new();
        texts_of(&sheet.body, &mut on_sheet);
        let texts = on_sheet.into_iter().filter_map(|text| {
            let said = words.texts.get(text)?;
            Some((printable(text), said.as_str()))
        });
        Some(Second {
            language: language.map_or(STAND_IN, Language::as_str),
            fonts: words.font.as_deref().into_iter().chain(FACES).collect(),
            words: &words.words,
            texts: texts.collect(),
            date: &words.date,
            months: &words.months,
            weekdays: &words.weekdays,
        })
    }
}

/// What was found wrong with one file.
#[derive(Default)]
struct Said {
    missing: Vec<String>,
    unknown: Vec<String>,
    undrawn: Vec<String>,
    long: Vec<String>,
}

impl Said {
    fn complaints(self, name: &str) -> impl Iterator<Item = PressError> {
        let english = "そこは英語で印刷します";
        let all = [
            (self.missing, "ありません", english),
            (
                self.undrawn,
                "書体にない文字があります",
                "そこは英語で印刷します。書体を fonts フォルダーに置き、font に名前を書いてください",
            ),
            (self.long, "長すぎるか、切れ目のない長い語があるか、空です", english),
            (self.unknown, "知らない名前です", "使っていません"),
        ];
        let name = name.to_owned();
        all.into_iter()
            .filter(|(keys, ..)| !keys.is_empty())
            .map(move |(keys, what, now)| complaint(&name, &format!("{what}: {}", keys.join("、")), now))
    }
}

/// Whether a text can be printed as it is; otherwise why not is noted.
fn fit(text: &str, fonts: &Fonts, said: &mut Said, key: &str) -> bool {
    let long = text.chars().count() > MAX_CHARS || text.trim().is_empty();
    let run = text.split_whitespace().any(|word| {
        let unbroken = word.chars().filter(|c| *c < '\u{2E80}').count();
        unbroken > MAX_RUN
    });
    if long || run || text.contains(char::is_control) {
        said.long.push(key.to_owned());
        return false;
    }
    if !text.chars().all(|c| c == ' ' || fonts.has_with_own(c)) {
        said.undrawn.push(key.to_owned());
        return false;
    }
    true
}

fn texts_of<'a>(value: &'a serde_json::Value, into: &mut BTreeSet<&'a str>) {
    match value {
        serde_json::Value::String(text) => {
            into.insert(text);
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| texts_of(item, into)),
        serde_json::Value::Object(fields) => fields.values().for_each(|item| texts_of(item, into)),
        _ => {}
    }
}

fn complaint(file: &str, reason: &str, now: &str) -> PressError {
    PressError::Own {
        file: format!("words/{file}"),
        reason: reason.to_owned(),
        now: now.to_owned(),
    }
}
