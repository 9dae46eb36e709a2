//! The 2D symbols of a prescription (JAHIS 院外処方箋２次元シンボル) and of the patient's notebook (電子版お薬手帳): from entries to modules that were read
//! back.
//!
//! A paper whose symbol cannot be made is valid without one; the paper and the screen say so.

use std::sync::Arc;

use chart::entry::Prescribed;
use chart::rx::{Doctor, GivenOut, Institution, RxPatient, RxSheet};
use chart::{Coded, Moment, Name};
use downtime::forms::DrawnSymbol;
use downtime::view::{Recorded, View};
use jahis::okusuri::{self, Notebook, Origin, Remark};
use jahis::symbols::capacity;

use crate::symbols::{SymbolSize, drawn as draw};

/// Said in the notebook's symbols too.
const IN_A_DOWNTIME: &str = "電子カルテ停止中に発行";

fn rx_sheet(
    view: &View,
    recorded: &Recorded,
    prescribed: &Prescribed,
    institution: &Institution,
) -> Result<RxSheet, String> {
    let patient = view.chart.as_ref().map(|c| &c.patient);
    let patient = patient.ok_or("仮患者の処方箋にはシンボルを付けません。紙はシンボルなしで有効です。")?;
    Ok(RxSheet {
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
    })
}

/// What the symbols of a prescription say.
///
/// # Errors
/// Why there are none, in words for the physician.
fn bytes(
    view: &View,
    recorded: &Recorded,
    prescribed: &Prescribed,
    institution: &Institution,
) -> Result<Vec<u8>, String> {
    let sheet = rx_sheet(view, recorded, prescribed, institution)?;
    let (script, _) = jahis::compose(&sheet).map_err(|refused| refused.to_string())?;
    jahis::write(&script).map_err(|refused| refused.to_string())
}

/// The symbols of a prescription, each read back and compared before it is printed; none for the hospital's own pharmacy.
///
/// # Errors
/// Why there are none, in words for the physician; or a drawn symbol that does not read as what was meant.
pub fn drawn(
    view: &View,
    recorded: &Recorded,
    prescribed: &Prescribed,
    institution: &Institution,
    size: SymbolSize,
) -> Result<Vec<DrawnSymbol>, String> {
    if prescribed.rx.given_out == GivenOut::InHouse {
        return Ok(Vec::new());
    }
    draw(&[bytes(view, recorded, prescribed, institution)?], size)
}

/// The notebook's symbols for a day's prescriptions, each read back and compared. Where one does not hold them all they are parts by 911, each
/// complete; a record too long for a part makes them one file over several symbols.
///
/// # Errors
/// Why there are none, in words for people.
pub fn notebook(
    view: &View,
    prescribed: &[(Arc<Recorded>, Prescribed)],
    institution: &Institution,
    size: SymbolSize,
    now: Moment,
) -> Result<Vec<DrawnSymbol>, String> {
    if institution.code.is_empty() || institution.prefecture.is_empty() {
        return Err("医療機関コードが設定されていません".to_owned());
    }
    let mut whole: Option<Notebook> = None;
    for (recorded, prescribed) in prescribed {
        let sheet =
            rx_sheet(view, recorded, prescribed, institution).map_err(|_| "仮患者の紙には付けません".to_owned())?;
        let (mut book, _) = okusuri::today(&sheet, &view.allergies(), &[]).map_err(|refused| refused.to_string())?;
        for block in &mut book.dispensings {
            block.remarks.push(Remark {
                record: 501,
                text: jahis::repertoire::clean(&format!("{} {IN_A_DOWNTIME}", sheet.department.label())).text,
                origin: Origin::Medical,
                ..Remark::default()
            });
        }
        match &mut whole {
            Some(whole) => whole.dispensings.append(&mut book.dispensings),
            None => whole = Some(book),
        }
    }
    let book = whole.ok_or("今日の処方がありません")?;
    let most = capacity(size.layout.version, size.layout.level, false).unwrap_or(0);
    let files = match okusuri::write_parts(&book, most, &part_id(now)) {
        Ok(files) => files,
        Err(_) => vec![okusuri::write(&book).map_err(|refused| refused.to_string())?],
    };
    draw(&files, size)
}

/// 14 digits that parts of one notebook have in common: the moment of writing.
fn part_id(now: Moment) -> String {
    let t = now.local();
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        t.year(),
        t.month(),
        t.day(),
        t.hour(),
        t.minute(),
        t.second()
    )
}
