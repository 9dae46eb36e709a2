//! Rules about whole files: the header that says what they are for, and their length.
//!
//! It deliberately does not judge what a header says; readers do.

use super::Breach;
use super::tree::{File, Tree};

/// Lines of code nobody should have to scroll past.
const LINES_AT_MOST: usize = 500;
/// From here on a split is worth a thought.
const LINES_TO_THINK: usize = 300;
/// The map of the house must fit into one reading.
const MAP_LINES_AT_MOST: usize = 200;

/// Every `.rs` file begins with `//!`.
pub fn every_rust_file_says_what_it_is_for(tree: &Tree) -> Vec<Breach> {
    tree.rust()
        .filter(|(file, _)| {
            let first = file
                .text
                .as_deref()
                .unwrap_or("")
                .lines()
                .find(|line| !line.trim().is_empty());
            !first.is_some_and(|line| line.starts_with("//!") && line.trim() != "//!")
        })
        .map(|(file, _)| {
            Breach::new(
                &file.path,
                1,
                "begin the file with `//!`: what it is for, then what it deliberately does not do",
            )
        })
        .collect()
}

/// Code files stay short; data tables are exempt.
pub fn files_stay_short(tree: &Tree) -> Vec<Breach> {
    tree.files
        .iter()
        .filter(|file| is_code(file) && !is_data(file))
        .filter_map(length_breach)
        .collect()
}

/// `ARCHITECTURE.md` stays a map.
pub fn the_map_stays_short(tree: &Tree) -> Vec<Breach> {
    let lines = tree.text("ARCHITECTURE.md").map_or(0, |text| text.lines().count());
    if lines <= MAP_LINES_AT_MOST {
        return Vec::new();
    }
    vec![Breach::new(
        "ARCHITECTURE.md",
        0,
        format!("{lines} lines; a map stays true when it has {MAP_LINES_AT_MOST} at most"),
    )]
}

fn length_breach(file: &File) -> Option<Breach> {
    let lines = file.text.as_deref()?.lines().count();
    if lines > LINES_AT_MOST {
        let what = format!("{lines} lines, {LINES_AT_MOST} at most: split it where it changes its subject");
        return Some(Breach::new(&file.path, 0, what));
    }
    (lines > LINES_TO_THINK).then(|| {
        Breach::warning(
            &file.path,
            0,
            format!("{lines} lines; {LINES_TO_THINK} read more easily"),
        )
    })
}

fn is_code(file: &File) -> bool {
    let ending = file.path.rsplit('.').next().unwrap_or("");
    ["rs", "mjs", "js", "typ", "html", "py"].contains(&ending)
}

/// Data: below a folder named `data`, or a Rust file whose header begins with `//! Data:`.
fn is_data(file: &File) -> bool {
    let in_data_folder = file.path.split('/').any(|part| part == "data" || part == "fixtures");
    in_data_folder || file.text.as_deref().is_some_and(|text| text.starts_with("//! Data:"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree_of};
    use super::*;

    #[test]
    fn a_file_without_a_header_is_found() {
        let tree = tree_of(&[
            ("a.rs", "fn a() {}\n"),
            ("b.rs", "//! B holds b.\nfn b() {}\n"),
            ("c.rs", "//!\nfn c() {}\n"),
            ("d.rs", "\n// plain\n//! late\n"),
        ]);
        assert_eq!(
            places(&every_rust_file_says_what_it_is_for(&tree)),
            ["a.rs:1", "c.rs:1", "d.rs:1"]
        );
    }

    #[test]
    fn long_files_are_refused_and_data_is_exempt() {
        let long = "// x\n".repeat(501);
        let middling = "// x\n".repeat(301);
        let table = format!("//! Data: a table.\n{long}");
        let tree = tree_of(&[
            ("long.rs", &long),
            ("middling.mjs", &middling),
            ("table.rs", &table),
            ("x/data/big.rs", &long),
            ("prose.md", &long),
        ]);
        let found = files_stay_short(&tree);
        assert_eq!(places(&found), ["long.rs:0"]);
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_long_map_is_refused() {
        let tree = tree_of(&[("ARCHITECTURE.md", &"x\n".repeat(201))]);
        assert_eq!(places(&the_map_stays_short(&tree)), ["ARCHITECTURE.md:0"]);
        let tree = tree_of(&[("ARCHITECTURE.md", &"x\n".repeat(200))]);
        assert!(the_map_stays_short(&tree).is_empty());
    }
}
