//! What a snapshot says about itself in the clear: counts and times, no patient.

use chart::{AsOf, DataKind, Moment, Severity};
use jiff::civil::Date;
use minicbor::{Decode, Encode};

use crate::sources::{Extract, Scope};

/// Statistics of one sealing: signed with the manifest, readable without a key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct SnapshotStat {
    /// The day for which charts are complete.
    #[cbor(n(0), with = "chart::codec::maybe_date")]
    pub day: Option<Date>,
    /// データ時点
    #[n(1)]
    pub as_of: AsOf,
    /// Charts in full.
    #[n(2)]
    pub charts: u64,
    /// Charts with identity and coming appointments only.
    #[n(3)]
    pub thin_charts: u64,
    /// Rows by kind of data.
    #[n(4)]
    pub kinds: Vec<KindCount>,
    /// Findings: severe, warning, note.
    #[n(5)]
    pub findings: [u64; 3],
    /// Days of the thin appointment list.
    #[n(6)]
    pub thin_days: u16,
    /// Inpatients by ward, in the order of the export.
    #[n(7)]
    #[cbor(default)]
    pub wards: Vec<WardCount>,
    /// Where each kind of data came from, in the order of the sources.
    #[n(8)]
    #[cbor(default)]
    pub origins: Vec<KindOrigin>,
}

/// Most origins that a snapshot names; an SS-MIX2 store has thousands of files.
pub const MAX_ORIGINS: usize = 64;

/// Where one kind of data came from.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct KindOrigin {
    /// Which kind.
    #[n(0)]
    pub kind: DataKind,
    /// File, query or feed, as the source names it.
    #[n(1)]
    pub name: String,
    /// When the EHR wrote it.
    #[n(2)]
    pub written: Moment,
}

/// Inpatients of one ward.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct WardCount {
    /// The ward's code, or its name where it has none.
    #[n(0)]
    pub code: String,
    /// Its name.
    #[n(1)]
    pub name: String,
    /// People in it.
    #[n(2)]
    pub people: u64,
}

/// Rows of one kind of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct KindCount {
    /// Which kind.
    #[n(0)]
    pub kind: DataKind,
    /// Rows seen.
    #[n(1)]
    pub rows: u64,
    /// Rows that became facts.
    #[n(2)]
    pub used: u64,
    /// Rows that could not be used.
    #[n(3)]
    pub refused: u64,
}

/// The bytes are not statistics.
#[derive(Debug, thiserror::Error)]
#[error("スナップショットの統計を読めません: {0}")]
pub struct StatFault(String);

impl SnapshotStat {
    /// From what the source said.
    #[must_use]
    pub fn new(scope: &Scope, extract: &Extract) -> Self {
        let mut kinds: Vec<KindCount> = Vec::new();
        for kind in DataKind::ALL {
            let mut count = KindCount {
                kind,
                rows: 0,
                used: 0,
                refused: 0,
            };
            let mut any = false;
            for origin in extract.origins.iter().filter(|o| o.kind == kind) {
                any = true;
                count.rows += origin.rows;
                count.used += origin.used;
                count.refused += origin.refused;
            }
            if any {
                kinds.push(count);
            }
        }
        let of = |severity| extract.findings.iter().filter(|f| f.severity == severity).count() as u64;
        let findings = [
            of(Severity::Severe),
            of(Severity::Warning) + extract.findings_dropped,
            of(Severity::Note),
        ];
        Self {
            day: Some(scope.day),
            as_of: extract.as_of.clone(),
            charts: extract.charts,
            thin_charts: extract.thin_charts,
            kinds,
            findings,
            thin_days: scope.thin_days,
            wards: extract
                .wards
                .iter()
                .map(|(code, name, people)| WardCount {
                    code: code.clone(),
                    name: name.clone(),
                    people: *people,
                })
                .collect(),
            origins: extract
                .origins
                .iter()
                .take(MAX_ORIGINS)
                .map(|origin| KindOrigin {
                    kind: origin.kind,
                    name: origin.name.clone(),
                    written: origin.written,
                })
                .collect(),
        }
    }

    /// Everybody in a bed.
    #[must_use]
    pub fn inpatients(&self) -> u64 {
        self.wards.iter().map(|ward| ward.people).sum()
    }

    /// CBOR.
    ///
    /// # Errors
    /// [`StatFault`] when a field refuses to encode.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StatFault> {
        minicbor::to_vec(self).map_err(|e| StatFault(e.to_string()))
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`StatFault`] when the bytes are not statistics.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StatFault> {
        minicbor::decode(bytes).map_err(|e| StatFault(e.to_string()))
    }
}
