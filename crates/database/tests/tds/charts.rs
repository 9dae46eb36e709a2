//! Through the mapping into charts: one byte that is no character costs one field, and is told.

use chart::{Chart, Moment};
use database::sqlserver::SqlServer;
use downtime::sources::sql::{Dialect, Question, Sql};
use downtime::sources::table::Config;
use downtime::sources::{Extract, Scope, Source};
use jiff::civil::date;

use crate::server::{Reply, Script, Served, serve};
use crate::settings;
use crate::tokens::*;

pub const MAPPING: &str = r#"
[defaults]
encoding = "utf-8"

[[files]]
kind = "patient"
pattern = "patient.sql"
as_of = "mtime"
[files.fields]
id = "id"
name = "name"
kana = "kana"
sex = "sex"
birth = "birth"
address = "address"

[[files]]
kind = "appointment"
pattern = "booked.sql"
as_of = "mtime"
[files.fields]
id = "id"
on = "booked_on"
at = "booked_at"
department_code = "dept"
department_name = "dept_name"
"#;

pub fn scope() -> Scope {
    let now = Moment::from_local(date(2026, 11, 20).at(9, 0, 0, 0));
    Scope {
        day: date(2026, 11, 20),
        thin_days: 14,
        now,
        wanted: None,
    }
}

pub fn pull(source: &dyn Source) -> (Vec<Chart>, Extract) {
    let mut charts = Vec::new();
    let mut take = |chart: Chart| {
        charts.push(chart);
        Ok(())
    };
    let extract = source.pull(&scope(), &mut take, &mut |_| ()).unwrap();
    (charts, extract)
}

fn questions() -> Vec<Question> {
    [
        ("patient.sql", "SELECT * FROM PATIENT"),
        ("booked.sql", "SELECT * FROM RESERVE WHERE D = :day"),
    ]
    .into_iter()
    .map(|(name, text)| Question::read(name, text, Dialect::SqlServer).unwrap())
    .collect()
}

/// Two patients, the second with whatever stands in the hospital's own characters.
fn hospital(replies: Vec<(String, Reply)>) -> Served {
    let people = [
        varchar("id", JAPANESE),
        varchar("name", JAPANESE),
        varchar("kana", JAPANESE),
        varchar("sex", JAPANESE),
        column("birth", &[0x28]),
        varchar("address", JAPANESE),
    ];
    let born = |days: u32| short(&days.to_le_bytes()[..3]);
    let person = |id: &str, name: &[u8], kana: &[u8], address: &[u8]| {
        vec![
            sized(id.as_bytes()),
            sized(name),
            sized(kana),
            sized(b"\x8F\x97"),
            born(711_857),
            sized(address),
        ]
    };
    // ﾔﾏﾀﾞ ﾊﾅｺ in half-width katakana, as such systems hold it.
    let kana = b"\xD4\xCF\xC0\xDE \xCA\xC5\xBA";
    let rows = [
        person("00000011", b"\x8E\x52\x93\x63\x81\x40\x89\xD4\x8E\x71", kana, b""),
        // 髙橋 with the vendor's 髙, a character of the hospital's own, and two bytes that are nothing.
        person(
            "00000012",
            b"\xFB\xFC\x8B\xB4\x81\x40\xF0\x40",
            kana,
            b"\x8E\x52\xA0\xFD\x93\x63",
        ),
        person(
            "00000013",
            b"\x8E\x52\x93\x63\x81\x40\x89\xD4\x8E\x71",
            kana,
            b"\x8E\x52\x93\x63",
        ),
    ];
    let booked = [
        column("id", &[&[0xAF, 10, 0][..], &JAPANESE].concat()),
        column("booked_on", &[0x3D]),
        column("booked_at", &[0x29, 0]),
        varchar("dept", JAPANESE),
        varchar("dept_name", JAPANESE),
    ];
    let reserve: Vec<Vec<Vec<u8>>> = ["00000011  ", "00000012  ", "00000013  "]
        .iter()
        .map(|id| {
            vec![
                sized(id.as_bytes()),
                [46_344_i32.to_le_bytes(), [0; 4]].concat(),
                short(&34_200_u32.to_le_bytes()[..3]),
                sized(b"01"),
                sized(b"\x93\xE0\x89\xC8"),
            ]
        })
        .collect();
    let mut all = replies;
    all.push(("FROM PATIENT".to_owned(), Reply::Tokens(answer(&people, &rows))));
    all.push(("D = '20261120'".to_owned(), Reply::Tokens(answer(&booked, &reserve))));
    serve(Script {
        // 2026-11-19 23:55 UTC: 08:55 of the day in Japan.
        facts: [20_776, 86_100, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        replies: all,
        ..Script::default()
    })
}

fn source(served: &Served) -> Sql {
    let server = SqlServer::new(settings(served.port));
    Sql::new(Box::new(server), questions(), Config::read(MAPPING).unwrap()).unwrap()
}

#[test]
fn a_byte_that_is_no_character_costs_one_field() {
    let served = hospital(Vec::new());
    let (charts, extract) = pull(&source(&served));
    assert_eq!(charts.len(), 3, "{:?}", extract.findings);
    let named = |at: usize| charts[at].patient.name.written.as_str();
    assert_eq!(
        (named(0), named(1), named(2)),
        ("山田　花子", "髙橋　\u{E000}", "山田　花子")
    );
    let works = |at: usize| format!("{:?}", charts[at].patient.address);
    assert!(
        works(1).contains('\u{FFFD}') && !works(2).contains('\u{FFFD}'),
        "{}",
        works(1)
    );
    let damaged: Vec<_> = extract
        .findings
        .iter()
        .filter(|finding| finding.file == "patient.sql")
        .collect();
    assert!(
        damaged
            .iter()
            .any(|finding| finding.field == "address" && finding.patient.contains("00000012")),
        "{:?}",
        extract.findings
    );
    assert!(extract.findings.iter().any(|finding| finding.code == "sql.isolation"));
    // The server's clock is what the data are as of.
    assert_eq!(extract.as_of.at.text(), "2026-11-20 08:55");
    for chart in &charts {
        assert_eq!(chart.appointments.len(), 1);
        assert_eq!(
            chart.appointments[0].at.map(|at| at.to_string()),
            Some("09:30:00".to_owned())
        );
        assert_eq!(chart.patient.birth.map(chart::date::iso), Some("1950-01-01".to_owned()));
    }
}

#[test]
fn one_question_that_is_refused_leaves_the_others() {
    let refused = (
        "D = '20261120'".to_owned(),
        Reply::Tokens(error(208, "オブジェクト名 'RESERVE' が無効です。")),
    );
    let served = hospital(vec![refused]);
    let mut told = Vec::new();
    let asked = source(&served).ask(&scope(), &mut |_| ()).unwrap();
    let downtime::sources::table::Files::Held(files) = asked.files else {
        panic!("on disk");
    };
    told.extend(
        files
            .iter()
            .map(|(name, file)| (name.clone(), !file.bytes().is_empty())),
    );
    assert_eq!(
        told,
        [("booked.sql".to_owned(), false), ("patient.sql".to_owned(), true)]
    );
}
