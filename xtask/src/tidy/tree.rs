//! The repository's files, read once for all rules.
//!
//! It deliberately reads what lies in the folders, not what Git knows: a rule must also see the file that was written
//! a minute ago. Build output and fetched packages are left out.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::rust::RustText;

/// Folders that hold nothing of ours.
const LEFT_OUT: [&str; 4] = [".git", "target", "node_modules", ".venv"];

/// Files longer than this are listed but not read as text (bytes).
const READ_AT_MOST: u64 = 2 * 1024 * 1024;

/// A tree with more files than this is not this repository (a guard against a run away walk).
const FILES_AT_MOST: usize = 50_000;

/// Everything the rules look at.
pub struct Tree {
    /// Sorted by path.
    pub files: Vec<File>,
}

/// One file.
pub struct File {
    /// Relative to the top folder, with `/` between folders.
    pub path: String,
    /// Bytes on disk.
    pub length: u64,
    /// The content when it is UTF-8 and not too long.
    pub text: Option<String>,
    /// For `.rs` files: the code without comments and strings, and which lines are tests.
    pub rust: Option<RustText>,
    /// The content as it is, for font files only.
    pub bytes: Vec<u8>,
}

impl Tree {
    /// Walks the folder.
    pub fn read(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        walk(root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut tree = Self { files };
        tree.mark_files_of_tests();
        Ok(tree)
    }

    /// A file that is a module under `#[cfg(test)]` is a test from its first line to its last.
    fn mark_files_of_tests(&mut self) {
        let tests: Vec<String> = self
            .rust()
            .flat_map(|(file, rust)| rust.test_module_files(&file.path))
            .collect();
        for file in self.files.iter_mut().filter(|file| tests.contains(&file.path)) {
            if let Some(rust) = &mut file.rust {
                rust.in_test.fill(true);
            }
        }
    }

    /// The file at exactly this path.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files
            .binary_search_by(|file| file.path.as_str().cmp(path))
            .ok()
            .and_then(|at| self.files.get(at))
    }

    /// The text of the file at exactly this path.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.file(path).and_then(|file| file.text.as_deref())
    }

    /// Whether any file lies in this folder (at any depth).
    pub fn has_folder(&self, folder: &str) -> bool {
        self.below(folder).next().is_some()
    }

    /// The files in this folder, at any depth, with their path relative to it.
    pub fn below<'t, 'f>(&'t self, folder: &'f str) -> impl Iterator<Item = (&'t str, &'t File)> + use<'t, 'f> {
        self.files.iter().filter_map(move |file| {
            file.path
                .strip_prefix(folder)?
                .strip_prefix('/')
                .map(|rest| (rest, file))
        })
    }

    /// The names of what lies directly in this folder: files with their ending, folders without; sorted, each once.
    pub fn names_in<'t>(&'t self, folder: &str) -> Vec<&'t str> {
        let mut names: Vec<&'t str> = self
            .below(folder)
            .filter_map(|(rest, _)| rest.split('/').next())
            .filter(|name| !name.is_empty())
            .collect();
        names.dedup();
        names
    }

    /// Every Rust file with its reading.
    pub fn rust(&self) -> impl Iterator<Item = (&File, &RustText)> {
        self.files
            .iter()
            .filter_map(|file| file.rust.as_ref().map(|rust| (file, rust)))
    }
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<File>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("{} cannot be listed", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("{} cannot be listed", folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}/{name}")
        };
        // Gone between listing and looking: somebody else's temporary file.
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            if !LEFT_OUT.contains(&name.as_str()) {
                walk(&entry.path(), &path, files)?;
            }
        } else if kind.is_file()
            && let Some(file) = read(&entry.path(), path)
        {
            files.push(file);
        }
        if files.len() > FILES_AT_MOST {
            bail!(
                "more than {FILES_AT_MOST} files below {}: is this the repository?",
                folder.display()
            );
        }
    }
    Ok(())
}

fn read(on_disk: &Path, path: String) -> Option<File> {
    let length = std::fs::metadata(on_disk).ok()?.len();
    let is_font = super::fonts::is_font(&path);
    let bytes = if length <= READ_AT_MOST || is_font {
        std::fs::read(on_disk).ok()?
    } else {
        Vec::new()
    };
    let (text, bytes) = if is_font {
        (None, bytes)
    } else {
        (String::from_utf8(bytes).ok(), Vec::new())
    };
    let text = if length <= READ_AT_MOST { text } else { None };
    let rust = text.as_deref().filter(|_| path.ends_with(".rs")).map(RustText::read);
    Some(File {
        path,
        length,
        text,
        rust,
        bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::tree_of;

    #[test]
    fn folders_are_listed_and_build_output_is_left_out() {
        let tree = tree_of(&[
            ("b/two.txt", "2"),
            ("a.txt", "1"),
            ("b/c/three.txt", "3"),
            ("target/out.txt", "x"),
            ("t/node_modules/p.js", "x"),
        ]);
        let paths: Vec<_> = tree.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["a.txt", "b/c/three.txt", "b/two.txt"]);
        assert_eq!(tree.names_in("b"), ["c", "two.txt"]);
        assert!(tree.has_folder("b/c") && !tree.has_folder("b/cc") && !tree.has_folder("target"));
        assert_eq!(tree.text("b/two.txt"), Some("2"));
    }

    #[test]
    fn a_module_under_cfg_test_is_a_test_as_a_whole() {
        let tree = tree_of(&[
            ("src/lib.rs", "mod room;\n#[cfg(test)]\nmod ink;\n"),
            ("src/ink.rs", "fn a() {}\n"),
            ("src/room.rs", "#[cfg(test)]\nmod cases;\nfn b() {}\n"),
            ("src/room/cases.rs", "fn c() {}\n"),
        ]);
        let outside: Vec<_> = tree
            .rust()
            .map(|(file, rust)| (&*file.path, rust.lines_outside_tests().count()))
            .collect();
        assert_eq!(
            outside,
            [
                ("src/ink.rs", 0),
                ("src/lib.rs", 1),
                ("src/room.rs", 1),
                ("src/room/cases.rs", 0)
            ]
        );
    }
}
