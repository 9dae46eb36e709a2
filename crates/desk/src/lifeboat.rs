//! The last resort: a department's list and charts as one HTML file that a browser opens by itself, from a stick, when
//! nothing of ours runs any more. The bytes: `docs/formats/lifeboat.md`.
//!
//! Panels and words are those of the desk (`panels`, `say`), made here once per language; the page only lays them out.
//! Deliberately absent: sealing (`vault::lifeboat`), files, and what was recorded since the snapshot. The page cannot
//! record who opens it, and says so.

use std::collections::HashMap;
use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chart::{DataKind, Moment, PatientId};
use downtime::forms::Ward;
use downtime::index::{Alike, Index, Slot};
use downtime::view::View;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::panels;
use crate::reader::Reader;
use crate::say;
use crate::words::{Dictionary, Lang, Words, WordsFault};

const PAGE: &str = include_str!("lifeboat/page.html");
const STYLE: &str = include_str!("lifeboat/page.css");
const SCRIPT: &str = include_str!("lifeboat/page.js");
const FONT: &str = "fonts/BIZUDPGothic-Regular.woff2";

/// Largest file that is read back, in bytes.
pub const MAX_FILE: u64 = 512 << 20;
/// Most people in one file.
pub const MAX_PEOPLE: u32 = 20_000;

/// The words of the page, besides those inside the panels.
const KEYS: [&str; 50] = [
    "age-sex",
    "as-of",
    "birth",
    "boat-close",
    "boat-copy",
    "boat-count",
    "boat-damaged",
    "boat-idle",
    "boat-kana-name",
    "boat-keys",
    "boat-list",
    "boat-made",
    "boat-mistyped",
    "boat-no-entries",
    "boat-no-log",
    "boat-nobody",
    "boat-not-today",
    "boat-open",
    "boat-opening",
    "boat-passphrase",
    "boat-passphrase-hint",
    "boat-print",
    "boat-search",
    "boat-standby",
    "boat-bed",
    "boat-time",
    "boat-title",
    "boat-too-old",
    "boat-wrong",
    "chart-drugs",
    "chart-drugs-lack",
    "chart-labs",
    "chart-note",
    "chart-problems",
    "chart-today",
    "chart-today-none",
    "date",
    "gaiji",
    "lab-item",
    "lab-reference",
    "lab-unit",
    "lab-value",
    "main-problem",
    "no-check",
    "other-language",
    "patient-id",
    "stay-due",
    "stay-title",
    "stay-told",
    "stay-vitals",
];

/// What stands on the outside of a file, readable by everybody and bound into every sealed part: no patient is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cover {
    /// Version of the file, 1.
    pub format: u8,
    /// Name of the hospital.
    pub hospital: String,
    /// Which station made it.
    pub station: String,
    /// Number of the snapshot it was made from.
    pub epoch: u64,
    /// Code of the department.
    pub code: String,
    /// Its name.
    pub department: String,
    /// The day whose list it holds, `2026-11-28`.
    pub day: String,
    /// データ時点 of the oldest data, `2026-11-28 00:30`.
    pub as_of: String,
    /// When it was made.
    pub made: String,
    /// Sealed parts: the list, then one for each person.
    pub chunks: u32,
    /// Salt of the key in base64.
    pub salt: String,
    /// Rounds of the key derivation.
    pub iterations: u32,
}

impl Cover {
    /// The one line that the file carries and every part is bound to.
    #[must_use]
    pub fn line(&self) -> String {
        plain_json(&json!({
            "format": self.format, "hospital": self.hospital, "station": self.station, "epoch": self.epoch,
            "code": self.code, "department": self.department, "day": self.day, "as_of": self.as_of, "made": self.made,
            "chunks": self.chunks, "salt": self.salt, "iterations": self.iterations,
        }))
    }

    /// Puts a salt into its text form.
    #[must_use]
    pub fn salt_text(salt: &[u8]) -> String {
        BASE64_STANDARD.encode(salt)
    }

    /// The salt's bytes; `None` when the text is none of that length.
    #[must_use]
    pub fn salt_bytes<const N: usize>(&self) -> Option<[u8; N]> {
        BASE64_STANDARD.decode(&self.salt).ok()?.try_into().ok()
    }
}

/// Why a file is not one of ours, or not whole. Nothing was read from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BoatFault {
    /// Page, style, script or words are not those of this program.
    #[error("この版のプログラムが作った控えではないか、ページの部分が壊れています。何も読んでいません")]
    NotOurs,
    /// The line of the cover cannot be read.
    #[error("控えの表書きを読めません。何も読んでいません: {0}")]
    Cover(String),
    /// Sealed parts are missing, too many, or no base64.
    #[error("控えの中身が {expected} 個あるはずですが、{found} 個しか読めません。何も読んでいません")]
    Chunks {
        /// By the cover.
        expected: u32,
        /// Readable.
        found: usize,
    },
}

/// A file taken apart: still sealed.
#[derive(Debug)]
pub struct Sealed {
    /// The line of the cover, as it stands in the file.
    pub head: String,
    /// What it says.
    pub cover: Cover,
    /// Sealed parts, in their order.
    pub chunks: Vec<Vec<u8>>,
}

/// Makes the pages.
pub struct Boatyard {
    words: Dictionary,
    before: String,
    between: String,
    after: String,
}

impl Boatyard {
    /// Reads the words and puts the page together once.
    ///
    /// # Errors
    /// When the words that were compiled in cannot be read.
    pub fn open() -> Result<Self, WordsFault> {
        let words = Dictionary::load()?;
        let both: HashMap<&str, HashMap<&str, &str>> = Lang::ALL
            .into_iter()
            .map(|lang| {
                let w = words.in_lang(lang);
                (lang.tag(), KEYS.into_iter().map(|key| (key, &w[key])).collect())
            })
            .collect();
        let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text.as_bytes()));
        // A PC of last resort may have no Japanese font: the desk's goes along.
        let style = STYLE.replace("〔font〕", &BASE64_STANDARD.encode(crate::assets::bytes(FONT)));
        // Sorted by key on the way through `Value`, so that the same program always makes the same page.
        let words_text = plain_json(&json!(both));
        let part = |text: &str| {
            text.replace("〔script-hash〕", &hash(SCRIPT))
                .replace("〔style-hash〕", &hash(&style))
                .replace("〔style〕", &style)
                .replace("〔words〕", &words_text)
                .replace("〔script〕", SCRIPT)
        };
        let (before, rest) = PAGE.split_once("〔head〕").unwrap_or((PAGE, ""));
        let (between, after) = rest.split_once("〔sealed〕").unwrap_or((rest, ""));
        Ok(Self {
            before: part(before),
            between: part(between),
            after: part(after),
            words,
        })
    }

    /// Part 0: everybody on the list, by time. `place` gives the number of a row's part.
    #[must_use]
    pub fn list(&self, index: &Index, slots: &[Slot], day: Date, place: impl Fn(u32) -> Option<u32>) -> Vec<u8> {
        let rows: Vec<Value> = slots
            .iter()
            .filter_map(|slot| self.line(index, slot.row, slot.time_text(), day, place(slot.row)?))
            .collect();
        json!({ "rows": rows }).to_string().into_bytes()
    }

    /// Part 0 of a ward: everybody in a bed, in the order of the corridor. `place` gives the number of a row's part.
    #[must_use]
    pub fn ward(&self, index: &Index, ward: &Ward, day: Date, place: impl Fn(u32) -> Option<u32>) -> Vec<u8> {
        let beds = ward.beds.iter().filter_map(|bed| Some((bed.row?, bed.place.clone())));
        let rows: Vec<Value> = beds
            .filter_map(|(row, bed)| self.line(index, row, bed, day, place(row)?))
            .collect();
        json!({ "rows": rows, "by": "bed" }).to_string().into_bytes()
    }

    /// One line of a list.
    fn line(&self, index: &Index, row: u32, when: String, day: Date, place: u32) -> Option<Value> {
        let row = index.row(row)?;
        let id = row.id()?;
        let mut line = json!({
            "n": place, "time": when, "name": row.written(), "id": id.shown(),
            "keys": [row.kana_key(), row.name_key(), plain_name(row.written()), row.id_text()],
        });
        for lang in Lang::ALL {
            let w = self.words.in_lang(lang);
            line[lang.tag()] = json!({
                "kana": if row.kana().is_empty() { &w["no-kana"] } else { row.kana() },
                "birth": say::birth_short(w, row.birth()), "age": say::age(w, row.birth(), day),
                "sex": say::sex(w, row.sex()),
                "flags": say::alike(w, row.alike()).into_iter().collect::<Vec<_>>(),
            });
        }
        Some(line)
    }

    /// The part of one person: the panels of the desk's chart, in both languages.
    #[must_use]
    pub fn person(&self, view: &View, index: &Index, day: Date) -> Vec<u8> {
        let mut both = json!({});
        for lang in Lang::ALL {
            let reader = Later {
                words: self.words.in_lang(lang),
                index,
                day,
            };
            both[lang.tag()] = json!({
                "banner": panels::banner(&reader, view, true),
                "stay": panels::stay::stay(&reader, view, true),
                "drugs": panels::drugs(&reader, view),
                "note": panels::notes(&reader, view),
                "problems": panels::problems(&reader, view),
                "labs": panels::labs(&reader, view),
                "today": panels::today(&reader, view, "", false),
                "today_as_of": panels::as_of(&reader, view, DataKind::Appointment),
            });
        }
        both.to_string().into_bytes()
    }

    /// Writes the beginning of a file, up to where the sealed parts stand.
    ///
    /// # Errors
    /// What the sink says.
    pub fn begin(&self, head: &str, out: &mut impl Write) -> std::io::Result<()> {
        out.write_all(self.before.as_bytes())?;
        out.write_all(head.as_bytes())?;
        out.write_all(self.between.as_bytes())
    }

    /// Writes one sealed part.
    ///
    /// # Errors
    /// What the sink says.
    pub fn chunk(sealed: &[u8], out: &mut impl Write) -> std::io::Result<()> {
        out.write_all(BASE64_STANDARD.encode(sealed).as_bytes())?;
        out.write_all(b"\n")
    }

    /// Writes the end of a file.
    ///
    /// # Errors
    /// What the sink says.
    pub fn end(&self, out: &mut impl Write) -> std::io::Result<()> {
        out.write_all(self.after.as_bytes())
    }

    /// Takes a file apart. Every byte outside the sealed parts and the cover must be this program's own.
    ///
    /// # Errors
    /// [`BoatFault`].
    pub fn read(&self, file: &str) -> Result<Sealed, BoatFault> {
        let inside = file
            .strip_prefix(&self.before)
            .and_then(|rest| rest.strip_suffix(&self.after))
            .ok_or(BoatFault::NotOurs)?;
        let (head, lines) = inside.split_once(&self.between).ok_or(BoatFault::NotOurs)?;
        let cover: Cover = serde_json::from_str(head).map_err(|fault| BoatFault::Cover(fault.to_string()))?;
        if cover.format != 1 || cover.line() != head {
            return Err(BoatFault::Cover(format!("format {}", cover.format)));
        }
        let chunks: Vec<Vec<u8>> = lines
            .strip_suffix('\n')
            .unwrap_or(lines)
            .split('\n')
            .map_while(|line| BASE64_STANDARD.decode(line).ok())
            .collect();
        let whole = lines.ends_with('\n') && lines.matches('\n').count() == chunks.len();
        if !whole || chunks.len() != cover.chunks as usize {
            return Err(BoatFault::Chunks {
                expected: cover.chunks,
                found: chunks.len(),
            });
        }
        Ok(Sealed {
            head: head.to_owned(),
            cover,
            chunks,
        })
    }
}

/// Whoever opens the copy on some later day: every time is told with its date.
struct Later<'a> {
    words: &'a Words,
    index: &'a Index,
    day: Date,
}

impl Reader for Later<'_> {
    fn w(&self) -> &Words {
        self.words
    }

    fn now(&self) -> Moment {
        // No data are of this day, so no time loses its date.
        Moment::from_local(jiff::civil::date(1, 1, 1).at(0, 0, 0, 0))
    }

    fn day(&self) -> Date {
        self.day
    }

    fn alike(&self, id: &PatientId) -> Option<Alike> {
        self.index.find(id).map(|row| row.alike())
    }
}

/// JSON that stays text inside an HTML page: nothing in it can end a script element or begin a comment.
fn plain_json(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

/// The name as registered without spaces, for a search with a rare character.
fn plain_name(name: &str) -> String {
    name.chars()
        .filter(|letter| !letter.is_whitespace())
        .collect::<String>()
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_page_exists_and_every_key_is_used() {
        let yard = Boatyard::open().unwrap();
        for key in KEYS {
            for lang in Lang::ALL {
                assert!(yard.words.in_lang(lang).get(key).is_some(), "{key}");
            }
            assert!(
                PAGE.contains(&format!("\"{key}\"")) || SCRIPT.contains(&format!("\"{key}\"")),
                "{key} is nowhere on the page"
            );
        }
        for text in [PAGE, SCRIPT] {
            for part in text.split("\"boat-").skip(1) {
                let name: String = part
                    .chars()
                    .take_while(|c| c.is_ascii_lowercase() || *c == '-')
                    .collect();
                assert!(KEYS.contains(&format!("boat-{name}").as_str()), "boat-{name}");
            }
        }
    }

    #[test]
    fn the_page_asks_for_nothing() {
        assert_eq!(STYLE.matches("url(").count(), 1, "the font, which goes along");
        assert!(STYLE.contains("url(data:font/woff2;base64,〔font〕)"));
        assert!(crate::assets::bytes(FONT).starts_with(b"wOF2"));
        for text in [PAGE, STYLE, SCRIPT] {
            for never in [
                "http://",
                "https://",
                "@import",
                "fetch(",
                "XMLHttpRequest",
                "localStorage",
                "sessionStorage",
                "indexedDB",
                "innerHTML",
                "document.cookie",
            ] {
                assert!(!text.contains(never), "{never}");
            }
        }
        assert!(!SCRIPT.contains("</script") && !STYLE.contains("</style"));
    }
}
