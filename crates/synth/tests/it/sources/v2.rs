//! The storage and the stream, read by a small reader of their own.

use super::{Fact, everybody, files, same};
use std::collections::{BTreeMap, BTreeSet};
use synth::Shape;

/// A message: segments of fields, escapes still in them. MSH-1 is not counted here, so that MSH-9 is at 8.
type Message = Vec<Vec<String>>;

fn message(bytes: &[u8]) -> Message {
    let text = if bytes.windows(13).any(|w| w == b"UNICODE UTF-8") {
        String::from_utf8(bytes.to_vec()).expect("UTF-8")
    } else {
        assert!(bytes.is_ascii(), "ISO-2022-JP has 7 bits");
        // Decoded line by line: every segment ends in ASCII.
        let lines = bytes.split_inclusive(|b| *b == b'\r');
        let decoded = lines.map(|line| {
            let (text, bad) = encoding_rs::ISO_2022_JP.decode_without_bom_handling(line);
            assert!(!bad, "a segment is no ISO-2022-JP");
            text.into_owned()
        });
        decoded.collect()
    };
    assert!(
        text.ends_with('\r') && !text.contains('\n'),
        "segments end with CR alone"
    );
    let segments = text.trim_end_matches('\r').split('\r');
    let out: Message = segments.map(|s| s.split('|').map(str::to_owned).collect()).collect();
    for segment in &out {
        let name = &segment[0];
        assert!(
            name.len() == 3 && name.bytes().all(|b| b.is_ascii_alphanumeric()),
            "{name}"
        );
    }
    out
}

fn unescaped(text: &str) -> String {
    let text = text.replace("\\F\\", "|").replace("\\S\\", "^").replace("\\T\\", "&");
    text.replace("\\R\\", "~").replace("\\E\\", "\\")
}

fn field(segment: &[String], at: usize) -> &str {
    segment.get(at).map_or("", String::as_str)
}

fn part(segment: &[String], at: usize, component: usize) -> &str {
    field(segment, at).split('^').nth(component - 1).unwrap_or_default()
}

/// What one current message says.
fn tell(message: &Message, out: &mut BTreeSet<Fact>) {
    let kind = message[0][8].as_str();
    let pid = message.iter().find(|s| s[0] == "PID").expect("every message has a PID");
    let id = part(pid, 3, 1).to_owned();
    let mut add = |kind, what: String| {
        out.insert((id.clone(), kind, what));
    };
    if kind.starts_with("ADT^A08") || kind.starts_with("ADT^A28") {
        add("birth", field(pid, 7).to_owned());
        for name in field(pid, 5).split('~').filter(|name| name.ends_with("^L^P")) {
            let parts: Vec<&str> = name.split('^').collect();
            add("kana", format!("{} {}", parts[0], parts[1]));
        }
    }
    let mut order: &[String] = &[];
    let mut drug: &[String] = &[];
    let mut bottle = String::new();
    for segment in message {
        match segment[0].as_str() {
            "PV1" if kind.starts_with("ADT^A08") && field(segment, 2) == "I" => {
                add("bed", format!("{} {}", part(segment, 3, 2), part(segment, 3, 3)));
            }
            "ORC" => order = segment,
            "RXE" => drug = segment,
            "TQ1" if kind.starts_with("RDE") => {
                if field(drug, 2).ends_with("JHSI0002") {
                    bottle = field(segment, 7).get(8..10).unwrap_or_default().to_owned();
                } else if !field(order, 29).starts_with('I') {
                    let each = if field(drug, 4).is_empty() { field(drug, 3) } else { "" };
                    let usage = field(segment, 3).split('&').nth(1).unwrap_or_default();
                    let each = if each == "\"\"" { "" } else { each };
                    add(
                        "drug",
                        format!("{} {each} {} {}", part(drug, 2, 1), unescaped(usage), field(order, 4)),
                    );
                }
            }
            "RXR" if kind.starts_with("RDE") && !bottle.is_empty() => {
                add("injection", format!("{bottle} {}", unescaped(part(segment, 4, 2))));
                bottle.clear();
            }
            "TQ1" if kind.starts_with("OM") && !kind.starts_with("OMD") => {
                add("order", field(segment, 7).get(8..).unwrap_or_default().to_owned());
            }
            "ODS" => add("diet", part(segment, 3, 2).to_owned()),
            "PRB" => add(
                "diagnosis",
                format!(
                    "{} {} {}",
                    unescaped(part(segment, 3, 2)),
                    part(segment, 10, 1),
                    field(segment, 16)
                ),
            ),
            "IAM" if part(segment, 3, 1) != "0000" => add(
                "allergy",
                format!(
                    "{} {} {}",
                    part(segment, 3, 1),
                    unescaped(part(segment, 3, 2)),
                    unescaped(field(segment, 5))
                ),
            ),
            "OBX" if kind.starts_with("OUL") => add("result", unescaped(field(segment, 5))),
            "OBX" if kind.starts_with("ORU") && part(segment, 3, 1) == "9P300000000000001" => {
                add("pulse", format!("{} {}", field(segment, 14), field(segment, 5)));
            }
            "IN1" if field(segment, 15) != "PE" => {
                add(
                    "insurance",
                    format!("{} {}", field(segment, 3), unescaped(field(segment, 11))),
                );
            }
            _ => {}
        }
    }
}

#[test]
fn the_storage_tells_of_the_same_people() {
    let files = files(Shape::SsMix2);
    let lying: BTreeSet<String> = everybody().into_iter().map(|patient| patient.id).collect();
    let mut current: BTreeMap<Vec<String>, (String, Message)> = BTreeMap::new();
    let mut flags = BTreeMap::new();
    for (path, bytes) in &files {
        let parts: Vec<&str> = path.split('/').collect();
        match parts[0] {
            "STD" => {
                let name: Vec<&str> = parts.last().expect("a name").split('_').collect();
                let [id, on, kind, order, at, _department, flag] = name.as_slice() else {
                    panic!("{path}: seven parts");
                };
                assert_eq!(parts[2..7], [&id[..3], &id[3..6], id, on, kind], "{path}");
                let ends_undated = parts[1].ends_with("_ALL");
                assert_eq!(*on == "-", ends_undated, "{path}: the root");
                assert_eq!((order.len(), at.len()), (15, 17), "{path}");
                let message = message(bytes);
                assert_eq!(message[0][6].replace('.', ""), *at, "{path}: MSH-7 and the name");
                *flags.entry((*flag).to_owned()).or_insert(0) += 1;
                if *flag == "1" {
                    let key = [id, on, kind, order].map(|s| (*s).to_owned()).to_vec();
                    // Two that say they are current: the later one is.
                    let before = current.get(&key).map(|(at, _)| at.clone());
                    if before.is_none_or(|before| before.as_str() < *at) {
                        current.insert(key, ((*at).to_owned(), message));
                    }
                }
            }
            "ANX" if path.ends_with(".hl7") => {
                current.insert(vec![path.clone()], (String::new(), message(bytes)));
            }
            _ => {}
        }
    }
    assert!(flags["0"] > 5 && flags["2"] > 10, "{flags:?}");
    let mut told = BTreeSet::new();
    current.values().for_each(|(_, message)| tell(message, &mut told));
    told.retain(|(id, _, _)| lying.contains(id));
    same("ssmix2", &told);
}

#[test]
fn the_log_holds_what_was_written_today() {
    let files = files(Shape::SsMix2);
    let (_, log) = files
        .iter()
        .find(|(name, _)| name.starts_with("TR_STD/"))
        .expect("a log");
    let mut rest = log.as_slice();
    let mut count = 0;
    while !rest.is_empty() {
        let end = rest.iter().position(|b| *b == b'\r').expect("a head line");
        let head = std::str::from_utf8(&rest[..end]).expect("ASCII");
        let parts: Vec<&str> = head.split(',').collect();
        assert!(
            ["INS", "DEL"].contains(&parts[0]) && parts[2].contains("_20261120"),
            "{head}"
        );
        let length: usize = parts[3].parse().expect("a length");
        let bytes = &rest[end + 2..end + 2 + length];
        let stored = files
            .iter()
            .find(|(name, _)| name.ends_with(parts[2]))
            .expect("the file");
        assert!(stored.1 == bytes, "{head}");
        rest = &rest[end + 2 + length + 2..];
        count += 1;
    }
    assert!(count >= 5, "{count}");
}

/// Frames, by a reader that knows nothing but the three bytes.
fn frames(bytes: &[u8]) -> Vec<&[u8]> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some(inside) = rest.strip_prefix(b"\x0b") {
        let end = inside.windows(2).position(|w| w == b"\x1c\r").expect("a frame ends");
        out.push(&inside[..end]);
        rest = &inside[end + 2..];
    }
    assert!(rest.is_empty(), "bytes outside of a frame");
    out
}

#[test]
fn the_stream_tells_of_the_same_people() {
    let files = files(Shape::Hl7);
    let frames = frames(&files["stream.mllp"]);
    let single: Vec<&[u8]> = files
        .iter()
        .filter(|(name, _)| name.starts_with("messages/"))
        .map(|(_, bytes)| bytes.as_slice())
        .collect();
    assert!(frames == single, "the same messages in the same order");
    let messages: Vec<Message> = frames.iter().map(|frame| message(frame)).collect();
    let controls: BTreeSet<&str> = messages.iter().map(|m| m[0][9].as_str()).collect();
    assert_eq!(
        messages.len() - controls.len(),
        3,
        "one patient in twenty is told of twice"
    );
    // Lists and registrations replace each other, the younger the older; orders stand by their number until they are taken back.
    let mut last: BTreeMap<String, (String, &Message)> = BTreeMap::new();
    let mut late = 0;
    for one in &messages {
        let event: String = one[0][8].split('^').take(2).collect::<Vec<_>>().join(" ");
        let pid = one.iter().find(|s| s[0] == "PID").expect("a PID");
        let orc = one.iter().find(|s| s[0] == "ORC");
        let order = match event.as_str() {
            "PPR ZD1" => "",
            _ => orc.map_or("", |orc| field(orc, 2)),
        };
        let unique = match event.as_str() {
            "ADT A08" | "ADT A28" | "ADT A60" | "PPR ZD1" => "",
            _ if !order.is_empty() => order,
            _ => one[0][9].as_str(),
        };
        let key = format!("{event} {} {unique}", part(pid, 3, 1));
        if orc.is_some_and(|orc| field(orc, 1) == "CA") {
            last.remove(&key);
            continue;
        }
        let at = one[0][6].clone();
        match last.get(&key) {
            Some((before, _)) if *before > at => late += 1,
            _ => {
                last.insert(key, (at, one));
            }
        }
    }
    assert_eq!(late, 3, "one patient in twenty has a message that comes too late");
    let lying: BTreeSet<String> = everybody().into_iter().map(|patient| patient.id).collect();
    let mut told = BTreeSet::new();
    last.values().for_each(|(_, message)| tell(message, &mut told));
    told.retain(|(id, _, _)| lying.contains(id));
    same("hl7", &told);
}

/// Appointments after everything: what was cancelled is gone, what was moved is where it belongs.
#[test]
fn the_stream_tells_of_the_same_appointments() {
    let files = files(Shape::Hl7);
    let mut booked: BTreeMap<String, String> = BTreeMap::new();
    for frame in frames(&files["stream.mllp"]) {
        let message = message(frame);
        if !message[0][8].starts_with("SIU") {
            continue;
        }
        let sch = &message[1];
        if field(sch, 25) == "Cancelled" {
            booked.remove(field(sch, 1));
        } else {
            booked.insert(field(sch, 1).to_owned(), part(sch, 11, 4).to_owned());
        }
    }
    let mut wanted = BTreeMap::new();
    for patient in everybody() {
        for one in patient.visits.iter().filter_map(|visit| visit.appointment.as_ref()) {
            wanted.insert(one.code.clone(), one.at.strftime("%Y%m%d%H%M").to_string());
        }
    }
    booked.retain(|code, _| !code.starts_with('T'));
    assert_eq!(booked, wanted);
}
