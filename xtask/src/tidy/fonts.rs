//! Big files and fonts: the fonts are the only third-party files in the tree, each with its SHA-256 on record.
//!
//! It deliberately knows nothing of how fonts are made; it proves that they are the ones that were recorded.

use std::collections::BTreeMap;
use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::Breach;
use super::tree::{File, Tree};

/// Where fonts may lie.
const FONT_FOLDERS: [&str; 2] = ["crates/press/fonts", "crates/desk/assets/fonts"];
/// Everything else stays below this (bytes).
const BYTES_AT_MOST: u64 = 2 * 1024 * 1024;
const RECORD: &str = "fonts.toml";

/// No file is big, fonts lie only in their folders, and each is recorded with its true SHA-256.
pub fn big_files_and_fonts(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for file in &tree.files {
        let in_font_folder = FONT_FOLDERS
            .iter()
            .any(|folder| file.path.starts_with(&format!("{folder}/")));
        if file.length > BYTES_AT_MOST && !in_font_folder {
            let what = format!(
                "{} bytes; {BYTES_AT_MOST} at most: generate it, or make it smaller",
                file.length
            );
            found.push(Breach::new(&file.path, 0, what));
        }
        if is_font(&file.path) && !in_font_folder {
            found.push(Breach::new(
                &file.path,
                0,
                format!("fonts lie in {} only", FONT_FOLDERS.join(" or ")),
            ));
        }
    }
    for folder in FONT_FOLDERS {
        found.extend(unproved_fonts(tree, folder));
    }
    found
}

/// Whether a path ends like a font's.
pub fn is_font(path: &str) -> bool {
    let ending = path.rsplit('.').next().unwrap_or("").to_ascii_lowercase();
    ["ttf", "otf", "ttc", "otc", "woff", "woff2"].contains(&ending.as_str())
}

fn unproved_fonts(tree: &Tree, folder: &str) -> Vec<Breach> {
    let fonts: Vec<(&str, &File)> = tree.below(folder).filter(|(name, _)| is_font(name)).collect();
    let record_path = format!("{folder}/{RECORD}");
    let Some(text) = tree.text(&record_path) else {
        let unrecorded =
            |(_, file): &(&str, &File)| Breach::new(&file.path, 0, format!("no {record_path} says where it is from"));
        return fonts.iter().map(unrecorded).collect();
    };
    let recorded = match text.parse::<toml::Table>() {
        Ok(table) => recorded_hashes(&toml::Value::Table(table)),
        Err(error) => return vec![Breach::new(&record_path, 0, format!("not TOML: {}", error.message()))],
    };
    let mut found = Vec::new();
    for (name, file) in &fonts {
        match recorded.get(*name) {
            None => found.push(Breach::new(&file.path, 0, format!("is not recorded in {record_path}"))),
            Some(hash) if !hash.eq_ignore_ascii_case(&sha256(&file.bytes)) => {
                found.push(Breach::new(
                    &file.path,
                    0,
                    format!("its SHA-256 is not the one recorded in {record_path}"),
                ));
            }
            Some(_) => {}
        }
    }
    for name in recorded
        .keys()
        .filter(|name| is_font(name) && !fonts.iter().any(|(font, _)| font == name))
    {
        found.push(Breach::new(
            &record_path,
            0,
            format!("records `{name}`, which is not there"),
        ));
    }
    found
}

/// Every table with a file name and a `sha256`, however the record is arranged.
fn recorded_hashes(value: &toml::Value) -> BTreeMap<String, String> {
    let mut hashes = BTreeMap::new();
    match value {
        toml::Value::Table(table) => {
            let text = |key: &str| table.get(key).and_then(toml::Value::as_str);
            if let (Some(name), Some(hash)) = (
                text("file").or_else(|| text("path")).or_else(|| text("name")),
                text("sha256"),
            ) {
                hashes.insert(name.to_owned(), hash.to_owned());
            }
            for (key, inner) in table {
                // Also the short form `"Font.ttf" = "hash"` and a table named by the file.
                if let (true, Some(hash)) = (is_font(key), inner.as_str().or_else(|| inner.get("sha256")?.as_str())) {
                    hashes.insert(key.clone(), hash.to_owned());
                }
                hashes.extend(recorded_hashes(inner));
            }
        }
        toml::Value::Array(list) => list.iter().for_each(|inner| hashes.extend(recorded_hashes(inner))),
        _ => {}
    }
    hashes
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing into a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree_of};
    use super::*;

    #[test]
    fn a_changed_unrecorded_or_missing_font_is_found() {
        let good = sha256(b"font a");
        let record = format!(
            "[[font]]\nfile = \"a.ttf\"\nsha256 = \"{good}\"\n[[font]]\nfile = \"b.ttf\"\nsha256 = \"{good}\"\n\
             [[font]]\nfile = \"gone.ttf\"\nsha256 = \"{good}\"\n"
        );
        let tree = tree_of(&[
            ("crates/press/fonts/fonts.toml", &record),
            ("crates/press/fonts/a.ttf", "font a"),
            ("crates/press/fonts/b.ttf", "font changed"),
            ("crates/press/fonts/c.ttf", "font c"),
            ("crates/desk/assets/fonts/d.woff2", "x"),
            ("docs/e.otf", "x"),
        ]);
        assert_eq!(
            places(&big_files_and_fonts(&tree)),
            [
                "docs/e.otf:0",
                "crates/press/fonts/b.ttf:0",
                "crates/press/fonts/c.ttf:0",
                "crates/press/fonts/fonts.toml:0",
                "crates/desk/assets/fonts/d.woff2:0",
            ]
        );
    }

    #[test]
    fn a_big_file_is_found() {
        let big = "x".repeat(2 * 1024 * 1024 + 1);
        let tree = tree_of(&[("fixtures/big.csv", &big), ("fixtures/small.csv", "x")]);
        assert_eq!(places(&big_files_and_fonts(&tree)), ["fixtures/big.csv:0"]);
    }
}
