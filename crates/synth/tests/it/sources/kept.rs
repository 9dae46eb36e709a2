//! Golden hashes of the whole exports, and the fixtures in the repository.

use super::{SHAPES, files, hospital};
use crate::files::{Files, export_hospital, small};
use crate::fixtures::hash;
use std::fs;
use std::path::{Path, PathBuf};
use synth::{Hospital, Plan, Shape};

const GOLDEN: [&str; 4] = [
    "fdd7095b577dba17e3f3aaed8129b5492245ca9c288365524b3a5b8421a5f512",
    "6307033ba43b29712b5beb61bc8362734ba0a018e7ce154636d6d468f4ab2a9a",
    "6b54560dda94bb27780834c3b196b2c35269e49668e32416fdbd7295dbb3c83d",
    "c647a59fdc5cd11572a191b48594c9d55a8fee1b0961886d097c0546b483f6fe",
];
/// Of 200 patients and 100 beds.
const GOLDEN_LARGE: [&str; 4] = [
    "0da65457a7f061f86d1a447be7b8574a0944127728ff3005a5bf7cb81daaebe8",
    "7296f9aec919fe6f22eb96c9dd9d180d7023557f5eaf27715dfc58ae4b0be942",
    "afa5ca7702ca1a9236c859f95ca1546b99c3c7761b6197b5f5b99777ba977b61",
    "ca84bcc770b04474832098a32a64abf247e43d0e16b0baf63152627ca8eac24b",
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
            let _ = fs::remove_dir_all(&dir);
            for (name, bytes) in &now {
                let path = dir.join(name);
                fs::create_dir_all(path.parent().expect("a folder")).expect("fixtures can be written");
                fs::write(path, bytes).expect("fixtures can be written");
            }
        }
        let mut there = Files::new();
        walk(&dir, &dir, &mut there);
        // How a mapping reads them may lie beside what was written.
        there.retain(|name, _| name != "mapping.toml" && name != "README.md");
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
