//! CCITT pages of a TIFF: group 3 in one and two dimensions, group 4, with the bits in either order, as 1-bit scanners and faxes write them.
//!
//! The `tiff` crate knows where the strips lie and nothing of group 3 or of the order of bits; the coding is read by the decoder that also reads
//! it inside PDF. A strip that breaks off keeps its lines; the rest of it stays white. Not here: tiles, uncompressed mode.

use std::io::Cursor;

use hayro_ccitt::{DecodeSettings, DecoderContext, EncodingMode};
use tiff::decoder::Decoder;
use tiff::tags::Tag;

use crate::pages::PageFault;
use crate::picture::Picture;

/// Most strips of a page: one line each, of the longest page.
const MAX_STRIPS: usize = 65_535;

/// T4Options of TIFF 6.0: bit 0 is two-dimensional coding.
const TWO_DIMENSIONAL: u32 = 1;

/// The page, when it is coded so; `None` for the other codings.
pub(crate) fn page(
    decoder: &mut Decoder<Cursor<&[u8]>>,
    bytes: &[u8],
    (width, height): (usize, usize),
) -> Option<Result<Picture, PageFault>> {
    let compression = number(decoder, Tag::Compression)?;
    let two_dimensional = number(decoder, Tag::Unknown(292)).unwrap_or(0) & TWO_DIMENSIONAL != 0;
    let (encoding, aligned) = match compression {
        2 => (EncodingMode::Group3_1D, true),
        3 if two_dimensional => (EncodingMode::Group3_2D { k: 4 }, false),
        3 => (EncodingMode::Group3_1D, false),
        4 => (EncodingMode::Group4, false),
        _ => return None,
    };
    Some(strips(decoder, bytes, (width, height), encoding, aligned))
}

fn number(decoder: &mut Decoder<Cursor<&[u8]>>, tag: Tag) -> Option<u32> {
    decoder.find_tag_unsigned::<u32>(tag).ok().flatten()
}

fn strips(
    decoder: &mut Decoder<Cursor<&[u8]>>,
    bytes: &[u8],
    (width, height): (usize, usize),
    encoding: EncodingMode,
    aligned: bool,
) -> Result<Picture, PageFault> {
    let broken = |what: &str| PageFault::Broken(what.to_owned());
    let mut list = |tag| {
        decoder
            .find_tag_unsigned_vec::<u64>(tag)
            .ok()
            .flatten()
            .unwrap_or_default()
    };
    let (offsets, sizes) = (list(Tag::StripOffsets), list(Tag::StripByteCounts));
    if offsets.is_empty() || offsets.len() != sizes.len() || offsets.len() > MAX_STRIPS {
        return Err(broken("its strips are not there"));
    }
    let rows = number(decoder, Tag::RowsPerStrip).map_or(height, |rows| rows as usize);
    let rows = rows.clamp(1, height);
    let turned = number(decoder, Tag::FillOrder) == Some(2);
    // White is the coding's word; which of the two is ink, the file may say otherwise.
    let ink_is_white = number(decoder, Tag::PhotometricInterpretation) == Some(1);
    let mut pixels = Vec::with_capacity(width * height);
    for (at, (offset, size)) in offsets.into_iter().zip(sizes).enumerate() {
        let left = height.saturating_sub(at * rows).min(rows);
        let strip = usize::try_from(offset)
            .ok()
            .zip(usize::try_from(size).ok())
            .and_then(|(offset, size)| bytes.get(offset..offset.checked_add(size)?))
            .ok_or_else(|| broken("it breaks off"))?;
        let strip = if turned {
            strip.iter().map(|byte| byte.reverse_bits()).collect()
        } else {
            strip.to_vec()
        };
        let settings = DecodeSettings {
            columns: u32::try_from(width).map_err(|_| broken("too wide"))?,
            rows: u32::try_from(left).map_err(|_| broken("too high"))?,
            end_of_block: true,
            end_of_line: false,
            rows_are_byte_aligned: aligned,
            encoding,
            invert_black: false,
        };
        let mut lines = Lines {
            width,
            most: (at * rows + left) * width,
            start: at * rows * width,
            pixels,
        };
        let read = hayro_ccitt::decode(&strip, &mut lines, &mut DecoderContext::new(settings));
        let nothing = lines.pixels.len() == lines.start;
        lines.pixels.resize((at * rows + left) * width, u8::MAX);
        pixels = lines.pixels;
        if let (Err(fault), true) = (read, nothing) {
            return Err(PageFault::Broken(fault.to_string()));
        }
    }
    if ink_is_white {
        // Coded the other way about: 0 is black in this file, and the coding's white means 0.
        pixels.iter_mut().for_each(|pixel| *pixel = !*pixel);
    }
    Picture::new(width, height, pixels).ok_or_else(|| broken("fewer pixels than its size says"))
}

/// The lines of one strip as they come.
struct Lines {
    width: usize,
    most: usize,
    start: usize,
    pixels: Vec<u8>,
}

impl hayro_ccitt::Decoder for Lines {
    fn push_pixels(&mut self, white: bool, count: u32) {
        let room = self.most.saturating_sub(self.pixels.len());
        let count = usize::try_from(count).unwrap_or(room).min(room);
        let value = if white { u8::MAX } else { 0 };
        self.pixels.resize(self.pixels.len() + count, value);
    }

    fn next_line(&mut self) {
        // A line that came short ends where it should have.
        let done = (self.pixels.len() - self.start).div_ceil(self.width) * self.width;
        self.pixels.resize((self.start + done).min(self.most), u8::MAX);
    }
}
