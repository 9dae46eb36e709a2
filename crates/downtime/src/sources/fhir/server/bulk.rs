//! Bulk Data export: kicked off, waited for, fetched as NDJSON, and taken back (HL7 FHIR Bulk Data Access 2.0).

use chart::{Moment, Severity};
use serde::Deserialize;

use super::line::{self, Failed, Line};
use super::token::escaped;
use super::{MAX_EXPORT_SECONDS, piece};
use crate::sources::Progress;
use crate::sources::fhir::input::Input;
use crate::sources::fhir::when;

/// Most files of one export.
const MAX_OUTPUT: usize = 20_000;
/// Seconds between two looks, where the server does not say.
const LOOK: u64 = 10;
/// Longest and shortest wait between two looks.
const MAX_LOOK: u64 = 300;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    transaction_time: String,
    #[serde(default)]
    requires_access_token: bool,
    output: Vec<Output>,
    #[serde(default)]
    error: Vec<Output>,
    #[serde(default)]
    deleted: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(rename = "type")]
    kind: String,
    url: String,
    #[serde(default)]
    count: Option<u64>,
}

/// One export into `input`. The server's time of it; `None` when there is nothing to use, with a Finding that says why.
pub fn export(
    line: &mut Line<'_>,
    group: &str,
    types: &[&'static str],
    since: Option<Moment>,
    input: &mut Input,
    progress: &mut dyn FnMut(Progress),
) -> Option<Moment> {
    match run(line, group, types, since, input, progress) {
        Ok(at) => Some(at),
        Err(failed) => {
            input
                .findings
                .push(line::finding("一括出力（$export）", &failed, Severity::Severe));
            None
        }
    }
}

fn run(
    line: &mut Line<'_>,
    group: &str,
    types: &[&'static str],
    since: Option<Moment>,
    input: &mut Input,
    progress: &mut dyn FnMut(Progress),
) -> Result<Moment, Failed> {
    let fail = |why: &str| Failed {
        why: why.to_owned(),
        status: 0,
    };
    let level = if group.is_empty() {
        "Patient".to_owned()
    } else {
        group.trim_matches('/').to_owned()
    };
    let since = since.map_or_else(String::new, |at| format!("&_since={}", escaped(&at.iso())));
    let url = format!(
        "{}/{level}/$export?_outputFormat={}&_type={}{since}",
        line.server.base,
        escaped("application/fhir+ndjson"),
        types.join(",")
    );
    let kicked = line.get(&url, "application/fhir+json", true, true)?;
    let status_url = match (kicked.status, kicked.content_location) {
        (202, Some(url)) if line.is_ours(&url) => url,
        (202, Some(_)) => return Err(fail("出力の進み具合の場所が別のサーバです。そこへは問い合わせません")),
        _ => return Err(fail("サーバが一括出力を受け付けたと答えません")),
    };
    let manifest = wait_for(line, &status_url, progress)?;
    let manifest: Manifest =
        serde_json::from_slice(&manifest).map_err(|_| fail("出力の目録（manifest）を読めません"))?;
    let at = when::instant(&manifest.transaction_time).ok_or_else(|| fail("出力の目録にデータ時点がありません"))?;
    let files = manifest.output.len() + manifest.deleted.len() + manifest.error.len();
    if files > MAX_OUTPUT {
        return Err(fail("出力のファイルが多すぎます"));
    }
    for (number, output) in (0_u64..).zip(&manifest.output) {
        progress(Progress::Reading(number, files as u64));
        let got = fetch(line, output, manifest.requires_access_token);
        let known = types.iter().copied().find(|name| *name == output.kind);
        match got {
            Ok(bytes) => {
                if let Some(count) = output.count {
                    match input.counted.iter_mut().find(|(kind, _)| *kind == output.kind) {
                        Some((_, all)) => *all += count,
                        None => input.counted.push((output.kind.clone(), count)),
                    }
                }
                let name = format!("{} #{}", output.kind, number + 1);
                input.pieces.push(piece(name, bytes, true, at));
            }
            Err(failed) => {
                input.failed.extend(known);
                input
                    .findings
                    .push(line::finding(&output.kind, &failed, Severity::Severe));
            }
        }
    }
    for output in &manifest.deleted {
        let mut deleted = piece(
            "deleted".to_owned(),
            fetch(line, output, manifest.requires_access_token)?,
            true,
            at,
        );
        deleted.stamp = manifest.transaction_time.clone();
        input.pieces.push(deleted);
    }
    for output in &manifest.error {
        if let Ok(bytes) = fetch(line, output, manifest.requires_access_token) {
            input.pieces.push(piece("error".to_owned(), bytes, true, at));
        }
    }
    line.drop_export(&status_url);
    Ok(at)
}

fn wait_for(line: &mut Line<'_>, url: &str, progress: &mut dyn FnMut(Progress)) -> Result<Vec<u8>, Failed> {
    let mut waited = 0;
    loop {
        let answer = line.get(url, "application/json", false, true)?;
        match answer.status {
            200 => return Ok(answer.body),
            202 => {
                let seconds = answer.retry_after.unwrap_or(LOOK).clamp(1, MAX_LOOK);
                if waited + seconds > MAX_EXPORT_SECONDS {
                    return Err(Failed {
                        why: "出力が時間内に終わりません".to_owned(),
                        status: 202,
                    });
                }
                progress(Progress::Reading(waited, MAX_EXPORT_SECONDS));
                line.web.wait(seconds);
                waited += seconds;
            }
            status => {
                return Err(Failed {
                    why: line::words_of(&answer),
                    status,
                });
            }
        }
    }
}

fn fetch(line: &mut Line<'_>, output: &Output, with_token: bool) -> Result<Vec<u8>, Failed> {
    if !line.is_ours(&output.url) {
        // A file server of the vendor's: patient data would come from somewhere nobody configured.
        return Err(Failed {
            why: "ファイルが別のサーバにあります。そこへは取りに行きません".to_owned(),
            status: 0,
        });
    }
    line.get(&output.url, "application/fhir+ndjson", false, with_token)
        .map(|answer| answer.body)
}
