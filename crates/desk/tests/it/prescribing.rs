//! Prescribing, and text that comes back to its author.

use axum::http::StatusCode;

use crate::browser::Browser;
use crate::clinic::pdf;
use crate::hospital::{Hospital, people};
use crate::pages::chart_of;

#[tokio::test]
async fn a_prescription_is_issued_once_printed_and_made_void() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "2001").await;
    let chart = chart_of(&mut browser, "山田　花子").await;
    let page = browser.get(&format!("{chart}/rx")).await;
    assert!(page.text().contains("自動チェックは働きません") && page.text().contains("アレルギー"));
    let once = page.attribute(&["name=\"once\""], "value");
    let line = |allergy: &'static str, amount: &'static str| {
        let mut fields = vec![
            ("once", once.clone()),
            ("kind", "oral".to_owned()),
            ("name", "アムロジピン錠5mg".to_owned()),
            ("amount", amount.to_owned()),
            ("unit", "錠".to_owned()),
            ("usage", "1日1回 朝食後".to_owned()),
            ("supply", "14".to_owned()),
            ("given", "out".to_owned()),
        ];
        if !allergy.is_empty() {
            fields.push(("allergy", allergy.to_owned()));
        }
        fields
    };
    let unseen = line("", "1");
    let unseen: Vec<(&str, &str)> = unseen.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let refused = browser.post(&format!("{chart}/rx"), &unseen).await;
    assert!(refused.text().contains("まだ交付していません") && refused.text().contains("アムロジピン錠5mg"));
    let wrong = line("1", "一");
    let wrong: Vec<(&str, &str)> = wrong.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert!(
        browser
            .post(&format!("{chart}/rx"), &wrong)
            .await
            .text()
            .contains("どれかが足りません")
    );
    let right = line("1", "1");
    let right: Vec<(&str, &str)> = right.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let issued = browser.post(&format!("{chart}/rx"), &right).await;
    let page = browser.follow(&issued).await;
    assert!(page.text().contains("を交付しました") && page.text().contains("アムロジピン錠5mg"));
    pdf(&mut browser, &page).await;
    browser.post(&format!("{chart}/rx"), &right).await;
    let session = hospital.session("2001");
    let prescribed = |session: &downtime::stations::Session| {
        let day = session.day();
        let all: Vec<_> = day.all().filter(|r| r.entry.act.word() == "prescription").collect();
        all
    };
    let all = prescribed(&session);
    assert_eq!(all.len(), 1, "a second press issues nothing twice");
    assert!(
        session.day().must_be_entered(&all[0].id),
        "it must find its way into the EHR"
    );
    let entry = all[0].id.hex();
    let silent = browser.post(&format!("{chart}/rx/{entry}/void"), &[]).await;
    assert!(silent.text().contains("理由を書いてください"));
    browser
        .post(&format!("{chart}/rx/{entry}/void"), &[("reason", "薬をまちがえた")])
        .await;
    assert!(session.day().is_undone(&all[0].id));
    let mut clerk = Browser::signed_in(&hospital, "1001").await;
    assert_eq!(clerk.get(&format!("{chart}/rx")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_was_typed_for_a_booking_or_a_registration_comes_back_to_its_author() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "2001").await;
    let chart = chart_of(&mut browser, "山田　花子").await;
    let fields = [
        ("on", "2026-12-11"),
        ("exams", "採血と胸部X線"),
        ("role", "nobody asked"),
    ];
    browser.post(&format!("{chart}/next/draft"), &fields).await;
    let page = browser.get(&format!("{chart}/next")).await.text();
    assert!(
        page.contains("2026-12-11") && page.contains("採血と胸部X線") && page.contains("押すまで予約にはなりません")
    );
    let fields = [("kana", "スズキ　ハナ"), ("remarks", "赤いかばん")];
    browser.post("/temporary/draft", &fields).await;
    let page = browser.get("/temporary").await.text();
    assert!(page.contains("書きかけた登録があります（スズキ　ハナ）"));
    assert!(
        !page.contains("赤いかばん"),
        "the next person is most likely somebody else"
    );
    assert!(browser.get("/temporary?kept=1").await.text().contains("赤いかばん"));
    let mut other = Browser::signed_in(&hospital, "1001").await;
    assert!(
        !other.get("/temporary").await.text().contains("スズキ"),
        "a draft is its author's"
    );
}
