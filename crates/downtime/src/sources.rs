//! How to read an EHR: the one trait, what it returns, and the list of sources.
//!
//! A source turns foreign bytes into charts and Findings. It does not decide whether the result is good enough to
//! replace yesterday's (see `extract`), and it never writes to the EHR.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chart::{AsOf, Chart, DataKind, Finding, Moment, PatientId};
use jiff::civil::Date;

pub use self::gather::Reach;
pub use chart::stay::Beds;

pub mod fhir;
pub mod gather;
pub mod hl7v2;
pub mod keep;
pub mod several;
pub mod sql;
pub mod ssmix2;
pub mod table;
// The next source goes here: one module, one arm in `config`'s `[[extract.sources]]`.

/// Who is wanted, and how much of each.
pub type Wanted = BTreeMap<PatientId, Reach>;

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The day whose booked return patients are extracted in full.
    pub day: Date,
    /// How many days from `day` on the thin appointment list covers.
    pub thin_days: u16,
    /// The moment of the extract, for as-of times where the export itself does not say.
    pub now: Moment,
    /// Who other sources have already said is wanted, where several are read together. Whoever a source itself has an appointment
    /// or a bed for is wanted as well. `None`: this source alone decides.
    pub wanted: Option<Arc<Wanted>>,
}

impl Scope {
    /// The last day of the thin appointment list.
    #[must_use]
    pub fn last_day(&self) -> Date {
        self.day
            .saturating_add(jiff::Span::new().days(i64::from(self.thin_days)))
    }
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

impl Extract {
    /// Counts a chart that was handed over, with its ward.
    pub fn count(&mut self, chart: &Chart) {
        if chart.thin {
            self.thin_charts += 1;
        } else {
            self.charts += 1;
        }
        let Some(stay) = &chart.stay else { return };
        let code = if stay.ward.code.is_empty() {
            &stay.ward.name
        } else {
            &stay.ward.code
        };
        match self.wards.iter_mut().find(|ward| ward.0 == *code) {
            Some(ward) => ward.2 += 1,
            None => self.wards.push((code.clone(), stay.ward.label().to_owned(), 1)),
        }
    }
}

/// Most Findings one pull keeps in words.
pub const MAX_FINDINGS: usize = 10_000;

/// How to read one EHR.
pub trait Source {
    /// The kinds of data that this source can say anything about.
    fn carries(&self) -> BTreeSet<DataKind>;

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
