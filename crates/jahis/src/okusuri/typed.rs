//! What a scanner that types puts into a field, or what somebody pasted, put together as files.
//!
//! Such a scanner tells neither where a symbol begins nor its place among others, and it has already decided how bytes become characters. What can be
//! undone is undone: bytes typed as Latin letters one by one (ISO 8859-1, Windows-1252), line ends of the keyboard in place of the file's, a line
//! end behind every symbol, the symbology mark (`]Q1`), the order. What cannot: a character cut in two by a scanner that decodes every symbol for itself, and
//! bytes it left out. Those stay in the text, where the reader tells them.

use encoding_rs::WINDOWS_1252;

use crate::okusuri::{Stray, read};

const HEADER: &[u8] = b"JAHISTC";

/// So many pieces without a header are tried in every order: 120 orders.
const MOST_TRIED: usize = 5;

/// A file put together from typed pieces.
pub(super) struct TypedFile {
    pub(super) bytes: Vec<u8>,
    /// The pieces were put into another order than they came in, because only that one can be read.
    pub(super) reordered: bool,
}

/// Puts typed texts together as files; what belongs to none is told.
pub(super) fn files(texts: &[&str]) -> (Vec<TypedFile>, Vec<Stray>) {
    let mut strays = Vec::new();
    let mut pieces: Vec<(bool, Vec<u8>)> = Vec::new();
    for bytes in to_bytes(texts) {
        for piece in cut_at_headers(&bytes) {
            let piece = trimmed(piece);
            let headed = piece.starts_with(HEADER);
            if !piece.is_empty() && !pieces.iter().any(|(_, before)| before == piece) {
                pieces.push((headed, piece.to_vec()));
            }
        }
    }
    if !pieces.iter().any(|(headed, _)| *headed) {
        strays.extend(pieces.iter().map(|(_, piece)| stray(piece)));
        return (Vec::new(), strays);
    }
    let mut early = Vec::new();
    let mut files: Vec<(Vec<u8>, Vec<Vec<u8>>)> = Vec::new();
    for (headed, piece) in pieces {
        match (files.last_mut(), headed) {
            (_, true) => files.push((piece, std::mem::take(&mut early))),
            (Some((_, rest)), false) => rest.push(piece),
            (None, false) => early.push(piece),
        }
    }
    let files = files.into_iter().map(|(head, rest)| assembled(&head, rest)).collect();
    (files, strays)
}

/// What a text without a header is.
fn stray(piece: &[u8]) -> Stray {
    let text = String::from_utf8_lossy(piece);
    // An input method that is switched on turns what the scanner types into wide characters.
    let wide = |c: char| ('\u{FF01}'..='\u{FF5E}').contains(&c);
    if text.starts_with(wide) && text.chars().take(7).all(|c| wide(c) || !c.is_ascii()) {
        Stray::Wide
    } else {
        of_bytes(piece)
    }
}

/// What bytes that are no notebook are.
pub(super) fn of_bytes(piece: &[u8]) -> Stray {
    let digits = piece
        .get(5..)
        .and_then(|rest| rest.first())
        .is_some_and(u8::is_ascii_digit);
    if piece.starts_with(b"JAHIS") && digits {
        Stray::Prescription
    } else if piece.split(|byte| *byte == b'\n').filter_map(first_number).any(known) {
        Stray::Headless
    } else {
        Stray::Other
    }
}

/// Texts as bytes: as they are, or, where every character is one that a single byte makes, as those bytes.
fn to_bytes(texts: &[&str]) -> Vec<Vec<u8>> {
    let texts: Vec<String> = texts.iter().map(|text| cleaned(text)).collect();
    let one_by_one = |c: char| single(c).is_some();
    let typed_as_bytes = texts.iter().all(|text| text.chars().all(one_by_one));
    texts
        .into_iter()
        .map(|text| {
            if typed_as_bytes {
                text.chars().filter_map(single).collect()
            } else {
                text.into_bytes()
            }
        })
        .collect()
}

/// Line ends of the keyboard as the file's, without a byte order mark or the scanner's own mark of the symbology.
fn cleaned(text: &str) -> String {
    let text = text.trim_start_matches(['\u{FEFF}', ' ', '\r', '\n', '\t']);
    let text = match text.strip_prefix("]Q") {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest.get(1..).unwrap_or_default(),
        _ => text,
    };
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// The byte that a character stands for when bytes are typed one by one.
fn single(c: char) -> Option<u8> {
    if let Ok(byte) = u8::try_from(u32::from(c)) {
        return Some(byte);
    }
    let mut utf8 = [0; 4];
    let (bytes, _, lost) = WINDOWS_1252.encode(c.encode_utf8(&mut utf8));
    match (bytes.as_ref(), lost) {
        ([byte], false) => Some(*byte),
        _ => None,
    }
}

fn cut_at_headers(bytes: &[u8]) -> Vec<&[u8]> {
    let mut cuts: Vec<usize> = bytes
        .windows(HEADER.len())
        .enumerate()
        .filter(|(_, window)| *window == HEADER)
        .map(|(at, _)| at)
        .collect();
    if cuts.first() != Some(&0) {
        cuts.insert(0, 0);
    }
    cuts.push(bytes.len());
    cuts.windows(2)
        .filter_map(|pair| match pair {
            [from, to] => bytes.get(*from..*to),
            _ => None,
        })
        .collect()
}

fn trimmed(mut piece: &[u8]) -> &[u8] {
    while let [rest @ .., b'\n' | b'\t' | crate::EOF] = piece {
        piece = rest;
    }
    while let [b'\n' | b'\t', rest @ ..] = piece {
        piece = rest;
    }
    piece
}

/// The pieces of one file, in the order they came unless only another one can be read.
fn assembled(head: &[u8], rest: Vec<Vec<u8>>) -> TypedFile {
    let in_order: Vec<&Vec<u8>> = rest.iter().collect();
    let bytes = joined(head, &in_order);
    let findings = |bytes: &[u8]| read(bytes).map_or(usize::MAX, |reading| reading.findings.len());
    if rest.len() < 2 || rest.len() > MOST_TRIED || findings(&bytes) == 0 {
        return TypedFile {
            bytes,
            reordered: false,
        };
    }
    let mut readable: Vec<Vec<u8>> = orders(rest.len())
        .into_iter()
        .map(|order| joined(head, &order.iter().filter_map(|at| rest.get(*at)).collect::<Vec<_>>()))
        .filter(|bytes| findings(bytes) == 0)
        .collect();
    readable.dedup();
    match (readable.len(), readable.pop()) {
        // Exactly one: with two nobody could tell which is right.
        (1, Some(bytes)) => TypedFile { bytes, reordered: true },
        _ => TypedFile {
            bytes,
            reordered: false,
        },
    }
}

fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..count {
        let mut longer = Vec::new();
        for order in &all {
            for at in (0..count).filter(|at| !order.contains(at)) {
                longer.push(order.iter().copied().chain([at]).collect());
            }
        }
        all = longer;
    }
    all
}

/// Joins pieces. A line end stands at a seam only where a record can begin there; one within a piece is the scanner's when none can.
fn joined(head: &[u8], rest: &[&Vec<u8>]) -> Vec<u8> {
    let mut file: Vec<u8> = Vec::new();
    let mut last = 0;
    let mut has_holder = false;
    for (n, piece) in std::iter::once(head)
        .chain(rest.iter().map(|piece| piece.as_slice()))
        .enumerate()
    {
        for (m, line) in piece.split(|byte| *byte == b'\n').enumerate() {
            let at_seam = n > 0 && m == 0;
            // A number of a later edition stands at the beginning of a line of its own, as a record that is told.
            let number = first_number(line).filter(|number| known(*number) || (m > 0 && *number >= 100));
            let begins = match number {
                Some(number) if at_seam => follows(last, number) && (number != 5 || is_dated(line)),
                // A notebook has one holder; a second is the rest of a record.
                Some(1) => !has_holder,
                Some(_) => true,
                // The header, or a number that the end of a symbol cut off.
                None => (n == 0 && m == 0) || (m > 0 && is_cut_number(line)),
            };
            if begins {
                if !file.is_empty() {
                    file.extend_from_slice(b"\r\n");
                }
                last = number.unwrap_or(0);
                has_holder |= last == 1;
            }
            file.extend_from_slice(line);
        }
    }
    file.extend_from_slice(b"\r\n");
    file
}

fn is_cut_number(line: &[u8]) -> bool {
    (1..=3).contains(&line.len()) && line.iter().all(u8::is_ascii_digit)
}

/// The digits before the first comma.
fn first_number(line: &[u8]) -> Option<u16> {
    let comma = line.iter().take(4).position(|byte| *byte == b',')?;
    let digits = line
        .get(..comma)
        .filter(|d| !d.is_empty() && d.iter().all(u8::is_ascii_digit))?;
    // No record number begins with 0.
    let digits = std::str::from_utf8(digits).ok().filter(|d| !d.starts_with('0'))?;
    digits.parse().ok()
}

const fn known(number: u16) -> bool {
    rank(number) > 0
}

/// Where a record stands in a file; 0 for a number that is none.
const fn rank(number: u16) -> u8 {
    match number {
        1 => 1,
        2 => 2,
        3 | 31 => 3,
        4 => 4,
        5 => 5,
        11 => 6,
        15 => 7,
        51 => 8,
        55 | 201 | 281 | 291 | 301 | 311 | 391 => 9,
        401 | 411 | 421 | 501 | 601 => 10,
        701 => 11,
        911 => 12,
        _ => 0,
    }
}

/// Whether a record may follow another; a block of a dispensing may follow the last one.
const fn follows(last: u16, next: u16) -> bool {
    let (last, next) = (rank(last), rank(next));
    match next {
        5 => last >= 1,
        6..=8 => last >= 5 && last < next,
        _ => last <= next && (next != 1 || last == 0),
    }
}

/// A record 5 says a date: without this a lone 5 in a record looks like one.
fn is_dated(line: &[u8]) -> bool {
    let date = line.get(2..).unwrap_or_default();
    let date = date.split(|byte| *byte == b',').next().unwrap_or_default();
    match date {
        [b'M' | b'T' | b'S' | b'H' | b'R', rest @ ..] => rest.len() == 6 && rest.iter().all(u8::is_ascii_digit),
        _ => date.len() == 8 && date.iter().all(u8::is_ascii_digit),
    }
}
