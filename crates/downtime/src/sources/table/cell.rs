//! A mapped field bound to the columns of an opened file: from a row to the field's text.
//!
//! Undecodable characters and unknown codes are told here, once, whatever the field becomes afterwards.

use std::borrow::Cow;
use std::rc::Rc;

use chart::Severity;

use super::codebook::Codebook;
use super::spec::{DateForm, RangeForm};
use super::split::Columns;
use crate::sources::gather::Sink;

/// One row with everything a field may take text from.
#[derive(Clone, Copy)]
pub struct Row<'t> {
    text: &'t str,
    columns: &'t Columns,
    head: Option<(&'t str, &'t Columns)>,
    each: Option<usize>,
    /// True when the text may hold characters that could not be read.
    pub damaged: bool,
    /// True when the text holds control characters, the line end not counted.
    strange: bool,
}

impl<'t> Row<'t> {
    /// A row without head and without repeated columns.
    #[must_use]
    pub fn plain(text: &'t str, columns: &'t Columns) -> Self {
        let line = text.strip_suffix('\n').unwrap_or(text);
        Self {
            text,
            columns,
            head: None,
            each: None,
            damaged: false,
            strange: is_strange(line.strip_suffix('\r').unwrap_or(line)),
        }
    }

    /// The same row with its head row.
    #[must_use]
    pub fn with_head(mut self, head: Option<(&'t str, &'t Columns)>) -> Self {
        self.head = head;
        self.strange |= head.is_some_and(|(text, _)| is_strange(text));
        self.damaged |= head.is_some_and(|(text, _)| text.contains(['\u{FFFD}', '\0']));
        self
    }

    /// The same row for one of its repeated columns.
    #[must_use]
    pub const fn for_each(mut self, at: usize) -> Self {
        self.each = Some(at);
        self
    }

    /// The same row, from bytes that could not all be read.
    #[must_use]
    pub const fn with_damage(mut self, damaged: bool) -> Self {
        self.damaged = damaged;
        self
    }

    /// The whole row.
    #[must_use]
    pub const fn text(&self) -> &'t str {
        self.text
    }

    /// The bare text of a column.
    #[must_use]
    pub fn column(&self, at: usize) -> Cow<'t, str> {
        self.columns.get(self.text, at).unwrap_or_default()
    }
}

/// Where a bound field takes its text from.
#[derive(Debug, Clone)]
pub(super) enum From {
    Column(usize),
    Head(usize),
    Each,
    Constant(String),
    Join(Vec<Cell>, String),
    /// The column was not found; this has been told.
    Nowhere,
}

/// A field bound to columns.
#[derive(Debug, Clone)]
pub struct Cell {
    pub(super) from: From,
    /// The hospital's own name of the column, for Findings.
    pub title: String,
    /// 自宅, 身長 …
    pub label: String,
    /// How dates are written here.
    pub date: DateForm,
    /// How an open reference range is written here.
    pub range: Option<RangeForm>,
    /// The date of a fact.
    pub on: Option<Box<Self>>,
    pub(super) rules: Option<Box<Rules>>,
}

#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) blank: Vec<String>,
    pub(super) codes: Option<Rc<Codebook>>,
    pub(super) otherwise: Option<String>,
    pub(super) as_is: bool,
    pub(super) default: Option<String>,
    pub(super) or: Option<Cell>,
    pub(super) prefix: String,
    pub(super) suffix: String,
    pub(super) pad: usize,
}

impl Cell {
    /// The field's text in a row, trimmed and dressed; empty when there is nothing.
    pub fn text<'t>(&'t self, row: &Row<'t>, sink: &mut Sink<'_>) -> Cow<'t, str> {
        let text = match &self.from {
            From::Column(at) => self.seen(row.column(*at), row, sink),
            From::Each => self.seen(row.each.map_or(Cow::Borrowed(""), |at| row.column(at)), row, sink),
            From::Head(at) => {
                let text = row
                    .head
                    .and_then(|(text, columns)| columns.get(text, *at))
                    .unwrap_or_default();
                self.seen(text, row, sink)
            }
            From::Constant(text) => Cow::Borrowed(text.as_str()),
            From::Join(cells, separator) => join(cells, separator, row, sink),
            From::Nowhere => Cow::Borrowed(""),
        };
        match &self.rules {
            None => text,
            Some(rules) => self.dressed(text, rules, row, sink),
        }
    }

    /// The code as the row has it, of a field that a code table translates.
    #[must_use]
    pub fn code<'t>(&self, row: &Row<'t>) -> Option<Cow<'t, str>> {
        self.rules.as_ref()?.codes.as_ref()?;
        match &self.from {
            From::Column(at) => Some(trimmed(row.column(*at))),
            From::Each => row.each.map(|at| trimmed(row.column(at))),
            From::Head(_) | From::Constant(_) | From::Join(..) | From::Nowhere => None,
        }
    }

    /// True when the field takes one column as it is: then the raw bytes of the column decide.
    #[must_use]
    pub const fn only_column(&self) -> Option<usize> {
        match (&self.from, &self.rules) {
            (From::Column(at), None) => Some(*at),
            _ => None,
        }
    }

    /// True when the field's column was not found.
    #[must_use]
    pub const fn is_nowhere(&self) -> bool {
        matches!(self.from, From::Nowhere)
    }

    /// The columns of the row it takes text from, counted from 0.
    pub fn places(&self, into: &mut Vec<usize>) {
        match &self.from {
            From::Column(at) => into.push(*at),
            From::Join(cells, _) => cells.iter().for_each(|cell| cell.places(into)),
            From::Head(_) | From::Each | From::Constant(_) | From::Nowhere => {}
        }
        let or = self.rules.as_ref().and_then(|rules| rules.or.as_ref());
        for cell in or.into_iter().chain(self.on.as_deref()) {
            cell.places(into);
        }
    }

    fn seen<'t>(&self, text: Cow<'t, str>, row: &Row<'_>, sink: &mut Sink<'_>) -> Cow<'t, str> {
        let text = trimmed(text);
        if row.damaged {
            self.tell_damage(&text, sink);
        }
        if row.strange { clean(text) } else { text }
    }

    fn tell_damage(&self, text: &str, sink: &mut Sink<'_>) {
        if text.contains('\u{FFFD}') {
            let message = "読めない文字（壊れたバイト）があり、〓で表示します。元の記録を確かめてください。";
            sink.tell("field.undecodable", Severity::Warning, &self.title, message);
        }
        if text.contains('\0') {
            let message = "NUL（値0のバイト）が入っていて、〓で表示します。ファイルの書き込みが壊れた疑いがあります。";
            sink.tell("field.nul", Severity::Warning, &self.title, message);
        }
    }

    fn dressed<'t>(&'t self, text: Cow<'t, str>, rules: &'t Rules, row: &Row<'t>, sink: &mut Sink<'_>) -> Cow<'t, str> {
        let mut text = text;
        if rules.blank.iter().any(|blank| *blank == text) {
            text = Cow::Borrowed("");
        }
        if rules.pad > 0 && !text.is_empty() {
            let missing = rules.pad.saturating_sub(text.chars().count());
            text = Cow::Owned("0".repeat(missing) + &text);
        }
        if let Some(book) = &rules.codes
            && (!text.is_empty() || book.text("").is_some())
        {
            text = self.translated(text, book, rules, sink);
        }
        if text.is_empty() {
            if let Some(or) = &rules.or {
                return or.text(row, sink);
            }
            return rules.default.as_deref().map_or(text, Cow::Borrowed);
        }
        if rules.prefix.is_empty() && rules.suffix.is_empty() {
            return text;
        }
        Cow::Owned(format!("{}{text}{}", rules.prefix, rules.suffix))
    }

    fn translated<'t>(
        &self,
        code: Cow<'t, str>,
        book: &'t Codebook,
        rules: &'t Rules,
        sink: &mut Sink<'_>,
    ) -> Cow<'t, str> {
        if let Some(text) = book.text(&code) {
            return Cow::Borrowed(text);
        }
        if let Some(text) = &rules.otherwise {
            return Cow::Borrowed(text);
        }
        if !book.broken && !rules.as_is {
            let message = format!(
                "コード「{code}」がコード表「{}」にありません。コードのまま使いました。コード表に足してください。",
                book.name
            );
            sink.tell_once(
                (&book.name, &*code),
                "code.unknown",
                Severity::Warning,
                &self.title,
                message,
            );
        }
        code
    }
}

/// The parts that are there, with the separator between them; one part alone is not copied.
fn join<'t>(cells: &'t [Cell], separator: &str, row: &Row<'t>, sink: &mut Sink<'_>) -> Cow<'t, str> {
    let mut out = Cow::Borrowed("");
    for cell in cells {
        let part = cell.text(row, sink);
        if out.is_empty() {
            out = part;
        } else if !part.is_empty() {
            let whole = out.to_mut();
            whole.reserve(separator.len() + part.len());
            whole.push_str(separator);
            whole.push_str(&part);
        }
    }
    out
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    // Nearly every column begins and ends with a plain character; only the others need the search for blanks of all kinds.
    if begins_plain(text.as_bytes()) && ends_plain(text.as_bytes()) {
        return text;
    }
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => match text.trim() {
            inner if inner.len() == text.len() => Cow::Owned(text),
            inner => Cow::Owned(inner.to_owned()),
        },
    }
}

/// True when the first character is surely no blank. In UTF-8, kanji and full-width characters begin with E4 to EF, kana with E3
/// and more than 80; the full-width blank is E3 80 80.
const fn begins_plain(bytes: &[u8]) -> bool {
    match bytes {
        [0xE3, second, _, ..] => *second > 0x80,
        [first, ..] => first.is_ascii_graphic() || *first >= 0xE4,
        [] => false,
    }
}

/// True when the last character is surely no blank, by the same signs.
const fn ends_plain(bytes: &[u8]) -> bool {
    match bytes {
        [.., last] if last.is_ascii() => last.is_ascii_graphic(),
        [.., 0xE3, second, _] => *second > 0x80,
        [.., first, _, _] => *first >= 0xE4,
        _ => false,
    }
}

/// Line breaks become `\n`, NUL becomes U+FFFD, other control characters become blanks.
fn clean(text: Cow<'_, str>) -> Cow<'_, str> {
    if !is_strange(&text) {
        return text;
    }
    // Notes are full of CR LF and hold nothing else: those are searched for, not looked for byte by byte.
    let breaks_only = !holds(&text, |byte| is_control(byte) && byte != b'\r');
    let next = |rest: &str| match breaks_only {
        true => memchr::memchr(b'\r', rest.as_bytes()),
        false => rest.bytes().position(is_control),
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = next(rest) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let mut chars = from.chars();
        match chars.next() {
            Some('\r') if from.as_bytes().get(1) == Some(&b'\n') => {}
            Some('\r' | '\u{B}' | '\u{C}') => out.push('\n'),
            Some('\0') => out.push('\u{FFFD}'),
            _ => out.push(' '),
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// True when a text holds control characters.
fn is_strange(text: &str) -> bool {
    holds(text, is_control)
}

/// True when some byte of a text is such a one.
fn holds(text: &str, such: impl Fn(u8) -> bool) -> bool {
    // Folding a piece instead of stopping at the first hit lets the compiler look at many bytes at once.
    let any = |piece: &[u8]| piece.iter().fold(false, |seen, byte| seen | such(*byte));
    text.as_bytes().chunks(64).any(any)
}

/// ASCII control characters but for line feed and tab.
const fn is_control(byte: u8) -> bool {
    byte == 0x7F || (byte < 0x20 && byte != b'\n' && byte != b'\t')
}

impl Rules {
    pub(super) const fn is_needed(&self) -> bool {
        !self.blank.is_empty()
            || self.codes.is_some()
            || self.default.is_some()
            || self.or.is_some()
            || !self.prefix.is_empty()
            || !self.suffix.is_empty()
            || self.pad > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> String {
        clean(Cow::Borrowed(text)).into_owned()
    }

    #[test]
    fn control_characters_do_not_reach_a_chart() {
        assert_eq!(cleaned("a\r\nb\rc\u{B}d\te"), "a\nb\nc\nd\te");
        assert_eq!(cleaned("\u{1B}[0m\u{7F}表\0示"), " [0m 表\u{FFFD}示");
        assert_eq!(cleaned("表示"), "表示");
        assert_eq!(cleaned("一\r\n\r\n二\r"), "一\n\n二\n");
    }

    #[test]
    fn blanks_of_every_width_are_trimmed() {
        for text in ["　山田 ", " 山田", "山田　", "山田"] {
            assert_eq!(trimmed(Cow::Borrowed(text)), "山田");
            assert_eq!(trimmed(Cow::Owned(text.to_owned())), "山田");
        }
        assert_eq!(trimmed(Cow::Borrowed(" ")), "");
        for c in (0..=0x2_FFFF).filter_map(char::from_u32) {
            for text in [
                format!("{c}"),
                format!("{c}あ"),
                format!("字{c}"),
                format!("a{c}b"),
                format!("{c}{c}{c}"),
            ] {
                assert_eq!(trimmed(Cow::Borrowed(&text)), text.trim(), "{:04X}", c as u32);
            }
        }
    }
}
