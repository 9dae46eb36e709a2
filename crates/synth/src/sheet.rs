//! One file of an export: rows of fields in the file's encoding, separator and line ends.

use crate::cp932::{self, Lost};
use crate::{FileSummary, SynthError};
use std::io::Write;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// CP932, comma, CRLF, quotes where needed.
    OldCsv,
    /// UTF-8 with BOM, comma, LF, quotes where needed.
    Csv,
    /// UTF-8 with BOM, tab, LF, never quoted.
    Tsv,
}

/// Opens a file of the export by its name.
pub(crate) type Open<'a> = &'a mut dyn FnMut(&str) -> std::io::Result<Box<dyn Write>>;

/// One file being written.
pub(crate) struct Sheet {
    name: String,
    style: Style,
    out: Box<dyn Write>,
    line: String,
    encoded: Vec<u8>,
    rows: u64,
    bytes: u64,
}

impl Sheet {
    /// Opens the file and writes its header row, if it has one.
    pub(crate) fn open(open: Open, name: &str, style: Style, header: &[&str]) -> Result<Self, SynthError> {
        let out = open(name).map_err(|source| SynthError::Write {
            name: name.to_owned(),
            source,
        })?;
        let mut sheet = Sheet {
            name: name.to_owned(),
            style,
            out,
            line: String::new(),
            encoded: Vec::new(),
            rows: 0,
            bytes: 0,
        };
        if style != Style::OldCsv {
            sheet.encoded.extend("\u{feff}".as_bytes());
        }
        if !header.is_empty() {
            sheet.row(Lost::Square, header)?;
            sheet.rows = 0;
        }
        Ok(sheet)
    }

    /// Writes one row; `lost` says what stands for characters that the encoding lacks.
    pub(crate) fn row(&mut self, lost: Lost, fields: &[&str]) -> Result<(), SynthError> {
        self.line.clear();
        for (place, field) in fields.iter().enumerate() {
            if place > 0 {
                self.line.push(if self.style == Style::Tsv { '\t' } else { ',' });
            }
            self.field(field);
        }
        self.line
            .push_str(if self.style == Style::OldCsv { "\r\n" } else { "\n" });
        if self.style == Style::OldCsv {
            cp932::encode(&self.line, lost, &mut self.encoded);
        } else {
            self.encoded.extend(self.line.as_bytes());
        }
        self.rows += 1;
        if self.encoded.len() >= 1 << 16 {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what is left and says what the file holds.
    pub(crate) fn finish(mut self) -> Result<FileSummary, SynthError> {
        self.flush()?;
        self.out.flush().map_err(|source| SynthError::Write {
            name: self.name.clone(),
            source,
        })?;
        Ok(FileSummary {
            name: self.name,
            rows: self.rows,
            bytes: self.bytes,
        })
    }

    fn field(&mut self, field: &str) {
        if self.style == Style::Tsv {
            // Such values do not occur in these files; if one ever did, the row would still be whole.
            self.line.extend(
                field
                    .chars()
                    .map(|c| if matches!(c, '\t' | '\n' | '\r') { ' ' } else { c }),
            );
            return;
        }
        if !field.contains([',', '"', '\n', '\r']) {
            self.line.push_str(field);
            return;
        }
        self.line.push('"');
        for c in field.chars() {
            match c {
                '"' => self.line.push_str("\"\""),
                '\n' if self.style == Style::OldCsv => self.line.push_str("\r\n"),
                other => self.line.push(other),
            }
        }
        self.line.push('"');
    }

    fn flush(&mut self) -> Result<(), SynthError> {
        self.out.write_all(&self.encoded).map_err(|source| SynthError::Write {
            name: self.name.clone(),
            source,
        })?;
        self.bytes += self.encoded.len() as u64;
        self.encoded.clear();
        Ok(())
    }
}
