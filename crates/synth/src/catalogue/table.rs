//! Reading one embedded table: tab-separated, `#` lines are remarks, `-` is an empty field.

use crate::SynthError;
use std::str::FromStr;

/// The rows of one table.
pub(super) struct Rows {
    file: &'static str,
    text: &'static str,
    /// Fields in every row; 0 = any number.
    columns: usize,
}

/// One row with the place it stands at.
pub(super) struct Row {
    file: &'static str,
    line: usize,
    fields: Vec<&'static str>,
}

impl Rows {
    pub(super) fn new(file: &'static str, text: &'static str, columns: usize) -> Self {
        Rows { file, text, columns }
    }

    /// Reads every row with `read`.
    pub(super) fn read<T>(self, mut read: impl FnMut(&Row) -> Result<T, SynthError>) -> Result<Vec<T>, SynthError> {
        let mut out = Vec::new();
        for (place, line) in self.text.lines().enumerate() {
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            let row = Row {
                file: self.file,
                line: place + 1,
                fields: line.split('\t').collect(),
            };
            if self.columns != 0 && row.fields.len() != self.columns {
                return Err(row.fault(format!("{} fields, expected {}", row.fields.len(), self.columns)));
            }
            out.push(read(&row)?);
        }
        Ok(out)
    }

    /// All fields of all rows as they stand.
    pub(super) fn plain(self) -> Vec<Vec<&'static str>> {
        self.text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .map(|line| line.split('\t').collect())
            .collect()
    }
}

impl Row {
    /// The field as text, `-` as the empty text.
    pub(super) fn text(&self, column: usize) -> &'static str {
        match self.fields.get(column) {
            None | Some(&"-") => "",
            Some(field) => field,
        }
    }

    /// The field as a number.
    pub(super) fn number<T: FromStr>(&self, column: usize) -> Result<T, SynthError> {
        self.text(column)
            .parse()
            .map_err(|_| self.fault(format!("column {} is no number: {}", column + 1, self.text(column))))
    }

    /// The parts of a list field; none when it is empty.
    pub(super) fn list(&self, column: usize, separator: char) -> Vec<&'static str> {
        let text = self.text(column);
        if text.is_empty() {
            Vec::new()
        } else {
            text.split(separator).collect()
        }
    }

    /// `name:percent` pairs.
    pub(super) fn shares(&self, column: usize) -> Result<Vec<(&'static str, u32)>, SynthError> {
        self.list(column, ',')
            .into_iter()
            .map(|item| {
                let (name, percent) = item
                    .split_once(':')
                    .ok_or_else(|| self.fault(format!("{item}: no percentage")))?;
                Ok((
                    name,
                    percent
                        .parse()
                        .map_err(|_| self.fault(format!("{item}: no percentage")))?,
                ))
            })
            .collect()
    }

    /// An error that names this row.
    pub(super) fn fault(&self, what: impl Into<String>) -> SynthError {
        SynthError::Table {
            file: self.file,
            line: self.line,
            what: what.into(),
        }
    }

    /// The place of the thing named `name`, or an error.
    pub(super) fn find<T>(&self, name: &str, among: &[T], key: impl Fn(&T) -> &str) -> Result<usize, SynthError> {
        among
            .iter()
            .position(|item| key(item) == name)
            .ok_or_else(|| self.fault(format!("{name} is in no table")))
    }
}
