//! The invented hospital's script for SQL Server as tables, and the questions that are shipped with it as answers: just enough SQL for
//! those fifteen.
//!
//! It is no database: a question in other words is not understood, and a text is compared byte by byte, not by a collation.

use std::cmp::Ordering;
use std::collections::HashMap;

use jiff::civil::date;

use crate::tokens::*;

type Cell = Option<Vec<u8>>;

/// One table of the script.
struct Table {
    columns: Vec<(String, String)>,
    rows: Vec<Vec<Cell>>,
}

/// All of them.
pub struct Tables(HashMap<String, Table>);

/// A place of a question's FROM: its short name, its table, and its row, which an outer join may lack.
#[derive(Clone)]
struct At<'t> {
    alias: String,
    table: &'t Table,
    row: Option<usize>,
}

enum Term {
    Column(String, String),
    Text(Vec<u8>),
}

/// Whether an order fits.
type Fits = fn(Ordering) -> bool;

enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Compare(Term, Fits, Term),
    IsNull(Term),
    Exists(String, String, Box<Condition>),
}

impl Tables {
    /// Reads the script.
    pub fn read(script: &str) -> Self {
        let mut tables = HashMap::new();
        let mut lines = script.lines();
        let mut into: Option<String> = None;
        while let Some(line) = lines.next() {
            if let Some(name) = line.strip_prefix("CREATE TABLE ") {
                let columns = lines
                    .by_ref()
                    .take_while(|line| *line != ");")
                    .filter(|line| !line.trim_start().starts_with("PRIMARY KEY"))
                    .map(|line| {
                        let mut words = line.trim().split(' ');
                        let name = words.next().unwrap().to_owned();
                        (name, words.next().unwrap().trim_end_matches(',').to_owned())
                    })
                    .collect();
                let name = name.trim_end_matches(" (").to_owned();
                tables.insert(
                    name,
                    Table {
                        columns,
                        rows: Vec::new(),
                    },
                );
            } else if let Some(name) = line.strip_prefix("INSERT INTO ") {
                into = Some(name.trim_end_matches(" VALUES").to_owned());
            } else if let (Some(table), true) = (&into, line.starts_with('(')) {
                let table = tables.get_mut(table).unwrap();
                let row = values(line);
                assert_eq!(row.len(), table.columns.len(), "{line}");
                let moments = row
                    .into_iter()
                    .zip(&table.columns)
                    .map(|(cell, (_, kind))| match kind.as_str() {
                        "DATETIME" => cell.map(|text| moment(&text)),
                        _ => cell,
                    });
                table.rows.push(moments.collect());
            }
        }
        Self(tables)
    }

    /// The tokens of a question's answer.
    pub fn answer(&self, question: &str) -> Vec<u8> {
        let lines: Vec<&str> = question.lines().filter(|line| !line.starts_with("--")).collect();
        let sql = lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        let (select, rest) = sql.strip_prefix("SELECT ").unwrap().split_once(" FROM ").unwrap();
        let (rest, order) = rest.rsplit_once(" ORDER BY ").unwrap_or((rest, ""));
        let (from, filter) = rest
            .split_once(" WHERE ")
            .map_or((rest, None), |(from, filter)| (from, Some(condition(filter))));
        let mut found: Vec<Vec<At<'_>>> = vec![Vec::new()];
        for (number, part) in from
            .replace(" LEFT JOIN ", "\u{1}left ")
            .replace(" JOIN ", "\u{1}only ")
            .split('\u{1}')
            .enumerate()
        {
            let (outer, part) = part.strip_prefix("left ").map_or((false, part), |part| (true, part));
            let part = part.strip_prefix("only ").unwrap_or(part);
            let (named, on) = part.split_once(" ON ").unwrap_or((part, ""));
            assert_eq!(number == 0, on.is_empty());
            found = self.joined(found, named, (!on.is_empty()).then(|| condition(on)).as_ref(), outer);
        }
        if let Some(filter) = &filter {
            found.retain(|row| self.holds(filter, row));
        }
        let order: Vec<(Term, bool)> = order
            .split(", ")
            .filter(|key| !key.is_empty())
            .map(|key| (term(key.trim_end_matches(" DESC")), key.ends_with(" DESC")))
            .collect();
        found.sort_by(|a, b| {
            let by = order.iter().map(|(key, down)| {
                let by = compared(&value(key, a), &value(key, b), is_number(key, a));
                if *down { by.reverse() } else { by }
            });
            by.fold(Ordering::Equal, Ordering::then)
        });
        let shown: Vec<(Vec<Term>, String)> = outside(select, ", ")
            .into_iter()
            .map(|item| {
                let (what, name) = item.rsplit_once(" AS ").unwrap();
                let parts = what.strip_prefix("CONCAT(").map_or(vec![what.to_owned()], |parts| {
                    outside(parts.trim_end_matches(')'), ", ")
                });
                (parts.iter().map(|part| term(part)).collect(), name.to_owned())
            })
            .collect();
        let places = self.joined_places(from);
        let columns: Vec<Column> = shown
            .iter()
            .map(|(parts, name)| match parts.as_slice() {
                [Term::Column(alias, of)] => column(name, &announced(&places[alias].kind(of))),
                _ => column(name, &announced("VARCHAR(MAX)")),
            })
            .collect();
        let rows: Vec<Vec<Vec<u8>>> = found
            .iter()
            .map(|row| {
                shown
                    .iter()
                    .map(|(parts, _)| match parts.as_slice() {
                        [one @ Term::Column(alias, of)] => sent(&places[alias].kind(of), value(one, row)),
                        // NULL is nothing in CONCAT.
                        parts => sent(
                            "VARCHAR(MAX)",
                            Some(
                                parts
                                    .iter()
                                    .flat_map(|part| value(part, row).unwrap_or_default())
                                    .collect(),
                            ),
                        ),
                    })
                    .collect()
            })
            .collect();
        answer(&columns, &rows)
    }

    fn joined<'t>(
        &'t self,
        found: Vec<Vec<At<'t>>>,
        named: &str,
        on: Option<&Condition>,
        outer: bool,
    ) -> Vec<Vec<At<'t>>> {
        let (table, alias) = named.split_once(' ').unwrap();
        let table = &self.0[table];
        let mut joined = Vec::new();
        for left in found {
            let with = |row| {
                let mut all: Vec<At<'t>> = left.clone();
                all.push(At {
                    alias: alias.to_owned(),
                    table,
                    row,
                });
                all
            };
            let before = joined.len();
            for row in 0..table.rows.len() {
                let all = with(Some(row));
                if on.is_none_or(|on| self.holds(on, &all)) {
                    joined.push(all);
                }
            }
            if outer && joined.len() == before {
                joined.push(with(None));
            }
        }
        joined
    }

    fn joined_places(&self, from: &str) -> HashMap<String, &Table> {
        let places = from.replace(" LEFT JOIN ", "\u{1}").replace(" JOIN ", "\u{1}");
        let named = places
            .split('\u{1}')
            .map(|part| part.split_once(" ON ").map_or(part, |(named, _)| named));
        named
            .map(|named| named.split_once(' ').unwrap())
            .map(|(table, alias)| (alias.to_owned(), &self.0[table]))
            .collect()
    }

    fn holds(&self, condition: &Condition, row: &[At<'_>]) -> bool {
        match condition {
            Condition::All(all) => all.iter().all(|one| self.holds(one, row)),
            Condition::Any(any) => any.iter().any(|one| self.holds(one, row)),
            Condition::IsNull(term) => value(term, row).is_none(),
            Condition::Compare(left, fits, right) => match (value(left, row), value(right, row)) {
                (Some(left), Some(right)) => fits(compared(&Some(left), &Some(right), false)),
                _ => false,
            },
            Condition::Exists(table, alias, inner) => {
                let table = &self.0[table];
                (0..table.rows.len()).any(|at| {
                    let mut all: Vec<At<'_>> = row.to_vec();
                    all.push(At {
                        alias: alias.clone(),
                        table,
                        row: Some(at),
                    });
                    self.holds(inner, &all)
                })
            }
        }
    }
}

impl Table {
    fn place(&self, column: &str) -> usize {
        self.columns
            .iter()
            .position(|(name, _)| name == column)
            .unwrap_or_else(|| panic!("no column {column}"))
    }

    fn kind(&self, column: &str) -> String {
        self.columns[self.place(column)].1.clone()
    }
}

fn value(term: &Term, row: &[At<'_>]) -> Cell {
    match term {
        Term::Text(text) => Some(text.clone()),
        Term::Column(alias, column) => {
            let at = row.iter().rev().find(|at| at.alias == *alias).unwrap();
            at.table.rows[at.row?][at.table.place(column)].clone()
        }
    }
}

fn is_number(term: &Term, row: &[At<'_>]) -> bool {
    let Term::Column(alias, column) = term else {
        return false;
    };
    let at = row.iter().find(|at| at.alias == *alias).unwrap();
    matches!(at.table.kind(column).as_str(), "INT" | "DECIMAL(12,3)")
}

/// Blanks at the end do not count, a day is its midnight, and NULL comes first.
fn compared(left: &Cell, right: &Cell, numbers: bool) -> Ordering {
    let plain = |cell: &Cell, other: &Cell| {
        let mut text = cell.clone()?;
        while text.last() == Some(&b' ') {
            text.pop();
        }
        if text.len() == 8 && other.as_ref().is_some_and(|other| other.len() == 14) {
            text.extend(b"000000");
        }
        Some(text)
    };
    let (left, right) = (plain(left, right), plain(right, left));
    if numbers {
        let number = |cell: Cell| cell.and_then(|text| String::from_utf8(text).unwrap().parse::<f64>().ok());
        return number(left).partial_cmp(&number(right)).unwrap();
    }
    left.cmp(&right)
}

/// The values of a line of an INSERT.
fn values(line: &str) -> Vec<Cell> {
    let line = line.trim_end_matches([',', ';']);
    let inside = line.strip_prefix('(').unwrap().strip_suffix(')').unwrap();
    outside(inside, ",").iter().map(|literal| cell(literal)).collect()
}

fn cell(literal: &str) -> Cell {
    if literal == "NULL" {
        return None;
    }
    if let Some(hex) = literal.strip_prefix("CONVERT(VARCHAR(MAX),0x") {
        let hex = hex.trim_end_matches(')');
        return Some(
            (0..hex.len() / 2)
                .map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap())
                .collect(),
        );
    }
    let text = literal.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    // What is no ASCII stands in hexadecimal, but for the blank between two names in a question.
    Some(
        text.map_or(literal.to_owned(), |text| text.replace("''", "'"))
            .replace('　', "\u{1}")
            .bytes()
            .flat_map(|byte| if byte == 1 { vec![0x81, 0x40] } else { vec![byte] })
            .collect(),
    )
}

/// A moment as fourteen digits.
fn moment(text: &[u8]) -> Vec<u8> {
    let mut digits: Vec<u8> = text.iter().copied().filter(u8::is_ascii_digit).collect();
    digits.resize(14, b'0');
    digits
}

/// Cuts where `mark` stands outside quotes and parentheses.
fn outside(text: &str, mark: &str) -> Vec<String> {
    let (mut parts, mut from, mut depth, mut quoted) = (Vec::new(), 0, 0_i32, false);
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let next = rest.chars().next().unwrap();
        if !quoted && depth == 0 && rest.starts_with(mark) {
            parts.push(text[from..at].to_owned());
            at += mark.len();
            from = at;
            continue;
        }
        match next {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        at += next.len_utf8();
    }
    parts.push(text[from..].to_owned());
    parts
}

fn term(text: &str) -> Term {
    match text.split_once('.') {
        Some((alias, column)) if !text.starts_with('\'') => Term::Column(alias.to_owned(), column.to_owned()),
        _ => Term::Text(cell(text).unwrap()),
    }
}

fn condition(text: &str) -> Condition {
    let text = text.trim();
    let any = outside(text, " OR ");
    if any.len() > 1 {
        return Condition::Any(any.iter().map(|one| condition(one)).collect());
    }
    let all = outside(text, " AND ");
    if all.len() > 1 {
        return Condition::All(all.iter().map(|one| condition(one)).collect());
    }
    if let Some(inner) = text.strip_prefix("EXISTS (SELECT 1 FROM ") {
        let (named, filter) = inner.strip_suffix(')').unwrap().split_once(" WHERE ").unwrap();
        let (table, alias) = named.split_once(' ').unwrap();
        return Condition::Exists(table.to_owned(), alias.to_owned(), Box::new(condition(filter)));
    }
    if let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        return condition(inner);
    }
    if let Some(term_text) = text.strip_suffix(" IS NULL") {
        return Condition::IsNull(term(term_text));
    }
    let fits: [(&str, Fits); 3] = [
        (" <= ", Ordering::is_le),
        (" = ", Ordering::is_eq),
        (" > ", Ordering::is_gt),
    ];
    let (mark, fits) = fits
        .into_iter()
        .find(|(mark, _)| text.contains(mark))
        .unwrap_or_else(|| panic!("not understood: {text}"));
    let (left, right) = text.split_once(mark).unwrap();
    Condition::Compare(term(left), fits, term(right))
}

/// A type as COLMETADATA announces it.
fn announced(kind: &str) -> Vec<u8> {
    let sized = |byte: u8, length: u16| [&[byte][..], &length.to_le_bytes(), &JAPANESE].concat();
    let length = kind.split(['(', ')']).nth(1).unwrap_or_default();
    match kind.split('(').next().unwrap() {
        "VARCHAR" => sized(0xA7, length.parse().unwrap_or(0xFFFF)),
        "CHAR" => sized(0xAF, length.parse().unwrap()),
        "DATETIME" => vec![0x6F, 8],
        "DECIMAL" => vec![0x6A, 9, 12, 3],
        "INT" => vec![0x26, 4],
        other => panic!("type {other}"),
    }
}

/// A value as it is sent.
fn sent(kind: &str, value: Cell) -> Vec<u8> {
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    match (kind.split('(').next().unwrap(), value) {
        ("VARCHAR", None) if kind == "VARCHAR(MAX)" => vec![0xFF; 8],
        ("VARCHAR" | "CHAR", None) => sized_null(),
        (_, None) => vec![0],
        ("VARCHAR", Some(value)) if kind == "VARCHAR(MAX)" => plp(&value),
        ("VARCHAR", Some(value)) => sized(&value),
        ("CHAR", Some(mut value)) => {
            let length = kind.split(['(', ')']).nth(1).unwrap().parse().unwrap();
            value.resize(length, b' ');
            sized(&value)
        }
        ("DATETIME", Some(value)) => {
            let digits = text(&value);
            let part = |from: usize, to: usize| digits[from..to].parse::<i32>().unwrap();
            let day = date(
                part(0, 4).try_into().unwrap(),
                part(4, 6).try_into().unwrap(),
                part(6, 8).try_into().unwrap(),
            );
            let days = day.since(date(1900, 1, 1)).unwrap().get_days();
            let seconds = part(8, 10) * 3_600 + part(10, 12) * 60 + part(12, 14);
            short(&[days.to_le_bytes(), (seconds * 300).to_le_bytes()].concat())
        }
        ("DECIMAL", Some(value)) => {
            let value = text(&value);
            let (whole, part) = value.split_once('.').unwrap_or((&value, ""));
            let thousandths: u64 = format!("{whole}{part:0<3}").parse().unwrap();
            short(&[&[1][..], &thousandths.to_le_bytes()].concat())
        }
        ("INT", Some(value)) => number(text(&value).parse().unwrap()),
        (other, _) => panic!("type {other}"),
    }
}
