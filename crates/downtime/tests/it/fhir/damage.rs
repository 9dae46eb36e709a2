//! Damage: torn files, depth bombs, wrong types, numbers and keys that cannot be; and bytes changed at random.
//!
//! One bad line costs one line, and whoever's resources were not touched comes out as before.

use std::collections::BTreeMap;

use chart::{DataKind, Known};
use proptest::prelude::*;
use serde_json::Value;

use super::{booked, only, pull};
use crate::table::show;

fn allergy(id: &str, more: &str) -> String {
    format!(
        r#"{{"resourceType":"AllergyIntolerance","id":"x{id}","code":{{"text":"薬{id}"}},"patient":{{"reference":"Patient/p{id}"}}{more}}}
"#
    )
}

/// Allergies of two patients, one of whose lines is replaced.
fn pulled(bad: &str) -> (BTreeMap<String, chart::Chart>, downtime::sources::Extract) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("Patient.ndjson"), booked("0001") + &booked("0002")).unwrap();
    let text = allergy("0001", "") + bad + "\n" + &allergy("0002", "");
    std::fs::write(dir.path().join("AllergyIntolerance.ndjson"), text).unwrap();
    let (charts, extract) = pull(only(&[DataKind::Allergy]), dir.path()).unwrap();
    let by_id = charts
        .into_iter()
        .map(|chart| (chart.patient.id.to_string(), chart))
        .collect();
    (by_id, extract)
}

#[test]
fn a_bad_line_costs_that_line_and_is_told_with_its_place() {
    let deep = format!(
        r#"{{"resourceType":"AllergyIntolerance","extension":[{}1{}]}}"#,
        r#"{"extension":["#.repeat(500),
        "]}".repeat(500)
    );
    let bad = [
        r#"{"resourceType":"AllergyIntolerance","id":"x"#,
        r#"{"resourceType":"AllergyIntolerance""#,
        "garbage",
        "[1,2,3",
        &deep,
    ];
    for line in bad {
        let (charts, extract) = pulled(line);
        for id in ["0001", "0002"] {
            assert_eq!(charts[id].allergies.items().len(), 1, "{line:.60}");
        }
        let told = extract.findings.iter().find(|f| f.code == "fhir.json").unwrap();
        assert_eq!(
            (told.file.as_str(), told.line),
            ("AllergyIntolerance.ndjson", 2),
            "{line:.60}"
        );
        assert!(
            !told.message.contains("garbage"),
            "what stands in a line is not for messages"
        );
    }
}

#[test]
fn a_lost_line_may_have_been_anybodys_and_no_list_is_called_empty_without_a_word() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("Patient.ndjson"), booked("0001") + &booked("0002")).unwrap();
    std::fs::write(
        dir.path().join("AllergyIntolerance.ndjson"),
        allergy("0001", "") + "{\n",
    )
    .unwrap();
    let (charts, _) = pull(only(&[DataKind::Allergy]), dir.path()).unwrap();
    let other = charts.iter().find(|chart| chart.patient.id.as_str() == "0002").unwrap();
    assert_eq!(other.allergies, Known::NotRecorded);
    assert!(
        other.findings.iter().any(|f| f.code == "kind.doubtful"),
        "{:?}",
        other.findings
    );
}

#[test]
fn a_field_of_a_wrong_type_costs_the_field_and_the_chart_says_so() {
    for more in [
        r#","category":{"x":1}"#,
        r#","criticality":[]"#,
        r#","reaction":"x""#,
        r#","note":[7]"#,
        r#","criticality":"low","criticality":"high""#,
    ] {
        let (charts, _) = pulled(
            &allergy("0001", more)
                .replace("\"x0001\"", "\"y\"")
                .replace("薬0001", "別の薬"),
        );
        let names: Vec<&str> = charts["0001"]
            .allergies
            .items()
            .iter()
            .map(|a| a.substance.as_str())
            .collect();
        assert_eq!(names, ["薬0001", "別の薬"], "{more}");
        let codes: Vec<&str> = charts["0001"].findings.iter().map(|f| f.code.as_str()).collect();
        assert!(
            codes.contains(&"fhir.field") && codes.contains(&"kind.partial"),
            "{more}: {codes:?}"
        );
        assert!(charts["0002"].findings.is_empty());
    }
}

#[test]
fn what_means_something_else_than_it_seems_to_is_left_out_and_told() {
    let (charts, _) = pulled(
        &allergy("0001", r#","modifierExtension":[{"url":"x"}]"#)
            .replace("\"x0001\"", "\"y\"")
            .replace("薬0001", "別の薬"),
    );
    assert_eq!(charts["0001"].allergies.items().len(), 1);
    let told = charts["0001"]
        .findings
        .iter()
        .find(|f| f.code == "fhir.modifier")
        .unwrap();
    assert_eq!(told.severity, chart::Severity::Severe);
}

#[test]
fn a_torn_bundle_gives_its_first_entries_and_counts_as_half_written() {
    let dir = tempfile::tempdir().unwrap();
    let entries: Vec<String> = (booked("0001") + &allergy("0001", "") + &allergy("0001", ""))
        .lines()
        .map(|line| format!(r#"{{"resource":{line}}}"#))
        .collect();
    let whole = format!(
        r#"{{"resourceType":"Bundle","type":"searchset","entry":[{}]}}"#,
        entries.join(",\n")
    );
    std::fs::write(dir.path().join("b.json"), &whole.as_bytes()[..whole.len() - 40]).unwrap();
    let (charts, extract) = pull(only(&[DataKind::Allergy]), dir.path()).unwrap();
    assert_eq!(charts[0].allergies.items().len(), 1);
    assert!(extract.origins.iter().all(|origin| origin.half_written));
    assert!(
        charts[0].findings.iter().any(|f| f.code == "kind.partial"),
        "{:?}",
        charts[0].findings
    );
}

#[test]
fn a_manifest_that_counts_more_than_there_is_means_half_written() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("Patient.ndjson"), booked("0001")).unwrap();
    std::fs::write(dir.path().join("AllergyIntolerance.ndjson"), allergy("0001", "")).unwrap();
    let manifest = |count: u32| {
        format!(
            r#"{{"transactionTime":"2026-11-20T00:10:00+09:00","output":[{{"type":"AllergyIntolerance","url":"x","count":{count}}}]}}"#
        )
    };
    for (count, half) in [(1, false), (2, true)] {
        std::fs::write(dir.path().join("export.json"), manifest(count)).unwrap();
        let (charts, extract) = pull(only(&[DataKind::Allergy]), dir.path()).unwrap();
        assert_eq!(extract.origins.iter().any(|origin| origin.half_written), half);
        assert_eq!(extract.as_of.of(DataKind::Allergy).text(), "2026-11-20 00:10");
        assert_eq!(charts[0].findings.iter().any(|f| f.code == "kind.partial"), half);
    }
}

#[test]
fn a_kind_without_a_single_resource_is_unavailable_and_not_empty() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("Patient.ndjson"), booked("0001")).unwrap();
    let (charts, extract) = pull(only(&[DataKind::Allergy]), dir.path()).unwrap();
    assert!(matches!(charts[0].allergies, Known::Unavailable { since: Some(_) }));
    assert!(extract.findings.iter().any(|f| f.code == "file.missing"));
    let mut settings = only(&[DataKind::Allergy]);
    settings.may_be_empty.insert(DataKind::Allergy);
    assert_eq!(pull(settings, dir.path()).unwrap().0[0].allergies, Known::NotRecorded);
}

#[test]
fn a_line_longer_than_may_be_is_skipped_and_the_next_is_read() {
    let long = format!(
        r#"{{"resourceType":"AllergyIntolerance","text":"{}"}}"#,
        "x".repeat(33 << 20)
    );
    let (charts, extract) = pulled(&long);
    assert_eq!(charts["0002"].allergies.items().len(), 1);
    assert!(extract.findings.iter().any(|f| f.code == "row.too_long" && f.line == 2));
}

fn sound() -> String {
    (1..=6)
        .map(|n| {
            let id = format!("{n:04}");
            let more = r#","category":["medication"],"criticality":"high","reaction":[{"manifestation":[{"text":"発疹"}]}],"recordedDate":"2020-01-02""#;
            booked(&id) + &allergy(&id, more)
        })
        .collect()
}

fn charts_of(bytes: &[u8]) -> Option<BTreeMap<String, Value>> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("all.ndjson"), bytes).unwrap();
    let (charts, _) = pull(only(&[DataKind::Allergy]), dir.path()).ok()?;
    let shown = |chart: &chart::Chart| {
        let mut value = show::chart(chart);
        value.as_object_mut().unwrap().remove("findings");
        (chart.patient.id.to_string(), value)
    };
    Some(charts.iter().map(shown).collect())
}

/// The same few cases in every ordinary run; as many new ones as asked for in a long one.
#[allow(
    clippy::disallowed_methods,
    reason = "asked for by hand, by the person who runs the test"
)]
fn cases(few: u32) -> ProptestConfig {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let long = number("TORTURE_IMAGES").map(|images| u32::try_from(images / 20).unwrap_or(u32::MAX).max(few));
    let seed = number("TORTURE_SEED").unwrap_or(0) + 20_261_120;
    ProptestConfig {
        cases: long.unwrap_or(few),
        rng_seed: proptest::test_runner::RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn whatever_happens_in_one_line_stays_with_whom_it_names(
        at in any::<prop::sample::Index>(),
        with in proptest::collection::vec(prop_oneof![Just(b'"'), Just(b'{'), Just(b'}'), Just(b'['), Just(b','), Just(b':'), Just(b'\\'), Just(0_u8), Just(0xFF), Just(b'9'), any::<u8>()], 0..4),
        length in 0_usize..4,
    ) {
        let text = sound();
        let whole = charts_of(text.as_bytes()).unwrap();
        let at = at.index(text.len());
        let mut changed = text.clone().into_bytes();
        let end = (at + length).min(changed.len());
        changed.splice(at..end, with.iter().copied());
        // Touched: everybody named in the lines that the change reaches, before and after.
        let mut touched = String::new();
        let from = text.as_bytes()[..at].iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
        let to = text.as_bytes()[end..].iter().position(|b| *b == b'\n').map_or(text.len(), |n| end + n + 1);
        touched.push_str(&String::from_utf8_lossy(&text.as_bytes()[from..to]));
        touched.push_str(&String::from_utf8_lossy(&changed[from..(to + 4).min(changed.len())]));
        // A torn line end takes the next line with it.
        let next = text.as_bytes()[to..].iter().position(|b| *b == b'\n').map_or(text.len(), |n| to + n + 1);
        touched.push_str(&String::from_utf8_lossy(&text.as_bytes()[to..next]));
        let got = charts_of(&changed).unwrap();
        for (id, chart) in &whole {
            if !touched.contains(id.as_str()) {
                prop_assert_eq!(got.get(id), Some(chart), "{} @{}", id, at);
            }
        }
    }

    #[test]
    fn noise_is_never_a_panic(noise in proptest::collection::vec(any::<u8>(), 0..2_000), cut in any::<prop::sample::Index>()) {
        let text = sound();
        let mut torn = text.as_bytes()[..cut.index(text.len())].to_vec();
        torn.extend(&noise);
        let _ = charts_of(&torn);
        let _ = charts_of(&noise);
    }
}
