//! Orders at the desk: ticked, printed, in the list, printed again, cancelled, handed back to the EHR.

use std::sync::Arc;

use axum::http::StatusCode;
use chart::Act;
use chart::entry::Ordered;
use chart::order::Amount;
use downtime::exports::csv::{self, Charset, Identity};
use downtime::exports::retype_list;
use downtime::identity::Role;
use downtime::stations::Session;
use downtime::view::Recorded;

use crate::browser::{Answer, Browser};
use crate::clinic::pdf;
use crate::hospital::{Hospital, people};
use crate::pages::chart_of;

fn ordered(session: &Session) -> Vec<(Arc<Recorded>, Ordered)> {
    let day = session.day();
    day.all()
        .filter_map(|r| match &r.entry.act {
            Act::Ordered(ordered) => Some((r.clone(), (**ordered).clone())),
            _ => None,
        })
        .collect()
}

fn once(page: &Answer) -> String {
    page.attribute(&["name=\"once\""], "value")
}

/// The value of the EHR's first examination of today.
fn first_ehr(page: &Answer) -> String {
    page.attribute(&["name=\"ehr\""], "value")
}

#[tokio::test]
async fn a_laboratory_order_is_issued_once_printed_listed_cancelled_and_handed_back() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "2001").await;
    let chart = chart_of(&mut browser, "山田　花子").await;
    assert!(browser.get(&chart).await.text().contains("Alt+K"));
    let page = browser.get(&format!("{chart}/orders")).await;
    let text = page.text();
    assert!(
        text.contains("アレルギー") && text.contains("血算"),
        "the list of a hospital without one"
    );
    let at = |name: &str| text.find(name).unwrap();
    assert!(at("採血・採尿") < at("血算"), "what the EHR ordered stands first");
    let (once, ehr) = (once(&page), first_ehr(&page));
    let empty = browser.post(&format!("{chart}/orders"), &[("once", &once)]).await;
    assert!(empty.text().contains("何も依頼されていません"));
    let gone = [("once", once.as_str()), ("tick", "血算"), ("tick", "ありもしない項目")];
    let gone = browser.post(&format!("{chart}/orders"), &gone).await.text();
    assert!(
        gone.contains("「ありもしない項目」は一覧からなくなりました") && ordered(&hospital.session("2001")).is_empty()
    );
    assert!(gone.contains("value=\"血算\" checked"), "what was ticked stays ticked");
    let right = [
        ("once", once.as_str()),
        ("kind", "laboratory"),
        ("ehr", ehr.as_str()),
        ("tick", "血算"),
        ("tick", "BNP"),
        ("urgent", "1"),
        ("clinical", "心不全の増悪"),
        ("other", "髄液の細胞数"),
    ];
    let issued = browser.post(&format!("{chart}/orders"), &right).await;
    let page = browser.follow(&issued).await;
    assert!(page.text().contains("を出しました") && page.text().contains("【至急】検体検査の依頼（4件）"));
    pdf(&mut browser, &page).await;
    browser.post(&format!("{chart}/orders"), &right).await;
    let session = hospital.session("2001");
    let all = ordered(&session);
    assert_eq!(all.len(), 1, "a second press orders nothing twice");
    let (entry, sheet) = (&all[0].0, &all[0].1);
    assert_eq!((sheet.doctor.code.as_str(), sheet.order.urgent), ("2001", true));
    let names: Vec<&str> = sheet.order.names().collect();
    assert_eq!(names, ["採血・採尿", "血算", "BNP", "髄液の細胞数"]);
    assert!(
        session.day().must_be_entered(&entry.id),
        "it must find its way into the EHR"
    );
    assert_eq!(
        session.day().sheet(&sheet.sheet).map(|r| r.id),
        Some(entry.id),
        "a scan finds its patient"
    );
    let again = browser.get(&format!("{chart}/orders")).await.text();
    assert!(
        again.contains("依頼済み") && !again.contains("disabled"),
        "a second one is shown, never blocked"
    );
    let today = browser.get(&chart).await.text();
    assert!(today.contains("【至急】検体検査の依頼") && today.contains("採血・採尿、血算、BNP"));
    let hex = entry.id.hex();
    let reprinted = browser.post(&format!("{chart}/orders/{hex}/again"), &[]).await;
    let page = browser.follow(&reprinted).await;
    pdf(&mut browser, &page).await;
    let reissues = {
        let day = session.day();
        let printed = day.all().filter(|r| {
            matches!(&r.entry.act, Act::Printed { form, reissue: true, form_id } if form == "F07" && *form_id == sheet.sheet)
        });
        printed.count()
    };
    assert_eq!(reissues, 1, "the same number, marked as printed before");
    let work = browser.get(&format!("/to-enter/{hex}")).await.text();
    assert!(work.contains("髄液の細胞数") && work.contains("実施と結果は依頼票（紙）にあります"));
    let silent = browser.post(&format!("{chart}/orders/{hex}/void"), &[]).await;
    assert!(silent.text().contains("理由を書いてください"));
    let voided = browser
        .post(
            &format!("{chart}/orders/{hex}/void"),
            &[("reason", "採血の項目をまちがえた")],
        )
        .await;
    let page = browser.follow(&voided).await.text();
    assert!(page.contains("依頼を取り消しました") && page.contains("依頼の取消（採血の項目をまちがえた）"));
    assert!(!page.contains("依頼済み"), "what was cancelled is not ordered");
    assert!(session.day().is_undone(&entry.id) && !session.day().must_be_entered(&entry.id));
    let stale = browser.post(&format!("{chart}/orders/{hex}/again"), &[]).await;
    assert!(
        !stale.status.is_success() && !stale.status.is_redirection(),
        "a cancelled order is not printed again"
    );
    let twice = browser
        .post(&format!("{chart}/orders/{hex}/void"), &[("reason", "もう一度")])
        .await;
    assert!(twice.text().contains("もう取り消されています"));
    let mut out = Vec::new();
    csv::write(&session.day(), Charset::Utf8, &mut out, &|_| Identity::default()).unwrap();
    let csv = String::from_utf8(out).unwrap();
    let line = csv.lines().find(|line| line.contains(&hex)).unwrap();
    assert!(line.contains("検査・処置の依頼") && line.contains("取消済"));
    assert!(csv.contains("取消の理由：採血の項目をまちがえた"));
}

#[tokio::test]
async fn one_line_has_a_time_of_its_own_and_half_a_time_is_refused() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "2001").await;
    let address = format!("{}/orders", chart_of(&mut browser, "山田　花子").await);
    let page = browser.get(&address).await;
    assert!(
        page.text().contains("value=\"tick:血算\""),
        "every tick can have a time of its own"
    );
    let (once, ehr) = (once(&page), first_ehr(&page));
    let apart = format!("ehr:{ehr}");
    let given = [
        ("once", once.as_str()),
        ("kind", "laboratory"),
        ("ehr", ehr.as_str()),
        ("tick", "血算"),
        ("tick", "BNP"),
        ("when", "診察後"),
    ];
    let mut send = async |more: &[(&str, &str)]| browser.post(&address, &[&given[..], more].concat()).await;
    for wrong in [
        &[("apart-0", "tick:血算")][..],
        &[("apart-when-0", "来院時")],
        &[("apart-0", "tick:CRP"), ("apart-when-0", "来院時")],
    ] {
        let refused = send(wrong).await.text();
        assert!(refused.contains("時期が読めません"), "{wrong:?}");
        assert!(refused.contains("<details open>"), "what was typed is in sight");
    }
    let twice = [
        ("apart-0", "tick:血算"),
        ("apart-when-0", "来院時"),
        ("apart-1", "tick:血算"),
        ("apart-when-1", "帰宅前"),
    ];
    assert!(send(&twice).await.text().contains("時期が二つあります"));
    let session = hospital.session("2001");
    assert!(ordered(&session).is_empty());
    let issued = send(&[("apart-2", apart.as_str()), ("apart-when-2", "来院時")]).await;
    let all = ordered(&session);
    let times: Vec<_> = all[0]
        .1
        .order
        .items
        .iter()
        .map(|item| item.when.as_deref().unwrap())
        .collect();
    assert_eq!(times, ["来院時", "診察後", "診察後"]);
    let page = browser.follow(&issued).await.text();
    assert!(
        page.contains("血算（診察後）、BNP（診察後）"),
        "the list says so: {page}"
    );
    let fields = retype_list::fields(&all[0].0, &session.day());
    assert!(fields.iter().any(|f| f.label == "検査" && f.value == "血算（診察後）"));

    // A row of one's own has its time in the row.
    let own = [
        ("once", "2"),
        ("kind", "treatment"),
        ("allergy", "1"),
        ("when", "診察後"),
        ("row", "生理食塩液"),
        ("name-0", "創傷処置"),
        ("when-0", "来院時"),
        ("name-1", "吸入"),
    ];
    browser.post(&address, &own).await;
    let all = ordered(&session);
    let times: Vec<&str> = all[1].1.order.rows.iter().map(|row| row.when.as_str()).collect();
    assert_eq!(times, ["診察後", "来院時", "診察後"]);
}

#[tokio::test]
async fn injections_need_the_allergies_seen_amounts_that_can_be_read_and_no_narcotics() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "2001").await;
    let chart = chart_of(&mut browser, "山田　花子").await;
    let address = format!("{chart}/orders");
    let page = browser.get(&format!("{address}?kind=treatment")).await;
    assert!(page.text().contains("生理食塩液") && page.text().contains("高リスク"));
    let once = once(&page);
    let with = |more: &[(&'static str, &'static str)]| -> Vec<(String, String)> {
        let base = [("once", once.as_str()), ("kind", "treatment")];
        let fields = base.iter().chain(more).map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        fields.collect()
    };
    let cases: [(&[(&'static str, &'static str)], &str); 4] = [
        (&[("row", "生理食塩液")], "アレルギー・禁忌の欄を見て"),
        (
            &[("allergy", "1"), ("name-0", "フロセミド注"), ("amount-0", "20")],
            "単位がありません",
        ),
        (
            &[("allergy", "1"), ("name-0", "モルヒネ【麻】"), ("amount-0", "10 mg")],
            "麻薬注射箋",
        ),
        (
            &[("allergy", "1"), ("amount-1", "10 mg")],
            "2行目に薬剤・処置の名前がありません",
        ),
    ];
    for (fields, says) in cases {
        let fields = with(fields);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let text = browser.post(&address, &fields).await.text();
        assert!(text.contains(says), "{fields:?}: {says}");
    }
    let session = hospital.session("2001");
    assert!(ordered(&session).is_empty());
    let right = with(&[
        ("allergy", "1"),
        ("row", "生理食塩液"),
        ("name-0", "塩化カリウム注"),
        ("amount-0", ".5筒"),
        ("rate-0", "100 mL/時"),
        ("high-0", "1"),
        ("when", "診察後すぐ"),
    ]);
    let right: Vec<(&str, &str)> = right.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let issued = browser.post(&address, &right).await;
    let page = browser.follow(&issued).await;
    assert!(page.text().contains("0.5筒") && page.text().contains("高リスク 2人で確認"));
    pdf(&mut browser, &page).await;
    let all = ordered(&session);
    let rows = &all[0].1.order.rows;
    assert_eq!((all.len(), rows.len()), (1, 2));
    assert_eq!(rows[1].amount.as_ref().map(Amount::text).as_deref(), Some("0.5筒"));
    assert!(rows.iter().all(|row| row.when == "診察後すぐ"));
    let fields = retype_list::fields(&all[0].0, &session.day());
    assert_eq!(fields.iter().filter(|f| f.label == "注射・処置").count(), 2);
}

#[tokio::test]
async fn an_image_says_what_is_known_of_kidneys_and_pregnancy() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "2001").await;
    let known = chart_of(&mut browser, "山田　花子").await;
    let page = browser.get(&format!("{known}/orders?kind=imaging")).await.text();
    assert!(
        page.contains("造影・放射線の前に") && page.contains("Cr 0.92 mg/dL"),
        "{page}"
    );
    assert!(page.contains("ペースメーカなし"), "it is asked on paper");
    assert!(!page.contains("妊娠 記録なし"), "she is 75");
    let thin = chart_of(&mut browser, "NGUYEN THI HUONG LIEN ALEXANDRA MARIA").await;
    let page = browser.get(&format!("{thin}/orders?kind=imaging")).await.text();
    assert!(
        page.contains("腎機能（eGFR・Cr）") && page.contains("妊娠 記録なし"),
        "absence is said"
    );
}

#[tokio::test]
async fn a_nurse_names_the_physician_and_nobody_else_orders() {
    let hospital = Hospital::of_everybody(people());
    hospital.silence();
    let mut nurse = Browser::in_role(&hospital, Role::Nurse).await;
    let chart = chart_of(&mut nurse, "山田　花子").await;
    let page = nurse.get(&format!("{chart}/orders")).await;
    let once = once(&page);
    let mut fields = vec![("once", once.as_str()), ("kind", "laboratory"), ("tick", "血糖")];
    let unnamed = nurse.post(&format!("{chart}/orders"), &fields).await.text();
    assert!(unnamed.contains("指示した医師の名前を書いてください"));
    fields.push(("doctor", "佐藤　一郎"));
    let issued = nurse.post(&format!("{chart}/orders"), &fields).await;
    assert!(nurse.follow(&issued).await.text().contains("を出しました"));
    let all = ordered(&hospital.session("2001"));
    assert_eq!(all[0].1.doctor.name, "佐藤　一郎");
    assert_eq!(all[0].0.entry.by.role, "nurse", "who wrote it stays on record");
    for role in [Role::Reception, Role::Laboratory, Role::Radiology, Role::Pharmacy] {
        let mut other = Browser::in_role(&hospital, role).await;
        assert_eq!(
            other.get(&format!("{chart}/orders")).await.status,
            StatusCode::FORBIDDEN,
            "{role:?}"
        );
        let refused = other.post(&format!("{chart}/orders"), &fields).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{role:?}");
    }
}

#[tokio::test]
async fn a_draft_of_ticks_comes_back_and_a_continuation_page_names_its_sheet() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "2001").await;
    let chart = chart_of(&mut browser, "山田　花子").await;
    let fields = [
        ("kind", "imaging"),
        ("tick", "胸部X線"),
        ("tick", "心電図"),
        ("part", "正面"),
    ];
    browser.post(&format!("{chart}/orders/draft"), &fields).await;
    let page = browser.get(&format!("{chart}/orders?kind=imaging")).await.text();
    assert!(page.contains("依頼票を印刷」を押すまで依頼にはなりません") && page.contains("value=\"正面\""));
    assert!(page.contains("value=\"胸部X線\" checked") && page.contains("value=\"心電図\" checked"));
    let other = browser.get(&format!("{chart}/orders?kind=laboratory")).await.text();
    assert!(!other.contains("正面"), "each kind has its own draft");
    let who = chart.trim_start_matches("/p/").to_owned();
    let fields = [("who", who.as_str()), ("back", "chart")];
    for address in ["/print/chart", "/print/more", "/print/more"] {
        let printed = browser.post(address, &fields).await;
        let page = browser.follow(&printed).await;
        pdf(&mut browser, &page).await;
    }
    let session = hospital.session("2001");
    let numbers = |wanted: &str| -> Vec<String> {
        let day = session.day();
        let printed = day.all().filter_map(|r| match &r.entry.act {
            Act::Printed {
                form,
                form_id,
                reissue: false,
            } if form == wanted => Some(form_id.to_string()),
            _ => None,
        });
        printed.collect()
    };
    let (sheets, more) = (numbers("F02"), numbers("F03"));
    assert_eq!((sheets.len(), more.len()), (1, 2));
    assert_ne!(more[0], more[1], "every page more has a number of its own");
}
