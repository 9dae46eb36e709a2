//! `map --check`: a mapping tried on a whole export, with everything an informatics officer needs to put it right.
//!
//! Every row of every file is looked at, not only those of the day's patients; then a whole pull is done and thrown away.

use std::collections::BTreeMap;

use chart::{Chart, Finding, Known, Severity};

use super::Table;
use super::codebook;
use super::config::Config;
use super::export::Export;
use super::fields::Kind;
use super::files::Files;
use super::report::{FileReport, FindingCount, Judgement, MapReport, StateCount};
use super::trials::Trials;
use crate::sources::gather::Ledger;
use crate::sources::{PullFault, Scope, Source};

/// Tries a mapping on the export of a day. With `masked`, examples of personal fields show only their shape.
///
/// # Errors
/// When the folder cannot be listed. Everything else is part of the report.
pub fn check(config: &Config, files: &Files, scope: &Scope, masked: bool) -> Result<MapReport, PullFault> {
    let export = Export::open(config, files, scope.day)?;
    let mut ledger = Ledger::default();
    let books = codebook::load(&export, &mut ledger);
    let mut trials = Trials::new(&export, &books, scope, masked);
    for entry in 0..config.files.len() {
        trials.entry(entry);
    }
    let reports = trials.finish();
    let mut report = MapReport {
        name: config.name.clone(),
        day: chart::date::iso(scope.day),
        judgement: Judgement::Ready,
        reasons: Vec::new(),
        without: without(config, &reports),
        files: reports,
        charts: 0,
        thin_charts: 0,
        states: Vec::new(),
        findings: Vec::new(),
    };
    pull_and_count(config, files, scope, masked, &mut report);
    judge(&mut report);
    Ok(report)
}

fn without(config: &Config, files: &[FileReport]) -> Vec<String> {
    let mut missing = Vec::new();
    for kind in [
        Kind::Patient,
        Kind::Appointment,
        Kind::Order,
        Kind::Diagnosis,
        Kind::Note,
        Kind::Prescription,
        Kind::Allergy,
        Kind::Result,
    ] {
        if !files.iter().any(|file| file.kind == kind.word()) {
            let mapped = config.files.iter().any(|spec| spec.kind == kind);
            let why = if mapped {
                "読めるファイルがない"
            } else {
                "対応表にない"
            };
            missing.push(format!("{}（{why}）", kind.word()));
        }
    }
    missing
}

fn pull_and_count(config: &Config, files: &Files, scope: &Scope, masked: bool, report: &mut MapReport) {
    let mut states: Vec<StateCount> = Vec::new();
    let table = match Table::over(config.clone(), files.clone()) {
        Ok(table) => table,
        Err(fault) => return report.reasons.push(fault.to_string()),
    };
    let mut take = |chart: Chart| {
        count_states(&chart, &mut states);
        Ok(())
    };
    match table.pull(scope, &mut take, &mut |_| {}) {
        Err(fault) => {
            report.judgement = Judgement::Broken;
            report.reasons.push(fault.to_string());
        }
        Ok(extract) => {
            (report.charts, report.thin_charts) = (extract.charts, extract.thin_charts);
            report.findings = by_code(&extract.findings, masked);
        }
    }
    report.states = states;
}

fn count_states(chart: &Chart, states: &mut Vec<StateCount>) {
    if chart.thin {
        return;
    }
    fn state<T>(known: &Known<Vec<T>>) -> usize {
        match known {
            Known::Present(_) => 0,
            Known::ConfirmedNone { .. } => 1,
            Known::NotRecorded => 2,
            Known::Unavailable { .. } => 3,
        }
    }
    let found = [
        ("アレルギー・禁忌", state(&chart.allergies)),
        ("病名", state(&chart.diagnoses)),
        ("診療録", state(&chart.notes)),
        ("処方", state(&chart.prescriptions)),
        ("検査結果", state(&chart.results)),
    ];
    for (at, (kind, state)) in found.into_iter().enumerate() {
        if states.len() <= at {
            states.push(StateCount {
                kind: kind.to_owned(),
                present: 0,
                none: 0,
                not_recorded: 0,
                unavailable: 0,
            });
        }
        if let Some(count) = states.get_mut(at) {
            let counts = [
                &mut count.present,
                &mut count.none,
                &mut count.not_recorded,
                &mut count.unavailable,
            ];
            if let Some(one) = counts.into_iter().nth(state) {
                *one += 1;
            }
        }
    }
}

fn by_code(findings: &[Finding], masked: bool) -> Vec<FindingCount> {
    let mut counts: BTreeMap<(std::cmp::Reverse<Severity>, &str), FindingCount> = BTreeMap::new();
    for finding in findings {
        let severity = match finding.severity {
            Severity::Severe => "重大",
            Severity::Warning => "注意",
            Severity::Note => "参考",
        };
        let key = (std::cmp::Reverse(finding.severity), finding.code.as_str());
        let count = counts.entry(key).or_insert_with(|| FindingCount {
            code: finding.code.clone(),
            severity: severity.to_owned(),
            count: 0,
            first: Vec::new(),
        });
        count.count += 1;
        if count.first.len() < 3 {
            // The words of a Finding may name people; its place does not.
            let place = format!("{} {}行 {}", finding.file, finding.line, finding.field);
            count.first.push(if masked {
                place.trim().to_owned()
            } else {
                finding.text()
            });
        }
    }
    counts.into_values().collect()
}

/// Broken when nothing comes out or something severe was found, to be looked at when values cannot be read.
fn judge(report: &mut MapReport) {
    let severe: Vec<&FindingCount> = report.findings.iter().filter(|f| f.severity == "重大").collect();
    let mut reasons = Vec::new();
    let mut judgement = report.judgement;
    if report.charts == 0 && judgement != Judgement::Broken {
        judgement = Judgement::Broken;
        reasons.push(
            "対象日の患者が1人も取り出せませんでした。対象日と予約のファイル・予約日の列を確かめてください。"
                .to_owned(),
        );
    }
    for finding in severe {
        // Without a whole file the mapping has not been proved at all.
        let whole_file = ["file.missing", "file.column_missing", "file.unreadable", "file.heading"];
        let how_bad = if whole_file.contains(&finding.code.as_str()) {
            Judgement::Broken
        } else {
            Judgement::Look
        };
        judgement = judgement.max(how_bad);
        reasons.push(format!("重大な問題があります: {}（{}件）", finding.code, finding.count));
    }
    for file in &report.files {
        if !file.missing.is_empty() {
            judgement = Judgement::Broken;
            reasons.push(format!("{}: 対応表にある列がファイルにありません。", file.name));
        }
        if file.broken_rows > 0 {
            judgement = judgement.max(Judgement::Look);
            reasons.push(format!("{}: 使えない行が{}件あります。", file.name, file.broken_rows));
        }
        for field in file.fields.iter().filter(|field| field.wrong > 0) {
            judgement = judgement.max(Judgement::Look);
            reasons.push(format!(
                "{} の {}: 読めない値が{}件あります。",
                file.name, field.field, field.wrong
            ));
        }
        for field in file.fields.iter().filter(|field| field.filled == 0 && file.rows > 0) {
            judgement = judgement.max(Judgement::Look);
            reasons.push(format!(
                "{} の {}（{}）: 1件も値がありません。列が合っているか見てください。",
                file.name, field.field, field.from
            ));
        }
    }
    for kind in &report.without {
        judgement = judgement.max(Judgement::Look);
        reasons.push(format!("{kind}: 全員「取得できず」になります。"));
    }
    report.judgement = judgement;
    report.reasons.extend(reasons);
}
