//! New versions of the program for stations that fetch them: documents that are signed and files that are asked for by hash, so anybody
//! on the line may have them; and what stations say of their own.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path as Named, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use downtime::identity::Roster;

use crate::home::Home;
use crate::releases::{MAX_WORD, Releases, Word};
use crate::updating::PIECE;

struct Hub {
    releases: Releases,
    roster: Roster,
}

/// Routes under `/release`; a station that is no hub has no versions and says so.
pub fn routes(home: &Home) -> Router {
    let hub = Hub {
        releases: Releases::at(&home.data),
        roster: home.roster.clone(),
    };
    Router::new()
        .route("/release/list", get(list))
        .route("/release/file/{hash}/{from}", get(piece))
        .route("/release/word", post(word))
        .layer(DefaultBodyLimit::max(MAX_WORD))
        .with_state(Arc::new(hub))
}

async fn list(State(hub): State<Arc<Hub>>) -> Response {
    blocking(
        move || Ok(Some(minicbor::to_vec(hub.releases.shown()?)?)),
        "application/cbor",
    )
    .await
}

async fn piece(State(hub): State<Arc<Hub>>, Named((hash, from)): Named<(String, u64)>) -> Response {
    let read = move || {
        let Some(path) = hub.releases.file(&hash) else {
            return Ok(None);
        };
        read_piece(&path, from).map(Some)
    };
    blocking(read, "application/octet-stream").await
}

fn read_piece(path: &Path, from: u64) -> Result<Vec<u8>> {
    let mut file = std::fs::File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(PIECE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

async fn word(State(hub): State<Arc<Hub>>, body: Bytes) -> Response {
    let hear = move || {
        let (word, _) = Word::proved(&body, &hub.roster)?;
        hub.releases.hear(&word)?;
        Ok(Some(Vec::new()))
    };
    match tokio::task::spawn_blocking(hear).await {
        Ok(Ok(body)) => answer(body, "application/cbor"),
        Ok(Err(error)) => {
            let error: anyhow::Error = error;
            (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Work that waits for the disk.
async fn blocking(work: impl FnOnce() -> Result<Option<Vec<u8>>> + Send + 'static, kind: &'static str) -> Response {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(body)) => answer(body, kind),
        Ok(Err(error)) => {
            tracing::warn!(%error, "a version could not be shown");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn answer(body: Option<Vec<u8>>, kind: &'static str) -> Response {
    match body {
        Some(body) => ([(header::CONTENT_TYPE, kind)], body).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
