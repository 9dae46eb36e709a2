//! DocumentReference and Composition: 診療録, as text.
//!
//! A document that is not text (PDF, pictures) is not shown here: that there is one is told.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chart::note::{Section, SectionKind, split_soap};
use chart::{Coded, DataKind, Note, PatientId, Severity};

use super::Scene;
use crate::sources::fhir::resource::{Composition, CompositionSection, DocumentReference};

/// Longest note, in characters.
const MAX_NOTE: usize = 100_000;
/// Most sections of one document, and how deep they stand in one another.
const MAX_SECTIONS: usize = 200;
const MAX_DEPTH: usize = 8;

/// A document that is text.
pub fn document(it: &DocumentReference<'_>, scene: &mut Scene<'_>) -> bool {
    if matches!(&*it.status, "superseded" | "entered-in-error") || &*it.doc_status == "entered-in-error" {
        return false;
    }
    let Some(id) = scene.wanted(DataKind::Note, &it.subject, &it.contained) else {
        return false;
    };
    let mut text = String::new();
    for content in &it.content {
        match decoded(&content.attachment.content_type, &content.attachment.data) {
            Some(words) => text.push_str(&words),
            None => {
                let name = if it.description.trim().is_empty() {
                    &*content.attachment.title
                } else {
                    &*it.description
                };
                let message = format!(
                    "文字でない文書があります（{}）。ここでは見られません。",
                    super::brief(name)
                );
                scene.tell(
                    &id,
                    "note.not_text",
                    Severity::Note,
                    "DocumentReference.content",
                    message,
                );
            }
        }
    }
    if text.trim().is_empty() {
        return false;
    }
    let encounter = it.context.as_ref().and_then(|context| context.encounter.first());
    let author = it.author.first();
    let setting = it
        .context
        .as_ref()
        .and_then(|context| context.setting.as_ref())
        .map(crate::sources::fhir::codes::department);
    let department = setting
        .filter(|one| !one.is_empty())
        .unwrap_or_else(|| scene.department(&it.extension, encounter, &it.contained, author));
    let author = scene.person(author, &it.contained);
    if it.kind.as_ref().is_some_and(|kind| kind.words().contains("申し送り")) {
        return handover(&id, &it.date, author, cut(text), scene);
    }
    push(&id, &it.date, department, author, split_soap(&cut(text)), scene)
}

/// A structured document.
pub fn composition(it: &Composition<'_>, scene: &mut Scene<'_>) -> bool {
    if &*it.status == "entered-in-error" {
        return false;
    }
    let Some(id) = scene.wanted(DataKind::Note, &it.subject, &it.contained) else {
        return false;
    };
    let mut sections = Vec::new();
    take_sections(&it.section, 0, &mut sections);
    if sections.is_empty() {
        return false;
    }
    if !it.title.trim().is_empty() && sections.iter().all(|one| one.kind == SectionKind::Free) {
        sections.insert(
            0,
            Section {
                kind: SectionKind::Free,
                text: it.title.trim().to_owned(),
            },
        );
    }
    let department = scene.department(&it.extension, it.encounter.as_ref(), &it.contained, it.author.first());
    let author = scene.person(it.author.first(), &it.contained);
    push(&id, &it.date, department, author, sections, scene)
}

/// 申し送り of who lies in a bed.
fn handover(id: &PatientId, date: &str, author: Coded, text: String, scene: &mut Scene<'_>) -> bool {
    let when = scene.past(id, "date", date);
    let said = chart::stay::Handover {
        on: when.on,
        at: when.at,
        author,
        text,
    };
    if let Some(about) = scene.about(id) {
        about.draft.stay.handovers.push(said);
    }
    true
}

fn push(
    id: &PatientId,
    date: &str,
    department: Coded,
    author: Coded,
    sections: Vec<Section>,
    scene: &mut Scene<'_>,
) -> bool {
    let when = scene.past(id, "date", date);
    let note = Note {
        on: when.on,
        at: when.at,
        department,
        author,
        sections,
    };
    if let Some(about) = scene.about(id) {
        about.draft.notes.push(note);
    }
    true
}

/// The text of an attachment, when it is one.
fn decoded(content_type: &str, data: &str) -> Option<String> {
    let kind = content_type.split(';').next().unwrap_or("").trim();
    if !matches!(kind, "text/plain" | "text/html" | "application/xhtml+xml") || data.is_empty() {
        return None;
    }
    let plain: String = data.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(plain).ok()?;
    let text = match encoding_of(content_type) {
        Some(encoding) => encoding.decode(&bytes).0.into_owned(),
        None => String::from_utf8_lossy(&bytes).into_owned(),
    };
    Some(if kind == "text/plain" { text } else { stripped(&text) })
}

fn encoding_of(content_type: &str) -> Option<&'static encoding_rs::Encoding> {
    let (_, rest) = content_type.split_once("charset=")?;
    encoding_rs::Encoding::for_label(rest.trim_matches(['"', ' ']).as_bytes())
}

fn take_sections(list: &[CompositionSection<'_>], depth: usize, out: &mut Vec<Section>) {
    for one in list.iter().take(MAX_SECTIONS) {
        if out.len() >= MAX_SECTIONS || depth >= MAX_DEPTH {
            return;
        }
        let title = one.title.trim();
        let kind = kind_of(one);
        let text = one.text.as_ref().map(|text| stripped(&text.div)).unwrap_or_default();
        if !text.trim().is_empty() {
            let text = if kind == SectionKind::Free && !title.is_empty() {
                format!("{title}\n{}", text.trim())
            } else {
                text.trim().to_owned()
            };
            out.push(Section { kind, text: cut(text) });
        }
        take_sections(&one.section, depth + 1, out);
    }
}

fn kind_of(one: &CompositionSection<'_>) -> SectionKind {
    let has = |code: &str| one.code.as_ref().is_some_and(|concept| concept.has(code));
    match one.title.trim() {
        "S" | "主観的情報" => SectionKind::Subjective,
        "O" | "客観的情報" => SectionKind::Objective,
        "A" | "評価" => SectionKind::Assessment,
        "P" | "計画" => SectionKind::Plan,
        _ if has("61150-9") => SectionKind::Subjective,
        _ if has("61149-1") => SectionKind::Objective,
        _ if has("51848-0") => SectionKind::Assessment,
        _ if has("18776-5") => SectionKind::Plan,
        _ => SectionKind::Free,
    }
}

/// XHTML without its marks: a line for each block, the five named characters and numbers written out.
#[must_use]
pub fn stripped(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        let (front, behind) = rest.split_at(at);
        out.push_str(front);
        if let Some(tag) = behind.strip_prefix('<') {
            let Some(end) = tag.find('>') else {
                rest = "";
                break;
            };
            let name = tag.get(..end).unwrap_or("").trim_start_matches('/');
            let name: String = name.chars().take_while(char::is_ascii_alphanumeric).collect();
            if matches!(
                name.as_str(),
                "p" | "div" | "br" | "li" | "tr" | "table" | "h1" | "h2" | "h3" | "h4"
            ) && !out.ends_with('\n')
            {
                out.push('\n');
            } else if matches!(name.as_str(), "td" | "th") && !out.ends_with(['\n', ' ']) {
                out.push(' ');
            }
            rest = tag.get(end + 1..).unwrap_or("");
        } else {
            let (character, used) = entity(behind);
            out.push(character);
            rest = behind.get(used..).unwrap_or("");
        }
    }
    out.push_str(rest);
    out.trim().to_owned()
}

fn entity(text: &str) -> (char, usize) {
    let end = text.find(';').filter(|end| *end <= 10);
    let Some(end) = end else { return ('&', 1) };
    let name = text.get(1..end).unwrap_or("");
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let found = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{A0}'),
        _ => match name.strip_prefix('#') {
            Some(hex) if hex.starts_with(['x', 'X']) => number(hex.get(1..).unwrap_or(""), 16),
            Some(digits) => number(digits, 10),
            None => None,
        },
    };
    found.map_or(('&', 1), |character| (character, end + 1))
}

fn cut(text: String) -> String {
    match text.char_indices().nth(MAX_NOTE) {
        Some((at, _)) => format!("{}\n（長いため、ここまでです）", text.get(..at).unwrap_or("")),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_words_stay() {
        let html = r#"<div xmlns="http://www.w3.org/1999/xhtml"><p>頭痛 &lt;3日&gt; &amp; 発熱</p><p>&#x5c71;&#30000;</p>A<br/>B</div>"#;
        assert_eq!(stripped(html), "頭痛 <3日> & 発熱\n山田\nA\nB");
        for torn in ["<", "&", "&#;", "&#x110000;", "a<b", "&&&", "<p"] {
            let _ = stripped(torn);
        }
    }

    #[test]
    fn only_text_is_text() {
        assert_eq!(
            decoded("text/plain; charset=UTF-8", "UykK6aCt55eb"),
            Some("S)\n頭痛".to_owned())
        );
        assert_eq!(
            decoded("text/plain;charset=Shift_JIS", "k6qSyQ=="),
            Some("頭痛".to_owned())
        );
        assert_eq!(decoded("application/pdf", "AAAA"), None);
        assert_eq!(decoded("text/plain", "%%%"), None);
    }
}
