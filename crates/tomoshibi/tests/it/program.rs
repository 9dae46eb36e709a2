//! The built program, run as a person or a service would run it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// Runs a command to its end.
pub fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tomoshibi"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

/// Starts a command and leaves it running; it must be killed or waited for.
pub fn start(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_tomoshibi"))
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
}

/// Runs a command that must succeed; gives what it printed.
pub fn ok(arguments: &[&str]) -> String {
    let output = run(arguments);
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{arguments:?}: {}\n{out}\n{err}",
        output.status
    );
    out.into_owned()
}

/// A serving station; killed with -9 when dropped, as a power cut would.
pub struct Serving {
    child: Child,
    pub base: String,
}

impl Serving {
    pub fn start(config: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tomoshibi"))
            .args(["serve", "--listen", "127.0.0.1:0", "-c"])
            .arg(config)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        // The address is printed when the port is bound.
        let line = lines.next().expect("a line").expect("readable");
        let base = line
            .split_whitespace()
            .find(|word| word.starts_with("http"))
            .expect("an address")
            .to_owned();
        Self { child, base }
    }

    pub fn port(&self) -> String {
        self.base
            .trim_end_matches('/')
            .rsplit(':')
            .next()
            .expect("a port")
            .to_owned()
    }

    /// Of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
