//! Two numbers of one patient (A40 and its kin): what the old number's messages said is shown under the surviving one, apart.
//!
//! Nothing is laid into the surviving chart's own lists: a merge may be a mistake, and a list of two people's medicines looks like one
//! person's. Each line names the old number. Both charts stay, each says so, and each is found by the other's number. Beds, appointments
//! and insurances stay under the number under which they were said: in lists nobody may stand twice.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use chart::patient::Fact;
use chart::{PatientId, Severity};
use jiff::ToSpan;

use super::{Saying, Told};
use crate::sources::gather::{About, AllergySaid};

/// Most lines of one kind that are shown of an old number; what is beyond is said.
const MAX_LINES: usize = 20;
/// Most numbers of one patient that are followed.
const MAX_CHAIN: usize = 50;

/// Everybody of a feed.
pub type Everybody = BTreeMap<PatientId, Told>;

/// Every number that was merged into this one, through others, too; the nearer first.
#[must_use]
pub fn old_numbers(id: &PatientId, everybody: &Everybody) -> Vec<PatientId> {
    let mut known = BTreeSet::from([id.clone()]);
    let mut found = vec![id.clone()];
    let mut next = 0;
    while let Some(told) = found.get(next).map(|id| everybody.get(id)) {
        next += 1;
        for old in told
            .into_iter()
            .flat_map(Told::predecessors)
            .filter_map(PatientId::parse)
        {
            // Numbers that are merged in a circle are each other's old numbers, and none its own.
            if found.len() <= MAX_CHAIN && known.insert(old.clone()) {
                found.push(old);
            }
        }
    }
    found.remove(0);
    found
}

/// The number under which this one goes on, at the end of the chain.
#[must_use]
pub fn surviving(id: &PatientId, everybody: &Everybody) -> Option<PatientId> {
    let mut now = id.clone();
    for _ in 0..MAX_CHAIN {
        let next = everybody.get(&now).and_then(Told::successor).and_then(PatientId::parse);
        match next {
            Some(next) if next == *id => return None,
            Some(next) => now = next,
            None => break,
        }
    }
    (now != *id).then_some(now)
}

/// What old numbers have to say under the surviving one.
#[derive(Debug, Default)]
pub struct Heritage {
    facts: Vec<Fact>,
    avoided: Vec<AllergySaid>,
    told: Vec<(String, String)>,
}

impl Heritage {
    /// Of these old numbers.
    #[must_use]
    pub fn of(olds: &[PatientId], everybody: &Everybody, saying: &Saying<'_>) -> Self {
        let mut heritage = Self::default();
        for old in olds {
            match everybody.get(old) {
                Some(told) => heritage.take(old.as_str(), told, saying),
                None => heritage.told.push((old.as_str().to_owned(), String::new())),
            }
        }
        heritage
    }

    fn take(&mut self, old: &str, told: &Told, saying: &Saying<'_>) {
        let oldest = saying.day.saturating_sub(i64::from(saying.medicine_days).days());
        let in_bed = told.is_in_bed(saying.now);
        let drugs = told
            .orders
            .prescribed(in_bed, oldest, saying.names)
            .into_iter()
            .map(|(drug, ..)| {
                let item = &drug.item;
                let parts = [
                    item.drug.name.clone(),
                    item.dose_text(),
                    item.usage_text(),
                    item.supply_text(),
                    item.comment.clone(),
                ];
                (drug.on, joined(&parts))
            });
        let problems = told.problems.said(saying.day);
        let hidden = problems.iter().filter(|(problem, ..)| problem.uninformed).count();
        let problems = problems
            .into_iter()
            .map(|(problem, ..)| problem)
            .filter(|problem| !problem.uninformed);
        let results = told.results.results().map(|(result, ..)| (result.on, result.text()));
        let mut counted = Vec::new();
        for (word, lines) in [
            ("処方", drugs.collect::<Vec<_>>()),
            (
                "病名",
                problems.map(|problem| (problem.since, problem.text())).collect(),
            ),
            ("検査結果", results.collect()),
        ] {
            counted.extend(self.add(old, word, lines));
        }
        let facts = told.person.facts.iter().filter_map(|(_, said)| said.what.as_ref());
        self.facts.extend(facts.take(MAX_LINES).map(|fact| Fact {
            label: format!("{}（旧番号 {old}）", fact.label),
            ..fact.clone()
        }));
        let avoided = told.avoided();
        if !avoided.is_empty() {
            counted.insert(0, format!("アレルギー{}件", avoided.len()));
        }
        if hidden > 0 {
            counted.push(format!("ほかに古い番号のカルテだけにある病名{hidden}件"));
        }
        self.avoided.extend(avoided.into_iter().map(|said| marked(said, old)));
        self.told.push((old.to_owned(), counted.join("、")));
    }

    /// Lines of one kind, the newest first; what to say about them.
    fn add(&mut self, old: &str, word: &str, mut lines: Vec<(Option<jiff::civil::Date>, String)>) -> Option<String> {
        lines.sort_by_key(|(on, _)| Reverse(*on));
        let all = lines.len();
        self.facts
            .extend(lines.into_iter().take(MAX_LINES).map(|(on, value)| Fact {
                label: format!("旧番号 {old} の{word}"),
                value,
                on,
            }));
        match all {
            0 => None,
            1..=MAX_LINES => Some(format!("{word}{all}件")),
            _ => Some(format!("{word}{all}件のうち新しい{MAX_LINES}件")),
        }
    }

    /// Says it, and that it is of another number.
    pub fn say(self, about: &mut About<'_>) {
        for (old, counted) in &self.told {
            let shown = if counted.is_empty() {
                "古い番号で受け取った記録はありません。".to_owned()
            } else {
                format!("古い番号の記録（{counted}）は「旧番号」と付けて、この番号のカルテにも出しています。")
            };
            let message = format!(
                "電子カルテで患者番号 {old} がこの番号に統合されました。{shown}同じ人の記録か、本人に確かめてください。古い番号のカルテも残っています。"
            );
            about.tell("id.merged", Severity::Warning, "", "MRG-1", message);
            about.draft.facts.push(Fact {
                label: "旧患者番号".to_owned(),
                value: old.clone(),
                on: None,
            });
        }
        about.draft.facts.extend(self.facts);
        for said in self.avoided {
            about.draft.add_allergy(said);
        }
    }
}

/// An allergy with the number under which it was said.
fn marked(said: AllergySaid, old: &str) -> AllergySaid {
    match said {
        AllergySaid::Present(mut allergy) => {
            allergy.reaction = joined(&[allergy.reaction, format!("旧番号 {old} の記録")]);
            AllergySaid::Present(allergy)
        }
        other => other,
    }
}

fn joined(parts: &[String]) -> String {
    let parts: Vec<&str> = parts
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(" ")
}
