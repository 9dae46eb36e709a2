//! What two people decide: conflicts, links between temporary patients and numbers, the confirmation of a declaration.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use chart::entry::CheckIn;
use chart::{Act, Coded, FormId, Moment, PatientId, Subject};
use downtime::audit::Deed;
use downtime::identity::Role;

use crate::browser::{Answer, Browser};
use crate::hospital::{DAY, Hospital, number_of, people};

fn hanako() -> Subject {
    Subject::Patient(PatientId::parse("00123456").unwrap())
}

fn check_in(n: u32) -> Act {
    Act::CheckedIn(CheckIn {
        number: format!("A-{n:03}"),
        visit: FormId::issue(DAY, 3, n).unwrap(),
        department: Coded::new("01", "循環器内科"),
        doctor: Coded::default(),
        booked_at: None,
        unbooked: true,
        identity_confirmed: true,
        insurance_seen: false,
        paper_language: None,
    })
}

#[tokio::test]
async fn two_receptions_are_a_task_until_somebody_decides() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    assert!(browser.get("/conflicts").await.text().contains("食い違いはありません"));
    let (one, other) = (hospital.session("1001"), hospital.session("2001"));
    let first = one.record(hanako(), check_in(901)).await.unwrap();
    let tag = browser.get("/state").await.header("etag").to_owned();
    one.record(hanako(), check_in(902)).await.unwrap();
    drop(other);
    let state = browser.get("/state").await;
    assert_ne!(state.header("etag"), tag, "the bar says so within seconds");
    assert!(state.text().contains("食い違い 1件"));
    assert!(browser.get("/to-enter").await.text().contains("href=\"/conflicts\""));
    let page = browser.get("/conflicts").await;
    let html = page.text();
    for part in [
        "二か所で受付されました",
        "山田　花子",
        "A-901",
        "A-902",
        "いまの扱い",
        "田中　恵（受付）",
        "R03",
    ] {
        assert!(html.contains(part), "{part}");
    }
    let entries = page.attribute(&["name=\"entries\""], "value");
    let right = first.hex();
    for (right, text) in [("", "名簿と照合"), (right.as_str(), " "), ("abc", "名簿と照合")] {
        let fields = [("entries", entries.as_str()), ("right", right), ("text", text)];
        let answer = browser.post("/conflicts", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text().contains("まだ何も決まっていません"));
    }
    let half = entries.split(',').next().unwrap();
    let fields = [("entries", half), ("right", &right), ("text", "名簿と照合")];
    assert_eq!(browser.post("/conflicts", &fields).await.status, StatusCode::CONFLICT);
    let fields = [("entries", entries.as_str()), ("right", &right), ("text", "名簿と照合")];
    let settled = browser.post("/conflicts", &fields).await;
    assert_eq!(settled.status, StatusCode::SEE_OTHER);
    assert!(browser.follow(&settled).await.text().contains("食い違いはありません"));
    assert!(!browser.get("/state").await.text().contains("食い違い"));
    let decision = one.day().all().find_map(|r| match &r.entry.act {
        Act::ConflictSettled { decision, .. } => Some((r.entry.by.user.clone(), decision.clone())),
        _ => None,
    });
    let (by, decision) = decision.unwrap();
    assert!(by == "1001" && decision.contains("A-901") && decision.contains("名簿と照合"));
    assert_eq!(
        browser.post("/conflicts", &fields).await.status,
        StatusCode::CONFLICT,
        "once"
    );
}

async fn registered(browser: &mut Browser) -> String {
    let fields = [
        ("kana", "やまだ　はなこ"),
        ("birth", "1951-05-12"),
        ("sex", "M"),
        ("reason", "first"),
        ("allergy", "none"),
        ("once", "t1"),
    ];
    browser.post("/temporary", &fields).await;
    browser.get("/link").await.attribute(&["name=\"temporary\""], "value")
}

fn linked(hospital: &Hospital) -> usize {
    hospital.session("1001").day().links().filter(|l| l.holds()).count()
}

#[tokio::test]
async fn a_temporary_patient_is_linked_by_two_people_and_unlinked_by_one() {
    let hospital = Hospital::of_everybody(people());
    hospital.silence();
    let mut clerk = Browser::signed_in(&hospital, "1001").await;
    let temporary = registered(&mut clerk).await;
    let compare = [("temporary", temporary.as_str()), ("number", "００１２ 3456")];
    let page = clerk.post("/link/compare", &compare).await;
    let html = page.text();
    assert_eq!(page.status, StatusCode::OK, "{html}");
    assert_eq!(html.matches("<th scope=\"row\">").count(), 6, "six identifiers");
    for part in ["ヤマダ　ハナコ", "≠", "＝", "？", "090-1234-3456", "1951年5月12日"] {
        assert!(html.contains(part), "{part}");
    }
    let unknown = clerk
        .post("/link/compare", &[("temporary", &temporary), ("number", "99999999")])
        .await;
    assert!(unknown.text().contains("その患者番号の人は、いまのデータにいません"));
    let unsaid = clerk.post("/link", &compare).await;
    assert!(unsaid.status == StatusCode::UNPROCESSABLE_ENTITY && unsaid.text().contains("まだ提案していません"));
    let fields = [compare[0], compare[1], ("reason", "保険証")];
    let proposed = clerk.post("/link", &fields).await;
    assert!(clerk.follow(&proposed).await.text().contains("確認を待っています"));
    assert!(
        clerk
            .post("/link", &fields)
            .await
            .text()
            .contains("もう提案されています")
    );
    let one = clerk.get("/link").await.attribute(&["href=\"/link/"], "href");
    let own = clerk.post(&format!("{one}/confirm"), &[]).await;
    assert_eq!(own.status, StatusCode::CONFLICT);
    assert!(own.text().contains("提案した人は確認できません"));
    assert_eq!(linked(&hospital), 0);
    let mut physician = Browser::signed_in(&hospital, "2001").await;
    assert!(physician.get(&one).await.text().contains("同じ人だと確認する"));
    let confirmed = physician.post(&format!("{one}/confirm"), &[]).await;
    assert_eq!(confirmed.status, StatusCode::SEE_OTHER);
    assert_eq!(linked(&hospital), 1);
    let again = physician.post(&format!("{one}/confirm"), &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let unsaid = clerk.post(&format!("{one}/undo"), &[("reason", " ")]).await;
    assert!(unsaid.text().contains("まだ取り消していません") && linked(&hospital) == 1);
    clerk.post(&format!("{one}/undo"), &[("reason", "別の人")]).await;
    assert_eq!(linked(&hospital), 0);
    let session = hospital.session(&number_of(Role::Auditor));
    let book = session.book().unwrap();
    let book = book.read().unwrap();
    let deeds = book.all().filter(|seen| seen.sighting.deed == Deed::Linked).count();
    assert_eq!(deeds, 3, "proposed, confirmed, undone");
}

fn moves(hospital: &Hospital, seconds: i64) {
    hospital.clock.fetch_add(seconds, Ordering::SeqCst);
}

async fn state(browser: &mut Browser) -> String {
    browser.get("/state").await.text()
}

#[tokio::test]
async fn a_provisional_declaration_runs_out_unless_a_second_person_confirms() {
    let hospital = Hospital::open(people());
    hospital.answers();
    let mut clerk = Browser::signed_in(&hospital, "1001").await;
    clerk.post("/declare", &[("reason", "1")]).await;
    assert!(state(&mut clerk).await.contains("仮宣言 あと30分"));
    moves(&hospital, 170);
    assert!(state(&mut clerk).await.contains("仮宣言 あと28分"));
    let page = clerk.get("/declare").await;
    assert!(page.text().contains("確認は、宣言した人とは別の人がします") && !page.text().contains("/declare/confirm"));
    let entry = page.attribute(&["name=\"entry\""], "value");
    let own = clerk.post("/declare/confirm", &[("entry", &entry)]).await;
    assert!(own.text().contains("宣言した人とは別の人"));
    let mut stranger = clerk.another();
    let nobody = stranger.post("/declare/confirm", &[("entry", &entry)]).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    let mut physician = Browser::signed_in(&hospital, "2001").await;
    assert!(physician.get("/declare").await.text().contains("宣言を確認する"));
    let confirmed: Answer = physician.post("/declare/confirm", &[("entry", &entry)]).await;
    assert!(physician.follow(&confirmed).await.text().contains("まで有効です"));
    assert!(!state(&mut physician).await.contains("仮宣言"));
    let again = physician.post("/declare/confirm", &[("entry", &entry)]).await;
    assert!(again.text().contains("もう終わったか確認されています"));
    moves(&hospital, 7_200);
    assert!(hospital.station.mode().is_declared());
}

#[tokio::test]
async fn unconfirmed_it_closes_the_screens_after_half_an_hour() {
    let hospital = Hospital::open(people());
    hospital.answers();
    let mut clerk = Browser::signed_in(&hospital, "1001").await;
    clerk.post("/declare", &[("reason", "1")]).await;
    let made = Moment(hospital.clock.load(Ordering::SeqCst));
    moves(&hospital, 1_799);
    assert!(hospital.station.mode().is_declared() && hospital.station.state().runs_out == Some(Moment(made.0 + 1_800)));
    moves(&hospital, 1);
    hospital.answers();
    assert_eq!(hospital.station.mode().word(), "normal");
}

#[tokio::test]
async fn a_declaration_is_carried_on_paper_and_in_a_file() {
    let hospital = Hospital::open(people());
    hospital.answers();
    let mut clerk = Browser::signed_in(&hospital, "1001").await;
    assert!(!clerk.get("/declare").await.text().contains("つながらない端末"));
    assert!(
        clerk.get("/declare/file").await.status.is_client_error(),
        "nothing to carry"
    );
    clerk.post("/declare", &[("reason", "1")]).await;
    let page = clerk.get("/declare").await;
    assert!(page.text().contains("停止宣言書を印刷する"));
    let printed = clerk.post("/declare/paper", &[]).await;
    let link = clerk.follow(&printed).await.attribute(&["data-print"], "href");
    assert!(link.starts_with("/declare/paper/"));
    let pdf = clerk.get(&link).await;
    assert!(pdf.text().contains("停止宣言書") || pdf.header("content-type") == "application/pdf");
    let file = clerk.get("/declare/file").await;
    assert!(
        file.header("content-disposition")
            .contains("tomoshibi-declaration-2026-11-20.txt")
    );
    let codes = file.text();
    // Anybody brings it, with nobody signed in.
    let mut stranger = clerk.another();
    assert!(
        stranger
            .get("/sign-in")
            .await
            .text()
            .contains("href=\"/declare/carried\"")
    );
    let wrong = codes.replace("93", "93 ");
    let refused = stranger.post("/declare/carried", &[("codes", &wrong)]).await;
    assert!(refused.text().contains("停止宣言書のコードがありません"));
    let cut = &codes[..codes.trim_end().len() - 1];
    let refused = stranger.post("/declare/carried", &[("codes", cut)]).await;
    assert!(
        refused.text().contains("1 番目のコードを最後まで"),
        "{}",
        refused.text()
    );
    let taken = stranger.post("/declare/carried", &[("codes", &codes)]).await;
    let page = stranger.follow(&taken).await.text();
    assert!(page.contains("読み取りました") && page.contains("仮宣言です"), "{page}");
    let nothing = stranger.post("/declare/carried", &[]).await;
    assert!(nothing.text().contains("何も変えていません"));
}

#[tokio::test]
async fn home_says_how_far_the_clock_can_be_trusted() {
    use downtime::state::TimeQuality;
    let hospital = Hospital::open(people());
    let mut browser = Browser::new(&hospital);
    for (quality, words) in [
        (TimeQuality::Unknown, "時計が合っているか確かめられません"),
        (TimeQuality::Synced, "時計は合っています"),
        (TimeQuality::Drifting, "少しずれることがあります"),
        (TimeQuality::ByHand, "時刻は目安です"),
    ] {
        hospital.station.observe_time(quality);
        assert!(browser.get("/").await.text().contains(words), "{words}");
    }
}
