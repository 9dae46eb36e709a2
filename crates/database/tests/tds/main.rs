//! SQL Server as it is spoken to, against two servers of its protocol: the tests' own, which can send any type and fail in any way, and
//! one written by the vendor. Neither is a SQL Server: docs/operating/sql-server.md says what stays unproven.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

mod charts;
// The same hospital as exported tables, for every database.
#[path = "../it/exported.rs"]
mod exported;
mod failing;
mod hospital;
mod mock;
mod opening;
mod server;
mod shipped;
// What a chart shows, as the tests of the tables compare it.
#[path = "../../../downtime/tests/it/table/show.rs"]
#[allow(dead_code)]
mod show;
mod tables;
mod tokens;
mod types;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use database::sqlserver::SqlServer;
use database::{Place, Secret, Settings};
use downtime::sources::sql::{Database, Fault, Field, Rows};

/// Settings for a server on this machine.
fn settings(port: u16) -> Settings {
    Settings {
        place: Place::read("127.0.0.1", port),
        database: "EHRDB".to_owned(),
        user: "tomoshibi_reader".to_owned(),
        secret: Some(Secret::new("静かな夜・Hush!".as_bytes().to_vec()).unwrap()),
        ca: None,
        connect_within: Duration::from_secs(10),
        answer_within: Duration::from_secs(10),
    }
}

fn key(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../wire/tests/keys")
        .join(name)
}

/// An answer as it came.
#[derive(Debug, Default, PartialEq, Eq)]
struct Got {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    now: Vec<Value>,
    /// After so many rows no more are wanted.
    most: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Null,
    Text(String),
    Bytes(Vec<u8>),
}

impl Value {
    fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Rows for Got {
    fn heading(&mut self, columns: &[&str]) -> ControlFlow<()> {
        self.columns = columns.iter().map(|&column| column.to_owned()).collect();
        ControlFlow::Continue(())
    }

    fn field(&mut self, field: Field<'_>) {
        self.now.push(match field {
            Field::Null => Value::Null,
            Field::Text(text) => Value::text(text),
            Field::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
        });
    }

    fn end_row(&mut self) -> ControlFlow<()> {
        self.rows.push(std::mem::take(&mut self.now));
        if self.most.is_some_and(|most| self.rows.len() >= most) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// One question in a session of its own.
fn ask(settings: Settings, sql: &str) -> (Got, Result<(), Fault>) {
    let server = SqlServer::new(settings);
    let mut got = Got::default();
    let done = server.open().and_then(|mut session| session.ask(sql, &mut got));
    (got, done)
}
