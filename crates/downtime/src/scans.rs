//! 戻った紙: which issued sheets came back as scans, whose they are, and which are still out.
//!
//! A page is filed only when the number on it was issued, for the form and for the patient that its code says; everything else
//! waits for a person. Whose sheet it is follows from the journal, and for packs from the register kept at printing. What a station's
//! archive knows it tells in entries ([`untold`]), so that the account is the same at every station; pictures stay where they
//! were scanned. Not here: reading pictures (that is `scan`), and what is written on the paper.

use std::collections::BTreeSet;

use chart::{FormId, Moment, SheetCode, Subject};
use minicbor::{Decode, Encode};

mod archive;
mod balance;
mod register;
mod telling;

pub use archive::{Archive, ArchiveFault, Contents, MAX_ORIGINAL, Sha, sha_of};
pub use balance::{Balance, Block};
pub use register::{Lies, Naming, Register};
pub use telling::untold;

/// One sheet that was handed out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Issued {
    /// 帳票番号
    #[n(0)]
    pub form_id: FormId,
    /// Form code such as `F02`.
    #[n(1)]
    pub form: String,
    /// About whom; [`Subject::Hospital`] for lists.
    #[n(2)]
    pub subject: Subject,
}

/// 発行簿: the sheets of one printed pack, kept because no journal entry says whose they are.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Pack {
    /// When it was printed.
    #[n(0)]
    pub at: Moment,
    /// 職員番号 of who printed it.
    #[n(1)]
    pub by: String,
    /// Department, in words.
    #[n(2)]
    pub title: String,
    /// Every sheet of it.
    #[n(3)]
    pub sheets: Vec<Issued>,
    /// Blank numbered sheets: whose one is, is said when it comes back.
    #[n(4)]
    #[cbor(default)]
    pub blank: bool,
}

/// One page of a scanned file.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Page {
    /// Filed.
    #[n(0)]
    Filed {
        /// The sheet.
        #[n(0)]
        sheet: Issued,
        /// Which page of it, from 1.
        #[n(1)]
        page: u8,
        /// Pages of the sheet.
        #[n(2)]
        pages: u8,
    },
    /// Waits for a person.
    #[n(1)]
    Unread {
        /// Why it was not filed.
        #[n(0)]
        why: Why,
        /// Numbers of sheets it may be, by what little was read.
        #[n(1)]
        hints: Vec<FormId>,
        /// A small PNG; empty when there is no picture.
        #[cbor(n(2), with = "minicbor::bytes")]
        preview: Vec<u8>,
        /// The text of its code, where there is exactly one: it is tried again when more is known of what was issued.
        #[n(3)]
        code: String,
    },
    /// The empty back of a sheet: nothing is on it, nobody has to look. The original is kept as every other.
    #[n(2)]
    Blank,
}

/// Why a page was not filed by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Why {
    /// No code of ours was read.
    #[n(0)]
    NoCode,
    /// Only a bar code with the number was read.
    #[n(1)]
    OnlyNumber,
    /// Its codes disagree.
    #[n(2)]
    Disagree,
    /// The number was not issued here, or its record has not reached this station.
    #[n(3)]
    NotIssued,
    /// The number was issued for another form.
    #[n(4)]
    OtherForm,
    /// The number was issued for another patient.
    #[n(5)]
    OtherPatient,
    /// The page could not be made a picture.
    #[n(6)]
    NoPicture,
}

impl Why {
    /// For people: what happened.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoCode => "コードが読めません",
            Self::OnlyNumber => "帳票番号だけ読めました（何ページ目かは分かりません）",
            Self::Disagree => "1枚に違う用紙のコードがあります",
            Self::NotIssued => "この帳票番号の発行の記録が、この端末にありません",
            Self::OtherForm => "帳票番号は別の様式で発行されています",
            Self::OtherPatient => "帳票番号は別の患者さんに発行されています",
            Self::NoPicture => "ページを画像にできません",
        }
    }
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Scanned {
    /// Name of the file, without its directory.
    #[n(0)]
    pub name: String,
    /// When it was taken in.
    #[n(1)]
    pub at: Moment,
    /// 職員番号 of who took it in.
    #[n(2)]
    pub by: String,
    /// Its pages, in order.
    #[n(3)]
    pub pages: Vec<Page>,
    /// Why the file could not be read to its end; empty when it was.
    #[n(4)]
    pub fault: String,
}

impl Scanned {
    /// Tries unread pages again with what is known now; whether any was filed.
    pub fn try_again(&mut self, register: &Register) -> bool {
        let mut filed = false;
        for place in &mut self.pages {
            let Page::Unread { code, .. } = &*place else { continue };
            let Some(code) = SheetCode::parse(code) else { continue };
            if let Ok(sheet) = register.sheet(&code) {
                *place = Page::Filed {
                    sheet: sheet.clone(),
                    page: code.page,
                    pages: code.pages,
                };
                filed = true;
            }
        }
        filed
    }

    /// What an unread page (from 1) may be, by what was read of it and by its neighbours in the pile, the likeliest first: a
    /// sheet and its page, where that is known. For people to check, never to file by.
    #[must_use]
    pub fn suggestions(&self, at: u32, register: &Register) -> Vec<(Issued, Option<u8>)> {
        let place = |at: u32| self.pages.get(usize::try_from(at.checked_sub(1)?).ok()?);
        let filed = |at: Option<u32>| match place(at?)? {
            Page::Filed { sheet, page, pages } => Some((sheet, *page, *pages)),
            Page::Unread { .. } | Page::Blank => None,
        };
        let Some(Page::Unread { hints, .. }) = place(at) else {
            return Vec::new();
        };
        let known = hints.iter().flat_map(|number| register.of(number));
        let mut out: Vec<(Issued, Option<u8>)> = known.map(|sheet| (sheet.clone(), None)).collect();
        // Scanned on both sides, a sheet's neighbour is an empty back.
        let written = |mut at: u32, step: i8| loop {
            at = at.checked_add_signed(step.into())?;
            if !matches!(place(at)?, Page::Blank) {
                return Some(at);
            }
        };
        let (before, after) = (filed(written(at, -1)), filed(written(at, 1)));
        // The pages of a sheet lie together; a feeder that turns the pile around gives them backwards.
        for (sheet, page, pages) in before.iter().chain(&after) {
            let here = |wanted: u8| {
                let same =
                    |p: &Page| matches!(p, Page::Filed { sheet: of, page, .. } if of == *sheet && *page == wanted);
                self.pages.iter().any(same)
            };
            let next = [page.checked_add(1), page.checked_sub(1)].into_iter().flatten();
            let missing = next.filter(|next| (1..=*pages).contains(next) && !here(*next));
            out.extend(missing.map(|next| ((*sheet).clone(), Some(next))));
        }
        if let (Some((one, ..)), Some((other, ..))) = (before, after) {
            let (a, b) = (&one.form_id, &other.form_id);
            let gap = a.day_part() == b.day_part() && a.node() == b.node() && a.sequence().abs_diff(b.sequence()) == 2;
            let between = a.sequence().min(b.sequence()) + 1;
            let same_block = |number: &FormId| {
                number.day_part() == a.day_part() && number.node() == a.node() && number.sequence() == between
            };
            if gap {
                let issued = register.all().filter(|sheet| same_block(&sheet.form_id));
                out.extend(issued.map(|sheet| (sheet.clone(), None)));
            }
        }
        let mut seen = BTreeSet::new();
        out.retain(|suggestion| seen.insert(suggestion.clone()));
        out
    }
}

/// What a person decided about a sheet or a page.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Decided {
    /// 使用せず: the sheet will not come back.
    #[n(0)]
    Void {
        /// Which.
        #[n(0)]
        sheet: Issued,
        /// Why, and where the paper is.
        #[n(1)]
        reason: String,
    },
    /// An unread page is this one.
    #[n(1)]
    Assigned {
        /// SHA-256 of the file.
        #[cbor(n(0), with = "minicbor::bytes")]
        file: Sha,
        /// Page of the file, from 1.
        #[n(1)]
        at: u32,
        /// The sheet.
        #[n(2)]
        sheet: Issued,
        /// Which page of the sheet, from 1.
        #[n(3)]
        page: u8,
    },
    /// Whose a blank sheet is, by what was written on it. A later decision about the same sheet replaces an earlier one.
    #[n(2)]
    Whose {
        /// The sheet, issued about nobody.
        #[n(0)]
        sheet: Issued,
        /// Whom the paper names.
        #[n(1)]
        subject: Subject,
        /// Why, where somebody had decided before; empty for the first word about a sheet.
        #[n(2)]
        #[cbor(default)]
        reason: String,
    },
}

/// A decision with who took it, and when.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Decision {
    /// When.
    #[n(0)]
    pub at: Moment,
    /// 職員番号
    #[n(1)]
    pub by: String,
    /// What.
    #[n(2)]
    pub what: Decided,
}
