//! What each format carries is said once: in the files that machines read and in the page that people read.

use super::{SHAPES, files};
use std::collections::BTreeMap;

const PAGE: &str = include_str!("../../../../../docs/formats/source-coverage.md");

/// Field, then carried and why.
type Carries = BTreeMap<String, (String, String)>;

fn carries(bytes: &[u8]) -> Carries {
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    let value: toml::Table = toml::from_str(text).expect("TOML");
    let fields = value["carries"].as_table().expect("a table");
    let one = |(field, said): (&String, &toml::Value)| {
        let word = |name: &str| {
            said.get(name)
                .and_then(toml::Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        (field.clone(), (word("carried"), word("why")))
    };
    fields.iter().map(one).collect()
}

#[test]
fn the_page_and_the_files_say_the_same() {
    let all = SHAPES.map(|(shape, name)| {
        let said = carries(&files(shape)["carries.toml"]);
        for (field, (carried, why)) in &said {
            assert!(
                ["yes", "part", "no"].contains(&carried.as_str()),
                "{name} {field}: {carried}"
            );
            assert_eq!(carried == "yes", why.is_empty(), "{name} {field}: yes, or why not");
        }
        said
    });
    let rows: Vec<Vec<&str>> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").collect())
        .collect();
    assert!(rows.len() > 100, "{}", rows.len());
    for (place, said) in all.iter().enumerate() {
        assert_eq!(said.len(), rows.len(), "{}", SHAPES[place].1);
        for row in &rows {
            let (carried, why) = &said[row[0].trim_end_matches('`')];
            let words = if why.is_empty() {
                carried.clone()
            } else {
                format!("{carried}: {why}")
            };
            assert_eq!(row[place + 1], words, "{} {}", SHAPES[place].1, row[0]);
        }
    }
}
