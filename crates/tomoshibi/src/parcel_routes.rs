//! The hub's side of a visit: bytes that are sealed and signed already, so anybody on the line learns only sizes.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use downtime::stations::{Heads, Parcel, Station};

use crate::hub_link::HubWord;

/// Largest request body: one parcel.
const MAX_BODY: usize = 8 << 20;

/// Bytes of a snapshot read and sent at a time.
const PIECE: usize = 256 << 10;

/// Routes under `/parcel`.
pub fn routes(station: Arc<Station>) -> Router {
    Router::new()
        .route("/parcel/word", get(word))
        .route("/parcel/missing", post(missing))
        .route("/parcel/records", post(records))
        .route("/parcel/snapshot", get(snapshot))
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
    let taken = tokio::task::spawn_blocking(move || {
        let parcel = Parcel::from_bytes(&body)?;
        station.take(&parcel)?;
        Ok::<_, downtime::stations::ParcelFault>(station.heads().to_bytes())
    });
    match taken.await {
        Ok(Ok(heads)) => bytes(heads),
        Ok(Err(fault)) => (StatusCode::UNPROCESSABLE_ENTITY, fault.to_string()).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The sealed file as it lies on the shelf, streamed.
async fn snapshot(State(station): State<Arc<Station>>) -> Response {
    let Some(shelved) = station.shelf().current() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Ok(size) = shelved.size() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let (pieces, outbox) = tokio::sync::mpsc::channel::<std::io::Result<Bytes>>(2);
    tokio::task::spawn_blocking(move || {
        let mut offset = 0;
        while offset < size {
            let length = usize::try_from(size - offset).unwrap_or(PIECE).min(PIECE);
            let piece = shelved.read_at(offset, length).map(Bytes::from);
            let failed = piece.is_err();
            if pieces.blocking_send(piece).is_err() || failed {
                return;
            }
            offset += length as u64;
        }
    });
    let stream = futures_util::stream::unfold(
        outbox,
        |mut outbox| async move { outbox.recv().await.map(|p| (p, outbox)) },
    );
    (
        [
            (header::CONTENT_TYPE, "application/octet-stream"),
            (header::CONTENT_LENGTH, size.to_string().as_str()),
        ],
        Body::from_stream(stream),
    )
        .into_response()
}
