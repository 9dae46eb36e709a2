//! The same synthetic hospital in two export shapes gives the same charts, but for what a shape cannot carry.
//!
//! The exceptions are the table in `docs/operating/synthetic-hospital.md` and `docs/formats/mapping.md`, written here as code:
//! each takes away exactly what one of the shapes does not say.

use std::collections::BTreeMap;

use chart::{Chart, Known};

use super::{pull, show};
use crate::every_case::top;

fn charts(shape: synth::Shape, patients: u32) -> BTreeMap<String, Chart> {
    let dir = tempfile::tempdir().unwrap();
    let plan = synth::Plan {
        patients,
        date: super::scope().day,
        seed: 1,
    };
    synth::write(&plan, shape, dir.path(), &mut |_, _| {}).unwrap();
    let name = if shape == synth::Shape::A { "a" } else { "b" };
    let mapping = std::fs::read_to_string(top().join(format!("fixtures/hospital/{name}/mapping.toml"))).unwrap();
    let (charts, extract) = pull(&mapping, dir.path()).unwrap();
    assert_eq!(extract.findings, [], "{name}: a sound export gives no findings");
    assert!(
        extract
            .origins
            .iter()
            .all(|origin| !origin.half_written && origin.refused == 0)
    );
    assert_eq!(extract.charts, u64::from(patients));
    charts
        .into_iter()
        .map(|chart| (chart.patient.id.as_str().to_owned(), chart))
        .collect()
}

#[test]
fn two_shapes_of_one_hospital_give_the_same_charts() {
    let (a, b) = (charts(synth::Shape::A, 300), charts(synth::Shape::B, 300));
    assert_eq!(a.len(), b.len());
    let mut different = Vec::new();
    for (id, one) in a {
        let other = b[&id].clone();
        let (one, other) = (show::chart(&bare(one)), show::chart(&bare(other)));
        for (key, value) in one.as_object().unwrap() {
            if !same_text(&value.to_string(), &other[key].to_string()) {
                different.push(format!("{id} {key}\n  a {value}\n  b {}", other[key]));
            }
        }
    }
    assert!(
        different.is_empty(),
        "{} differences\n{}",
        different.len(),
        different[..different.len().min(12)].join("\n")
    );
}

/// Takes away what only one of the shapes says, or what each says in its own codes.
fn bare(mut chart: Chart) -> Chart {
    // Departments, examinations and laboratory items have codes of their own in each shape.
    let appointments = chart.appointments.iter_mut().map(|a| &mut a.department);
    let orders = chart.orders.iter_mut().flat_map(|o| [&mut o.department, &mut o.exam]);
    appointments.chain(orders).for_each(|coded| coded.code.clear());
    each(&mut chart.notes, |note| note.department.code.clear());
    each(&mut chart.prescriptions, |prescription| {
        prescription.department.code.clear()
    });
    each(&mut chart.results, |result| result.code.clear());
    // A has a time and a number for every examination, B has a code in the row of the appointment.
    for order in &mut chart.orders {
        order.at = None;
        order.number.clear();
    }
    chart.orders.sort_by(|a, b| a.exam.name.cmp(&b.exam.name));
    // A remarks on single examinations, B on all of an appointment: what is said at all must be the same.
    let words = chart.orders.iter().flat_map(|o| o.remarks.split([' ', '、']));
    let mut said: Vec<String> = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
    said.sort();
    said.dedup();
    for order in &mut chart.orders {
        order.remarks = said.join(" ");
    }
    // B writes ICD-10 without its dot and post codes without their hyphen.
    each(&mut chart.diagnoses, |diagnosis| diagnosis.icd10.retain(|c| c != '.'));
    if let Some((post_code, rest)) = chart.patient.address.split_once(' ') {
        chart.patient.address = format!("{} {rest}", post_code.replace('-', ""));
    }
    // The facts are columns in B and rows in A.
    chart.patient.facts.sort_by(|a, b| a.label.cmp(&b.label));
    chart
}

fn each<T>(known: &mut Known<Vec<T>>, mut change: impl FnMut(&mut T)) {
    if let Known::Present(list) = known {
        list.iter_mut().for_each(&mut change);
    }
}

/// Equal but for characters that CP932 does not have (A writes a substitute or 外字), that it has under two numbers (〜 and ～), and
/// variation selectors, which A drops.
fn same_text(a: &str, b: &str) -> bool {
    let plain = |text: &str| -> Vec<char> {
        let shown = text
            .chars()
            .filter(|c| !matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}'));
        shown
            .map(|c| match c {
                '〜' => '～',
                '−' => '－',
                other => other,
            })
            .collect()
    };
    let (a, b) = (plain(a), plain(b));
    let substitute = |c: char| matches!(c, '■' | '〓' | '\u{E000}');
    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a == b || substitute(*a))
}

#[test]
fn the_shipped_exports_are_read_without_a_finding() {
    for name in ["a", "b"] {
        let dir = top().join("fixtures/hospital").join(name);
        let mapping = std::fs::read_to_string(dir.join("mapping.toml")).unwrap();
        let (charts, extract) = pull(&mapping, &dir).unwrap();
        assert_eq!((extract.charts, extract.findings.len()), (60, 0), "{name}");
        assert_eq!(charts.len() as u64, extract.charts + extract.thin_charts);
        // Written five minutes after midnight, as the tally says, whatever the files' own times are after a checkout.
        assert_eq!(
            extract.as_of,
            chart::AsOf::all(chart::Moment::from_local(super::scope().day.at(0, 5, 0, 0)))
        );
        // All four states of knowledge are there.
        let states: std::collections::BTreeSet<&str> = charts.iter().map(|chart| chart.allergies.state()).collect();
        assert_eq!(states.len(), 4, "{name}: {states:?}");
    }
}
