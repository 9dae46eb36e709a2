//! データ種別: which kind of data a folder's files speak of, and which are needed for what.

use chart::DataKind;

/// What the standardized storage can say anything about. Appointments and notes it has none of.
pub const STANDARD: [DataKind; 10] = [
    DataKind::Patient,
    DataKind::Order,
    DataKind::Diagnosis,
    DataKind::Prescription,
    DataKind::Allergy,
    DataKind::Result,
    DataKind::Profile,
    DataKind::Insurance,
    DataKind::Stay,
    DataKind::Schedule,
];

/// The kinds of data in files of a データ種別; empty for what no chart takes.
#[must_use]
pub fn of(kind: &str) -> &'static [DataKind] {
    match kind {
        "ADT-00" => &[DataKind::Patient, DataKind::Profile, DataKind::Insurance],
        "ADT-61" => &[DataKind::Allergy],
        "PPR-01" => &[DataKind::Diagnosis],
        "OMP-01" => &[DataKind::Prescription, DataKind::Schedule],
        "OMP-02" | "OMP-11" | "OMP-12" => &[DataKind::Schedule],
        "OML-01" | "OMG-01" | "OMG-02" | "OMG-03" | "OMG-11" | "OMG-12" => &[DataKind::Order],
        "OML-11" | "OMG-13" => &[DataKind::Result],
        "OMD" => &[DataKind::Stay],
        _ if is_movement(kind) => &[DataKind::Stay],
        _ => &[],
    }
}

/// Where somebody lies: read of every patient.
#[must_use]
pub fn is_movement(kind: &str) -> bool {
    matches!(
        kind,
        "ADT-01" | "ADT-21" | "ADT-22" | "ADT-31" | "ADT-32" | "ADT-41" | "ADT-42" | "ADT-51" | "ADT-52"
    )
}

/// The segment without which a file of a データ種別 says nothing.
#[must_use]
pub fn body(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "ADT-61" => "IAM",
        "PPR-01" => "PRB",
        "OMP-01" | "OMP-02" => "RXE",
        "OMP-11" | "OMP-12" => "RXA",
        "OML-01" | "OMG-01" | "OMG-02" | "OMG-03" => "OBR",
        "OML-11" | "OMG-13" => "OBX",
        "OMD" => "ODS",
        _ if is_movement(kind) => "PV1",
        _ => return None,
    })
}

/// Two current files of one key are two events here, not one that is being renamed: these have no order number, and somebody may
/// move twice a day.
#[must_use]
pub fn has_no_key(kind: &str) -> bool {
    is_movement(kind) || matches!(kind, "ADT-12" | "OMG-13")
}
