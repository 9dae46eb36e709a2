//! Returned paper at the desk: what could not be filed is seen, compared with the paper, and settled under a name.

use axum::http::StatusCode;
use chart::{Act, FormId, Moment, PatientId, Subject};
use downtime::audit::Deed;
use downtime::identity::Role;
use downtime::scans::{Issued, Page, Scanned, Why};

use crate::browser::Browser;
use crate::hospital::{DAY, Hospital, number_of, people, rng};

fn number(n: u32) -> FormId {
    FormId::issue(DAY, 3, n).unwrap()
}

#[tokio::test]
async fn an_unread_page_is_seen_compared_and_settled_once() {
    let hospital = Hospital::of_everybody(people());
    hospital.silence();
    let session = hospital.session(&number_of(Role::Reception));
    let hanako = Subject::Patient(PatientId::parse("00123456").unwrap());
    for n in [901, 902] {
        let printed = Act::Printed {
            form: "F02".into(),
            form_id: number(n),
            reissue: false,
        };
        session.record(hanako.clone(), printed).await.unwrap();
    }
    let archive = session.scans().unwrap();
    let sha = archive.keep_original(b"%PDF-1.7", &mut rng()).unwrap();
    let sheet = Issued {
        form_id: number(901),
        form: "F02".into(),
        subject: hanako,
    };
    let scanned = Scanned {
        name: "scan007.pdf".into(),
        at: Moment(1),
        by: "1001".into(),
        pages: vec![
            Page::Filed {
                sheet,
                page: 1,
                pages: 2,
            },
            Page::Unread {
                why: Why::NoCode,
                hints: vec![],
                preview: vec![0x89, b'P', b'N', b'G'],
                code: String::new(),
            },
        ],
        fault: String::new(),
    };
    archive.keep_scanned(&sha, &scanned, &mut rng()).unwrap();

    let mut browser = Browser::in_role(&hospital, Role::Reception).await;
    assert!(browser.get("/to-enter").await.text().contains("href=\"/returned\""));
    let page = browser.get("/returned").await;
    let html = page.text();
    for part in [
        "発行 2 ＝ 回収 1 ＋ 使用せず 0 ＋ 未回収 1",
        "人が確認するページ 1",
        "scan007.pdf",
        "コードが読めません",
        "山田　花子",
        number(902).as_str(),
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let picture = page.attribute(&["href=\"/returned/"], "href");
    let shown = browser.get(&picture).await;
    assert_eq!(
        (shown.status, shown.header("content-type")),
        (StatusCode::OK, "image/png")
    );
    assert_eq!(
        browser.get(&picture.replace("at=2", "at=1")).await.status,
        StatusCode::GONE
    );

    let file = page.attribute(&["name=\"file\""], "value");
    let (wrong, right) = (number(903), number(901));
    let mut send = async |number: &str, page: &str, seen: &str| {
        let fields = [
            ("file", file.as_str()),
            ("at", "2"),
            ("number", number),
            ("page", page),
            ("seen", seen),
        ];
        browser.post("/returned", &fields).await
    };
    for (number, page, seen, words) in [
        ("26329", "2", "1", "12桁が正しくありません"),
        (wrong.as_str(), "2", "1", "発行の記録が、この端末にありません"),
        (right.as_str(), "0", "1", "1 から 99"),
        (right.as_str(), "2", "", "見比べた印がありません"),
    ] {
        let refused = send(number, page, seen).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text().contains(words), "{words}");
    }
    let settled = send(right.as_str(), "2", "1").await;
    assert_eq!(settled.status, StatusCode::SEE_OTHER);
    let again = send(right.as_str(), "2", "1").await;
    assert!(again.text().contains("ほかの人がもう決めました"));
    let html = browser.get(&settled.location()).await.text();
    assert!(
        html.contains(&format!("帳票番号 {right} のページと決めました"))
            && html.contains("人が確認するページはありません")
    );

    let auditor = hospital.session(&number_of(Role::Auditor));
    let book = auditor.book().unwrap();
    let book = book.read().unwrap();
    let filed = book
        .all()
        .filter(|seen| seen.sighting.deed == Deed::Filed && seen.sighting.by.user == number_of(Role::Reception));
    let details: Vec<String> = filed.map(|seen| seen.sighting.detail.clone()).collect();
    assert!(
        details.contains(&format!("F02 {right}")) && details.contains(&"scan007.pdf 2".to_owned()),
        "{details:?}"
    );
}
