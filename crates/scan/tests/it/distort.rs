//! What scanners, hands and cups do to a sheet, by number: the same seed gives the same damage.

use scan::Picture;

/// A small generator (splitmix64): enough for dirt.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// From 0 to 1.
    pub fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.part()
    }

    pub fn chance(&mut self, of_hundred: u64) -> bool {
        self.below(100) < of_hundred
    }
}

/// A quarter turned `turns` times.
pub fn turned(page: &Picture, turns: u64) -> Picture {
    (0..turns % 4).fold(page.clone(), |page, _| {
        let (w, h) = (page.width(), page.height());
        let pixels = (0..w).flat_map(|y| (0..h).map(move |x| (x, y)));
        let pixels = pixels.map(|(x, y)| page.pixels()[(h - 1 - x) * w + y]).collect();
        Picture::new(h, w, pixels).unwrap()
    })
}

/// Skewed by some degrees on a white (or, as with an open lid, black) glass of the same size; corners may leave it a little.
pub fn skewed(page: &Picture, degrees: f64, glass: u8) -> Picture {
    let (w, h) = (page.width() as f64, page.height() as f64);
    let (sin, cos) = degrees.to_radians().sin_cos();
    // The feeder's picture is a little larger than the sheet, so that nothing is cut.
    let (ow, oh) = (
        (w * cos + h * sin.abs()).ceil() as usize,
        (h * cos + w * sin.abs()).ceil() as usize,
    );
    let at = |x: isize, y: isize| -> f64 {
        let inside = x >= 0 && y >= 0 && (x as usize) < page.width() && (y as usize) < page.height();
        f64::from(if inside {
            page.pixels()[y as usize * page.width() + x as usize]
        } else {
            glass
        })
    };
    let mut pixels = Vec::with_capacity(ow * oh);
    for oy in 0..oh {
        for ox in 0..ow {
            let (dx, dy) = (ox as f64 - ow as f64 / 2.0, oy as f64 - oh as f64 / 2.0);
            let (x, y) = (dx * cos + dy * sin + w / 2.0 - 0.5, dy * cos - dx * sin + h / 2.0 - 0.5);
            let (fx, fy) = (x - x.floor(), y - y.floor());
            let (x, y) = (x.floor() as isize, y.floor() as isize);
            let top = at(x, y) * (1.0 - fx) + at(x + 1, y) * fx;
            let below = at(x, y + 1) * (1.0 - fx) + at(x + 1, y + 1) * fx;
            pixels.push((top * (1.0 - fy) + below * fy) as u8);
        }
    }
    Picture::new(ow, oh, pixels).unwrap()
}

/// Noise of a cheap sensor, and specks.
pub fn noisy(page: &Picture, strength: f64, specks: f64, dice: &mut Dice) -> Picture {
    each(page, |_, _, old| {
        if dice.part() < specks {
            return if dice.chance(50) { 0 } else { 255 };
        }
        let noise = dice.part() + dice.part() + dice.part() - 1.5;
        (f64::from(old) + noise * strength * 2.0).clamp(0.0, 255.0) as u8
    })
}

/// Blue ink, thin toner, yellowed paper: black is not black and white not white.
pub fn faded(page: &Picture, black: f64, white: f64) -> Picture {
    each(page, |_, _, old| {
        (black + f64::from(old) / 255.0 * (white - black)) as u8
    })
}

/// Two levels.
pub fn one_bit(page: &Picture, threshold: u8) -> Picture {
    each(page, |_, _, old| if old < threshold { 0 } else { 255 })
}

/// A cup stood on this corner (0 to 3, clockwise from the upper left): a brown disc and a dark ring about as wide as a cup.
pub fn stained(page: &Picture, corner: u64, dpi: f64) -> Picture {
    let (w, h) = (page.width() as f64, page.height() as f64);
    let (x, y) = match corner % 4 {
        0 => (0.0, 0.0),
        1 => (w, 0.0),
        2 => (w, h),
        _ => (0.0, h),
    };
    // Centre 22 mm inside both edges, radius 30 mm: all of a code in that corner is under it.
    let mm = dpi / 25.4;
    let (cx, cy) = (
        if x == 0.0 { 22.0 * mm } else { w - 22.0 * mm },
        if y == 0.0 { 22.0 * mm } else { h - 22.0 * mm },
    );
    each(page, |px, py, old| {
        let far = (px as f64 - cx).hypot(py as f64 - cy) / mm;
        match far {
            ..26.0 => (f64::from(old) * 0.55) as u8,
            26.0..30.0 => (f64::from(old) * 0.2) as u8,
            _ => old,
        }
    })
}

/// A corner folded over or torn off: 45 mm of it are the glass.
pub fn torn(page: &Picture, corner: u64, dpi: f64) -> Picture {
    let side = 45.0 * dpi / 25.4;
    let (w, h) = (page.width() as f64, page.height() as f64);
    each(page, |x, y, old| {
        let (x, y) = (x as f64, y as f64);
        let (from_x, from_y) = match corner % 4 {
            0 => (x, y),
            1 => (w - x, y),
            2 => (w - x, h - y),
            _ => (x, h - y),
        };
        if from_x + from_y < side * 1.6 { 255 } else { old }
    })
}

/// Two holes for the file, 80 mm apart, 6 mm wide, 12 mm from the left edge.
pub fn punched(page: &Picture, dpi: f64) -> Picture {
    let mm = dpi / 25.4;
    let middle = page.height() as f64 / 2.0;
    each(page, |x, y, old| {
        let hole = [middle - 40.0 * mm, middle + 40.0 * mm];
        let inside = hole
            .iter()
            .any(|cy| (x as f64 - 12.0 * mm).hypot(y as f64 - cy) < 3.0 * mm);
        if inside { 20 } else { old }
    })
}

/// As JPEG of this quality and back.
pub fn jpeg(page: &Picture, quality: u8) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, quality);
    let (width, height) = (
        u32::try_from(page.width()).unwrap(),
        u32::try_from(page.height()).unwrap(),
    );
    encoder
        .encode(page.pixels(), width, height, image::ExtendedColorType::L8)
        .unwrap();
    out
}

fn each(page: &Picture, mut change: impl FnMut(usize, usize, u8) -> u8) -> Picture {
    let width = page.width();
    let pixels = page
        .pixels()
        .iter()
        .enumerate()
        .map(|(at, old)| change(at % width, at / width, *old));
    Picture::new(width, page.height(), pixels.collect()).unwrap()
}
