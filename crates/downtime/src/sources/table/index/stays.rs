//! Rows of stays in the first pass: who lies where, and which beds are somebody's.

use chart::stay::Bed;

use super::{Feed, Index, Key, Ledger, Plan, RawRow, Reach, Row, Split, Take, silent};

impl Index<'_> {
    /// A row of the inpatients or of the beds: whoever lies in a bed is wanted whole, and a bed without anybody is empty.
    pub(super) fn stay(&mut self, feed: &mut Feed, raw: &RawRow<'_>) {
        let (text, _) = feed.sheet.charset.decode(raw.bytes, &mut self.room);
        let marks = feed.sheet.marks;
        let whole = self.columns.split(text, marks.delimiter, marks.quote) != Split::Broken;
        let row = Row::plain(text, &self.columns);
        let (mut scratch, mut unseen) = (Ledger::default(), Vec::new());
        let mut sink = silent(&mut scratch, &mut unseen);
        if whole && !feed.sieve.takes(&row) {
            feed.tally.sieved += 1;
            return;
        }
        let id = feed.id_text(&row, &mut sink);
        let (row, sink, day) = (&row, &mut sink, self.day);
        let mut take = Take { row, sink, day };
        let (bed, over) = match &feed.plan {
            Plan::Stay(plan) if whole => (plan.place.read(&mut take), plan.is_over(&mut take)),
            Plan::Bed(plan) if whole => (plan.read(&mut take), false),
            _ => (Bed::default(), false),
        };
        let is_bed = matches!(feed.plan, Plan::Bed(_));
        if is_bed || id.trim().is_empty() {
            let somewhere = !bed.room.is_empty() || !bed.bed.is_empty();
            if !bed.ward.is_empty() && somewhere && self.wards.bed(bed, is_bed) {
                feed.tally.used += 1;
            } else {
                self.no_id(feed, raw.line, &id);
            }
            return;
        }
        let Some(key) = Key::of_text(&id) else {
            self.no_id(feed, raw.line, &id);
            return;
        };
        let Some(person) = self.people.enter(key) else { return };
        if over {
            feed.tally.elsewhere += 1;
            return;
        }
        self.wards.lies(person, bed);
        self.people.want(person, Reach::Full);
        feed.note_row(person, raw.offset, raw.length, raw.line);
    }
}
