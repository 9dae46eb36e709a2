//! How to read an EHR: the one trait, what it returns, and the list of sources.
//!
//! A source turns foreign bytes into charts and Findings. It does not decide whether the result is good enough to
//! replace yesterday's (see `extract`), and it never writes to the EHR.

use chart::{AsOf, Chart, DataKind, Finding, Moment};
use jiff::civil::Date;

pub use chart::stay::Beds;

pub mod table;
// The next source goes here: one module, one arm in `config`'s `[source]` table.

/// What to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// The day whose booked return patients are extracted in full.
    pub day: Date,
    /// How many days from `day` on the thin appointment list covers.
    pub thin_days: u16,
    /// The moment of the extract, for as-of times where the export itself does not say.
    pub now: Moment,
}

/// How far a pull has come, for progress bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Bytes of the input indexed so far, of all.
    Reading(u64, u64),
    /// Charts handed over so far, of all.
    Assembling(u64, u64),
}

/// One input file (or table, or query) as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// File name, without its directory.
    pub name: String,
    /// What it holds.
    pub kind: DataKind,
    /// Bytes read.
    pub bytes: u64,
    /// Data rows seen.
    pub rows: u64,
    /// Rows that became facts of a chart in scope.
    pub used: u64,
    /// Rows that could not be used at all.
    pub refused: u64,
    /// When the EHR wrote it.
    pub written: Moment,
    /// True when the file ends inside a row or shrank or grew while it was read: a half-written export.
    pub half_written: bool,
}

/// What a source said: everything about a pull except the charts, which were handed over one by one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extract {
    /// When the EHR last vouched for the data, per kind.
    pub as_of: AsOf,
    /// Charts in full.
    pub charts: u64,
    /// Charts with identity and coming appointments only.
    pub thin_charts: u64,
    /// Every input file.
    pub origins: Vec<Origin>,
    /// What is wrong or missing; at most [`MAX_FINDINGS`] are kept, the rest counted.
    pub findings: Vec<Finding>,
    /// Findings beyond [`MAX_FINDINGS`].
    pub findings_dropped: u64,
    /// How many of the charts are inpatients', ward by ward: the ward's code (its name where it has none), its name, people.
    pub wards: Vec<(String, String, u64)>,
    /// Beds without anybody.
    pub beds: Beds,
}

/// Most Findings one pull keeps in words.
pub const MAX_FINDINGS: usize = 10_000;

/// How to read one EHR.
pub trait Source {
    /// Reads everything in scope and hands each patient over once: whole charts first, then the thin ones, which get rows behind
    /// all records.
    ///
    /// # Errors
    /// [`PullFault`] when nothing useful can be read at all (no directory, no patient file, every column missing) or the
    /// receiver fails. Damage in rows, fields and single files is not an error: it becomes Findings and the rest goes on.
    fn pull(
        &self,
        scope: &Scope,
        chart: &mut dyn FnMut(Chart) -> anyhow::Result<()>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Extract, PullFault>;
}

/// Why a pull could not be done.
#[derive(Debug, thiserror::Error)]
pub enum PullFault {
    /// The input cannot be read at all; the text says what happened, what is true now and what to do.
    #[error("{0}")]
    Unreadable(String),
    /// The receiver of charts failed.
    #[error("取り出したカルテを受け取れませんでした: {0:#}")]
    Receiver(anyhow::Error),
}
