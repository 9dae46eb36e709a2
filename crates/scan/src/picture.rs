//! One scanned page in grey, and the little that is done to it before a code is looked for.
//!
//! No colour: everything on our sheets is black on white, and a pen's blue is as dark as its stroke.

use image::ImageEncoder;
use image::codecs::png::PngEncoder;

/// Longest side of a preview, in pixels: enough to see which form it is and to read a name written large.
pub const PREVIEW_SIDE: usize = 900;

/// Blankness is judged with at least this many pixels on the longer side (about 100 dots an inch on A4): a pen's stroke is wider than one.
const BLANK_SIDE: usize = 1_100;
/// One part in so many of each edge is not looked at.
const BLANK_EDGE: usize = 30;
/// Paper is at least this bright.
const BLANK_PAPER: u8 = 160;
/// Ink is at least so much darker than the paper, after smoothing; a single black speck (255 of nine) is not.
const BLANK_INK: u8 = 32;
/// Dust covers no more than one part in so many: a dozen pixels of a page of 100 dots an inch.
const BLANK_SHARE: usize = 60_000;

/// A page in grey, 0 black to 255 white, row after row.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({} × {})", self.width, self.height)
    }
}

impl Picture {
    /// A picture from its pixels; `None` when they are not `width` × `height`, or none at all.
    #[must_use]
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Option<Self> {
        let fits = width > 0 && width.checked_mul(height) == Some(pixels.len()) && !pixels.is_empty();
        fits.then_some(Self { width, height, pixels })
    }

    /// In pixels.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// In pixels.
    #[must_use]
    pub const fn height(&self) -> usize {
        self.height
    }

    /// Row after row.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Half as wide and high, each pixel the mean of four: the noise of a fine scan goes, its codes stay.
    #[must_use]
    pub fn halved(&self) -> Self {
        self.shrunk(2)
    }

    /// Each pixel the mean of `by` × `by`; pixels of an incomplete last row or column are left out. At least one pixel remains.
    #[must_use]
    pub fn shrunk(&self, by: usize) -> Self {
        let by = by.clamp(1, self.width.min(self.height));
        let (width, height) = (self.width / by, self.height / by);
        let mut pixels = Vec::with_capacity(width * height);
        for rows in self.pixels.chunks_exact(self.width * by) {
            for x in (0..width * by).step_by(by) {
                let block = rows.chunks_exact(self.width).filter_map(|row| row.get(x..x + by));
                let sum: usize = block.flatten().map(|pixel| usize::from(*pixel)).sum();
                pixels.push(u8::try_from(sum / (by * by)).unwrap_or(u8::MAX));
            }
        }
        Self { width, height, pixels }
    }

    /// Each pixel repeated so often across and down.
    #[must_use]
    pub fn stretched(self, across: usize, down: usize) -> Self {
        if across <= 1 && down <= 1 {
            return self;
        }
        let rows = self.pixels.chunks_exact(self.width).flat_map(|row| {
            let wide: Vec<u8> = row
                .iter()
                .flat_map(|pixel| std::iter::repeat_n(*pixel, across.max(1)))
                .collect();
            std::iter::repeat_n(wide, down.max(1))
        });
        Self {
            width: self.width * across.max(1),
            height: self.height * down.max(1),
            pixels: rows.flatten().collect(),
        }
    }

    /// True for paper with nothing on it, such as the back of a sheet: within the edges (where feeders leave shadows) there is no more ink than
    /// dust. A stroke of a pen is ink. When in doubt it is not blank: a person looks.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        let by = (self.width.max(self.height) / BLANK_SIDE).max(1);
        let small = self.shrunk(by);
        let (edge_x, edge_y) = (small.width / BLANK_EDGE, small.height / BLANK_EDGE);
        let Some(inner) = small.part(edge_x, edge_y, small.width - 2 * edge_x, small.height - 2 * edge_y) else {
            return false;
        };
        let mut counts = [0_usize; 256];
        for pixel in &inner.pixels {
            if let Some(count) = counts.get_mut(usize::from(*pixel)) {
                *count += 1;
            }
        }
        let paper = (0_u8..=255)
            .zip(counts)
            .max_by_key(|(_, count)| *count)
            .map_or(u8::MAX, |(value, _)| value);
        if paper < BLANK_PAPER {
            return false;
        }
        let ink = paper.saturating_sub(BLANK_INK);
        let dark = inner.smoothed().pixels.iter().filter(|pixel| **pixel < ink).count();
        dark * BLANK_SHARE <= inner.pixels.len()
    }

    /// Each pixel the mean of itself and its neighbours in a square of three: joins what a 1-bit scan has torn.
    #[must_use]
    pub fn smoothed(&self) -> Self {
        let sums: Vec<u16> = self.pixels.chunks_exact(self.width).flat_map(three_across).collect();
        let row = |y: usize| sums.get(y * self.width..(y + 1) * self.width).unwrap_or_default();
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for y in 0..self.height {
            let (above, below) = (row(y.saturating_sub(1)), row((y + 1).min(self.height - 1)));
            let column = above.iter().zip(row(y)).zip(below);
            pixels.extend(column.map(|((a, b), c)| u8::try_from((a + b + c) / 9).unwrap_or(u8::MAX)));
        }
        Self { pixels, ..*self }
    }

    /// The part from (`left`, `top`), cut at the picture's edges; `None` when nothing of it lies inside.
    #[must_use]
    pub fn part(&self, left: usize, top: usize, width: usize, height: usize) -> Option<Self> {
        let width = width.min(self.width.checked_sub(left)?);
        let height = height.min(self.height.checked_sub(top)?);
        let rows = self.pixels.chunks_exact(self.width).skip(top).take(height);
        let pixels = rows.filter_map(|row| row.get(left..left + width)).flatten().copied();
        Self::new(width, height, pixels.collect())
    }

    /// A small PNG of the page for people, its longer side at most [`PREVIEW_SIDE`] pixels. Empty only if it cannot be made.
    #[must_use]
    pub fn preview(&self) -> Vec<u8> {
        let small = self.shrunk(self.width.max(self.height).div_ceil(PREVIEW_SIDE));
        let (Ok(width), Ok(height)) = (u32::try_from(small.width), u32::try_from(small.height)) else {
            return Vec::new();
        };
        let mut png = Vec::new();
        let encoded = PngEncoder::new(&mut png).write_image(&small.pixels, width, height, image::ExtendedColorType::L8);
        encoded.map_or_else(|_| Vec::new(), |()| png)
    }
}

/// Sums of each pixel with its left and right neighbours; the edge counts twice.
fn three_across(row: &[u8]) -> Vec<u16> {
    let at = |x: usize| row.get(x.min(row.len() - 1)).copied().map_or(0, u16::from);
    (0..row.len())
        .map(|x| at(x.saturating_sub(1)) + at(x) + at(x + 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_must_fit_and_parts_are_cut_at_the_edge() {
        assert!(Picture::new(2, 2, vec![0; 3]).is_none());
        assert!(Picture::new(0, 0, vec![]).is_none());
        assert!(Picture::new(usize::MAX, 2, vec![0; 2]).is_none());
        let page = Picture::new(3, 2, vec![0, 1, 2, 3, 4, 5]).unwrap();
        assert_eq!(page.part(1, 1, 9, 9).unwrap().pixels(), [4, 5]);
        assert!(page.part(3, 0, 1, 1).is_none());
        assert!(page.part(4, 0, 1, 1).is_none());
    }

    #[test]
    fn shrinking_and_smoothing_take_means() {
        let page = Picture::new(3, 3, vec![0, 8, 9, 8, 0, 9, 9, 9, 9]).unwrap();
        assert_eq!(page.halved().pixels(), [4]);
        assert_eq!(page.shrunk(100).pixels(), [6]);
        let smooth = page.smoothed();
        assert_eq!((smooth.width(), smooth.height(), smooth.pixels()[4]), (3, 3, 6));
    }

    #[test]
    fn a_preview_is_a_png_no_longer_than_it_may_be() {
        let png = Picture::new(1800, 2500, vec![255; 1800 * 2500]).unwrap().preview();
        let size = image::load_from_memory(&png).unwrap();
        assert!(size.height() <= 900 && size.height() > 400);
    }
}
