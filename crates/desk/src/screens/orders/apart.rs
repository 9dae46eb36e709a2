//! Ticks on S15 that are to be done at a time of their own: 採血は来院時、レントゲンは診察後.
//!
//! Half a time, or one for something that is not ticked, is refused: it would be lost without a word.

use chart::order::MAX_NAME;

use super::typed::Typed;
use crate::visit::Visit;

/// Ticks on the page that are to be done at a time of their own.
pub(super) const APART: usize = 3;

/// One tick with a time of its own.
pub(super) struct Apart<'t> {
    pub(super) n: usize,
    /// As [`Typed::apart`] names what is ticked.
    pub(super) of: &'t str,
    pub(super) when: &'t str,
}

/// How a tick is named where it has a time of its own: the EHR's orders apart from the list's.
pub(super) fn apart_key(of_ehr: bool, value: &str) -> String {
    format!("{}:{value}", if of_ehr { "ehr" } else { "tick" })
}

impl Typed {
    pub(super) fn apart(&self) -> Vec<Apart<'_>> {
        (0..APART)
            .map(|n| Apart {
                n,
                of: self.one(&format!("apart-{n}")),
                when: self.one(&format!("apart-when-{n}")),
            })
            .collect()
    }

    /// When something ticked is to be done: at its own time, else at that of the sheet; empty where nobody said.
    pub(super) fn when_of(&self, key: &str) -> String {
        let apart = self.apart();
        let own = apart.iter().find(|one| one.of == key && !one.when.is_empty());
        let when = own.map_or_else(|| self.one("when"), |one| one.when);
        when.chars().take(MAX_NAME).collect()
    }

    /// A time of its own for what is not ticked, or half of one, would be lost without a word.
    pub(super) fn check_apart(&self, visit: &Visit, problems: &mut Vec<String>) {
        let ehr = self.all("ehr").into_iter().map(|key| apart_key(true, key));
        let lists = [self.all("tick"), self.all("row")].concat();
        let ticked: Vec<String> = ehr
            .chain(lists.into_iter().map(|name| apart_key(false, name)))
            .collect();
        for one in self
            .apart()
            .iter()
            .filter(|one| !(one.of.is_empty() && one.when.is_empty()))
        {
            if one.when.is_empty() || !ticked.iter().any(|key| key == one.of) {
                let name = one.of.split_once(':').map_or("", |(_, name)| name);
                let name = if name.is_empty() { one.when } else { name };
                problems.push(visit.w().with("orders-apart-wrong", &[("name", name.into())]));
            }
        }
        let keys: Vec<&str> = self
            .apart()
            .iter()
            .map(|one| one.of)
            .filter(|of| !of.is_empty())
            .collect();
        if (1..keys.len()).any(|n| keys.iter().take(n).any(|key| Some(key) == keys.get(n))) {
            problems.push(visit.w()["orders-apart-twice"].to_owned());
        }
    }
}

/// Nothing where nobody said when.
pub(super) fn said(when: String) -> Option<String> {
    Some(when).filter(|when| !when.is_empty())
}
