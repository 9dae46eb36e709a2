//! Code tables: what a hospital's short codes mean, from the mapping itself or from a master file of the export.
//!
//! A code that is not in its table stays visible as it is and becomes a Finding; nothing is made up for it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::bind::Binder;
use super::cell::{Cell, Row};
use super::config::Master;
use super::export::Export;
use super::reading::Reading;
use super::sheet::{self, Sheet, SheetFault};
use crate::sources::gather::{Ledger, Sink};
use chart::id::half_width_text;
use chart::{Finding, Severity};

/// Most codes of one table.
pub const MAX_CODES: usize = 200_000;

/// One code table.
#[derive(Debug, Default)]
pub struct Codebook {
    /// What the mapping calls it.
    pub name: String,
    /// True when its file could not be read: then its gaps are no news.
    pub broken: bool,
    texts: HashMap<String, String>,
}

/// All code tables of a mapping by name.
pub type Codebooks = BTreeMap<String, Rc<Codebook>>;

impl Codebook {
    /// The text of a code; full-width letters and digits fit half-width ones.
    #[must_use]
    pub fn text(&self, code: &str) -> Option<&str> {
        if let Some(text) = self.texts.get(code) {
            return Some(text);
        }
        match half_width_text(code) {
            Cow::Borrowed(_) => None,
            Cow::Owned(code) => self.texts.get(&code).map(String::as_str),
        }
    }
}

/// Loads every table of a mapping; a master that cannot be read becomes an empty table and a Finding.
pub fn load(export: &Export<'_>, ledger: &mut Ledger) -> Codebooks {
    let mut books = Codebooks::new();
    for (name, map) in &export.config.codes {
        let texts = map
            .iter()
            .map(|(code, text)| (code.trim().to_owned(), text.0.clone()))
            .collect();
        books.insert(
            name.clone(),
            Rc::new(Codebook {
                name: name.clone(),
                broken: false,
                texts,
            }),
        );
    }
    for (name, master) in &export.config.masters {
        let file = master.file.get_ref();
        let book = read(export, name, master, &books, ledger).unwrap_or_else(|message| {
            ledger.add(Finding::new("master.unreadable", Severity::Severe, message).at(file, 0));
            Codebook {
                name: name.clone(),
                broken: true,
                texts: HashMap::new(),
            }
        });
        books.insert(name.clone(), Rc::new(book));
    }
    books
}

fn read(
    export: &Export<'_>,
    name: &str,
    master: &Master,
    books: &Codebooks,
    ledger: &mut Ledger,
) -> Result<Codebook, String> {
    let after = "コードの名前が出ないため、コードのまま表示します。";
    let chosen = export.choose(master.file.get_ref());
    let mut book = Codebook {
        name: name.to_owned(),
        ..Codebook::default()
    };
    if chosen.files.is_empty() {
        return Err(format!(
            "コード表「{name}」のファイルがありません。{after}出力に含まれているか確かめてください。"
        ));
    }
    for (file, _) in &chosen.files {
        let reading = master.reading().over(&export.config.defaults);
        let mut sheet =
            Sheet::open(export.files, file, &reading, &export.config.limits).map_err(|fault| match fault {
                SheetFault::Unreadable(why) => format!("コード表「{name}」のファイルを読めません（{why}）。{after}"),
                SheetFault::Empty => format!("コード表「{name}」のファイルが空です。{after}"),
                SheetFault::Heading => format!("コード表「{name}」の見出し行を読めません。{after}"),
            })?;
        sheet
            .settle_columns(None)
            .map_err(|_| format!("コード表「{name}」のファイルを読めません。{after}"))?;
        let mut binder = Binder::new(&sheet, None, books);
        let code = binder.bind(&master.code);
        let text = binder.bind(&master.name);
        if let Some(missing) = binder.missing.first() {
            return Err(format!("コード表「{name}」に{}{after}", missing.text()));
        }
        fill(&mut book, &sheet, &code, &text, ledger)
            .map_err(|e| format!("コード表「{name}」を読めません（{e}）。{after}"))?;
    }
    Ok(book)
}

fn fill(book: &mut Codebook, sheet: &Sheet, code: &Cell, text: &Cell, ledger: &mut Ledger) -> std::io::Result<()> {
    let mut unseen = Vec::new();
    let name = book.name.clone();
    sheet::each_row(sheet, |line, row, columns| {
        let row = Row::plain(row, columns);
        let mut sink = Sink {
            ledger,
            chart: &mut unseen,
            file: &sheet.name,
            line,
            patient: "",
        };
        let code = code.text(&row, &mut sink).into_owned();
        let text = text.text(&row, &mut sink).into_owned();
        if code.is_empty() {
            return true;
        }
        if let Some(other) = book.texts.get(&code).filter(|other| **other != text) {
            let message = format!(
                "コード表「{name}」でコード「{code}」が2通りに使われています（「{other}」と「{text}」）。先の行を使いました。"
            );
            sink.tell_once(&code, "code.twice", Severity::Warning, "", message);
            return true;
        }
        book.texts.insert(code, text);
        book.texts.len() < MAX_CODES
    })
}

impl Master {
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
