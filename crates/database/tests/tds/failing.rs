//! What goes wrong on the way: one question is lost, or the rest of them, and never more than that.

use std::time::{Duration, Instant};

use database::sqlserver::{SqlServer, statements};
use downtime::sources::sql::{Database, Fault};

use crate::server::{Reply, Script, serve};
use crate::tokens::*;
use crate::{Got, Value, settings};

fn names(rows: &[&[u8]]) -> Vec<u8> {
    let rows: Vec<Vec<Vec<u8>>> = rows.iter().map(|name| vec![sized(name)]).collect();
    answer(&[varchar("name", JAPANESE)], &rows)
}

#[test]
fn a_line_that_is_cut_keeps_the_rows_before() {
    let many: Vec<Vec<u8>> = (0..500).map(|n| format!("row {n}").into_bytes()).collect();
    let many: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
    let mut cut = names(&many);
    cut.truncate(cut.len() - 100);
    let served = serve(Script {
        packet: 512,
        replies: vec![("FROM CUT".to_owned(), Reply::Cut(cut))],
        ..Script::default()
    });
    let server = SqlServer::new(settings(served.port));
    let mut session = server.open().unwrap();
    let mut got = Got::default();
    let fault = session.ask("SELECT name FROM CUT", &mut got).unwrap_err();
    assert!(matches!(fault, Fault::Connection(_)), "{fault:?}");
    assert!(got.rows.len() > 400 && got.rows.len() < 500, "{}", got.rows.len());
    assert_eq!(got.rows[7], [Value::Bytes(b"row 7".to_vec())]);
    // What the source does not do: the session would find its way back.
    let mut again = Got::default();
    assert_eq!(session.ask(statements::STILL_THERE, &mut again), Ok(()));
    assert_eq!(served.logins().len(), 2);
}

#[test]
fn a_refused_question_leaves_the_transaction_if_the_server_says_so() {
    for (transactions, begun) in [(1, 1), (0, 2)] {
        let served = serve(Script {
            transactions,
            replies: vec![
                (
                    "FROM LOCKED".to_owned(),
                    Reply::Tokens(error(1222, "ロック要求がタイムアウトしました。")),
                ),
                ("FROM GOOD".to_owned(), Reply::Tokens(names(&[b"a"]))),
            ],
            ..Script::default()
        });
        let server = SqlServer::new(settings(served.port));
        let mut session = server.open().unwrap();
        let fault = session.ask("SELECT name FROM LOCKED", &mut Got::default()).unwrap_err();
        assert!(
            matches!(&fault, Fault::Refused(words) if words.contains("1222") && words.contains("10秒待っても")),
            "{fault}"
        );
        let mut got = Got::default();
        assert_eq!(session.ask("SELECT name FROM GOOD", &mut got), Ok(()));
        assert_eq!(got.rows.len(), 1);
        let begins = served
            .batches()
            .iter()
            .filter(|sql| *sql == statements::BEGIN_SNAPSHOT)
            .count();
        assert_eq!(begins, begun);
        let told = session
            .remarks()
            .iter()
            .any(|finding| finding.code == "sql.second_transaction");
        assert_eq!(told, begun > 1);
    }
}

#[test]
fn an_error_between_rows_keeps_the_rows_before() {
    let mut tokens = names(&[b"a", b"b"]);
    tokens.truncate(tokens.len() - 13);
    tokens.extend(error(3960, "スナップショット分離トランザクションは中止されました。"));
    let served = serve(Script {
        replies: vec![("FROM HALF".to_owned(), Reply::Tokens(tokens))],
        ..Script::default()
    });
    let server = SqlServer::new(settings(served.port));
    let mut session = server.open().unwrap();
    let mut got = Got::default();
    let fault = session.ask("SELECT name FROM HALF", &mut got).unwrap_err();
    assert!(matches!(fault, Fault::Refused(_)), "{fault:?}");
    assert_eq!(got.rows.len(), 2);
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let served = serve(Script {
        replies: vec![
            ("FROM SLOW".to_owned(), Reply::Silence),
            ("FROM GOOD".to_owned(), Reply::Tokens(names(&[b"a"]))),
        ],
        ..Script::default()
    });
    let mut settings = settings(served.port);
    settings.answer_within = Duration::from_millis(300);
    let server = SqlServer::new(settings);
    let mut session = server.open().unwrap();
    #[allow(clippy::disallowed_methods, reason = "what is measured is the time itself")]
    let begun = Instant::now();
    let fault = session.ask("SELECT name FROM SLOW", &mut Got::default()).unwrap_err();
    assert!(matches!(fault, Fault::TooSlow(_)), "{fault:?}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    // The next question is asked all the same, in another transaction.
    let mut got = Got::default();
    assert_eq!(session.ask("SELECT name FROM GOOD", &mut got), Ok(()));
    assert_eq!(got.rows.len(), 1);
    assert!(
        session
            .remarks()
            .iter()
            .any(|finding| finding.code == "sql.second_transaction")
    );
}

#[test]
fn a_server_that_does_not_even_greet_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = settings(listener.local_addr().unwrap().port());
    settings.connect_within = Duration::from_millis(300);
    match SqlServer::new(settings).open() {
        Err(Fault::Connection(why)) => assert!(why.contains("返事がありません"), "{why}"),
        _ => panic!("opened"),
    }
}

#[test]
fn whoever_wants_no_more_rows_gets_no_more() {
    let served = serve(Script {
        replies: vec![("FROM GOOD".to_owned(), Reply::Tokens(names(&[b"a", b"b", b"c"])))],
        ..Script::default()
    });
    let server = SqlServer::new(settings(served.port));
    let mut session = server.open().unwrap();
    let mut got = Got {
        most: Some(2),
        ..Got::default()
    };
    assert_eq!(session.ask("SELECT name FROM GOOD", &mut got), Err(Fault::Stopped));
    assert_eq!(got.rows.len(), 2);
    let mut whole = Got::default();
    assert_eq!(session.ask("SELECT name FROM GOOD", &mut whole), Ok(()));
    assert_eq!(whole.rows.len(), 3);
}

#[test]
fn text_of_another_code_page_is_told_and_a_byte_that_is_none_costs_its_question() {
    let foreign = |collation: [u8; 5], text: &[u8]| {
        Reply::Tokens(answer(
            &[varchar("unit", collation), int("n")],
            &[vec![sized(b"mg"), number(1)], vec![sized(text), number(2)]],
        ))
    };
    let served = serve(Script {
        replies: vec![
            ("FROM ASCII".to_owned(), foreign(LATIN1, b"ml")),
            ("FROM MICRO".to_owned(), foreign(LATIN1, b"\xB5g")),
            ("FROM WRONG".to_owned(), foreign(KOREAN, b"\xFF\xFF")),
        ],
        ..Script::default()
    });
    let server = SqlServer::new(settings(served.port));
    let mut session = server.open().unwrap();
    let told = |session: &dyn downtime::sources::sql::Session| {
        session
            .remarks()
            .into_iter()
            .find(|finding| finding.code == "sql.varchar")
    };
    session.ask("SELECT unit, n FROM ASCII", &mut Got::default()).unwrap();
    assert_eq!(told(session.as_ref()), None);
    session.ask("SELECT unit, n FROM MICRO", &mut Got::default()).unwrap();
    assert_eq!(told(session.as_ref()).unwrap().field, "unit");
    let mut got = Got::default();
    let fault = session
        .ask("SELECT unit, n FROM WRONG", &mut got)
        .unwrap_err()
        .to_string();
    assert!(fault.contains("列 unit を") && fault.contains("CAST("), "{fault}");
    assert_eq!(got.rows.len(), 1);
    session.ask("SELECT unit, n FROM ASCII", &mut Got::default()).unwrap();
}

#[test]
fn a_row_without_end_costs_its_question() {
    let kind = [0xA5, 0xFF, 0xFF];
    let half = answer(
        &[column("scan", &kind)],
        &[vec![plp(&vec![7; 9 << 20])], vec![plp(&vec![8; 9 << 20])]],
    );
    let whole = answer(
        &[column("scan", &kind)],
        &[vec![plp(b"a")], vec![plp(&vec![7; 17 << 20])]],
    );
    let served = serve(Script {
        replies: vec![
            ("FROM HALF".to_owned(), Reply::Tokens(half)),
            ("FROM WHOLE".to_owned(), Reply::Tokens(whole)),
            ("FROM GOOD".to_owned(), Reply::Tokens(names(&[b"a"]))),
        ],
        ..Script::default()
    });
    let mut settings = settings(served.port);
    settings.answer_within = Duration::from_secs(60);
    let server = SqlServer::new(settings);
    let mut session = server.open().unwrap();
    // Two of 9 MiB are two rows.
    let mut got = Got::default();
    assert_eq!(session.ask("SELECT scan FROM HALF", &mut got), Ok(()));
    assert_eq!(got.rows.len(), 2);
    let mut got = Got::default();
    let fault = session.ask("SELECT scan FROM WHOLE", &mut got).unwrap_err();
    assert!(
        matches!(&fault, Fault::Refused(why) if why.contains("16 MiB")),
        "{fault}"
    );
    assert_eq!(got.rows.len(), 1);
    assert_eq!(session.ask("SELECT name FROM GOOD", &mut Got::default()), Ok(()));
}
