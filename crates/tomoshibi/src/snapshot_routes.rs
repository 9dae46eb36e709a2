//! The sealed snapshot for stations that fetch it: bytes that anybody on the line may have.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use downtime::stations::Station;

/// Bytes of a snapshot read and sent at a time.
const PIECE: usize = 256 << 10;

/// Routes under `/parcel/snapshot`.
pub fn routes(station: Arc<Station>) -> Router {
    Router::new()
        .route("/parcel/snapshot", get(snapshot))
        .with_state(station)
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
