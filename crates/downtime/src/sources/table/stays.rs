//! Inpatients and beds from their rows: who lies where, under whose care, with which diet, isolation and rest.
//!
//! Who is wanted and which bed holds two people is decided in `wards`; here a row becomes what it says. A word that means
//! "none" is taken as confirmed none only where "none" can mean nothing else.

use chart::stay::{Bed, Care, Contact, Plan as Planned};
use chart::{Known, Severity, Stay};
use jiff::civil::Date;

use super::cell::Cell;
use super::plan::Fields;
use super::take::{CodedCells, LONG, MEDIUM, Take};

/// Most lines of 方針 and 予定 of one patient.
const MAX_LINES: usize = 20;

/// Where a bed stands, bound to columns.
#[derive(Debug)]
pub struct BedPlan {
    /// 病棟
    pub ward: CodedCells,
    /// 病室
    pub room: Option<Cell>,
    /// 病床
    pub bed: Option<Cell>,
}

impl BedPlan {
    /// Binds the fields.
    pub fn bind(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            ward: fields.coded("ward_code", "ward_name"),
            room: fields.one("room"),
            bed: fields.one("bed"),
        }
    }

    /// Reads one bed.
    pub fn read<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> Bed {
        Bed {
            ward: take.coded(&self.ward),
            room: take.text(self.room.as_ref()),
            bed: take.text(self.bed.as_ref()),
        }
    }
}

/// 入院 bound to columns.
#[derive(Debug)]
pub struct StayPlan {
    /// Where.
    pub place: BedPlan,
    /// 退院日
    pub discharged: Option<Cell>,
    admitted: Option<Cell>,
    department: CodedCells,
    attending: CodedCells,
    nurse: CodedCells,
    purpose: Option<Cell>,
    /// 食事 安静度 隔離 酸素 点滴 インスリン
    marks: [Option<Cell>; 6],
    policy: Vec<Cell>,
    /// ADL 転倒 嚥下 皮膚
    care: [Option<Cell>; 4],
    plans: Vec<Cell>,
    contact: [Option<Cell>; 3],
}

impl StayPlan {
    /// Binds the fields.
    pub fn bind(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            place: BedPlan::bind(fields),
            discharged: fields.one("discharged"),
            admitted: fields.one("admitted"),
            department: fields.department(),
            attending: fields.doctor(),
            nurse: fields.coded("nurse_code", "nurse_name"),
            purpose: fields.one("purpose"),
            marks: ["diet", "rest", "isolation", "oxygen", "drip", "insulin"].map(|name| fields.one(name)),
            policy: fields.many("policy"),
            care: ["adl", "falls", "swallowing", "skin"].map(|name| fields.one(name)),
            plans: fields.many("plans"),
            contact: ["contact_name", "contact_relation", "contact_phone"].map(|name| fields.one(name)),
        }
    }

    /// True when the row says that this person left before the day.
    pub fn is_over<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> bool {
        let day = take.day;
        take.date(self.discharged.as_ref()).is_some_and(|left| left < day)
    }

    /// Reads one stay.
    pub fn read<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> Stay {
        let Bed { ward, room, bed } = self.place.read(take);
        if ward.is_empty() {
            let message = "病棟が空の入院です。病棟の一覧では「病棟 不明」に出ます。病棟を確かめてください。";
            take.sink.tell("stay.no_ward", Severity::Severe, "", message);
        }
        let [diet, rest, isolation, oxygen, drip, insulin] = &self.marks;
        let [adl, falls, swallowing, skin] = &self.care;
        let admitted = self.admitted(take);
        Stay {
            admitted,
            department: take.coded(&self.department),
            attending: take.person(&self.attending),
            nurse: take.person(&self.nurse),
            purpose: take.text_up_to(self.purpose.as_ref(), MEDIUM),
            // 食事なし and 安静度なし can mean two things each: they stay words.
            diet: words(diet.as_ref(), take),
            rest: words(rest.as_ref(), take),
            isolation: mark(isolation.as_ref(), take),
            oxygen: mark(oxygen.as_ref(), take),
            drip: mark(drip.as_ref(), take),
            insulin: mark(insulin.as_ref(), take),
            policy: self.policy(take),
            care: Care {
                adl: words(adl.as_ref(), take),
                falls: mark(falls.as_ref(), take),
                swallowing: words(swallowing.as_ref(), take),
                skin: mark(skin.as_ref(), take),
            },
            plans: self.plans(take),
            contacts: self.contacts(take),
            ..Stay::at(ward, room, bed)
        }
    }

    /// 入院日; one after the day is told and left out, the patient stays on the list.
    fn admitted<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> Option<Date> {
        let on = take.date(self.admitted.as_ref())?;
        if on <= take.day {
            return Some(on);
        }
        let message = format!(
            "入院日 {} が対象日より後です。入院日は空にし、病棟の一覧には出しました。まだ入院していない人かもしれません。",
            chart::date::iso(on)
        );
        let title = self.admitted.as_ref().map_or("", |cell| cell.title.as_str());
        take.sink.tell("stay.future", Severity::Severe, title, message);
        None
    }

    fn policy<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> Known<Vec<String>> {
        if self.policy.iter().all(Cell::is_nowhere) {
            return Known::Unavailable { since: None };
        }
        let lines: Vec<String> = self
            .policy
            .iter()
            .map(|cell| take.text_up_to(Some(cell), MEDIUM))
            .collect();
        let said: Vec<String> = lines
            .into_iter()
            .filter(|line| !line.is_empty())
            .take(MAX_LINES)
            .collect();
        if !said.is_empty() && said.iter().all(|line| is_none(line)) {
            return Known::ConfirmedNone { on: None };
        }
        Known::from_list(said.into_iter().filter(|line| !is_none(line)).collect())
    }

    /// 予定: each column is one kind of plan, named by its label or its heading.
    fn plans<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> Known<Vec<Planned>> {
        if self.plans.iter().all(Cell::is_nowhere) {
            return Known::Unavailable { since: None };
        }
        let mut plans = Vec::new();
        for cell in self.plans.iter().take(MAX_LINES) {
            let when = take.text(Some(cell));
            if when.is_empty() || is_none(&when) {
                continue;
            }
            let what = if cell.label.is_empty() {
                &cell.title
            } else {
                &cell.label
            };
            plans.push(Planned {
                when: when_of(when),
                what: what.clone(),
            });
        }
        Known::from_list(plans)
    }

    fn contacts<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> Known<Vec<Contact>> {
        let [name, relation, phone] = &self.contact;
        if [name, relation, phone].iter().all(|cell| is_unmapped(cell.as_ref())) {
            return Known::Unavailable { since: None };
        }
        let contact = Contact {
            name: take.text(name.as_ref()),
            relation: take.text(relation.as_ref()),
            phone: take.text(phone.as_ref()),
        };
        let empty = contact.name.is_empty() && contact.phone.is_empty();
        Known::from_list(if empty { Vec::new() } else { vec![contact] })
    }
}

fn is_unmapped(cell: Option<&Cell>) -> bool {
    cell.is_none_or(Cell::is_nowhere)
}

/// When something is planned: as written, but for the eight digits of a database's day.
fn when_of(text: String) -> String {
    match (text.get(..4), text.get(4..6), text.get(6..)) {
        (Some(year), Some(month), Some(day)) if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{year}/{month}/{day}")
        }
        _ => text,
    }
}

/// Text in one of four states; every text is a value.
fn words<'t>(cell: Option<&'t Cell>, take: &mut Take<'_, '_, 't>) -> Known<String> {
    if is_unmapped(cell) {
        return Known::Unavailable { since: None };
    }
    let text = take.text_up_to(cell, LONG.min(MEDIUM));
    if text.is_empty() {
        Known::NotRecorded
    } else {
        Known::Present(text)
    }
}

/// Text in one of four states, where 「なし」 says that there is none.
fn mark<'t>(cell: Option<&'t Cell>, take: &mut Take<'_, '_, 't>) -> Known<String> {
    match words(cell, take) {
        Known::Present(text) if is_none(&text) => Known::ConfirmedNone { on: None },
        other => other,
    }
}

/// Words by which hospitals say that there is none.
fn is_none(text: &str) -> bool {
    matches!(
        text.trim(),
        "なし" | "無し" | "無" | "ナシ" | "－" | "-" | "ー" | "×" | "(-)" | "（－）" | "N" | "0"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planned_day_of_eight_digits_is_readable() {
        assert_eq!(when_of("20261120".to_owned()), "2026/11/20");
        assert_eq!(when_of("11/20 午後".to_owned()), "11/20 午後");
        assert_eq!(when_of("未定".to_owned()), "未定");
    }

    #[test]
    fn only_plain_words_say_none() {
        for text in ["なし", " 無 ", "－"] {
            assert!(is_none(text), "{text}");
        }
        for text in ["", "なし崩し", "低残渣", "不明", "未"] {
            assert!(!is_none(text), "{text}");
        }
    }
}
