//! What it costs to hold an answer in memory: `cargo run --release -p database --example sql_rate [rows]`. Target: at most 1.5 times
//! the CPU time of the bare driver, which fetches the same rows, reads every value as text and drops it.
//!
//! On a PostgreSQL of its own, which must be installed. Deliberately without the mapping: what making charts costs is measured with the
//! whole extract.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::time::Duration;

use chart::Moment;
use database::Waiting;
use downtime::sources::Scope;
use downtime::sources::sql::{Asking, Question};
use futures_util::TryStreamExt;
use jiff::civil::date;
use server::{Postgres, READER, Server};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Row, ValueRef};

#[path = "../tests/it/server.rs"]
#[allow(dead_code)]
mod server;

/// Eight columns such as results have: 100 bytes a row.
const RESULTS: &str = "SELECT lpad((n % 5000)::text, 8, '0') AS id, timestamp '2026-11-13 08:40:00' + n * interval '1 second' AS taken_at, \
                       '20101' AS code, 'アルブミン' AS name, (n % 900)::numeric / 100 AS result_value, 'g/dL' AS unit, \
                       CASE WHEN n % 7 = 0 THEN 'H' END AS flag, 'コメントは、まれに「,」を含む' AS remark";

fn main() {
    let rows: u64 = std::env::args().nth(1).map_or(1_000_000, |n| n.parse().unwrap());
    let server = Postgres::start();
    let made = server.run(&format!(
        "CREATE TABLE results AS {RESULTS} FROM generate_series(1, {rows}) AS n"
    ));
    assert!(made.status.success(), "{made:?}");
    let settings = server.settings(READER);

    let database = server.database(settings.clone());
    let question = Question::read("results.sql", "SELECT * FROM results", database.dialect()).unwrap();
    let asking = Asking::new(database, vec![question]).unwrap();
    let scope = Scope {
        day: date(2026, 11, 20),
        thin_days: 14,
        now: Moment(0),
        wanted: None,
    };
    let before = cpu_seconds();
    let answers = asking.ask(&scope, &mut |_| {}).unwrap();
    let ours = cpu_seconds() - before;
    let downtime::sources::table::Files::Held(held) = &answers.files else {
        panic!("held in memory");
    };
    let bytes = held["results.sql"].bytes();
    assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count() as u64, rows + 1);

    let options = PgConnectOptions::new_without_pgpass()
        .host("localhost")
        .port(server.port())
        .username(READER.0)
        .password(READER.1)
        .database("ehr")
        .ssl_mode(PgSslMode::VerifyFull)
        .ssl_root_cert(server.ca())
        .disable_statement_logging();
    let waiting = Waiting::new().unwrap();
    let before = cpu_seconds();
    let seen = waiting
        .within(Duration::from_secs(600), async {
            let mut connection = options.connect().await.unwrap();
            let mut stream = sqlx::raw_sql(AssertSqlSafe("SELECT * FROM results".to_owned())).fetch(&mut connection);
            let mut seen = 0_u64;
            while let Some(row) = stream.try_next().await.unwrap() {
                for at in 0..row.columns().len() {
                    let value = row.try_get_raw(at).unwrap();
                    seen += u64::from(!value.is_null() && !value.as_str().unwrap().is_empty());
                }
            }
            seen
        })
        .unwrap();
    let bare = cpu_seconds() - before;
    assert!(seen > rows * 7);
    println!("rows/s {:.0}", rows as f64 / ours);
    println!("bare rows/s {:.0}", rows as f64 / bare);
    println!("µs/row {:.3}", ours * 1e6 / rows as f64);
    println!("bare µs/row {:.3}", bare * 1e6 / rows as f64);
    println!("MB {:.1}", bytes.len() as f64 / 1e6);
}

/// CPU time of this process: the server is another.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let behind = stat.rsplit_once(')').unwrap().1;
    let ticks = behind.split_whitespace().skip(11).take(2);
    ticks.filter_map(|word| word.parse::<f64>().ok()).sum::<f64>() / 100.0
}
