//! The whole invented hospital through the protocol: every file of shape a as the answer to a question, cell for cell as bytes of
//! CP932, and charts that are those of the files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chart::Chart;
use database::sqlserver::SqlServer;
use downtime::sources::sql::{Dialect, Question, Sql};
use downtime::sources::table::{Config, Table};
use encoding_rs::SHIFT_JIS;

use crate::charts::pull;
use crate::server::{Reply, Script, serve};
use crate::settings;
use crate::tokens::{Column, JAPANESE};
use crate::tokens::{answer, sized, sized_null, varchar};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/hospital/a")
}

/// The cells of a file. Commas, quotes and ends of lines are no second bytes of CP932.
fn cells(bytes: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), Vec::new(), false);
    let mut bytes = bytes.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if quoted && bytes.peek() == Some(&b'"') => {
                bytes.next();
                cell.push(b'"');
            }
            b'"' => quoted = !quoted,
            b',' if !quoted => row.push(std::mem::take(&mut cell)),
            b'\r' if !quoted => {}
            b'\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    rows
}

fn by_id(charts: Vec<Chart>) -> BTreeMap<String, Chart> {
    charts
        .into_iter()
        .map(|chart| (chart.patient.id.as_str().to_owned(), chart))
        .collect()
}

#[test]
fn charts_are_those_of_the_files() {
    let mapping = fs::read_to_string(folder().join("mapping.toml")).unwrap();
    let mut replies = Vec::new();
    let mut questions = Vec::new();
    let mut all = 0;
    for entry in fs::read_dir(folder()).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let Some(table) = name.strip_suffix(".csv") else {
            continue;
        };
        let mut rows = cells(&fs::read(entry.path()).unwrap()).into_iter();
        let columns: Vec<Column> = rows
            .next()
            .unwrap()
            .iter()
            .map(|name| varchar(&SHIFT_JIS.decode(name).0, JAPANESE))
            .collect();
        let rows: Vec<Vec<Vec<u8>>> = rows
            .map(|row| {
                assert_eq!(row.len(), columns.len(), "{name}");
                row.iter()
                    .map(|cell| if cell.is_empty() { sized_null() } else { sized(cell) })
                    .collect()
            })
            .collect();
        all += rows.len();
        let sql = format!("SELECT * FROM [{table}]");
        replies.push((sql.clone(), Reply::Tokens(answer(&columns, &rows))));
        questions.push(Question::read(&name, &sql, Dialect::SqlServer).unwrap());
    }
    assert!(all > 1_000, "{all} rows");
    let served = serve(Script {
        replies,
        ..Script::default()
    });
    let config = Config::read(&mapping).unwrap();
    let server = SqlServer::new(settings(served.port));
    let source = Sql::new(Box::new(server), questions, config.clone()).unwrap();
    let (asked, of_server) = pull(&source);
    let (read, of_files) = pull(&Table::new(config, folder()).unwrap());
    assert_eq!(
        (of_server.charts, of_server.thin_charts),
        (of_files.charts, of_files.thin_charts)
    );
    assert!(of_files.charts > 50, "{of_files:?}");
    let (asked, read) = (by_id(asked), by_id(read));
    assert_eq!(asked.keys().collect::<Vec<_>>(), read.keys().collect::<Vec<_>>());
    for (id, chart) in &read {
        assert_eq!(asked.get(id), Some(chart), "{id}");
    }
}
