//! F13 外来予約患者一覧: a department's booked patients, each row with both identifiers and, in a long outage, where it comes from.

use chart::Sheet;
use jiff::civil::{Date, Time};
use serde_json::{Value, json};

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

/// One line for somebody who was booked in this downtime: no snapshot knows the booking.
#[derive(Debug, Clone)]
pub struct BookedRow {
    /// Time, `None` for one that is still to be agreed on the phone.
    pub at: Option<Time>,
    /// Name and reading.
    pub name: chart::Name,
    /// 生年月日
    pub birth: Option<Date>,
    /// 性別
    pub sex: chart::Sex,
    /// 患者番号 or 仮番号, as shown.
    pub id: String,
    /// 同姓同名 …
    pub flag: Option<String>,
    /// Registered in this downtime.
    pub temporary: bool,
    /// 担当医
    pub doctor: String,
    /// Examinations of the day.
    pub exams: String,
    /// Reception number, empty while the person is not here.
    pub memo: String,
}

/// Mark of a line that comes from the list of coming appointments: no chart of it was fetched.
pub const FROM_THIN_LIST: &str = "14日一覧";
/// Mark of a line that comes from an entry of this downtime.
pub const FROM_ENTRIES: &str = "停止中の予約";

/// The list of one department on one day.
#[must_use]
pub fn department_list(index: &Index, department: &str, day: Date, rows: &[ListRow<'_>], issue: &Issue) -> Sheet {
    department_list_with(index, department, day, rows, &[], issue)
}

/// The same with what was booked in this downtime. On a day after the snapshot's every line says where it comes from.
#[must_use]
pub fn department_list_with(
    index: &Index,
    department: &str,
    day: Date,
    rows: &[ListRow<'_>],
    booked: &[BookedRow],
    issue: &Issue,
) -> Sheet {
    let thin = index.day().is_some_and(|made_for| made_for != day);
    let mark = |from: &str, memo: &str| format!("{memo} {from}").trim().to_owned();
    let lines = rows.iter().filter_map(|line| {
        let row = index.row(line.slot.row)?;
        let name = chart::Name::new(row.written(), row.kana());
        let birth = row.birth();
        let age = birth.map(|b| chart::date::age(b, day)).unwrap_or_default();
        let label = row.alike().label();
        let flags: Vec<String> = if label.is_empty() { Vec::new() } else { vec![label] };
        let row = json!({
            "time": line.slot.time_text(),
            "kana": name.kana_shown(),
            "name": name.shown(),
            "birth": birth.map_or_else(|| "未確認".to_owned(), chart::date::short),
            "age_sex": format!("{} {}", age.trim_end_matches('歳'), row.sex().short()),
            "id": row.id().map(|id| id.shown()).unwrap_or_default(),
            "doctor": or_null(index.doctor(line.slot).label()),
            "tests": index.exams(line.slot),
            "memo": if thin { mark(FROM_THIN_LIST, line.memo) } else { line.memo.to_owned() },
            "flags": flags,
            "gaiji": name.has_gaiji(),
        });
        Some((line.slot.time(), row))
    });
    let mut lines: Vec<(Option<Time>, Value)> = lines.collect();
    lines.extend(
        booked
            .iter()
            .map(|row| (row.at, booked_line(row, day, &mark(FROM_ENTRIES, &row.memo)))),
    );
    if !booked.is_empty() {
        // By time, and within one time as before: whoever calls people in reads down one list.
        lines.sort_by_key(|(at, _)| (at.is_none(), *at));
    }
    let lines: Vec<Value> = lines.into_iter().map(|(_, line)| line).collect();
    let body = json!({
        "department": department,
        "date": day_text(day),
        "count": format!("{}人", lines.len()),
        "caution": caution(thin, booked.len(), issue),
        "rows": lines,
    });
    issue.sheet("F13", None, body)
}

fn booked_line(row: &BookedRow, day: Date, memo: &str) -> Value {
    let age = row.birth.map(|b| chart::date::age(b, day)).unwrap_or_default();
    json!({
        "time": chart::visit::time_text(row.at),
        "kana": row.name.kana_shown(),
        "name": row.name.shown(),
        "birth": row.birth.map_or_else(|| "未確認".to_owned(), chart::date::short),
        "age_sex": format!("{} {}", age.trim_end_matches('歳'), row.sex.short()),
        "id": row.id,
        "doctor": or_null(&row.doctor),
        "tests": row.exams,
        "memo": memo,
        "flags": row.flag.iter().collect::<Vec<_>>(),
        "gaiji": row.name.has_gaiji(),
        "temporary": row.temporary,
    })
}

/// What the list does not hold, and where it comes from.
fn caution(thin: bool, booked: usize, issue: &Issue) -> String {
    let at = issue.as_of.of(chart::DataKind::Appointment);
    match (thin, booked) {
        (false, 0) => "今日の追加予約は含まれません".to_owned(),
        (false, n) => format!("停止中の予約 {n}件を含みます。電子カルテで後から入った予約は含まれません"),
        (true, n) => format!(
            "{}時点の{FROM_THIN_LIST}と{FROM_ENTRIES} {n}件。カルテは取り出していません",
            at.text()
        ),
    }
}
