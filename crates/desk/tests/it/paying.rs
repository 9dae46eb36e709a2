//! S32 and the paper around it: a payment put off, printed and taken back; labels; blank sheets named and made void.

use axum::http::StatusCode;
use chart::{Act, FormId, Moment, Subject};
use downtime::identity::Role;
use downtime::scans::{Issued, Pack, Page, Scanned};

use crate::browser::Browser;
use crate::clinic::{find, pdf, who};
use crate::hospital::{DAY, Hospital, number_of, people, rng};
use crate::pages::chart_of;

fn fields<'f>(list: &'f [(&'f str, String)]) -> Vec<(&'f str, &'f str)> {
    list.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[tokio::test]
async fn a_payment_is_put_off_printed_listed_with_its_deposit_and_taken_back() {
    let hospital = Hospital::of_everybody(people());
    hospital.silence();
    let mut desk = Browser::in_role(&hospital, Role::Reception).await;
    let found = find(&mut desk, "いちろう").await;
    let handle = who(&found);
    let received = [
        ("who", handle.as_str()),
        ("seen", "0"),
        ("slot", "0"),
        ("insurance", "1"),
    ];
    desk.post("/reception/check-in", &received).await;

    let mut clerk = Browser::in_role(&hospital, Role::Accounting).await;
    let list = clerk.get("/payment").await.text();
    assert!(list.contains("会計待ち 1人") && list.contains("A-001"), "{list}");
    let unknown = clerk.post("/payment", &[("code", "99999999")]).await;
    assert!(unknown.text().contains("「99999999」の人は見つかりません"));
    let session = hospital.session(&number_of(Role::Accounting));
    let visit = {
        let day = session.day();
        let first = day.unsettled(session.station().now()).remove(0);
        first.1.visit.to_string()
    };
    // The slip's bar code leads straight to the person.
    let to = clerk.post("/payment", &[("code", &visit)]).await.location();
    let page = clerk.get(&to).await;
    let html = page.text();
    for part in [
        "会計の後日精算",
        "行ったこと",
        "時間外",
        "預り金",
        "checked>保険証・資格を見た",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let once = page.attribute(&["name=\"once\""], "value");
    let slip = |deposit: &str, service: &str, until: &str| {
        vec![
            ("once", once.clone()),
            ("service", service.to_owned()),
            ("deposit", deposit.to_owned()),
            ("payer", "労災".to_owned()),
            ("phone", "090-0000-3456".to_owned()),
            ("from", "2026-11-24".to_owned()),
            ("until", until.to_owned()),
        ]
    };
    for (deposit, service, until, words) in [
        ("3千円", "診察", "2026-12-11", "0 から 9,999,999 円まで"),
        ("", "", "2026-12-11", "行ったことに印を付けるか"),
        ("", "診察", "2026-11-23", "末日が初日より前"),
        ("", "診察", "2026-11-19", "今日からあとの日付"),
    ] {
        let wrong = clerk.post(&to, &fields(&slip(deposit, service, until))).await.text();
        assert!(
            wrong.contains("まだ記録していません") && wrong.contains(words),
            "{words}: {wrong}"
        );
        assert!(wrong.contains("090-0000-3456"), "what was typed stays");
    }
    assert_eq!(session.day().payments().count(), 0);
    let right = slip("３，０００", "診察", "2026-12-11");
    let done = clerk.post(&to, &fields(&right)).await;
    let page = clerk.follow(&done).await;
    let html = page.text();
    assert!(
        html.contains("後日精算を記録しました") && html.contains("会計待ちの人はいません"),
        "{html}"
    );
    assert!(
        html.contains("今日 1件 3,000円") && html.contains("090-0000-3456"),
        "{html}"
    );
    let printed = pdf(&mut clerk, &page).await;
    assert!(String::from_utf8_lossy(&printed.body).contains("F16"));
    clerk.post(&to, &fields(&right)).await;
    let (entry, sheet) = {
        let day = session.day();
        let all: Vec<_> = day.payments().collect();
        assert_eq!(all.len(), 1, "a second press records nothing twice");
        let (recorded, payment) = &all[0];
        assert_eq!((payment.deposit, payment.payer.as_str()), (Some(3_000), "労災"));
        assert_eq!(payment.done().collect::<Vec<_>>(), ["診察"]);
        assert!(day.must_be_entered(&recorded.id));
        (recorded.id.hex(), payment.sheet.clone())
    };
    // The lower half comes back under the number of the entry.
    let printed = session.day().all().any(|r| {
        matches!(&r.entry.act, Act::Printed { form, form_id, reissue: false } if form == "F16" && *form_id == sheet)
    });
    assert!(printed);
    let work = clerk.get("/to-enter").await.text();
    assert!(work.contains("会計の後日精算（預り金 3,000円）"), "{work}");

    let silent = clerk.post(&format!("{to}/{entry}/undo"), &[]).await;
    assert!(silent.text().contains("理由を書いてください"));
    let undone = clerk
        .post(&format!("{to}/{entry}/undo"), &[("reason", "別の人だった")])
        .await;
    assert!(clerk.follow(&undone).await.text().contains("後日精算を取り消しました"));
    let list = clerk.get("/payment").await.text();
    assert!(list.contains("会計待ち 1人") && list.contains("今日 0件 0円"), "{list}");
    let mut physician = Browser::in_role(&hospital, Role::Physician).await;
    assert_eq!(physician.get("/payment").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn labels_are_printed_from_the_menu_and_after_a_registration() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "2001").await;
    let chart = chart_of(&mut browser, "山田　花子").await;
    let page = browser.get(&format!("{chart}/print")).await;
    assert!(page.text().contains("ラベルを印刷"));
    let handle = chart.trim_start_matches("/p/").to_owned();
    let sent = browser
        .post(
            "/print/labels",
            &[("who", &handle), ("labels", "6"), ("wristband", "1")],
        )
        .await;
    let page = browser.follow(&sent).await;
    assert!(String::from_utf8_lossy(&pdf(&mut browser, &page).await.body).contains("F15"));
    for wrong in ["0", "13", "-1", "x"] {
        let answer = browser
            .post("/print/labels", &[("who", &handle), ("labels", wrong)])
            .await;
        assert!(answer.status.is_client_error(), "{wrong}");
    }
    let fresh = browser.get("/temporary").await.text();
    assert!(
        fresh.contains("name=\"labels\"") && fresh.contains("value=\"12\""),
        "{fresh}"
    );
    let fields = [
        ("kana", "シラヌイ　ミオ"),
        ("sex", "F"),
        ("reason", "emergency"),
        ("allergy", "not_recorded"),
        ("labels", "3"),
        ("wristband", "1"),
        ("once", "a"),
    ];
    let wrong: Vec<_> = fields
        .map(|(n, v)| if n == "labels" { (n, "40") } else { (n, v) })
        .to_vec();
    assert!(
        browser
            .post("/temporary", &wrong)
            .await
            .text()
            .contains("まだ登録していません")
    );
    let registered = browser.post("/temporary", &fields).await;
    let address = registered.location();
    assert!(
        address.contains("s=") && address.contains("s2="),
        "F14 and F15: {address}"
    );
    let html = browser.get(&address).await.text();
    assert!(
        html.contains("仮患者登録票を開く") && html.contains("ラベル・リストバンドを開く"),
        "{html}"
    );
}

#[tokio::test]
async fn blank_sheets_that_come_back_are_named_by_a_person_and_unused_ones_are_void() {
    let hospital = Hospital::of_everybody(people());
    hospital.silence();
    let session = hospital.session(&number_of(Role::Reception));
    let archive = session.scans().unwrap();
    let number = |n: u32| FormId::issue(DAY, 3, 7_000 + n).unwrap();
    let sheet = |n: u32| Issued {
        form_id: number(n),
        form: "F04".into(),
        subject: Subject::Hospital,
    };
    let pack = Pack {
        at: Moment(1),
        by: "9001".into(),
        title: "循環器内科".into(),
        sheets: (0..4).map(sheet).collect(),
        blank: true,
    };
    archive.keep_pack(&pack, &mut rng()).unwrap();
    let sha = archive.keep_original(b"%PDF-1.7", &mut rng()).unwrap();
    let filed = Page::Filed {
        sheet: sheet(0),
        page: 1,
        pages: 1,
    };
    let scanned = Scanned {
        name: "scan001.pdf".into(),
        at: Moment(1),
        by: "1001".into(),
        pages: vec![filed],
        fault: String::new(),
    };
    archive.keep_scanned(&sha, &scanned, &mut rng()).unwrap();

    let mut browser = Browser::in_role(&hospital, Role::Reception).await;
    let html = browser.get("/returned").await.text();
    for part in [
        "白紙に書いて戻った用紙",
        "発行 4 ＝ 回収 1 ＋ 使用せず 0 ＋ 未回収 3",
        "循環器内科",
        "送付票を印刷",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let blank = number(0);
    let unknown = browser
        .post(
            "/returned/whose",
            &[("number", blank.as_str()), ("patient", "99999999")],
        )
        .await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unknown.text().contains("その番号の人は見つかりません"));
    // First the person is shown, and nothing is decided.
    let shown = browser
        .post(
            "/returned/whose",
            &[("number", blank.as_str()), ("patient", "００１２３４５６")],
        )
        .await;
    assert!(
        shown.text().contains("この人の用紙ですか") && shown.text().contains("山田　花子"),
        "{}",
        shown.text()
    );
    assert!(archive.contents().unwrap().decisions.is_empty());
    let seen = [("number", blank.as_str()), ("patient", "00123456"), ("seen", "1")];
    let settled = browser.post("/returned/whose", &seen).await;
    let html = browser.get(&settled.location()).await.text();
    assert!(
        html.contains("その人の用紙と決めました") && !html.contains("白紙に書いて戻った用紙"),
        "{html}"
    );
    let again = browser.post("/returned/whose", &seen).await;
    assert!(again.text().contains("もう決まったか"));

    // It was somebody else's: the number and the reason, both people on the screen, then the tick.
    assert!(
        html.contains("だれのものか決めた白紙") && html.contains("画像は端末 R03 にあります"),
        "{html}"
    );
    let wrong = [("number", blank.as_str()), ("patient", "00341187")];
    let silent = browser.post("/returned/mend", &wrong).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(silent.text().contains("理由がありません"), "{}", silent.text());
    let same = [("number", blank.as_str()), ("patient", "00123456"), ("reason", "x")];
    assert!(
        browser
            .post("/returned/mend", &same)
            .await
            .text()
            .contains("もうその人の用紙です")
    );
    let fields = [wrong[0], wrong[1], ("reason", "紙の氏名は別の人")];
    let both = browser.post("/returned/mend", &fields).await;
    let html = both.text();
    for part in [
        "いまの記録",
        "決め直したあと",
        "山田　花子",
        "0012 3456",
        "0034 1187",
        "紙の氏名は別の人",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let named = |session: &downtime::stations::Session| {
        let day = session.day();
        day.all().filter(|r| matches!(r.entry.act, Act::SheetNamed(_))).count()
    };
    assert_eq!(named(&session), 1, "nothing is decided before the tick");
    let holding = both.attribute(&["name=\"holding\""], "value");
    let ticked = [fields[0], fields[1], fields[2], ("seen", "1"), ("holding", "0")];
    let stale = browser.post("/returned/mend", &ticked).await;
    assert!(
        stale.text().contains("決め直しますか"),
        "another word in between is seen first"
    );
    let ticked = [
        fields[0],
        fields[1],
        fields[2],
        ("seen", "1"),
        ("holding", holding.as_str()),
    ];
    let mended = browser.post("/returned/mend", &ticked).await;
    let html = browser.get(&mended.location()).await.text();
    assert!(
        html.contains("を決め直しました") && html.contains("いまは無効"),
        "{html}"
    );
    assert_eq!(named(&session), 2);
    let auditor = hospital.session(&number_of(Role::Auditor));
    let about: Vec<_> = {
        let book = auditor.book().unwrap();
        let book = book.read().unwrap();
        let mended = book.all().filter(|seen| seen.sighting.detail.ends_with("決め直し"));
        mended.map(|seen| seen.sighting.subject.number().to_owned()).collect()
    };
    assert_eq!(about, ["00123456", "00341187"], "both people, each a line");

    let tick = |n: u32| format!("{}/", number(n));
    let silent = browser.post("/returned/void", &[("sheet", &tick(1))]).await;
    assert!(silent.text().contains("理由がありません"));
    let none = browser
        .post("/returned/void", &[("reason", "余り"), ("sheet", "263247000000/")])
        .await;
    assert!(none.text().contains("印の付いた用紙がない"));
    let (one, two) = (tick(1), tick(2));
    let void = browser
        .post(
            "/returned/void",
            &[
                ("sheet", one.as_str()),
                ("sheet", two.as_str()),
                ("reason", "白紙のままシュレッダー"),
            ],
        )
        .await;
    let html = browser.get(&void.location()).await.text();
    assert!(html.contains("2 枚を使用せずとしました"), "{html}");
    assert!(html.contains("発行 4 ＝ 回収 1 ＋ 使用せず 2 ＋ 未回収 1"), "{html}");
    let words: Vec<_> = session
        .day()
        .all()
        .map(|r| r.entry.act.word())
        .filter(|w| *w == "sheet-voided")
        .collect();
    assert_eq!(words.len(), 2);

    let cover = browser.post("/returned/cover", &[("department", "循環器内科")]).await;
    let page = browser.follow(&cover).await;
    assert!(String::from_utf8_lossy(&pdf(&mut browser, &page).await.body).contains("F23"));
    let nothing = browser
        .post("/returned/cover", &[("department", "どこでもない科")])
        .await;
    assert!(nothing.text().contains("その部署の用紙はありません"));
}
