//! One file of the export on its way into charts: opened, bound to the mapping, with the places of its rows by patient.
//!
//! A file that cannot be used is no feed; the reason is a Finding and its kind of data counts as not fetched.

use chart::{DataKind, Finding, Moment, Severity};

use super::bind::{Binder, MissingColumn};
use super::cell::{Cell, Row};
use super::codebook::Codebooks;
use super::config::{FileEntry, Filter};
use super::export::Export;
use super::fields::Kind;
use super::plan::{Fields, Plan};
use super::reading::Reading;
use super::sheet::{Sheet, SheetFault};
use crate::sources::gather::Sink;

/// Where the rows of one patient lie: neighbours in the file are one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The patient's number, later the patient's place in the order of assembly.
    pub person: u32,
    /// Line of the first row.
    pub line: u32,
    /// First byte.
    pub offset: u64,
    /// Bytes, line ends included.
    pub length: u32,
    /// Rows.
    pub rows: u32,
}

/// An opened file bound to its mapping entry.
#[derive(Debug)]
pub struct Feed {
    /// Which entry of the mapping it belongs to.
    pub entry: usize,
    /// What it holds.
    pub kind: Kind,
    /// Whose time and state it decides.
    pub data: DataKind,
    /// The file.
    pub sheet: Sheet,
    /// How its rows become facts.
    pub plan: Plan,
    /// The patient number; `None` where the head row has it.
    pub id: Option<Cell>,
    /// What joins head and detail.
    pub key: Option<Cell>,
    /// The entry of the head file.
    pub head: Option<usize>,
    /// Columns each of which makes a fact of its own.
    pub each: Vec<usize>,
    /// Which rows are taken.
    pub sieve: Sieve,
    /// True when the file name holds the day of its rows.
    pub names_the_day: bool,
    /// When the EHR wrote it.
    pub written: Moment,
    /// Mapped columns that the file does not have.
    pub missing: Vec<MissingColumn>,
    /// Places of the rows.
    pub runs: Vec<Run>,
    /// Patients some row of whom could not be read, with its line.
    pub lost: Vec<(u32, u64)>,
    /// Counts for the record of origin.
    pub tally: Counts,
}

/// What happened to the rows of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Data rows seen.
    pub rows: u64,
    /// Rows that became facts.
    pub used: u64,
    /// Rows that could not be used.
    pub refused: u64,
    /// Refused rows of which nobody can say whose they are.
    pub nobodys: u64,
    /// Rows left out by `keep` and `drop`.
    pub sieved: u64,
    /// Rows of patients or days that are not asked for.
    pub elsewhere: u64,
    /// True when the file ends inside a row or changed while it was read.
    pub half_written: bool,
}

/// The conditions on rows.
#[derive(Debug, Default)]
pub struct Sieve {
    keep: Vec<(usize, Vec<String>)>,
    drop: Vec<(usize, Vec<String>)>,
}

impl Sieve {
    /// True when a row is to be taken.
    #[must_use]
    pub fn takes(&self, row: &Row<'_>) -> bool {
        let fits = |(at, values): &(usize, Vec<String>)| {
            let text = row.column(*at);
            values.iter().any(|value| value == text.trim())
        };
        self.keep.iter().all(fits) && !self.drop.iter().any(fits)
    }

    /// The columns it looks at.
    pub fn places(&self, into: &mut Vec<usize>) {
        into.extend(self.keep.iter().chain(&self.drop).map(|(at, _)| *at));
    }

    /// True when it takes every row.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.keep.is_empty() && self.drop.is_empty()
    }
}

/// Everything needed to open the files of one entry.
pub struct Opening<'c> {
    /// The export.
    pub export: &'c Export<'c>,
    /// The code tables.
    pub books: &'c Codebooks,
}

impl Opening<'_> {
    /// Opens one file of an entry. `head` is a file of the entry it refers to.
    ///
    /// # Errors
    /// The Finding that says why the file cannot be used.
    pub fn open(&self, entry: usize, name: &str, head: Option<(usize, &Sheet)>) -> Result<Feed, Box<Finding>> {
        let Some(spec) = self.export.config.files.get(entry) else {
            return Err(Box::new(Finding::new(
                "file.missing",
                Severity::Severe,
                "対応表にない項目です。",
            )));
        };
        let refuse = |code: &str, message: String| Box::new(Finding::new(code, Severity::Severe, message).at(name, 0));
        let word = spec.kind.word();
        let reading = spec.reading().over(&self.export.config.defaults);
        let mut sheet = Sheet::open(self.export.files, name, &reading, &self.export.config.limits).map_err(|fault| match fault {
            SheetFault::Unreadable(why) => {
                refuse("file.unreadable", format!("{word}のファイルを読めません（{why}）。この内容は「取得できず」になります。"))
            }
            SheetFault::Empty => refuse(
                "file.empty",
                format!("{word}のファイルが空（0バイト）です。この内容は「取得できず」になります。出力が失敗していないか確かめてください。"),
            ),
            SheetFault::Heading => refuse(
                "file.heading",
                format!("{word}のファイルの見出し行を読めません。この内容は「取得できず」になります。区切り文字と文字コードの指定を確かめてください。"),
            ),
        })?;
        sheet
            .settle_columns(spec.columns)
            .map_err(|_| refuse("file.unreadable", format!("{word}のファイルを読めません。")))?;
        let head_entry = head.map(|(entry, _)| entry);
        let mut fields = Fields::new(spec, Binder::new(&sheet, head.map(|(_, sheet)| sheet), self.books));
        let unusable = |missing: &[MissingColumn], lacking: &[&str]| {
            let told: Vec<String> = missing.iter().map(MissingColumn::text).collect();
            let lacking = if lacking.is_empty() {
                String::new()
            } else {
                format!("必須の項目: {}。", lacking.join("、"))
            };
            refuse(
                "file.column_missing",
                format!(
                    "{word}のファイルを使えません。{}{lacking}この内容は「取得できず」になります。対応表を直してください。",
                    told.concat()
                ),
            )
        };
        let plan = match Plan::bind(&mut fields, spec.kind) {
            Ok(plan) => plan,
            Err(lacking) => return Err(unusable(&fields.binder.missing, &lacking)),
        };
        let id = fields.one("id");
        let mut binder = fields.binder;
        let key = spec.key.as_ref().map(|key| binder.bind(key));
        let before = binder.missing.len();
        let sieve = Sieve {
            keep: bound(&mut binder, &spec.keep),
            drop: bound(&mut binder, &spec.drop),
        };
        let each: Vec<usize> = spec.each.iter().filter_map(|column| binder.place(column)).collect();
        let nowhere = |cell: &Option<Cell>| cell.as_ref().is_some_and(Cell::is_nowhere);
        // Without the patient number nobody's row is known; without a condition rows would come in that must stay out.
        if nowhere(&id) || nowhere(&key) || binder.missing.len() > before {
            return Err(unusable(&binder.missing, if nowhere(&id) { &["id"] } else { &[] }));
        }
        let missing = binder.missing;
        let data = spec.kind.data().unwrap_or_else(|| self.data_of_head(&spec.name));
        Ok(Feed {
            entry,
            kind: spec.kind,
            data,
            plan,
            id,
            key,
            head: head_entry,
            each,
            sieve,
            names_the_day: false,
            written: sheet.modified.unwrap_or_default(),
            missing,
            runs: Vec::new(),
            lost: Vec::new(),
            tally: Counts::default(),
            sheet,
        })
    }

    /// A head file belongs to the kind of the first file that refers to it.
    fn data_of_head(&self, name: &str) -> DataKind {
        self.export
            .config
            .files
            .iter()
            .find(|entry| entry.head == name)
            .and_then(|entry| entry.kind.data())
            .unwrap_or(DataKind::Prescription)
    }
}

impl Feed {
    /// Notes a row of a patient; neighbours become one run.
    pub fn note_row(&mut self, person: u32, offset: u64, length: u64, line: u64) {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        if let Some(last) = self.runs.last_mut()
            && last.person == person
            && last.offset + u64::from(last.length) == offset
            && last.length < LONGEST_RUN
        {
            last.length = last.length.saturating_add(length);
            last.rows += 1;
            return;
        }
        self.runs.push(Run {
            person,
            line: u32::try_from(line).unwrap_or(u32::MAX),
            offset,
            length,
            rows: 1,
        });
    }

    /// Notes that a row of a patient could not be read.
    pub fn note_loss(&mut self, person: u32, line: u64) {
        if self.lost.len() < MAX_LOST {
            self.lost.push((person, line));
        }
    }

    /// The patient number of a row, as its text says.
    #[must_use]
    pub fn id_text(&self, row: &Row<'_>, sink: &mut Sink<'_>) -> String {
        self.id
            .as_ref()
            .map(|cell| cell.text(row, sink).into_owned())
            .unwrap_or_default()
    }
}

/// Bytes from which a run is not lengthened any more.
const LONGEST_RUN: u32 = 1 << 20;

/// Most lost rows that are remembered by patient.
const MAX_LOST: usize = 1_000_000;

fn bound(binder: &mut Binder<'_>, filters: &[Filter]) -> Vec<(usize, Vec<String>)> {
    filters
        .iter()
        .filter_map(|filter| Some((binder.place(&filter.column)?, filter.values.clone())))
        .collect()
}

impl FileEntry {
    /// How its bytes become rows, as far as the entry says so itself.
    #[must_use]
    pub fn reading(&self) -> Reading {
        Reading {
            encoding: self.encoding,
            delimiter: self.delimiter,
            quote: self.quote,
            header: self.header,
            skip_lines: self.skip_lines,
        }
    }
}
