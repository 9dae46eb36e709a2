//! Readiness receipts between stations: brought by whoever visits, fetched by a warden. Signed by themselves, so the line proves nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use downtime::readiness::board::{Board, Bundle, MAX_BUNDLE, MAX_BUNDLE_BYTES};
use downtime::stations::Station;

use crate::hub_link::Errand;

/// Where receipts are brought to and fetched from.
pub const PATH: &str = "/parcel/readiness";

/// Routes under `/parcel/readiness`; none where no receipts are kept.
pub fn routes(station: Arc<Station>, board: Option<Arc<Board>>) -> Router {
    let Some(board) = board else { return Router::new() };
    Router::new()
        .route(PATH, get(show).post(take))
        .layer(DefaultBodyLimit::max(MAX_BUNDLE_BYTES))
        .with_state((station, board))
}

type Both = (Arc<Station>, Arc<Board>);

fn bytes(bundle: &Bundle) -> Response {
    ([(header::CONTENT_TYPE, "application/cbor")], bundle.to_bytes()).into_response()
}

/// The newest receipt of every station that this one has heard of.
async fn show(State((_, board)): State<Both>) -> Response {
    let mut receipts = board.kept().newer(&BTreeMap::new());
    receipts.truncate(MAX_BUNDLE);
    bytes(&Bundle {
        receipts,
        held: Vec::new(),
    })
}

/// Takes receipts; the answer says how far those stations' receipts are held here.
async fn take(State((station, board)): State<Both>, body: Bytes) -> Response {
    let work = move || {
        let bundle = Bundle::from_bytes(&body).map_err(|fault| (StatusCode::BAD_REQUEST, fault.to_string()))?;
        let taken = board.take(&station, &bundle.receipts);
        taken.map_err(|error| (StatusCode::INSUFFICIENT_STORAGE, error.to_string()))?;
        Ok(Bundle {
            receipts: Vec::new(),
            held: board.held_of(&bundle.receipts),
        })
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(answer)) => bytes(&answer),
        Ok(Err(fault)) => <(StatusCode, String)>::into_response(fault),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Brings every receipt held here to whoever is visited, unless that one said that it holds it: so a hub hears also of a station that it
/// cannot reach, through any station that can.
pub fn errand(board: &Arc<Board>) -> Errand {
    let board = Arc::clone(board);
    let bring = move |_: &Arc<Station>, agent: &ureq::Agent, address: &str| -> Result<()> {
        let bundle = board.for_address(address);
        if bundle.receipts.is_empty() {
            return Ok(());
        }
        let answer = agent.post(format!("{address}{PATH}")).send(&bundle.to_bytes()[..])?;
        let limit = u64::try_from(MAX_BUNDLE_BYTES).unwrap_or(u64::MAX);
        let answer = answer.into_body().with_config().limit(limit).read_to_vec()?;
        let held = Bundle::from_bytes(&answer)
            .context("the answer to receipts cannot be read")?
            .held;
        board.note_told(address, &held);
        Ok(())
    };
    ("readiness receipts", Box::new(bring))
}
