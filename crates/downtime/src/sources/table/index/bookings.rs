//! Rows of appointments in the first pass: who is wanted, and how much of them.
//!
//! What an appointment is about is read in the second pass; here its row is decoded only where it must be.

use chart::{Finding, Severity};

use super::{DaysElsewhere, Feed, Index, Key, Ledger, Plan, RawRow, Reach, Row, Split, Take, silent};
use crate::sources::table::marks::Unit;

/// The columns of an appointment list that the first pass looks at, rising.
pub(super) fn looked_at(feed: &Feed) -> Vec<usize> {
    let mut places = Vec::new();
    if let Plan::Appointment(plan) = &feed.plan {
        for cell in plan.on.iter().chain(&feed.id) {
            cell.places(&mut places);
        }
        feed.sieve.places(&mut places);
    }
    places.sort_unstable();
    places.dedup();
    places
}

impl Index<'_> {
    /// A row of an appointment list: who is expected, and when. Only the number, the day and what the sieve asks for are read of it.
    pub(super) fn appointment(&mut self, feed: &mut Feed, raw: &RawRow<'_>) {
        let (marks, mut room) = (feed.sheet.marks, std::mem::take(&mut self.room));
        let picked = marks.unit == Unit::Byte
            && self
                .columns
                .pick(raw.bytes, marks.delimiter, marks.quote, &self.looked_at, &mut room)
            && feed
                .sheet
                .columns
                .is_none_or(|(fewest, _)| self.columns.count() == fewest);
        if picked {
            self.expected(feed, raw, &room, Split::Row(raw.bytes.len()));
        } else {
            let (text, _) = feed.sheet.charset.decode(raw.bytes, &mut room);
            let split = self.columns.split(text, marks.delimiter, marks.quote);
            self.expected(feed, raw, text, split);
        }
        self.room = room;
    }

    /// The row as far as it is looked at, taken apart into the columns of this index.
    fn expected(&mut self, feed: &mut Feed, raw: &RawRow<'_>, text: &str, split: Split) {
        let fits = feed.sheet.columns.is_none_or(|(fewest, _)| {
            self.columns.count() == fewest || (self.columns.count() > fewest && self.columns.empty_from(fewest))
        });
        let row = Row::plain(text, &self.columns);
        let (mut scratch, mut unseen) = (Ledger::default(), Vec::new());
        let mut sink = silent(&mut scratch, &mut unseen);
        let whole = split != Split::Broken && fits;
        if whole && !feed.sieve.takes(&row) {
            feed.tally.sieved += 1;
            return;
        }
        let id = feed.id_text(&row, &mut sink);
        // A broken row or an unreadable day still says that this patient is expected; the day is then the file's own, or open.
        // Findings about the day are told when the row is read for the chart, not here.
        let on = match &feed.plan {
            Plan::Appointment(plan) if whole => {
                let (row, sink, day) = (&row, &mut sink, self.day);
                Take { row, sink, day }.date(plan.on.as_ref())
            }
            _ => None,
        };
        let Some(key) = Key::of_text(&id) else {
            self.no_id(feed, raw.line, &id);
            return;
        };
        let Some(person) = self.people.enter(key) else { return };
        let reach = match on {
            None => Reach::Full,
            Some(on) if on == self.day => Reach::Full,
            Some(on) if on > self.day && on <= self.last_day => Reach::Thin,
            Some(on) => {
                feed.tally.elsewhere += 1;
                if on < self.day {
                    self.days_elsewhere.past += 1;
                } else {
                    self.days_elsewhere.far += 1;
                }
                return;
            }
        };
        self.people.want(person, reach);
        feed.note_row(person, raw.offset, raw.length, raw.line);
    }

    /// Tells how many appointments lie on days that are not asked for.
    pub(super) fn tell_days(&mut self, feed: &Feed) {
        let DaysElsewhere { past, far } = self.days_elsewhere;
        let name = &feed.sheet.name;
        if past > 0 {
            let message = format!(
                "対象日（{}）より前の予約が{past}件あり、取り出しませんでした。",
                chart::date::iso(self.day)
            );
            let severity = if feed.names_the_day {
                Severity::Severe
            } else {
                Severity::Note
            };
            self.ledger
                .add(Finding::new("appointment.past", severity, message).at(name, 0));
        }
        if far > 0 {
            let message = format!(
                "{}より後の予約が{far}件あり、取り出しませんでした。",
                chart::date::iso(self.last_day)
            );
            self.ledger
                .add(Finding::new("appointment.far", Severity::Note, message).at(name, 0));
        }
    }
}
