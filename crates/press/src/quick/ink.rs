//! A page as PDF operators, compressed: glyph runs, lines, rectangles, codes. Sizes are points, y turned upwards.
//!
//! What stands on every chart alike is a stamp, written once for a file (`stationery`) and here only named.

use std::sync::Arc;

use flate2::{Compress, Compression, FlushCompress, Status};

use super::face::{Faces, Kind, Style};
use super::frame::{Draw, Frame, Pen};
use super::used::Used;

/// Where a quarter circle's handles lie, as a share of its radius.
const HANDLE: f64 = 0.552_284_749_8;

/// How hard pages are compressed: a little less than usual, for they are small already.
const EFFORT: u32 = 4;

/// What its outlines may stand out of a stamp, in points.
const STAMP_EDGE: f64 = 4.0;

/// A written page.
#[derive(Debug)]
pub struct Page {
    /// Compressed operators.
    pub content: Vec<u8>,
    /// Codes it uses.
    pub used: Vec<(Kind, u16)>,
}

/// A piece written once for all pages of a file. Its upper left corner is its origin.
pub struct Stamp {
    /// Compressed operators.
    pub content: Vec<u8>,
    /// Codes it uses.
    pub used: Vec<(Kind, u16)>,
    /// Left, lower, right and upper edge of everything in it.
    pub edges: [f64; 4],
}

/// What a thread uses again for every page: room for its operators, and a compressor, which is slow to set up.
pub struct Inkwell {
    out: Vec<u8>,
    used: Vec<(Kind, u16)>,
    seen: Used,
    packed: Vec<u8>,
    deflate: Compress,
}

impl Inkwell {
    /// Filled.
    pub fn new() -> Self {
        Self {
            out: Vec::with_capacity(32 * 1024),
            used: Vec::with_capacity(1024),
            seen: Used::new(),
            packed: Vec::with_capacity(16 * 1024),
            deflate: Compress::new(Compression::new(EFFORT), true),
        }
    }

    /// Writes a page.
    pub fn page(&mut self, faces: &Faces, page: &Frame) -> Option<Page> {
        self.write(faces, page, page.height)?;
        Some(Page {
            content: self.packed()?,
            used: self.used.clone(),
        })
    }

    /// Writes a stamp.
    pub fn stamp(&mut self, faces: &Faces, piece: &Frame) -> Option<Stamp> {
        self.write(faces, piece, 0.0)?;
        // It is drawn with the colour and the pen of whatever stands before it on the page, unless it names its own.
        self.out.splice(0..0, *b"0 g[]0 d\n");
        let edge = STAMP_EDGE;
        Some(Stamp {
            content: self.packed()?,
            used: self.used.clone(),
            edges: [-edge, -piece.height - edge, piece.width + edge, edge],
        })
    }

    fn write(&mut self, faces: &Faces, frame: &Frame, height: f64) -> Option<()> {
        self.out.clear();
        self.used.clear();
        self.seen.clear();
        let mut ink = Ink {
            faces,
            height,
            well: self,
            in_text: false,
            font: None,
            white: false,
            pen: None,
        };
        for (x, y, draw) in &frame.items {
            ink.draw(*x, *y, draw)?;
        }
        ink.no_text();
        Some(())
    }

    fn packed(&mut self) -> Option<Vec<u8>> {
        self.packed.clear();
        self.deflate.reset();
        loop {
            let read = usize::try_from(self.deflate.total_in()).ok()?;
            let rest = self.out.get(read..)?;
            let done = self.deflate.compress_vec(rest, &mut self.packed, FlushCompress::Finish);
            match done.ok()? {
                Status::StreamEnd => return Some(self.packed.clone()),
                Status::Ok | Status::BufError => self.packed.reserve(self.packed.capacity()),
            }
        }
    }
}

struct Ink<'a> {
    faces: &'a Faces,
    height: f64,
    well: &'a mut Inkwell,
    in_text: bool,
    font: Option<(Kind, f64)>,
    white: bool,
    pen: Option<Pen>,
}

impl Ink<'_> {
    fn say(&mut self, operators: &str) {
        self.well.out.extend_from_slice(operators.as_bytes());
    }

    fn draw(&mut self, x: f64, y: f64, draw: &Draw) -> Option<()> {
        let down = self.height - y;
        match draw {
            Draw::Run(style, marks) => self.run(x, down, *style, marks)?,
            Draw::Outline(width, height, pen) => {
                self.pen(*pen);
                // Dashes begin at the upper left corner and run with the clock.
                let (left, top) = (thousandths(x), thousandths(down));
                let (right, foot) = (thousandths(x + width), thousandths(down - height));
                for number in [left, top, right - left, foot - top] {
                    self.number(number);
                }
                self.say("re S\n");
            }
            Draw::Line(right, below, pen) => {
                self.pen(*pen);
                self.numbers(&[x, down]);
                self.say("m ");
                self.numbers(&[x + right, down - below]);
                self.say("l S\n");
            }
            Draw::Fill(width, height, radius) => {
                self.no_text();
                self.fill(false);
                self.rounded(x, down - height, *width, *height, *radius);
            }
            Draw::Modules(wide, tall, rectangles) => {
                self.no_text();
                self.fill(false);
                self.say("q ");
                self.numbers(&[*wide, 0.0, 0.0, -tall, x, down]);
                self.say("cm\n");
                self.well.out.extend_from_slice(rectangles);
                self.say("f Q\n");
            }
            Draw::Polygon(corners, white) => {
                self.no_text();
                self.fill(*white);
                for (number, (right, below)) in corners.iter().enumerate() {
                    self.numbers(&[x + right, down - below]);
                    self.say(if number == 0 { "m " } else { "l " });
                }
                self.say("h f\n");
            }
            Draw::WhiteDot(radius) => {
                self.no_text();
                self.fill(true);
                self.rounded(x - radius, down - radius, radius * 2.0, radius * 2.0, *radius);
            }
            Draw::Stamp(number) => {
                self.no_text();
                self.say("q 1 0 0 1 ");
                self.numbers(&[x, down]);
                self.say("cm/S");
                digits(&mut self.well.out, *number as u64);
                self.say(" Do Q\n");
            }
        }
        Some(())
    }

    fn rounded(&mut self, x: f64, y: f64, width: f64, height: f64, radius: f64) {
        let (right, top) = (x + width, y + height);
        let handle = radius * (1.0 - HANDLE);
        self.numbers(&[x + radius, y]);
        self.say("m ");
        let sides = [
            (
                [right - radius, y],
                [right - handle, y, right, y + handle, right, y + radius],
            ),
            (
                [right, top - radius],
                [right, top - handle, right - handle, top, right - radius, top],
            ),
            ([x + radius, top], [x + handle, top, x, top - handle, x, top - radius]),
            ([x, y + radius], [x, y + handle, x + handle, y, x + radius, y]),
        ];
        for (line, curve) in sides {
            self.numbers(&line);
            self.say("l ");
            self.numbers(&curve);
            self.say("c ");
        }
        self.say("h f\n");
    }

    fn run(&mut self, x: f64, y: f64, style: Style, marks: &[(u16, f64)]) -> Option<()> {
        self.fill(style.white);
        if !self.in_text {
            self.say("BT\n");
            self.in_text = true;
        }
        if self.font != Some((style.face, style.size)) {
            self.say("/F");
            digits(&mut self.well.out, style.face as u64);
            self.say(" ");
            self.numbers(&[style.size]);
            self.say("Tf ");
            self.font = Some((style.face, style.size));
        }
        let face = self.faces.of(style.face)?;
        let per_mille = 1000.0 / style.size;
        let first = marks.first().map_or(0.0, |(_, at)| *at);
        // Steps from the run before would be shorter, but readers add them up and find what stands in one line a hair beside it.
        self.say("1 0 0 1 ");
        self.numbers(&[x + first, y]);
        self.say("Tm");
        let out = &mut self.well.out;
        let start = out.len();
        out.push(b'(');
        let (mut pen, mut one) = (first * per_mille, true);
        for (code, at) in marks {
            let off = pen - at * per_mille;
            if off.abs() > 0.5 {
                if one {
                    out.insert(start, b'[');
                    one = false;
                }
                out.push(b')');
                write(out, thousandths((off * 10.0).round() / 10.0));
                out.push(b'(');
                pen = at * per_mille;
            }
            for byte in code.to_be_bytes() {
                match byte {
                    b'\r' => out.extend_from_slice(b"\\r"),
                    b'(' | b')' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                    _ => out.push(byte),
                }
            }
            pen += face.advance(*code)? * 1000.0;
            if self.well.seen.note(style.face, *code) {
                self.well.used.push((style.face, *code));
            }
        }
        self.say(if one { ")Tj\n" } else { ")]TJ\n" });
        Some(())
    }

    fn no_text(&mut self) {
        if self.in_text {
            self.say("ET\n");
            self.in_text = false;
        }
    }

    fn fill(&mut self, white: bool) {
        if self.white != white {
            self.say(if white { "1 g " } else { "0 g " });
            self.white = white;
        }
    }

    fn pen(&mut self, pen: Pen) {
        self.no_text();
        let before = self.pen;
        if before.is_none_or(|before| before.width != pen.width) {
            self.numbers(&[pen.width]);
            self.say("w ");
        }
        if before.map_or(pen.dash.is_some(), |before| before.dash != pen.dash) {
            self.say("[");
            if let Some((on, off)) = pen.dash {
                self.numbers(&[on, off]);
            }
            self.say("]0 d ");
        }
        self.pen = Some(pen);
    }

    fn numbers(&mut self, numbers: &[f64]) {
        for number in numbers {
            self.number(thousandths(*number));
        }
    }

    /// A number in thousandths, and a blank.
    fn number(&mut self, thousandths: i64) {
        write(&mut self.well.out, thousandths);
        self.well.out.push(b' ');
    }
}

/// Rectangles `x, y, width, height` as the operators of one path.
pub fn rectangles(all: impl IntoIterator<Item = [usize; 4]>) -> Arc<[u8]> {
    let mut out = Vec::with_capacity(4 * 1024);
    for rectangle in all {
        for number in rectangle {
            digits(&mut out, number as u64);
            out.push(b' ');
        }
        out.extend_from_slice(b"re\n");
    }
    out.into()
}

/// A number of points in thousandths. Nothing on a page is as far as a million points.
#[allow(clippy::cast_possible_truncation, reason = "clamped to a million points")]
fn thousandths(number: f64) -> i64 {
    let all = number.clamp(-1e6, 1e6) * 1000.0;
    (all + 0.5_f64.copysign(all)) as i64
}

/// A number given in thousandths, without zeros at its end.
fn write(out: &mut Vec<u8>, thousandths: i64) {
    if thousandths < 0 {
        out.push(b'-');
    }
    let (whole, part) = (thousandths.unsigned_abs() / 1000, thousandths.unsigned_abs() % 1000);
    digits(out, whole);
    if part > 0 {
        let [tenths, hundredths, rest] = [part / 100, part / 10 % 10, part % 10].map(digit);
        out.extend_from_slice(&[b'.', tenths]);
        if part % 100 > 0 {
            out.push(hundredths);
        }
        if part % 10 > 0 {
            out.push(rest);
        }
    }
}

fn digits(out: &mut Vec<u8>, number: u64) {
    if number >= 10 {
        digits(out, number / 10);
    }
    out.push(digit(number % 10));
}

fn digit(number: u64) -> u8 {
    b'0' + u8::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        let said = |number: f64| {
            let mut out = Vec::new();
            write(&mut out, thousandths(number));
            String::from_utf8(out).unwrap()
        };
        let found = [0.0, -0.0001, 1.0, -2.5, 0.05, 0.007, 841.8898, 1.0996, -0.5, 100.0].map(said);
        assert_eq!(
            found,
            ["0", "0", "1", "-2.5", "0.05", "0.007", "841.89", "1.1", "-0.5", "100"]
        );
    }

    #[test]
    fn a_long_page_is_packed_whole_and_alike_whatever_stood_there_before() {
        let mut well = Inkwell::new();
        let mut seed = 1_u32;
        // Noise does not shrink: the first guess of the packed size is too small for it.
        let noise: Vec<u8> = (0..200_000)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                seed.to_be_bytes()[0]
            })
            .collect();
        let mut packed = |bytes: &[u8]| {
            well.out = bytes.to_vec();
            well.packed().unwrap()
        };
        let first = packed(b"1 0 0 1 50 60 cm");
        let long = packed(&noise);
        assert_eq!(packed(b"1 0 0 1 50 60 cm"), first);
        let mut read = Vec::new();
        std::io::copy(&mut flate2::read::ZlibDecoder::new(&long[..]), &mut read).unwrap();
        assert!(read == noise);
    }
}
