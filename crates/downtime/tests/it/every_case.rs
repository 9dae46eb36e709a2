//! Every folder of `fixtures/sources/<kind>`: what lies there, and what must come out of it (`expected.json`), for every source alike.
//!
//! `UPDATE=1` writes what comes out; read the difference before believing it.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The repository's top folder.
pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Reads each case and compares; at least so many must be there.
pub fn every(kind: &str, least: usize, read: impl Fn(&Path) -> Value) {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(top().join("fixtures/sources").join(kind))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    assert!(folders.len() >= least, "the cases are not there");
    let mut wrong = Vec::new();
    for case in folders {
        let got = read(&case);
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
