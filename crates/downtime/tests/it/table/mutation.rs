//! Bytes of a sound export are changed at random: no panic, and nobody else's chart is touched.
//!
//! This is the promise that one broken row costs one row: whatever happens inside somebody's row, every patient none of whose
//! rows was changed comes out exactly as before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use proptest::prelude::*;
use serde_json::Value;

use super::{pull, show};
use crate::every_case::top;

struct Sound {
    mapping: String,
    files: BTreeMap<String, Vec<u8>>,
    charts: BTreeMap<String, Value>,
}

/// A small hospital in both shapes, written and read once.
fn sound(shape: synth::Shape) -> &'static Sound {
    static A: OnceLock<Sound> = OnceLock::new();
    static B: OnceLock<Sound> = OnceLock::new();
    let (cell, name) = if shape == synth::Shape::A { (&A, "a") } else { (&B, "b") };
    cell.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let plan = synth::Plan {
            patients: 14,
            date: super::scope().day,
            seed: 7,
        };
        synth::write(&plan, shape, dir.path(), &mut |_, _| {}).unwrap();
        let mapping = std::fs::read_to_string(top().join(format!("fixtures/hospital/{name}/mapping.toml"))).unwrap();
        let files = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                (
                    path.file_name().unwrap().to_str().unwrap().to_owned(),
                    std::fs::read(path).unwrap(),
                )
            })
            .collect();
        let (charts, _) = pull(&mapping, dir.path()).unwrap();
        Sound {
            mapping,
            files,
            charts: by_id(&charts),
        }
    })
}

/// Charts without their Findings: those may tell of a neighbour's broken row.
fn by_id(charts: &[chart::Chart]) -> BTreeMap<String, Value> {
    charts
        .iter()
        .map(|chart| {
            let mut value = show::chart(chart);
            value.as_object_mut().unwrap().remove("findings");
            (chart.patient.id.as_str().to_owned(), value)
        })
        .collect()
}

/// Pulls the export with one file replaced.
fn pull_with(sound: &Sound, name: &str, bytes: &[u8]) -> Result<BTreeMap<String, Value>, String> {
    let dir = tempfile::tempdir().unwrap();
    for (other, content) in &sound.files {
        let content = if other == name { bytes } else { content };
        std::fs::write(dir.path().join(other), content).unwrap();
    }
    pull(&sound.mapping, dir.path())
        .map(|(charts, _)| by_id(&charts))
        .map_err(|fault| fault.to_string())
}

/// Where physical rows begin: after every line end outside quotes. The heading, if there is one, is the first.
fn rows(bytes: &[u8], quoted: bool) -> Vec<usize> {
    let mut starts = vec![0];
    let mut inside = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' if quoted => inside = !inside,
            b'\n' if !inside => starts.push(at + 1),
            _ => {}
        }
    }
    starts
}

/// Everybody whose number stands in these bytes.
fn named(bytes: &[u8], sound: &Sound) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(bytes);
    sound
        .charts
        .keys()
        .filter(|id| text.contains(id.as_str()))
        .cloned()
        .collect()
}

fn change(bytes: &mut Vec<u8>, at: usize, length: usize, with: &[u8]) {
    let end = (at + length).min(bytes.len());
    bytes.splice(at..end, with.iter().copied());
}

fn strange_bytes() -> impl Strategy<Value = Vec<u8>> {
    let one = prop_oneof![
        Just(b'"'),
        Just(b','),
        Just(b'\t'),
        Just(b'\n'),
        Just(b'\r'),
        Just(0_u8),
        Just(0x1A),
        Just(0x81),
        Just(0x5C),
        Just(0xFF),
        any::<u8>()
    ];
    proptest::collection::vec(one, 0..4)
}

/// The same few cases in every ordinary run; as many new ones as `PROPTEST_CASES` says in a long one.
fn cases(few: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    if usual.cases != 256 {
        return ProptestConfig {
            failure_persistence: None,
            ..usual
        };
    }
    ProptestConfig {
        cases: few,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20_261_120),
        failure_persistence: None,
        ..usual
    }
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn whatever_happens_in_one_row_stays_there(
        shape in prop_oneof![Just(synth::Shape::A), Just(synth::Shape::B)],
        file in 0_usize..64,
        at in any::<prop::sample::Index>(),
        length in 0_usize..4,
        with in strange_bytes(),
    ) {
        let sound = sound(shape);
        // Code tables, the tally and the headings belong to everybody.
        let common = ["診療科.csv", "医師.csv", "出力件数.csv", "dept.csv", "dr.csv", "exm.csv", "EXPORT.END"];
        let own: Vec<&String> = sound.files.keys().filter(|name| !common.contains(&name.as_str())).collect();
        let name = own[file % own.len()];
        let bytes = &sound.files[name];
        let starts = rows(bytes, name.ends_with(".csv"));
        let headless = ["appt_20261120.csv", "rx.csv", "next14.csv"].contains(&name.as_str());
        let body = if headless { 0 } else { starts[1] };
        prop_assume!(bytes.len() > body + 1);
        let at = body + at.index(bytes.len() - body);
        let mut changed = bytes.clone();
        change(&mut changed, at, length, &with);

        // Touched: whoever's row holds a changed byte; a changed line end touches the next row, too.
        let end = (at + length.max(1)).min(bytes.len());
        let first = starts.iter().rposition(|start| *start <= at).unwrap();
        let last = starts.iter().rposition(|start| *start <= end).unwrap();
        let from = starts[first];
        // The row before, when a quote or line end at its very end is what changed.
        let from = if from == at && first > 0 { starts[first - 1] } else { from };
        let to = starts.get(last + 1).copied().unwrap_or(bytes.len());
        let mut touched = named(&bytes[from..to], sound);
        let grown = changed.len().saturating_sub(bytes.len());
        touched.extend(named(&changed[from..(to + grown).min(changed.len())], sound));

        let got = pull_with(sound, name, &changed).unwrap();
        for (id, chart) in &sound.charts {
            if !touched.contains(id) {
                prop_assert_eq!(got.get(id), Some(chart), "{} after {} @{}", id, name, at);
            }
        }
        // And nobody came out of nothing but by a changed number.
        for id in got.keys() {
            prop_assert!(sound.charts.contains_key(id) || !with.is_empty() || length > 0);
        }
    }
}

proptest! {
    #![proptest_config(cases(16))]

    #[test]
    fn noise_is_never_a_panic(
        noise in proptest::collection::vec(any::<u8>(), 0..3_000),
        file in 0_usize..64,
        cut in any::<prop::sample::Index>(),
    ) {
        let sound = sound(synth::Shape::B);
        let name = sound.files.keys().nth(file % sound.files.len()).unwrap();
        // Pure noise, and noise behind the beginning of a sound file.
        let _ = pull_with(sound, name, &noise);
        let bytes = &sound.files[name];
        let mut torn = bytes[..cut.index(bytes.len().max(1))].to_vec();
        torn.extend(&noise);
        let _ = pull_with(sound, name, &torn);
    }
}
