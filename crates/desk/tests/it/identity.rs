//! Attacks on the door and on sessions, one line each, as a browser or a program next to it could try them.

use std::sync::atomic::Ordering;

use axum::http::{Request, StatusCode};
use downtime::identity::{BadgeSecret, EnvelopeSecret, Role};

use crate::browser::{Answer, Browser};
use crate::hospital::{BADGED, ENVELOPE, Hospital, PASSWORD, people};

struct Cases(&'static str, usize);

impl Cases {
    #[track_caller]
    fn case(&mut self, name: &str, holds: bool) {
        assert!(holds, "{}: {name}", self.0);
        self.1 += 1;
    }
}

impl Drop for Cases {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            println!(
                "torture: {}: {} cases, all refused or let in as they must",
                self.0, self.1
            );
        }
    }
}

fn refused(answer: &Answer) -> bool {
    answer.status == StatusCode::UNAUTHORIZED
}

async fn is_in(browser: &mut Browser) -> bool {
    browser.get("/to-enter").await.status == StatusCode::OK
}

#[tokio::test]
async fn the_door() {
    let mut cases = Cases("the sign-in page", 0);
    let hospital = Hospital::of_everybody(people());
    let mut browser = Browser::new(&hospital);
    let said = |text: String, number: &str| text.replace(&format!("value=\"{number}\" aria"), "aria");
    let wrong = browser.sign_in("1001", "a-wrong-long-password").await;
    let nobody = browser.sign_in("7777", "a-wrong-long-password").await;
    cases.case("a wrong password", refused(&wrong));
    cases.case("a number nobody has", refused(&nobody));
    cases.case(
        "says the same",
        said(wrong.text(), "1001") == said(nobody.text(), "7777"),
    );
    let badged = browser.sign_in("3333", PASSWORD).await;
    cases.case("a badge's account without the badge", refused(&badged));
    cases.case(
        "says the same too",
        said(badged.text(), "3333") == said(nobody.text(), "7777"),
    );
    let envelope = browser.sign_in("bg-001", PASSWORD).await;
    cases.case("an envelope's account by password", refused(&envelope));
    cases.case(
        "also says the same",
        said(envelope.text(), "bg-001") == said(nobody.text(), "7777"),
    );
    for (name, user, password) in [
        ("another case of the number", "BG-001", PASSWORD),
        ("a number with a wildcard", "100%", PASSWORD),
        ("a number with a quote", "1001' or '1'='1", PASSWORD),
        ("a number with a NUL", "1001\0", PASSWORD),
        ("a very long number", &"1".repeat(5_000), PASSWORD),
        ("a very long password", "2001", &"x".repeat(5_000)),
        ("a password with a NUL", "2001", &format!("{PASSWORD}\0")),
        ("an empty number", "", PASSWORD),
    ] {
        cases.case(name, refused(&browser.sign_in(user, password).await));
    }
    let alone = browser.sign_in("2001", "").await;
    cases.case("an empty password opens nothing", !alone.status.is_redirection());
    cases.case("and does not say whose number it is", {
        let unknown = browser.sign_in("7070", "").await;
        said(alone.text(), "2001") == said(unknown.text(), "7070")
    });
    let (_, _, number, secret) = BADGED;
    let digits = BadgeSecret::from_bytes(secret).to_digits(number).unwrap().to_string();
    let stranger = BadgeSecret::from_bytes([1; 16]).to_digits(4_711).unwrap().to_string();
    let forged = BadgeSecret::from_bytes([1; 16]).to_digits(number).unwrap().to_string();
    let scan = |code: &str| {
        vec![
            ("scanned".to_owned(), code.to_owned()),
            ("password".to_owned(), PASSWORD.to_owned()),
        ]
    };
    for (name, code) in [
        ("a badge that was replaced", stranger.as_str()),
        ("a badge with the right number and another secret", &forged),
        ("a badge cut off", &digits[..50]),
        ("letters for a badge", "91abcdefghijk"),
        ("a badge of 4 KiB", &"9".repeat(4_096)),
    ] {
        let fields = scan(code);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        cases.case(name, refused(&browser.post("/sign-in", &fields).await));
    }
    let other = [("user", "1001"), ("badge", "0000-0000"), ("password", PASSWORD)];
    cases.case(
        "characters that are no badge",
        refused(&browser.post("/sign-in", &other).await),
    );
    let typed = BadgeSecret::from_bytes(secret).to_typed().to_string();
    let other = [("user", "2001"), ("badge", typed.as_str()), ("password", PASSWORD)];
    cases.case(
        "somebody else's badge with one's own password",
        refused(&browser.post("/sign-in", &other).await),
    );
    let own = [("user", "3333"), ("badge", typed.as_str()), ("password", PASSWORD)];
    cases.case(
        "one's own badge, typed, opens",
        browser.post("/sign-in", &own).await.status == StatusCode::SEE_OTHER,
    );
    let mut demo = Browser::new(&hospital);
    cases.case(
        "the demo's button of somebody else",
        refused(&demo.post("/sign-in", &[("demo", "3333")]).await),
    );
    let by_get = demo.get(&format!("/sign-in?user=2001&password={PASSWORD}")).await;
    cases.case("by address", by_get.status == StatusCode::OK && !is_in(&mut demo).await);
    cases.case(
        "nothing typed comes back in the page",
        !by_get.text().contains(PASSWORD),
    );
}

#[tokio::test]
async fn sessions() {
    let mut cases = Cases("sessions", 0);
    let hospital = Hospital::of_everybody(people());
    hospital.silence();
    let mut browser = Browser::new(&hospital);
    let planted = "ab".repeat(32);
    browser.set_cookie("tomoshibi", &planted);
    cases.case("a planted cookie opens nothing", !is_in(&mut browser).await);
    browser.sign_in("1001", PASSWORD).await;
    let first = browser.cookie("tomoshibi").to_owned();
    cases.case("and is not taken over", first != planted && is_in(&mut browser).await);
    let mut planter = browser.another();
    planter.set_cookie("tomoshibi", &planted);
    cases.case("so whoever planted it stays out", !is_in(&mut planter).await);
    browser.sign_in("2001", PASSWORD).await;
    let second = browser.cookie("tomoshibi").to_owned();
    cases.case("another person, another token", second != first);
    planter.set_cookie("tomoshibi", &first);
    cases.case("the token of who sat here before", !is_in(&mut planter).await);
    planter.set_cookie("tomoshibi", &second.to_uppercase());
    cases.case(
        "a token read loosely stays one person's",
        is_in(&mut planter).await == is_in(&mut browser).await,
    );
    for (name, value) in [
        ("a token cut off", second[..63].to_owned()),
        ("a token with more behind it", format!("{second}0")),
        ("a token of other digits", "0".repeat(64)),
        ("a token that is text", "x".repeat(64)),
        ("a staff number as a token", "2001".to_owned()),
        ("no token", String::new()),
    ] {
        planter.set_cookie("tomoshibi", &value);
        cases.case(name, !is_in(&mut planter).await);
    }
    planter.set_cookie("tomoshibi", "");
    planter.set_cookie("__Host-tomoshibi", &second);
    cases.case("the token under another name", !is_in(&mut planter).await);
    planter.set_cookie("role", "informatics");
    planter.set_cookie("seat", "9001");
    cases.case("cookies that claim a role", !is_in(&mut planter).await);
    let mut elsewhere = Browser::new(&hospital);
    elsewhere.set_cookie("tomoshibi", &second);
    cases.case("the token at another process", !is_in(&mut elsewhere).await);
    let mut window = browser.another();
    window.set_cookie("tomoshibi", &second);
    cases.case("a second window of the same browser", is_in(&mut window).await);
    browser.post("/sign-out", &[]).await;
    cases.case(
        "signing out ends both",
        !is_in(&mut window).await && !is_in(&mut browser).await,
    );
    browser.sign_in("2001", PASSWORD).await;
    let token = browser.cookie("tomoshibi").to_owned();
    hospital.clock.fetch_add(181, Ordering::SeqCst);
    window.set_cookie("tomoshibi", &token);
    cases.case("a token after its idle time", !is_in(&mut window).await);
    hospital.clock.fetch_sub(181, Ordering::SeqCst);
    cases.case("a clock set back does not bring it back", !is_in(&mut window).await);
    browser.sign_in("2001", PASSWORD).await;
    hospital.clock.fetch_sub(3_600, Ordering::SeqCst);
    cases.case("a clock set back an hour ends a session", !is_in(&mut browser).await);
    let forged = browser
        .send(Request::get("/to-enter").header("authorization", "Basic MjAwMTp4"))
        .await;
    cases.case(
        "other ways of proving oneself are none",
        forged.status != StatusCode::OK,
    );
}

#[tokio::test]
async fn other_sites() {
    let mut cases = Cases("acts from other sites", 0);
    let hospital = Hospital::of_everybody(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let host = ("host", "127.0.0.1:8300");
    for (name, headers) in [
        ("cross-site", vec![("sec-fetch-site", "cross-site")]),
        ("same-site is not same-origin", vec![("sec-fetch-site", "same-site")]),
        ("typed addresses do not act", vec![("sec-fetch-site", "none")]),
        (
            "cross-site that claims our origin",
            vec![
                ("sec-fetch-site", "cross-site"),
                ("origin", "http://127.0.0.1:8300"),
                host,
            ],
        ),
        ("another origin", vec![("origin", "http://evil.example"), host]),
        ("origin null", vec![("origin", "null"), host]),
        ("another port", vec![("origin", "http://127.0.0.1:9999"), host]),
        ("an origin and no host", vec![("origin", "http://127.0.0.1:8300")]),
        (
            "a name that only begins like ours",
            vec![("origin", "http://127.0.0.1:8300.evil.example"), host],
        ),
    ] {
        for path in [
            "/declare",
            "/sign-in",
            "/sign-out/away",
            "/sign-in/here",
            "/sign-out",
            "/envelope",
        ] {
            let answer = browser.post_with(path, &[("reason", "1")], &headers).await;
            cases.case(&format!("{name}: {path}"), answer.status == StatusCode::FORBIDDEN);
        }
    }
    cases.case(
        "none of them did anything",
        is_in(&mut browser).await && hospital.session("1001").day().is_empty(),
    );
    for path in ["/sign-out/away", "/sign-out", "/sign-in/here", "/declare/end"] {
        let answer = browser.get(path).await;
        cases.case(
            &format!("acts by address: {path}"),
            answer.status == StatusCode::METHOD_NOT_ALLOWED,
        );
    }
    cases.case("still in", is_in(&mut browser).await);
}

#[tokio::test]
async fn envelopes() {
    let mut cases = Cases("the envelope page", 0);
    let hospital = Hospital::of_everybody(people());
    hospital.answers();
    let mut browser = Browser::new(&hospital);
    let code = EnvelopeSecret::from_bytes(ENVELOPE).to_digits(1).unwrap().to_string();
    let wrong = EnvelopeSecret::from_bytes([1; 16]).to_digits(1).unwrap().to_string();
    let bad = StatusCode::UNPROCESSABLE_ENTITY;
    for (name, operator, reason, code, status) in [
        ("no name", "", "emergency", code.as_str(), bad),
        ("a name of spaces", "　 ", "emergency", &code, bad),
        ("no reason", "鈴木", "", &code, bad),
        ("a reason that is none of ours", "鈴木", "because", &code, bad),
        ("other, and then nothing", "鈴木", "other", &code, bad),
        ("no code", "鈴木", "emergency", "", bad),
        ("a code cut off", "鈴木", "emergency", &code[..50], bad),
        ("a very long code", "鈴木", "emergency", &"9".repeat(4_000), bad),
        ("another code", "鈴木", "emergency", &wrong, StatusCode::UNAUTHORIZED),
    ] {
        let fields = [("operator", operator), ("reason", reason), ("code", code)];
        cases.case(name, browser.post("/envelope", &fields).await.status == status);
    }
    cases.case(
        "none of that opened anything",
        hospital.station.open_envelopes().is_empty(),
    );
    cases.case(
        "the page warns in normal times",
        browser.get("/envelope").await.text().contains("いまは通常です"),
    );
    let fields = [
        ("operator", "鈴木　三郎"),
        ("reason", "emergency"),
        ("code", code.as_str()),
        ("until", "9999999999"),
        ("idle", "99999"),
        ("role", "informatics"),
    ];
    let opened = browser.post("/envelope", &fields).await;
    cases.case(
        "with name, reason and code it opens",
        opened.status == StatusCode::SEE_OTHER,
    );
    let page = browser.follow(&opened).await.text();
    cases.case("patients are open to it in normal times", page.contains("山田"));
    cases.case(
        "conditions in the form change nothing",
        page.contains("data-idle=\"120\""),
    );
    let mut passer_by = browser.another();
    let home = passer_by.get("/").await.text();
    cases.case(
        "everybody sees who opened it, and that times are normal",
        home.contains("通常時に緊急封筒") && home.contains("鈴木　三郎"),
    );
    let entry = hospital.station.open_envelopes()[0].entry.hex();
    let close = [("entry", entry.as_str()), ("reason", "終了")];
    cases.case(
        "a passer-by closes nothing",
        passer_by.post("/envelope/close", &close).await.status == StatusCode::UNAUTHORIZED,
    );
    let mut clerk = browser.another();
    clerk.sign_in("1001", PASSWORD).await;
    cases.case(
        "nor does a clerk",
        clerk.post("/envelope/close", &close).await.status == StatusCode::FORBIDDEN,
    );
    let silent = browser
        .post("/envelope/close", &[("entry", &entry), ("reason", " ")])
        .await;
    cases.case("nor without saying what was done", silent.status == bad);
    cases.case(
        "whoever opened it closes it",
        browser.post("/envelope/close", &close).await.status == StatusCode::SEE_OTHER,
    );
    cases.case("then it opens nothing", !is_in(&mut browser).await);
    let again = browser.post("/envelope", &fields[..3]).await;
    cases.case("and never again", again.status == StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn maintenance() {
    let mut cases = Cases("maintenance asks for patients", 0);
    let hospital = Hospital::of_everybody(people());
    hospital.silence();
    let mut physician = Browser::signed_in(&hospital, "2001").await;
    let chart = crate::pages::chart_of(&mut physician, "山田　花子").await;
    let mut browser = Browser::in_role(&hospital, Role::Maintenance).await;
    for path in [
        "/patients",
        "/reception",
        "/temporary",
        "/to-enter",
        "/findings",
        &chart,
    ] {
        let answer = browser.get(path).await;
        cases.case(
            path,
            answer.status == StatusCode::FORBIDDEN && !answer.text().contains("花子"),
        );
    }
    for (path, fields) in [
        ("/patients", vec![("q", "ハナコ")]),
        ("/reception", vec![("q", "00123456")]),
        ("/scan", vec![("code", "00123456")]),
        ("/declare", vec![("reason", "1")]),
        ("/print/list", vec![("department", "01")]),
    ] {
        let answer = browser.post(path, &fields).await;
        cases.case(
            path,
            answer.status == StatusCode::FORBIDDEN && !answer.text().contains("花子"),
        );
    }
}
