//! The rest of a chart's first page: what stands above the panels, the vitals, the room to write and the orders, and the foot's boxes.

use super::chart::{Body, get};
use super::face::Kind;
use super::flow::{Flow, auto, block};
use super::frame::{Draw, Frame, MM, Pen, dashed, pen};
use super::head::between;
use super::panels::cautions;
use super::par::{Par, style};
use super::parts::{BODY, LEADING, SMALL, Set, state_word};
use super::stationery::Stationery;

/// Height of the vitals.
pub const VITALS: f64 = 9.6 * MM;
/// Least height of the room to write.
pub const HANDWRITING: f64 = 96.0 * MM;

/// Date, department, physician; reception at the right.
pub fn first_line(set: Set, b: &Body, width: f64) -> Option<Frame> {
    let right = reception(set, b, width)?;
    let wide = right.as_ref().map_or(0.0, |frame| frame.width);
    let left = width - wide;
    if left < width / 2.0 {
        return None;
    }
    let bold = style(Kind::Bold, 10.5);
    let mut par = Par::default();
    par.boxed(set.whole(&b.date, bold, left)?).blank(1.2 * 10.5);
    par.boxed(set.whole(&b.department, bold, left)?);
    if let Some(doctor) = get(&b.doctor) {
        par.blank(1.2 * 10.5);
        par.boxed(set.whole(&format!("{doctor} 医師"), bold, left)?);
    }
    let who = par.over(left, LEADING * 10.5)?;
    let height = who.height.max(right.as_ref().map_or(0.0, |frame| frame.height));
    let mut frame = Frame::new(width, height);
    let y = height - who.height;
    frame.put(0.0, y, who);
    if let Some(right) = right {
        let y = height - right.height;
        frame.put(left, y, right);
    }
    Some(frame)
}

fn reception(set: Set, b: &Body, width: f64) -> Option<Option<Frame>> {
    let Some(visit) = &b.visit else { return Some(None) };
    let (mut par, mut some) = (Par::default(), false);
    if let Some(number) = get(&visit.number) {
        par.text(set.faces, style(Kind::Text, SMALL), "受付")?;
        par.blank(MM);
        par.text(set.faces, style(Kind::BoldFigures, 13.0), number)?;
        some = true;
    }
    if let Some(time) = get(&visit.time) {
        par.blank(2.0 * MM);
        par.text(set.faces, style(Kind::Figures, 10.0), time)?;
        some = true;
    }
    if let Some(appointment) = get(&visit.appointment) {
        par.blank(3.0 * MM);
        par.text(set.faces, style(Kind::Text, 10.0), appointment)?;
        some = true;
    }
    Some(if some {
        Some(par.in_box(width, LEADING * BODY)?)
    } else {
        None
    })
}

/// Allergies and contraindications.
pub fn allergy(set: Set, b: &Body, width: f64) -> Option<Frame> {
    let known = b.allergy.state == "known";
    let sure = known || b.allergy.state == "none";
    let inner = width - 1.8 * MM - 4.0 * MM;
    let mut heading = Par::default();
    if known {
        heading.boxed(set.warning_sign()).blank(MM);
    }
    let bold = style(Kind::Bold, 11.0);
    heading.text(set.faces, bold, "アレルギー・禁忌")?;
    heading.blank(0.5 * 11.0);
    heading.text(
        set.faces,
        bold,
        if known { "あり" } else { state_word(&b.allergy.state) },
    )?;
    heading.text(set.faces, style(Kind::Text, BODY), "\n")?;
    heading.boxed(match get(&b.allergy.note) {
        Some(note) => {
            let frame = set.whole(note, style(Kind::Text, SMALL), inner)?;
            (frame.height <= SMALL + 0.01).then_some(frame)?
        }
        None => Frame::new(0.0, SMALL),
    });
    let heading = heading.in_box(inner, LEADING * BODY)?;
    let gap = 5.0 * MM;
    let room = inner - heading.width - gap;
    if room < 40.0 * MM {
        return None;
    }
    let content = if known {
        let mut par = Par::default();
        for (number, item) in b.allergy.items.iter().enumerate() {
            if number > 0 {
                par.text(set.faces, bold, "／ ")?;
            }
            let item = set.whole(item, bold, room - 0.4 * 11.0)?;
            par.boxed(item.padded(0.0, 0.0, 0.4 * 11.0, 0.0));
        }
        Some(par.over(room, LEADING * 11.0)?)
    } else if sure {
        None
    } else {
        let mut par = Par::of(set.faces, style(Kind::Text, SMALL), "本人・家族に聞いて記入")?;
        par.blank(1.5 * MM).write_on(0.9 * BODY, pen(0.5));
        Some(par.over(room, LEADING * BODY)?)
    };
    let height = heading
        .height
        .max(content.as_ref().map_or(0.0, |content| content.height));
    let mut grid = Frame::new(inner, height);
    let (shift, down) = (heading.width + gap, (height - heading.height) / 2.0);
    grid.put(0.0, down, heading);
    if let Some(content) = content {
        let down = (height - content.height) / 2.0;
        grid.put(shift, down, content);
    }
    let mut frame = grid.padded(2.0 * MM, 1.3 * MM, 2.0 * MM, 1.3 * MM);
    if known {
        frame = frame.outlined(pen(0.6), 0.0);
    }
    let around = 0.9 * MM;
    Some(
        frame
            .padded(around, around, around, around)
            .outlined(dashed(1.6, !sure), 0.0),
    )
}

/// Infections, blood group, weight.
pub fn facts(set: Set, b: &Body, width: f64) -> Option<Option<Frame>> {
    let mut par = Par::default();
    for (number, fact) in b.facts.iter().enumerate() {
        if number > 0 {
            par.blank(3.5 * MM);
        }
        let mut one = Par::of(set.faces, style(Kind::Text, SMALL), &fact.label)?;
        one.blank(1.2 * MM);
        one.text(set.faces, style(Kind::Bold, 9.5), &fact.value)?;
        if let Some(date) = get(&fact.date) {
            one.text(set.faces, style(Kind::Text, SMALL), &format!("（{date}）"))?;
        }
        par.boxed(one.in_box(width, LEADING * BODY)?);
    }
    Some(if b.facts.is_empty() {
        None
    } else {
        Some(par.over(width, 0.45 * BODY)?)
    })
}

/// Boxes for vitals.
pub fn vitals(set: Set, width: f64) -> Option<Frame> {
    const CELLS: [(f64, &str, &[&str]); 6] = [
        (1.0, "体温", &["℃"]),
        (1.45, "血圧", &["/", "mmHg"]),
        (1.0, "脈拍", &["/分"]),
        (0.9, "SpO", &["%"]),
        (1.0, "体重", &["kg"]),
        (1.1, "測定時刻", &[":", ""]),
    ];
    let shares: f64 = CELLS.iter().map(|(share, ..)| share).sum();
    let mut frame = Frame::new(width, VITALS);
    let (mut x, mut lines) = (0.0, Vec::new());
    for (share, name, units) in CELLS {
        let wide = width * share / shares;
        let mut par = Par::of(set.faces, style(Kind::Text, SMALL), name)?;
        if name == "SpO" {
            par.subscript(set.faces, style(Kind::Text, SMALL), "2")?;
        }
        for unit in units {
            par.rest();
            if !unit.is_empty() {
                par.text(set.faces, style(Kind::Text, 8.5), unit)?;
            }
        }
        let cell = par.over(wide - 2.8 * MM, LEADING * BODY)?;
        if x > 0.0 {
            lines.push(x);
        }
        let y = VITALS - 1.2 * MM - cell.height;
        frame.put(x + 1.4 * MM, y, cell);
        x += wide;
    }
    between(&mut frame, &lines, VITALS);
    Some(frame.outlined(pen(0.8), 0.0))
}

/// Width of the orders, and of what stands in them.
const ORDERS: f64 = 65.0 * MM;
const IN_ORDERS: f64 = ORDERS - 4.0 * MM;
/// Size of the orders' text and space between their lines.
const ORDER: f64 = 9.5;
const ORDER_LEADING: f64 = 0.75 * ORDER;

/// Heading of the room to write.
pub fn heading(set: Set, width: f64) -> Option<Frame> {
    let mut title = Par::of(set.faces, style(Kind::Bold, 9.0), "主訴・経過・所見・評価・計画")?;
    title.rest();
    title.text(set.faces, style(Kind::Text, SMALL), "手書き")?;
    title.over(width - ORDERS - 4.0 * MM, LEADING * BODY)
}

/// Room to write by hand, and the orders beside it.
pub fn writing(set: Set, b: &Body, stationery: &Stationery, width: f64, height: f64) -> Option<Frame> {
    let left = width - ORDERS;
    let inner = left - 4.0 * MM;
    let mut frame = Frame::new(width, height);
    frame.put(2.0 * MM, 1.5 * MM, stationery.heading.clone());
    let lines = ((height - 9.0 * MM) / (8.5 * MM)).floor();
    let faint = Pen {
        width: 0.4,
        dash: Some((0.4, 3.0)),
    };
    let mut number = 0.0;
    while number < lines {
        let y = 1.5 * MM + 5.5 * MM + (number + 1.0) * 8.5 * MM;
        frame.draw(2.0 * MM, y, Draw::Line(inner, 0.0, faint));
        number += 1.0;
    }
    frame.put(left, 0.0, orders(set, b, stationery, height)?);
    between(&mut frame, &[left], height);
    Some(frame.outlined(pen(1.2), 0.0))
}

fn orders(set: Set, b: &Body, stationery: &Stationery, height: f64) -> Option<Frame> {
    let drugs = prescribing(set, b)?;
    let exams = if b.today_exams.is_empty() {
        stationery.exams.clone()
    } else {
        exams(set, &b.today_exams)?
    };
    let (measures, next) = (stationery.measures.clone(), stationery.next.clone());
    if drugs.height + exams.height + measures.height + next.height > height {
        return None;
    }
    let mut frame = Frame::new(ORDERS, height);
    let (second, third, fourth) = (drugs.height, drugs.height + exams.height, height - next.height);
    frame.put(0.0, 0.0, drugs);
    frame.put(0.0, second, exams);
    frame.put(0.0, third, measures);
    frame.put(0.0, fourth, next);
    for y in [second, third, fourth] {
        frame.draw(0.0, y, Draw::Line(ORDERS, 0.0, pen(0.5)));
    }
    Some(frame)
}

fn order(frame: Frame) -> Frame {
    frame.padded(2.0 * MM, 1.6 * MM, 2.0 * MM, 1.6 * MM)
}

fn prescribing(set: Set, b: &Body) -> Option<Frame> {
    let normal = style(Kind::Text, ORDER);
    let choice = |text: &str| set.choice(text, ORDER, IN_ORDERS);
    let rest: Vec<&str> = cautions(b).into_iter().skip(1).collect();
    let mut flow = Flow::default();
    let mut par = Par::of(set.faces, style(Kind::Bold, 9.0), "処方")?;
    if rest.is_empty() {
        par.text(set.faces, normal, " ")?;
    } else {
        flow.add(auto(ORDER), par.over(IN_ORDERS, ORDER_LEADING)?, auto(ORDER));
        for sentence in rest {
            let warning = Par::of(set.faces, style(Kind::Bold, SMALL), sentence)?.over(IN_ORDERS, 0.3 * ORDER)?;
            flow.add(block(1.4 * MM), warning, block(1.8 * MM));
        }
        par = Par::default();
    }
    par.boxed(choice("前回どおり")?);
    par.text(set.faces, normal, "（")?;
    par.blank(9.0 * MM);
    par.text(set.faces, normal, "）日分\n")?;
    par.boxed(choice("変更あり → 処方箋に記載")?);
    par.text(set.faces, normal, "\n")?;
    par.boxed(choice("処方なし")?);
    flow.add(auto(ORDER), par.over(IN_ORDERS, ORDER_LEADING)?, auto(ORDER));
    Some(order(flow.frame(IN_ORDERS)))
}

/// Orders of examinations; what is planned for today comes first.
pub fn exams(set: Set, today: &[String]) -> Option<Frame> {
    let normal = style(Kind::Text, ORDER);
    let small = style(Kind::Text, SMALL);
    let mut par = Par::of(set.faces, style(Kind::Bold, 9.0), "検査")?;
    par.text(set.faces, normal, "\n")?;
    if !today.is_empty() {
        par.text(set.faces, small, "本日の予定（済んだら ✓）")?;
        par.text(set.faces, normal, "\n")?;
        for (number, exam) in today.iter().enumerate() {
            if number > 0 {
                par.blank(0.8 * ORDER);
                par.text(set.faces, normal, " ")?;
            }
            par.boxed(set.choice(exam, ORDER, IN_ORDERS)?);
        }
        par.text(set.faces, normal, "\n")?;
        par.text(set.faces, small, "追加")?;
        par.text(set.faces, normal, "\n")?;
    }
    choices(set, &mut par, &["採血", "尿", "心電図", "X線"])?;
    Some(order(par.over(IN_ORDERS, ORDER_LEADING)?))
}

/// Room for measures.
pub fn measures(set: Set) -> Option<Frame> {
    let par = Par::of(set.faces, style(Kind::Bold, 9.0), "処置・指示")?;
    Some(order(par.over(IN_ORDERS, ORDER_LEADING)?))
}

/// The next visit.
pub fn next(set: Set) -> Option<Frame> {
    let normal = style(Kind::Text, ORDER);
    let mut par = Par::of(set.faces, style(Kind::Bold, 9.0), "次回")?;
    par.text(set.faces, normal, " ")?;
    par.blank(0.6 * ORDER).blank(7.0 * MM);
    par.text(set.faces, normal, "月")?;
    par.blank(7.0 * MM);
    par.text(set.faces, normal, "日（")?;
    par.blank(5.0 * MM);
    par.text(set.faces, normal, "）")?;
    par.blank(6.0 * MM);
    par.text(set.faces, normal, "：\n")?;
    choices(set, &mut par, &["採血", "心電図", "予約票を渡した"])?;
    Some(order(par.over(IN_ORDERS, ORDER_LEADING)?))
}

/// `#choice[…] #h(0.6em) #choice[…]`
fn choices(set: Set, par: &mut Par, words: &[&str]) -> Option<()> {
    for (number, word) in words.iter().enumerate() {
        if number > 0 {
            par.text(set.faces, style(Kind::Text, ORDER), " ")?;
            par.blank(0.6 * ORDER);
        }
        par.boxed(set.choice(word, ORDER, IN_ORDERS)?);
    }
    Some(())
}

/// Who signs, and what became of the sheet.
pub fn foot(set: Set, width: f64) -> Option<Frame> {
    let height = 10.5 * MM;
    let (second, third) = (width - 93.0 * MM, width - 66.0 * MM);
    let (x, y) = (1.6 * MM, 1.2 * MM);
    let name = |text: &str| Par::of(set.faces, style(Kind::Text, SMALL), text)?.in_box(width, 0.0);
    let mut frame = Frame::new(width, height);
    frame.put(x, y, name("医師署名")?);
    frame.put(second + x, y, name("記載時刻")?);
    let colon = Par::of(set.faces, style(Kind::Text, 11.0), ":")?.in_box(width, 0.0)?;
    let (left, top) = (second + 13.5 * MM - colon.width / 2.0, height - y - colon.height);
    frame.put(left, top, colon);
    let mut flow = Flow::default();
    let inner = 66.0 * MM - 2.0 * x;
    flow.add(auto(BODY), name("事後入力")?, auto(BODY))
        .space(super::flow::firm(0.4 * MM));
    let mut par = Par::default();
    par.boxed(set.choice("入力", 9.0, inner)?).rest();
    par.boxed(set.choice("確認（別の人）", 9.0, inner)?).rest();
    par.boxed(set.choice("医師承認", 9.0, inner)?);
    flow.add(auto(9.0), par.over(inner, LEADING * 9.0)?, auto(9.0));
    frame.put(third + x, y, flow.frame(inner));
    between(&mut frame, &[second, third], height);
    Some(frame.outlined(pen(0.8), 0.0))
}
