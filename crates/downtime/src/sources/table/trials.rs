//! Every file of an export gone through with its mapping: each field tried on each row, and what nothing uses.
//!
//! Which files there are comes from the mapping; what the findings mean for the mapping is judged in `check`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::bind::{Binder, MissingColumn};
use super::cell::Row;
use super::codebook::Codebooks;
use super::config::FileEntry;
use super::count::{self, Listed};
use super::dating;
use super::export::Export;
use super::feed::{Feed, Opening};
use super::fields::Kind;
use super::report::{ColumnReport, FileReport};
use super::scan::Step;
use super::sheet::Sheet;
use super::spec::FieldSpec;
use super::split::{Columns, Split};
use super::take::short;
use super::trial::Trial;
use crate::sources::Scope;
use crate::sources::gather::{Ledger, Sink};

/// Most head rows kept while a file with details is tried.
const MAX_HEADS: usize = 500_000;

/// The files that have been tried so far.
pub struct Trials<'c> {
    export: &'c Export<'c>,
    books: &'c Codebooks,
    listed: Option<Listed>,
    scope: &'c Scope,
    masked: bool,
    files: Vec<(FileReport, Vec<ColumnReport>)>,
    /// File name → columns that some entry uses.
    used: BTreeMap<String, BTreeSet<usize>>,
}

impl<'c> Trials<'c> {
    /// Nothing tried yet.
    #[must_use]
    pub fn new(export: &'c Export<'c>, books: &'c Codebooks, scope: &'c Scope, masked: bool) -> Self {
        Self {
            export,
            books,
            listed: count::read(export, books).ok().flatten(),
            scope,
            masked,
            files: Vec::new(),
            used: BTreeMap::new(),
        }
    }

    /// Tries every file of one entry.
    pub fn entry(&mut self, entry: usize) {
        let Some(spec) = self.export.config.files.get(entry) else {
            return;
        };
        let opening = Opening {
            export: self.export,
            books: self.books,
        };
        let head = self
            .export
            .config
            .files
            .iter()
            .position(|other| other.kind == Kind::Head && other.name == spec.head);
        let head_sheet = head
            .filter(|_| !spec.head.is_empty())
            .and_then(|head| self.sheet_of(head));
        for (name, in_name) in self.export.choose(spec.pattern.get_ref()).files {
            let bound = head_sheet.as_ref().map(|(entry, sheet)| (*entry, sheet));
            // What cannot be opened is told by the pull that follows.
            let Ok(feed) = opening.open(entry, &name, bound) else {
                continue;
            };
            let heads = head_sheet
                .as_ref()
                .map(|(entry, sheet)| self.heads(*entry, sheet))
                .unwrap_or_default();
            let mut scratch = Ledger::default();
            let written = dating::written(
                &feed,
                &spec.as_of,
                in_name,
                self.listed.as_ref(),
                self.scope.now,
                &mut scratch,
            );
            self.try_file(
                spec,
                &feed,
                &heads,
                head_sheet.as_ref().map(|(_, sheet)| sheet),
                &written.text(),
            );
        }
    }

    fn sheet_of(&self, entry: usize) -> Option<(usize, Sheet)> {
        let spec = self.export.config.files.get(entry)?;
        let (name, _) = self.export.choose(spec.pattern.get_ref()).files.into_iter().next()?;
        let reading = spec.reading().over(&self.export.config.defaults);
        let mut sheet = Sheet::open(self.export.files, &name, &reading, &self.export.config.limits).ok()?;
        sheet.settle_columns(spec.columns).ok()?;
        Some((entry, sheet))
    }

    /// The rows of a head file by their key.
    fn heads(&self, entry: usize, sheet: &Sheet) -> HashMap<String, String> {
        let mut heads = HashMap::new();
        let Some(key) = self.export.config.files.get(entry).and_then(|spec| spec.key.as_ref()) else {
            return heads;
        };
        let cell = Binder::new(sheet, None, self.books).bind(key);
        let (mut scratch, mut unseen) = (Ledger::default(), Vec::new());
        let _ = super::sheet::each_row(sheet, |line, text, columns| {
            let mut sink = Sink {
                ledger: &mut scratch,
                chart: &mut unseen,
                file: "",
                line,
                patient: "",
            };
            heads.insert(
                cell.text(&Row::plain(text, columns), &mut sink).into_owned(),
                text.to_owned(),
            );
            heads.len() < MAX_HEADS
        });
        heads
    }

    fn try_file(
        &mut self,
        spec: &FileEntry,
        feed: &Feed,
        heads: &HashMap<String, String>,
        head: Option<&Sheet>,
        written: &str,
    ) {
        let sheet = &feed.sheet;
        let mut binder = Binder::new(sheet, head, self.books);
        let used = self.used.entry(sheet.name.clone()).or_default();
        let mut trials = Vec::new();
        for def in spec.kind.fields() {
            let Some(list) = spec.fields.get::<str>(def.name) else {
                continue;
            };
            for field in &list.0 {
                let cell = binder.bind(field);
                let mut places = Vec::new();
                cell.places(&mut places);
                let from = source(field, &places, sheet);
                used.extend(places);
                if !cell.is_nowhere() {
                    trials.push(Trial::new(*def, from, cell));
                }
            }
        }
        let filters = spec
            .keep
            .iter()
            .chain(&spec.drop)
            .filter_map(|filter| sheet.place(&filter.column).ok());
        used.extend(filters.chain(feed.each.iter().copied()));
        if let Some(key) = &feed.key {
            let mut places = Vec::new();
            key.places(&mut places);
            used.extend(places);
        }
        let mut all = AllColumns::new(sheet, self.masked);
        let mut counts = RowCounts::default();
        let day = self.scope.day;
        let told = each_row(sheet, &mut counts, |line, text, columns| {
            let row = Row::plain(text, columns).with_damage(text.contains(['\u{FFFD}', '\0']));
            if !feed.sieve.takes(&row) {
                return false;
            }
            all.row(text, columns);
            let mut head_columns = Columns::default();
            let head_text = key_of(feed, &row).and_then(|key| heads.get(&key));
            if let (Some(text), Some(head)) = (head_text, head) {
                head_columns.split(text, head.marks.delimiter, head.marks.quote);
            }
            let row = row.with_head(head_text.map(|text| (text.as_str(), &head_columns)));
            let (mut scratch, mut unseen) = (Ledger::default(), Vec::new());
            let mut sink = Sink {
                ledger: &mut scratch,
                chart: &mut unseen,
                file: "",
                line,
                patient: "",
            };
            let whose = feed.id_text(&row, &mut sink);
            let repeats = if feed.each.is_empty() {
                vec![row]
            } else {
                feed.each.iter().map(|at| row.for_each(*at)).collect()
            };
            for row in &repeats {
                trials
                    .iter_mut()
                    .for_each(|trial| trial.row(row, &sheet.name, line, &whose, day));
            }
            true
        });
        if told.is_err() {
            counts.broken += 1;
        }
        let report = FileReport {
            name: sheet.name.clone(),
            kind: spec.kind.word().to_owned(),
            encoding: sheet.charset.word().to_owned(),
            delimiter: delimiter_word(sheet.marks.delimiter),
            columns: sheet.columns.map_or(0, |(fewest, _)| fewest),
            rows: counts.rows,
            broken_rows: counts.broken,
            broken_lines: counts.lines,
            sieved: counts.sieved,
            written: written.to_owned(),
            fields: trials.into_iter().map(|trial| trial.finish(self.masked)).collect(),
            missing: feed.missing.iter().map(MissingColumn::text).collect(),
            unused: Vec::new(),
            open: open_fields(spec),
        };
        self.files.push((report, all.finish()));
    }

    /// The reports, each with the columns of its file that no entry uses.
    pub fn finish(self) -> Vec<FileReport> {
        let Self { files, used, .. } = self;
        files
            .into_iter()
            .map(|(mut report, columns)| {
                let used = used.get(&report.name);
                let unused = columns
                    .into_iter()
                    .enumerate()
                    .filter(|(at, _)| used.is_none_or(|used| !used.contains(at)));
                report.unused = unused.map(|(_, column)| column).collect();
                report
            })
            .collect()
    }
}

#[derive(Default)]
struct RowCounts {
    rows: u64,
    broken: u64,
    lines: Vec<u64>,
    sieved: u64,
}

impl RowCounts {
    fn broken(&mut self, line: u64) {
        self.broken += 1;
        if self.lines.len() < 3 {
            self.lines.push(line);
        }
    }
}

fn each_row(
    sheet: &Sheet,
    counts: &mut RowCounts,
    mut take: impl FnMut(u64, &str, &Columns) -> bool,
) -> std::io::Result<()> {
    let mut scanner = sheet.scanner()?;
    let (mut room, mut columns) = (String::new(), Columns::default());
    while let Some(step) = scanner.step()? {
        let raw = match step {
            Step::Row(raw) if raw.bytes.is_empty() || raw.bytes == b"\x1A" => continue,
            Step::Row(raw) => raw,
            Step::Refused(refusal) => {
                counts.rows += 1;
                counts.broken(refusal.line);
                continue;
            }
        };
        counts.rows += 1;
        let (text, _) = sheet.charset.decode(raw.bytes, &mut room);
        let split = columns.split(text, sheet.marks.delimiter, sheet.marks.quote);
        let fits = sheet.columns.is_none_or(|(fewest, _)| {
            columns.count() == fewest || (columns.count() > fewest && columns.empty_from(fewest))
        });
        if split == Split::Broken || !fits {
            counts.broken(raw.line);
        } else if !take(raw.line, text, &columns) {
            counts.sieved += 1;
        }
    }
    Ok(())
}

fn key_of(feed: &Feed, row: &Row<'_>) -> Option<String> {
    feed.head?;
    let (mut scratch, mut unseen) = (Ledger::default(), Vec::new());
    let mut sink = Sink {
        ledger: &mut scratch,
        chart: &mut unseen,
        file: "",
        line: 0,
        patient: "",
    };
    feed.key.as_ref().map(|cell| cell.text(row, &mut sink).into_owned())
}

/// Every column of a file, to show what is not used.
struct AllColumns {
    masked: bool,
    columns: Vec<ColumnReport>,
}

impl AllColumns {
    fn new(sheet: &Sheet, masked: bool) -> Self {
        let count = sheet.columns.map_or(0, |(fewest, _)| fewest).min(400);
        let column = |at: usize| ColumnReport {
            name: if sheet.headings.is_empty() {
                format!("{}列目", at + 1)
            } else {
                format!("{}({})", sheet.title(at), at + 1)
            },
            filled: 0,
            examples: Vec::new(),
        };
        Self {
            masked,
            columns: (0..count).map(column).collect(),
        }
    }

    fn row(&mut self, text: &str, columns: &Columns) {
        for (at, column) in self.columns.iter_mut().enumerate() {
            let value = columns.get(text, at).unwrap_or_default();
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            column.filled += 1;
            if column.examples.len() < 3 {
                let shown = if self.masked {
                    "（伏せています）".to_owned()
                } else {
                    short(value).replace('\n', " ")
                };
                if !column.examples.contains(&shown) {
                    column.examples.push(shown);
                }
            }
        }
    }

    fn finish(self) -> Vec<ColumnReport> {
        self.columns
    }
}

/// What the report calls the place a field comes from.
fn source(field: &FieldSpec, places: &[usize], sheet: &Sheet) -> String {
    let t = &field.0;
    if let Some(column) = &t.head {
        return format!("見出しの{column}");
    }
    if t.each {
        return "くり返す列".to_owned();
    }
    if let Some(text) = &t.constant {
        return format!("いつも「{}」", short(text));
    }
    let shown: Vec<String> = places
        .iter()
        .map(|at| {
            if sheet.headings.is_empty() {
                format!("{}列目", at + 1)
            } else {
                format!("{}({})", sheet.title(*at), at + 1)
            }
        })
        .collect();
    shown.join("＋")
}

fn delimiter_word(delimiter: u8) -> String {
    match delimiter {
        b'\t' => "タブ".to_owned(),
        b',' => "カンマ".to_owned(),
        other => char::from(other).to_string(),
    }
}

/// Fields nothing fills; one way of saying a name is enough.
fn open_fields(spec: &FileEntry) -> Vec<String> {
    let has = |name: &str| spec.fields.contains_key::<str>(name);
    let told_otherwise = |name: &str| match name {
        "name" => has("family") || has("given"),
        "family" | "given" => true,
        "kana" => has("family_kana"),
        "family_kana" | "given_kana" => true,
        "text" => has("s") || has("o") || has("a") || has("p"),
        "s" | "o" | "a" | "p" => has("text"),
        "reference" => has("reference_low") || has("reference_high"),
        "reference_low" | "reference_high" => has("reference"),
        "days" | "times" | "total" | "total_unit" => has("amount"),
        "amount" | "amount_unit" => has("days") || has("times"),
        "id" => !spec.head.is_empty(),
        _ => false,
    };
    let open = spec
        .kind
        .fields()
        .iter()
        .filter(|def| !has(def.name) && !told_otherwise(def.name));
    open.map(|def| format!("{} {}", def.name, def.word)).collect()
}
