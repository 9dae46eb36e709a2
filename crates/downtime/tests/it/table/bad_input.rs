//! Input too large or too strange to lie in the repository, made at test time; and places that are no folder at all.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use chart::{DataKind, Known, Moment};
use downtime::sources::PullFault;
use jiff::civil::date;

use super::{TINY, pull};

const PATIENTS: &str =
    "番号,氏名,カナ,性別,生年月日\n0001,山田 花子,ヤマダ　ハナコ,2,S26.5.12\n0002,佐藤 一,サトウ　ハジメ,1,1988/8/30\n";
const BOOKED: &str = "番号,日,時刻,科\n0001,2026/11/20,9:30,内科\n0002,2026/11/20,9:45,内科\n";

fn export() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("patients.csv"), PATIENTS).unwrap();
    std::fs::write(dir.path().join("booked_20261120.csv"), BOOKED).unwrap();
    dir
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = File::options().append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

fn codes(extract: &downtime::sources::Extract) -> Vec<&str> {
    extract.findings.iter().map(|finding| finding.code.as_str()).collect()
}

#[test]
fn a_line_of_many_megabytes_is_skipped_and_the_rest_is_read() {
    let dir = export();
    let path = dir.path().join("patients.csv");
    // A hole in the file: a line of 48 MB that takes no room on disk, as a crash leaves behind.
    let mut file = File::options().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(PATIENTS.len() as u64 + (48 << 20))).unwrap();
    file.write_all("\n0003,鈴木 三,スズキ　ミ,2,1990/1/1\n".as_bytes())
        .unwrap();
    append(
        &dir.path().join("booked_20261120.csv"),
        "0003,2026/11/20,10:00,内科\n".as_bytes(),
    );
    let (charts, extract) = pull(TINY, dir.path()).unwrap();
    assert_eq!(charts.len(), 3);
    assert_eq!(charts[2].patient.name.written, "鈴木　三");
    let finding = extract.findings.iter().find(|f| f.code == "row.too_long").unwrap();
    assert_eq!((finding.file.as_str(), finding.line), ("patients.csv", 4));
}

#[test]
fn a_million_columns_are_refused_and_the_rest_is_read() {
    let dir = export();
    let path = dir.path().join("patients.csv");
    let mut wide = b"0003".to_vec();
    wide.resize(wide.len() + 1_000_000, b',');
    append(&path, &wide);
    append(&path, "\n0004,鈴木 四,スズキ　ヨ,2,1990/1/1\n".as_bytes());
    append(
        &dir.path().join("booked_20261120.csv"),
        "0004,2026/11/20,10:00,内科\n".as_bytes(),
    );
    let (charts, _) = pull(TINY, dir.path()).unwrap();
    assert_eq!(charts.len(), 3);
    // The same as a heading: the file cannot be used, and that is said.
    std::fs::write(&path, wide).unwrap();
    let fault = pull(TINY, dir.path()).unwrap_err().to_string();
    assert!(
        fault.contains("見出し行を読めません") && fault.contains("前回の写しはそのまま使えます"),
        "{fault}"
    );
}

#[test]
fn an_open_quote_does_not_swallow_a_long_file() {
    let dir = export();
    let path = dir.path().join("patients.csv");
    append(&path, "0003,\"開いたまま,,2,1990/1/1\n".as_bytes());
    for i in 10..2_000 {
        append(&path, format!("{i:04},患者 {i},,2,1990/1/1\n").as_bytes());
    }
    append(
        &dir.path().join("booked_20261120.csv"),
        "1999,2026/11/20,10:00,内科\n0003,2026/11/20,10:00,内科\n".as_bytes(),
    );
    let (charts, extract) = pull(TINY, dir.path()).unwrap();
    assert_eq!(charts.len(), 4);
    assert_eq!(charts[2].patient.name.written, "患者　1999");
    // The patient of the broken row is expected all the same; the name is honestly missing.
    assert_eq!(charts[3].patient.id.as_str(), "0003");
    assert_eq!(charts[3].patient.name.written, "（氏名取得できず）");
    assert_eq!(codes(&extract).iter().filter(|code| **code == "row.quote").count(), 1);
}

#[test]
fn a_folder_that_cannot_be_read_says_what_to_do() {
    let dir = export();
    for (place, why) in [
        ("nowhere", "見つかりません"),
        ("patients.csv", "フォルダではありません"),
    ] {
        let fault = pull(TINY, &dir.path().join(place)).unwrap_err();
        assert!(matches!(fault, PullFault::Unreadable(_)));
        let text = fault.to_string();
        assert!(
            text.contains(why) && text.contains("前回の写しはそのまま使えます"),
            "{text}"
        );
    }
    // A folder in the place of a file is no file.
    std::fs::remove_file(dir.path().join("booked_20261120.csv")).unwrap();
    std::fs::create_dir(dir.path().join("booked_20261120.csv")).unwrap();
    let (_, extract) = pull(TINY, dir.path()).unwrap();
    assert!(codes(&extract).contains(&"file.unreadable"));
}

#[test]
fn the_time_of_the_data_is_that_of_the_file_and_never_in_the_future() {
    let dir = export();
    let mapping = TINY.replace("as_of = { fixed = \"2026-11-20 00:05\" }\n", "");
    let at = |name: &str, text: &str| {
        let when = Moment::from_local(text.parse().unwrap());
        let when = std::time::UNIX_EPOCH + std::time::Duration::from_secs(when.0.try_into().unwrap());
        File::options()
            .write(true)
            .open(dir.path().join(name))
            .unwrap()
            .set_modified(when)
            .unwrap();
    };
    at("patients.csv", "2026-11-18T23:00:00");
    at("booked_20261120.csv", "2026-11-20T00:20:00");
    let (charts, extract) = pull(&mapping, dir.path()).unwrap();
    assert_eq!(
        extract.findings.iter().filter(|f| f.code.starts_with("asof")).count(),
        0
    );
    assert_eq!(charts[0].as_of.of(DataKind::Patient).text(), "2026-11-18 23:00");
    assert_eq!(charts[0].as_of.of(DataKind::Appointment).text(), "2026-11-20 00:20");
    assert_eq!(charts[0].as_of.oldest().text(), "2026-11-18 23:00");
    at("booked_20261120.csv", "2026-11-21T00:20:00");
    let (charts, extract) = pull(&mapping, dir.path()).unwrap();
    assert!(codes(&extract).contains(&"asof.future"));
    assert_eq!(charts[0].as_of.of(DataKind::Appointment), super::scope().now);
}

#[test]
fn a_fault_in_every_row_is_counted_and_bounded() {
    let dir = export();
    let mut rows = String::from("番号,氏名,カナ,性別,生年月日\n");
    let mut booked = String::from("番号,日,時刻,科\n");
    for i in 0..3_000 {
        rows.push_str(&format!("{i:05},患者 {i},,9,26.5.12\n"));
        booked.push_str(&format!("{i:05},2026/11/20,朝,内科\n"));
    }
    std::fs::write(dir.path().join("patients.csv"), rows).unwrap();
    std::fs::write(dir.path().join("booked_20261120.csv"), booked).unwrap();
    let (charts, extract) = pull(TINY, dir.path()).unwrap();
    assert_eq!(charts.len(), 3_000);
    assert!(
        charts
            .iter()
            .all(|chart| !chart.findings.is_empty() && chart.patient.birth.is_none())
    );
    assert_eq!(
        codes(&extract).iter().filter(|code| **code == "date.bare_year").count(),
        501
    );
    assert!(extract.findings_dropped >= 2_500 + 2_500);
    assert!(extract.findings.iter().any(|f| f.message.contains("全部で3000件")));
}

#[test]
fn what_no_file_was_mapped_for_is_never_called_none() {
    let (charts, extract) = pull(TINY, export().path()).unwrap();
    for chart in &charts {
        assert_eq!(chart.allergies, Known::Unavailable { since: None });
        assert_eq!(chart.results, Known::Unavailable { since: None });
    }
    let severe = extract.findings.iter().find(|f| f.code == "kind.unmapped").unwrap();
    assert_eq!(severe.severity, chart::Severity::Severe);
}

#[test]
fn a_receiver_that_fails_stops_the_pull() {
    use downtime::sources::Source;
    let dir = export();
    let config = downtime::sources::table::Config::read(TINY).unwrap();
    let table = downtime::sources::table::Table::new(config, dir.path().to_owned()).unwrap();
    let scope = downtime::sources::Scope {
        day: date(2026, 11, 20),
        ..super::scope()
    };
    let fault = table
        .pull(&scope, &mut |_| anyhow::bail!("disk full"), &mut |_| {})
        .unwrap_err();
    assert!(matches!(fault, PullFault::Receiver(_)) && fault.to_string().contains("disk full"));
}
