//! Just enough reading of Rust: the code with comments and string contents blanked out, and which lines are tests.
//!
//! It deliberately is no parser. Every character keeps its line, so a rule can search the blanked text and report a
//! line number; what macros would expand to is not seen.

/// A Rust file as the rules see it.
pub struct RustText {
    /// The lines, comments and the insides of strings replaced by spaces.
    pub code: Vec<String>,
    /// Whether the line of the same number belongs to an item under `#[cfg(test)]`.
    pub in_test: Vec<bool>,
}

impl RustText {
    /// Reads the text of a file.
    pub fn read(text: &str) -> Self {
        let blanked = blank(text);
        let in_test = test_lines(&blanked);
        Self {
            code: blanked.lines().map(str::to_owned).collect(),
            in_test,
        }
    }

    /// The lines outside tests with their numbers, counted from 1.
    pub fn lines_outside_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = self.in_test.iter().copied().chain(std::iter::repeat(false));
        self.code
            .iter()
            .zip(tests)
            .enumerate()
            .filter(|(_, (_, test))| !test)
            .map(|(at, (line, _))| (at + 1, &**line))
    }

    /// The files that may hold the modules this file (at `path`) declares under `#[cfg(test)]`.
    pub fn test_module_files(&self, path: &str) -> Vec<String> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = match name {
            "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
            name => format!("{folder}/{}", name.trim_end_matches(".rs")),
        };
        let declared = self
            .code
            .iter()
            .zip(&self.in_test)
            .filter(|(_, test)| **test)
            .filter_map(|(line, _)| {
                let name = line.trim().strip_suffix(';')?.split("mod ").nth(1)?;
                Some([format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")])
            });
        declared.flatten().collect()
    }

    /// The whole code with the lines of tests left empty.
    pub fn text_outside_tests(&self) -> String {
        let mut text = String::new();
        let tests = self.in_test.iter().copied().chain(std::iter::repeat(false));
        for (line, test) in self.code.iter().zip(tests) {
            text.push_str(if test { "" } else { line });
            text.push('\n');
        }
        text
    }
}

/// Replaces comments and string contents by spaces, keeping line ends.
fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let skipped = comment(&chars, at)
            .or_else(|| string(&chars, at))
            .or_else(|| character(&chars, at));
        let Some(end) = skipped else {
            out.push(c);
            at += 1;
            continue;
        };
        for &inside in chars.get(at..end).unwrap_or_default() {
            out.push(if inside == '\n' { '\n' } else { ' ' });
        }
        at = end.max(at + 1);
    }
    out
}

/// The end of a comment that begins here.
fn comment(chars: &[char], at: usize) -> Option<usize> {
    let rest = chars.get(at..)?;
    if rest.starts_with(&['/', '/']) {
        let length = rest.iter().position(|&c| c == '\n').unwrap_or(rest.len());
        return Some(at + length);
    }
    if !rest.starts_with(&['/', '*']) {
        return None;
    }
    let mut depth = 0_usize;
    let mut i = 0;
    while i < rest.len() {
        let here = rest.get(i..)?;
        if here.starts_with(&['/', '*']) {
            depth += 1;
            i += 2;
        } else if here.starts_with(&['*', '/']) {
            depth -= 1;
            i += 2;
            if depth == 0 {
                return Some(at + i);
            }
        } else {
            i += 1;
        }
    }
    Some(chars.len())
}

/// The end of a string that begins here, raw and byte strings included.
fn string(chars: &[char], at: usize) -> Option<usize> {
    let previous_is_word = at > 0 && chars.get(at - 1).is_some_and(|c| c.is_alphanumeric() || *c == '_');
    let mut i = at;
    if !previous_is_word && matches!(chars.get(i), Some('b' | 'c')) {
        i += 1;
    }
    if !previous_is_word && chars.get(i) == Some(&'r') {
        let hashes = chars.get(i + 1..)?.iter().take_while(|&&c| c == '#').count();
        if chars.get(i + 1 + hashes) == Some(&'"') {
            return Some(raw_string_end(chars, i + 2 + hashes, hashes));
        }
    }
    if chars.get(i) != Some(&'"') {
        return None;
    }
    i += 1;
    while let Some(c) = chars.get(i) {
        match c {
            '\\' => i += 2,
            '"' => return Some(i + 1),
            _ => i += 1,
        }
    }
    Some(chars.len())
}

fn raw_string_end(chars: &[char], mut at: usize, hashes: usize) -> usize {
    while at < chars.len() {
        let closing = chars
            .get(at + 1..)
            .unwrap_or_default()
            .iter()
            .take(hashes)
            .filter(|&&c| c == '#')
            .count();
        if chars.get(at) == Some(&'"') && closing == hashes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    chars.len()
}

/// The end of a character literal that begins here; a lifetime is none.
fn character(chars: &[char], at: usize) -> Option<usize> {
    if chars.get(at) != Some(&'\'') {
        return None;
    }
    if chars.get(at + 1) == Some(&'\\') {
        let length = chars.get(at + 3..)?.iter().position(|&c| c == '\'')?;
        return Some(at + 4 + length);
    }
    (chars.get(at + 2) == Some(&'\'')).then_some(at + 3)
}

/// Marks the lines of every item under `#[cfg(test)]`: from the attribute to the item's closing brace or semicolon.
fn test_lines(blanked: &str) -> Vec<bool> {
    let mut marks = vec![false; blanked.lines().count()];
    let mut depth = 0_usize;
    let mut begun: Option<(usize, usize)> = None; // (line, depth outside)
    let mut opened = false;
    for (number, line) in blanked.lines().enumerate() {
        if begun.is_none() && line.replace(' ', "").contains("#[cfg(test)]") {
            begun = Some((number, depth));
            opened = false;
        }
        for c in line.chars() {
            match c {
                '{' => {
                    depth += 1;
                    opened = true;
                }
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            let ends = (c == '}' && opened) || c == ';';
            if let Some((from, outside)) = begun
                && ends
                && depth == outside
            {
                marks
                    .iter_mut()
                    .take(number + 1)
                    .skip(from)
                    .for_each(|mark| *mark = true);
                begun = None;
            }
        }
    }
    if let Some((from, _)) = begun {
        marks.iter_mut().skip(from).for_each(|mark| *mark = true);
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blanked_and_lines_keep_their_numbers() {
        let text = "let a = \"// not a comment\"; // but this is\nlet b = r#\"x \" y\"#; /* a /* b */ c */ let c = '\"';\nlet d: &'static str = b\"\\\"z\"; f('\\'')\n";
        let read = RustText::read(text);
        assert_eq!(read.code.len(), 3);
        assert!(!read.code.concat().contains("not") && !read.code.concat().contains("but"));
        assert!(read.code[1].contains("let b") && read.code[1].contains("let c") && !read.code[1].contains('y'));
        assert!(read.code[2].contains("&'static str") && read.code[2].contains("f("));
        assert!(!read.code[2].contains('z'));
    }

    #[test]
    fn test_items_are_marked_to_their_closing_brace() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nuse x::{y, z};\nfn d() {}\n";
        let read = RustText::read(text);
        assert_eq!(read.in_test, [false, true, true, true, true, false, true, true, false]);
        let outside: Vec<_> = read.lines_outside_tests().map(|(number, _)| number).collect();
        assert_eq!(outside, [1, 6, 9]);
    }

    #[test]
    fn unfinished_text_does_not_stop_the_reading() {
        for text in [
            "\"",
            "r##\"",
            "/*",
            "'\\",
            "b",
            "#[cfg(test)]\nmod t {",
            "'",
            "r",
            "\"\\",
        ] {
            let _ = RustText::read(text);
        }
    }
}
