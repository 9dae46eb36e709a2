//! Diagnoses, notes, allergies, results and patient facts from their rows.
//!
//! How many are kept and in which order is decided in `assemble`; here a row becomes what it says.

use chart::note::{Section, split_soap};
use chart::patient::Fact;
use chart::{Allergy, Diagnosis, LabResult, Note, Severity, allergy::AllergyKind};

use super::cell::Cell;
use super::plan::Fields;
use super::take::{CodedCells, LONG, MEDIUM, Take, short};
use super::value::{self, AllergyState};
use crate::sources::gather::AllergySaid;

/// 病名 bound to columns.
#[derive(Debug)]
pub struct DiagnosisPlan {
    /// 病名
    pub name: Option<Cell>,
    code: Option<Cell>,
    icd10: Option<Cell>,
    since: Option<Cell>,
    main: Option<Cell>,
    suspected: Option<Cell>,
    uninformed: Option<Cell>,
    department: Option<Cell>,
}

impl DiagnosisPlan {
    /// Binds the fields.
    pub fn bind(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            name: fields.one("name"),
            code: fields.one("code"),
            icd10: fields.one("icd10"),
            since: fields.one("since"),
            main: fields.one("main"),
            suspected: fields.one("suspected"),
            uninformed: fields.one("uninformed"),
            department: fields.one("department"),
        }
    }

    /// Reads one diagnosis; a row with neither name nor code says nothing.
    pub fn read<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> Option<Diagnosis> {
        let mut name = take.text(self.name.as_ref());
        let code = take.text(self.code.as_ref());
        let icd10 = take.text(self.icd10.as_ref());
        if name.is_empty() {
            name = [&icd10, &code].into_iter().find(|text| !text.is_empty())?.clone();
        }
        Some(Diagnosis {
            name,
            code,
            icd10,
            since: take.past_date(self.since.as_ref()),
            main: take.truth(self.main.as_ref()),
            suspected: take.truth(self.suspected.as_ref()),
            uninformed: take.truth(self.uninformed.as_ref()),
            department: take.text(self.department.as_ref()),
        })
    }
}

/// 診療録 bound to columns.
#[derive(Debug)]
pub struct NotePlan {
    /// 記事
    pub text: Option<Cell>,
    /// S, O, A, P in their own columns.
    pub soap: [Option<Cell>; 4],
    on: Option<Cell>,
    at: Option<Cell>,
    department: CodedCells,
    author: CodedCells,
}

impl NotePlan {
    /// Binds the fields.
    pub fn bind(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            text: fields.one("text"),
            soap: ["s", "o", "a", "p"].map(|name| fields.one(name)),
            on: fields.one("on"),
            at: fields.one("at"),
            department: fields.department(),
            author: fields.coded("author_code", "author_name"),
        }
    }

    /// Reads one note; a row without any text is no note.
    pub fn read<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> Option<Note> {
        let mut sections = split_soap(&take.text_up_to(self.text.as_ref(), LONG));
        for (at, cell) in self.soap.iter().enumerate() {
            let text = take.text_up_to(cell.as_ref(), LONG);
            if !text.is_empty() {
                sections.push(Section {
                    kind: value::section(at),
                    text,
                });
            }
        }
        if sections.is_empty() {
            return None;
        }
        Some(Note {
            on: take.past_date(self.on.as_ref()),
            at: take.time(self.at.as_ref()),
            department: take.coded(&self.department),
            author: take.person(&self.author),
            sections,
        })
    }
}

/// アレルギー・禁忌 bound to columns.
#[derive(Debug)]
pub struct AllergyPlan {
    /// 名称
    pub substance: Option<Cell>,
    /// 状態
    pub state: Option<Cell>,
    kind: Option<Cell>,
    contraindication: Option<Cell>,
    code: Option<Cell>,
    reaction: Option<Cell>,
    on: Option<Cell>,
    confirmed_on: Option<Cell>,
}

impl AllergyPlan {
    /// Binds the fields.
    pub fn bind(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            substance: fields.one("substance"),
            state: fields.one("state"),
            kind: fields.one("kind"),
            contraindication: fields.one("contraindication"),
            code: fields.one("code"),
            reaction: fields.one("reaction"),
            on: fields.one("on"),
            confirmed_on: fields.one("confirmed_on"),
        }
    }

    /// Reads one row. Whatever cannot be understood errs on the side of caution: never towards "none".
    pub fn read<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> AllergySaid {
        let substance = take.text_up_to(self.substance.as_ref(), MEDIUM);
        let code = take.text(self.code.as_ref());
        let named = !substance.is_empty() || !code.is_empty();
        let state = match &self.state {
            None if named => Some(AllergyState::Present),
            None => None,
            Some(cell) => take.word(Some(cell), value::allergy_state, "アレルギーの状態"),
        };
        match state {
            Some(AllergyState::Present) | None if named => AllergySaid::Present(self.item(substance, code, take)),
            Some(AllergyState::ConfirmedNone | AllergyState::NotRecorded) if named && self.differs(take) => {
                let message = format!(
                    "状態は「なし・未確認」ですが名称「{}」が入っています。ありとして扱いました。",
                    short(&substance)
                );
                take.sink.tell("allergy.contradiction", Severity::Severe, "", message);
                AllergySaid::Present(self.item(substance, code, take))
            }
            Some(AllergyState::ConfirmedNone) => AllergySaid::ConfirmedNone(take.past_date(self.confirmed_on.as_ref())),
            Some(AllergyState::NotRecorded) => AllergySaid::NotRecorded,
            Some(AllergyState::Unavailable) => AllergySaid::Unavailable,
            Some(AllergyState::Present) | None => {
                let message = "アレルギーの行がありますが、内容（名称）が空か、状態を読めません。「取得できず」として扱いました。";
                take.sink.tell("allergy.empty", Severity::Severe, "", message);
                AllergySaid::Unavailable
            }
        }
    }

    /// True when the state stands in another column than the substance: only then can the two contradict each other.
    fn differs(&self, take: &mut Take<'_, '_, '_>) -> bool {
        let (mut state, mut substance) = (Vec::new(), Vec::new());
        if let (Some(a), Some(b)) = (&self.state, &self.substance) {
            a.places(&mut state);
            b.places(&mut substance);
        }
        let _ = take;
        state != substance
    }

    fn item<'t>(&'t self, substance: String, code: String, take: &mut Take<'_, '_, 't>) -> Allergy {
        let contraindicated = take.truth(self.contraindication.as_ref());
        let kind = take
            .word(self.kind.as_ref(), value::allergy_kind, "アレルギーの分類")
            .unwrap_or_default();
        Allergy {
            kind: if contraindicated {
                AllergyKind::Contraindication
            } else {
                kind
            },
            substance: if substance.is_empty() {
                format!("コード {code}")
            } else {
                substance
            },
            code,
            reaction: take.text_up_to(self.reaction.as_ref(), MEDIUM),
            on: take.past_date(self.on.as_ref()),
        }
    }
}

/// 検体検査結果 bound to columns.
#[derive(Debug)]
pub struct ResultPlan {
    /// 項目名
    pub name: Option<Cell>,
    /// 項目コード
    pub code: Option<Cell>,
    /// 結果値
    pub value: Option<Cell>,
    unit: Option<Cell>,
    flag: Option<Cell>,
    reference: Option<Cell>,
    reference_low: Option<Cell>,
    reference_high: Option<Cell>,
    on: Option<Cell>,
    at: Option<Cell>,
}

impl ResultPlan {
    /// Binds the fields.
    pub fn bind(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            name: fields.one("name"),
            code: fields.one("code"),
            value: fields.one("value"),
            unit: fields.one("unit"),
            flag: fields.one("flag"),
            reference: fields.one("reference"),
            reference_low: fields.one("reference_low"),
            reference_high: fields.one("reference_high"),
            on: fields.one("on"),
            at: fields.one("at"),
        }
    }

    /// Reads one result; a row without a value says nothing.
    pub fn read<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> Option<LabResult> {
        let value = take.text_up_to(self.value.as_ref(), MEDIUM);
        if value.is_empty() {
            return None;
        }
        let mut name = take.text(self.name.as_ref());
        let code = take.text(self.code.as_ref());
        if name.is_empty() {
            name.clone_from(&code);
        }
        let range = self.reference.as_ref().and_then(|cell| cell.range);
        let mut reference = match range {
            None => take.text(self.reference.as_ref()),
            Some(_) => value::reference(&take.seen(self.reference.as_ref()), range),
        };
        if reference.is_empty() && (self.reference_low.is_some() || self.reference_high.is_some()) {
            let low = take.seen(self.reference_low.as_ref());
            reference = value::reference_of(&low, &take.seen(self.reference_high.as_ref()));
        }
        Some(LabResult {
            name,
            value,
            unit: take.text(self.unit.as_ref()),
            flag: take.word(self.flag.as_ref(), value::flag, "判定（H・L）").flatten(),
            reference,
            on: take.past_date(self.on.as_ref()),
            at: take.time(self.at.as_ref()),
            code,
        })
    }
}

/// 患者特記 bound to columns.
#[derive(Debug)]
pub struct ProfilePlan {
    /// 種別
    pub label: Option<Cell>,
    /// 値
    pub value: Option<Cell>,
    unit: Option<Cell>,
    on: Option<Cell>,
}

impl ProfilePlan {
    /// Binds the fields.
    pub fn bind(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            label: fields.one("label"),
            value: fields.one("value"),
            unit: fields.one("unit"),
            on: fields.one("on"),
        }
    }

    /// Reads one fact; a row without a value says nothing.
    pub fn read<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> Option<Fact> {
        let value = take.text(self.value.as_ref());
        if value.is_empty() {
            return None;
        }
        let unit = take.seen(self.unit.as_ref());
        Some(Fact {
            label: take.text(self.label.as_ref()),
            value: if unit.is_empty() {
                value
            } else {
                format!("{value}\u{A0}{unit}")
            },
            on: take.past_date(self.on.as_ref()),
        })
    }
}
