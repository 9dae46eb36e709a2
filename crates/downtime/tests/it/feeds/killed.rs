//! A listener in a process of its own, killed while four senders send: every message that was answered is there, once.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use downtime::feeds::{Inbox, Place};
use hl7::mllp::frame;
use vault::files::Disk;
use vault::keys::StationSecret;

use super::feed_listener::Listener;
use super::listening::{answers, settings, verdict};
use super::{NOW, control, message, place, random, secret, stored};

const DIRECTORY: &str = "DOWNTIME_TEST_FEED";
const SENDERS: u64 = 4;

fn there(dir: &Path) -> Place {
    let key = std::fs::read(dir.join("station.key")).unwrap();
    let secret = Arc::new(StationSecret::from_file_bytes(&key).unwrap());
    let mut place = place(Arc::new(Disk), &dir.join("feed"), &secret);
    // Rotation and rewriting happen in most lives.
    place.segment_bytes = 200_000;
    place
}

/// The other process. In an ordinary run of the tests nobody asks for it.
#[test]
fn the_listener() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    let inbox = Arc::new(Inbox::start(there(Path::new(&dir)), 400, Box::new(random())).unwrap());
    let listener = Listener::start(settings(), inbox, Arc::new(|| NOW)).unwrap();
    println!("listening {}", listener.address());
    // Until it is killed, or whoever began it has gone.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn begin(dir: &Path) -> (Child, std::net::SocketAddr) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "feeds::killed::the_listener",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(DIRECTORY, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines.find_map(|line| Some(line.unwrap().split_once("listening ")?.1.parse().unwrap()));
    (child, address.expect("the listener says where it listens"))
}

/// Sends until the connection breaks; returns what was answered with AA. What was not answered is sent first in the next life.
fn send(to: std::net::SocketAddr, sender: u64, next: &mut u64, answered: &AtomicU64) -> Vec<String> {
    let mut kept = Vec::new();
    let Ok(mut stream) = std::net::TcpStream::connect(to) else {
        return kept;
    };
    loop {
        let control = format!("{sender}-{next}");
        if stream.write_all(&frame(&message(&control, "港区"))).is_err() {
            return kept;
        }
        let Some(answer) = answers(&mut stream, 1).pop() else {
            return kept;
        };
        assert_eq!(verdict(&answer), ("AA".to_owned(), control.clone()));
        kept.push(control);
        *next += 1;
        answered.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn every_answered_message_survives_the_kill() {
    let lives = if std::env::var_os("TORTURE").is_some() { 200 } else { 20 };
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("station.key"), &*secret().to_file_bytes()).unwrap();
    let mut acknowledged: Vec<String> = Vec::new();
    let mut next = [0_u64; SENDERS as usize];
    for life in 0..lives {
        let (mut child, address) = begin(dir.path());
        let answered = AtomicU64::new(0);
        // Another moment in every life.
        let wanted = 5 + life * 7 % 60;
        let count = &answered;
        std::thread::scope(|scope| {
            let senders: Vec<_> = (0..SENDERS)
                .zip(&mut next)
                .map(|(sender, next)| scope.spawn(move || send(address, sender, next, count)))
                .collect();
            while answered.load(Ordering::SeqCst) < wanted && senders.iter().any(|sender| !sender.is_finished()) {
                std::thread::yield_now();
            }
            child.kill().unwrap();
            for sender in senders {
                acknowledged.extend(sender.join().unwrap());
            }
        });
        child.wait().unwrap();
        let found: Vec<_> = stored(&there(dir.path())).iter().map(control).collect();
        let mut sorted = found.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), found.len(), "nothing twice");
        for control in &acknowledged {
            assert!(
                sorted.binary_search(control).is_ok(),
                "{control} was answered and is lost in life {life}"
            );
        }
    }
    assert!(acknowledged.len() as u64 >= lives * 5);
}
