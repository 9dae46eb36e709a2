//! A station's hubs, of which any may die: whether one answers, what they say about the EHR, and the moment the line came back.
//!
//! The network counts as gone when no hub answers. What is believed about the EHR is the word of an answering hub that has seen
//! it last. Visits are the roof's; here is only what they showed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chart::Moment;

use super::Station;
use super::replica::Summary;
use crate::state::{Judgement, Rejoined, Watch};

/// Most hubs of one station.
pub const MAX_HUBS: usize = 8;

/// What was seen of the hubs.
#[derive(Debug)]
pub(super) struct Hubs {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    hubs: Vec<Hub>,
    /// Entries sent and received at the first visit after the line was gone, and when.
    rejoined: Option<Rejoined>,
    /// When another station, hub or not, was last spoken to.
    spoke: Option<Moment>,
}

#[derive(Debug, Clone, Default)]
struct Hub {
    watch: Watch,
    ehr: Watch,
    judged: Option<Judgement>,
}

impl Hubs {
    pub(super) fn new() -> Self {
        let inner = Inner {
            hubs: vec![Hub::default()],
            rejoined: None,
            spoke: None,
        };
        Self {
            inner: Mutex::new(inner),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The watch over all of them: the best of each.
    pub(super) fn watch(&self) -> Watch {
        best(self.inner().hubs.iter().map(|hub| hub.watch))
    }
}

impl Inner {
    fn hub(&mut self, number: usize) -> &mut Hub {
        let number = number.min(MAX_HUBS - 1);
        if self.hubs.len() <= number {
            self.hubs.resize_with(number + 1, Hub::default);
        }
        &mut self.hubs[number]
    }

    /// What the hubs that answer say about the EHR: who has seen it last.
    fn word(&self) -> Option<&Hub> {
        let answering = self.hubs.iter().filter(|hub| hub.watch.silent_since().is_none());
        answering.max_by_key(|hub| (hub.ehr.answered, hub.ehr.checked))
    }
}

/// One that answers counts before one that does not; of several silent ones the one that fell silent last.
fn best(watches: impl Iterator<Item = Watch>) -> Watch {
    let rank = |watch: &Watch| {
        let answers = watch.failures == 0 && watch.answered.is_some();
        (
            answers,
            watch.silent_since().is_none(),
            watch.answered,
            watch.failing_since,
        )
    };
    watches.max_by_key(rank).unwrap_or_default()
}

impl Station {
    /// This station visits so many hubs.
    pub fn expect_hubs(&self, count: usize) {
        if let Some(hubs) = &self.hub {
            hubs.inner().hub(count.saturating_sub(1));
        }
    }

    /// A visit to the only hub, or to the first, came back.
    pub fn observe_hub(&self, answered: bool) {
        self.observe_hub_number(0, answered);
    }

    /// A visit to a hub came back.
    pub fn observe_hub_number(&self, number: usize, answered: bool) {
        let now = self.now();
        if let Some(hubs) = &self.hub {
            let mut inner = hubs.inner();
            inner.hub(number).watch.observe(now, answered);
            if answered {
                inner.spoke = Some(now);
            }
        }
    }

    /// What a hub says about the EHR, with the visit at which it said so.
    pub fn hear_hub(&self, number: usize, ehr: Watch, judged: Option<Judgement>) {
        let Some(hubs) = &self.hub else { return };
        let word = {
            let mut inner = hubs.inner();
            let hub = inner.hub(number);
            (hub.ehr, hub.judged) = (ehr, judged);
            // It answers right now, whatever was seen before.
            let answering = hub.clone();
            let word = inner.word().filter(|word| word.ehr.answered > answering.ehr.answered);
            word.cloned().unwrap_or(answering)
        };
        self.adopt_ehr(word.ehr);
        self.adopt_judgement(word.judged);
    }

    /// Whether no hub has answered for so long that the network counts as gone; asked before a visit.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.hub
            .as_ref()
            .is_some_and(|hubs| hubs.watch().silent_since().is_some())
    }

    /// A whole exchange with a hub is done. `since` is when the line was lost, if it was when the visit began.
    pub fn note_exchange(&self, summary: Summary, since: Option<Moment>) {
        let now = self.now();
        let Some(hubs) = &self.hub else { return };
        let mut inner = hubs.inner();
        inner.spoke = Some(now);
        if let Some(since) = since {
            // Two hubs that come back together are one return: what the one took, the other may have got from it.
            let before = inner.rejoined.filter(|before| before.since == since);
            let (sent, received) = before.map_or((0, 0), |before| (before.sent, before.received));
            inner.rejoined = Some(Rejoined {
                at: now,
                since,
                sent: sent.max(summary.given),
                received: received + summary.taken,
            });
        }
    }

    /// Another station that is no hub was spoken to.
    pub fn note_peer(&self) {
        let now = self.now();
        if let Some(hubs) = &self.hub {
            hubs.inner().spoke = Some(now);
        }
    }

    /// What the last return of the line brought, for as long as it is news.
    pub(super) fn rejoined(&self, now: Moment) -> Option<Rejoined> {
        let rejoined = self.hub.as_ref()?.inner().rejoined?;
        rejoined.is_news(now).then_some(rejoined)
    }

    /// Until when this station knows what others wrote: `None` where it never spoke to anybody.
    pub(super) fn heard_until(&self) -> Option<Moment> {
        self.hub.as_ref()?.inner().spoke
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(outcomes: &[(i64, bool)]) -> Watch {
        let mut watch = Watch::default();
        outcomes
            .iter()
            .for_each(|(at, answered)| watch.observe(Moment(*at), *answered));
        watch
    }

    #[test]
    fn the_network_is_gone_when_no_hub_answers() {
        let dead = watch(&[(0, true), (5, false), (10, false), (15, false)]);
        let alive = watch(&[(14, true)]);
        assert_eq!(best([dead, alive].into_iter()), alive);
        let later = watch(&[(10, true), (20, false), (25, false), (30, false)]);
        assert_eq!(best([dead, later].into_iter()).silent_since(), Some(Moment(20)));
        let failing = watch(&[(10, true), (20, false)]);
        assert_eq!(best([dead, failing].into_iter()).silent_since(), None, "not yet");
        assert_eq!(
            best([dead, Watch::default()].into_iter()).silent_since(),
            None,
            "never asked"
        );
    }
}
