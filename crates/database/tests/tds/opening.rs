//! The line, the login, the transaction, and what is told of the account.

use chart::{Moment, Severity};
use database::Place;
use database::sqlserver::{SqlServer, statements};
use downtime::sources::sql::{Database, Fault};

use crate::server::{Login, Protects, Script, serve};
use crate::tokens::{error, routed};
use crate::{Got, key, settings};

fn codes(script: Script) -> Vec<(String, Severity)> {
    let served = serve(script);
    let server = SqlServer::new(settings(served.port));
    let session = server.open().unwrap();
    session
        .remarks()
        .into_iter()
        .map(|finding| (finding.code, finding.severity))
        .collect()
}

#[test]
fn the_login_says_who_we_are_and_that_we_read() {
    let served = serve(Script::default());
    let server = SqlServer::new(settings(served.port));
    let session = server.open().unwrap();
    // 20,777 days and an hour: 2026-11-20 01:00 UTC.
    assert_eq!(session.now(), Some(Moment(20_777 * 86_400 + 3_600)));
    assert_eq!(session.now().unwrap().text(), "2026-11-20 10:00");
    assert_eq!(
        served.logins(),
        [Login {
            user: "tomoshibi_reader".into(),
            password: "静かな夜・Hush!".into(),
            database: "EHRDB".into(),
            application: "Tomoshibi".into(),
            read_only: true,
            protected: false,
        }]
    );
    assert_eq!(
        served.batches(),
        [
            statements::SETTING_UP,
            statements::FACTS,
            statements::WRITABLE,
            statements::BEGIN_SNAPSHOT
        ]
    );
    let remarks = session.remarks();
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert!(remarks[0].message.contains("SNAPSHOT"));
}

#[test]
fn without_snapshot_it_says_so() {
    let mut facts = Script::default().facts;
    facts[2] = 0;
    assert_eq!(
        codes(Script {
            facts,
            ..Script::default()
        }),
        [("sql.isolation".to_owned(), Severity::Warning)]
    );
    let served = serve(Script {
        facts,
        ..Script::default()
    });
    let server = SqlServer::new(settings(served.port));
    drop(server.open().unwrap());
    assert_eq!(served.batches().last().unwrap(), statements::BEGIN_COMMITTED);
}

#[test]
fn an_account_that_may_write_is_told() {
    let writes = ("sql.account_writes".to_owned(), Severity::Warning);
    for right in 4..12 {
        let mut facts = Script::default().facts;
        facts[right] = 1;
        assert!(
            codes(Script {
                facts,
                ..Script::default()
            })
            .contains(&writes),
            "{right}"
        );
    }
    assert!(
        codes(Script {
            writable: 3,
            ..Script::default()
        })
        .contains(&writes)
    );
    let told = codes(Script {
        replies: vec![(
            "sys.".to_owned(),
            crate::server::Reply::Tokens(error(229, "許可が拒否されました")),
        )],
        ..Script::default()
    });
    assert!(
        told.contains(&("sql.account_unknown".to_owned(), Severity::Warning)),
        "{told:?}"
    );
}

#[test]
fn a_line_that_leaves_the_machine_is_protected_by_the_hospitals_authority() {
    let protected = |place: &str, ca: &str, port: u16| {
        let mut settings = settings(port);
        settings.place = Place::read(place, port);
        settings.ca = Some(key(ca));
        settings
    };
    for packet in [4_088, 33] {
        let served = serve(Script {
            protects: Protects::Always,
            packet,
            ..Script::default()
        });
        let server = SqlServer::new(protected("localhost", "ca.pem", served.port));
        let mut session = server.open().unwrap();
        let mut got = Got::default();
        session.ask(statements::STILL_THERE, &mut got).unwrap();
        assert_eq!(got.rows.len(), 1);
        assert!(served.logins()[0].protected);
    }
    let opened = |settings| match SqlServer::new(settings).open() {
        Ok(_) => panic!("opened"),
        Err(Fault::Connection(why)) => why,
        Err(other) => panic!("{other:?}"),
    };
    let told = |protects, place: &'static str, ca: &str| {
        let host = if place == "localhost" { "127.0.0.1" } else { place };
        let served = serve(Script {
            host,
            protects,
            ..Script::default()
        });
        let why = opened(protected(place, ca, served.port));
        assert_eq!(served.logins(), [], "nothing was said");
        why
    };
    let why = told(Protects::Always, "localhost", "other-ca.pem");
    assert!(why.contains("証明書を確かめられません"), "{why}");
    let why = told(Protects::Always, "127.0.0.2", "ca.pem");
    assert!(why.contains("証明書を確かめられません"), "{why}");
    let why = told(Protects::Never, "localhost", "ca.pem");
    assert!(why.contains("暗号化に応じません"), "{why}");
    for old in [Protects::Old, Protects::OldAndSilent] {
        let why = told(old, "localhost", "ca.pem");
        assert!(why.contains("TLS 1.2") && why.contains("odbc"), "{why}");
    }
    // A server that insists, and no authority to believe.
    let served = serve(Script {
        protects: Protects::Always,
        ..Script::default()
    });
    let why = opened(settings(served.port));
    assert!(why.contains("暗号化を求めています"), "{why}");
    assert_eq!(served.logins(), []);
}

#[test]
fn a_login_that_is_refused_says_what_to_look_at() {
    let refused = |number: u32, words: &str| {
        let served = serve(Script {
            login: Some(error(number, words)),
            ..Script::default()
        });
        match SqlServer::new(settings(served.port)).open() {
            Err(Fault::Connection(why)) => why,
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("opened"),
        }
    };
    let why = refused(18456, "ユーザー 'tomoshibi_reader' はログインできませんでした。");
    assert!(
        why.contains("18456") && why.contains("パスワードを確かめて") && !why.contains("Hush"),
        "{why}"
    );
    let why = refused(4060, "データベース \"EHRDB\" を開けません。");
    assert!(why.contains("database の名前"), "{why}");
}

#[test]
fn a_listener_may_send_us_on_to_its_replica() {
    let replica = serve(Script::default());
    let listener = serve(Script {
        login: Some(routed("127.0.0.1\\EHR", replica.port)),
        ..Script::default()
    });
    let server = SqlServer::new(settings(listener.port));
    let session = server.open().unwrap();
    assert!(session.now().is_some());
    assert_eq!((listener.logins().len(), replica.logins().len()), (1, 1));
    // Not out of this machine without protection, and not for ever.
    for (host, says) in [("ehr2.example", "暗号化せずには"), ("127.0.0.1", "")] {
        let lost = serve(Script {
            login: Some(routed(host, 9)),
            ..Script::default()
        });
        match SqlServer::new(settings(lost.port)).open() {
            Err(Fault::Connection(why)) => assert!(why.contains(says), "{why}"),
            _ => panic!("{host}"),
        }
    }
}

#[test]
fn what_cannot_be_meant_is_said() {
    let mut named = settings(1433);
    named.place = Place::read("EHRSV\\KARTE", 1433);
    named.ca = Some(key("ca.pem"));
    let mut nameless = settings(1433);
    nameless.secret = None;
    let served = serve(Script::default());
    nameless.place = Place::read("127.0.0.1", served.port);
    for (settings, says) in [(named, "インスタンス名"), (nameless, "パスワードのファイル")] {
        match SqlServer::new(settings).open() {
            Err(Fault::Connection(why)) => assert!(why.contains(says), "{why}"),
            _ => panic!("{says}"),
        }
    }
}
