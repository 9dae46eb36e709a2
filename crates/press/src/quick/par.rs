//! Paragraphs: texts, blanks and boxes in a row, broken into lines by Typst's rules for text that is not justified (first fit, UAX 14 as
//! its Japanese segmenter has it, brackets and stops trimmed at the edges of lines, two in a row drawn together).
//!
//! A paragraph that does not fit its lines is refused: Typst would shrink it.

use std::sync::LazyLock;

use icu_provider_blob::BlobDataProvider;
use icu_segmenter::LineSegmenter;
use icu_segmenter::options::LineBreakOptions;

use super::face::{Faces, Kind, Style};
use super::frame::{Draw, Frame, Pen, SLACK};
use super::marks::{draw_together, is_closing, is_opening, shrink};

/// The segmenter Typst uses for Japanese.
static SEGMENTER: LazyLock<Option<LineSegmenter>> = LazyLock::new(|| {
    let blob = BlobDataProvider::try_new_from_static_blob(typst_assets::icu::ICU_CJ_SEGMENT).ok()?;
    LineSegmenter::try_new_for_non_complex_scripts_with_buffer_provider(&blob, LineBreakOptions::default()).ok()
});

const BLANK: char = ' ';
const OBJECT: char = '\u{FFFC}';
const OPENING: [char; 12] = ['“', '‘', '《', '〈', '（', '『', '「', '【', '〖', '〔', '［', '｛'];
const CLOSING: [char; 20] = [
    '”', '’', '，', '．', '。', '、', '：', '；', '》', '〉', '）', '』', '」', '】', '〗', '〕', '］', '｝', '？',
    '！',
];

/// Above and below the baseline, in ems: `top-edge` and `bottom-edge` of the frame.
const EDGES: (f64, f64) = (0.88, 0.12);

/// Where lines stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Align {
    /// At the left.
    Left,
    /// In the middle.
    Middle,
}

#[derive(Debug, Clone)]
pub struct Glyph {
    pub at: usize,
    pub c: char,
    pub code: u16,
    pub advance: f64,
    pub offset: f64,
    /// How much may be taken away at the left and the right.
    pub shrink: (f64, f64),
}

#[derive(Debug, Clone)]
enum Item {
    /// Glyphs `from..to` of one style, and their size and lift where they are subscripts.
    Text(Style, usize, usize, Option<(f64, f64)>),
    Blank(f64),
    /// Takes what is left of the line; perhaps with a line to write on of this height.
    Rest(Option<(f64, Pen)>),
    Box(Frame),
}

/// A paragraph in the making.
#[derive(Debug, Clone, Default)]
pub struct Par {
    text: String,
    items: Vec<(usize, usize, Item)>,
    glyphs: Vec<Glyph>,
}

struct Line {
    start: usize,
    end: usize,
    /// Blanks from here to the end are not counted.
    trim: usize,
    width: f64,
    /// The glyphs trimmed at its start and its end, and by how many points.
    edges: [Option<(usize, f64)>; 2],
}

impl Par {
    /// A paragraph of one text.
    pub fn of(faces: &Faces, style: Style, text: &str) -> Option<Self> {
        let mut par = Self::default();
        par.text(faces, style, text)?;
        Some(par)
    }

    fn push(&mut self, stands_for: char, item: Item) {
        let start = self.text.len();
        self.text.push(stands_for);
        self.items.push((start, self.text.len(), item));
    }

    /// Adds a text: one run, whose own punctuation is drawn together.
    pub fn text(&mut self, faces: &Faces, style: Style, text: &str) -> Option<()> {
        self.run(faces, style, text, None)
    }

    /// Adds a subscript.
    pub fn subscript(&mut self, faces: &Faces, style: Style, text: &str) -> Option<()> {
        let (height, shift) = faces.of(style.face)?.subscript;
        self.run(faces, style, text, Some((height * style.size, shift * style.size)))
    }

    fn run(&mut self, faces: &Faces, style: Style, text: &str, sub: Option<(f64, f64)>) -> Option<()> {
        let face = faces.of(style.face)?;
        let (start, first) = (self.text.len(), self.glyphs.len());
        self.text.push_str(text);
        // A character of ours is mostly three bytes long.
        self.glyphs.reserve(text.len() / 3 + 1);
        for (at, c) in text.char_indices().filter(|(_, c)| *c != '\n') {
            let (code, advance) = face.code(c)?;
            let shrink = shrink(c, advance);
            self.glyphs.push(Glyph {
                at: start + at,
                c,
                code,
                advance,
                offset: 0.0,
                shrink,
            });
        }
        draw_together(self.glyphs.get_mut(first..)?);
        let item = Item::Text(style, first, self.glyphs.len(), sub);
        self.items.push((start, self.text.len(), item));
        Some(())
    }

    /// Adds a blank of this width, which stays at the edges of lines.
    pub fn blank(&mut self, width: f64) -> &mut Self {
        self.push(BLANK, Item::Blank(width));
        self
    }

    /// Adds a blank that takes a share of what is left of the line.
    pub fn rest(&mut self) -> &mut Self {
        self.push(BLANK, Item::Rest(None));
        self
    }

    /// Adds a line to write on, over what is left of the line.
    pub fn write_on(&mut self, height: f64, pen: Pen) -> &mut Self {
        self.push(BLANK, Item::Rest(Some((height, pen))));
        self
    }

    /// Adds a box, which is never broken.
    pub fn boxed(&mut self, frame: Frame) -> &mut Self {
        self.push(OBJECT, Item::Box(frame));
        self
    }

    /// As a box inside a line of another paragraph at most this wide: as wide as it needs to be.
    pub fn in_box(self, width: f64, leading: f64) -> Option<Frame> {
        self.lay(width, false, leading, Align::Left)
    }

    /// As lines over the whole width.
    pub fn over(self, width: f64, leading: f64) -> Option<Frame> {
        self.lay(width, true, leading, Align::Left)
    }

    /// The lines under each other.
    pub fn lay(self, width: f64, expand: bool, leading: f64, align: Align) -> Option<Frame> {
        Some(stacked(self.lines(width, 0.0, expand, align)?, leading))
    }

    /// Every line as a piece of its own. All but the first stand `hanging` to the right.
    pub fn lines(mut self, width: f64, hanging: f64, expand: bool, align: Align) -> Option<Vec<Frame>> {
        if hanging > 0.0 {
            for (start, end, _) in &mut self.items {
                *start += 1;
                *end += 1;
            }
            self.glyphs.iter_mut().for_each(|glyph| glyph.at += 1);
            self.text.insert(0, BLANK);
            self.items.insert(0, (0, 1, Item::Blank(-hanging)));
        }
        let lines = self.broken(width - hanging)?;
        let rest = |line: &Line| self.items_of(line).any(|(_, _, item)| matches!(item, Item::Rest(_)));
        let wide = if expand || lines.iter().any(rest) {
            width
        } else {
            let widest = lines.iter().map(|line| line.width).fold(0.0, f64::max);
            width.min(hanging + widest)
        };
        lines
            .iter()
            .map(|line| self.drawn(line, wide, hanging, align))
            .collect()
    }

    fn items_of<'a>(&'a self, line: &'a Line) -> impl Iterator<Item = &'a (usize, usize, Item)> {
        let within = move |(start, end, _): &&(usize, usize, Item)| *end > line.start && *start < line.end;
        self.items.iter().filter(within)
    }

    /// The lines, as Typst's first fit finds them.
    fn broken(&self, width: f64) -> Option<Vec<Line>> {
        let mut lines = Vec::new();
        // Most texts fit their line: no part of a text is wider than all of it, so none of them would have been broken.
        if !self.text.is_empty() && !self.text.contains('\n') {
            let whole = self.line(0, self.text.len(), true);
            if whole.width <= width + SLACK {
                lines.push(whole);
                return Some(lines);
            }
        }
        let reach = self.reach();
        let reach = |at: usize| reach.get(at).copied().unwrap_or(f64::INFINITY);
        let (mut start, mut last) = (0, None);
        for (end, forced) in self.breaks()? {
            if !forced && reach(end) - reach(start) <= width {
                last = Some(end);
                continue;
            }
            let mut attempt = self.line(start, end, forced);
            if attempt.width > width + SLACK
                && let Some(fitting) = last.take()
            {
                lines.push(self.line(start, fitting, false));
                start = fitting;
                attempt = self.line(start, end, forced);
            }
            if attempt.width > width + SLACK {
                return None;
            }
            if forced {
                start = end;
                lines.push(attempt);
                last = None;
            } else {
                last = Some(end);
            }
        }
        lines.extend(last.map(|end| self.line(start, end, false)));
        Some(lines)
    }

    /// How wide everything before each byte is with nothing trimmed: what fits so fits trimmed, too.
    fn reach(&self) -> Vec<f64> {
        let mut reach = vec![0.0; self.text.len() + 1];
        let mut add = |at: usize, width: f64| {
            if let Some(reach) = reach.get_mut(at + 1) {
                *reach += width;
            }
        };
        for (start, _, item) in &self.items {
            match item {
                Item::Text(style, from, to, sub) => {
                    let size = sub.map_or(style.size, |(size, _)| size);
                    let glyphs = self.glyphs.get(*from..*to).unwrap_or_default();
                    glyphs.iter().for_each(|glyph| add(glyph.at, glyph.advance * size));
                }
                Item::Blank(width) => add(*start, *width),
                Item::Rest(_) => {}
                Item::Box(frame) => add(*start, frame.width),
            }
        }
        let mut sum = 0.0;
        for reach in &mut reach {
            sum += *reach;
            *reach = sum;
        }
        reach
    }

    /// Where a line may end, and whether it must.
    fn breaks(&self) -> Option<Vec<(usize, bool)>> {
        if self.text.is_empty() {
            return Some(Vec::new());
        }
        let segmenter = SEGMENTER.as_ref()?.as_borrowed();
        let points = segmenter.segment_str(&self.text).filter(|point| *point > 0);
        let forced =
            |point: usize| point == self.text.len() || self.text.get(..point).is_some_and(|text| text.ends_with('\n'));
        Some(points.map(|point| (point, forced(point))).collect())
    }

    fn line(&self, start: usize, end: usize, forced: bool) -> Line {
        let full = self.text.get(start..end).unwrap_or_default();
        let kept = if forced {
            full.trim_end_matches('\n')
        } else {
            full.trim_end_matches(char::is_whitespace)
        };
        let mut line = Line {
            start,
            end,
            trim: start + kept.len(),
            width: 0.0,
            edges: [None, None],
        };
        let items = self.items_of(&line);
        let widths = items.map(|(_, _, item)| match item {
            Item::Text(style, from, to, sub) => {
                let size = sub.map_or(style.size, |(size, _)| size);
                let (_, within) = self.within(*from, *to, start, line.trim);
                within.iter().map(|glyph| glyph.advance * size).sum::<f64>()
            }
            Item::Blank(width) => *width,
            Item::Rest(_) => 0.0,
            Item::Box(frame) => frame.width,
        });
        line.width = widths.sum::<f64>();
        line.edges = self.edges(&line);
        let [left, right] = line.edges.map(|edge| edge.map_or(0.0, |(_, points)| points));
        line.width -= left + right;
        line
    }

    /// Those of the glyphs `from..to` that stand for bytes `start..end`, and the number of the first.
    fn within(&self, from: usize, to: usize, start: usize, end: usize) -> (usize, &[Glyph]) {
        let all = self.glyphs.get(from..to).unwrap_or_default();
        let [first, last] = [start, end].map(|at| all.partition_point(|glyph| glyph.at < at));
        (from + first, all.get(first..last).unwrap_or_default())
    }

    /// What is trimmed at the start and the end of a line.
    fn edges(&self, line: &Line) -> [Option<(usize, f64)>; 2] {
        let kept = self.text.get(line.start..line.trim).unwrap_or_default();
        let left = kept.starts_with(OPENING).then(|| {
            let at = self.glyphs.binary_search_by_key(&line.start, |glyph| glyph.at).ok()?;
            let glyph = self.glyphs.get(at).filter(|glyph| is_opening(glyph))?;
            Some((at, glyph.shrink.0 * self.size_at(at)?))
        });
        let right = kept.ends_with(CLOSING).then(|| {
            let after = self.glyphs.partition_point(|glyph| glyph.at < line.trim);
            let at = after.checked_sub(1)?;
            let glyph = self.glyphs.get(at).filter(|glyph| is_closing(glyph))?;
            // A trimmed line end must be text: nothing but glyphs follows before the break.
            let last = self.items_of(line).last()?;
            matches!(last.2, Item::Text(_, _, to, _) if to == after || to.checked_sub(1).and_then(|last| self.glyphs.get(last)).is_some_and(|glyph| glyph.at >= line.trim))
                .then_some(())?;
            Some((at, glyph.shrink.1 * self.size_at(at)?))
        });
        [left.flatten(), right.flatten()]
    }

    fn size_at(&self, glyph: usize) -> Option<f64> {
        self.items.iter().find_map(|(_, _, item)| match item {
            Item::Text(style, from, to, sub) if (*from..*to).contains(&glyph) => {
                Some(sub.map_or(style.size, |(size, _)| size))
            }
            _ => None,
        })
    }

    fn drawn(&self, line: &Line, width: f64, hanging: f64, align: Align) -> Option<Frame> {
        let remaining = width - line.width - hanging;
        let rests = self
            .items_of(line)
            .filter(|(_, _, item)| matches!(item, Item::Rest(_)))
            .count();
        let share = if rests > 0 { remaining / rests as f64 } else { 0.0 };
        let mut x = match align {
            Align::Middle if rests == 0 => hanging + remaining / 2.0,
            _ => hanging,
        };
        let (mut above, mut below, mut empty) = (0.0_f64, 0.0_f64, None);
        let mut texts = 0;
        let mut pieces: Vec<(f64, Frame)> = Vec::new();
        for (_, _, item) in self.items_of(line) {
            let (frame, size) = match item {
                Item::Blank(width) => {
                    x += width;
                    continue;
                }
                Item::Rest(None) => {
                    x += share;
                    continue;
                }
                Item::Rest(Some((height, pen))) => {
                    let mut frame = Frame::new(share, *height);
                    frame.draw(0.0, *height, Draw::Line(share, 0.0, *pen));
                    (frame, None)
                }
                Item::Box(frame) => (frame.clone(), None),
                Item::Text(style, from, to, sub) => {
                    let (first, run) = self.within(*from, *to, line.start, line.end);
                    let frame = text_frame(run, first, line, *style, *sub);
                    if frame.items.is_empty() {
                        empty = Some(style.size);
                        continue;
                    }
                    texts += 1;
                    (frame, Some(style.size))
                }
            };
            let ascent = frame.ascent();
            let (up, down) = size.map_or((ascent, frame.height - ascent), edges_of);
            above = above.max(up);
            below = below.max(down);
            let wide = frame.width;
            pieces.push((x, frame));
            x += wide;
        }
        if let (0, Some(size)) = (texts, empty) {
            let (up, down) = edges_of(size);
            above = above.max(up);
            below = below.max(down);
        }
        let mut out = Frame::new(width, above + below);
        out.baseline = Some(above);
        for (x, piece) in pieces {
            let y = above - piece.ascent();
            out.put(x, y, piece);
        }
        Some(out)
    }
}

fn edges_of(size: f64) -> (f64, f64) {
    (EDGES.0 * size, EDGES.1 * size)
}

/// A run as a piece whose baseline is its top edge's distance.
fn text_frame(run: &[Glyph], first: usize, line: &Line, style: Style, sub: Option<(f64, f64)>) -> Frame {
    let (size, lowered) = sub.unwrap_or((style.size, 0.0));
    let [left, right] = line.edges;
    let (mut x, mut marks) = (0.0, Vec::with_capacity(run.len()));
    for (glyph, number) in run.iter().zip(first..) {
        let kept = glyph.at < line.trim;
        let taken = |edge: Option<(usize, f64)>| edge.filter(|(at, _)| *at == number).map_or(0.0, |(_, points)| points);
        let offset = if kept { glyph.offset * size - taken(left) } else { 0.0 };
        marks.push((glyph.code, x + offset));
        if kept {
            x += glyph.advance * size - taken(left) - taken(right);
        }
    }
    let (above, below) = edges_of(style.size);
    let mut frame = Frame::new(x, above + below);
    frame.baseline = Some(above);
    if !marks.is_empty() {
        frame.draw(0.0, above + lowered, Draw::Run(Style { size, ..style }, marks));
    }
    frame
}

/// Pieces under each other, with the first one's baseline.
pub fn stacked(mut lines: Vec<Frame>, leading: f64) -> Frame {
    if lines.len() == 1 {
        return lines.pop().unwrap_or_default();
    }
    let width = lines.iter().map(|line| line.width).fold(0.0, f64::max);
    let mut out = Frame::new(width, 0.0);
    for (number, line) in lines.into_iter().enumerate() {
        let y = if number > 0 { out.height + leading } else { 0.0 };
        if number == 0 {
            out.baseline = line.baseline;
        }
        out.height = y + line.height;
        out.put(0.0, y, line);
    }
    out
}

/// A style in black.
pub fn style(face: Kind, size: f64) -> Style {
    Style {
        face,
        size,
        white: false,
    }
}
