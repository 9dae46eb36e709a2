//! HL7 messages: how many a core indexes, and how many a hub takes durably over MLLP, beside programs written with others' libraries.
//!
//! It deliberately gives every peer what ours has: the same messages, the same disk, one sync for everything that waits.

use std::process::Command;

use anyhow::{Context, Result};

use super::hospital::text;
use super::measure::example;
use super::mllp::{Run, Server};
use super::{Ground, Measured, measure, median_of, medians_of, peers};
use crate::setup;

/// Messages a second of CPU time with every delimiter indexed, beside counting one delimiter with memchr.
pub fn index(ground: &Ground<'_>) -> Result<Vec<Measured>> {
    let program = text(&example("hl7", "speed")?)?;
    let [rate, limit, bytes, bytes_limit] = medians_of(ground.runs, || {
        let (_, said) = measure::finished(&program, &["1"], &ground.scratch)?;
        let (ours, limit) = (figures(&said, "index.full")?, figures(&said, "memchr.limit")?);
        Ok([ours[0], limit[0], ours[1], limit[1]])
    })?;
    Ok(vec![
        Measured::beside(rate, limit),
        Measured::beside(bytes, bytes_limit),
    ])
}

/// The same messages read by a parser of another language: ours beside it. The lazy one is asked for five fields, and so is ours.
pub fn index_beside(ground: &Ground<'_>, parser: &str) -> Result<Vec<Measured>> {
    let program = text(&example("hl7", "speed")?)?;
    let samples = text(&ground.scratch.join("messages.txt"))?;
    measure::finished(&program, &["write", &samples], &ground.scratch)?;
    let script = ground.hospitals.root().join("xtask").join("peers");
    let command = match parser {
        "node-hl7-client" => vec![
            "node".to_owned(),
            text(&script.join("hl7_speed.mjs"))?,
            samples,
            text(&setup::feed_clients(ground.hospitals.root())?)?,
        ],
        python => vec![
            text(&setup::message_peers(
                ground.hospitals.root(),
                ground.hospitals.target(),
            )?)?,
            text(&script.join("hl7_speed.py"))?,
            samples,
            python.to_owned(),
        ],
    };
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let (peer, arguments) = words.split_first().context("a program")?;
    let [ours, theirs] = medians_of(ground.runs, || {
        let (_, said) = measure::finished(&program, &["0.5"], &ground.scratch)?;
        let (_, said_there) = measure::finished(peer, arguments, &ground.scratch)?;
        let ours = if parser == "node-hl7-client" {
            "index.five-fields"
        } else {
            "index.full"
        };
        Ok([figures(&said, ours)?[0], figures(&said_there, parser)?[0]])
    })?;
    Ok(vec![Measured::beside(ours, theirs)])
}

/// Over so many connections: durable answers a second beside bare appends of one block with fdatasync after each, what one in a hundred
/// waits longer than, and what a message costs the server and the senders.
pub fn durable(ground: &Ground<'_>, connections: usize) -> Result<Vec<Measured>> {
    let server = ours(ground)?;
    let found = medians_of(ground.runs, || {
        let Run {
            rate,
            p99,
            server_micros,
            load_micros,
        } = server.load(connections)?;
        let bare = peers::synced_appends_per_second(&ground.scratch, 4_096)?;
        Ok([rate, bare, p99, server_micros, load_micros])
    });
    let [rate, bare, p99, server_micros, load_micros] = found?;
    Ok(vec![
        Measured::beside(rate, bare),
        Measured::alone(p99),
        Measured::alone(server_micros),
        Measured::alone(load_micros),
    ])
}

/// Durable answers a second over 1, 8 and 64 connections, beside a server in another language with the same fdatasync.
pub fn durable_beside(ground: &Ground<'_>, language: &str) -> Result<Vec<Measured>> {
    let scripts = ground.hospitals.root().join("xtask").join("peers");
    let folder = ground.scratch.join("peer");
    std::fs::create_dir_all(&folder).context("the peer's folder")?;
    let mut command = match language {
        "python" => Command::new(setup::message_peers(
            ground.hospitals.root(),
            ground.hospitals.target(),
        )?),
        _ => Command::new("node"),
    };
    let theirs = match language {
        "python" => Server::start(command.arg(scripts.join("mllp_server.py")).arg(&folder))?,
        _ => Server::start(
            command
                .arg(scripts.join("mllp_server.mjs"))
                .arg(&folder)
                .arg(setup::feed_clients(ground.hospitals.root())?),
        )?,
    };
    let ours = ours(ground)?;
    [1, 8, 64]
        .into_iter()
        .map(|connections| {
            let value = median_of(ground.runs, || Ok(ours.load(connections)?.rate))?;
            let peer = median_of(ground.runs, || Ok(theirs.load(connections)?.rate))?;
            Ok(Measured::beside(value, peer))
        })
        .collect()
}

fn ours(ground: &Ground<'_>) -> Result<Server> {
    Server::start(Command::new(example("downtime", "feed_server")?).arg(ground.scratch.join("feed")))
}

/// The two numbers behind a name on a line that a program printed: messages and MB a second.
pub fn figures(said: &str, name: &str) -> Result<[f64; 2]> {
    let mut lines = said.lines().map(|line| line.split(' '));
    let mut found = lines.find_map(|mut words| (words.next() == Some(name)).then_some(words));
    let mut number = || found.as_mut()?.next()?.parse().ok();
    number()
        .zip(number())
        .map(|(messages, bytes)| [messages, bytes])
        .with_context(|| format!("{name} in what was printed"))
}

#[cfg(test)]
mod tests {
    use super::figures;

    #[test]
    fn figures_are_found_by_their_whole_name() {
        let text = "index.full 879828 747\nindex.five-fields 2360 3\n";
        assert_eq!(figures(text, "index.full").unwrap(), [879_828.0, 747.0]);
        assert_eq!(figures(text, "index.five-fields").unwrap(), [2_360.0, 3.0]);
        assert!(figures(text, "index").is_err());
    }
}
