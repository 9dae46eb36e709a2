//! The canary patients through the press: into memory, never onto paper. The sealer does it once for its program and forms, every station
//! after every snapshot; then the pages are compared.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use chart::Sheet;
use downtime::readiness::canaries::{Canaries, FormPages, Pressed, Wanted, charts, compare, filled};
use downtime::readiness::proof::FormsTried;
use minicbor::{Decode, Encode};
use press::Press;
use sha2::{Digest, Sha256};

use super::{PRINT_SECONDS, maker};
use crate::clock;
use crate::config::Config;
use crate::home::{Home, write_durably};

/// What the sealer's press made, in `data/readiness/`.
const MADE: &str = "pressed.cbor";
/// Longest such file.
const MAX_MADE: u64 = 1 << 20;
/// Most files of a hospital's forms that are hashed, and their longest.
const MAX_FILES: usize = 4_000;
const MAX_FILE: u64 = 4 << 20;
/// Longest pause after a sheet.
const PAUSE: Duration = Duration::from_millis(250);

/// What one round through the press gave.
struct Round {
    made: Vec<FormPages>,
    failed: Vec<(String, String)>,
    left_out: Vec<String>,
    unfinished: Option<(u64, u64)>,
}

/// Prints every form from the canary patients of a snapshot, and compares with what the sealer got.
#[must_use]
pub fn try_forms(press: &Press, canaries: &Canaries, gently: bool) -> FormsTried {
    let round = match round(press, &canaries.charts, gently) {
        Ok(round) => round,
        Err(why) => {
            return FormsTried::Done {
                printed: 0,
                failed: vec![("*".to_owned(), why)],
                left_out: Vec::new(),
                compared: downtime::readiness::canaries::Compared::Nothing,
            };
        }
    };
    if let Some((done, all)) = round.unfinished {
        return FormsTried::Unfinished(done, all);
    }
    let here = Pressed {
        maker: maker(),
        forms: round.made,
    };
    FormsTried::Done {
        printed: here.forms.len() as u64,
        failed: round.failed,
        left_out: round.left_out,
        compared: compare(canaries.pressed.as_ref(), &here),
    }
}

/// The bytes of the canary section for a sealing, with what this program's press makes of it. A press that fails must not keep a snapshot
/// from being sealed: then the section says nothing about pages, and the log says why.
///
/// # Errors
/// When the canary patients do not encode.
pub fn section(config: &Config, home: &Home) -> Result<Vec<u8>> {
    let pressed = match pressed(config, home) {
        Ok(pressed) => Some(pressed),
        Err(fault) => {
            tracing::error!("★ 見本患者を印刷して比べる用意ができません（封印は続けます）: {fault:#}");
            None
        }
    };
    Ok(Canaries::to_bytes(&charts(), pressed)?)
}

/// What the press made, kept for as long as program and forms are the same.
#[derive(Encode, Decode)]
struct Made {
    #[cbor(n(0), with = "minicbor::bytes")]
    of: [u8; 32],
    #[n(1)]
    pressed: Pressed,
}

fn pressed(config: &Config, home: &Home) -> Result<Pressed> {
    let path = home.data.join("readiness").join(MADE);
    let of = mark(config)?;
    if let Some(made) = read(&path)
        && made.of == of
    {
        return Ok(made.pressed);
    }
    let press = crate::serving::press_of(config, std::num::NonZeroUsize::MIN)?;
    let round = round(&press, &charts(), false).map_err(anyhow::Error::msg)?;
    for (form, why) in &round.failed {
        tracing::error!(form, why, "★ a form cannot be printed from the canary patients");
    }
    anyhow::ensure!(round.unfinished.is_none(), "全部の帳票を時間内に印刷できませんでした");
    let pressed = Pressed {
        maker: maker(),
        forms: round.made,
    };
    std::fs::create_dir_all(home.data.join("readiness"))?;
    let bytes = minicbor::to_vec(Made {
        of,
        pressed: pressed.clone(),
    });
    write_durably(&path, &bytes?)?;
    Ok(pressed)
}

fn read(path: &Path) -> Option<Made> {
    let small = std::fs::metadata(path).is_ok_and(|meta| meta.len() <= MAX_MADE);
    let bytes = small.then(|| std::fs::read(path).ok()).flatten()?;
    minicbor::decode(&bytes).ok()
}

/// What the pages follow from: the program's file and the hospital's own forms.
fn mark(config: &Config) -> Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let program = std::env::current_exe()?;
    let meta = std::fs::metadata(program)?;
    let changed = meta
        .modified()
        .ok()
        .and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    hasher.update(meta.len().to_le_bytes());
    hasher.update(changed.unwrap_or_default().as_nanos().to_le_bytes());
    hasher.update(maker().version);
    if let Some(dir) = &config.forms.dir {
        let mut files = Vec::new();
        list(&config.path(dir), &mut files)?;
        files.sort();
        for path in files {
            hasher.update(path.to_string_lossy().as_bytes());
            hasher.update([0]);
            hasher.update(std::fs::read(&path).with_context(|| format!("{} を読めません", path.display()))?);
        }
    }
    Ok(hasher.finalize().into())
}

fn list(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        anyhow::ensure!(files.len() < MAX_FILES, "{} のファイルが多すぎます", dir.display());
        if path.is_dir() {
            list(&path, files)?;
        } else if std::fs::metadata(&path).is_ok_and(|meta| meta.len() <= MAX_FILE) {
            files.push(path);
        }
    }
    Ok(())
}

/// Every form of a press with what fills it.
fn wanted(press: &Press) -> Vec<Wanted> {
    let sample = |text: &Option<String>| serde_json::from_str::<Sheet>(text.as_deref()?).ok();
    let forms = press.forms().iter().map(|form| Wanted {
        code: form.about.code.clone(),
        sample: sample(&form.sample),
        about_one: form.about.patient_strip.is_about_a_patient(),
    });
    forms.collect()
}

fn round(press: &Press, charts: &[chart::Chart], gently: bool) -> Result<Round, String> {
    let begun = clock::running();
    let all = filled(charts, &wanted(press))?;
    let mut round = Round {
        made: Vec::new(),
        failed: Vec::new(),
        left_out: Vec::new(),
        unfinished: None,
    };
    for (done, one) in all.iter().enumerate() {
        if one.sheets.is_empty() {
            round.left_out.push(one.code.clone());
            continue;
        }
        if clock::running().saturating_sub(begun) > Duration::from_secs(PRINT_SECONDS) {
            round.unfinished = Some((done as u64, all.len() as u64));
            break;
        }
        match print(press, &one.code, &one.sheets, gently) {
            Ok(made) => round.made.push(made),
            Err(why) => round.failed.push((one.code.clone(), why)),
        }
    }
    Ok(round)
}

fn print(press: &Press, form: &str, sheets: &[Sheet], gently: bool) -> Result<FormPages, String> {
    let mut hasher = Sha256::new();
    let mut pages = 0_u32;
    for sheet in sheets {
        let begun = clock::running();
        // An edition of a form is printed under its own name, whatever its sample says.
        let sheet = Sheet {
            form: form.to_owned(),
            ..sheet.clone()
        };
        let pdf = press.sheet(&sheet).map_err(|fault| fault.to_string())?;
        if let Some(why) = pdf.instead {
            return Err(why);
        }
        hasher.update(&pdf.bytes);
        pages = pages.saturating_add(u32::try_from(pdf.pages).unwrap_or(u32::MAX));
        if gently {
            std::thread::sleep(clock::running().saturating_sub(begun).min(PAUSE));
        }
    }
    Ok(FormPages {
        form: form.to_owned(),
        sheets: u32::try_from(sheets.len()).unwrap_or(u32::MAX),
        pages,
        sha256: hasher.finalize().into(),
    })
}
