//! F04 処方箋 and F05 院内処方箋 for one prescription: the same object that the 2D symbols are made from.
//!
//! Strings are ready to print; the wording of doses is [`chart::rx::wording`]'s, the layout is the form's.

use chart::entry::Prescribed;
use chart::rx::{GivenOut, Institution, Leftovers, Member, Rp, Substitution, wording};
use chart::{Chart, PrescriptionItem, Sheet};
use serde_json::{Value, json};

use super::notebook::DrawnSymbol;
use super::{Issue, Visit, add, body, or_null};
use crate::view::{Recorded, View};

/// The sheet of one prescription. `symbols` are its 2D symbols in order; `None` when they cannot be made, which the sheet says.
#[must_use]
pub fn prescription_sheet(
    view: &View,
    recorded: &Recorded,
    prescribed: &Prescribed,
    institution: &Institution,
    symbols: Option<&[DrawnSymbol]>,
    issue: &Issue,
) -> Sheet {
    let mut body = body::patient(view, &Visit::today(issue.now), issue);
    let rx = &prescribed.rx;
    let lines: Vec<Value> = rx
        .rps
        .iter()
        .enumerate()
        .flat_map(|(at, rp)| lines(view, at + 1, rp))
        .collect();
    let on = recorded.entry.written_at.day();
    let until = rx.last_day(on).filter(|_| rx.valid_days != chart::rx::USUAL_VALID_DAYS);
    add(
        &mut body,
        json!({
            "lines": lines,
            "remarks": remarks(view, prescribed, institution, on, symbols.is_some()),
            "doctor": recorded.entry.by.name,
            "department": prescribed.department.label(),
        }),
    );
    match rx.given_out {
        GivenOut::Outside => add(
            &mut body,
            statutory(view, prescribed, institution, on, until, symbols.unwrap_or_default()),
        ),
        GivenOut::InHouse => add(
            &mut body,
            json!({ "contact": or_null(&institution.phone), "place": null, "urgent": false, "start": null }),
        ),
    }
    issue.sheet(rx.given_out.form(), Some(view.strip()), Value::Object(body))
}

pub(super) fn lines(view: &View, number: usize, rp: &Rp) -> Vec<Value> {
    let last = rp.drugs.len().saturating_sub(1);
    let line = |at: usize, drug: &chart::rx::Drug| {
        let dose = wording::dose(drug, &rp.usage);
        let before = before(view, &drug.name).filter(|before| *before != dose);
        let is_last = at == last;
        json!({
            "rp": number,
            "name": drug.name,
            "tag": null,
            "amount_line": dose,
            // The usage of an Rp stands once, under its last drug.
            "usage": if is_last { or_null(&wording::usage(rp)) } else { Value::Null },
            "days": null,
            "comment": or_null(&drug.notes.join("、")),
            "changed_from": before,
            "no_change": matches!(
                drug.substitution,
                Substitution::NoGeneric | Substitution::NoForm | Substitution::NoStrength | Substitution::NoFormNorStrength
            ),
            "wish": drug.substitution == Substitution::PatientWish,
        })
    };
    rp.drugs.iter().enumerate().map(|(at, drug)| line(at, drug)).collect()
}

/// The dose of this drug when it was prescribed last.
fn before(view: &View, name: &str) -> Option<String> {
    let chart: &Chart = view.chart.as_deref()?;
    let items = chart.prescriptions.items().iter().flat_map(|p| &p.items);
    let mut same = items.filter(|item: &&PrescriptionItem| item.drug.label() == name);
    same.next()
        .map(PrescriptionItem::dose_text)
        .filter(|dose| !dose.is_empty())
}

fn remarks(
    view: &View,
    prescribed: &Prescribed,
    institution: &Institution,
    on: jiff::civil::Date,
    marked: bool,
) -> Vec<String> {
    let insurance = &prescribed.rx.insurance;
    let mut remarks: Vec<String> = insurance
        .burden
        .map(|burden| burden.word().to_owned())
        .into_iter()
        .collect();
    remarks.extend(prescribed.rx.remarks.iter().cloned());
    let ask = if institution.phone.is_empty() {
        String::new()
    } else {
        format!("照会は {} へ。", institution.phone)
    };
    let until = prescribed
        .rx
        .last_day(on)
        .map(|day| format!("この処方箋は{}月{}日まで", day.month(), day.day()));
    let unmarked = if marked { "" } else { "。2次元シンボルなし" };
    let until = until.unwrap_or_default();
    remarks.push(format!("電子カルテ停止中に発行。{ask}{until}{unmarked}"));
    if let Some(as_of) = insurance.as_of {
        // The numbers are as old as this, whatever day the paper is printed on.
        let seen = view.receptions.iter().any(|(_, check_in)| check_in.insurance_seen);
        let seen = if seen {
            "受付で資格確認書等を確認"
        } else {
            "当日の資格は未確認"
        };
        remarks.push(format!("保険は{}時点の記録（{seen}）", as_of.text()));
    }
    remarks.push(format!(
        "アレルギー・禁忌：{}",
        chart::allergy::in_words(&view.allergies())
    ));
    remarks
}

fn statutory(
    view: &View,
    prescribed: &Prescribed,
    institution: &Institution,
    on: jiff::civil::Date,
    until: Option<jiff::civil::Date>,
    symbols: &[DrawnSymbol],
) -> Value {
    let rx = &prescribed.rx;
    let insurance = &rx.insurance;
    let patient = view.chart.as_ref().map(|c| &c.patient);
    let birth = patient
        .and_then(|p| p.birth)
        .or(view.temporary.as_ref().and_then(|t| t.birth));
    let sex = patient.map(|p| p.sex).or(view.temporary.as_ref().map(|t| t.sex));
    let payers: Vec<Value> = insurance
        .payers
        .iter()
        .map(|payer| json!({ "payer": payer.payer, "recipient": payer.recipient }))
        .collect();
    json!({
        "payers": payers,
        "insurer": or_null(&insurance.insurer),
        "insured_symbol": or_null(&insurance.symbol),
        "insured_number": or_null(&insurance.number),
        "insured_branch": or_null(&insurance.branch),
        "holder": insurance.member.map(|member| match member {
            Member::Insured => "被保険者",
            Member::Dependent => "被扶養者",
        }),
        "birth": birth.map_or_else(|| "生年月日 未確認".to_owned(), |birth| {
            format!("{}（{}）", chart::date::era(birth), birth.year())
        }),
        "sex": sex.map(|sex| match sex {
            chart::Sex::Male => json!("男"),
            chart::Sex::Female => json!("女"),
            _ => Value::Null,
        }),
        "hospital_address": institution.address,
        "hospital_name": institution.name,
        "phone": institution.phone,
        "prefecture": institution.prefecture,
        "point_table": if institution.code.is_empty() { "" } else { "1" },
        "hospital_code": institution.code,
        "issued_on": chart::date::era(on),
        "valid_until": until.map(chart::date::era),
        "refill": rx.refill,
        "residual": rx.leftovers.map(|l| match l {
            Leftovers::AskFirst => "inquire",
            Leftovers::Inform => "inform",
        }),
        "symbols": symbols.iter().map(DrawnSymbol::value).collect::<Vec<_>>(),
    })
}
