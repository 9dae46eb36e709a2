//! The frame around a chart, as `frame.typ` draws it: title, patient strip, foot, codes.
//!
//! Only what a usual page has; drills, temporary patients, names that cannot be printed and sheets without a number go to Typst.

use chart::{FormId, PatientCheck, PatientStrip, Sheet, SheetCode};

use super::face::Kind;
use super::flow::{Flow, auto, block, weak};
use super::frame::{Draw, Frame, MM, SLACK, pen};
use super::par::{Align, Par, stacked, style};
use super::parts::{BODY, LEADING, SMALL, Set, bar_code, qr};

/// Side of the page's code.
const QR_SIDE: f64 = 20.0 * MM;
/// White around it.
pub const QR_QUIET: f64 = 4.0 * MM;
/// Height of the foot's right half.
const FOOT: f64 = 11.5 * MM;

/// What the frame knows of the form.
pub struct Title<'a> {
    /// Printed at the top.
    pub title: &'a str,
    /// F02
    pub code: &'a str,
    /// Printed in the foot.
    pub version: &'a str,
}

/// The text of a page's QR code.
pub fn page_code(form: &str, sheet: &Sheet, strip: &PatientStrip, page: u8, pages: u8) -> Option<String> {
    let code = SheetCode {
        form: form.split('-').next()?.to_owned(),
        form_id: FormId::parse(&sheet.form_id)?,
        page,
        pages,
        patient: PatientCheck::of(&strip.id_code),
    };
    code.text()
}

/// A page's QR code, drawn twice on it.
pub fn drawn_code(text: &str) -> Option<Frame> {
    qr(text, QR_SIDE)
}

/// The title row.
fn title_row(set: Set, sheet: &Sheet, title: &Title, width: f64, first: bool) -> Option<Frame> {
    let mark = 10.0;
    let mut par = Par::default();
    par.text(set.faces, style(Kind::Bold, 14.0), title.title)?;
    par.blank(3.0 * MM);
    par.boxed(set.boxed(&sheet.title_mark, mark, 1.2, width)?);
    if sheet.reissue {
        par.blank(2.5 * MM).boxed(set.boxed("再発行", mark, 1.2, width)?);
    }
    par.blank(2.5 * MM);
    let mut next = Par::of(set.faces, style(Kind::Bold, mark + 1.0), "続紙")?.in_box(width, 0.0)?;
    if first {
        next.items.clear();
    }
    par.boxed(next).rest();
    par.boxed(set.whole(&sheet.hospital, style(Kind::Text, 8.0), width)?);
    par.over(width, LEADING * BODY)
}

/// The largest size at which the name takes no more than two lines.
fn fitted_name(set: Set, name: &str, width: f64) -> Option<Frame> {
    let at = |size: f64| Par::of(set.faces, style(Kind::Bold, size), name)?.over(width, LEADING * size);
    for size in [20.0, 18.0, 16.0, 14.0] {
        let frame = at(size)?;
        if frame.height <= size * 2.0 + 8.0 + SLACK {
            return Some(frame);
        }
    }
    at(12.0)
}

fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}

fn patient_strip(set: Set, strip: &PatientStrip, width: f64) -> Option<Frame> {
    let bars = bar_code(&strip.id_code, 8.0 * MM, 38.5 * MM)?;
    let bars_width = bars.width.max(30.0 * MM);
    let inner = width - 3.0 * MM;
    let left = inner - MM - bars_width;
    if left < 40.0 * MM {
        return None;
    }
    let mut kana = Par::of(set.faces, style(Kind::Text, 9.5), or(&strip.kana, "カナ 登録なし"))?;
    for flag in &strip.flags {
        kana.blank(2.0 * MM).boxed(set.reversed(flag, 9.0, left)?);
    }
    let leading = LEADING * if strip.flags.is_empty() { 9.5 } else { BODY };
    let mut who = Flow::default();
    who.add(auto(BODY), kana.over(left, leading)?, auto(BODY))
        .space(weak(1.6 * MM))
        .add(
            block(1.6 * MM),
            fitted_name(set, or(&strip.name, "氏名 登録なし"), width - 4.0 * MM - bars_width)?,
            auto(BODY),
        );
    let who = who.frame(left);
    let mut number = Par::of(set.faces, style(Kind::Text, SMALL), "患者番号")?;
    number.blank(1.2 * MM);
    number.text(set.faces, style(Kind::BoldFigures, 12.0), &strip.id)?;
    let number = number.lay(bars_width, true, LEADING * BODY, Align::Middle)?;
    let mut bars_line = Frame::new(bars_width, bars.height);
    bars_line.put((bars_width - bars.width) / 2.0, 0.0, bars);
    let mut code = Flow::default();
    code.add(auto(BODY), bars_line, block(MM))
        .add(auto(BODY), number, auto(BODY));
    let code = code.frame(bars_width);
    let mut birth = Par::of(set.faces, style(Kind::Text, 10.5), &format!("{} ", strip.birth))?;
    birth.blank(0.8 * 10.5);
    birth.text(set.faces, style(Kind::Bold, 10.5), &strip.age)?;
    birth.text(set.faces, style(Kind::Text, 10.5), " ")?;
    birth.blank(0.8 * 10.5);
    birth.text(set.faces, style(Kind::Bold, 10.5), &strip.sex)?;
    let birth = birth.over(inner, LEADING * 10.5)?;
    let row = who.height.max(code.height);
    let mut grid = Frame::new(inner, row + 1.6 * MM + birth.height);
    let (who_y, code_y) = (row - who.height, row - code.height);
    grid.put(0.0, who_y, who);
    grid.put(left + MM, code_y, code);
    grid.put(0.0, row + 1.6 * MM, birth);
    Some(
        grid.padded(1.5 * MM, 1.8 * MM, 1.5 * MM, 1.8 * MM)
            .outlined(pen(1.4), 0.0),
    )
}

/// The head of a page without its code, which stands in its lower right corner.
pub fn page_head(
    set: Set,
    sheet: &Sheet,
    strip: &PatientStrip,
    title: &Title,
    width: f64,
    first: bool,
) -> Option<Frame> {
    let row = title_row(set, sheet, title, width, first)?;
    let who = patient_strip(set, strip, width - QR_SIDE - QR_QUIET)?;
    let mut flow = Flow::default();
    flow.add(auto(BODY), row, block(2.2 * MM))
        .add(block(0.0), who, block(0.0));
    Some(flow.frame(width))
}

/// Where the code stands in a head of this size.
pub fn code_in_head(head: &Frame) -> (f64, f64) {
    (head.width - QR_SIDE, head.height - QR_SIDE)
}

/// The foot of a page without its number and code. Gives also where the number's block stands.
pub fn page_foot(set: Set, sheet: &Sheet, title: &Title, width: f64, extra: Frame) -> Option<Foot> {
    let indent = QR_SIDE + QR_QUIET;
    let bars_width = 41.5 * MM;
    let inner = width - indent;
    let lines_width = width - indent - bars_width - 16.0 * MM;
    let mut lines = Par::of(set.faces, style(Kind::Bold, 9.0), &sheet.as_of)?;
    lines.text(set.faces, style(Kind::Text, BODY), "\n")?;
    lines.text(set.faces, style(Kind::Text, SMALL), &sheet.seal)?;
    lines.text(set.faces, style(Kind::Text, BODY), "\n")?;
    lines.text(
        set.faces,
        style(Kind::Text, SMALL),
        &format!("{} 第{}版 ", title.code, title.version),
    )?;
    lines.blank(0.6 * SMALL);
    lines.boxed(set.whole(&sheet.issued, style(Kind::Text, SMALL), lines_width)?);
    let lines = lines.over(lines_width, 0.42 * BODY)?;
    let bars = bar_code(&sheet.form_id, 7.0 * MM, bars_width)?;
    let mut number = Par::of(set.faces, style(Kind::Text, SMALL), "帳票番号 ")?;
    number.text(set.faces, style(Kind::Figures, SMALL), &sheet.form_id)?;
    let number = number.lay(bars_width, true, LEADING * SMALL, Align::Middle)?;
    let mut middle = Frame::new(bars_width, bars.height);
    if bars.width > bars_width {
        return None;
    }
    middle.put((bars_width - bars.width) / 2.0, 0.0, bars);
    let mut code = Flow::default();
    code.add(auto(BODY), middle, block(0.7 * MM))
        .add(auto(SMALL), number, auto(SMALL));
    let code = code.frame(bars_width);
    let upper = extra.height + 1.6 * MM;
    let height = upper + lines.height;
    let mut frame = Frame::new(width, height);
    frame.put(indent, 0.0, extra);
    frame.put(indent, upper, lines);
    let mut last = Frame::new(width, height);
    let y = height - code.height;
    last.put(indent + inner - bars_width, y, code);
    Some(Foot {
        last,
        number: (indent + inner - bars_width - 14.0 * MM, height - FOOT),
        code: (0.0, height - QR_SIDE),
        frame,
    })
}

/// A foot and the places in it that change from page to page.
pub struct Foot {
    /// What stays.
    pub frame: Frame,
    /// The bar code, which comes after the page number for whoever has the page read out.
    pub last: Frame,
    /// Where the page number's block stands.
    pub number: (f64, f64),
    /// Where the code stands.
    pub code: (f64, f64),
}

/// The page number's block.
pub fn page_number(set: Set, page: u8, pages: u8) -> Option<Frame> {
    let width = 14.0 * MM;
    let number = Par::of(set.faces, style(Kind::BoldFigures, 13.0), &format!("{page}/{pages}"))?;
    let word = Par::of(set.faces, style(Kind::Text, SMALL), "頁")?;
    let line = |par: Par| par.lay(width, true, 0.0, Align::Middle);
    let both = stacked(vec![line(number)?, line(word)?], LEADING * BODY);
    let mut frame = Frame::new(width, FOOT);
    let y = FOOT - both.height;
    frame.put(0.0, y, both);
    Some(frame)
}

/// Draws the lines between the cells of a row.
pub fn between(frame: &mut Frame, xs: &[f64], height: f64) {
    for x in xs {
        frame.draw(*x, 0.0, Draw::Line(0.0, height, pen(0.5)));
    }
}
