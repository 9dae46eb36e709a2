//! Words for people: the same keys in both languages, and a glossary that explains every type word.
//!
//! It deliberately does not judge translations; it finds the word that was forgotten.

use std::collections::BTreeMap;

use super::Breach;
use super::tree::Tree;

const JAPANESE: &str = "crates/desk/words/ja.ftl";
const ENGLISH: &str = "crates/desk/words/en.ftl";
const GLOSSARY: &str = "docs/glossary.md";

/// The words the product's types are named by; each has a row in the glossary.
const TYPE_WORDS: [&str; 22] = [
    "Source", "Extract", "Finding", "Chart", "AsOf", "Snapshot", "Seal", "Shelf", "Station", "Incident", "Entry",
    "Journal", "View", "Form", "Sheet", "Plan", "Decision", "Handback", "Actor", "Sighting", "Hub", "Drill",
];

/// Cells of a glossary row: the word, Japanese, what it is, what it is not.
const GLOSSARY_CELLS: usize = 4;

/// Every key is in both files once, with the same variables.
pub fn both_languages_have_every_key(tree: &Tree) -> Vec<Breach> {
    let texts = (tree.text(JAPANESE), tree.text(ENGLISH));
    let (japanese, english) = match texts {
        (None, None) => return Vec::new(),
        (Some(japanese), Some(english)) => (keys(japanese), keys(english)),
        (Some(_), None) => return vec![Breach::new(ENGLISH, 0, "missing: every word needs its English")],
        (None, Some(_)) => return vec![Breach::new(JAPANESE, 0, "missing: every word needs its Japanese")],
    };
    let mut found = Vec::new();
    for (here, path, there, other) in [
        (&japanese, JAPANESE, &english, ENGLISH),
        (&english, ENGLISH, &japanese, JAPANESE),
    ] {
        for (key, word) in here {
            if word.times > 1 {
                found.push(Breach::new(
                    path,
                    word.line,
                    format!("`{key}` is there {} times", word.times),
                ));
            }
            if !there.contains_key(key) {
                found.push(Breach::new(path, word.line, format!("`{key}` is missing in {other}")));
            }
        }
    }
    for (key, word) in &japanese {
        if english.get(key).is_some_and(|other| other.variables != word.variables) {
            let what = format!("`{key}` has other variables in {ENGLISH}: a value would be lost in one language");
            found.push(Breach::new(JAPANESE, word.line, what));
        }
    }
    found
}

/// The glossary has a full row for every type word.
pub fn glossary_explains_every_type_word(tree: &Tree) -> Vec<Breach> {
    let Some(text) = tree.text(GLOSSARY) else {
        return Vec::new();
    };
    let explained = |word: &str| {
        text.lines().any(|line| {
            let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
            let names_it = cells.first().is_some_and(|cell| cell.trim_matches('`') == word);
            names_it && cells.len() >= GLOSSARY_CELLS && cells.iter().take(GLOSSARY_CELLS).all(|cell| !cell.is_empty())
        })
    };
    TYPE_WORDS
        .into_iter()
        .filter(|word| !explained(word))
        .map(|word| {
            Breach::new(
                GLOSSARY,
                0,
                format!("`{word}` needs a row: | `{word}` | 日本語 | what it is | what it is not |"),
            )
        })
        .collect()
}

#[derive(Default)]
struct Word {
    line: usize,
    times: usize,
    variables: Vec<String>,
}

/// The message keys (and attributes, as `key.attribute`) of a Fluent file.
fn keys(text: &str) -> BTreeMap<String, Word> {
    let mut keys: BTreeMap<String, Word> = BTreeMap::new();
    let mut message = String::new();
    let mut current = String::new();
    for (at, line) in text.lines().enumerate() {
        if line.starts_with('#') {
            continue;
        }
        let (name, is_attribute) = match line.trim_start().strip_prefix('.') {
            Some(attribute) if line.starts_with(' ') => (identifier(attribute), true),
            _ if line.starts_with([' ', '}', '[', '*']) => (None, false),
            _ => (identifier(line), false),
        };
        if let Some(name) = name {
            current = if is_attribute {
                format!("{message}.{name}")
            } else {
                name.to_owned()
            };
            if !is_attribute {
                message.clone_from(&current);
            }
            let word = keys.entry(current.clone()).or_default();
            word.times += 1;
            word.line = at + 1;
        }
        if let Some(word) = keys.get_mut(&current) {
            word.variables.extend(variables(line));
            word.variables.sort();
            word.variables.dedup();
        }
    }
    keys
}

/// `key` of a line `key = …`.
fn identifier(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('=')?;
    let name = name.trim();
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    (plain && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '-')).then_some(name)
}

fn variables(line: &str) -> Vec<String> {
    let name = |rest: &str| -> String {
        rest.chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_')
            .collect()
    };
    line.split('$')
        .skip(1)
        .map(name)
        .filter(|name| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree_of};
    use super::*;

    #[test]
    fn keys_of_both_languages_are_compared() {
        let tree = tree_of(&[
            (
                JAPANESE,
                "# x = y\na = あ\nb = { $n }人\n    続き = ではない\nc = う\n    .title = え\nd = { $n ->\n   *[other] お\n }\n",
            ),
            (
                ENGLISH,
                "a = A\nb = people\nc = C\nd = { $n ->\n   [one] one\n   *[other] more\n }\ne = E\ne = F\n",
            ),
        ]);
        let found = places(&both_languages_have_every_key(&tree));
        let (ja, en) = (JAPANESE, ENGLISH);
        assert_eq!(
            found,
            [
                format!("{ja}:6"),
                format!("{en}:9"),
                format!("{en}:9"),
                format!("{ja}:3")
            ]
        );
    }

    #[test]
    fn one_language_alone_is_a_breach_and_none_is_not() {
        assert_eq!(
            places(&both_languages_have_every_key(&tree_of(&[(JAPANESE, "a = あ\n")]))),
            [format!("{ENGLISH}:0")]
        );
        assert!(both_languages_have_every_key(&tree_of(&[("a.md", "x\n")])).is_empty());
    }

    #[test]
    fn a_type_word_without_a_full_row_is_found() {
        let full: String = TYPE_WORDS
            .iter()
            .map(|word| format!("| `{word}` | 語 | is | is not |\n"))
            .collect();
        assert!(glossary_explains_every_type_word(&tree_of(&[(GLOSSARY, &full)])).is_empty());
        let short = full.replace("| `Seal` | 語 | is | is not |", "| `Seal` | 語 | is | |");
        assert_eq!(
            glossary_explains_every_type_word(&tree_of(&[(GLOSSARY, &short)])).len(),
            1
        );
    }
}
