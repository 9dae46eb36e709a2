//! Links that lead somewhere: relative links in Markdown, and documents that source code names.
//!
//! It deliberately follows no link out of the repository: the check must give the same answer without a network.

use super::Breach;
use super::tree::Tree;

/// Every relative link in a Markdown file leads to a file or folder of the tree, and its `#part` to a heading.
pub fn relative_links_resolve(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with(".md")) {
        let Some(text) = file.text.as_deref() else { continue };
        for (number, target) in links(text) {
            if let Some(what) = broken(tree, &file.path, text, target) {
                found.push(Breach::new(&file.path, number, what));
            }
        }
    }
    found
}

/// A document named in code or prose (`docs/formats/….md`) exists.
pub fn documents_named_in_source_exist(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for file in tree
        .files
        .iter()
        .filter(|file| file.path.ends_with(".rs") || file.path.ends_with(".toml"))
    {
        // Tests may name documents that do not exist.
        let tests = file
            .rust
            .as_ref()
            .map(|rust| rust.in_test.as_slice())
            .unwrap_or_default();
        for (at, line) in file.text.as_deref().unwrap_or("").lines().enumerate() {
            if tests.get(at).copied().unwrap_or(false) {
                continue;
            }
            for named in documents_named(line) {
                if tree.file(named).is_none() {
                    found.push(Breach::new(
                        &file.path,
                        at + 1,
                        format!("names `{named}`, which does not exist"),
                    ));
                }
            }
        }
    }
    found
}

/// The link targets of a Markdown text with their line, those in code left out.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_code_block = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code_block = !in_code_block;
        }
        if in_code_block {
            continue;
        }
        // Between backquotes lies code: every second piece.
        for piece in line.split('`').step_by(2) {
            let targets = piece.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            found.extend(targets.map(|target| (at + 1, target.split(' ').next().unwrap_or(target))));
            let named = piece.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
            found.extend(named.map(|(_, target)| (at + 1, target.trim())));
        }
    }
    found
}

fn broken(tree: &Tree, from: &str, text: &str, target: &str) -> Option<String> {
    let leads_outside = target.contains("://") || target.starts_with("mailto:") || target.is_empty();
    if leads_outside {
        return None;
    }
    let (path, part) = target.split_once('#').unwrap_or((target, ""));
    let Some(place) = resolve(from, path) else {
        return Some(format!("the link `{target}` leads out of the repository"));
    };
    let there = if path.is_empty() {
        Some(text)
    } else if tree.has_folder(&place) || place.is_empty() {
        return None;
    } else {
        match tree.file(&place) {
            None => return Some(format!("the link `{target}` leads nowhere ({place} does not exist)")),
            Some(file) => file.text.as_deref().filter(|_| place.ends_with(".md")),
        }
    };
    let missing = !part.is_empty() && there.is_some_and(|text| !headings(text).any(|heading| heading == part));
    missing.then(|| format!("the link `{target}` leads to a heading that does not exist"))
}

/// The path a relative link means, seen from the file it stands in.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = if target.starts_with('/') {
        Vec::new()
    } else {
        from.split('/').collect()
    };
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The anchors GitHub and most viewers make of headings.
fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title
            .chars()
            .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

fn documents_named(line: &str) -> Vec<&str> {
    let part_of_path = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    line.match_indices("docs/")
        .filter(|(at, _)| !line.get(..*at).is_some_and(|before| before.ends_with(part_of_path)))
        .filter_map(|(at, _)| {
            let rest = line.get(at..)?;
            let named = rest.split(|c: char| !part_of_path(c)).next()?;
            let end = named.find(".md")?;
            named.get(..end + 3)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree_of};
    use super::*;

    #[test]
    fn broken_links_are_found() {
        let tree = tree_of(&[
            (
                "README.md",
                "[ok](docs/a.md) [no](docs/b.md)\n[out](https://x.org/y) `[code](z.md)`\n```\n[x](y.md)\n```\n[up](../x)\n",
            ),
            (
                "docs/a.md",
                "# 第 1 章 Bytes\n[back](../README.md) [part](#第-1-章-bytes) [lost](#none)\n[folder](formats/) [named]\n\n[named]: c.md\n",
            ),
            (
                "docs/formats/s.md",
                "[a](../a.md#第-1-章-bytes) [b](../a.md#x) [root](/README.md)\n",
            ),
        ]);
        let found = places(&relative_links_resolve(&tree));
        assert_eq!(
            found,
            [
                "README.md:1",
                "README.md:6",
                "docs/a.md:2",
                "docs/a.md:5",
                "docs/formats/s.md:1"
            ]
        );
    }

    #[test]
    fn documents_named_in_code_exist() {
        let tree = tree_of(&[
            (
                "src/a.rs",
                "//! See docs/formats/snapshot.md §3 and docs/none.md.\n// https://x.org/docs/none.md\n",
            ),
            ("docs/formats/snapshot.md", "x\n"),
        ]);
        assert_eq!(places(&documents_named_in_source_exist(&tree)), ["src/a.rs:1"]);
    }
}
