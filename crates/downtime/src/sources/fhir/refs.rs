//! Who and what references point to: by id, by address, by position in a bundle, by a number of the world outside.
//!
//! Two bundles may both have a `Patient/1`; inside a closed bundle a reference first points into it. What cannot be resolved to
//! exactly one patient belongs to nobody: it is told, and no list that it could belong to is called empty.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use chart::{Coded, PatientId};

use super::codes::{self, System};
use super::input::Place;
use super::json::Raw;
use super::model::{Identifier, Reference};
use super::resource::Head;

/// A resource, however it was named: 128 bits, so that no two of a hospital's are taken for one.
pub type Key = u128;

/// How deep places stand in one another.
const MAX_PARTS: usize = 6;

/// A ward, a room, a bed, a desk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spot {
    /// Code and name.
    pub coded: Coded,
    /// `wa`, `ro`, `bd` …
    pub kind: String,
    /// 病室 and 病床 as numbers of their own, where it has them.
    pub room_bed: (String, String),
    /// What it is part of.
    pub part_of: Vec<Key>,
    /// False when it is out of use.
    pub active: bool,
}

/// Somebody in a role: who, where, and at which department by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Role {
    /// The person.
    pub who: Vec<Key>,
    /// The organisation.
    pub at: Vec<Key>,
    /// The department, where the role says it itself.
    pub department: Coded,
}

/// Whose a resource is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// This patient's.
    Of(PatientId),
    /// A group's, a device's: of no patient at all.
    Nobody,
    /// Somebody's, and nobody can say whose.
    Unknown,
}

/// What references point to.
#[derive(Debug, Default)]
pub struct Directory {
    numbers: HashMap<Key, PatientId>,
    identifiers: HashMap<Key, Option<PatientId>>,
    first_of: HashMap<u64, PatientId>,
    /// Names of people, departments, insurers, medicines.
    names: HashMap<Key, Coded>,
    roles: HashMap<Key, Role>,
    /// Places.
    spots: HashMap<Key, Spot>,
    /// Departments of encounters.
    encounters: HashMap<Key, u32>,
    departments: Vec<Coded>,
    /// Diagnoses that an encounter puts first.
    first_diagnoses: std::collections::HashSet<Key>,
    base: Option<String>,
}

/// A name for hashing.
#[must_use]
pub fn key(parts: &[&str]) -> Key {
    let half = |salt: u64| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        parts.hash(&mut hasher);
        hasher.finish()
    };
    u128::from(half(0x5bd1_e995)) << 64 | u128::from(half(0x27d4_eb2f))
}

fn global(kind: &str, id: &str) -> Key {
    key(&["id", kind, id])
}

fn scoped(scope: u64, kind: &str, id: &str) -> Key {
    key(&["in", &scope.to_string(), kind, id])
}

fn address(url: &str) -> Key {
    key(&["at", url])
}

/// `Type/id` at the end of a reference, without its version.
fn type_and_id(text: &str) -> Option<(&str, &str)> {
    let text = text.split_once("/_history/").map_or(text, |(front, _)| front);
    let (front, id) = text.rsplit_once('/')?;
    let kind = front.rsplit_once('/').map_or(front, |(_, kind)| kind);
    let plain = !id.is_empty() && kind.starts_with(|c: char| c.is_ascii_uppercase());
    plain.then_some((kind, id))
}

/// What stands before `/Type/` in an absolute address.
fn base_of<'r>(reference: &'r str, kind: &str) -> Option<&'r str> {
    let at = reference
        .contains("://")
        .then(|| reference.rfind(&format!("/{kind}/")))??;
    reference.get(..at)
}

impl Directory {
    /// A directory of a server at this address.
    #[must_use]
    pub fn at(base: &str) -> Self {
        Self {
            base: (!base.is_empty()).then(|| base.trim_end_matches('/').to_owned()),
            ..Self::default()
        }
    }

    /// Every name of a resource.
    #[must_use]
    pub fn keys_of(&mut self, kind: &str, id: &str, place: &Place<'_>) -> Vec<Key> {
        let mut keys = Vec::with_capacity(2);
        if !id.is_empty() && !self.is_foreign(kind, place) {
            keys.push(match place.scope {
                Some(scope) => scoped(scope, kind, id),
                None => global(kind, id),
            });
        }
        if !place.full_url.is_empty() {
            keys.push(address(place.full_url));
        }
        keys
    }

    /// The names under which a reference may be found, the nearest first.
    #[must_use]
    pub fn keys_to(&mut self, reference: &str, place: &Place<'_>) -> Vec<Key> {
        let reference = reference.trim();
        if reference.is_empty() || reference.starts_with('#') {
            return Vec::new();
        }
        let mut keys = vec![address(reference)];
        let absolute = reference.contains("://");
        if let Some((kind, id)) = type_and_id(reference).filter(|_| !reference.starts_with("urn:")) {
            if let Some(scope) = place.scope {
                keys.push(scoped(scope, kind, id));
            }
            // Another server's Patient/1 is another patient.
            if !absolute || self.is_ours(reference, kind) {
                keys.push(global(kind, id));
            }
        }
        keys
    }

    /// True for an address at the server whose ids these are. Without one, nothing absolute can be told to be ours.
    fn is_ours(&self, reference: &str, kind: &str) -> bool {
        let base = base_of(reference, kind);
        base.is_some() && base == self.base.as_deref()
    }

    /// True for a resource of another server than the first that the input has resources of: its ids are not ours.
    pub fn is_foreign(&mut self, kind: &str, place: &Place<'_>) -> bool {
        let Some(base) = base_of(place.full_url, kind).filter(|_| place.scope.is_none()) else {
            return false;
        };
        match &self.base {
            Some(known) => known != base,
            None => {
                self.base = Some(base.to_owned());
                false
            }
        }
    }

    /// A patient of the input.
    pub fn patient(&mut self, keys: &[Key], number: &PatientId, identifiers: &[Identifier<'_>], place: &Place<'_>) {
        for key in keys {
            self.numbers.insert(*key, number.clone());
        }
        for identifier in identifiers {
            let Some(key) = identifier_key(identifier) else {
                continue;
            };
            self.identifiers
                .entry(key)
                .and_modify(|known| {
                    if known.as_ref().is_some_and(|known| known != number) {
                        *known = None;
                    }
                })
                .or_insert_with(|| Some(number.clone()));
        }
        if let Some(scope) = place.scope {
            self.first_of.entry(scope).or_insert_with(|| number.clone());
        }
    }

    /// Whose a resource is, by its subject.
    #[must_use]
    pub fn whose(&mut self, subject: &Reference<'_>, contained: &[Raw<'_>], place: &Place<'_>) -> Whose {
        if let Some(id) = subject.reference.strip_prefix('#') {
            let inside = contained_of::<super::resource::Patient<'_>>(contained, id);
            let found = inside.and_then(|patient| patient.identifier.iter().find_map(|one| self.by_identifier(one)));
            return found.map_or(Whose::Unknown, Whose::Of);
        }
        for key in self.keys_to(&subject.reference, place) {
            if let Some(number) = self.numbers.get(&key) {
                return Whose::Of(number.clone());
            }
        }
        let kind = type_and_id(&subject.reference).map_or(&*subject.kind, |(kind, _)| kind);
        if matches!(kind, "Group" | "Device" | "Location" | "Organization") {
            return Whose::Nobody;
        }
        if let Some(identifier) = &subject.identifier {
            return self.by_identifier(identifier).map_or(Whose::Unknown, Whose::Of);
        }
        // Nothing is said: in a bundle about one patient it is that patient's.
        let said_nothing = subject.reference.is_empty();
        let first = place
            .scope
            .filter(|_| said_nothing)
            .and_then(|scope| self.first_of.get(&scope));
        first.cloned().map_or(Whose::Unknown, Whose::Of)
    }

    fn by_identifier(&self, identifier: &Identifier<'_>) -> Option<PatientId> {
        self.identifiers.get(&identifier_key(identifier)?).cloned().flatten()
    }

    /// A person, a department, an insurer, a medicine.
    pub fn name(&mut self, keys: Vec<Key>, coded: &Coded) {
        for key in keys {
            self.names.insert(key, coded.clone());
        }
    }

    /// Somebody in a role.
    pub fn role(&mut self, keys: Vec<Key>, role: &Role) {
        for key in keys {
            self.roles.insert(key, role.clone());
        }
    }

    /// A place.
    pub fn spot(&mut self, keys: Vec<Key>, spot: &Spot) {
        for key in keys {
            self.spots.insert(key, spot.clone());
        }
    }

    /// Which department an encounter belongs to.
    pub fn encounter(&mut self, keys: Vec<Key>, department: &Coded) {
        if department.is_empty() {
            return;
        }
        let at = self
            .departments
            .iter()
            .position(|known| known == department)
            .unwrap_or_else(|| {
                self.departments.push(department.clone());
                self.departments.len() - 1
            });
        let Ok(at) = u32::try_from(at) else { return };
        for key in keys {
            self.encounters.insert(key, at);
        }
    }

    /// The diagnosis that an encounter puts first.
    pub fn put_first(&mut self, condition: &Reference<'_>, place: &Place<'_>) {
        let keys = self.keys_to(&condition.reference, place);
        self.first_diagnoses.extend(keys);
    }

    /// True for a diagnosis that some encounter puts first.
    pub fn is_first(&mut self, id: &str, place: &Place<'_>) -> bool {
        self.keys_of("Condition", id, place)
            .iter()
            .any(|key| self.first_diagnoses.contains(key))
    }

    /// Code and name of what a reference points to; the words beside the reference where it points nowhere.
    #[must_use]
    pub fn named(&mut self, reference: &Reference<'_>, contained: &[Raw<'_>], place: &Place<'_>) -> Coded {
        if let Some(id) = reference.reference.strip_prefix('#')
            && let Some(found) = named_inside(contained, id)
        {
            return with_words(found, &reference.display);
        }
        for key in self.keys_to(&reference.reference, place) {
            if let Some(found) = self.names.get(&key) {
                return with_words(found.clone(), &reference.display);
            }
            if let Some(spot) = self.spots.get(&key) {
                return with_words(spot.coded.clone(), &reference.display);
            }
            if let Some(role) = self.roles.get(&key)
                && let Some(found) = role.who.iter().find_map(|key| self.names.get(key))
            {
                return with_words(found.clone(), &reference.display);
            }
        }
        let number = reference.identifier.as_ref().map_or("", |one| one.value.trim());
        Coded::new(number, reference.display.trim())
    }

    /// The department of a role or an encounter that a reference points to.
    #[must_use]
    pub fn department_at(&mut self, reference: &Reference<'_>, place: &Place<'_>) -> Option<Coded> {
        self.keys_to(&reference.reference, place).iter().find_map(|key| {
            let of_role = self.roles.get(key).and_then(|role| match role.department.is_empty() {
                true => role.at.iter().find_map(|key| self.names.get(key)),
                false => Some(&role.department),
            });
            let of_encounter = self
                .encounters
                .get(key)
                .and_then(|at| self.departments.get(*at as usize));
            of_role
                .or(of_encounter)
                .filter(|department| !department.is_empty())
                .cloned()
        })
    }

    /// A place with everything it stands in, the smallest first.
    #[must_use]
    pub fn place_chain(&mut self, reference: &Reference<'_>, place: &Place<'_>) -> Vec<Spot> {
        let mut chain: Vec<Spot> = Vec::new();
        let mut keys = self.keys_to(&reference.reference, place);
        while chain.len() < MAX_PARTS {
            let Some(spot) = keys.iter().find_map(|key| self.spots.get(key)) else {
                break;
            };
            keys.clone_from(&spot.part_of);
            chain.push(spot.clone());
        }
        chain
    }

    /// Every bed of the hospital, with what it stands in.
    #[must_use]
    pub fn beds(&self) -> Vec<Vec<Spot>> {
        let mut beds: Vec<Vec<Spot>> = Vec::new();
        for spot in self.spots.values().filter(|spot| spot.kind == "bd" && spot.active) {
            let mut chain = vec![spot.clone()];
            let mut keys = spot.part_of.clone();
            while chain.len() < MAX_PARTS {
                let Some(next) = keys.iter().find_map(|key| self.spots.get(key)) else {
                    break;
                };
                keys.clone_from(&next.part_of);
                chain.push(next.clone());
            }
            if !beds.contains(&chain) {
                beds.push(chain);
            }
        }
        beds
    }
}

fn with_words(mut found: Coded, display: &str) -> Coded {
    if found.name.is_empty() {
        display.trim().clone_into(&mut found.name);
    }
    found
}

/// A number of the world outside; blanks and the width of letters make no difference.
fn identifier_key(identifier: &Identifier<'_>) -> Option<Key> {
    use unicode_normalization::UnicodeNormalization;
    let value: String = identifier.value.nfkc().filter(|c| !c.is_whitespace()).collect();
    if value.is_empty() {
        return None;
    }
    let system = match codes::system(&identifier.system) {
        System::InsuredId => "insured",
        System::Own | System::PatientNumber | System::Hl7 => identifier.system.trim(),
        _ => return None,
    };
    Some(key(&["no", system, &value]))
}

/// A contained resource by its id.
#[must_use]
pub fn contained_of<'a, T: super::json::Field<'a>>(contained: &[Raw<'a>], id: &str) -> Option<T> {
    let fits = |raw: &&Raw<'a>| super::json::read::<Head<'_>>(raw.0).is_ok_and(|(head, _)| &*head.id == id);
    let raw = contained.iter().find(fits)?;
    super::json::read::<T>(raw.0).ok().map(|(it, _)| it)
}

fn named_inside(contained: &[Raw<'_>], id: &str) -> Option<Coded> {
    let fits = |raw: &&Raw<'_>| super::json::read::<Head<'_>>(raw.0).is_ok_and(|(head, _)| &*head.id == id);
    let raw = contained.iter().find(fits)?;
    let (head, _) = super::json::read::<Head<'_>>(raw.0).ok()?;
    super::names::of_resource(&head.resource_type, raw.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(scope: Option<u64>) -> Place<'static> {
        Place {
            file: "x",
            line: 1,
            scope,
            full_url: "",
            stamp: "",
            ordinal: 0,
            deleted: false,
        }
    }

    fn to(reference: &str) -> Reference<'static> {
        Reference {
            reference: super::super::json::Text(reference.to_owned().into()),
            ..Reference::default()
        }
    }

    #[test]
    fn two_bundles_may_both_have_a_patient_1() {
        let mut directory = Directory::default();
        for (scope, number) in [(Some(1), "0001"), (Some(2), "0002"), (None, "0003")] {
            let keys = directory.keys_of("Patient", "1", &place(scope));
            directory.patient(&keys, &PatientId::parse(number).unwrap(), &[], &place(scope));
        }
        for (scope, number) in [(Some(1), "0001"), (Some(2), "0002"), (None, "0003"), (Some(9), "0003")] {
            let whose = directory.whose(&to("Patient/1/_history/3"), &[], &place(scope));
            assert_eq!(whose, Whose::Of(PatientId::parse(number).unwrap()), "{scope:?}");
        }
        // Without a word it is the bundle's patient; outside of a bundle it is nobody's.
        assert_eq!(
            directory.whose(&to(""), &[], &place(Some(2))),
            Whose::Of(PatientId::parse("0002").unwrap())
        );
        assert_eq!(directory.whose(&to(""), &[], &place(None)), Whose::Unknown);
        assert_eq!(directory.whose(&to("Patient/2"), &[], &place(Some(2))), Whose::Unknown);
        assert_eq!(directory.whose(&to("Group/2"), &[], &place(None)), Whose::Nobody);
    }

    #[test]
    fn another_servers_patient_1_is_another_patient() {
        let mut directory = Directory::at("https://ehr.example/fhir/");
        let keys = directory.keys_of("Patient", "1", &place(None));
        directory.patient(&keys, &PatientId::parse("0001").unwrap(), &[], &place(None));
        let whose = |directory: &mut Directory, text| directory.whose(&to(text), &[], &place(None));
        assert!(matches!(
            whose(&mut directory, "https://ehr.example/fhir/Patient/1"),
            Whose::Of(_)
        ));
        assert_eq!(
            whose(&mut directory, "https://other.example/fhir/Patient/1"),
            Whose::Unknown
        );
    }
}
