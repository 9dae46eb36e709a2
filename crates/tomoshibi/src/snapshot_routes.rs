//! The sealed snapshot for stations that fetch it: bytes that anybody on the line may have, named by their hash.
//!
//! Answers are at most a megabyte, are read from the file when there is room for one more, and are given up when nobody takes them: a
//! thousand stations and two hundred who take a byte a minute cost the same bounded memory. What a station does with the bytes is its
//! own business (`fetching`); nothing here proves anything.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use downtime::distribution::{MAX_BATCH, PIECE};
use downtime::shelf::Shelved;
use downtime::stations::Station;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes handed to a connection at a time.
const CHUNK: usize = 64 << 10;
/// Answers that are being sent at one time; each holds at most [`PIECE`] bytes.
const AT_ONCE: usize = 64;
/// How long an asker waits for room before it is told to come again.
const WAIT: Duration = Duration::from_secs(2);
/// How long a connection may take for one more chunk.
const CHUNK_PATIENCE: Duration = Duration::from_secs(2);
/// Most sections in one request.
const MAX_NAMES: usize = 1024;
/// What a station that is told to wait is told to wait.
const AGAIN: &str = "1";
/// Bytes named by their hash never change.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The station, and how many answers there is room for.
#[derive(Clone)]
struct Hall {
    station: Arc<Station>,
    room: Arc<Semaphore>,
}

/// Routes under `/parcel/snapshot`, and `/parcel/heartbeat`.
pub fn routes(station: Arc<Station>) -> Router {
    Router::new()
        .route("/parcel/heartbeat", get(heartbeat))
        .route("/parcel/snapshot", get(whole))
        .route("/parcel/snapshot/manifest", get(manifest))
        .route("/parcel/snapshot/section/{sha256}", get(section))
        .route("/parcel/snapshot/sections", post(sections))
        .layer(DefaultBodyLimit::max(MAX_NAMES * 32))
        .with_state(Hall {
            station,
            room: Arc::new(Semaphore::new(AT_ONCE)),
        })
}

/// The newest sign of life of a sealer that was heard here.
async fn heartbeat(State(hall): State<Hall>) -> Response {
    match hall.station.shelf().heartbeat() {
        Some((_, bytes)) => octets(bytes.into()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Manifest, signature and trailer of the snapshot in use.
async fn manifest(State(hall): State<Hall>) -> Response {
    let Some(shelved) = hall.station.shelf().current() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match tokio::task::spawn_blocking(move || shelved.tail()).await {
        Ok(Ok(bytes)) => octets(bytes.into()),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Up to a megabyte of one section, by its hash and a range.
async fn section(State(hall): State<Hall>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(sha256) = hash(&name) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let found = hall.station.shelf().current();
    let found = found.and_then(|shelved| shelved.section_of(&sha256).map(|place| (shelved, place)));
    let Some((shelved, (at, len))) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let wanted = match headers.get(header::RANGE) {
        None => Some((0, len)),
        Some(range) => range.to_str().ok().and_then(|range| wanted(range, len)),
    };
    let Some((from, count)) = wanted.filter(|(_, count)| *count <= PIECE as u64) else {
        let all = format!("bytes */{len}");
        return (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, all)]).into_response();
    };
    let Some(permit) = enter(&hall).await else {
        return busy();
    };
    let read = read(shelved, vec![(at.saturating_add(from), count)]).await;
    let Ok(bytes) = read else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = sent(bytes, permit);
    let last = (from + count).saturating_sub(1);
    let fields = [
        (header::ETAG, format!("\"{name}\"")),
        (header::CACHE_CONTROL, FOR_EVER.to_owned()),
        (header::CONTENT_RANGE, format!("bytes {from}-{last}/{len}")),
    ];
    for (field, value) in fields {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(field, value);
        }
    }
    if headers.contains_key(header::RANGE) {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

/// Several small sections, one behind the other, in the order they are named in: 32 bytes each.
async fn sections(State(hall): State<Hall>, body: Bytes) -> Response {
    let names: Vec<[u8; 32]> = body.chunks_exact(32).filter_map(|name| name.try_into().ok()).collect();
    if names.is_empty() || names.len() * 32 != body.len() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let Some(shelved) = hall.station.shelf().current() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let places: Option<Vec<(u64, u64)>> = names.iter().map(|name| shelved.section_of(name)).collect();
    let Some(places) = places else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if places.iter().fold(0_u64, |sum, (_, len)| sum.saturating_add(*len)) > MAX_BATCH as u64 {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    let Some(permit) = enter(&hall).await else {
        return busy();
    };
    match read(shelved, places).await {
        Ok(bytes) => sent(bytes, permit),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The sealed file as it lies on the shelf, streamed: for whoever takes it along.
async fn whole(State(hall): State<Hall>) -> Response {
    let Some(shelved) = hall.station.shelf().current() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Ok(size) = shelved.size() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Some(permit) = enter(&hall).await else {
        return busy();
    };
    let (pieces, outbox) = tokio::sync::mpsc::channel::<io::Result<Bytes>>(1);
    tokio::spawn(async move {
        let mut offset = 0;
        while offset < size {
            let length = (size - offset).min(CHUNK as u64);
            let piece = read(Arc::clone(&shelved), vec![(offset, length)]).await;
            let failed = piece.is_err();
            let handed = tokio::time::timeout(CHUNK_PATIENCE, pieces.send(piece)).await;
            if failed || !matches!(handed, Ok(Ok(()))) {
                break;
            }
            offset += length;
        }
        drop(permit);
    });
    streamed(size, outbox)
}

/// Room for one more answer, if there is any soon.
async fn enter(hall: &Hall) -> Option<OwnedSemaphorePermit> {
    let permit = tokio::time::timeout(WAIT, Arc::clone(&hall.room).acquire_owned()).await;
    permit.ok()?.ok()
}

fn busy() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, AGAIN)]).into_response()
}

/// Reads places of the file, one behind the other; the caller has bounded them.
async fn read(shelved: Arc<Shelved>, places: Vec<(u64, u64)>) -> io::Result<Bytes> {
    let work = move || {
        let mut all = Vec::new();
        for (at, len) in places {
            let len = usize::try_from(len).map_err(|_| io::ErrorKind::InvalidInput)?;
            let piece = shelved.read_at(at, len)?;
            if all.is_empty() {
                all = piece;
            } else {
                all.extend_from_slice(&piece);
            }
        }
        Ok(Bytes::from(all))
    };
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn octets(bytes: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response()
}

/// Sends bytes chunk by chunk and keeps the room until the last is taken, or nobody takes the next in time.
fn sent(mut bytes: Bytes, permit: OwnedSemaphorePermit) -> Response {
    let size = bytes.len() as u64;
    if bytes.len() <= CHUNK {
        return octets(bytes);
    }
    let (pieces, outbox) = tokio::sync::mpsc::channel::<io::Result<Bytes>>(1);
    tokio::spawn(async move {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(CHUNK));
            let handed = tokio::time::timeout(CHUNK_PATIENCE, pieces.send(Ok(chunk))).await;
            if !matches!(handed, Ok(Ok(()))) {
                break;
            }
        }
        drop(permit);
    });
    streamed(size, outbox)
}

fn streamed(size: u64, outbox: tokio::sync::mpsc::Receiver<io::Result<Bytes>>) -> Response {
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

/// 64 hexadecimal digits.
fn hash(name: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if name.len() != 64 || !name.is_ascii() {
        return None;
    }
    for (n, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(name.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    // One name for one section: `+f` is a number for the standard library.
    name.bytes().all(|b| b.is_ascii_hexdigit()).then_some(hash)
}

/// `bytes=a-b` within so many bytes: where, and how many.
fn wanted(range: &str, len: u64) -> Option<(u64, u64)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let from: u64 = from.parse().ok()?;
    let to: u64 = to.parse().ok()?;
    let count = to.checked_sub(from)?.checked_add(1)?;
    (from.checked_add(count)? <= len).then_some((from, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_hash_is_a_name_and_only_what_is_there_a_range() {
        assert_eq!(hash(&"0f".repeat(32)), Some([15; 32]));
        for wrong in [
            "",
            "0f",
            &"0g".repeat(32),
            &"+f".repeat(32),
            &"0f".repeat(33),
            &"あ".repeat(22),
        ] {
            assert_eq!(hash(wrong), None, "{wrong}");
        }
        assert_eq!(wanted("bytes=0-0", 1), Some((0, 1)));
        assert_eq!(wanted("bytes=10-19", 20), Some((10, 10)));
        for wrong in [
            "bytes=10-20",
            "bytes=5-4",
            "bytes=-5",
            "bytes=5-",
            "0-1",
            "bytes=0-18446744073709551615",
            "",
        ] {
            assert_eq!(wanted(wrong, 20), None, "{wrong}");
        }
    }
}
