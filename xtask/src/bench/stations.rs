//! Stations that fetch from one hub: a thousand at once, some of them slow, and what a hundred cost it beside other ways to hand out a file.
//!
//! It deliberately takes the bytes and drops them: what a station does with them (verifying, installing) costs the station, not the hub.
//! Clients and hub share the machine, so the times hold both.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::hospital::{Hospital, text};
use super::server::Server;
use super::{Ground, Measured, http, load, measure, medians_of};
use crate::setup::{Tool, debian_packages};

/// Patients whose day makes a snapshot of 40 MB.
const PATIENTS: u32 = 40_000;
/// Where a hub hands out the whole snapshot.
const SNAPSHOT: &str = "/parcel/snapshot";
/// Files and connections that a thousand stations need, of this process and of what it starts.
const OPEN_FILES: u64 = 8_192;
/// Between two bytes of somebody slow.
const SLOW: Duration = Duration::from_secs(1);

const NGINX: Tool = Tool {
    program: "/usr/sbin/nginx",
    package: "nginx-light",
    why: "hands out the same file in the benches of stations",
};
const RSYNC: Tool = Tool {
    program: "rsync",
    package: "rsync",
    why: "hands out the same file in the benches of stations",
};

/// A thousand stations at once: seconds, the hub's peak in MB, its CPU seconds beside the floor's.
pub fn thousand(ground: &Ground) -> Result<Vec<Measured>> {
    open_files()?;
    let hospital = ground.hospitals.of(PATIENTS)?;
    let runs = ground.runs.min(2);
    let [wall, peak, cpu, nginx] = medians_of(runs, || {
        let server = Server::start(&hospital)?;
        let pulled = pull(server.address, SNAPSHOT, 1_000)?;
        let found = (server.peak_megabytes()?, server.cpu_seconds()?);
        drop(server);
        let peer = Nginx::start(&hospital, &ground.scratch)?;
        pull(peer.address, "/snapshot.tmb", 1_000)?;
        Ok([pulled.seconds, found.0, found.1, peer.cpu_seconds()?])
    })?;
    Ok(vec![
        Measured::alone(wall),
        Measured::alone(peak),
        Measured::beside(cpu, nginx),
    ])
}

/// The slowest of a hundred among 800 honest stations, with 200 slow ones beside them and without: seconds. And the hub's peak with them.
pub fn slow_ones(ground: &Ground) -> Result<Vec<Measured>> {
    open_files()?;
    let hospital = ground.hospitals.of(PATIENTS)?;
    let runs = ground.runs.min(2);
    let [with, without, peak] = medians_of(runs, || {
        let server = Server::start(&hospital)?;
        let mut alone = pull(server.address, SNAPSHOT, 800)?;
        drop(server);
        let server = Server::start(&hospital)?;
        let slow = Slow::start(server.address, 200)?;
        let mut honest = pull(server.address, SNAPSHOT, 800)?;
        let peak = server.peak_megabytes()?;
        slow.finish()?;
        Ok([honest.p99() / 1e3, alone.p99() / 1e3, peak])
    })?;
    Ok(vec![Measured::beside(with, without), Measured::alone(peak)])
}

/// CPU seconds of whoever hands the whole file to a hundred: the hub, nginx, rsync.
pub fn hundred(ground: &Ground) -> Result<Vec<Measured>> {
    open_files()?;
    let hospital = ground.hospitals.of(PATIENTS)?;
    let [hub, nginx, rsync] = medians_of(ground.runs.min(3), || {
        let server = Server::start(&hospital)?;
        let before = server.cpu_seconds()?;
        pull(server.address, SNAPSHOT, 100)?;
        let hub = server.cpu_seconds()? - before;
        drop(server);
        let peer = Nginx::start(&hospital, &ground.scratch)?;
        pull(peer.address, "/snapshot.tmb", 100)?;
        let nginx = peer.cpu_seconds()?;
        drop(peer);
        Ok([hub, nginx, rsync_to(&hospital, &ground.scratch, 100)?])
    })?;
    Ok(vec![Measured::beside(hub, nginx), Measured::beside(hub, rsync)])
}

/// So many stations fetch it at once, each on a connection of its own; one that fails fails all.
fn pull(address: SocketAddr, path: &str, stations: usize) -> Result<load::Load> {
    load::drive(address, stations, stations, 200, |_| http::get(path, ""))
}

/// Also what this process starts may have so many.
#[cfg(unix)]
fn open_files() -> Result<()> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < OPEN_FILES {
        let more = OPEN_FILES.min(hard);
        setrlimit(Resource::RLIMIT_NOFILE, more, hard).context("more open files for a thousand connections")?;
        if more < OPEN_FILES {
            bail!("this system lets a process open {hard} files; a thousand stations need {OPEN_FILES} (ulimit -n)");
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn open_files() -> Result<()> {
    bail!("many connections can be driven on Unix only")
}

/// Stations that never get done: half of them send their request byte by byte, half read the answer so.
struct Slow {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Slow {
    fn start(address: SocketAddr, many: usize) -> Result<Self> {
        let request = http::get(SNAPSHOT, "");
        let mut streams = Vec::new();
        for n in 0..many {
            let mut stream = TcpStream::connect(address).context("a slow one")?;
            stream.set_nonblocking(true)?;
            // An answer that is read slowly is asked for at once, in one piece.
            if n % 2 == 1 {
                stream.write_all(&request).context("a slow one's request")?;
            }
            streams.push(stream);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("slow".to_owned())
            .spawn(move || {
                let mut at = 0;
                while !told.load(Ordering::SeqCst) {
                    for (n, stream) in streams.iter_mut().enumerate() {
                        // Whom the hub has sent away gets nothing done any more; that is its right.
                        if n % 2 == 1 {
                            let _ = stream.read(&mut [0]);
                        } else if let Some(byte) = request.get(at) {
                            let _ = stream.write(&[*byte]);
                        }
                    }
                    at += 1;
                    std::thread::sleep(SLOW);
                }
                Ok(())
            })
            .context("a thread")?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }

    fn finish(mut self) -> Result<()> {
        self.stop.store(true, Ordering::SeqCst);
        let thread = self.thread.take().context("the slow ones were finished before")?;
        thread
            .join()
            .map_err(|_| anyhow::anyhow!("the thread of the slow ones broke"))?
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// nginx with two workers, handing out the hub's snapshot.
struct Nginx {
    child: Child,
    address: SocketAddr,
}

impl Nginx {
    fn start(hospital: &Hospital, scratch: &Path) -> Result<Self> {
        debian_packages(&[NGINX])?;
        let (folder, address) = (scratch.join("nginx"), free_port()?);
        std::fs::create_dir_all(&folder).context("a folder for nginx")?;
        let served = text(&hospital.snapshot_file()?)?;
        let own = text(&folder)?;
        let settings = format!(
            "user root; worker_processes 2; daemon off; pid {own}/pid; error_log {own}/log crit; worker_rlimit_nofile {OPEN_FILES};\n\
             events {{ worker_connections 4096; }}\n\
             http {{ access_log off; sendfile on; keepalive_timeout 65; client_body_temp_path {own}/a; proxy_temp_path {own}/b; \
             fastcgi_temp_path {own}/c; uwsgi_temp_path {own}/d; scgi_temp_path {own}/e;\n\
             server {{ listen {address} backlog=4096; location = /snapshot.tmb {{ alias {served}; }} }} }}\n"
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, settings)?;
        let child = Command::new(NGINX.program)
            .args(["-p", &own, "-c", &text(&file)?])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("nginx")?;
        let peer = Self { child, address };
        until_reached(address).with_context(|| format!("nginx; it wrote {own}/log"))?;
        Ok(peer)
    }

    fn cpu_seconds(&self) -> Result<f64> {
        measure::cpu_seconds_of_tree(self.child.id())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Asked kindly, it takes its workers with it.
        let asked = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        if asked.is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// CPU seconds of an rsync daemon that hands the file to so many who have nothing yet, four at a time.
fn rsync_to(hospital: &Hospital, scratch: &Path, many: usize) -> Result<f64> {
    debian_packages(&[RSYNC])?;
    let (folder, address) = (scratch.join("rsync"), free_port()?);
    std::fs::create_dir_all(folder.join("to")).context("a folder for rsync")?;
    let snapshot = hospital.snapshot_file()?;
    let from = text(snapshot.parent().context("the snapshot's folder")?)?;
    let settings = folder.join("rsyncd.conf");
    std::fs::write(
        &settings,
        format!("use chroot = no\nuid = 0\ngid = 0\nmax connections = 0\n[day]\npath = {from}\nread only = yes\n"),
    )?;
    let mut daemon = Command::new(RSYNC.program)
        .args(["--daemon", "--no-detach", "--address", "127.0.0.1", "--port"])
        .arg(address.port().to_string())
        .arg("--config")
        .arg(&settings)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("rsync")?;
    let served = (|| {
        until_reached(address)?;
        let source = format!("rsync://{address}/day/snapshot.tmb");
        for four in 0..many.div_ceil(4) {
            let mut clients = Vec::new();
            for one in 0..4.min(many - four * 4) {
                let to = text(&folder.join("to").join(one.to_string()))?;
                clients.push(
                    Command::new(RSYNC.program)
                        .args(["-q", "--ignore-times", "--whole-file", &source, &to])
                        .spawn()?,
                );
            }
            for mut client in clients {
                if !client.wait()?.success() {
                    bail!("rsync did not fetch the file");
                }
            }
        }
        measure::cpu_seconds_of_tree(daemon.id())
    })();
    let _ = daemon.kill();
    let _ = daemon.wait();
    served
}

fn free_port() -> Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").context("a free port")?;
    Ok(listener.local_addr()?)
}

fn until_reached(address: SocketAddr) -> Result<()> {
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        if begun.elapsed() > Duration::from_secs(20) {
            bail!("nobody listens at {address}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
