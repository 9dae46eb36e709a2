//! Source `table`, from files on disk to charts: what comes out of good exports, and what is said about bad ones.

use std::path::Path;

use chart::{AsOf, Chart, Known, Moment};
use downtime::sources::table::{Config, Table};
use downtime::sources::{Extract, PullFault, Scope, Source};
use jiff::civil::date;

mod bad_input;
pub mod cases;
mod mapping;
mod mutation;
mod shapes;
pub mod show;

/// The day of every test: the synthetic hospital's.
pub fn scope() -> Scope {
    Scope {
        day: date(2026, 11, 20),
        thin_days: 14,
        now: Moment::from_local(date(2026, 11, 20).at(0, 30, 0, 0)),
        wanted: None,
    }
}

/// Pulls a folder by a mapping.
pub fn pull(mapping: &str, dir: &Path) -> Result<(Vec<Chart>, Extract), PullFault> {
    let config = Config::read(mapping).unwrap_or_else(|fault| panic!("{fault}"));
    let table = Table::new(config, dir.to_owned()).unwrap_or_else(|fault| panic!("{fault}"));
    let mut charts = Vec::new();
    let mut take = |chart| {
        charts.push(chart);
        Ok(())
    };
    let extract = table.pull(&scope(), &mut take, &mut |_| {})?;
    Ok((charts, extract))
}

const TINY: &str = r#"
[codes.sex]
1 = "男"
2 = "女"

[[files]]
kind = "patient"
pattern = "patients.csv"
as_of = { fixed = "2026-11-20 00:05" }
[files.fields]
id = "番号"
name = "氏名"
kana = "カナ"
sex = { column = "性別", codes = "sex" }
birth = "生年月日"

[[files]]
kind = "appointment"
pattern = "booked_{date:YYYYMMDD}.csv"
as_of = { fixed = "2026-11-20 00:05" }
[files.fields]
id = "番号"
on = "日"
at = "時刻"
department_name = "科"
"#;

#[test]
fn a_tiny_export_becomes_charts() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("patients.csv"),
        "番号,氏名,カナ,性別,生年月日\n0001,山田 花子,ﾔﾏﾀﾞ ﾊﾅｺ,2,S26.5.12\n0002,佐藤 一,サトウ　ハジメ,1,1988/8/30\n",
    )
    .unwrap();
    std::fs::write(
        dir.path().join("booked_20261120.csv"),
        "番号,日,時刻,科\n0001,2026/11/20,9:30,内科\n",
    )
    .unwrap();
    let (charts, extract) = pull(TINY, dir.path()).unwrap();
    assert_eq!(charts.len(), 1);
    let chart = &charts[0];
    assert_eq!(chart.patient.name.written, "山田　花子");
    assert_eq!(chart.patient.name.kana, "ヤマダ　ハナコ");
    assert_eq!(chart.patient.birth, Some(date(1951, 5, 12)));
    assert_eq!(chart.appointments[0].time_text(), "9:30");
    assert!(
        matches!(chart.allergies, Known::Unavailable { .. }),
        "no allergy file is mapped"
    );
    assert_eq!(
        chart.as_of,
        AsOf::all(Moment::from_local(date(2026, 11, 20).at(0, 5, 0, 0)))
    );
    assert_eq!((extract.charts, extract.thin_charts), (1, 0));
    assert_eq!(extract.origins.len(), 2);
    assert!(extract.origins.iter().all(|o| !o.half_written));
}
