//! Every folder of `fixtures/sources/ssmix2` and `fixtures/sources/hl7v2`: what lies there, and what must come out of it.

use chart::Moment;
use downtime::sources::hl7v2::{Received, Settings};
use downtime::sources::ssmix2::{self, Patients};
use jiff::civil::DateTime;
use serde_json::json;

use super::{apart, names, pull, pull_feed, scope, storage, written};
use crate::every_case::every;
use crate::table::show;

/// The settings a case's text asks for in its first lines: `# patients = all`.
fn asked<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    text.lines()
        .take_while(|line| line.starts_with('#'))
        .find_map(|line| line.strip_prefix(&format!("# {word} = ")))
}

#[test]
fn every_storage_gives_what_it_must() {
    every("ssmix2", 10, |case| {
        let text = std::fs::read_to_string(case.join("in/storage.txt")).unwrap();
        let dir = tempfile::tempdir().unwrap();
        written::lay(&written::read(&text), dir.path());
        let roots = asked(&text, "roots").unwrap_or("R");
        let mut settings = ssmix2::Settings::of(roots.split(' ').map(|root| dir.path().join(root)).collect());
        settings.names = names();
        settings.threads = 2;
        if asked(&text, "patients") != Some("inpatients") {
            settings.patients = Patients::All;
        }
        if let Some(extended) = asked(&text, "extended") {
            settings.extended = extended.split(' ').map(|root| dir.path().join(root)).collect();
        }
        match pull(&storage(settings), &scope()) {
            Ok((charts, extract)) => {
                let mut shown = show::pulled(&charts, &extract);
                shown["apart"] = json!(apart(&extract));
                shown
            }
            Err(fault) => json!({ "error": fault.to_string().replace(&dir.path().display().to_string(), "…") }),
        }
    });
}

#[test]
fn every_feed_gives_what_it_must() {
    every("hl7v2", 5, |case| {
        let text = std::fs::read_to_string(case.join("in/feed.txt")).unwrap();
        let settings = Settings {
            names: names(),
            whole_lists: asked(&text, "lists") == Some("whole"),
            ..Settings::default()
        };
        match pull_feed(&messages(&text), settings) {
            Ok((charts, extract)) => {
                let mut shown = show::pulled(&charts, &extract);
                shown["apart"] = json!(apart(&extract));
                shown
            }
            Err(fault) => json!({ "error": fault.to_string() }),
        }
    });
}

/// The messages of a feed's text.
pub fn messages(text: &str) -> Vec<Received> {
    written::read(text)
        .into_iter()
        .map(|one| {
            let at: DateTime = one.head[1].parse().unwrap();
            Received {
                bytes: one.bytes,
                at: Moment::from_local(at),
                number: one.head[0].clone(),
            }
        })
        .collect()
}
