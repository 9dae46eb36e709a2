//! `[[extract.sources]]`: the hospital's sources, and which of them is believed first.
//!
//! `[extract] dir` and `mapping` are the short way to write one source of kind `table`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use chart::DataKind;
use downtime::sources::several::{Part, Several};
use downtime::sources::{Source, table};
use serde::Deserialize;

use super::fhir::FhirSettings;
use super::hl7::Hl7Settings;
use super::sql::SqlSettings;
use super::ssmix2::SsMix2Settings;
use super::{Config, Extract};

/// One source.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum SourceSettings {
    /// CSV and TSV exports read by a mapping.
    Table(TableSettings),
    /// SS-MIX2 storages.
    SsMix2(SsMix2Settings),
    /// FHIR files or a FHIR server.
    Fhir(FhirSettings),
    /// The messages of a `[[feed]]`.
    Hl7(Hl7Settings),
    /// Questions to a database.
    Sql(Box<SqlSettings>),
    // The next source goes here, with an arm in `name` and one in `open`.
}

/// A folder of exported files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSettings {
    /// The source's name, shown as the origin of what it says.
    pub name: String,
    /// Directory into which the EHR writes its export.
    pub dir: PathBuf,
    /// The mapping of the export's columns (see docs/operating/mapping.md).
    pub mapping: PathBuf,
}

/// Most characters of a source's name.
const MAX_NAME: usize = 40;

impl SourceSettings {
    /// The source's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Table(settings) => &settings.name,
            Self::SsMix2(settings) => &settings.name,
            Self::Fhir(settings) => &settings.name,
            Self::Hl7(settings) => &settings.name,
            Self::Sql(settings) => &settings.name,
        }
    }

    /// The source itself.
    ///
    /// # Errors
    /// Settings that do not fit, a mapping that cannot be read.
    pub fn open(&self, config: &Config) -> Result<Box<dyn Source + Send + Sync>> {
        Ok(match self {
            Self::Table(settings) => Box::new(table::Table::new(
                mapping(config, &settings.mapping)?,
                config.path(&settings.dir),
            )?),
            Self::SsMix2(settings) => Box::new(settings.open(&|path| config.path(path), &config.data())?),
            Self::Fhir(settings) => settings.open(config)?,
            Self::Hl7(settings) => settings.open(config)?,
            Self::Sql(settings) => settings.open(config)?,
        })
    }
}

impl Extract {
    /// Every source, the short way written out.
    ///
    /// # Errors
    /// When both ways are used, or neither.
    pub fn all_sources(&self) -> Result<Vec<SourceSettings>> {
        match (&self.dir, &self.mapping, self.sources.as_slice()) {
            (Some(dir), Some(mapping), []) => Ok(vec![SourceSettings::Table(TableSettings {
                name: "export".to_owned(),
                dir: dir.clone(),
                mapping: mapping.clone(),
            })]),
            (None, None, [_, ..]) => Ok(self.sources.clone()),
            (None, None, []) => {
                bail!("[extract] に取り出し元がありません。dir と mapping、または [[extract.sources]] を書いてください")
            }
            (Some(_), None, []) | (None, Some(_), []) => bail!("[extract] の dir と mapping は両方書いてください"),
            _ => bail!("[extract] の dir・mapping と [[extract.sources]] は同時に書けません。片方を消してください"),
        }
    }

    /// Refuses what cannot be, without opening anything.
    ///
    /// # Errors
    /// With what to write instead.
    pub fn check_sources(&self) -> Result<()> {
        for source in self.all_sources()? {
            let name = source.name();
            if name.is_empty()
                || name.chars().count() > MAX_NAME
                || name.contains(['/', '\\'])
                || name.contains(char::is_control)
            {
                bail!("取り出し元の name は1〜{MAX_NAME}字で、/ と \\ は使えません: {name}");
            }
        }
        self.precedence().map(|_| ())
    }

    fn precedence(&self) -> Result<BTreeMap<DataKind, Vec<String>>> {
        let mut ordered = BTreeMap::new();
        for (word, names) in &self.precedence {
            let Some(kind) = DataKind::ALL.into_iter().find(|kind| kind.word() == word) else {
                let known: Vec<&str> = DataKind::ALL.iter().map(|kind| kind.word()).collect();
                bail!(
                    "[extract.precedence] の「{word}」は内容の名前ではありません。書けるもの: {}",
                    known.join("、")
                );
            };
            ordered.insert(kind, names.clone());
        }
        Ok(ordered)
    }

    /// All sources as one.
    ///
    /// # Errors
    /// Whatever one of them cannot be opened for.
    pub fn open(&self, config: &Config) -> Result<Several> {
        let mut parts = Vec::new();
        for settings in self.all_sources()? {
            let name = settings.name().to_owned();
            let source = settings.open(config).with_context(|| format!("取り出し元「{name}」"))?;
            parts.push(Part { name, source });
        }
        Ok(Several::new(parts, &self.precedence()?)?)
    }
}

/// A mapping file.
///
/// # Errors
/// When the file cannot be read or is not a mapping.
pub fn mapping(config: &Config, path: &std::path::Path) -> Result<table::Config> {
    let path = config.path(path);
    let text = std::fs::read_to_string(&path).with_context(|| format!("対応表 {} を読めません", path.display()))?;
    table::Config::read(&text).with_context(|| format!("対応表 {}", path.display()))
}
