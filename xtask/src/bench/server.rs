//! The program as a running server, and a person signed in at it.
//!
//! It deliberately never leaves a server behind: it ends with the value that holds it, and with this process where the
//! system can see to that.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use super::hospital::{Hospital, PASSWORD, PHYSICIAN};
use super::http::{self, Connection};
use super::measure;

/// A station that serves.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts it on a free port; returns when it says that it listens.
    pub fn start(hospital: &Hospital) -> Result<Self> {
        let mut child = command(hospital)
            .arg("serve")
            .arg("-c")
            .arg(hospital.config())
            .args(["--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("the server")?;
        match address_of(&mut child) {
            Ok(address) => Ok(Self { child, address }),
            Err(error) => {
                end(&mut child);
                Err(error)
            }
        }
    }

    /// CPU seconds so far, to 10 ms.
    pub fn cpu_seconds(&self) -> Result<f64> {
        measure::cpu_seconds_of_tree(self.child.id())
    }

    /// Peak resident size so far (MB).
    pub fn peak_megabytes(&self) -> Result<f64> {
        measure::peak_megabytes_of(self.child.id())
    }

    /// Signs the physician in through the form; gives the session's cookie.
    pub fn sign_in(&self) -> Result<String> {
        let form = http::post("/sign-in", "", false, &[("user", PHYSICIAN), ("password", PASSWORD)]);
        let answer = Connection::open(self.address)?.must_answer(&form, 303)?;
        let cookie = http::header(&answer.head, "set-cookie").context("a session cookie")?;
        Ok(cookie.split(';').next().unwrap_or(cookie).to_owned())
    }

    /// Signs in as somebody who is not on the roster: the key derivation, done all the same so that its time tells nothing,
    /// and nothing after it. `nth` makes it another number each time; one that fails again and again has to wait.
    pub fn be_refused(&self, nth: u32) -> Result<()> {
        let number = format!("8{nth:06}");
        let form = http::post(
            "/sign-in",
            "",
            false,
            &[("user", &number), ("password", "not the password at all")],
        );
        Connection::open(self.address)?.must_answer(&form, 401).map(drop)
    }

    /// The addresses of the patients on today's list, as the physician sees them.
    pub fn patients(&self, cookie: &str) -> Result<Vec<String>> {
        let list = Connection::open(self.address)?.must_answer(&http::get("/patients", cookie), 200)?;
        let mut paths: Vec<String> = String::from_utf8_lossy(&list.body)
            .split("data-row href=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next().map(str::to_owned))
            .collect();
        // Somebody with two bookings stands there twice.
        paths.sort();
        paths.dedup();
        if paths.is_empty() {
            bail!("nobody on today's list: did the day end during the run?");
        }
        Ok(paths)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Killed at once: what the program does on a kind request to stop is not measured, and nothing here is kept.
fn end(child: &mut Child) {
    // It can only fail because the process has ended already.
    let _ = child.kill();
    let _ = child.wait();
}

/// The program, told to die with us where `setpriv` (util-linux) is there: a bench that is killed cannot clean up.
fn command(hospital: &Hospital) -> Command {
    let setpriv = std::path::Path::new("/usr/bin/setpriv");
    if setpriv.exists() {
        let mut command = Command::new(setpriv);
        command.args(["--pdeathsig", "KILL", "--"]).arg(hospital.program());
        command
    } else {
        Command::new(hospital.program())
    }
}

/// The first line it prints: station code and address.
fn address_of(child: &mut Child) -> Result<SocketAddr> {
    let stdout = child.stdout.take().context("the server's output")?;
    let mut line = String::new();
    BufReader::new(stdout)
        .read_line(&mut line)
        .context("the server's first line")?;
    let address = line
        .split("http://")
        .nth(1)
        .and_then(|rest| rest.trim().trim_end_matches('/').parse().ok());
    address.with_context(|| format!("the server did not say where it listens: {line:?}"))
}
