//! A hub's own generations for a backup host that fetches them: sealed files that anybody on the line may have.
//!
//! Only reading. A backup host asks; the hub knows neither where it is nor where it puts anything.

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tokio::sync::Semaphore;

use super::parts::PART;
use super::{MANIFEST, PUBLIC, README, SIGNATURE, Store, StoreFault, spool};

/// Files that are read at once: each is held in memory while it is sent.
const AT_ONCE: usize = 2;

struct Spool {
    store: Store,
    turns: Semaphore,
}

/// Routes under `/backup`.
pub fn routes(data: PathBuf) -> Router {
    let spool = Arc::new(Spool {
        store: spool(&data),
        turns: Semaphore::new(AT_ONCE),
    });
    Router::new()
        .route("/backup/list", get(list))
        .route("/backup/{generation}/{file}", get(file))
        .with_state(spool)
}

async fn list(State(spool): State<Arc<Spool>>) -> Response {
    let whole = move || {
        let names = spool.store.list()?;
        // One without a manifest is being made.
        let whole = |name: &String| spool.store.get(name, MANIFEST, super::MAX_SMALL).is_ok();
        anyhow::Ok(names.into_iter().filter(whole).collect::<Vec<_>>())
    };
    match tokio::task::spawn_blocking(whole).await {
        Ok(Ok(names)) => Json(names).into_response(),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn file(State(spool): State<Arc<Spool>>, Path((generation, file)): Path<(String, String)>) -> Response {
    let fixed = [MANIFEST, SIGNATURE, README].into_iter().chain(PUBLIC);
    if !file.starts_with("backup.tar.age.") && !fixed.into_iter().any(|known| known == file) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Ok(_turn) = spool.turns.acquire().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let from = Arc::clone(&spool);
    let read = tokio::task::spawn_blocking(move || from.store.get(&generation, &file, PART as u64)).await;
    match read {
        Ok(Ok(bytes)) => ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response(),
        Ok(Err(StoreFault::Missing(_) | StoreFault::Refused(_))) => StatusCode::NOT_FOUND.into_response(),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
