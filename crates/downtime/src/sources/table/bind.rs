//! Binding the fields of a mapping to the columns of an opened file.
//!
//! A column that is not there is noted with what may be meant instead; whether the file can be used without it is decided by
//! the caller.

use super::cell::{Cell, From, Rules};
use super::codebook::Codebooks;
use super::sheet::{NoColumn, Sheet};
use super::spec::{Column, FieldSpec};

/// A column that a mapping names and a file does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingColumn {
    /// As the mapping names it.
    pub column: Column,
    /// Why it was not found.
    pub why: NoColumn,
}

impl MissingColumn {
    /// What is wrong and what may be meant.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.why {
            NoColumn::Unknown(alike) if alike.is_empty() => format!("列「{}」がありません。", self.column),
            NoColumn::Unknown(alike) => {
                format!("列「{}」がありません。似た列: {}。", self.column, alike.join("、"))
            }
            NoColumn::Twice(places) => {
                let places: Vec<String> = places.iter().map(ToString::to_string).collect();
                format!(
                    "列「{}」が{}列目にあり、1つに決まりません。位置の数で書いてください。",
                    self.column,
                    places.join("・")
                )
            }
            NoColumn::NoHeadings => format!(
                "見出しのないファイルなので、列「{}」は位置の数で書いてください。",
                self.column
            ),
            NoColumn::Beyond(most) => format!("{}はありません（このファイルは{most}列）。", self.column),
        }
    }
}

/// Binds the fields of one mapping entry to the columns of its file.
pub struct Binder<'s> {
    sheet: &'s Sheet,
    head: Option<&'s Sheet>,
    books: &'s Codebooks,
    /// Columns that were not found so far.
    pub missing: Vec<MissingColumn>,
}

impl<'s> Binder<'s> {
    /// For one file, its head file if it has one, and the mapping's code tables.
    #[must_use]
    pub const fn new(sheet: &'s Sheet, head: Option<&'s Sheet>, books: &'s Codebooks) -> Self {
        Self {
            sheet,
            head,
            books,
            missing: Vec::new(),
        }
    }

    /// The place of a column, counted from 0; what is not found is noted.
    pub fn place(&mut self, column: &Column) -> Option<usize> {
        self.place_in(self.sheet, column)
    }

    fn place_in(&mut self, sheet: &Sheet, column: &Column) -> Option<usize> {
        match sheet.place(column) {
            Ok(at) => Some(at),
            Err(why) => {
                let missing = MissingColumn {
                    column: column.clone(),
                    why,
                };
                if !self.missing.contains(&missing) {
                    self.missing.push(missing);
                }
                None
            }
        }
    }

    /// Binds one field.
    pub fn bind(&mut self, spec: &FieldSpec) -> Cell {
        let t = &spec.0;
        let mut title = String::new();
        let from = if let Some(column) = &t.column {
            match self.place(column) {
                Some(at) => {
                    title = self.sheet.title(at);
                    From::Column(at)
                }
                None => From::Nowhere,
            }
        } else if let Some(column) = &t.head {
            match self.head.and_then(|head| self.place_in(head, column)) {
                Some(at) => {
                    title = self.head.map(|head| head.title(at)).unwrap_or_default();
                    From::Head(at)
                }
                None => From::Nowhere,
            }
        } else if let Some(text) = &t.constant {
            From::Constant(text.clone())
        } else if t.each {
            From::Each
        } else {
            let cells: Vec<Cell> = t.join.iter().map(|part| self.bind(part)).collect();
            title = cells
                .iter()
                .map(|cell| cell.title.as_str())
                .filter(|t| !t.is_empty())
                .collect::<Vec<_>>()
                .join("＋");
            From::Join(cells, t.separator.clone().unwrap_or_default())
        };
        let or = t.or.as_deref().map(|or| self.bind(or));
        let on = t.on.as_deref().map(|on| Box::new(self.bind(on)));
        let rules = Rules {
            blank: t.blank.clone(),
            codes: t.codes.as_ref().and_then(|name| self.books.get(name)).cloned(),
            otherwise: t.otherwise.clone(),
            as_is: t.as_is,
            default: t.default.clone(),
            or,
            prefix: t.prefix.clone(),
            suffix: t.suffix.clone(),
            pad: t.pad,
        };
        Cell {
            from,
            title,
            label: t.label.clone(),
            date: t.date,
            range: t.range,
            on,
            rules: rules.is_needed().then(|| Box::new(rules)),
        }
    }
}
