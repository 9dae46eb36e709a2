//! What a hospital changes without a form of its own: its mark in the head, its sentences, its fonts. Files beside the form folders.
//!
//! `logo.svg` or `logo.png`, `texts.toml`, `fonts/`. What is wrong with them is a sentence, and the form is printed as it was built in.

use std::collections::BTreeMap;
use std::path::Path;

use typst::foundations::Bytes;
use typst::text::Font;

use crate::error::PressError;
use crate::forms::{Form, MAX_PICTURE, read_bounded};

/// Largest `texts.toml`, in bytes.
pub const MAX_TEXTS_FILE: u64 = 64 * 1024;

/// Most sentences in the place of a form's own.
pub const MAX_SENTENCES: usize = 5;

/// Longest such sentence, in characters.
pub const MAX_SENTENCE: usize = 60;

/// Most font files of a hospital.
pub const MAX_FONTS: usize = 4;

/// Most faces of one collection that are looked at: Noto Sans CJK has ten.
pub const MAX_FACES: usize = 16;

/// Largest font file, in bytes.
pub const MAX_FONT: u64 = 24 * 1024 * 1024;

/// Sentences of one form in the place of the program's, by the body's key.
pub type Sentences = BTreeMap<String, Vec<String>>;

/// The name of the hospital's mark inside the press, and its bytes.
pub type Logo = (&'static str, Bytes);

/// The hospital's mark, the vector one first.
pub fn logo(directory: &Path, complaints: &mut Vec<PressError>) -> Option<Logo> {
    for (file, path) in [("logo.svg", "/logo.svg"), ("logo.png", "/logo.png")] {
        let at = directory.join(file);
        if !at.is_file() {
            continue;
        }
        let bytes = read_bounded(&at, MAX_PICTURE);
        let right = |bytes: &Vec<u8>| match file {
            "logo.png" => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
            _ => bytes.windows(4).take(2_000).any(|window| window == b"<svg"),
        };
        match bytes.filter(right) {
            Some(bytes) => return Some((path, Bytes::new(bytes))),
            None => complaints.push(own(
                file,
                &format!("読めないか、{MAX_PICTURE}バイトを超えているか、その形式の画像ではありません"),
                "ロゴなしで印刷します",
            )),
        }
    }
    None
}

/// `texts.toml`: for each form, for each of the keys its `form.toml` offers in `texts`, the sentences in their place.
pub fn sentences(
    directory: &Path,
    forms: &BTreeMap<String, Form>,
    complaints: &mut Vec<PressError>,
) -> BTreeMap<String, Sentences> {
    const FILE: &str = "texts.toml";
    let at = directory.join(FILE);
    if !at.exists() {
        return BTreeMap::new();
    }
    let text = read_bounded(&at, MAX_TEXTS_FILE).and_then(|bytes| String::from_utf8(bytes).ok());
    let read = text.as_deref().map(toml::from_str::<BTreeMap<String, Sentences>>);
    let mut read = match read {
        Some(Ok(read)) => read,
        Some(Err(error)) => {
            complaints.push(own(FILE, error.message(), "内蔵の文で印刷します"));
            return BTreeMap::new();
        }
        None => {
            let reason = format!("読めないか、UTF-8でないか、{MAX_TEXTS_FILE}バイトを超えています");
            complaints.push(own(FILE, &reason, "内蔵の文で印刷します"));
            return BTreeMap::new();
        }
    };
    for (code, sentences) in &mut read {
        let offered = forms
            .get(code)
            .map(|form| form.about.texts.as_slice())
            .unwrap_or_default();
        sentences.retain(|key, list| {
            let wrong = if !offered.contains(key) {
                format!(
                    "[{code}] {key} は変えられません（変えられるもの: {}）",
                    offered.join("、")
                )
            } else if list.len() > MAX_SENTENCES {
                format!("[{code}] {key} は{MAX_SENTENCES}文までです（{}文あります）", list.len())
            } else if let Some(long) = list
                .iter()
                .find(|one| one.trim().is_empty() || one.chars().count() > MAX_SENTENCE)
            {
                format!("[{code}] {key} の文は1–{MAX_SENTENCE}字です: 「{long}」")
            } else {
                return true;
            };
            complaints.push(own(FILE, &wrong, "そこは内蔵の文で印刷します"));
            false
        });
    }
    read.retain(|_, sentences| !sentences.is_empty());
    read
}

/// Fonts for second languages, from `fonts/`: single ones and collections (what Windows has of Chinese and Korean is a collection).
pub fn fonts(directory: &Path, complaints: &mut Vec<PressError>) -> Vec<Font> {
    let entries = std::fs::read_dir(directory.join("fonts"))
        .into_iter()
        .flatten()
        .flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let (mut fonts, mut taken) = (Vec::new(), 0);
    for path in files {
        let name = format!("fonts/{}", path.file_name().unwrap_or_default().to_string_lossy());
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        if ["txt", "md"].iter().any(|end| ending == *end) {
            // A licence or a note beside the fonts.
            continue;
        }
        let wrong = if !["ttf", "otf", "ttc", "otc"].iter().any(|end| ending == *end) {
            "書体は .ttf .otf .ttc .otc だけです".to_owned()
        } else if taken == MAX_FONTS {
            format!("書体は{MAX_FONTS}つまでです")
        } else {
            let bytes = read_bounded(&path, MAX_FONT).map(Bytes::new);
            let faces: Vec<Font> = bytes.into_iter().flat_map(Font::iter).take(MAX_FACES).collect();
            if !faces.is_empty() {
                fonts.extend(faces);
                taken += 1;
                continue;
            }
            format!("書体として読めないか、{MAX_FONT}バイトを超えています")
        };
        complaints.push(own(&name, &wrong, "使っていません"));
    }
    fonts
}

pub fn own(file: &str, reason: &str, now: &str) -> PressError {
    PressError::Own {
        file: file.to_owned(),
        reason: reason.to_owned(),
        now: now.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A collection of these fonts: each as it is, with its tables found from the start of the whole file.
    fn collection(fonts: &[&[u8]]) -> Vec<u8> {
        let number = |bytes: &[u8], at: usize, length: usize| {
            bytes[at..at + length]
                .iter()
                .fold(0_usize, |n, byte| n << 8 | usize::from(*byte))
        };
        let be = |n: usize| u32::try_from(n).unwrap().to_be_bytes();
        let mut out = [b"ttcf".as_slice(), &[0, 1, 0, 0], &be(fonts.len())].concat();
        let mut start = out.len() + 4 * fonts.len();
        for font in fonts {
            out.extend(be(start));
            start += font.len();
        }
        for font in fonts {
            let start = out.len();
            out.extend_from_slice(font);
            for table in 0..number(font, 4, 2) {
                let at = 12 + 16 * table + 8;
                out[start + at..start + at + 4].copy_from_slice(&be(start + number(font, at, 4)));
            }
        }
        out
    }

    #[test]
    fn single_fonts_and_collections_are_taken_and_the_rest_is_said() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("fonts");
        std::fs::create_dir(&folder).unwrap();
        let regular = include_bytes!("../fonts/BIZUDPGothic-Regular.ttf").as_slice();
        let bold = include_bytes!("../fonts/BIZUDGothic-Bold.ttf").as_slice();
        // Windows writes them in capitals.
        std::fs::write(folder.join("A.TTC"), collection(&[regular, bold])).unwrap();
        std::fs::write(folder.join("b.ttf"), regular).unwrap();
        std::fs::write(folder.join("c.ttc"), &collection(&[bold])[..400]).unwrap();
        std::fs::write(folder.join("d.woff2"), "wOF2").unwrap();
        std::fs::write(folder.join("OFL.txt"), "a licence").unwrap();
        let mut complaints = Vec::new();
        let found = fonts(place.path(), &mut complaints);
        let names: Vec<&str> = found.iter().map(|font| font.info().family.as_str()).collect();
        assert_eq!(names, ["BIZ UDPGothic", "BIZ UDGothic", "BIZ UDPGothic"]);
        let said: Vec<String> = complaints.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said[0].contains("fonts/c.ttc") && said[0].contains("読めない"),
            "{said:?}"
        );
        assert!(
            said[1].contains("fonts/d.woff2") && said[1].contains(".ttc"),
            "{said:?}"
        );
    }
}
