//! Golden hashes of the whole exports, and the fixtures in the repository.

use super::{SHAPES, files, hospital};
use crate::files::{Files, export_hospital, small};
use crate::fixtures::hash;
use std::fs;
use std::path::{Path, PathBuf};
use synth::{Hospital, Plan, Shape};

const GOLDEN: [&str; 4] = [
    "7bf2e8f31165657def050d9a18e833abfe9838cd9411e27e4520a9fb867192b9",
    "ee8809fb1b0495e853d73ad9bbe568db253115b0d5a2ff3c7ebfb99860a84734",
    "6b54560dda94bb27780834c3b196b2c35269e49668e32416fdbd7295dbb3c83d",
    "c647a59fdc5cd11572a191b48594c9d55a8fee1b0961886d097c0546b483f6fe",
];
/// Of 200 patients and 100 beds.
const GOLDEN_LARGE: [&str; 4] = [
    "922ed6dbe33a6292b548d388edd08d4ff48455f6dc1df63c01af9429b04a4aff",
    "d47c78ff62d332e576101786082ba94b51c67b35ac598b5134fd66671e5b2910",
    "2bcffb3dc4e93cb609cb37277db11b0f15977a420203ce1278bc0628ea672d44",
    "6a20c880196c3a6f2f37fb6966c5f12316f33b572c565ab3fcd4642703b160be",
];

#[test]
fn bytes_never_change() {
    assert_eq!(SHAPES.map(|(shape, _)| hash(&files(shape))), GOLDEN);
}

#[test]
fn bytes_of_a_larger_hospital_never_change() {
    let plan = Plan {
        patients: 200,
        ..small()
    };
    let large = Hospital::new(&plan).expect("plan within limits").with_beds(100);
    let hashes = SHAPES.map(|(shape, _)| hash(&export_hospital(&large, shape).0));
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
        there.retain(|name, _| !beside(name));
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
