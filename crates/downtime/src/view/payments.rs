//! 会計: who is here and not settled yet, and every payment that was put off and still stands.
//!
//! A payment belongs to the day on which it was recorded. Not here: prices, and who paid since.

use std::sync::Arc;

use chart::entry::{CheckIn, PaymentDeferred};
use chart::{Act, Moment, Subject};

use super::{Day, Recorded};

impl Day {
    /// Payments put off that hold, of all days, earliest first.
    pub fn payments(&self) -> impl DoubleEndedIterator<Item = (Arc<Recorded>, PaymentDeferred)> {
        let standing: Vec<_> = self
            .deferred
            .iter()
            .copied()
            .filter(|place| self.stands(*place))
            .collect();
        standing
            .into_iter()
            .filter_map(|place| self.store.get(place))
            .filter_map(payment)
    }

    /// Payments of one subject that hold, earliest first.
    pub fn payments_of(&self, subject: &Subject) -> impl DoubleEndedIterator<Item = (Arc<Recorded>, PaymentDeferred)> {
        self.about(subject)
            .filter(|recorded| !self.is_undone(&recorded.id))
            .filter_map(payment)
    }

    /// 会計待ち: everybody received on the day of a moment whose last reception no payment follows, in the order of the receptions.
    #[must_use]
    pub fn unsettled(&self, on: Moment) -> Vec<(Arc<Recorded>, CheckIn)> {
        let mut waiting: Vec<_> = self
            .subjects()
            .iter()
            .filter_map(|subject| {
                let last = self.receptions_on(subject, on).next_back()?;
                let settled = self.payments_of(subject).any(|(paid, _)| paid.order > last.0.order);
                (!settled).then_some(last)
            })
            .collect();
        waiting.sort_by_key(|(recorded, _)| recorded.order);
        waiting
    }
}

fn payment(recorded: Arc<Recorded>) -> Option<(Arc<Recorded>, PaymentDeferred)> {
    let payment = match &recorded.entry.act {
        Act::PaymentDeferred(payment) => (**payment).clone(),
        _ => return None,
    };
    Some((recorded, payment))
}
