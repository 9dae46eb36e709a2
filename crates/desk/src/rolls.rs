//! The day's roll: who is booked, made once per snapshot, day, language and role, then only put together.
//!
//! What cannot change (identity, booking) becomes ready-made HTML when it is first shown, never before: a page shows a
//! thousand lines of a hundred thousand. So it is with every order. What changes (reception, state) is deliberately not
//! here; it is looked up in the day for every page. A roll lives as long as somebody who looked at it is signed in.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use chart::{Name, Subject};
use downtime::identity::Role;
use downtime::index::{Index, Row, Slot};
use jiff::civil::Date;

use crate::say;
use crate::visit::Visit;
use crate::words::Lang;

mod cells;

pub use cells::{Identity, escape, href, person_cells, place, place_from};

/// What a roll depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    generation: u64,
    day: Date,
    /// Ages are told as of today.
    today: Date,
    lang: Lang,
    role: Role,
}

/// One booking: whose, and what lists are narrowed by.
#[derive(Debug, Clone, Copy)]
pub struct Booking {
    /// Row of the patient in the index.
    pub row: u32,
    /// Place of the department in the roll's own numbering.
    pub department: u16,
    /// Place of the doctor in the roll's own numbering.
    pub doctor: u16,
    minutes: u16,
}

/// One booking as the list shows it.
pub struct Line {
    /// For looking up what happened.
    pub subject: Subject,
    html: String,
    /// Where the number of the reception goes.
    gap: usize,
}

impl Line {
    /// Length of both halves, in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.html.len()
    }

    /// The row up to the reception number, and from there to the cell of the state.
    #[must_use]
    pub fn halves(&self) -> (&str, &str) {
        self.html.split_at_checked(self.gap).unwrap_or_default()
    }
}

/// All bookings of one day.
pub struct Roll {
    key: Key,
    /// In the order of the index: department, then time.
    bookings: Vec<Booking>,
    lines: Vec<OnceLock<Option<Box<Line>>>>,
    /// Departments that occur: code and name.
    pub departments: Vec<(String, String)>,
    /// Doctors that occur: code and name.
    pub doctors: Vec<(String, String)>,
    /// How many different people: some have two bookings.
    pub people: usize,
    orders: [OnceLock<Vec<u32>>; Sort::ALL.len()],
    /// Rows of everybody, each once, by name, by reading and by birth date.
    by_name: OnceLock<Vec<u32>>,
    by_reading: OnceLock<Vec<u32>>,
    by_birth: OnceLock<Vec<u32>>,
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
    /// The bookings, by the places that [`Self::order`] gives.
    #[must_use]
    pub fn bookings(&self) -> &[Booking] {
        &self.bookings
    }

    /// One booking as the list shows it; made when it is first asked for. `index` is the one the roll was made from.
    #[must_use]
    pub fn line(&self, visit: &Visit, index: &Index, at: u32) -> Option<&Line> {
        let at = at as usize;
        let made = self.lines.get(at)?.get_or_init(|| {
            let slot = index.slots_on(self.key.day).get(at)?;
            line(visit, index, slot, self.key.role).map(Box::new)
        });
        made.as_deref()
    }

    /// Rows of everybody else of the day who shares this person's name or reading: first those with the name.
    #[must_use]
    pub fn namesakes(&self, row: Row<'_>) -> Vec<u32> {
        let alike = row.alike();
        let mut found = Vec::new();
        if alike.same_name > 0 {
            found.extend(self.sharing(&self.by_name, row, |row| row.name_key()));
        }
        if alike.same_reading > 0 {
            let reading = self.sharing(&self.by_reading, row, |row| row.kana_key());
            found.extend(
                reading.filter(|other| row.index().row(*other).is_some_and(|o| o.name_key() != row.name_key())),
            );
        }
        found
    }

    /// Whether the day of birth does not tell this person from everybody else of the day who resembles them: a namesake born
    /// on the same day of a month, or somebody with a similar name (a twin) and the same birth date.
    #[must_use]
    pub fn has_double(&self, row: Row<'_>) -> bool {
        let Some(birth) = row.birth() else {
            return true;
        };
        let rows = |rows: Vec<u32>| rows.into_iter().filter_map(|other| row.index().row(other));
        let same_day = |other: Row<'_>| other.birth().is_none_or(|other| other.day() == birth.day());
        let similar = |other: Row<'_>| other.alike().near > 0;
        rows(self.namesakes(row)).any(same_day)
            || (row.alike().near > 0
                && rows(self.sharing(&self.by_birth, row, |row| row.birth()).collect()).any(similar))
    }

    /// Rows of everybody else of the day whose key is this person's. `sorted` is filled at the first question.
    fn sharing<'a, K: Ord, F: Fn(Row<'a>) -> K>(
        &'a self,
        sorted: &'a OnceLock<Vec<u32>>,
        row: Row<'a>,
        key: F,
    ) -> impl Iterator<Item = u32> + use<'a, K, F> {
        let key_of = |other: u32| row.index().row(other).map(&key);
        let sorted = sorted.get_or_init(|| {
            let mut rows: Vec<_> = self.bookings.iter().map(|b| (key_of(b.row), b.row)).collect();
            rows.sort_unstable();
            rows.dedup();
            rows.into_iter().map(|(_, row)| row).collect()
        });
        let wanted = key_of(row.number());
        let start = sorted.partition_point(|other| key_of(*other) < wanted);
        let end = sorted.partition_point(|other| key_of(*other) <= wanted);
        let group = sorted.get(start..end).unwrap_or(&[]);
        group.iter().copied().filter(move |other| *other != row.number())
    }

    /// Places of bookings in the order asked for.
    #[must_use]
    pub fn order(&self, index: &Index, sort: Sort) -> &[u32] {
        let Some(order) = self.orders.get(sort as usize) else {
            return &[];
        };
        order.get_or_init(|| {
            let kana = |b: &Booking| index.row(b.row).map_or("", |row| row.kana_key());
            match sort {
                Sort::Time => self.by(|b| (b.minutes, beginning(kana(b)), kana(b))),
                Sort::Department => self.by(|b| (b.department, b.minutes)),
                Sort::Doctor => self.by(|b| (b.doctor, b.minutes)),
                Sort::Kana => self.by(|b| (beginning(kana(b)), kana(b), b.minutes)),
                Sort::Number => self.by(|b| index.row(b.row).map_or("", |row| row.id_text())),
            }
        })
    }

    /// Sorts places by a key; equal ones stay in the order of the index.
    fn by<K: Ord>(&self, key: impl Fn(&Booking) -> K) -> Vec<u32> {
        let mut keyed: Vec<(K, u32)> = self.bookings.iter().map(key).zip(0..).collect();
        keyed.sort_unstable();
        keyed.into_iter().map(|(_, at)| at).collect()
    }
}

/// The first eight characters in one number that sorts as they do, so that most comparisons need not look at the text.
/// Kana have a place each; whatever is before or behind them shares one, and the number goes no further than that.
fn beginning(text: &str) -> u64 {
    const BEFORE_KANA: u32 = 0x3040;
    const BEHIND: u64 = 0xFF;
    let mut number = 0;
    for (c, shift) in text.chars().zip((0..8).rev()) {
        let place = u64::from(u32::from(c).saturating_sub(BEFORE_KANA)).min(BEHIND);
        number |= place << (8 * shift);
        if place == 0 || place == BEHIND {
            break;
        }
    }
    number
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
            today: visit.state.now.day(),
            lang: visit.w().lang(),
            role,
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|roll| roll.strong_count() > 0);
        if let Some(roll) = known.iter().filter_map(Weak::upgrade).find(|roll| roll.key == key) {
            return roll;
        }
        let roll = Arc::new(make(index, key));
        known.push(Arc::downgrade(&roll));
        roll
    }
}

fn make(index: &Index, key: Key) -> Roll {
    let slots = index.slots_on(key.day);
    let mut departments = Numbering::new(index.departments());
    let mut doctors = Numbering::new(index.doctors());
    let mut seen = vec![false; index.len()];
    let mut people = 0;
    let bookings: Vec<Booking> = slots
        .iter()
        .map(|slot| {
            if let Some(seen) = seen.get_mut(slot.row as usize) {
                people += usize::from(!std::mem::replace(seen, true));
            }
            Booking {
                row: slot.row,
                department: departments.of(slot.department_number()),
                doctor: doctors.of(slot.doctor_number()),
                minutes: slot.minutes(),
            }
        })
        .collect();
    Roll {
        key,
        lines: bookings.iter().map(|_| OnceLock::new()).collect(),
        bookings,
        departments: departments.list,
        doctors: doctors.list,
        people,
        orders: Default::default(),
        by_name: OnceLock::new(),
        by_reading: OnceLock::new(),
        by_birth: OnceLock::new(),
    }
}

/// Numbers for codes, in the order of first meeting; what reads the same has one number.
struct Numbering<'a> {
    table: &'a [chart::Coded],
    known: Vec<Option<u16>>,
    list: Vec<(String, String)>,
}

impl<'a> Numbering<'a> {
    fn new(table: &'a [chart::Coded]) -> Self {
        Self {
            table,
            known: vec![None; table.len()],
            list: Vec::new(),
        }
    }

    fn of(&mut self, number: u16) -> u16 {
        if let Some(Some(known)) = self.known.get(number as usize) {
            return *known;
        }
        let Some(coded) = self.table.get(number as usize) else {
            return u16::MAX;
        };
        let (code, label) = (coded.code.as_str(), coded.label());
        let met = self.list.iter().position(|(c, l)| c == code && l == label);
        let at = met.unwrap_or_else(|| {
            self.list.push((code.to_owned(), label.to_owned()));
            self.list.len() - 1
        });
        let at = u16::try_from(at).unwrap_or(u16::MAX);
        if let Some(known) = self.known.get_mut(number as usize) {
            *known = Some(at);
        }
        at
    }
}

fn line(visit: &Visit, index: &Index, slot: &Slot, role: Role) -> Option<Line> {
    let row = index.row(slot.row)?;
    let id = row.id()?;
    let mut html = String::with_capacity(640);
    html.push_str("<tr><td class=\"fig\">");
    html.push_str(&slot.time_text());
    html.push_str("</td><td class=\"fig\">");
    let gap = html.len();
    html.push_str("</td>");
    html.push_str(&person_cells(
        visit,
        &Identity {
            href: href(role, &visit.site.handles.of(&id)),
            name: Name::new(row.written(), row.kana()),
            flag: say::alike(visit.w(), row.alike()),
            birth: row.birth(),
            sex: row.sex(),
            id: id.shown(),
            age: None,
        },
    ));
    // On a day after the snapshot's, nothing of this person was fetched but the booking.
    let thin = index.day().is_some_and(|made_for| Some(made_for) != slot.day());
    let from = if thin { &visit.w()["from-thin-list"] } else { "" };
    html.push_str(&place_from(
        index.department(slot).label(),
        index.doctor(slot).label(),
        from,
    ));
    html.shrink_to_fit();
    Some(Line {
        subject: Subject::Patient(id),
        html,
        gap,
    })
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn a_beginning_sorts_as_the_text_does() {
        let mut texts = [
            "",
            "A",
            "アカリ",
            "アカリハナ",
            "アカリハナコサマサマ",
            "アカリハナコサマサンサマ",
            "サトウ",
            "ヶ",
            "佐藤",
            "東",
            "Aア",
            "B",
            "ア東",
            "ア東ア",
            "ア林",
        ];
        texts.sort_unstable();
        assert!(texts.is_sorted_by_key(|text| beginning(text)));
        assert!(beginning("アカリ") < beginning("アカリハナ"));
        assert!(beginning("サトウ") < beginning("サトオ"));
    }
}
