//! Stations that fetch from one hub: a thousand at once, some of them slow, and what a hundred cost it beside other ways to hand out a file.
//!
//! It deliberately takes the bytes and drops them: what a station does with them (verifying, installing) costs the station, not the hub.
//! Clients and hub share the machine, so the times hold both.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::hospital::{Hospital, text};
use super::server::Server;
use super::{Ground, Measured, http, load, measure, medians_of};
use crate::setup::{Tool, debian_packages};

/// Patients whose day makes a snapshot of 40 MB.
const PATIENTS: u32 = 40_000;
/// Files and connections that a thousand stations need, of this process and of what it starts.
const OPEN_FILES: u64 = 8_192;

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

/// What the stations of one run met.
struct Fetched {
    seconds: f64,
    p99: f64,
}

/// A thousand stations at once: seconds, the hub's peak in MB, its CPU seconds beside nginx.
pub fn thousand(ground: &Ground) -> Result<Vec<Measured>> {
    open_files()?;
    let hospital = ground.hospitals.of(PATIENTS)?;
    let [wall, peak, cpu, nginx] = medians_of(ground.runs.min(2), || {
        let server = Server::start(&hospital)?;
        let fetched = fetch(&hospital, server.address, 1_000, 0)?;
        let found = (server.peak_megabytes()?, server.cpu_seconds()?);
        drop(server);
        let peer = Nginx::start(&hospital, &ground.scratch)?;
        pull(peer.address, "/snapshot.tmb", 1_000)?;
        Ok([fetched.seconds, found.0, found.1, peer.cpu_seconds()?])
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
    let [with, without, peak] = medians_of(ground.runs.min(2), || {
        let server = Server::start(&hospital)?;
        let alone = fetch(&hospital, server.address, 800, 0)?;
        drop(server);
        let server = Server::start(&hospital)?;
        let honest = fetch(&hospital, server.address, 800, 200)?;
        Ok([honest.p99, alone.p99, server.peak_megabytes()?])
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
        fetch(&hospital, server.address, 100, 0)?;
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

/// So many stations fetch everything at once, as stations do, with slow ones beside them; one that fails fails all.
fn fetch(hospital: &Hospital, address: SocketAddr, stations: u32, slow: u32) -> Result<Fetched> {
    let output = Command::new(measure::example("downtime", "fetchers")?)
        .arg(hospital.data())
        .args([address.to_string(), stations.to_string(), slow.to_string()])
        .stdin(Stdio::null())
        .output()
        .context("the example fetchers")?;
    if !output.status.success() {
        bail!(
            "the stations did not begin: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).context("what the stations said")?;
    eprintln!("{said}");
    let number = |name: &str| {
        said.get(name)
            .and_then(serde_json::Value::as_f64)
            .with_context(|| name.to_owned())
    };
    if number("failed")? > 0.0 || number("done")? < f64::from(stations) {
        bail!("not every station has everything: {said}");
    }
    Ok(Fetched {
        seconds: number("seconds")?,
        p99: number("p99")?,
    })
}

/// So many fetch the same file at once from a peer, each on a connection of its own.
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
