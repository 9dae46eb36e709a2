//! Who stands at the desk: reception asks for what tells this person from everybody who could be mistaken for them.

use axum::http::StatusCode;
use chart::Sex;
use jiff::civil::{Date, date};

use crate::browser::Browser;
use crate::clinic::{find, who};
use crate::hospital::{Hospital, people};

#[tokio::test]
async fn a_shared_name_needs_the_day_of_birth() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let found = find(&mut browser, "00123456").await;
    assert!(found.text().contains("読み同じ 2人") && found.text().contains("生まれた日（2桁）"));
    assert!(
        found.text().contains("山田　華子　1978-11-02(昭53)"),
        "the other one is named"
    );
    let handle = who(&found);
    for wrong in ["", "11", "2"] {
        let fields = [("who", handle.as_str()), ("seen", "0"), ("slot", "0"), ("day", wrong)];
        let answer = browser.post("/reception/check-in", &fields).await;
        assert!(answer.text().contains("生まれた日が登録と違います"), "{wrong}");
    }
    let fields = [
        ("who", handle.as_str()),
        ("seen", "0"),
        ("slot", "0"),
        ("day", "１２"),
        ("chart", "1"),
    ];
    let received = browser.post("/reception/check-in", &fields).await;
    let page = browser.follow(&received).await;
    assert_eq!(page.text().matches("data-print").count(), 2, "slip and chart sheet");
    let session = hospital.session("1001");
    let printed = session.day().all().filter(|r| r.entry.act.word() == "printed").count();
    assert_eq!(
        (session.day().checked_in(hospital.station.now()), printed),
        (1, 2),
        "wrong days recorded nothing"
    );
}

#[tokio::test]
async fn a_shared_name_and_birth_date_needs_the_number_on_the_card() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let found = find(&mut browser, "00880002").await;
    assert!(found.text().contains("生まれた日が同じです"));
    let handle = who(&found);
    for wrong in ["15", "0001", ""] {
        let fields = [("who", handle.as_str()), ("seen", "0"), ("slot", "0"), ("day", wrong)];
        let answer = browser.post("/reception/check-in", &fields).await;
        assert!(answer.text().contains("番号の下4桁が登録と違います"), "{wrong}");
    }
    let fields = [("who", handle.as_str()), ("seen", "0"), ("slot", "0"), ("day", "0002")];
    assert_eq!(
        browser.post("/reception/check-in", &fields).await.status,
        StatusCode::SEE_OTHER
    );
}

/// Whoever stands in front of the clerk must be told from everybody of the day, not only from those a card has room for.
#[tokio::test]
async fn a_double_is_found_in_a_crowd_behind_a_nearer_likeness_and_in_a_twin() {
    let mut charts = Vec::new();
    let mut add = |id: &str, name: &str, kana: &str, birth: Date| {
        charts.push(people::patient(id, name, kana, birth, Sex::Female, (9, 0)));
    };
    for n in 1..=6_i8 {
        let id = format!("0010000{n}");
        add(&id, "鈴木　愛", "スズキ　アイ", date(1960 + i16::from(n), 4, 10 + n));
    }
    // The seventh of that name, another year but the same day as the first.
    add("00100007", "鈴木　愛", "スズキ　アイ", date(1999, 12, 11));
    // Same name with another day, same reading with the same birth date.
    add("00200001", "小野　恵", "オノ　メグミ", date(1970, 1, 1));
    add("00200002", "小野　恵", "オノ　メグミ", date(1971, 2, 2));
    add("00200003", "小野　恵美", "オノ　メグミ", date(1970, 1, 1));
    // Twins.
    add("00300001", "森　葵", "モリ　アオイ", date(2015, 6, 6));
    add("00300002", "森　楓", "モリ　カエデ", date(2015, 6, 6));
    let hospital = Hospital::open(charts);
    hospital.silence();
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    for (id, number) in [
        ("00100001", true),
        ("00100002", false),
        ("00100007", true),
        ("00200001", true),
        ("00200002", false),
        ("00200003", true),
        ("00300001", true),
    ] {
        let card = find(&mut browser, id).await.text();
        assert_eq!(card.contains("番号の下4桁"), number, "{id}");
        assert_eq!(card.contains("生まれた日（2桁）"), !number, "{id}");
    }
}
