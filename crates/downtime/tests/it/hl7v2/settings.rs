//! What a hospital writes in its configuration becomes a source.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use downtime::sources::Source;
use downtime::sources::keep::Keep;

#[path = "../../../../tomoshibi/src/config/ssmix2.rs"]
mod ssmix2;

fn open(text: &str) -> Result<Box<dyn Source>, String> {
    let settings: ssmix2::SsMix2Settings = toml::from_str(text).map_err(|fault| fault.to_string())?;
    let path = |path: &Path| PathBuf::from("/config").join(path);
    let keep = |what: &str| {
        let dice: downtime::sources::keep::Dice = Arc::new(|| Box::new(rand_core::UnwrapErr(getrandom::SysRng)));
        Ok(Keep {
            hospital: vault::HospitalId([7; 16]),
            secret: Arc::new(vault::keys::StationSecret::random(&mut *dice())),
            dice,
            path: Path::new("/data/sources").join(what),
            name: what.to_owned(),
        })
    };
    match settings.open(&path, Path::new("/data"), &keep) {
        Ok(source) => Ok(Box::new(source)),
        Err(fault) => Err(fault.to_string()),
    }
}

#[test]
fn the_example_of_the_documentation_opens() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operating/ssmix2.md");
    let page = std::fs::read_to_string(page).unwrap();
    let example = page
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let part: String = example
        .lines()
        .filter(|line| !line.starts_with("[[extract.sources]]") && !line.starts_with("type ="))
        .map(|line| line.replace("[extract.sources.", "[") + "\n")
        .collect();
    let source = open(&part).unwrap_or_else(|fault| panic!("{fault}\n{part}"));
    assert!(source.carries().contains(&chart::DataKind::Stay));
    assert!(
        source.carries().contains(&chart::DataKind::Note),
        "the example has an extended storage"
    );
}

#[test]
fn what_cannot_be_is_refused_with_what_to_write() {
    let roots = "name = \"x\"\nroots = [\"R\"]\n";
    assert!(open(roots).is_ok_and(|source| !source.carries().contains(&chart::DataKind::Note)));
    assert!(open(&format!("{roots}logs = [\"TR\"]")).is_ok());
    assert!(open(&format!("{roots}patients = \"recent:90\"")).is_ok());
    for (line, word) in [
        ("patients = \"some\"", "recent:90"),
        ("medicine_days = 9999", "3660"),
        ("threads = 0", "threads"),
        ("logs = [\"TR\"]\nremember = false", "logs"),
        ("rots = []", "rots"),
    ] {
        let fault = open(&format!("{roots}{line}")).map(|_| ()).unwrap_err();
        assert!(fault.contains(word), "{line}: {fault}");
    }
    assert!(open("name = \"x\"\nroots = []").is_err());
}
