//! F30 お薬手帳用紙・患者さん控え: what was prescribed on a day, for the patient to keep and to show elsewhere.
//!
//! The wording is the prescription's. It is no prescription, carries no insurance, and is never a reading of a notebook handed out again.

use std::sync::Arc;

use chart::Sheet;
use chart::entry::Prescribed;
use chart::rx::{GivenOut, Institution};
use serde_json::{Value, json};

use super::{Issue, Visit, add, body, or_null, rx};
use crate::view::{Recorded, View};

/// One QR symbol as rows of `0` and `1`, and the side of a module in millimetres.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnSymbol {
    /// Row after row.
    pub rows: Vec<String>,
    /// Side of a module, in millimetres; `None` leaves it to the form.
    pub module_mm: Option<f64>,
}

impl DrawnSymbol {
    pub(super) fn value(&self) -> Value {
        json!({ "rows": self.rows, "module": self.module_mm })
    }
}

/// The sheet of a day's prescriptions. `symbols` are the notebook's symbols in order, or why there are none.
#[must_use]
pub fn notebook_sheet(
    view: &View,
    prescribed: &[(Arc<Recorded>, Prescribed)],
    institution: &Institution,
    symbols: Result<&[DrawnSymbol], &str>,
    issue: &Issue,
) -> Sheet {
    let mut body = body::patient(view, &Visit::today(issue.now), issue);
    let prescriptions: Vec<Value> = prescribed
        .iter()
        .map(|(recorded, prescribed)| {
            let lines: Vec<Value> = (1..)
                .zip(&prescribed.rx.rps)
                .flat_map(|(at, rp)| rx::lines(view, at, rp))
                .collect();
            json!({
                "department": prescribed.department.label(),
                "doctor": recorded.entry.by.name,
                "given": match prescribed.rx.given_out {
                    GivenOut::Outside => "院外処方（保険薬局で受け取り）",
                    GivenOut::InHouse => "院内処方（この病院で受け取り）",
                },
                "lines": lines,
            })
        })
        .collect();
    let phone = if institution.phone.is_empty() {
        &issue.contact_phone
    } else {
        &institution.phone
    };
    let mut notices = vec![
        "電子カルテの停止中に発行しました。後日、内容を確かめて連絡することがあります。",
        "お薬手帳にはさみ、ほかの病院や薬局でも見せてください。",
    ];
    if symbols.is_ok_and(|symbols| symbols.len() > 1) {
        notices.push("QRコードは1番から順に、全部読み取ってください。");
    }
    add(
        &mut body,
        json!({
            "prescriptions": prescriptions,
            "hospital_name": if institution.name.is_empty() { &issue.hospital } else { &institution.name },
            "phone": or_null(phone),
            "notices": notices,
            "symbols": symbols.unwrap_or_default().iter().map(DrawnSymbol::value).collect::<Vec<_>>(),
            "unmarked": symbols.err(),
        }),
    );
    issue.sheet("F30", Some(view.strip()), Value::Object(body))
}
