//! 「お薬手帳（読み取り）」: what a patient's medicine notebook says, beside the chart and never in it.
//!
//! Each reading stands in its own frame with source, when and by whom it was read, and what is missing. Nothing is verified, nothing is compared with the
//! hospital's prescriptions, and no drug is taken over from here.

use std::sync::Arc;

use chart::entry::{NotebookRead, NotebookWay};
use downtime::view::{Recorded, View};
use jahis::okusuri::{Book, CautionKind, Dispensing, Gathered, NotebookDrug, NotebookRp, Stray, gather};
use jiff::civil::Date;

use crate::reader::Reader;
use crate::say;
use crate::words::Words;

/// One reading.
pub struct Shown {
    /// The entry; empty for what was not kept yet.
    pub entry: String,
    /// Read when, by whom, how.
    pub head: String,
    /// Why it was kept although it names somebody else.
    pub reason: String,
    /// What is missing or could not be understood, in sentences.
    pub lacks: Vec<String>,
    /// The notebooks in it.
    pub books: Vec<ShownBook>,
}

/// One notebook.
pub struct ShownBook {
    /// Name, birth date and sex as the notebook says them.
    pub holder: String,
    /// Cautions, bought drugs and memos.
    pub notes: Vec<String>,
    /// One per day and place of dispensing.
    pub blocks: Vec<Block>,
}

/// One dispensing.
pub struct Block {
    /// Day and where it was dispensed.
    pub head: String,
    /// Where and by whom it was prescribed; empty when the same place.
    pub from: String,
    /// Name, then dose, usage, supply.
    pub drugs: Vec<(String, Vec<String>)>,
    /// Remarks.
    pub remarks: Vec<String>,
}

/// Every reading that holds, newest first.
#[must_use]
pub fn all(visit: &impl Reader, view: &View) -> Vec<Shown> {
    let newest_first = view.notebooks.iter().rev();
    newest_first
        .map(|(recorded, read)| kept(visit, recorded, read))
        .collect()
}

fn kept(visit: &impl Reader, recorded: &Arc<Recorded>, read: &NotebookRead) -> Shown {
    let w = visit.w();
    let at = say::moment(w, recorded.entry.written_at, visit.now());
    let way = if read.pieces.iter().any(|piece| piece.way == NotebookWay::Typed) {
        "notebook-by-scanner"
    } else {
        "notebook-by-picture"
    };
    let head = w.with(
        "notebook-read-by",
        &[
            ("time", (&at).into()),
            ("name", (&recorded.entry.by.name).into()),
            ("way", (&w[way]).into()),
        ],
    );
    let gathered = gather(&read.pieces);
    Shown {
        entry: recorded.id.hex(),
        head,
        reason: read.reason.clone(),
        lacks: lacks(w, &gathered),
        books: books(visit, &gathered),
    }
}

/// The notebooks of what was read.
#[must_use]
pub fn books(visit: &impl Reader, gathered: &Gathered) -> Vec<ShownBook> {
    gathered.books.iter().map(|book| shown(visit, book)).collect()
}

/// What is missing, something else, or was not understood.
#[must_use]
pub fn lacks(w: &Words, gathered: &Gathered) -> Vec<String> {
    let mut said = Vec::new();
    for waiting in &gathered.waiting {
        if waiting.missing.is_empty() {
            said.push(waiting.why.to_string());
        } else {
            said.push(lacking(w, "notebook-waits", waiting.have, waiting.of, &waiting.missing));
        }
    }
    for book in &gathered.books {
        if !book.missing.is_empty() {
            let lost = u16::try_from(book.missing.len()).unwrap_or(u16::MAX);
            let have = book.of.saturating_sub(lost);
            said.push(lacking(w, "notebook-part", have, book.of, &book.missing));
        }
        if book.reordered {
            said.push(w["notebook-reordered"].to_owned());
        }
        said.extend(book.reading.findings.iter().map(|finding| finding.message.clone()));
    }
    for stray in &gathered.strays {
        said.push(match stray {
            Stray::Prescription => w["notebook-stray-rx"].to_owned(),
            Stray::Headless => w["notebook-stray-headless"].to_owned(),
            Stray::Wide => w["notebook-stray-wide"].to_owned(),
            Stray::Other => w["notebook-stray-other"].to_owned(),
            Stray::Unreadable(why) => why.to_string(),
        });
    }
    said.dedup();
    said
}

/// 「3枚中2枚」 and which.
fn lacking(w: &Words, key: &str, have: u16, of: u16, missing: &[u16]) -> String {
    let numbers: Vec<String> = missing.iter().map(ToString::to_string).collect();
    let numbers = numbers.join("、");
    w.with(
        key,
        &[
            ("have", usize::from(have).into()),
            ("of", usize::from(of).into()),
            ("missing", (&numbers).into()),
        ],
    )
}

/// Allergies and side effects of every reading that holds, with their source: for the bar above every clinical screen.
#[must_use]
pub fn warnings(w: &Words, view: &View) -> Vec<String> {
    let mut all = Vec::new();
    for (_, read) in &view.notebooks {
        for book in gather(&read.pieces).books {
            for caution in &book.reading.notebook.cautions {
                if matches!(caution.kind, CautionKind::Allergy | CautionKind::SideEffect) {
                    let words = w.with("notebook-said-by", &[("who", caution.origin.word().into())]);
                    all.push(format!("{} {}（{words}）", caution.kind.word(), caution.text));
                }
            }
        }
    }
    all.dedup();
    all
}

fn shown(visit: &impl Reader, book: &Book) -> ShownBook {
    let w = visit.w();
    let notebook = &book.reading.notebook;
    let mut notes: Vec<String> = notebook
        .cautions
        .iter()
        .map(|c| format!("{} {}（{}）", c.kind.word(), c.text, c.origin.word()))
        .collect();
    let span = |from: Option<Date>, until: Option<Date>| {
        let say = |date: Option<Date>| date.map(chart::date::iso).unwrap_or_default();
        format!("{}–{}", say(from), say(until))
    };
    notes.extend(notebook.otc.iter().map(|otc| {
        let span = span(otc.from, otc.until);
        format!("{} {} {span}（{}）", &w["notebook-otc"], otc.name, otc.origin.word())
    }));
    notes.extend(
        notebook
            .memos
            .iter()
            .map(|memo| format!("{} {}（{}）", &w["notebook-memo"], memo.text, memo.origin.word())),
    );
    ShownBook {
        holder: holder(w, book),
        notes,
        blocks: notebook
            .dispensings
            .iter()
            .map(|block| dispensing(visit, block))
            .collect(),
    }
}

/// Whose notebook it is, in its own words.
#[must_use]
pub fn holder(w: &Words, book: &Book) -> String {
    let holder = &book.reading.notebook.holder;
    let parts = [
        holder.name.clone(),
        holder.kana.clone(),
        say::birth(w, holder.birth),
        sex(w, holder.sex).to_owned(),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("　")
}

/// Sex as the notebook says it.
#[must_use]
pub fn sex(w: &Words, sex: u8) -> &str {
    say::sex(
        w,
        match sex {
            1 => chart::Sex::Male,
            2 => chart::Sex::Female,
            _ => chart::Sex::Unknown,
        },
    )
}

fn dispensing(visit: &impl Reader, block: &Dispensing) -> Block {
    let w = visit.w();
    let on = block.on.map_or_else(|| w["date-unknown"].to_owned(), chart::date::iso);
    let place = block.place.as_ref().map_or("", |place| place.name.as_str());
    let phone = block.place.as_ref().map_or("", |place| place.contact[2].as_str());
    let doctor = block.rps.iter().find_map(|rp| rp.doctor.as_ref());
    let doctor = doctor.map(|(name, department, _)| format!("{department} {name}"));
    let from: Vec<String> = block
        .prescribed_at
        .iter()
        .map(|place| place.name.clone())
        .chain(doctor)
        .collect();
    Block {
        head: format!("{on} {place} {phone}").trim_end().to_owned(),
        from: from.join(" ").trim().to_owned(),
        drugs: block
            .rps
            .iter()
            .flat_map(|rp| rp.drugs.iter().map(move |drug| line(visit, block, rp, drug)))
            .collect(),
        remarks: block
            .remarks
            .iter()
            .map(|remark| format!("{}（{}）", remark.text, remark.origin.word()))
            .collect(),
    }
}

fn line(visit: &impl Reader, block: &Dispensing, rp: &NotebookRp, drug: &NotebookDrug) -> (String, Vec<String>) {
    let usage = rp.usage.as_ref();
    let form = usage.map(|usage| usage.form).unwrap_or_default();
    let mut how = vec![format!("{} {}{}", form.amount_word(), drug.amount, drug.unit)];
    how.extend(usage.map(|usage| usage.name.clone()));
    how.extend(usage.map(|usage| format!("{}{}", usage.quantity, usage.unit)));
    if usage.is_some_and(|usage| is_over(visit.day(), block.on, &usage.quantity, &usage.unit)) {
        how.push(visit.w()["notebook-over"].to_owned());
    }
    how.extend(drug.remarks.iter().chain(&rp.remarks).map(|remark| remark.text.clone()));
    how.retain(|part| !part.trim().is_empty());
    let name = if drug.name.is_empty() {
        drug.generic[0].clone()
    } else {
        drug.name.clone()
    };
    (name, how)
}

/// Whether the days that were handed out are over; what is left over at home nobody knows.
fn is_over(today: Date, on: Option<Date>, quantity: &str, unit: &str) -> bool {
    let days = quantity
        .parse::<i64>()
        .ok()
        .filter(|days| unit.starts_with('日') && (1..=999).contains(days));
    let Some((on, days)) = on.zip(days) else { return false };
    on.checked_add(jiff::Span::new().days(days))
        .is_ok_and(|end| end <= today)
}
