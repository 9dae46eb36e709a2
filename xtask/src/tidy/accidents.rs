//! What exists for tests only must not reach the program: the file system with accidents, the broken rules.
//!
//! It deliberately reads manifests as text, so that a feature cannot slip in through a table nobody looks at.

use super::Breach;
use super::tree::Tree;

/// Features for tests with the crates whose tests may ask for them (none named: any crate's).
const FOR_TESTS: [(&str, &[&str]); 2] = [("simfs", &[]), ("mutants", &["vault", "downtime"])];

/// No manifest asks for a feature of tests, except for its own tests.
pub fn test_features_stay_in_tests(tree: &Tree) -> Vec<Breach> {
    let manifests = tree.files.iter().filter(|file| file.path.ends_with("Cargo.toml"));
    manifests
        .filter_map(|file| Some((file.path.as_str(), file.text.as_deref()?.parse::<toml::Table>().ok()?)))
        .flat_map(|(path, manifest)| asked_for(path, &manifest))
        .collect()
}

fn asked_for(path: &str, manifest: &toml::Table) -> Vec<Breach> {
    let name = manifest.get("package").and_then(|package| package.get("name"));
    let name = name.and_then(toml::Value::as_str).unwrap_or_default();
    let mut found = Vec::new();
    walk(&toml::Value::Table(manifest.clone()), false, &mut |feature, dev| {
        let Some((_, whose)) = FOR_TESTS.iter().find(|(known, _)| *known == feature) else {
            return;
        };
        let allowed = dev && (whose.is_empty() || whose.contains(&name));
        if !allowed {
            let what = format!(
                "`{feature}` is for tests: ask for it under [dev-dependencies] of a crate that may, or not at all"
            );
            found.push(Breach::new(path, 0, what));
        }
    });
    found
}

/// Every string in an array, with whether it is below a table of test dependencies.
fn walk(value: &toml::Value, dev: bool, seen: &mut dyn FnMut(&str, bool)) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                walk(value, dev || key == "dev-dependencies", seen);
            }
        }
        toml::Value::Array(values) => {
            for value in values {
                match value.as_str() {
                    // `vault/mutants` in a feature list asks for it too.
                    Some(text) => seen(text.rsplit('/').next().unwrap_or(text), dev),
                    None => walk(value, dev, seen),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree_of};
    use super::*;

    #[test]
    fn a_feature_of_tests_in_the_program_is_found() {
        let files = [
            (
                "crates/a/Cargo.toml",
                "[package]\nname = \"a\"\n[dependencies]\nvault = { features = [\"simfs\"] }\n",
            ),
            (
                "crates/b/Cargo.toml",
                "[package]\nname = \"b\"\n[features]\ndefault = [\"vault/mutants\"]\n",
            ),
            (
                "crates/c/Cargo.toml",
                "[package]\nname = \"c\"\n[dev-dependencies]\nvault = { features = [\"mutants\"] }\n",
            ),
        ];
        let found = test_features_stay_in_tests(&tree_of(&files));
        assert_eq!(
            places(&found),
            [
                "crates/a/Cargo.toml:0",
                "crates/b/Cargo.toml:0",
                "crates/c/Cargo.toml:0"
            ]
        );
    }

    #[test]
    fn a_feature_of_tests_in_tests_is_none() {
        let files = [
            (
                "crates/vault/Cargo.toml",
                "[package]\nname = \"vault\"\n[features]\nsimfs = []\nmutants = []\n\
                 [dev-dependencies]\nvault = { features = [\"mutants\", \"simfs\"] }\n",
            ),
            (
                "crates/d/Cargo.toml",
                "[package]\nname = \"d\"\n[dev-dependencies]\nvault = { features = [\"simfs\"] }\n",
            ),
        ];
        assert!(test_features_stay_in_tests(&tree_of(&files)).is_empty());
    }
}
