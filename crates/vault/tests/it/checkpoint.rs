//! Checkpoints in both forms, and a witness that sees honest and dishonest logs.

use proptest::prelude::*;
use vault::checkpoint::{
    Accepted, COMPACT_LEN, Checkpoint, CheckpointFault, MAX_TEXT, Origin, SignedCheckpoint, Witness, WitnessFault,
};
use vault::keys::StationSecret;
use vault::sign::Purpose;
use vault::tree::{Tree, empty_root};
use vault::{HospitalId, IncarnationId, StationId};

use crate::hospital::*;

const ORIGIN: Origin = Origin {
    hospital: HOSPITAL,
    station: STATION,
    incarnation: IncarnationId(*b"life-001"),
};

fn station() -> StationSecret {
    StationSecret::random(&mut Repeatable(60))
}

fn signed(tree: &Tree, size: u64) -> SignedCheckpoint {
    claim(tree, size).sign(&station())
}

fn claim(tree: &Tree, size: u64) -> Checkpoint {
    Checkpoint {
        origin: ORIGIN,
        size,
        root: tree.root(size).unwrap(),
        time: 1_795_000_000,
    }
}

fn log(records: u64, salt: &str) -> Tree {
    let mut tree = Tree::new();
    (0..records).for_each(|n| {
        tree.push(format!("{salt} {n}").as_bytes());
    });
    tree
}

/// Known answer: changes of a form are changes of the format.
#[test]
fn the_text_and_the_bytes_are_as_documented() {
    let shown = signed(&log(5, "record"), 5);
    assert_eq!(
        shown.to_text(),
        "tomoshibi/audit/746f6d6f73686962692d686f73702d31/73746174696f6e2d776172642d334531/6c6966652d303031\n\
         5\n\
         q1uiQNXF9m1XxD/D6UjYe+ylGdTaiwKLbFgv2nu/mbQ=\n\
         time 1795000000\n\
         \n\
         — tomoshibi/audit/746f6d6f73686962692d686f73702d31/73746174696f6e2d776172642d334531/6c6966652d303031 \
         +X/fB8srxC35O+S4oWzs14gNM6Z/fysqNQ/8Zos0zuovocvigpUewyyMGKvOYcJrD8x7fmrh3ZHIBgypNzxmeKW44Qg=\n"
    );
    assert_eq!(shown.to_compact().len(), COMPACT_LEN);
    const { assert!(COMPACT_LEN <= 200) };
    assert_eq!(
        crate::vectors::hex(&shown.to_compact()),
        "544d4243484b503173746174696f6e2d776172642d3345316c6966652d3030310500000000000000ab5ba240d5c5f66d57c43fc3e948d87beca519d4da8b028b6c582fda7bbf99b4c086fd6a00000000f97fdf07cb2bc42df93be4b8a16cecd7880d33a67f7f2b2a350ffc668b34ceea2fa1cbe282951ec32c8c18abce61c26b0fcc7b7e6ae1dd91c8060ca9373c6678a5b8e108"
    );
}

#[test]
fn both_forms_come_back_and_turn_into_each_other_without_a_key() {
    let shown = signed(&log(5, "record"), 5);
    let from_text = SignedCheckpoint::from_text(&shown.to_text()).unwrap();
    let from_paper = SignedCheckpoint::from_compact(&shown.to_compact(), &HOSPITAL).unwrap();
    assert_eq!(from_text, shown);
    assert_eq!(from_paper, shown);
    assert_eq!(from_paper.to_text(), shown.to_text());
    assert_eq!(
        *from_paper.verify(&station().public()).unwrap(),
        claim(&log(5, "record"), 5)
    );
    assert_eq!(from_paper.claim().origin, ORIGIN);
}

#[test]
fn only_the_station_itself_signs_and_only_for_this_purpose() {
    let mut rng = Repeatable(61);
    let shown = signed(&log(5, "record"), 5);
    let other = StationSecret::random(&mut rng);
    assert_eq!(shown.verify(&other.public()).unwrap_err(), CheckpointFault::Signature);
    let elsewhere = SignedCheckpoint::from_compact(&shown.to_compact(), &HospitalId([0; 16])).unwrap();
    assert_eq!(
        elsewhere.verify(&station().public()).unwrap_err(),
        CheckpointFault::Signature,
        "another hospital's"
    );
    // The same text, signed as a journal record: another purpose is another signature.
    let text = shown.to_text();
    let body = text.split_once("\n\n").unwrap().0.to_owned() + "\n";
    let as_record = station().sign(Purpose::Record, body.as_bytes());
    let as_checkpoint = station().sign(Purpose::Checkpoint, body.as_bytes());
    let mut compact = shown.to_compact();
    assert!(compact.ends_with(&as_checkpoint), "what is signed is the note's text");
    compact[COMPACT_LEN - 64..].copy_from_slice(&as_record);
    let forged = SignedCheckpoint::from_compact(&compact, &HOSPITAL).unwrap();
    assert_eq!(
        forged.verify(&station().public()).unwrap_err(),
        CheckpointFault::Signature
    );
}

#[test]
fn every_changed_bit_of_either_form_is_refused() {
    let shown = signed(&log(5, "record"), 5);
    let key = station().public();
    let compact = shown.to_compact();
    for bit in 0..compact.len() * 8 {
        let mut changed = compact.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let outcome = SignedCheckpoint::from_compact(&changed, &HOSPITAL).and_then(|read| read.verify(&key).copied());
        assert!(outcome.is_err(), "bit {bit}");
    }
    let text = shown.to_text().into_bytes();
    for bit in 0..text.len() * 8 {
        let mut changed = text.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Ok(changed) = String::from_utf8(changed) else {
            continue;
        };
        let outcome = SignedCheckpoint::from_text(&changed).and_then(|read| read.verify(&key).copied());
        assert!(outcome.is_err(), "bit {bit}");
    }
    for len in 0..compact.len() {
        assert!(SignedCheckpoint::from_compact(&compact[..len], &HOSPITAL).is_err());
    }
    assert!(SignedCheckpoint::from_compact(&[compact, vec![0]].concat(), &HOSPITAL).is_err());
}

#[test]
fn there_is_one_text_per_checkpoint() {
    let text = signed(&log(5, "record"), 5).to_text();
    let lines: Vec<&str> = text.split('\n').collect();
    let with = |at: usize, line: &str| {
        let mut lines = lines.clone();
        lines[at] = line;
        lines.join("\n")
    };
    let mut variants = vec![
        String::new(),
        "\n".repeat(7),
        with(1, "05"),
        with(1, "+5"),
        with(1, "-5"),
        with(1, "18446744073709551616"),
        with(1, " 5"),
        with(3, "time +1795000000"),
        with(3, "time 01795000000"),
        with(3, "Time 1795000000"),
        with(3, "1795000000"),
        with(4, " "),
        with(0, &lines[0].replace("6f", "6F")),
        with(0, &format!("{}/", lines[0])),
        with(0, lines[0].strip_suffix('1').unwrap()),
        with(0, "example.com/log"),
        with(2, lines[2].trim_end_matches('=')),
        with(5, &lines[5].replace('—', "-")),
        with(5, &lines[5].replace("tomoshibi/audit/7", "tomoshibi/audit/8")),
        with(5, &format!("{} ", lines[5])),
        text.replace('\n', "\r\n"),
        text.trim_end().to_owned(),
        format!("{text}\n"),
        format!("{text}{}\n", lines[5]),
        format!("\u{FEFF}{text}"),
        text.replace("time", "extension\ntime"),
        format!("{text}{}", "x".repeat(MAX_TEXT)),
    ];
    // The root's last character holds two bits that no byte needs.
    let root = lines[2].strip_suffix('=').unwrap();
    let (most, last) = root.split_at(root.len() - 1);
    let next = char::from(last.as_bytes()[0] + 1);
    variants.push(with(2, &format!("{most}{next}=")));
    for variant in variants {
        assert_eq!(
            SignedCheckpoint::from_text(&variant),
            Err(CheckpointFault::Malformed),
            "{variant:?}"
        );
    }
}

#[test]
fn a_witness_accepts_what_continues_and_nothing_else() {
    let (honest, forged) = (log(40, "record"), log(40, "rewritten"));
    let key = station().public();
    let mut witness = Witness::new();
    let proof = |old, new| honest.consistency(old, new).unwrap();
    assert_eq!(witness.seen(&ORIGIN), None);
    assert_eq!(witness.accept(&signed(&honest, 7), &key, &[]), Ok(Accepted::First));
    assert_eq!(witness.accept(&signed(&honest, 7), &key, &[]), Ok(Accepted::Unchanged));
    assert_eq!(
        witness.accept(&signed(&honest, 20), &key, &proof(7, 20)),
        Ok(Accepted::Grown(13))
    );
    let remembered = *witness.seen(&ORIGIN).unwrap();
    let mut refuses = |shown: SignedCheckpoint, proof: &[[u8; 32]], fault| {
        assert_eq!(witness.accept(&shown, &key, proof), Err(fault));
        assert_eq!(witness.seen(&ORIGIN), Some(&remembered), "nothing is forgotten");
    };
    refuses(signed(&honest, 19), &[], WitnessFault::Shorter { seen: 20, shown: 19 });
    refuses(signed(&honest, 0), &[], WitnessFault::Shorter { seen: 20, shown: 0 });
    refuses(signed(&forged, 20), &[], WitnessFault::Forked(20));
    let unproven = WitnessFault::NotProven { seen: 20 };
    refuses(signed(&honest, 25), &[], unproven);
    refuses(signed(&honest, 25), &proof(19, 25), unproven);
    refuses(signed(&honest, 25), &proof(20, 24), unproven);
    refuses(signed(&forged, 25), &forged.consistency(20, 25).unwrap(), unproven);
    refuses(signed(&forged, 25), &proof(20, 25), unproven);
    refuses(signed(&honest, 20), &proof(19, 20), unproven);
    let by_another = claim(&honest, 25).sign(&StationSecret::random(&mut Repeatable(62)));
    refuses(by_another, &proof(20, 25), CheckpointFault::Signature.into());
    assert_eq!(
        witness.accept(&signed(&honest, 40), &key, &proof(20, 40)),
        Ok(Accepted::Grown(20))
    );
}

#[test]
fn a_log_is_held_to_its_own_past_only_and_after_a_restart_too() {
    let key = station().public();
    let mut witness = Witness::new();
    let empty = Checkpoint {
        size: 0,
        root: empty_root(),
        ..claim(&log(1, "record"), 1)
    };
    assert_eq!(witness.accept(&empty.sign(&station()), &key, &[]), Ok(Accepted::First));
    let lying = Checkpoint { root: [1; 32], ..empty };
    assert_eq!(
        witness.accept(&lying.sign(&station()), &key, &[]),
        Err(WitnessFault::Forked(0))
    );
    assert_eq!(
        witness.accept(&signed(&log(3, "record"), 3), &key, &[]),
        Ok(Accepted::Grown(3)),
        "from nothing everything continues"
    );
    for origin in [
        Origin {
            station: StationId([1; 16]),
            ..ORIGIN
        },
        Origin {
            incarnation: IncarnationId([1; 8]),
            ..ORIGIN
        },
        Origin {
            hospital: HospitalId([1; 16]),
            ..ORIGIN
        },
    ] {
        let other = Checkpoint {
            origin,
            ..claim(&log(2, "another"), 2)
        };
        assert_eq!(witness.accept(&other.sign(&station()), &key, &[]), Ok(Accepted::First));
    }
    assert_eq!(witness.all().count(), 4);
    let mut restarted = Witness::new();
    for stored in witness.all() {
        restarted.remember(SignedCheckpoint::from_text(&stored.to_text()).unwrap());
    }
    assert_eq!(
        restarted.accept(&signed(&log(3, "rewritten"), 3), &key, &[]),
        Err(WitnessFault::Forked(3))
    );
}

proptest! {
    #[test]
    fn any_checkpoint_comes_back(
        size in any::<u64>(), root in any::<[u8; 32]>(), time in any::<i64>(),
        station_id in any::<[u8; 16]>(), incarnation in any::<[u8; 8]>(),
    ) {
        let origin = Origin { hospital: HOSPITAL, station: StationId(station_id), incarnation: IncarnationId(incarnation) };
        let claim = Checkpoint { origin, size, root, time };
        let shown = claim.sign(&station());
        prop_assert_eq!(SignedCheckpoint::from_text(&shown.to_text()), Ok(shown));
        prop_assert_eq!(SignedCheckpoint::from_compact(&shown.to_compact(), &HOSPITAL), Ok(shown));
        prop_assert_eq!(shown.verify(&station().public()), Ok(&claim));
        prop_assert!(shown.to_text().len() <= MAX_TEXT);
    }

    #[test]
    fn any_text_and_bytes_are_read_without_a_panic(text in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(SignedCheckpoint::from_text(&text).is_err());
        prop_assert!(SignedCheckpoint::from_compact(&bytes, &HOSPITAL).is_err());
    }
}
