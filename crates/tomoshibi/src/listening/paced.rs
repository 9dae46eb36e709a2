//! The body of a request must come at a walking pace: so much time for the first bytes, and as much again for every 256 KiB.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::FLOOR;

/// Gives the request's body its time.
pub async fn paced(request: Request, next: Next, each: Duration) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    next.run(request.map(|body| with_time(body, each))).await
}

fn with_time(body: Body, each: Duration) -> Body {
    let begun = Instant::now();
    let start = (body.into_data_stream(), 0_u64);
    Body::from_stream(futures_util::stream::unfold(Some(start), move |state| async move {
        let (mut stream, taken) = state?;
        let turns = u32::try_from(taken / FLOOR).unwrap_or(u32::MAX).saturating_add(1);
        let until = begun + each.saturating_mul(turns);
        match timeout_at(until, stream.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(piece))) => {
                let taken = taken.saturating_add(piece.len() as u64);
                Some((Ok(piece), Some((stream, taken))))
            }
            Ok(Some(Err(error))) => Some((Err(std::io::Error::other(error)), None)),
            Err(_) => {
                let slow = std::io::Error::new(std::io::ErrorKind::TimedOut, "the body comes too slowly");
                Some((Err::<Bytes, _>(slow), None))
            }
        }
    }))
}
