//! Names that say nothing are refused.
//!
//! It deliberately looks only at declared types, declared modules and file names: words in prose, in strings and in
//! other people's libraries are free.

use super::Breach;
use super::tree::Tree;

/// Words that name no thing of the field. A longer word that merely contains one (`Database`) is fine.
const REFUSED: [&str; 8] = ["manager", "service", "helper", "util", "common", "base", "impl", "dto"];

/// No type, module or file carries a refused word.
pub fn no_refused_words(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for (file, rust) in tree.rust() {
        for part in file.path.split('/') {
            let name = part.strip_suffix(".rs").unwrap_or(part);
            if let Some(word) = refused_word(name) {
                found.push(Breach::new(&file.path, 0, explain(name, word)));
            }
        }
        for (at, line) in rust.code.iter().enumerate() {
            for name in declared_names(line) {
                if let Some(word) = refused_word(name) {
                    found.push(Breach::new(&file.path, at + 1, explain(name, word)));
                }
            }
        }
    }
    found
}

fn explain(name: &str, word: &str) -> String {
    format!("`{name}` carries the refused word `{word}`: name the thing by the field's own term (docs/glossary.md)")
}

/// The names declared on this line of code.
fn declared_names(line: &str) -> Vec<&str> {
    let words: Vec<&str> = line
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|w| !w.is_empty())
        .collect();
    words
        .windows(2)
        .filter_map(|pair| match pair {
            [keyword, name] if ["struct", "enum", "trait", "type", "mod", "union"].contains(keyword) => Some(*name),
            _ => None,
        })
        .collect()
}

/// The refused word among the words of a CamelCase or snake_case name, in singular or plural.
fn refused_word(name: &str) -> Option<&'static str> {
    let words = split_words(name);
    REFUSED.into_iter().find(|refused| {
        words.iter().any(|word| {
            let singular = word.strip_suffix('s').unwrap_or(word);
            word == refused || singular == *refused
        })
    })
}

fn split_words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous_is_lower = false;
    for c in name.chars() {
        let separator = !c.is_alphanumeric();
        if separator || (c.is_uppercase() && previous_is_lower) {
            words.push(String::new());
        }
        if !separator && let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
        previous_is_lower = c.is_lowercase() || c.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree_of};
    use super::*;

    #[test]
    fn refused_words_are_found_in_types_modules_and_file_names() {
        let tree = tree_of(&[
            (
                "src/a.rs",
                "pub struct PatientManager;\nmod common;\nenum Kind { A }\ntrait TimeHelpers {}\n",
            ),
            ("src/utils.rs", "//! x\n"),
            ("tests/common/mod.rs", "//! x\n"),
        ]);
        let found = places(&no_refused_words(&tree));
        assert_eq!(
            found,
            [
                "src/a.rs:1",
                "src/a.rs:2",
                "src/a.rs:4",
                "src/utils.rs:0",
                "tests/common/mod.rs:0"
            ]
        );
    }

    #[test]
    fn longer_words_prose_and_fields_are_free() {
        let tree = tree_of(&[(
            "src/database.rs",
            "// the service manager of the system\nstruct Database;\nstruct Baseline;\nimpl Database {}\n\
             fn service() {}\nconst S: &str = \"struct Manager\";\nstruct Base64;\n",
        )]);
        assert!(no_refused_words(&tree).is_empty());
    }
}
