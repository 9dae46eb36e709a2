//! A blank sheet that was filed under the wrong person: somebody says whose it really is, and why.
//!
//! Two steps, as for the first word: the number and the reason, then, with both people and everything that was said before on the
//! screen, the tick that the paper was compared. What was said before stays readable and no longer holds. Where people who did not
//! know of one another said different things, the same steps say what holds; nothing is settled by itself.

use axum::Form;
use axum::response::{IntoResponse, Redirect, Response};
use chart::{EntryId, FormId, Subject};
use downtime::audit::Deed;
use downtime::scans::{Issued, Naming};
use serde::Deserialize;

use super::settle::{asked_about, keep_name, subject};
use super::{Paper, Said, about, page};
use crate::fault::Fault;
use crate::people::People;
use crate::reason::reason;
use crate::say;
use crate::visit::Visit;
use crate::who::Who;

/// Most named sheets listed at once, those in dispute first.
const MOST_NAMED: usize = 200;

/// A blank sheet of which somebody said whose it is.
pub(super) struct Named {
    pub number: String,
    pub form: String,
    pub department: String,
    /// Whose it is; several where people said different things.
    pub who: Vec<String>,
    pub lies: Vec<String>,
    pub history: Vec<Word>,
}

impl Named {
    pub(super) fn is_disputed(&self) -> bool {
        self.who.len() > 1
    }

    /// The first word alone is no history.
    pub(super) fn has_history(&self) -> bool {
        self.history.len() > 1
    }
}

/// One thing that was said about a sheet.
pub(super) struct Word {
    pub at: String,
    pub by: String,
    pub who: String,
    pub reason: String,
    pub replaced: bool,
}

/// Both people, before the tick.
pub(super) struct Mending {
    pub number: String,
    pub form: String,
    pub patient: String,
    pub reason: String,
    pub before: Vec<String>,
    pub after: String,
    pub history: Vec<Word>,
    /// What holds now, as the person saw it.
    pub seen_entries: String,
}

/// Every blank sheet that has a name, those in dispute first.
pub(super) fn all(visit: &Visit, paper: &Paper, whom: &dyn Fn(&Subject) -> String) -> Vec<Named> {
    let disputed = paper
        .balance
        .disputed
        .iter()
        .map(|(sheet, people)| (sheet, people.as_slice()));
    let named = paper.balance.named.iter();
    let named = named.map(|(sheet, subject)| (sheet, std::slice::from_ref(subject)));
    let both = disputed.chain(named).take(MOST_NAMED);
    both.map(|(sheet, people)| Named {
        number: sheet.form_id.to_string(),
        form: sheet.form.clone(),
        department: paper.register.department(sheet).to_owned(),
        who: people.iter().map(whom).collect(),
        lies: super::lies(visit.w(), paper.register.returned(sheet)),
        history: history(visit, paper, &sheet.form_id, whom),
    })
    .collect()
}

fn history(visit: &Visit, paper: &Paper, number: &FormId, whom: &dyn Fn(&Subject) -> String) -> Vec<Word> {
    let holding = paper.register.holding(number);
    let said = |naming: &Naming| Word {
        at: say::moment(visit.w(), naming.at, visit.state.now),
        by: format!("{} {}", naming.author, naming.station),
        who: whom(&naming.subject),
        reason: naming.reason.clone(),
        replaced: !holding.iter().any(|one| one.entry == naming.entry),
    };
    paper.register.namings(number).iter().map(said).collect()
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Typed {
    /// 帳票番号 of the blank sheet.
    number: String,
    /// The number of whose it really is.
    patient: String,
    /// Why.
    reason: String,
    /// What held when the person looked: another word in between must be seen first.
    holding: String,
    /// The person compared what the screen shows with the paper.
    seen: String,
}

/// Whose a blank sheet really is.
pub(super) async fn mend(visit: Visit, Form(typed): Form<Typed>) -> Result<Response, Fault> {
    let w = visit.w();
    let signed = visit.signed()?.clone();
    let _turn = visit.site.turn("returned").await;
    let refuse = |key: &str| page(&visit, Said::wrong(w[key].to_owned()));
    let (paper, number) = match asked_about(&visit, &typed.number)? {
        Ok(found) => found,
        Err(key) => return refuse(key),
    };
    let Some((sheet, before)) = found(&paper, &number) else {
        return refuse("returned-mend-gone");
    };
    let holding: Vec<EntryId> = paper.register.holding(&number).iter().map(|one| one.entry).collect();
    if holding.is_empty() {
        // Somebody's word is in the archive and could not be told: this one would stand beside it, not over it.
        return refuse("returned-mend-untold");
    }
    let why = reason(&typed.reason);
    if why.is_empty() {
        return refuse("returned-mend-reason");
    }
    let found = {
        let (index, day) = (signed.session.index(), signed.session.day());
        let people = People::new(&visit, &index, &day);
        let whom = |subject: &Subject| about(&visit, &people, &index, &day, subject);
        let who = subject(&typed.patient).and_then(|subject| Who::of(&visit, &index, &day, &subject));
        let named = who.and_then(|who| Some((people.identified(&who)?, who)));
        named.map(|(after, who)| {
            let shown = Mending {
                number: number.to_string(),
                form: sheet.form.clone(),
                patient: who.subject.number().to_owned(),
                reason: why.clone(),
                before: before.iter().map(whom).collect(),
                after,
                history: history(&visit, &paper, &number, &whom),
                seen_entries: holding.iter().map(EntryId::hex).collect::<Vec<_>>().join(" "),
            };
            (who, shown)
        })
    };
    let Some((who, shown)) = found else {
        return refuse("returned-name-unknown");
    };
    if before == [who.subject.clone()] {
        return refuse("returned-mend-same");
    }
    if typed.seen.is_empty() || typed.holding != shown.seen_entries {
        let said = Said {
            mending: Some(shown),
            ..Said::default()
        };
        return page(&visit, said);
    }
    for subject in before.iter().chain([&who.subject]) {
        let mut sighting = signed.session.sighting(Deed::Filed);
        sighting.subject = subject.clone();
        sighting.reason = why.clone();
        sighting.detail = format!("{} {number} 決め直し", sheet.form);
        let witnessed = signed.session.witness(sighting).await;
        witnessed.map_err(|fault| Fault::NotAudited(fault.to_string()))?;
    }
    keep_name(&visit, &signed, sheet, who.subject, holding, why).await?;
    Ok(Redirect::to(&format!("/returned?mended={number}")).into_response())
}

/// The sheet of a number that has a name, with everybody it is said to be of.
fn found<'a>(paper: &'a Paper, number: &FormId) -> Option<(&'a Issued, Vec<Subject>)> {
    let named = paper.balance.named.iter();
    let named = named.map(|(sheet, subject)| (sheet, vec![subject.clone()]));
    let disputed = paper.balance.disputed.iter();
    let mut both = named.chain(disputed.map(|(sheet, people)| (sheet, people.clone())));
    both.find(|(sheet, _)| sheet.form_id == *number)
}
