//! Every QR symbol of a picture with its bytes and its place among others, for what is no sheet of ours: a patient's medicine notebook.
//!
//! The library's reader of many symbols puts those of a structured append together by itself, whether or not all are there; here each stays alone. Not
//! here: what the bytes mean.

use rxing::common::{GlobalHistogramBinarizer, HybridBinarizer};
use rxing::multi::qrcode::detector::MultiDetector;
use rxing::qrcode::decoder::qrcode_decoder::decode_bitmatrix_with_hints;
use rxing::{Binarizer, BinaryBitmap, DecodeHints, Luma8LuminanceSource};

use crate::pages::{self, FileFault, Kind, PageFault, guarded};
use crate::picture::Picture;

/// Largest picture, in bytes: a telephone's photograph at its finest.
pub const MAX_PHOTO_BYTES: usize = 12 << 20;

/// Longest side at which symbols are looked for first, and once more half as long: a photograph out of focus reads better small.
const LONGEST_SIDE: usize = 2_600;

/// Most symbols of one picture.
const MOST: usize = 64;

/// One symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// Place (from 0), number of symbols and parity, where the symbol says that it belongs to others.
    pub joined: Option<(u8, u8, u8)>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Why a picture gives nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhotoFault {
    /// Neither PNG nor JPEG.
    #[error("PNGかJPEGの画像ではありません")]
    Kind,
    /// More than [`MAX_PHOTO_BYTES`].
    #[error("画像が大きすぎます（{0} バイト。12 MiB まで）。解像度を下げて撮り直してください")]
    TooLarge(usize),
    /// The decoder's reason.
    #[error(transparent)]
    File(#[from] FileFault),
    /// The decoder's reason.
    #[error(transparent)]
    Page(#[from] PageFault),
}

/// Every QR symbol of a PNG or JPEG, at any angle; none is no fault.
///
/// # Errors
/// [`PhotoFault`] when it is no picture or too large.
pub fn payloads(bytes: &[u8]) -> Result<Vec<Payload>, PhotoFault> {
    if bytes.len() > MAX_PHOTO_BYTES {
        return Err(PhotoFault::TooLarge(bytes.len()));
    }
    if !matches!(pages::kind(bytes), Some(Kind::Png | Kind::Jpeg)) {
        return Err(PhotoFault::Kind);
    }
    let mut found = Ok(Vec::new());
    pages::pages(bytes.to_vec(), |_, page| {
        found = page.map(|page| of_picture(&page)).map_err(PhotoFault::from);
    })?;
    found
}

/// Every QR symbol of a picture. Several looks, because each finds some that the others miss; what two find counts once.
#[must_use]
pub fn of_picture(page: &Picture) -> Vec<Payload> {
    let mut page = page.clone();
    while page.width().max(page.height()) > LONGEST_SIDE {
        page = page.halved();
    }
    let mut found = Vec::new();
    let small = page.halved();
    for look in [&page, &page.smoothed(), &small] {
        add(&mut found, source(look).map(HybridBinarizer::new));
        add(&mut found, source(look).map(GlobalHistogramBinarizer::new));
        // Strips that overlap by half: a reader that sees fewer marks at once confuses fewer.
        let (width, height) = (look.width(), look.height().div_ceil(2));
        for top in [0, look.height() / 4, look.height() / 2] {
            let strip = look.part(0, top, width, height);
            add(&mut found, strip.as_ref().and_then(source).map(HybridBinarizer::new));
        }
    }
    found
}

fn add(found: &mut Vec<Payload>, binarizer: Option<impl Binarizer>) {
    let Some(binarizer) = binarizer else { return };
    for payload in look(binarizer) {
        if found.len() < MOST && !found.contains(&payload) {
            found.push(payload);
        }
    }
}

fn source(page: &Picture) -> Option<Luma8LuminanceSource> {
    let (width, height) = (u32::try_from(page.width()).ok()?, u32::try_from(page.height()).ok()?);
    Luma8LuminanceSource::new(page.pixels().to_vec(), width, height).ok()
}

fn look(binarizer: impl Binarizer) -> Vec<Payload> {
    let hints = DecodeHints {
        TryHarder: Some(true),
        // A symbol may end within a character, so its text is never looked at; a named character set keeps the reader from guessing one.
        CharacterSet: Some("ISO-8859-1".to_owned()),
        ..DecodeHints::default()
    };
    let seen = guarded(|| {
        let bitmap = BinaryBitmap::new(binarizer);
        let detected = MultiDetector::new(bitmap.get_black_matrix())
            .detectMulti(&hints)
            .unwrap_or_default();
        detected
            .iter()
            .filter_map(|symbol| {
                use rxing::common::DetectorRXingResult;
                let read = decode_bitmatrix_with_hints(symbol.getBits(), &hints).ok()?;
                let joined = if read.hasStructuredAppend() {
                    let sequence = u8::try_from(read.getStructuredAppendSequenceNumber()).ok()?;
                    let parity = u8::try_from(read.getStructuredAppendParity()).ok()?;
                    Some((sequence >> 4, (sequence & 15) + 1, parity))
                } else {
                    None
                };
                let bytes = read.getByteSegments().concat();
                // Digits and letters without a byte segment are another code: ours and the notebook's are bytes.
                let bytes = if bytes.is_empty() {
                    read.getText().as_bytes().to_vec()
                } else {
                    bytes
                };
                Some(Payload { joined, bytes })
            })
            .collect()
    });
    seen.unwrap_or_default()
}
