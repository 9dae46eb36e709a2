//! The canary patients on every form: from their charts where a form is about charts, from the form's own sample where it is not.
//!
//! It prints nothing; the press belongs to the roof.

use std::sync::Arc;

use chart::{AsOf, Chart, FormId, Moment, Sheet, StationCode, Subject};
use vault::snapshot::Block;

use super::{CANARY_WORD, DAY};
use crate::forms::{
    Issue, ListRow, OpenBed, Visit, continuation_sheet, day_sheet, department_list, label_sheet, patient_sheet,
    summary, ward_list, wards,
};
use crate::index::{Index, IndexBuilder};
use crate::sources::Beds;
use crate::view::{Day, View, lay_over};

/// A form to be proven.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its code, `F01`.
    pub code: String,
    /// A whole invented sheet that comes with the form; forms of the hospital's own have none.
    pub sample: Option<Sheet>,
    /// It is about one patient.
    pub about_one: bool,
}

/// A form with the sheets that prove it.
#[derive(Debug, Clone)]
pub struct Filled {
    /// Its code.
    pub code: String,
    /// The sheets; none for a form of the hospital's own that is about no patient: nobody knows what it wants.
    pub sheets: Vec<Sheet>,
}

/// How many patients the slip is printed for: those with the hardest names.
const SLIPS: usize = 4;

/// Sheets for every form wanted, in their order.
///
/// # Errors
/// When the charts make no list, in words.
pub fn filled(charts: &[Chart], wanted: &[Wanted]) -> Result<Vec<Filled>, String> {
    let views: Vec<View> = charts.iter().map(view).collect();
    let index = index(charts)?;
    let station = StationCode::parse("X00").ok_or("X00")?;
    let issue = |sequence: u32| issue(station, sequence);
    let fill = |want: &Wanted| Filled {
        code: want.code.clone(),
        sheets: of_charts(want, &views, &index, &issue).unwrap_or_else(|| want.sample.iter().cloned().collect()),
    };
    Ok(wanted.iter().map(fill).collect())
}

/// `None` for a form that charts do not fill.
fn of_charts(want: &Wanted, views: &[View], index: &Index, issue: &dyn Fn(u32) -> Issue) -> Option<Vec<Sheet>> {
    let inpatients = || views.iter().filter(|view| stays(view));
    let visit = Visit {
        day: DAY,
        department: None,
    };
    let each = |code: &str, most: usize| {
        let views = views.iter().zip(1..).take(most);
        views
            .map(|(view, n)| patient_sheet(code, view, &visit, &issue(n)))
            .collect()
    };
    Some(match want.code.as_str() {
        "F01" => each("F01", SLIPS),
        "F02" => each("F02", views.len()),
        "F03" => views
            .first()
            .map(|view| continuation_sheet(view, &issue(1)))
            .into_iter()
            .collect(),
        "F10" => ward_lists(views, index, issue),
        "F11" => inpatients()
            .zip(1..)
            .map(|(view, n)| summary(view, DAY, &issue(n)))
            .collect(),
        "F12" => inpatients()
            .zip(1..)
            .map(|(view, n)| day_sheet(view, DAY, &issue(n)))
            .collect(),
        "F13" => vec![department(index, &issue(1))?],
        "F15" => views
            .first()
            .map(|view| label_sheet(view, 12, true, &issue(1)))
            .into_iter()
            .collect(),
        _ if want.sample.is_none() && want.about_one => each(&want.code, SLIPS),
        _ => return None,
    })
}

fn stays(view: &View) -> bool {
    view.chart.as_ref().is_some_and(|chart| chart.stay.is_some())
}

fn view(chart: &Chart) -> View {
    let subject = Subject::Patient(chart.patient.id.clone());
    lay_over(&subject, Some(Arc::new(chart.clone())), &Day::default(), moment())
}

fn moment() -> Moment {
    Moment::from_local(DAY.at(9, 12, 0, 0))
}

/// What every sheet says about its issue. The number is of a day that is long past.
fn issue(station: StationCode, sequence: u32) -> Issue {
    Issue {
        hospital: format!("{CANARY_WORD}（準備の確認用）"),
        mark: CANARY_WORD.to_owned(),
        drill: false,
        reissue: false,
        as_of: AsOf::all(Moment::from_local(DAY.at(8, 45, 0, 0))),
        stopped_at: Some(Moment::from_local(DAY.at(9, 0, 0, 0))),
        seal: format!("封印 {CANARY_WORD}"),
        station,
        now: moment(),
        form_id: FormId::issue(DAY, 1, sequence),
        contact_phone: "000-000-0000".to_owned(),
    }
}

fn index(charts: &[Chart]) -> Result<Index, String> {
    let mut list = IndexBuilder::new(DAY);
    for chart in charts {
        list.add(chart).map_err(|fault| fault.to_string())?;
    }
    let beds = Beds::Known { empty: Vec::new() };
    let blocks = list.finish(Vec::new(), &beds).map_err(|fault| fault.to_string())?;
    let packed: std::io::Result<Vec<Block>> = blocks.iter().map(|block| Block::pack(block)).collect();
    Index::from_blocks(packed.map_err(|fault| fault.to_string())?).map_err(|fault| fault.to_string())
}

fn ward_lists(views: &[View], index: &Index, issue: &dyn Fn(u32) -> Issue) -> Vec<Sheet> {
    let of_row = |row: u32| views.get(usize::try_from(row).ok()?).map(of_the_same);
    let list = |ward: &crate::forms::Ward| {
        let beds: Vec<OpenBed<'_>> = ward
            .beds
            .iter()
            .map(|bed| OpenBed {
                bed,
                view: bed.row.and_then(of_row),
            })
            .collect();
        ward_list(index, ward, &beds, DAY, &issue(1))
    };
    wards(index).iter().map(list).collect()
}

fn of_the_same(known: &View) -> View {
    lay_over(&known.subject, known.chart.clone(), &Day::default(), moment())
}

fn department(index: &Index, issue: &Issue) -> Option<Sheet> {
    let slots = index.slots_on(DAY);
    let name = index.department(slots.first()?).label().to_owned();
    let rows: Vec<ListRow<'_>> = slots.iter().map(|slot| ListRow { slot, memo: "" }).collect();
    Some(department_list(index, &name, DAY, &rows, issue))
}
