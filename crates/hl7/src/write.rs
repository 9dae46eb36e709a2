//! Messages written: segments and fields by number, text escaped, trailing empty fields left out.
//!
//! It deliberately writes text; [`crate::charset::encode`] makes the bytes and says what they cannot hold.

use crate::{Delimiters, escape};

/// Makes one message.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    delimiters: Delimiters,
    segments: Vec<SegmentBuilder>,
}

/// Most fields of a written segment: beyond the longest of the standard.
pub const MAX_FIELDS: usize = 200;

impl Builder {
    /// An empty message with the usual delimiters. Begin with `segment("MSH")`: its fields 1 and 2 are there.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty message with these delimiters, as an answer has those of its question.
    #[must_use]
    pub fn with(delimiters: Delimiters) -> Self {
        Self {
            delimiters,
            segments: Vec::new(),
        }
    }

    /// Begins the next segment.
    pub fn segment(&mut self, name: &str) -> &mut SegmentBuilder {
        self.segments.push(SegmentBuilder {
            name: name.to_owned(),
            delimiters: self.delimiters,
            fields: Vec::new(),
        });
        let last = self.segments.len() - 1;
        // invariant: one was pushed just now, so there is a last one.
        &mut self.segments[last]
    }

    /// The message: every segment ends with CR.
    #[must_use]
    pub fn finish(&self) -> String {
        let mut text = String::new();
        for segment in &self.segments {
            segment.write(&mut text);
        }
        text
    }
}

/// Makes one segment.
#[derive(Debug, Clone)]
pub struct SegmentBuilder {
    name: String,
    delimiters: Delimiters,
    fields: Vec<String>,
}

impl SegmentBuilder {
    /// A field that is one value.
    pub fn text(&mut self, number: usize, text: &str) -> &mut Self {
        let written = escape::make(text, self.delimiters).into_owned();
        self.raw(number, written)
    }

    /// A field of components.
    pub fn components(&mut self, number: usize, components: &[&str]) -> &mut Self {
        let written = self.join(components);
        self.raw(number, written)
    }

    /// One more repetition of a field, of components.
    pub fn repeat(&mut self, number: usize, components: &[&str]) -> &mut Self {
        let written = self.join(components);
        let mark = char::from(self.delimiters.repetition);
        match self.place(number) {
            Some(field) if field.is_empty() => *field = written,
            Some(field) => {
                field.push(mark);
                field.push_str(&written);
            }
            None => {}
        }
        self
    }

    /// A field of components whose parts are sub-components.
    pub fn nested(&mut self, number: usize, components: &[&[&str]]) -> &mut Self {
        let sub = char::from(self.delimiters.sub).to_string();
        let component = char::from(self.delimiters.component).to_string();
        let part = |subs: &&[&str]| {
            let written: Vec<_> = subs.iter().map(|text| escape::make(text, self.delimiters)).collect();
            trimmed(written.join(&sub), self.delimiters.sub)
        };
        let written = components.iter().map(part).collect::<Vec<_>>().join(&component);
        let written = trimmed(written, self.delimiters.component);
        self.raw(number, written)
    }

    /// A field that says there is no value: `""`.
    pub fn null(&mut self, number: usize) -> &mut Self {
        self.raw(number, "\"\"".to_owned())
    }

    /// A field already escaped, taken from another message with the same delimiters. Line ends are left out.
    pub fn raw(&mut self, number: usize, written: String) -> &mut Self {
        let written = if written.contains(['\r', '\n']) {
            written.replace(['\r', '\n'], "")
        } else {
            written
        };
        if let Some(field) = self.place(number) {
            *field = written;
        }
        self
    }

    fn join(&self, components: &[&str]) -> String {
        let mark = char::from(self.delimiters.component).to_string();
        let written: Vec<_> = components
            .iter()
            .map(|text| escape::make(text, self.delimiters))
            .collect();
        trimmed(written.join(&mark), self.delimiters.component)
    }

    /// The place of a field; `None` beyond [`MAX_FIELDS`] and for the delimiters of MSH, which nobody sets.
    fn place(&mut self, number: usize) -> Option<&mut String> {
        let first = if self.name == "MSH" { 3 } else { 1 };
        let at = number.checked_sub(first).filter(|_| number <= MAX_FIELDS)?;
        if self.fields.len() <= at {
            self.fields.resize(at + 1, String::new());
        }
        self.fields.get_mut(at)
    }

    fn write(&self, text: &mut String) {
        let Delimiters {
            field,
            component,
            repetition,
            escape,
            sub,
        } = self.delimiters;
        text.push_str(&self.name);
        if self.name == "MSH" {
            text.extend([field, component, repetition, escape, sub].map(char::from));
        }
        let filled = self
            .fields
            .iter()
            .rposition(|field| !field.is_empty())
            .map_or(0, |last| last + 1);
        for written in self.fields.iter().take(filled) {
            text.push(char::from(field));
            text.push_str(written);
        }
        text.push('\r');
    }
}

/// Without empty parts at its end.
fn trimmed(mut written: String, mark: u8) -> String {
    let len = written.trim_end_matches(char::from(mark)).len();
    written.truncate(len);
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    #[test]
    fn what_is_written_reads_back() {
        let mut builder = Builder::new();
        builder
            .segment("MSH")
            .text(1, "no")
            .text(3, "DTC")
            .components(9, &["ADT", "A08", "ADT_A01"])
            .text(30, "");
        let pid = builder.segment("PID");
        pid.components(3, &["0001234567", "", "", "", "PI"])
            .repeat(5, &["模擬", "日|出^男"])
            .repeat(5, &["モギ", "ヒデオ", ""]);
        builder
            .segment("RXE")
            .null(3)
            .nested(4, &[&["2"], &["TAB", "錠", ""]])
            .text(5, "一\n二")
            .text(9_999, "beyond");
        let text = builder.finish();
        assert_eq!(
            text,
            "MSH|^~\\&|DTC||||||ADT^A08^ADT_A01\rPID|||0001234567^^^^PI||模擬^日\\F\\出\\S\\男~モギ^ヒデオ\rRXE|||\"\"|2^TAB&錠|一\\.br\\二\r"
        );
        let message = Message::parse(&text).unwrap();
        assert_eq!(message.field("PID", 5).component(2).text(), "日|出^男");
        assert!(message.field("RXE", 3).is_null());
        assert_eq!(message.field("RXE", 4).component(2).sub(2).text(), "錠");
    }
}
