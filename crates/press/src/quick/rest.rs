//! A chart's continuation page: what page 1 has no room for, in two columns.

use super::chart::{Body, get};
use super::entries::{diagnosis, drug, labelled, result};
use super::face::Kind;
use super::flow::{Columns, auto, block};
use super::frame::{Draw, Frame, MM, SLACK, pen};
use super::panels::{Plan, note_of};
use super::par::{Align, Par, style};
use super::parts::{BODY, LEADING, SMALL, Set};

/// Between the columns.
const GUTTER: f64 = 6.0 * MM;

/// The bodies of the continuation pages, two columns each.
pub fn pages(set: Set, b: &Body, p: &Plan, width: f64, height: f64) -> Option<Vec<Frame>> {
    let column = (width - GUTTER) / 2.0;
    let columns = parts(set, b, p, column)?.set(column, height)?;
    let mut pages = Vec::new();
    for (number, frame) in columns.into_iter().enumerate() {
        if number % 2 == 0 {
            pages.push(Frame::new(width, height));
        }
        let x = if number % 2 == 0 { 0.0 } else { column + GUTTER };
        pages.last_mut()?.put(x, 0.0, frame);
    }
    Some(pages)
}

fn parts(set: Set, b: &Body, p: &Plan, width: f64) -> Option<Columns> {
    let mut out = Columns::default();
    let known = |state: &str| state == "known";
    if known(&b.drugs.state) && p.drugs < b.drugs.items.len() {
        section(set, &mut out, "現在の処方（つづき）", get(&b.drugs.source), width)?;
        for (d, number) in b.drugs.items.iter().zip(1..).skip(p.drugs) {
            out.space(block(0.0));
            out.piece(drug(set, d, number, width)?, false);
            out.space(block(1.2 * MM));
        }
        if let Some(caution) = get(&b.drugs.caution) {
            let lines = Par::of(set.faces, style(Kind::Text, SMALL), caution)?.lines(width, 0.0, true, Align::Left)?;
            out.space(auto(SMALL));
            out.lines(lines, LEADING * SMALL);
            out.space(auto(SMALL));
        }
    }
    if known(&b.diagnoses.state) && p.diagnoses < b.diagnoses.items.len() {
        section(set, &mut out, "病名（つづき）", Some("日付は初診日"), width)?;
        let rows = b
            .diagnoses
            .items
            .iter()
            .skip(p.diagnoses)
            .map(|d| diagnosis(set, d, width));
        in_rows(&mut out, rows, width)?;
    }
    if known(&b.results.state) && p.results < b.results.items.len() {
        section(set, &mut out, "直近の検査（つづき）", get(&b.results.date), width)?;
        let rows = b.results.items.iter().skip(p.results).map(|r| result(set, r, width));
        in_rows(&mut out, rows, width)?;
    }
    if known(&b.last_note.state) && p.sections.len() < b.last_note.sections.len() {
        let of = note_of(&b.last_note);
        section(
            set,
            &mut out,
            "前回記録（全文）",
            Some(of.as_str()).filter(|of| !of.is_empty()),
            width,
        )?;
        for s in &b.last_note.sections {
            let lines = labelled(set, s, 9.0, width)?;
            out.space(auto(BODY));
            out.lines(lines.lines, lines.leading);
            out.space(block(1.6 * MM));
        }
    }
    Some(out)
}

fn section(set: Set, out: &mut Columns, title: &str, aside: Option<&str>, width: f64) -> Option<()> {
    let mut par = Par::of(set.faces, style(Kind::Bold, 10.5), title)?;
    par.blank(0.8 * BODY);
    if let Some(aside) = aside {
        par.text(set.faces, style(Kind::Text, SMALL), aside)?;
    }
    let frame = par.over(width, LEADING * BODY)?;
    if frame.height > 10.5 + SLACK {
        return None;
    }
    let mut frame = frame.padded(0.0, 0.0, 0.0, MM);
    let foot = frame.height;
    frame.draw(0.0, foot, Draw::Line(width, 0.0, pen(1.2)));
    out.space(block(4.0 * MM));
    out.piece(frame, true);
    out.space(block(1.6 * MM));
    Some(())
}

fn in_rows(out: &mut Columns, rows: impl Iterator<Item = Option<Par>>, width: f64) -> Option<()> {
    out.space(auto(BODY));
    for (number, row) in rows.enumerate() {
        if number > 0 {
            out.space(auto(9.0));
        }
        out.lines(row?.lines(width, 0.0, true, Align::Left)?, LEADING * 9.0);
        out.space(block(0.9 * MM));
    }
    // The list's own space below, in place of its last row's.
    out.end_of_list();
    Some(())
}
