//! A morning through plain forms, without any script: receive, examine, write, book, register, hand back.

use axum::http::StatusCode;
use downtime::view::Progress;

use crate::browser::{Answer, Browser};
use crate::hospital::{Hospital, PASSWORD, people};
use crate::pages::chart_of;

pub async fn find(browser: &mut Browser, q: &str) -> Answer {
    let answer = browser.post("/reception", &[("q", q)]).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer
}

pub fn who(answer: &Answer) -> String {
    answer.attribute(&["name=\"who\""], "value")
}

/// Fetches the PDF a page offers.
pub async fn pdf(browser: &mut Browser, page: &Answer) -> Answer {
    let href = page.attribute(&["data-print"], "href");
    let pdf = browser.get(&href).await;
    assert_eq!(pdf.header("content-type"), "application/pdf");
    assert!(pdf.header("content-security-policy").contains("frame-ancestors 'self'"));
    assert_eq!(pdf.header("cache-control"), "no-store");
    assert!(pdf.body.starts_with(b"%PDF"));
    pdf
}

#[tokio::test]
async fn one_press_receives_and_prints_and_one_takes_it_back() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let found = find(&mut browser, "いちろう").await;
    let handle = who(&found);
    assert!(found.text().contains("名前と生年月日を、本人に言ってもらいましたか"));
    let fields = [
        ("who", handle.as_str()),
        ("seen", "0"),
        ("slot", "0"),
        ("insurance", "1"),
    ];
    let received = browser.post("/reception/check-in", &fields).await;
    let page = browser.follow(&received).await;
    assert!(page.text().contains("A-001 山田　一郎 さんを受付しました"));
    pdf(&mut browser, &page).await;
    let again = browser.post("/reception/check-in", &fields).await;
    assert_eq!(again.status, StatusCode::OK);
    assert!(
        again.text().contains("ほかの窓口で先に受付されました"),
        "the same form twice receives once"
    );
    let session = hospital.session("1001");
    assert_eq!(session.day().checked_in(hospital.station.now()), 1);
    let entry = page.attribute(&["name=\"entry\""], "value");
    let undone = browser.post("/reception/undo", &[("entry", &entry)]).await;
    assert!(browser.follow(&undone).await.text().contains("受付を取り消しました"));
    assert_eq!(session.day().checked_in(hospital.station.now()), 0);
    assert!(find(&mut browser, "いちろう").await.text().contains("受付して印刷"));
}

#[tokio::test]
async fn the_cases_of_the_reception_table() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let nobody = find(&mut browser, "ゾゾゾ").await.text();
    assert!(nobody.contains("見つかりません") && nobody.contains("href=\"/temporary\""));
    assert!(
        find(&mut browser, "ヤ")
            .await
            .text()
            .contains("もう少し入力してください"),
        "privacy: not after one kana"
    );
    assert!(
        find(&mut browser, "みさき")
            .await
            .text()
            .contains("この方は受付できません"),
        "deceased"
    );
    let died = find(&mut browser, "みさき").await.text();
    assert!(!died.contains("/reception/check-in"), "no button for the deceased");
    let unbooked = find(&mut browser, "はると").await;
    assert!(unbooked.text().contains("今日の予約はありません"));
    let fields = [
        ("who", who(&unbooked)),
        ("seen", "0".into()),
        ("department", String::new()),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert!(
        browser
            .post("/reception/check-in", &fields)
            .await
            .text()
            .contains("診療科を選んでください")
    );
    let fields = [fields[0], fields[1], ("department", "03")];
    assert_eq!(
        browser.post("/reception/check-in", &fields).await.status,
        StatusCode::SEE_OTHER
    );
    let two = find(&mut browser, "さとし").await;
    assert!(two.text().contains("どの予約ですか") && two.text().contains("9:45 整形外科"));
    let former = find(&mut browser, "さわだ").await.text();
    assert!(
        former.contains("髙橋　﨑太") && former.contains("澤田　﨑太"),
        "found by the former name, registered form shown"
    );
    for q in [
        "高橋",
        "takahasi",
        "1963-02-03",
        "S38.2.3",
        "0001",
        "00770001",
        "７７０００１",
    ] {
        assert!(find(&mut browser, q).await.text().contains("髙橋　﨑太"), "{q}");
    }
    // Already received: print again, marked as reissued; undo later only with a reason.
    let found = find(&mut browser, "いちろう").await;
    let fields = [("who", who(&found)), ("seen", "0".into()), ("slot", "0".into())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
    browser.post("/reception/check-in", &fields).await;
    hospital.clock.fetch_add(60, std::sync::atomic::Ordering::SeqCst);
    let here = find(&mut browser, "いちろう").await;
    assert!(here.text().contains("受付済み 09:12（A-002）"));
    let entry = here.attribute(&["name=\"entry\""], "value");
    let again = browser
        .post("/print/slip", &[("entry", &entry), ("back", "reception")])
        .await;
    let page = browser.follow(&again).await;
    pdf(&mut browser, &page).await;
    let late = browser.post("/reception/undo", &[("entry", &entry)]).await;
    assert!(late.text().contains("取り消せる10秒を過ぎました"));
    assert_eq!(
        browser
            .post("/reception/undo", &[("entry", &entry), ("reason", "別の人だった")])
            .await
            .status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_note_is_kept_signed_and_corrected() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "2001").await;
    let chart = chart_of(&mut browser, "山田　花子").await;
    let draft = browser
        .post(
            &format!("{chart}/draft"),
            &[("s", "息切れ\r\n<b>"), ("temperature", "37.2")],
        )
        .await;
    assert!(draft.text().starts_with("保存 9:12"));
    let page = browser.get(&format!("{chart}/note")).await;
    assert!(page.text().contains("書きかけを戻しました") && page.text().contains("息切れ"));
    assert!(!page.text().contains("<b>\n") && page.text().contains("&#60;b&#62;"));
    let once = page.attribute(&["name=\"once\""], "value");
    let empty = browser
        .post(&format!("{chart}/note"), &[("once", &once), ("sign", "print")])
        .await;
    assert!(empty.text().contains("何も書かれていません"));
    let fields = [
        ("s", "息切れは変わらない"),
        ("p", "再診"),
        ("pressure", "128/74"),
        ("sign", "print"),
        ("once", once.as_str()),
    ];
    let signed = browser.post(&format!("{chart}/note"), &fields).await;
    let page = browser.follow(&signed).await;
    assert!(page.text().contains("署名しました") && page.text().contains("血圧 128/74mmHg"));
    pdf(&mut browser, &page).await;
    browser.post(&format!("{chart}/note"), &fields).await;
    let session = hospital.session("2001");
    let notes = session.day().all().filter(|r| r.entry.act.word() == "note").count();
    assert_eq!(notes, 1, "a second press signs nothing twice");
    assert!(
        !browser
            .get(&format!("{chart}/note"))
            .await
            .text()
            .contains("書きかけを戻しました"),
        "the draft is gone"
    );
    let correct = page.attribute(&["/note/", "href"], "href");
    let form = browser.get(&correct).await;
    assert!(form.text().contains("息切れは変わらない") && form.text().contains("訂正の理由"));
    let half = [("s", "息切れは軽く"), ("reason", "書きま")];
    let kept = browser.post(&format!("{correct}/draft"), &half).await;
    assert!(kept.text().starts_with("保存 "));
    let form = browser.get(&correct).await.text();
    assert!(form.contains("書きかけを戻しました") && form.contains("息切れは軽く") && form.contains("書きま"));
    let note = browser.get(&format!("{chart}/note")).await.text();
    assert!(
        !note.contains("息切れは軽く"),
        "the draft of a correction is not one of a new note"
    );
    let unexplained = browser.post(&correct, &[("s", "x"), ("once", "c1")]).await;
    assert!(unexplained.text().contains("訂正の理由か本文がありません"));
    let fields = [
        ("s", "息切れは軽くなった"),
        ("reason", "書きまちがい"),
        ("sign", "only"),
        ("once", "c2"),
    ];
    let corrected = browser.post(&correct, &fields).await;
    let page = browser.follow(&corrected).await.text();
    assert!(
        page.contains("息切れは変わらない") && page.contains("息切れは軽くなった") && page.contains("書きまちがい"),
        "both stay"
    );
    assert_eq!(
        browser.get(&correct).await.status,
        StatusCode::GONE,
        "a version that was replaced is not corrected again"
    );
}

#[tokio::test]
async fn on_paper_books_and_the_way_back_into_the_ehr() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "2001").await;
    let chart = chart_of(&mut browser, "山田　一郎").await;
    browser
        .post(&format!("{chart}/note"), &[("sign", "paper"), ("once", "p1")])
        .await;
    let next = format!("{chart}/next");
    assert!(browser.get(&next).await.text().contains("4週間後"));
    for (on, at, said) in [
        ("26.12.18", "", "予約日を読めない"),
        ("2026/11/20", "", "予約日を読めない"),
        ("2026/12/18", "25:00", "時刻を読めません"),
    ] {
        let answer = browser
            .post(&next, &[("on", on), ("at", at), ("department", "01"), ("once", "n0")])
            .await;
        assert!(answer.text().contains(said), "{on} {at}");
    }
    let fields = [
        ("on", "2026/12/18"),
        ("at", "9:30"),
        ("department", "01"),
        ("doctor", "D1"),
        ("phone", "090-1234-9921"),
        ("once", "n1"),
    ];
    let booked = browser.post(&next, &fields).await;
    let page = browser.follow(&booked).await;
    assert!(page.text().contains("仮予約しました　12月18日（金） 9:30"));
    pdf(&mut browser, &page).await;
    browser.post(&next, &fields).await;
    let later = browser
        .post(&next, &[("on", "2026-12-21"), ("department", "01"), ("once", "n2")])
        .await;
    assert!(browser.follow(&later).await.text().contains("の週（後日電話）"));
    let work = browser.get("/to-enter").await;
    assert!(work.text().contains("残り 3 / 3"), "paper note and two bookings");
    let first = work.attribute(&["data-row"], "href");
    let item = browser.get(&first).await;
    assert!(item.text().contains("紙に書かれています") && item.text().contains("00009921"));
    let action = item.attribute(&["action=\"/to-enter/"], "action");
    let entered = browser.post(&action, &[]).await;
    assert!(browser.follow(&entered).await.text().contains("残り 2 / 3"));
    browser.post(&action, &[]).await;
    let session = hospital.session("2001");
    let marks = session
        .day()
        .all()
        .filter(|r| r.entry.act.word() == "entered-in-ehr")
        .count();
    assert_eq!(marks, 1, "marked once");
    assert!(browser.get("/to-enter?show=done").await.text().contains("入力済"));
    let standing = browser.get(&next).await;
    let entry = standing.attribute(&["name=\"entry\""], "value");
    let cancelled = browser
        .post(&format!("{next}/cancel"), &[("entry", &entry), ("reason", "都合")])
        .await;
    assert!(
        browser
            .follow(&cancelled)
            .await
            .text()
            .contains("仮予約を取り消しました")
    );
}

#[tokio::test]
async fn somebody_unknown_gets_a_number_and_is_asked_about_allergies() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let alike = browser
        .post_with(
            "/temporary/alike",
            &[("kana", "やまだ はな")],
            &[("x-part", "rows"), ("sec-fetch-site", "same-origin")],
        )
        .await;
    assert!(alike.text().contains("この方ではありませんか（2人）"));
    for (fields, said) in [
        (vec![("kana", ""), ("allergy", "none")], "氏名がありません"),
        (
            vec![("kana", "スズキ"), ("birth", "26.5.12"), ("allergy", "none")],
            "生年月日を読めません",
        ),
        (
            vec![("kana", "スズキ"), ("birth", "2100/1/1"), ("allergy", "none")],
            "生年月日を読めません",
        ),
        (
            vec![("kana", "スズキ"), ("allergy", "")],
            "アレルギーの有無が選ばれていません",
        ),
        (
            vec![("kana", "スズキ"), ("allergy", "known")],
            "アレルギーの内容がありません",
        ),
    ] {
        let answer = browser.post("/temporary", &fields).await;
        assert!(answer.text().contains(said), "{said}");
        assert!(answer.text().contains("まだ登録していません"));
    }
    let fields = [
        ("kana", "すずき　けん"),
        ("sex", "M"),
        ("reason", "first"),
        ("allergy", "known"),
        ("what", "卵 じんましん"),
        ("once", "t1"),
    ];
    let registered = browser.post("/temporary", &fields).await;
    let page = browser.follow(&registered).await;
    assert!(page.text().contains("仮番号 TR0300001") && page.text().contains("仮・スズキ　ケン"));
    pdf(&mut browser, &page).await;
    browser.post("/temporary", &fields).await;
    let session = hospital.session("1001");
    assert_eq!(
        session.day().temporary_patients().count(),
        1,
        "the same form twice registers once"
    );
    let fields = [("who", who(&page)), ("seen", "0".into()), ("department", "01".into())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert_eq!(
        browser.post("/reception/check-in", &fields).await.status,
        StatusCode::SEE_OTHER
    );
    let (_, patient) = session
        .day()
        .temporary_patients()
        .next()
        .map(|(r, t)| (r.id, t.clone()))
        .unwrap();
    let subject = chart::Subject::Temporary(patient.id.clone());
    assert_eq!(
        session.day().progress(&subject, hospital.station.now()),
        Progress::CheckedIn
    );
    // The physician sees the allergy that was asked at the desk, and everything else as not recorded.
    let mut doctor = Browser::signed_in(&hospital, "2001").await;
    let list = doctor.get("/patients?show=temporary").await;
    let chart = list.attribute(&["data-row"], "href");
    let html = doctor.get(&chart).await.text();
    assert!(html.contains("allergy-known") && html.contains("卵 じんましん") && html.contains("未確認（記録なし）"));
    // Their number scans.
    let scanned = doctor.post("/scan", &[("code", patient.id.as_str())]).await;
    assert_eq!(scanned.location(), chart);
    let strange = doctor.post("/scan", &[("code", "4987123456786")]).await;
    assert_eq!(strange.status, StatusCode::NOT_FOUND);
    assert!(strange.text().contains("診察券か受付票を読み取ってください"));
}

#[tokio::test]
async fn a_slip_scans_to_its_patient_and_a_list_prints() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let found = find(&mut browser, "00009921").await;
    let handle = who(&found);
    let fields = [("who", handle.as_str()), ("seen", "0"), ("slot", "0")];
    browser.post("/reception/check-in", &fields).await;
    let session = hospital.session("1001");
    let slip = session.day().all().find_map(|r| match &r.entry.act {
        chart::Act::Printed { form_id, .. } => Some(form_id.to_string()),
        _ => None,
    });
    let scanned = browser.post("/scan", &[("code", &slip.unwrap())]).await;
    assert_eq!(scanned.location(), format!("/reception/{handle}"));
    let list = browser
        .post("/print/list", &[("department", "01"), ("day", "2026-11-20")])
        .await;
    let page = browser.follow(&list).await;
    pdf(&mut browser, &page).await;
    assert!(
        list.location().starts_with("/patients?show=&department=01&s="),
        "the list stays as it was shown"
    );
    let html = browser.get("/patients?show=here").await.text();
    assert!(html.contains("A-001") && html.contains("山田　一郎") && !html.contains("山田　花子"));
    let html = browser.get("/patients?department=03").await.text();
    assert!(html.contains("山田　聡") && !html.contains("山田　花子"));
}

#[tokio::test]
async fn when_paper_fails_the_reception_stands() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut desk = hospital.desk();
    desk.print = std::sync::Arc::new(|_| Err("no ink".into()));
    let mut browser = Browser::with(desk);
    browser.sign_in("1001", PASSWORD).await;
    let found = find(&mut browser, "00009921").await;
    let handle = who(&found);
    let received = browser
        .post("/reception/check-in", &[("who", &handle), ("seen", "0"), ("slot", "0")])
        .await;
    let page = browser.follow(&received).await;
    assert!(
        page.text().contains("A-001 山田　一郎 さんを受付しました")
            && page.text().contains("用紙だけが作れませんでした")
    );
    let session = hospital.session("1001");
    assert_eq!(
        session.day().len(),
        1,
        "received, and nothing claims to have been printed"
    );
}
