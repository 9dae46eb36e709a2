//! The entries of a chart's panels, each set once: drugs, diagnoses, results, sections of a note. Page 1 and the continuation share them.

use super::chart::{Diagnosis, Drug, Result, Section, get};
use super::face::Kind;
use super::frame::{Frame, MM};
use super::par::{Align, Par, stacked, style};
use super::parts::{BODY, LEADING, Set};

/// Fields up to this many characters stay whole.
const WHOLE: usize = 22;

/// A drug with its number.
pub fn drug(set: Set, d: &Drug, number: usize, width: f64) -> Option<Frame> {
    let indent = 5.0 * MM;
    let width = width - indent;
    let mut par = Par::of(set.faces, style(Kind::Bold, 9.5), &d.name)?;
    if let Some(tag) = get(&d.tag) {
        par.blank(1.2 * MM).boxed(set.boxed(tag, 8.0, 0.6, width)?);
    }
    par.rest();
    if !d.days.is_empty() {
        par.boxed(set.whole(&d.days, style(Kind::Bold, 9.5), width)?);
    }
    par.text(set.faces, style(Kind::Text, BODY), "\n")?;
    let small = style(Kind::Text, 9.0);
    field(set, &mut par, &d.dose, width)?;
    par.blank(0.9 * 9.0);
    field(set, &mut par, &d.usage, width)?;
    if let Some(comment) = get(&d.comment) {
        par.text(set.faces, small, &format!("\n※ {comment}"))?;
    }
    let lines = par.over(width, 0.45 * MM)?;
    let mut frame = Frame::new(width + indent, lines.height);
    let figure = Par::of(set.faces, style(Kind::Figures, 9.0), &number.to_string())?.in_box(width, 0.0)?;
    frame.put(0.0, 0.0, figure);
    frame.put(indent, 0.0, lines);
    Some(frame)
}

fn field(set: Set, par: &mut Par, text: &str, width: f64) -> Option<()> {
    let small = style(Kind::Text, 9.0);
    if text.is_empty() {
        Some(())
    } else if text.chars().count() > WHOLE {
        par.text(set.faces, small, text)
    } else {
        par.boxed(set.whole(text, small, width)?);
        Some(())
    }
}

/// A diagnosis.
pub fn diagnosis(set: Set, d: &Diagnosis, width: f64) -> Option<Par> {
    let mut par = Par::default();
    if d.main {
        par.boxed(set.boxed("主", 7.5, 0.5, width)?).blank(0.8 * MM);
    }
    par.text(set.faces, style(Kind::Bold, 9.0), &d.name)?;
    if d.suspected {
        par.text(set.faces, style(Kind::Text, 9.0), "の疑い")?;
    }
    if let Some(since) = get(&d.since) {
        par.blank(MM);
        par.text(set.faces, style(Kind::Text, 8.0), since)?;
    }
    Some(par)
}

/// A result.
pub fn result(set: Set, r: &Result, width: f64) -> Option<Par> {
    let mut par = Par::of(set.faces, style(Kind::Text, 8.5), &r.name)?;
    par.blank(MM);
    let mut value = Par::of(set.faces, style(Kind::BoldFigures, 9.0), &r.value)?;
    if let Some(flag) = get(&r.flag).filter(|_| !r.critical) {
        value.blank(0.6 * MM);
        value.text(set.faces, style(Kind::Bold, 9.0), flag)?;
    }
    par.boxed(value.in_box(width, LEADING * 9.0)?);
    if r.critical {
        par.blank(0.8 * MM).boxed(set.reversed("緊急値", 7.5, width)?);
    }
    par.blank(0.8 * MM);
    let mut small = get(&r.unit).unwrap_or_default().to_owned();
    if let Some(range) = get(&r.r#ref) {
        let bare = range.starts_with(['(', '（']);
        small.push_str(&if bare {
            format!(" {range}")
        } else {
            format!(" ({range})")
        });
    }
    if let Some(date) = get(&r.date) {
        small.push_str(&format!(" {date}"));
    }
    if !small.is_empty() {
        par.text(set.faces, style(Kind::Text, 7.5), &small)?;
    }
    Some(par)
}

/// Lines of a section and the space between them.
pub struct Lines {
    /// The lines.
    pub lines: Vec<Frame>,
    /// Between them.
    pub leading: f64,
}

impl Lines {
    /// As one piece.
    pub fn stacked(self) -> Frame {
        stacked(self.lines, self.leading)
    }
}

/// One-letter labels stand beside their text, longer ones before it.
pub fn labelled(set: Set, s: &Section, size: f64, width: f64) -> Option<Lines> {
    let text = style(Kind::Text, size);
    let bold = style(Kind::Bold, size);
    let left = Align::Left;
    let Some(label) = get(&s.label) else {
        let lines = Par::of(set.faces, text, &s.text)?.lines(width, 0.0, true, left)?;
        return Some(Lines {
            lines,
            leading: LEADING * size,
        });
    };
    let mut par = Par::default();
    let mut hanging = 0.0;
    if label.chars().count() <= 2 {
        hanging = 1.7 * size;
        par.boxed(Par::of(set.faces, bold, label)?.over(hanging, LEADING * size)?);
    } else {
        par.text(set.faces, bold, label)?;
        par.blank(2.0 * MM);
    }
    par.text(set.faces, text, &s.text)?;
    Some(Lines {
        lines: par.lines(width, hanging, true, left)?,
        leading: LEADING * BODY,
    })
}
