//! HL7 v2.5 messages and SS-MIX2 storages to charts: cases written as text, and what must hold for any order of arrival.

use std::collections::BTreeMap;

use chart::{Chart, DataKind, Moment};
use downtime::sources::hl7v2::{Hl7, Messages, Names, Received, Settings};
use downtime::sources::ssmix2::SsMix2;
use downtime::sources::{Extract, PullFault, Scope, Source};
use jiff::civil::date;

mod cases;
mod merging;
mod order;
mod settings;
mod storage;
mod translog;
mod written;

/// Noon of the synthetic hospital's day.
fn scope() -> Scope {
    Scope {
        day: date(2026, 11, 20),
        thin_days: 14,
        now: Moment::from_local(date(2026, 11, 20).at(12, 0, 0, 0)),
        wanted: None,
    }
}

fn names() -> Names {
    Names {
        wards: BTreeMap::from([
            ("05E".to_owned(), "5階東".to_owned()),
            ("03W".to_owned(), "3階西".to_owned()),
        ]),
        departments: BTreeMap::new(),
    }
}

/// Pulls any source.
fn pull(source: &dyn Source, scope: &Scope) -> Result<(Vec<Chart>, Extract), PullFault> {
    let mut charts = Vec::new();
    let mut take = |chart| {
        charts.push(chart);
        Ok(())
    };
    let extract = source.pull(scope, &mut take, &mut |_| {})?;
    Ok((charts, extract))
}

/// Pulls a feed.
fn pull_feed(messages: &[Received], settings: Settings) -> Result<(Vec<Chart>, Extract), PullFault> {
    let all = messages.to_vec();
    let open = move || -> Result<Messages, String> { Ok(Box::new(all.clone().into_iter().map(Ok))) };
    pull(&Hl7::over(open, settings), &scope())
}

fn storage(settings: downtime::sources::ssmix2::Settings) -> SsMix2 {
    SsMix2::new(settings).unwrap()
}

/// The times of kinds that stand apart.
fn apart(extract: &Extract) -> BTreeMap<&'static str, String> {
    DataKind::ALL
        .into_iter()
        .filter_map(|kind| {
            let (_, at) = extract.as_of.apart.iter().find(|(k, _)| *k == kind)?;
            Some((kind.word(), at.text()))
        })
        .collect()
}
