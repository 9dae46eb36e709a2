//! Searches: who is booked, who lies in a bed, then everything of these people, page by page.

use std::collections::BTreeSet;

use chart::{DataKind, Severity};
use jiff::Span;

use super::kept::{Group, Living};
use super::line::{self, Failed, Line};
use super::since::{self, Past};
use super::token::escaped;
use super::{Settings, piece, types_of};
use crate::sources::fhir::bundle;
use crate::sources::fhir::input::{Input, Piece};
use crate::sources::fhir::json;
use crate::sources::fhir::model::Reference;
use crate::sources::fhir::resource::{Appointment, Encounter, Entry, Head};
use crate::sources::{Progress, Scope};

/// Patients of one search: addresses have a length.
const CHUNK: usize = 40;
/// Entries of one page.
const COUNT: u32 = 500;
/// Most pages of one search.
const MAX_PAGES: usize = 20_000;
/// Most patients of one pull.
const MAX_WANTED: usize = 50_000;

/// Resources that only give names: without them things have codes.
const NAMES: [&str; 5] = [
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Location",
    "HealthcareService",
];

/// How far back each type is asked for, in days. What is older is not in a chart.
const BACK: [(&str, &str, i64); 5] = [
    ("Observation", "date", 400),
    ("MedicationRequest", "authoredon", 400),
    ("DocumentReference", "date", 800),
    ("Composition", "date", 800),
    ("Encounter", "date", 400),
];

/// One search under way.
struct Search<'l, 's, 'i> {
    line: &'l mut Line<'s>,
    input: &'i mut Input,
    done: u64,
    progress: &'l mut dyn FnMut(Progress),
    past: Option<Past<'l>>,
    groups: Vec<Group>,
}

/// What searches leave for the next time.
pub struct Found {
    /// The questions about patients.
    pub groups: Vec<Group>,
    /// What was known before could not be built upon.
    pub doubt: bool,
}

/// Fetches everything of whoever is wanted.
pub fn fetch(
    line: &mut Line<'_>,
    settings: &Settings,
    scope: &Scope,
    input: &mut Input,
    progress: &mut dyn FnMut(Progress),
    past: Option<Past<'_>>,
) -> Found {
    let carries = &settings.carries;
    let mut search = Search {
        line,
        input,
        done: 0,
        progress,
        past: None,
        groups: Vec::new(),
    };
    let mut ids: BTreeSet<String> = BTreeSet::new();
    let (day, last) = (chart::date::iso(scope.day), chart::date::iso(scope.last_day()));
    if carries.contains(&DataKind::Appointment) {
        let query = format!("Appointment?date=ge{day}&date=le{last}&_count={COUNT}");
        let from = search.input.pieces.len();
        let whole = search.all("Appointment", &query);
        search.settle("Appointment", whole);
        search.collect(
            from,
            &mut |text, ids| {
                let Ok((it, _)) = json::read::<Appointment<'_>>(text) else {
                    return;
                };
                ids.extend(it.participant.iter().filter_map(|one| patient_id(one.actor.as_ref()?)));
            },
            &mut ids,
        );
    }
    if carries.contains(&DataKind::Stay) {
        let query =
            format!("Encounter?status=in-progress,onleave,arrived&class=IMP,ACUTE,NONAC,OBSENC,SS&_count={COUNT}");
        let from = search.input.pieces.len();
        let whole = search.all("Encounter", &query);
        search.settle("Encounter", whole);
        search.collect(
            from,
            &mut |text, ids| {
                let Ok((it, _)) = json::read::<Encounter<'_>>(text) else {
                    return;
                };
                ids.extend(patient_id(&it.subject));
            },
            &mut ids,
        );
    }
    if let Some(wanted) = &scope.wanted {
        search.by_number(
            settings,
            &wanted.keys().map(|id| id.as_str().to_owned()).collect::<Vec<_>>(),
            &mut ids,
        );
    }
    if ids.len() > MAX_WANTED {
        let failed = Failed {
            why: format!("対象の患者が{}人いて多すぎます（{MAX_WANTED}人まで）", ids.len()),
            status: 0,
        };
        search
            .input
            .findings
            .push(line::finding("患者", &failed, Severity::Severe));
        ids = ids.into_iter().take(MAX_WANTED).collect();
    }
    for name in NAMES {
        let whole = search.all(name, &format!("{name}?_count={COUNT}"));
        if let Err(failed) = whole {
            // Names are a help, not a fact about a patient: codes are shown instead.
            search.input.findings.push(line::finding(name, &failed, Severity::Note));
        }
    }
    let ids: Vec<String> = ids.into_iter().collect();
    let doubt = past.as_ref().is_some_and(|past| !past.holds(search.line));
    search.past = past.filter(|_| !doubt);
    let types = types_of(carries)
        .into_iter()
        .filter(|name| !NAMES.contains(name) && *name != "Appointment");
    for name in types {
        let whole = search.of_patients(name, &ids, scope);
        search.settle(name, whole);
    }
    Found {
        groups: search.groups,
        doubt,
    }
}

impl Search<'_, '_, '_> {
    /// What a search for a type came to.
    fn settle(&mut self, name: &'static str, whole: Result<(), Failed>) {
        match whole {
            Ok(()) if !self.input.failed.contains(&name) => self.input.asked.push(name),
            Ok(()) => {}
            Err(failed) => {
                self.input.asked.retain(|one| *one != name);
                self.input.failed.push(name);
                let severity = if name == "AllergyIntolerance"
                    || name == "Patient"
                    || name == "Appointment"
                    || name == "Encounter"
                {
                    Severity::Severe
                } else {
                    Severity::Warning
                };
                self.input.findings.push(line::finding(name, &failed, severity));
            }
        }
    }

    fn of_patients(&mut self, name: &'static str, ids: &[String], scope: &Scope) -> Result<(), Failed> {
        let past = self.past.take();
        let portions = since::portions(past.as_ref(), name, ids, CHUNK);
        let done = portions.into_iter().try_for_each(|(some, before)| {
            let list: Vec<String> = some.iter().map(|id| escaped(id)).collect();
            let list = list.join(",");
            let since = BACK.iter().find(|(known, _, _)| *known == name);
            let since = since.map_or_else(String::new, |(_, field, days)| {
                let from = scope.day.saturating_sub(Span::new().days(*days));
                format!("&{field}=ge{}", chart::date::iso(from))
            });
            let query = match name {
                "Patient" => format!("Patient?_id={list}&_count={COUNT}"),
                // Medicines are asked for by nobody's name; those that prescriptions point to come with them.
                "Medication" => return Ok(()),
                "MedicationRequest" => format!(
                    "MedicationRequest?patient={list}{since}&_include=MedicationRequest:medication&_count={COUNT}"
                ),
                "List" => format!("List?patient={list}&code=52472-8&_count={COUNT}"),
                "ServiceRequest" => {
                    let day = chart::date::iso(scope.day);
                    format!("ServiceRequest?patient={list}&occurrence=ge{day}&_count={COUNT}")
                }
                _ => format!("{name}?patient={list}{since}&_count={COUNT}"),
            };
            let from = self.input.pieces.len();
            let changed = past.as_ref().zip(before.filter(|group| group.query == query));
            if !changed.is_some_and(|(past, group)| self.changed(name, past, group)) {
                self.all(name, &query)?;
            }
            self.groups.push(Group {
                name: name.to_owned(),
                ids: some,
                query,
                pieces: self.input.pieces.get(from..).unwrap_or(&[]).to_vec(),
            });
            Ok(())
        });
        self.past = past;
        done
    }

    /// What an earlier question brought, and what changed since; false, and nothing, where that is not all there is.
    fn changed(&mut self, name: &str, past: &Past<'_>, group: &Group) -> bool {
        let from = self.input.pieces.len();
        let now = self.line.web.now();
        // The server vouches for all of it now: that is what the count is for.
        let known = group.pieces.iter().cloned().map(|piece| Piece {
            modified: Some(now),
            ..piece
        });
        self.input.pieces.extend(known);
        let whole = self.all(name, &past.changes(&group.query)).is_ok() && {
            let living = Living::of(self.input.pieces.get(from..).unwrap_or(&[]));
            since::total(self.line, &group.query) == Some(living.count(name))
        };
        if !whole {
            self.input.pieces.truncate(from);
        }
        whole
    }

    /// Those whom other sources want, by their numbers.
    fn by_number(&mut self, settings: &Settings, numbers: &[String], ids: &mut BTreeSet<String>) {
        let from = self.input.pieces.len();
        for some in numbers.chunks(CHUNK) {
            let list: Vec<String> = some
                .iter()
                .map(|number| match settings.patient_system.as_str() {
                    "" => escaped(number),
                    system => escaped(&format!("{system}|{number}")),
                })
                .collect();
            let whole = self.all(
                "Patient",
                &format!("Patient?identifier={}&_count={COUNT}", list.join(",")),
            );
            if whole.is_err() {
                self.settle("Patient", whole);
                break;
            }
        }
        self.collect(
            from,
            &mut |text, ids| {
                let Ok((head, _)) = json::read::<Head<'_>>(text) else {
                    return;
                };
                if &*head.resource_type == "Patient" {
                    ids.insert(head.id.to_string());
                }
            },
            ids,
        );
    }

    /// Every page of one search.
    fn all(&mut self, name: &str, query: &str) -> Result<(), Failed> {
        let mut url = format!("{}/{query}", self.line.server.base);
        for _ in 0..MAX_PAGES {
            if !self.line.is_new(&url) {
                return Err(Failed {
                    why: "次のページへのリンクが堂々巡りをしています".to_owned(),
                    status: 0,
                });
            }
            let answer = self.line.get(&url, "application/fhir+json", false, true)?;
            let text = String::from_utf8_lossy(&answer.body);
            let kind = bundle::type_of(&text).map(|kind| kind.to_string());
            if kind.ok().as_deref() != Some("Bundle") {
                return Err(Failed {
                    why: "返事が FHIR の Bundle ではありません".to_owned(),
                    status: answer.status,
                });
            }
            let parts = bundle::read(&text);
            if parts.torn.is_some() {
                return Err(Failed {
                    why: "返事が途中で終わっています".to_owned(),
                    status: answer.status,
                });
            }
            let next = parts
                .head
                .link
                .iter()
                .find(|link| &*link.relation == "next")
                .map(|link| link.url.to_string());
            let number = self.input.pieces.len() + 1;
            self.done += answer.body.len() as u64;
            (self.progress)(Progress::Reading(self.done, self.done.max(1 << 20) * 2));
            let now = self.line.web.now();
            drop(parts);
            self.input
                .pieces
                .push(piece(format!("{name} #{number}"), answer.body, false, now));
            let Some(next) = next else { return Ok(()) };
            if !self.line.is_ours(&next) {
                return Err(Failed {
                    why: "次のページが別のサーバを指しています。そこへは問い合わせません".to_owned(),
                    status: 0,
                });
            }
            url = next;
        }
        Err(Failed {
            why: "ページが多すぎます".to_owned(),
            status: 0,
        })
    }

    /// Looks through the pages since `from`.
    fn collect(&self, from: usize, take: &mut dyn FnMut(&str, &mut BTreeSet<String>), ids: &mut BTreeSet<String>) {
        for piece in self.input.pieces.iter().skip(from) {
            let crate::sources::fhir::input::Bytes::Held(bytes) = &piece.bytes else {
                continue;
            };
            let text = String::from_utf8_lossy(bytes);
            for raw in bundle::read(&text).entries {
                if let Ok((entry, _)) = json::read::<Entry<'_>>(raw)
                    && let Some(resource) = entry.resource
                {
                    take(resource.0, ids);
                }
            }
        }
    }
}

/// The server's own id of a patient that something points to.
fn patient_id(reference: &Reference<'_>) -> Option<String> {
    let text = reference.reference.split("/_history/").next()?;
    let (front, id) = text.rsplit_once('/')?;
    let is_patient = front == "Patient" || front.ends_with("/Patient");
    let plain = id
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    (is_patient && plain && !id.is_empty()).then(|| id.to_owned())
}
