//! What is true of every database, on a real server: types, one moment, refusals, limits, lines that break, who is trusted.

use std::net::TcpListener;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use database::{Place, Secret, Settings};
use downtime::sources::sql::{Fault, Field, Limits, Rows};

use crate::hospital;
use crate::rows::{Told, ask, one};
use crate::server::{READER, Server, WRITER, certificates};

/// Everything, on one server.
pub fn all(server: &dyn Server) {
    hospital::loaded(server);
    types_and_empty_answers(server);
    one_moment(server);
    nothing_is_written(server);
    too_slow(server);
    no_more_wanted(server);
    ended_in_the_middle(server);
    who_is_trusted(server);
    silence(server);
    limits(server);
    hospital::the_same_charts(server);
    hospital::what_is_refused_costs_its_part(server);
    hospital::stray_bytes_cost_their_field(server);
}

fn reader(server: &dyn Server) -> Settings {
    server.settings(READER)
}

fn types_and_empty_answers(server: &dyn Server) {
    let words = server.words();
    let made = server.run(words.make_types);
    assert!(made.status.success(), "{made:?}");
    let database = server.database(reader(server));
    let mut session = database.open().unwrap();
    let told = ask(session.as_mut(), words.types).unwrap();
    assert_eq!(told.columns.len(), words.typed.len());
    assert_eq!(told.rows, [words.typed]);
    let none = ask(session.as_mut(), "SELECT a, i AS text FROM types WHERE k = 7").unwrap();
    assert_eq!(
        (none.columns, none.rows.len()),
        (vec!["a".to_owned(), "text".to_owned()], 0)
    );
    assert_eq!(session.remarks(), []);
    let now = session.now().unwrap().0;
    let here = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    assert!(now.abs_diff(i64::try_from(here).unwrap()) < 600, "{now} {here}");
    // The same over the machine's own socket, without TLS.
    let settings = Settings {
        place: Place::Socket(server.socket(), server.port()),
        ca: None,
        ..reader(server)
    };
    let database = server.database(settings);
    assert_eq!(
        one(database.open().unwrap().as_mut(), "SELECT COUNT(*) FROM types"),
        "1"
    );
}

/// What others do in the meantime is not seen, and a refused question changes nothing of that.
fn one_moment(server: &dyn Server) {
    let database = server.database(reader(server));
    let mut session = database.open().unwrap();
    let count = "SELECT COUNT(*) FROM types";
    assert_eq!(one(session.as_mut(), count), "1");
    assert!(server.run("INSERT INTO types (k) VALUES (8)").status.success());
    for refused in [
        "SELECT * FROM no_such_table",
        "SELECT no_such_column FROM types",
        "SELEC 1",
    ] {
        let fault = ask(session.as_mut(), refused).err().unwrap();
        assert!(matches!(fault, Fault::Refused(_)), "{refused}: {fault}");
        assert_eq!(one(session.as_mut(), count), "1", "after {refused}");
    }
    assert_eq!(session.remarks(), []);
    assert_eq!(one(database.open().unwrap().as_mut(), count), "2");
    assert!(server.run("DELETE FROM types WHERE k = 8").status.success());
}

fn nothing_is_written(server: &dyn Server) {
    let database = server.database(server.settings(WRITER));
    let mut session = database.open().unwrap();
    let remarks = session.remarks();
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert_eq!(remarks[0].code, "sql.account_writes");
    for write in [
        "INSERT INTO types (k) VALUES (9)",
        "DELETE FROM types",
        "CREATE TABLE other (a int)",
        "DROP TABLE types",
    ] {
        let fault = ask(session.as_mut(), write)
            .err()
            .unwrap_or_else(|| panic!("{write} was done"));
        assert!(matches!(fault, Fault::Refused(_)), "{write}: {fault}");
        // By the transaction, not for want of rights: this account has them.
        let words = fault.to_string().to_lowercase().replace('-', " ");
        assert!(
            words.contains("read only") || !write.contains("INTO"),
            "{write}: {fault}"
        );
    }
    drop(session);
    assert_eq!(
        one(database.open().unwrap().as_mut(), "SELECT COUNT(*) FROM types"),
        "1"
    );
}

fn too_slow(server: &dyn Server) {
    let settings = Settings {
        answer_within: Duration::from_secs(1),
        ..reader(server)
    };
    let database = server.database(settings);
    let mut session = database.open().unwrap();
    let begun = Instant::now();
    let fault = ask(session.as_mut(), server.words().sleep).err().unwrap();
    assert_eq!(fault, Fault::TooSlow(1));
    // The server keeps the limit itself: the transaction goes on.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(one(session.as_mut(), "SELECT COUNT(*) FROM types"), "1");
    assert_eq!(session.remarks(), []);
}

fn no_more_wanted(server: &dyn Server) {
    let database = server.database(reader(server));
    let mut session = database.open().unwrap();
    let mut told = Told {
        most: Some(10),
        ..Told::default()
    };
    let begun = Instant::now();
    assert_eq!(session.ask(server.words().many, &mut told), Err(Fault::Stopped));
    assert_eq!(told.rows.len(), 10);
    assert_eq!(one(session.as_mut(), "SELECT COUNT(*) FROM types"), "1");
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "the rest is not read: {:?}",
        begun.elapsed()
    );
    let codes: Vec<String> = session.remarks().into_iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["sql.second_transaction"]);
}

fn ended_in_the_middle(server: &dyn Server) {
    let database = server.database(reader(server));
    let mut session = database.open().unwrap();
    let mut cut = Cut { server, rows: 0 };
    let fault = session.ask(server.words().many, &mut cut).unwrap_err();
    assert!(matches!(fault, Fault::Connection(_)), "{fault}");
    assert!(cut.rows >= 1000 && cut.rows < 3_000_000, "{}", cut.rows);
}

fn who_is_trusted(server: &dyn Server) {
    let opened = |settings: Settings| match server.database(settings).open() {
        Ok(_) => panic!("opened"),
        Err(fault) => fault.to_string(),
    };
    let secret = |text: &str| Some(Secret::new(text.as_bytes().to_vec()).unwrap());
    let fault = opened(Settings {
        secret: secret("not-the-password"),
        ..reader(server)
    });
    assert!(
        fault.contains("口座 reader") && !fault.contains("not-the-password"),
        "{fault}"
    );
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path(), "other");
    let fault = opened(Settings {
        ca: Some(dir.path().join("other-ca.pem")),
        ..reader(server)
    });
    assert!(fault.contains("本物か"), "{fault}");
    // The certificate is for localhost and 127.0.0.1.
    let fault = opened(Settings {
        place: Place::read("127.0.0.2", server.port()),
        ..reader(server)
    });
    assert!(fault.contains("127.0.0.2"), "{fault}");
    let fault = opened(Settings {
        database: "no_such".to_owned(),
        ..reader(server)
    });
    assert!(fault.contains("no_such"), "{fault}");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let fault = opened(Settings {
        place: Place::read("localhost", free),
        ..reader(server)
    });
    assert!(fault.contains("通信できません"), "{fault}");
}

/// Somebody listens and never says a word.
fn silence(server: &dyn Server) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for ca in [None, Some(server.ca())] {
        let database = server.database(Settings {
            place: Place::read("localhost", port),
            connect_within: Duration::from_secs(1),
            ca,
            ..reader(server)
        });
        let begun = Instant::now();
        let fault = database.open().err().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert!(fault.to_string().contains("1秒以内"), "{fault}");
    }
}

fn limits(server: &dyn Server) {
    for (limits, word) in [
        (
            Limits {
                rows: 10,
                ..Limits::default()
            },
            "行の数",
        ),
        (
            Limits {
                bytes: 2_000,
                ..Limits::default()
            },
            "大きさ",
        ),
    ] {
        let source = hospital::source(server).within(limits);
        let answers = source.ask(&hospital::scope(), &mut |_| {}).unwrap();
        let downtime::sources::table::Files::Held(held) = &answers.files else {
            panic!("held in memory");
        };
        assert!(held.values().any(|held| format!("{held:?}").contains(word)), "{word}");
        let codes: Vec<&str> = answers.findings.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, ["sql.second_transaction"]);
    }
}

/// Rows during which the server ends the line.
struct Cut<'s> {
    server: &'s dyn Server,
    rows: usize,
}

impl Rows for Cut<'_> {
    fn heading(&mut self, _: &[&str]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn field(&mut self, _: Field<'_>) {}

    fn end_row(&mut self) -> ControlFlow<()> {
        self.rows += 1;
        if self.rows == 1000 {
            self.server.hang_up();
        }
        ControlFlow::Continue(())
    }
}
