//! The pages of a scanned file: PDF, TIFF with many pages, PNG, JPEG.
//!
//! The kind follows from the first bytes, never from the name. Bytes come from outside: every size is checked before anything is
//! allocated, and a decoder that panics ends its page (or its file), not the program. Not here: encrypted PDF, colour, and where
//! the bytes come from.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::Pdf;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{RenderCache, RenderSettings, render};
use image::{ImageFormat, ImageReader, Limits};
use tiff::ColorType;
use tiff::decoder::ifd::Value;
use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::Tag;

use crate::fax;
use crate::picture::Picture;

/// Largest file, in bytes: 1,000 grey pages of a careless scanner.
pub const MAX_FILE_BYTES: u64 = 512 << 20;

/// Most pages of one file.
pub const MAX_FILE_PAGES: usize = 2_000;

/// Most pixels of a page: A3 at 400 dpi.
pub const MAX_PIXELS: usize = 32_000_000;

/// Pages of a PDF are drawn at this many dots per inch; a code then has six dots a module.
const PDF_DPI: f32 = 200.0;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// PDF (ISO 32000)
    Pdf,
    /// TIFF 6.0
    Tiff,
    /// PNG
    Png,
    /// JPEG
    Jpeg,
}

/// Nothing of the file can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// None of the four kinds.
    #[error("PDF・TIFF・PNG・JPEG のどれでもありません")]
    Unknown,
    /// More than [`MAX_FILE_BYTES`].
    #[error(
        "ファイルが大きすぎます（{0} バイト。512 MiB まで）。スキャナーの設定を 200 dpi・グレーにして分けてください"
    )]
    TooLarge(u64),
    /// More than [`MAX_FILE_PAGES`].
    #[error("ページが多すぎます（{0} ページ。2,000 ページまで）。分けて読み込んでください")]
    TooManyPages(usize),
    /// The decoder's reason.
    #[error("ファイルが壊れているか、暗号化されています（{0}）。もう一度スキャンしてください")]
    Broken(String),
}

/// One page of a file cannot be made a picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageFault {
    /// More than [`MAX_PIXELS`].
    #[error("ページが大きすぎます（{0} × {1}）。200 dpi でスキャンし直してください")]
    TooLarge(usize, usize),
    /// The decoder's reason.
    #[error("ページを画像にできません（{0}）。もう一度スキャンしてください")]
    Broken(String),
}

/// The kind by the first bytes. A PDF may have up to 1,024 bytes before its mark, as readers allow.
#[must_use]
pub fn kind(bytes: &[u8]) -> Option<Kind> {
    let starts = |mark: &[u8]| bytes.starts_with(mark);
    if starts(b"\x89PNG\r\n\x1a\n") {
        Some(Kind::Png)
    } else if starts(b"\xFF\xD8\xFF") {
        Some(Kind::Jpeg)
    } else if starts(b"II*\0") || starts(b"MM\0*") {
        Some(Kind::Tiff)
    } else {
        let head = bytes.get(..1_024).unwrap_or(bytes);
        head.windows(5).any(|five| five == b"%PDF-").then_some(Kind::Pdf)
    }
}

/// Gives every page of a file to `each`, in order, one in memory at a time. Gives the number of pages.
///
/// # Errors
/// [`FileFault`] when the file as a whole cannot be read; the pages given before it stay good.
pub fn pages(bytes: Vec<u8>, mut each: impl FnMut(usize, Result<Picture, PageFault>)) -> Result<usize, FileFault> {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > MAX_FILE_BYTES {
        return Err(FileFault::TooLarge(size));
    }
    match kind(&bytes).ok_or(FileFault::Unknown)? {
        Kind::Pdf => of_pdf(bytes, &mut each),
        Kind::Tiff => of_tiff(&bytes, &mut each),
        Kind::Png => Ok(single(&bytes, ImageFormat::Png, &mut each)),
        Kind::Jpeg => Ok(single(&bytes, ImageFormat::Jpeg, &mut each)),
    }
}

type Each<'a> = &'a mut dyn FnMut(usize, Result<Picture, PageFault>);

fn of_pdf(bytes: Vec<u8>, each: Each<'_>) -> Result<usize, FileFault> {
    let pdf = guarded(|| Pdf::new(bytes)).map_err(FileFault::Broken)?;
    let pdf = pdf.map_err(|fault| FileFault::Broken(format!("{fault:?}")))?;
    let count = guarded(|| pdf.pages().len()).map_err(FileFault::Broken)?;
    if count > MAX_FILE_PAGES {
        return Err(FileFault::TooManyPages(count));
    }
    for at in 0..count {
        // A cache of its own for every page: a scan's pages share nothing but their size.
        let drawn = guarded(|| draw(&pdf, at)).unwrap_or_else(|reason| Err(PageFault::Broken(reason)));
        each(at, drawn);
    }
    Ok(count)
}

fn draw(pdf: &Pdf, at: usize) -> Result<Picture, PageFault> {
    let page = pdf
        .pages()
        .get(at)
        .ok_or_else(|| PageFault::Broken("no such page".to_owned()))?;
    let scale = PDF_DPI / 72.0;
    let (width, height) = page.render_dimensions();
    let pixels = |length: f32| (length * scale).clamp(0.0, 100_000.0) as usize;
    bounded(pixels(width), pixels(height))?;
    let settings = RenderSettings {
        x_scale: scale,
        y_scale: scale,
        bg_color: WHITE,
        ..RenderSettings::default()
    };
    let drawn = render(page, &RenderCache::new(), &InterpreterSettings::default(), &settings);
    let grey = drawn.data().iter().map(|p| grey(p.r, p.g, p.b)).collect();
    picture(drawn.width().into(), drawn.height().into(), grey)
}

fn of_tiff(bytes: &[u8], each: Each<'_>) -> Result<usize, FileFault> {
    let opened = guarded(|| {
        let mut limits = tiff::decoder::Limits::default();
        limits.decoding_buffer_size = MAX_PIXELS * 4;
        Decoder::new(Cursor::new(bytes)).map(|decoder| decoder.with_limits(limits))
    });
    let mut decoder = opened
        .map_err(FileFault::Broken)?
        .map_err(|fault| FileFault::Broken(fault.to_string()))?;
    let mut at = 0;
    loop {
        let page =
            guarded(|| of_tiff_page(&mut decoder, bytes)).unwrap_or_else(|reason| Err(PageFault::Broken(reason)));
        each(at, page);
        at += 1;
        if !decoder.more_images() {
            return Ok(at);
        }
        if at == MAX_FILE_PAGES {
            return Err(FileFault::TooManyPages(at + 1));
        }
        let next = guarded(|| decoder.next_image()).map_err(FileFault::Broken)?;
        next.map_err(|fault| FileFault::Broken(fault.to_string()))?;
    }
}

fn of_tiff_page(decoder: &mut Decoder<Cursor<&[u8]>>, bytes: &[u8]) -> Result<Picture, PageFault> {
    let broken = |fault: tiff::TiffError| PageFault::Broken(fault.to_string());
    let (width, height) = decoder.dimensions().map_err(broken)?;
    let (width, height) = (width as usize, height as usize);
    bounded(width, height)?;
    let (across, down) = stretch(decoder);
    bounded(width.saturating_mul(across), height.saturating_mul(down))?;
    if let Some(page) = fax::page(decoder, bytes, (width, height)) {
        return page.map(|page| page.stretched(across, down));
    }
    let colour = decoder.colortype().map_err(broken)?;
    let DecodingResult::U8(samples) = decoder.read_image().map_err(broken)? else {
        return Err(PageFault::Broken("only 1 and 8 bits a sample are read".to_owned()));
    };
    let pixels = match colour {
        ColorType::Gray(1) => {
            let bit = |row: &[u8], x: usize| {
                row.get(x / 8)
                    .map_or(255, |byte| if byte >> (7 - x % 8) & 1 == 1 { 255 } else { 0 })
            };
            let rows = samples.chunks_exact(width.div_ceil(8).max(1));
            rows.flat_map(|row| (0..width).map(move |x| bit(row, x))).collect()
        }
        ColorType::Gray(8) => samples,
        ColorType::RGB(8) => samples.chunks_exact(3).map(of_three).collect(),
        ColorType::RGBA(8) => samples.chunks_exact(4).map(of_three).collect(),
        other => return Err(PageFault::Broken(format!("colours of the kind {other:?} are not read"))),
    };
    picture(width, height, pixels).map(|page| page.stretched(across, down))
}

/// How often each pixel is repeated across and down so that the page gets its shape back: faxes have 204 × 98 dots an inch.
fn stretch(decoder: &mut Decoder<Cursor<&[u8]>>) -> (usize, usize) {
    let mut of = |tag| match decoder.find_tag(tag) {
        Ok(Some(Value::Rational(dots, of))) if dots > 0 && of > 0 => Some(f64::from(dots) / f64::from(of)),
        _ => None,
    };
    let (Some(x), Some(y)) = (of(Tag::XResolution), of(Tag::YResolution)) else {
        return (1, 1);
    };
    // Codes are read a good way from square; only whole steps are taken.
    let times = |ratio: f64| {
        if ratio.is_finite() {
            ratio.round().clamp(1.0, 4.0) as usize
        } else {
            1
        }
    };
    (times(y / x), times(x / y))
}

fn single(bytes: &[u8], format: ImageFormat, each: Each<'_>) -> usize {
    let decoded = guarded(|| {
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        let size = ImageReader::with_format(Cursor::new(bytes), format).into_dimensions();
        let (width, height) = size.map_err(|fault| PageFault::Broken(fault.to_string()))?;
        bounded(width as usize, height as usize)?;
        let mut limits = Limits::default();
        limits.max_alloc = Some(MAX_PIXELS as u64 * 8);
        reader.limits(limits);
        let page = reader.decode().map_err(|fault| PageFault::Broken(fault.to_string()))?;
        picture(width as usize, height as usize, page.into_luma8().into_raw())
    });
    each(0, decoded.unwrap_or_else(|reason| Err(PageFault::Broken(reason))));
    1
}

fn bounded(width: usize, height: usize) -> Result<(), PageFault> {
    let fits = width > 0 && height > 0 && width.max(height) <= usize::from(u16::MAX);
    let fits = fits && width.checked_mul(height).is_some_and(|pixels| pixels <= MAX_PIXELS);
    if fits {
        Ok(())
    } else {
        Err(PageFault::TooLarge(width, height))
    }
}

fn picture(width: usize, height: usize, pixels: Vec<u8>) -> Result<Picture, PageFault> {
    Picture::new(width, height, pixels).ok_or_else(|| PageFault::Broken("fewer pixels than its size says".to_owned()))
}

fn of_three(sample: &[u8]) -> u8 {
    match sample {
        [r, g, b, ..] => grey(*r, *g, *b),
        _ => u8::MAX,
    }
}

/// Luma of BT.601 in eight bits.
fn grey(r: u8, g: u8, b: u8) -> u8 {
    let sum = u32::from(r) * 77 + u32::from(g) * 150 + u32::from(b) * 29;
    u8::try_from(sum >> 8).unwrap_or(u8::MAX)
}

/// Decoders of foreign bytes: their panic is this file's fault.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| "the decoder gave up".to_owned())
}
