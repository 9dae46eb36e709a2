//! The self-test: what was drawn is read back by a foreign reader (`rxing`) and compared byte by byte with what was meant.
//!
//! A symbol nobody can read, or one that says something else than the paper, is found before the paper leaves the printer. It proves the
//! modules, not the ink.

use rxing::common::HybridBinarizer;
use rxing::qrcode::QRCodeReader;
use rxing::{
    BinaryBitmap, DecodeHints, Luma8LuminanceSource, RXingResultMetadataType, RXingResultMetadataValue, Reader,
};
use thiserror::Error;

use crate::symbols::Symbol;

/// Pixels along a module, and modules of quiet zone, of a picture for reading.
const PIXELS: usize = 4;
const QUIET: usize = 4;

/// Why drawn symbols must not be printed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProofError {
    /// One cannot be read at all.
    #[error("2次元シンボル{place}/{of}を読み取れません。シンボルなしで印刷してください。紙は有効です。")]
    Unreadable {
        /// Which, from 1.
        place: u8,
        /// Of how many.
        of: u8,
    },
    /// Place, number or parity are not those of the file.
    #[error("2次元シンボル{place}/{of}の連結の番号が違います。シンボルなしで印刷してください。紙は有効です。")]
    Header {
        /// Which, from 1.
        place: u8,
        /// Of how many.
        of: u8,
    },
    /// The bytes are not those that were meant.
    #[error("2次元シンボルの内容が紙と一致しません。シンボルなしで印刷してください。紙は有効です。")]
    Content,
}

/// A picture in grey, one byte a pixel, row after row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster {
    /// Pixels along one side.
    pub side: usize,
    /// 0 is ink, 255 is paper.
    pub pixels: Vec<u8>,
}

/// What a reader saw in one symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Place (from 0), number and parity when it says that it belongs to others.
    pub joined: Option<(u8, u8, u8)>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Draws a symbol with its quiet zone as a picture.
#[must_use]
pub fn raster(symbol: &Symbol) -> Raster {
    let side = (symbol.side + 2 * QUIET) * PIXELS;
    let ink = |x: usize, y: usize| {
        let x = (x / PIXELS).checked_sub(QUIET).filter(|x| *x < symbol.side)?;
        let y = (y / PIXELS).checked_sub(QUIET).filter(|y| *y < symbol.side)?;
        symbol.modules.get(y * symbol.side + x).copied()
    };
    let pixels = (0..side)
        .flat_map(|y| (0..side).map(move |x| (x, y)))
        .map(|(x, y)| if ink(x, y) == Some(true) { 0 } else { 255 })
        .collect();
    Raster { side, pixels }
}

/// Reads one picture; `None` when no QR code is found in it.
#[must_use]
pub fn see(picture: &Raster) -> Option<Seen> {
    let side = u32::try_from(picture.side).ok()?;
    let source = Luma8LuminanceSource::new(picture.pixels.clone(), side, side).ok()?;
    let mut bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
    // A part may end in the middle of a character, so its text is never looked at; naming a character set keeps the reader from guessing one.
    let hints = DecodeHints {
        CharacterSet: Some("ISO-8859-1".to_owned()),
        // The picture holds one upright code and nothing else. The reader's search for codes in photographs misses some drawn symbols that zbar finds.
        PureBarcode: Some(true),
        ..DecodeHints::default()
    };
    let result = QRCodeReader::new().decode_with_hints(&mut bitmap, &hints).ok()?;
    let said = |what: RXingResultMetadataType| result.getRXingResultMetadata().get(&what);
    let RXingResultMetadataValue::ByteSegments(segments) = said(RXingResultMetadataType::BYTE_SEGMENTS)? else {
        return None;
    };
    let joined = match (
        said(RXingResultMetadataType::STRUCTURED_APPEND_SEQUENCE),
        said(RXingResultMetadataType::STRUCTURED_APPEND_PARITY),
    ) {
        (
            Some(RXingResultMetadataValue::StructuredAppendSequence(sequence)),
            Some(RXingResultMetadataValue::StructuredAppendParity(parity)),
        ) => {
            let sequence = u8::try_from(*sequence).ok()?;
            Some((sequence >> 4, (sequence & 15) + 1, u8::try_from(*parity).ok()?))
        }
        _ => None,
    };
    Some(Seen {
        joined,
        bytes: segments.concat(),
    })
}

/// Reads all symbols of a file and compares them with it.
///
/// # Errors
/// The first symbol that cannot be read or stands in the wrong place, or a content that is not `meant`.
pub fn self_test(symbols: &[Symbol], meant: &[u8]) -> Result<(), ProofError> {
    let of = u8::try_from(symbols.len()).unwrap_or(u8::MAX);
    let parity = meant.iter().fold(0, |parity, byte| parity ^ byte);
    let mut joined = Vec::with_capacity(meant.len());
    for (at, symbol) in (0..of).zip(symbols) {
        let place = at + 1;
        let seen = see(&raster(symbol)).ok_or(ProofError::Unreadable { place, of })?;
        let right = if of == 1 { None } else { Some((at, of, parity)) };
        if seen.joined != right {
            return Err(ProofError::Header { place, of });
        }
        joined.extend(seen.bytes);
    }
    if joined == meant {
        Ok(())
    } else {
        Err(ProofError::Content)
    }
}
