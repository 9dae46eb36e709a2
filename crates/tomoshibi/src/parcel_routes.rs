//! The hub's side of a visit: bytes that are sealed and signed already, so anybody on the line learns only sizes.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use downtime::stations::replica::{Ask, MAX_MESSAGE};
use downtime::stations::{Asking, Heads, Parcel, ParcelFault, Showing, Station};

use crate::gossip::LISTEN;
use crate::hub_link::HubWord;

/// Largest request body: one message.
const MAX_BODY: usize = MAX_MESSAGE;
/// Longest that news wait for more before they are told: with a thousand listeners a second, with ten nothing to speak of.
const GATHER_MS: usize = 1_000;

/// Routes under `/parcel`.
pub fn routes(station: Arc<Station>) -> Router {
    Router::new()
        .route("/parcel/word", get(word))
        .route("/parcel/gossip", post(gossip))
        .route("/parcel/news", get(news))
        .route("/parcel/missing", post(missing))
        .route("/parcel/records", post(records))
        .route("/parcel/audit/seen", post(audit_seen))
        .route("/parcel/audit/records", post(audit_records))
        .route("/parcel/audit/show", post(audit_show))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(station)
}

fn bytes(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/cbor")], body).into_response()
}

async fn word(State(station): State<Arc<Station>>, RawQuery(query): RawQuery) -> Response {
    // Who exchanges by questions needs no list of every chain five times a minute.
    let with_heads = query.as_deref() != Some("heads=0");
    bytes(minicbor::to_vec(HubWord::of(&station, with_heads)).unwrap_or_default())
}

/// A question about records, and its answer.
async fn gossip(State(station): State<Arc<Station>>, body: Bytes) -> Response {
    blocking(move || Ok(station.answer(&Ask::from_bytes(&body)?)?.to_bytes())).await
}

/// Answers as soon as there is more than was seen, or after a while; who has seen nothing yet is told at once where it stands.
async fn news(State(station): State<Arc<Station>>, RawQuery(query): RawQuery) -> Response {
    let seen = query
        .as_deref()
        .and_then(|query| query.strip_prefix("seen=")?.parse::<u64>().ok());
    let mut watch = station.news().watch();
    let listening = station.news().listeners();
    if let Some(seen) = seen {
        let changed = watch.wait_for(|count| *count != seen);
        let came = tokio::time::timeout(LISTEN, changed).await.is_ok();
        let listeners = listening.saturating_sub(1).min(GATHER_MS);
        if came && listeners > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(listeners as u64)).await;
        }
    }
    let count = *watch.borrow();
    count.to_string().into_response()
}

async fn missing(State(station): State<Arc<Station>>, body: Bytes) -> Response {
    match Heads::from_bytes(&body) {
        Ok(heads) => bytes(station.missing(&heads).to_bytes()),
        Err(fault) => (StatusCode::BAD_REQUEST, fault.to_string()).into_response(),
    }
}

async fn records(State(station): State<Arc<Station>>, body: Bytes) -> Response {
    blocking(move || {
        let parcel = Parcel::from_bytes(&body)?;
        station.take(&parcel)?;
        Ok(station.heads().to_bytes())
    })
    .await
}

/// What this hub holds and remembers of one station's audit log.
async fn audit_seen(State(station): State<Arc<Station>>, body: Bytes) -> Response {
    match Asking::from_bytes(&body) {
        Ok(asking) => bytes(station.audit_remembered(&asking).to_bytes()),
        Err(fault) => (StatusCode::BAD_REQUEST, fault.to_string()).into_response(),
    }
}

/// Takes sealed sightings; the answer is empty, because the next question tells what is held.
async fn audit_records(State(station): State<Arc<Station>>, body: Bytes) -> Response {
    blocking(move || {
        let parcel = Parcel::from_bytes(&body)?;
        station.audit_take(&parcel)?;
        Ok(Vec::new())
    })
    .await
}

/// Takes a station's checkpoints and answers with this hub's own.
async fn audit_show(State(station): State<Arc<Station>>, body: Bytes) -> Response {
    blocking(move || Ok(station.audit_shown(&Showing::from_bytes(&body)?)?.to_bytes())).await
}

/// Work that waits for the disk.
async fn blocking(work: impl FnOnce() -> Result<Vec<u8>, ParcelFault> + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(body)) => bytes(body),
        Ok(Err(fault)) => (StatusCode::UNPROCESSABLE_ENTITY, fault.to_string()).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
