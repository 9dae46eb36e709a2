//! The account of the paper: for every block of numbers, issued = returned + void + still out (mission row 61).
//!
//! Not here: what has to be typed into the EHR (that is `view`), and whether a sheet was written on.

use std::collections::{BTreeMap, BTreeSet};

use chart::{Moment, Subject};

use super::{Contents, Decided, Issued, Page, Register};

/// One block of numbers: what one node issued in one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Block {
    /// Sheets issued.
    pub issued: usize,
    /// Sheets of which a page came back.
    pub returned: usize,
    /// Sheets that will not come back, by a person's word.
    pub void: usize,
}

impl Block {
    /// Sheets still out.
    #[must_use]
    pub const fn missing(&self) -> usize {
        self.issued.saturating_sub(self.returned + self.void)
    }
}

/// What is back and what is not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Balance {
    /// By year and day of the year as they stand in the number, and node.
    pub blocks: BTreeMap<(String, u8), Block>,
    /// Sheets still out, by number.
    pub missing: Vec<Issued>,
    /// Sheets of which some pages are back, with the pages that are not.
    pub incomplete: Vec<(Issued, Vec<u8>)>,
    /// Unread pages that nobody has assigned yet: (file, page from 1) in the order they were taken in.
    pub unread: Vec<(super::Sha, u32)>,
    /// Blank sheets that are back and of which nobody has said whose they are.
    pub unnamed: Vec<Issued>,
    /// Blank sheets that are back, with whom a person read on them.
    pub named: Vec<(Issued, Subject)>,
    /// Blank sheets of which people who did not know of one another said different things: a person says what holds.
    pub disputed: Vec<(Issued, Vec<Subject>)>,
    /// Sheets that are back, by number.
    pub returned: Vec<Issued>,
    /// Sheets that will not come back, by number.
    pub void: Vec<Issued>,
}

impl Balance {
    /// Draws up the account.
    #[must_use]
    pub fn draw(register: &Register, contents: &Contents) -> Self {
        let mut back: BTreeMap<&Issued, (BTreeSet<u8>, u8)> = BTreeMap::new();
        let mut note = |sheet, page: u8, pages: u8| {
            let (seen, of) = back.entry(sheet).or_default();
            seen.insert(page);
            *of = (*of).max(pages).max(page);
        };
        let mut assigned = BTreeSet::new();
        let mut void = BTreeSet::new();
        for (sheet, lies) in register.all_returned() {
            for one in lies {
                note(sheet, one.page, one.pages);
            }
        }
        let mut whose: BTreeMap<&Issued, (Moment, &Subject)> = BTreeMap::new();
        for decision in &contents.decisions {
            match &decision.what {
                Decided::Void { sheet, .. } => {
                    void.insert(sheet);
                }
                Decided::Assigned { file, at, sheet, page } => {
                    assigned.insert((*file, *at));
                    note(sheet, *page, *page);
                }
                Decided::Whose { sheet, subject, .. } => {
                    whose.insert(sheet, (decision.at, subject));
                }
            }
        }
        let mut unread = Vec::new();
        for (file, scanned) in &contents.scanned {
            for (at, page) in (1_u32..).zip(&scanned.pages) {
                match page {
                    Page::Filed { sheet, page, pages } => note(sheet, *page, *pages),
                    Page::Unread { .. } if !assigned.contains(&(*file, at)) => unread.push((*file, at)),
                    Page::Unread { .. } | Page::Blank => {}
                }
            }
        }
        let mut balance = Self {
            unread,
            ..Self::default()
        };
        for sheet in register.all() {
            let number = &sheet.form_id;
            let block = balance
                .blocks
                .entry((number.day_part().to_owned(), number.node()))
                .or_default();
            block.issued += 1;
            let is_void = void.contains(sheet) || register.voided(sheet).is_some();
            if let Some((seen, of)) = back.get(sheet) {
                block.returned += 1;
                balance.returned.push(sheet.clone());
                match said(register, sheet, whose.get(sheet).copied()).as_slice() {
                    [subject] => balance.named.push((sheet.clone(), subject.clone())),
                    [] if register.waits_for_a_name(sheet) && !is_void => balance.unnamed.push(sheet.clone()),
                    [] => {}
                    several => balance.disputed.push((sheet.clone(), several.to_vec())),
                }
                let rest: Vec<u8> = (1..=*of).filter(|page| !seen.contains(page)).collect();
                if !rest.is_empty() {
                    balance.incomplete.push((sheet.clone(), rest));
                }
            } else if is_void {
                block.void += 1;
                balance.void.push(sheet.clone());
            } else {
                balance.missing.push(sheet.clone());
            }
        }
        balance
    }
}

/// Whose a blank sheet is by all that is said: nobody, one, or several who are a person's matter. The word of this station's own
/// archive counts while no entry says it, unless an entry is newer.
fn said(register: &Register, sheet: &Issued, own: Option<(Moment, &Subject)>) -> Vec<Subject> {
    let holding = if sheet.subject == Subject::Hospital {
        register.holding(&sheet.form_id)
    } else {
        Vec::new()
    };
    if let Some((at, subject)) = own
        && holding.iter().all(|naming| naming.at < at)
    {
        return vec![subject.clone()];
    }
    let different: BTreeSet<&Subject> = holding.iter().map(|naming| &naming.subject).collect();
    different.into_iter().cloned().collect()
}
