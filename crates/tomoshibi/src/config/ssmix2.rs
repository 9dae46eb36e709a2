//! `type = "ssmix2"` of `[[extract.sources]]`: where an SS-MIX2 storage lies and who is taken from it.
//!
//! It deliberately knows nothing of the rest of the configuration (the tests of `downtime` include this file).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use downtime::sources::hl7v2::Names;
use downtime::sources::keep::Keep;
use downtime::sources::ssmix2::{Log, Patients, Settings, SsMix2};
use serde::Deserialize;

/// An SS-MIX2 storage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SsMix2Settings {
    /// The source's name, shown as the origin of what it says.
    pub name: String,
    /// 標準化ストレージ: every root, in any order.
    pub roots: Vec<PathBuf>,
    /// 拡張ストレージ: every root.
    #[serde(default)]
    pub extended: Vec<PathBuf>,
    /// Who is taken besides those whom other sources ask for: `inpatients`, `recent:90`, `all`.
    #[serde(default)]
    pub patients: Option<String>,
    /// Days back for prescriptions and orders.
    #[serde(default)]
    pub medicine_days: Option<u16>,
    /// Days back for results and documents.
    #[serde(default)]
    pub result_days: Option<u16>,
    /// トランザクションストレージ: every root, with which fewer patients need be looked at.
    #[serde(default)]
    pub logs: Vec<PathBuf>,
    /// Threads that read directories.
    #[serde(default)]
    pub threads: Option<usize>,
    /// False reads everything each time.
    #[serde(default)]
    pub remember: Option<bool>,
    /// 病棟コード → 病棟名, for the storage has codes only.
    #[serde(default)]
    pub wards: BTreeMap<String, String>,
    /// 診療科コード → 診療科名, where the hospital's differ from the unified table.
    #[serde(default)]
    pub departments: BTreeMap<String, String>,
}

/// Most roots of the transaction log.
const MAX_LOGS: usize = 8;

/// Most days back that may be asked for: ten years.
const MAX_DAYS: u16 = 3_660;

impl SsMix2Settings {
    /// The source. `path` finds what the configuration names, `data` is the station's own directory, `keep` seals what is kept there.
    ///
    /// # Errors
    /// Settings out of bounds, and what `keep` says.
    pub fn open(
        &self,
        path: &dyn Fn(&Path) -> PathBuf,
        data: &Path,
        keep: &dyn Fn(&str) -> Result<Keep>,
    ) -> Result<SsMix2> {
        let all = |roots: &[PathBuf]| roots.iter().map(|root| path(root)).collect::<Vec<_>>();
        let usual = Settings::of(all(&self.roots));
        let remember = self.remember.unwrap_or(true);
        if self.logs.len() > MAX_LOGS {
            bail!("logs は {MAX_LOGS} 個までです: {}", self.logs.len());
        }
        let log = match (self.logs.is_empty(), remember) {
            (true, _) => None,
            (false, false) => {
                bail!("logs と remember = false は一緒に書けません。毎回すべて読むなら logs は要りません")
            }
            (false, true) => Some(Log {
                roots: all(&self.logs),
                keep: keep("log")?,
            }),
        };
        let settings = Settings {
            extended: all(&self.extended),
            patients: self.patients()?,
            medicine_days: days("medicine_days", self.medicine_days.unwrap_or(usual.medicine_days))?,
            result_days: days("result_days", self.result_days.unwrap_or(usual.result_days))?,
            threads: self.threads.unwrap_or(usual.threads),
            state: remember.then(|| data.join("sources").join(format!("{}.ssmix2", self.name))),
            log,
            names: Names {
                wards: self.wards.clone(),
                departments: self.departments.clone(),
            },
            ..usual
        };
        Ok(SsMix2::new(settings)?)
    }

    fn patients(&self) -> Result<Patients> {
        Ok(match self.patients.as_deref() {
            None | Some("inpatients") => Patients::Inpatients,
            Some("all") => Patients::All,
            Some(other) => match other.strip_prefix("recent:").and_then(|days| days.parse().ok()) {
                Some(number) => Patients::Recent(days("patients", number)?),
                None => bail!("patients に書けるのは \"inpatients\"、\"recent:90\"（日数）、\"all\" です: {other}"),
            },
        })
    }
}

fn days(name: &str, days: u16) -> Result<u16> {
    if days > MAX_DAYS {
        bail!("{name} は {MAX_DAYS} 日までです: {days}");
    }
    Ok(days)
}
