//! The description of the exports says what is in them: every column of a header and every hazard.

use crate::files::{export, old_text, plain_b, rows, small};
use synth::Shape;

const DESCRIPTION: &str = include_str!("../../../../docs/operating/synthetic-hospital.md");

/// The part of the description under the heading that begins with `name`; the table of masters for files without one.
fn section(shape: &str, name: &str) -> &'static str {
    let of_shape = DESCRIPTION
        .split("\n## ")
        .find(|part| part.starts_with(shape))
        .expect("the shape is described");
    let heading =
        |part: &&str| part.starts_with(name) || name.starts_with("予約一覧_") && part.starts_with("予約一覧_");
    let parts = || of_shape.split("\n### ");
    parts()
        .find(heading)
        .or_else(|| parts().find(|part| part.starts_with("Masters")))
        .expect("the file is described")
}

#[test]
fn every_column_is_described() {
    for (name, bytes) in export(&small(), Shape::A) {
        let part = section("Shape A", &name);
        for column in rows(&old_text(&bytes), ',', "\r\n").remove(0) {
            assert!(part.contains(&column), "{name}: {column}");
        }
    }
    let b = export(&small(), Shape::B);
    for name in b
        .keys()
        .filter(|name| !name.starts_with("appt_") && !["rx.csv", "next14.csv", "EXPORT.END"].contains(&name.as_str()))
    {
        let part = section("Shape B", name);
        for column in plain_b(&b, name).remove(0) {
            let whole = part
                .split(|c: char| !c.is_ascii_alphanumeric())
                .any(|word| word == column);
            assert!(whole, "{name}: {column}");
        }
    }
}

#[test]
fn files_without_header_have_the_columns_described() {
    let b = export(&small(), Shape::B);
    for (name, columns) in [("appt_20261120.csv", 25), ("rx.csv", 19), ("next14.csv", 9)] {
        assert!(
            DESCRIPTION.contains(&format!("**no header**, {columns} columns")),
            "{name}"
        );
        assert_eq!(plain_b(&b, name)[0].len(), columns, "{name}");
    }
}

#[test]
fn every_hazard_is_described() {
    for hazard in synth::hazards().expect("tables are readable") {
        let line = format!("| {} | {} | {} |", hazard.number, hazard.patient, hazard.what);
        assert!(DESCRIPTION.contains(&line), "{line}");
    }
}
