//! The panels of a chart's first page and how much of each stands there: `plan`, `drugs-panel` and `right-panel` of F02's `form.typ`.

use super::chart::{Body, Note, Section, get};
use super::entries::{diagnosis, drug, labelled, result};
use super::face::Kind;
use super::flow::{Flow, auto, block};
use super::frame::{Frame, MM, SLACK, pen};
use super::par::{Par, style};
use super::parts::{BODY, LEADING, SMALL, Set, rule};

const MOST_DRUGS: usize = 8;
const DRUG_GAP: f64 = 0.7 * MM;
const BETWEEN: f64 = 3.0 * MM;

/// What stands on page 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Leading drugs.
    pub drugs: usize,
    /// Leading diagnoses.
    pub diagnoses: usize,
    /// Leading results.
    pub results: usize,
    /// Sections of the last note.
    pub sections: Vec<usize>,
    /// There is a continuation page.
    pub over: bool,
    /// Height of the panels.
    pub height: f64,
}

/// A chart's parts, each set once.
pub struct Parts {
    /// Drug lines in the left panel's width.
    pub drugs: Vec<Frame>,
    /// Diagnoses as boxes for lines of the right panel.
    pub diagnoses: Vec<Frame>,
    /// Results likewise.
    pub results: Vec<Frame>,
    /// Sections likewise.
    pub sections: Vec<Frame>,
}

impl Parts {
    /// Sets them.
    pub fn new(set: Set, b: &Body, left: f64, right: f64) -> Option<Self> {
        let known = |state: &str| state == "known";
        let most = if known(&b.drugs.state) { MOST_DRUGS } else { 0 };
        let drugs = b.drugs.items.iter().take(most).zip(1..);
        let take = |state: &str, count: usize| if known(state) { count } else { 0 };
        let diagnoses = b
            .diagnoses
            .items
            .iter()
            .take(take(&b.diagnoses.state, b.diagnoses.items.len()));
        let results = b
            .results
            .items
            .iter()
            .take(take(&b.results.state, b.results.items.len()));
        let sections = b
            .last_note
            .sections
            .iter()
            .take(take(&b.last_note.state, b.last_note.sections.len()));
        Some(Self {
            drugs: drugs
                .map(|(d, number)| drug(set, d, number, left))
                .collect::<Option<_>>()?,
            diagnoses: diagnoses
                .map(|d| diagnosis(set, d, right)?.in_box(right, LEADING * 9.0))
                .collect::<Option<_>>()?,
            results: results
                .map(|r| result(set, r, right)?.in_box(right, LEADING * 9.0))
                .collect::<Option<_>>()?,
            sections: sections
                .map(|s| Some(labelled(set, s, 9.0, right)?.stacked()))
                .collect::<Option<_>>()?,
        })
    }
}

/// A panel's title with its remarks.
pub fn panel_title(set: Set, title: &str, aside: Option<&str>, more: Option<&str>, width: f64) -> Option<Frame> {
    let mut par = Par::of(set.faces, style(Kind::Bold, 9.0), title)?;
    if let Some(more) = more {
        par.blank(2.0 * MM).boxed(set.reversed(more, 8.5, width)?);
    }
    if let Some(aside) = aside {
        par.rest().boxed(set.whole(aside, style(Kind::Text, SMALL), width)?);
    }
    par.over(width, LEADING * BODY)
}

/// Boxes in running lines.
fn in_line(items: &[Frame], width: f64) -> Option<Frame> {
    let mut par = Par::default();
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            par.blank(BETWEEN);
        }
        par.boxed(item.clone());
    }
    par.over(width, 0.27 * BODY)
}

fn in_line_height(items: &[Frame], width: f64) -> Option<f64> {
    let ghosts: Vec<Frame> = items.iter().map(Frame::ghost).collect();
    Some(in_line(&ghosts, width)?.height)
}

/// How many leading items fit, and how high they are.
fn within(items: &[Frame], whole: f64, room: f64, width: f64) -> Option<(usize, f64)> {
    if whole <= room || items.is_empty() {
        return Some((items.len(), whole));
    }
    let (mut low, mut high, mut used) = (0, items.len(), 0.0);
    while high - low > 1 {
        let middle = (low + high) / 2;
        let needed = in_line_height(items.get(..middle)?, width)?;
        if needed <= room {
            (low, used) = (middle, needed);
        } else {
            high = middle;
        }
    }
    Some((low, used))
}

/// Whole sections only: the plan first, then the assessment.
fn fitting(sections: &[Section], heights: &[f64], mut room: f64) -> Vec<usize> {
    const WISH: [&str; 8] = ["P", "計画", "A", "評価", "O", "所見", "S", "主訴・経過"];
    let rank = |at: &usize| {
        let label = sections.get(*at).and_then(|section| get(&section.label));
        WISH.iter().position(|wish| Some(*wish) == label).unwrap_or(WISH.len())
    };
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by_key(rank);
    let mut shown = Vec::new();
    for at in order {
        let height = heights.get(at).copied().unwrap_or(f64::INFINITY);
        if height <= room {
            shown.push(at);
            room -= height;
        }
    }
    shown.sort_unstable();
    shown
}

/// The sentences of the caution.
pub fn cautions(b: &Body) -> Vec<&str> {
    let caution = get(&b.drugs.caution).unwrap_or_default();
    caution.split('。').filter(|sentence| !sentence.is_empty()).collect()
}

fn drugs_end(set: Set, b: &Body, more: usize, width: f64) -> Option<Frame> {
    let mut par = Par::default();
    if more > 0 {
        par.boxed(set.reversed(&format!("ほか {more}剤 → 続紙"), 8.5, width)?)
            .blank(3.0 * MM);
    }
    let first = cautions(b).first().copied();
    if let Some(sentence) = first {
        par.text(set.faces, style(Kind::Text, SMALL), sentence)?;
    }
    if more == 0 && first.is_none() {
        return Some(Frame::new(width, 0.0));
    }
    par.over(width, LEADING * if more > 0 { BODY } else { SMALL })
}

/// The left panel's content.
pub fn drugs_panel(set: Set, b: &Body, parts: &Parts, shown: usize, width: f64) -> Option<Frame> {
    let mut flow = Flow::default();
    let title = panel_title(set, "現在の処方", get(&b.drugs.source), None, width)?;
    flow.add(block(0.0), title, block(1.3 * MM));
    let known = b.drugs.state == "known";
    if known {
        for drug in parts.drugs.get(..shown)? {
            flow.add(block(0.0), drug.clone(), block(DRUG_GAP));
        }
    } else {
        let line = set.state_line(&b.drugs.state, get(&b.drugs.note), width)?;
        flow.add(auto(BODY), line_of(line, width)?, block(1.5 * MM));
    }
    let all = if known { b.drugs.items.len() } else { 0 };
    flow.add(
        block(0.9 * MM),
        drugs_end(set, b, all.checked_sub(shown)?, width)?,
        block(0.0),
    );
    Some(flow.frame(width))
}

/// A box alone in its line.
pub fn line_of(frame: Frame, width: f64) -> Option<Frame> {
    let mut par = Par::default();
    par.boxed(frame);
    par.over(width, 0.0)
}

struct List<'a> {
    title: &'a str,
    state: &'a str,
    note: Option<&'a str>,
    aside: Option<&'a str>,
    unit: &'a str,
}

fn list_panel(set: Set, flow: &mut Flow, list: &List, items: &[Frame], shown: usize, width: f64) -> Option<()> {
    let left = items.len().checked_sub(shown)?;
    let more = (left > 0).then(|| format!("ほか {left}{} → 続紙", list.unit));
    let title = panel_title(set, list.title, list.aside, more.as_deref(), width)?;
    flow.add(block(0.0), title, block(1.3 * MM));
    if list.state != "known" {
        let line = set.state_line(list.state, list.note, width)?;
        flow.add(auto(BODY), line_of(line, width)?, auto(BODY));
    } else if shown > 0 {
        flow.add(auto(BODY), in_line(items.get(..shown)?, width)?, block(0.0));
    }
    Some(())
}

/// Date, author and department.
pub fn note_of(n: &Note) -> String {
    joined([get(&n.date), get(&n.author), get(&n.department)])
}

fn joined<const N: usize>(words: [Option<&str>; N]) -> String {
    words.into_iter().flatten().collect::<Vec<_>>().join("　")
}

fn note_panel(set: Set, flow: &mut Flow, n: &Note, parts: &Parts, shown: &[usize], width: f64) -> Option<()> {
    let hidden: Vec<usize> = (0..parts.sections.len()).filter(|at| !shown.contains(at)).collect();
    let names = hidden.iter().map(|at| {
        n.sections
            .get(*at)
            .and_then(|section| get(&section.label))
            .unwrap_or("記録")
    });
    let names = format!("{} → 続紙", names.collect::<Vec<_>>().join("・"));
    let (aside, more) = if hidden.is_empty() {
        (note_of(n), None)
    } else {
        (joined([get(&n.date), get(&n.author)]), Some(names.as_str()))
    };
    // An aside of no words is still an aside to Typst: a blank and an empty box.
    let title = panel_title(
        set,
        "前回記録",
        Some(aside.as_str()).filter(|aside| !aside.is_empty()),
        more,
        width,
    )?;
    flow.add(block(0.0), title, block(1.3 * MM));
    if n.state == "known" {
        for at in shown {
            flow.add(block(0.0), parts.sections.get(*at)?.clone(), block(0.9 * MM));
        }
    } else {
        let line = set.state_line(&n.state, get(&n.note), width)?;
        flow.add(auto(BODY), line_of(line, width)?, auto(BODY));
    }
    Some(())
}

/// The right panel's content.
pub fn right_panel(set: Set, b: &Body, parts: &Parts, p: &Plan, width: f64) -> Option<Frame> {
    let mut flow = Flow::default();
    let parting = || rule(width, pen(0.5));
    let diagnoses = List {
        title: "病名",
        state: &b.diagnoses.state,
        note: get(&b.diagnoses.note),
        aside: Some("日付は初診日"),
        unit: "件",
    };
    list_panel(set, &mut flow, &diagnoses, &parts.diagnoses, p.diagnoses, width)?;
    flow.add(block(1.1 * MM), parting(), block(1.1 * MM));
    let results = List {
        title: "直近の検査",
        state: &b.results.state,
        note: get(&b.results.note),
        aside: get(&b.results.date),
        unit: "項目",
    };
    list_panel(set, &mut flow, &results, &parts.results, p.results, width)?;
    flow.add(block(1.1 * MM), parting(), block(1.1 * MM));
    note_panel(set, &mut flow, &b.last_note, parts, &p.sections, width)?;
    Some(flow.frame(width))
}

/// What stands on page 1, decided by measuring each part once; the right panel's content with it.
pub fn plan(set: Set, b: &Body, parts: &Parts, height: f64, left: f64, right: f64) -> Option<(Plan, Frame)> {
    let count = |state: &str, items: usize| if state == "known" { items } else { 0 };
    let all_drugs = count(&b.drugs.state, b.drugs.items.len());
    let end_height = drugs_end(set, b, all_drugs, left)?.height + 1.2 * MM;
    let room = height - 3.0 * MM - 4.6 * MM - end_height;
    let mut heights: Vec<f64> = parts.drugs.iter().map(|drug| drug.height + DRUG_GAP).collect();
    while !heights.is_empty() && heights.iter().sum::<f64>() > room {
        heights.pop();
    }
    let width = right;
    let total = height - 3.0 * MM - 3.0 * 5.0 * MM - 2.0 * 2.4 * MM;
    let whole = |items: &[Frame]| {
        if items.is_empty() {
            Some(5.0 * MM)
        } else {
            in_line_height(items, width)
        }
    };
    let section_heights: Vec<f64> = parts.sections.iter().map(|section| section.height + 0.9 * MM).collect();
    let (all_d, all_r) = (whole(&parts.diagnoses)?, whole(&parts.results)?);
    let all_n = if section_heights.is_empty() {
        5.0 * MM
    } else {
        section_heights.iter().sum()
    };
    let note_share = all_n.min(0.4 * total);
    let room_d = (0.3 * total).max(total - all_r.min(0.3 * total) - note_share);
    let (mut d, mut used_d) = within(&parts.diagnoses, all_d, room_d, width)?;
    let (mut r, used_r) = within(
        &parts.results,
        all_r,
        (0.3 * total).max(total - used_d - note_share),
        width,
    )?;
    let shown = fitting(&b.last_note.sections, &section_heights, total - used_d - used_r);
    let taken: f64 = shown.iter().filter_map(|at| section_heights.get(*at)).sum();
    let mut spare = total - used_d - used_r - taken;
    if d < parts.diagnoses.len() {
        let before = used_d;
        (d, used_d) = within(&parts.diagnoses, all_d, used_d + spare, width)?;
        spare -= used_d - before;
    }
    if r < parts.results.len() {
        (r, _) = within(&parts.results, all_r, used_r + spare, width)?;
    }
    let mut p = Plan {
        drugs: heights.len(),
        diagnoses: d,
        results: r,
        sections: shown,
        over: false,
        height: 0.0,
    };
    let mut panel = right_panel(set, b, parts, &p, width)?;
    while panel.height > height - 3.0 * MM + SLACK {
        if !p.sections.is_empty() {
            p.sections.remove(0);
        } else if p.results > 0 {
            p.results -= 1;
        } else if p.diagnoses > 0 {
            p.diagnoses -= 1;
        } else {
            break;
        }
        panel = right_panel(set, b, parts, &p, width)?;
    }
    p.over = p.drugs < all_drugs
        || p.diagnoses < parts.diagnoses.len()
        || p.results < parts.results.len()
        || p.sections.len() < parts.sections.len();
    let list = if heights.is_empty() {
        6.0 * MM
    } else {
        heights.iter().sum()
    };
    let left_needed = list + 4.6 * MM + end_height;
    p.height = (34.0 * MM).max(height.min(panel.height.max(left_needed) + 4.0 * MM));
    Some((p, panel))
}
