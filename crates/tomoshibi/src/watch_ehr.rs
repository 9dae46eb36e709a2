//! Seeing that the EHR is there: a TCP connection to a configured port, every few seconds, from one thread.
//!
//! It proposes, people declare. Without a configured probe nothing is observed, and the mode bar never claims 通常.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Weak};
use std::time::Duration;

use downtime::stations::Station;

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Probes until the station is gone.
///
/// # Errors
/// When the thread cannot be started.
pub fn start(station: &Arc<Station>, address: String, every: Duration) -> std::io::Result<()> {
    let station = Arc::downgrade(station);
    std::thread::Builder::new()
        .name("watch-ehr".into())
        .spawn(move || probe(&station, &address, every))?;
    Ok(())
}

fn probe(station: &Weak<Station>, address: &str, every: Duration) {
    loop {
        let answered = answers(address);
        let Some(station) = station.upgrade() else { return };
        station.observe_ehr(answered);
        drop(station);
        std::thread::sleep(every);
    }
}

fn answers(address: &str) -> bool {
    let Ok(addresses) = address.to_socket_addrs() else {
        return false;
    };
    addresses
        .into_iter()
        .any(|one| TcpStream::connect_timeout(&one, PATIENCE).is_ok())
}
