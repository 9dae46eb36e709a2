//! A page as PDF operators, compressed: glyph runs, lines, rectangles, codes. Sizes are points, y turned upwards.

use std::fmt::Write;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::face::{ALIASES, Faces, Kind, MAX_ALIASES, Style};
use super::frame::{Draw, Frame, Pen};

/// Where a quarter circle's handles lie, as a share of its radius.
const HANDLE: f64 = 0.552_284_749_8;

/// How hard pages are compressed: a little less than usual, for they are small already.
const EFFORT: u32 = 4;

/// Room for the codes of a face.
const CODES: usize = ALIASES as usize + MAX_ALIASES;

/// A written page.
#[derive(Debug)]
pub struct Page {
    /// Compressed operators.
    pub content: Vec<u8>,
    /// Codes it uses.
    pub used: Vec<(Kind, u16)>,
}

struct Ink<'a> {
    faces: &'a Faces,
    height: f64,
    out: String,
    used: Vec<(Kind, u16)>,
    /// Codes already among the used ones.
    seen: Vec<bool>,
    in_text: bool,
    font: Option<(Kind, f64)>,
    white: bool,
    pen: Option<Pen>,
}

/// Writes a page.
pub fn written(faces: &Faces, page: &Frame) -> Option<Page> {
    let mut ink = Ink {
        faces,
        height: page.height,
        out: String::with_capacity(32 * 1024),
        used: Vec::with_capacity(1024),
        seen: vec![false; CODES * Kind::ALL.len()],
        in_text: false,
        font: None,
        white: false,
        pen: None,
    };
    for (x, y, draw) in &page.items {
        ink.draw(*x, *y, draw)?;
    }
    ink.text(false);
    let mut deflated = ZlibEncoder::new(Vec::with_capacity(8 * 1024), Compression::new(EFFORT));
    deflated.write_all(ink.out.as_bytes()).ok()?;
    Some(Page {
        content: deflated.finish().ok()?,
        used: ink.used,
    })
}

impl Ink<'_> {
    fn draw(&mut self, x: f64, y: f64, draw: &Draw) -> Option<()> {
        let down = self.height - y;
        match draw {
            Draw::Run(style, marks) => self.run(x, down, *style, marks)?,
            Draw::Outline(width, height, pen) => {
                self.pen(*pen);
                // Dashes begin at the upper left corner and run with the clock.
                for (number, corner) in [
                    (x, down),
                    (x + width, down),
                    (x + width, down - height),
                    (x, down - height),
                ]
                .into_iter()
                .enumerate()
                {
                    self.numbers(&[corner.0, corner.1]);
                    self.out.push_str(if number == 0 { "m " } else { "l " });
                }
                self.out.push_str("s\n");
            }
            Draw::Line(right, below, pen) => {
                self.pen(*pen);
                self.numbers(&[x, down]);
                self.out.push_str("m ");
                self.numbers(&[x + right, down - below]);
                self.out.push_str("l S\n");
            }
            Draw::Fill(width, height, radius) => {
                self.text(false);
                self.fill(false);
                self.rounded(x, down - height, *width, *height, *radius);
            }
            Draw::Modules(wide, tall, runs) => {
                self.text(false);
                self.fill(false);
                self.out.push_str("q ");
                self.numbers(&[*wide, 0.0, 0.0, -tall, x, down]);
                self.out.push_str("cm\n");
                for [left, top, length, lines] in runs.iter() {
                    let _ = writeln!(self.out, "{left} {top} {length} {lines} re");
                }
                self.out.push_str("f Q\n");
            }
            Draw::Polygon(corners, white) => {
                self.text(false);
                self.fill(*white);
                for (number, (right, below)) in corners.iter().enumerate() {
                    self.numbers(&[x + right, down - below]);
                    self.out.push_str(if number == 0 { "m " } else { "l " });
                }
                self.out.push_str("h f\n");
            }
            Draw::WhiteDot(radius) => {
                self.text(false);
                self.fill(true);
                self.rounded(x - radius, down - radius, radius * 2.0, radius * 2.0, *radius);
            }
        }
        Some(())
    }

    fn rounded(&mut self, x: f64, y: f64, width: f64, height: f64, radius: f64) {
        let (right, top) = (x + width, y + height);
        let handle = radius * (1.0 - HANDLE);
        self.numbers(&[x + radius, y]);
        self.out.push_str("m ");
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
            self.out.push_str("l ");
            self.numbers(&curve);
            self.out.push_str("c ");
        }
        self.out.push_str("h f\n");
    }

    fn run(&mut self, x: f64, y: f64, style: Style, marks: &[(u16, f64)]) -> Option<()> {
        self.fill(style.white);
        self.text(true);
        if self.font != Some((style.face, style.size)) {
            let _ = write!(self.out, "/F{} ", style.face as usize);
            self.numbers(&[style.size]);
            self.out.push_str("Tf ");
            self.font = Some((style.face, style.size));
        }
        let face = self.faces.of(style.face)?;
        let per_mille = 1000.0 / style.size;
        let first = marks.first().map_or(0.0, |(_, at)| *at);
        self.out.push_str("1 0 0 1 ");
        self.numbers(&[x + first, y]);
        self.out.push_str("Tm[<");
        let mut pen = first * per_mille;
        for (code, at) in marks {
            let off = pen - at * per_mille;
            if off.abs() > 0.5 {
                self.out.push('>');
                thousandths(&mut self.out, (off * 10.0).round() / 10.0);
                self.out.push('<');
                pen = at * per_mille;
            }
            hexadecimal(&mut self.out, *code);
            pen += face.advance(*code)? * 1000.0;
            if let Some(seen) = self.seen.get_mut(style.face as usize * CODES + usize::from(*code))
                && !*seen
            {
                *seen = true;
                self.used.push((style.face, *code));
            }
        }
        self.out.push_str(">]TJ\n");
        Some(())
    }

    fn text(&mut self, on: bool) {
        if self.in_text != on {
            self.out.push_str(if on { "BT\n" } else { "ET\n" });
            self.in_text = on;
        }
    }

    fn fill(&mut self, white: bool) {
        if self.white != white {
            self.out.push_str(if white { "1 g " } else { "0 g " });
            self.white = white;
        }
    }

    fn pen(&mut self, pen: Pen) {
        self.text(false);
        let before = self.pen;
        if before.is_none_or(|before| before.width != pen.width) {
            self.numbers(&[pen.width]);
            self.out.push_str("w ");
        }
        if before.map_or(pen.dash.is_some(), |before| before.dash != pen.dash) {
            self.out.push('[');
            if let Some((on, off)) = pen.dash {
                self.numbers(&[on, off]);
            }
            self.out.push_str("]0 d ");
        }
        self.pen = Some(pen);
    }

    fn numbers(&mut self, numbers: &[f64]) {
        for number in numbers {
            thousandths(&mut self.out, *number);
            self.out.push(' ');
        }
    }
}

/// A number to its thousandth, without zeros at its end. Nothing on a page is as far as a million points.
#[allow(clippy::cast_possible_truncation, reason = "clamped to a million points")]
fn thousandths(out: &mut String, number: f64) {
    let all = (number.clamp(-1e6, 1e6) * 1000.0).round() as i64;
    if all < 0 {
        out.push('-');
    }
    let (whole, mut part) = (all.unsigned_abs() / 1000, all.unsigned_abs() % 1000);
    let _ = write!(out, "{whole}");
    if part > 0 {
        out.push('.');
        let mut place = 100;
        while part > 0 {
            let digit = u8::try_from(part / place).unwrap_or(0);
            out.push(char::from(b'0' + digit));
            part %= place;
            place = (place / 10).max(1);
        }
    }
}

/// Four hexadecimal digits.
fn hexadecimal(out: &mut String, code: u16) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    for shift in [12, 8, 4, 0] {
        out.extend(DIGITS.get(usize::from(code >> shift & 15)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        let said = |number: f64| {
            let mut out = String::new();
            thousandths(&mut out, number);
            out
        };
        let found = [0.0, -0.0001, 1.0, -2.5, 0.05, 0.007, 841.8898, 1.0996, -0.5, 100.0].map(said);
        assert_eq!(
            found,
            ["0", "0", "1", "-2.5", "0.05", "0.007", "841.89", "1.1", "-0.5", "100"]
        );
        let mut out = String::new();
        hexadecimal(&mut out, 0x80af);
        assert_eq!(out, "80af");
    }
}
