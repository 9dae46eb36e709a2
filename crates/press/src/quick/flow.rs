//! Pieces under each other: blocks and paragraphs with the spaces between them, as Typst collapses them, and the same over several columns.
//!
//! Not here: grids (the callers set their few by hand) and what is in the pieces.

use super::frame::{Frame, SLACK};

/// How firmly a space holds against its neighbours: the smaller wins, among equals the larger space. 0 always stays.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Space(pub f64, pub u8);

/// A space that always stays.
pub fn firm(points: f64) -> Space {
    Space(points, 0)
}

/// `v(…, weak: true)`.
pub fn weak(points: f64) -> Space {
    Space(points, 1)
}

/// `above` and `below` of a block.
pub fn block(points: f64) -> Space {
    Space(points, 3)
}

/// Around paragraphs and blocks that name no space: 0.6 em.
pub fn auto(size: f64) -> Space {
    Space(0.6 * size, 4)
}

#[derive(Debug, Clone)]
enum Item {
    Space(Space),
    Frame(Frame),
}

/// A column of pieces that is never broken.
#[derive(Debug, Clone, Default)]
pub struct Flow {
    items: Vec<Item>,
}

impl Flow {
    /// Adds a space.
    pub fn space(&mut self, space: Space) -> &mut Self {
        if space.1 == 0 || keeps(&mut self.items, space) {
            self.items.push(Item::Space(space));
        }
        self
    }

    /// Adds a piece with its spaces.
    pub fn add(&mut self, above: Space, frame: Frame, below: Space) -> &mut Self {
        self.space(above);
        self.items.push(Item::Frame(frame));
        self.space(below)
    }

    /// One piece of all, without loose space at its foot.
    pub fn frame(mut self, width: f64) -> Frame {
        trim(&mut self.items);
        let mut out = Frame::new(width, 0.0);
        let mut first = true;
        for item in self.items {
            match item {
                Item::Space(space) => out.height += space.0,
                Item::Frame(frame) => {
                    let (y, tall) = (out.height, frame.height);
                    if first {
                        out.baseline = frame.baseline.map(|baseline| baseline + y);
                        first = false;
                    }
                    out.put(0.0, y, frame);
                    out.height = y + tall;
                }
            }
        }
        out
    }
}

/// Whether a loose space is added; a weaker one before it gives way.
fn keeps(items: &mut [Item], space: Space) -> bool {
    for item in items.iter_mut().rev() {
        match item {
            Item::Space(before) if before.1 > 0 => {
                if space.1 <= before.1 && (space.1 < before.1 || space.0 > before.0) {
                    *before = space;
                }
                return false;
            }
            Item::Space(_) => {}
            Item::Frame(_) => return true,
        }
    }
    false
}

fn trim(items: &mut Vec<Item>) {
    let loose = items.iter().rposition(|item| match item {
        Item::Space(space) => space.1 > 0,
        Item::Frame(_) => true,
    });
    if let Some(at) = loose.filter(|at| matches!(items.get(*at), Some(Item::Space(_)))) {
        items.remove(at);
    }
}

/// A piece on its way through columns.
#[derive(Debug, Clone)]
struct Part {
    above: Vec<Space>,
    frame: Frame,
    /// Room it must find, with lines that may not be parted from it.
    need: f64,
    /// It stays with the next one.
    sticky: bool,
}

/// Pieces that flow from column to column.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    parts: Vec<Part>,
    spaces: Vec<Space>,
}

impl Columns {
    /// Adds a space.
    pub fn space(&mut self, space: Space) {
        self.spaces.push(space);
    }

    /// A block ends here: the loose space after its last piece is not its neighbour's, which has none below it.
    pub fn end_of_list(&mut self) {
        self.spaces = vec![block(0.0)];
    }

    /// Adds a piece that is not broken.
    pub fn piece(&mut self, frame: Frame, sticky: bool) {
        let need = frame.height;
        self.part(frame, need, sticky);
    }

    fn part(&mut self, frame: Frame, need: f64, sticky: bool) {
        let above = std::mem::take(&mut self.spaces);
        self.parts.push(Part {
            above,
            frame,
            need,
            sticky,
        });
    }

    /// Adds the lines of a paragraph: the first two stay together, the last two, and all of three.
    pub fn lines(&mut self, lines: Vec<Frame>, leading: f64) {
        let heights: Vec<f64> = lines.iter().map(|line| line.height).collect();
        let tall = |at: usize| heights.get(at).copied().unwrap_or(0.0);
        let count = heights.len();
        for (number, line) in lines.into_iter().enumerate() {
            if number > 0 {
                self.space(Space(leading, 5));
            }
            let need = match number {
                0 if count == 3 => tall(0) + leading + tall(1) + leading + tall(2),
                0 if count >= 2 => tall(0) + leading + tall(1),
                _ if number >= 2 && number + 2 == count => tall(number) + leading + tall(number + 1),
                _ => line.height,
            };
            self.part(line, need, false);
        }
    }

    /// The columns, each at most this high; `None` where Typst would have to part what belongs together.
    pub fn set(self, width: f64, height: f64) -> Option<Vec<Frame>> {
        let mut columns = Vec::new();
        let mut rest: std::collections::VecDeque<Part> = self.parts.into();
        while !rest.is_empty() {
            let mut items = Vec::new();
            let mut taken: Vec<Part> = Vec::new();
            while let Some(part) = rest.front() {
                let mut with = items.clone();
                for space in &part.above {
                    if space.1 == 0 || keeps(&mut with, *space) {
                        with.push(Item::Space(*space));
                    }
                }
                let used: f64 = with.iter().map(tall).sum();
                if used + part.need > height + SLACK || used + part.frame.height > height + SLACK {
                    break;
                }
                with.push(Item::Frame(part.frame.clone()));
                items = with;
                taken.extend(rest.pop_front());
            }
            if !rest.is_empty() {
                // A heading does not stay behind alone.
                while taken.last().is_some_and(|part| part.sticky) {
                    rest.push_front(taken.pop()?);
                    while let Some(Item::Space(_)) = items.last() {
                        items.pop();
                    }
                    items.pop();
                }
            }
            if taken.is_empty() {
                return None;
            }
            columns.push(Flow { items }.frame(width));
        }
        Some(columns)
    }
}

fn tall(item: &Item) -> f64 {
    match item {
        Item::Space(space) => space.0,
        Item::Frame(frame) => frame.height,
    }
}
