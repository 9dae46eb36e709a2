//! One patient while the rows of files come in: which row says what.
//!
//! What becomes of it is decided in `gather`, the same for every source.

use chart::DataKind;

use super::cell::Row;
use super::feed::Feed;
use super::plan::Plan;
use super::split::Columns;
use super::take::Take;
use crate::sources::gather::{self, Frame, Ledger, Person, Sink};

/// A head row kept while its patient's details are read.
#[derive(Debug)]
pub struct HeadRow {
    /// The entry of the head file.
    pub entry: usize,
    /// What joins it to its details.
    pub key: String,
    /// The row.
    pub text: String,
    /// Its columns.
    pub columns: Columns,
}

/// One patient in the making.
#[derive(Debug, Default)]
pub struct Draft {
    /// What the rows said.
    pub said: gather::Draft,
    /// Head rows of this patient.
    pub heads: Vec<HeadRow>,
}

impl Draft {
    /// Takes one row of a file; true when it became a fact.
    pub fn row(
        &mut self,
        feed: &Feed,
        row: &Row<'_>,
        line: u64,
        person: &Person,
        frame: &Frame,
        ledger: &mut Ledger,
    ) -> bool {
        let mut findings = std::mem::take(&mut self.said.findings);
        let mut sink = Sink {
            ledger,
            chart: &mut findings,
            file: &feed.sheet.name,
            line,
            patient: person.key.as_str(),
        };
        let mut used = false;
        if feed.each.is_empty() {
            used = self.fact(feed, row, person, frame, &mut sink);
        } else {
            for at in &feed.each {
                used |= self.fact(feed, &row.for_each(*at), person, frame, &mut sink);
            }
        }
        self.said.findings = findings;
        used
    }

    fn fact(&mut self, feed: &Feed, row: &Row<'_>, person: &Person, frame: &Frame, sink: &mut Sink<'_>) -> bool {
        let mut take = Take {
            row,
            sink,
            day: frame.day,
        };
        match &feed.plan {
            Plan::Patient(plan) => {
                let Some(id) = person.key.id() else { return false };
                let patient = plan.read(&id, &mut take);
                self.said.add_patient(feed.entry, patient, sink);
                true
            }
            Plan::Appointment(plan) => {
                let on = take.date(plan.on.as_ref()).or(feed.names_the_day.then_some(frame.day));
                let identity = plan.identity.read(&mut take);
                let appointment = on.map(|on| plan.read(on, &mut take));
                self.said
                    .add_appointment(appointment, identity, feed.names_the_day, frame, sink)
            }
            Plan::Order(plan) => {
                let Some(order) = plan.read(&mut take) else {
                    return false;
                };
                self.said.add_order(order, frame)
            }
            Plan::Diagnosis(plan) => push(&mut self.said.diagnoses, plan.read(&mut take)),
            Plan::Note(plan) => push(&mut self.said.notes, plan.read(&mut take)),
            Plan::Prescription(plan) => push(&mut self.said.drugs, plan.read(&mut take)),
            Plan::Result(plan) => push(&mut self.said.results, plan.read(&mut take)),
            Plan::Profile(plan) => push(&mut self.said.facts, plan.read(&mut take)),
            Plan::Insurance(plan) => {
                let row = plan.read(&mut take);
                if row.unsure {
                    // A row of which something that decides cannot be read is not shown as if it were whole.
                    self.said.lost.insert(DataKind::Insurance);
                }
                push(&mut self.said.insurances, row.coverage)
            }
            Plan::Allergy(plan) => {
                let row = plan.read(&mut take);
                self.said.add_allergy(row);
                true
            }
            Plan::Stay(plan) => {
                let stay = plan.read(&mut take);
                self.said.stay.add(stay, sink)
            }
            Plan::Schedule(plan) => push(&mut self.said.stay.schedule, plan.read(&mut take)),
            Plan::Vital(plan) => push(&mut self.said.stay.vitals, plan.read(&mut take)),
            Plan::Handover(plan) => push(&mut self.said.stay.handovers, plan.read(&mut take)),
            Plan::Head | Plan::Bed(_) => false,
        }
    }
}

fn push<T>(list: &mut Vec<T>, found: Option<T>) -> bool {
    let there = found.is_some();
    list.extend(found);
    there
}
