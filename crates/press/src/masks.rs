//! Which of its eight masks a small QR code takes (ISO/IEC 18004, 7.8.3): the one with the fewest places that could confuse a reader.
//!
//! `qrcodegen` looks at one module after the other, eight times, which took a seventh of a chart's time. Here a row or column is one
//! number and is looked at as a whole; the choice is the same, which the tests hold against `qrcodegen`'s. Only versions 1 to 3, those of
//! sheets; of larger symbols there are few, and `qrcodegen` chooses for them.

use std::sync::LazyLock;

use qrcodegen::{Mask, QrCode, QrCodeEcc};

use crate::codes::Squares;

/// Modules along the side of version 3.
pub const MOST: usize = 29;

/// Light modules kept at both ends of a line: four times the widest bar of a false finder that fits between them.
const QUIET: usize = 16;

/// The eight masks.
const MASKS: u8 = 8;

/// What a run of five costs, a block of four, a false finder, and five hundredths more or fewer dark modules than half.
const RUN: u32 = 3;
const BLOCK: u32 = 3;
const FINDER: u32 = 40;
const BALANCE: u32 = 10;

/// Modules as bits from `QUIET` on, once by rows and once by columns. Dark is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Board {
    rows: [u64; MOST],
    columns: [u64; MOST],
}

/// What each mask turns over in versions 1, 2 and 3: everything but what is the same in every symbol.
static TURNED: LazyLock<[[Board; MASKS as usize]; 3]> = LazyLock::new(|| {
    let of = |side: usize| std::array::from_fn(|mask| Board::turned(mask, side));
    [of(21), of(25), of(29)]
});

/// The mask any symbol is drawn with before its own is chosen.
pub fn any() -> Mask {
    Mask::new(0)
}

/// The symbol with the mask that suits it best, given the one drawn with [`any`] mask; `None` for one that is too large.
pub fn suited(code: &QrCode) -> Option<Squares> {
    let side = usize::try_from(code.size()).ok().filter(|side| *side <= MOST)?;
    let turned = TURNED.get(side.checked_sub(21)? / 4)?;
    let mut plain = Board::empty();
    for (x, y) in places(side) {
        plain.set(x, y, code.get_module(i32::try_from(x).ok()?, i32::try_from(y).ok()?));
    }
    plain.turn(turned.first()?);
    let level = code.error_correction_level();
    let boards = (0..MASKS).zip(turned).map(|(mask, turned)| {
        let mut board = plain;
        board.turn(turned);
        board.write_format(level, mask, side);
        board
    });
    let best = boards.min_by_key(|board| board.cost(side))?;
    let row = |row: &u64| {
        let row = row >> QUIET;
        (0..side).map(move |x| row >> x & 1 == 1)
    };
    Some(Squares {
        side,
        modules: best.rows.iter().take(side).flat_map(row).collect(),
    })
}

fn places(side: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..side).flat_map(move |y| (0..side).map(move |x| (x, y)))
}

/// Finders with what surrounds them, timing, alignment.
fn is_fixed(x: usize, y: usize, side: usize) -> bool {
    let far = side - 8;
    let aligned = |at: usize| (side - 9..side - 4).contains(&at);
    (x <= 8 && (y <= 8 || y >= far))
        || (x >= far && y <= 8)
        || x == 6
        || y == 6
        || (side > 21 && aligned(x) && aligned(y))
}

impl Board {
    fn empty() -> Self {
        Self {
            rows: [0; MOST],
            columns: [0; MOST],
        }
    }

    fn turned(mask: usize, side: usize) -> Self {
        let mut board = Self::empty();
        for (x, y) in places(side) {
            let turned = match mask {
                0 => (x + y) % 2 == 0,
                1 => y % 2 == 0,
                2 => x % 3 == 0,
                3 => (x + y) % 3 == 0,
                4 => (x / 3 + y / 2) % 2 == 0,
                5 => x * y % 2 + x * y % 3 == 0,
                6 => (x * y % 2 + x * y % 3) % 2 == 0,
                _ => ((x + y) % 2 + x * y % 3) % 2 == 0,
            };
            board.set(x, y, turned && !is_fixed(x, y, side));
        }
        board
    }

    fn set(&mut self, x: usize, y: usize, dark: bool) {
        for (lines, line, at) in [(&mut self.rows, y, x), (&mut self.columns, x, y)] {
            if let Some(line) = lines.get_mut(line) {
                *line = *line & !(1 << (QUIET + at)) | u64::from(dark) << (QUIET + at);
            }
        }
    }

    fn turn(&mut self, other: &Self) {
        let lines = self.rows.iter_mut().chain(&mut self.columns);
        let others = other.rows.iter().chain(&other.columns);
        lines.zip(others).for_each(|(line, other)| *line ^= other);
    }

    /// The two copies of level and mask (7.9).
    fn write_format(&mut self, level: QrCodeEcc, mask: u8, side: usize) {
        let level = match level {
            QrCodeEcc::Medium => 0,
            QrCodeEcc::Low => 1,
            QrCodeEcc::High => 2,
            QrCodeEcc::Quartile => 3,
        };
        let data = (level << 3) | u32::from(mask);
        let rest = (0..10).fold(data, |rest, _| (rest << 1) ^ ((rest >> 9) * 0x537));
        let bits = ((data << 10) | rest) ^ 0x5412;
        for bit in 0..15 {
            let dark = bits >> bit & 1 == 1;
            let (x, y) = match bit {
                0..=5 => (8, bit),
                6 | 7 => (8, bit + 1),
                8 => (7, 8),
                _ => (14 - bit, 8),
            };
            self.set(x, y, dark);
            let (x, y) = if bit < 8 {
                (side - 1 - bit, 8)
            } else {
                (8, side - 15 + bit)
            };
            self.set(x, y, dark);
        }
    }

    fn cost(&self, side: usize) -> u32 {
        let lines = self.rows.iter().take(side).chain(self.columns.iter().take(side));
        let in_lines: u32 = lines.map(|line| cost_of_line(*line, side)).sum();
        let pairs = self.rows.iter().zip(self.rows.iter().skip(1)).take(side - 1);
        let blocks: u32 = pairs
            .map(|(row, next)| (alike(*row, side) & alike(*next, side) & !(row ^ next)).count_ones())
            .sum();
        let dark: u32 = self.rows.iter().map(|row| row.count_ones()).sum();
        let all = u32::try_from(side * side).unwrap_or(u32::MAX);
        let off = (dark * 20).abs_diff(all * 10).div_ceil(all).saturating_sub(1);
        in_lines + blocks * BLOCK + off * BALANCE
    }
}

/// The modules that are like the next one.
fn alike(line: u64, side: usize) -> u64 {
    !(line ^ line >> 1) & ((1 << (side - 1)) - 1) << QUIET
}

/// Where `count` bits in a row begin.
fn in_a_row(bits: u64, count: usize) -> u64 {
    let (mut out, mut have) = (bits, 1);
    while have < count {
        let more = have.min(count - have);
        out &= out >> more;
        have += more;
    }
    out
}

fn cost_of_line(line: u64, side: usize) -> u32 {
    // Of a run of five and more, all but four begin another five: its cost is so many and two.
    let fives = in_a_row(alike(line, side), 4);
    let runs = (fives & !(fives << 1)).count_ones();
    let mut cost = fives.count_ones() + (RUN - 1) * runs;
    // Dark and light as in a finder, 1:1:3:1:1 in any width, with four of that width light on a side and one on the other.
    for width in 1..=side / 7 {
        let middle = in_a_row(line, 3 * width);
        if middle == 0 {
            break;
        }
        let (dark, light) = (in_a_row(line, width), in_a_row(!line, width));
        let finder = light
            & dark >> width
            & light >> (2 * width)
            & middle >> (3 * width)
            & light >> (6 * width)
            & dark >> (7 * width)
            & light >> (8 * width);
        if finder != 0 {
            let quiet = in_a_row(!line, 4 * width);
            let sides = [quiet << (3 * width), quiet >> (8 * width)].map(|side| (finder & side).count_ones());
            cost += FINDER * sides.iter().sum::<u32>();
        }
    }
    cost
}

#[cfg(test)]
mod tests {
    use super::*;
    use qrcodegen::QrSegment;

    #[test]
    fn the_choice_is_that_of_the_library() {
        let (mut seed, mut sides, mut masks) = (7_u64, [0; 3], [0; 8]);
        for round in 0..4000 {
            let mut text = String::new();
            for _ in 0..1 + round % 47 {
                seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                // Long rows of one character, too: they make runs and blocks.
                let letter = if round % 5 == 0 { 0 } else { (seed >> 33) % 36 };
                text.push(
                    char::from_digit(u32::try_from(letter).unwrap(), 36)
                        .unwrap()
                        .to_ascii_uppercase(),
                );
            }
            let segments = [QrSegment::make_alphanumeric(&text)];
            let level = [QrCodeEcc::Low, QrCodeEcc::Medium, QrCodeEcc::Quartile, QrCodeEcc::High][round % 4];
            let (least, most) = (qrcodegen::Version::MIN, qrcodegen::Version::new(4));
            let encoded = |mask, boost| QrCode::encode_segments_advanced(&segments, level, least, most, mask, boost);
            let Ok(theirs) = encoded(None, round % 3 == 0) else {
                continue;
            };
            let ours = suited(&encoded(Some(any()), round % 3 == 0).unwrap());
            if theirs.size() > 29 {
                assert_eq!(ours, None);
                continue;
            }
            let ours = ours.unwrap();
            let side = i32::try_from(ours.side).unwrap();
            let modules = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
            let theirs_plain: Vec<bool> = modules.map(|(x, y)| theirs.get_module(x, y)).collect();
            assert_eq!(ours.modules, theirs_plain, "{text}");
            sides[(ours.side - 21) / 4] += 1;
            masks[usize::from(theirs.mask().value())] += 1;
        }
        assert!(sides.iter().all(|count| *count > 300), "{sides:?}");
        assert!(masks.iter().all(|count| *count > 100), "{masks:?}");
    }
}
