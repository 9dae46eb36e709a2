//! Acts about paper that went out and came back, so that every station draws up the same account of it.
//!
//! Not here: the pictures. They stay sealed at the station that scanned them; an entry says where they lie.

use minicbor::{Decode, Encode};

use super::{EntryId, Subject};
use crate::as_of::Moment;
use crate::id::FormId;

/// Most sheets that one entry names: with the longest patient numbers they stay well below the largest entry.
pub const MAX_SHEETS_OF_ONE: usize = 400;

/// Most pages of one sheet that one entry names.
pub const MAX_PAGES_BACK: usize = 200;

/// One sheet of a printed pack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct SheetOut {
    /// 帳票番号
    #[n(0)]
    pub form_id: FormId,
    /// Form code such as `F02`.
    #[n(1)]
    pub form: String,
    /// About whom; [`Subject::Hospital`] for lists and blank sheets.
    #[n(2)]
    pub subject: Subject,
}

/// 発行簿: sheets of one printed pack, or a part of them, in the words of the register that was kept at printing.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SheetsIssued {
    /// SHA-256 of the register, and which part of it from 0: the same pack is told once.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub pack: [u8; 32],
    /// Which part of the register, from 0.
    #[n(1)]
    pub part: u16,
    /// When it was printed.
    #[n(2)]
    pub at: Moment,
    /// 職員番号 of who printed it.
    #[n(3)]
    pub by: String,
    /// Department, in words.
    #[n(4)]
    pub title: String,
    /// Blank numbered sheets: whose one is, is said when it comes back.
    #[n(5)]
    pub blank: bool,
    /// The sheets, at most [`MAX_SHEETS_OF_ONE`].
    #[n(6)]
    pub sheets: Vec<SheetOut>,
}

/// One page that came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct PageBack {
    /// Page of the sheet, from 1.
    #[n(0)]
    pub page: u8,
    /// Page of the scanned file, from 1.
    #[n(1)]
    pub at: u32,
}

/// 用紙が戻った: pages of one sheet were found in one scanned file. The entry's subject is the sheet's, its station is where the
/// picture lies.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SheetReturned {
    /// 帳票番号
    #[n(0)]
    pub form_id: FormId,
    /// Form code such as `F02`.
    #[n(1)]
    pub form: String,
    /// Pages of the sheet, as far as they are known.
    #[n(2)]
    pub pages: u8,
    /// It was printed blank.
    #[n(3)]
    pub blank: bool,
    /// Which pages, at most [`MAX_PAGES_BACK`].
    #[n(4)]
    pub found: Vec<PageBack>,
    /// SHA-256 of the scanned file.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub file: [u8; 32],
    /// Name of the scanned file.
    #[n(6)]
    pub name: String,
    /// When it was taken in.
    #[n(7)]
    pub at: Moment,
    /// 職員番号 of who took it in.
    #[n(8)]
    pub by: String,
}

/// だれの用紙か: whose a blank sheet is, by what a person read on it. The entry's subject is that person.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SheetNamed {
    /// 帳票番号
    #[n(0)]
    pub form_id: FormId,
    /// Form code such as `F04`.
    #[n(1)]
    pub form: String,
    /// When it was decided.
    #[n(2)]
    pub at: Moment,
    /// 職員番号 of who decided.
    #[n(3)]
    pub by: String,
    /// What somebody said before and what no longer holds; empty for the first word about a sheet.
    #[n(4)]
    #[cbor(default)]
    pub replaces: Vec<EntryId>,
    /// Why it was decided anew; empty for the first word about a sheet.
    #[n(5)]
    #[cbor(default)]
    pub reason: String,
}
