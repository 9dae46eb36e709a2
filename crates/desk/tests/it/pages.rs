//! What every page must carry, in both languages: the mode bar, the data time, its policy, identity, allergies.

use axum::http::StatusCode;

use crate::browser::{Answer, Browser};
use crate::hospital::{Hospital, people};

/// Addresses a role can open without doing anything first.
const RECEPTION: [&str; 10] = [
    "/",
    "/reception",
    "/patients",
    "/patients?show=here",
    "/patients?show=temporary",
    "/temporary",
    "/to-enter",
    "/declare",
    "/findings",
    "/help/reception",
];

/// The chart of somebody on the list.
pub async fn chart_of(browser: &mut Browser, name: &str) -> String {
    let list = browser.get("/patients").await.text();
    let before = list.split(name).next().unwrap();
    let href = before.rsplit("href=\"").next().unwrap();
    href.split('"').next().unwrap().to_owned()
}

fn check(answer: &Answer, path: &str, lang: &str) {
    let html = answer.text();
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
    assert_eq!(answer.header("content-security-policy"), desk::POLICY, "{path}");
    assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
    assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
    assert!(html.contains(&format!("<html lang=\"{lang}\">")), "{path}");
    assert!(
        html.contains("class=\"bar-mode\" role=\"status\""),
        "no mode bar on {path}"
    );
    let as_of = if lang == "ja" { "データ時点" } else { "Data as of" };
    assert!(html.contains(as_of) && html.contains("08:45"), "no data time on {path}");
    assert_eq!(html.matches("<h1").count(), 1, "one h1 on {path}");
    assert_eq!(html.matches("<main").count(), 1, "one main on {path}");
    for inline in [
        "<style",
        "style=\"",
        "onclick",
        "onload=",
        "javascript:",
        "http://",
        "https://",
    ] {
        assert!(!html.contains(inline), "{inline} on {path}");
    }
    for script in html.split("<script").skip(1) {
        assert!(
            script.starts_with(" type=\"module\" src=\"/assets/"),
            "inline script on {path}"
        );
    }
    assert!(!html.contains('〔'), "a missing word on {path}");
}

#[tokio::test]
async fn every_page_has_the_bar_the_data_time_and_its_policy() {
    let hospital = Hospital::open(people());
    hospital.silence();
    for lang in ["ja", "en"] {
        let mut browser = Browser::signed_in(&hospital, "1001").await;
        browser.set_cookie("lang", lang);
        for path in RECEPTION {
            let answer = browser.get(path).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            check(&answer, path, lang);
        }
        let mut browser = Browser::signed_in(&hospital, "2001").await;
        browser.set_cookie("lang", lang);
        let chart = chart_of(&mut browser, "山田　花子").await;
        for path in [
            chart.clone(),
            format!("{chart}/note"),
            format!("{chart}/next"),
            format!("{chart}/orders"),
            format!("{chart}/orders?kind=imaging"),
            format!("{chart}/orders?kind=treatment"),
            "/nowhere".into(),
            "/reception".into(),
        ] {
            check(&browser.get(&path).await, &path, lang);
        }
    }
}

#[tokio::test]
async fn patient_pages_carry_identity_and_one_of_four_allergy_states() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "2001").await;
    for (name, kana, birth, id, allergy) in [
        (
            "山田　花子",
            "ヤマダ　ハナコ",
            "1951年5月12日（昭和26年）",
            "0012 3456",
            "allergy-known",
        ),
        (
            "山田　華子",
            "ヤマダ　ハナコ",
            "1978年11月2日（昭和53年）",
            "0034 1187",
            "allergy-none",
        ),
        (
            "山田　一郎",
            "ヤマダ　イチロウ",
            "1940年1月30日（昭和15年）",
            "0000 9921",
            "allergy-not_recorded",
        ),
        (
            "髙橋　﨑太",
            "タカハシ　サキタ",
            "1963年2月3日（昭和38年）",
            "0077 0001",
            "allergy-unavailable",
        ),
        (
            "新生児　太郎",
            "カナ未登録",
            "2026年11月8日（令和8年）",
            "0077 0005",
            "allergy-not_recorded",
        ),
    ] {
        let chart = chart_of(&mut browser, name).await;
        for path in [chart.clone(), format!("{chart}/note"), format!("{chart}/next")] {
            let html = browser.get(&path).await.text();
            for text in [name, kana, birth, id, allergy] {
                assert!(html.contains(text), "{text} is missing on {path} of {name}");
            }
            let head = html
                .split(allergy)
                .nth(1)
                .unwrap()
                .split("<b>")
                .nth(1)
                .unwrap()
                .split('<')
                .next()
                .unwrap();
            assert!(head.contains("アレルギー・禁忌"), "the box is blank: {head}");
        }
    }
    let html = {
        let chart = chart_of(&mut browser, "山田　花子").await;
        browser.get(&chart).await.text()
    };
    for text in [
        "ペニシリン系（アナフィラキシー 2014-03-02）",
        "アピキサバン錠2.5mg",
        "1回 1錠（1日 2錠）",
        "抗凝固",
        "35日分",
        "慢性心不全",
        "初診 2021-04-12",
        "睡眠時無呼吸症候群の疑い",
        "緊急値",
        "時点 2026-11-19 17:00",
        "読み同じ 2人",
        "他院・持参薬は含まれません",
        "相互作用・重複・用量の自動チェックは働きません",
    ] {
        assert!(html.contains(text), "{text} is missing on the chart");
    }
}

#[tokio::test]
async fn reception_sees_no_clinical_data() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let found = browser.post("/reception", &[("q", "00123456")]).await;
    assert_eq!(found.status, StatusCode::OK);
    let who = found.attribute(&["name=\"who\""], "value");
    let next = browser.get(&format!("/p/{who}/next")).await.text();
    for html in [found.text(), next] {
        assert!(html.contains("山田　花子"));
        for clinical in ["ペニシリン", "心不全", "アピキサバン", "BNP", "eGFR"] {
            assert!(!html.contains(clinical), "{clinical} at reception");
        }
    }
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let hospital = Hospital::open(people());
    hospital.silence();
    for (number, path) in [("1001", "/patients"), ("2001", "/patients")] {
        let mut browser = Browser::signed_in(&hospital, number).await;
        let html = browser.get(path).await.text();
        assert!(!html.contains("<b>悪い"), "{path}");
        assert!(html.contains("&lt;b&gt;悪い&lt;/b&gt;"));
    }
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    for q in ["悪い", "\"><script>alert(1)</script>", "' onfocus='x"] {
        let html = browser.post("/reception", &[("q", q)]).await.text();
        assert!(!html.contains("<script>alert") && !html.contains("<b>悪い"));
        let html = browser.post("/patients", &[("q", q)]).await.text();
        assert!(!html.contains("<script>alert") && !html.contains("<b>悪い"));
    }
}

#[tokio::test]
async fn addresses_hold_no_number_and_no_name() {
    let hospital = Hospital::open(people());
    hospital.silence();
    for number in ["1001", "2001"] {
        let mut browser = Browser::signed_in(&hospital, number).await;
        let html = browser.get("/patients").await.text();
        for href in html.split("href=\"").skip(1).filter_map(|part| part.split('"').next()) {
            for known in ["00123456", "123456", "00341187", "山田", "%E5%B1%B1"] {
                assert!(!href.contains(known), "{href}");
            }
        }
    }
}

#[tokio::test]
async fn the_state_answers_304_until_something_changes() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::new(&hospital);
    let first = browser.get("/state").await;
    let tag = first.header("etag").to_owned();
    assert!(first.text().contains("\"mode\":\"silent\"") && first.text().contains("停止から"));
    let ask = |tag: &str| axum::http::Request::get("/state").header("if-none-match", tag.to_owned());
    let same = browser.send(ask(&tag)).await;
    assert_eq!((same.status, same.body.len()), (StatusCode::NOT_MODIFIED, 0));
    hospital.clock.fetch_add(61, std::sync::atomic::Ordering::SeqCst);
    let later = browser.send(ask(&tag)).await;
    assert_eq!(later.status, StatusCode::OK);
    assert!(later.text().contains("0:13"), "{}", later.text());
    let page = browser.get("/").await;
    assert_eq!(
        page.attribute(&["id=\"bar\""], "data-tag"),
        "&#34;".to_owned() + later.header("etag").trim_matches('"') + "&#34;"
    );
}

#[tokio::test]
async fn assets_are_ours_and_may_be_kept() {
    let hospital = Hospital::open(people());
    let mut browser = Browser::new(&hospital);
    let page = browser.get("/").await;
    let style = page.attribute(&["rel=\"stylesheet\""], "href");
    let css = browser.get(&style).await;
    assert_eq!(css.header("content-type"), "text/css; charset=utf-8");
    assert!(css.header("cache-control").contains("immutable"));
    assert!(
        css.body.len() <= 40 << 10,
        "the style sheet has {} bytes",
        css.body.len()
    );
    for path in [
        "/assets/fonts/BIZUDPGothic-Regular.woff2",
        "/assets/keys.js",
        "/assets/icon.svg",
    ] {
        assert_eq!(browser.get(path).await.status, StatusCode::OK, "{path}");
    }
    for path in [
        "/assets/fonts/make.py",
        "/assets/../Cargo.toml",
        "/assets/fonts/fonts.toml",
        "/assets/nothing.js",
    ] {
        assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
