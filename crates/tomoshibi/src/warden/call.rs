//! The command that hears of alarms: started without a shell, with the text as its last argument, and not waited for longer than it may take.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::clock;

/// Most characters handed over.
const MAX_TEXT: usize = 2_000;
/// Longest it may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two looks whether it is over.
const PAUSE: Duration = Duration::from_millis(100);

/// Hands a text to the configured command; nothing without one. What fails is logged: the alarm stands in the file and on the page all the same.
pub fn call(command: &[String], text: &str) {
    let Some((program, arguments)) = command.split_first() else {
        return;
    };
    let text: String = text.chars().filter(|c| *c != '\0').take(MAX_TEXT).collect();
    let started = Command::new(program)
        .args(arguments)
        .arg(text)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            tracing::error!(%error, program, "★ the command that hears of alarms cannot be started");
            return;
        }
    };
    let begun = clock::running();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return,
            Ok(Some(status)) => {
                tracing::error!(%status, program, "★ the command that hears of alarms failed");
                return;
            }
            Ok(None) if clock::running().saturating_sub(begun) < PATIENCE => std::thread::sleep(PAUSE),
            other => {
                tracing::error!(
                    ?other,
                    program,
                    "★ the command that hears of alarms takes too long; it is stopped"
                );
                // It may have ended meanwhile.
                let _ = child.kill();
                let _ = child.wait();
                return;
            }
        }
    }
}
