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
    /// データ時点 of the charts, each time once; a record names its place in this list (`chart.md`, version 2).
    #[n(9)]
    #[cbor(default)]
    pub vouched: Vec<AsOf>,
    /// Number of the sealing, counted over epochs and deltas; 0 in snapshots from before deltas, where it was the epoch's.
    #[n(10)]
    #[cbor(default)]
    pub edition: u64,
}

/// Most origins that a snapshot names; an SS-MIX2 store has thousands of files.
pub const MAX_ORIGINS: usize = 64;

/// Where one kind of data came from.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct KindOrigin {
    /// Which kind.
    #[n(0)]
    pub kind: DataKind,
    /// File, query or feed, as the source names it, without its digits.
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

/// Where each kind came from, each name once, with its newest writing.
fn origins(extract: &Extract) -> Vec<KindOrigin> {
    let mut origins: Vec<KindOrigin> = Vec::new();
    for origin in &extract.origins {
        let (kind, name) = (origin.kind, unnumbered(&origin.name));
        let known = origins
            .iter_mut()
            .find(|known| known.kind == kind && known.name == name);
        if let Some(known) = known {
            known.written = known.written.max(origin.written);
        } else if origins.len() < MAX_ORIGINS {
            origins.push(KindOrigin {
                kind,
                name,
                written: origin.written,
            });
        }
    }
    origins
}

/// A file's name with `#` for the digits of numbers: statistics lie in the clear, and an SS-MIX2 store names its files by patient.
///
/// One or two digits that belong to a word (`SS-MIX2`, `ADT-00`, `HL7`) are no number of anybody, and people look for that word.
fn unnumbered(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let run = chars.iter().skip(at).take_while(|c| c.is_numeric()).count();
        if run == 0 {
            out.push(c);
            at += 1;
            continue;
        }
        let before = |steps: usize| at.checked_sub(steps).and_then(|at| chars.get(at)).copied();
        let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
        let of_word = is_letter(before(1)) || (before(1) == Some('-') && is_letter(before(2)));
        let digits = chars.iter().skip(at).take(run);
        out.extend(digits.map(|c| if of_word && run <= 2 { *c } else { '#' }));
        at += run;
    }
    out
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
            origins: origins(extract),
            vouched: Vec::new(),
            edition: 0,
        }
    }

    /// Number of the sealing, of a snapshot of this epoch.
    #[must_use]
    pub const fn edition_of(&self, epoch: u64) -> u64 {
        if self.edition == 0 { epoch } else { self.edition }
    }

    /// Whether the EHR says the same as here: everything but what the sealing added.
    #[must_use]
    pub fn says_as(&self, other: &Self) -> bool {
        let bare = |stat: &Self| Self {
            vouched: Vec::new(),
            edition: 0,
            ..stat.clone()
        };
        bare(self) == bare(other)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Origin;

    #[test]
    fn no_patient_number_gets_into_the_clear_by_a_file_name() {
        let origin = |name: &str, written| Origin {
            name: name.to_owned(),
            kind: DataKind::Result,
            bytes: 0,
            rows: 0,
            used: 0,
            refused: 0,
            written: Moment(written),
            half_written: false,
        };
        let extract = Extract {
            origins: vec![
                origin("00123456_20261120_OML-11_1", 5),
                origin("00999999_20261120_OML-11_1", 9),
                origin("００１２_検査.csv", 7),
            ],
            ..Extract::default()
        };
        let said: Vec<(String, i64)> = origins(&extract).into_iter().map(|o| (o.name, o.written.0)).collect();
        let expected = [("########_########_OML-11_#", 9), ("####_検査.csv", 7)];
        assert_eq!(said, expected.map(|(name, at)| (name.to_owned(), at)));
    }

    #[test]
    fn numbers_of_people_and_days_are_hidden_and_words_stay() {
        for (name, shown) in [
            ("SS-MIX2/ADT-00", "SS-MIX2/ADT-00"),
            ("HL7", "HL7"),
            ("予約一覧_20261120.csv", "予約一覧_########.csv"),
            ("clins/00123456_Condition.json", "clins/########_Condition.json"),
            ("12-34-56.csv", "##-##-##.csv"),
            ("P123/1.json", "P###/#.json"),
        ] {
            assert_eq!(unnumbered(name), shown);
        }
    }
}
