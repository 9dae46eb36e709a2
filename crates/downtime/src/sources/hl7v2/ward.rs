//! What ADT messages say of a stay besides the bed: the nurse (ROL), the purpose (PV2-3), and what the ward wrote down (OBX by its words).
//!
//! Only what was said since the admission counts: what a ward wrote of an earlier stay is not of this one.

use chart::patient::Fact;
use chart::{Coded, Stay};
use jiff::civil::Date;

use super::read::{Cwe, Remarks, person};
use super::said::{Latest, Register, Told};
use super::told::Taking;
use crate::sources::gather::ward::{self, WARD};

/// The latest statements about a stay.
#[derive(Debug, Clone, Default)]
pub struct Ward {
    nurse: Latest<Coded>,
    purpose: Latest<String>,
}

impl Ward {
    /// An ADT message.
    pub fn take(&mut self, taking: &Taking<'_>) {
        let roles = taking.message.segments_named("ROL");
        let nurses = roles.filter(|rol| {
            let role = Cwe::of(rol.field(3).first());
            role.first.code == "NURS" || role.words().contains("看護")
        });
        if let Some(nurse) = nurses.map(|rol| person(rol.field(4))).find(|who| !who.is_empty()) {
            self.nurse.take(taking.told(Some(nurse), Remarks::default()));
        }
        let purpose = Cwe::of(taking.message.field("PV2", 3).first()).words();
        if !purpose.is_empty() {
            self.purpose.take(taking.told(Some(purpose), Remarks::default()));
        }
    }

    /// Completes a stay with what was said since it began.
    pub fn put(&self, stay: &mut Stay, facts: &Register<String, Fact>) {
        let since = stay.admitted;
        if let Some(nurse) = of_this(self.nurse.told(), since) {
            stay.nurse = nurse.clone();
        }
        if let Some(purpose) = of_this(self.purpose.told(), since) {
            stay.purpose.clone_from(purpose);
        }
        let marks: Vec<(String, String)> = facts
            .iter()
            .filter_map(|(_, told)| of_this(Some(told), since))
            .filter(|fact| WARD.contains(&fact.label.as_str()))
            .map(|fact| (fact.label.clone(), fact.value.clone()))
            .collect();
        if !marks.is_empty() {
            ward::put(stay, &marks);
        }
    }
}

/// True for a fact that [`Ward::put`] puts into the stay, so that it does not stand beside the name as well.
#[must_use]
pub fn is_mark(told: &Told<Fact>, stay: Option<&Stay>) -> bool {
    let of_stay = stay.and_then(|stay| of_this(Some(told), stay.admitted));
    of_stay.is_some_and(|fact| WARD.contains(&fact.label.as_str()))
}

fn of_this<T>(told: Option<&Told<T>>, since: Option<Date>) -> Option<&T> {
    let told = told?;
    let said = told.said.moment().day();
    told.what.as_ref().filter(|_| since.is_none_or(|since| said >= since))
}
