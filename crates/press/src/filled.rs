//! A sheet made ready for the frame: what no page may lack is checked, every text is printable, all of it is CBOR.
//!
//! Not here: what the body holds. That is between `downtime`, which fills it, and the form's `form.typ`.

use std::collections::BTreeMap;

use chart::{FormId, Sheet};
use serde::Serialize;

use crate::codes::{MAX_BAR_CODE_CHARS, is_code_text};
use crate::error::PressError;
use crate::fonts::Fonts;
use crate::forms::{Codes, Form, Strip};
use crate::legible::{make_legible, mark_gaiji};
use crate::second::Second;

/// Largest sheet handed to Typst, in bytes of CBOR: more than a hundred times a usual one.
pub const MAX_SHEET_BYTES: usize = 1024 * 1024;

/// The bytes that `frame.typ` reads from `/data.cbor`.
pub fn filled(form: &Form, sheet: &Sheet, fonts: &Fonts) -> Result<Vec<u8>, PressError> {
    let bad = |reason: String| PressError::BadSheet {
        form: sheet.form.clone(),
        reason,
    };
    check(form, sheet).map_err(bad)?;
    let own = with_sentences(form, sheet);
    let sheet = own.as_ref().unwrap_or(sheet);
    let mut values = ciborium::Value::serialized(sheet).map_err(|error| bad(error.to_string()))?;
    let unprintable = make_legible(&mut values, fonts);
    mark_gaiji(&mut values);
    let data = Data {
        sheet: values,
        form: FrameFacts::new(form, sheet),
        second: form.languages.of(sheet),
        unprintable,
    };
    let mut bytes = Vec::with_capacity(8 * 1024);
    ciborium::into_writer(&data, &mut bytes).map_err(|error| bad(error.to_string()))?;
    if bytes.len() > MAX_SHEET_BYTES {
        return Err(PressError::TooLarge {
            what: "the sheet in bytes",
            found: bytes.len(),
            limit: MAX_SHEET_BYTES,
        });
    }
    Ok(bytes)
}

#[derive(Serialize)]
struct Data<'a> {
    sheet: ciborium::Value,
    form: FrameFacts<'a>,
    /// What is printed in the second language.
    second: Option<Second<'a>>,
    /// Characters that became 〓.
    unprintable: usize,
}

/// What the frame knows of the form. Lengths in millimetres.
#[derive(Serialize)]
struct FrameFacts<'a> {
    title: &'a str,
    code: &'a str,
    version: &'a str,
    width: u16,
    height: u16,
    left: u16,
    top: u16,
    right: u16,
    foot: u16,
    /// QR codes of a page.
    codes: u8,
    /// The strip of 13 mm.
    compact: bool,
    /// The hospital's mark.
    logo: Option<&'static str>,
    /// Words of this edition, for the body.
    words: &'a BTreeMap<String, String>,
}

impl<'a> FrameFacts<'a> {
    fn new(form: &'a Form, sheet: &Sheet) -> Self {
        let about = &form.about;
        let (width, height) = about.paper.size_mm();
        let (left, top, right, foot) = about.paper.margins_mm();
        let codes = match about.codes {
            _ if sheet.form_id.is_empty() => 0,
            Codes::One => 1,
            Codes::Two => 2,
            Codes::None => 0,
        };
        Self {
            title: &about.title,
            code: &about.code,
            version: &about.version,
            width,
            height,
            left,
            top,
            right,
            foot,
            codes,
            compact: about.patient_strip == Strip::Compact,
            logo: form.logo,
            words: &about.words,
        }
    }
}

/// The sheet with the hospital's sentences in the place of the program's; `None` where it has none for this form.
fn with_sentences(form: &Form, sheet: &Sheet) -> Option<Sheet> {
    if form.sentences.is_empty() {
        return None;
    }
    let mut sheet = sheet.clone();
    let body = sheet.body.as_object_mut()?;
    for (key, sentences) in &form.sentences {
        if let Some(value) = body.get_mut(key) {
            *value = sentences.clone().into();
        }
    }
    Some(sheet)
}

/// Whose it is, as of when, under which seal: a page without one of them is not printed.
pub fn check(form: &Form, sheet: &Sheet) -> Result<(), String> {
    for (what, text) in [
        ("as_of", &sheet.as_of),
        ("seal", &sheet.seal),
        ("title_mark", &sheet.title_mark),
        ("issued", &sheet.issued),
    ] {
        if text.trim().is_empty() {
            return Err(format!("{what} is blank, and no page is printed without it"));
        }
    }
    if !sheet.form_id.is_empty() && FormId::parse(&sheet.form_id).is_none() {
        return Err("form_id is not a form number of 12 digits with its check digit".to_owned());
    }
    let Some(strip) = &sheet.strip else {
        return match form.about.patient_strip {
            Strip::Rows | Strip::None => Ok(()),
            Strip::Required | Strip::Compact => Err("it has no patient".to_owned()),
        };
    };
    if strip.blank {
        let written = [
            &strip.kana,
            &strip.name,
            &strip.birth,
            &strip.age,
            &strip.sex,
            &strip.id,
            &strip.id_code,
        ];
        return if sheet.form_id.is_empty() {
            Err("a blank sheet has no number: what is written on it could not be found again".to_owned())
        } else if written.iter().any(|text| !text.is_empty()) || strip.temporary || !strip.flags.is_empty() {
            Err("a blank sheet names a patient".to_owned())
        } else {
            Ok(())
        };
    }
    if strip.id.trim().is_empty() || (strip.name.trim().is_empty() && strip.kana.trim().is_empty()) {
        return Err("the patient has no number or no name".to_owned());
    }
    if !is_code_text(&strip.id_code) || strip.id_code.len() > MAX_BAR_CODE_CHARS {
        return Err("the patient number does not fit a bar code".to_owned());
    }
    Ok(())
}
