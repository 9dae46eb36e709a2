//! Patient: who somebody is.

use chart::patient::{Fact, Phone};
use chart::{Language, Name, Patient, PatientId, Sex};

use crate::sources::fhir::codes::{self, System};
use crate::sources::fhir::model::{HumanName, Identifier};
use crate::sources::fhir::{names, resource, when};
use crate::sources::gather::MAX_LISTED;
use crate::sources::gather::names::written;

/// The hospital's own number of a patient. A configured system decides; without one only what cannot be anything else is taken.
#[must_use]
pub fn number(identifiers: &[Identifier<'_>], system: &str) -> Option<PatientId> {
    let usable: Vec<&Identifier<'_>> = identifiers.iter().filter(|one| &*one.usage != "old").collect();
    let parse = |one: &&Identifier<'_>| PatientId::parse(&one.value);
    if !system.is_empty() {
        return usable.iter().find(|one| &*one.system == system).and_then(parse);
    }
    let by_system = usable
        .iter()
        .find(|one| codes::system(&one.system) == System::PatientNumber);
    if let Some(found) = by_system {
        return parse(found);
    }
    if let Some(found) = usable.iter().find(|one| one.kind.has("MR")) {
        return parse(found);
    }
    let own: Vec<&&Identifier<'_>> = usable
        .iter()
        .filter(|one| codes::system(&one.system) == System::Own)
        .collect();
    match own.as_slice() {
        [only] => parse(only),
        _ => None,
    }
}

/// A patient, and what of it could not be read, as fields with their texts.
#[must_use]
pub fn patient(it: &resource::Patient<'_>, id: PatientId) -> (Patient, Vec<(&'static str, String)>) {
    let mut unread = Vec::new();
    let mut day = |field: &'static str, text: &str| match when::read(text) {
        Ok(found) => found.on,
        Err(()) => {
            unread.push((field, text.to_owned()));
            None
        }
    };
    let birth = day("birthDate", &it.birth_date);
    let died = day("deceasedDateTime", &it.deceased_at);
    let (name, former_names) = all_names(&it.name);
    let mut phones: Vec<(u64, Phone)> = Vec::new();
    for point in it
        .telecom
        .iter()
        .filter(|one| matches!(&*one.system, "phone" | "sms" | "") && &*one.usage != "old")
    {
        let purpose = match &*point.usage {
            "home" => "自宅",
            "mobile" => "携帯",
            "work" => "勤務先",
            _ => "",
        };
        let phone = Phone {
            number: point.value.trim().to_owned(),
            purpose: purpose.to_owned(),
        };
        if !phone.number.is_empty() && phones.len() < MAX_LISTED {
            phones.push((point.rank.parse().unwrap_or(u64::MAX), phone));
        }
    }
    phones.sort_by_key(|(rank, _)| *rank);
    let mut facts = Vec::new();
    if it.deceased == Some(true) && died.is_none() {
        facts.push(Fact {
            label: "死亡".to_owned(),
            value: "死亡日は分かりません".to_owned(),
            on: None,
        });
    }
    // An employer among those to call says where the patient works (HL7 table 0131, E).
    let work = it
        .contact
        .iter()
        .find(|one| one.relationship.iter().any(|kind| kind.has("E")));
    let work = work.map(|one| match &one.organization {
        Some(place) => place.display.trim().to_owned(),
        None => one.name.as_ref().map(names::words).unwrap_or_default(),
    });
    facts.extend(work.filter(|place| !place.is_empty()).map(|value| Fact {
        label: "勤務先".to_owned(),
        value,
        on: None,
    }));
    let language = it
        .communication
        .iter()
        .filter(|one| one.preferred == Some(true) || it.communication.len() == 1);
    let mut spoken = language.flat_map(|one| {
        one.language
            .coding
            .iter()
            .map(|c| &*c.code)
            .chain([&*one.language.text])
    });
    let patient = Patient {
        id,
        name,
        former_names,
        birth,
        sex: match &*it.gender {
            "male" => Sex::Male,
            "female" => Sex::Female,
            "other" => Sex::Other,
            _ => Sex::Unknown,
        },
        phones: phones.into_iter().map(|(_, phone)| phone).collect(),
        facts,
        died,
        address: address(it),
        insurance: String::new(),
        language: spoken.find_map(|word| Language::parse(word.split('-').next().unwrap_or(""))),
    };
    (patient, unread)
}

fn all_names(list: &[HumanName<'_>]) -> (Name, Vec<Name>) {
    let is_old = |name: &&HumanName<'_>| matches!(&*name.usage, "old" | "maiden" | "nickname" | "anonymous");
    let now: Vec<&HumanName<'_>> = list.iter().filter(|name| !is_old(name)).collect();
    let mut official: Vec<&HumanName<'_>> = now.iter().copied().filter(|name| &*name.usage == "official").collect();
    if official.is_empty() {
        official = now.clone();
    }
    let mut name = names::of_person(&official);
    if name.kana.is_empty() {
        name.kana = names::of_person(&now).kana;
    }
    let mut others: Vec<Name> = Vec::new();
    let mut add = |one: Name| {
        if !one.written.is_empty() && one.written != name.written && others.len() < MAX_LISTED && !others.contains(&one)
        {
            others.push(one);
        }
    };
    for usage in ["old", "maiden", "nickname", "usual", "temp"] {
        let of: Vec<&HumanName<'_>> = list.iter().filter(|one| &*one.usage == usage).collect();
        let found = names::of_person(&of);
        if found.written.is_empty() {
            // Only a reading of it: that finds the patient, too.
            add(Name::new(found.kana.clone(), found.kana));
        } else {
            add(found);
        }
    }
    for roman in now.iter().filter(|one| names::writing(one) == "ABC") {
        add(Name::new(names::words(roman), ""));
    }
    (name, others)
}

fn address(it: &resource::Patient<'_>) -> String {
    let current = it.address.iter().find(|one| &*one.usage == "home");
    let Some(found) = current.or_else(|| it.address.iter().find(|one| &*one.usage != "old")) else {
        return String::new();
    };
    let lines = found.line.iter().map(|line| line.trim());
    let parts = || {
        [found.state.trim(), found.city.trim()]
            .into_iter()
            .chain(lines)
            .collect::<String>()
    };
    let text = if found.text.trim().is_empty() {
        parts()
    } else {
        found.text.trim().to_owned()
    };
    let postal = found.postal_code.trim();
    if text.contains(postal) {
        text
    } else {
        format!("{postal} {text}").trim().to_owned()
    }
}

/// Those to call, for the stay.
#[must_use]
pub fn contacts(it: &resource::Patient<'_>) -> Vec<chart::stay::Contact> {
    let read = |one: &resource::PatientContact<'_>| chart::stay::Contact {
        name: one
            .name
            .as_ref()
            .map(|name| written(&names::words(name)))
            .unwrap_or_default(),
        relation: one
            .relationship
            .first()
            .map(|found| found.words().to_owned())
            .unwrap_or_default(),
        phone: one
            .telecom
            .first()
            .map(|point| point.value.trim().to_owned())
            .unwrap_or_default(),
    };
    let said = |one: &chart::stay::Contact| !one.name.is_empty() || !one.phone.is_empty();
    let family = it
        .contact
        .iter()
        .filter(|one| !one.relationship.iter().any(|kind| kind.has("E")));
    family.take(MAX_LISTED).map(read).filter(said).collect()
}
