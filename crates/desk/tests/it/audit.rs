//! S80 and S81 as the people who answer for them meet them.

use axum::http::StatusCode;
use downtime::audit::{Deed, Seen};
use downtime::identity::Role;
use std::sync::Arc;

use crate::browser::{Answer, Browser};
use crate::hospital::{Hospital, PASSWORD, number_of, people};
use crate::pages::chart_of;

/// Everything in the log, as the auditor's keys open it.
fn log(hospital: &Hospital) -> Vec<Arc<Seen>> {
    let session = hospital.session(&number_of(Role::Auditor));
    let book = session.book().unwrap();
    let book = book.read().unwrap();
    book.all().cloned().collect()
}

fn is_page(answer: &Answer, what: &str) {
    let html = answer.text();
    assert_eq!(answer.status, StatusCode::OK, "{what}: {html}");
    assert!(!html.contains('〔'), "a missing word: {what}");
    assert_eq!(html.matches("<h1").count(), 1, "{what}");
    assert!(!html.contains("style=\"") && !html.contains("onclick"), "{what}");
}

/// A hospital in which the physician opened one chart.
async fn a_morning() -> (Hospital, Browser) {
    let hospital = Hospital::of_everybody(people());
    hospital.silence();
    let mut physician = Browser::signed_in(&hospital, "2001").await;
    let href = chart_of(&mut physician, "山田　花子").await;
    assert_eq!(physician.get(&href).await.status, StatusCode::OK);
    let auditor = Browser::in_role(&hospital, Role::Auditor).await;
    (hospital, auditor)
}

fn opened(hospital: &Hospital) -> Arc<Seen> {
    log(hospital)
        .into_iter()
        .find(|seen| seen.sighting.deed == Deed::Opened)
        .unwrap()
}

#[tokio::test]
async fn who_opened_this_patient_is_answered_by_number_and_the_question_is_recorded() {
    let (hospital, mut auditor) = a_morning().await;
    let patient = opened(&hospital).sighting.subject.clone();
    let page = auditor.get("/audit").await;
    is_page(&page, "/audit");
    assert!(page.text().contains("記録は連続しています（"), "{}", page.text());
    let page = auditor
        .post("/audit", &[("preset", "patient"), ("patient", patient.number())])
        .await;
    is_page(&page, "patient");
    let rows = page.text().split("<tbody>").last().unwrap().to_owned();
    assert!(
        rows.contains("2001") && rows.contains("閲覧") && rows.contains(&patient.shown()),
        "{rows}"
    );
    assert!(!page.text().contains("花子"), "an auditor's keys open no name");
    let looks: Vec<_> = log(&hospital)
        .into_iter()
        .filter(|seen| seen.sighting.deed == Deed::AuditRead)
        .collect();
    assert_eq!(looks.len(), 2, "every look is a sighting");
    assert_eq!(looks[1].sighting.subject, patient);
    assert_eq!(looks[1].sighting.by.user, number_of(Role::Auditor));
    let nobody = auditor.post("/audit", &[("preset", "patient")]).await;
    assert!(
        nobody.text().contains("患者番号を入れて"),
        "a question about nobody is not one about everybody"
    );
    assert!(nobody.text().contains("当てはまる記録はありません"));
}

#[tokio::test]
async fn every_question_can_be_asked_in_both_languages_and_pages_turn() {
    let (hospital, mut auditor) = a_morning().await;
    let author = chart::Author {
        user: "1001".into(),
        ..chart::Author::default()
    };
    for n in 0..230 {
        let mut sighting = hospital
            .station
            .sighting(&author, downtime::audit::Method::Password, Deed::Searched);
        sighting.detail = format!("search-{n:03}");
        hospital.station.audit().note(sighting);
    }
    let sighting = hospital
        .station
        .sighting(&author, downtime::audit::Method::Password, Deed::Listed);
    hospital.station.audit().write(sighting).await.unwrap();
    for lang in ["ja", "en"] {
        auditor.set_cookie("lang", lang);
        for preset in [
            "all",
            "patient",
            "user",
            "maintenance",
            "envelopes",
            "night",
            "bulk",
            "printed",
            "refused",
            "no-such",
        ] {
            let fields = [
                ("preset", preset),
                ("user", "1001"),
                ("patient", "1"),
                ("from", "2026-11-20"),
                ("until", "x"),
            ];
            is_page(&auditor.post("/audit", &fields).await, preset);
        }
    }
    let question = [("was", "user"), ("user", "1001"), ("deed", "search")];
    let first = auditor.post("/audit", &question).await.text();
    assert!(first.contains("search-229") && first.contains("search-130") && !first.contains("search-129"));
    let page = [question.as_slice(), &[("page", "2")]].concat();
    let last = auditor.post("/audit", &page).await.text();
    assert!(last.contains("search-000") && last.contains("search-029") && !last.contains("search-030"));
}

#[tokio::test]
async fn a_review_names_its_record_and_stands_beside_it() {
    let (hospital, mut auditor) = a_morning().await;
    let record = chart::EntryId(opened(&hospital).id).hex();
    let page = auditor.get(&format!("/audit/{record}")).await;
    is_page(&page, "record");
    assert!(page.text().contains("2001"));
    let empty = auditor
        .post("/audit/review", &[("record", &record), ("note", " ")])
        .await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = auditor
        .post("/audit/review", &[("record", &record), ("note", "担当医の診察")])
        .await;
    let page = auditor.follow(&done).await;
    assert!(page.text().contains("確認済：") && page.text().contains("担当医の診察"));
    let list = auditor.post("/audit", &[("deed", "open")]).await.text();
    assert!(list.contains("確認済</td>"), "{list}");
    let unknown = auditor
        .post("/audit/review", &[("record", &"ab".repeat(32)), ("note", "x")])
        .await;
    assert_eq!(unknown.status, StatusCode::GONE);
}

#[tokio::test]
async fn an_export_needs_a_reason_and_is_recorded_with_it() {
    let (hospital, mut auditor) = a_morning().await;
    let none = auditor
        .post("/audit/export", &[("format", "csv"), ("reason", " ")])
        .await;
    assert!(none.text().contains("まだ何も書き出していません"));
    assert!(!log(&hospital).iter().any(|seen| seen.sighting.deed == Deed::Exported));
    let csv = auditor
        .post("/audit/export", &[("format", "csv"), ("reason", "月次の点検")])
        .await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(
        csv.header("content-disposition"),
        "attachment; filename=\"audit-2026-11-20.csv\""
    );
    assert!(csv.text().contains("記録番号,日時") && csv.text().contains("\"2001\""));
    let fields = [
        ("format", "fhir"),
        ("reason", "開示請求"),
        ("preset", "user"),
        ("user", "2001"),
    ];
    let fhir = auditor.post("/audit/export", &fields).await;
    let lines: Vec<serde_json::Value> = fhir
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(!lines.is_empty() && lines.iter().all(|event| event["resourceType"] == "AuditEvent"));
    assert!(lines.iter().all(|event| event["agent"][0]["altId"] == "2001"));
    let reasons: Vec<_> = log(&hospital)
        .into_iter()
        .filter(|seen| seen.sighting.deed == Deed::Exported)
        .map(|seen| (seen.sighting.reason.clone(), seen.sighting.detail.clone()))
        .collect();
    assert_eq!(reasons[0].0, "月次の点検");
    assert_eq!(reasons[1], ("開示請求".to_owned(), "user user=2001".to_owned()));
}

#[tokio::test]
async fn an_opened_envelope_waits_for_its_review() {
    let (hospital, mut auditor) = a_morning().await;
    let mut stranger = Browser::in_role(&hospital, Role::BreakGlass).await;
    let href = chart_of(&mut stranger, "山田　花子").await;
    stranger.get(&href).await;
    let page = auditor.post("/audit", &[("preset", "envelopes")]).await;
    is_page(&page, "envelopes");
    let text = page.text();
    assert!(
        text.contains("まだ確認されていません") && text.contains("患者 1人"),
        "{text}"
    );
    let record = text
        .split("href=\"/audit/")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    auditor
        .post("/audit/review", &[("record", &record), ("note", "救急搬送")])
        .await;
    let text = auditor.post("/audit", &[("preset", "envelopes")]).await.text();
    assert!(!text.contains("まだ確認されていません") && text.contains("救急搬送"));
}

#[tokio::test]
async fn printing_lists_and_searches_stand_in_the_log() {
    let (hospital, _) = a_morning().await;
    let mut reception = Browser::signed_in(&hospital, "1001").await;
    reception.get("/patients").await;
    reception.post("/patients", &[("q", "ヤマダ")]).await;
    let done = reception.post("/print/list", &[("day", "2026-11-20")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let log = log(&hospital);
    let of = |deed| {
        log.iter()
            .filter(move |s| s.sighting.deed == deed && s.sighting.by.user == "1001")
            .collect::<Vec<_>>()
    };
    assert!(!of(Deed::Listed).is_empty());
    assert_eq!(of(Deed::Searched)[0].sighting.detail, "ヤマダ");
    let printed = of(Deed::Printed);
    assert!(printed[0].sighting.detail.starts_with("F13 ") && printed[0].sighting.count > 1);
}

#[tokio::test]
async fn an_account_is_disabled_at_once_with_two_keystrokes_and_a_reason() {
    let hospital = Hospital::of_everybody(people());
    hospital.silence();
    let mut physician = Browser::signed_in(&hospital, "2001").await;
    assert_eq!(physician.get("/patients").await.status, StatusCode::OK);
    let mut officer = Browser::in_role(&hospital, Role::PrivacyOfficer).await;
    for lang in ["en", "ja"] {
        officer.set_cookie("lang", lang);
        is_page(&officer.get("/users").await, "/users");
        is_page(&officer.get("/users/2001").await, "/users/2001");
    }
    let list = officer.get("/users").await.text();
    assert!(list.contains("href=\"/users/2001\"") && list.contains("bg-001") && list.contains("未開封"));
    let other = officer.post("/users/2001/disable", &[("reason", "4")]).await;
    assert!(other.text().contains("まだ停止していません"));
    let own = officer
        .post(
            &format!("/users/{}/disable", number_of(Role::PrivacyOfficer)),
            &[("reason", "1")],
        )
        .await;
    assert_eq!(own.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = officer.post("/users/2001/disable", &[("reason", "1")]).await;
    let list = officer.follow(&done).await.text();
    assert!(list.contains("停止しました") && list.contains("停止中</b>"), "{list}");
    assert_eq!(
        physician.get("/patients").await.status,
        StatusCode::SEE_OTHER,
        "the open session ends"
    );
    assert_eq!(
        physician.sign_in("2001", PASSWORD).await.status,
        StatusCode::UNAUTHORIZED
    );
    let log = log(&hospital);
    let disabled = log.iter().find(|seen| seen.sighting.deed == Deed::Disabled).unwrap();
    assert_eq!(disabled.sighting.detail, "2001");
    assert_eq!(disabled.sighting.by.user, number_of(Role::PrivacyOfficer));
    assert_eq!(officer.get("/users/nobody").await.status, StatusCode::NOT_FOUND);
}
