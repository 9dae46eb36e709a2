//! The hospital's mapping as written in TOML: which files there are, what they hold, which column is which field.
//!
//! Reading it checks everything that can be known without a file: unknown names, fields given twice, tables that are
//! referred to and do not exist. No column of any hospital is known here.

use std::collections::{BTreeMap, BTreeSet};

use chart::DataKind;
use serde::Deserialize;
use toml::Spanned;

use super::fields::Kind;
use super::pattern::Pattern;
use super::reading::{AsOfRule, CodeText, Delimiter, EncodingName, Quote, Reading};
use super::spec::{Column, FieldList, FieldSpec};
use crate::sources::gather;

/// Most file entries one mapping may have.
pub const MAX_FILES: usize = 100;

/// A mapping: everything Tomoshibi must be told to read one hospital's export.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What the mapping is for, for people.
    pub name: String,
    /// Who wrote it and when, for people.
    pub author: String,
    /// How files are written, where their entry does not say otherwise.
    pub defaults: Reading,
    /// Code tables written here: code → text.
    pub codes: BTreeMap<String, BTreeMap<String, CodeText>>,
    /// Code tables that lie in files of the export.
    pub masters: BTreeMap<String, Master>,
    /// The list of files and row counts that the export writes last, if it writes one.
    pub tally: Option<Tally>,
    /// How much of a patient is taken.
    pub limits: Limits,
    /// The files.
    pub files: Vec<FileEntry>,
    /// The TOML text, to turn places into line numbers.
    #[serde(skip)]
    text: String,
}

/// One file (or several that match one pattern) and what its rows mean.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// What it holds.
    pub kind: Kind,
    /// File name, with `*`, `{date:YYYYMMDD}` (the day) and `{written:YYYYMMDDhhmm}` (when it was written).
    pub pattern: Spanned<String>,
    /// A name by which a detail file refers to this head file.
    #[serde(default)]
    pub name: String,
    /// See [`Reading::encoding`].
    #[serde(default)]
    pub encoding: Option<EncodingName>,
    /// See [`Reading::delimiter`].
    #[serde(default)]
    pub delimiter: Option<Delimiter>,
    /// See [`Reading::quote`].
    #[serde(default)]
    pub quote: Option<Quote>,
    /// See [`Reading::header`].
    #[serde(default)]
    pub header: Option<bool>,
    /// See [`Reading::skip_lines`].
    #[serde(default)]
    pub skip_lines: Option<u32>,
    /// How many columns every row has, for files without headings. Found by itself where it is not given.
    #[serde(default)]
    pub columns: Option<usize>,
    /// True where a file without any row is an ordinary thing.
    #[serde(default)]
    pub may_be_empty: bool,
    /// When the EHR wrote the data.
    #[serde(default)]
    pub as_of: AsOfRule,
    /// Columns each of which makes one fact of its own (several examinations in one row).
    #[serde(default)]
    pub each: Vec<Column>,
    /// The head file whose rows belong to this file's rows.
    #[serde(default)]
    pub head: String,
    /// The column that joins head and detail.
    #[serde(default)]
    pub key: Option<FieldSpec>,
    /// Only rows that pass every one of these are taken.
    #[serde(default)]
    pub keep: Vec<Filter>,
    /// Rows that pass any of these are left out.
    #[serde(default)]
    pub drop: Vec<Filter>,
    /// Field → column.
    pub fields: BTreeMap<Spanned<String>, FieldList>,
}

/// A condition on one column.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// The column.
    pub column: Column,
    /// The texts that fit; `""` is an empty column.
    pub values: Vec<String>,
}

/// A code table in a file of the export.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Master {
    /// File name, with the same patterns as [`FileEntry::pattern`].
    pub file: Spanned<String>,
    /// Column of the code.
    pub code: FieldSpec,
    /// Column (or joined columns) of the text.
    pub name: FieldSpec,
    /// See [`Reading::encoding`].
    #[serde(default)]
    pub encoding: Option<EncodingName>,
    /// See [`Reading::delimiter`].
    #[serde(default)]
    pub delimiter: Option<Delimiter>,
    /// See [`Reading::quote`].
    #[serde(default)]
    pub quote: Option<Quote>,
    /// See [`Reading::header`].
    #[serde(default)]
    pub header: Option<bool>,
    /// See [`Reading::skip_lines`].
    #[serde(default)]
    pub skip_lines: Option<u32>,
}

/// The file that lists the export's files with their row counts and is written last.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// File name, with the same patterns as [`FileEntry::pattern`].
    pub file: Spanned<String>,
    /// Column of the file names.
    pub name: FieldSpec,
    /// Column of the row counts (headings not counted).
    pub rows: FieldSpec,
    /// Column of the time at which the file was written.
    #[serde(default)]
    pub written: Option<FieldSpec>,
    /// The name in the last line, where there is one: it must be there, and its count column holds the time of writing.
    #[serde(default)]
    pub end: String,
    /// See [`Reading::encoding`].
    #[serde(default)]
    pub encoding: Option<EncodingName>,
    /// See [`Reading::delimiter`].
    #[serde(default)]
    pub delimiter: Option<Delimiter>,
    /// See [`Reading::quote`].
    #[serde(default)]
    pub quote: Option<Quote>,
    /// See [`Reading::header`].
    #[serde(default)]
    pub header: Option<bool>,
    /// See [`Reading::skip_lines`].
    #[serde(default)]
    pub skip_lines: Option<u32>,
}

/// How much is taken of one patient, and how large a row may be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Newest notes, one per department.
    pub notes: usize,
    /// Newest prescriptions, one per department.
    pub prescriptions: usize,
    /// Newest result rows.
    pub results: usize,
    /// Diagnoses.
    pub diagnoses: usize,
    /// Bytes of one row.
    pub row_bytes: usize,
    /// Lines of one row (line breaks inside quotes).
    pub row_lines: usize,
}

impl Limits {
    /// How much of one patient goes into the chart.
    #[must_use]
    pub const fn of_a_person(&self) -> gather::Limits {
        gather::Limits {
            notes: self.notes,
            prescriptions: self.prescriptions,
            results: self.results,
            diagnoses: self.diagnoses,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let gather::Limits {
            notes,
            prescriptions,
            results,
            diagnoses,
        } = gather::Limits::default();
        Self {
            notes,
            prescriptions,
            results,
            diagnoses,
            row_bytes: 1 << 20,
            row_lines: 5_000,
        }
    }
}

/// Why a mapping cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigFault {
    /// Line of the mapping, counted from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl std::fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "対応表の{line}行目: {}", self.message),
            None => write!(f, "対応表: {}", self.message),
        }
    }
}

impl Config {
    /// Reads a mapping and checks it.
    ///
    /// # Errors
    /// [`ConfigFault`] with the line and what to write instead.
    pub fn read(text: &str) -> Result<Self, ConfigFault> {
        let mut config: Self = toml::from_str(text).map_err(|e| fault_of_toml(text, &e))?;
        text.clone_into(&mut config.text);
        config.check()?;
        Ok(config)
    }

    /// The kinds of data that the mapping has files for.
    #[must_use]
    pub fn carries(&self) -> BTreeSet<DataKind> {
        self.files.iter().filter_map(|spec| spec.kind.data()).collect()
    }

    /// Checks everything that can be known without a file.
    ///
    /// # Errors
    /// [`ConfigFault`]: the first thing that is wrong.
    pub fn check(&self) -> Result<(), ConfigFault> {
        if self.files.is_empty() {
            return Err(self.fault(
                None,
                "[[files]] が1つもありません。患者基本のファイルから書き始めてください",
            ));
        }
        if self.files.len() > MAX_FILES {
            return Err(self.fault(None, &format!("[[files]] が多すぎます（{MAX_FILES}まで）")));
        }
        for name in self.codes.keys() {
            if self.masters.contains_key(name) {
                return Err(self.fault(
                    None,
                    &format!("codes.{name} と masters.{name} の名前が同じです。片方を変えてください"),
                ));
            }
        }
        for (name, master) in &self.masters {
            self.check_pattern(&master.file)?;
            for spec in [&master.code, &master.name] {
                self.check_spec(spec, None, &format!("masters.{name}"))?;
            }
        }
        if let Some(tally) = &self.tally {
            self.check_pattern(&tally.file)?;
            for spec in [Some(&tally.name), Some(&tally.rows), tally.written.as_ref()]
                .into_iter()
                .flatten()
            {
                self.check_spec(spec, None, "tally")?;
            }
        }
        self.files.iter().try_for_each(|entry| self.check_entry(entry))
    }

    fn check_entry(&self, entry: &FileEntry) -> Result<(), ConfigFault> {
        self.check_pattern(&entry.pattern)?;
        let place = entry.pattern.get_ref().as_str();
        let here = Some(entry.pattern.span().start);
        let wrong = |message: String| Err(self.fault(here, &format!("{place}: {message}")));
        for (name, list) in &entry.fields {
            let Some(def) = entry.kind.fields().iter().find(|def| def.name == name.get_ref()) else {
                return Err(self.fault(Some(name.span().start), &unknown_field(entry.kind, name.get_ref())));
            };
            if list.0.is_empty() || (list.0.len() > 1 && !def.many) {
                let message = format!(
                    "{place}: {} に書ける列は{}です",
                    def.name,
                    if def.many { "1つ以上" } else { "1つ" }
                );
                return Err(self.fault(Some(name.span().start), &message));
            }
            for spec in &list.0 {
                self.check_spec(spec, Some(name.span().start), &format!("{place} の {}", def.name))?;
                if entry.each.is_empty() && uses(spec, |s| s.0.each) {
                    return wrong(format!(
                        "{} が each を使っていますが、each = [列, …] がありません",
                        def.name
                    ));
                }
                if entry.head.is_empty() && uses(spec, |s| s.0.head.is_some()) {
                    return wrong(format!(
                        "{} が head の列を使っていますが、head = \"…\" がありません",
                        def.name
                    ));
                }
            }
        }
        if !entry.fields.contains_key("id") && entry.head.is_empty() && !entry.kind.is_about_nobody() {
            return wrong("fields に id（患者番号）がありません".to_owned());
        }
        if !entry.head.is_empty() {
            let found = self
                .files
                .iter()
                .any(|other| other.kind == Kind::Head && other.name == entry.head);
            if !found {
                return wrong(format!(
                    "head = \"{}\" という名前（name）の見出しファイル（kind = \"head\"）がありません",
                    entry.head
                ));
            }
        }
        if entry.key.is_none() && (!entry.head.is_empty() || entry.kind == Kind::Head) {
            return wrong("key（見出しと明細をつなぐ列）がありません".to_owned());
        }
        if entry.kind == Kind::Head && entry.name.is_empty() {
            return wrong("kind = \"head\" には name（明細から参照する名前）が要ります".to_owned());
        }
        if matches!(entry.as_of, AsOfRule::Tally) && self.tally.is_none() {
            return wrong("as_of = \"tally\" ですが [tally] がありません".to_owned());
        }
        if let AsOfRule::Fixed(text) = &entry.as_of
            && super::value::moment(text).is_none()
        {
            return wrong(format!("as_of の日時「{text}」を読めません（例: 2026-11-20 00:05）"));
        }
        Ok(())
    }

    fn check_spec(&self, spec: &FieldSpec, at: Option<usize>, place: &str) -> Result<(), ConfigFault> {
        if let Some(message) = spec.fault() {
            return Err(self.fault(at, &format!("{place}: {message}")));
        }
        let mut names = BTreeSet::new();
        collect_codes(spec, &mut names);
        for name in names {
            if !self.codes.contains_key(name) && !self.masters.contains_key(name) {
                let known: Vec<&str> = self
                    .codes
                    .keys()
                    .chain(self.masters.keys())
                    .map(String::as_str)
                    .collect();
                let message = format!(
                    "{place}: codes = \"{name}\" という表がありません（あるもの: {}）",
                    known.join("、")
                );
                return Err(self.fault(at, &message));
            }
        }
        Ok(())
    }

    fn check_pattern(&self, pattern: &Spanned<String>) -> Result<(), ConfigFault> {
        Pattern::parse(pattern.get_ref())
            .map(|_| ())
            .map_err(|message| self.fault(Some(pattern.span().start), &message))
    }

    fn fault(&self, at: Option<usize>, message: &str) -> ConfigFault {
        ConfigFault {
            line: at.and_then(|at| line_of(&self.text, at)),
            message: message.to_owned(),
        }
    }
}

fn uses(spec: &FieldSpec, what: fn(&FieldSpec) -> bool) -> bool {
    what(spec) || spec.parts().any(|part| uses(part, what))
}

fn collect_codes<'s>(spec: &'s FieldSpec, into: &mut BTreeSet<&'s str>) {
    into.extend(spec.0.codes.as_deref());
    for part in spec.parts() {
        collect_codes(part, into);
    }
}

fn unknown_field(kind: Kind, name: &str) -> String {
    let valid: Vec<&str> = kind.fields().iter().map(|def| def.name).collect();
    format!(
        "「{name}」という項目は kind = \"{}\"（{}）にはありません。書けるもの: {}",
        kind.code(),
        kind.word(),
        valid.join("、")
    )
}

fn line_of(text: &str, at: usize) -> Option<usize> {
    text.as_bytes()
        .get(..at)
        .map(|before| memchr::memchr_iter(b'\n', before).count() + 1)
}

fn fault_of_toml(text: &str, error: &toml::de::Error) -> ConfigFault {
    let message = error.message();
    let message = message
        .replace("unknown field", "知らない名前です:")
        .replace("unknown variant", "知らない値です:")
        .replace(", expected one of", "。書けるもの:")
        .replace(", expected", "。書けるもの:")
        .replace("missing field", "必要な名前がありません:")
        .replace("duplicate key", "同じ名前が2回あります");
    ConfigFault {
        line: error.span().and_then(|span| line_of(text, span.start)),
        message,
    }
}
