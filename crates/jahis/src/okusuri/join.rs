//! Scans that belong together: symbols of one file (structured append), pieces of a scanner that only types, and files of one notebook (911).
//!
//! Pieces are joined as bytes before anything is decoded, because a cut may fall inside a Shift_JIS character. What is missing is named; nothing is
//! guessed in its place.

use thiserror::Error;

use crate::okusuri::{Dispensing, Notebook, NotebookReading, NotebookRp, read};

/// Most pieces taken at once.
const MOST: usize = 200;

/// What a scanner saw of one symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// Place (from 0), number of symbols, parity of the whole, when the scanner tells them.
    pub joined: Option<(u8, u8, u8)>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Why scans cannot be joined or read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JoinError {
    /// Nothing was scanned.
    #[error("お薬手帳のQRがまだ読まれていません。1つ目から順に読んでください。")]
    Nothing,
    /// More or longer than a notebook can be.
    #[error("お薬手帳のQRには長すぎます。別のコードを読んでいないか確かめ、初めから読み直してください。")]
    TooLong,
    /// Not a notebook.
    #[error(
        "お薬手帳のQRではありません（先頭がJAHISTCと2桁の数字ではない）。別のコードを読んでいないか確かめてください。"
    )]
    Header,
    /// Some are missing; the numbers are those printed beside the symbols.
    #[error("QRが足りません。{of}個のうち{}を読んでください。", list(missing))]
    Missing {
        /// Which, from 1.
        missing: Vec<u16>,
        /// Of how many.
        of: u16,
    },
    /// Symbols of different files, or two that claim one place.
    #[error("違うQRが混ざっています。1人分だけを初めから読み直してください。")]
    Mixed,
    /// All are there and still the check does not hold.
    #[error("QRの読み取りに誤りがあります。初めから読み直してください。")]
    Parity,
}

fn list(missing: &[u16]) -> String {
    missing
        .iter()
        .map(|at| format!("{at}番"))
        .collect::<Vec<_>>()
        .join("、")
}

/// Joins the symbols of one file, in any order, doubles allowed. Pieces without a place (a scanner that only types) are put so that the header
/// comes first and the EOF last, the others in the order they were read.
///
/// # Errors
/// [`JoinError`] says which symbol to read.
pub fn join(fragments: &[Fragment]) -> Result<Vec<u8>, JoinError> {
    if fragments.is_empty() {
        return Err(JoinError::Nothing);
    }
    if fragments.len() > MOST || fragments.iter().map(|f| f.bytes.len()).sum::<usize>() > MOST * 3_000 {
        return Err(JoinError::TooLong);
    }
    let placed: Vec<_> = fragments
        .iter()
        .filter_map(|f| f.joined.map(|j| (j, &f.bytes)))
        .collect();
    if placed.is_empty() {
        return Ok(typed(fragments));
    }
    if placed.len() < fragments.len() {
        return Err(JoinError::Mixed);
    }
    let Some(((_, of, parity), _)) = placed.first().copied() else {
        return Err(JoinError::Nothing);
    };
    let mut places: Vec<Option<&Vec<u8>>> = vec![None; usize::from(of)];
    for ((place, count, check), bytes) in placed {
        let Some(slot) = places
            .get_mut(usize::from(place))
            .filter(|_| (count, check) == (of, parity))
        else {
            return Err(JoinError::Mixed);
        };
        if slot.is_some_and(|before| before != bytes) {
            return Err(JoinError::Mixed);
        }
        *slot = Some(bytes);
    }
    let missing: Vec<u16> = (1..)
        .zip(&places)
        .filter(|(_, slot)| slot.is_none())
        .map(|(at, _)| at)
        .collect();
    if !missing.is_empty() {
        return Err(JoinError::Missing {
            missing,
            of: u16::from(of),
        });
    }
    let whole: Vec<u8> = places.into_iter().flatten().flatten().copied().collect();
    if whole.iter().fold(0, |parity, byte| parity ^ byte) == parity {
        Ok(whole)
    } else {
        Err(JoinError::Parity)
    }
}

fn typed(fragments: &[Fragment]) -> Vec<u8> {
    let mut pieces: Vec<&Vec<u8>> = Vec::new();
    for fragment in fragments {
        if !pieces.contains(&&fragment.bytes) {
            pieces.push(&fragment.bytes);
        }
    }
    // Stable: what is neither keeps its order.
    pieces.sort_by_key(
        |bytes| match (bytes.starts_with(b"JAHISTC"), bytes.ends_with(&[crate::EOF])) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        },
    );
    pieces.into_iter().flatten().copied().collect()
}

/// A notebook put together from its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// All of it; without 911.
    pub reading: NotebookReading,
    /// Numbers of files (from 1) that were not read: the notebook says less than it should, and the screen says so.
    pub missing: Vec<u16>,
}

/// Puts the files of one notebook together (911): any order, doubles allowed, parents that each file repeats are taken once.
///
/// # Errors
/// No notebook among them, or files of different notebooks.
pub fn join_files(files: &[Vec<u8>]) -> Result<Joined, JoinError> {
    if files.len() > MOST {
        return Err(JoinError::TooLong);
    }
    let mut readings = files.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
    // The same file twice is one.
    readings.sort_by_key(|reading| reading.notebook.part.as_ref().map_or(0, |part| part.2));
    readings.dedup_by(|a, b| a.notebook == b.notebook);
    let mut all = readings.into_iter();
    let mut whole = all.next().ok_or(JoinError::Nothing)?;
    let key = |book: &Notebook| book.part.as_ref().map(|(id, of, _)| (id.clone(), *of));
    let part = key(&whole.notebook);
    let mut seen: Vec<u16> = whole.notebook.part.iter().map(|part| part.2).collect();
    for next in all {
        let number = next.notebook.part.as_ref().map(|part| part.2);
        if key(&next.notebook) != part || part.is_none() || number.is_some_and(|number| seen.contains(&number)) {
            return Err(JoinError::Mixed);
        }
        seen.extend(number);
        append(&mut whole, next);
    }
    let missing = part.map_or_else(Vec::new, |(_, of)| {
        (1..=of.min(999)).filter(|at| !seen.contains(at)).collect()
    });
    whole.notebook.part = None;
    Ok(Joined {
        reading: whole,
        missing,
    })
}

fn append(whole: &mut NotebookReading, next: NotebookReading) {
    let (book, more) = (&mut whole.notebook, next.notebook);
    add_new(&mut book.cautions, more.cautions);
    add_new(&mut book.otc, more.otc);
    add_new(&mut book.memos, more.memos);
    add_new(&mut book.pharmacists, more.pharmacists);
    whole.findings.extend(next.findings);
    for block in more.dispensings {
        match book.dispensings.last_mut().filter(|last| same_head(last, &block)) {
            Some(last) => {
                let doctor = last.rps.iter().rev().find_map(|rp| rp.doctor.clone());
                last.rps.extend(block.rps.into_iter().map(|rp| NotebookRp {
                    doctor: rp.doctor.filter(|own| Some(own) != doctor.as_ref()),
                    ..rp
                }));
                add_new(&mut last.remarks, block.remarks);
            }
            None => book.dispensings.push(block),
        }
    }
}

fn same_head(a: &Dispensing, b: &Dispensing) -> bool {
    (a.on, &a.place, &a.staff, &a.prescribed_at) == (b.on, &b.place, &b.staff, &b.prescribed_at)
}

fn add_new<T: PartialEq>(to: &mut Vec<T>, from: Vec<T>) {
    for item in from {
        if !to.contains(&item) {
            to.push(item);
        }
    }
}
