//! 連絡一覧: people of the coming days who have to be told, with the numbers under which they are reached, as CSV.
//!
//! For whoever calls off appointments. Who may take it and that it was taken is written down elsewhere; nothing clinical is in it.

use std::io::{self, Write};

use chart::{Moment, Name, Subject};
use jiff::civil::{Date, Time};

use crate::index::Index;
use crate::view::Day;

/// Most lines of one list: a large hospital's two weeks.
pub const MAX_LINES: usize = 50_000;

/// First line of the file.
pub const HEADER: &str = "日付,時刻,診療科,医師,カナ氏名,氏名,生年月日,患者番号,電話1,電話2,電話3,出所,データ時点";

/// Where a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum From {
    /// The appointments of the snapshot, the day's own or the list of coming ones.
    Snapshot,
    /// Booked in this downtime.
    Entries,
}

impl From {
    /// As it stands in the file.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Snapshot => "電子カルテの予約",
            Self::Entries => crate::forms::FROM_ENTRIES,
        }
    }
}

/// One appointment of somebody who may have to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Day.
    pub on: Date,
    /// Time, `None` where none was given.
    pub at: Option<Time>,
    /// 診療科: code and name.
    pub department: (String, String),
    /// 担当医
    pub doctor: String,
    /// Name and reading.
    pub name: Name,
    /// 生年月日
    pub birth: Option<Date>,
    /// 患者番号 or 仮番号, as shown.
    pub id: String,
    /// Numbers, the first to call first; empty when none is known.
    pub phones: Vec<String>,
    /// Where it comes from.
    pub from: From,
}

/// Everybody with an appointment from one day to another, both included, by day, department, time and reading. `department` is a
/// code, or empty for all.
#[must_use]
pub fn lines(index: &Index, day: &Day, (first, last): (Date, Date), department: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for on in index.days().filter(|on| (first..=last).contains(on)) {
        for slot in index.slots_on(on) {
            let code = index.department(slot);
            let Some(row) = index.row(slot.row) else { continue };
            if (!department.is_empty() && code.code != department) || row.has_died() {
                continue;
            }
            lines.push(Line {
                on,
                at: slot.time(),
                department: (code.code.clone(), code.label().to_owned()),
                doctor: index.doctor(slot).label().to_owned(),
                name: Name::new(row.written(), row.kana()),
                birth: row.birth(),
                id: row.id().map(|id| id.shown()).unwrap_or_default(),
                phones: row.phones().map(str::to_owned).collect(),
                from: From::Snapshot,
            });
        }
    }
    lines.extend(booked(index, day, (first, last), department));
    lines.sort_by(|a, b| {
        let key = |line: &Line| {
            (
                line.on,
                line.department.1.clone(),
                line.at.is_none(),
                line.at,
                line.name.kana.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    lines.truncate(MAX_LINES);
    lines
}

fn booked(index: &Index, day: &Day, (first, last): (Date, Date), department: &str) -> Vec<Line> {
    let wanted = day
        .provisional()
        .filter(|(_, a)| (first..=last).contains(&a.on) && (department.is_empty() || a.department.code == department));
    let line = |(recorded, a): (
        std::sync::Arc<crate::view::Recorded>,
        chart::entry::ProvisionalAppointment,
    )| {
        let mut line = Line {
            on: a.on,
            at: a.at,
            department: (a.department.code.clone(), a.department.label().to_owned()),
            doctor: a.doctor.label().to_owned(),
            name: Name::new("", ""),
            birth: None,
            id: recorded.entry.subject.number().to_owned(),
            // The number that was given for this appointment comes first.
            phones: Some(a.phone).filter(|phone| !phone.is_empty()).into_iter().collect(),
            from: From::Entries,
        };
        match &recorded.entry.subject {
            Subject::Patient(id) => {
                line.id = id.shown();
                // Somebody whom this snapshot does not hold keeps the line with the number alone.
                if let Some(row) = index.find(id) {
                    line.name = Name::new(row.written(), row.kana());
                    line.birth = row.birth();
                    let more = row
                        .phones()
                        .map(str::to_owned)
                        .filter(|phone| !line.phones.contains(phone));
                    let more: Vec<String> = more.collect();
                    line.phones.extend(more);
                }
            }
            Subject::Temporary(id) => {
                if let Some(t) = day.temporary(id) {
                    line.birth = t.birth;
                    line.name = t.name;
                }
            }
            Subject::Hospital => return None,
        }
        Some(line)
    };
    wanted.filter_map(line).collect()
}

/// Writes the CSV: UTF-8 with a byte order mark, CRLF, every cell quoted, formulas defused.
///
/// # Errors
/// What the writer says.
pub fn csv(lines: &[Line], as_of: Moment, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "\u{FEFF}{HEADER}\r\n")?;
    for line in lines {
        let phone = |n: usize| line.phones.get(n).cloned().unwrap_or_default();
        let cells = [
            chart::date::iso(line.on),
            chart::visit::time_text(line.at),
            line.department.1.clone(),
            line.doctor.clone(),
            line.name.kana.clone(),
            line.name.written.clone(),
            line.birth.map_or_else(|| "未確認".to_owned(), chart::date::iso),
            line.id.clone(),
            phone(0),
            phone(1),
            phone(2),
            line.from.label().to_owned(),
            as_of.text(),
        ];
        let cells: Vec<String> = cells.iter().map(|cell| super::csv::quoted(cell).0).collect();
        write!(out, "{}\r\n", cells.join(","))?;
    }
    out.flush()
}
