//! Insurance as the EHR last knew it: on the reception card, in the prescription, and never when it is over or wrong.

use chart::coverage::{Coverage, PublicPayer};
use chart::rx::Member;
use chart::{Act, Chart, Known, Subject};
use jiff::civil::date;

use crate::browser::Browser;
use crate::clinic::find;
use crate::hospital::{Hospital, people};
use crate::pages::chart_of;

fn card() -> Coverage {
    Coverage {
        kind: "社保".into(),
        insurer: "06139992".into(),
        symbol: "模擬12".into(),
        number: "345".into(),
        branch: "01".into(),
        member: Some(Member::Dependent),
        share: Some(3),
        public: vec![PublicPayer {
            payer: "54136015".into(),
            recipient: "1234566".into(),
            valid_until: Some(date(2026, 12, 31)),
        }],
        valid_until: Some(date(2027, 3, 31)),
        ..Coverage::default()
    }
}

fn with(insurances: Known<Vec<Coverage>>) -> Vec<Chart> {
    let mut all = people();
    all[0].insurances = insurances;
    all
}

/// Issues one drug and gives what the entry holds.
async fn issue(hospital: &Hospital, chosen: &str) -> Option<chart::rx::Insurance> {
    let mut browser = Browser::signed_in(hospital, "2001").await;
    let chart = chart_of(&mut browser, "山田　花子").await;
    let page = browser.get(&format!("{chart}/rx")).await;
    let once = page.attribute(&["name=\"once\""], "value");
    let fields = [
        ("once", once.as_str()),
        ("allergy", "1"),
        ("kind", "oral"),
        ("name", "アムロジピン錠5mg"),
        ("amount", "1"),
        ("unit", "錠"),
        ("usage", "1日1回 朝食後"),
        ("supply", "14"),
        ("given", "out"),
        ("insurance", chosen),
    ];
    browser.post(&format!("{chart}/rx"), &fields).await;
    let session = hospital.session("2001");
    let day = session.day();
    let mut issued = day.all().filter_map(|recorded| match &recorded.entry.act {
        Act::Prescribed(prescribed) => Some(prescribed.rx.insurance.clone()),
        _ => None,
    });
    issued.next()
}

async fn rx_page(hospital: &Hospital) -> crate::browser::Answer {
    let mut browser = Browser::signed_in(hospital, "2001").await;
    let chart = chart_of(&mut browser, "山田　花子").await;
    browser.get(&format!("{chart}/rx")).await
}

#[tokio::test]
async fn the_one_that_holds_is_chosen_and_fills_the_prescription() {
    let hospital = Hospital::open(with(Known::Present(vec![card()])));
    hospital.silence();
    let mut clerk = Browser::signed_in(&hospital, "1001").await;
    let seen = find(&mut clerk, "はなこ").await.text();
    assert!(
        seen.contains("社保　06139992　家族　負担 30%　2027-03-31 まで"),
        "on the card"
    );
    assert!(!seen.contains("模擬12"), "no number of the person on the card");
    let page = rx_page(&hospital).await;
    let text = page.text();
    assert!(text.contains("印刷する保険") && text.contains("模擬12・345・01") && text.contains("公費 54136015"));
    assert!(text.contains("見た印はありません"), "the tick was not made");
    let value = "06139992/模擬12/345/01/54136015/1234566";
    assert!(text.contains(&format!("value=\"{value}\" checked")), "it is chosen");
    let printed = issue(&hospital, value).await.unwrap();
    assert_eq!((printed.insurer.as_str(), printed.branch.as_str()), ("06139992", "01"));
    assert_eq!(printed.member, Some(Member::Dependent));
    assert_eq!(printed.payers[0].recipient, "1234566");
    assert!(printed.as_of.is_some(), "how old it was goes with it");
}

#[tokio::test]
async fn none_may_be_chosen_and_a_choice_that_is_gone_issues_nothing() {
    let hospital = Hospital::open(with(Known::Present(vec![card()])));
    hospital.silence();
    assert_eq!(
        issue(&hospital, "06139992/somebody/else").await,
        None,
        "nothing is issued"
    );
    assert_eq!(issue(&hospital, "").await, Some(chart::rx::Insurance::default()));
}

#[tokio::test]
async fn what_is_over_wrong_or_not_the_only_one_is_not_chosen_for_anybody() {
    let over = Coverage {
        valid_until: Some(date(2026, 3, 31)),
        ..card()
    };
    let wrong = Coverage {
        insurer: "06139993".into(),
        ..card()
    };
    let hospital = Hospital::open(with(Known::Present(vec![over.clone(), wrong])));
    hospital.silence();
    let mut clerk = Browser::signed_in(&hospital, "1001").await;
    let seen = find(&mut clerk, "はなこ").await.text();
    assert!(seen.contains("期限切れ（2026-03-31 まで）") || seen.contains("登録の番号が合いません"));
    let text = rx_page(&hospital).await.text();
    assert!(text.contains("期限切れ（2026-03-31 まで）") && text.contains("登録の番号が合いません"));
    assert!(!text.contains("06139993"), "a wrong number is shown to nobody");
    assert!(
        text.contains("name=\"insurance\" value=\"\" checked"),
        "the boxes stay empty"
    );
    assert!(!text.contains("value=\"06139992"), "and nothing else can be chosen");

    let second = Coverage {
        number: "999".into(),
        ..card()
    };
    let hospital = Hospital::open(with(Known::Present(vec![card(), second, over])));
    hospital.silence();
    let text = rx_page(&hospital).await.text();
    assert!(text.contains("有効な保険がいくつかあります"));
    assert!(text.contains("name=\"insurance\" value=\"\" checked"));
}

#[tokio::test]
async fn nothing_known_is_said_in_its_own_words() {
    for (known, word) in [
        (Known::NotRecorded, "未確認（記録なし）"),
        (Known::Unavailable { since: None }, "取得できず"),
    ] {
        let hospital = Hospital::open(with(known));
        hospital.silence();
        let mut clerk = Browser::signed_in(&hospital, "1001").await;
        let seen = find(&mut clerk, "はなこ").await.text();
        let line: String = seen
            .split("保険（最後の記録）")
            .nth(1)
            .unwrap()
            .chars()
            .take(60)
            .collect();
        assert!(line.contains(word), "{word}: {line}");
        assert!(rx_page(&hospital).await.text().contains(word), "{word}");
    }
}

#[tokio::test]
async fn paper_and_symbol_say_the_same() {
    let hospital = Hospital::open(with(Known::Present(vec![card()])));
    hospital.silence();
    let value = "06139992/模擬12/345/01/54136015/1234566";
    issue(&hospital, value).await.unwrap();
    let session = hospital.session("2001");
    let subject = Subject::Patient(chart::PatientId::parse("00123456").unwrap());
    let view = session.look(&subject).await.unwrap();
    let (recorded, prescribed) = view.prescribed.first().unwrap();
    let institution = chart::rx::Institution {
        name: "みなと架空病院".into(),
        prefecture: "13".into(),
        code: "9876543".into(),
        ..Default::default()
    };
    let issue = downtime::forms::Issue {
        hospital: "みなと架空病院".into(),
        mark: "電子カルテ停止時".into(),
        drill: false,
        reissue: false,
        as_of: view.chart.as_ref().unwrap().as_of.clone(),
        stopped_at: None,
        seal: "封印".into(),
        station: chart::StationCode::parse("R03").unwrap(),
        now: hospital.station.now(),
        form_id: None,
        contact_phone: String::new(),
    };
    let sheet = downtime::forms::prescription_sheet(&view, recorded, prescribed, &institution, Some(&[]), &issue);
    let body = &sheet.body;
    assert_eq!(body["insurer"], "06139992");
    assert_eq!(
        (&body["insured_symbol"], &body["insured_number"]),
        (&"模擬12".into(), &"345".into())
    );
    assert_eq!(
        (&body["insured_branch"], &body["holder"]),
        (&"01".into(), &"被扶養者".into())
    );
    assert_eq!(
        body["payers"],
        serde_json::json!([{"payer": "54136015", "recipient": "1234566"}])
    );
    let remarks = body["remarks"].to_string();
    assert!(
        remarks.contains("保険は2026-11-20 08:45時点の記録（当日の資格は未確認）"),
        "{remarks}"
    );
    let patient = &view.chart.as_ref().unwrap().patient;
    let content = chart::RxSheet {
        institution,
        department: chart::Coded::new("", "循環器内科"),
        doctor: chart::rx::Doctor {
            code: String::new(),
            name: chart::Name::new("医師　一郎", ""),
        },
        patient: chart::rx::RxPatient {
            id: patient.id.clone(),
            name: patient.name.clone(),
            sex: patient.sex,
            birth: patient.birth,
        },
        issued_on: recorded.entry.written_at.day(),
        rx: prescribed.rx.clone(),
    };
    let (script, _) = jahis::compose(&content).unwrap();
    let bytes = jahis::write(&script).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        text.contains("\r\n22,06139992\r\n") && text.contains("\r\n27,54136015,1234566\r\n"),
        "{text}"
    );
    assert!(text.contains(",345,2,01\r\n"), "{text}");
}
