//! What a hostile page, a double press and a broken request may not do.

use axum::http::StatusCode;

use crate::browser::Browser;
use crate::hospital::{Hospital, people};

#[tokio::test]
async fn acts_from_other_sites_are_refused() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let fields = [("reason", "1")];
    for headers in [
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("sec-fetch-site", "none")],
        vec![("origin", "http://evil.example"), ("host", "127.0.0.1:8300")],
        vec![("origin", "null"), ("host", "127.0.0.1:8300")],
        vec![("origin", "http://evil.example")],
    ] {
        let answer = browser.post_with("/declare", &fields, &headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
    }
    assert!(
        hospital
            .session("1001")
            .day()
            .declaration(hospital.station.now())
            .is_none()
    );
    let ours = [("origin", "http://127.0.0.1:8300"), ("host", "127.0.0.1:8300")];
    let answer = browser.post_with("/declare", &fields, &ours).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_cookie_is_closed_to_scripts_and_sites() {
    let hospital = Hospital::open(people());
    let mut browser = Browser::new(&hospital);
    let answer = browser.sign_in("1001", crate::hospital::PASSWORD).await;
    let cookie = answer.header("set-cookie").to_owned();
    for part in ["tomoshibi=", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let token = cookie.split(['=', ';']).nth(1).unwrap();
    assert_eq!(token.len(), 64, "256 bits");
    let mut desk = hospital.desk();
    desk.https = true;
    let router = desk::router(desk).unwrap();
    let request = axum::http::Request::post("/sign-in")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(axum::body::Body::from("demo=1001"))
        .unwrap();
    let answer = tower::ServiceExt::oneshot(router, request).await.unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-tomoshibi=") && cookie.contains("Secure"),
        "{cookie}"
    );
}

#[tokio::test]
async fn signing_in_leads_only_to_our_own_pages() {
    let hospital = Hospital::open(people());
    let mut browser = Browser::new(&hospital);
    for to in ["//evil.example", "https://evil.example", "/\\evil.example"] {
        let answer = browser.post("/sign-in", &[("demo", "1001"), ("to", to)]).await;
        assert_eq!(answer.location(), "/reception", "{to}");
    }
    let answer = browser.post("/sign-in", &[("demo", "1001"), ("to", "/to-enter")]).await;
    assert_eq!(answer.location(), "/to-enter");
}

#[tokio::test]
async fn too_much_is_refused() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "2001").await;
    let chart = super::pages::chart_of(&mut browser, "山田　花子").await;
    let huge = "あ".repeat(desk::MAX_BODY);
    let answer = browser.post(&format!("{chart}/note"), &[("s", &huge)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let answer = browser.get(&format!("/help/{}", "x".repeat(3_000))).await;
    assert_eq!(answer.status, StatusCode::URI_TOO_LONG);
    let answer = browser.post("/patients", &[("q", &"ヤ".repeat(5_000))]).await;
    assert_eq!(
        answer.status,
        StatusCode::OK,
        "a long search finds nobody and harms nothing"
    );
}

#[tokio::test]
async fn foreign_handles_open_nobody() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "2001").await;
    for handle in ["0000000000000000", "00123456", &"ab".repeat(32), "..%2F..", "%00"] {
        let answer = browser.get(&format!("/p/{handle}")).await;
        assert!(answer.status.is_client_error(), "{handle}: {}", answer.status);
        assert!(!answer.text().contains("山田"));
    }
    // A handle of another process means nobody here.
    let mut elsewhere = Browser::signed_in(&hospital, "2001").await;
    let chart = super::pages::chart_of(&mut elsewhere, "山田　花子").await;
    assert_eq!(elsewhere.get(&chart).await.status, StatusCode::OK);
    let answer = browser.get(&chart).await;
    assert_eq!(answer.status, StatusCode::GONE, "{}", answer.text());
}
