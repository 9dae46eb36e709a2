//! The days after the snapshot's: who comes is known from the list of coming appointments and from what was booked meanwhile, and
//! every line says which.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use chart::entry::ProvisionalAppointment;
use chart::{Act, Chart, Coded, Moment, PatientId, Sex, Subject};
use downtime::exports::contact_list;
use jiff::ToSpan;
use jiff::civil::{Date, date, time};

use crate::browser::Browser;
use crate::clinic::{find, who};
use crate::hospital::{DAY, Hospital, people};

fn on_day(mut chart: Chart, days: i64, thin: bool) -> Chart {
    for appointment in &mut chart.appointments {
        appointment.on = DAY.checked_add(days.days()).unwrap();
    }
    chart.thin = thin;
    chart
}

fn person(id: &str, name: &str, kana: &str, birth: Date) -> Chart {
    people::patient(id, name, kana, birth, Sex::Female, (9, 30))
}

fn hospital() -> Hospital {
    let hospital = Hospital::open(vec![
        person("00200001", "青木　秋", "アオキ　アキ", date(1950, 1, 1)),
        on_day(person("00200002", "馬場　文", "ババ　フミ", date(1961, 2, 3)), 1, true),
        on_day(
            person("00200003", "千葉　千代", "チバ　チヨ", date(1972, 3, 4)),
            2,
            true,
        ),
    ]);
    hospital.silence();
    hospital
}

fn booked(id: &str, days: i64, at: (i8, i8), phone: &str) -> (Subject, Act) {
    let act = Act::AppointmentProvisional(ProvisionalAppointment {
        on: DAY.checked_add(days.days()).unwrap(),
        at: Some(time(at.0, at.1, 0, 0)),
        department: Coded::new("01", "循環器内科"),
        doctor: Coded::new("D1", "佐藤　一郎"),
        purpose: "再診".into(),
        exams: String::new(),
        phone: phone.into(),
        paper_language: None,
    });
    (Subject::Patient(PatientId::parse(id).unwrap()), act)
}

/// It is half past nine, so many days after the snapshot's.
fn it_is(hospital: &Hospital, days: i64) {
    let day = DAY.checked_add(days.days()).unwrap();
    hospital
        .clock
        .store(Moment::from_local(day.at(9, 30, 0, 0)).0, Ordering::SeqCst);
}

#[tokio::test]
async fn three_days_of_lists_each_from_what_is_there() {
    let hospital = hospital();
    {
        let session = hospital.session("1001");
        for (subject, act) in [
            booked("00200001", 1, (10, 0), ""),
            booked("00200001", 2, (11, 0), ""),
            booked("00200001", 2, (11, 30), ""),
        ] {
            session.record(subject, act).await.unwrap();
        }
    }
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let today = browser.get("/patients").await.text();
    assert!(today.contains("青木") && !today.contains("14日一覧") && !today.contains("停止中の予約</span>"));
    assert!(!today.contains("馬場"));

    it_is(&hospital, 1);
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let tomorrow = browser.get("/patients").await.text();
    assert!(
        tomorrow.contains("馬場") && tomorrow.contains(">14日一覧</span>"),
        "from the thin list"
    );
    assert!(
        tomorrow.contains("青木") && tomorrow.contains(">停止中の予約</span>"),
        "booked meanwhile"
    );
    assert!(!tomorrow.contains("千葉"), "she comes the day after");
    assert!(tomorrow.contains("カルテは取り出していません"), "what the list is not");

    it_is(&hospital, 2);
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let third = browser.get("/patients").await.text();
    assert!(third.contains("千葉") && !third.contains("馬場"));
    assert_eq!(third.matches(">停止中の予約</span>").count(), 2);
    let none = browser.get("/patients?department=02").await.text();
    assert!(!none.contains("青木"), "another department's list");
}

#[tokio::test]
async fn a_booking_of_the_downtime_is_received_as_booked() {
    let hospital = hospital();
    let entry = {
        let (subject, act) = booked("00200001", 1, (10, 0), "");
        hospital.session("1001").record(subject, act).await.unwrap()
    };
    it_is(&hospital, 1);
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let card = find(&mut browser, "00200001").await;
    assert!(card.text().contains("10:00 循環器内科（佐藤　一郎） 停止中の予約"));
    let (handle, slot) = (who(&card), entry.hex());
    let other = "ab".repeat(32);
    for wrong in ["7", other.as_str()] {
        let fields = [("who", handle.as_str()), ("seen", "0"), ("slot", wrong)];
        let answer = browser.post("/reception/check-in", &fields).await;
        assert_ne!(answer.status, StatusCode::SEE_OTHER, "no such booking: {wrong}");
    }
    let fields = [("who", handle.as_str()), ("seen", "0"), ("slot", slot.as_str())];
    let received = browser.post("/reception/check-in", &fields).await;
    assert_eq!(received.status, StatusCode::SEE_OTHER);
    let session = hospital.session("1001");
    {
        let day = session.day();
        let subject = Subject::Patient(PatientId::parse("00200001").unwrap());
        let (_, check_in) = day.receptions_on(&subject, hospital.station.now()).next().unwrap();
        assert!(!check_in.unbooked && check_in.booked_at == Some(time(10, 0, 0, 0)));
    }
    let again = find(&mut browser, "00200001").await.text();
    assert!(again.contains("受付済み"), "the booking is used up");
}

#[tokio::test]
async fn whom_to_call_is_listed_exported_and_written_down() {
    let hospital = hospital();
    {
        let (subject, act) = booked("00200001", 1, (10, 0), "090-9999-0000");
        hospital.session("1001").record(subject, act).await.unwrap();
    }
    let mut browser = Browser::signed_in(&hospital, "1001").await;
    let page = browser.get("/contact").await.text();
    assert!(
        page.contains("馬場") && page.contains("09012340002"),
        "tomorrow's, with the number"
    );
    assert!(page.contains("090-9999-0000"), "the number given for the booking");
    assert!(!page.contains("千葉"));
    let both = browser.get("/contact?from=2026-11-21&until=2026-11-22").await.text();
    assert!(both.contains("千葉"));
    let fields = [("from", "2026-11-21"), ("until", "2026-11-22"), ("reason", " ")];
    let refused = browser.post("/contact/csv", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "not without a reason");
    let fields = [
        ("from", "2026-11-21"),
        ("until", "2026-11-22"),
        ("reason", "休診の連絡"),
    ];
    let file = browser.post("/contact/csv", &fields).await;
    let text = file.text();
    assert!(text.starts_with(&format!("\u{FEFF}{}\r\n", contact_list::HEADER)));
    assert_eq!(text.lines().count(), 4, "a head and three people: {text}");
    assert!(text.contains("停止中の予約") && text.contains("電子カルテの予約"));
    let physician = Browser::signed_in(&hospital, "2001").await.get("/contact").await;
    assert_eq!(physician.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_printed_list_of_a_later_day_says_where_each_line_comes_from() {
    let hospital = hospital();
    {
        let (subject, act) = booked("00200001", 1, (8, 30), "");
        hospital.session("1001").record(subject, act).await.unwrap();
    }
    it_is(&hospital, 1);
    let printed = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut desk = hospital.desk();
    let (plain, kept) = (std::sync::Arc::clone(&desk.print), std::sync::Arc::clone(&printed));
    desk.print = std::sync::Arc::new(move |sheet| {
        kept.lock().unwrap().push(sheet.clone());
        plain(sheet)
    });
    let mut browser = Browser::with(desk);
    browser.sign_in("1001", crate::hospital::PASSWORD).await;
    let done = browser
        .post("/print/list", &[("department", "01"), ("day", "2026-11-21")])
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let sheets = printed.lock().unwrap();
    let body = &sheets[0].body;
    let rows: Vec<(&str, &str, &str)> = body["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let text = |key: &str| row[key].as_str().unwrap();
            (text("time"), text("name"), text("memo"))
        })
        .collect();
    assert_eq!(
        rows,
        [("8:30", "青木　秋", "停止中の予約"), ("9:30", "馬場　文", "14日一覧")],
        "one list, by time"
    );
    let caution = body["caution"].as_str().unwrap();
    assert!(
        caution.contains("停止中の予約 1件") && caution.contains("カルテは取り出していません"),
        "{caution}"
    );
}
