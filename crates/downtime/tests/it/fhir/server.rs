//! From a server: a real one on this machine, whose token endpoint verifies signatures, that pages, exports and misbehaves.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use chart::{Chart, DataKind, Known, Moment};
use downtime::sources::fhir::Settings;
use downtime::sources::fhir::server::{
    Algorithm, Answer, Ask, Client, MAX_HELD, Method, Server, ServerSettings, Way, Web, WebFault, http_date,
};
use downtime::sources::{Extract, PullFault, Source};

use self::ehr::{Behaviour, Ehr};
use self::keys::key_path;
use super::only;
use crate::table::scope;

mod ehr;
mod keys;
mod restarts;

/// The line as the roof lends it, with a clock that only waits on paper.
struct Lent {
    client: wire::Client,
    key: Option<wire::Key>,
    now: Arc<AtomicI64>,
    waited: Arc<AtomicU64>,
    nonces: AtomicU64,
}

impl Web for Lent {
    fn ask(&self, ask: &Ask) -> Result<Answer, WebFault> {
        let bearer = ask.bearer.as_ref().map(|token| format!("Bearer {token}"));
        let mut headers = vec![("Accept", ask.accept)];
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        if ask.respond_async {
            headers.push(("Prefer", "respond-async"));
        }
        if ask.form.is_some() {
            headers.push(("Content-Type", "application/x-www-form-urlencoded"));
        }
        let request = wire::Request {
            method: match ask.method {
                Method::Get => wire::Method::Get,
                Method::Post => wire::Method::Post,
                Method::Delete => wire::Method::Delete,
            },
            url: &ask.url,
            headers: &headers,
            body: ask.form.as_deref().unwrap_or("").as_bytes(),
            most: ask.most,
        };
        let answer = self.client.send(&request).map_err(|fault| match fault {
            wire::Fault::Unreachable(why) => WebFault::Unreachable(why),
            wire::Fault::NotProven(why) => WebFault::NotProven(why),
            wire::Fault::TooSlow => WebFault::TooSlow,
            wire::Fault::TooLarge => WebFault::TooLarge,
        })?;
        Ok(Answer {
            status: answer.status,
            retry_after: answer.header("retry-after").and_then(|text| text.parse().ok()),
            content_location: answer.header("content-location").map(str::to_owned),
            date: answer.header("date").and_then(http_date),
            body: answer.body,
        })
    }

    fn wait(&self, seconds: u64) {
        self.waited.fetch_add(seconds, Ordering::SeqCst);
        self.now.fetch_add(i64::try_from(seconds).unwrap(), Ordering::SeqCst);
    }

    fn now(&self) -> Moment {
        Moment(self.now.load(Ordering::SeqCst))
    }

    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        self.key
            .as_ref()
            .unwrap()
            .sign(bytes)
            .map_err(|fault| fault.to_string())
    }

    fn nonce(&self) -> [u8; 16] {
        u128::from(self.nonces.fetch_add(1, Ordering::SeqCst)).to_be_bytes()
    }
}

/// A source for a server, and what its clock does.
struct Station {
    source: Server,
    now: Arc<AtomicI64>,
    waited: Arc<AtomicU64>,
}

/// Where the next line's words that are said once begin.
static STARTS: AtomicU64 = AtomicU64::new(1);

fn station(ehr: &Ehr, key: Option<&str>, way: Way, settings: Settings) -> Station {
    station_trusting(ehr, key, way, settings, "ca.pem")
}

fn station_trusting(ehr: &Ehr, key: Option<&str>, way: Way, settings: Settings, ca: &str) -> Station {
    let now = Arc::new(AtomicI64::new(scope().now.0));
    let waited = Arc::new(AtomicU64::new(0));
    let key = key.map(|name| wire::Key::read(&key_path(name)).unwrap());
    let client = key.as_ref().map(|key| Client {
        token_url: format!("{}/token", ehr.root),
        id: "tomoshibi".to_owned(),
        key_id: "key-1".to_owned(),
        scope: "system/*.read".to_owned(),
        algorithm: match key.algorithm() {
            wire::Algorithm::Rs384 => Algorithm::Rs384,
            wire::Algorithm::Es384 => Algorithm::Es384,
        },
    });
    let trust = wire::tls::Trust::authority(&key_path(ca)).unwrap();
    let lent = Lent {
        client: wire::Client::new(Some(&trust), wire::Limits::default()).unwrap(),
        key,
        now: Arc::clone(&now),
        waited: Arc::clone(&waited),
        // A server remembers what was said: a program that starts anew says something else.
        nonces: AtomicU64::new(STARTS.fetch_add(1_000, Ordering::SeqCst)),
    };
    let server = ServerSettings {
        base: format!("{}/fhir", ehr.root),
        way,
        client,
        most_bytes: MAX_HELD,
    };
    Station {
        source: Server::new(settings, server, Box::new(lent)),
        now,
        waited,
    }
}

fn pull(station: &Station) -> Result<(Vec<Chart>, Extract), PullFault> {
    let mut charts = Vec::new();
    let mut take = |chart| {
        charts.push(chart);
        Ok(())
    };
    let extract = station.source.pull(&scope(), &mut take, &mut |_| {})?;
    charts.sort_by(|a: &Chart, b: &Chart| a.patient.id.cmp(&b.patient.id));
    Ok((charts, extract))
}

fn bulk() -> Way {
    Way::Bulk { group: String::new() }
}

fn allergies(chart: &Chart) -> Vec<&str> {
    chart
        .allergies
        .items()
        .iter()
        .map(|one| one.substance.as_str())
        .collect()
}

fn told(extract: &Extract, code: &str, words: &str) -> bool {
    extract
        .findings
        .iter()
        .any(|one| one.code == code && one.message.contains(words))
}

#[test]
fn searches_follow_every_page_and_both_kinds_of_key_are_let_in() {
    for key in ["rs384.pem", "es384.pem"] {
        let ehr = Ehr::start(5, key, Behaviour::default());
        let station = station(&ehr, Some(key), Way::Search, only(&[DataKind::Allergy]));
        let (charts, extract) = pull(&station).unwrap();
        assert_eq!(charts.len(), 5);
        for (n, chart) in (1..).zip(&charts) {
            assert_eq!(allergies(chart), [format!("薬{n:04}"), format!("食物{n:04}")]);
            assert_eq!(chart.appointments.len(), 1);
        }
        assert!(
            extract.findings.iter().all(|one| one.severity == chart::Severity::Note),
            "{:?}",
            extract.findings
        );
        // Pages of two: five appointments are three pages.
        let asked = ehr.asked();
        assert!(
            asked
                .iter()
                .filter(|line| line.starts_with("GET /fhir/Appointment"))
                .count()
                >= 3,
            "{asked:#?}"
        );
        assert_eq!(
            asked.iter().filter(|line| line.starts_with("POST /token")).count(),
            1,
            "one token for all"
        );
    }
}

#[test]
fn a_key_that_the_server_does_not_know_is_refused_in_words_and_nothing_is_called_empty() {
    let ehr = Ehr::start(2, "rs384.pem", Behaviour::default());
    let station = station(&ehr, Some("es384.pem"), Way::Search, only(&[DataKind::Allergy]));
    let fault = pull(&station).unwrap_err().to_string();
    assert!(
        fault.contains("invalid_client") && fault.contains("前回の写し"),
        "{fault}"
    );
    assert!(!fault.contains("eyJ"), "no assertion in a message");
}

#[test]
fn tls_by_the_hospitals_authority_and_by_nobody_elses() {
    let behaviour = Behaviour {
        tls: true,
        ..Behaviour::default()
    };
    let ehr = Ehr::start(2, "es384.pem", behaviour);
    let (charts, _) = pull(&station(
        &ehr,
        Some("es384.pem"),
        Way::Search,
        only(&[DataKind::Allergy]),
    ))
    .unwrap();
    assert_eq!(charts.len(), 2);
    let before = ehr.asked().len();
    let stranger = station_trusting(
        &ehr,
        Some("es384.pem"),
        Way::Search,
        only(&[DataKind::Allergy]),
        "other-ca.pem",
    );
    let fault = pull(&stranger).unwrap_err().to_string();
    assert!(fault.contains("証明"), "{fault}");
    assert_eq!(ehr.asked().len(), before, "nothing was sent");
}

#[test]
fn what_passes_by_itself_is_tried_again_and_what_does_not_is_told() {
    let behaviour = Behaviour {
        busy_first: 2,
        forbidden: "AllergyIntolerance",
        ..Behaviour::default()
    };
    let ehr = Ehr::start(2, "rs384.pem", behaviour);
    let station = station(&ehr, Some("rs384.pem"), Way::Search, only(&[DataKind::Allergy]));
    let (charts, extract) = pull(&station).unwrap();
    assert_eq!(charts.len(), 2);
    assert!(matches!(charts[0].allergies, Known::Unavailable { since: Some(_) }));
    assert!(
        told(&extract, "fhir.server", "この患者の情報は見られません"),
        "{:?}",
        extract.findings
    );
    assert!(station.waited.load(Ordering::SeqCst) >= 2 * 7, "Retry-After is kept");
}

#[test]
fn a_next_page_somewhere_else_or_in_a_circle_is_not_followed() {
    for next in ["http://127.0.0.1:1/fhir/Appointment?page=1", "same"] {
        let behaviour = Behaviour {
            next: Some(next),
            ..Behaviour::default()
        };
        let ehr = Ehr::start(5, "rs384.pem", behaviour);
        let station = station(&ehr, Some("rs384.pem"), Way::Search, only(&[DataKind::Allergy]));
        // What came before is used, everybody who could be found is taken, and the gap is told.
        let (_, extract) = pull(&station).unwrap();
        let words = if next == "same" {
            "堂々巡り"
        } else {
            "別のサーバ"
        };
        assert!(told(&extract, "fhir.server", words), "{:?}", extract.findings);
    }
}

#[test]
fn an_export_is_waited_for_fetched_and_taken_back() {
    let ehr = Ehr::start(4, "es384.pem", Behaviour::default());
    let station = station(&ehr, Some("es384.pem"), bulk(), only(&[DataKind::Allergy]));
    let (charts, extract) = pull(&station).unwrap();
    assert_eq!(charts.len(), 4);
    assert_eq!(allergies(&charts[3]), ["薬0004", "食物0004"]);
    assert_eq!(extract.as_of.of(DataKind::Allergy), ehr.transaction());
    let asked = ehr.asked();
    assert!(
        asked.iter().any(|line| line.starts_with("DELETE /fhir/status")),
        "{asked:#?}"
    );
    assert!(
        station.waited.load(Ordering::SeqCst) >= 9,
        "twice in progress, with its Retry-After"
    );
}

#[test]
fn the_next_export_brings_what_changed_and_what_is_gone_is_gone() {
    let ehr = Ehr::start(3, "rs384.pem", Behaviour::default());
    let station = station(&ehr, Some("rs384.pem"), bulk(), only(&[DataKind::Allergy]));
    pull(&station).unwrap();
    station.now.fetch_add(600, Ordering::SeqCst);
    ehr.change("0002", "新しい薬");
    ehr.delete("AllergyIntolerance/f0001");
    let (charts, _) = pull(&station).unwrap();
    let asked = ehr.asked();
    assert_eq!(
        asked.iter().filter(|line| line.contains("_since=")).count(),
        1,
        "{asked:#?}"
    );
    assert_eq!(allergies(&charts[0]), ["薬0001"]);
    assert_eq!(allergies(&charts[1]), ["食物0002", "新しい薬"]);
    assert_eq!(allergies(&charts[2]), ["薬0003", "食物0003"]);
    // A server whose clock went back is asked for everything.
    ehr.turn_clock_back();
    station.now.fetch_add(600, Ordering::SeqCst);
    let (charts, extract) = pull(&station).unwrap();
    assert!(told(&extract, "fhir.resync", "取り直し"), "{:?}", extract.findings);
    assert_eq!(allergies(&charts[1]), ["食物0002", "新しい薬"]);
}

#[test]
fn a_file_that_cannot_be_fetched_or_is_too_short_is_a_gap_that_people_see() {
    for behaviour in [
        Behaviour {
            forbidden: "AllergyIntolerance",
            ..Behaviour::default()
        },
        Behaviour {
            short_file: true,
            ..Behaviour::default()
        },
    ] {
        let ehr = Ehr::start(2, "rs384.pem", behaviour);
        let station = station(&ehr, Some("rs384.pem"), bulk(), only(&[DataKind::Allergy]));
        let (charts, extract) = pull(&station).unwrap();
        assert_eq!(charts.len(), 2);
        let empty = matches!(charts[1].allergies, Known::Unavailable { since: Some(_) });
        let partial = charts[1].findings.iter().any(|one| one.code == "kind.partial");
        assert!(empty || partial, "{:?}", charts[1]);
        assert!(
            extract
                .findings
                .iter()
                .any(|one| matches!(one.code.as_str(), "fhir.server" | "file.half_written"))
        );
    }
}

#[test]
fn a_server_that_is_not_there_leaves_the_copy_of_before() {
    let station = {
        let ehr = Ehr::start(1, "rs384.pem", Behaviour::default());
        station(&ehr, None, Way::Search, only(&[]))
        // The server stops here.
    };
    let fault = pull(&station).unwrap_err().to_string();
    assert!(fault.contains("前回の写し"), "{fault}");
}

/// What the server's threads share.
pub type Shared<T> = Arc<Mutex<T>>;
