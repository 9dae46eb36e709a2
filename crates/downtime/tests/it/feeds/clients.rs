//! Senders that others wrote: python-hl7's `mllp_send`, and a client for Node.

use std::path::PathBuf;
use std::process::Command;

use super::listening::running;
use super::{control, message, stored};

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/feeds"))
}

fn output(command: &mut Command) -> String {
    let run = command.output();
    let run = run.unwrap_or_else(|error| panic!("{command:?}: {error}; `cargo xtask setup` prepares the senders"));
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
    assert!(run.status.success(), "{text}; `cargo xtask setup` prepares the senders");
    text
}

#[test]
fn mllp_send_of_python_hl7() {
    let running = running(|_| ());
    let port = running.listener.address().port().to_string();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("messages");
    // A file of frames, as the tool reads it without --loose.
    let frames: Vec<u8> = (1..=3)
        .flat_map(|number| hl7::mllp::frame(&message(&number.to_string(), "港区")))
        .collect();
    std::fs::write(&file, frames).unwrap();
    let tool = folder().join(".venv/bin/mllp_send");
    let said = output(
        Command::new(&tool)
            .args(["--port", &port, "--file"])
            .arg(&file)
            .arg("127.0.0.1"),
    );
    assert_eq!(said.matches("MSA|AA|").count(), 3, "{said}");
    let kept = stored(&running.place);
    assert_eq!(kept.iter().map(control).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!(kept[0].bytes, message("1", "港区"));
}

#[test]
fn a_client_of_node() {
    let running = running(|_| ());
    let port = running.listener.address().port().to_string();
    let said = output(
        Command::new("node")
            .current_dir(folder())
            .args(["send.mjs", &port, "3"]),
    );
    assert_eq!(said.matches("AA").count(), 3, "{said}");
    let kept = stored(&running.place);
    assert_eq!(kept.iter().map(control).collect::<Vec<_>>(), ["N1", "N2", "N3"]);
    let decoded = kept[0].decoded();
    let message = hl7::Message::parse(&decoded.text).unwrap();
    assert_eq!(message.field("PID", 5).component(1).text(), "模擬");
}
