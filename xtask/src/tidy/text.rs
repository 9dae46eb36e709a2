//! Rules about plain text anywhere in the tree.
//!
//! It deliberately spells the searched words in pieces, so that it does not find itself.

use super::Breach;
use super::tree::Tree;

const OPEN_ENDS: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Places that exist on one person's machine only.
const PRIVATE_PLACES: [&str; 3] = [
    concat!("/wo", "rk/"),
    concat!("/tmp/bash", "_jobs"),
    concat!("../sha", "red/"),
];

/// An open end names the issue that will close it: the word, then `(#12)`.
pub fn open_ends_have_an_issue(tree: &Tree) -> Vec<Breach> {
    each_line(tree, |line| {
        OPEN_ENDS.iter().find_map(|word| {
            let rest = after_whole_word(line, word)?;
            let rest = rest.trim_start_matches([' ', '(', ':']);
            let numbered = rest
                .strip_prefix('#')
                .is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()));
            (!numbered).then(|| format!("{word} without an issue number: write {word}(#12), or do it now"))
        })
    })
}

/// Nothing in the tree points to a place only one machine has.
pub fn no_private_places(tree: &Tree) -> Vec<Breach> {
    each_line(tree, |line| {
        PRIVATE_PLACES
            .iter()
            .find(|place| {
                line.match_indices(**place).any(|(at, _)| {
                    let before = line.get(..at).and_then(|text| text.chars().next_back());
                    // `…/framework/` or a web address holds the same letters without meaning the place.
                    !before.is_some_and(|c| c.is_alphanumeric() || "./_-}".contains(c))
                })
            })
            .map(|place| format!("`{place}` is a place on one machine: name paths relative to the repository"))
    })
}

fn each_line(tree: &Tree, judge: impl Fn(&str) -> Option<String>) -> Vec<Breach> {
    let mut found = Vec::new();
    for file in tree
        .files
        .iter()
        .filter(|file| !file.path.ends_with(".lock") && !file.path.ends_with("-lock.json"))
    {
        for (at, line) in file.text.as_deref().unwrap_or("").lines().enumerate() {
            if let Some(what) = judge(line) {
                found.push(Breach::new(&file.path, at + 1, what));
            }
        }
    }
    found
}

fn after_whole_word<'l>(line: &'l str, word: &str) -> Option<&'l str> {
    line.match_indices(word).find_map(|(at, _)| {
        let before = line.get(..at)?.chars().next_back();
        let rest = line.get(at + word.len()..)?;
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        (!before.is_some_and(is_word) && !rest.starts_with(is_word)).then_some(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree_of};
    use super::*;

    #[test]
    fn open_ends_need_a_number() {
        let [later, mend] = OPEN_ENDS;
        let text =
            format!("// {later} soon\n// {later}(#12): then\n// {mend} #3\n{mend}(#x)\nMY{later}S and {later}_LIST\n");
        let tree = tree_of(&[("a.rs", &text)]);
        assert_eq!(places(&open_ends_have_an_issue(&tree)), ["a.rs:1", "a.rs:4"]);
    }

    #[test]
    fn private_places_are_found() {
        let [first, second, ..] = PRIVATE_PLACES;
        let text = format!("see {first}notes\nhttps://example.org{first}x\n`{second}/1`\nnet{first}x\n");
        let tree = tree_of(&[("a.md", &text)]);
        assert_eq!(places(&no_private_places(&tree)), ["a.md:1", "a.md:3"]);
    }
}
