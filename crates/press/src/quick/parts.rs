//! The shapes of `parts.typ` that charts use: labels, boxes, check boxes, the state of a panel, codes.
//!
//! Every function here is the Rust twin of the one with the same name there; the rasters of both are compared in the tests.

use crate::codes::{Bars, Squares};

use super::face::{Faces, Kind, Style};
use super::frame::{Draw, Frame, MM, Pen, dashed, pen};
use super::ink::rectangles;
use super::par::{Par, style};

/// Faces and the size of the text around: what every part needs.
#[derive(Clone, Copy)]
pub struct Set<'a> {
    /// Faces.
    pub faces: &'a Faces,
}

/// Space between lines where nothing else is said, in ems.
pub const LEADING: f64 = 0.32;

/// Size of field names.
pub const SMALL: f64 = 7.5;

/// The default size.
pub const BODY: f64 = 10.0;

impl Set<'_> {
    /// A label: `boxed` with its own line.
    pub fn boxed(self, text: &str, size: f64, stroke: f64, width: f64) -> Option<Frame> {
        let inner = Par::of(self.faces, style(Kind::Bold, size), text)?.in_box(width - 2.0 * MM, LEADING * size)?;
        Some(inner.padded(MM, 0.0, MM, 0.0).outlined(pen(stroke), 0.6 * MM))
    }

    /// White on black.
    pub fn reversed(self, text: &str, size: f64, width: f64) -> Option<Frame> {
        let white = Style {
            white: true,
            ..style(Kind::Bold, size)
        };
        let inner = Par::of(self.faces, white, text)?.in_box(width - 2.4 * MM, LEADING * size)?;
        let mut frame = inner.padded(1.2 * MM, 0.0, 1.2 * MM, 0.0);
        let black = Draw::Fill(frame.width, frame.height + 1.4 * MM, 0.3 * MM);
        frame.items.insert(0, (0.0, -0.7 * MM, black));
        Some(frame)
    }

    /// An empty check box and its word.
    pub fn choice(self, text: &str, size: f64, width: f64) -> Option<Frame> {
        let side = 3.6 * MM;
        let mut tick = Frame::new(side, side);
        tick.baseline = Some(side - 0.12 * side);
        tick.draw(0.0, 0.0, Draw::Outline(side, side, pen(0.8)));
        let mut par = Par::default();
        par.boxed(tick).blank(0.9 * MM);
        par.text(self.faces, style(Kind::Text, size), text)?;
        par.in_box(width, LEADING * size)
    }

    /// A text that stays whole.
    pub fn whole(self, text: &str, style: Style, width: f64) -> Option<Frame> {
        Par::of(self.faces, style, text)?.in_box(width, LEADING * style.size)
    }

    /// What a panel says when it has nothing to list.
    pub fn state_line(self, state: &str, note: Option<&str>, width: f64) -> Option<Frame> {
        let mut par = Par::default();
        par.text(self.faces, style(Kind::Bold, 9.0), state_word(state))?;
        if let Some(note) = note {
            par.text(self.faces, style(Kind::Text, 9.0), &format!("（{note}）"))?;
        }
        let leading = LEADING * if note.is_some() { BODY } else { 9.0 };
        let inner = par.in_box(width - 2.4 * MM, leading)?;
        Some(
            inner
                .padded(1.2 * MM, 0.0, 1.2 * MM, 0.0)
                .outlined(dashed(0.8, state != "none"), 0.8 * MM),
        )
    }

    /// The warning triangle.
    pub fn warning_sign(self) -> Frame {
        let side = 4.6 * MM;
        let mut frame = Frame::new(side, side * 0.9);
        frame.baseline = Some(frame.height - 0.14 * frame.height);
        let corners = vec![(0.0, side * 0.9), (side * 0.5, 0.0), (side, side * 0.9)];
        frame.draw(0.0, 0.0, Draw::Polygon(corners, false));
        let (wide, tall) = (side * 0.12, side * 0.32);
        let bar = vec![(0.0, 0.0), (wide, 0.0), (wide, tall), (0.0, tall)];
        frame.draw(side * 0.44, side * 0.3, Draw::Polygon(bar, true));
        let radius = side * 0.07;
        frame.draw(side * 0.43 + radius, side * 0.68 + radius, Draw::WhiteDot(radius));
        frame
    }
}

/// The words of the states.
pub fn state_word(state: &str) -> &str {
    match state {
        "none" => "なし",
        "not_recorded" => "未確認（記録なし）",
        "unavailable" => "取得できず",
        _ => "不明",
    }
}

/// A bar code with its quiet zones.
pub fn bar_code(text: &str, height: f64, most: f64) -> Option<Frame> {
    let bars = Bars::code128(text).ok()?;
    let count = bars.0.len() as f64;
    let module = if (count + 20.0) * 72.0 / 75.0 <= most {
        72.0 / 75.0
    } else {
        72.0 / 100.0
    };
    let runs = bars.runs().into_iter().map(|(start, length)| [start, 0, length, 1]);
    let mut frame = Frame::new(count * module, height);
    frame.draw(0.0, 0.0, Draw::Modules(module, height, rectangles(runs)));
    Some(frame.padded(10.0 * module, 0.0, 10.0 * module, 0.0))
}

/// A QR code.
pub fn qr(text: &str, side: f64) -> Option<Frame> {
    let squares = Squares::qr(text).ok()?;
    let module = side / squares.side as f64;
    let mut frame = Frame::new(side, side);
    frame.draw(
        0.0,
        0.0,
        Draw::Modules(module, module, rectangles(squares.rectangles())),
    );
    Some(frame)
}

/// A line over this width.
pub fn rule(width: f64, pen: Pen) -> Frame {
    let mut frame = Frame::new(width, 0.0);
    frame.draw(0.0, 0.0, Draw::Line(width, 0.0, pen));
    frame
}
