//! The bytes: files of a folder or what a server sent, handed over resource by resource with the place of each.
//!
//! NDJSON is read line by line and a bad line costs one line. Nothing here knows what a resource means; two passes over the same
//! input see the same resources under the same numbers, or it is told that a file changed meanwhile.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chart::{Finding, Moment, Severity};

use super::bundle;
use super::json;
use super::resource::Entry;

/// Longest line of NDJSON, in bytes: one resource with a scanned letter in it.
pub const MAX_LINE: usize = 32 << 20;
/// Largest JSON file read as a whole.
pub const MAX_JSON: u64 = 512 << 20;
/// Most files of one folder.
pub const MAX_FILES: usize = 200_000;
/// How deep folders are looked into.
const MAX_DEPTH: usize = 4;
/// Largest manifest.
const MAX_MANIFEST: u64 = 8 << 20;

/// Where the bytes of one file are.
#[derive(Debug, Clone)]
pub enum Bytes {
    /// On disk.
    File(PathBuf),
    /// In memory: what a server sent is never written down in the clear.
    Held(Arc<Vec<u8>>),
}

/// One file, or one answer of a server.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Its name for people.
    pub name: String,
    /// What is in it.
    pub bytes: Bytes,
    /// How long it is.
    pub size: u64,
    /// When it was written.
    pub modified: Option<Moment>,
    /// True for NDJSON.
    pub lines: bool,
    /// The time of what has none of its own, such as a list of deletions; or empty.
    pub stamp: String,
}

/// Everything there is to read.
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// The files, in the order of their names.
    pub pieces: Vec<Piece>,
    /// When the server vouched for all of it, by its own manifest.
    pub transaction: Option<Moment>,
    /// Resources by type as the manifest counts them.
    pub counted: Vec<(String, u64)>,
    /// Kinds of resource that were asked for and answered in full, be the answer nothing.
    pub asked: Vec<&'static str>,
    /// What could not be had.
    pub findings: Vec<Finding>,
    /// Types of which some could not be had.
    pub failed: Vec<&'static str>,
    /// The server's address, which absolute references begin with.
    pub base: String,
}

/// Where a resource stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'p> {
    /// File.
    pub file: &'p str,
    /// Line of NDJSON; the number of the entry in a bundle.
    pub line: u64,
    /// The bundle within which references point, where it is a closed one.
    pub scope: Option<u64>,
    /// Its address in the bundle.
    pub full_url: &'p str,
    /// The bundle's own time.
    pub stamp: &'p str,
    /// Unique in the input, the same in every pass.
    pub ordinal: u64,
    /// True where the bundle is a record of changes and this one is of something deleted; `text` is then `Type/id`.
    pub deleted: bool,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Code of the Finding.
    pub code: &'static str,
    /// What to say.
    pub message: String,
    /// Line, 0 for the whole file.
    pub line: u64,
    /// True when more than one resource is lost.
    pub torn: bool,
}

/// Takes what is read.
pub trait Taker {
    /// One resource.
    fn take(&mut self, text: &str, place: &Place<'_>);
    /// One fault.
    fn fault(&mut self, file: &str, fault: Fault);
    /// That many bytes were read.
    fn read(&mut self, bytes: u64);
}

impl Input {
    /// The files of a folder.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn folder(dir: &Path) -> std::io::Result<Self> {
        let mut input = Self::default();
        let mut unused = Vec::new();
        list(dir, dir, 0, &mut input, &mut unused)?;
        input.pieces.sort_by(|a, b| a.name.cmp(&b.name));
        if !unused.is_empty() {
            unused.sort();
            let shown: Vec<&str> = unused.iter().take(5).map(String::as_str).collect();
            let message = format!(
                "読み方の分からないファイルが{}個あります（{}）。使いませんでした。FHIR は NDJSON（.ndjson）か JSON（.json）で置いてください。",
                unused.len(),
                shown.join("、")
            );
            input
                .findings
                .push(Finding::new("fhir.file_unused", Severity::Warning, message));
        }
        Ok(input)
    }

    /// All bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.size).sum()
    }

    /// Hands over every resource of one file. The number of resources seen.
    pub fn each(&self, number: usize, taker: &mut dyn Taker) -> u64 {
        let Some(piece) = self.pieces.get(number) else { return 0 };
        let mut walk = Walk {
            file: &piece.name,
            stamp: &piece.stamp,
            base: (number as u64) << 32,
            seen: 0,
            taker,
        };
        let done = |error: std::io::Error, walk: &mut Walk<'_, '_>| {
            let message = format!("ファイルを読めませんでした（{error}）。読めたところまでを使いました。");
            walk.fault("file.unreadable", 0, message, true);
        };
        match (&piece.bytes, piece.lines) {
            (Bytes::Held(bytes), true) => {
                if let Err(error) = walk.lines(bytes.as_slice()) {
                    done(error, &mut walk);
                }
            }
            (Bytes::Held(bytes), false) => walk.whole(bytes),
            (Bytes::File(path), true) => {
                let read = File::open(path).and_then(|file| walk.lines(BufReader::with_capacity(1 << 20, file)));
                if let Err(error) = read {
                    done(error, &mut walk);
                }
            }
            (Bytes::File(path), false) => match read_up_to(path, MAX_JSON) {
                Ok(Some(bytes)) => walk.whole(&bytes),
                Ok(None) => {
                    let message = format!(
                        "JSON のファイルが大きすぎます（{} MiB まで）。使いませんでした。NDJSON で出力してください。",
                        MAX_JSON >> 20
                    );
                    walk.fault("file.too_large", 0, message, true);
                }
                Err(error) => done(error, &mut walk),
            },
        }
        walk.seen
    }
}

fn list(top: &Path, dir: &Path, depth: usize, input: &mut Input, unused: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        let meta = entry.metadata()?;
        let name = path.strip_prefix(top).unwrap_or(&path).to_string_lossy().into_owned();
        if name.starts_with('.') || name.contains("/.") {
            continue;
        }
        if meta.is_dir() {
            if depth < MAX_DEPTH {
                list(top, &path, depth + 1, input, unused)?;
            } else {
                unused.push(name);
            }
            continue;
        }
        let small = name.to_ascii_lowercase();
        let lines = small.ends_with(".ndjson") || small.ends_with(".jsonl");
        if !lines && !small.ends_with(".json") {
            unused.push(name);
            continue;
        }
        if !lines && meta.len() <= MAX_MANIFEST && manifest(&path, input) {
            continue;
        }
        if input.pieces.len() >= MAX_FILES {
            return Err(std::io::Error::other(format!(
                "ファイルが多すぎます（{MAX_FILES}個まで）"
            )));
        }
        let modified = meta
            .modified()
            .ok()
            .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        input.pieces.push(Piece {
            name,
            bytes: Bytes::File(path),
            size: meta.len(),
            modified: modified.and_then(|at| i64::try_from(at.as_secs()).ok()).map(Moment),
            lines,
            stamp: String::new(),
        });
    }
    Ok(())
}

json::node! {
    /// One file of an export.
    ManifestFile { kind = "type": json::Text<'a>, count = "count": json::Number<'a> }
}
json::node! {
    /// What a Bulk Data export says about itself.
    Manifest {
        transaction_time = "transactionTime": json::Text<'a>,
        resource_type = "resourceType": json::Text<'a>,
        output = "output": Vec<ManifestFile<'a>>,
    }
}

/// Takes a Bulk Data manifest that lies beside its files.
fn manifest(path: &Path, input: &mut Input) -> bool {
    let Ok(bytes) = std::fs::read(path) else { return false };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return false;
    };
    if !text.contains("\"transactionTime\"") {
        return false;
    }
    let Ok((read, _)) = json::read::<Manifest<'_>>(text.trim_start_matches('\u{FEFF}')) else {
        return false;
    };
    let Some(at) = super::when::instant(&read.transaction_time) else {
        return false;
    };
    if !read.resource_type.is_empty() {
        return false;
    }
    // Several exports in one folder: the oldest is the honest one.
    input.transaction = Some(input.transaction.map_or(at, |other| other.min(at)));
    for file in &read.output {
        if let Ok(count) = file.count.parse::<u64>() {
            match input.counted.iter_mut().find(|(kind, _)| *kind == *file.kind) {
                Some((_, all)) => *all += count,
                None => input.counted.push((file.kind.to_string(), count)),
            }
        }
    }
    true
}

fn read_up_to(path: &Path, most: u64) -> std::io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    if file.metadata()?.len() > most {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

struct Walk<'f, 't> {
    file: &'f str,
    stamp: &'f str,
    base: u64,
    seen: u64,
    taker: &'t mut dyn Taker,
}

impl<'f> Walk<'f, '_> {
    fn fault(&mut self, code: &'static str, line: u64, message: String, torn: bool) {
        let fault = Fault {
            code,
            message,
            line,
            torn,
        };
        self.taker.fault(self.file, fault);
    }

    fn lines(&mut self, mut from: impl BufRead) -> std::io::Result<()> {
        let mut line = Vec::new();
        let mut number = 0;
        loop {
            line.clear();
            let (more, too_long) = next_line(&mut from, &mut line)?;
            if !more {
                return Ok(());
            }
            number += 1;
            if too_long {
                let message = format!(
                    "1行が大きすぎます（{} MiB まで）。この行を使いませんでした。",
                    MAX_LINE >> 20
                );
                self.fault("row.too_long", number, message, false);
                continue;
            }
            self.taker.read(line.len() as u64 + 1);
            self.text(&line, number, false);
        }
    }

    fn whole(&mut self, bytes: &[u8]) {
        self.taker.read(bytes.len() as u64);
        // NDJSON under the name of JSON: its first line is whole.
        let first = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
        let rest = bytes.get(first.len()..).unwrap_or_default();
        let has_more = rest.iter().any(|b| !b.is_ascii_whitespace());
        let first_is_whole = || {
            let text = String::from_utf8_lossy(first);
            bundle::type_of(text.trim_start_matches('\u{FEFF}').trim()).is_ok_and(|kind| !kind.is_empty())
                && serde_json::from_str::<serde::de::IgnoredAny>(text.trim_start_matches('\u{FEFF}').trim()).is_ok()
        };
        if has_more && first_is_whole() {
            for (number, line) in (1_u64..).zip(bytes.split(|b| *b == b'\n')) {
                self.text(line, number, false);
            }
        } else {
            self.text(bytes, 0, true);
        }
    }

    /// One JSON value: a line, or a whole file.
    fn text(&mut self, bytes: &[u8], line: u64, whole: bool) {
        let lossy = String::from_utf8_lossy(bytes);
        let text = lossy.trim_start_matches('\u{FEFF}').trim();
        if text.is_empty() {
            if whole {
                let message = "ファイルが空です。出力の失敗かもしれません。".to_owned();
                self.fault("file.empty", 0, message, true);
            }
            return;
        }
        if matches!(lossy, std::borrow::Cow::Owned(_)) {
            let message = "UTF-8 として読めないバイトがあります。読めない文字は〓で出します。".to_owned();
            self.fault("field.undecodable", line, message, false);
        }
        match bundle::type_of(text) {
            Ok(kind) if &*kind == "Bundle" => self.bundle(text, line),
            // Broken further in, or whole: reading it by its type will tell.
            Ok(_) => self.resource(text, line, None, "", ""),
            Err(error) => {
                let what = if whole { "ファイル" } else { "行" };
                let message = format!(
                    "JSON として読めません（{}）。この{what}を使いませんでした。",
                    short(&error.to_string())
                );
                self.fault("fhir.json", line, message, whole);
            }
        }
    }

    fn resource(&mut self, text: &str, line: u64, scope: Option<u64>, full_url: &str, stamp: &str) {
        let place = Place {
            file: self.file,
            line,
            scope,
            full_url,
            stamp,
            ordinal: self.base | self.seen,
            deleted: false,
        };
        self.seen += 1;
        self.taker.take(text, &place);
    }

    fn bundle(&mut self, text: &str, line: u64) {
        let parts = bundle::read(text);
        // References of a closed bundle point into it; ids of a server's answers are the server's.
        let closed = matches!(&*parts.head.kind, "collection" | "document" | "message");
        let scope = closed.then_some(self.base | self.seen | 1 << 63);
        let stamps = [&*parts.head.timestamp, &*parts.head.meta.last_updated, self.stamp];
        let stamp = stamps.into_iter().find(|text| !text.is_empty()).unwrap_or("");
        for (number, raw) in (1_u64..).zip(&parts.entries) {
            let line = if line > 0 { line } else { number };
            let entry = match json::read::<Entry<'_>>(raw) {
                Ok((entry, _)) => entry,
                Err(error) => {
                    let message = format!(
                        "Bundle の{number}番目を読めません（{}）。使いませんでした。",
                        short(&error.to_string())
                    );
                    self.fault("fhir.json", line, message, false);
                    continue;
                }
            };
            if let Some(resource) = entry.resource {
                self.resource(resource.0, line, scope, &entry.full_url, stamp);
            } else if let Some(request) = entry.request.as_ref().filter(|request| &*request.method == "DELETE") {
                let at = entry.response.as_ref().map_or("", |response| &*response.last_modified);
                let place = Place {
                    file: self.file,
                    line,
                    scope: None,
                    full_url: &entry.full_url,
                    stamp: if at.is_empty() { stamp } else { at },
                    ordinal: self.base | self.seen,
                    deleted: true,
                };
                self.seen += 1;
                self.taker.take(&request.url, &place);
            }
        }
        if let Some(why) = &parts.torn {
            let message = format!(
                "Bundle を最後まで読めません（{}）。読めた{}件だけを使いました。出力をやり直してください。",
                short(why),
                parts.entries.len()
            );
            self.fault("file.half_written", line, message, true);
        }
    }
}

/// Reads up to a line end; what is longer than [`MAX_LINE`] is skipped to its end.
fn next_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<(bool, bool)> {
    let (mut any, mut too_long) = (false, false);
    loop {
        let buffer = from.fill_buf()?;
        if buffer.is_empty() {
            return Ok((any, too_long));
        }
        any = true;
        let end = memchr::memchr(b'\n', buffer);
        let piece = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
        if line.len() + piece.len() > MAX_LINE {
            too_long = true;
            line.clear();
        } else if !too_long {
            line.extend_from_slice(piece);
        }
        let used = piece.len() + usize::from(end.is_some());
        from.consume(used);
        if end.is_some() {
            return Ok((true, too_long));
        }
    }
}

/// An error of the parser without what it quotes: no patient's data in a message.
fn short(error: &str) -> String {
    let at = error
        .find(" at line ")
        .map(|at| error.get(at..).unwrap_or(""))
        .unwrap_or("");
    let what = if error.contains("EOF") {
        "途中で終わっています"
    } else if error.contains("recursion") {
        "入れ子が深すぎます"
    } else {
        "書式が違います"
    };
    format!("{what}{}", at.replace(" at line ", " 行").replace(" column ", " 字"))
}
