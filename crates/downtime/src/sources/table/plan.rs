//! A file's mapping bound to its columns: one small plan per kind, made once, used for every row.
//!
//! What a plan cannot find is reported when the file is opened; without its essential columns a file is not used at all.

use super::bind::Binder;
use super::bookings::{AppointmentPlan, OrderPlan};
use super::cell::Cell;
use super::config::FileEntry;
use super::drugs::DrugPlan;
use super::fields::Kind;
use super::identity::PatientPlan;
use super::insurance::InsurancePlan;
use super::records::{AllergyPlan, DiagnosisPlan, NotePlan, ProfilePlan, ResultPlan};
use super::schedule::{HandoverPlan, SchedulePlan, VitalPlan};
use super::stays::{BedPlan, StayPlan};
use super::take::CodedCells;

/// How the rows of one file become facts.
#[derive(Debug)]
pub enum Plan {
    /// 患者基本
    Patient(Box<PatientPlan>),
    /// 予約
    Appointment(Box<AppointmentPlan>),
    /// 検査予約
    Order(Box<OrderPlan>),
    /// 病名
    Diagnosis(Box<DiagnosisPlan>),
    /// 診療録
    Note(Box<NotePlan>),
    /// 処方
    Prescription(Box<DrugPlan>),
    /// アレルギー・禁忌
    Allergy(Box<AllergyPlan>),
    /// 検体検査結果
    Result(Box<ResultPlan>),
    /// 患者特記
    Profile(Box<ProfilePlan>),
    /// 保険・公費
    Insurance(Box<InsurancePlan>),
    /// 入院
    Stay(Box<StayPlan>),
    /// 病床の一覧
    Bed(Box<BedPlan>),
    /// 与薬予定・注射
    Schedule(Box<SchedulePlan>),
    /// バイタル
    Vital(Box<VitalPlan>),
    /// 申し送り
    Handover(Box<HandoverPlan>),
    /// Rows that other rows refer to.
    Head,
}

/// The mapped fields of one entry, taken one after another.
pub struct Fields<'e, 's> {
    entry: &'e FileEntry,
    /// Finds the columns.
    pub binder: Binder<'s>,
}

impl<'e, 's> Fields<'e, 's> {
    /// The fields of an entry for an opened file.
    pub const fn new(entry: &'e FileEntry, binder: Binder<'s>) -> Self {
        Self { entry, binder }
    }

    /// One field, where it is mapped.
    pub fn one(&mut self, name: &str) -> Option<Cell> {
        self.many(name).into_iter().next()
    }

    /// A list of fields.
    pub fn many(&mut self, name: &str) -> Vec<Cell> {
        let found = self.entry.fields.get::<str>(name);
        found
            .map(|list| list.0.iter().map(|spec| self.binder.bind(spec)).collect())
            .unwrap_or_default()
    }

    /// A code and its name.
    pub fn coded(&mut self, code: &str, name: &str) -> CodedCells {
        CodedCells {
            code: self.one(code),
            name: self.one(name),
        }
    }

    /// 診療科
    pub fn department(&mut self) -> CodedCells {
        self.coded("department_code", "department_name")
    }

    /// 医師
    pub fn doctor(&mut self) -> CodedCells {
        self.coded("doctor_code", "doctor_name")
    }
}

impl Plan {
    /// Binds an entry's fields.
    ///
    /// # Errors
    /// The essential fields that are missing, as the configuration names them.
    pub fn bind(fields: &mut Fields<'_, '_>, kind: Kind) -> Result<Self, Vec<&'static str>> {
        let plan = match kind {
            Kind::Patient => Self::Patient(Box::new(PatientPlan::bind(fields))),
            Kind::Appointment => Self::Appointment(Box::new(AppointmentPlan::bind(fields))),
            Kind::Order => Self::Order(Box::new(OrderPlan::bind(fields))),
            Kind::Diagnosis => Self::Diagnosis(Box::new(DiagnosisPlan::bind(fields))),
            Kind::Note => Self::Note(Box::new(NotePlan::bind(fields))),
            Kind::Prescription => Self::Prescription(Box::new(DrugPlan::bind(fields))),
            Kind::Allergy => Self::Allergy(Box::new(AllergyPlan::bind(fields))),
            Kind::Result => Self::Result(Box::new(ResultPlan::bind(fields))),
            Kind::Profile => Self::Profile(Box::new(ProfilePlan::bind(fields))),
            Kind::Insurance => Self::Insurance(Box::new(InsurancePlan::bind(fields))),
            Kind::Stay => Self::Stay(Box::new(StayPlan::bind(fields))),
            Kind::Bed => Self::Bed(Box::new(BedPlan::bind(fields))),
            Kind::Schedule => Self::Schedule(Box::new(SchedulePlan::bind(fields))),
            Kind::Vital => Self::Vital(Box::new(VitalPlan::bind(fields))),
            Kind::Handover => Self::Handover(Box::new(HandoverPlan::bind(fields))),
            Kind::Head => Self::Head,
        };
        let lacking = plan.lacking();
        if lacking.is_empty() { Ok(plan) } else { Err(lacking) }
    }

    /// Essential fields that are not there: without them a row says nothing, or something wrong.
    fn lacking(&self) -> Vec<&'static str> {
        let mut lacking = Vec::new();
        let mut need = |name: &'static str, cells: &[&Option<Cell>]| {
            if !cells
                .iter()
                .any(|cell| cell.as_ref().is_some_and(|cell| !cell.is_nowhere()))
            {
                lacking.push(name);
            }
        };
        match self {
            Self::Patient(_) | Self::Head => {}
            Self::Appointment(plan) => need("on", &[&plan.on]),
            Self::Order(plan) => {
                need("on", &[&plan.on]);
                need("exam_name", &[&plan.exam.name, &plan.exam.code]);
            }
            Self::Diagnosis(plan) => need("name", &[&plan.name]),
            Self::Note(plan) => need(
                "text",
                &[&plan.text, &plan.soap[0], &plan.soap[1], &plan.soap[2], &plan.soap[3]],
            ),
            Self::Prescription(plan) => need("drug_name", &[&plan.drug.name, &plan.drug.code]),
            Self::Allergy(plan) => {
                need("substance", &[&plan.substance]);
                // A state that is mapped and cannot be found would turn "none" into an allergy, or the reverse.
                if plan.state.as_ref().is_some_and(Cell::is_nowhere) {
                    lacking.push("state");
                }
            }
            Self::Stay(plan) => {
                need("ward_name", &[&plan.place.ward.name, &plan.place.ward.code]);
                // A discharge that is mapped and cannot be found would put those who left back into their beds.
                if plan.discharged.as_ref().is_some_and(Cell::is_nowhere) {
                    lacking.push("discharged");
                }
            }
            Self::Bed(plan) => {
                need("ward_name", &[&plan.ward.name, &plan.ward.code]);
                need("bed", &[&plan.bed, &plan.room]);
            }
            Self::Schedule(plan) => need("drug_name", &[&plan.drug.drug.name, &plan.drug.drug.code]),
            Self::Vital(plan) => {
                let [a, b, c, d, e] = &plan.values;
                need("temperature", &[a, b, c, d, e]);
            }
            Self::Handover(plan) => need("text", &[&plan.text]),
            Self::Result(plan) => {
                need("name", &[&plan.name, &plan.code]);
                need("value", &[&plan.value]);
            }
            Self::Profile(plan) => {
                need("label", &[&plan.label]);
                need("value", &[&plan.value]);
            }
            Self::Insurance(plan) => {
                need("insurer", &[&plan.insurer, &plan.public[0].payer]);
                // Without the end that is mapped, what is over would be printed as good.
                for (name, cell) in plan.ends() {
                    if cell.is_some_and(Cell::is_nowhere) {
                        lacking.push(name);
                    }
                }
            }
        }
        lacking
    }
}
