//! How many messages a second a feed takes durably: `cargo run --release -p downtime --example feed_load [connections] [seconds] [folder]`.
//!
//! The hub's own listener, spoken to over TCP, each connection waiting for its answer; beside it bare appends with `fdatasync`, which one sender
//! alone cannot beat. Nothing is asserted: this is for who compares.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, dead_code, unused_imports)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chart::Moment;
use downtime::feeds::{Inbox, Place, SEGMENT_BYTES};
use rand_core::UnwrapErr;
use vault::files::Disk;
use vault::keys::StationSecret;
use vault::{HospitalId, StationId};

#[path = "../../tomoshibi/src/feed_listener.rs"]
mod feed_listener;

use feed_listener::{Listener, Network, Paces, Settings};

fn message(control: &str) -> Vec<u8> {
    let text = format!(
        "MSH|^~\\&|HIS|KAKU|GW|RCV|20261120093015.120||ADT^A08^ADT_A01|{control}|P|2.5||||||~ISO IR87||ISO 2022-1994\rEVN||20261120093015\r\
         PID|0001||0001234567^^^^PI||模擬^日出男^^^^^L^I~モギ^ヒデオ^^^^^L^P||19580302|M|||^^^^105-0000^JPN^H^東京都港区架空町１丁目２番３号\r\
         PV1|0001|I|05E^512^2^^^N||||D001^架空^花子^^^^^^^L^^^^^I|||01|||||||D001^架空^花子^^^^^^^L^^^^^I{}20261118140000\r{}",
        "|".repeat(27),
        "NTE|1|| \r".repeat(30)
    );
    let encoded = hl7::charset::encode(&text, hl7::Encoding::Iso2022Jp, hl7::charset::Policy::Refuse);
    hl7::mllp::frame(&encoded.unwrap().bytes)
}

/// One sender; returns how long each message waited for its answer.
fn send(to: std::net::SocketAddr, sender: usize, until: Instant) -> Vec<Duration> {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut waits, mut buffer) = (Vec::new(), [0; 4_096]);
    while Instant::now() < until {
        let framed = message(&format!("{sender}-{}", waits.len()));
        let begun = Instant::now();
        stream.write_all(&framed).unwrap();
        let mut read = 0;
        while !buffer[..read].ends_with(b"\x1c\r") {
            read += stream.read(&mut buffer[read..]).unwrap();
        }
        assert!(buffer[..read].windows(7).any(|window| window == b"MSA|AA|"));
        waits.push(begun.elapsed());
    }
    waits
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let connections: usize = arguments.next().map_or(64, |text| text.parse().unwrap());
    let seconds: f64 = arguments.next().map_or(5.0, |text| text.parse().unwrap());
    let folder = arguments
        .next()
        .map_or_else(|| PathBuf::from("target/feed-load"), PathBuf::from);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let mut rng = UnwrapErr(getrandom::SysRng);
    let place = Place {
        files: Arc::new(Disk),
        dir: folder.join("feed"),
        hospital: HospitalId([7; 16]),
        station: StationId([1; 16]),
        secret: Arc::new(StationSecret::random(&mut rng)),
        feed: "load".into(),
        segment_bytes: SEGMENT_BYTES,
    };
    let inbox = Arc::new(Inbox::start(place, 400, Box::new(rng)).unwrap());
    let settings = Settings {
        name: "load".into(),
        listen: "127.0.0.1:0".into(),
        senders: vec![Network::parse("127.0.0.1").unwrap()],
        tls: None,
        most_connections: 1_000,
        most_per_sender: 1_000,
        most_bytes: 1 << 20,
        paces: Paces::default(),
        facility: String::new(),
    };
    let listener = Listener::start(settings, Arc::clone(&inbox), Arc::new(|| Moment(1_795_000_000))).unwrap();
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    let address = listener.address();
    let senders: Vec<_> = (0..connections)
        .map(|sender| std::thread::spawn(move || send(address, sender, until)))
        .collect();
    let mut waits: Vec<Duration> = senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect();
    waits.sort_unstable();
    let at = |part: f64| waits[((waits.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    println!(
        "mllp.durable.{connections} {:.0} messages/s, median {:.2} ms, p99 {:.2} ms",
        waits.len() as f64 / seconds,
        at(0.5),
        at(0.99)
    );
    drop(listener);
    let mut file = std::fs::File::create(folder.join("bare")).unwrap();
    let (begun, mut appends) = (Instant::now(), 0_u32);
    while begun.elapsed().as_secs_f64() < seconds.min(2.0) {
        file.write_all(&[0x5a; 4_096]).unwrap();
        file.sync_data().unwrap();
        appends += 1;
    }
    println!(
        "fdatasync.bare {:.0} appends/s",
        f64::from(appends) / begun.elapsed().as_secs_f64()
    );
    let _ = std::fs::remove_dir_all(&folder);
}
