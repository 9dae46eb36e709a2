//! Who lies in which bed, from what happened alone: admissions, moves and discharges in the order in which they happened.

use super::v2::{Message, field, frames, message, part};
use crate::files::{Files, export_hospital, small};
use std::collections::BTreeMap;
use synth::{Hospital, Shape};

/// Of one patient: when it happened, what, where.
type Events = BTreeMap<String, Vec<(String, String, String)>>;

fn large() -> Hospital {
    Hospital::new(&small()).expect("plan within limits").with_beds(100)
}

fn written(shape: Shape) -> Files {
    export_hospital(&large(), shape).0
}

fn note(events: &mut Events, message: &Message) {
    let event = message[0][8].split('^').nth(1).unwrap_or_default().to_owned();
    if !["A01", "A02", "A03", "A13"].contains(&event.as_str()) {
        return;
    }
    let find = |name: &str| message.iter().find(|s| s[0] == name).expect("the segment");
    let (evn, pid, pv1) = (find("EVN"), find("PID"), find("PV1"));
    let place = format!("{} {} {}", part(pv1, 3, 1), part(pv1, 3, 2), part(pv1, 3, 3));
    let one = (field(evn, 6).to_owned(), event, place);
    events.entry(part(pid, 3, 1).to_owned()).or_default().push(one);
}

/// Where everybody is in the end.
fn replay(events: Events) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (id, mut list) in events {
        list.sort();
        for (_, event, place) in list {
            if event == "A03" {
                out.remove(&id);
            } else {
                out.insert(id.clone(), place);
            }
        }
    }
    out
}

fn wanted() -> BTreeMap<String, String> {
    let hospital = large();
    let lying = hospital.beds().filter_map(|bed| hospital.lying(&bed));
    lying
        .map(|patient| {
            let bed = patient.lying.expect("lies in a bed").bed;
            (patient.id, format!("{} {}", bed.room, bed.bed))
        })
        .collect()
}

fn compare(replayed: BTreeMap<String, String>) {
    let plain = |place: &String| place.split_once(' ').map_or("", |(_, rest)| rest).to_owned();
    let there: BTreeMap<String, String> = replayed.iter().map(|(id, place)| (id.clone(), plain(place))).collect();
    let wanted = wanted();
    assert!(wanted.len() > 80, "{}", wanted.len());
    assert_eq!(there, wanted);
}

#[test]
fn the_storage_leads_to_the_right_beds() {
    let mut events = Events::new();
    for (path, bytes) in written(Shape::SsMix2) {
        if path.starts_with("STD/") && path.ends_with("_1") && path.contains("/ADT-") {
            note(&mut events, &message(&bytes));
        }
    }
    assert!(events.values().any(|list| list.len() == 3), "nobody came again");
    compare(replay(events));
}

#[test]
fn the_stream_leads_to_the_right_beds() {
    let files = written(Shape::Hl7);
    let mut events = Events::new();
    let mut moves = 0;
    for frame in frames(&files["stream.mllp"]) {
        let message = message(frame);
        moves += usize::from(message[0][8].starts_with("ADT^A02"));
        note(&mut events, &message);
    }
    assert_eq!(moves, 2, "somebody moved twice");
    compare(replay(events));
}
