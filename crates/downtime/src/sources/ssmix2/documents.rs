//! 拡張ストレージ: documents listed by name and day, CDA's narrative as a note, vital signs from ORU.
//!
//! Pictures, PDF and a hospital's own formats are listed only; whoever needs one knows that it exists and of which day it is.

use std::path::Path;

use chart::note::{SectionKind, split_soap};
use chart::patient::Fact;
use chart::{DataKind, Note, PatientId, Severity};
use hl7::Message;
use jiff::civil::Date;
use std::sync::Arc;

use super::name::{Flag, Name, document, text};
use super::patient::{Reading, day_of, read_bytes, same_number};
use super::{cda, walk};
use crate::sources::hl7v2::{Names, Said, Taking, VITALS, When, patient_number};

/// Most documents listed of one patient.
const MAX_LISTED: usize = 30;
/// Most documents whose text is read.
const MAX_READ: usize = 60;

/// A document's folder.
struct Document {
    name: Name,
    title: String,
    code: String,
    path: std::path::PathBuf,
}

/// Reads one root's folder of a patient, from a 診療日 on.
pub fn read(path: &Path, id: &PatientId, since: Date, reading: &mut Reading) {
    let Ok(days) = walk::list(path) else {
        reading.tell(
            "folder.unreadable",
            Severity::Severe,
            "拡張ストレージ",
            "フォルダを読めません。文書の一覧は取り出せませんでした。",
        );
        reading.lost.extend([DataKind::Note, DataKind::Vital]);
        return;
    };
    let mut found = Vec::new();
    for day in days.folders {
        let Some(on) = day_of(&day.name) else { continue };
        if on.is_some_and(|on| on < since) {
            continue;
        }
        for kind in walk::list(&day.path).map(|listing| listing.folders).unwrap_or_default() {
            let folder = text(&kind.name).unwrap_or_else(|| kind.name.to_string_lossy().into_owned());
            let (title, code) = document(&folder);
            for content in walk::list(&kind.path)
                .map(|listing| listing.folders)
                .unwrap_or_default()
            {
                let Some(name) = Name::read(&content.name) else {
                    continue;
                };
                let kind = if code == VITALS {
                    DataKind::Vital
                } else {
                    DataKind::Note
                };
                if let Some(at) = name.moment() {
                    let known = reading.newest.entry(kind).or_insert(at);
                    *known = at.max(*known);
                }
                if name.flag == Flag::Current && same_number(&name.patient, id) {
                    found.push(Document {
                        name,
                        title: title.clone(),
                        code: code.clone(),
                        path: content.path,
                    });
                } else if name.flag == Flag::Current {
                    let message = "文書のフォルダ名の患者番号が置かれたフォルダと違います。使いませんでした。";
                    reading.tell("id.folder", Severity::Severe, &name.patient, message);
                }
            }
        }
    }
    found.sort_by(|a, b| b.name.occurred.cmp(&a.name.occurred));
    let mut listed = 0;
    for (at, one) in found.iter().enumerate() {
        if one.code == VITALS {
            vitals(one, id, reading);
            continue;
        }
        if listed < MAX_LISTED {
            listed += 1;
            reading.facts.push(Fact {
                label: "文書".to_owned(),
                value: one.title.clone(),
                on: one.name.on,
            });
        }
        if at < MAX_READ
            && let Some(note) = narrative(one)
        {
            reading.notes.push(note);
        }
    }
}

/// The first file with a CDA narrative.
fn narrative(one: &Document) -> Option<Note> {
    let files = walk::list(&one.path).ok()?.files;
    let xml = files.iter().filter(|file| {
        let name = file.name.to_string_lossy().to_ascii_lowercase();
        name.ends_with(".xml") || name.ends_with(".cda")
    });
    let (body, head) = xml.filter_map(|file| cda::read(&read_bytes(&file.path).ok()?)).next()?;
    let written = When::read(&head.at);
    let at = one.name.moment().map(chart::Moment::local);
    let department = if head.department.is_empty() {
        Names::default().department(&one.name.department, "")
    } else {
        head.department
    };
    let sections = split_soap(&body);
    let marked = sections.iter().any(|section| section.kind != SectionKind::Free);
    Some(Note {
        on: written
            .map(|when| when.on)
            .or(one.name.on)
            .or_else(|| at.map(|at| at.date())),
        at: written
            .and_then(|when| when.at)
            .or_else(|| at.filter(|at| one.name.on == Some(at.date())).map(|at| at.time())),
        department,
        author: head.author,
        sections: if marked {
            sections
        } else {
            split_soap(&format!("{}\n{body}", one.title))
        },
    })
}

fn vitals(one: &Document, id: &PatientId, reading: &mut Reading) {
    let Ok(listing) = walk::list(&one.path) else {
        reading.lost.insert(DataKind::Vital);
        return;
    };
    for file in listing.files {
        let shown: Arc<str> = Arc::from(file.name.to_string_lossy().as_ref());
        let bytes = match read_bytes(&file.path) {
            Ok(bytes) if !bytes.is_empty() => bytes,
            _ => {
                reading.lost.insert(DataKind::Vital);
                continue;
            }
        };
        let decoded = hl7::decode(&bytes);
        let Ok(message) = Message::parse(&decoded.text) else {
            // Style sheets and pictures lie beside the main document.
            continue;
        };
        if !patient_number(&message).is_some_and(|number| same_number(&number, id)) {
            let message = "バイタルの電文の患者番号（PID-3）が置かれたフォルダと違います。使いませんでした。";
            reading.tell("id.folder", Severity::Severe, &shown, message);
            reading.lost.insert(DataKind::Vital);
            continue;
        }
        let taking = Taking {
            message: &message,
            said: Said::of(&message, one.name.moment().unwrap_or_default()),
            file: shown,
            kind: VITALS,
            whole_lists: true,
        };
        reading.told.take(&taking);
    }
}
