//! Every folder of `fixtures/sources/table`: an export, its mapping, and what must come out of it.
//!
//! `UPDATE=1` writes what comes out; read the difference before believing it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{pull, show};

/// The repository's top folder.
pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_case_gives_what_it_must() {
    let cases = top().join("fixtures/sources/table");
    let mut names: Vec<PathBuf> = std::fs::read_dir(&cases)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    names.sort();
    assert!(names.len() >= 25, "the cases are not there");
    let mut wrong = Vec::new();
    for case in names {
        let mapping = std::fs::read_to_string(case.join("mapping.toml")).unwrap();
        let got = match pull(&mapping, &case.join("in")) {
            Ok((charts, extract)) => show::pulled(&charts, &extract),
            Err(fault) => json!({ "error": fault.to_string().replace(&case.display().to_string(), "…") }),
        };
        let expected = case.join("expected.json");
        #[allow(
            clippy::disallowed_methods,
            reason = "asked for by hand, by the person who runs the test"
        )]
        let update = std::env::var_os("UPDATE").is_some();
        if update {
            std::fs::write(&expected, serde_json::to_string_pretty(&got).unwrap() + "\n").unwrap();
            continue;
        }
        let text = std::fs::read_to_string(&expected).unwrap_or_default();
        if serde_json::from_str::<Value>(&text).ok().as_ref() != Some(&got) {
            let got = serde_json::to_string_pretty(&got).unwrap();
            let first = got.lines().zip(text.lines()).find(|(a, b)| a != b);
            wrong.push(format!("{}: {first:?}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
