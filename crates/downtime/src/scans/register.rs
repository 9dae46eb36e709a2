//! Every sheet known to have been issued, and what entries of all stations say became of it.
//!
//! A pure reading of the day and of the packs' registers: nothing is decided here. What is in a station's own archive and in no
//! entry yet is the account's matter ([`super::Balance`]).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chart::entry::{SheetNamed, SheetOut, SheetReturned};
use chart::{Act, EntryId, FormId, Moment, PatientCheck, SheetCode, StationCode, Subject};

use super::{Issued, Pack, Sha, Why};
use crate::view::{Day, Recorded};

/// Forms that are about several people or nobody: a blank one that comes back needs no name.
const ABOUT_NOBODY: [&str; 8] = ["F10", "F13", "F17", "F18", "F19", "F20", "F21", "F23"];

/// Forms that are cut up and never come back whole: printed from a screen, they are no debt of anybody's.
const NEVER_BACK: [&str; 1] = ["F15"];

/// Where the picture of one page lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lies {
    /// Page of the sheet, from 1.
    pub page: u8,
    /// Pages of the sheet, as far as they are known.
    pub pages: u8,
    /// The station that has the picture, sealed.
    pub station: StationCode,
    /// The scanned file.
    pub file: Sha,
    /// Its name.
    pub name: String,
    /// Page of the file, from 1.
    pub at: u32,
    /// When it was taken in.
    pub since: Moment,
}

impl Lies {
    /// The pages that an entry says are back.
    pub fn of<'a>(recorded: &'a Recorded, back: &'a SheetReturned) -> impl Iterator<Item = Self> + 'a {
        back.found.iter().map(|found| Self {
            page: found.page,
            pages: back.pages,
            station: recorded.entry.station,
            file: back.file,
            name: back.name.clone(),
            at: found.at,
            since: back.at,
        })
    }
}

/// One word about whose a blank sheet is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// The entry.
    pub entry: EntryId,
    /// Whom the paper names, as was said.
    pub subject: Subject,
    /// When it was decided.
    pub at: Moment,
    /// 職員番号 of who decided.
    pub by: String,
    /// Name of who recorded it.
    pub author: String,
    /// Where.
    pub station: StationCode,
    /// What it replaces.
    pub replaces: Vec<EntryId>,
    /// Why it was decided anew.
    pub reason: String,
}

fn issued(sheet: &SheetOut) -> Issued {
    Issued {
        form_id: sheet.form_id.clone(),
        form: sheet.form.clone(),
        subject: sheet.subject.clone(),
    }
}

/// Every sheet known to have been issued, by its number.
#[derive(Debug, Default)]
pub struct Register {
    sheets: BTreeMap<FormId, Vec<Issued>>,
    /// Numbers of blank sheets.
    blank: BTreeSet<FormId>,
    /// Sheets that an entry says will not come back, with the reason.
    void: BTreeMap<(FormId, Subject), String>,
    /// Where a sheet was handed out, in words.
    departments: BTreeMap<(FormId, Subject), String>,
    /// What entries say of pages that came back, whichever station has their pictures.
    returned: BTreeMap<Issued, Vec<Lies>>,
    /// What entries say of whose blank sheets are, in order.
    namings: BTreeMap<FormId, Vec<Naming>>,
}

impl Register {
    /// Gathers the sheets of the journal and of printed packs. A pack printed twice from one snapshot gives each sheet once.
    #[must_use]
    pub fn gather<'a>(day: &Day, packs: impl IntoIterator<Item = &'a Pack>) -> Self {
        let mut register = Self::default();
        let mut received: HashMap<Subject, String> = HashMap::new();
        for recorded in day.all() {
            let subject = &recorded.entry.subject;
            match &recorded.entry.act {
                Act::CheckedIn(check_in) => {
                    received.insert(subject.clone(), check_in.department.label().to_owned());
                }
                Act::Printed { form, form_id, .. } if !NEVER_BACK.contains(&form.as_str()) => {
                    let sheet = Issued {
                        form_id: form_id.clone(),
                        form: form.clone(),
                        subject: subject.clone(),
                    };
                    register.add(sheet, received.get(subject).map_or("", String::as_str));
                }
                Act::SheetVoided { form_id, reason } => {
                    let sheet = (form_id.clone(), subject.clone());
                    register.void.entry(sheet).or_insert_with(|| reason.clone());
                }
                Act::SheetsIssued(part) => {
                    for sheet in &part.sheets {
                        if part.blank {
                            register.blank.insert(sheet.form_id.clone());
                        }
                        register.add(issued(sheet), &part.title);
                    }
                }
                Act::SheetReturned(back) => register.take_back(&recorded, back),
                Act::SheetNamed(named) => register.take_name(&recorded, named),
                _ => {}
            }
        }
        for pack in packs {
            for sheet in &pack.sheets {
                if pack.blank {
                    register.blank.insert(sheet.form_id.clone());
                }
                register.add(sheet.clone(), &pack.title);
            }
        }
        register
    }

    /// What came back was issued, also where the entry that issued it has not reached this station.
    fn take_back(&mut self, recorded: &Recorded, back: &SheetReturned) {
        let sheet = Issued {
            form_id: back.form_id.clone(),
            form: back.form.clone(),
            subject: recorded.entry.subject.clone(),
        };
        if back.blank {
            self.blank.insert(sheet.form_id.clone());
        }
        self.add(sheet.clone(), "");
        self.returned.entry(sheet).or_default().extend(Lies::of(recorded, back));
    }

    fn take_name(&mut self, recorded: &Recorded, named: &SheetNamed) {
        self.namings.entry(named.form_id.clone()).or_default().push(Naming {
            entry: recorded.id,
            subject: recorded.entry.subject.clone(),
            at: named.at,
            by: named.by.clone(),
            author: recorded.entry.by.name.clone(),
            station: recorded.entry.station,
            replaces: named.replaces.clone(),
            reason: named.reason.clone(),
        });
    }

    fn add(&mut self, sheet: Issued, department: &str) {
        if !department.is_empty() {
            let place = (sheet.form_id.clone(), sheet.subject.clone());
            self.departments.entry(place).or_insert_with(|| department.to_owned());
        }
        let same = self.sheets.entry(sheet.form_id.clone()).or_default();
        if !same.contains(&sheet) {
            same.push(sheet);
        }
    }

    /// Whether a sheet was printed blank and must be said whose it is when it comes back.
    #[must_use]
    pub fn waits_for_a_name(&self, sheet: &Issued) -> bool {
        self.is_blank(sheet) && !ABOUT_NOBODY.contains(&sheet.form.as_str())
    }

    /// Whether a sheet was printed blank.
    #[must_use]
    pub fn is_blank(&self, sheet: &Issued) -> bool {
        self.blank.contains(&sheet.form_id)
    }

    /// Why an entry says that a sheet will not come back.
    #[must_use]
    pub fn voided(&self, sheet: &Issued) -> Option<&str> {
        let key = (sheet.form_id.clone(), sheet.subject.clone());
        self.void.get(&key).map(String::as_str)
    }

    /// Where a sheet was handed out, in words; empty when nothing says so.
    #[must_use]
    pub fn department(&self, sheet: &Issued) -> &str {
        let key = (sheet.form_id.clone(), sheet.subject.clone());
        self.departments.get(&key).map_or("", String::as_str)
    }

    /// Pages of a sheet that entries say are back, and where their pictures lie.
    #[must_use]
    pub fn returned(&self, sheet: &Issued) -> &[Lies] {
        self.returned.get(sheet).map_or(&[], Vec::as_slice)
    }

    /// Everything that entries say of pages that came back.
    pub fn all_returned(&self) -> impl Iterator<Item = (&Issued, &[Lies])> {
        self.returned.iter().map(|(sheet, lies)| (sheet, lies.as_slice()))
    }

    /// Everything that was ever said of whose a blank sheet is, in order; what no longer holds too.
    #[must_use]
    pub fn namings(&self, number: &FormId) -> &[Naming] {
        self.namings.get(number).map_or(&[], Vec::as_slice)
    }

    /// What holds of whose a blank sheet is: more than one when people who did not know of one another said different things.
    #[must_use]
    pub fn holding(&self, number: &FormId) -> Vec<&Naming> {
        let all = self.namings(number);
        let replaced = |naming: &&Naming| all.iter().any(|later| later.replaces.contains(&naming.entry));
        all.iter().filter(|naming| !replaced(naming)).collect()
    }

    /// Every place where sheets were handed out, by name.
    #[must_use]
    pub fn departments(&self) -> BTreeSet<&str> {
        self.departments.values().map(String::as_str).collect()
    }

    /// Every sheet, by number.
    pub fn all(&self) -> impl Iterator<Item = &Issued> {
        self.sheets.values().flatten()
    }

    /// The sheets of one number: one, unless two packs of one day were printed from different snapshots.
    #[must_use]
    pub fn of(&self, number: &FormId) -> &[Issued] {
        self.sheets.get(number).map_or(&[], Vec::as_slice)
    }

    /// The sheet that a code means.
    ///
    /// # Errors
    /// Why no sheet can be named with certainty.
    pub fn sheet(&self, code: &SheetCode) -> Result<&Issued, Why> {
        let issued = self.of(&code.form_id);
        if issued.is_empty() {
            return Err(Why::NotIssued);
        }
        let mut of_form = issued.iter().filter(|sheet| sheet.form == code.form).peekable();
        of_form.peek().ok_or(Why::OtherForm)?;
        let mut theirs = of_form.filter(|sheet| PatientCheck::of(sheet.subject.number()) == code.patient);
        match (theirs.next(), theirs.next()) {
            (Some(sheet), None) => Ok(sheet),
            _ => Err(Why::OtherPatient),
        }
    }
}
