//! What a station's archive knows and no entry says yet: read here into entries, recorded by whoever is signed in.
//!
//! The command that takes scans in cannot write to the journal of a station that is running, and packs are printed before anybody
//! signs in. Pure: the same archive and the same day give the same list, and what was told once is never told again. Pictures are
//! not told; an entry says where they lie.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chart::entry::{MAX_PAGES_BACK, MAX_SHEETS_OF_ONE, PageBack, SheetNamed, SheetOut, SheetReturned, SheetsIssued};
use chart::{Act, FormId, Moment, Subject};

use super::{Contents, Decided, Decision, Issued, Naming, Pack, Page, Register, Sha, sha_of};
use crate::view::Day;

/// Entries that are still to be recorded, in the order in which they should be.
#[must_use]
pub fn untold(contents: &Contents, register: &Register, day: &Day) -> Vec<(Subject, Act)> {
    let mut told = packs(contents, day);
    told.extend(pages(contents, register));
    told.extend(
        contents
            .decisions
            .iter()
            .filter_map(|decision| voided(decision, register)),
    );
    told.extend(names(contents, register));
    told
}

fn packs(contents: &Contents, day: &Day) -> Vec<(Subject, Act)> {
    if contents.packs.is_empty() {
        return Vec::new();
    }
    let mut known: HashSet<(Sha, u16)> = HashSet::new();
    for recorded in day.about(&Subject::Hospital) {
        if let Act::SheetsIssued(part) = &recorded.entry.act {
            known.insert((part.pack, part.part));
        }
    }
    let mut told = Vec::new();
    for pack in &contents.packs {
        // A register that does not encode was never written.
        let Ok(bytes) = minicbor::to_vec(pack) else { continue };
        let sha = sha_of(&bytes);
        for (part, sheets) in (0_u16..).zip(pack.sheets.chunks(MAX_SHEETS_OF_ONE)) {
            if !known.contains(&(sha, part)) {
                told.push((Subject::Hospital, part_of(pack, sha, part, sheets)));
            }
        }
    }
    told
}

fn part_of(pack: &Pack, sha: Sha, part: u16, sheets: &[Issued]) -> Act {
    let sheets = sheets.iter().map(|sheet| SheetOut {
        form_id: sheet.form_id.clone(),
        form: sheet.form.clone(),
        subject: sheet.subject.clone(),
    });
    Act::SheetsIssued(Box::new(SheetsIssued {
        pack: sha,
        part,
        at: pack.at,
        by: pack.by.clone(),
        title: pack.title.clone(),
        blank: pack.blank,
        sheets: sheets.collect(),
    }))
}

/// Pages of sheets that are back, those that a person assigned too: one entry for each sheet in each file.
fn pages(contents: &Contents, register: &Register) -> Vec<(Subject, Act)> {
    struct Back<'a> {
        name: &'a str,
        at: Moment,
        by: &'a str,
        pages: u8,
        found: BTreeSet<PageBack>,
    }
    let mut back: BTreeMap<(Sha, &Issued), Back<'_>> = BTreeMap::new();
    let mut note = |file: Sha, sheet, (name, when, by), found: PageBack, pages: u8| {
        let one = back.entry((file, sheet)).or_insert_with(|| Back {
            name,
            at: when,
            by,
            pages,
            found: BTreeSet::new(),
        });
        one.pages = one.pages.max(pages);
        one.found.insert(found);
    };
    let mut names: BTreeMap<Sha, &str> = BTreeMap::new();
    for (file, scanned) in &contents.scanned {
        names.insert(*file, &scanned.name);
        for (at, page) in (1_u32..).zip(&scanned.pages) {
            if let Page::Filed { sheet, page, pages } = page {
                let how = (scanned.name.as_str(), scanned.at, scanned.by.as_str());
                note(*file, sheet, how, PageBack { page: *page, at }, *pages);
            }
        }
    }
    for decision in &contents.decisions {
        if let Decided::Assigned { file, at, sheet, page } = &decision.what {
            let name = names.get(file).copied().unwrap_or_default();
            let how = (name, decision.at, decision.by.as_str());
            note(*file, sheet, how, PageBack { page: *page, at: *at }, *page);
        }
    }
    let mut told = Vec::new();
    for ((file, sheet), one) in back {
        let known = register.returned(sheet);
        let is_known = |found: &PageBack| {
            let same = |lies: &&super::Lies| lies.file == file && lies.page == found.page && lies.at == found.at;
            known.iter().any(|lies| same(&lies))
        };
        let found: Vec<PageBack> = one.found.iter().filter(|found| !is_known(found)).copied().collect();
        for found in found.chunks(MAX_PAGES_BACK) {
            let act = Act::SheetReturned(Box::new(SheetReturned {
                form_id: sheet.form_id.clone(),
                form: sheet.form.clone(),
                pages: one.pages,
                blank: register.is_blank(sheet),
                found: found.to_vec(),
                file,
                name: one.name.to_owned(),
                at: one.at,
                by: one.by.to_owned(),
            }));
            told.push((sheet.subject.clone(), act));
        }
    }
    told
}

fn voided(decision: &Decision, register: &Register) -> Option<(Subject, Act)> {
    let Decided::Void { sheet, reason } = &decision.what else {
        return None;
    };
    register.voided(sheet).is_none().then(|| {
        let act = Act::SheetVoided {
            form_id: sheet.form_id.clone(),
            reason: reason.clone(),
        };
        (sheet.subject.clone(), act)
    })
}

/// The last word of this archive about each blank sheet, unless an entry says it already. It replaces what was said before it
/// was decided; what another station said later stays beside it, for a person.
fn names(contents: &Contents, register: &Register) -> Vec<(Subject, Act)> {
    let mut last: BTreeMap<&FormId, (&Issued, &Subject, &str, &Decision)> = BTreeMap::new();
    for decision in &contents.decisions {
        if let Decided::Whose { sheet, subject, reason } = &decision.what {
            last.insert(&sheet.form_id, (sheet, subject, reason, decision));
        }
    }
    let mut told = Vec::new();
    for (number, (sheet, subject, reason, decision)) in last {
        let is_said =
            |naming: &Naming| naming.subject == *subject && naming.at == decision.at && naming.by == decision.by;
        if register.namings(number).iter().any(is_said) {
            continue;
        }
        let before = register.holding(number).into_iter();
        let before = before.filter(|naming| naming.at <= decision.at);
        let act = Act::SheetNamed(Box::new(SheetNamed {
            form_id: sheet.form_id.clone(),
            form: sheet.form.clone(),
            at: decision.at,
            by: decision.by.clone(),
            replaces: before.map(|naming| naming.entry).collect(),
            reason: reason.to_owned(),
        }));
        told.push((subject.clone(), act));
    }
    told
}
