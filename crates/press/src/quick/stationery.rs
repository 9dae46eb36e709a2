//! What stands on every chart alike: boxes for vitals, the room to write's heading, the constant orders, the foot's boxes. Set once with the
//! press, written once into a file as stamps, and on each page only named.

use super::face::Faces;
use super::first;
use super::frame::{Draw, Frame, MM};
use super::ink::{Inkwell, Stamp};
use super::parts::Set;

/// The pieces, each as large as what it stands for.
pub struct Stationery {
    /// Boxes for vitals.
    pub vitals: Frame,
    /// Heading of the room to write.
    pub heading: Frame,
    /// Orders of examinations where none is planned.
    pub exams: Frame,
    /// Room for measures.
    pub measures: Frame,
    /// The next visit.
    pub next: Frame,
    /// Who signs, and what became of the sheet.
    pub foot: Frame,
    /// What the pieces name, by number.
    pub stamps: Vec<Stamp>,
}

impl Stationery {
    /// Sets the pieces for pages of this width.
    pub fn new(faces: &Faces, width: f64) -> Option<Self> {
        let set = Set { faces };
        let (mut well, mut stamps) = (Inkwell::new(), Vec::new());
        let mut stamped = |piece: Frame| {
            let mut place = piece.ghost();
            place.draw(0.0, 0.0, Draw::Stamp(stamps.len()));
            stamps.push(well.stamp(faces, &piece)?);
            Some(place)
        };
        Some(Self {
            vitals: stamped(first::vitals(set, width)?)?,
            heading: stamped(first::heading(set, width)?)?,
            exams: stamped(first::exams(set, &[])?)?,
            measures: stamped(first::measures(set)?)?,
            next: stamped(first::next(set)?)?,
            foot: stamped(first::foot(set, width - 24.0 * MM)?)?,
            stamps,
        })
    }
}
