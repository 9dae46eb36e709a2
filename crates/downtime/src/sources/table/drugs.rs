//! Prescription lines from their rows: amounts in every shape hospitals write them, and the words kept where a number fails.
//!
//! An amount that cannot be read exactly goes word for word into the comment; nothing is rounded, converted or checked.

use chart::dose::Quantity;
use chart::id::half_width_text;
use chart::medication::{Rhythm, Route};
use chart::{PrescriptionItem, Severity};

use super::amounts;
use super::cell::Cell;
use super::plan::Fields;
use super::take::{CodedCells, MEDIUM, Take, short};
use super::value;
use crate::sources::gather::DrugSaid;

/// 処方 bound to columns.
#[derive(Debug)]
pub struct DrugPlan {
    /// The drug.
    pub drug: CodedCells,
    on: Option<Cell>,
    department: CodedCells,
    doctor: CodedCells,
    rp: Option<Cell>,
    route: Option<Cell>,
    per_dose: Option<Cell>,
    per_day: Option<Cell>,
    unit: Option<Cell>,
    uneven: Vec<Cell>,
    usage: Option<Cell>,
    doses_a_day: Option<Cell>,
    days: Option<Cell>,
    times: Option<Cell>,
    total: Option<Cell>,
    total_unit: Option<Cell>,
    amount: Option<Cell>,
    amount_unit: Option<Cell>,
    rhythm: Option<Cell>,
    comment: Option<Cell>,
    tag: Option<Cell>,
}

impl DrugPlan {
    /// Binds the fields.
    pub fn bind(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            drug: fields.coded("drug_code", "drug_name"),
            on: fields.one("on"),
            department: fields.department(),
            doctor: fields.doctor(),
            rp: fields.one("rp"),
            route: fields.one("route"),
            per_dose: fields.one("per_dose"),
            per_day: fields.one("per_day"),
            unit: fields.one("unit"),
            uneven: fields.many("uneven"),
            usage: fields.one("usage"),
            doses_a_day: fields.one("doses_a_day"),
            days: fields.one("days"),
            times: fields.one("times"),
            total: fields.one("total"),
            total_unit: fields.one("total_unit"),
            amount: fields.one("amount"),
            amount_unit: fields.one("amount_unit"),
            rhythm: fields.one("rhythm"),
            comment: fields.one("comment"),
            tag: fields.one("tag"),
        }
    }

    /// Reads one line; a row without a drug says nothing.
    pub fn read<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> Option<DrugSaid> {
        let drug = take.coded(&self.drug);
        if drug.is_empty() {
            return None;
        }
        let unit = take.seen(self.unit.as_ref());
        let mut item = PrescriptionItem {
            rp: take.count(self.rp.as_ref()).unwrap_or(0),
            drug,
            route: self.route(take),
            usage: take.text_up_to(self.usage.as_ref(), MEDIUM),
            days: take.count(self.days.as_ref()),
            times: take.count(self.times.as_ref()),
            comment: take.text_up_to(self.comment.as_ref(), MEDIUM),
            tag: take.text(self.tag.as_ref()),
            ..PrescriptionItem::default()
        };
        let mut left_over = Vec::new();
        item.per_dose = quantity(take, self.per_dose.as_ref(), &unit, "1回量", &mut left_over);
        item.per_day = quantity(take, self.per_day.as_ref(), &unit, "1日量", &mut left_over);
        let total_unit = take.seen(self.total_unit.as_ref());
        item.total = quantity(take, self.total.as_ref(), &total_unit, "総量", &mut left_over);
        self.supply(&mut item, take, &mut left_over);
        self.uneven(&mut item, &unit, take, &mut left_over);
        self.rhythm(&mut item, take, &mut left_over);
        for words in left_over {
            if !item.comment.is_empty() {
                item.comment.push(' ');
            }
            item.comment.push_str(&words);
        }
        Some(DrugSaid {
            on: take.past_date(self.on.as_ref()),
            department: take.coded(&self.department),
            doctor: take.person(&self.doctor),
            item,
        })
    }

    /// 区分; what is not mapped is taken as 内服, what cannot be read as その他.
    fn route<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> Route {
        match &self.route {
            None => Route::Oral,
            Some(cell) => take
                .word(Some(cell), value::route, "処方の区分")
                .unwrap_or(Route::Other),
        }
    }

    /// 投与数量 in one column whose unit says what it counts.
    fn supply<'t>(&'t self, item: &mut PrescriptionItem, take: &mut Take<'_, '_, 't>, left_over: &mut Vec<String>) {
        let Some(cell) = &self.amount else { return };
        let text = take.seen(Some(cell));
        if text.is_empty() {
            return;
        }
        let unit = take.seen(self.amount_unit.as_ref());
        let whole: Option<u16> = half_width_text(&text).trim().parse().ok();
        match (&*unit, whole) {
            ("日分" | "日" | "日間", Some(days)) => item.days = Some(days),
            ("回分" | "回", Some(times)) => item.times = Some(times),
            ("日分" | "日" | "日間" | "回分" | "回", None) => {
                unreadable(take, cell, &text, &unit, "投与数量", left_over)
            }
            _ => item.total = quantity(take, Some(cell), &unit, "投与数量", left_over),
        }
    }

    fn uneven<'t>(
        &'t self,
        item: &mut PrescriptionItem,
        unit: &str,
        take: &mut Take<'_, '_, 't>,
        left_over: &mut Vec<String>,
    ) {
        let parts: Vec<String> = self.uneven.iter().map(|cell| take.text(Some(cell))).collect();
        if parts.iter().all(String::is_empty) {
            return;
        }
        let text = match parts.as_slice() {
            [one] => one.clone(),
            several => several
                .iter()
                .map(|p| if p.is_empty() { "0" } else { p.as_str() })
                .collect::<Vec<_>>()
                .join(","),
        };
        let unit = if unit.is_empty() {
            item.per_day.as_ref().map_or("", |q| q.unit.as_str())
        } else {
            unit
        };
        let doses = take
            .count(self.doses_a_day.as_ref())
            .or_else(|| amounts::doses_in_usage(&item.usage));
        let read = amounts::uneven(&text, unit);
        let taken: Vec<Quantity> = read.iter().flatten().filter(|q| q.milli > 0).cloned().collect();
        let count = u16::try_from(taken.len()).unwrap_or(u16::MAX);
        match (read, doses) {
            // As many amounts as the day has doses: the zeros only said when nothing is taken.
            (Some(_), Some(doses)) if doses == count => item.uneven = taken,
            (Some(all), Some(doses)) if usize::from(doses) == all.len() => item.uneven = all,
            (Some(all), None) if !taken.is_empty() => item.uneven = all,
            _ => {
                let cell = self.uneven.first();
                let title = cell.map_or("", |cell| cell.title.as_str());
                let message = format!(
                    "不均等「{}」を1日の回数に合わせて読めません。書かれたままコメントに入れました。",
                    short(&text)
                );
                take.sink.tell("quantity.uneven", Severity::Warning, title, message);
                left_over.push(format!("不均等: {text}"));
            }
        }
    }

    fn rhythm<'t>(&'t self, item: &mut PrescriptionItem, take: &mut Take<'_, '_, 't>, left_over: &mut Vec<String>) {
        let Some(cell) = &self.rhythm else { return };
        let text = take.seen(Some(cell));
        match amounts::rhythm(&text) {
            Some(rhythm) => item.rhythm = rhythm,
            None => {
                item.rhythm = Rhythm::Daily;
                let message = format!(
                    "投与間隔「{}」を読めません。書かれたままコメントに入れました。",
                    short(&text)
                );
                take.sink
                    .tell("rhythm.unreadable", Severity::Warning, &cell.title, message);
                left_over.push(format!("投与間隔: {text}"));
            }
        }
    }
}

fn quantity<'t>(
    take: &mut Take<'_, '_, 't>,
    cell: Option<&'t Cell>,
    unit: &str,
    what: &str,
    left_over: &mut Vec<String>,
) -> Option<Quantity> {
    let cell = cell?;
    let text = take.seen(Some(cell));
    if text.is_empty() {
        return None;
    }
    let quantity = amounts::amount(&text, unit);
    if quantity.is_none() {
        unreadable(take, cell, &text, unit, what, left_over);
    }
    quantity
}

fn unreadable(
    take: &mut Take<'_, '_, '_>,
    cell: &Cell,
    text: &str,
    unit: &str,
    what: &str,
    left_over: &mut Vec<String>,
) {
    let message = format!(
        "量「{}」を数として読めません。書かれたままコメントに入れました。",
        short(text)
    );
    take.sink
        .tell("quantity.unreadable", Severity::Warning, &cell.title, message);
    let unit = if text.ends_with(|c: char| c.is_numeric()) {
        unit
    } else {
        ""
    };
    left_over.push(format!("{what}: {text}{unit}"));
}
