//! One patient's folders: which files are current and needed, and their messages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chart::patient::Fact;
use chart::{DataKind, Moment, Note, PatientId, Severity};
use hl7::Message;
use jiff::civil::Date;

use super::name::{Flag, Name};
use super::survey::Folder;
use super::{Settings, documents, kinds, walk};
use crate::sources::Scope;
use crate::sources::hl7v2::{Said, Taking, Told, damaged, patient_number};

/// Largest file read.
pub const MAX_FILE_BYTES: u64 = 16 << 20;
/// Most files of one patient.
const MAX_FILES: usize = 50_000;
/// Most remarks about one patient's files.
const MAX_REMARKS: usize = 40;

/// Which days of a patient are read.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Prescriptions, orders, diets from this 診療日 on.
    pub medicines: Date,
    /// Results and documents from this 診療日 on.
    pub results: Date,
}

impl Window {
    /// By the settings.
    #[must_use]
    pub fn of(settings: &Settings, scope: &Scope) -> Self {
        Self {
            medicines: super::days_before(scope.day, settings.medicine_days),
            results: super::days_before(scope.day, settings.result_days),
        }
    }

    /// True for a folder that is needed.
    fn takes(&self, kind: &str, on: Option<Date>) -> bool {
        let Some(on) = on else { return true };
        match kinds::of(kind) {
            [] => false,
            _ if kinds::is_movement(kind) => true,
            [DataKind::Result, ..] => on >= self.results,
            _ => on >= self.medicines,
        }
    }
}

/// Something about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The Finding's code.
    pub code: &'static str,
    /// How much care it needs.
    pub severity: Severity,
    /// The file.
    pub file: Arc<str>,
    /// What happened and what was done.
    pub message: String,
}

/// Files of one データ種別.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counted {
    /// Current files.
    pub files: u64,
    /// Of them, used.
    pub used: u64,
    /// Bytes read.
    pub bytes: u64,
    /// 発生日時 of the newest.
    pub newest: Moment,
}

/// What was read of one patient.
#[derive(Debug, Default)]
pub struct Reading {
    /// The messages.
    pub told: Told,
    /// 発生日時 of the newest file, whatever its flag, by kind of data.
    pub newest: BTreeMap<DataKind, Moment>,
    /// By データ種別.
    pub counted: BTreeMap<String, Counted>,
    /// Kinds of which something could not be read.
    pub lost: BTreeSet<DataKind>,
    /// About files.
    pub remarks: Vec<Remark>,
    /// Files that do not end with a carriage return.
    pub unterminated: Vec<(String, Arc<str>)>,
    /// Documents with text.
    pub notes: Vec<Note>,
    /// Documents, listed.
    pub facts: Vec<Fact>,
}

/// A file to be read.
struct Current {
    name: Name,
    file: Arc<str>,
    path: PathBuf,
}

impl Reading {
    /// Something about a file that readers of the chart must know.
    pub fn tell(&mut self, code: &'static str, severity: Severity, file: &str, message: impl Into<String>) {
        if self.remarks.len() < MAX_REMARKS {
            self.remarks.push(Remark {
                code,
                severity,
                file: Arc::from(file),
                message: message.into(),
            });
        }
    }

    /// Something of a kind could not be read.
    fn lose(&mut self, kind: &str) {
        self.lost.extend(kinds::of(kind));
    }

    fn saw(&mut self, kinds: &[DataKind], at: Option<Moment>) {
        for kind in kinds {
            if let Some(at) = at {
                let known = self.newest.entry(*kind).or_insert(at);
                *known = at.max(*known);
            }
        }
    }
}

/// Reads everything needed of a patient.
#[must_use]
pub fn read(folder: &Folder, window: &Window) -> Reading {
    let mut reading = Reading::default();
    let mut current = Vec::new();
    for path in &folder.paths {
        find(
            path,
            &folder.id,
            &|kind, on| window.takes(kind, on),
            &mut reading,
            &mut current,
        );
    }
    take_all(current, &folder.id, &mut reading);
    for path in &folder.extended {
        documents::read(path, &folder.id, window.results, &mut reading);
    }
    reading
}

/// Reads movements only, to know who lies in a bed.
#[must_use]
pub fn read_movements(folder: &Folder) -> Reading {
    let mut reading = Reading::default();
    let mut current = Vec::new();
    for path in &folder.paths {
        let movements = |kind: &str, _: Option<Date>| kinds::is_movement(kind) || kind == "ADT-00";
        find(path, &folder.id, &movements, &mut reading, &mut current);
    }
    take_all(current, &folder.id, &mut reading);
    reading
}

/// Lists 診療日 and データ種別 of one root's folder of a patient.
fn find(
    path: &Path,
    id: &PatientId,
    wanted: &dyn Fn(&str, Option<Date>) -> bool,
    reading: &mut Reading,
    current: &mut Vec<Current>,
) {
    let Ok(days) = walk::list(path) else {
        lost_folder(path, kinds::STANDARD.as_ref(), reading);
        return;
    };
    if days.others > 0 || days.more {
        let message = "リンクや特別なファイル、または多すぎる項目がありました。たどりませんでした。";
        reading.tell("file.skipped", Severity::Warning, &shown(path), message);
    }
    for day in days.folders {
        let Some(on) = day_of(&day.name) else {
            let message = "診療日の名前でないフォルダです。読みませんでした。";
            reading.tell("folder.unknown", Severity::Note, &shown(&day.path), message);
            continue;
        };
        let Ok(found) = walk::list(&day.path) else {
            lost_folder(&day.path, kinds::STANDARD.as_ref(), reading);
            continue;
        };
        for kind in found.folders {
            let Some(word) = kind.name.to_str() else { continue };
            if !wanted(word, on) {
                continue;
            }
            let Ok(files) = walk::list(&kind.path) else {
                lost_folder(&kind.path, kinds::of(word), reading);
                continue;
            };
            if files.others > 0 {
                let message = "リンクや特別なファイルがありました。たどりませんでした。";
                reading.tell("file.skipped", Severity::Warning, &shown(&kind.path), message);
                reading.lose(word);
            }
            for file in files.files {
                take_name(&file, word, id, reading, current);
            }
        }
    }
}

fn take_name(file: &walk::Entry, kind: &str, id: &PatientId, reading: &mut Reading, current: &mut Vec<Current>) {
    let shown: Arc<str> = Arc::from(file.name.to_string_lossy().as_ref());
    let Some(name) = Name::read(&file.name) else {
        // Thumbnails and the like are nobody's record; what looks like a name and is none may be.
        if shown.matches('_').count() >= 3 {
            let message = "SS-MIX2 のファイル名として読めません。使いませんでした。";
            reading.tell("name.unreadable", Severity::Warning, &shown, message);
            reading.lose(kind);
        }
        return;
    };
    reading.saw(kinds::of(kind), name.moment());
    if name.flag != Flag::Current {
        return;
    }
    if !same_number(&name.patient, id) {
        let message = format!(
            "ファイル名の患者番号（{}）が置かれたフォルダの患者番号と違います。ほかの患者の記録かもしれません。使いませんでした。",
            name.patient
        );
        reading.tell("id.folder", Severity::Severe, &shown, message);
        reading.lose(kind);
        return;
    }
    if current.len() >= MAX_FILES {
        let message = format!("1人の患者に{MAX_FILES}を超えるファイルがあります。残りは読みませんでした。");
        reading.tell("rows.many", Severity::Severe, &shown, message);
        reading.lose(kind);
        return;
    }
    current.push(Current {
        name: Name {
            // The folder counts: it is what the hospital's products go by.
            kind: kind.to_owned(),
            ..name
        },
        file: shown,
        path: file.path.clone(),
    });
}

/// Reads current files; of two with one key the later.
fn take_all(mut current: Vec<Current>, id: &PatientId, reading: &mut Reading) {
    current.sort_by(|a, b| {
        let key = |one: &Current| (one.name.kind.clone(), one.name.on, one.name.number.clone());
        key(a)
            .cmp(&key(b))
            .then_with(|| (&a.name.occurred, &a.file).cmp(&(&b.name.occurred, &b.file)))
    });
    let mut files = current.into_iter().peekable();
    while let Some(one) = files.next() {
        let counted = reading.counted.entry(one.name.kind.clone()).or_default();
        counted.files += 1;
        counted.newest = one.name.moment().unwrap_or_default().max(counted.newest);
        let twin = files.peek().is_some_and(|next| {
            (&next.name.kind, next.name.on, &next.name.number) == (&one.name.kind, one.name.on, &one.name.number)
        });
        if twin && !kinds::has_no_key(&one.name.kind) {
            let message = "同じ記録のファイルが2つとも有効になっています（書き換えの途中かもしれません）。発生日時の新しいほうを使いました。";
            reading.tell("ssmix2.two_current", Severity::Note, &one.file, message);
            continue;
        }
        take_file(&one, id, reading);
    }
}

fn take_file(one: &Current, id: &PatientId, reading: &mut Reading) {
    let kind = one.name.kind.as_str();
    let bytes = match read_bytes(&one.path) {
        Ok(bytes) => bytes,
        Err(why) => {
            let message = format!("ファイルを読めません（{why}）。使いませんでした。");
            reading.tell("file.unreadable", Severity::Warning, &one.file, message);
            reading.lose(kind);
            return;
        }
    };
    if bytes.is_empty() {
        let message = "0バイトのファイルです。使いませんでした。";
        reading.tell("file.empty", Severity::Warning, &one.file, message);
        reading.lose(kind);
        return;
    }
    let decoded = hl7::decode(&bytes);
    let message = match Message::parse(&decoded.text) {
        Ok(message) => message,
        Err(fault) => {
            let message = format!("電文として読めません（{fault}）。使いませんでした。");
            reading.tell("message.unreadable", Severity::Warning, &one.file, message);
            reading.lose(kind);
            return;
        }
    };
    match patient_number(&message) {
        Some(number) if same_number(&number, id) => {}
        Some(number) => {
            let message = format!(
                "電文の患者番号（PID-3: {number}）が置かれたフォルダの患者番号と違います。ほかの患者の記録かもしれません。使いませんでした。"
            );
            reading.tell("id.folder", Severity::Severe, &one.file, message);
            reading.lose(kind);
            return;
        }
        None => {
            let message = "患者番号（PID-3）のない電文です。途中で切れたファイルかもしれません。使いませんでした。";
            reading.tell("message.no_patient", Severity::Warning, &one.file, message);
            reading.lose(kind);
            return;
        }
    }
    if !matches!(bytes.last(), Some(b'\r' | b'\n' | 0x1A | 0x1C)) {
        // Without what it is about, or broken off inside a character, it is surely cut off: it must not look like an empty list.
        if !decoded.is_sound() || kinds::body(kind).is_some_and(|name| message.segment(name).is_none()) {
            reading.lose(kind);
        }
        reading.unterminated.push((kind.to_owned(), Arc::clone(&one.file)));
    }
    let taking = Taking {
        message: &message,
        said: Said::of(&message, one.name.moment().unwrap_or_default()),
        file: Arc::clone(&one.file),
        kind,
        whole_lists: true,
    };
    reading.told.take(&taking);
    if !decoded.is_sound() {
        reading.told.damage(damaged(&one.file, &decoded));
    }
    let counted = reading.counted.entry(kind.to_owned()).or_default();
    counted.used += 1;
    counted.bytes += bytes.len() as u64;
}

/// The bytes of a file within the bound.
///
/// # Errors
/// When it cannot be read, or is too large.
pub fn read_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(std::io::Error::other(format!("{MAX_FILE_BYTES}バイトを超えています")));
    }
    Ok(bytes)
}

/// The same number to the letter, or but for leading zeros where both are digits: one institution pads, its subsystem does not.
#[must_use]
pub fn same_number(number: &str, id: &PatientId) -> bool {
    let Some(number) = PatientId::parse(number) else {
        return false;
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (a, b) = (number.as_str(), id.as_str());
    a == b || (digits(a) && digits(b) && a.trim_start_matches('0') == b.trim_start_matches('0'))
}

/// `-` is `Some(None)`.
#[must_use]
pub fn day_of(name: &std::ffi::OsStr) -> Option<Option<Date>> {
    let text = name.to_str()?;
    if text == "-" {
        return Some(None);
    }
    (text.len() == 8)
        .then(|| crate::sources::hl7v2::When::read(text).map(|when| when.on))?
        .map(Some)
}

fn lost_folder(path: &Path, kinds: &[DataKind], reading: &mut Reading) {
    let message = "フォルダを読めません。ここにしかない記録は取り出せませんでした。";
    reading.tell("folder.unreadable", Severity::Severe, &shown(path), message);
    reading.lost.extend(kinds);
}

/// The last parts of a path, for people.
fn shown(path: &Path) -> String {
    let parts: Vec<_> = path.components().rev().take(3).collect();
    let parts: Vec<String> = parts
        .into_iter()
        .rev()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    parts.join("/")
}
