//! Golden hashes of the whole exports (without what is said about them), and the fixtures in the repository.

use super::{SHAPES, files, hospital};
use crate::files::{Files, export_hospital, small};
use crate::fixtures::hash;
use std::fs;
use std::path::{Path, PathBuf};
use synth::{Hospital, Plan, Shape};

const GOLDEN: [&str; 4] = [
    "17dddd478463875169a1208973071703b3546cacbb7de9d59101fe20bd1c4553",
    "43082a22906a13ca6d139507863b55de1b9eb1e3e7850ccd615626ffd51eceef",
    "4313e4281bf7daef58c6b122b8e25a9de163b94589ffea3af9661b559ea571d7",
    "59fae20c14d83b6bf158720c0861b128b0777e4b61d07f7c796daab2ad137804",
];
/// Of 200 patients and 100 beds.
const GOLDEN_LARGE: [&str; 4] = [
    "3736cf1192f551b69f89a3261aad8f1f8b2e1334609ed47e3640f2f300627760",
    "de5150cdc9b4b968c7e40d0b4fb6693299010e80dc28b2bebdeadd43ee4f5867",
    "0ccde9ee87202cfa0a9313ddc60e570d179db2544e0bd6b94f23b43947abb625",
    "cf85da044bcc820656336bb9fafa46f8eec9fde7fab385d4d4809a16aa3ab56f",
];

/// What an EHR would write. What is said about it beside it is corrected when a reader finds it wrong.
fn written(mut files: Files) -> Files {
    files.remove("carries.toml");
    files.remove("mapping.toml");
    files
}

#[test]
fn bytes_never_change() {
    assert_eq!(SHAPES.map(|(shape, _)| hash(&written(files(shape)))), GOLDEN);
}

#[test]
fn bytes_of_a_larger_hospital_never_change() {
    let plan = Plan {
        patients: 200,
        ..small()
    };
    let large = Hospital::new(&plan).expect("plan within limits").with_beds(100);
    let hashes = SHAPES.map(|(shape, _)| hash(&written(export_hospital(&large, shape).0)));
    assert_eq!(hashes, GOLDEN_LARGE);
}

/// What is kept of a shape: of the stream the frames alone, which hold every message.
fn kept(shape: Shape) -> Files {
    let mut all = files(shape);
    if shape == Shape::Hl7 {
        all.retain(|name, _| !name.starts_with("messages/"));
    }
    all
}

/// How a source is configured to read them may lie beside what was written.
fn beside(name: &str) -> bool {
    !name.contains('/') && name != "carries.toml" && (name.ends_with(".toml") || name.ends_with(".md"))
}

fn walk(dir: &Path, root: &Path, out: &mut Files) {
    for entry in fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            walk(&path, root, out);
        } else {
            let name = path.strip_prefix(root).expect("inside").to_string_lossy().into_owned();
            out.insert(name, fs::read(&path).expect("readable"));
        }
    }
}

#[test]
fn fixtures_are_what_would_be_written_now() {
    for (shape, folder) in SHAPES {
        let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../fixtures/hospital")
            .join(folder);
        let now = kept(shape);
        if std::env::var_os("UPDATE").is_some() {
            let mut old = Files::new();
            fs::create_dir_all(&dir).expect("fixtures can be written");
            walk(&dir, &dir, &mut old);
            for name in old.keys().filter(|name| !beside(name)) {
                fs::remove_file(dir.join(name)).expect("fixtures can be written");
            }
            for (name, bytes) in &now {
                let path = dir.join(name);
                fs::create_dir_all(path.parent().expect("a folder")).expect("fixtures can be written");
                fs::write(path, bytes).expect("fixtures can be written");
            }
        }
        let mut there = Files::new();
        walk(&dir, &dir, &mut there);
        there.retain(|name, _| now.contains_key(name) || !beside(name));
        let names: Vec<_> = now.keys().filter(|name| !there.contains_key(*name)).take(3).collect();
        assert!(names.is_empty(), "{folder} lacks {names:?}");
        let more: Vec<_> = there.keys().filter(|name| !now.contains_key(*name)).take(3).collect();
        assert!(more.is_empty(), "{folder} has {more:?} more");
        for (name, bytes) in &now {
            assert!(
                there.get(name) == Some(bytes),
                "{folder}/{name} differs from what is made now"
            );
        }
    }
}

/// A tree is written into folders that are made; what is counted is what is there.
#[test]
fn a_tree_is_written() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let summary = synth::write_hospital(&hospital(), Shape::SsMix2, dir.path(), &mut |_, _| {}).expect("writable");
    let mut there = Files::new();
    walk(dir.path(), dir.path(), &mut there);
    assert!(there == files(Shape::SsMix2));
    let bytes: u64 = summary.files.iter().map(|file| file.bytes).sum();
    assert_eq!(bytes, there.values().map(|bytes| bytes.len() as u64).sum::<u64>());
}

/// The names that are asked for, and no other.
#[test]
fn shapes_have_names() {
    for (name, shape) in Shape::NAMED {
        assert_eq!(Shape::named(name), Some(shape));
    }
    assert_eq!(Shape::named("c"), None);
}

/// The first empty bed's last occupant died; nobody who left is in a bed.
#[test]
fn who_left_is_gone() {
    let hospital = Hospital::new(&small()).expect("plan within limits").with_beds(300);
    let empty: Vec<_> = hospital.beds().filter(|bed| hospital.lying(bed).is_none()).collect();
    assert!(empty.len() > 10, "{}", empty.len());
    let former: Vec<_> = empty.iter().map(|bed| hospital.former(bed)).collect();
    assert_eq!(former[0].left, synth::Left::Died);
    assert!(former[0].patient.person.death.is_some());
    assert!(former[1..].iter().all(|one| one.left != synth::Left::Died));
    assert!(former.iter().any(|one| one.left == synth::Left::Elsewhere));
    let lying: Vec<String> = hospital
        .beds()
        .filter_map(|bed| hospital.lying(&bed))
        .map(|p| p.id)
        .collect();
    assert!(former.iter().all(|one| !lying.contains(&one.patient.id)));
}

/// What was deleted is there, marked as deleted: a reader that shows it shows what is wrong.
#[test]
fn what_was_entered_by_mistake_is_there() {
    for (shape, signs) in [
        (Shape::SsMix2, ["PRB|DE", "|D^", "|||||W|||"]),
        (Shape::Hl7, ["PRB|DE", "|D^", "|||||W|||"]),
        (
            Shape::Fhir,
            ["dx-00160116-error", "alg-00160116-error", "entered-in-error"],
        ),
    ] {
        let all: Vec<u8> = files(shape).into_values().flatten().collect();
        for sign in signs {
            let found = all.windows(sign.len()).any(|part| part == sign.as_bytes());
            assert!(found, "{shape:?}: {sign}");
        }
    }
}
