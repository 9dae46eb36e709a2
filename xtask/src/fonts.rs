//! The fonts of the printed page: made again from their Debian packages, or compared with their recorded SHA-256.
//!
//! Deliberately not done here: choosing characters (that is `crates/press/fonts/subset.py`), downloading anything,
//! or accepting bytes other than those `fonts.toml` names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Makes every font of `crates/press/fonts` again, or, with `check`, only compares what is there with `fonts.toml`.
///
/// Making needs the two Debian packages named in `fonts.toml` and a `python3` (or `$PYTHON`) with fontTools of the pinned version.
/// Checking needs nothing. Fails with the first file that is missing or whose SHA-256 is not the recorded one.
pub fn run(check: bool) -> Result<()> {
    let folder = folder()?;
    let list = fs::read_to_string(folder.join("fonts.toml")).context("crates/press/fonts/fonts.toml cannot be read")?;
    let list: List = toml::from_str(&list).context("crates/press/fonts/fonts.toml is not as expected")?;
    ensure!(!list.font.is_empty(), "fonts.toml names no font");
    if !check {
        let python = python(&list.fonttools)?;
        for font in &list.font {
            make(&folder, font, &python)?;
        }
    }
    for font in &list.font {
        compare(&folder.join(&font.file), &font.sha256)?;
        ensure!(
            folder.join(&font.licence).is_file(),
            "{} has no licence text: {} is missing",
            font.file,
            font.licence
        );
    }
    no_strangers(&folder, &list)?;
    println!("fonts: {} files as recorded in fonts.toml", list.font.len());
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    fonttools: String,
    font: Vec<Font>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Font {
    file: String,
    sha256: String,
    licence: String,
    origin: PathBuf,
    origin_sha256: String,
    package: String,
    package_version: String,
    /// Set for a font that is cut: the font whose characters are left out.
    lacking_in: Option<PathBuf>,
    face: Option<u32>,
}

fn folder() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask stands in the repository")?;
    Ok(root.join("crates/press/fonts"))
}

fn make(folder: &Path, font: &Font, python: &Path) -> Result<()> {
    let Font {
        package,
        package_version,
        origin,
        ..
    } = font;
    compare(origin, &font.origin_sha256)
        .with_context(|| format!("{} is made from Debian package {package} {package_version}", font.file))?;
    let target = folder.join(&font.file);
    let Some(lacking_in) = &font.lacking_in else {
        fs::copy(origin, &target).with_context(|| format!("{} cannot be written", target.display()))?;
        return Ok(());
    };
    let status = Command::new(python)
        .arg(folder.join("subset.py"))
        .arg(origin)
        .arg(font.face.unwrap_or(0).to_string())
        .arg(lacking_in)
        .arg(&target)
        .status()
        .with_context(|| format!("{} cannot be started", python.display()))?;
    ensure!(
        status.success(),
        "{} was not made: subset.py ended with {status}",
        font.file
    );
    Ok(())
}

/// The interpreter, once it has said that it has the fontTools of the pinned version.
fn python(pinned: &str) -> Result<PathBuf> {
    let python = std::env::var_os("PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let said = Command::new(&python)
        .args(["-c", "import fontTools; print(fontTools.version)"])
        .output();
    let found = match said {
        Ok(out) if out.status.success() => String::from_utf8_lossy(&out.stdout).trim().to_owned(),
        _ => bail!(
            "{} has no fontTools. Install it (python3 -m venv … && pip install fonttools=={pinned}) and set PYTHON to that python",
            python.display()
        ),
    };
    ensure!(
        found == pinned,
        "fontTools {found} found; fonts.toml pins {pinned}, because the bytes depend on it"
    );
    Ok(python)
}

fn compare(file: &Path, expected: &str) -> Result<()> {
    let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let found: String = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    ensure!(
        found == expected,
        "{} has SHA-256 {found}, recorded is {expected}",
        file.display()
    );
    Ok(())
}

/// A font nobody recorded would be embedded without a known origin.
fn no_strangers(folder: &Path, list: &List) -> Result<()> {
    for entry in fs::read_dir(folder).context("crates/press/fonts cannot be read")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let is_font = [".ttf", ".otf", ".ttc", ".woff2"].iter().any(|end| name.ends_with(end));
        ensure!(
            !is_font || list.font.iter().any(|font| font.file == name),
            "{name} is not recorded in fonts.toml"
        );
    }
    Ok(())
}
