//! F03 診療録 続紙: more room for the hand, on demand. It says which sheet it continues, where that is known.
//!
//! Typed notes are F02's matter: here nothing is printed in the space that somebody asked for in order to write.

use chart::Sheet;
use serde_json::{Value, json};

use super::{Issue, Visit, add, body};
use crate::view::View;

/// One empty continuation page of a patient's record of today.
#[must_use]
pub fn continuation_sheet(view: &View, issue: &Issue) -> Sheet {
    let mut body = body::patient(view, &Visit::today(issue.now), issue);
    add(
        &mut body,
        json!({
            "continues": view.newest_sheet("F02").map(ToString::to_string),
            "typed_notes": [],
        }),
    );
    issue.about("F03", view, Value::Object(body))
}
