//! The day's roll: the rows of the patient list, made once per snapshot, language and role, then only put together.
//!
//! What cannot change (identity, booking) is ready-made HTML; what changes (reception, state) is looked up in the day for
//! every page. A roll lives as long as somebody who looked at it is signed in.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use chart::{Name, Subject, fold};
use downtime::identity::Role;
use downtime::index::{Index, Resemblance, Row, Slot};
use jiff::civil::Date;

use crate::say;
use crate::visit::Visit;
use crate::words::Lang;

/// What a roll depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    generation: u64,
    day: Date,
    lang: Lang,
    role: Role,
}

/// One booking.
pub struct Line {
    /// For looking up what happened.
    pub subject: Subject,
    /// Code of the department.
    pub department: u32,
    /// Place of the doctor in the roll's own numbering.
    pub doctor: u32,
    /// `9:30`
    pub time: String,
    /// Identity as HTML cells.
    pub person: String,
    /// Department and doctor as an HTML cell.
    pub place: String,
}

/// All bookings of one day.
pub struct Roll {
    key: Key,
    /// In the order of the index: department, then time.
    pub lines: Vec<Line>,
    /// Departments that occur: code and name.
    pub departments: Vec<(String, String)>,
    /// Doctors that occur: code and name.
    pub doctors: Vec<(String, String)>,
    /// How many different people: some have two bookings.
    pub people: usize,
    /// Rows of people whose name, or whose reading, somebody else of the day shares, by search key.
    same_name: HashMap<String, Vec<u32>>,
    same_reading: HashMap<String, Vec<u32>>,
    orders: [Vec<u32>; Sort::ALL.len()],
}

/// By what a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Booked time.
    #[default]
    Time,
    /// Department, then time.
    Department,
    /// Doctor, then time.
    Doctor,
    /// Reading.
    Kana,
    /// Patient number.
    Number,
}

impl Sort {
    /// Every order.
    pub const ALL: [Self; 5] = [Self::Time, Self::Department, Self::Doctor, Self::Kana, Self::Number];

    /// The word in addresses.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Department => "department",
            Self::Doctor => "doctor",
            Self::Kana => "kana",
            Self::Number => "number",
        }
    }

    /// Reads [`Self::word`]; the default for anything else.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|sort| sort.word() == word)
            .unwrap_or_default()
    }
}

impl Roll {
    /// Rows of everybody of the day who shares this person's name or reading, the person included.
    #[must_use]
    pub fn namesakes(&self, row: Row<'_>) -> &[u32] {
        let found = match row.alike().strongest() {
            Some((Resemblance::SameName, _)) => self.same_name.get(&fold::name_key(row.written())),
            Some((Resemblance::SameReading, _)) => self.same_reading.get(&fold::kana_key(row.kana())),
            _ => None,
        };
        found.map_or(&[], Vec::as_slice)
    }

    /// Places of lines in the order asked for.
    #[must_use]
    pub fn order(&self, sort: Sort) -> &[u32] {
        let at = Sort::ALL.iter().position(|s| *s == sort).unwrap_or(0);
        self.orders.get(at).map_or(&[], Vec::as_slice)
    }
}

/// Rolls that somebody still uses.
#[derive(Default)]
pub struct Rolls {
    known: Mutex<Vec<Weak<Roll>>>,
}

impl Rolls {
    /// The roll of a day, made now if nobody looked at it yet.
    #[must_use]
    pub fn of(&self, visit: &Visit, index: &Index, day: Date, role: Role) -> Arc<Roll> {
        let key = Key {
            generation: visit.generation(),
            day,
            lang: visit.w().lang(),
            role,
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|roll| roll.strong_count() > 0);
        if let Some(roll) = known.iter().filter_map(Weak::upgrade).find(|roll| roll.key == key) {
            return roll;
        }
        let roll = Arc::new(make(visit, index, key));
        known.push(Arc::downgrade(&roll));
        roll
    }
}

fn make(visit: &Visit, index: &Index, key: Key) -> Roll {
    let slots = index.slots_on(key.day);
    let mut departments = Numbering::default();
    let mut doctors = Numbering::default();
    let mut lines = Vec::with_capacity(slots.len());
    let mut keys = Vec::with_capacity(slots.len());
    let (mut same_name, mut same_reading) = (HashMap::new(), HashMap::new());
    for slot in slots {
        let Some(row) = index.row(slot.row) else { continue };
        let Some(id) = row.id() else { continue };
        let department = index.department(slot);
        let doctor = index.doctor(slot);
        keys.push((slot.minutes(), fold::kana_key(row.kana()), row.id_text().to_owned()));
        match row.alike().strongest() {
            Some((Resemblance::SameName, _)) => note(&mut same_name, fold::name_key(row.written()), slot.row),
            Some((Resemblance::SameReading, _)) => note(&mut same_reading, fold::kana_key(row.kana()), slot.row),
            _ => {}
        }
        lines.push(Line {
            subject: Subject::Patient(id),
            department: departments.of(&department.code, department.label()),
            doctor: doctors.of(&doctor.code, doctor.label()),
            time: slot.time_text(),
            person: person(visit, index, slot, key),
            place: place(department.label(), doctor.label()),
        });
    }
    let by = |compare: &dyn Fn(usize, usize) -> std::cmp::Ordering| {
        let mut order: Vec<usize> = (0..lines.len()).collect();
        order.sort_by(|a, b| compare(*a, *b));
        order
            .into_iter()
            .filter_map(|at| u32::try_from(at).ok())
            .collect::<Vec<u32>>()
    };
    let line = |at: usize| lines.get(at);
    let key_of = |at: usize| keys.get(at);
    let time = |at: usize| key_of(at).map(|k| k.0);
    let kana = |at: usize| key_of(at).map(|k| k.1.as_str());
    let orders = [
        by(&|a, b| time(a).cmp(&time(b)).then_with(|| kana(a).cmp(&kana(b)))),
        by(&|a, b| {
            line(a)
                .map(|l| l.department)
                .cmp(&line(b).map(|l| l.department))
                .then_with(|| time(a).cmp(&time(b)))
        }),
        by(&|a, b| {
            line(a)
                .map(|l| l.doctor)
                .cmp(&line(b).map(|l| l.doctor))
                .then_with(|| time(a).cmp(&time(b)))
        }),
        by(&|a, b| kana(a).cmp(&kana(b)).then_with(|| time(a).cmp(&time(b)))),
        by(&|a, b| key_of(a).map(|k| k.2.as_str()).cmp(&key_of(b).map(|k| k.2.as_str()))),
    ];
    let people = slots.iter().map(|slot| slot.row).collect::<HashSet<u32>>().len();
    Roll {
        key,
        people,
        same_name,
        same_reading,
        lines,
        departments: departments.list,
        doctors: doctors.list,
        orders,
    }
}

fn note(map: &mut HashMap<String, Vec<u32>>, key: String, row: u32) {
    let rows = map.entry(key).or_default();
    if !rows.contains(&row) {
        rows.push(row);
    }
}

/// Small numbers for codes, in the order of first meeting.
#[derive(Default)]
struct Numbering {
    list: Vec<(String, String)>,
}

impl Numbering {
    fn of(&mut self, code: &str, label: &str) -> u32 {
        let known = self.list.iter().position(|(c, l)| c == code && l == label);
        let at = known.unwrap_or_else(|| {
            self.list.push((code.to_owned(), label.to_owned()));
            self.list.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }
}

fn person(visit: &Visit, index: &Index, slot: &Slot, key: Key) -> String {
    let Some(row) = index.row(slot.row) else {
        return String::new();
    };
    let Some(id) = row.id() else {
        return String::new();
    };
    person_cells(
        visit,
        &Identity {
            href: href(key.role, &visit.site.handles.of(&id)),
            name: Name::new(row.written(), row.kana()),
            flag: say::alike(visit.w(), row.alike()),
            birth: row.birth(),
            sex: row.sex(),
            id: id.shown(),
            age: None,
        },
    )
}

/// What the cells of a person say.
pub struct Identity {
    /// Where the name leads; `None` for roles that open no patient.
    pub href: Option<String>,
    /// 氏名・カナ
    pub name: Name,
    /// 同姓同名 2人, or 仮患者.
    pub flag: Option<String>,
    /// 生年月日
    pub birth: Option<Date>,
    /// 性別
    pub sex: chart::Sex,
    /// As shown.
    pub id: String,
    /// Age in words, where there is no birth date to compute it from.
    pub age: Option<String>,
}

/// Where a name leads, by role.
#[must_use]
pub fn href(role: Role, handle: &str) -> Option<String> {
    match role {
        Role::Reception => Some(format!("/reception/{handle}")),
        Role::Physician => Some(format!("/p/{handle}")),
        Role::Informatics => None,
    }
}

/// Name with reading and label, birth date, age, sex, number: five cells.
#[must_use]
pub fn person_cells(visit: &Visit, who: &Identity) -> String {
    let w = visit.w();
    let mut html = String::with_capacity(360);
    html.push_str("<th scope=\"row\">");
    if let Some(href) = &who.href {
        html.push_str("<a data-row href=\"");
        escape(href, &mut html);
        html.push_str("\">");
    }
    html.push_str("<span class=\"kana\">");
    escape(&say::kana(w, &who.name), &mut html);
    html.push_str("</span><span class=\"name\">");
    escape(&who.name.shown(), &mut html);
    html.push_str("</span>");
    if let Some(flag) = &who.flag {
        html.push_str(" <span class=\"flag\">");
        escape(flag, &mut html);
        html.push_str("</span>");
    }
    if who.href.is_some() {
        html.push_str("</a>");
    }
    let age = match &who.age {
        Some(age) => age.clone(),
        None => say::age(w, who.birth, visit.state.now.day()),
    };
    html.push_str("</th>");
    for (class, text) in [
        ("fig", say::birth_short(w, who.birth)),
        ("nowrap", age),
        ("nowrap", say::sex_short(w, who.sex).to_owned()),
        ("fig", who.id.clone()),
    ] {
        html.push_str("<td class=\"");
        html.push_str(class);
        html.push_str("\">");
        escape(&text, &mut html);
        html.push_str("</td>");
    }
    html
}

/// Department and doctor.
#[must_use]
pub fn place(department: &str, doctor: &str) -> String {
    let mut html = String::from("<td>");
    escape(department, &mut html);
    if !doctor.is_empty() {
        html.push_str("<br><span class=\"quiet\">");
        escape(doctor, &mut html);
        html.push_str("</span>");
    }
    html.push_str("</td>");
    html
}

/// Text as HTML text or attribute value.
pub fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn hostile_text_stays_text() {
        let mut html = String::new();
        escape("<b onclick='x'>\"&山田", &mut html);
        assert_eq!(html, "&lt;b onclick=&#39;x&#39;&gt;&quot;&amp;山田");
    }
}
