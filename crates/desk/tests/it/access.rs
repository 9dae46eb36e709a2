//! Who may see what, and when: the whole table of screens against every role, before and during a downtime.

use axum::http::StatusCode;
use desk::{Open, SCREENS, Screen};
use downtime::identity::{Role, verb};

use crate::browser::{Answer, Browser};
use crate::hospital::{Hospital, STAFF, people};

/// A route's path with something in the place of its parameters.
fn concrete(path: &str) -> String {
    path.replace("{who}", "0123456789abcdef")
        .replace("{entry}", &"ab".repeat(32))
        .replace("{sheet}", "0123456789abcdef")
        .replace("{screen}", "reception")
}

/// What the gate must do with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gate {
    LetIn,
    /// A page asked for by nobody leads to the sign-in.
    ToSignIn,
    SignedOut,
    Forbidden,
    Closed,
}

/// What the table says, worked out again from its three columns.
fn expected(screen: &Screen, method: &str, role: Option<Role>, open: bool) -> Gate {
    match (screen.open, role) {
        (Open::Everybody, _) => Gate::LetIn,
        (_, None) if method == "GET" => Gate::ToSignIn,
        (_, None) => Gate::SignedOut,
        (_, Some(role)) if !screen.who.contains(&role) => Gate::Forbidden,
        // Whoever opened a sealed envelope works in normal times too.
        (Open::Downtime, Some(role)) if !open && role != Role::BreakGlass => Gate::Closed,
        _ => Gate::LetIn,
    }
}

fn met(answer: &Answer, screen: &Screen) -> Gate {
    match answer.status {
        StatusCode::SEE_OTHER if answer.location().starts_with("/sign-in?to=") => Gate::ToSignIn,
        // Behind a door that is open to everybody some acts still need somebody.
        StatusCode::UNAUTHORIZED if screen.open != Open::Everybody => Gate::SignedOut,
        StatusCode::FORBIDDEN => Gate::Forbidden,
        StatusCode::LOCKED => Gate::Closed,
        _ => Gate::LetIn,
    }
}

/// Refused at the gate: sign-in, role, or closed.
fn refused(status: StatusCode) -> bool {
    [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::LOCKED].contains(&status)
}

#[tokio::test]
async fn every_route_answers_to_every_role_as_the_table_says() {
    let hospital = Hospital::of_everybody(people());
    hospital.answers();
    let mut windows = vec![(None, Browser::new(&hospital))];
    for role in Role::ALL {
        windows.push((Some(role), Browser::in_role(&hospital, role).await));
    }
    let mut counts = std::collections::BTreeMap::new();
    for open in [false, true] {
        if open {
            hospital.silence();
        }
        for (role, browser) in &mut windows {
            for screen in SCREENS {
                for route in screen.routes.iter().filter(|route| !route.path.starts_with("/sign-")) {
                    let path = concrete(route.path);
                    let answer = match route.method {
                        "GET" => browser.get(&path).await,
                        _ => browser.post(&path, &[]).await,
                    };
                    let (gate, must) = (met(&answer, screen), expected(screen, route.method, *role, open));
                    let what = format!("{} {path} as {role:?}, open {open}: {}", route.method, answer.status);
                    assert_eq!(gate, must, "{what}");
                    assert!(!answer.status.is_server_error(), "{what}: {}", answer.text());
                    *counts.entry(must).or_insert(0) += 1;
                }
            }
        }
    }
    let tried: usize = counts.values().sum();
    println!("{tried} requests: every route, every role and nobody, closed and open: {counts:?}");
    assert!(tried > 1_200 && counts.len() == 5, "{counts:?}");
}

/// The table held against what the roles are for, so that it cannot be wrong in the same way twice.
#[test]
fn no_screen_gives_a_role_what_its_keys_do_not() {
    for screen in SCREENS.iter().filter(|screen| screen.open == Open::Downtime) {
        for role in screen.who {
            assert!(
                role.verbs() & verb::LIST != 0,
                "{} shows patients to {role:?}",
                screen.id
            );
        }
    }
    let may = |role: Role| -> Vec<&str> {
        let mine = SCREENS
            .iter()
            .filter(|s| s.open != Open::Everybody && s.who.contains(&role));
        mine.map(|screen| screen.id).collect()
    };
    assert_eq!(may(Role::Auditor), ["S80"]);
    assert_eq!(may(Role::PrivacyOfficer), ["S80", "S81", "S82"]);
    assert!(may(Role::Maintenance).is_empty());
    for screen in SCREENS.iter().filter(|screen| ["S80"].contains(&screen.id)) {
        assert!(screen.who.iter().all(|role| role.reads_audit()));
    }
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
    for _ in 0..300 {
        later(150);
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
    let demo = browser.post("/sign-in", &[("demo", "1001")]).await;
    assert_eq!(demo.location(), "/reception", "the demo's button really unlocks");
    let nobody = browser.post("/sign-in", &[("demo", "9999")]).await;
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
