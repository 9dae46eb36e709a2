//! Which numbers the entries have used, kept up with every entry: whoever issues one must not search a day for the last.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chart::{Act, Entry, FormId, StationCode};

use crate::identity::ranges::Block;

/// The largest sequences a station has used so far in its ranges; 0 when none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// Of reception numbers `A-127`.
    pub reception: u32,
    /// Of sheets and visits on the day.
    pub sheet: u32,
    /// Of temporary patients.
    pub temporary: u32,
}

/// The sequences of every range.
#[derive(Debug, Default)]
pub(super) struct UsedNumbers {
    /// By what stands before the number: two stations never have the same.
    receptions: BTreeMap<String, u32>,
    temporary: BTreeSet<(StationCode, u32)>,
    /// The largest of each ten, by node, the digits of the day, and the ten: stations share a node, and their ranges begin and end at tens.
    sheets: BTreeMap<(u8, u32, u32), u32>,
}

/// How finely sheets are kept: the bounds of [`Block`] are multiples of it.
const TEN: u32 = 10;

impl UsedNumbers {
    pub(super) fn learn(&mut self, entry: &Entry) {
        match &entry.act {
            Act::CheckedIn(check_in) => {
                self.learn_sheet(&check_in.visit);
                let number = check_in.number.rsplit_once('-');
                if let Some((label, number)) = number.and_then(|(label, n)| Some((label, n.parse().ok()?))) {
                    raise(self.receptions.entry(label.to_owned()).or_default(), number);
                }
            }
            Act::Printed { form_id, .. } => self.learn_sheet(form_id),
            Act::Prescribed(prescribed) => self.learn_sheet(&prescribed.sheet),
            Act::Ordered(ordered) => self.learn_sheet(&ordered.sheet),
            Act::PaymentDeferred(payment) => self.learn_sheet(&payment.sheet),
            Act::TemporaryRegistered(temporary) => {
                self.temporary.insert((entry.station, temporary.id.sequence()));
            }
            _ => {}
        }
    }

    fn learn_sheet(&mut self, id: &FormId) {
        let sequence = id.sequence();
        let ten = (id.node(), digits(id.day_part()), sequence / TEN);
        raise(self.sheets.entry(ten).or_default(), sequence);
    }

    pub(super) fn of(
        &self,
        station: StationCode,
        label: &str,
        block: &Block,
        day_part: &str,
        temporaries: Range<u32>,
    ) -> Used {
        let (node, day, sheets) = (block.node(), digits(day_part), block.sheets());
        // Blank sheets are numbered from the top of the same block, by the register that is written when they are printed.
        let tens = (node, day, sheets.start / TEN)..(node, day, sheets.end / TEN);
        let temporary = self
            .temporary
            .range((station, temporaries.start)..(station, temporaries.end));
        Used {
            reception: self.receptions.get(label).copied().unwrap_or(0),
            sheet: self.sheets.range(tens).next_back().map_or(0, |(_, largest)| *largest),
            temporary: temporary.last().map_or(0, |(_, largest)| *largest),
        }
    }
}

/// The day of a sheet's number is five digits.
fn digits(day_part: &str) -> u32 {
    day_part.parse().unwrap_or(0)
}

fn raise(largest: &mut u32, to: u32) {
    *largest = (*largest).max(to);
}
