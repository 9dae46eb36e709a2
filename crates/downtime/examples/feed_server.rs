//! The hub's own listener with its log, alone in a process, so that a load from outside can be told from it:
//! `cargo run --release -p downtime --example feed_server FOLDER`.
//!
//! It says `listening ADDRESS` and ends with its standard input. Messages go to the folder, which is emptied first. It deliberately sends
//! nothing to itself: `cargo xtask bench --only mllp` does, to this and to servers written in other languages.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, dead_code, unused_imports)]

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use chart::Moment;
use downtime::feeds::{Inbox, Place, SEGMENT_BYTES};
use rand_core::UnwrapErr;
use vault::files::Disk;
use vault::keys::StationSecret;
use vault::{HospitalId, StationId};

#[path = "../../tomoshibi/src/feed_listener.rs"]
mod feed_listener;

use feed_listener::{Listener, Network, Paces, Settings};

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap());
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
    println!("listening {}", listener.address());
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    drop(listener);
    let taken = inbox.overview();
    eprintln!("{} messages stored, {} again", taken.stored, taken.again);
}
