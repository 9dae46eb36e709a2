//! The form folders: built in, and a hospital's own of the same name in their place.
//!
//! A hospital's broken form is a sentence for the informatics officer, never a morning without paper: the built-in one stays in force.
//! Filling a form is not done here, nor deciding which version is in force on a date.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use chart::sheet_code::{MAX_FORM_CODE, is_form_code};
use rust_embed::RustEmbed;
use serde::Deserialize;
use typst::foundations::Bytes;
use typst::syntax::{FileId, Source};

use crate::error::PressError;
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
    /// A list: every row carries both identifiers.
    Rows,
    /// A paper of the office that is about no patient: a badge, a certificate.
    None,
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
            let mut form = parse(code, text("form.toml"), text("form.typ"), &built_in_typ)?;
            form.sample = text("sample.json");
            form.blank = text("blank.json");
            form.contract = text("contract.toml");
            forms.insert(code.to_owned(), form);
        }
        Ok(Self {
            forms,
            built_in: BTreeMap::new(),
        })
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
        Ok((forms, complaints))
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
        if let Some(former) = self.forms.insert(code.clone(), form) {
            self.built_in.insert(code, former);
        }
    }
}

impl Form {
    /// The same form and frame with a body that only says that the sheet could not be made.
    pub(crate) fn placeholder(&self) -> Result<Self, PressError> {
        let source = Source::new(file_id("/form.typ")?, PLACEHOLDER.to_owned());
        Ok(Self { source, ..self.clone() })
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
        own.or_else(|| built_in_typ(code))
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

fn read_bounded(path: &Path, limit: u64) -> Option<Vec<u8>> {
    let length = fs::metadata(path).ok().filter(fs::Metadata::is_file)?.len();
    (length <= limit).then(|| fs::read(path).ok()).flatten()
}

/// `form.typ` of a built-in form.
fn built_in_typ(code: &str) -> Option<String> {
    built_in(code, "form.typ")
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
    })
}

fn broken(form: &str, file: &str, reason: &str) -> PressError {
    PressError::BrokenForm {
        form: form.to_owned(),
        file: file.to_owned(),
        reason: reason.to_owned(),
    }
}
