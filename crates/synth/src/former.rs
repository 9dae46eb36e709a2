//! Who lay in a bed that is empty now, and how they left it. Only sources that keep what is over tell of them; nobody here is in hospital.

use crate::calendar;
use crate::hospital::Hospital;
use crate::inpatient::{Bed, FIRST, Lying};
use crate::patient::Patient;
use crate::rng::Subject;
use jiff::civil::{DateTime, time};

/// How somebody left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Home.
    Home,
    /// To another hospital.
    Elsewhere,
    /// 死亡
    Died,
}

/// The last one who lay in a bed that is empty.
#[derive(Debug, Clone)]
pub struct Former {
    /// Who. The stay says where they lay and since when.
    pub patient: Patient,
    /// When they left.
    pub at: DateTime,
    /// How.
    pub left: Left,
}

impl Hospital {
    /// The last one who lay in an empty bed: the one of the first empty bed died, the others went home or elsewhere, all yesterday.
    pub fn former(&self, bed: &Bed) -> Former {
        let mut patient = self.patient(FIRST + bed.number);
        let mut rng = self.rng(FIRST + bed.number, Subject::Former);
        for visit in &mut patient.visits {
            visit.appointment = None;
        }
        patient.later = None;
        let first = self.beds().find(|other| self.is_empty(other)).map(|other| other.number);
        let left = if first == Some(bed.number) {
            Left::Died
        } else if rng.chance(20) {
            Left::Elsewhere
        } else {
            Left::Home
        };
        let yesterday = calendar::plus(self.today(), -1);
        let mut lying: Lying = self.stay(bed, &patient, &mut rng);
        lying.admitted = calendar::plus(yesterday, -rng.between(1, 30));
        lying.due.clear();
        lying.vitals.clear();
        lying.handovers.clear();
        lying.discharge = None;
        lying.operation.clear();
        patient.lying = Some(lying);
        if left == Left::Died {
            patient.person.death = Some(yesterday);
        }
        Former {
            patient,
            at: yesterday.to_datetime(time(10, 30, 0, 0)),
            left,
        }
    }
}
