//! One pack on the disk: a head in the clear that names no patient, and its pages sealed in parts (docs/formats/packs.md).
//!
//! Every part is bound to its hospital, snapshot, department, place, pages and to the whole head, so that a changed head, a part of another
//! pack or parts in another order do not open. There is deliberately no repair: a pack that does not open is printed from the snapshot.

use std::path::Path;
use std::sync::Arc;

use chart::Moment;
use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use vault::HospitalId;
use vault::context::Context;
use vault::files::{Files, ReadAt};

use super::{Kind, PackId};
use crate::printing::MAX_PDF;
use crate::scans::Issued;
use crate::shelf::Opened;

/// First bytes of a pack.
const MAGIC: &[u8; 8] = b"TMBPACK1";
/// Longest head and longest list of parts, in bytes.
const MAX_HEAD: u32 = 1 << 20;
/// Most parts of one pack: 20,000 pages of single sheets.
const MAX_PARTS: usize = 2_000;
/// Longest pack, in bytes. It is in memory while it is made.
pub(super) const MAX_PACK: usize = 192 << 20;
/// What a sealed part may be longer than the PDF in it: its sheets, and the seal.
const AROUND: usize = 1 << 20;

/// What anybody may read of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Head {
    /// Department or ward.
    #[n(0)]
    pub kind: Kind,
    /// Its code; its name where it has none.
    #[n(1)]
    pub code: String,
    /// As people say it: 循環器内科.
    #[n(2)]
    pub label: String,
    /// The snapshot it was made from.
    #[n(3)]
    pub epoch: u64,
    /// The day it is for, `2026-11-28`.
    #[n(4)]
    pub day: String,
    /// When the EHR last vouched for what is on it.
    #[n(5)]
    pub as_of: Moment,
    /// When it was made.
    #[n(6)]
    pub made: Moment,
    /// Sheets in it.
    #[n(7)]
    pub sheets: u32,
    /// Pages in it.
    #[n(8)]
    pub pages: u32,
    /// Sheets that could not be printed, or whose chart did not open.
    #[n(9)]
    pub spoiled: u32,
}

impl Head {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> PackId {
        PackId::of(self.kind, &self.code)
    }
}

/// One part, as anybody may read it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Part {
    /// Its pages.
    #[n(0)]
    pub pages: u32,
    /// Its sheets.
    #[n(1)]
    pub sheets: u32,
    /// `A4`, `A5`
    #[n(2)]
    pub paper: String,
    /// Length of its sealed bytes.
    #[n(3)]
    pub length: u32,
    /// SHA-256 of its sealed bytes.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub sha256: [u8; 32],
}

/// What is sealed in a part.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Plain {
    /// Whose its sheets are, in their order.
    #[n(0)]
    pub sheets: Vec<Issued>,
    /// Its pages as one PDF.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub pdf: Vec<u8>,
}

/// A sheet that is not as it should be. Names a patient: it is sealed with the pages.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Note {
    /// Form code.
    #[n(0)]
    pub form: String,
    /// Patient number as shown; empty for lists.
    #[n(1)]
    pub patient: String,
    /// Why.
    #[n(2)]
    pub why: String,
}

/// Why a pack, or a part of it, cannot be used. The snapshot still can.
#[derive(Debug, thiserror::Error)]
pub enum PackFault {
    /// The disk.
    #[error("パックを読めません（{0}）")]
    Read(std::io::Error),
    /// The disk does not take it.
    #[error("パックをディスクに書けません（{0}）")]
    Write(std::io::Error),
    /// Not a whole pack: cut short, changed, or of a newer program.
    #[error("パックのファイルが壊れています（{0}）")]
    Damaged(&'static str),
    /// It does not open with these keys for this place.
    #[error("パックを開けません（中身が変わっているか、別の号のものです）")]
    Closed,
    /// More than one pack may be.
    #[error("パックが大きすぎます（{0}）")]
    TooLarge(&'static str),
    /// Something that cannot be made or sealed.
    #[error("パックを作れません（{0}）")]
    Make(String),
}

/// A part before it is sealed.
pub(super) struct Unsealed {
    pub(super) pages: u32,
    pub(super) paper: String,
    pub(super) plain: Plain,
}

/// A pack on the disk.
pub struct Pack {
    /// Its head.
    pub head: Head,
    /// Its parts.
    pub parts: Vec<Part>,
    source: Arc<dyn ReadAt>,
    hospital: HospitalId,
    sum: [u8; 32],
    /// Where the first part begins.
    start: u64,
}

impl std::fmt::Debug for Pack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pack({:?}, {} parts)", self.head, self.parts.len())
    }
}

/// The bytes of a pack.
pub(super) fn seal(
    head: &Head,
    parts: &[Unsealed],
    notes: &[Note],
    hospital: &HospitalId,
    opened: &Opened,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<Vec<u8>, PackFault> {
    if parts.len() >= MAX_PARTS {
        return Err(PackFault::TooLarge("部分の数"));
    }
    let bare = encode(head)?;
    let sum: [u8; 32] = Sha256::digest(&bare).into();
    let (mut list, mut boxes) = (Vec::new(), Vec::new());
    let mut first = 0_u32;
    let notes = (encode(&notes.to_vec())?, 0, 0, String::new());
    let pages = parts.iter().map(|part| {
        if part.plain.pdf.len() > MAX_PDF {
            return Err(PackFault::TooLarge("1つの部分のPDF"));
        }
        let sheets = u32::try_from(part.plain.sheets.len()).unwrap_or(u32::MAX);
        Ok((encode(&part.plain)?, part.pages, sheets, part.paper.clone()))
    });
    for (at, part) in pages.chain(std::iter::once(Ok(notes))).enumerate() {
        let (plain, pages, sheets, paper) = part?;
        let place = context(hospital, head, &sum, at, first, pages);
        let sealed = opened.seal_beside(&place, &plain, rng).map_err(PackFault::Make)?;
        first = first.saturating_add(pages);
        list.push(Part {
            pages,
            sheets,
            paper,
            length: u32::try_from(sealed.len()).map_err(|_| PackFault::TooLarge("1つの部分"))?,
            sha256: Sha256::digest(&sealed).into(),
        });
        boxes.extend_from_slice(&sealed);
        if boxes.len() > MAX_PACK {
            return Err(PackFault::TooLarge("パック全体"));
        }
    }
    let mut out = MAGIC.to_vec();
    for section in [bare, encode(&list)?] {
        let length = u32::try_from(section.len()).ok().filter(|length| *length <= MAX_HEAD);
        out.extend_from_slice(&length.ok_or(PackFault::TooLarge("見出し"))?.to_le_bytes());
        out.extend_from_slice(&section);
    }
    out.extend_from_slice(&boxes);
    Ok(out)
}

fn encode<T: Encode<()>>(what: &T) -> Result<Vec<u8>, PackFault> {
    minicbor::to_vec(what).map_err(|fault| PackFault::Make(fault.to_string()))
}

/// The place of a part: whose, of which snapshot, for whom, which one, its pages, and everything the head says.
fn context(hospital: &HospitalId, head: &Head, sum: &[u8; 32], at: usize, first: u32, pages: u32) -> Context {
    let kind = match head.kind {
        Kind::Department => 0,
        Kind::Ward => 1,
    };
    Context::new("pack", hospital)
        .u64(head.epoch)
        .u8(kind)
        .variable(head.code.as_bytes())
        .u16(u16::try_from(at).unwrap_or(u16::MAX))
        .u32(first)
        .u32(pages)
        .fixed(sum)
}

impl Pack {
    /// Reads head and list of a pack. That the file is as long as they say is checked, the parts are not.
    ///
    /// # Errors
    /// [`PackFault::Read`], [`PackFault::Damaged`].
    pub fn open(files: &dyn Files, path: &Path, hospital: HospitalId) -> Result<Self, PackFault> {
        let source = files.open(path).map_err(PackFault::Read)?;
        let size = source.size().map_err(PackFault::Read)?;
        let mut at = 0;
        let magic = read(&*source, &mut at, MAGIC.len(), size)?;
        if magic != MAGIC {
            return Err(PackFault::Damaged("この版のパックではありません"));
        }
        let bare = section(&*source, &mut at, size)?;
        let head: Head = minicbor::decode(&bare).map_err(|_| PackFault::Damaged("見出し"))?;
        let list = section(&*source, &mut at, size)?;
        let parts: Vec<Part> = minicbor::decode(&list).map_err(|_| PackFault::Damaged("部分の一覧"))?;
        let all: u64 = parts.iter().map(|part| u64::from(part.length)).sum();
        let fits = parts.iter().all(|part| part.length as usize <= MAX_PDF + AROUND);
        if parts.is_empty() || parts.len() > MAX_PARTS || !fits || at + all != size {
            return Err(PackFault::Damaged("長さが合いません"));
        }
        let pages: u64 = parts.iter().map(|part| u64::from(part.pages)).sum();
        if pages != u64::from(head.pages) {
            return Err(PackFault::Damaged("枚数が合いません"));
        }
        Ok(Self {
            head,
            parts,
            source,
            hospital,
            sum: Sha256::digest(&bare).into(),
            start: at,
        })
    }

    /// Parts with pages: all but the last, which holds the notes.
    #[must_use]
    pub fn printed(&self) -> &[Part] {
        self.parts.split_last().map_or(&[], |(_, printed)| printed)
    }

    /// Whether every part still has the bytes it was written with. No key is needed.
    ///
    /// # Errors
    /// [`PackFault`].
    pub fn check(&self) -> Result<(), PackFault> {
        (0..self.parts.len()).try_for_each(|at| self.sealed(at).map(drop))
    }

    /// Opens a part's pages.
    ///
    /// # Errors
    /// [`PackFault`]: nothing of it may be used.
    pub fn part(&self, opened: &Opened, at: usize) -> Result<Plain, PackFault> {
        let plain = self.plain(opened, at)?;
        minicbor::decode(&plain).map_err(|_| PackFault::Damaged("部分の中身"))
    }

    /// Sheets that are not as they should be.
    ///
    /// # Errors
    /// [`PackFault`].
    pub fn notes(&self, opened: &Opened) -> Result<Vec<Note>, PackFault> {
        let plain = self.plain(opened, self.printed().len())?;
        minicbor::decode(&plain).map_err(|_| PackFault::Damaged("注意の一覧"))
    }

    fn plain(&self, opened: &Opened, at: usize) -> Result<zeroize::Zeroizing<Vec<u8>>, PackFault> {
        let (sealed, first) = self.sealed(at)?;
        let pages = self.parts.get(at).map_or(0, |part| part.pages);
        let place = context(&self.hospital, &self.head, &self.sum, at, first, pages);
        opened.open_beside(&place, &sealed).ok_or(PackFault::Closed)
    }

    /// The sealed bytes of a part, and the pages before it.
    fn sealed(&self, at: usize) -> Result<(Vec<u8>, u32), PackFault> {
        let part = self.parts.get(at).ok_or(PackFault::Damaged("部分がありません"))?;
        let before = self.parts.get(..at).unwrap_or_default();
        let offset = self.start + before.iter().map(|part| u64::from(part.length)).sum::<u64>();
        let first = before.iter().fold(0_u32, |sum, part| sum.saturating_add(part.pages));
        let mut sealed = vec![0; part.length as usize];
        self.source
            .read_exact_at(offset, &mut sealed)
            .map_err(PackFault::Read)?;
        if Sha256::digest(&sealed).as_slice() != part.sha256 {
            return Err(PackFault::Damaged("中身が書いたときと違います"));
        }
        Ok((sealed, first))
    }
}

fn section(source: &dyn ReadAt, at: &mut u64, size: u64) -> Result<Vec<u8>, PackFault> {
    let length = read(source, at, 4, size)?;
    let length: [u8; 4] = length.try_into().map_err(|_| PackFault::Damaged("見出し"))?;
    let length = u32::from_le_bytes(length);
    if length > MAX_HEAD {
        return Err(PackFault::Damaged("見出しの長さ"));
    }
    read(source, at, length as usize, size)
}

fn read(source: &dyn ReadAt, at: &mut u64, length: usize, size: u64) -> Result<Vec<u8>, PackFault> {
    let end = *at + length as u64;
    if end > size {
        return Err(PackFault::Damaged("途中で切れています"));
    }
    let mut bytes = vec![0; length];
    source.read_exact_at(*at, &mut bytes).map_err(PackFault::Read)?;
    *at = end;
    Ok(bytes)
}
