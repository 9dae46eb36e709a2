//! A network for one test: a bridge, and at it places with their own addresses, lists of mounts and cables.
//!
//! Each place has two addresses: one at which it is called, one from which it calls. So one direction between two places can be lost and
//! the other kept, as a wrong firewall does it: whoever must not be reached by somebody has no way back to the address from which that
//! one calls. It needs nothing but iproute2 and util-linux; the kernel's own delays (netem) are deliberately not asked for.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Set in the process that runs inside.
const INSIDE: &str = "TOMOSHIBI_TEST_INSIDE";

/// Where the EHR listens: the bridge itself.
pub const EHR: &str = "10.77.0.254:7000";

/// Runs a test in networks, processes and mounts of its own: this binary once more, told to run that test. Whatever it leaves behind
/// ends with it.
pub fn alone(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some_and(|inside| inside == test) {
        return body();
    }
    // Seven stations on two cores are enough at a time.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = Command::new("unshare");
    if !is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let output = command
        .args([
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--",
        ])
        .arg(std::env::current_exe().expect("this test"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(INSIDE, test)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("unshare cannot be started ({error}): it comes in Debian's package util-linux"));
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    print!("{out}");
    eprint!("{err}");
    assert!(
        !err.contains("unshare: "),
        "this machine does not let a test make networks of its own, so nothing was proved; run it as root"
    );
    assert!(
        output.status.success() && out.contains("1 passed"),
        "{test}: {}; what it said is above",
        output.status
    );
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// The bridge and its places.
pub struct Wires {
    holders: Vec<Child>,
    /// Pairs that are cut: who calls, who is called.
    cut: Mutex<BTreeSet<(usize, usize)>>,
}

impl Wires {
    /// A bridge with so many places, numbered from 0, everybody reached by everybody.
    pub fn lay(places: usize) -> Self {
        ip(
            "link set lo up\nlink add name hall0 type bridge\naddress add 10.77.0.254/16 dev hall0\nlink set dev hall0 up\n",
        );
        let holders: Vec<Child> = (0..places).map(place).collect();
        Self {
            holders,
            cut: Mutex::default(),
        }
    }

    /// The address at which a place is called.
    pub fn called(place: usize) -> String {
        format!("10.77.1.{}", place + 1)
    }

    /// The address from which it calls.
    pub fn calls(place: usize) -> String {
        format!("10.77.2.{}", place + 1)
    }

    /// A program at a place.
    pub fn at(&self, place: usize, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        let holder = self.holders[place].id().to_string();
        command.args(["--target", &holder, "--net", "--mount", "--", program]);
        command
    }

    /// From now on exactly these may call each other: `may(who calls, who is called)`. What is open already breaks too.
    pub fn only(&self, may: impl Fn(usize, usize) -> bool) {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        for to in 0..self.holders.len() {
            let mut lines = String::new();
            for from in (0..self.holders.len()).filter(|from| *from != to) {
                let address = Self::calls(from);
                match (may(from, to), cut.contains(&(from, to))) {
                    (false, false) => {
                        cut.insert((from, to));
                        lines.push_str(&format!("route add blackhole {address}/32\n"));
                    }
                    (true, true) => {
                        cut.remove(&(from, to));
                        lines.push_str(&format!("route del blackhole {address}/32\n"));
                    }
                    _ => {}
                }
            }
            if !lines.is_empty() {
                fed(self.at(to, "ip").args(["-batch", "-"]), &lines);
            }
        }
    }

    /// Everybody is reached by everybody again.
    pub fn heal(&self) {
        self.only(|_, _| true);
    }

    /// Pulls the cable of a place, or plugs it in.
    pub fn plug(&self, place: usize, inside: bool) {
        let state = if inside { "up" } else { "down" };
        ip(&format!("link set dev v{place} {state}\n"));
    }
}

impl Drop for Wires {
    fn drop(&mut self) {
        for holder in &mut self.holders {
            let _ = holder.kill();
            let _ = holder.wait();
        }
    }
}

/// A process that does nothing but keep a network and a list of mounts.
fn place(n: usize) -> Child {
    let holder = Command::new("unshare")
        .args(["--net", "--mount", "--", "sleep", "infinity"])
        .stdin(Stdio::null())
        .spawn()
        .expect("unshare is there");
    let id = holder.id();
    let own = std::fs::read_link("/proc/self/ns/net").expect("a network");
    let there = || std::fs::read_link(format!("/proc/{id}/ns/net"));
    while there().is_ok_and(|there| there == own) {
        std::thread::yield_now();
    }
    ip(&format!(
        "link add name v{n} type veth peer name eth0 netns {id}\nlink set dev v{n} master hall0 up\n"
    ));
    let (called, calls) = (Wires::called(n), Wires::calls(n));
    let lines = format!(
        "link set lo up\nlink set eth0 up\naddress add {called}/16 dev eth0\naddress add {calls}/16 dev eth0\n\
         route change 10.77.0.0/16 dev eth0 src {calls}\n"
    );
    let holder_id = id.to_string();
    fed(
        Command::new("nsenter").args(["--target", &holder_id, "--net", "--", "ip", "-batch", "-"]),
        &lines,
    );
    holder
}

fn ip(lines: &str) {
    fed(Command::new("ip").args(["-batch", "-"]), lines);
}

fn fed(command: &mut Command, lines: &str) {
    let mut child = command
        .stdin(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("ip cannot be started ({error}): it comes in Debian's package iproute2"));
    let written = child.stdin.take().expect("its input").write_all(lines.as_bytes());
    let status = child.wait().expect("its end");
    assert!(written.is_ok() && status.success(), "ip: {status}: {lines}");
}

#[test]
fn one_direction_is_lost_and_the_other_kept() {
    alone("wires::one_direction_is_lost_and_the_other_kept", || {
        let wires = Wires::lay(2);
        let mut servers: Vec<Child> = (0..2)
            .map(|n| {
                let mut server = wires.at(n, "python3");
                server.args(["-m", "http.server", "--bind", &Wires::called(n), "8000"]);
                server
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .expect("python3 is there")
            })
            .collect();
        // Through the real thing: a request and its answer.
        let script = "import socket,sys;s=socket.create_connection((sys.argv[1],8000),2);s.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n');sys.exit(0 if s.recv(4) else 1)";
        let reaches = |from: usize, to: usize| {
            let mut caller = wires.at(from, "python3");
            caller.args(["-c", script, &Wires::called(to)]).stderr(Stdio::null());
            caller.status().expect("python3 is there").success()
        };
        let begun = std::time::Instant::now();
        while !(reaches(0, 1) && reaches(1, 0)) {
            assert!(begun.elapsed().as_secs() < 30, "the two never reached each other");
        }
        wires.only(|from, _| from == 0);
        assert_eq!((reaches(0, 1), reaches(1, 0)), (true, false));
        wires.heal();
        assert_eq!((reaches(0, 1), reaches(1, 0)), (true, true));
        wires.plug(1, false);
        assert_eq!((reaches(0, 1), reaches(1, 0)), (false, false));
        servers.iter_mut().for_each(|server| {
            let _ = server.kill();
        });
    });
}
