//! 用法・用量: RXE, TQ1 and RXR as JAHIS 処方データ交換規約 uses them, to one line of a prescription.
//!
//! Every amount is taken as written; none is converted. What has no place in the line (a start after the day of the order, 力価, a
//! second rule of timing) goes word for word into its comment. Display texts come from the message, never from digits of a code.

use chart::dose::Quantity;
use chart::medication::{Rhythm, Route};
use chart::{PrescriptionItem, Severity};
use hl7::{Field, Segment};
use jiff::ToSpan;
use jiff::civil::Date;

use super::read::{Cwe, MAX_MEDIUM, MAX_SHORT, Remarks, When, cut, short};
use super::units::{counted, unit_words};

/// Most doses of one day in 不均等 (`V1…` to `V9…`).
const MAX_DOSES: usize = 9;

/// One drug of an order: the line, and when it is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// The line of the prescription.
    pub item: PrescriptionItem,
    /// TQ1-7
    pub start: Option<When>,
    /// TQ1-8
    pub stop: Option<When>,
    /// TQ1-4: hours that the order names.
    pub hours: Vec<u8>,
    /// 投与方法・速度, for injections.
    pub how: String,
    /// 麻薬・抗がん剤
    pub high_risk: bool,
    /// ORC-4, for telling groups of one order apart.
    pub group: String,
    /// Codes of the drugs in it, for joining with what was given.
    pub codes: Vec<String>,
}

impl Line {
    /// True when the line is taken on a day: from TQ1-7 on, for TQ1-6 days of taking, at most to TQ1-8.
    #[must_use]
    pub fn is_due(&self, day: Date, ordered: Option<Date>) -> bool {
        let Some(start) = self.start.map(|when| when.on).or(ordered) else {
            return false;
        };
        let past_end = self.last_day(start).is_some_and(|last| last < day);
        let stopped = self.stop.is_some_and(|stop| stop.on < day);
        start <= day && !past_end && !stopped && self.falls_on(start, day)
    }

    /// The last day of the supply; `None` when nothing says so.
    fn last_day(&self, start: Date) -> Option<Date> {
        let days = i64::from(self.item.days.filter(|days| *days > 0)?);
        let span = match &self.item.rhythm {
            Rhythm::Daily => days - 1,
            // TQ1-6 counts days of taking: 7 days every other day last two weeks.
            Rhythm::AlternateDays => 2 * days - 1,
            Rhythm::EveryDays(n) => i64::from(*n).max(1) * days - 1,
            Rhythm::Weekdays(mask) => {
                let mut left = days;
                for offset in 0..days * 7 {
                    let on = start.checked_add(offset.days()).ok()?;
                    left -= i64::from(mask >> weekday(on) & 1 == 1);
                    if left == 0 {
                        return Some(on);
                    }
                }
                days * 7
            }
        };
        start.checked_add(span.days()).ok()
    }

    fn falls_on(&self, start: Date, day: Date) -> bool {
        let since = start.until(day).map_or(0, |span| i64::from(span.get_days()));
        match &self.item.rhythm {
            Rhythm::Daily => true,
            Rhythm::AlternateDays => since % 2 == 0,
            Rhythm::EveryDays(n) => since % i64::from((*n).max(1)) == 0,
            Rhythm::Weekdays(mask) => mask >> weekday(day) & 1 == 1,
        }
    }
}

/// Sunday is 0.
fn weekday(day: Date) -> u8 {
    u8::try_from(day.weekday().to_sunday_zero_offset()).unwrap_or(0)
}

/// The segments of one drug.
#[derive(Debug, Clone, Default)]
pub struct DrugSegments<'a> {
    /// Drug and amounts.
    pub rxe: Option<Segment<'a>>,
    /// Timing, one or more.
    pub tq1: Vec<Segment<'a>>,
    /// Route, one or more.
    pub rxr: Vec<Segment<'a>>,
    /// What a bottle is mixed of.
    pub rxc: Vec<Segment<'a>>,
    /// NTE
    pub notes: Vec<Segment<'a>>,
}

/// Words that go into the comment.
pub(super) struct Comment(pub(super) Vec<String>);

impl Comment {
    pub(super) fn add(&mut self, words: impl Into<String>) {
        let words = words.into();
        if !words.is_empty() && !self.0.contains(&words) {
            self.0.push(words);
        }
    }
}

/// Reads one drug of a prescription. `None` without a drug.
#[must_use]
pub fn read(segments: &DrugSegments<'_>, ordered: Option<Date>, remarks: &mut Remarks) -> Option<Line> {
    let rxe = segments.rxe?;
    let drug = Cwe::of(rxe.field(2).first());
    let mut line = Line {
        codes: codes(&drug),
        ..Line::default()
    };
    line.item.drug = drug.coded();
    if line.item.drug.is_empty() {
        return None;
    }
    let mut comment = Comment(Vec::new());
    timing(segments, &mut line, ordered, &mut comment, remarks);
    amounts(rxe, &mut line, &mut comment, remarks);
    instructions(rxe.field(7), &mut line.item, &mut comment, remarks);
    line.item.route = route(rxe, segments, &line);
    totals(rxe, &mut line.item, &mut comment, remarks);
    for rxr in &segments.rxr {
        let site = Cwe::of(rxr.field(2).first()).words();
        comment.add(if site.is_empty() {
            site
        } else {
            format!("部位: {site}")
        });
    }
    for nte in &segments.notes {
        remark(*nte, &mut line, &mut comment);
    }
    line.high_risk |= rxe.field(7).repetitions().any(|one| two_people(&Cwe::of(one).words()));
    line.item.comment = cut(&comment.0.join(" "), MAX_MEDIUM);
    Some(line)
}

/// Words that say that two people give a drug, as pharmacies write them into comments.
const TWO_PEOPLE: [&str; 4] = ["ダブルチェック", "高リスク", "高リスク薬", "ハイリスク薬"];

/// True for a comment that says nothing but that two people give the drug.
pub(super) fn two_people(words: &str) -> bool {
    TWO_PEOPLE.contains(&words)
}

/// NTE behind a drug: a comment, or by its words (NTE-3) or its kind (NTE-4) the mark of a drug that two people give.
pub(super) fn remark(nte: Segment<'_>, line: &mut Line, comment: &mut Comment) {
    let words = cut(&nte.field(3).text(), MAX_MEDIUM);
    let marked = two_people(&words) || two_people(&Cwe::of(nte.field(4).first()).words());
    line.high_risk |= marked;
    if !marked || !two_people(&words) {
        comment.add(words);
    }
}

/// Both codes of a drug.
#[must_use]
pub fn codes(drug: &Cwe) -> Vec<String> {
    [&drug.first.code, &drug.second.code]
        .into_iter()
        .filter(|code| !code.is_empty())
        .cloned()
        .collect()
}

/// TQ1-3 (usage), TQ1-6 (days), TQ1-7 and 8 (from, until), TQ1-11 (text), TQ1-14 (times).
pub(super) fn timing(
    segments: &DrugSegments<'_>,
    line: &mut Line,
    ordered: Option<Date>,
    comment: &mut Comment,
    remarks: &mut Remarks,
) {
    let mut usages: Vec<String> = Vec::new();
    for (at, tq1) in segments.tq1.iter().enumerate() {
        for repetition in tq1.field(3).repetitions() {
            let component = repetition.component(1);
            let usage = Cwe::of_subs(component);
            let code = usage.first.code.as_str();
            if let Some(rhythm) = rhythm(code) {
                line.item.rhythm = rhythm;
                continue;
            }
            let words = usage.words();
            if !words.is_empty() && !usages.contains(&words) {
                usages.push(words);
            }
        }
        let (days, unit) = counted(tq1.field(6));
        let hours = tq1.field(4).repetitions();
        line.hours.extend(hours.filter_map(|one| {
            short(one.component(1))
                .get(..2)?
                .parse::<u8>()
                .ok()
                .filter(|hour| *hour < 24)
        }));
        if at == 0 {
            line.start = When::of(tq1.field(7));
            line.stop = When::of(tq1.field(8));
            match (days.parse::<u16>(), unit.as_str()) {
                (Ok(days), "" | "d" | "D" | "日" | "日分" | "day" | "days") => line.item.days = Some(days),
                _ if days.is_empty() => {}
                _ => {
                    let words = format!("期間: {days}{unit}");
                    let message =
                        format!("投与期間「{days}{unit}」を日数として読めません。書かれたままコメントに入れました。");
                    remarks.add("quantity.unreadable", Severity::Warning, "TQ1-6", message);
                    comment.add(words);
                }
            }
            line.item.times = short(tq1.field(14).component(1)).parse().ok();
        } else {
            // A second rule of timing (漸減 and the like) cannot be one line: it stands as it is written.
            let from = When::of(tq1.field(7)).map(When::text).unwrap_or_default();
            comment.add(format!("{from}から {days}{unit}").trim().to_owned());
        }
        comment.add(cut(&tq1.field(10).text(), MAX_SHORT));
        comment.add(cut(&tq1.field(11).text(), MAX_SHORT));
    }
    line.item.usage = cut(&usages.join(" "), MAX_MEDIUM);
    if let Some(start) = line.start
        && Some(start.on) != ordered
    {
        comment.add(format!("{}から", start.text()));
    }
    if let Some(stop) = line.stop {
        comment.add(format!("{}まで", stop.text()));
    }
}

/// 補足用法 of eight characters: `I1100000` every other day, `I2…` every third, `W0100100` weekdays, Sunday first.
#[must_use]
pub fn rhythm(code: &str) -> Option<Rhythm> {
    let (kind, rest) = (code.chars().next()?, code.get(1..)?);
    if code.len() != 8 || !rest.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match kind {
        'I' => match rest.as_bytes().first()? - b'0' {
            0 => None,
            1 => Some(Rhythm::AlternateDays),
            skipped => Some(Rhythm::EveryDays(skipped + 1)),
        },
        'W' => {
            let days = rest.bytes().enumerate();
            let mask = days.fold(0_u8, |mask, (day, flag)| mask | u8::from(flag != b'0') << day);
            (mask != 0).then_some(Rhythm::Weekdays(mask))
        }
        _ => None,
    }
}

/// RXE-3, 5 and 19: per dose and per day. `""` in RXE-3 says that no amount per dose can be given.
pub(super) fn amounts(rxe: Segment<'_>, line: &mut Line, comment: &mut Comment, remarks: &mut Remarks) {
    let unit = unit_words(&Cwe::of(rxe.field(5).first()));
    let least = short(rxe.field(3).component(1));
    let most = short(rxe.field(4).component(1));
    line.item.per_dose = quantity(&least, &unit, "1回量", "RXE-3", comment, remarks);
    let uneven = rxe
        .field(7)
        .repetitions()
        .any(|one| dose_code(&short(one.component(1))).is_some());
    if !most.is_empty() && most != least && !uneven {
        comment.add(format!("1回量 {least}～{most}{unit}"));
        line.item.per_dose = None;
    }
    let (day, day_unit) = counted(rxe.field(19));
    let day_unit = if day_unit.is_empty() { &unit } else { &day_unit };
    line.item.per_day = quantity(&day, day_unit, "1日量", "RXE-19", comment, remarks);
}

/// RXE-7: 不均等 (`V1` and the amount of the first dose …), and everything else in words.
fn instructions(field: Field<'_>, item: &mut PrescriptionItem, comment: &mut Comment, remarks: &mut Remarks) {
    let mut doses: Vec<(usize, String)> = Vec::new();
    let mut words = Vec::new();
    for repetition in field.repetitions() {
        let code = short(repetition.component(1));
        let said = Cwe::of(repetition).words();
        match dose_code(&code) {
            Some(dose) => {
                doses.push(dose);
                words.push(said);
            }
            None if two_people(&said) => {}
            None => comment.add(rhythm(&code).map_or(said, |rhythm| {
                item.rhythm = rhythm;
                String::new()
            })),
        }
    }
    if doses.is_empty() {
        return;
    }
    doses.sort();
    let unit = item
        .per_dose
        .as_ref()
        .or(item.per_day.as_ref())
        .map_or("", |q| q.unit.as_str());
    let numbered = doses.iter().enumerate().all(|(at, (nth, _))| *nth == at + 1);
    let read: Option<Vec<Quantity>> = doses.iter().map(|(_, amount)| Quantity::parse(amount, unit)).collect();
    match read.filter(|_| numbered && doses.len() <= MAX_DOSES) {
        Some(amounts) => {
            item.uneven = amounts;
            item.per_dose = None;
        }
        None => {
            let message = "不均等の量を1日の回数に合わせて読めません。書かれたままコメントに入れました。";
            remarks.add("quantity.uneven", Severity::Warning, "RXE-7", message);
            item.per_dose = None;
            comment.add(format!("不均等: {}", words.join("・")));
        }
    }
}

/// `V14NNNNN` is 4 at the first dose, `V20.5NNN` half at the second.
fn dose_code(code: &str) -> Option<(usize, String)> {
    let rest = code.strip_prefix('V').filter(|_| code.len() == 8)?;
    let nth = rest.chars().next()?.to_digit(10)?;
    let amount = rest.get(1..)?.trim_end_matches('N');
    let plain = !amount.is_empty() && amount.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (plain && nth > 0).then(|| (nth as usize, amount.to_owned()))
}

/// RXE-10 and 11 (what is dispensed), RXE-25 and 26 (力価).
fn totals(rxe: Segment<'_>, item: &mut PrescriptionItem, comment: &mut Comment, remarks: &mut Remarks) {
    let (total, strength) = (short(rxe.field(10).component(1)), short(rxe.field(25).component(1)));
    let unit = unit_words(&Cwe::of(rxe.field(11).first()));
    if !strength.is_empty() {
        let strength_unit = unit_words(&Cwe::of(rxe.field(26).first()));
        // Whether the amounts are of the substance or of the product only the pharmacy knows: both stand as they are written.
        comment.add(format!("力価 {strength}{strength_unit}"));
        comment.add(if total.is_empty() {
            String::new()
        } else {
            format!("調剤量 {total}{unit}")
        });
        let message = "力価で書かれた薬です。量が成分量か製剤量かは、ここでは分かりません。書かれたままを出しました。薬剤部で確かめてください。";
        remarks.add("quantity.strength", Severity::Warning, "RXE-25", message);
        return;
    }
    let counted = item.days.is_some() && matches!(item.route, Route::Oral);
    if !counted || (item.per_dose.is_none() && item.per_day.is_none()) {
        item.total = quantity(&total, &unit, "総量", "RXE-10", comment, remarks);
    }
}

fn quantity(
    text: &str,
    unit: &str,
    what: &str,
    field: &'static str,
    comment: &mut Comment,
    remarks: &mut Remarks,
) -> Option<Quantity> {
    if text.is_empty() {
        return None;
    }
    let read = Quantity::parse(text, unit);
    if read.is_none() {
        let message = format!("量「{text}」を数として読めません。書かれたままコメントに入れました。");
        remarks.add("quantity.unreadable", Severity::Warning, field, message);
        comment.add(format!("{what}: {text}{unit}"));
    }
    read
}

/// 内服 頓服 外用 注射: RXE-27 (JHSP0003), else the class of the usage code, else the route.
fn route(rxe: Segment<'_>, segments: &DrugSegments<'_>, line: &Line) -> Route {
    let class = rxe.field(27).repetitions().find_map(|one| {
        Some(match short(one.component(1)).as_str() {
            "21" => Route::Oral,
            "22" => Route::AsNeeded,
            "23" => Route::External,
            "24" => Route::Injection,
            _ => return None,
        })
    });
    let usage = segments
        .tq1
        .iter()
        .flat_map(|tq1| tq1.field(3).repetitions())
        .find_map(|one| {
            let code = Cwe::of_subs(one.component(1)).first.code;
            let code = code.as_bytes();
            if code.len() != 16 {
                return None;
            }
            Some(match (code.first()?, code.get(2)?) {
                (b'1', b'5') => Route::AsNeeded,
                (b'1', _) => Route::Oral,
                (b'2', _) => Route::External,
                (b'3', _) => Route::Injection,
                _ => return None,
            })
        });
    let way = segments.rxr.iter().find_map(|rxr| {
        Some(match short(rxr.field(1).component(1)).as_str() {
            "PO" | "SL" | "BC" => Route::Oral,
            "IV" | "IM" | "SC" | "ID" | "IVP" | "IVS" => Route::Injection,
            "" => return None,
            _ => Route::External,
        })
    });
    let as_needed = line.item.times.is_some() && line.item.days.is_none();
    match class.or(usage).or(way) {
        Some(Route::Oral) if as_needed && class.is_none() => Route::AsNeeded,
        Some(route) => route,
        None if as_needed => Route::AsNeeded,
        None => Route::Other,
    }
}

#[cfg(test)]
mod tests;
