//! Code outside tests does not stop on input, and tests really run.
//!
//! It deliberately repeats what clippy warns about `unwrap` and `expect`, because an `#[allow]` silences clippy and
//! this rule then still wants the invariant in words.

use super::Breach;
use super::tree::Tree;

/// `unwrap()` and `expect(` outside tests need a `// invariant:` comment just above.
pub fn unwrap_and_expect_only_with_an_invariant(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for (file, rust) in tree.rust().filter(|(file, _)| !is_test_file(&file.path)) {
        let lines: Vec<&str> = file.text.as_deref().unwrap_or("").lines().collect();
        for (number, line) in rust.lines_outside_tests() {
            let stops = may_stop(line);
            if stops && !invariant_above(&lines, number) {
                let what = "handle the failure, or write `// invariant: why this cannot fail` on the line above";
                found.push(Breach::new(&file.path, number, what));
            }
        }
    }
    found
}

/// No `#[ignore]` and no sleeping in tests.
pub fn no_ignored_or_sleeping_tests(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for (file, rust) in tree.rust() {
        for (at, line) in rust.code.iter().enumerate() {
            if line.contains("#[ignore") {
                found.push(Breach::new(
                    &file.path,
                    at + 1,
                    "an ignored test tells nothing: mend it or delete it",
                ));
            }
            let in_test = is_test_file(&file.path) || rust.in_test.get(at).copied().unwrap_or(false);
            if in_test && line.contains("sleep(") {
                found.push(Breach::new(
                    &file.path,
                    at + 1,
                    "tests do not sleep: wait for the thing itself, with a deadline",
                ));
            }
        }
    }
    for file in tree
        .files
        .iter()
        .filter(|file| file.path.ends_with(".mjs") && is_test_file(&file.path))
    {
        for (at, line) in file.text.as_deref().unwrap_or("").lines().enumerate() {
            if line.contains("waitForTimeout(") || line.contains(".skip(") || line.contains("skip: true") {
                let what = "browser tests neither sleep nor skip: wait for the thing itself, or delete the test";
                found.push(Breach::new(&file.path, at + 1, what));
            }
        }
    }
    found
}

/// Whether a line of code calls what stops the program. `args.expect("width")?` hands its failure on and is no such call.
fn may_stop(line: &str) -> bool {
    let stops = |call: &str| line.contains(call);
    let handed_on = |at: usize| {
        let rest = line.get(at..).unwrap_or("");
        rest.split_once(')').is_some_and(|(_, after)| after.starts_with('?'))
    };
    [".unwrap()", ".unwrap_err()", ".expect_err("].into_iter().any(stops)
        || line.match_indices(".expect(").any(|(at, _)| !handed_on(at))
}

fn is_test_file(path: &str) -> bool {
    let mut parts: Vec<&str> = path.split('/').collect();
    let name = parts.pop().unwrap_or("");
    parts.iter().any(|part| ["tests", "benches", "examples"].contains(part)) || name == "tests.rs"
}

/// Looks at the comments and attributes directly above the statement the line belongs to.
fn invariant_above(lines: &[&str], number: usize) -> bool {
    let above: Vec<&str> = lines
        .iter()
        .take(number.saturating_sub(1))
        .rev()
        .map(|line| line.trim())
        .collect();
    let is_note = |line: &str| line.starts_with("//") || line.starts_with("#[");
    // Up through the lines of the same statement, to the notes above its first line.
    let begins_after = |line: &str| line.is_empty() || line.ends_with([';', '{', '}']) || is_note(line);
    let statement = above.iter().take_while(|line| !begins_after(line)).count();
    above
        .iter()
        .skip(statement)
        .take_while(|line| is_note(line))
        .any(|line| {
            line.trim_start_matches('/')
                .trim_start()
                .to_ascii_lowercase()
                .starts_with("invariant:")
        })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree_of};
    use super::*;

    #[test]
    fn unwrap_needs_its_invariant() {
        let tree = tree_of(&[
            (
                "crates/a/src/lib.rs",
                "fn a() { x.unwrap(); }\n// invariant: the list above is never empty\n#[allow(clippy::expect_used)]\n\
                 let y = z.expect(\"one\");\nlet w = args.expect(\"w\")?;\nfn b() { x.unwrap_or(1); } // .unwrap()\n\
                 #[cfg(test)]\nmod tests { fn t() { x.unwrap(); } }\n",
            ),
            ("crates/a/tests/it/main.rs", "fn t() { x.unwrap(); }\n"),
        ]);
        assert_eq!(
            places(&unwrap_and_expect_only_with_an_invariant(&tree)),
            ["crates/a/src/lib.rs:1"]
        );
    }

    #[test]
    fn an_invariant_further_up_does_not_count() {
        let tree = tree_of(&[(
            "src/a.rs",
            "// invariant: x\nlet a = 1;\nb.unwrap();\n// invariant: y\nc\n    .d()\n    .unwrap();\n",
        )]);
        assert_eq!(places(&unwrap_and_expect_only_with_an_invariant(&tree)), ["src/a.rs:3"]);
    }

    #[test]
    fn ignored_and_sleeping_tests_are_found() {
        let tree = tree_of(&[
            (
                "src/a.rs",
                "fn work() { thread::sleep(d); }\n#[cfg(test)]\nmod tests {\n #[ignore]\n fn a() { sleep(d); }\n}\n",
            ),
            ("tests/browser/a.mjs", "await page.waitForTimeout(100);\n"),
            ("tests/it/main.rs", "fn b() { std::thread::sleep(d); }\n"),
        ]);
        assert_eq!(
            places(&no_ignored_or_sleeping_tests(&tree)),
            [
                "src/a.rs:4",
                "src/a.rs:5",
                "tests/it/main.rs:1",
                "tests/browser/a.mjs:1"
            ]
        );
    }
}
