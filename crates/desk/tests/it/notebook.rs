//! A medicine notebook at the desk: read by scanner or from a picture, stopped at when it names somebody else, shown beside the chart and never in it.

use axum::http::StatusCode;

use crate::browser::{Answer, Browser};
use crate::hospital::{Hospital, people};
use crate::pages::chart_of;

/// Hanako's, from a pharmacy outside.
const BOOK: &str = "JAHISTC08,1\r\n1,山田　花子,2,19510512,,,,,,,ﾔﾏﾀﾞ ﾊﾅｺ\r\n2,1,卵で発疹,1\r\n5,20261102,1\r\n\
    11,さくら町薬局,13,4,1234567,,,03-0000-2222,1\r\n51,みなと内科医院,13,1,7654321,1\r\n\
    201,1,架空降圧錠５ｍｇ,1,錠,1,,1,,,\r\n301,1,1日1回 朝食後,28,日分,1,1,,1\r\n";

fn kept_pieces(page: &Answer) -> Vec<(&'static str, String)> {
    let text = page.text();
    let form = text.split("/notebook/keep\"").nth(1).unwrap_or_default();
    let form = form.split("</form>").next().unwrap_or_default();
    let values = |name: &str| {
        let mark = format!("name=\"{name}\" value=\"");
        let found = form.split(mark.as_str()).skip(1);
        found
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let mut fields: Vec<_> = values("piece").into_iter().map(|piece| ("piece", piece)).collect();
    fields.extend(values("once").into_iter().map(|once| ("once", once)));
    fields
}

async fn post(browser: &mut Browser, path: &str, fields: &[(&'static str, String)]) -> Answer {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
    browser.post(path, &fields).await
}

fn readings(hospital: &Hospital) -> usize {
    let session = hospital.session("2001");
    let day = session.day();
    day.all().filter(|r| r.entry.act.word() == "notebook-read").count()
}

#[tokio::test]
async fn a_notebook_of_the_patient_stands_beside_the_prescriptions_and_never_in_them() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "2001").await;
    let chart = chart_of(&mut browser, "山田　花子").await;
    let path = format!("{chart}/notebook");
    assert!(!browser.get(&chart).await.text().contains("お薬手帳（読み取り）"));
    let empty = browser.post(&path, &[("text", " ")]).await;
    assert!(empty.text().contains("何も読み取れていません"));
    let read = browser.post(&path, &[("text", BOOK)]).await;
    let text = read.text();
    assert!(text.contains("さくら町薬局") && text.contains("架空降圧錠５ｍｇ") && text.contains("みなと内科医院"));
    assert!(text.contains("カルテの横に置く") && !text.contains("不一致"), "{text}");
    assert_eq!(readings(&hospital), 0, "shown is not kept");
    let fields = kept_pieces(&read);
    let kept = post(&mut browser, &format!("{path}/keep"), &fields).await;
    let page = browser.follow(&kept).await.text();
    assert!(page.contains("カルテの横に置きました"));
    post(&mut browser, &format!("{path}/keep"), &fields).await;
    assert_eq!(readings(&hospital), 1, "a second press keeps nothing twice");
    let panel = page.split("id=\"p-notebook\"").nth(1).unwrap();
    let drugs = page
        .split("id=\"p-drugs\"")
        .nth(1)
        .unwrap()
        .split("</section>")
        .next()
        .unwrap();
    assert!(panel.contains("架空降圧錠５ｍｇ") && panel.contains("2026-11-02 さくら町薬局"));
    assert!(panel.contains("読み取り 09:12 佐藤　一郎（スキャナー）"), "{panel}");
    assert!(!drugs.contains("架空降圧錠"), "never among the prescriptions");
    let banner = page.split("from-notebook").nth(1).unwrap();
    assert!(
        banner.contains("アレルギー歴 卵で発疹"),
        "its allergies are lifted, with their source"
    );
    let rx = browser.get(&format!("{chart}/rx")).await.text();
    assert!(rx.contains("お薬手帳（読み取り）") && !rx.contains("name=\"again\" value=\"架空"));
    assert!(
        !rx.split("class=\"rx-lines\"")
            .nth(1)
            .and_then(|rest| rest.split("</table>").next())
            .unwrap()
            .contains("架空降圧錠")
    );
    // It must find its way into the EHR, and leaves the list when it is discarded.
    let session = hospital.session("2001");
    let entry = session
        .day()
        .all()
        .find(|r| r.entry.act.word() == "notebook-read")
        .unwrap()
        .id;
    assert!(session.day().must_be_entered(&entry));
    let work = browser.get(&format!("/to-enter/{}", entry.hex())).await;
    assert!(work.text().contains("201,1,架空降圧錠５ｍｇ,1,錠") && work.text().contains("確認されていません"));
    let discard = format!("{path}/{}/discard", entry.hex());
    assert!(
        browser
            .post(&discard, &[])
            .await
            .text()
            .contains("理由を書いてください")
    );
    browser.post(&discard, &[("reason", "別の人の手帳だった")]).await;
    assert!(session.day().is_undone(&entry) && !session.day().must_be_entered(&entry));
    assert!(!browser.get(&chart).await.text().contains("お薬手帳（読み取り）"));
}

#[tokio::test]
async fn another_persons_notebook_is_stopped_at_with_both_identities() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "2001").await;
    let chart = chart_of(&mut browser, "山田　一郎").await;
    let path = format!("{chart}/notebook");
    let read = browser.post(&path, &[("text", BOOK)]).await;
    let text = read.text();
    assert!(text.contains("不一致") && text.contains("山田　花子") && text.contains("山田　一郎"));
    let mut fields = kept_pieces(&read);
    let refused = post(&mut browser, &format!("{path}/keep"), &fields).await;
    assert!(refused.text().contains("手帳の名義が画面の患者さんと一致しません"));
    assert!(refused.text().contains("山田　花子") && refused.text().contains("1951年5月12日"));
    assert_eq!(readings(&hospital), 0);
    fields.push(("reason", "結婚前の手帳。本人が旧姓と生年月日を言えた".to_owned()));
    let kept = post(&mut browser, &format!("{path}/keep"), &fields).await;
    let page = browser.follow(&kept).await.text();
    assert!(page.contains("手帳の名義は一致しません") && page.contains("結婚前の手帳"));
    // Two people's at once are never kept, whatever the reason.
    let other = BOOK.replace("山田　花子", "佐藤　次郎").replace("19510512", "19600101");
    let both = browser.post(&path, &[("text", BOOK), ("text", &other)]).await;
    assert!(both.text().contains("2人分の手帳が混ざっています"));
    let mut clerk = Browser::signed_in(&hospital, "1001").await;
    assert_eq!(clerk.get(&path).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn pictures_are_read_within_limits_and_missing_parts_are_named() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "2001").await;
    let chart = chart_of(&mut browser, "山田　花子").await;
    let path = format!("{chart}/notebook/pictures");
    let part = |n: u8| {
        let head = "JAHISTC08,1|1,山田　花子,2,19510512|5,20261102,1|11,さくら町薬局,13,4,1234567";
        format!("QR\n{head}|201,{n},架空錠{n},1,錠,1,,1|301,{n},毎食後,7,日分,1,1,,1|911,20261102101500,3,{n}")
    };
    let page = browser
        .upload(
            &path,
            &[],
            &[part(3).into_bytes(), b"no picture".to_vec(), b"QR\n".to_vec()],
        )
        .await;
    let text = page.text();
    assert!(
        text.contains("画像2：no picture") && text.contains("画像3：お薬手帳のQRが見つかりません"),
        "{text}"
    );
    assert!(text.contains("3枚中1枚を読みました。1、2番がありません"));
    let pieces: Vec<_> = kept_pieces(&page).into_iter().filter(|(n, _)| *n == "piece").collect();
    let page = browser.upload(&path, &pieces, &[part(1).into_bytes()]).await;
    assert!(page.text().contains("3枚中2枚を読みました。2番がありません"));
    let kept = post(&mut browser, &format!("{chart}/notebook/keep"), &kept_pieces(&page)).await;
    let page = browser.follow(&kept).await.text();
    assert!(page.contains("3枚中2枚を読みました") && page.contains("架空錠1") && page.contains("架空錠3"));
    assert!(page.contains("（画像）"));
}
