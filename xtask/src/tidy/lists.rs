//! Folder = list: whatever grows by adding a file is also in the one list that makes it work.
//!
//! It deliberately stays silent about a folder that does not exist yet: each rule starts with the folder's first file.

use super::Breach;
use super::tree::Tree;

/// What a printed form's folder holds.
const FORM_FILES: [&str; 5] = ["form.toml", "form.typ", "sample.json", "golden.txt", "golden.png"];

/// Every EHR source is a module of `sources.rs`; which one is used is the hospital's configuration.
pub fn sources_are_listed(tree: &Tree) -> Vec<Breach> {
    rooms_are_listed(tree, "crates/downtime/src/sources", false)
}

/// Every export is a module of `exports.rs`, with its golden output.
pub fn exports_are_listed(tree: &Tree) -> Vec<Breach> {
    let mut found = rooms_are_listed(tree, "crates/downtime/src/exports", false);
    for name in rust_names(tree, "crates/downtime/src/exports") {
        let goldens = format!("fixtures/exports/{name}");
        if !tree.has_folder(&goldens) {
            let what = format!("the export `{name}` has no golden output: put one into {goldens}/");
            found.push(Breach::new(&format!("crates/downtime/src/exports/{name}.rs"), 0, what));
        }
    }
    found
}

/// Every screen is in `screens.rs`, and every page lies beside the screen that shows it.
pub fn screens_are_listed_with_their_pages(tree: &Tree) -> Vec<Breach> {
    let folder = "crates/desk/src/screens";
    let mut found = rooms_are_listed(tree, folder, true);
    let screens = rust_names(tree, folder);
    let pages: Vec<&str> = tree
        .names_in(folder)
        .into_iter()
        .filter_map(|name| name.strip_suffix(".html"))
        .collect();
    for page in &pages {
        // `chart.html` belongs to `chart.rs`, and so does a part of it such as `chart_drugs.html`.
        let owned = screens
            .iter()
            .any(|screen| page == screen || page.starts_with(&format!("{screen}_")));
        if !owned {
            let what = "no screen of this name lies beside the page: name it after its screen, or remove it";
            found.push(Breach::new(&format!("{folder}/{page}.html"), 0, what));
        }
    }
    found
}

/// A form is a folder with four files.
pub fn form_folders_are_complete(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    // Besides the forms there is the folder of the words of second languages.
    let folders = tree.names_in("forms").into_iter();
    for form in folders.filter(|name| !name.contains('.') && *name != "words") {
        for wanted in FORM_FILES {
            let path = format!("forms/{form}/{wanted}");
            if tree.file(&path).is_none() {
                found.push(Breach::new(
                    &path,
                    0,
                    "missing: a form is form.toml, form.typ, sample.json, golden.txt and golden.png",
                ));
            }
        }
    }
    found
}

/// Cases in `fixtures/sources/<source>/<case>/` belong to a source and hold an input and what is expected of it.
pub fn source_cases_are_complete(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    let sources = rust_names(tree, "crates/downtime/src/sources");
    for source in tree
        .names_in("fixtures/sources")
        .into_iter()
        .filter(|name| !name.contains('.'))
    {
        let folder = format!("fixtures/sources/{source}");
        if !sources.contains(&source) {
            found.push(Breach::new(
                &folder,
                0,
                format!("no source is called `{source}`: these cases are never run"),
            ));
        }
        for case in tree.names_in(&folder).into_iter().filter(|name| !name.contains('.')) {
            let has_input = tree.has_folder(&format!("{folder}/{case}/in"));
            let has_answer = tree.file(&format!("{folder}/{case}/expected.json")).is_some();
            if !has_input || !has_answer {
                let what = "a case is a folder `in/` and a file `expected.json`";
                found.push(Breach::new(&format!("{folder}/{case}"), 0, what));
            }
        }
    }
    found
}

/// Every Rust file (or folder) in `folder` is a module of `folder.rs` and, `in_list`, is named there a second time.
fn rooms_are_listed(tree: &Tree, folder: &str, in_list: bool) -> Vec<Breach> {
    let list_path = format!("{folder}.rs");
    let names = rust_names(tree, folder);
    let code = tree
        .file(&list_path)
        .and_then(|file| file.rust.as_ref())
        .map(|rust| rust.code.join("\n"))
        .unwrap_or_default();
    let mut found = Vec::new();
    for name in names {
        let declared = code.contains(&format!("mod {name};"));
        let listed = code.contains(&format!("{name}::"));
        if !declared || (in_list && !listed) {
            let line = if in_list {
                format!("`mod {name};` and one line `{name}::…`")
            } else {
                format!("`mod {name};`")
            };
            let what = format!("`{name}` lies in the folder but is not in the list: {line} in {list_path}");
            found.push(Breach::new(&format!("{folder}/{name}.rs"), 0, what));
        }
    }
    found
}

/// The Rust modules directly in a folder: files without `.rs`, and folders that hold Rust files.
fn rust_names<'t>(tree: &'t Tree, folder: &str) -> Vec<&'t str> {
    let mut names: Vec<&str> = Vec::new();
    for file in tree.files.iter().filter(|file| file.rust.is_some()) {
        let Some(rest) = file.path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) else {
            continue;
        };
        let name = rest.split('/').next().unwrap_or("").trim_end_matches(".rs");
        if name != "tests" {
            names.push(name);
        }
    }
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree_of};
    use super::*;

    #[test]
    fn folders_that_do_not_exist_yet_break_nothing() {
        let tree = tree_of(&[("README.md", "x\n")]);
        for rule in [
            sources_are_listed,
            exports_are_listed,
            screens_are_listed_with_their_pages,
        ] {
            assert!(rule(&tree).is_empty());
        }
        assert!(form_folders_are_complete(&tree).is_empty() && source_cases_are_complete(&tree).is_empty());
    }

    #[test]
    fn a_source_that_is_not_in_the_list_is_found() {
        let tree = tree_of(&[
            ("crates/downtime/src/sources.rs", "pub mod table;\n// mod sql;\n"),
            ("crates/downtime/src/sources/table/columns.rs", "//! x\n"),
            ("crates/downtime/src/sources/table.rs", "//! x\n"),
            ("crates/downtime/src/sources/sql.rs", "//! x\n"),
        ]);
        assert_eq!(
            places(&sources_are_listed(&tree)),
            ["crates/downtime/src/sources/sql.rs:0"]
        );
    }

    #[test]
    fn a_screen_that_is_declared_but_not_in_the_list_is_found() {
        let tree = tree_of(&[
            (
                "crates/desk/src/screens.rs",
                "mod chart;\nmod lost;\nlet all = [chart::get]; // lost::get\n",
            ),
            ("crates/desk/src/screens/chart.rs", "//! x\n"),
            ("crates/desk/src/screens/lost.rs", "//! x\n"),
        ]);
        assert_eq!(
            places(&screens_are_listed_with_their_pages(&tree)),
            ["crates/desk/src/screens/lost.rs:0"]
        );
    }

    #[test]
    fn an_export_needs_its_golden() {
        let tree = tree_of(&[
            ("crates/downtime/src/exports.rs", "mod csv;\nlet all = [csv::write];\n"),
            ("crates/downtime/src/exports/csv.rs", "//! x\n"),
        ]);
        assert_eq!(
            places(&exports_are_listed(&tree)),
            ["crates/downtime/src/exports/csv.rs:0"]
        );
    }

    #[test]
    fn a_page_belongs_to_a_screen() {
        let tree = tree_of(&[
            ("crates/desk/src/screens.rs", "mod chart;\nlet all = [chart::get];\n"),
            ("crates/desk/src/screens/chart.rs", "//! x\n"),
            ("crates/desk/src/screens/chart.html", "x\n"),
            ("crates/desk/src/screens/chart_drugs.html", "x\n"),
            ("crates/desk/src/screens/lost.html", "x\n"),
        ]);
        assert_eq!(
            places(&screens_are_listed_with_their_pages(&tree)),
            ["crates/desk/src/screens/lost.html:0"]
        );
    }

    #[test]
    fn a_form_has_five_files() {
        let tree = tree_of(&[
            ("forms/F01/form.toml", ""),
            ("forms/F01/form.typ", ""),
            ("forms/F01/sample.json", ""),
            ("forms/F01/golden.png", ""),
        ]);
        assert_eq!(places(&form_folders_are_complete(&tree)), ["forms/F01/golden.txt:0"]);
    }

    #[test]
    fn a_source_case_is_complete_and_belongs_to_a_source() {
        let tree = tree_of(&[
            ("crates/downtime/src/sources/table.rs", "//! x\n"),
            ("fixtures/sources/table/plain/in/a.csv", "x"),
            ("fixtures/sources/table/plain/expected.json", "{}"),
            ("fixtures/sources/table/half/in/a.csv", "x"),
            ("fixtures/sources/lost/x/in/a.csv", "x"),
            ("fixtures/sources/lost/x/expected.json", "{}"),
        ]);
        assert_eq!(
            places(&source_cases_are_complete(&tree)),
            ["fixtures/sources/lost:0", "fixtures/sources/table/half:0"]
        );
    }
}
