//! The house rules as a test: what reviewers should not have to say twice.
//!
//! It deliberately reads text only (no compiling, no network, under two seconds) and understands just as much Rust as
//! its rules need. What the compiler, clippy and rustfmt already check is not repeated here.

mod accidents;
mod dependencies;
mod fonts;
mod headers;
mod links;
mod lists;
mod names;
mod panics;
mod rooms;
mod rust;
mod text;
mod tree;
mod words;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::counts::Counts;
use tree::Tree;

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Breach {
    /// The file, relative to the repository's top folder.
    pub path: String,
    /// The line, counted from 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// What is wrong, and what to do.
    pub what: String,
    /// Shown, but no failure.
    pub warning: bool,
}

impl Breach {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
            warning: false,
        }
    }

    fn warning(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            warning: true,
            ..Self::new(path, line, what)
        }
    }
}

type Rule = fn(&Tree) -> Vec<Breach>;

/// Every rule with its name. The next rule goes at the end of its group.
const RULES: [(&str, Rule); 22] = [
    // Rust files
    ("file header", headers::every_rust_file_says_what_it_is_for),
    ("file length", headers::files_stay_short),
    ("refused names", names::no_refused_words),
    (
        "no panics outside tests",
        panics::unwrap_and_expect_only_with_an_invariant,
    ),
    ("tests run", panics::no_ignored_or_sleeping_tests),
    // Floors and rooms
    ("floors", dependencies::crates_only_use_lower_floors),
    ("test features", accidents::test_features_stay_in_tests),
    ("kept out", dependencies::heavy_crates_stay_where_they_belong),
    ("rooms", rooms::uses_only_go_downward),
    // Folder = list
    ("sources", lists::sources_are_listed),
    ("exports", lists::exports_are_listed),
    ("screens", lists::screens_are_listed_with_their_pages),
    ("forms", lists::form_folders_are_complete),
    ("source cases", lists::source_cases_are_complete),
    // Words and documents
    ("words in both languages", words::both_languages_have_every_key),
    ("glossary", words::glossary_explains_every_type_word),
    ("links", links::relative_links_resolve),
    ("named documents", links::documents_named_in_source_exist),
    ("architecture map", headers::the_map_stays_short),
    // The tree as a whole
    ("open ends", text::open_ends_have_an_issue),
    ("private places", text::no_private_places),
    ("big files and fonts", fonts::big_files_and_fonts),
];

/// `cargo xtask tidy`.
pub fn run(root: &Path) -> Result<ExitCode> {
    check_and_print(root)?;
    Ok(ExitCode::SUCCESS)
}

/// Checks every rule, prints what it found, and fails if anything beyond warnings was found.
pub fn check_and_print(root: &Path) -> Result<Counts> {
    let begun = Instant::now();
    let tree = Tree::read(root)?;
    let mut broken = 0_usize;
    let mut warned = 0_usize;
    for (name, rule) in RULES {
        for breach in rule(&tree) {
            let line = if breach.line > 0 {
                format!(":{}", breach.line)
            } else {
                String::new()
            };
            let kind = if breach.warning { "warning" } else { "broken" };
            println!("{kind} [{name}] {}{line}: {}", breach.path, breach.what);
            if breach.warning { warned += 1 } else { broken += 1 }
        }
    }
    println!(
        "tidy: {} rules over {} files in {:.2} s: {broken} broken, {warned} warnings",
        RULES.len(),
        tree.files.len(),
        begun.elapsed().as_secs_f64()
    );
    if broken > 0 {
        bail!("house rules are broken in {broken} places (listed above); each line says what to do");
    }
    Ok(Counts::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small tree on disk that breaks (or keeps) a rule.
    pub fn tree_of(files: &[(&str, &str)]) -> Tree {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        Tree::read(folder.path()).unwrap()
    }

    /// `path:line` of every breach that is no warning.
    pub fn places(breaches: &[Breach]) -> Vec<String> {
        breaches
            .iter()
            .filter(|b| !b.warning)
            .map(|b| format!("{}:{}", b.path, b.line))
            .collect()
    }

    #[test]
    fn a_broken_rule_fails_the_run_and_an_empty_tree_does_not() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("odd.rs"), "fn odd() {}\n").unwrap();
        assert!(check_and_print(folder.path()).is_err());
        std::fs::write(folder.path().join("odd.rs"), "//! Odd.\nfn odd() {}\n").unwrap();
        assert!(check_and_print(folder.path()).is_ok());
    }

    #[test]
    fn rule_names_are_unique() {
        let mut names: Vec<_> = RULES.iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), RULES.len());
    }
}
