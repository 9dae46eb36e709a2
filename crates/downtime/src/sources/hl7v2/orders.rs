//! Orders: 処方・注射 (RDE), 実施 (RAS), 検査 (OML, OMG, OMI), 食事 (OMD).
//!
//! An order's message replaces the order whole. ORC-1 CA, OC, DC and DE take it away; everything else is the order as it is now. A last
//! time given comes only from 実施, never from an order.

use chart::stay::{Due, Scheduled};
use chart::{Coded, ExamOrder};
use hl7::{Message, Segment};
use jiff::civil::Date;

use super::dosing::{self, DrugSegments, Line};
use super::exams;
use super::injection;
use super::read::{Cwe, MAX_MEDIUM, MAX_SHORT, Remarks, When, coded, cut, person, short};
use super::results::number;
use super::said::{Register, Told};
use super::told::{Names, Taking};
use crate::sources::gather::DrugSaid;

/// Most drugs of one order.
const MAX_LINES: usize = 200;

/// 処方 or 注射.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Medicine {
    /// OMP-01
    Prescription,
    /// OMP-02
    Injection,
}

/// One order of medicines.
#[derive(Debug, Clone, Default)]
pub struct DrugOrder {
    /// ORC-9
    pub on: Option<Date>,
    /// ORC-17
    pub department: Coded,
    /// ORC-12
    pub doctor: Coded,
    /// For somebody in a bed (ORC-29 I, RXE-21 IHP, PV1-2 I).
    pub inpatient: bool,
    /// Said in so many words to be for somebody who goes home (ORC-29 O, RXE-21 OHP).
    pub outpatient: bool,
    /// The drugs.
    pub lines: Vec<Line>,
}

/// Something given.
#[derive(Debug, Clone)]
struct Given {
    when: When,
    done: bool,
}

/// One diet with its beginning.
#[derive(Debug, Clone)]
struct Diet {
    from: Option<When>,
    until: Option<When>,
    words: String,
}

/// Orders as messages said them.
#[derive(Debug, Clone, Default)]
pub struct Orders {
    /// By kind and number.
    drugs: Register<(Medicine, String), DrugOrder>,
    given: Register<(String, String, Option<When>), Given>,
    exams: Register<String, Vec<ExamOrder>>,
    done: Register<String, When>,
    diets: Register<String, Diet>,
}

/// The segments from one ORC to the next.
#[derive(Debug, Default)]
pub(super) struct Group<'a> {
    orc: Option<Segment<'a>>,
    pub(super) drug: DrugSegments<'a>,
    rxa: Vec<Segment<'a>>,
    obr: Vec<Segment<'a>>,
    ods: Vec<Segment<'a>>,
    /// SPM before the ORC, for the order of segments of OML.
    pub(super) notes: Vec<Segment<'a>>,
}

/// Groups of a message; what comes before the first ORC belongs to none.
fn groups<'a>(message: &Message<'a>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for segment in message.segments() {
        if segment.name() == "ORC" {
            if groups.len() >= MAX_LINES {
                break;
            }
            groups.push(Group {
                orc: Some(segment),
                ..Group::default()
            });
            continue;
        }
        let Some(group) = groups.last_mut() else { continue };
        match segment.name() {
            "RXE" => group.drug.rxe = Some(segment),
            "TQ1" => group.drug.tq1.push(segment),
            "RXR" => group.drug.rxr.push(segment),
            "RXC" => group.drug.rxc.push(segment),
            "RXA" => group.rxa.push(segment),
            "OBR" => group.obr.push(segment),
            "ODS" => group.ods.push(segment),
            "NTE" => {
                group.drug.notes.push(segment);
                group.notes.push(segment);
            }
            _ => {}
        }
    }
    groups
}

fn control(orc: Segment<'_>) -> String {
    short(orc.field(1).component(1))
}

/// CA OC DC DE: the order is no more. RO is the new order of a replacement, RP the old one.
fn is_off(control: &str) -> bool {
    matches!(control, "CA" | "OC" | "CR" | "DC" | "DR" | "DE" | "RP" | "RQ")
}

impl Orders {
    /// RDE^O11.
    pub fn take_drugs(&mut self, taking: &Taking<'_>) {
        let inpatient = short(taking.message.field("PV1", 2).component(1)) == "I";
        let mut orders: Vec<((Medicine, String), Option<DrugOrder>, Remarks)> = Vec::new();
        for (at, group) in groups(taking.message).iter().enumerate() {
            let Some(orc) = group.orc else { continue };
            let medicine = medicine(group, taking.kind);
            let key = (medicine, number(orc, 2, 3).unwrap_or_else(|| taking.unnumbered()));
            let mut remarks = Remarks::default();
            let on = When::of(orc.field(9)).map(|when| when.on);
            let line = match medicine {
                Medicine::Prescription => dosing::read(&group.drug, on, &mut remarks),
                Medicine::Injection => injection::read_injection(&group.drug, &mut remarks),
            };
            let off = is_off(&control(orc));
            let known = orders.iter_mut().find(|(other, ..)| *other == key);
            let (_, order, told) = match known {
                Some(known) => known,
                None => {
                    orders.push((key, None, Remarks::default()));
                    let Some(new) = orders.last_mut() else { continue };
                    new
                }
            };
            for remark in remarks.0 {
                told.add(remark.code, remark.severity, remark.field, remark.message);
            }
            if off {
                continue;
            }
            let order = order.get_or_insert_with(|| DrugOrder {
                on: on.or_else(|| Some(taking.said.moment().day())),
                department: coded(orc.field(17)),
                doctor: person(orc.field(12)),
                inpatient,
                outpatient: false,
                lines: Vec::new(),
            });
            let order_type = short(orc.field(29).component(1));
            let used = |at: &str| {
                let places = group.drug.rxe.map(|rxe| rxe.field(21)).into_iter();
                let mut places = places.flat_map(|field| field.repetitions());
                places.any(|one| short(one.component(1)).starts_with(at))
            };
            order.inpatient |= order_type == "I" || used("IH");
            order.inpatient &= order_type != "O";
            order.outpatient = order_type == "O" || (order_type.is_empty() && used("OH"));
            if let Some(mut line) = line {
                line.group = short(orc.field(4).component(1));
                line.item.rp = rp(&line.group).unwrap_or_else(|| u16::try_from(at + 1).unwrap_or(0));
                order.lines.push(line);
            }
        }
        for (key, order, remarks) in orders {
            self.drugs.take(key, taking.told(order, remarks));
        }
    }

    /// RAS^O17.
    pub fn take_given(&mut self, taking: &Taking<'_>) {
        for group in groups(taking.message) {
            let Some(orc) = group.orc else { continue };
            let off = is_off(&control(orc));
            let order = number(orc, 2, 3).unwrap_or_default();
            for rxa in group.rxa {
                let Some(when) = When::of(rxa.field(3)) else { continue };
                let done = !matches!(short(rxa.field(20).component(1)).as_str(), "NA" | "RE");
                for code in dosing::codes(&Cwe::of(rxa.field(5).first())) {
                    let key = (order.clone(), code, Some(when));
                    let given = (!off).then_some(Given { when, done });
                    self.given.take(key, taking.told(given, Remarks::default()));
                }
            }
        }
    }

    /// OML^O33 and OMG^O19: what is to be examined, parents with their children as remarks.
    pub fn take_exams(&mut self, taking: &Taking<'_>) {
        let mut orders: Vec<(String, Vec<ExamOrder>)> = Vec::new();
        for group in groups(taking.message) {
            let Some(orc) = group.orc else { continue };
            let key = number(orc, 2, 3).unwrap_or_else(|| taking.unnumbered());
            let off = is_off(&control(orc));
            let child = control(orc) == "CH";
            let place_in = match orders.iter().position(|(other, _)| *other == key) {
                Some(at) => at,
                None => {
                    orders.push((key.clone(), Vec::new()));
                    orders.len() - 1
                }
            };
            let Some((_, list)) = orders.get_mut(place_in) else {
                continue;
            };
            if off {
                continue;
            }
            for obr in &group.obr {
                let exam = coded(obr.field(4));
                if child && let Some(parent) = list.last_mut() {
                    let words = exam.label();
                    if words != parent.exam.label() && !parent.remarks.contains(words) {
                        parent.remarks = cut(format!("{} {words}", parent.remarks).trim(), MAX_MEDIUM);
                    }
                    continue;
                }
                if let Some(order) = exams::exam_order(orc, *obr, &group, exam, &key, taking) {
                    list.push(order);
                }
            }
        }
        for (key, list) in orders {
            let what = (!list.is_empty()).then_some(list);
            self.exams.take(key, taking.told(what, Remarks::default()));
        }
    }

    /// OMI^Z23: an examination that was done.
    pub fn take_done(&mut self, taking: &Taking<'_>) {
        for group in groups(taking.message) {
            let Some(orc) = group.orc else { continue };
            let Some(key) = number(orc, 2, 3) else { continue };
            let when = group.obr.iter().find_map(|obr| When::of(obr.field(7)));
            let when = when.filter(|_| !is_off(&control(orc)));
            self.done.take(key, taking.told(when, Remarks::default()));
        }
    }

    /// OMD^O03.
    pub fn take_diets(&mut self, taking: &Taking<'_>) {
        for group in groups(taking.message) {
            let Some(orc) = group.orc else { continue };
            let key = number(orc, 2, 3).unwrap_or_else(|| taking.unnumbered());
            let mut words: Vec<String> = Vec::new();
            for ods in &group.ods {
                let meal = Cwe::of(ods.field(2).first()).words();
                let diet = Cwe::of(ods.field(3).first()).words();
                let text = cut(&ods.field(4).text(), MAX_SHORT);
                let one = [meal, diet, text]
                    .iter()
                    .filter(|w| !w.is_empty())
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(" ");
                if !one.is_empty() && !words.contains(&one) {
                    words.push(one);
                }
            }
            let tq1 = group.drug.tq1.first();
            let diet = Diet {
                from: tq1
                    .and_then(|tq1| When::of(tq1.field(7)))
                    .or_else(|| When::of(orc.field(9))),
                until: tq1.and_then(|tq1| When::of(tq1.field(8))),
                words: cut(&words.join("・"), MAX_MEDIUM),
            };
            let there = !is_off(&control(orc)) && !diet.words.is_empty();
            self.diets
                .take(key, taking.told(there.then_some(diet), Remarks::default()));
        }
    }

    /// Lines of prescriptions: all of outpatients', and inpatients' of whoever lies in no bed any more.
    pub fn prescribed(&self, in_bed: bool, oldest: Date, names: &Names) -> Vec<(DrugSaid, &Remarks, &str)> {
        let mut all = Vec::new();
        for (order, _, told) in self.of(Medicine::Prescription) {
            if (order.inpatient && in_bed) || order.on.is_some_and(|on| on < oldest) {
                continue;
            }
            for line in &order.lines {
                let said = DrugSaid {
                    on: order.on,
                    department: names.department(&order.department.code, &order.department.name),
                    doctor: order.doctor.clone(),
                    item: line.item.clone(),
                };
                all.push((said, &told.remarks, &*told.file));
            }
        }
        all
    }

    /// What is due on a day for somebody in a bed, from orders of any day.
    pub fn due(&self, day: Date) -> Vec<(Scheduled, &Remarks, &str)> {
        let mut all = Vec::new();
        for medicine in [Medicine::Prescription, Medicine::Injection] {
            for (order, number, told) in self.of(medicine) {
                // What somebody took at home before is a prescription; what of it goes on here the ward orders anew.
                if order.outpatient && medicine == Medicine::Prescription {
                    continue;
                }
                for line in order.lines.iter().filter(|line| line.is_due(day, order.on)) {
                    all.push((self.scheduled(line, number, medicine, day), &told.remarks, &*told.file));
                }
            }
        }
        all
    }

    fn scheduled(&self, line: &Line, number: &str, medicine: Medicine, day: Date) -> Scheduled {
        // Hours are those that the order names; none is made of a usage. 注射 begin at TQ1-7.
        let begin = line
            .start
            .filter(|start| medicine == Medicine::Injection && start.on == day)
            .and_then(|start| u8::try_from(start.at?.hour()).ok());
        let hours: Vec<u8> = if line.hours.is_empty() {
            begin.into_iter().collect()
        } else {
            line.hours.clone()
        };
        let mut how = line.how.clone();
        if let Some(given) = self.last_given(number, &line.codes) {
            let word = if given.done { "最終実施" } else { "実施せず" };
            how = format!("{how} {word} {}", given.when.text()).trim().to_owned();
        }
        Scheduled {
            item: chart::PrescriptionItem {
                rp: 0,
                ..line.item.clone()
            },
            due: hours
                .into_iter()
                .map(|hour| Due {
                    hour,
                    words: String::new(),
                })
                .collect(),
            high_risk: line.high_risk,
            how,
        }
    }

    fn last_given(&self, number: &str, codes: &[String]) -> Option<&Given> {
        self.given
            .iter()
            .filter(|((order, code, _), _)| order == number && codes.contains(code))
            .filter_map(|(_, told)| told.what.as_ref())
            .max_by_key(|given| given.when)
    }

    /// Examinations, done ones with the time.
    pub fn exams(&self, names: &Names) -> Vec<ExamOrder> {
        let mut all = Vec::new();
        for (key, told) in self.exams.iter() {
            let done = self.done.get(key).and_then(|done| done.what);
            for order in told.what.iter().flatten() {
                let mut order = order.clone();
                order.department = names.department(&order.department.code, &order.department.name);
                if let Some(done) = done {
                    order.remarks = format!("実施済 {} {}", done.text(), order.remarks).trim().to_owned();
                }
                all.push(order);
            }
        }
        all
    }

    /// The diet that began last, not after the end of the day, in words with its beginning.
    #[must_use]
    pub fn diet(&self, day: Date) -> Option<String> {
        let begun = self
            .diets
            .iter()
            .filter_map(|(_, told)| Some((&told.said, told.what.as_ref()?)));
        let (_, diet) = begun
            .filter(|(_, diet)| diet.from.is_none_or(|from| from.on <= day))
            .filter(|(_, diet)| diet.until.is_none_or(|until| until.on >= day))
            .max_by(|a, b| (a.1.from, a.0).cmp(&(b.1.from, b.0)))?;
        let from = diet
            .from
            .map(|from| format!("（{}から）", from.text()))
            .unwrap_or_default();
        Some(format!("{}{from}", diet.words))
    }

    /// Statements that found no room.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.drugs.dropped + self.given.dropped + self.exams.dropped + self.diets.dropped
    }

    /// Orders of a kind with their numbers, in the order of their days.
    fn of(&self, medicine: Medicine) -> Vec<(&DrugOrder, &str, &Told<DrugOrder>)> {
        let mut orders: Vec<(&DrugOrder, &str, &Told<DrugOrder>)> = self
            .drugs
            .iter()
            .filter(|((kind, _), _)| *kind == medicine)
            .filter_map(|((_, key), told)| Some((told.what.as_ref()?, key.as_str(), told)))
            .collect();
        orders.sort_by(|a, b| (a.0.on, a.1).cmp(&(b.0.on, b.1)));
        orders
    }
}

/// OMP-02 has its folder; in a feed an injection is known by its components, its class, or its rate.
fn medicine(group: &Group<'_>, kind: &str) -> Medicine {
    match kind {
        "OMP-01" => return Medicine::Prescription,
        "OMP-02" => return Medicine::Injection,
        _ => {}
    }
    let Some(rxe) = group.drug.rxe else {
        return Medicine::Prescription;
    };
    let class = Cwe::of(rxe.field(2).first()).first.system.starts_with("JHSI");
    // 内服 … 自己注射 (JHSP0003) are of prescriptions only; 臨時・定時 (JHSI0001) stands in both.
    let prescribed = rxe
        .field(27)
        .repetitions()
        .any(|one| short(one.component(3)).starts_with("JHSP"));
    if prescribed && group.drug.rxc.is_empty() {
        return Medicine::Prescription;
    }
    let special = rxe
        .field(21)
        .repetitions()
        .any(|one| short(one.component(3)).starts_with("JHSI"));
    let rate = !rxe.field(23).is_blank();
    if !group.drug.rxc.is_empty() || class || special || rate {
        Medicine::Injection
    } else {
        Medicine::Prescription
    }
}

/// `1`, `000000000012345_01_001`: the number of the Rp.
fn rp(group: &str) -> Option<u16> {
    let parts: Vec<&str> = group.split('_').collect();
    match parts.as_slice() {
        [_, rp, ..] => rp.parse().ok(),
        _ => group.parse().ok(),
    }
}
