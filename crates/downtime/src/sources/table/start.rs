//! `map --start`: a first mapping from unknown files, for a person to correct in half an hour instead of writing it.
//!
//! It shows what every column looks like and guesses by common headings. It never guesses what a code means.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::fields::{FieldDef, Kind, Shape};
use super::files::Files;
use super::seen::{Seen, SeenColumn, look, look_at};
use super::spec::DateForm;
use super::value;
use super::{guess, insurance};

/// A mapping to begin with, as TOML text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The text; it is a valid mapping whenever a patient file was among the files.
    pub toml: String,
}

impl std::fmt::Display for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.toml)
    }
}

/// Looks at files and writes a mapping to begin with.
///
/// # Errors
/// When none of the files can be read: what happened to the first.
pub fn start(files: &[PathBuf]) -> Result<Start, String> {
    begin(files.iter().map(|path| look(path)))
}

/// Looks at answers that are held in memory and writes a mapping to begin with.
///
/// # Errors
/// When there is no answer: what happened to the first.
pub fn start_with(files: &Files) -> Result<Start, String> {
    let names = files.names().map_err(|error| error.to_string())?;
    begin(names.iter().map(|name| look_at(files, name)))
}

fn begin(looked: impl Iterator<Item = Result<Seen, String>>) -> Result<Start, String> {
    let mut seen = Vec::new();
    let mut notes = String::new();
    for file in looked {
        match file {
            Ok(file) => seen.push(file),
            // A database's own words may have lines.
            Err(message) => notes.push_str(&format!("# {}\n", message.replace(['\r', '\n'], " "))),
        }
    }
    if seen.is_empty() {
        let first = notes
            .lines()
            .next()
            .unwrap_or("# ファイルがありません")
            .trim_start_matches("# ")
            .to_owned();
        return Err(first);
    }
    let mut toml = String::from(
        "# Tomoshibi の対応表（書きかけ）。推測した行には「?」が付いています。必ず見て直してください。\n\
         # 直したら: tomoshibi map --check で確かめます。説明は docs/operating/mapping.md にあります。\n\n\
         name = \"（病院名・出力の名前）\"\n\n",
    );
    toml.push_str(&notes);
    let mut codes = BTreeMap::new();
    let names: Vec<&str> = seen.iter().map(|file| file.name.as_str()).collect();
    let masters: Vec<&str> = seen.iter().filter_map(Seen::master).collect();
    let bodies: Vec<String> = seen
        .iter()
        .map(|file| file.toml(&names, &masters, &mut codes))
        .collect();
    for (name, values) in &codes {
        toml.push_str(&format!(
            "# コードの意味を右に書いてください（書けるもの: {}）\n[codes.{name}]\n",
            meanings(name)
        ));
        for (value, count) in values {
            toml.push_str(&format!("{} = \"?\"  # {count}件\n", quoted(value)));
        }
        toml.push('\n');
    }
    toml.push_str(&bodies.concat());
    Ok(Start { toml })
}

/// Code tables to be filled in by a person: name → code → rows.
type Codes = BTreeMap<String, BTreeMap<String, u64>>;

impl Seen {
    fn toml(&self, names: &[&str], masters: &[&str], codes: &mut Codes) -> String {
        let delimiter = match self.delimiter {
            b'\t' => "tab".to_owned(),
            other => char::from(other).to_string(),
        };
        let mut out = if self.held {
            format!(
                "# ── {}（{}列、{}行まで見ました）\n",
                self.name,
                self.columns.len(),
                self.rows
            )
        } else {
            format!(
                "# ── {}（{}、区切り {}、{}列、見出し{}）\n",
                self.name,
                self.charset,
                if delimiter == "tab" { "タブ" } else { &delimiter },
                self.columns.len(),
                if self.header { "あり" } else { "なし" }
            )
        };
        if let Some(master) = self.master() {
            out.push_str(&self.master_toml(master, &delimiter));
            return out;
        }
        if let Some(tally) = self.tally_toml(names, &delimiter) {
            out.push_str(&tally);
            return out;
        }
        let kind = self.kind();
        out.push_str(&format!("[[files]]\nkind = \"{}\"  # ? {}\n", kind.code(), kind.word()));
        out.push_str(&format!("pattern = {}\n", quoted(&pattern(&self.name))));
        out.push_str(&self.reading_toml(&delimiter));
        if let Some(ended) = self
            .columns
            .iter()
            .position(|column| kind == Kind::Diagnosis && column.key() == "転帰")
        {
            let values: Vec<&str> = self
                .columns
                .get(ended)
                .map(|c| c.counts.keys().map(String::as_str).collect())
                .unwrap_or_default();
            out.push_str(&format!(
                "# drop = [{{ column = \"転帰\", values = [\"治癒\", \"中止\"] }}]  # ? 終わった病名を除くとき（今ある値: {}）\n",
                values.join("、")
            ));
        }
        out.push_str("[files.fields]\n");
        let mut taken = vec![false; self.columns.len()];
        let mut found_id = false;
        for def in kind.fields() {
            let found = self.field_toml(def, kind, &mut taken, codes, &mut out);
            found_id |= def.name == "id" && found;
            if !found {
                self.named_by_master(def, kind, masters, &mut out);
            }
        }
        for (at, column) in self
            .columns
            .iter()
            .enumerate()
            .filter(|(at, _)| taken.get(*at) == Some(&false))
        {
            out.push_str(&format!(
                "# 使っていない列: {}  # {}\n",
                self.place(at),
                column.examples.join("、")
            ));
        }
        out.push('\n');
        if found_id { out } else { without_id(&out) }
    }

    /// A name that only a master can give.
    fn named_by_master(&self, def: &FieldDef, kind: Kind, masters: &[&str], out: &mut String) {
        // Diagnoses have a department's name and no code of their own.
        let (code, master) = match guess::NAMED_BY.iter().find(|(field, ..)| *field == def.name) {
            Some((_, code, master)) => (*code, *master),
            None if def.name == "department" => ("department_code", "department"),
            None => return,
        };
        let mut defs = kind.fields().iter().chain(Kind::Note.fields());
        let Some(code) = defs.find(|other| other.name == code) else {
            return;
        };
        let column = self
            .columns_for(code, kind, &vec![false; self.columns.len()])
            .into_iter()
            .next();
        if let Some(at) = column.filter(|_| masters.contains(&master)) {
            let place = self.place(at);
            out.push_str(&format!(
                "{} = {{ column = {place}, codes = \"{master}\" }}  # ? {}\n",
                def.name, def.word
            ));
        }
    }

    /// The list of files and counts, known by the names of the other files in it.
    fn tally_toml(&self, names: &[&str], delimiter: &str) -> Option<String> {
        let lists = |column: &SeenColumn| {
            column
                .counts
                .keys()
                .filter(|text| names.contains(&text.as_str()))
                .count()
                >= 2
        };
        let name = self.columns.iter().position(lists)?;
        let numbers = |c: &SeenColumn| c.filled > 0 && c.examples.iter().all(|e| e.bytes().all(|b| b.is_ascii_digit()));
        let rows = self.columns.iter().position(numbers)?;
        let file = quoted(&pattern(&self.name));
        let mut out = format!("[tally]  # ? 件数の表。途中で止まった出力を見分けます\nfile = {file}\n");
        out.push_str(&format!(
            "encoding = \"{}\"\ndelimiter = \"{delimiter}\"\n",
            self.charset
        ));
        if !self.header {
            out.push_str("header = false\n");
        }
        let last = self
            .columns
            .get(name)
            .and_then(|column| column.last.clone())
            .filter(|text| !names.contains(&text.as_str()));
        if let Some(end) = last.filter(|text| !text.contains('.')) {
            out.push_str(&format!("end = {}  # ? 最後の行の印\n", quoted(&end)));
        }
        out.push_str(&format!("name = {}\nrows = {}\n\n", self.place(name), self.place(rows)));
        Some(out)
    }

    fn reading_toml(&self, delimiter: &str) -> String {
        if self.held {
            return String::new();
        }
        let mut out = format!("encoding = \"{}\"\ndelimiter = \"{delimiter}\"\n", self.charset);
        if !self.header {
            out.push_str(&format!("header = false\ncolumns = {}\n", self.columns.len()));
        }
        out
    }

    fn field_toml(&self, def: &FieldDef, kind: Kind, taken: &mut [bool], codes: &mut Codes, out: &mut String) -> bool {
        let found = self.columns_for(def, kind, taken);
        if found.is_empty() {
            return false;
        }
        for at in &found {
            if let Some(slot) = taken.get_mut(*at) {
                *slot = true;
            }
        }
        let specs: Vec<String> = found.iter().map(|at| self.spec(def, *at, codes)).collect();
        let written = match specs.as_slice() {
            [one] => one.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        let examples = found
            .first()
            .and_then(|at| self.columns.get(*at))
            .map(|c| c.examples.join("、"))
            .unwrap_or_default();
        out.push_str(&format!("{} = {written}  # ? {}: {examples}\n", def.name, def.word));
        true
    }

    /// Columns whose heading is known for a field and that look as the field must.
    fn columns_for(&self, def: &FieldDef, kind: Kind, taken: &[bool]) -> Vec<usize> {
        if !self.header {
            return if def.name == "id" {
                self.likely_id().into_iter().collect()
            } else {
                Vec::new()
            };
        }
        let mut found = Vec::new();
        // Whoever gives a column the name of a field means that field.
        let named = self.columns.iter().position(|column| column.key() == def.name);
        if let Some(at) = named.filter(|at| taken.get(*at) == Some(&false)) {
            found.push(at);
            if !def.many {
                return found;
            }
        }
        for (field, words) in guess::HEADINGS.iter().filter(|(field, _)| *field == def.name) {
            // 病名 and 項目名 are names of other things than people.
            let people = matches!(kind, Kind::Patient | Kind::Appointment);
            if *field == "name" && people == words.contains(&"病名") {
                continue;
            }
            for word in *words {
                let at = self.columns.iter().position(|column| column.key() == *word);
                let Some(at) = at.filter(|at| taken.get(*at) == Some(&false) && !found.contains(at)) else {
                    continue;
                };
                if self.columns.get(at).is_some_and(|column| fits(column, def.shape)) {
                    found.push(at);
                    if !def.many {
                        return found;
                    }
                }
            }
        }
        found
    }

    /// Without headings: the first column of digits only that differs from row to row.
    fn likely_id(&self) -> Option<usize> {
        self.columns.iter().position(|column| {
            let digits = column
                .examples
                .iter()
                .all(|e| e.len() >= 4 && e.bytes().all(|b| b.is_ascii_digit()));
            column.filled > 0 && digits && column.dates * 2 < column.filled && column.times * 2 < column.filled
        })
    }

    fn spec(&self, def: &FieldDef, at: usize, codes: &mut Codes) -> String {
        let place = self.place(at);
        let Some(column) = self.columns.get(at) else {
            return place;
        };
        if matches!(def.name, "phones" | "facts") {
            return format!("{{ column = {place}, label = {} }}", quoted(&column.heading));
        }
        let needs_codes = match def.shape {
            Shape::Language => column.counts.keys().any(|text| value::language(text).is_none()),
            Shape::Sex => column.counts.keys().any(|text| value::sex(text).is_none()),
            Shape::Route => column.counts.keys().any(|text| value::route(text).is_none()),
            Shape::AllergyState => column.counts.keys().any(|text| value::allergy_state(text).is_none()),
            Shape::AllergyKind => column.counts.keys().any(|text| value::allergy_kind(text).is_none()),
            Shape::Member => column.counts.keys().any(|text| insurance::member(text).is_none()),
            Shape::Burden => column.counts.keys().any(|text| insurance::burden(text).is_none()),
            Shape::Flag => column.counts.keys().any(|text| value::flag(text).is_none()),
            Shape::Truth => column.counts.keys().any(|text| value::truth(text).is_none()),
            _ => false,
        };
        if needs_codes {
            let table = codes.entry(def.name.to_owned()).or_default();
            for (value, count) in column.counts.iter().take(12) {
                *table.entry(value.clone()).or_default() += count;
            }
            return format!("{{ column = {place}, codes = \"{}\" }}", def.name);
        }
        place
    }

    fn place(&self, at: usize) -> String {
        let heading = self
            .columns
            .get(at)
            .map(|column| column.heading.as_str())
            .unwrap_or_default();
        let twice = self.columns.iter().filter(|column| column.heading == heading).count() > 1;
        if heading.is_empty() || twice {
            (at + 1).to_string()
        } else {
            quoted(heading)
        }
    }

    fn kind(&self) -> Kind {
        let name = self.name.to_lowercase();
        let headings: Vec<String> = self.columns.iter().map(SeenColumn::key).collect();
        let score = |words: &[&str]| {
            let in_name = words
                .iter()
                .filter(|word| name.contains(**word))
                .map(|word| word.chars().count())
                .sum::<usize>();
            let in_headings = words
                .iter()
                .filter(|word| headings.iter().any(|h| h.starts_with(**word)))
                .count();
            in_name + in_headings * 2
        };
        // A file named after a kind is of that kind.
        let named = |kind: Kind| {
            if name.contains(kind.code()) {
                kind.code().len() * 2
            } else {
                0
            }
        };
        guess::KINDS
            .iter()
            .max_by_key(|(kind, words)| score(words) + named(*kind))
            .filter(|(kind, words)| score(words) + named(*kind) > 0)
            .map_or(Kind::Patient, |(kind, _)| *kind)
    }

    fn master(&self) -> Option<&'static str> {
        let name = self.name.to_lowercase();
        let has_patient = self.columns.iter().any(|c| {
            guess::HEADINGS
                .first()
                .is_some_and(|(_, words)| words.contains(&c.key().as_str()))
        });
        let found = guess::MASTERS
            .iter()
            .find(|(_, words)| words.iter().any(|word| name.contains(word)));
        found
            .filter(|_| !has_patient && self.header && self.columns.len() >= 2 && self.rows < 1_000)
            .map(|(master, _)| *master)
    }

    fn master_toml(&self, master: &str, delimiter: &str) -> String {
        let reading = if self.held {
            String::new()
        } else {
            format!("encoding = \"{}\"\ndelimiter = \"{delimiter}\"\n", self.charset)
        };
        format!(
            "[masters.{master}]  # ? コードの名前の表。使う項目に codes = \"{master}\" と書きます\nfile = {}\n{reading}code = {}  # ?\nname = {}  # ?\n\n",
            quoted(&pattern(&self.name)),
            self.place(0),
            self.place(1)
        )
    }
}

/// Without a patient number it would be no valid entry; a person can still see what is in it.
fn without_id(entry: &str) -> String {
    let lines = entry.lines().map(|line| {
        if line.is_empty() {
            "\n".to_owned()
        } else {
            format!("# {line}\n")
        }
    });
    format!(
        "# 患者番号の列が分からないため、使わない形で書いておきます。\n{}",
        lines.collect::<String>()
    )
}

/// A column looks as a field of this shape must.
fn fits(column: &SeenColumn, shape: Shape) -> bool {
    match shape {
        Shape::Date | Shape::PastDate => column.filled == 0 || column.dates * 2 > column.filled,
        Shape::Time => column.filled == 0 || column.times * 2 > column.filled,
        _ => true,
    }
}

/// A file name whose eight digits are a day becomes a pattern.
fn pattern(name: &str) -> String {
    for (at, _) in name.char_indices() {
        let Some(digits) = name.get(at..at + 8) else { continue };
        let date = digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| value::date(digits, DateForm::Western));
        if let Some(Ok(date)) = date
            && (2000..2100).contains(&date.year())
        {
            let (before, after) = (name.get(..at).unwrap_or(""), name.get(at + 8..).unwrap_or(""));
            return format!("{before}{{date:YYYYMMDD}}{after}");
        }
    }
    name.to_owned()
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn meanings(code: &str) -> &'static str {
    match code {
        "sex" => "男・女・その他・不明",
        "route" => "内服・頓服・外用・注射・その他",
        "state" => "あり・なし・未確認・参照不可",
        "kind" => "薬剤・食物・造影剤・その他・禁忌",
        "flag" => "H・L・緊急・異常、なければ空",
        _ => "はい 1、いいえ 0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_in_a_file_name_becomes_a_pattern() {
        assert_eq!(pattern("予約一覧_20261120.csv"), "予約一覧_{date:YYYYMMDD}.csv");
        assert_eq!(pattern("lab_99999999.csv"), "lab_99999999.csv");
        assert_eq!(pattern("予約14日.csv"), "予約14日.csv");
    }
}
