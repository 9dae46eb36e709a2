//! S70: the worst first, nothing blank, no patient, and an extract that is asked for by name.

use axum::http::StatusCode;
use chart::entry::Declaration;
use chart::{Act, Moment, Subject};
use downtime::extract::days::Days;
use downtime::extract::{Outcome, Stage, Timetable};
use downtime::state::{Probe, Watched};

use crate::browser::Browser;
use crate::hospital::{Hospital, people};

fn with_timetable(hospital: &Hospital) {
    hospital.station.runs().keep(Timetable {
        at_minutes: 0,
        refresh_minutes: 60,
    });
}

#[tokio::test]
async fn what_was_never_checked_says_so_and_nobody_is_named() {
    let hospital = Hospital::of_everybody(people());
    let mut browser = Browser::signed_in(&hospital, "9001").await;
    let page = browser.get("/readiness").await.text();
    assert!(page.contains("いま止まったら"));
    assert!(
        page.contains("✕") && page.contains("確認できていません"),
        "the disk was never looked at"
    );
    assert!(page.contains("一度も確認していません"));
    for person in people() {
        assert!(
            !page.contains(&person.patient.name.written),
            "{}",
            person.patient.name.written
        );
        assert!(!page.contains(person.patient.id.as_str()));
    }
    assert!(
        page.contains("処方") && page.contains("検査結果"),
        "every kind of data with its time"
    );
    assert!(!page.contains("今すぐ取り出す"), "none is made here");
}

#[tokio::test]
async fn an_extract_is_asked_for_once_and_in_a_downtime_only_with_a_second_yes() {
    let hospital = Hospital::of_everybody(people());
    with_timetable(&hospital);
    let runs = hospital.station.runs();
    let day = crate::hospital::DAY;
    let mut browser = Browser::signed_in(&hospital, "9001").await;
    assert!(browser.get("/readiness").await.text().contains("今すぐ取り出す"));
    assert_eq!(
        browser.post("/readiness/extract", &[]).await.status,
        StatusCode::SEE_OTHER
    );
    runs.begins(hospital.station.now(), day);
    let running = browser.get("/readiness").await.text();
    assert!(
        running.contains("<progress") && running.contains("読み込み"),
        "{:?}",
        Stage::Reading
    );
    assert_eq!(
        browser.post("/readiness/extract", &[]).await.status,
        StatusCode::CONFLICT
    );
    runs.ends(Outcome::Failed {
        at: hospital.station.now(),
        why: "書き出しがありません".into(),
    });
    let failed = browser.get("/readiness").await.text();
    assert!(failed.contains("書き出しがありません"), "the outcome in its own words");

    let declaration = Declaration {
        provisional: true,
        drill: false,
        stopped_at: hospital.station.now(),
        reason: "試験".into(),
    };
    let session = hospital.session("1001");
    session
        .record(Subject::Hospital, Act::DowntimeDeclared(declaration))
        .await
        .unwrap();
    let refused = browser.post("/readiness/extract", &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let asked = browser.post("/readiness/extract", &[("sure", "1")]).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_late_extract_is_said_on_the_home_screen_and_comes_first_on_s70() {
    let hospital = Hospital::of_everybody(people());
    with_timetable(&hospital);
    let now = hospital.clock.load(std::sync::atomic::Ordering::SeqCst);
    hospital
        .clock
        .store(now + 3 * 3600, std::sync::atomic::Ordering::SeqCst);
    let mut browser = Browser::signed_in(&hospital, "9001").await;
    assert!(browser.get("/").await.text().contains("取り出しが遅れています"));
    assert!(
        browser
            .get("/readiness")
            .await
            .text()
            .contains("取り出しが遅れています")
    );
    hospital
        .clock
        .store(now + 24 * 3600, std::sync::atomic::Ordering::SeqCst);
    let mut browser = Browser::signed_in(&hospital, "9001").await;
    let page = browser.get("/readiness").await.text();
    assert!(page.contains("用のデータがありません"));
    let first = page.find("class=\"tile light-").unwrap();
    assert!(
        page[first..].starts_with("class=\"tile light-bad\" id=\"tile-data\""),
        "the worst first"
    );
}

#[tokio::test]
async fn what_the_probes_say_is_proposed_with_since_when() {
    let hospital = Hospital::of_everybody(people());
    hospital.station.watch(vec![
        Probe::new("電子カルテDB", Watched::EhrDb, Some("北回線")),
        Probe::new("北回線", Watched::Line, None),
    ]);
    for _ in 0..3 {
        hospital.station.observe_probe("電子カルテDB", false);
        hospital.station.observe_probe("北回線", true);
    }
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let home = browser.get("/").await.text();
    assert!(
        home.contains("サーバー側の障害のようです：電子カルテDB（9:12 から）")
            || home.contains("サーバー側の障害のようです：電子カルテDB（09:12 から）"),
        "{home}"
    );
    assert!(home.contains("サーバー側のようです"), "the bar, too");
    assert!(!hospital.station.state().declared, "nothing is declared");
    for _ in 0..3 {
        hospital.station.observe_probe("北回線", false);
    }
    let home = browser.get("/").await.text();
    assert!(home.contains("ネットワークの障害のようです：北回線"));
}

#[tokio::test]
async fn several_sources_name_themselves_on_the_panels() {
    let mut charts = people();
    for chart in &mut charts {
        chart.as_of.apart = vec![(chart::DataKind::Result, Moment(chart.as_of.at.0 - 7_200))];
        chart.origins = vec![(chart::DataKind::Result, "部門検査".into())];
    }
    let hospital = Hospital::open(charts);
    hospital.silence();
    let mut clerk = Browser::signed_in(&hospital, "1001").await;
    let handle = crate::clinic::who(&crate::clinic::find(&mut clerk, "00123456").await);
    let mut browser = clerk.another();
    browser.sign_in("2001", crate::hospital::PASSWORD).await;
    let page = browser.get(&format!("/p/{handle}")).await.text();
    assert!(
        page.contains("◆ 時点 06:45　部門検査") || page.contains("◆ 時点 6:45　部門検査"),
        "{page}"
    );
}

#[tokio::test]
async fn thirty_days_each_with_a_shape_and_a_word_where_extracts_are_made() {
    let hospital = Hospital::of_everybody(people());
    let mut browser = Browser::signed_in(&hospital, "9001").await;
    assert!(
        !browser.get("/readiness").await.text().contains("30日間の取り出し"),
        "none are made here"
    );
    with_timetable(&hospital);
    let (runs, now, day) = (
        hospital.station.runs(),
        hospital.station.now(),
        hospital.station.now().day(),
    );
    let before = |days: i64| day.checked_sub(jiff::Span::new().days(days)).unwrap();
    let mut days = Days::default();
    days.sealed(before(3), now, None, [0, 0]);
    days.sealed(before(2), now, None, [2, 5]);
    days.sealed(before(1), now, Some(Moment(now.0 - 1)), [0, 0]);
    days.failed(day);
    runs.remember(days);
    let page = browser.get("/readiness").await.text();
    let strip = page
        .split("<ol class=\"days\">")
        .nth(1)
        .unwrap()
        .split("</ol>")
        .next()
        .unwrap();
    assert_eq!(strip.matches("<li").count(), 30);
    for (mark, word) in [("○", "完了"), ("◆", "指摘"), ("▲", "遅れ"), ("■", "失敗")] {
        assert_eq!(strip.matches(mark).count(), 1, "{mark}");
        assert!(strip.contains(&format!("</span> {word}")), "{word}");
    }
    assert_eq!(strip.matches("－").count(), 26);
    assert!(
        strip.contains("重大 2件、注意 5件") && strip.contains("失敗 1回"),
        "{strip}"
    );
}
