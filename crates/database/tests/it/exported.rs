//! The invented hospital as exported tables: what its databases are compared with.

use std::path::Path;

use chart::{Chart, Known};
use downtime::sources::table::{Config, Table};
use jiff::civil::Date;
use tempfile::TempDir;

/// Sixty patients and twelve beds, as the scripts of the fixtures have them. The table is read from the folder, which goes when it is dropped.
pub fn tables(day: Date) -> (TempDir, Table) {
    let dir = tempfile::tempdir().unwrap();
    let plan = synth::Plan {
        patients: 60,
        date: day,
        seed: 1,
    };
    let hospital = synth::Hospital::new(&plan).unwrap().with_beds(12);
    synth::write_hospital(&hospital, synth::Shape::A, dir.path(), &mut |_, _| {}).unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/hospital");
    let mapping = std::fs::read_to_string(fixtures.join("a/mapping.toml")).unwrap();
    let table = Table::new(Config::read(&mapping).unwrap(), dir.path().to_owned()).unwrap();
    (dir, table)
}

/// The order of lists is the writer's own.
pub fn sorted(mut chart: Chart) -> Chart {
    chart.patient.facts.sort_by(|a, b| a.label.cmp(&b.label));
    chart.orders.sort_by(|a, b| a.number.cmp(&b.number));
    if let Known::Present(list) = &mut chart.allergies {
        list.sort_by(|a, b| a.substance.cmp(&b.substance));
    }
    chart
}
