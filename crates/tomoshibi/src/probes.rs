//! Seeing what is there: a connection or a question to each configured probe, every few seconds, each from a thread of its own.
//!
//! Each thread only observes; what the observations mean is decided in `downtime::state`, and a downtime is declared by people. Without
//! any probe of the EHR nothing is observed, and the mode bar never claims 通常.

use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};

use chart::Moment;
use downtime::feeds::Inbox;
use downtime::state::{Probe, Quiet, Rhythm, counts_since};
use downtime::stations::Station;

use crate::config::probe::{Checked, Way};
use crate::feeds::Feeds;

/// How long a check may take in all.
const PATIENCE: Duration = Duration::from_secs(3);

/// Most addresses of one name that are tried.
const ADDRESSES: usize = 4;

/// Most files of a feed's folder that are looked at, and so the most that an interface engine may leave lying there.
const MAX_FILES: usize = 20_000;

/// How often what was learnt of a feed is written down.
const KEEP_EVERY: i64 = 60;

/// Largest file of what was learnt.
const MAX_RHYTHM: u64 = 64 << 10;

/// Tells the station what is watched and begins.
///
/// # Errors
/// When a thread cannot be started.
pub fn start(station: &Arc<Station>, probes: Vec<Checked>, data: &Path) -> std::io::Result<()> {
    let known = probes
        .iter()
        .map(|probe| Probe::new(&probe.name, probe.what, probe.via.as_deref()));
    station.watch(known.collect());
    for probe in probes {
        if let Way::Received(_) = probe.way {
            continue; // `start_feeds`, when the listeners are there.
        }
        let (station, data) = (Arc::downgrade(station), data.to_path_buf());
        let thread = std::thread::Builder::new().name("probe".into());
        thread.spawn(move || match probe.way.clone() {
            Way::Tcp(address) => watch(&station, &probe, || answers(&address, PATIENCE)),
            Way::Http(url) => {
                let agent = agent();
                watch(&station, &probe, || serves(&agent, &url));
            }
            Way::Folder(folder) => feed(&station, &probe, &data, None, || newest(&folder).ok_or(Unseen::NotNow)),
            // The visits to the hub are observed already; a listener has a thread that knows it.
            Way::Hub | Way::Received(_) => {}
        })?;
    }
    Ok(())
}

/// Begins to watch what this hub's listeners receive. It needs them running, so it comes after them.
///
/// # Errors
/// When a thread cannot be started.
pub fn start_feeds(station: &Arc<Station>, probes: Vec<Checked>, feeds: &Feeds, data: &Path) -> std::io::Result<()> {
    for probe in probes {
        let Way::Received(name) = &probe.way else { continue };
        let Some(inbox) = feeds.inbox(name) else { continue };
        // What was sent while nobody listened is sent again: until then the silence is this hub's own.
        let listening = station.now();
        let (station, data) = (Arc::downgrade(station), data.to_path_buf());
        let thread = std::thread::Builder::new().name("probe".into());
        thread.spawn(move || feed(&station, &probe, &data, Some(listening), || received(&inbox)))?;
    }
    Ok(())
}

/// When a listener last received anything.
fn received(inbox: &Weak<Inbox>) -> Result<Option<Moment>, Unseen> {
    inbox
        .upgrade()
        .map(|inbox| inbox.overview().last_received)
        .ok_or(Unseen::Ended)
}

/// A feed could not be looked at.
enum Unseen {
    /// Its folder cannot be read now.
    NotNow,
    /// Its listener has ended, and so does the program.
    Ended,
}

fn watch(station: &Weak<Station>, probe: &Checked, check: impl Fn() -> bool) {
    loop {
        let answered = check();
        let Some(station) = station.upgrade() else { return };
        station.observe_probe(&probe.name, answered);
        drop(station);
        std::thread::sleep(probe.every);
    }
}

/// True when something accepts a connection there in time. A port that is closed refuses at once; a black hole takes the whole patience.
fn answers(address: &str, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    let Ok(addresses) = address.to_socket_addrs() else {
        return false;
    };
    addresses.take(ADDRESSES).any(|one| {
        let left = until.saturating_duration_since(Instant::now());
        !left.is_zero() && TcpStream::connect_timeout(&one, left).is_ok()
    })
}

fn agent() -> ureq::Agent {
    // A new connection for every check: a kept one would hide that the line is gone.
    ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .max_idle_connections(0)
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into()
}

/// True when a server answers and does not say that it is broken (5xx). A page that asks for a sign-in is an answer.
fn serves(agent: &ureq::Agent, url: &str) -> bool {
    agent.get(url).call().is_ok_and(|answer| answer.status().as_u16() < 500)
}

/// Learns the rhythm of a feed and says how quiet it is. `listening`: nothing could be heard before.
fn feed(
    station: &Weak<Station>,
    probe: &Checked,
    data: &Path,
    listening: Option<Moment>,
    look: impl Fn() -> Result<Option<Moment>, Unseen>,
) {
    let file = rhythm_file(data, &probe.name);
    let mut rhythm = remembered(&file);
    let mut kept = 0;
    loop {
        let newest = match look() {
            Ok(newest) => Some(newest),
            Err(Unseen::NotNow) => None,
            Err(Unseen::Ended) => return,
        };
        let Some(station) = station.upgrade() else { return };
        let now = station.now();
        let before = rhythm.last();
        if let Some(Some(at)) = newest {
            // A file from the future would make every later one look old.
            rhythm.heard(at.min(now));
        }
        if rhythm.last() != before && now.0.saturating_sub(kept) >= KEEP_EVERY {
            kept = now.0;
            if let Err(error) = keep(&file, &rhythm) {
                tracing::warn!(%error, probe = %probe.name, "what was learnt of a feed cannot be kept");
            }
        }
        let quiet = newest.map(|_| Quiet {
            last: rhythm.last(),
            usual: rhythm.usual(now),
            counts_since: listening.max(counts_since(&probe.expected.quiet, now)),
            allowed: probe.expected.allowed,
        });
        station.observe_feed(&probe.name, quiet);
        drop(station);
        std::thread::sleep(probe.every);
    }
}

/// When something last came into a folder: `None` when it cannot be read, `Some(None)` when it is empty.
fn newest(folder: &Path) -> Option<Option<Moment>> {
    let files = std::fs::read_dir(folder).ok()?.take(MAX_FILES).flatten();
    let times = files.filter_map(|file| file.metadata().ok()?.modified().ok());
    Some(times.max().and_then(|at| {
        let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(Moment(i64::try_from(since.as_secs()).ok()?))
    }))
}

/// Where the rhythm of a feed lies; the name may hold anything, so its digits stand for it.
fn rhythm_file(data: &Path, name: &str) -> PathBuf {
    let digits: String = name.bytes().map(|b| format!("{b:02x}")).collect();
    data.join("watch").join(format!("{digits}.rhythm"))
}

/// What was learnt before; a file that cannot be read is learnt again.
fn remembered(file: &Path) -> Rhythm {
    let small = std::fs::metadata(file).is_ok_and(|m| m.len() <= MAX_RHYTHM);
    let bytes = if small { std::fs::read(file).ok() } else { None };
    bytes
        .and_then(|bytes| minicbor::decode(&bytes).ok())
        .unwrap_or_default()
}

fn keep(file: &Path, rhythm: &Rhythm) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let bytes = minicbor::to_vec(rhythm).map_err(std::io::Error::other)?;
    let new = file.with_extension("new");
    std::fs::write(&new, bytes)?;
    std::fs::rename(new, file)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn an_open_port_answers_a_closed_one_refuses_at_once() {
        let open = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = open.local_addr().unwrap().to_string();
        assert!(answers(&address, PATIENCE));
        drop(open);
        let began = Instant::now();
        assert!(!answers(&address, PATIENCE));
        assert!(began.elapsed() < PATIENCE, "a refusal is not waited for");
        assert!(!answers("no port", PATIENCE));
    }

    #[test]
    fn a_black_hole_takes_no_longer_than_the_patience() {
        // 192.0.2.0/24 is for documentation (RFC 5737): nothing answers there. A machine without a route refuses at once.
        let patience = Duration::from_millis(300);
        let began = Instant::now();
        assert!(!answers("192.0.2.1:9", patience));
        assert!(began.elapsed() < patience + Duration::from_secs(2));
    }

    #[test]
    fn a_server_that_says_it_is_broken_does_not_answer() {
        let serve = |status: &'static str| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}/", listener.local_addr().unwrap());
            let thread = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).unwrap();
                write!(
                    stream,
                    "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
                .unwrap();
            });
            let answered = serves(&agent(), &url);
            thread.join().unwrap();
            answered
        };
        assert!(serve("200 OK"));
        assert!(serve("401 Unauthorized"), "somebody is there");
        assert!(serve("302 Found"));
        assert!(!serve("503 Service Unavailable"));
    }

    #[test]
    fn what_was_learnt_of_a_feed_outlives_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let file = rhythm_file(dir.path(), "検査 ADT/../x");
        assert_eq!(
            file.parent(),
            Some(dir.path().join("watch").as_path()),
            "the name leads nowhere else"
        );
        assert_eq!(remembered(&file), Rhythm::default());
        let mut rhythm = Rhythm::default();
        rhythm.heard(Moment(1_800_000_000));
        rhythm.heard(Moment(1_800_000_300));
        keep(&file, &rhythm).unwrap();
        assert_eq!(remembered(&file), rhythm);
        std::fs::write(&file, b"\xFF\x00 no rhythm").unwrap();
        assert_eq!(remembered(&file), Rhythm::default());
    }

    #[test]
    fn a_folder_tells_when_something_came() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(newest(&dir.path().join("none")), None);
        assert_eq!(newest(dir.path()), Some(None));
        std::fs::write(dir.path().join("a.hl7"), b"x").unwrap();
        assert!(newest(dir.path()).unwrap().is_some());
    }
}
