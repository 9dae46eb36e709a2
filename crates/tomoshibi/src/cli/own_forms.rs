//! What `doctor` says of a hospital's forms directory: what is in force, what is wrong, and whether every sheet of it really prints.
//!
//! A form is printed with the sample of the built-in one, a form of the hospital's own with `sample.json` beside it, in every language there
//! are words for. Nothing of it is kept, numbered or sent to a printer.

use std::num::NonZeroUsize;

use anyhow::{Result, bail};
use chart::Sheet;
use press::{Form, Forms, Press};

use crate::config::Config;
use crate::serving;

/// Largest `sample.json` that is tried, in bytes.
const MAX_SAMPLE: u64 = 1024 * 1024;

/// One line for `doctor`.
///
/// # Errors
/// The same line, when something of the directory is not used or does not print.
pub fn state(config: &Config) -> Result<String> {
    let (forms, complaints) = serving::forms(config)?;
    let mut wrong: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    let said = in_force(&forms);
    let built_in = Press::new(Forms::built_in()?, NonZeroUsize::MIN)?;
    let press = Press::new(forms, NonZeroUsize::MIN)?;
    for form in press.forms().iter().filter(|form| form.overridden || form.is_changed()) {
        wrong.extend(try_out(config, &press, &built_in, form));
    }
    if wrong.is_empty() {
        return Ok(said);
    }
    bail!("{said}\n  - {}", wrong.join("\n  - "))
}

fn in_force(forms: &Forms) -> String {
    let added: Vec<&str> = forms.added().map(|form| form.about.code.as_str()).collect();
    let replaced: Vec<&str> = forms
        .iter()
        .filter(|form| form.overridden && !added.contains(&form.about.code.as_str()))
        .map(|form| form.about.code.as_str())
        .collect();
    let languages: Vec<String> = forms
        .languages()
        .iter()
        .map(|(code, name)| format!("{code} {name}"))
        .collect();
    let list = |what: &str, of: &[&str]| {
        let words = if of.is_empty() {
            "なし".to_owned()
        } else {
            of.join("、")
        };
        format!("{what} {words}")
    };
    [
        list("置き換え", &replaced),
        list("追加", &added),
        list("そのほか", forms.extras()),
        format!("2つめのことば {}", languages.join("、")),
    ]
    .join("、")
}

/// What is wrong when the form's sample is printed.
fn try_out(config: &Config, press: &Press, built_in: &Press, form: &Form) -> Vec<String> {
    let code = &form.about.code;
    let usual = built_in.forms().get(code).ok();
    let sample = usual
        .and_then(|form| form.sample.clone())
        .or_else(|| beside(config, code));
    let Some(sample) = sample else {
        return vec![format!(
            "{code}: sample.json がないため、試し刷りをしていません。forms/README.md を見て置いてください"
        )];
    };
    let mut sheet: Sheet = match serde_json::from_str(&sample) {
        Ok(sheet) => sheet,
        Err(error) => {
            return vec![format!(
                "{code}: sample.json が読めません（{error}）。試し刷りをしていません"
            )];
        }
    };
    code.clone_into(&mut sheet.form);
    let mut wrong = Vec::new();
    let languages = press.forms().languages().iter().map(|(language, _)| Some(language));
    for second in std::iter::once(None).chain(languages) {
        sheet.second = second;
        let which = second.map_or_else(|| code.clone(), |language| format!("{code}（{language}）"));
        match press.sheet(&sheet) {
            Ok(pdf) => {
                wrong.extend(
                    pdf.instead
                        .map(|why| format!("{which}: 内蔵の帳票で印刷されます。{why}")),
                );
                let usual = usual.and_then(|_| built_in.sheet(&sheet).ok()).map(|usual| usual.pages);
                if second.is_none() && usual.is_some_and(|usual| pdf.pages > usual) {
                    wrong.push(format!(
                        "{which}: 見本が {} 枚になります（内蔵の帳票は {} 枚）",
                        pdf.pages,
                        usual.unwrap_or(0)
                    ));
                }
            }
            Err(error) => wrong.push(format!("{which}: 印刷できません。{error}")),
        }
    }
    wrong
}

/// The sample in the hospital's own folder.
fn beside(config: &Config, code: &str) -> Option<String> {
    let path = config.path(config.forms.dir.as_ref()?).join(code).join("sample.json");
    let small = std::fs::metadata(&path).ok()?.len() <= MAX_SAMPLE;
    small.then(|| std::fs::read_to_string(path).ok()).flatten()
}
