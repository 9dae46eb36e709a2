//! Runs another program that must succeed within its time.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::clock;

/// Runs a program that must succeed within its time; gives the first lines it printed.
pub fn attempt(command: &mut Command, patience: Duration) -> Result<String> {
    const MOST: u64 = 64 << 10;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().context("始められません")?;
    let output = child.stdout.take();
    let reader = std::thread::Builder::new().name("rehearsal".into()).spawn(move || {
        let mut text = String::new();
        if let Some(output) = output {
            let _ = std::io::Read::read_to_string(&mut std::io::Read::take(output, MOST), &mut text);
        }
        text
    })?;
    let until = clock::running() + patience;
    loop {
        if let Some(status) = child.try_wait()? {
            let said = reader.join().unwrap_or_default();
            if status.success() {
                return Ok(said);
            }
            bail!("{status}");
        }
        if clock::running() > until {
            let _ = child.kill();
            let _ = child.wait();
            bail!("{} 秒待っても終わりません", patience.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
