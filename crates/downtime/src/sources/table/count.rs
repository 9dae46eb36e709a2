//! The list of files and row counts that many exports write last: proof that an export is whole.
//!
//! A list that is missing, or a count that does not fit, means a half-written export. Files that are not listed prove nothing.

use std::collections::BTreeMap;

use chart::{Finding, Moment, Severity};

use super::bind::Binder;
use super::cell::Row;
use super::codebook::Codebooks;
use super::config::Tally;
use super::export::Export;
use super::feed::Feed;
use super::reading::Reading;
use super::sheet::{self, Sheet};
use super::value;
use crate::sources::gather::{Ledger, Sink};

/// What the list says.
#[derive(Debug, Default)]
pub struct Listed {
    files: BTreeMap<String, (u64, Option<Moment>)>,
    /// When the export was finished.
    pub written: Option<Moment>,
}

impl Listed {
    /// When a file was written.
    #[must_use]
    pub fn written_of(&self, name: &str) -> Option<Moment> {
        self.files
            .get(&name.to_lowercase())
            .and_then(|(_, written)| *written)
            .or(self.written)
    }
}

/// Reads the list of a mapping that has one. `Ok(None)`: the mapping has none; `Err`: it should be there and is not, or is not
/// finished, so that no file of the export can be believed to be whole.
///
/// # Errors
/// The Finding.
pub fn read(export: &Export<'_>, books: &Codebooks) -> Result<Option<Listed>, Box<Finding>> {
    let Some(tally) = &export.config.tally else {
        return Ok(None);
    };
    let pattern = tally.file.get_ref();
    let refuse = |message: String| Box::new(Finding::new("tally.missing", Severity::Severe, message).at(pattern, 0));
    let chosen = export.choose(pattern);
    let Some((name, _)) = chosen.files.last() else {
        return Err(refuse(
            "件数のファイルがありません。出力が最後まで終わっていない疑いがあります。".to_owned(),
        ));
    };
    let reading = tally.reading().over(&export.config.defaults);
    let mut sheet = Sheet::open(export.files, name, &reading, &export.config.limits)
        .map_err(|_| refuse("件数のファイルを読めません。出力が最後まで終わっていない疑いがあります。".to_owned()))?;
    sheet
        .settle_columns(None)
        .map_err(|_| refuse("件数のファイルを読めません。".to_owned()))?;
    let mut binder = Binder::new(&sheet, None, books);
    let name_cell = binder.bind(&tally.name);
    let rows_cell = binder.bind(&tally.rows);
    let written_cell = tally.written.as_ref().map(|spec| binder.bind(spec));
    if let Some(missing) = binder.missing.first() {
        return Err(refuse(format!("件数のファイルの{}", missing.text())));
    }
    let mut listed = Listed::default();
    let mut ended = tally.end.is_empty();
    let mut unread = None;
    let (mut scratch, mut unseen) = (Ledger::default(), Vec::new());
    let result = sheet::each_row(&sheet, |line, text, columns| {
        let row = Row::plain(text, columns);
        let mut sink = Sink {
            ledger: &mut scratch,
            chart: &mut unseen,
            file: name,
            line,
            patient: "",
        };
        let file = name_cell.text(&row, &mut sink).into_owned();
        let rows = rows_cell.text(&row, &mut sink).into_owned();
        if !tally.end.is_empty() && file == tally.end {
            ended = true;
            listed.written = value::moment(&rows);
            return true;
        }
        let written = written_cell
            .as_ref()
            .and_then(|cell| value::moment(&cell.text(&row, &mut sink)));
        match rows.replace(',', "").parse() {
            Ok(rows) => {
                listed.files.insert(file.to_lowercase(), (rows, written));
            }
            Err(_) => unread = Some(line),
        }
        listed.files.len() < 10_000
    });
    if result.is_err() {
        return Err(refuse("件数のファイルを読めません。".to_owned()));
    }
    if !ended {
        return Err(refuse(format!(
            "件数のファイルに最後の行（{}）がありません。出力が最後まで終わっていない疑いがあります。",
            tally.end
        )));
    }
    if let Some(line) = unread {
        return Err(refuse(format!("件数のファイルの{line}行目の件数を読めません。")));
    }
    if listed.written.is_none() {
        listed.written = listed.files.values().filter_map(|(_, written)| *written).max();
    }
    Ok(Some(listed))
}

/// Compares the rows that were seen with the rows that were written.
pub fn compare(feed: &mut Feed, listed: &Listed, ledger: &mut Ledger) {
    let Some((expected, _)) = listed.files.get(&feed.sheet.name.to_lowercase()) else {
        return;
    };
    let seen = feed.tally.rows;
    if seen == *expected {
        return;
    }
    // Broken rows over several lines are seen as more rows than were written; that alone is no half-written file.
    let broken = seen > *expected && feed.tally.refused > 0;
    feed.tally.half_written |= !broken;
    let (code, severity) = if broken {
        ("tally.more", Severity::Warning)
    } else {
        ("file.half_written", Severity::Severe)
    };
    let message = format!(
        "行の数が件数のファイルと合いません（書かれた件数 {expected}、読めた行 {seen}）。出力が途中で止まったか、別の回の出力が混ざっています。"
    );
    ledger.add(Finding::new(code, severity, message).at(&feed.sheet.name, 0));
}

impl Tally {
    fn reading(&self) -> Reading {
        Reading {
            encoding: self.encoding,
            delimiter: self.delimiter,
            quote: self.quote,
            header: self.header,
            skip_lines: self.skip_lines,
        }
    }
}
