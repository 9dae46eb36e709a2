//! The form folders: built in, and a hospital's own of the same name in their place.
//!
//! A hospital's broken form is a sentence for the informatics officer, never a morning without paper: the built-in one stays in force.
//! Filling a form is not done here, nor deciding which version is in force on a date.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use chart::sheet_code::{MAX_FORM_CODE, is_form_code};
use rust_embed::RustEmbed;
use serde::Deserialize;
use typst::foundations::Bytes;
use typst::syntax::{FileId, Source};
use typst::text::Font;

use crate::error::PressError;
use crate::fonts::Fonts;
use crate::own::{self, Sentences};
use crate::second::Languages;
use crate::world::file_id;

/// Largest `form.toml` or `form.typ`, in bytes.
pub const MAX_FORM_TEXT: u64 = 256 * 1024;

/// Largest picture of a form (a hospital's mark), in bytes.
pub const MAX_PICTURE: u64 = 1024 * 1024;

/// Most pictures of one form.
pub const MAX_PICTURES: usize = 8;

/// Most folders looked at in a hospital's forms directory.
pub const MAX_FORMS: usize = 200;

/// All forms in force, by code.
#[derive(Debug, Clone)]
pub struct Forms {
    forms: BTreeMap<String, Form>,
    /// Built-in forms whose place a hospital's own has taken: printed when that one fails.
    built_in: BTreeMap<String, Form>,
    /// The hospital's own, for second languages.
    fonts: Vec<Font>,
    languages: Arc<Languages>,
    /// What of the hospital's directory is in force besides form folders.
    extras: Vec<&'static str>,
}

/// One form folder, read and parsed.
#[derive(Debug, Clone)]
pub struct Form {
    /// What `form.toml` says.
    pub about: About,
    /// The hospital's own, not the built-in one.
    pub overridden: bool,
    /// `sample.json` of a built-in form: one whole invented sheet.
    pub sample: Option<String>,
    /// `blank.json`: the body of the form as a blank sheet for the hand; a form without it has no blank version.
    pub blank: Option<String>,
    /// `contract.toml`: what a file of the hospital's may say in the body; a form without it is filled by the program alone.
    pub contract: Option<String>,
    pub(crate) source: Source,
    pub(crate) pictures: Vec<(FileId, Bytes)>,
    /// The hospital's mark, where it stands in the head.
    pub(crate) logo: Option<&'static str>,
    /// The hospital's sentences in the place of the program's.
    pub(crate) sentences: Sentences,
    pub(crate) languages: Arc<Languages>,
}

/// `form.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct About {
    /// The code on the paper, the folder's name: `F01`.
    pub code: String,
    /// 外来受付票
    pub title: String,
    /// Printed in the foot: `1`.
    pub version: String,
    /// Size and direction.
    pub paper: Paper,
    /// Who the page is about.
    #[serde(default)]
    pub patient_strip: Strip,
    /// How many QR codes of 20 mm a page carries.
    #[serde(default)]
    pub codes: Codes,
    /// First day of issue, for forms whose text is law.
    pub effective_from: Option<toml::value::Datetime>,
    /// Last day of issue.
    pub effective_until: Option<toml::value::Datetime>,
    /// The form whose `form.typ` draws this edition too, when only words and dates differ.
    pub drawn_as: Option<String>,
    /// A patient takes it home: the hospital's mark stands in the head, if it has one.
    #[serde(default)]
    pub logo: bool,
    /// Keys of the body, each a list of sentences, that a hospital's `texts.toml` may replace.
    #[serde(default)]
    pub texts: Vec<String>,
    /// Words that change with the edition, for the body as `sheet.words`.
    #[serde(default)]
    pub words: BTreeMap<String, String>,
}

/// Paper of every hospital tray.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Paper {
    /// 148 × 210 mm, margins 8 mm.
    A5,
    /// 210 × 297 mm, margins 10 mm, left 18 mm for two holes.
    A4,
    /// 297 × 210 mm, margins 10 mm: lists, which are shredded, not filed.
    #[serde(rename = "A4 landscape")]
    A4Landscape,
}

impl Paper {
    /// Width and height in millimetres.
    #[must_use]
    pub fn size_mm(self) -> (u16, u16) {
        match self {
            Self::A5 => (148, 210),
            Self::A4 => (210, 297),
            Self::A4Landscape => (297, 210),
        }
    }

    /// Margins in millimetres: left, top, right, foot. Below the foot nothing important is printed.
    #[must_use]
    pub fn margins_mm(self) -> (u16, u16, u16, u16) {
        match self {
            Self::A5 => (8, 8, 8, 12),
            Self::A4 => (18, 10, 10, 12),
            Self::A4Landscape => (10, 10, 10, 12),
        }
    }
}

/// Whether the frame draws one patient, or the form's rows each carry theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strip {
    /// The sheet must carry a patient strip.
    #[default]
    Required,
    /// The same in 13 mm, for forms with a patient box of their own.
    Compact,
    /// A list: every row carries both identifiers.
    Rows,
    /// A paper of the office that is about no patient: a badge, a certificate.
    None,
}

impl Strip {
    /// Every page names one patient.
    #[must_use]
    pub const fn is_about_a_patient(self) -> bool {
        matches!(self, Self::Required | Self::Compact)
    }
}

/// QR codes of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codes {
    /// Top right only, on lists in the foot.
    #[default]
    One,
    /// Opposite corners, so that a scan with one corner torn, stamped or folded still files itself.
    Two,
    /// The one QR code on the paper is what the paper is for (a badge): no other may be scanned in its place.
    None,
}

impl Forms {
    /// The forms inside the program.
    ///
    /// # Errors
    /// A built-in folder that is not a form: a fault of the build.
    pub fn built_in() -> Result<Self, PressError> {
        let mut forms = BTreeMap::new();
        for path in Embedded::iter() {
            let Some(code) = path.strip_suffix("/form.toml") else {
                continue;
            };
            let text = |file: &str| built_in(code, file);
            let mut form = parse(code, text("form.toml"), text("form.typ"), &|other| {
                built_in(other, "form.typ")
            })?;
            form.sample = text("sample.json");
            form.blank = text("blank.json");
            form.contract = text("contract.toml");
            forms.insert(code.to_owned(), form);
        }
        let english = Embedded::get("words/en.toml").and_then(|file| String::from_utf8(file.data.into_owned()).ok());
        let mut forms = Self {
            forms,
            built_in: BTreeMap::new(),
            fonts: Vec::new(),
            languages: Arc::default(),
            extras: Vec::new(),
        };
        forms.speak(Languages::built_in(&english.unwrap_or_default())?);
        Ok(forms)
    }

    fn speak(&mut self, languages: Languages) {
        self.languages = Arc::new(languages);
        for form in self.forms.values_mut().chain(self.built_in.values_mut()) {
            form.languages = Arc::clone(&self.languages);
        }
    }

    /// The built-in forms with those of a hospital's directory in their place, and a sentence for each folder that cannot be used.
    ///
    /// # Errors
    /// Only for the built-in forms. A directory that is missing or cannot be read is one of the sentences.
    pub fn with_directory(directory: &Path) -> Result<(Self, Vec<PressError>), PressError> {
        let mut forms = Self::built_in()?;
        let mut complaints = Vec::new();
        let folders = match folders(directory) {
            Ok(folders) => folders,
            Err(error) => {
                let reason = format!("the directory cannot be read ({error})");
                return Ok((forms, vec![broken("*", &directory.display().to_string(), &reason)]));
            }
        };
        for code in folders {
            match read(directory, &code) {
                Ok(form) => forms.put(code, form),
                Err(complaint) => complaints.push(complaint),
            }
        }
        forms.take_extras(directory, &mut complaints)?;
        Ok((forms, complaints))
    }

    /// Mark, sentences, fonts and words that lie beside the form folders.
    fn take_extras(&mut self, directory: &Path, complaints: &mut Vec<PressError>) -> Result<(), PressError> {
        self.fonts = own::fonts(directory, complaints);
        let words = directory.join("words");
        if words.is_dir() {
            let mut languages = Languages::clone(&self.languages);
            complaints.extend(languages.read(&words, &Fonts::with_own(&self.fonts)?));
            self.speak(languages);
            self.extras.push("words");
        }
        let logo = own::logo(directory, complaints);
        let mut sentences = own::sentences(directory, &self.forms, complaints);
        for code in self.forms.keys().cloned().collect::<Vec<_>>() {
            let Some(form) = self.forms.get(&code) else { continue };
            let logo = logo.as_ref().filter(|_| form.about.logo);
            let sentences = sentences.remove(&code).unwrap_or_default();
            if logo.is_none() && sentences.is_empty() {
                continue;
            }
            let mut form = form.clone();
            for (language, text) in self
                .languages
                .untranslated(&sentences.values().flatten().cloned().collect::<Vec<_>>())
            {
                let reason = format!("[{code}]「{text}」の訳が {language} の [texts] にありません");
                complaints.push(own::own(
                    "texts.toml",
                    &reason,
                    "2つめのことばの用紙でも、その文は日本語だけで印刷します",
                ));
            }
            form.sentences = sentences;
            if let Some((path, bytes)) = logo {
                form.pictures.push((file_id(path)?, bytes.clone()));
                form.logo = Some(path);
            }
            // Should the mark not be drawable after all, the form is printed without it.
            if !self.built_in.contains_key(&code) {
                self.put(code, form);
            } else if let Some(place) = self.forms.get_mut(&code) {
                *place = form;
            }
        }
        self.extras.extend(logo.is_some().then_some("logo"));
        self.extras.extend(
            self.forms
                .values()
                .any(|form| !form.sentences.is_empty())
                .then_some("texts.toml"),
        );
        self.extras.extend((!self.fonts.is_empty()).then_some("fonts"));
        Ok(())
    }

    /// What of the hospital's directory is in force besides form folders: `words`, `logo`, `texts.toml`, `fonts`.
    pub fn extras(&self) -> &[&'static str] {
        &self.extras
    }

    /// The languages that paper for patients can carry besides Japanese.
    pub fn languages(&self) -> &Languages {
        &self.languages
    }

    /// Forms the hospital has added: nothing built in stands behind them.
    pub fn added(&self) -> impl Iterator<Item = &Form> {
        let built_in = |form: &&Form| Embedded::get(&format!("{}/form.toml", form.about.code)).is_none();
        self.forms.values().filter(built_in)
    }

    pub(crate) fn fonts(&self) -> &[Font] {
        &self.fonts
    }

    /// The form in force under this code.
    ///
    /// # Errors
    /// [`PressError::UnknownForm`].
    pub fn get(&self, code: &str) -> Result<&Form, PressError> {
        self.forms
            .get(code)
            .ok_or_else(|| PressError::UnknownForm { form: code.to_owned() })
    }

    /// Every form in force, in the order of their codes.
    pub fn iter(&self) -> impl Iterator<Item = &Form> {
        self.forms.values()
    }

    /// The built-in form behind a hospital's own.
    pub(crate) fn behind(&self, code: &str) -> Option<&Form> {
        self.built_in.get(code)
    }

    fn put(&mut self, code: String, form: Form) {
        let form = Form {
            languages: Arc::clone(&self.languages),
            ..form
        };
        if let Some(former) = self.forms.insert(code.clone(), form) {
            self.built_in.insert(code, former);
        }
    }
}

impl Form {
    /// Built in, but with the hospital's mark or sentences.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.logo.is_some() || !self.sentences.is_empty()
    }

    /// The same form and frame with a body that only says that the sheet could not be made.
    pub(crate) fn placeholder(&self) -> Result<Self, PressError> {
        let source = Source::new(file_id("/form.typ")?, PLACEHOLDER.to_owned());
        Ok(Self {
            source,
            logo: None,
            ..self.clone()
        })
    }
}

const PLACEHOLDER: &str = r#"#import "/parts.typ": *
#let body(sheet) = block(width: 100%, stroke: 2pt, inset: 5mm, {
  text(size: 14pt, weight: "bold")[この用紙は印刷できませんでした]
  parbreak()
  text(size: 11pt)[この患者さんの内容は印刷されていません。画面で確認し、白紙の用紙に手書きしてください。医療情報担当に知らせてください。]
  parbreak()
  text(size: 9pt, sheet.body.reason)
})
"#;

#[derive(RustEmbed)]
#[folder = "../../forms"]
struct Embedded;

/// Names of the folders that hold a `form.toml`, sorted.
fn folders(directory: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)?.take(MAX_FORMS) {
        let entry = entry?;
        if entry.path().join("form.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn read(directory: &Path, code: &str) -> Result<Form, PressError> {
    let folder = directory.join(code);
    let text =
        |file: &str| read_bounded(&folder.join(file), MAX_FORM_TEXT).and_then(|bytes| String::from_utf8(bytes).ok());
    // The edition beside this one in the hospital's directory, else the built-in one.
    let other = |code: &str| {
        let is_code = code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let path = is_code.then(|| directory.join(code).join("form.typ"))?;
        let own = read_bounded(&path, MAX_FORM_TEXT).and_then(|bytes| String::from_utf8(bytes).ok());
        own.or_else(|| built_in(code, "form.typ"))
    };
    let mut form = parse(code, text("form.toml"), text("form.typ"), &other)?;
    form.overridden = true;
    // Of a form that only looks different, the built-in blank body and contract still hold.
    let or_built_in = |file: &str| text(file).or_else(|| built_in(code, file));
    form.blank = or_built_in("blank.json");
    form.contract = or_built_in("contract.toml");
    let Ok(entries) = fs::read_dir(&folder) else {
        return Ok(form);
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_picture = path
            .extension()
            .is_some_and(|end| ["png", "svg", "jpg"].iter().any(|picture| end == *picture));
        let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|_| is_picture) else {
            continue;
        };
        if form.pictures.len() == MAX_PICTURES {
            return Err(broken(code, name, &format!("a form may have {MAX_PICTURES} pictures")));
        }
        let bytes = read_bounded(&path, MAX_PICTURE).ok_or_else(|| {
            broken(
                code,
                name,
                &format!("it cannot be read or is larger than {MAX_PICTURE} bytes"),
            )
        })?;
        form.pictures.push((file_id(&format!("/{name}"))?, Bytes::new(bytes)));
    }
    Ok(form)
}

pub(crate) fn read_bounded(path: &Path, limit: u64) -> Option<Vec<u8>> {
    let length = fs::metadata(path).ok().filter(fs::Metadata::is_file)?.len();
    (length <= limit).then(|| fs::read(path).ok()).flatten()
}

/// A file of a built-in form.
fn built_in(code: &str, file: &str) -> Option<String> {
    let file = Embedded::get(&format!("{code}/{file}"))?;
    String::from_utf8(file.data.into_owned()).ok()
}

/// `other` gives the `form.typ` of another form, for `drawn-as`.
fn parse(
    code: &str,
    about: Option<String>,
    source: Option<String>,
    other: &dyn Fn(&str) -> Option<String>,
) -> Result<Form, PressError> {
    let missing = |file: &str| {
        broken(
            code,
            file,
            &format!("it is missing, larger than {MAX_FORM_TEXT} bytes, or not UTF-8"),
        )
    };
    let about = about.ok_or_else(|| missing("form.toml"))?;
    let about: About = toml::from_str(&about).map_err(|error| broken(code, "form.toml", error.message()))?;
    if about.code != code {
        return Err(broken(
            code,
            "form.toml",
            &format!("its code is {}, the folder's name is {code}", about.code),
        ));
    }
    if !is_form_code(code.split('-').next().unwrap_or(code)) {
        return Err(broken(
            code,
            "form.toml",
            &format!("a form's code is 1 to {MAX_FORM_CODE} of A-Z and 0-9: it stands in the QR code of every page"),
        ));
    }
    let drawn_as = || other(about.drawn_as.as_deref()?);
    let source = source.or_else(drawn_as).ok_or_else(|| missing("form.typ"))?;
    let source = Source::new(file_id("/form.typ")?, source);
    let (errors, _) = source.root().errors_and_warnings();
    if let Some(error) = errors.into_iter().next() {
        return Err(broken(code, "form.typ", &error.message));
    }
    Ok(Form {
        about,
        overridden: false,
        sample: None,
        blank: None,
        contract: None,
        source,
        pictures: Vec::new(),
        logo: None,
        sentences: Sentences::new(),
        languages: Arc::default(),
    })
}

fn broken(form: &str, file: &str, reason: &str) -> PressError {
    PressError::BrokenForm {
        form: form.to_owned(),
        file: file.to_owned(),
        reason: reason.to_owned(),
    }
}
