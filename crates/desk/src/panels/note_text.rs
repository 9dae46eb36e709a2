//! A note of the downtime as one text: why it was corrected, what was measured, what was written.

use downtime::view::DowntimeNote;

pub(super) fn note_text(note: &DowntimeNote) -> String {
    let mut text = String::new();
    if let Some(reason) = &note.reason {
        text.push_str(&format!("訂正の理由: {reason}\n"));
    }
    let vitals: Vec<String> = note
        .note
        .vitals
        .iter()
        .map(|(label, value)| format!("{label} {value}"))
        .collect();
    if !vitals.is_empty() {
        text.push_str(&vitals.join("　"));
        text.push('\n');
    }
    for section in &note.note.sections {
        let letter = section.kind.letter();
        if !letter.is_empty() {
            text.push_str(letter);
            text.push_str(") ");
        }
        text.push_str(&section.text);
        text.push('\n');
    }
    text.trim_end().to_owned()
}
