//! Who a patient is: name, reading, birth date, sex, phones and facts from the rows that hold them.
//!
//! Two rows with one patient number that name different people are never silently one person.

use chart::patient::{Fact, Phone};
use chart::{Name, Patient, PatientId, Severity, Sex};

use super::cell::Cell;
use super::ledger::Sink;
use super::names;
use super::plan::Fields;
use super::take::{MEDIUM, Take};
use super::value;

/// Most phones, former names and facts of one patient.
const MAX_LISTED: usize = 40;

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

/// What one row says about who a patient is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Name and reading.
    pub name: Name,
    /// Birth date.
    pub birth: Option<jiff::civil::Date>,
    /// Sex, where the row has a column for it.
    pub sex: Option<Sex>,
    /// Phones.
    pub phones: Vec<Phone>,
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

/// A second patient row with the same number in the same file.
///
/// The same person twice is noted. Different people keep the first row's identity, gain the second name as one that finds the
/// chart, and a severe Finding names both: nobody can say here whose data the rest is.
pub fn merge_double(first: &mut Patient, second: Patient, sink: &mut Sink<'_>) {
    let same_name = chart::fold::name_key(&first.name.written) == chart::fold::name_key(&second.name.written);
    if same_name && first.birth == second.birth && first.sex == second.sex {
        let message = "同じ患者番号・同じ氏名の行が2つあります。1人として扱いました。";
        sink.tell("id.duplicate", Severity::Note, "", message);
        return;
    }
    let message = format!(
        "1つの患者番号に2人が登録されています: 「{} {} {}」と「{} {} {}」。どちらの記録か分かりません。本人に氏名と生年月日を確かめ、EHRが戻るまで記録を信用しないでください。",
        first.name.shown(),
        first.birth_short(),
        first.sex.word(),
        second.name.shown(),
        second.birth_short(),
        second.sex.word(),
    );
    sink.tell("id.two_people", Severity::Severe, "", message);
    if first.former_names.len() < MAX_LISTED {
        first.former_names.push(second.name);
    }
}

/// Fills what a patient row left open from another file about the same patient (a separate phone list).
pub fn complete(patient: &mut Patient, more: Patient) {
    if patient.name.written.is_empty() {
        patient.name.written = more.name.written;
    }
    if patient.name.kana.is_empty() {
        patient.name.kana = more.name.kana;
    }
    patient.birth = patient.birth.or(more.birth);
    if patient.sex == Sex::Unknown {
        patient.sex = more.sex;
    }
    patient.died = patient.died.or(more.died);
    patient.language = patient.language.or(more.language);
    for (mine, theirs) in [
        (&mut patient.address, more.address),
        (&mut patient.insurance, more.insurance),
    ] {
        if mine.is_empty() {
            *mine = theirs;
        }
    }
    extend(&mut patient.phones, more.phones);
    extend(&mut patient.former_names, more.former_names);
    extend(&mut patient.facts, more.facts);
}

/// Compares what an appointment row says about the patient with the patient file, and says where they differ.
pub fn compare(patient: &Patient, identity: &Identity, sink: &mut Sink<'_>) {
    let (name, other) = (&patient.name.written, &identity.name.written);
    // A name that could not be read whole has been told already and cannot be compared.
    let whole = |name: &str| !name.is_empty() && !name.contains('\u{FFFD}');
    let alike = || name == other || chart::fold::name_key(name) == chart::fold::name_key(other);
    if whole(name) && whole(other) && !alike() {
        let message = format!(
            "予約の氏名「{}」が患者基本の氏名「{}」と違います。本人確認をしてください。",
            identity.name.shown(),
            patient.name.shown()
        );
        sink.tell("identity.mismatch", Severity::Severe, "", message);
    }
    if let (Some(birth), Some(other)) = (patient.birth, identity.birth)
        && birth != other
    {
        let message = format!(
            "予約の生年月日 {} が患者基本の {} と違います。本人確認をしてください。",
            chart::date::short(other),
            chart::date::short(birth)
        );
        sink.tell("identity.mismatch", Severity::Severe, "", message);
    }
}

/// A patient known from the appointment list only.
#[must_use]
pub fn from_booking(id: PatientId, identity: Option<Identity>) -> Patient {
    let identity = identity.unwrap_or_default();
    let mut name = identity.name;
    if name.written.is_empty() {
        NAMELESS.clone_into(&mut name.written);
    }
    Patient {
        id,
        name,
        former_names: Vec::new(),
        birth: identity.birth,
        sex: identity.sex.unwrap_or_default(),
        phones: identity.phones,
        facts: Vec::new(),
        died: None,
        address: String::new(),
        insurance: String::new(),
        language: None,
    }
}

/// Shown where the name could not be fetched: blank is never a value.
pub const NAMELESS: &str = "（氏名取得できず）";

fn extend<T: PartialEq>(mine: &mut Vec<T>, theirs: Vec<T>) {
    for one in theirs {
        if mine.len() < MAX_LISTED && !mine.contains(&one) {
            mine.push(one);
        }
    }
}
