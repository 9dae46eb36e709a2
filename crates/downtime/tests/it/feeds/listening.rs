//! The listener, spoken to directly: answers, faults, crowds, strangers, TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use downtime::feeds::{Inbox, Place};
use hl7::mllp::{Event, Framer, frame};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use vault::files::{Disk, Files};
use vault::simfs::SimFs;

use super::feed_listener::{Listener, Network, Paces, Settings, tls};
use super::{NOW, control, message, place, random, secret, stored};

pub fn settings() -> Settings {
    Settings {
        name: "ehr".into(),
        listen: "127.0.0.1:0".into(),
        senders: vec![Network::parse("127.0.0.0/8").unwrap()],
        tls: None,
        most_connections: 64,
        most_per_sender: 64,
        most_bytes: 1 << 20,
        paces: Paces::default(),
        facility: "KAKU".into(),
    }
}

pub struct Running {
    pub inbox: Arc<Inbox>,
    pub place: Place,
    pub listener: Listener,
    _dir: tempfile::TempDir,
}

pub fn running(change: impl FnOnce(&mut Settings)) -> Running {
    over(Arc::new(Disk), change)
}

fn over(files: Arc<dyn Files>, change: impl FnOnce(&mut Settings)) -> Running {
    let dir = tempfile::tempdir().unwrap();
    let place = place(files, &dir.path().join("feed"), &secret());
    let inbox = Arc::new(Inbox::start(place.clone(), 400, Box::new(random())).unwrap());
    let mut settings = settings();
    change(&mut settings);
    let listener = Listener::start(settings, Arc::clone(&inbox), Arc::new(|| NOW)).unwrap();
    Running {
        inbox,
        place,
        listener,
        _dir: dir,
    }
}

pub fn connect(to: std::net::SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// So many answers, as text; fewer when the other side closes.
pub fn answers(stream: &mut impl Read, wanted: usize) -> Vec<String> {
    let (mut framer, mut found, mut buffer) = (Framer::new(1 << 20), Vec::new(), [0; 4_096]);
    while found.len() < wanted {
        let Ok(read @ 1..) = stream.read(&mut buffer) else {
            break;
        };
        framer.feed(&buffer[..read], &mut |event| {
            if let Event::Frame(bytes) = event {
                found.push(String::from_utf8(bytes).unwrap());
            }
        });
    }
    found
}

/// MSA-1 and MSA-2.
pub fn verdict(answer: &str) -> (String, String) {
    let message = hl7::Message::parse(answer).unwrap();
    let part = |number| message.field("MSA", number).text().into_owned();
    (part(1), part(2))
}

fn ask(stream: &mut (impl Read + Write), bytes: &[u8]) -> (String, String) {
    stream.write_all(&frame(bytes)).unwrap();
    let found = answers(stream, 1);
    verdict(found.first().map_or("", String::as_str))
}

fn said(code: &str, control: &str) -> (String, String) {
    (code.to_owned(), control.to_owned())
}

#[test]
fn what_is_kept_is_answered_and_what_is_answered_is_kept() {
    let running = running(|_| ());
    let mut sender = connect(running.listener.address());
    assert_eq!(ask(&mut sender, &message("1", "港区")), said("AA", "1"));
    assert_eq!(ask(&mut sender, &message("1", "港区")), said("AA", "1"), "a resend");
    assert_eq!(
        ask(&mut sender, b"MSH|^~\\&|HIS|KAKU|||20261120||ADT^A08||P|2.5\rPID|||7"),
        said("AR", "")
    );
    assert_eq!(
        ask(&mut sender, b"MSH|^~\\&|HIS|KAKU|||20261120|||9|P|2.5\rPID|||7"),
        said("AR", "9")
    );
    assert_eq!(ask(&mut sender, b"<xml/>"), said("AR", ""));
    assert_eq!(ask(&mut sender, b""), said("AR", ""));
    let kept = stored(&running.place);
    assert_eq!(
        kept.iter().map(|message| message.faulty).collect::<Vec<_>>(),
        [false, true, true, true, true]
    );
    assert_eq!(control(&kept[0]), "1");
    // In one write, cut anywhere: each answered, in order, the answers after all of them are kept.
    let stream: Vec<u8> = (10..30)
        .flat_map(|number| frame(&message(&number.to_string(), "港区")))
        .collect();
    for piece in stream.chunks(777) {
        sender.write_all(piece).unwrap();
    }
    let found: Vec<_> = answers(&mut sender, 20).iter().map(|answer| verdict(answer)).collect();
    assert_eq!(
        found,
        (10..30)
            .map(|number| said("AA", &number.to_string()))
            .collect::<Vec<_>>()
    );
    assert_eq!(stored(&running.place).len(), 25);
    let overview = running.inbox.overview();
    assert_eq!(
        (overview.again, overview.faulty, overview.last_received),
        (1, 4, Some(NOW))
    );
}

#[test]
fn enhanced_mode_and_the_senders_own_encoding() {
    let running = running(|_| ());
    let mut sender = connect(running.listener.address());
    let enhanced = b"MSH|^~\\&|HIS|KAKU|||20261120||ADT^A08|77|P|2.5|||AL|NE\rPID|||7";
    assert_eq!(ask(&mut sender, enhanced), said("CA", "77"));
    let sjis = b"MSH|^~\\&|HIS|\x89\xcb\x8b\xf3|||20261120||ADT^A08|78|P|2.5\rPID|||7";
    sender.write_all(&frame(sjis)).unwrap();
    let mut answer = [0; 200];
    let read = sender.read(&mut answer).unwrap();
    assert!(
        answer[..read].windows(4).any(|window| window == b"\x89\xcb\x8b\xf3"),
        "the sender's facility comes back as it was"
    );
}

#[test]
fn a_message_beyond_the_bound_is_refused_and_the_next_one_taken() {
    let running = running(|settings| settings.most_bytes = 5_000);
    let mut sender = connect(running.listener.address());
    let mut long = message("1", "港区");
    long.resize(100_000, b'x');
    assert_eq!(ask(&mut sender, &long), said("AR", "1"));
    assert_eq!(ask(&mut sender, &message("2", "港区")), said("AA", "2"));
    assert_eq!(stored(&running.place).len(), 1);
}

#[test]
fn a_disk_that_takes_nothing_asks_for_a_resend() {
    let fs = SimFs::new(1);
    let running = over(Arc::new(fs.clone()), |_| ());
    let mut sender = connect(running.listener.address());
    fs.full_in(0);
    assert_eq!(ask(&mut sender, &message("1", "港区")), said("AE", "1"));
    fs.heal();
    assert_eq!(ask(&mut sender, &message("1", "港区")), said("AA", "1"));
    assert_eq!(stored(&running.place).len(), 1);
}

#[test]
fn strangers_are_not_read() {
    let running = running(|settings| settings.senders = vec![Network::parse("10.0.3.0/24").unwrap()]);
    let mut stranger = connect(running.listener.address());
    let _ = stranger.write_all(&frame(&message("1", "港区")));
    assert!(answers(&mut stranger, 1).is_empty());
    assert!(stored(&running.place).is_empty());
    assert_eq!(
        running
            .listener
            .counts()
            .strangers
            .load(std::sync::atomic::Ordering::Relaxed),
        1
    );
}

#[test]
fn addresses_and_nets() {
    let holds = |net: &str, address: &str| Network::parse(net).unwrap().holds(address.parse().unwrap());
    assert!(holds("10.0.3.15", "10.0.3.15") && !holds("10.0.3.15", "10.0.3.16"));
    assert!(holds("10.0.3.0/24", "10.0.3.200") && !holds("10.0.3.0/24", "10.0.4.1"));
    assert!(holds("10.0.0.0/9", "10.127.0.1") && !holds("10.0.0.0/9", "10.128.0.1"));
    assert!(
        holds("10.0.3.15", "::ffff:10.0.3.15"),
        "an IPv4 sender at an IPv6 socket"
    );
    assert!(holds("fd00::/8", "fd12::1") && !holds("fd00::/8", "fe80::1") && !holds("0.0.0.0/0", "::1"));
    for wrong in ["", "10.0.3", "10.0.3.0/33", "10.0.3.0/x", "host"] {
        assert_eq!(Network::parse(wrong), None);
    }
}

#[test]
fn a_sender_that_returns_takes_its_silent_place() {
    let running = running(|settings| settings.most_per_sender = 2);
    let mut first = connect(running.listener.address());
    let mut second = connect(running.listener.address());
    assert_eq!(ask(&mut first, &message("1", "港区")), said("AA", "1"));
    assert_eq!(ask(&mut second, &message("2", "港区")), said("AA", "2"));
    let mut third = connect(running.listener.address());
    assert_eq!(ask(&mut third, &message("3", "港区")), said("AA", "3"));
    assert!(running.listener.connections() <= 2);
}

fn openssl(dir: &Path, arguments: &str) {
    let run = Command::new("openssl")
        .current_dir(dir)
        .args(arguments.split(' '))
        .output();
    let run = run.expect("openssl is needed: `cargo xtask setup` installs it");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn encrypted_with_a_certificate_of_the_sender() {
    let dir = tempfile::tempdir().unwrap();
    let ec = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30";
    openssl(
        dir.path(),
        &format!("req -x509 {ec} -keyout ca.key -out ca.pem -subj /CN=hospital"),
    );
    for name in ["server", "sender"] {
        let extension = "-addext subjectAltName=DNS:hub.test -addext basicConstraints=CA:FALSE";
        openssl(
            dir.path(),
            &format!(
                "req -x509 {ec} -CA ca.pem -CAkey ca.key -keyout {name}.key -out {name}.pem -subj /CN={name} {extension}"
            ),
        );
    }
    let file = |name: &str| dir.path().join(name);
    assert!(
        tls(&file("server.pem"), &file("sender.key"), None).is_err(),
        "a key of another certificate"
    );
    let config = tls(&file("server.pem"), &file("server.key"), Some(&file("ca.pem"))).unwrap();
    let running = running(|settings| settings.tls = Some(config));
    let client = |certificate: bool| {
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(file("ca.pem")).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = builder.with_root_certificates(roots);
        let config = if certificate {
            let chain = vec![CertificateDer::from_pem_file(file("sender.pem")).unwrap()];
            builder
                .with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(file("sender.key")).unwrap())
                .unwrap()
        } else {
            builder.with_no_client_auth()
        };
        let session =
            rustls::ClientConnection::new(Arc::new(config), ServerName::try_from("hub.test").unwrap()).unwrap();
        rustls::StreamOwned::new(session, connect(running.listener.address()))
    };
    assert_eq!(ask(&mut client(true), &message("1", "港区")), said("AA", "1"));
    let mut nobody = client(false);
    let _ = nobody.write_all(&frame(&message("2", "港区")));
    assert!(answers(&mut nobody, 1).is_empty(), "no certificate, no message");
    let mut plain = connect(running.listener.address());
    let _ = plain.write_all(&frame(&message("3", "港区")));
    assert!(answers(&mut plain, 1).is_empty(), "not in the clear either");
    let kept = stored(&running.place);
    assert_eq!(kept.len(), 1);
    assert!(kept[0].sender.contains("certificate"));
}
