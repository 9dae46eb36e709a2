//! Who a patient is: name, reading, birth date, sex, phones and facts from the rows that hold them.
//!
//! Two rows with one patient number that name different people are never silently one person.

use chart::patient::{Fact, Phone};
use chart::{Name, Patient, PatientId};

use super::cell::Cell;
use super::plan::Fields;
use super::take::{MEDIUM, Take};
use super::value;
use crate::sources::gather::{Identity, MAX_LISTED, names};

/// The fields that say who somebody is; also in appointment lists.
#[derive(Debug, Default)]
pub struct IdentityPlan {
    name: Option<Cell>,
    family: Option<Cell>,
    given: Option<Cell>,
    kana: Option<Cell>,
    family_kana: Option<Cell>,
    given_kana: Option<Cell>,
    birth: Option<Cell>,
    sex: Option<Cell>,
    phones: Vec<Cell>,
}

/// 患者基本 bound to columns.
#[derive(Debug)]
pub struct PatientPlan {
    identity: IdentityPlan,
    former_names: Vec<Cell>,
    facts: Vec<Cell>,
    died: Option<Cell>,
    address: Option<Cell>,
    insurance: Option<Cell>,
    language: Option<Cell>,
}

impl IdentityPlan {
    /// Binds the fields.
    pub fn bind(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            name: fields.one("name"),
            family: fields.one("family"),
            given: fields.one("given"),
            kana: fields.one("kana"),
            family_kana: fields.one("family_kana"),
            given_kana: fields.one("given_kana"),
            birth: fields.one("birth"),
            sex: fields.one("sex"),
            phones: fields.many("phones"),
        }
    }

    /// True when rows name people.
    #[must_use]
    pub fn names_people(&self) -> bool {
        [&self.name, &self.family]
            .into_iter()
            .flatten()
            .any(|cell| !cell.is_nowhere())
    }

    /// Reads who a row is about.
    pub fn read<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> Identity {
        let whole = names::written(&take.seen(self.name.as_ref()));
        let written = if whole.is_empty() {
            let family = take.seen(self.family.as_ref());
            names::joined(&family, &take.seen(self.given.as_ref()))
        } else {
            whole
        };
        let reading = names::kana(&take.seen(self.kana.as_ref()));
        let kana = if reading.is_empty() {
            let family = names::kana(&take.seen(self.family_kana.as_ref()));
            names::joined(&family, &names::kana(&take.seen(self.given_kana.as_ref())))
        } else {
            reading
        };
        Identity {
            name: Name { written, kana },
            birth: take.past_date(self.birth.as_ref()),
            sex: self
                .sex
                .as_ref()
                .map(|cell| take.word(Some(cell), value::sex, "性別").unwrap_or_default()),
            phones: self
                .phones
                .iter()
                .filter_map(|cell| {
                    let number = take.text(Some(cell));
                    (!number.is_empty()).then(|| Phone {
                        number,
                        purpose: cell.label.clone(),
                    })
                })
                .collect(),
        }
    }
}

impl PatientPlan {
    /// Binds the fields.
    pub fn bind(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            identity: IdentityPlan::bind(fields),
            former_names: fields.many("former_names"),
            facts: fields.many("facts"),
            died: fields.one("died"),
            address: fields.one("address"),
            insurance: fields.one("insurance"),
            language: fields.one("language"),
        }
    }

    /// True when rows name people.
    #[must_use]
    pub fn names_people(&self) -> bool {
        self.identity.names_people()
    }

    /// Reads one patient row.
    pub fn read<'t>(&'t self, id: &PatientId, take: &mut Take<'_, '_, 't>) -> Patient {
        let identity = self.identity.read(take);
        let former_names = self
            .former_names
            .iter()
            .filter_map(|cell| {
                let name = names::written(&take.seen(Some(cell)));
                (!name.is_empty()).then(|| Name::new(name, ""))
            })
            .take(MAX_LISTED)
            .collect();
        let facts = self
            .facts
            .iter()
            .filter_map(|cell| {
                let value = take.text(Some(cell));
                let on = take.past_date(cell.on.as_deref());
                (!value.is_empty()).then(|| Fact {
                    label: cell.label.clone(),
                    value,
                    on,
                })
            })
            .take(MAX_LISTED)
            .collect();
        Patient {
            id: id.clone(),
            name: identity.name,
            former_names,
            birth: identity.birth,
            sex: identity.sex.unwrap_or_default(),
            phones: identity.phones,
            facts,
            died: take.past_date(self.died.as_ref()),
            address: take.text_up_to(self.address.as_ref(), MEDIUM),
            insurance: take.text(self.insurance.as_ref()),
            language: take.word(self.language.as_ref(), value::language, "ことば").flatten(),
        }
    }
}
