//! The rooms of `downtime` and their step: a `use crate::` only goes downward.
//!
//! It deliberately says nothing about what happens inside a room. A room that is missing from the table is a breach
//! too: deciding on which step a new room stands is the point of the table.

use super::Breach;
use super::tree::Tree;

/// Each room with its step. A room may use rooms on lower steps and itself, never its own step or above.
///
/// The next room goes where its uses allow, as low as possible.
const STEPS: [(&str, u32); 24] = [
    // What everything stands on.
    ("store", 0),
    ("index", 1),
    ("distribution", 1),
    ("feeds", 1),
    ("state", 1),
    // Before: from the EHR to a sealed snapshot.
    ("sources", 2),
    // Beside: which program runs.
    ("updates", 2),
    ("identity", 3),
    ("extract", 4),
    ("shelf", 5),
    // During: what people record, charts with entries laid over them, paper, other stations.
    ("view", 6),
    ("journal", 7),
    ("incidents", 7),
    ("printing", 7),
    ("forms", 8),
    ("audit", 8),
    ("scans", 8),
    ("stations", 9),
    ("carry", 10),
    ("packs", 10),
    ("papers", 10),
    // After: back into the EHR.
    ("reconcile", 10),
    ("exports", 11),
    // All of it, watched.
    ("readiness", 12),
];

const ROOF: &str = "crates/downtime/src";

/// `use crate::<room>` inside `downtime` only goes to lower steps.
pub fn uses_only_go_downward(tree: &Tree) -> Vec<Breach> {
    uses_following(tree, &STEPS)
}

fn uses_following(tree: &Tree, steps: &[(&str, u32)]) -> Vec<Breach> {
    let step_of = |room: &str| steps.iter().find(|(name, _)| *name == room).map(|(_, step)| *step);
    let mut found = Vec::new();
    for (file, rust) in tree.rust() {
        let Some(inside) = file.path.strip_prefix(ROOF).and_then(|rest| rest.strip_prefix('/')) else {
            continue;
        };
        let room = inside.split('/').next().unwrap_or("").trim_end_matches(".rs");
        if room == "lib" {
            continue;
        }
        let Some(step) = step_of(room) else {
            let what = format!("the room `{room}` has no step: add it to STEPS in xtask/src/tidy/rooms.rs");
            found.push(Breach::new(&file.path, 0, what));
            continue;
        };
        for (number, used) in rooms_named(&rust.text_outside_tests()) {
            let climbs = used != room && step_of(used).is_some_and(|used_step| used_step >= step);
            if climbs {
                let what = format!("`{room}` uses `{used}`, which stands on the same step or higher: turn the arrow");
                found.push(Breach::new(&file.path, number, what));
            }
        }
    }
    found
}

/// The rooms behind every `crate::` with their line, also those in braces: `use crate::{audit, store::Row}`.
fn rooms_named(text: &str) -> Vec<(usize, &str)> {
    let mut named = Vec::new();
    for (at, matched) in text.match_indices("crate::") {
        let begin = at + matched.len();
        let rest = text.get(begin..).unwrap_or("");
        match rest.strip_prefix('{') {
            Some(list) => named.extend(
                first_words(list)
                    .into_iter()
                    .map(|(from, room)| (begin + 1 + from, room)),
            ),
            None => named.extend(word(rest).map(|room| (begin, room))),
        }
    }
    let line_of = |at: usize| 1 + text.get(..at).unwrap_or("").matches('\n').count();
    named.into_iter().map(|(at, room)| (line_of(at), room)).collect()
}

/// The first word of each entry of a braced list with its position; nested lists are left out.
fn first_words(list: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut depth = 0_i32;
    let mut expect_word = true;
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => expect_word = true,
            c if expect_word && depth == 0 && !c.is_whitespace() => {
                words.extend(list.get(at..).and_then(word).map(|found| (at, found)));
                expect_word = false;
            }
            _ => {}
        }
    }
    words
}

fn word(text: &str) -> Option<&str> {
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    text.get(..end).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree_of};
    use super::*;

    #[test]
    fn a_use_that_climbs_is_found() {
        // A table of its own: this is about the rule, not about where today's rooms stand.
        let steps = [
            ("store", 0),
            ("sources", 1),
            ("shelf", 2),
            ("audit", 3),
            ("identity", 3),
            ("exports", 4),
        ];
        let tree = tree_of(&[
            ("crates/downtime/src/lib.rs", "use crate::readiness;\n"),
            (
                "crates/downtime/src/audit.rs",
                "use crate::store::Row;\nuse crate::{\n    store,\n    exports::{csv, x}, identity,\n};\n",
            ),
            (
                "crates/downtime/src/sources/table.rs",
                "use crate::sources::Source;\nuse crate::shelf::Shelf;\n// crate::shelf\n",
            ),
            ("crates/desk/src/a.rs", "use crate::shelf;\n"),
        ]);
        let found = places(&uses_following(&tree, &steps));
        assert_eq!(
            found,
            [
                "crates/downtime/src/audit.rs:4",
                "crates/downtime/src/audit.rs:4",
                "crates/downtime/src/sources/table.rs:2"
            ]
        );
    }

    #[test]
    fn a_room_without_a_step_is_found() {
        let tree = tree_of(&[("crates/downtime/src/attic.rs", "//! x\n")]);
        assert_eq!(
            places(&uses_only_go_downward(&tree)),
            ["crates/downtime/src/attic.rs:0"]
        );
    }

    #[test]
    fn tests_may_look_upward() {
        let tree = tree_of(&[(
            "crates/downtime/src/store.rs",
            "#[cfg(test)]\nmod tests {\n use crate::exports::x;\n}\n",
        )]);
        assert!(uses_only_go_downward(&tree).is_empty());
    }

    #[test]
    fn every_room_is_named_once() {
        let mut names: Vec<_> = STEPS.iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }
}
