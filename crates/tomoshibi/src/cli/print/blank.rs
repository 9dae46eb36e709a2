//! Blank numbered sheets: laid out first, then written into the register, and only then on the disk as PDFs.
//!
//! A number that is on paper is in the register, so that issued = returned + void + missing holds for it. Numbers whose PDF could not be
//! written stay in the register and are said; nobody is named anywhere here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chart::{Coded, FormId, Sheet, Subject};
use downtime::audit::Deed;
use downtime::forms::{BlankSet, blank_sheet};
use downtime::scans::{self, Archive, Issued};
use press::{Forms, Press};
use serde_json::{Map, Value, json};
use vault::files::Disk;

use super::numbers::BlankNumbers;
use crate::cli::person::Entered;
use crate::config::Config;
use crate::home::Home;
use crate::secrets::replace as write;
use crate::{clock, random, serving, trail};

/// What somebody wants printed.
pub struct Wish<'a> {
    /// Codes of forms, each once.
    pub forms: &'a [String],
    /// Sheets of each.
    pub count: u16,
    /// Code of the department.
    pub department: Option<&'a str>,
    /// Directory for the PDFs.
    pub out: &'a Path,
    /// JSON instead of words.
    pub json: bool,
}

/// A form that has a blank version.
struct Blank<'a> {
    code: &'a str,
    title: &'a str,
    about_a_patient: bool,
    body: Map<String, Value>,
}

/// One PDF, laid out and not yet written.
struct Set<'a> {
    form: &'a Blank<'a>,
    numbers: Vec<FormId>,
    pages: usize,
    pdf: Vec<u8>,
    file: PathBuf,
}

/// Makes the sets.
///
/// # Errors
/// When a form has no blank version, numbers or keys are missing, or something cannot be written: what exists then is said.
pub fn run(config: &Config, home: &Home, entered: &Entered, wish: &Wish<'_>) -> Result<()> {
    let press = serving::press(config)?;
    let forms = wanted(press.forms(), wish.forms)?;
    let department = department(entered, wish.department)?;
    let journal = entered.acting.unlocked.journal.clone();
    let journal = journal.context("この利用者は発行簿に書く鍵を持っていません。何も印刷していません")?;
    let archive = Archive::new(Arc::new(Disk), &home.data, home.roster.hospital(), journal);
    let station = home.roster.station(home.code).context("この端末が名簿にありません")?;
    let now = clock::now();
    let mut numbers = BlankNumbers::hold(&home.data, station.block_on(now.day()), now.day())?;
    numbers.step_over(&archive.contents()?.packs);
    std::fs::create_dir_all(wish.out).with_context(|| format!("{} を作れません", wish.out.display()))?;
    let fill = BlankSet {
        hospital: config.hospital.name.clone(),
        institution: config.hospital.prescriber(),
        department: department.label().to_owned(),
        contact_phone: config.hospital.contact_phone.clone(),
        issued: format!("発行 {} {}", now.text(), home.code),
        count: usize::from(wish.count),
    };
    let mut sets = Vec::new();
    for form in &forms {
        let given = numbers.give(wish.count)?;
        let sheets: Vec<Sheet> = (1..)
            .zip(&given)
            .map(|(at, number)| blank_sheet(form.code, &form.body, form.about_a_patient, number, at, &fill))
            .collect();
        let (pages, pdf) = lay_out(&press, sheets)?;
        let first = given.first().map_or("", FormId::as_str);
        let name = format!("blank_{}_{}_{first}.pdf", chart::date::iso(now.day()), form.code);
        sets.push(Set {
            form,
            numbers: given,
            pages,
            pdf,
            file: wish.out.join(name),
        });
    }
    let mut sighting = entered.acting.sighting(home, Deed::Printed);
    sighting.count = u32::try_from(sets.iter().map(|set| set.numbers.len()).sum::<usize>()).unwrap_or(u32::MAX);
    sighting.detail = format!("白紙 {} 各{}枚 {}", codes(&forms), wish.count, department.label());
    trail::write(home, vec![sighting])?;
    for set in &sets {
        archive.keep_pack(&registered(entered, &department, set, now), &mut random::system())?;
        write(&set.file, &set.pdf).with_context(|| {
            format!(
                "{} の番号 {} は発行簿にあります。紙がなければ使用せずにしてください",
                set.form.code,
                range(&set.numbers)
            )
        })?;
    }
    say_what(&sets, &department, wish);
    Ok(())
}

/// The forms that were named, each with its blank body.
fn wanted<'a>(forms: &'a Forms, codes: &'a [String]) -> Result<Vec<Blank<'a>>> {
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for code in codes.iter().filter(|code| seen.insert(code.as_str())) {
        let form = forms
            .get(code)
            .with_context(|| format!("様式 {code} はありません。何も印刷していません"))?;
        let Some(blank) = &form.blank else {
            let known: Vec<&str> = forms
                .iter()
                .filter(|form| form.blank.is_some())
                .map(|form| form.about.code.as_str())
                .collect();
            bail!(
                "様式 {code} に白紙はありません。何も印刷していません。白紙があるのは: {}",
                known.join(" ")
            );
        };
        let body = serde_json::from_str(blank)
            .with_context(|| format!("様式 {code} の blank.json を読めません。何も印刷していません"))?;
        out.push(Blank {
            code: &form.about.code,
            title: &form.about.title,
            about_a_patient: form.about.patient_strip.is_about_a_patient(),
            body,
        });
    }
    Ok(out)
}

fn department(entered: &Entered, code: Option<&str>) -> Result<Coded> {
    let Some(code) = code else {
        return Ok(Coded::default());
    };
    let index = entered.opened.index();
    let found = index.departments().iter().find(|d| d.code == code);
    found.cloned().with_context(|| {
        let known: Vec<String> = index
            .departments()
            .iter()
            .map(|d| format!("{}={}", d.code, d.label()))
            .collect();
        format!(
            "診療科 {code} は封印済みデータにありません。何も印刷していません。あるのは: {}",
            known.join(" ")
        )
    })
}

/// All or nothing: a set with a gap would be short of a sheet that its numbers promise.
fn lay_out(press: &Press, sheets: Vec<Sheet>) -> Result<(usize, Vec<u8>)> {
    let mut pdf = Vec::new();
    let report = press.pack(sheets, |_| (), &mut pdf)?;
    if let Some(spoiled) = report.spoiled.first() {
        bail!(
            "{} の白紙を作れません（{}）。何も印刷していません。様式を直してください",
            spoiled.form,
            spoiled.error
        );
    }
    Ok((report.printed.pages, pdf))
}

fn registered(entered: &Entered, department: &Coded, set: &Set<'_>, at: chart::Moment) -> scans::Pack {
    let issued = |number: &FormId| Issued {
        form_id: number.clone(),
        form: set.form.code.to_owned(),
        subject: Subject::Hospital,
    };
    scans::Pack {
        at,
        by: entered.acting.author().user.clone(),
        title: if department.is_empty() {
            "科の指定なし"
        } else {
            department.label()
        }
        .to_owned(),
        sheets: set.numbers.iter().map(issued).collect(),
        blank: true,
    }
}

fn codes(forms: &[Blank<'_>]) -> String {
    forms.iter().map(|form| form.code).collect::<Vec<_>>().join("・")
}

fn range(numbers: &[FormId]) -> String {
    match (numbers.first(), numbers.last()) {
        (Some(first), Some(last)) => format!("{first}–{last}"),
        _ => String::new(),
    }
}

fn say_what(sets: &[Set<'_>], department: &Coded, wish: &Wish<'_>) {
    if wish.json {
        let all: Vec<Value> = sets
            .iter()
            .map(|set| {
                json!({"form": set.form.code, "department": department.label(), "file": set.file, "sheets": set.numbers.len(), "pages": set.pages,
                    "numbers": set.numbers.iter().map(FormId::as_str).collect::<Vec<_>>()})
            })
            .collect();
        say!("{}", json!({ "blanks": all }));
        return;
    }
    for set in sets {
        say!(
            "{} {}  {} 枚（{} ページ）  番号 {}  {}",
            set.form.code,
            set.form.title,
            set.numbers.len(),
            set.pages,
            range(&set.numbers),
            set.file.display()
        );
    }
    say!("番号は発行簿に入りました。使わなかった用紙も捨てずに返し、「使用せず」にしてください（戻った用紙の画面）");
}
