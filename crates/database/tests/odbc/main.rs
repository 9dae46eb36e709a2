//! Through unixODBC with Debian's drivers: SQLite in a file, PostgreSQL on a port.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that cannot go on should stop; servers run by the real clock"
)]

use std::process::Command;
use std::time::Duration;

use database::{Odbc, Secret};
use downtime::sources::sql::{Database, Fault};

use crate::rows::{Told, ask, one};
use crate::server::{Postgres, READER, Server};

#[path = "../it/rows.rs"]
mod rows;
#[path = "../it/server.rs"]
#[allow(dead_code)]
mod server;

/// A driver where Debian puts it.
fn driver(file: &str) -> String {
    let machines = std::fs::read_dir("/usr/lib").unwrap().flatten();
    let mut paths = machines.map(|machine| machine.path().join("odbc").join(file));
    let found = paths.find(|path| path.exists());
    let found = found.unwrap_or_else(|| panic!("{file} is missing: `cargo xtask setup` installs it"));
    found.display().to_string()
}

fn through(connection: String) -> Odbc {
    Odbc {
        connection,
        user: String::new(),
        secret: None,
        connect_within: Duration::from_secs(20),
        answer_within: Duration::from_secs(30),
    }
}

#[test]
fn sqlite_through_odbc() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ehr.sqlite");
    // The driver makes the tables itself: a session of ours would take them back.
    let script = "CREATE TABLE t (id TEXT, name TEXT, amount DECIMAL(8,2), taken TIMESTAMP); \
                  INSERT INTO t VALUES ('00012', '山田　花子', 1.50, '2026-11-20 09:30:00'), ('00013', NULL, NULL, NULL);\n";
    let made = Command::new("python3")
        .args([
            "-c",
            "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])",
        ])
        .arg(&file)
        .arg(script)
        .status()
        .unwrap();
    assert!(made.success());
    let database = through(format!(
        "Driver={};Database={}",
        driver("libsqlite3odbc.so"),
        file.display()
    ));
    let mut session = database.open().unwrap();
    let told = ask(session.as_mut(), "SELECT id, name FROM t ORDER BY id").unwrap();
    assert_eq!(told.columns, ["id", "name"]);
    assert_eq!(told.rows, [["00012", "山田　花子"], ["00013", "NULL"]]);
    assert_eq!(
        ask(session.as_mut(), "SELECT id FROM t WHERE id = 'x'")
            .unwrap()
            .columns,
        ["id"]
    );
    let fault = ask(session.as_mut(), "SELECT no_such FROM t").err().unwrap();
    assert!(
        matches!(&fault, Fault::Refused(words) if words.contains("no_such")),
        "{fault}"
    );
    assert_eq!(one(session.as_mut(), "SELECT COUNT(*) FROM t"), "2");
    // What writes is never committed.
    let _ = ask(session.as_mut(), "DELETE FROM t");
    drop(session);
    let mut session = database.open().unwrap();
    assert_eq!(one(session.as_mut(), "SELECT COUNT(*) FROM t"), "2");
    assert_eq!(session.remarks()[0].code, "sql.account_writes");
}

#[test]
fn postgresql_through_odbc() {
    let server = Postgres::start();
    let words = server.words();
    assert!(server.run(words.make_types).status.success());
    let mut database = through(format!(
        "Driver={};Servername=127.0.0.1;Port={};Database=ehr;SSLmode=require;BoolsAsChar=0",
        driver("psqlodbcw.so"),
        server.port()
    ));
    database.user = READER.0.to_owned();
    database.secret = Some(Secret::new(READER.1.as_bytes().to_vec()).unwrap());
    let mut session = database.open().unwrap();
    let told = ask(session.as_mut(), "SELECT a, b, c, d, f, h, i, k FROM types").unwrap();
    let wanted = [
        "1.50",
        "1",
        "2026-11-20",
        "2026-11-20 09:30:00",
        "09:30:00",
        "bytes 8e5293faa0fd",
        "a,\"b\nc",
        "NULL",
    ];
    assert_eq!(told.rows, [wanted]);
    let mut few = Told {
        most: Some(300),
        ..Told::default()
    };
    let many = "SELECT n, repeat('x', 200) AS text FROM generate_series(1, 20000) AS n";
    assert_eq!(session.ask(many, &mut few), Err(Fault::Stopped));
    assert_eq!(one(session.as_mut(), "SELECT COUNT(*) FROM types"), "1");
    let codes: Vec<String> = session.remarks().into_iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["sql.account_writes", "sql.second_transaction"]);
    drop(session);
    database.secret = Some(Secret::new(b"not-the-password".to_vec()).unwrap());
    let fault = database.open().err().unwrap().to_string();
    assert!(!fault.contains("not-the-password"), "{fault}");
    database.connection.push_str(";PWD=x");
    assert!(database.open().err().unwrap().to_string().contains("password_file"));
}
