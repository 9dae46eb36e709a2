//! データ時点 on a sheet about one patient, where kinds of data are of different age or come from different sources.
//!
//! The line itself stays what it is, the oldest time: whoever reads only that is never told too young a time. What differs follows it.

use chart::{Chart, DataKind, Moment, Sheet};
use serde_json::Value;

use super::Issue;
use crate::view::View;

/// Most kinds that the line names; a foot has two lines for it.
const MOST: usize = 3;

impl Issue {
    /// A sheet about one patient: its line says which kinds of data have a time of their own.
    pub(crate) fn about(&self, form: &str, view: &View, body: Value) -> Sheet {
        let mut sheet = self.sheet(form, Some(view.strip()), body);
        if let Some(apart) = view.chart.as_ref().and_then(|chart| apart(chart)) {
            sheet.as_of.push_str(&apart);
        }
        sheet
    }
}

/// `　検査結果 06:10〔部門検査〕 ほか 08:45`: the kinds with a time of their own and the source that has them; `None` where all are
/// of one time, and on thin charts, which hold nothing but an appointment.
fn apart(chart: &Chart) -> Option<String> {
    let as_of = &chart.as_of;
    if chart.thin || as_of.at == Moment::default() {
        return None;
    }
    let mut kinds: Vec<(DataKind, Moment)> = as_of.apart.iter().copied().filter(|(_, at)| *at != as_of.at).collect();
    // The oldest first: that is the one to beware of.
    kinds.sort_by_key(|(_, at)| *at);
    let rest = kinds.len().saturating_sub(MOST);
    let named: Vec<String> = kinds
        .iter()
        .take(MOST)
        .map(|(kind, at)| {
            let origin = chart.origins.iter().find(|(k, name)| k == kind && !name.is_empty());
            let origin = origin.map_or_else(String::new, |(_, name)| format!("〔{name}〕"));
            format!("{} {}{origin}", label(*kind), time(*at, as_of.at))
        })
        .collect();
    if named.is_empty() {
        return None;
    }
    let more = if rest > 0 {
        format!(" 他{rest}種")
    } else {
        String::new()
    };
    Some(format!("　{}{more} ほか {}", named.join(" "), time(as_of.at, as_of.at)))
}

/// The clock alone on the chart's own day, else with its date.
fn time(at: Moment, beside: Moment) -> String {
    if at == Moment::default() {
        "不明".to_owned()
    } else if at.day() == beside.day() {
        at.clock()
    } else {
        let day = at.local();
        format!("{:02}-{:02} {}", day.month(), day.day(), at.clock())
    }
}

/// The kind as paper says it.
#[must_use]
pub const fn label(kind: DataKind) -> &'static str {
    match kind {
        DataKind::Patient => "基本情報",
        DataKind::Appointment => "予約",
        DataKind::Order => "検査予約",
        DataKind::Diagnosis => "病名",
        DataKind::Note => "診療録",
        DataKind::Prescription => "処方",
        DataKind::Allergy => "アレルギー",
        DataKind::Result => "検査結果",
        DataKind::Profile => "感染症等",
        DataKind::Stay => "病床",
        DataKind::Schedule => "与薬",
        DataKind::Vital => "バイタル",
        DataKind::Handover => "申し送り",
        DataKind::Insurance => "保険",
    }
}

#[cfg(test)]
mod tests {
    use chart::AsOf;
    use jiff::civil::date;

    use super::*;

    fn at(day: i8, hour: i8) -> Moment {
        Moment::from_local(date(2026, 11, day).at(hour, 10, 0, 0))
    }

    fn chart(apart: &[(DataKind, Moment)], origins: &[(DataKind, &str)]) -> Chart {
        let patient = chart::Patient {
            id: chart::PatientId::parse("00100001").unwrap(),
            name: chart::Name::new("試験　太郎", "シケン　タロウ"),
            former_names: Vec::new(),
            birth: None,
            sex: chart::Sex::Male,
            phones: Vec::new(),
            facts: Vec::new(),
            died: None,
            address: String::new(),
            insurance: String::new(),
            language: None,
        };
        let unavailable = || chart::Known::Unavailable { since: None };
        Chart {
            patient,
            appointments: Vec::new(),
            orders: Vec::new(),
            allergies: chart::Known::Unavailable { since: None },
            diagnoses: chart::Known::Unavailable { since: None },
            notes: chart::Known::Unavailable { since: None },
            prescriptions: chart::Known::Unavailable { since: None },
            results: chart::Known::Unavailable { since: None },
            as_of: AsOf {
                at: at(20, 8),
                apart: apart.to_vec(),
            },
            findings: Vec::new(),
            thin: false,
            origins: origins.iter().map(|(kind, name)| (*kind, (*name).to_owned())).collect(),
            insurances: unavailable(),
            stay: None,
        }
    }

    #[test]
    fn one_time_needs_no_more_words() {
        assert_eq!(apart(&chart(&[], &[(DataKind::Result, "部門検査")])), None);
        assert_eq!(
            apart(&chart(&[(DataKind::Note, at(20, 8))], &[])),
            None,
            "said apart, but the same"
        );
    }

    #[test]
    fn the_oldest_comes_first_with_its_source_and_its_day() {
        let apart = apart(&chart(
            &[(DataKind::Prescription, at(20, 7)), (DataKind::Result, at(19, 22))],
            &[(DataKind::Result, "部門検査"), (DataKind::Note, "電子カルテ")],
        ));
        assert_eq!(
            apart.as_deref(),
            Some("　検査結果 11-19 22:10〔部門検査〕 処方 07:10 ほか 08:10")
        );
    }

    #[test]
    fn more_than_three_are_counted_never_left_out() {
        let kinds = DataKind::ALL.into_iter().take(5);
        let apart = apart(&chart(&kinds.map(|kind| (kind, at(20, 6))).collect::<Vec<_>>(), &[])).unwrap();
        assert!(apart.contains("他2種") && apart.ends_with("ほか 08:10"), "{apart}");
    }

    #[test]
    fn a_thin_chart_holds_nothing_to_date() {
        let mut thin = chart(&[(DataKind::Result, at(19, 6))], &[]);
        thin.thin = true;
        assert_eq!(apart(&thin), None);
    }
}
