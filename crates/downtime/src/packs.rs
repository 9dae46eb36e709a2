//! Packs that are made by themselves: after every sealing the pages of each department and ward, sealed on the disk until a person
//! releases them.
//!
//! Whoever seals makes them with the keys still in memory; nobody has to be signed in. They are sealed beside the snapshot, for who
//! opens every chart of it, and end with it. A pack is nothing that was handed out: its sheets count as issued when somebody releases
//! it. Not here: Typst (the roof lends a function), the queue's way to printers, the audit log, the register (`scans`).
//! Formats: docs/formats/packs.md. Why so: docs/decisions/0019.

use chart::{FormId, PatientId, Sheet, Subject};
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use crate::printing::Paper;
use crate::scans::Issued;

mod batch;
mod file;
mod make;
mod share;
mod store;

pub use batch::{Batch, Nobody, Only, wanted};
pub use file::{Head, Note, Pack, PackFault, Part, Plain};
pub use make::{Failure, Made, Making, make};
pub use share::{Share, minutes, share};
pub use store::{Destroyed, Release, Released, Store};

/// Sheets of one part: printed, registered and queued together, and so many at most a person counts when a printer breaks off.
pub const PART_SHEETS: usize = 20;

/// What a pack is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Kind {
    /// F13 and F02 of everybody booked in a department.
    #[n(0)]
    Department,
    /// F10, F11 and F12 of a ward.
    #[n(1)]
    Ward,
}

/// Name of a pack in files and addresses: `d` or `w` and the beginning of a hash of the code, as codes may hold any character.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackId(String);

impl PackId {
    /// The name of a department's or ward's pack.
    #[must_use]
    pub fn of(kind: Kind, code: &str) -> Self {
        let digest = Sha256::digest(code.as_bytes());
        let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let letter = match kind {
            Kind::Department => 'd',
            Kind::Ward => 'w',
        };
        Self(format!("{letter}{hex}"))
    }

    /// A name as it stands in an address; nothing else is accepted.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix(['d', 'w'])?;
        let plain = hex.len() == 16 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        plain.then(|| Self(text.to_owned()))
    }

    /// Department or ward.
    #[must_use]
    pub fn kind(&self) -> Kind {
        if self.0.starts_with('w') {
            Kind::Ward
        } else {
            Kind::Department
        }
    }

    /// As it stands in files and addresses.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Sheets as one PDF.
#[derive(Debug, Clone, Default)]
pub struct Rendered {
    /// The PDF.
    pub pdf: Vec<u8>,
    /// Its pages.
    pub pages: usize,
    /// Sheets that could not be printed; a page with the reason stands in their place.
    pub spoiled: Vec<Note>,
}

/// Turns sheets into one PDF: lent by the roof.
pub type Pages<'a> =
    dyn Fn(Vec<Sheet>) -> Result<Rendered, Box<dyn std::error::Error + Send + Sync>> + Send + Sync + 'a;

/// The size of a form's paper: lent by the roof.
pub type PaperOf<'a> = dyn Fn(&str) -> Option<Paper> + Send + Sync + 'a;

/// Whose a sheet is, for the register: the number its bar code carries is the patient's own.
#[must_use]
pub fn issued(sheet: &Sheet) -> Option<Issued> {
    let subject = match &sheet.strip {
        Some(strip) => Subject::Patient(PatientId::parse(&strip.id_code)?),
        None => Subject::Hospital,
    };
    Some(Issued {
        form_id: FormId::parse(&sheet.form_id)?,
        form: sheet.form.clone(),
        subject,
    })
}

/// The sheets of a batch in pieces, each as it is printed: what a making seals, and what is printed when there is nothing sealed.
///
/// # Errors
/// What the press says; the pieces before it were given.
pub fn render(
    batch: &Batch,
    opened: &crate::shelf::Opened,
    issue: &crate::forms::Issue,
    lent: &Lent<'_>,
    give: &mut dyn FnMut(Paper, Vec<Issued>, Rendered) -> Result<(), String>,
) -> Result<Vec<Note>, String> {
    let day = opened
        .shelved()
        .stat()
        .day
        .ok_or("封印済みデータに対象日がありません")?;
    let (mut unopened, mut damaged) = (Vec::new(), Vec::new());
    let beds = batch.open(opened, day, &mut unopened);
    let mut notes = Vec::new();
    {
        let sheets = batch.sheets(opened, &beds, day, issue, &mut damaged).map(|mut sheet| {
            witnessed(&mut sheet, lent.checkpoint);
            sheet
        });
        for (paper, piece) in pieces(sheets, lent.paper) {
            let whose = piece.iter().filter_map(issued).collect();
            let mut rendered = (lent.pages)(piece).map_err(|fault| fault.to_string())?;
            notes.append(&mut rendered.spoiled);
            give(paper, whose, rendered)?;
        }
    }
    notes.extend(damaged.into_iter().chain(unopened).map(|(patient, fault)| Note {
        form: batch.forms().to_owned(),
        patient,
        why: fault.to_string(),
    }));
    Ok(notes)
}

/// What the roof lends for rendering.
pub struct Lent<'a> {
    /// The size of a form's paper.
    pub paper: &'a PaperOf<'a>,
    /// Sheets to pages.
    pub pages: &'a Pages<'a>,
    /// Digits of this station's audit log for F13; empty without.
    pub checkpoint: &'a str,
}

/// Whoever keeps a list is a witness of this station's audit log.
fn witnessed(sheet: &mut Sheet, checkpoint: &str) {
    if sheet.form == "F13"
        && !checkpoint.is_empty()
        && let Some(body) = sheet.body.as_object_mut()
    {
        body.insert("checkpoint".to_owned(), checkpoint.into());
    }
}

/// Sheets in pieces of one size of paper, in their order.
pub fn pieces<'a>(
    sheets: impl Iterator<Item = Sheet> + 'a,
    paper: &'a PaperOf<'_>,
) -> impl Iterator<Item = (Paper, Vec<Sheet>)> + 'a {
    let size = |sheet: &Sheet| paper(&sheet.form).unwrap_or(Paper::A4);
    let mut sheets = sheets.peekable();
    std::iter::from_fn(move || {
        let first = sheets.next()?;
        let tray = size(&first);
        let mut piece = vec![first];
        while piece.len() < PART_SHEETS
            && let Some(next) = sheets.next_if(|next| size(next) == tray)
        {
            piece.push(next);
        }
        Some((tray, piece))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_and_nothing_else_is_a_name() {
        let (one, other) = (PackId::of(Kind::Department, "01"), PackId::of(Kind::Ward, "01"));
        assert_ne!(one, other);
        assert_eq!(PackId::parse(one.as_str()), Some(one));
        for bad in [
            "",
            "d",
            "x0123456789abcdef",
            "d0123456789ABCDEF",
            "../d0123456789abcde",
            "d0123456789abcdef0",
        ] {
            assert_eq!(PackId::parse(bad), None, "{bad}");
        }
    }
}
