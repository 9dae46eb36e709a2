//! Who may see what, and when: the whole table of screens against every role, before and during a downtime.

use axum::http::StatusCode;
use desk::{Open, SCREENS};
use downtime::identity::Role;

use crate::browser::Browser;
use crate::hospital::{Hospital, STAFF, people};

/// A route's path with something in the place of its parameters.
fn concrete(path: &str) -> String {
    path.replace("{who}", "0123456789abcdef")
        .replace("{entry}", &"ab".repeat(32))
        .replace("{sheet}", "0123456789abcdef")
        .replace("{screen}", "reception")
}

/// Refused at the gate: sign-in, role, or closed.
fn refused(status: StatusCode) -> bool {
    [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::LOCKED].contains(&status)
}

#[tokio::test]
async fn every_route_answers_only_to_its_roles() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut tried = 0;
    for (number, _, role) in STAFF {
        let mut browser = Browser::signed_in(&hospital, number).await;
        let mut stranger = browser.another();
        for screen in SCREENS {
            for route in screen.routes {
                let path = concrete(route.path);
                if path.starts_with("/sign-") {
                    continue;
                }
                let answer = match route.method {
                    "GET" => browser.get(&path).await,
                    _ => browser.post(&path, &[]).await,
                };
                let may = screen.open == Open::Everybody || screen.who.contains(&role);
                let gate = answer.status == StatusCode::FORBIDDEN;
                assert_eq!(gate, !may, "{} {path} as {role:?}: {}", route.method, answer.status);
                let unknown = match route.method {
                    "GET" => stranger.get(&path).await,
                    _ => stranger.post(&path, &[]).await,
                };
                if screen.open != Open::Everybody {
                    let sent_away =
                        unknown.status == StatusCode::SEE_OTHER && unknown.location().starts_with("/sign-in");
                    assert!(
                        sent_away || unknown.status == StatusCode::UNAUTHORIZED,
                        "{path}: {}",
                        unknown.status
                    );
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 60, "only {tried} routes were tried");
}

#[tokio::test]
async fn in_normal_times_patient_screens_say_why_they_are_closed() {
    let hospital = Hospital::open(people());
    hospital.answers();
    for (number, _, role) in STAFF {
        let mut browser = Browser::signed_in(&hospital, number).await;
        for screen in SCREENS
            .iter()
            .filter(|s| s.open == Open::Downtime && s.who.contains(&role))
        {
            for route in screen.routes {
                let path = concrete(route.path);
                let answer = match route.method {
                    "GET" => browser.get(&path).await,
                    _ => browser.post(&path, &[]).await,
                };
                assert_eq!(answer.status, StatusCode::LOCKED, "{path}");
                assert!(answer.text().contains("患者の画面は閉じています"));
                assert!(answer.text().contains("href=\"/declare\""), "how to open is there");
            }
        }
        assert_eq!(
            browser.get("/to-enter").await.status,
            StatusCode::OK,
            "the work list is needed after the downtime"
        );
    }
}

#[tokio::test]
async fn a_declaration_opens_and_ending_closes() {
    let hospital = Hospital::open(people());
    hospital.answers();
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    assert_eq!(browser.get("/reception").await.status, StatusCode::LOCKED);
    let declared = browser.post("/declare", &[("reason", "1")]).await;
    let page = browser.follow(&declared).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text().contains("電子カルテ停止中"));
    let again = browser.post("/declare", &[("reason", "1")]).await;
    assert!(
        again.text().contains("すでに宣言されています"),
        "one declaration is enough"
    );
    let page = browser.get("/declare").await;
    let entry = page.attribute(&["name=\"entry\""], "value");
    let unexplained = browser
        .post("/declare/end", &[("entry", &entry), ("reason", " ")])
        .await;
    assert!(unexplained.text().contains("確かめたことが書かれていません"));
    browser
        .post("/declare/end", &[("entry", &entry), ("reason", "5人の記録が開いた")])
        .await;
    hospital.answers();
    assert_eq!(browser.get("/reception").await.status, StatusCode::LOCKED);
}

#[tokio::test]
async fn sessions_end() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    assert_eq!(browser.get("/reception").await.status, StatusCode::OK);
    let later = |seconds| hospital.clock.fetch_add(seconds, std::sync::atomic::Ordering::SeqCst);
    later(desk::IDLE_SECONDS - 1);
    assert_eq!(
        browser.get("/reception").await.status,
        StatusCode::OK,
        "use keeps a session alive"
    );
    later(desk::IDLE_SECONDS - 1);
    browser.get("/state").await;
    later(10);
    assert_eq!(
        browser.get("/reception").await.status,
        StatusCode::SEE_OTHER,
        "the mode bar's questions are no use"
    );
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    for _ in 0..90 {
        later(500);
        browser.get("/reception").await;
    }
    assert_eq!(
        browser.get("/reception").await.status,
        StatusCode::SEE_OTHER,
        "twelve hours are the end"
    );
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    browser.post("/sign-out", &[]).await;
    assert_eq!(browser.get("/reception").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_number_say_the_same() {
    let hospital = Hospital::open(people());
    let mut browser = Browser::new(&hospital);
    let wrong = browser.sign_in("1001", "a-wrong-long-password").await;
    let unknown = browser.sign_in("7777", "a-wrong-long-password").await;
    assert_eq!(
        (wrong.status, unknown.status),
        (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED)
    );
    let typed = |text: String, number: &str| text.replace(&format!("autofocus value=\"{number}\""), "autofocus");
    assert_eq!(typed(wrong.text(), "1001"), typed(unknown.text(), "7777"));
    let demo = browser.post("/sign-in", &[("badge", "1001")]).await;
    assert_eq!(demo.location(), "/reception", "the demo's button really unlocks");
    let nobody = browser.post("/sign-in", &[("badge", "9999")]).await;
    assert!(refused(nobody.status));
}

#[test]
fn ids_and_paths_are_unique() {
    let mut ids: Vec<_> = SCREENS.iter().map(|s| s.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), SCREENS.len());
    let keys: Vec<_> = SCREENS.iter().filter_map(|s| s.nav.map(|(_, key, _)| key)).collect();
    assert!(
        keys.iter()
            .all(|key| key.len() == 1 && keys.iter().filter(|k| *k == key).count() == 1)
    );
    assert!(SCREENS.iter().any(|s| s.who.contains(&Role::Physician)));
}
