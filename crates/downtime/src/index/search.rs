//! One search field for everything a clerk may have in hand: number, kana, Latin letters, kanji, former name, birth
//! date, the last digits of a phone.
//!
//! No fuzzy matching: a person who does not match is not shown, so that a wrong one is not chosen.

use std::collections::HashSet;

use chart::fold;
use memchr::memmem;

use super::{Arena, Index};

/// How a person was found; lower is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hit {
    /// The whole patient number.
    Number,
    /// The name or reading begins so.
    Beginning,
    /// 生年月日.
    Birth,
    /// Last digits of a phone.
    Phone,
    /// Part of the patient number.
    PartOfNumber,
    /// A former name begins so.
    Former,
    /// The given name begins so, or the text stands somewhere inside.
    Inside,
}

/// What was typed, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    digits: String,
    birth: Option<u32>,
    name: String,
    kana: String,
    romaji: String,
}

/// Most hits a search collects before ranking.
const MOST: usize = 2_000;

impl Query {
    /// Understands what was typed; `None` when it is too short to search with (privacy: fewer than two kana or letters,
    /// fewer than three digits; one kanji is enough).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.trim().chars().take(64).map(chart::id::half_width).collect();
        let text = text.trim();
        let bare: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        let digits = if !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit()) {
            bare
        } else {
            String::new()
        };
        let birth = chart::date::parse(text).ok().map(chart::codec::date::to_number);
        let latin = text
            .chars()
            .all(|c| c.is_ascii_alphabetic() || c.is_whitespace() || c == '-' || c == '\'');
        let name = fold::name_key(text);
        let kana = if name.chars().all(is_kana) {
            fold::kana_key(text)
        } else {
            String::new()
        };
        let romaji = if latin { fold::typed_romaji(text) } else { String::new() };
        let enough = birth.is_some()
            || digits.len() >= 3
            || kana.chars().count() >= 2
            || romaji.len() >= 2
            || (digits.is_empty() && kana.is_empty() && romaji.is_empty() && !name.is_empty());
        enough.then_some(Self {
            digits,
            birth,
            name,
            kana,
            romaji,
        })
    }
}

impl Index {
    /// Rows that match, best first, at most `limit`.
    #[must_use]
    pub fn search(&self, query: &Query, limit: usize) -> Vec<(u32, Hit)> {
        let mut hits: Vec<(Hit, u32)> = Vec::new();
        if let Some(birth) = query.birth {
            let rows = self.fixed.iter().zip(0..).filter(|(f, _)| f.birth == birth);
            hits.extend(rows.map(|(_, row)| (Hit::Birth, row)).take(MOST));
        }
        if !query.digits.is_empty() {
            self.by_digits(&query.digits, &mut hits);
        }
        if !query.kana.is_empty() {
            by_key(&self.kana_keys, &query.kana, &mut hits);
        }
        if !query.romaji.is_empty() {
            by_key(&self.romaji_keys, &query.romaji, &mut hits);
        }
        if query.digits.is_empty() && query.birth.is_none() && !query.name.is_empty() {
            by_key(&self.name_keys, &query.name, &mut hits);
        }
        self.rank(hits, limit)
    }

    /// Booked today first, then by how well it matched, then by reading.
    fn rank(&self, mut hits: Vec<(Hit, u32)>, limit: usize) -> Vec<(u32, Hit)> {
        hits.sort_unstable_by(|a, b| {
            let place = |(hit, row): (Hit, u32)| (hit != Hit::Number, !self.is_booked(row), hit);
            place(*a)
                .cmp(&place(*b))
                .then_with(|| self.kana_keys.get(a.1 as usize).cmp(self.kana_keys.get(b.1 as usize)))
                .then(a.1.cmp(&b.1))
        });
        let mut seen = HashSet::new();
        hits.into_iter()
            .filter(|(_, row)| seen.insert(*row))
            .take(limit)
            .map(|(hit, row)| (row, hit))
            .collect()
    }

    fn by_digits(&self, digits: &str, hits: &mut Vec<(Hit, u32)>) {
        let finder = memmem::Finder::new(digits.as_bytes());
        for at in finder.find_iter(self.ids.text().as_bytes()).take(MOST) {
            let row = self.ids.row_at(at);
            let whole = super::bare(self.ids.get(row)) == super::bare(digits);
            hits.push((
                if whole { Hit::Number } else { Hit::PartOfNumber },
                u32::try_from(row).unwrap_or(0),
            ));
        }
        if let Some(row) = chart::PatientId::parse(digits).and_then(|id| self.find(&id)) {
            hits.push((Hit::Number, row.number()));
        }
        if digits.len() >= 4 {
            for end in ["\n", " "] {
                let needle = format!("{digits}{end}");
                let rows = memmem::find_iter(self.phones.text().as_bytes(), &needle).take(MOST);
                hits.extend(rows.map(|at| (Hit::Phone, u32::try_from(self.phones.row_at(at)).unwrap_or(0))));
            }
        }
    }
}

fn by_key(keys: &Arena, wanted: &str, hits: &mut Vec<(Hit, u32)>) {
    let text = keys.text();
    let mut found = 0;
    for at in memmem::find_iter(text.as_bytes(), wanted) {
        let row = keys.row_at(at);
        let start = keys.start(row);
        let former = text.get(start..at).is_some_and(|before| before.contains('\u{1F}'));
        let hit = if at == start {
            Hit::Beginning
        } else if former {
            Hit::Former
        } else {
            Hit::Inside
        };
        // Short texts stand inside many names: only beginnings count then.
        if hit == Hit::Inside && wanted.chars().count() < 3 && !wanted.chars().all(|c| c > '\u{3400}') {
            continue;
        }
        hits.push((hit, u32::try_from(row).unwrap_or(0)));
        found += 1;
        if found >= MOST {
            break;
        }
    }
}

const fn is_kana(c: char) -> bool {
    matches!(c, 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー')
}
