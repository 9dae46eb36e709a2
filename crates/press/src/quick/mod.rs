//! The quick press: the one sheet a morning prints by the hundred (F02) set without Typst, to the same page.
//!
//! Typst takes 24 ms for such a page, most of it for running the form's program again for every patient. The quick press is that program
//! in Rust, for the sheets it understands: the built-in F02 with everything usual in it. Whatever it does not understand it refuses, and
//! Typst prints it: hospitals' own forms, drills, temporary patients, typed notes, characters of the fallback fonts, lines that do not fit.
//! It never draws a page it is not sure of; the tests compare its pages with Typst's, pixel by pixel (`tests/it/quick.rs`).
//!
//! `frame.typ`, `parts.typ` and F02's `form.typ` are ported as they are: where one of them changes, the fingerprint below no longer fits,
//! everything goes to Typst, and a test asks for the change to be made here too.

mod chart;
mod entries;
mod face;
mod file;
mod first;
mod flow;
mod frame;
mod head;
mod ink;
mod marks;
mod panels;
mod par;
mod parts;
mod rest;
mod stationery;
mod used;

use ::chart::sheet_code::MAX_SHEET_PAGES;
use ::chart::{PatientStrip, Sheet};
use chart::Body;

use crate::filled::check;
use crate::fonts::Fonts;
use crate::forms::{Form, Forms};

use face::{Faces, is_plain};
use frame::{Draw, Frame, MM, SLACK, pen};
use head::{Foot, QR_QUIET, Title};
use panels::Parts;
use parts::Set;
use stationery::Stationery;

pub use file::File;
pub use ink::{Inkwell, Page};

/// The form that is set here.
const FORM: &str = "F02";

/// Fingerprint of `frame.typ`, `parts.typ` and the form's `form.typ` and `form.toml` as they were ported.
const PORTED: u64 = 0x7bdc_5303_e9c6_a2c9;

/// A4 and its margins: left, top, right, foot.
const PAPER: (f64, f64) = (210.0 * MM, 297.0 * MM);
const LEFT: f64 = 18.0 * MM;
const TOP: f64 = 10.0 * MM;
const FOOT: f64 = 12.0 * MM;
const WIDTH: f64 = 182.0 * MM;

/// Between the parts of page 1.
const GAP: f64 = 1.8 * MM;
/// Width of the left panel.
const LEFT_PANEL: f64 = 89.0 * MM;
/// Outline and padding of the panels.
const PANEL_X: f64 = 2.0 * MM;
const PANEL_Y: f64 = 1.5 * MM;

/// The quick press, set up once.
pub struct Quick {
    faces: Faces,
    stationery: Stationery,
}

impl Quick {
    /// Ready, unless the forms in force are others than those that were ported.
    pub fn new(fonts: &Fonts, forms: &Forms) -> Option<Self> {
        let form = forms.get(FORM).ok().filter(|form| !form.overridden)?;
        (fingerprint(form) == PORTED).then_some(())?;
        let faces = Faces::new(fonts)?;
        Some(Self {
            stationery: Stationery::new(&faces, WIDTH)?,
            faces,
        })
    }

    /// The sheet's pages; `None` for Typst.
    pub fn pages(&self, form: &Form, sheet: &Sheet, well: &mut Inkwell) -> Option<Vec<Page>> {
        let ours = form.about.code == FORM && sheet.form == FORM && !form.overridden && check(form, sheet).is_ok();
        let strip = usual(&self.faces, sheet).filter(|_| ours)?;
        let body = Body::read(&sheet.body, &self.faces)?;
        let title = Title {
            title: &form.about.title,
            code: &form.about.code,
            version: &form.about.version,
        };
        let set = Set { faces: &self.faces };
        let frames = self.frames(set, sheet, strip, &title, &body)?;
        frames.iter().map(|frame| well.page(&self.faces, frame)).collect()
    }

    /// A file for such pages.
    pub fn file() -> File {
        File::new(PAPER.0, PAPER.1)
    }

    /// Finishes a file.
    pub fn finish(&self, file: File, fonts: &Fonts, title: Option<&str>) -> Option<Vec<u8>> {
        file.finish(fonts, &self.faces, &self.stationery.stamps, title)
    }

    fn frames(&self, set: Set, sheet: &Sheet, strip: &PatientStrip, title: &Title, b: &Body) -> Option<Vec<Frame>> {
        let head = head::page_head(set, sheet, strip, title, WIDTH, true)?;
        let foot = head::page_foot(set, sheet, title, WIDTH, self.stationery.foot.clone())?;
        let top = TOP + head.height + 3.0 * MM;
        let height = PAPER.1 - top - (FOOT + foot.frame.height + QR_QUIET);
        let (first, rest) = self.bodies(set, b, height)?;
        let pages = u8::try_from(1 + rest.len())
            .ok()
            .filter(|pages| *pages <= MAX_SHEET_PAGES)?;
        let mut out = Vec::new();
        for (page, body) in (1..).zip(std::iter::once(first).chain(rest)) {
            let head = match page {
                1 => head.clone(),
                _ => head::page_head(set, sheet, strip, title, WIDTH, false)?,
            };
            let code = head::drawn_code(&head::page_code(title.code, sheet, strip, page, pages)?)?;
            let number = head::page_number(set, page, pages)?;
            out.push(assembled(head, body, &foot, code, number, top));
        }
        Some(out)
    }

    /// The body of page 1 and those of the pages after it.
    fn bodies(&self, set: Set, b: &Body, height: f64) -> Option<(Frame, Vec<Frame>)> {
        let upper = [
            Some(first::first_line(set, b, WIDTH)?),
            Some(first::allergy(set, b, WIDTH)?),
            first::facts(set, b, WIDTH)?,
        ];
        let upper: Vec<Frame> = upper.into_iter().flatten().collect();
        let upper_height: f64 = upper.iter().map(|part| part.height + GAP).sum();
        let free = height - upper_height - 0.5 * MM;
        let most = (45.0 * MM).max((74.0 * MM).min(free - GAP - first::VITALS - GAP - first::HANDWRITING));
        let right_panel = WIDTH - 91.5 * MM;
        let (left, right) = (LEFT_PANEL - 2.0 * PANEL_X, right_panel - 2.0 * PANEL_X);
        let parts = Parts::new(set, b, left, right)?;
        let (plan, right_content) = panels::plan(set, b, &parts, most, left, right)?;
        let left_content = panels::drugs_panel(set, b, &parts, plan.drugs, left)?;
        let room = plan.height - 2.0 * PANEL_Y + SLACK;
        if left_content.height > room || right_content.height > room {
            return None;
        }
        let writing = free - plan.height - GAP - first::VITALS - GAP;
        if writing <= 60.0 * MM {
            return None;
        }
        let mut out = Frame::new(WIDTH, height);
        let mut y = 0.0;
        for part in upper {
            let next = y + part.height + GAP;
            out.put(0.0, y, part);
            y = next;
        }
        out.draw(0.0, y, Draw::Outline(LEFT_PANEL, plan.height, pen(0.8)));
        out.put(PANEL_X, y + PANEL_Y, left_content);
        let x = LEFT_PANEL + 2.5 * MM;
        out.draw(x, y, Draw::Outline(right_panel, plan.height, pen(0.8)));
        out.put(x + PANEL_X, y + PANEL_Y, right_content);
        y += plan.height + GAP;
        out.put(0.0, y, self.stationery.vitals.clone());
        y += first::VITALS + GAP;
        out.put(0.0, y, first::writing(set, b, &self.stationery, WIDTH, writing)?);
        let rest = if plan.over {
            rest::pages(set, b, &plan, WIDTH, height)?
        } else {
            Vec::new()
        };
        Some((out, rest))
    }
}

/// One whole page.
fn assembled(head: Frame, body: Frame, foot: &Foot, code: Frame, number: Frame, top: f64) -> Frame {
    let mut page = Frame::new(PAPER.0, PAPER.1);
    let (code_x, code_y) = head::code_in_head(&head);
    page.put(LEFT + code_x, TOP + code_y, code.clone());
    page.put(LEFT, TOP, head);
    page.put(LEFT, top, body);
    let y = PAPER.1 - FOOT - foot.frame.height;
    page.put(LEFT + foot.code.0, y + foot.code.1, code);
    page.put(LEFT, y, foot.frame.clone());
    page.put(LEFT + foot.number.0, y + foot.number.1, number);
    page.put(LEFT, y, foot.last.clone());
    page
}

/// The patient, if the frame around this sheet has nothing unusual in it.
fn usual<'a>(faces: &Faces, sheet: &'a Sheet) -> Option<&'a PatientStrip> {
    let Sheet {
        title_mark,
        drill,
        strip,
        as_of,
        seal,
        issued,
        form_id,
        hospital,
        ..
    } = sheet;
    let strip = strip.as_ref()?;
    let PatientStrip {
        kana,
        name,
        birth,
        age,
        sex,
        id,
        id_code,
        flags,
        temporary,
        gaiji,
        blank,
    } = strip;
    let texts = [
        title_mark, as_of, seal, issued, form_id, hospital, kana, name, birth, age, sex, id, id_code,
    ];
    let all = texts.into_iter().chain(flags);
    let plain = all
        .clone()
        .all(|text| is_plain(faces, text) && !text.contains(['\n', '〓']));
    let odd =
        *drill || *blank || *temporary || *gaiji || title_mark == "訓練" || form_id.is_empty() || id_code.is_empty();
    let lacking = [birth, age, sex, hospital]
        .into_iter()
        .chain(flags)
        .any(|text| text.trim().is_empty());
    (plain && !odd && !lacking).then_some(strip)
}

/// FNV-1a of everything that was ported.
pub fn fingerprint(form: &Form) -> u64 {
    let about = format!("{:?}", form.about);
    let texts = [
        include_str!("../../frame.typ"),
        include_str!("../../parts.typ"),
        form.source.text(),
        &about,
    ];
    let bytes = texts.iter().flat_map(|text| text.bytes().chain(std::iter::once(0)));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_are_those_that_were_ported() {
        let forms = Forms::built_in().unwrap();
        let found = fingerprint(forms.get(FORM).unwrap());
        assert_eq!(
            found, PORTED,
            "frame.typ, parts.typ or F02 changed ({found:#x}). Make the same change in crates/press/src/quick, see tests/it/quick.rs pass, \
             then write the new fingerprint there. Until then every chart is printed by Typst"
        );
    }
}
