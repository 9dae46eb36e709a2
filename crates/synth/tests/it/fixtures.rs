//! The bytes never change: golden hashes, and the fixtures in the repository.
//!
//! When a change of the hospital is meant, run the tests once with `UPDATE=1`, look at what changed, and put the new hash here.

use crate::files::{Files, export, small};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::PathBuf;
use synth::{Plan, Shape};

const GOLDEN_A: &str = "142444cd41745df7cebe951a7277364670e6c771fe96667736d7e8f838ef97f5";
const GOLDEN_B: &str = "946dbb36536ae032f1ed5d7b00c8f7540e23c04f48a2cfbbaa7c68530ff271d7";

#[test]
fn bytes_never_change() {
    let hashes = [Shape::A, Shape::B].map(|shape| hash(&export(&small(), shape)));
    assert_eq!(hashes, [GOLDEN_A, GOLDEN_B]);
}

#[test]
fn fixtures_are_what_would_be_written_now() {
    for (shape, folder) in [(Shape::A, "a"), (Shape::B, "b")] {
        let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../fixtures/hospital")
            .join(folder);
        if std::env::var_os("UPDATE").is_some() {
            synth::write(&small(), shape, &dir, &mut |_, _| {}).expect("fixtures can be written");
        }
        for (name, bytes) in export(&small(), shape) {
            let kept = fs::read(dir.join(&name)).unwrap_or_else(|error| panic!("{folder}/{name}: {error}"));
            assert!(kept == bytes, "{folder}/{name} differs from what is made now");
        }
    }
}

#[test]
fn other_arguments_give_other_bytes() {
    let first = hash(&export(&small(), Shape::B));
    for plan in [
        Plan { seed: 2, ..small() },
        Plan {
            date: jiff::civil::date(2026, 11, 24),
            ..small()
        },
        Plan {
            patients: 61,
            ..small()
        },
    ] {
        assert_ne!(hash(&export(&plan, Shape::B)), first, "{plan:?}");
    }
}

/// A patient is the same in a small and in a large hospital.
#[test]
fn patients_do_not_depend_on_the_size_of_the_hospital() {
    let id = |patients: u32| {
        let hospital = synth::Hospital::new(&Plan { patients, ..small() }).expect("plan within limits");
        format!("{:?}", hospital.patient(55))
    };
    assert_eq!(id(60), id(100_000));
}

#[test]
fn plans_outside_the_limits_are_refused() {
    for plan in [
        Plan { patients: 0, ..small() },
        Plan {
            patients: synth::MAX_PATIENTS + 1,
            ..small()
        },
        Plan {
            date: jiff::civil::date(2019, 12, 31),
            ..small()
        },
        Plan {
            date: jiff::civil::date(2031, 1, 1),
            ..small()
        },
    ] {
        let error = synth::Hospital::new(&plan).expect_err("outside the limits").to_string();
        assert!(error.contains("nothing was made"), "{error}");
    }
}

/// A folder that cannot be written gives an error that names the file, and no tally.
#[test]
fn a_full_disk_is_reported() {
    let hospital = synth::Hospital::new(&small()).expect("plan within limits");
    let mut names = Vec::new();
    let mut open = |name: &str| {
        names.push(name.to_owned());
        if name == "病名.csv" {
            Err(std::io::Error::other("disk full"))
        } else {
            Ok(Box::new(std::io::sink()) as Box<dyn std::io::Write>)
        }
    };
    let error = synth::export(&hospital, Shape::A, &mut open, &mut |_, _| {}).expect_err("the disk is full");
    assert!(error.to_string().starts_with("病名.csv"), "{error}");
    assert!(!names.iter().any(|name| name == "出力件数.csv"));
}

/// Writing twice into one folder replaces the files; progress is told for every patient.
#[test]
fn a_folder_is_written() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("new/export");
    let plan = Plan { patients: 5, ..small() };
    let mut heard = Vec::new();
    synth::write(&plan, Shape::A, &path, &mut |done, all| heard.push((done, all))).expect("writable");
    assert_eq!(heard, [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]);
    let summary = synth::write(&plan, Shape::A, &path, &mut |_, _| {}).expect("writable");
    assert_eq!(summary.patients, 5);
    assert_eq!(fs::read_dir(&path).expect("readable").count(), summary.files.len());
    assert_eq!(
        summary.files.last().map(|file| file.name.as_str()),
        Some("出力件数.csv")
    );
}

pub fn hash(files: &Files) -> String {
    let mut hasher = Sha256::new();
    for (name, bytes) in files {
        hasher.update((name.len() as u64).to_be_bytes());
        hasher.update(name);
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
