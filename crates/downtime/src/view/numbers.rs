//! Which numbers the entries have used, kept up with every entry: whoever issues one must not search a day for the last.

use std::collections::BTreeMap;

use chart::id::FIRST_BLANK;
use chart::{Act, Entry, FormId, StationCode};

/// The largest sequences a station has used so far; 0 when none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// Of reception numbers `A-127`.
    pub reception: u32,
    /// Of sheets and visits on the day.
    pub sheet: u32,
    /// Of temporary patients.
    pub temporary: u32,
}

/// The largest sequence of every range.
#[derive(Debug, Default)]
pub(super) struct UsedNumbers {
    receptions: BTreeMap<StationCode, u32>,
    temporary: BTreeMap<StationCode, u32>,
    /// By node and the digits of the day.
    sheets: BTreeMap<(u8, u32), u32>,
}

impl UsedNumbers {
    pub(super) fn learn(&mut self, entry: &Entry) {
        match &entry.act {
            Act::CheckedIn(check_in) => {
                self.learn_sheet(&check_in.visit);
                let number = check_in.number.rsplit('-').next().and_then(|n| n.parse().ok());
                raise(self.receptions.entry(entry.station).or_default(), number.unwrap_or(0));
            }
            Act::Printed { form_id, .. } => self.learn_sheet(form_id),
            Act::Prescribed(prescribed) => self.learn_sheet(&prescribed.sheet),
            Act::Ordered(ordered) => self.learn_sheet(&ordered.sheet),
            Act::PaymentDeferred(payment) => self.learn_sheet(&payment.sheet),
            Act::TemporaryRegistered(temporary) => {
                raise(
                    self.temporary.entry(entry.station).or_default(),
                    temporary.id.sequence(),
                );
            }
            _ => {}
        }
    }

    fn learn_sheet(&mut self, id: &FormId) {
        // Blank sheets are numbered from the top of the same range, by the register that is written when they are printed.
        if id.sequence() >= FIRST_BLANK {
            return;
        }
        let of_day = (id.node(), digits(id.day_part()));
        raise(self.sheets.entry(of_day).or_default(), id.sequence());
    }

    pub(super) fn of(&self, station: StationCode, node: u8, day_part: &str) -> Used {
        Used {
            reception: self.receptions.get(&station).copied().unwrap_or(0),
            sheet: self.sheets.get(&(node, digits(day_part))).copied().unwrap_or(0),
            temporary: self.temporary.get(&station).copied().unwrap_or(0),
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
