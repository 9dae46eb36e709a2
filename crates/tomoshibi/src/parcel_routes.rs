//! The hub's side of a visit: bytes that are sealed and signed already, so anybody on the line learns only sizes.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use downtime::stations::{Asking, Heads, Parcel, ParcelFault, Showing, Station};

use crate::hub_link::HubWord;

/// Largest request body: one parcel.
const MAX_BODY: usize = 8 << 20;

/// Routes under `/parcel`.
pub fn routes(station: Arc<Station>) -> Router {
    Router::new()
        .route("/parcel/word", get(word))
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

async fn word(State(station): State<Arc<Station>>) -> Response {
    bytes(minicbor::to_vec(HubWord::of(&station)).unwrap_or_default())
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
