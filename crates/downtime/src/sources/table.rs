//! Source `table`: a hospital's own CSV or TSV export, read by the hospital's own mapping.
//!
//! Two passes: the first finds where whose rows lie, the second turns them into charts, one patient at a time, so that memory
//! does not grow with the export. No column of any hospital is known in code, nothing is written anywhere, and whether the
//! result may replace yesterday's is not decided here.

use std::collections::BTreeSet;
use std::path::PathBuf;

use chart::{Chart, DataKind};

pub use self::check::check;
pub use self::config::{Config, ConfigFault};
pub use self::files::{Files, Held};
use self::pull::Pull;
pub use self::report::{ColumnReport, Fault, FieldReport, FileReport, FindingCount, Judgement, MapReport, StateCount};
pub use self::start::{Start, start, start_with};
use super::gather::Ledger;
use super::{Extract, Progress, PullFault, Scope, Source};

pub(in crate::sources) mod amounts;
mod assemble;
mod bind;
mod bookings;
mod cell;
mod check;
mod codebook;
mod config;
mod count;
mod cp932;
mod dating;
pub(in crate::sources) mod decode;
mod draft;
mod drugs;
mod export;
mod feed;
mod fields;
mod files;
mod guess;
mod identity;
mod index;
pub(in crate::sources) mod insurance;
mod locate;
mod marks;
pub(in crate::sources) mod pattern;
mod plan;
mod pull;
pub(in crate::sources) mod reading;
mod records;
mod report;
mod rows;
mod scan;
mod schedule;
mod seen;
mod sheet;
mod spec;
mod split;
mod start;
mod stays;
mod take;
mod trial;
mod trials;
mod value;

/// Most columns a row may have.
pub const MAX_COLUMNS: usize = 4_096;

/// One hospital's export: its mapping and its files.
#[derive(Debug, Clone)]
pub struct Table {
    config: Config,
    files: Files,
}

impl Table {
    /// A source for a mapping and a folder.
    ///
    /// # Errors
    /// [`ConfigFault`] when the mapping contradicts itself.
    pub fn new(config: Config, dir: PathBuf) -> Result<Self, ConfigFault> {
        Self::over(config, Files::Folder(dir))
    }
}

impl Table {
    /// A source for a mapping and files, wherever they lie.
    ///
    /// # Errors
    /// [`ConfigFault`] when the mapping contradicts itself.
    pub fn over(config: Config, files: Files) -> Result<Self, ConfigFault> {
        config.check()?;
        Ok(Self { config, files })
    }

    /// The first pass alone, which finds where whose rows lie: for whoever asks what it costs.
    ///
    /// # Errors
    /// As of a pull.
    pub fn first_pass(&self, scope: &Scope) -> Result<FirstPass, PullFault> {
        let mut ledger = Ledger::default();
        let mut pull = Pull::open(&self.config, &self.files, scope, &mut ledger)?;
        let mut bytes = 0;
        pull.index(&mut ledger, &mut |progress| {
            if let Progress::Reading(_, all) = progress {
                bytes = all;
            }
        })?;
        let (rows, people) = pull.seen();
        Ok(FirstPass { bytes, rows, people })
    }
}

/// What a first pass went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstPass {
    /// Bytes of all files.
    pub bytes: u64,
    /// Their rows.
    pub rows: u64,
    /// Patient numbers seen.
    pub people: usize,
}

impl Source for Table {
    fn carries(&self) -> BTreeSet<DataKind> {
        self.config.carries()
    }

    fn pull(
        &self,
        scope: &Scope,
        chart: &mut dyn FnMut(Chart) -> anyhow::Result<()>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Extract, PullFault> {
        let mut ledger = Ledger::default();
        let mut pull = Pull::open(&self.config, &self.files, scope, &mut ledger)?;
        pull.index(&mut ledger, progress)?;
        pull.assemble(ledger, chart, progress)
    }
}
