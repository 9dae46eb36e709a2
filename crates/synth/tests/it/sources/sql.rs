//! The scripts, read by a small reader of their own: the three dialects hold the same rows.

use super::{Fact, everybody, files, same};
use std::collections::{BTreeMap, BTreeSet};
use synth::Shape;

/// Rows by table, values by column.
type Rows = BTreeMap<String, Vec<BTreeMap<String, String>>>;

/// The names of the columns from `CREATE TABLE`, then the rows from `INSERT INTO`.
fn read(script: &str, escapes: bool) -> Rows {
    let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut rows = Rows::new();
    let chars: Vec<char> = script.chars().collect();
    let text = |from: usize, to: usize| chars[from..to].iter().collect::<String>();
    let mut at = 0;
    while at < chars.len() {
        let line_end = (at..chars.len()).find(|i| chars[*i] == '\n').unwrap_or(chars.len());
        let line = text(at, line_end);
        if let Some(name) = line.strip_prefix("CREATE TABLE ") {
            let name = name.trim_end_matches(" (").to_owned();
            at = line_end + 1;
            loop {
                let end = (at..chars.len()).find(|i| chars[*i] == '\n').expect("a line");
                let line = text(at, end);
                at = end + 1;
                let Some(column) = line.strip_prefix("  ") else { break };
                if !column.starts_with("PRIMARY KEY") {
                    let word = column.split(' ').next().expect("a name").to_owned();
                    columns.entry(name.clone()).or_default().push(word);
                }
            }
        } else if let Some(name) = line.strip_prefix("INSERT INTO ") {
            let name = name.trim_end_matches(" VALUES").to_owned();
            at = line_end + 1;
            loop {
                let (values, next) = tuple(&chars, at, escapes);
                let names = &columns[&name];
                assert_eq!(values.len(), names.len(), "{name}");
                let row = names.iter().cloned().zip(values).collect();
                rows.entry(name.clone()).or_default().push(row);
                let end = chars[next];
                at = next + 2;
                if end == ';' {
                    break;
                }
            }
        } else {
            at = line_end + 1;
        }
    }
    rows
}

/// One row from `(` to the sign behind `)`.
fn tuple(chars: &[char], from: usize, escapes: bool) -> (Vec<String>, usize) {
    assert_eq!(chars[from], '(');
    let mut at = from + 1;
    let mut values = Vec::new();
    loop {
        let mut value = String::new();
        if chars[at] == '\'' {
            at += 1;
            loop {
                match chars[at] {
                    '\'' if chars[at + 1] == '\'' => {
                        value.push('\'');
                        at += 2;
                    }
                    '\'' => break,
                    '\\' if escapes => {
                        value.push(if chars[at + 1] == 'n' { '\n' } else { chars[at + 1] });
                        at += 2;
                    }
                    c => {
                        value.push(c);
                        at += 1;
                    }
                }
            }
            at += 1;
        } else {
            let mut depth = 0;
            while depth > 0 || !matches!(chars[at], ',' | ')') {
                depth += i32::from(chars[at] == '(') - i32::from(chars[at] == ')');
                value.push(chars[at]);
                at += 1;
            }
            if let Some(hex) = value.strip_prefix("CONVERT(VARCHAR(MAX),0x") {
                value = cp932(hex.trim_end_matches(')'));
            } else if value == "NULL" {
                value.clear();
            }
        }
        values.push(value);
        at += 1;
        if chars[at - 1] == ')' {
            return (values, at);
        }
    }
}

fn cp932(hex: &str) -> String {
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
    let (text, _) = encoding_rs::SHIFT_JIS.decode_without_bom_handling(&bytes);
    text.replace("\r\n", "\n")
}

fn scripts() -> [Rows; 3] {
    let files = files(Shape::Sql);
    ["postgresql.sql", "mysql.sql", "sqlserver.sql"].map(|name| {
        let script = String::from_utf8(files[name].clone()).expect("UTF-8");
        assert_eq!(script.is_ascii(), name == "sqlserver.sql", "{name}");
        read(&script, name == "mysql.sql")
    })
}

#[test]
fn the_dialects_hold_the_same_rows() {
    let [postgres, mysql, server] = scripts();
    assert!(postgres == mysql, "PostgreSQL and MySQL");
    assert_eq!(postgres.keys().collect::<Vec<_>>(), server.keys().collect::<Vec<_>>());
    let mut lost = 0;
    for (table, rows) in &postgres {
        assert_eq!(rows.len(), server[table].len(), "{table}");
        for (row, old) in rows.iter().zip(&server[table]) {
            for (column, value) in row {
                let there = &old[column];
                let plain = |text: &str| -> String {
                    let text = text
                        .replace('\u{ff5e}', "〜")
                        .replace('\u{ff0d}', "−")
                        .replace('T', " ");
                    let kept = text.chars().filter(|c| !('\u{e0100}'..='\u{e01ef}').contains(c));
                    kept.filter(|c| *c != '-').collect()
                };
                if plain(value) != plain(there) {
                    let what = ["■", "〓", "\u{e000}", "\u{fffd}"]
                        .iter()
                        .any(|sign| there.contains(sign));
                    assert!(what, "{table}.{column}: {value} and {there}");
                    lost += 1;
                }
            }
        }
    }
    assert!(lost > 5, "gaiji and torn texts: {lost}");
}

#[test]
fn the_tables_tell_of_the_same_people() {
    let [rows, _, _] = scripts();
    let mut told: BTreeSet<Fact> = BTreeSet::new();
    let table = |name: &str| rows.get(name).cloned().unwrap_or_default();
    let mut add = |row: &BTreeMap<String, String>, kind, what: String| {
        told.insert((row["PATIENT_NO"].clone(), kind, what));
    };
    for row in table("PATIENT") {
        add(&row, "birth", row["BIRTH_DATE"].clone());
        if !row["FAMILY_KANA"].is_empty() {
            add(&row, "kana", format!("{} {}", row["FAMILY_KANA"], row["GIVEN_KANA"]));
        }
    }
    let heads: BTreeMap<_, _> = table("RP_HEAD")
        .into_iter()
        .map(|row| {
            let key = ["PATIENT_NO", "RX_DATE", "DEPT_CD", "RP_NO"].map(|name| row[name].clone());
            (key, row["USAGE_TEXT"].clone())
        })
        .collect();
    for row in table("RP_DETAIL") {
        let key = ["PATIENT_NO", "RX_DATE", "DEPT_CD", "RP_NO"].map(|name| row[name].clone());
        let what = format!(
            "{} {} {} {}",
            row["DRUG_CD"], row["DOSE_EACH"], heads[&key], row["RP_NO"]
        );
        add(&row, "drug", what);
    }
    for row in table("ORDER_EXAM") {
        add(&row, "order", row["EXAM_TIME"].clone());
    }
    for row in table("DISEASE") {
        let what = format!(
            "{} {} {}",
            row["DISEASE_NAME"],
            row["ICD10"].replace('.', ""),
            row["START_DATE"]
        );
        add(&row, "diagnosis", what);
    }
    for row in table("ALLERGY").iter().filter(|row| row["STATE"] == "P") {
        let what = format!("{} {} {}", row["ALLERGEN_CD"], row["SUBSTANCE"], row["REACTION"]);
        add(row, "allergy", what);
    }
    for row in table("LAB_RESULT") {
        add(&row, "result", row["RESULT_VALUE"].clone());
    }
    for row in table("INSURANCE").iter().filter(|row| !row["INSURER_NO"].is_empty()) {
        add(row, "insurance", format!("{} {}", row["INSURER_NO"], row["CARD_NO"]));
    }
    for row in table("STAY").iter().filter(|row| row["LEFT_AT"].is_empty()) {
        add(row, "bed", format!("{} {}", row["ROOM_NO"], row["BED_NO"]));
        add(row, "diet", row["DIET"].clone());
    }
    for row in table("SCHEDULE").iter().filter(|row| !row["METHOD"].is_empty()) {
        add(row, "injection", format!("{} {}", &row["DUE_TIME"][..2], row["METHOD"]));
    }
    for row in table("VITAL") {
        let at: String = row["MEASURED_AT"]
            .chars()
            .filter(char::is_ascii_digit)
            .take(12)
            .collect();
        add(&row, "pulse", format!("{at} {}", row["PULSE"]));
    }
    let lying: BTreeSet<String> = everybody().into_iter().map(|patient| patient.id).collect();
    told.retain(|(id, _, _)| lying.contains(id));
    same("sql", &told);
}
