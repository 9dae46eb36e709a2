//! Where an entry is, in words: saved here, elsewhere too, in the EHR. Never more is claimed than signatures and entries prove.

use downtime::view::{Day, Recorded};

use crate::visit::Visit;

/// ●○○ ●●○ ●●● with its words. In the EHR is what a person has marked as entered there: nothing writes back by itself.
#[must_use]
pub fn level(visit: &Visit, day: &Day, recorded: &Recorded) -> String {
    let w = visit.w();
    if day.entered_by(&recorded.id).is_some() {
        return w["level-ehr"].to_owned();
    }
    let replica = visit.site.station().replica();
    match replica.kept(&recorded.order, &recorded.id.0).elsewhere {
        0 => w["level-here"].to_owned(),
        others => w.with("level-elsewhere", &[("n", (others + 1).into())]),
    }
}

/// What is only on this station, for who leaves it; `None` when others hold everything.
#[must_use]
pub fn only_here(visit: &Visit) -> Option<String> {
    let unsent = visit.state.unsent;
    (unsent > 0).then(|| visit.w().with("level-only-here", &[("n", unsent.into())]))
}
