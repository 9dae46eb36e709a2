//! One paper of the office from a file: action cards, announcements, reports. About no patient, so nobody signs in; without a number,
//! because it does not come back.

use std::path::Path;

use anyhow::{Context, Result, bail};
use chart::Sheet;
use serde::Deserialize;
use serde_json::Value;

use super::contract::Contract;
use crate::config::Config;
use crate::secrets::replace as write;
use crate::{clock, serving};

/// Largest file, in bytes.
const MAX_FILE: u64 = 256 << 10;

/// What the file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// Code of the form.
    form: String,
    /// What its body prints.
    body: Value,
}

/// Prints the file.
///
/// # Errors
/// When it cannot be read, says what the form has no place for, or cannot be laid out: says the file, the field and what is expected.
pub fn run(config: &Config, file: &Path, out: &Path, drill: bool) -> Result<()> {
    let name = file.display();
    let written = read(file)?;
    let press = serving::press(config)?;
    let form = press
        .forms()
        .get(&written.form)
        .with_context(|| format!("{name}: 様式 {} はありません。何も印刷していません", written.form))?;
    let contract = match &form.contract {
        Some(contract) if !form.about.patient_strip.is_about_a_patient() => contract,
        _ => {
            let known: Vec<&str> = press
                .forms()
                .iter()
                .filter(|form| form.contract.is_some() && !form.about.patient_strip.is_about_a_patient())
                .map(|form| form.about.code.as_str())
                .collect();
            bail!(
                "{name}: 様式 {} はファイルからは印刷できません。何も印刷していません。できるのは: {}",
                written.form,
                known.join(" ")
            );
        }
    };
    let contract = Contract::read(contract).with_context(|| format!("様式 {} の contract.toml", written.form))?;
    let problems = contract.problems(&written.body);
    if !problems.is_empty() {
        bail!(
            "{name} を直してください。何も印刷していません\n  {}",
            problems.join("\n  ")
        );
    }
    let now = clock::now();
    let sheet = Sheet {
        form: written.form,
        title_mark: if drill { "訓練" } else { "停止時" }.to_owned(),
        drill,
        reissue: false,
        strip: None,
        as_of: "データ時点 なし（患者の載らない用紙）".to_owned(),
        seal: "ファイルから印刷（封印済みデータは使っていません）".to_owned(),
        issued: format!("発行 {} {}", now.text(), config.code()?),
        form_id: String::new(),
        hospital: config.hospital.name.clone(),
        second: None,
        body: contract.completed(written.body),
    };
    let pdf = press.sheet(&sheet)?;
    if let Some(why) = &pdf.instead {
        say!("★ 病院の様式では印刷できず、組み込みの様式で印刷しました: {why}");
    }
    write(out, &pdf.bytes)?;
    say!("{}  {} ページ  {}", sheet.form, pdf.pages, out.display());
    Ok(())
}

/// TOML, or JSON where the name says so.
fn read(file: &Path) -> Result<Written> {
    let name = file.display();
    let size = std::fs::metadata(file)
        .with_context(|| format!("{name} がありません"))?
        .len();
    if size > MAX_FILE {
        bail!("{name} が大きすぎます（{size} バイト、上限 {MAX_FILE} バイト）");
    }
    let text =
        std::fs::read_to_string(file).with_context(|| format!("{name} を読めません（UTF-8 で保存してください）"))?;
    let is_json = file.extension().is_some_and(|end| end.eq_ignore_ascii_case("json"));
    let wrong = || format!("{name} の書き方が違います。form = \"F17\" と [body] を書いてください");
    if is_json {
        serde_json::from_str(&text).with_context(wrong)
    } else {
        toml::from_str(&text).with_context(wrong)
    }
}
