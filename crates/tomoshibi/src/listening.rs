//! The door: connections are accepted, proven over TLS where there is a certificate, and served within limits.
//!
//! Whoever is slow pays alone: a handshake, the head of a request, its body and every answer have their time, one address has so many
//! connections and all together so many. Deliberately absent: what is asked and answered, which certificate is shown ([`crate::server_tls`]).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crowd::{Crowd, Place};
use steady::Steady;

mod crowd;
mod paced;
mod plain;
mod steady;
#[cfg(test)]
mod tests;

/// How much is allowed at one door.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once. More wait in the system's own queue until one is free.
    pub all: usize,
    /// Connections of one address at once. More are hung up on. This machine itself is not counted.
    pub each: usize,
    /// Until a handshake is through.
    pub handshake: Duration,
    /// Until the head of a request is there; a connection without a request lives as long.
    pub head: Duration,
    /// For the first bytes of a body, and once more for every [`FLOOR`] of it.
    pub body: Duration,
    /// Without the other end taking a byte of an answer.
    pub stall: Duration,
    /// For requests under way when told to stop.
    pub farewell: Duration,
}

/// Bytes of a request's body in each of [`Limits::body`].
pub const FLOOR: u64 = 256 << 10;

impl Default for Limits {
    /// A thousand stations and as many browsers, none of which waits for a slow one.
    fn default() -> Self {
        Self {
            all: 4_096,
            each: 64,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(15),
            body: Duration::from_secs(20),
            stall: Duration::from_secs(30),
            farewell: Duration::from_secs(20),
        }
    }
}

/// Largest head of a request, in bytes; as much is held back of an answer at most.
const MAX_HEAD: usize = 64 << 10;
/// First byte of a TLS record that opens a handshake (RFC 8446 §5.1).
const HANDSHAKE: u8 = 0x16;
/// Pause after the system refused a connection, for instance because it has no more file handles.
const BREATH: Duration = Duration::from_millis(50);

/// Where connections come in and what answers them.
pub struct Door {
    /// Bound already.
    pub listener: TcpListener,
    /// TLS, where this door speaks it. Whoever comes without it is told so and nothing else.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// What answers.
    pub router: Router,
    /// What answers without TLS at a door that speaks it: what other stations ask, until all of them have certificates.
    pub plain: Option<Router>,
    /// How much is allowed.
    pub limits: Limits,
}

/// Serves until told to stop; requests in flight are finished, within [`Limits::farewell`].
///
/// # Errors
/// When the door has no address.
pub async fn serve(door: Door, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    let port = door.listener.local_addr()?.port();
    let limits = door.limits;
    let walk = |router: Router| {
        router.layer(axum::middleware::from_fn(move |request, next| {
            paced::paced(request, next, limits.body)
        }))
    };
    let hall = Arc::new(Hall {
        tls: door.tls.map(TlsAcceptor::from),
        router: walk(door.router),
        plain: walk(plain::router(port, door.plain)),
        limits,
        crowd: Crowd::new(limits.each),
    });
    let free = Arc::new(Semaphore::new(limits.all));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = async {
            // A place before a connection: what cannot be served is not taken from the queue.
            let permit = Arc::clone(&free).acquire_owned().await.ok();
            (permit, door.listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accepted => accepted,
        };
        match (permit, accepted) {
            (Some(permit), Ok((stream, from))) => {
                let Some(place) = hall.crowd.enter(from.ip()) else {
                    tracing::debug!(%from, "too many connections of one address");
                    continue;
                };
                let (hall, watcher) = (Arc::clone(&hall), graceful.watcher());
                tokio::spawn(hall.receive(stream, from, watcher, (permit, place)));
            }
            (_, Err(error)) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(BREATH).await;
            }
            (None, _) => break,
        }
    }
    drop(door.listener);
    let _ = timeout(limits.farewell, graceful.shutdown()).await;
    Ok(())
}

/// What all connections of a door share.
struct Hall {
    tls: Option<TlsAcceptor>,
    router: Router,
    plain: Router,
    limits: Limits,
    crowd: Crowd,
}

impl Hall {
    async fn receive(
        self: Arc<Self>,
        stream: TcpStream,
        from: SocketAddr,
        watcher: Watcher,
        _held: (OwnedSemaphorePermit, Place),
    ) {
        // Small answers must not wait for more.
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else {
            let stream = Steady::new(stream, self.limits.stall);
            self.talk(stream, from, self.router.clone(), watcher).await;
            return;
        };
        let mut first = [0; 1];
        let peeked = timeout(self.limits.handshake, stream.peek(&mut first)).await;
        match peeked {
            Ok(Ok(1..)) if first == [HANDSHAKE] => {}
            Ok(Ok(1..)) => {
                let stream = Steady::new(stream, self.limits.stall);
                self.talk(stream, from, self.plain.clone(), watcher).await;
                return;
            }
            _ => return,
        }
        let stream = Steady::new(stream, self.limits.stall);
        match timeout(self.limits.handshake, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.talk(stream, from, self.router.clone(), watcher).await,
            Ok(Err(error)) => tracing::debug!(%from, %error, "no handshake"),
            Err(_) => tracing::debug!(%from, "a handshake took too long"),
        }
    }

    async fn talk(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        from: SocketAddr,
        router: Router,
        watcher: Watcher,
    ) {
        let rooms = TowerToHyperService::new(router);
        // Who asks: the audit log names the address of a terminal that nobody knows yet.
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(from));
            rooms.call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

/// True for an address that only this machine reaches.
#[must_use]
pub fn is_this_machine(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}
