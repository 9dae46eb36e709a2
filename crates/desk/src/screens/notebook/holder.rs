//! Whose notebook it is against whose chart is open: name, birth date and sex, side by side.
//!
//! Agreeing is not proof; disagreeing stops. What one side lacks agrees with nothing but sex: a birth date must be there and be the same.

use chart::{Name, Sex, fold};
use downtime::view::View;
use jahis::okusuri::{Book, Gathered, Holder};

use crate::panels::notebook as panel;
use crate::say;
use crate::words::Words;

/// One line of the comparison.
pub struct Line {
    /// 氏名, 生年月日, 性別.
    pub label: String,
    /// As the notebook says it.
    pub book: String,
    /// As the chart says it.
    pub patient: String,
    /// They differ, or cannot be compared where they must.
    pub differs: bool,
    /// In a word.
    pub words: String,
}

/// Name, birth date and sex of the patient on screen.
fn patient(view: &View) -> (Name, Option<jiff::civil::Date>, Sex) {
    match (&view.chart, &view.temporary) {
        (Some(chart), _) => (chart.patient.name.clone(), chart.patient.birth, chart.patient.sex),
        (None, Some(t)) => (t.name.clone(), t.birth, t.sex),
        (None, None) => (Name::default(), None, Sex::Unknown),
    }
}

/// Same name: as written, variants of characters folded, or the same reading.
fn same_name(name: &Name, holder: &Holder) -> bool {
    let same = |a: String, b: String| !a.is_empty() && a == b;
    same(fold::name_key(&name.written), fold::name_key(&holder.name))
        || same(fold::kana_key(&name.kana), fold::kana_key(&holder.kana))
        // Some pharmacies write the reading where the name stands.
        || same(fold::kana_key(&name.kana), fold::kana_key(&holder.name))
}

const fn other_sex(sex: Sex, holder: u8) -> bool {
    matches!((sex, holder), (Sex::Male, 2) | (Sex::Female, 1))
}

fn is_of(view: &View, book: &Book) -> bool {
    let (name, birth, sex) = patient(view);
    let holder = &book.reading.notebook.holder;
    same_name(&name, holder) && birth.is_some() && birth == holder.birth && !other_sex(sex, holder.sex)
}

/// Whether every notebook names the patient on screen.
pub(super) fn agree(view: &View, gathered: &Gathered) -> bool {
    gathered.books.iter().all(|book| is_of(view, book))
}

/// Whether the notebooks name different people.
pub(super) fn of_two(gathered: &Gathered) -> bool {
    let key = |book: &Book| {
        let holder = &book.reading.notebook.holder;
        (fold::name_key(&holder.name), holder.birth)
    };
    let mut keys = gathered.books.iter().map(key);
    let first = keys.next();
    keys.any(|other| Some(other) != first)
}

/// Both identities, line by line.
pub(super) fn compared(w: &Words, view: &View, book: &Book) -> Vec<Line> {
    let (name, birth, sex) = patient(view);
    let holder = &book.reading.notebook.holder;
    let line = |label: &str, book: String, patient: String, differs: bool| Line {
        label: w[label].to_owned(),
        book,
        patient,
        differs,
        words: if differs {
            &w["notebook-differs"]
        } else {
            &w["notebook-same"]
        }
        .to_owned(),
    };
    let both = |written: &str, kana: &str| format!("{written}　{kana}").trim().to_owned();
    vec![
        line(
            "notebook-name",
            both(&holder.name, &holder.kana),
            both(&name.shown(), &name.kana),
            !same_name(&name, holder),
        ),
        line(
            "birth",
            say::birth(w, holder.birth),
            say::birth(w, birth),
            birth.is_none() || birth != holder.birth,
        ),
        line(
            "notebook-sex",
            panel::sex(w, holder.sex).to_owned(),
            say::sex(w, sex).to_owned(),
            other_sex(sex, holder.sex),
        ),
    ]
}
