//! S72: wards the worst first, silence never ready, one page for many stations, no patient and no name of staff, and who may.

use std::sync::Arc;

use axum::http::StatusCode;
use chart::{Moment, StationCode};
use downtime::identity::{Role, Roster};
use downtime::readiness::Light;
use downtime::readiness::board::{Board, holds};
use downtime::readiness::receipt::{NEEDED, People, Point, Program, Receipt, Signed, What, Why};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use vault::files::Disk;
use vault::keys::StationSecret;

use crate::browser::Browser;
use crate::hospital::{Hospital, number_of, people};

/// Stations with their ward: four of 3E, two of 4W, one of none.
const STATIONS: [(&str, &str); 7] = [
    ("W01", "3E"),
    ("W02", "3E"),
    ("W03", "3E"),
    ("W04", "3E"),
    ("V01", "4W"),
    ("V02", "4W"),
    ("X01", ""),
];

struct Fleet {
    hospital: Hospital,
    secrets: Vec<(StationCode, StationSecret)>,
    board: Arc<Board>,
}

fn fleet() -> Fleet {
    let mut rng = UnwrapErr(SysRng);
    let secrets: Vec<(StationCode, StationSecret)> = STATIONS
        .iter()
        .map(|(code, _)| (StationCode::parse(code).unwrap(), StationSecret::random(&mut rng)))
        .collect();
    let enrol = |roster: &mut Roster| {
        for (n, ((code, secret), (_, ward))) in secrets.iter().zip(STATIONS).enumerate() {
            let letter = char::from(b'B' + u8::try_from(n).unwrap());
            roster
                .enrol_station(*code, 10 + u8::try_from(n).unwrap(), letter, &secret.public())
                .unwrap();
            if !ward.is_empty() {
                roster.stations.last_mut().unwrap().wards = vec![ward.to_owned()];
            }
        }
    };
    let mut hospital = Hospital::of_stations(people(), &enrol);
    let shelved = hospital.station.shelf().current().unwrap();
    let board = Arc::new(Board::open(
        Arc::new(Disk),
        &hospital._dir.path().join("data"),
        shelved.roster(),
    ));
    hospital.fleet = Some(Arc::clone(&board));
    Fleet {
        hospital,
        secrets,
        board,
    }
}

impl Fleet {
    /// A receipt of a station, good but for what is changed.
    fn says(&self, code: &str, change: impl FnOnce(&mut Receipt)) {
        let shelved = self.hospital.station.shelf().current().unwrap();
        let code = StationCode::parse(code).unwrap();
        let now = self.hospital.station.now();
        let mut receipt = Receipt {
            station: *shelved.roster().station_id(code).as_bytes(),
            code,
            at: Moment(now.0 - 60),
            holds: Some(holds(&shelved)),
            printed: Some(Moment(now.0 - 600)),
            points: NEEDED
                .iter()
                .map(|what| Point::new(*what, Light::Good, Why::Room).of(90 << 30, 100 << 30))
                .collect(),
            program: Program::default(),
            people: People {
                staff: 33,
                lately: 31,
                never: 0,
                last: Some(Moment(now.0 - 3_600)),
            },
            took_ms: 900,
        };
        change(&mut receipt);
        let secret = &self.secrets.iter().find(|(known, _)| *known == code).unwrap().1;
        let taken = self
            .board
            .take(&self.hospital.station, &[Signed::sign(&receipt, secret)]);
        assert_eq!(taken.unwrap(), 1);
    }

    async fn officer(&self) -> Browser {
        Browser::signed_in(&self.hospital, "9001").await
    }
}

/// The part of a page that is about one place.
fn section<'a>(page: &'a str, name: &str) -> &'a str {
    let parts = page.split("<section class=\"place").skip(1);
    let part = parts
        .into_iter()
        .find(|part| part.split("</h2>").next().unwrap().contains(name));
    part.unwrap_or_else(|| panic!("{name}: {page}"))
        .split("</section>")
        .next()
        .unwrap()
}

#[tokio::test]
async fn wards_stand_the_worst_first_and_each_station_says_why() {
    let fleet = fleet();
    for code in ["W01", "W02"] {
        fleet.says(code, |_| ());
    }
    fleet.says("W03", |receipt| receipt.holds.as_mut().unwrap().epoch -= 1);
    fleet.says("W04", |receipt| {
        receipt.points.retain(|point| point.what() != Some(What::Saving));
        receipt
            .points
            .push(Point::new(What::Saving, Light::Bad, Why::NotSaved).saying("No space left on device"));
    });
    fleet.says("V01", |receipt| receipt.at = Moment(receipt.at.0 - 86_400));
    fleet.says("X01", |_| ());
    let mut browser = fleet.officer().await;
    let page = browser.get("/fleet").await.text();
    assert!(page.contains("端末 8台のうち 3台が使えます"), "{page}");
    let (dark, ward) = (page.find("病棟 4W").unwrap(), page.find("病棟 3E").unwrap());
    assert!(dark < ward, "a ward where nothing works comes first");
    let ward = section(&page, "病棟 3E");
    assert!(ward.contains("2/4台 使えます") && ward.contains("31/33人"), "{ward}");
    assert!(ward.contains("試しの記録を書けません：No space left on device"));
    assert!(ward.find("W04").unwrap() < ward.find("W03").unwrap());
    assert!(ward.contains("最新の号がまだ届いていません"));
    let dark = section(&page, "病棟 4W");
    assert!(
        dark.contains("0/2台 使えます") && dark.contains("一度も届いていません"),
        "{dark}"
    );
    // R03 is this station itself, which has not proved itself yet.
    assert!(section(&page, "共用").contains("R03"));
    for person in people() {
        assert!(!page.contains(&person.patient.name.written));
    }
    // Home and readiness say it in a sentence.
    for address in ["/", "/readiness"] {
        let page = browser.get(address).await.text();
        assert!(page.contains("端末 8台のうち 3台が使えます"), "{address}");
        assert!(page.contains("病棟 4W 0/2台（V"), "{address}: {page}");
    }
}

#[tokio::test]
async fn filters_one_station_and_the_list_for_the_round() {
    let fleet = fleet();
    for (code, _) in STATIONS.iter().filter(|(code, _)| *code != "V02") {
        fleet.says(code, |_| ());
    }
    let mut browser = fleet.officer().await;
    let silent = browser.get("/fleet?standing=silent").await.text();
    assert!(
        silent.contains("/fleet/V02") && !silent.contains("/fleet/V01"),
        "{silent}"
    );
    let found = browser.get("/fleet?q=w0").await.text();
    assert!(found.contains("/fleet/W03") && !found.contains("/fleet/V01"));
    let ward = browser.get("/fleet?place=w.4W").await.text();
    assert!(ward.contains("/fleet/V01") && !ward.contains("/fleet/W01"));
    assert!(
        browser
            .get("/fleet?q=%3Cscript%3E")
            .await
            .text()
            .contains("当てはまる端末がありません")
    );
    let one = browser.get("/fleet/W01").await.text();
    assert!(
        one.contains("端末 W01") && one.contains("31") && one.contains("最近の日"),
        "{one}"
    );
    assert_eq!(browser.get("/fleet/Z99").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get("/fleet/toolong").await.status, StatusCode::NOT_FOUND);
    let round = browser.get("/fleet/round").await.text();
    assert!(
        round.contains("V02") && !round.contains(">V01<") && round.contains("data-print-page"),
        "{round}"
    );
    let page = browser.get("/fleet?lang=en").await;
    assert!(page.status.is_success() || page.status.is_redirection());
    assert!(browser.get("/fleet").await.text().contains("If it stopped now"));
}

#[tokio::test]
async fn who_may_see_it_and_who_may_ask_for_a_proof() {
    let fleet = fleet();
    let mut clerk = Browser::signed_in(&fleet.hospital, "1001").await;
    assert_eq!(clerk.get("/fleet").await.status, StatusCode::FORBIDDEN);
    assert!(!clerk.get("/").await.text().contains("/fleet"));
    let mut commander = Browser::signed_in(&fleet.hospital, &number_of(Role::Commander)).await;
    assert_eq!(commander.get("/fleet").await.status, StatusCode::OK);
    assert_eq!(commander.post("/fleet/prove", &[]).await.status, StatusCode::FORBIDDEN);
    assert!(!fleet.board.is_proving());
    let mut officer = fleet.officer().await;
    assert_eq!(officer.post("/fleet/prove", &[]).await.status, StatusCode::SEE_OTHER);
    assert!(fleet.board.take_asked());
}

#[tokio::test]
async fn a_sign_in_is_remembered_for_the_receipt_in_numbers_only() {
    let fleet = fleet();
    drop(fleet.officer().await);
    let station = &fleet.hospital.station;
    let shelved = station.shelf().current().unwrap();
    let people = downtime::readiness::staff(&shelved, station.code(), station.sign_ins(), station.now());
    assert_eq!((people.lately, people.last), (1, Some(station.now())));
    assert_eq!(people.staff, people.never + 1, "envelopes and maintenance are nobody");
    assert!(people.staff > 3);
    // A restart forgets nothing.
    let again = downtime::stations::SignIns::open(Arc::new(Disk), &fleet.hospital._dir.path().join("data"));
    assert_eq!(again.newest(), people.last);
}

#[tokio::test]
async fn what_a_station_heard_of_another_is_brought_to_whom_it_visits_once() {
    let fleet = fleet();
    fleet.says("W01", |_| ());
    fleet.says("V01", |_| ());
    let station = &fleet.hospital.station;
    let shelved = station.shelf().current().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let hub = Board::open(Arc::new(Disk), elsewhere.path(), shelved.roster());
    let visit = || {
        let bundle = fleet.board.for_address("https://hub");
        let taken = hub.take(station, &bundle.receipts).unwrap();
        fleet.board.note_told("https://hub", &hub.held_of(&bundle.receipts));
        (bundle.receipts.len(), taken)
    };
    assert_eq!(visit(), (2, 2), "a hub hears also of whom it cannot reach");
    assert_eq!(visit(), (0, 0), "and is not told again");
    fleet.says("W01", |receipt| receipt.at = Moment(receipt.at.0 + 30));
    assert_eq!(visit(), (1, 1));
    // What the hub does not believe is not brought for ever either.
    let stranger = StationSecret::random(&mut UnwrapErr(SysRng));
    let mut forged = hub.kept().newer(&std::collections::BTreeMap::new())[0].claim().unwrap();
    forged.at = Moment(forged.at.0 + 40);
    let forged = [Signed::sign(&forged, &stranger)];
    assert_eq!(hub.take(station, &forged).unwrap(), 0);
    assert_eq!(hub.held_of(&forged)[0].at, forged[0].claim().unwrap().at);
}
