//! People as lists and the reception card show them: identity first, then what is planned and what happened today.
//!
//! Everything is read from the index and from entries; no chart is opened for a list, and nothing clinical is in it.

use std::sync::Arc;

use chart::{Name, Subject};
use downtime::index::{Index, Query, Row, Slot};
use downtime::view::{Day, Progress};
use jiff::civil::Date;

use crate::booked;
use crate::rolls::Roll;
use crate::say;
use crate::visit::Visit;
use crate::who::Who;
use crate::words::Words;

/// Others with the same name or reading that a card lists.
const OTHERS: usize = 4;

/// One person on the reception card and in its list.
#[derive(Debug, Clone, Default)]
pub struct Card {
    /// As addresses name this person.
    pub who: String,
    /// カナ氏名
    pub kana: String,
    /// 氏名
    pub name: String,
    /// 同姓同名 2人
    pub flag: Option<String>,
    /// Characters that cannot be shown.
    pub gaiji: bool,
    /// 1951年5月12日（昭和26年）
    pub birth: String,
    /// 1951-05-12(昭26)
    pub birth_short: String,
    /// 75歳
    pub age: String,
    /// 女性
    pub sex: String,
    /// 女
    pub sex_short: String,
    /// 0012 3456
    pub id: String,
    /// 旧姓
    pub former: String,
    /// 保険 as last known, in lines, and its time; empty for people registered here.
    pub insurance: Vec<String>,
    /// データ時点 of the insurance.
    pub insured_at: String,
    /// Bookings of today, and examinations.
    pub plan: Vec<String>,
    /// The others who could be meant.
    pub others: Vec<String>,
    /// What must be typed before the person is received.
    pub ask: Ask,
    /// Receptions that hold, as this card shows them.
    pub seen: usize,
    /// ○ ● −
    pub mark: &'static str,
    /// 9:30 循環器内科, 受付済 8:58.
    pub today: String,
    /// What can be done.
    pub state: CardState,
}

impl Card {
    /// The clerk chooses among several bookings, so the plan need not list them again.
    #[must_use]
    pub fn chooses(&self) -> bool {
        matches!(&self.state, CardState::Free(free) if free.bookings.len() > 1)
    }
}

/// The forcing step for people whose name somebody else shares (ux §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ask {
    /// Nobody could be mistaken for this person.
    #[default]
    Nothing,
    /// The day of birth, two digits.
    Day,
    /// The day of birth does not tell them apart: the last four characters of the number on the patient's card.
    Number,
}

/// What reception can do for this person.
#[derive(Debug, Clone)]
pub enum CardState {
    /// Nothing: why, and whom to call.
    Blocked(String),
    /// Already received.
    Here(Here),
    /// To be received.
    Free(Free),
}

impl Default for CardState {
    fn default() -> Self {
        Self::Free(Free::default())
    }
}

/// Somebody who was received.
#[derive(Debug, Clone, Default)]
pub struct Here {
    /// 受付済み 8:58（A-098）
    pub words: String,
    /// The check-in.
    pub entry: String,
}

/// Somebody to be received.
#[derive(Debug, Clone, Default)]
pub struct Free {
    /// Bookings of today for which nobody was received yet: value and words.
    pub bookings: Vec<(String, String)>,
}

/// People of one snapshot and one day, in the reader's words.
pub struct People<'a> {
    visit: &'a Visit,
    w: &'a Words,
    index: &'a Index,
    day: &'a Day,
    today: Date,
    /// `None` only without anybody signed in.
    roll: Option<Arc<Roll>>,
}

/// What a search found.
pub struct Found {
    /// Best first.
    pub cards: Vec<Card>,
    /// There were more.
    pub more: bool,
    /// Not enough was typed.
    pub too_short: bool,
}

impl<'a> People<'a> {
    /// Looks at the station's own day.
    #[must_use]
    pub fn new(visit: &'a Visit, index: &'a Index, day: &'a Day) -> Self {
        Self {
            visit,
            w: visit.w(),
            index,
            day,
            today: visit.state.now.day(),
            roll: visit
                .signed
                .as_ref()
                .map(|signed| signed.roll(visit, index, visit.state.now.day())),
        }
    }

    /// Finds people of the snapshot and people registered since.
    #[must_use]
    pub fn search(&self, text: &str, limit: usize) -> Found {
        let Some(query) = Query::parse(text) else {
            return Found {
                cards: Vec::new(),
                more: false,
                too_short: !text.trim().is_empty(),
            };
        };
        let mut who = self.registered(text);
        let hits = self.index.search(&query, limit + 1);
        let more = hits.len() > limit;
        who.extend(
            hits.into_iter()
                .take(limit)
                .filter_map(|(row, _)| Who::row(self.visit, self.index, row)),
        );
        Found {
            cards: who.iter().filter_map(|who| self.card(who)).collect(),
            more,
            too_short: false,
        }
    }

    /// Temporary patients whose number, reading or name begins as typed.
    fn registered(&self, text: &str) -> Vec<Who> {
        let number = text.trim().to_ascii_uppercase();
        let kana = chart::fold::kana_key(text);
        let name = chart::fold::name_key(text);
        let begins = |field: String, typed: &str| !typed.is_empty() && field.starts_with(typed);
        self.day
            .temporary_patients()
            .filter(|(_, t)| {
                t.id.as_str() == number
                    || begins(chart::fold::kana_key(&t.name.kana), &kana)
                    || begins(chart::fold::name_key(&t.name.written), &name)
            })
            .filter_map(|(recorded, _)| Who::registered(&recorded))
            .collect()
    }

    /// Name and number alone, for lines that only point at somebody.
    #[must_use]
    pub fn named(&self, who: &Who) -> Option<(String, String)> {
        match (&who.subject, who.row) {
            (_, Some(row)) => {
                let row = self.index.row(row)?;
                let name = Name::new(row.written(), row.kana()).shown();
                Some((name, row.id().map(|id| id.shown()).unwrap_or_default()))
            }
            (subject, None) => {
                let strip = downtime::view::lay_over(subject, None, self.day, self.visit.state.now).strip();
                Some((strip.name, strip.id))
            }
        }
    }

    /// One line that says who it is: reading, name, birth date, sex, number.
    #[must_use]
    pub fn identified(&self, who: &Who) -> Option<String> {
        let (kana, name, birth, sex, id) = match (&who.subject, who.row) {
            (_, Some(row)) => {
                let row = self.index.row(row)?;
                let name = Name::new(row.written(), row.kana());
                let id = row.id().map(|id| id.shown()).unwrap_or_default();
                (say::kana(self.w, &name), name.shown(), row.birth(), row.sex(), id)
            }
            (subject @ Subject::Temporary(id), None) => {
                let t = self.day.temporary(id)?;
                let strip = downtime::view::lay_over(subject, None, self.day, self.visit.state.now).strip();
                (strip.kana, strip.name, t.birth, t.sex, strip.id)
            }
            _ => return None,
        };
        let birth = say::birth_short(self.w, birth);
        let sex = say::sex_short(self.w, sex).to_owned();
        let parts = [kana, name, birth, sex, id];
        let said: Vec<String> = parts.into_iter().filter(|part| !part.trim().is_empty()).collect();
        Some(said.join("　"))
    }

    /// The card of one person.
    #[must_use]
    pub fn card(&self, who: &Who) -> Option<Card> {
        let mut card = match who.row {
            Some(row) => self.of_row(self.index.row(row)?, who),
            None => self.of_temporary(who)?,
        };
        let receptions: Vec<_> = self.day.receptions_on(&who.subject, self.visit.state.now).collect();
        card.seen = receptions.len();
        if matches!(card.state, CardState::Blocked(_)) {
            return Some(card);
        }
        if let Some((recorded, check_in)) = receptions.last() {
            let at = say::moment(self.w, recorded.entry.written_at, self.visit.state.now);
            card.mark = "●";
            card.today = format!("{} {at}", &self.w["received"]);
            // Another booking of today may still wait for its own reception.
            let open = match &card.state {
                CardState::Free(free) => free.bookings.len(),
                _ => 0,
            };
            if open == 0 {
                card.state = CardState::Here(Here {
                    words: self.w.with(
                        "reception-here",
                        &[("time", (&at).into()), ("number", (&check_in.number).into())],
                    ),
                    entry: recorded.id.hex(),
                });
            }
        }
        Some(card)
    }

    fn of_row(&self, row: Row<'_>, who: &Who) -> Card {
        let name = Name::new(row.written(), row.kana());
        let mut slots: Vec<(usize, &Slot)> = row.slots_on(self.today).enumerate().collect();
        slots.sort_by_key(|(_, slot)| slot.minutes());
        let received: Vec<_> = self
            .day
            .receptions_on(&who.subject, self.visit.state.now)
            .map(|(_, check_in)| (check_in.department.clone(), check_in.booked_at))
            .collect();
        let provisional = booked::of(self.visit, self.index, self.day, self.today, &who.subject);
        let mut bookings: Vec<(String, String)> = slots
            .iter()
            .filter(|(_, slot)| !received.contains(&(self.index.department(slot).clone(), slot.time())))
            .map(|(n, slot)| (n.to_string(), self.booking(slot)))
            .collect();
        // What was booked in this downtime is named by its entry.
        let open = provisional.iter().filter(|booked| {
            let a = &booked.appointment;
            !received.contains(&(a.department.clone(), a.at))
        });
        bookings.extend(open.map(|booked| (booked.entry.id.hex(), booked.words(self.visit))));
        let slots: Vec<&Slot> = slots.into_iter().map(|(_, slot)| slot).collect();
        let state = if row.has_died() {
            CardState::Blocked(self.w["reception-died"].to_owned())
        } else {
            CardState::Free(Free { bookings })
        };
        let (mark, today) = match slots.first() {
            _ if row.has_died() => ("×", self.w["died"].to_owned()),
            Some(slot) => (
                "○",
                format!("{} {}", slot.time_text(), self.index.department(slot).label()),
            ),
            None => match provisional.first() {
                Some(booked) => ("○", booked.words(self.visit)),
                None => ("−", self.w["no-booking"].to_owned()),
            },
        };
        let mut plan = self.plan(&slots);
        if slots.is_empty() && !provisional.is_empty() {
            plan.clear();
        }
        plan.extend(provisional.iter().map(|booked| booked.words(self.visit)));
        Card {
            who: who.handle.clone(),
            kana: say::kana(self.w, &name),
            name: name.shown(),
            flag: say::alike(self.w, row.alike()),
            gaiji: name.has_gaiji(),
            birth: say::birth(self.w, row.birth()),
            birth_short: say::birth_short(self.w, row.birth()),
            age: say::age(self.w, row.birth(), self.today),
            sex: say::sex(self.w, row.sex()).to_owned(),
            sex_short: say::sex_short(self.w, row.sex()).to_owned(),
            id: row.id().map(|id| id.shown()).unwrap_or_default(),
            former: row.former().to_owned(),
            insurance: say::insurances(self.w, &row.insurances(), self.today, self.visit.state.now),
            insured_at: self.visit.state.snapshot.as_ref().map_or_else(String::new, |s| {
                crate::layout::as_of(self.w, &s.as_of, chart::DataKind::Insurance, self.visit.state.now)
            }),
            plan,
            others: self.others(row),
            ask: self.ask(row),
            seen: 0,
            mark,
            today,
            state,
        }
    }

    fn of_temporary(&self, who: &Who) -> Option<Card> {
        let Subject::Temporary(id) = &who.subject else {
            return None;
        };
        let view = downtime::view::lay_over(&who.subject, None, self.day, self.visit.state.now);
        let strip = view.strip();
        let t = self.day.temporary(id)?;
        let provisional = booked::of(self.visit, self.index, self.day, self.today, &who.subject);
        let received: Vec<_> = self
            .day
            .receptions_on(&who.subject, self.visit.state.now)
            .map(|(_, check_in)| (check_in.department.clone(), check_in.booked_at))
            .collect();
        let open = provisional.iter().filter(|booked| {
            let a = &booked.appointment;
            !received.contains(&(a.department.clone(), a.at))
        });
        let bookings = open
            .map(|booked| (booked.entry.id.hex(), booked.words(self.visit)))
            .collect();
        Some(Card {
            who: who.handle.clone(),
            kana: strip.kana,
            name: strip.name,
            flag: Some(self.w["temporary"].to_owned()),
            gaiji: strip.gaiji,
            birth: say::birth(self.w, t.birth),
            birth_short: say::birth_short(self.w, t.birth),
            age: match t.birth {
                Some(_) => say::age(self.w, t.birth, self.today),
                None => strip.age,
            },
            sex: say::sex(self.w, t.sex).to_owned(),
            sex_short: say::sex_short(self.w, t.sex).to_owned(),
            id: strip.id,
            mark: if provisional.is_empty() { "−" } else { "○" },
            today: provisional
                .first()
                .map_or_else(|| self.w["no-booking"].to_owned(), |booked| booked.words(self.visit)),
            plan: std::iter::once(t.reason.clone())
                .chain(provisional.iter().map(|booked| booked.words(self.visit)))
                .collect(),
            state: CardState::Free(Free { bookings }),
            ..Card::default()
        })
    }

    fn booking(&self, slot: &Slot) -> String {
        let doctor = self.index.doctor(slot).label();
        let department = self.index.department(slot).label();
        let doctor = if doctor.is_empty() {
            String::new()
        } else {
            format!("（{doctor}）")
        };
        // On a day after the snapshot's, nothing but this booking was fetched.
        let thin = self.index.day().is_some_and(|made_for| Some(made_for) != slot.day());
        let from = if thin { &self.w["from-thin-list"] } else { "" };
        format!("{} {department}{doctor} {from}", slot.time_text())
            .trim_end()
            .to_owned()
    }

    fn plan(&self, slots: &[&Slot]) -> Vec<String> {
        if slots.is_empty() {
            return vec![self.w["no-booking"].to_owned()];
        }
        let mut lines: Vec<String> = slots.iter().map(|slot| self.booking(slot)).collect();
        if let Some(exams) = slots
            .iter()
            .map(|slot| self.index.exams(slot))
            .find(|exams| !exams.is_empty())
        {
            lines.push(exams.to_owned());
        }
        lines
    }

    fn ask(&self, row: Row<'_>) -> Ask {
        if row.alike().strongest().is_none() {
            return Ask::Nothing;
        }
        // Everybody of the day is compared, not only those whom the card has room for.
        match &self.roll {
            Some(roll) if !roll.has_double(row) => Ask::Day,
            _ => Ask::Number,
        }
    }

    /// Who else answers to this name: identity in one line each, so that the difference is seen.
    fn others(&self, row: Row<'_>) -> Vec<String> {
        let line = |other: &Row<'_>| {
            let id = other.id().map(|id| id.shown()).unwrap_or_default();
            let birth = say::birth_short(self.w, other.birth());
            let sex = say::sex_short(self.w, other.sex());
            format!(
                "{}　{birth}　{sex}　{id}",
                Name::new(other.written(), other.kana()).shown()
            )
        };
        self.namesakes(row).iter().map(line).collect()
    }

    /// Others in today's universe with the same name or the same reading; those born on the same date first.
    fn namesakes(&self, row: Row<'_>) -> Vec<Row<'a>> {
        let Some(roll) = &self.roll else {
            return Vec::new();
        };
        let others = roll.namesakes(row);
        let mut others: Vec<Row<'a>> = others.into_iter().filter_map(|other| self.index.row(other)).collect();
        others.sort_by_key(|other| other.birth() != row.birth());
        others.truncate(OTHERS);
        others
    }

    /// Departments for choosing: code and name.
    #[must_use]
    pub fn departments(&self) -> Vec<(String, String)> {
        self.index
            .departments()
            .iter()
            .map(|d| (d.code.clone(), d.label().to_owned()))
            .collect()
    }

    /// 受付済 12人／予約 612人.
    #[must_use]
    pub fn counts(&self) -> String {
        let booked = self.roll.as_ref().map_or(0, |roll| roll.people);
        self.w.with(
            "reception-counts",
            &[
                ("here", self.day.checked_in(self.visit.state.now).into()),
                ("booked", booked.into()),
            ],
        )
    }
}

/// The mark and word of where somebody is.
#[must_use]
pub fn progress(w: &Words, progress: Progress) -> (&'static str, &str) {
    match progress {
        Progress::Expected => ("○", &w["progress-expected"]),
        Progress::CheckedIn => ("●", &w["progress-checked-in"]),
        Progress::Seen => ("◎", &w["progress-seen"]),
    }
}
