//! The hazards of the trade that are in every hospital on purpose, and who has them.

use crate::SynthError;
use crate::catalogue::Catalogue;

/// One hazard and the patient who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hazard {
    /// Position of the patient, from 1; smaller hospitals have only those up to their number of patients.
    pub number: u32,
    /// Patient number.
    pub patient: &'static str,
    /// What it is, in Japanese.
    pub what: &'static str,
}

/// All hazards, in order of position; a patient may have several.
///
/// # Errors
/// [`SynthError::Table`] when a table of this crate is faulty.
pub fn hazards() -> Result<Vec<Hazard>, SynthError> {
    let catalogue = Catalogue::load()?;
    let of = |row: &crate::catalogue::HazardRow| {
        row.hazards
            .iter()
            .map(|what| Hazard {
                number: row.number,
                patient: row.id,
                what,
            })
            .collect::<Vec<_>>()
    };
    Ok(catalogue.hazards.iter().flat_map(of).collect())
}
