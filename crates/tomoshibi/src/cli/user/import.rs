//! Enrolling everybody of a list at once. A row that cannot be enrolled is said with its line and field; the others are enrolled.
//!
//! Columns by name, in any order: 職員番号, 氏名, 職種 must be there; 範囲 and 仮パスワード may be. A missing password is made.
//! What was made goes into one new file for its owner only. Nothing of it is printed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use downtime::audit::Deed;
use downtime::identity::{NewUser, RosterFault};
use serde_json::json;
use vault::slot::SlotCost;

use super::badge::{Badge, credentials};
use super::{changed, commit, record};
use crate::cli::LOOK;
use crate::cli::person::{SponsorArgs, officer};
use crate::config::Config;
use crate::home::Home;
use crate::{progress, random, secrets};

/// Largest list accepted, in bytes.
const MAX_LIST: u64 = 16 << 20;

/// Columns of the list.
const COLUMNS: [&str; 5] = ["職員番号", "氏名", "職種", "範囲", "仮パスワード"];
/// How many of them must be there.
const NEEDED: usize = 3;

/// What to do.
pub(super) struct Import<'a> {
    pub(super) file: &'a PathBuf,
    pub(super) out: &'a PathBuf,
    pub(super) badge: bool,
    pub(super) json: bool,
}

/// A row that was not enrolled.
struct Bad {
    line: usize,
    field: &'static str,
    why: String,
}

impl Import<'_> {
    pub(super) fn run(&self, config: &Config, home: &mut Home, by: &SponsorArgs) -> Result<ExitCode> {
        let rows = read(self.file)?;
        if self.out.exists() {
            bail!("{} はもうあります。上書きしません", self.out.display());
        }
        let acting = officer(home, by)?;
        let mut roster = home.roster.clone();
        let (mut bad, mut sightings) = (Vec::new(), Vec::new());
        let mut made = vec!["職員番号,氏名,職種,仮パスワード,バッジ番号,バッジ（読取）,バッジ（手入力）".to_owned()];
        let bar = progress::bar("登録", self.json);
        let all = rows.len() as u64;
        for (done, (line, row)) in rows.into_iter().enumerate() {
            progress::show(&bar, done as u64 + 1, all);
            let cell = |name: &str| row.get(name).map_or("", |cell| cell.trim());
            let person = match checked(&cell) {
                Ok(record) => record,
                Err((field, fault)) => {
                    bad.push(Bad {
                        line,
                        field,
                        why: format!("{fault:#}"),
                    });
                    continue;
                }
            };
            let badge = self.badge.then(|| Badge::random(&roster));
            let given = cell("仮パスワード");
            let password = if given.is_empty() {
                random_password()
            } else {
                given.to_owned()
            };
            let new = NewUser {
                opens: credentials(config, &password, badge.as_ref())?,
                record: downtime::identity::UserRecord {
                    badge: badge.as_ref().map_or(0, |badge| badge.number),
                    ..person
                },
            };
            let sponsor = acting.sponsor("名簿から一括登録");
            if let Err(fault) = roster.enrol_user(&new, &sponsor, SlotCost::STANDARD, &mut random::system()) {
                let field = match fault {
                    RosterFault::Weak(_) => "仮パスワード",
                    RosterFault::CannotPassOn(_) => "職種",
                    _ => "職員番号",
                };
                let why = fault.to_string();
                bad.push(Bad { line, field, why });
                continue;
            }
            sightings.push(changed(home, &acting, Deed::Granted, &new.record, "一括登録"));
            made.push(made_line(
                &new,
                if given.is_empty() { &password } else { "" },
                badge.as_ref(),
            )?);
        }
        bar.finish_and_clear();
        let enrolled = sightings.len();
        if enrolled > 0 {
            let text = format!("\u{FEFF}{}\r\n", made.join("\r\n"));
            secrets::write(self.out, text.as_bytes())?;
            if let Err(fault) = commit(home, roster, sightings) {
                let _ = std::fs::remove_file(self.out);
                return Err(fault);
            }
        }
        self.report(enrolled, &bad);
        Ok(if bad.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(LOOK)
        })
    }

    fn report(&self, enrolled: usize, bad: &[Bad]) {
        if self.json {
            let bad: Vec<_> = bad
                .iter()
                .map(|b| json!({"line": b.line, "field": b.field, "why": b.why}))
                .collect();
            say!("{}", json!({"enrolled": enrolled, "bad": bad, "file": self.out}));
            return;
        }
        say!("{enrolled} 人を登録しました。次の取り出しから使えます");
        for row in bad {
            say!("★ {}行目「{}」: {}", row.line, row.field, row.why);
        }
        if !bad.is_empty() {
            say!(
                "★ {} 行は登録していません。直した行だけのファイルで、もう一度実行してください",
                bad.len()
            );
        }
        if enrolled > 0 {
            say!("仮パスワードとバッジ: {}（渡したら消してください）", self.out.display());
        }
    }
}

/// A row as a record, or which field is wrong and why.
fn checked<'a>(
    cell: &impl Fn(&str) -> &'a str,
) -> Result<downtime::identity::UserRecord, (&'static str, anyhow::Error)> {
    for field in COLUMNS.into_iter().take(NEEDED) {
        if cell(field).is_empty() {
            return Err((field, anyhow::anyhow!("空です")));
        }
    }
    let scope = Some(cell("範囲")).filter(|scope| !scope.is_empty());
    super::occupation(cell("職種")).map_err(|fault| ("職種", fault))?;
    record(cell("職員番号"), cell("氏名"), cell("職種"), scope).map_err(|fault| ("範囲", fault))
}

fn made_line(new: &NewUser<'_>, password: &str, badge: Option<&Badge>) -> Result<String> {
    let (number, digits, typed) = match badge {
        None => (String::new(), String::new(), String::new()),
        Some(badge) => (format!("{:08}", badge.number), badge.digits()?, badge.typed()),
    };
    let record = &new.record;
    let cells = [
        &record.staff_number,
        &record.name,
        record.role.label(),
        password,
        &number,
        &digits,
        &typed,
    ];
    let cells: Vec<String> = cells
        .iter()
        .map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")))
        .collect();
    Ok(cells.join(","))
}

/// Almost 100 random bits in five groups: long enough alone, and typed once.
fn random_password() -> String {
    const LETTERS: &[u8] = b"23456789abcdefghjkmnpqrstuvwxyz";
    let mut bytes = [0; 20];
    rand_core::Rng::fill_bytes(&mut random::system(), &mut bytes);
    let letter = |byte: &u8| char::from(*LETTERS.get(usize::from(byte % 31)).unwrap_or(&b'x'));
    let groups: Vec<String> = bytes
        .chunks(4)
        .map(|group| group.iter().map(letter).collect())
        .collect();
    groups.join("-")
}

/// One row by column, with the line it begins on.
type Row = (usize, BTreeMap<&'static str, String>);

fn read(path: &Path) -> Result<Vec<Row>> {
    let size = std::fs::metadata(path)
        .with_context(|| format!("{} を読めません", path.display()))?
        .len();
    if size > MAX_LIST {
        bail!("{} が大きすぎます（{size} バイト）", path.display());
    }
    let bytes = std::fs::read(path)?;
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let (text, _, bad) = encoding_rs::SHIFT_JIS.decode(&bytes);
            if bad {
                bail!(
                    "{} は UTF-8 でも CP932 でもありません。何も登録していません",
                    path.display()
                );
            }
            text.into_owned()
        }
    };
    let mut lines = split(text.trim_start_matches('\u{FEFF}')).into_iter();
    let (_, head) = lines.next().context("空のファイルです")?;
    let place = |name: &str| head.iter().position(|cell| cell.trim() == name);
    if let Some(missing) = COLUMNS.into_iter().take(NEEDED).find(|name| place(name).is_none()) {
        bail!("1行目に列「{missing}」がありません。列は {} です", COLUMNS.join(","));
    }
    let places: Vec<(&'static str, usize)> = COLUMNS
        .into_iter()
        .filter_map(|name| Some((name, place(name)?)))
        .collect();
    let rows = lines.filter(|(_, cells)| cells.iter().any(|cell| !cell.trim().is_empty()));
    Ok(rows
        .map(|(line, cells)| {
            let cell = |place: usize| cells.get(place).cloned().unwrap_or_default();
            (line, places.iter().map(|(name, place)| (*name, cell(*place))).collect())
        })
        .collect())
}

/// RFC 4180 with the line on which each row begins; a quote that nobody closes ends with the file.
fn split(text: &str) -> Vec<(usize, Vec<String>)> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let (mut line, mut begun) = (1, 1);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\n' {
            line += 1;
        }
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push((begun, std::mem::take(&mut row)));
                begun = line;
            }
            other => cell.push(other),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push((begun, row));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use downtime::identity::password::judge;

    #[test]
    fn rows_know_the_line_on_which_they_begin() {
        let rows = split("a,b\r\n\"x\ny\",\"1 \"\"2\"\"\"\r\nz,3");
        let lines: Vec<usize> = rows.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 2, 4]);
        assert_eq!(rows[1].1, ["x\ny", "1 \"2\""]);
    }

    #[test]
    fn passwords_that_are_made_stand_alone() {
        let (one, two) = (random_password(), random_password());
        assert_ne!(one, two);
        assert_eq!(judge(&one, false, &["1001"]), Ok(()));
    }
}
