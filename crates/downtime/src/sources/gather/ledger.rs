//! The Findings of one pull: kept in words up to a limit, counted beyond it, never lost.
//!
//! A file with one fault in every row must neither fill the memory nor hide the one fault of another kind.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use chart::{Finding, Severity};

use crate::sources::MAX_FINDINGS;

/// Most Findings of one code kept in words.
pub const MAX_PER_CODE: u64 = 500;

/// Most Findings kept with one chart.
pub const MAX_PER_CHART: usize = 50;

/// Most different faults told only once (unknown codes and the like).
const MAX_ONCE: usize = 10_000;

/// Collects Findings.
#[derive(Debug, Default)]
pub struct Ledger {
    kept: Vec<Finding>,
    counts: BTreeMap<String, u64>,
    kept_of: BTreeMap<String, u64>,
    told: HashSet<u64>,
}

impl Ledger {
    /// Takes a Finding; beyond the limits it is only counted.
    pub fn add(&mut self, finding: Finding) {
        *self.counts.entry(finding.code.clone()).or_default() += 1;
        let kept = self.kept_of.entry(finding.code.clone()).or_default();
        // Room is left for what is severe, and for the last words about what was only counted.
        let room = if finding.severity == Severity::Severe {
            200
        } else {
            1_000
        };
        if *kept < MAX_PER_CODE && self.kept.len() + room < MAX_FINDINGS {
            *kept += 1;
            self.kept.push(finding);
        }
    }

    /// Takes a Finding unless the same thing has been told before; then it is only counted.
    pub fn add_once(&mut self, what: impl Hash, finding: Finding) {
        let mut hasher = DefaultHasher::new();
        (what, &finding.code).hash(&mut hasher);
        if self.told.len() < MAX_ONCE && self.told.insert(hasher.finish()) {
            self.add(finding);
        } else {
            *self.counts.entry(finding.code).or_default() += 1;
        }
    }

    /// How many Findings were taken, kept or not.
    #[must_use]
    pub fn count_all(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Everything kept, with one line per code about what was only counted, and the number of those.
    #[must_use]
    pub fn finish(mut self) -> (Vec<Finding>, u64) {
        let mut dropped = 0;
        for (code, count) in &self.counts {
            let more = count - self.kept_of.get(code).copied().unwrap_or(0).min(*count);
            if more > 0 {
                dropped += more;
                let severity = self
                    .kept
                    .iter()
                    .find(|f| f.code == *code)
                    .map_or(Severity::Warning, |f| f.severity);
                let message = format!("同じ種類のものが、ほかに{more}件あります（全部で{count}件）。");
                self.kept.push(Finding::new(code, severity, message));
            }
        }
        (self.kept, dropped)
    }
}

/// Where Findings about one row go: into the ledger, and to the chart of the patient it is about.
pub struct Sink<'l> {
    /// The whole pull's Findings.
    pub ledger: &'l mut Ledger,
    /// The patient's own Findings.
    pub chart: &'l mut Vec<Finding>,
    /// File name.
    pub file: &'l str,
    /// Line of the row, 0 for none.
    pub line: u64,
    /// Patient number as written, or empty.
    pub patient: &'l str,
}

impl Sink<'_> {
    /// Something that the readers of the chart must know, too.
    pub fn tell(&mut self, code: &str, severity: Severity, field: &str, message: impl Into<String>) {
        let finding = self.finding(code, severity, field, message.into());
        if self.chart.len() < MAX_PER_CHART {
            self.chart.push(finding.clone());
        }
        self.ledger.add(finding);
    }

    /// Something about the whole export, told in its own place, that the readers of this chart must know, too.
    pub fn tell_chart(&mut self, code: &str, severity: Severity, message: impl Into<String>) {
        if self.chart.len() < MAX_PER_CHART {
            let finding = self.finding(code, severity, "", message.into());
            self.chart.push(finding);
        }
    }

    /// Something about this row that will be the same for many rows: in every chart, but once per `what` in the ledger.
    pub fn tell_often(
        &mut self,
        what: impl Hash,
        code: &str,
        severity: Severity,
        field: &str,
        message: impl Into<String>,
    ) {
        let finding = self.finding(code, severity, field, message.into());
        if self.chart.len() < MAX_PER_CHART {
            self.chart.push(finding.clone());
        }
        let file = self.file;
        self.ledger.add_once((what, file, field), finding);
    }

    /// Something about the export that shows itself in the chart anyway: told once per `what`.
    pub fn tell_once(
        &mut self,
        what: impl Hash,
        code: &str,
        severity: Severity,
        field: &str,
        message: impl Into<String>,
    ) {
        let finding = self.finding(code, severity, field, message.into());
        let file = self.file;
        self.ledger.add_once((what, file, field), finding);
    }

    fn finding(&self, code: &str, severity: Severity, field: &str, message: String) -> Finding {
        Finding::new(code, severity, message)
            .at(self.file, self.line)
            .in_field(field)
            .about(self.patient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_is_counted_and_told() {
        let mut ledger = Ledger::default();
        for i in 0..2_000 {
            ledger.add(Finding::new("date.impossible", Severity::Warning, "x").at("a", i));
        }
        ledger.add(Finding::new("file.missing", Severity::Severe, "y"));
        for _ in 0..3 {
            ledger.add_once("99", Finding::new("code.unknown", Severity::Note, "z"));
        }
        let (findings, dropped) = ledger.finish();
        assert_eq!(dropped, 1_500 + 2);
        assert!(findings.iter().any(|f| f.code == "file.missing"));
        assert!(
            findings
                .iter()
                .any(|f| f.code == "date.impossible" && f.message.contains("1500件"))
        );
        assert!(
            findings
                .iter()
                .any(|f| f.code == "code.unknown" && f.message.contains("ほかに2件"))
        );
    }
}
