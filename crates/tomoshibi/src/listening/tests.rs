//! The door from outside, over real sockets: who gets in, who does not, and that the slow wait for themselves alone.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use axum::body::Bytes;
use axum::routing::{get, post};
use chart::Moment;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use wire::hospital::{Authorities, Met};
use wire::tls::Plain;

use super::*;
use crate::authority::tests::{machine, made};
use crate::authority::{DAY, Issuing, RootFile};
use crate::server_tls::{Identity, Served};

/// Short enough for a test, long enough for a busy machine.
const SHORT: Duration = Duration::from_millis(700);

fn limits() -> Limits {
    Limits {
        handshake: SHORT,
        head: SHORT,
        body: SHORT,
        stall: SHORT,
        ..Limits::default()
    }
}

/// An open door; closed when dropped.
struct Open {
    address: SocketAddr,
    served: Served,
    asked: Arc<AtomicUsize>,
    /// Lets `/late` answer.
    late: Arc<tokio::sync::Notify>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    runtime: Option<tokio::runtime::Runtime>,
    ended: std::sync::mpsc::Receiver<()>,
}

/// Answers of so many bytes, for whoever does not take them.
const MUCH: usize = 64 << 20;

fn open(tls: bool, limits: Limits) -> Open {
    open_with(tls, limits, None)
}

fn open_with(tls: bool, limits: Limits, plain: Option<Router>) -> Open {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let (address, served, asked) = (
        listener.local_addr().unwrap(),
        Served::default(),
        Arc::new(AtomicUsize::new(0)),
    );
    let count = Arc::clone(&asked);
    let late = Arc::new(tokio::sync::Notify::new());
    let waits = Arc::clone(&late);
    let router = Router::new()
        .route("/parcel/word", get(|| async { "word" }))
        .route("/take", post(|body: Bytes| async move { body.len().to_string() }))
        .route(
            "/who",
            get(|ConnectInfo(from): ConnectInfo<SocketAddr>| async move { from.to_string() }),
        )
        .route("/much", get(|| async { vec![7_u8; MUCH] }))
        .route(
            "/late",
            get(move || async move {
                waits.notified().await;
                "late"
            }),
        )
        .layer(axum::middleware::from_fn(
            move |request, next: axum::middleware::Next| {
                count.fetch_add(1, Ordering::SeqCst);
                next.run(request)
            },
        ));
    let (stop, told) = tokio::sync::oneshot::channel();
    let door = Door {
        listener,
        tls: tls.then(|| served.config().unwrap()),
        router,
        plain,
        limits,
    };
    let (tell, ended) = std::sync::mpsc::channel();
    runtime.spawn(async move {
        serve(door, async move {
            let _ = told.await;
        })
        .await
        .unwrap();
        let _ = tell.send(());
    });
    Open {
        address,
        served,
        asked,
        late,
        stop: Some(stop),
        runtime: Some(runtime),
        ended,
    }
}

impl Open {
    fn show(&self, issuing: &Issuing, name: &str, at: Moment) {
        let (key, chain) = machine(issuing, name, at);
        self.served
            .show(Identity::new(&key, chain, &[name.to_owned()]).shown().unwrap());
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// What is answered to these bytes until the other end hangs up.
    fn plainly(&self, bytes: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn trusting(root: &RootFile) -> Authorities {
    let authorities = Authorities::default();
    authorities.trust(&[root.certificate().to_vec()]).unwrap();
    authorities
}

fn visit(authorities: &Authorities, url: &str) -> Result<String> {
    let agent = authorities.agent(Duration::from_secs(20), Plain::ThisMachine)?;
    Ok(agent.get(url).call()?.into_body().read_to_string()?)
}

#[test]
fn who_is_believed_and_who_is_not() {
    // (made so many days ago, name in the certificate, called by, own root, goes, what is remembered)
    let now = crate::clock::now();
    let days = |n: i64| Moment(now.0 + n * DAY);
    let door = open(true, limits());
    let port = door.address.port();
    let (stranger, _) = made(now);
    for (what, at, name, called, foreign, goes) in [
        ("as it should be", days(0), "127.0.0.1", "127.0.0.1", false, true),
        ("by its name", days(0), "localhost", "localhost", false, true),
        ("another authority", days(0), "127.0.0.1", "127.0.0.1", true, false),
        ("another name", days(0), "localhost", "127.0.0.1", false, false),
        ("ended", days(-120), "127.0.0.1", "127.0.0.1", false, true),
        (
            "ended with its hub's key",
            days(-900),
            "127.0.0.1",
            "127.0.0.1",
            false,
            true,
        ),
        ("ended, another name", days(-120), "10.0.0.1", "127.0.0.1", false, false),
        (
            "ended, another authority",
            days(-120),
            "127.0.0.1",
            "127.0.0.1",
            true,
            false,
        ),
        ("not yet", days(30), "127.0.0.1", "127.0.0.1", false, true),
        ("not yet, another name", days(30), "10.0.0.1", "127.0.0.1", false, false),
    ] {
        let (root, issuing) = made(at);
        door.show(&issuing, name, at);
        let authorities = trusting(if foreign { &stranger } else { &root });
        let before = door.asked.load(Ordering::SeqCst);
        let answer = visit(&authorities, &format!("https://{called}:{port}/parcel/word"));
        assert_eq!(answer.is_ok(), goes, "{what}: {answer:?}");
        let heard = door.asked.load(Ordering::SeqCst) - before;
        assert_eq!(
            heard,
            usize::from(goes),
            "{what}: nothing is said before the other end is proven"
        );
        let met = authorities.met().remove(called);
        let right = match (goes, at.0.cmp(&now.0)) {
            (false, _) => matches!(met, Some(Met::Refused(_))),
            (true, std::cmp::Ordering::Less) => matches!(met, Some(Met::Expired(_))),
            (true, std::cmp::Ordering::Greater) => matches!(met, Some(Met::NotYet(_))),
            (true, std::cmp::Ordering::Equal) => met == Some(Met::Well),
        };
        assert!(right, "{what}: {met:?}");
    }
    let nobody = Authorities::default();
    assert!(
        visit(&nobody, &format!("https://127.0.0.1:{port}/parcel/word")).is_err(),
        "no authority, no line"
    );
}

#[test]
fn doors_that_speak_otherwise_say_so_and_take_nothing() {
    let now = crate::clock::now();
    let (root, issuing) = made(now);
    let (tls, plain) = (open(true, limits()), open(false, limits()));
    tls.show(&issuing, "127.0.0.1", now);
    let authorities = trusting(&root);
    // Plain to TLS.
    let page = tls.plainly("GET /reception?q=secret HTTP/1.1\r\nhost: hub.local:9\r\n\r\n");
    let place = format!("location: https://hub.local:{}/reception\r\n", tls.address.port());
    assert!(
        page.starts_with("HTTP/1.1 307") && page.contains(&place) && !page.contains("secret"),
        "{page}"
    );
    let form = tls.plainly("POST /sign-in HTTP/1.1\r\nhost: hub.local\r\ncontent-length: 12\r\n\r\npassword=abc");
    assert!(
        form.starts_with("HTTP/1.1 403") && form.contains("受け取っていません"),
        "{form}"
    );
    let parcel = visit(&authorities, &format!("http://{}/parcel/word", tls.address));
    assert!(parcel.is_err());
    assert_eq!(tls.asked.load(Ordering::SeqCst), 0, "nothing of it reached the station");
    // TLS to plain.
    assert!(visit(&authorities, &format!("https://{}/parcel/word", plain.address)).is_err());
    assert_eq!(plain.asked.load(Ordering::SeqCst), 0);
    // Plain to elsewhere is not even tried.
    let refused = visit(&authorities, "http://192.0.2.1:8301/parcel/word")
        .unwrap_err()
        .to_string();
    assert!(refused.contains("https only"), "{refused}");
    // TLS 1.2, from a client that would take it.
    for (version, gets_in) in [(&rustls::version::TLS12, false), (&rustls::version::TLS13, true)] {
        let mut stream = StreamOwned::new(client(&root, version), tls.connect());
        let said = stream.write_all(b"GET /parcel/word HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let mut answer = Vec::new();
        let _ = said.and_then(|()| stream.read_to_end(&mut answer));
        assert_eq!(answer.ends_with(b"word"), gets_in, "{version:?}");
    }
}

#[test]
fn rooms_are_told_who_asks() {
    let now = crate::clock::now();
    let (root, issuing) = made(now);
    let (tls, plain) = (open(true, limits()), open(false, limits()));
    tls.show(&issuing, "127.0.0.1", now);
    let mut stream = plain.connect();
    let own = stream.local_addr().unwrap().to_string();
    stream
        .write_all(b"GET /who HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with(&own), "{answer}");
    let secured = visit(&trusting(&root), &format!("https://{}/who", tls.address)).unwrap();
    assert!(secured.starts_with("127.0.0.1:"), "{secured}");
}

/// The library's own client, as any program would use it.
fn client(root: &RootFile, version: &'static rustls::SupportedProtocolVersion) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(root.certificate().to_vec().into()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let config = builder.with_protocol_versions(&[version]).unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    ClientConnection::new(Arc::new(config), ServerName::try_from("127.0.0.1").unwrap()).unwrap()
}

fn secured(door: &Open, root: &RootFile) -> StreamOwned<ClientConnection, TcpStream> {
    let mut stream = StreamOwned::new(client(root, &rustls::version::TLS13), door.connect());
    stream.conn.complete_io(&mut stream.sock).unwrap();
    stream
}

/// One answer of a connection that stays open.
fn ask(stream: &mut impl ReadWrite) -> String {
    stream
        .write_all(b"GET /parcel/word HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    while !answer.ends_with("word") {
        let mut piece = [0; 512];
        let n = stream.read(&mut piece).unwrap();
        assert!(n > 0, "hung up after {answer}");
        answer.push_str(&String::from_utf8_lossy(&piece[..n]));
    }
    answer
}

trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

/// True when the other end hangs up.
fn hung_up(stream: &mut impl Read) -> bool {
    let mut piece = [0; 65_536];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => {
                return !matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                );
            }
        }
    }
}

#[test]
fn while_a_hospital_changes_over_stations_are_answered_in_the_clear_and_people_are_not() {
    let others = Router::new().route("/parcel/word", get(|| async { "in the clear" }));
    let door = open_with(true, limits(), Some(others));
    let asked = |path: &str| {
        door.plainly(&format!(
            "GET {path} HTTP/1.1\r\nhost: hub.local\r\nconnection: close\r\n\r\n"
        ))
    };
    assert!(asked("/parcel/word").ends_with("in the clear"));
    assert!(asked("/parcel/snapshot").starts_with("HTTP/1.1 403"));
    assert!(asked("/sign-in").starts_with("HTTP/1.1 307"));
    assert_eq!(door.asked.load(Ordering::SeqCst), 0);
}

#[test]
fn a_new_certificate_counts_from_the_next_handshake_on() {
    let now = crate::clock::now();
    let (root, issuing) = made(now);
    let door = open(true, Limits::default());
    door.show(&issuing, "127.0.0.1", now);
    let mut before = secured(&door, &root);
    ask(&mut before);
    let first = before.conn.peer_certificates().unwrap()[0].to_vec();
    // The yearly renewal of the hub's key, and a certificate under it, while somebody works.
    let issuing = root.issuing("seven lanterns on a quiet canal", now).unwrap();
    door.show(&issuing, "127.0.0.1", now);
    ask(&mut before);
    let mut after = secured(&door, &root);
    ask(&mut after);
    assert_ne!(after.conn.peer_certificates().unwrap()[0].to_vec(), first);
}

#[test]
fn the_slow_are_hung_up_on_and_honest_ones_are_served_meanwhile() {
    let now = crate::clock::now();
    let (root, issuing) = made(now);
    // Fewer places than slow callers: they come one behind the other and each has its time.
    let door = open(true, Limits { all: 24, ..limits() });
    door.show(&issuing, "127.0.0.1", now);
    let mut silent: Vec<TcpStream> = (0..20).map(|_| door.connect()).collect();
    let mut half: Vec<_> = (0..10)
        .map(|_| {
            let mut stream = door.connect();
            stream.write_all(&[HANDSHAKE, 3, 1]).unwrap();
            stream
        })
        .collect();
    let honest: Vec<_> = (0..8)
        .map(|_| {
            let (authorities, url) = (trusting(&root), format!("https://{}/parcel/word", door.address));
            std::thread::spawn(move || (0..3).map(|_| visit(&authorities, &url).unwrap()).collect::<Vec<_>>())
        })
        .collect();
    for one in honest {
        assert_eq!(one.join().unwrap(), ["word"; 3]);
    }
    assert!(silent.iter_mut().chain(&mut half).all(hung_up));
    // The head of a request, a byte at a time, over a good handshake.
    let mut head = secured(&door, &root);
    let begun = Instant::now();
    head.sock.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    while head.write_all(b"G").and_then(|()| head.flush()).is_ok() && begun.elapsed() < Duration::from_secs(15) {
        // A pause between two bytes, unless an answer comes.
        if hung_up(&mut head) {
            break;
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "a head never ends");
    // A connection that asked and asks no more.
    let mut idle = secured(&door, &root);
    ask(&mut idle);
    assert!(hung_up(&mut idle));
}

#[test]
fn bodies_come_at_a_walking_pace_and_answers_are_taken() {
    let door = open(false, Limits { all: 1, ..limits() });
    // A whole body is as good as ever.
    assert!(
        door.plainly("POST /take HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc")
            .ends_with("\r\n\r\n3")
    );
    let mut slow = door.connect();
    slow.write_all(b"POST /take HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nabc")
        .unwrap();
    assert!(hung_up(&mut slow));
    // The only place is free again, and taken by somebody who asks for much and takes nothing.
    let mut deaf = door.connect();
    deaf.write_all(b"GET /much HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let after = door.plainly("GET /parcel/word HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(after.ends_with("word"), "{after}");
    let mut taken = Vec::new();
    let _ = deaf.read_to_end(&mut taken);
    assert!(taken.len() < MUCH, "an answer that nobody took was given up");
}

#[test]
fn told_to_stop_requests_under_way_are_finished() {
    let mut door = open(false, Limits::default());
    let mut under_way = door.connect();
    under_way.write_all(b"GET /late HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut idle = door.connect();
    ask(&mut idle);
    while door.asked.load(Ordering::SeqCst) < 2 {
        std::thread::yield_now();
    }
    drop(door.stop.take());
    // Nobody new gets in, and whoever asked is still waiting.
    while TcpStream::connect(door.address).is_ok() {
        std::thread::yield_now();
    }
    door.late.notify_one();
    let mut answer = String::new();
    under_way.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("late"), "{answer}");
    assert!(hung_up(&mut idle));
    door.ended.recv_timeout(Duration::from_secs(20)).unwrap();
}
