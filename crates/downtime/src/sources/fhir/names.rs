//! Names and readings of people, and the names of departments, places, insurers and medicines.
//!
//! JP Core marks a name's writing: IDE (漢字), SYL (カナ), ABC (ローマ字). Nothing is guessed where it does not.

use chart::{Coded, Name};

use super::codes::{self, System};
use super::json;
use super::model::{HumanName, Identifier};
use super::resource::{HealthcareService, Location, Medication, Organization, Practitioner};
use crate::sources::gather::names;

/// Codes of a medicine, in the order in which one is taken.
pub const DRUG_ORDER: [System; 3] = [System::Yj, System::Hot, System::Generic];

/// How a name is written: `IDE`, `SYL`, `ABC`, or empty.
#[must_use]
pub fn writing<'n>(name: &'n HumanName<'_>) -> &'n str {
    let marks = name
        .extension
        .iter()
        .filter(|one| one.url.ends_with("EN-representation"));
    marks.map(|one| &*one.code).next().unwrap_or("")
}

/// The words of a name: its text, else family and given name.
#[must_use]
pub fn words(name: &HumanName<'_>) -> String {
    let given: Vec<&str> = name
        .given
        .iter()
        .map(|one| one.trim())
        .filter(|one| !one.is_empty())
        .collect();
    let parts = names::joined(&name.family, &given.join(" "));
    let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let text = name.text.trim();
    // Where the parts say the same, they say where the family name ends: `DE LA CRUZ MARIA` does not.
    if text.is_empty() || (bare(text) == bare(&parts) && !name.family.trim().is_empty()) {
        parts
    } else {
        text.to_owned()
    }
}

/// The name of a person among several writings of it.
#[must_use]
pub fn of_person(list: &[&HumanName<'_>]) -> Name {
    let of = |mark: &str| list.iter().find(|name| writing(name) == mark).map(|name| words(name));
    let plain = list
        .iter()
        .find(|name| writing(name).is_empty())
        .map(|name| words(name));
    let kana = of("SYL").unwrap_or_default();
    let written = of("IDE").or(plain).or_else(|| of("ABC")).unwrap_or_default();
    Name {
        written: names::written(&written),
        kana: names::kana(&kana),
    }
}

/// The number that leads back into the EHR: the first that is nobody else's.
#[must_use]
pub fn own_number(identifiers: &[Identifier<'_>]) -> String {
    let is_own = |one: &&Identifier<'_>| matches!(codes::system(&one.system), System::Own);
    let found = identifiers.iter().find(is_own);
    found.map(|one| one.value.trim().to_owned()).unwrap_or_default()
}

/// Code and name of a resource that others point to.
#[must_use]
pub fn of_resource(kind: &str, text: &str) -> Option<Coded> {
    Some(match kind {
        "Practitioner" => {
            let (it, _) = json::read::<Practitioner<'_>>(text).ok()?;
            let list: Vec<&HumanName<'_>> = it.name.iter().collect();
            Coded::new(own_number(&it.identifier), of_person(&list).written)
        }
        "Organization" => {
            let (it, _) = json::read::<Organization<'_>>(text).ok()?;
            let insurer = it
                .identifier
                .iter()
                .find(|one| codes::system(&one.system) == System::InsurerNumber);
            let department = it
                .identifier
                .iter()
                .find(|one| codes::system(&one.system) == System::Department);
            let code = insurer.or(department).map(|one| one.value.trim().to_owned());
            Coded::new(code.unwrap_or_else(|| own_number(&it.identifier)), it.name.trim())
        }
        "HealthcareService" => {
            let (it, _) = json::read::<HealthcareService<'_>>(text).ok()?;
            Coded::new(own_number(&it.identifier), it.name.trim())
        }
        "Location" => {
            let (it, _) = json::read::<Location<'_>>(text).ok()?;
            Coded::new(own_number(&it.identifier), it.name.trim())
        }
        "Medication" => {
            let (it, _) = json::read::<Medication<'_>>(text).ok()?;
            codes::coded(&it.code?, &DRUG_ORDER)
        }
        _ => return None,
    })
}
