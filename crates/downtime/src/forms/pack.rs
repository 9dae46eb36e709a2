//! The morning's paper of one department: the list, then a chart sheet for every booked patient.
//!
//! Sheet numbers of a pack follow from the snapshot, not from a journal: the same pack printed twice carries the same
//! numbers, and no station's range is touched. Nodes 80–83 are lists, 90–94 chart sheets; 84 and 95–99 are those of wards.

use std::ops::RangeInclusive;

use chart::{FormId, Sheet, Subject};
use jiff::civil::Date;

use super::{Issue, ListRow, Visit, department_list, patient_sheet};
use crate::index::Slot;
use crate::shelf::{OpenFault, Opened};
use crate::view::{Day, lay_over};

/// The nodes of all numbers of packs, those of wards among them.
pub const PACK_NODES: [RangeInclusive<u8>; 2] = [80..=84, 90..=99];

/// First node and how many.
const LISTS: (u8, usize) = (80, 4);
const CHARTS: (u8, usize) = (90, 5);

/// One department of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// Code and name.
    pub department: chart::Coded,
    /// Its appointments of the day, by time.
    pub slots: Vec<Slot>,
    /// Where its first appointment stands among all of the day; sheet numbers follow from it.
    first: usize,
}

/// Departments with appointments on a day.
#[must_use]
pub fn departments(opened: &Opened, day: Date) -> Vec<Department> {
    let index = opened.index();
    let mut out: Vec<Department> = Vec::new();
    for (place, slot) in index.slots_on(day).iter().enumerate() {
        let department = index.department(slot);
        match out.last_mut() {
            Some(last) if last.department == *department => last.slots.push(*slot),
            _ => out.push(Department {
                department: department.clone(),
                slots: vec![*slot],
                first: place,
            }),
        }
    }
    out
}

/// The sheets of one department: F13, then F02 for everybody on it, each only once. A chart that cannot be opened is
/// left out and given back, so that people hear of it; the list still names the patient.
pub fn pack_sheets<'a>(
    opened: &'a Opened,
    department: &'a Department,
    number: usize,
    day: Date,
    issue: &'a Issue,
    damaged: &'a mut Vec<(String, OpenFault)>,
) -> impl Iterator<Item = Sheet> + Send + 'a {
    let rows: Vec<ListRow<'_>> = department.slots.iter().map(|slot| ListRow { slot, memo: "" }).collect();
    let list_issue = Issue {
        form_id: pack_number(day, LISTS, number),
        ..issue.clone()
    };
    let list = department_list(opened.index(), department.department.label(), day, &rows, &list_issue);
    let mut seen = std::collections::HashSet::new();
    let visit = Visit {
        day,
        department: Some(&department.department),
    };
    let slots = department.slots.iter().zip(department.first..);
    let charts = slots
        .filter(move |(slot, _)| seen.insert(slot.row))
        .filter_map(move |(slot, place)| {
            chart_sheet(opened, slot, place, &visit, issue)
                .map_err(|fault| {
                    let id = opened
                        .index()
                        .row(slot.row)
                        .map(|r| r.id_text().to_owned())
                        .unwrap_or_default();
                    damaged.push((id, fault));
                })
                .ok()
        });
    std::iter::once(list).chain(charts)
}

fn chart_sheet(
    opened: &Opened,
    slot: &Slot,
    place: usize,
    visit: &Visit<'_>,
    issue: &Issue,
) -> Result<Sheet, OpenFault> {
    let chart = opened.chart(slot.row)?;
    let form_id = pack_number(visit.day, CHARTS, place);
    let issue = Issue {
        form_id,
        as_of: chart.as_of.clone(),
        ..issue.clone()
    };
    let subject = Subject::Patient(chart.patient.id.clone());
    // Ages are those of the day of the pack, whenever it is printed.
    let moment = chart::Moment::from_local(visit.day.at(0, 0, 0, 0));
    let mut view = lay_over(&subject, Some(std::sync::Arc::new(chart)), &Day::default(), moment);
    if let Some(row) = opened.index().row(slot.row) {
        view.flags = Some(row.alike().label())
            .filter(|label| !label.is_empty())
            .into_iter()
            .collect();
    }
    Ok(patient_sheet("F02", &view, visit, &issue))
}

fn pack_number(day: Date, (first, nodes): (u8, usize), place: usize) -> Option<FormId> {
    let each = FormId::MAX_SEQUENCE as usize;
    let node = u8::try_from(place / each).ok()?.checked_add(first)?;
    FormId::issue(day, node, u32::try_from(place % each).ok()? + 1).filter(|_| place / each < nodes)
}
