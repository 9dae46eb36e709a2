//! Screens that nobody uses clear, and the person who comes back finds what they were writing.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use chart::{Act, Subject};
use downtime::audit::Deed;
use downtime::identity::{BadgeSecret, Role};

use crate::browser::Browser;
use crate::hospital::{BADGED, Hospital, PASSWORD, number_of, people};
use crate::pages::chart_of;

fn later(hospital: &Hospital, seconds: i64) {
    hospital.clock.fetch_add(seconds, Ordering::SeqCst);
}

/// How often the log holds a deed of somebody.
fn deeds(hospital: &Hospital, user: &str, deed: Deed) -> usize {
    let session = hospital.session(&number_of(Role::Auditor));
    let book = session.book().unwrap();
    let book = book.read().unwrap();
    let matching = book.all().filter(|seen| {
        let sighting = &seen.sighting;
        sighting.by.user == user && sighting.deed == deed
    });
    matching.count()
}

fn badge() -> String {
    let (_, _, number, secret) = BADGED;
    BadgeSecret::from_bytes(secret).to_digits(number).unwrap().to_string()
}

async fn is_in(browser: &mut Browser) -> bool {
    browser.get("/to-enter").await.status == StatusCode::OK
}

#[tokio::test]
async fn a_screen_clears_after_its_time_and_the_page_knows_when() {
    let hospital = Hospital::of_everybody(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let page = browser.get("/reception").await.text();
    assert!(page.contains("data-idle=\"180\"") && page.contains("idle.js"));
    assert!(page.contains("離席（画面を消す）") && page.contains("Alt+L"));
    later(&hospital, 179);
    assert!(is_in(&mut browser).await);
    later(&hospital, 181);
    assert!(!is_in(&mut browser).await);
    assert_eq!(deeds(&hospital, "1001", Deed::Cleared), 1);
    let away = browser.get("/sign-in").await.text();
    assert!(
        !away.contains("data-idle"),
        "nobody is signed in, nothing is to be cleared"
    );
}

#[tokio::test]
async fn keys_go_even_if_the_browser_never_comes_back() {
    let hospital = Hospital::of_everybody(people());
    let browser = Browser::signed_in(&hospital, "1001").await;
    later(&hospital, 200);
    let mut passer_by = browser.another();
    passer_by.get("/state").await;
    assert_eq!(deeds(&hospital, "1001", Deed::Cleared), 1);
}

#[tokio::test]
async fn typing_is_use_and_the_bar_is_not() {
    let hospital = Hospital::open(people());
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    for _ in 0..5 {
        later(&hospital, 150);
        assert_eq!(browser.post("/sign-in/here", &[]).await.status, StatusCode::NO_CONTENT);
    }
    for _ in 0..10 {
        later(&hospital, 20);
        browser.get("/state").await;
    }
    assert_eq!(
        browser.post("/sign-in/here", &[]).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn the_time_is_the_hospitals_within_limits() {
    for (wanted, is) in [(5, 60), (240, 240), (5_000, 600)] {
        let hospital = Hospital::open(people());
        let mut desk = hospital.desk();
        desk.idle_seconds = wanted;
        let mut browser = Browser::with(desk);
        browser.sign_in("1001", PASSWORD).await;
        let page = browser.get("/").await.text();
        assert!(page.contains(&format!("data-idle=\"{is}\"")), "{wanted}");
        later(&hospital, is + 1);
        assert!(!is_in(&mut browser).await, "{wanted}");
    }
}

#[tokio::test]
async fn an_envelope_clears_sooner() {
    let hospital = Hospital::of_everybody(people());
    hospital.silence();
    let mut browser = Browser::in_role(&hospital, Role::BreakGlass).await;
    assert!(browser.get("/patients").await.text().contains("data-idle=\"120\""));
    later(&hospital, 119);
    assert!(is_in(&mut browser).await);
    later(&hospital, 121);
    assert!(!is_in(&mut browser).await);
    assert_eq!(
        hospital.station.open_envelopes().len(),
        1,
        "open until somebody closes it"
    );
}

#[tokio::test]
async fn away_ends_the_session_and_asks_the_same_person() {
    let hospital = Hospital::of_everybody(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "2001").await;
    let chart = chart_of(&mut browser, "山田　花子").await;
    browser.post(&format!("{chart}/draft"), &[("s", "息切れが")]).await;
    let to = format!("{chart}/note");
    let token = browser.cookie("tomoshibi").to_owned();
    let away = browser.post("/sign-out/away", &[("to", &to)]).await;
    assert_eq!(away.location(), format!("/sign-in?away=1&to={to}"));
    assert_eq!(deeds(&hospital, "2001", Deed::Cleared), 1);
    let mut thief = browser.another();
    thief.set_cookie("tomoshibi", &token);
    assert!(!is_in(&mut thief).await, "the old cookie opens nothing");
    let page = browser.follow(&away).await;
    let html = page.text();
    assert!(html.contains("佐藤　一郎 さんの画面を消しました") && html.contains("value=\"2001\""));
    assert!(!html.contains("花子") && !html.contains("息切れ"));
    let back = browser
        .post("/sign-in", &[("user", "2001"), ("password", PASSWORD), ("to", &to)])
        .await;
    assert_eq!(back.location(), to);
    let page = browser.follow(&back).await.text();
    assert!(page.contains("書きかけを戻しました") && page.contains("息切れが"));
}

#[tokio::test]
async fn where_to_come_back_to_is_an_address_of_ours() {
    let hospital = Hospital::open(people());
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    for (to, is) in [
        (
            "/patients?show=here&department=01",
            "/patients%3Fshow%3Dhere%26department%3D01",
        ),
        ("//evil.example", ""),
        ("https://evil.example", ""),
        ("/\\evil.example", ""),
        ("/sign-out", ""),
    ] {
        let away = browser.post("/sign-out/away", &[("to", to)]).await;
        assert_eq!(away.location(), format!("/sign-in?away=1&to={is}"));
    }
    assert_eq!(
        browser
            .get("/sign-in?away=1&to=/patients%3Fs%3D1")
            .await
            .attribute(&["name=\"to\"", "value"], "value"),
        "/patients?s=1"
    );
}

#[tokio::test]
async fn the_seat_remembers_a_number_and_opens_nothing() {
    let hospital = Hospital::of_everybody(people());
    let mut browser = Browser::new(&hospital);
    for (seat, said) in [
        ("2001", "佐藤　一郎 さんの画面を消しました"),
        ("0000", "画面を消しました"),
        ("bg-001", "画面を消しました"),
    ] {
        browser.set_cookie("seat", seat);
        let html = browser.get("/sign-in?away=1").await.text();
        assert!(html.contains(said), "{seat}");
        assert!(!html.contains("緊急封筒 さん"));
        assert!(!is_in(&mut browser).await);
    }
}

#[tokio::test]
async fn another_badge_asks_for_its_persons_password_and_changes_seats_only_then() {
    let hospital = Hospital::of_everybody(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "2001").await;
    let chart = chart_of(&mut browser, "山田　花子").await;
    browser
        .post(&format!("{chart}/draft"), &[("s", "佐藤の書きかけ")])
        .await;
    let note = format!("{chart}/note");
    let scanned = badge();
    let asked = browser.post("/sign-in", &[("scanned", &scanned), ("to", &note)]).await;
    let html = asked.text();
    assert_eq!(asked.status, StatusCode::OK);
    assert!(html.contains("鈴木　光 さんのバッジです") && html.contains("佐藤　一郎 さんの下書きに残ります"));
    assert_eq!(asked.attribute(&["name=\"to\"", "value"], "value"), note);
    assert!(is_in(&mut browser).await, "the first person is still in");
    let wrong = [
        ("scanned", scanned.as_str()),
        ("password", "not-the-password"),
        ("to", &note),
    ];
    assert_eq!(browser.post("/sign-in", &wrong).await.status, StatusCode::UNAUTHORIZED);
    assert!(is_in(&mut browser).await, "also after a wrong password");
    let right = [("scanned", scanned.as_str()), ("password", PASSWORD), ("to", &note)];
    let entered = browser.post("/sign-in", &right).await;
    assert_eq!(entered.location(), note);
    let page = browser.follow(&entered).await.text();
    assert!(
        page.contains("鈴木　光") && !page.contains("佐藤の書きかけ"),
        "a draft is its author's"
    );
    assert_eq!(deeds(&hospital, "2001", Deed::SignedOut), 1);
    let back = browser.sign_in("2001", PASSWORD).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    assert!(browser.get(&note).await.text().contains("佐藤の書きかけ"));
}

#[tokio::test]
async fn a_badge_read_into_the_number_field_works_without_scripts() {
    let hospital = Hospital::of_everybody(people());
    let mut browser = Browser::new(&hospital);
    let asked = browser.post("/sign-in", &[("user", &badge()), ("password", "")]).await;
    assert!(asked.text().contains("鈴木　光 さんのバッジです"));
    let scanned = asked.attribute(&["name=\"scanned\"", "value"], "value");
    let entered = browser
        .post("/sign-in", &[("scanned", &scanned), ("password", PASSWORD)])
        .await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_session_ends_when_its_person_is_stopped_or_its_envelope_closed() {
    let hospital = Hospital::of_everybody(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let mut envelope = Browser::in_role(&hospital, Role::BreakGlass).await;
    assert!(is_in(&mut browser).await && is_in(&mut envelope).await);
    let officer = hospital.session("9001");
    let act = Act::UserDisabled {
        user: "1001".into(),
        reason: "退職".into(),
    };
    officer.record(Subject::Hospital, act).await.unwrap();
    assert!(!is_in(&mut browser).await);
    assert_eq!(browser.sign_in("1001", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    assert!(is_in(&mut envelope).await);
    let opened = hospital.station.open_envelopes()[0].entry;
    let act = Act::EnvelopeClosed {
        entry: opened,
        reason: "終了".into(),
    };
    officer.record(Subject::Hospital, act).await.unwrap();
    assert!(!is_in(&mut envelope).await);
}
