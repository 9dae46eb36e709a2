//! Documents in messages: TXA and the OBX that hold the text, as text or as base64.

use crate::base64::base64;
use crate::patient::Note;
use crate::v2::{esc, minute, note_words, segment};
use jiff::civil::DateTime;

/// A document's header.
pub(super) struct Document<'a> {
    /// TXA-2.
    pub(super) kind: &'a str,
    pub(super) written: DateTime,
    /// XCN.
    pub(super) author: &'a str,
    pub(super) number: &'a str,
}

impl Document<'_> {
    /// TXA.
    pub(super) fn txa(&self) -> String {
        let at = minute(self.written);
        segment(
            "TXA",
            &[
                (1, "1"),
                (2, self.kind),
                (3, "TX"),
                (4, &at),
                (5, self.author),
                (6, &at),
                (9, self.author),
                (12, self.number),
                (17, "AU"),
                (19, "AV"),
            ],
        )
    }
}

/// One OBX for each part of a note that is not empty.
pub(super) fn parts(note: &Note) -> String {
    let parts = [
        ("61150-9^S^LN", &note.s),
        ("61149-1^O^LN", &note.o),
        ("51848-0^A^LN", &note.a),
        ("18776-5^P^LN", &note.p),
    ];
    let said = parts.iter().filter(|(_, text)| !text.is_empty());
    (1..)
        .zip(said)
        .map(|(place, (what, text))| obx(place, "TX", what, &esc(text)))
        .collect()
}

/// The whole note as one document in base64.
pub(super) fn encapsulated(note: &Note) -> String {
    let words = note_words(note);
    if words.is_empty() {
        return String::new();
    }
    let value = format!("KARTE^TEXT^PLAIN^Base64^{}", base64(words.as_bytes()));
    obx(1, "ED", "34108-1^外来診療録^LN", &value)
}

/// One OBX.
pub(super) fn obx(place: u32, kind: &str, what: &str, value: &str) -> String {
    segment(
        "OBX",
        &[
            (1, &place.to_string()),
            (2, kind),
            (3, what),
            (4, &place.to_string()),
            (5, value),
            (11, "F"),
        ],
    )
}
