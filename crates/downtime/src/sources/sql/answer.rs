//! One answer on its way into memory: CSV in UTF-8, as the mapping reads it.
//!
//! Bytes are decoded field by field. What cannot be read becomes U+FFFD there, and the reader of the rows tells it with its column.

use std::ops::ControlFlow;

use super::super::table::decode::Charset;
use super::super::table::reading::EncodingName;
use super::database::{Field, Rows};

/// An answer as it grows.
pub struct Answer {
    bytes: Vec<u8>,
    charset: Charset,
    rows_left: u64,
    most_bytes: usize,
    heading: Vec<String>,
    first_field: bool,
    /// Bytes up to the end of the last whole row.
    whole: usize,
    full: Option<String>,
    room: String,
}

impl Answer {
    /// An empty answer of at most so many rows and bytes.
    pub fn new(bytes_are: EncodingName, most_rows: u64, most_bytes: usize) -> Self {
        Self {
            bytes: Vec::new(),
            charset: Charset::of(bytes_are),
            rows_left: most_rows,
            most_bytes,
            heading: Vec::new(),
            first_field: true,
            whole: 0,
            full: None,
            room: String::new(),
        }
    }

    /// True once the columns are known.
    pub const fn has_heading(&self) -> bool {
        !self.heading.is_empty()
    }

    /// Why no more is taken, for people.
    pub fn full(&self) -> Option<&str> {
        self.full.as_deref()
    }

    /// An answer about nobody: there was nobody to ask about, so not even the columns are known.
    pub fn nobody(&mut self) {
        self.end_line();
    }

    /// The answer as a file, without a row that never ended.
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.whole);
        self.bytes
    }

    fn write(&mut self, text: &[u8]) {
        if memchr::memchr3(b'"', b',', b'\n', text).is_none() && memchr::memchr(b'\r', text).is_none() {
            self.bytes.extend_from_slice(text);
            return;
        }
        self.bytes.push(b'"');
        let mut rest = text;
        while let Some(at) = memchr::memchr(b'"', rest) {
            let (before, after) = rest.split_at_checked(at + 1).unwrap_or((rest, &[]));
            self.bytes.extend_from_slice(before);
            self.bytes.push(b'"');
            rest = after;
        }
        self.bytes.extend_from_slice(rest);
        self.bytes.push(b'"');
    }

    fn end_line(&mut self) {
        self.bytes.push(b'\n');
        self.first_field = true;
        self.whole = self.bytes.len();
    }

    fn begin_field(&mut self) {
        if !std::mem::take(&mut self.first_field) {
            self.bytes.push(b',');
        }
    }
}

impl Rows for Answer {
    fn heading(&mut self, columns: &[&str]) -> ControlFlow<()> {
        if self.has_heading() {
            if self.heading.iter().map(String::as_str).eq(columns.iter().copied()) {
                return ControlFlow::Continue(());
            }
            self.full = Some("同じ問い合わせの2回目の答えの列が違います".to_owned());
            return ControlFlow::Break(());
        }
        for column in columns {
            self.begin_field();
            self.write(column.as_bytes());
        }
        self.end_line();
        self.heading = columns.iter().map(|&column| column.to_owned()).collect();
        ControlFlow::Continue(())
    }

    fn field(&mut self, field: Field<'_>) {
        self.begin_field();
        match field {
            Field::Null => {}
            Field::Text(text) => self.write(text.as_bytes()),
            Field::Bytes(bytes) => {
                let mut room = std::mem::take(&mut self.room);
                let (text, _) = self.charset.decode(bytes, &mut room);
                self.write(text.as_bytes());
                self.room = room;
            }
        }
    }

    fn end_row(&mut self) -> ControlFlow<()> {
        self.end_line();
        self.rows_left = self.rows_left.saturating_sub(1);
        if self.rows_left == 0 {
            self.full = Some("行の数が上限に達しました。問い合わせを絞るか max_rows を大きくしてください".to_owned());
        } else if self.bytes.len() > self.most_bytes {
            self.full = Some("大きさが上限に達しました。問い合わせを絞るか max_mib を大きくしてください".to_owned());
        }
        match self.full {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    }
}
