//! S90: what went to a printer, what is stuck, and what a person does about it. The printer threads are the roof's; here the
//! queue is moved by hand.

use axum::http::StatusCode;
use downtime::audit::Deed;
use downtime::printing::{Condition, Health, JobId, Need, State, Stop, Trouble};

use crate::browser::{Answer, Browser};
use crate::clinic::{find, who};
use crate::hospital::{Hospital, people};

const HERE: &str = "1階受付";

/// Receives somebody; gives the page afterwards.
async fn check_in(browser: &mut Browser) -> Answer {
    let handle = who(&find(browser, "いちろう").await);
    let fields = [("who", handle.as_str()), ("seen", "0"), ("slot", "0")];
    let received = browser.post("/reception/check-in", &fields).await;
    browser.follow(&received).await
}

fn hospital(printers: &[&str]) -> Hospital {
    let hospital = Hospital::open(people()).with_printers(printers);
    hospital.silence();
    hospital
}

fn only_job(hospital: &Hospital) -> (JobId, State) {
    let overview = hospital.printers.as_ref().unwrap().overview();
    assert_eq!(overview.jobs.len(), 1);
    (overview.jobs[0].id, overview.jobs[0].state.clone())
}

#[tokio::test]
async fn a_slip_goes_to_its_printer_and_the_page_says_so() {
    let hospital = hospital(&[HERE, "2階"]);
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let page = check_in(&mut browser).await.text();
    assert!(page.contains("山田　一郎 さんを受付しました"));
    assert!(
        page.contains("<a href=\"/printing\">印刷に送りました（1階受付）</a>"),
        "{page}"
    );
    assert!(!page.contains("data-print>"), "the browser does not print it as well");
    let shown = browser.get("/printing").await.text();
    for words in [
        "プリンタへ直接（A5 1階受付、A4 1階受付）",
        "待ち",
        "受付票",
        "F01",
        "1枚",
        "ヤマダ",
        "山田　一郎",
        "田中　恵",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let queue = hospital.printers.as_ref().unwrap();
    let now = hospital.station.now();
    let (id, _) = only_job(&hospital);
    let pdf = queue.next(HERE, now).unwrap().pdf;
    assert!(pdf.starts_with(b"%PDF"));
    assert!(queue.begin(id, HERE, now));
    queue.accepted(id, 1, now);
    queue.printed(id, now);
    let shown = browser.get("/printing").await.text();
    assert!(shown.contains("完了") && shown.contains("待っている印刷はありません"));
    let english = browser.get("/printing?lang=en").await.text();
    assert!(english.contains("straight to a printer") && english.contains("Done"));
}

#[tokio::test]
async fn without_a_printer_the_browser_prints_and_the_screen_says_which_way() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let page = check_in(&mut browser).await.text();
    assert!(page.contains("data-print>") && !page.contains("印刷に送りました"));
    assert!(
        browser
            .get("/printing")
            .await
            .text()
            .contains("ブラウザーの印刷画面から")
    );
    let mut desk = hospital.desk();
    desk.silent_browser = true;
    let mut silent = Browser::with(desk);
    silent.sign_in("1001", crate::hospital::PASSWORD).await;
    assert!(
        silent
            .get("/printing")
            .await
            .text()
            .contains("ブラウザーから、確認なしで印刷")
    );
    assert!(silent.get("/").await.text().contains("ブラウザーから、確認なしで印刷"));
}

#[tokio::test]
async fn what_is_stuck_stands_in_the_bar_with_what_to_do() {
    let hospital = hospital(&[HERE, "2階"]);
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    check_in(&mut browser).await;
    let queue = hospital.printers.as_ref().unwrap();
    let (id, _) = only_job(&hospital);
    let now = hospital.station.now();
    assert!(!browser.get("/reception").await.text().contains("印刷が止まっています"));
    let empty = Condition {
        health: Health::Stopped,
        needs: vec![Need::Paper],
    };
    queue.observe(HERE, empty);
    queue.later(id, Trouble::PrinterStopped, now);
    let page = browser.get("/reception").await.text();
    assert!(
        page.contains("<a href=\"/printing\">■ 印刷が止まっています 1件</a>"),
        "{page}"
    );
    let shown = browser.get("/printing").await.text();
    assert!(shown.contains("紙切れ: 用紙を入れてください。"), "{shown}");
    queue.stop(id, Stop::Aborted, now);
    assert!(
        browser
            .get("/printing")
            .await
            .text()
            .contains("プリンタが途中でやめました")
    );
    queue.unsure(id, now);
    let shown = browser.get("/printing").await.text();
    assert!(shown.contains("出たか確かめてください") && shown.contains("自動では送り直しません"));
    let before = hospital.station.now();
    let sent = browser
        .post("/printing/send", &[("job", &id.hex()), ("printer", "2階")])
        .await;
    assert!(browser.follow(&sent).await.text().contains("送り直しました"));
    assert_eq!(only_job(&hospital).1, State::Waiting("2階".into()));
    assert!(before <= hospital.station.now());
}

#[tokio::test]
async fn only_listed_printers_and_only_with_a_reason() {
    let hospital = hospital(&[HERE]);
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    check_in(&mut browser).await;
    let (id, state) = only_job(&hospital);
    let id = id.hex();
    for (path, fields, status, says) in [
        (
            "/printing/send",
            vec![("job", id.as_str()), ("printer", "ipp://10.9.9.9/ipp/print")],
            StatusCode::CONFLICT,
            "設定にありません",
        ),
        (
            "/printing/here",
            vec![("printer", "よその機械")],
            StatusCode::CONFLICT,
            "設定にありません",
        ),
        (
            "/printing/send",
            vec![("job", "0123456789abcdef"), ("printer", HERE)],
            StatusCode::CONFLICT,
            "もうありません",
        ),
        (
            "/printing/cancel",
            vec![("job", id.as_str()), ("reason", " ")],
            StatusCode::UNPROCESSABLE_ENTITY,
            "取り消す理由が要ります",
        ),
    ] {
        let answer = browser.post(path, &fields).await;
        assert_eq!(answer.status, status, "{path} {fields:?}");
        assert!(answer.text().contains(says), "{says}");
        assert_eq!(only_job(&hospital).1, state, "nothing has changed");
    }
    let cancelled = browser
        .post("/printing/cancel", &[("job", &id), ("reason", "二重に押した")])
        .await;
    assert!(browser.follow(&cancelled).await.text().contains("取り消しました"));
    assert!(hospital.printers.as_ref().unwrap().overview().jobs.is_empty());
}

#[tokio::test]
async fn a_browser_keeps_its_own_printer_and_only_a_listed_one() {
    let hospital = hospital(&[HERE, "2階"]);
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let chosen = browser.post("/printing/here", &[("printer", "2階")]).await;
    assert!(
        browser
            .follow(&chosen)
            .await
            .text()
            .contains("プリンタへ直接（A5 2階、A4 2階）")
    );
    assert!(check_in(&mut browser).await.text().contains("印刷に送りました（2階）"));
    for forged in ["zz", "e38", "ff", ""] {
        browser.set_cookie("printer", forged);
        assert!(
            browser
                .get("/printing")
                .await
                .text()
                .contains("プリンタへ直接（A5 1階受付"),
            "{forged}"
        );
    }
}

#[tokio::test]
async fn every_sheet_sent_again_or_taken_back_is_a_line_of_the_audit_log() {
    let hospital = Hospital::of_everybody(people()).with_printers(&[HERE, "2階"]);
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    check_in(&mut browser).await;
    let id = only_job(&hospital).0.hex();
    browser
        .post("/printing/send", &[("job", &id), ("printer", "2階")])
        .await;
    browser
        .post("/printing/cancel", &[("job", &id), ("reason", "二重に押した")])
        .await;
    let auditor = hospital.session(&crate::hospital::number_of(downtime::identity::Role::Auditor));
    let book = std::thread::spawn(move || auditor.book().unwrap()).join().unwrap();
    let lines: Vec<(String, String)> = book
        .read()
        .unwrap()
        .all()
        .filter(|seen| seen.sighting.deed == Deed::Printed)
        .map(|seen| (seen.sighting.detail.clone(), seen.sighting.reason.clone()))
        .collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines.iter().any(|(detail, _)| detail.ends_with("1枚 1階受付")),
        "{lines:?}"
    );
    assert!(
        lines.iter().any(|(detail, _)| detail.ends_with("1枚 送り直し 2階")),
        "{lines:?}"
    );
    assert!(
        lines
            .iter()
            .any(|(detail, reason)| detail.ends_with("印刷の取り消し") && reason == "二重に押した")
    );
}

#[tokio::test]
async fn in_normal_times_the_queue_is_cleared_by_number_without_names() {
    let hospital = hospital(&[HERE]);
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    check_in(&mut browser).await;
    hospital.answers();
    let shown = browser.get("/printing").await;
    assert_eq!(shown.status, StatusCode::OK);
    let text = shown.text();
    assert!(text.contains("患者の画面は閉じています") && text.contains("F01"));
    assert!(!text.contains("山田") && !text.contains("ヤマダ"), "{text}");
}
