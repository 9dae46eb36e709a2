//! The invented hospital in a database gives the charts that its exported tables give.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chart::{Chart, Finding, Known, Moment};
use downtime::sources::sql::{Database, Dialect, Fault, Question, Rows, Session, Sql};
use downtime::sources::table::Config;
use downtime::sources::{Extract, Scope, Source};
use jiff::civil::date;

use crate::exported::{sorted, tables};
use crate::server::{READER, Server};
use crate::show;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/hospital")
}

/// The day of the hospital.
pub fn scope() -> Scope {
    Scope {
        day: date(2026, 11, 20),
        thin_days: 14,
        now: Moment::from_local(date(2026, 11, 20).at(0, 30, 0, 0)),
        wanted: None,
    }
}

/// Makes and fills the tables.
pub fn loaded(server: &dyn Server) {
    let script = std::fs::read_to_string(fixtures().join("sql").join(server.script())).unwrap();
    let loaded = server.run(&script);
    assert!(loaded.status.success(), "{loaded:?}");
}

fn questions(dialect: Dialect) -> Vec<Question> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(fixtures().join("sql/queries"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            Question::read(name, &std::fs::read_to_string(path).unwrap(), dialect).unwrap()
        })
        .collect()
}

/// The hospital's source over a server.
pub fn source(server: &dyn Server) -> Sql {
    let mapping = std::fs::read_to_string(fixtures().join("sql/mapping.toml")).unwrap();
    let database = server.database(server.settings(READER));
    let questions = questions(database.dialect());
    Sql::new(Box::new(ThatDay(database)), questions, Config::read(&mapping).unwrap()).unwrap()
}

/// A server that answers on the hospital's day, when its tables were written: the rest is the server's own.
struct ThatDay(Box<dyn Database + Send + Sync>);

struct ThatSession<'d>(Box<dyn Session + 'd>);

impl Database for ThatDay {
    fn dialect(&self) -> Dialect {
        self.0.dialect()
    }

    fn open(&self) -> Result<Box<dyn Session + '_>, Fault> {
        Ok(Box::new(ThatSession(self.0.open()?)))
    }
}

impl Session for ThatSession<'_> {
    fn now(&self) -> Option<Moment> {
        self.0.now()?;
        Some(Moment::from_local(scope().day.at(0, 5, 0, 0)))
    }

    fn ask(&mut self, sql: &str, rows: &mut dyn Rows) -> Result<(), Fault> {
        self.0.ask(sql, rows)
    }

    fn remarks(&self) -> Vec<Finding> {
        self.0.remarks()
    }
}

fn pulled(source: &dyn Source) -> (BTreeMap<String, Chart>, Extract) {
    let mut charts = BTreeMap::new();
    let mut take = |chart: Chart| {
        charts.insert(chart.patient.id.to_string(), chart);
        Ok(())
    };
    let extract = source.pull(&scope(), &mut take, &mut |_| {}).unwrap();
    (charts, extract)
}

/// Field by field, with the same people, beds and no finding.
pub fn the_same_charts(server: &dyn Server) {
    let (_dir, exported) = tables(scope().day);
    let (tables, about_tables) = pulled(&exported);
    let (charts, extract) = pulled(&source(server));
    assert_eq!(extract.findings, []);
    assert_eq!(tables.keys().collect::<Vec<_>>(), charts.keys().collect::<Vec<_>>());
    assert!(charts.values().any(|chart| chart.thin) && charts.values().any(|chart| chart.stay.is_some()));
    let wards = |extract: &Extract| {
        let mut wards = extract.wards.clone();
        wards.sort();
        wards
    };
    assert_eq!(wards(&about_tables), wards(&extract));
    assert_eq!(
        show::pulled(&[], &about_tables)["empty_beds"],
        show::pulled(&[], &extract)["empty_beds"]
    );
    let mut different = Vec::new();
    for (id, mut one) in tables {
        // carries.toml: the database has no language.
        one.patient.language = None;
        let (one, other) = (show::chart(&sorted(one)), show::chart(&sorted(charts[&id].clone())));
        for (key, value) in one.as_object().unwrap() {
            if !same_text(&value.to_string(), &other[key].to_string()) {
                different.push(format!("{id} {key}\n  a {value}\n  sql {}", other[key]));
            }
        }
    }
    let some = different[..different.len().min(12)].join("\n");
    assert!(different.is_empty(), "{} differences\n{some}", different.len());
}

/// Equal but for characters that CP932 does not have, where the tables have a substitute, or under two numbers, and variation selectors.
fn same_text(tables: &str, database: &str) -> bool {
    let plain = |text: &str| -> Vec<char> {
        let shown = text
            .chars()
            .filter(|c| !matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}'));
        let one = |c| match c {
            '〜' => '～',
            '−' => '－',
            other => other,
        };
        shown.map(one).collect()
    };
    let (a, b) = (plain(tables), plain(database));
    let substitute = |c: char| matches!(c, '■' | '〓' | '\u{E000}');
    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a == b || substitute(*a))
}

/// A table that is not there, or that the account may not read, costs its own part and nothing else.
pub fn what_is_refused_costs_its_part(server: &dyn Server) {
    let (whole, _) = pulled(&source(server));
    let renamed = server.run("ALTER TABLE VITAL RENAME TO VITAL_OLD");
    assert!(renamed.status.success(), "{renamed:?}");
    let (charts, extract) = pulled(&source(server));
    assert_eq!(whole.len(), charts.len());
    let stay = |charts: &BTreeMap<String, Chart>| {
        let mut stays = charts.values().filter_map(|chart| chart.stay.as_ref());
        stays.next().unwrap().clone()
    };
    assert!(matches!(stay(&charts).vitals, Known::Unavailable { .. }));
    assert_eq!(stay(&charts).medicines, stay(&whole).medicines);
    let told: String = extract.findings.iter().map(Finding::text).collect();
    assert!(
        told.contains("14_vital.sql") && told.to_lowercase().contains("vital"),
        "{told}"
    );
    assert!(server.run("ALTER TABLE VITAL_OLD RENAME TO VITAL").status.success());
}

/// CP932 in a column of bytes, with bytes that are none.
pub fn stray_bytes_cost_their_field(server: &dyn Server) {
    let (whole, _) = pulled(&source(server));
    let changed = server.run(server.words().stray);
    assert!(changed.status.success(), "{changed:?}");
    let (charts, extract) = pulled(&source(server));
    assert_eq!(whole.len(), charts.len());
    let one = &charts["00123456"];
    let work = one.patient.facts.iter().find(|fact| fact.label == "勤務先");
    assert!(work.is_some_and(|fact| fact.value.contains('\u{FFFD}')), "{work:?}");
    assert_eq!(one.patient.name, whole["00123456"].patient.name);
    let told: String = extract.findings.iter().map(Finding::text).collect();
    assert!(told.contains("workplace"), "{told}");
}
