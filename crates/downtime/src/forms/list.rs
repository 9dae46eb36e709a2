//! F13 外来予約患者一覧: a department's booked patients, each row with both identifiers.

use chart::Sheet;
use jiff::civil::Date;
use serde_json::json;

use super::{Issue, body::day_text, or_null};
use crate::index::{Index, Slot};

/// One line of a department's list.
#[derive(Debug, Clone, Copy)]
pub struct ListRow<'a> {
    /// The appointment.
    pub slot: &'a Slot,
    /// Reception number of the downtime, empty while the person is not here.
    pub memo: &'a str,
}

/// The list of one department on one day.
#[must_use]
pub fn department_list(index: &Index, department: &str, day: Date, rows: &[ListRow<'_>], issue: &Issue) -> Sheet {
    let lines: Vec<_> = rows
        .iter()
        .filter_map(|line| {
            let row = index.row(line.slot.row)?;
            let name = chart::Name::new(row.written(), row.kana());
            let birth = row.birth();
            let age = birth.map(|b| chart::date::age(b, day)).unwrap_or_default();
            let label = row.alike().label();
            let flags: Vec<String> = if label.is_empty() { Vec::new() } else { vec![label] };
            Some(json!({
                "time": line.slot.time_text(),
                "kana": name.kana_shown(),
                "name": name.shown(),
                "birth": birth.map_or_else(|| "未確認".to_owned(), chart::date::short),
                "age_sex": format!("{} {}", age.trim_end_matches('歳'), row.sex().short()),
                "id": row.id().map(|id| id.shown()).unwrap_or_default(),
                "doctor": or_null(index.doctor(line.slot).label()),
                "tests": index.exams(line.slot),
                "memo": line.memo,
                "flags": flags,
                "gaiji": name.has_gaiji(),
            }))
        })
        .collect();
    let body = json!({
        "department": department,
        "date": day_text(day),
        "count": format!("{}人", lines.len()),
        "caution": "今日の追加予約は含まれません",
        "rows": lines,
    });
    issue.sheet("F13", None, body)
}
