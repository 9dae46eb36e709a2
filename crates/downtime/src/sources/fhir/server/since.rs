//! Searches for what changed: the same question as before, with `_lastUpdated`, and a count of everything to see that nothing is missing.
//!
//! A search never says what was deleted, nor what no longer fits the question. So the server is asked how many there are in all; where
//! that is not how many are known, everything is fetched.

use std::collections::BTreeSet;

use chart::Moment;
use serde::Deserialize;

use super::kept::{Group, Kept, Living};
use super::line::Line;
use super::token::escaped;
use crate::sources::fhir::input::Piece;

/// Asked for again, in seconds: what was being changed while the last answer was made, and clocks of several machines.
const SLACK: i64 = 300;
/// After so many answers to one question everything is asked for again.
const MAX_ANSWERS: usize = 400;

/// What was asked before.
pub struct Past<'k> {
    groups: &'k [Group],
    transaction: Moment,
    since: Moment,
    living: Living,
}

impl<'k> Past<'k> {
    /// Of what was kept, if it was a search.
    #[must_use]
    pub fn of(kept: &'k Kept) -> Option<Self> {
        let groups = kept.searched.as_ref()?.groups.as_slice();
        let pieces: Vec<Piece> = groups.iter().flat_map(|group| group.pieces.iter().cloned()).collect();
        let living = Living::of(&pieces);
        // By the clock that dates resources, which need not be the one that dates answers.
        let from = living
            .newest()
            .map_or(kept.transaction, |newest| newest.min(kept.transaction));
        Some(Self {
            groups,
            transaction: kept.transaction,
            since: Moment(from.0 - SLACK),
            living,
        })
    }

    /// True when the server's clock goes on and it still has what it gave.
    pub fn holds(&self, line: &mut Line<'_>) -> bool {
        line.dated.is_some_and(|at| at >= self.transaction) && self.living.are_still_there(line).unwrap_or(false)
    }

    /// Of the question, what changed.
    #[must_use]
    pub fn changes(&self, query: &str) -> String {
        format!("{query}&_lastUpdated=ge{}", escaped(&self.since.iso()))
    }
}

/// The patients in portions: those of earlier questions while all of them are still wanted, the others in new ones.
#[must_use]
pub fn portions<'p>(
    past: Option<&'p Past<'_>>,
    name: &str,
    ids: &[String],
    most: usize,
) -> Vec<(Vec<String>, Option<&'p Group>)> {
    let mut left: BTreeSet<&String> = ids.iter().collect();
    let mut portions = Vec::new();
    let groups = past.iter().flat_map(|past| past.groups);
    for group in groups.filter(|group| group.name == name) {
        let wanted = group.ids.iter().all(|id| left.contains(id));
        if wanted && !group.ids.is_empty() && group.pieces.len() < MAX_ANSWERS {
            for id in &group.ids {
                left.remove(id);
            }
            portions.push((group.ids.clone(), Some(group)));
        }
    }
    let left: Vec<&String> = left.into_iter().collect();
    let rest = left.chunks(most);
    portions.extend(rest.map(|some| (some.iter().map(|id| (*id).clone()).collect(), None)));
    portions
}

/// How many the server says there are; `None` when it does not say.
pub fn total(line: &mut Line<'_>, query: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Bundle {
        total: Option<u64>,
    }
    let url = format!("{}/{query}&_summary=count", line.server.base);
    let answer = line.get(&url, "application/fhir+json", false, true).ok()?;
    serde_json::from_slice::<Bundle>(&answer.body).ok()?.total
}
