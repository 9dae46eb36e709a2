//! The 2D symbols of a prescription (JAHIS 院外処方箋２次元シンボル): from the entry to modules that were read back.
//!
//! A prescription whose symbol cannot be made is valid without one; the paper and the screen say so.

use chart::entry::Prescribed;
use chart::rx::{Doctor, GivenOut, Institution, RxPatient, RxSheet};
use chart::{Coded, Name};
use downtime::view::{Recorded, View};
use jahis::{Layout, Symbol};

/// What the symbols say.
///
/// # Errors
/// Why there are none, in words for the physician.
pub fn bytes(
    view: &View,
    recorded: &Recorded,
    prescribed: &Prescribed,
    institution: &Institution,
) -> Result<Vec<u8>, String> {
    let patient = view.chart.as_ref().map(|c| &c.patient);
    let patient = patient.ok_or("仮患者の処方箋にはシンボルを付けません。紙はシンボルなしで有効です。")?;
    let sheet = RxSheet {
        institution: institution.clone(),
        // The hospital's own code is none of the common table; the name stands alone.
        department: Coded::new("", prescribed.department.label()),
        doctor: Doctor {
            code: String::new(),
            name: Name::new(&recorded.entry.by.name, ""),
        },
        patient: RxPatient {
            id: patient.id.clone(),
            name: patient.name.clone(),
            sex: patient.sex,
            birth: patient.birth,
        },
        issued_on: recorded.entry.written_at.day(),
        rx: prescribed.rx.clone(),
    };
    let (script, _) = jahis::compose(&sheet).map_err(|refused| refused.to_string())?;
    jahis::write(&script).map_err(|refused| refused.to_string())
}

/// The symbols as rows of `0` and `1`, each read back and compared before it is printed; none for the hospital's own pharmacy.
///
/// # Errors
/// As [`bytes`], or a drawn symbol that does not read as what was meant.
pub fn drawn(
    view: &View,
    recorded: &Recorded,
    prescribed: &Prescribed,
    institution: &Institution,
) -> Result<Vec<Vec<String>>, String> {
    if prescribed.rx.given_out == GivenOut::InHouse {
        return Ok(Vec::new());
    }
    let bytes = bytes(view, recorded, prescribed, institution)?;
    let layout = Layout::default();
    let parts = jahis::split(&bytes, layout).map_err(|fault| fault.to_string())?;
    let symbols = jahis::draw(&parts, layout).map_err(|fault| fault.to_string())?;
    jahis::self_test(&symbols, &bytes).map_err(|fault| fault.to_string())?;
    Ok(symbols.iter().map(rows).collect())
}

fn rows(symbol: &Symbol) -> Vec<String> {
    let lines = symbol.modules.chunks(symbol.side.max(1));
    lines
        .map(|line| line.iter().map(|ink| if *ink { '1' } else { '0' }).collect())
        .collect()
}
