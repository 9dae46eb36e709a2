//! Which sheet a page is: every code on it is looked for, and what they say must agree.
//!
//! Cheap first: the whole page, then smoothed, then each quarter by itself. A page without a readable QR code may still show its
//! number as a bar code; that names the sheet but not the page, so it is a hint for a person and never files anything.

use chart::{FormId, SheetCode};
use rxing::common::{GlobalHistogramBinarizer, HybridBinarizer};
use rxing::multi::MultipleBarcodeReader;
use rxing::multi::qrcode::QRCodeMultiReader;
use rxing::oned::Code128Reader;
use rxing::qrcode::QRCodeReader;
use rxing::{Binarizer, BinaryBitmap, DecodeHints, Luma8LuminanceSource, Reader};

use crate::pages::guarded;
use crate::picture::Picture;

/// Longest side at which codes are looked for; finer scans are halved. At 150 dpi a module still has more than four pixels.
const LONGEST_SIDE: usize = 3_000;

/// What a page says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Every code read on it says this.
    Sheet {
        /// What they say.
        code: SheetCode,
        /// How many copies were read.
        copies: usize,
    },
    /// Its codes disagree: two sheets on one glass, or one sheet over another. Never filed by itself.
    Disagree(Vec<SheetCode>),
    /// Only bar codes with numbers of sheets were read, without the page.
    Numbers(Vec<FormId>),
    /// No code of ours.
    Nothing,
    /// Nothing at all: the empty back of a sheet.
    Blank,
}

/// Looks for our codes on a page, at any angle, mirrored or not.
#[must_use]
pub fn read(page: &Picture) -> Finding {
    let mut page = std::borrow::Cow::Borrowed(page);
    while page.width().max(page.height()) > LONGEST_SIDE {
        page = std::borrow::Cow::Owned(page.halved());
    }
    let mut codes = Codes::default();
    codes.add(&whole(&page));
    if codes.copies == 0 {
        codes.add(&whole(&page.smoothed()));
    }
    // Both copies, so that a disagreement is seen: the second corner costs less than a sheet in a stranger's chart.
    if codes.copies < 2 {
        let found = codes.copies > 0;
        let texts: Vec<String> = quarters(&page).iter().filter_map(|part| one(part, !found)).collect();
        codes.add(&texts);
    }
    match codes.finding(|| numbers(&page)) {
        Finding::Nothing if page.is_blank() => Finding::Blank,
        found => found,
    }
}

/// What was read so far.
#[derive(Default)]
struct Codes {
    found: Vec<SheetCode>,
    /// Most codes of ours that one look at the page found.
    copies: usize,
}

impl Codes {
    /// The texts of one look.
    fn add(&mut self, texts: &[String]) {
        let codes: Vec<SheetCode> = texts.iter().filter_map(|text| SheetCode::parse(text)).collect();
        self.copies = self.copies.max(codes.len());
        for code in codes {
            if !self.found.contains(&code) {
                self.found.push(code);
            }
        }
    }

    fn finding(mut self, numbers: impl FnOnce() -> Vec<FormId>) -> Finding {
        match (self.found.len(), self.found.pop()) {
            (1, Some(code)) => Finding::Sheet {
                code,
                copies: self.copies,
            },
            (_, Some(code)) => {
                self.found.push(code);
                Finding::Disagree(self.found)
            }
            (_, None) => match numbers() {
                numbers if numbers.is_empty() => Finding::Nothing,
                numbers => Finding::Numbers(numbers),
            },
        }
    }
}

fn hints() -> DecodeHints {
    DecodeHints {
        TryHarder: Some(true),
        ..DecodeHints::default()
    }
}

fn source(page: &Picture) -> Option<Luma8LuminanceSource> {
    let (width, height) = (u32::try_from(page.width()).ok()?, u32::try_from(page.height()).ok()?);
    Luma8LuminanceSource::new(page.pixels().to_vec(), width, height).ok()
}

/// Every QR code of a page.
fn whole(page: &Picture) -> Vec<String> {
    let Some(source) = source(page) else { return Vec::new() };
    let read = guarded(|| {
        let mut bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
        QRCodeMultiReader::new().decode_multiple_with_hints(&mut bitmap, &hints())
    });
    let results = read.ok().and_then(Result::ok).unwrap_or_default();
    results.iter().map(|result| result.getText().to_owned()).collect()
}

/// One QR code of a part, by the threshold of its neighbourhood and, where nothing else was read, of the whole part.
fn one(part: &Picture, all_ways: bool) -> Option<String> {
    let local = source(part).and_then(|source| qr(HybridBinarizer::new(source)));
    if local.is_some() || !all_ways {
        return local;
    }
    source(part).and_then(|source| qr(GlobalHistogramBinarizer::new(source)))
}

fn qr(binarizer: impl Binarizer) -> Option<String> {
    let read = guarded(|| QRCodeReader::new().decode_with_hints(&mut BinaryBitmap::new(binarizer), &hints()));
    read.ok()?.ok().map(|result| result.getText().to_owned())
}

/// The four quarters: they do not overlap, so that no code counts twice. Codes stand in corners, never on the middle.
fn quarters(page: &Picture) -> Vec<Picture> {
    let (width, height) = (page.width() / 2, page.height() / 2);
    let corners = [(0, 0), (width, 0), (0, height), (width, height)];
    corners
        .into_iter()
        .filter_map(|(x, y)| page.part(x, y, width, height))
        .collect()
}

/// Numbers of sheets that bar codes say, upright or on their side.
fn numbers(page: &Picture) -> Vec<FormId> {
    let mut found: Vec<FormId> = quarters(page)
        .iter()
        .filter_map(|part| {
            let source = source(part)?;
            let read = guarded(|| {
                let mut bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
                Code128Reader.decode_with_hints(&mut bitmap, &hints())
            });
            FormId::parse(read.ok()?.ok()?.getText())
        })
        .collect();
    found.sort();
    found.dedup();
    found
}
