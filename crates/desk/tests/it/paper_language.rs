//! The language of a patient's paper, chosen at the desk, and the menu of papers with the hospital's own forms.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use chart::{Act, Language, PaperLanguage, Sheet};

use crate::browser::Browser;
use crate::clinic::{find, pdf, who};
use crate::hospital::{Hospital, people};
use crate::pages::chart_of;

/// A desk whose printer remembers what it was given.
fn remembering(hospital: &Hospital) -> (Browser, Arc<Mutex<Vec<Sheet>>>) {
    let printed = Arc::new(Mutex::new(Vec::new()));
    let mut desk = hospital.desk();
    let (print, into) = (desk.print, Arc::clone(&printed));
    desk.print = Arc::new(move |sheet| {
        into.lock().unwrap().push(sheet.clone());
        print(sheet)
    });
    (Browser::with(desk), printed)
}

async fn sign_in(browser: &mut Browser, number: &str) {
    let answer = browser.sign_in(number, crate::hospital::PASSWORD).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
}

#[tokio::test]
async fn the_language_chosen_at_reception_is_kept_and_printed() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let (mut browser, printed) = remembering(&hospital);
    sign_in(&mut browser, "1001").await;
    let found = find(&mut browser, "いちろう").await;
    assert!(found.text().contains("登録のとおり") && found.text().contains("日本語と Tiếng Việt"));
    let handle = who(&found);
    let fields = [
        ("who", handle.as_str()),
        ("seen", "0"),
        ("slot", "0"),
        ("language", "vi"),
    ];
    let received = browser.post("/reception/check-in", &fields).await;
    let page = browser.follow(&received).await;
    pdf(&mut browser, &page).await;
    let session = hospital.session("1001");
    let day = session.day();
    let kept = day.all().find_map(|r| match &r.entry.act {
        Act::CheckedIn(check_in) => Some(check_in.paper_language),
        _ => None,
    });
    assert_eq!(kept.flatten(), PaperLanguage::parse("vi"));
    assert_eq!(printed.lock().unwrap()[0].second, Language::parse("vi"));
}

#[tokio::test]
async fn a_language_nobody_offers_is_not_taken() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let (mut browser, printed) = remembering(&hospital);
    sign_in(&mut browser, "1001").await;
    let found = find(&mut browser, "いちろう").await;
    let handle = who(&found);
    let fields = [
        ("who", handle.as_str()),
        ("seen", "0"),
        ("slot", "0"),
        ("language", "xx"),
    ];
    browser.post("/reception/check-in", &fields).await;
    assert_eq!(printed.lock().unwrap()[0].second, None);
}

#[tokio::test]
async fn the_menu_prints_the_hospitals_form_in_the_registered_language_and_says_when_again() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let (mut browser, printed) = remembering(&hospital);
    sign_in(&mut browser, "2001").await;
    let chart = chart_of(&mut browser, "山田　花子").await;
    let menu = browser.get(&format!("{chart}/print")).await;
    for words in ["転倒・転落確認票", "H01", "外来診療録", "日本語と English"] {
        assert!(menu.text().contains(words), "{words}: {}", menu.text());
    }
    assert!(!menu.text().contains("今日印刷済み"));
    let handle = menu.attribute(&["name=\"who\""], "value");
    let issued = browser
        .post("/print/own", &[("who", &handle), ("form", "H01"), ("language", "en")])
        .await;
    let page = browser.follow(&issued).await;
    assert!(page.text().contains("転倒・転落確認票 を開く"), "{}", page.text());
    assert!(page.text().contains("今日印刷済み"));
    pdf(&mut browser, &page).await;
    browser
        .post("/print/own", &[("who", &handle), ("form", "H01"), ("language", "ja")])
        .await;
    {
        let sheets = printed.lock().unwrap();
        assert_eq!(
            (sheets[0].form.as_str(), sheets[0].reissue, sheets[0].second),
            ("H01", false, Language::parse("en"))
        );
        assert_eq!((sheets[1].reissue, sheets[1].second), (true, None));
        assert_ne!(sheets[0].form_id, sheets[1].form_id);
        assert!(chart::FormId::parse(&sheets[0].form_id).is_some());
    }
    // On record as issued, for this patient.
    {
        let session = hospital.session("2001");
        let day = session.day();
        let issued: Vec<_> = day
            .all()
            .filter(|r| matches!(&r.entry.act, Act::Printed { form, .. } if form == "H01"))
            .collect();
        assert_eq!(issued.len(), 2);
        assert!(issued.iter().all(|r| r.entry.subject.number() == "00123456"));
    }
    // What is no form of the menu is refused, and nothing is issued.
    for form in ["F29", "H02", "../F01", ""] {
        let refused = browser.post("/print/own", &[("who", &handle), ("form", form)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
    }
    assert_eq!(printed.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn the_next_appointment_is_printed_in_the_language_chosen_there() {
    let hospital = Hospital::open(people());
    hospital.silence();
    let (mut browser, printed) = remembering(&hospital);
    sign_in(&mut browser, "2001").await;
    let chart = chart_of(&mut browser, "山田　花子").await;
    let page = browser.get(&format!("{chart}/next")).await;
    assert!(
        page.text().contains("<option value=\"en\" selected>"),
        "the registered language is chosen"
    );
    for (on, language, expected) in [("2026-12-18", "ja", None), ("2026-12-19", "en", Language::parse("en"))] {
        let page = browser.get(&format!("{chart}/next")).await;
        let once = page.attribute(&["name=\"once\""], "value");
        let fields = [
            ("once", once.as_str()),
            ("on", on),
            ("at", "9:30"),
            ("department", "01"),
            ("language", language),
        ];
        let booked = browser.post(&format!("{chart}/next"), &fields).await;
        assert_eq!(booked.status, StatusCode::SEE_OTHER, "{}", booked.text());
        let sheets = printed.lock().unwrap();
        let sheet = sheets.last().unwrap();
        assert_eq!((sheet.form.as_str(), sheet.second), ("F06", expected));
        assert_eq!(sheet.body["when"]["date"], on);
    }
}
