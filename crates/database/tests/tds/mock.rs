//! The same against the server that SQL Server's vendor writes to test its own drivers: another reading of the protocol than ours.
//!
//! It knows integers, NVARCHAR, the MAX types, one error, a delay, and TLS by OpenSSL. What it cannot say is said by `server`.

use std::time::Duration;

use database::sqlserver::{SqlServer, statements};
use downtime::sources::sql::{Database, Fault};
use mssql_mock_tds::{
    ColumnDefinition, ColumnValue, MockTdsServer, QueryResponse, Row, SqlDataType, TerminalError, create_test_identity,
};

use crate::tokens::JAPANESE;
use crate::{Got, Value, key, settings};

/// Starts it with these answers; it ends with the runtime.
fn started(tls: bool, answers: Vec<(&str, QueryResponse)>) -> (u16, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let port = runtime.block_on(async {
        let identity = tls.then(|| {
            let read = |name| std::fs::read(key(name)).unwrap();
            create_test_identity(&read("server.pem"), &read("server.key")).unwrap()
        });
        let server = MockTdsServer::new_with_tls("127.0.0.1:0", identity).await.unwrap();
        let registry = server.query_registry();
        let mut registry = registry.lock().await;
        let ints = |numbers: &[i32]| {
            let columns = numbers
                .iter()
                .map(|_| ColumnDefinition::new("n", SqlDataType::Int))
                .collect();
            let row = Row::new(numbers.iter().map(|n| ColumnValue::Int(*n)).collect());
            QueryResponse::new(columns, vec![row])
        };
        registry.register(statements::FACTS, ints(&[20_777, 3_600, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
        registry.register(statements::WRITABLE, ints(&[0]));
        registry.register(statements::STILL_THERE, ints(&[1]));
        for (question, answer) in answers {
            registry.register(question, answer);
        }
        let port = server.local_addr().port();
        drop(registry);
        tokio::spawn(server.run());
        port
    });
    (port, runtime)
}

fn people() -> QueryResponse {
    let column = |name: &str, kind, collation| ColumnDefinition {
        name: name.to_owned(),
        data_type: kind,
        collation,
    };
    let columns = vec![
        column("id", SqlDataType::BigInt, [0; 5]),
        column("name", SqlDataType::VarCharMax, JAPANESE),
        column("note", SqlDataType::NVarCharMax, JAPANESE),
        column("cast", SqlDataType::VarBinaryMax, [0; 5]),
    ];
    let row = |id: i64, name: &[&[u8]], note: &[u16]| {
        Row::new(vec![
            ColumnValue::BigInt(id),
            ColumnValue::VarCharMax(name.iter().map(|part| part.to_vec()).collect()),
            ColumnValue::NVarCharMax(vec![note.to_vec()]),
            ColumnValue::VarBinaryMax(name.iter().map(|part| part.to_vec()).collect()),
        ])
    };
    QueryResponse::new(
        columns,
        vec![
            row(1, &[b"\x8E\x52\x93\x63 \x91\xBE\x98\x59"], &[0x5C71]),
            row(2, &[b"\xFB", b"\xFC\x8B\xB4"], &[0xD800]),
            row(3, &[b"\xF0\x40"], &[0x7530]),
            // Two bytes that are nothing, and a row behind them.
            row(4, &[b"\x8E\x52\xA0\xFD\x93\x63"], &[0x7530]),
            row(5, &[b"\x8E\x52\x93\x63"], &[0x7530]),
        ],
    )
}

fn settings_of(port: u16, tls: bool) -> database::Settings {
    let mut settings = settings(port);
    if tls {
        settings.place = database::Place::read("localhost", port);
        settings.ca = Some(key("ca.pem"));
    }
    settings
}

#[test]
fn text_in_code_page_932_arrives_whole_whatever_bytes_it_has() {
    for tls in [false, true] {
        let (port, _runtime) = started(tls, vec![("SELECT * FROM PATIENT", people())]);
        let server = SqlServer::new(settings_of(port, tls));
        let mut session = server.open().unwrap();
        assert_eq!(
            session.now().map(chart::Moment::text).as_deref(),
            Some("2026-11-20 10:00")
        );
        let mut got = Got::default();
        assert_eq!(session.ask("SELECT * FROM PATIENT", &mut got), Ok(()));
        assert_eq!(got.columns, ["id", "name", "note", "cast"]);
        let names: Vec<Value> = got.rows.iter().map(|row| row[1].clone()).collect();
        let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
        assert_eq!(
            names,
            [
                bytes(b"\x8E\x52\x93\x63 \x91\xBE\x98\x59"),
                bytes(b"\xFB\xFC\x8B\xB4"),
                bytes(b"\xF0\x40"),
                bytes(b"\x8E\x52\xA0\xFD\x93\x63"),
                bytes(b"\x8E\x52\x93\x63"),
            ]
        );
        assert_eq!(got.rows[1][2], Value::text("\u{FFFD}"));
        for row in &got.rows {
            assert_eq!(row[1], row[3]);
        }
    }
}

#[test]
fn its_certificate_must_be_the_hospitals() {
    let (port, _runtime) = started(true, Vec::new());
    let mut settings = settings_of(port, true);
    settings.ca = Some(key("other-ca.pem"));
    match SqlServer::new(settings).open() {
        Err(Fault::Connection(why)) => assert!(why.contains("証明書を確かめられません"), "{why}"),
        _ => panic!("opened"),
    }
}

#[test]
fn its_errors_and_delays_cost_a_question() {
    let locked = QueryResponse::error_only(TerminalError::new(1222, 16, "Lock request time out period exceeded."));
    let slow = QueryResponse::select_one().with_delay(Duration::from_secs(30));
    let (port, _runtime) = started(
        false,
        vec![
            ("SELECT 1 AS locked", locked),
            ("SELECT 1 AS slow", slow),
            ("SELECT 1", QueryResponse::select_one()),
        ],
    );
    let mut settings = settings(port);
    settings.answer_within = Duration::from_millis(500);
    let server = SqlServer::new(settings);
    let mut session = server.open().unwrap();
    let fault = session.ask("SELECT 1 AS locked", &mut Got::default()).unwrap_err();
    assert!(
        matches!(&fault, Fault::Refused(words) if words.contains("1222")),
        "{fault}"
    );
    let fault = session.ask("SELECT 1 AS slow", &mut Got::default()).unwrap_err();
    assert!(matches!(fault, Fault::TooSlow(_)), "{fault}");
    let mut got = Got::default();
    assert_eq!(session.ask("SELECT 1", &mut got), Ok(()));
    assert_eq!(got.rows, [[Value::text("1")]]);
}

#[test]
fn a_server_that_dies_takes_the_connection_with_it() {
    let (port, runtime) = started(false, vec![("SELECT 1", QueryResponse::select_one())]);
    let server = SqlServer::new(settings(port));
    let mut session = server.open().unwrap();
    assert_eq!(session.ask("SELECT 1", &mut Got::default()), Ok(()));
    runtime.shutdown_timeout(Duration::from_secs(5));
    let fault = session.ask("SELECT 1", &mut Got::default()).unwrap_err();
    assert!(matches!(fault, Fault::Connection(_)), "{fault:?}");
}
