//! Finished pieces of a page: what is drawn where, how large the piece is and where its baseline lies. Points, y downwards.
//!
//! No layout here and no PDF.

use super::face::Style;

/// 1 mm in points, as Typst counts.
pub const MM: f64 = 360.0 / 127.0;

/// What Typst still takes as fitting, in points.
pub const SLACK: f64 = 1e-4 / 127.0;

/// One thing drawn.
#[derive(Debug, Clone)]
pub enum Draw {
    /// A run of one style from its baseline: code and distance from the start for each glyph.
    Run(Style, Vec<(u16, f64)>),
    /// A rectangle's outline.
    Outline(f64, f64, Pen),
    /// A filled rectangle with round corners.
    Fill(f64, f64, f64),
    /// A line to this offset.
    Line(f64, f64, Pen),
    /// Filled rectangles as one path, in units of this width and height: codes, as `ink::rectangles` writes them.
    Modules(f64, f64, std::sync::Arc<[u8]>),
    /// A filled polygon, or in white.
    Polygon(Vec<(f64, f64)>, bool),
    /// A white circle with its middle here.
    WhiteDot(f64),
    /// A piece of `stationery`.
    Stamp(usize),
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Pen {
    /// Points.
    pub width: f64,
    /// On and off, in points.
    pub dash: Option<(f64, f64)>,
}

/// A pen without dashes.
pub fn pen(width: f64) -> Pen {
    Pen { width, dash: None }
}

/// A pen with the usual dashes, if `dashed`.
pub fn dashed(width: f64, dashed: bool) -> Pen {
    Pen {
        width,
        dash: dashed.then_some((3.0, 3.0)),
    }
}

/// A finished piece.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// Distance of the baseline from the top, if it has one other than the foot.
    pub baseline: Option<f64>,
    /// Things and where they are.
    pub items: Vec<(f64, f64, Draw)>,
}

impl Frame {
    /// An empty piece.
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            ..Self::default()
        }
    }

    /// Distance of the baseline from the top.
    pub fn ascent(&self) -> f64 {
        self.baseline.unwrap_or(self.height)
    }

    /// The size alone: enough to measure.
    pub fn ghost(&self) -> Self {
        Self {
            baseline: self.baseline,
            ..Self::new(self.width, self.height)
        }
    }

    /// Adds a thing.
    pub fn draw(&mut self, x: f64, y: f64, draw: Draw) {
        self.items.push((x, y, draw));
    }

    /// Adds all of another piece.
    pub fn put(&mut self, x: f64, y: f64, other: Self) {
        let moved = other.items.into_iter().map(|(at, down, draw)| (at + x, down + y, draw));
        self.items.extend(moved);
    }

    /// The piece with room around it: left, top, right, foot.
    pub fn padded(mut self, left: f64, top: f64, right: f64, foot: f64) -> Self {
        for (x, y, _) in &mut self.items {
            *x += left;
            *y += top;
        }
        self.baseline = self.baseline.map(|baseline| baseline + top);
        self.width += left + right;
        self.height += top + foot;
        self
    }

    /// Its outline, standing out above and below.
    pub fn outlined(mut self, pen: Pen, out: f64) -> Self {
        let outline = Draw::Outline(self.width, self.height + 2.0 * out, pen);
        self.items.insert(0, (0.0, -out, outline));
        self
    }
}
