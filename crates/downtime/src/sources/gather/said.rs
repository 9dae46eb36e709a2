//! What a source says, where the chart has no type for it: one statement about allergies, one line of a prescription.

use chart::{Allergy, Coded, DataKind, PrescriptionItem};
use jiff::civil::Date;

/// One statement about allergies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllergySaid {
    /// Something to be avoided.
    Present(Allergy),
    /// Confirmed on this day that there is nothing.
    ConfirmedNone(Option<Date>),
    /// Nobody asked.
    NotRecorded,
    /// The EHR could not read it, or its state cannot be understood.
    Unavailable,
}

/// One line of a prescription, and the prescription it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrugSaid {
    /// 処方日
    pub on: Option<Date>,
    /// 診療科
    pub department: Coded,
    /// 処方医
    pub doctor: Coded,
    /// The line.
    pub item: PrescriptionItem,
}

/// How much is taken of one patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Newest notes, one per department.
    pub notes: usize,
    /// Newest prescriptions, one per department.
    pub prescriptions: usize,
    /// Newest results.
    pub results: usize,
    /// Diagnoses.
    pub diagnoses: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            notes: 3,
            prescriptions: 3,
            results: 60,
            diagnoses: 50,
        }
    }
}

/// 患者基本, 予約 … for messages.
#[must_use]
pub const fn kind_word(kind: DataKind) -> &'static str {
    match kind {
        DataKind::Patient => "患者基本",
        DataKind::Appointment => "予約",
        DataKind::Order => "検査予約",
        DataKind::Diagnosis => "病名",
        DataKind::Note => "診療録",
        DataKind::Prescription => "処方",
        DataKind::Allergy => "アレルギー・禁忌",
        DataKind::Result => "検査結果",
        DataKind::Profile => "患者の特記（身長・感染症など）",
        DataKind::Insurance => "保険・公費",
        DataKind::Stay => "入院",
        DataKind::Schedule => "与薬予定・注射",
        DataKind::Vital => "バイタル",
        DataKind::Handover => "申し送り",
    }
}
