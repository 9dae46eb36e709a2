//! A new terminal at the hub's door, and the roster on its way between stations. Everything that comes here is signed or proves a code;
//! what does not costs its sender time and is in the audit log.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chart::Author;
use desk::office::{NotHeard, Office};
use downtime::audit::{Deed, Method, Outcome};
use downtime::identity::enrolment::MAX_ASK;
use downtime::identity::passing::MAX_PASSED;
use downtime::stations::Station;
use tokio::sync::Semaphore;

/// What a code that fits nothing costs.
const PENALTY: Duration = Duration::from_secs(2);
/// Such requests that wait at once; one more is sent away.
const MOST_WAITING: usize = 8;

#[derive(Clone)]
struct Door {
    station: Arc<Station>,
    office: Arc<dyn Office>,
    /// One wrong code at a time: thirty a minute for everybody together, of 2^90.
    wrong: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// Routes under `/parcel/enrol` and `/parcel/roster`; none where nobody has lent an office.
pub fn routes(station: Arc<Station>, office: Option<Arc<dyn Office>>) -> Router {
    let Some(office) = office else { return Router::new() };
    let door = Door {
        station,
        office,
        wrong: Arc::new(Semaphore::new(1)),
        waiting: Arc::new(Semaphore::new(MOST_WAITING)),
    };
    let enrol = Router::new()
        .route("/parcel/enrol", post(enrol))
        .layer(DefaultBodyLimit::max(MAX_ASK));
    let roster = Router::new()
        .route("/parcel/roster/newer", post(newer))
        .route("/parcel/roster/give", post(give))
        .layer(DefaultBodyLimit::max(2 * MAX_PASSED));
    enrol.merge(roster).with_state(door)
}

fn cbor(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/cbor")], body).into_response()
}

async fn enrol(State(door): State<Door>, request: Request) -> Response {
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let from = from
        .map(|ConnectInfo(address)| address.ip().to_string())
        .unwrap_or_default();
    let Ok(body) = axum::body::to_bytes(request.into_body(), MAX_ASK).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let (office, said) = (Arc::clone(&door.office), from.clone());
    let heard = tokio::task::spawn_blocking(move || office.hear(&body, &said)).await;
    match heard {
        Ok(Ok(answer)) => cbor(answer),
        Ok(Err(NotHeard::Malformed)) => StatusCode::BAD_REQUEST.into_response(),
        Ok(Err(NotHeard::NoHub)) => StatusCode::NOT_FOUND.into_response(),
        Ok(Err(NotHeard::WrongCode)) => wrong(&door, &from).await,
        Ok(Err(NotHeard::Failed)) | Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A code that fits nothing: one after the other, each in the audit log, each late. Whoever hangs up does not make it shorter.
async fn wrong(door: &Door, from: &str) -> Response {
    let Ok(place) = Arc::clone(&door.waiting).try_acquire_owned() else {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    };
    let (station, turn) = (Arc::clone(&door.station), Arc::clone(&door.wrong));
    let detail = format!("登録コードの誤り {from}");
    let waited = tokio::spawn(async move {
        let _turn = turn.acquire_owned().await;
        let mut sighting = station.sighting(&Author::default(), Method::Nobody, Deed::Configured);
        sighting.outcome = Outcome::Refused;
        sighting.detail = detail;
        if let Err(fault) = station.audit().write(sighting).await {
            tracing::error!(%fault, "a wrong enrolment code could not be written into the audit log");
        }
        tokio::time::sleep(PENALTY).await;
        drop(place);
    });
    match waited.await {
        Ok(()) => StatusCode::FORBIDDEN.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn newer(State(door): State<Door>, body: Bytes) -> Response {
    let passed = tokio::task::spawn_blocking(move || door.office.newer(&body)).await;
    match passed {
        Ok(Ok(answer)) => cbor(answer),
        Ok(Err(error)) => {
            tracing::warn!(%error, "a station asked for the roster and was not answered");
            StatusCode::BAD_REQUEST.into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn give(State(door): State<Door>, body: Bytes) -> Response {
    let taken = tokio::task::spawn_blocking(move || door.office.take(&body)).await;
    match taken {
        Ok(Ok(_)) => StatusCode::NO_CONTENT.into_response(),
        Ok(Err(error)) => {
            tracing::warn!(%error, "a roster that another station brought was not taken; the one here stays");
            StatusCode::UNPROCESSABLE_ENTITY.into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
