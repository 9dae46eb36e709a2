//! The floors of the house: which crate may use which, and which libraries must stay out of a crate for good.
//!
//! It deliberately reads `Cargo.toml` and `Cargo.lock` as text instead of asking Cargo: that takes no time and works
//! while another build holds Cargo's lock. The lock file also names optional parts that are not built, so the answer
//! errs on the strict side.

use std::collections::{BTreeMap, BTreeSet};

use super::Breach;
use super::tree::Tree;

/// Each of our crates with those of ours it may use. A new crate gets a line here first.
const FLOORS: [(&str, &[&str]); 15] = [
    ("chart", &[]),
    ("vault", &["chart"]),
    ("synth", &[]),
    ("hl7", &[]),
    ("downtime", &["chart", "vault", "hl7"]),
    ("press", &["chart"]),
    ("jahis", &["chart"]),
    ("scan", &["chart"]),
    ("wire", &[]),
    ("database", &["chart", "downtime"]),
    ("rustls-native-certs", &[]),
    ("desk", &["chart", "vault", "downtime", "jahis"]),
    (
        "tomoshibi",
        &[
            "chart", "vault", "synth", "downtime", "press", "scan", "desk", "hl7", "wire", "database",
        ],
    ),
    ("xtask", &[]),
    ("fuzz", &["chart", "vault", "downtime", "jahis", "hl7"]),
];

/// A library that must not be reachable from these crates.
struct KeptOut {
    library: fn(&str) -> bool,
    shown: &'static str,
    crates: &'static [&'static str],
    why: &'static str,
}

const KEPT_OUT: [KeptOut; 3] = [
    KeptOut {
        library: |name| name == "tokio",
        shown: "tokio",
        crates: &["chart", "vault", "synth", "press", "jahis", "hl7"],
        why: "bytes in, bytes out: nothing there may wait for a runtime",
    },
    KeptOut {
        library: |name| name == "typst" || name.starts_with("typst-"),
        shown: "typst",
        crates: &["chart", "vault", "synth", "downtime", "desk", "jahis", "hl7", "xtask"],
        why: "only press knows Typst: it costs minutes of build and every binary that links it",
    },
    KeptOut {
        library: |name| ["axum", "hyper", "reqwest"].contains(&name),
        shown: "a web library",
        crates: &["chart", "vault", "synth", "press", "jahis", "hl7"],
        why: "the ground floor speaks no network",
    },
];

/// The direct uses of our crates by our crates follow the table of floors.
pub fn crates_only_use_lower_floors(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    let ours: Vec<&str> = FLOORS.iter().map(|(name, _)| *name).collect();
    for (path, name, manifest) in manifests(tree) {
        let Some((_, allowed)) = FLOORS.iter().find(|(crate_name, _)| *crate_name == name) else {
            let what = format!("the crate `{name}` has no floor: add it to FLOORS in xtask/src/tidy/dependencies.rs");
            found.push(Breach::new(path, 0, what));
            continue;
        };
        for (used, dev) in direct_dependencies(&manifest) {
            // Tests may look at the program from anywhere but never turn the arrow for the built crate.
            if !dev && ours.contains(&used.as_str()) && !allowed.contains(&used.as_str()) {
                found.push(Breach::new(
                    path,
                    0,
                    format!("`{name}` must not use `{used}`: arrows go only downward"),
                ));
            }
        }
    }
    found
}

/// The libraries kept out of a crate are not reachable from it.
pub fn heavy_crates_stay_where_they_belong(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    let locked = locked_dependencies(tree);
    for (path, name, manifest) in manifests(tree) {
        let reachable = reachable_from(&manifest, &locked, tree);
        for rule in KEPT_OUT.iter().filter(|rule| rule.crates.contains(&name.as_str())) {
            if let Some(library) = reachable.iter().find(|library| (rule.library)(library)) {
                let what = format!(
                    "`{name}` reaches `{library}` ({} is kept out: {})",
                    rule.shown, rule.why
                );
                found.push(Breach::new(path, 0, what));
            }
        }
    }
    found
}

/// The manifests of our crates: path, package name, content.
fn manifests(tree: &Tree) -> Vec<(&str, String, toml::Table)> {
    tree.files
        .iter()
        .filter(|file| file.path.ends_with("/Cargo.toml"))
        .filter_map(|file| {
            let manifest: toml::Table = file.text.as_deref()?.parse().ok()?;
            let name = manifest.get("package")?.get("name")?.as_str()?.to_owned();
            Some((file.path.as_str(), name, manifest))
        })
        .collect()
}

/// The packages a manifest names, with whether only for tests; those for one platform only are included.
fn direct_dependencies(manifest: &toml::Table) -> Vec<(String, bool)> {
    let mut tables = vec![manifest];
    if let Some(targets) = manifest.get("target").and_then(toml::Value::as_table) {
        tables.extend(targets.values().filter_map(toml::Value::as_table));
    }
    let mut named = Vec::new();
    for table in tables {
        for (key, dev) in [
            ("dependencies", false),
            ("build-dependencies", false),
            ("dev-dependencies", true),
        ] {
            let Some(dependencies) = table.get(key).and_then(toml::Value::as_table) else {
                continue;
            };
            for (name, value) in dependencies {
                let package = value.get("package").and_then(toml::Value::as_str).unwrap_or(name);
                named.push((package.to_owned(), dev));
            }
        }
    }
    named
}

/// From the lock file: each outside package with the packages it uses (names only).
fn locked_dependencies(tree: &Tree) -> BTreeMap<String, BTreeSet<String>> {
    let mut locked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let lock: toml::Table = tree
        .text("Cargo.lock")
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    for package in lock
        .get("package")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
    {
        // Our own packages have no source; their entries mix in what only tests use, so manifests are asked instead.
        let (Some(name), Some(_)) = (package.get("name").and_then(toml::Value::as_str), package.get("source")) else {
            continue;
        };
        let uses = package
            .get("dependencies")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten();
        let uses = uses.filter_map(|used| used.as_str()?.split(' ').next().map(str::to_owned));
        locked.entry(name.to_owned()).or_default().extend(uses);
    }
    locked
}

/// Everything the built crate can reach, through our own crates and the lock file.
fn reachable_from(
    manifest: &toml::Table,
    locked: &BTreeMap<String, BTreeSet<String>>,
    tree: &Tree,
) -> BTreeSet<String> {
    let ours: BTreeMap<String, toml::Table> = manifests(tree)
        .into_iter()
        .map(|(_, name, manifest)| (name, manifest))
        .collect();
    let built = |manifest: &toml::Table| -> Vec<String> {
        direct_dependencies(manifest)
            .into_iter()
            .filter(|(_, dev)| !dev)
            .map(|(name, _)| name)
            .collect()
    };
    let mut reached = BTreeSet::new();
    let mut open = built(manifest);
    while let Some(name) = open.pop() {
        if !reached.insert(name.clone()) {
            continue;
        }
        if let Some(manifest) = ours.get(&name) {
            open.extend(built(manifest));
        } else if let Some(uses) = locked.get(&name) {
            open.extend(uses.iter().cloned());
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree_of};
    use super::*;

    const LOCK: &str = "[[package]]\nname = \"rt\"\nversion = \"1.0.0\"\nsource = \"registry\"\ndependencies = [\"tokio 1.0.0\"]\n\
        [[package]]\nname = \"tokio\"\nversion = \"1.0.0\"\nsource = \"registry\"\n\
        [[package]]\nname = \"typst-pdf\"\nversion = \"1.0.0\"\nsource = \"registry\"\n";

    fn manifest(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"{name}\"\n{rest}")
    }

    #[test]
    fn an_upward_arrow_is_found() {
        let vault = manifest(
            "vault",
            "[dependencies]\ndesk = { workspace = true }\nchart = \"1\"\n[dev-dependencies]\nsynth = \"1\"\n",
        );
        let new = manifest("cellar", "");
        let tree = tree_of(&[("crates/vault/Cargo.toml", &vault), ("crates/cellar/Cargo.toml", &new)]);
        let found = crates_only_use_lower_floors(&tree);
        assert_eq!(
            places(&found),
            ["crates/cellar/Cargo.toml:0", "crates/vault/Cargo.toml:0"]
        );
    }

    #[test]
    fn a_library_kept_out_is_found_through_others() {
        let vault = manifest("vault", "[dependencies]\nrt = \"1\"\n");
        let desk = manifest(
            "desk",
            "[dependencies]\ndowntime = \"1\"\n[dev-dependencies]\ntypst-pdf = \"1\"\n",
        );
        let downtime = manifest(
            "downtime",
            "[target.'cfg(unix)'.dependencies]\nx = { package = \"typst-pdf\", version = \"1\" }\n",
        );
        let tree = tree_of(&[
            ("Cargo.lock", LOCK),
            ("crates/desk/Cargo.toml", &desk),
            ("crates/downtime/Cargo.toml", &downtime),
            ("crates/vault/Cargo.toml", &vault),
        ]);
        let found = places(&heavy_crates_stay_where_they_belong(&tree));
        assert_eq!(
            found,
            [
                "crates/desk/Cargo.toml:0",
                "crates/downtime/Cargo.toml:0",
                "crates/vault/Cargo.toml:0"
            ]
        );
    }

    #[test]
    fn a_library_used_only_by_tests_is_no_breach() {
        let vault = manifest("vault", "[dev-dependencies]\nrt = \"1\"\n");
        let tree = tree_of(&[("Cargo.lock", LOCK), ("crates/vault/Cargo.toml", &vault)]);
        assert!(heavy_crates_stay_where_they_belong(&tree).is_empty());
    }
}
