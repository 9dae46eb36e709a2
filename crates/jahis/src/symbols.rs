//! QR symbols that belong together (連結, structured append, ISO/IEC 18004 8.1): a file is cut into up to sixteen parts of nearly equal length, each
//! with its place, their number and the parity of the whole.
//!
//! The library draws; the bit stream is made here, because it has no structured append (docs/decisions/0009-structured-append.md). No ink, no paper.

use qrcodegen::{QrCode, QrCodeEcc, Version};
use thiserror::Error;

/// Most symbols that can belong together.
pub const MAX_SYMBOLS: usize = 16;

/// How much of a symbol may be dirty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// 7 %
    L,
    /// 15 %, what pharmacies' readers are used to.
    M,
    /// 25 %
    Q,
    /// 30 %
    H,
}

/// How symbols are made. Which size a pharmacy reads well depends on its reader, so both are settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Largest version, 1 to 40; the side has 17 + 4 × version modules.
    pub version: u8,
    /// Error correction.
    pub level: Level,
}

impl Default for Layout {
    /// Version 12 (65 modules: 21 mm at 0.33 mm a module) with level M.
    fn default() -> Self {
        Self {
            version: 12,
            level: Level::M,
        }
    }
}

/// Why a file cannot become symbols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SymbolError {
    /// More than sixteen symbols of this size.
    #[error("2次元シンボル16個に収まりません（{bytes}バイト）。処方箋を分けるか、シンボルなしで印刷してください。")]
    TooLong {
        /// Length of the file.
        bytes: usize,
    },
    /// Nothing to say.
    #[error("2次元シンボルにする内容がありません。")]
    Empty,
    /// A version that is none, or a part that was not made for it.
    #[error("2次元シンボルの型番は1から40までです。設定を確かめてください。")]
    Version,
}

/// One part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its place, from 0.
    pub place: u8,
    /// How many parts there are, 1 to 16.
    pub of: u8,
    /// All bytes of the whole file, exclusive-ored.
    pub parity: u8,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// One symbol as square modules, `true` is ink. The quiet zone of four modules is not included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Its place, from 0; people read `1/4`.
    pub place: u8,
    /// How many belong together.
    pub of: u8,
    /// Modules along one side.
    pub side: usize,
    /// Row after row.
    pub modules: Vec<bool>,
}

/// Cuts a file into parts, as few as the layout allows. A file that fits one symbol stays whole and gets no structured append.
///
/// # Errors
/// Nothing to cut, a version that is none, or more than sixteen parts.
pub fn split(data: &[u8], layout: Layout) -> Result<Vec<Part>, SymbolError> {
    if data.is_empty() {
        return Err(SymbolError::Empty);
    }
    let whole = capacity(layout.version, layout.level, false).ok_or(SymbolError::Version)?;
    let parity = data.iter().fold(0, |parity, byte| parity ^ byte);
    if data.len() <= whole {
        return Ok(vec![Part {
            place: 0,
            of: 1,
            parity,
            bytes: data.to_vec(),
        }]);
    }
    let each = capacity(layout.version, layout.level, true)
        .ok_or(SymbolError::Version)?
        .max(1);
    let count = data.len().div_ceil(each);
    if count > MAX_SYMBOLS {
        return Err(SymbolError::TooLong { bytes: data.len() });
    }
    let of = u8::try_from(count).unwrap_or(16);
    // The first `rest` parts are one byte longer.
    let (short, rest) = (data.len() / count, data.len() % count);
    let mut left = data;
    Ok((0..of)
        .map(|place| {
            let length = short + usize::from(usize::from(place) < rest);
            let (bytes, behind) = left.split_at(length.min(left.len()));
            left = behind;
            Part {
                place,
                of,
                parity,
                bytes: bytes.to_vec(),
            }
        })
        .collect())
}

/// Draws parts in the smallest version that holds the longest of them, so that symbols of one file have one size.
///
/// # Errors
/// Parts that do not fit the layout.
pub fn draw(parts: &[Part], layout: Layout) -> Result<Vec<Symbol>, SymbolError> {
    let longest = parts
        .iter()
        .map(|part| part.bytes.len())
        .max()
        .ok_or(SymbolError::Empty)?;
    let joined = parts.len() > 1;
    let version = (1..=layout.version)
        .find(|version| capacity(*version, layout.level, joined).is_some_and(|most| longest <= most))
        .ok_or(SymbolError::Version)?;
    parts.iter().map(|part| draw_one(part, version, layout.level)).collect()
}

fn draw_one(part: &Part, version: u8, level: Level) -> Result<Symbol, SymbolError> {
    let words = data_codewords(version, level).ok_or(SymbolError::Version)?;
    let codewords = codewords(part, version, words);
    // The library stops the program when the length is not the symbol's; `codewords` makes exactly that many.
    let code = QrCode::encode_codewords(Version::new(version), ecc(level), &codewords, None);
    let side = code.size();
    let modules = (0..side)
        .flat_map(|y| (0..side).map(move |x| (x, y)))
        .map(|(x, y)| code.get_module(x, y))
        .collect();
    Ok(Symbol {
        place: part.place,
        of: part.of,
        side: usize::try_from(side).unwrap_or(0),
        modules,
    })
}

/// The bit stream: structured append header, byte mode, length, data, terminator, padding; exactly `words` bytes.
fn codewords(part: &Part, version: u8, words: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    if part.of > 1 {
        bits.push(0b0011, 4);
        bits.push(u32::from(part.place), 4);
        bits.push(u32::from(part.of - 1), 4);
        bits.push(u32::from(part.parity), 8);
    }
    bits.push(0b0100, 4);
    let length = u32::try_from(part.bytes.len()).unwrap_or(0);
    bits.push(length, length_bits(version));
    for byte in &part.bytes {
        bits.push(u32::from(*byte), 8);
    }
    let room = (words * 8).saturating_sub(bits.0.len());
    bits.0.extend(std::iter::repeat_n(false, room.min(4)));
    let mut bytes: Vec<u8> = bits
        .0
        .chunks(8)
        .map(|byte| {
            byte.iter()
                .zip(0..)
                .fold(0, |sum, (bit, at)| sum | u8::from(*bit) << (7 - at))
        })
        .collect();
    let pad = [0xEC, 0x11].into_iter().cycle().take(words.saturating_sub(bytes.len()));
    bytes.extend(pad);
    bytes.truncate(words);
    bytes
}

#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        self.0.extend((0..count).rev().map(|at| value >> at & 1 == 1));
    }
}

const fn length_bits(version: u8) -> u32 {
    if version < 10 { 8 } else { 16 }
}

const fn ecc(level: Level) -> QrCodeEcc {
    match level {
        Level::L => QrCodeEcc::Low,
        Level::M => QrCodeEcc::Medium,
        Level::Q => QrCodeEcc::Quartile,
        Level::H => QrCodeEcc::High,
    }
}

/// Data bytes of one symbol; `None` for a version that is none.
#[must_use]
pub fn capacity(version: u8, level: Level, joined: bool) -> Option<usize> {
    let header = if joined { 20 } else { 0 };
    let around = header + 4 + usize::try_from(length_bits(version)).ok()?;
    Some((data_codewords(version, level)? * 8).saturating_sub(around) / 8)
}

fn data_codewords(version: u8, level: Level) -> Option<usize> {
    let row = match level {
        Level::L => &DATA_CODEWORDS[0],
        Level::M => &DATA_CODEWORDS[1],
        Level::Q => &DATA_CODEWORDS[2],
        Level::H => &DATA_CODEWORDS[3],
    };
    row.get(usize::from(version).checked_sub(1)?)
        .map(|words| usize::from(*words))
}

/// ISO/IEC 18004 table 7: data codewords of versions 1 to 40 at L, M, Q, H. A test holds each against the library.
#[rustfmt::skip]
const DATA_CODEWORDS: [[u16; 40]; 4] = [
    [19, 34, 55, 80, 108, 136, 156, 194, 232, 274, 324, 370, 428, 461, 523, 589, 647, 721, 795, 861,
     932, 1006, 1094, 1174, 1276, 1370, 1468, 1531, 1631, 1735, 1843, 1955, 2071, 2191, 2306, 2434, 2566, 2702, 2812, 2956],
    [16, 28, 44, 64, 86, 108, 124, 154, 182, 216, 254, 290, 334, 365, 415, 453, 507, 563, 627, 669,
     714, 782, 860, 914, 1000, 1062, 1128, 1193, 1267, 1373, 1455, 1541, 1631, 1725, 1812, 1914, 1992, 2102, 2216, 2334],
    [13, 22, 34, 48, 62, 76, 88, 110, 132, 154, 180, 206, 244, 261, 295, 325, 367, 397, 445, 485,
     512, 568, 614, 664, 718, 754, 808, 871, 911, 985, 1033, 1115, 1171, 1231, 1286, 1354, 1426, 1502, 1582, 1666],
    [9, 16, 26, 36, 46, 60, 66, 86, 100, 122, 140, 158, 180, 197, 223, 253, 283, 313, 341, 385,
     406, 442, 464, 514, 538, 596, 628, 661, 701, 745, 793, 845, 901, 961, 986, 1054, 1096, 1142, 1222, 1276],
];

#[cfg(test)]
mod tests {
    use super::*;
    use qrcodegen::QrSegment;

    const LEVELS: [Level; 4] = [Level::L, Level::M, Level::Q, Level::H];

    #[test]
    fn a_full_symbol_of_every_size_is_the_one_the_library_draws() {
        for level in LEVELS {
            for version in 1..=40 {
                let most = capacity(version, level, false).unwrap();
                let bytes: Vec<u8> = (0..most).map(|at| (at * 7 % 251) as u8).collect();
                let part = Part {
                    place: 0,
                    of: 1,
                    parity: 0,
                    bytes,
                };
                let words = data_codewords(version, level).unwrap();
                let ours = QrCode::encode_codewords(
                    Version::new(version),
                    ecc(level),
                    &codewords(&part, version, words),
                    Some(qrcodegen::Mask::new(3)),
                );
                let size = Version::new(version);
                let theirs = |bytes: &[u8]| {
                    QrCode::encode_segments_advanced(
                        &[QrSegment::make_bytes(bytes)],
                        ecc(level),
                        size,
                        size,
                        Some(qrcodegen::Mask::new(3)),
                        false,
                    )
                };
                assert!(
                    theirs(&part.bytes).is_ok_and(|code| code == ours),
                    "{version} {level:?}"
                );
                assert!(
                    theirs(&[part.bytes.as_slice(), &[0]].concat()).is_err(),
                    "{version} {level:?}"
                );
            }
        }
    }

    #[test]
    fn joined_capacities_are_those_of_the_table() {
        for (version, l, m, q) in [
            (5, 104, 82, 58),
            (6, 132, 104, 72),
            (8, 190, 150, 106),
            (10, 269, 211, 149),
            (12, 365, 285, 201),
            (15, 518, 410, 290),
            (20, 856, 664, 480),
        ] {
            let most = |level| capacity(version, level, true).unwrap();
            assert_eq!((most(Level::L), most(Level::M), most(Level::Q)), (l, m, q), "{version}");
        }
        assert_eq!(capacity(0, Level::M, true), None);
        assert_eq!(capacity(41, Level::M, true), None);
    }

    #[test]
    fn parts_are_nearly_equal_and_make_the_whole() {
        let layout = |version| Layout {
            version,
            level: Level::M,
        };
        let data: Vec<u8> = (0..662).map(|at| (at % 256) as u8).collect();
        for (version, count) in [(20, 1), (10, 4), (12, 3), (15, 2)] {
            let parts = split(&data, layout(version)).unwrap();
            assert_eq!(parts.len(), count);
            assert_eq!(
                parts.iter().flat_map(|part| part.bytes.clone()).collect::<Vec<_>>(),
                data
            );
            let lengths: Vec<usize> = parts.iter().map(|part| part.bytes.len()).collect();
            assert!(lengths.iter().max().unwrap() - lengths.iter().min().unwrap() <= 1);
        }
        let most = capacity(12, Level::M, true).unwrap() * MAX_SYMBOLS;
        assert_eq!(split(&vec![1; most], layout(12)).unwrap().len(), 16);
        assert_eq!(
            split(&vec![1; most + 1], layout(12)),
            Err(SymbolError::TooLong { bytes: most + 1 })
        );
        assert_eq!(split(&[], layout(12)), Err(SymbolError::Empty));
    }
}
