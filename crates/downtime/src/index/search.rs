//! One search field for everything a clerk may have in hand: number, kana, Latin letters, kanji, former name, birth
//! date, the last digits of a phone.
//!
//! No fuzzy matching: a person who does not match is not shown, so that a wrong one is not chosen.

use std::collections::HashSet;

use chart::fold;
use memchr::memmem;

use super::{Arena, Group, Index};

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
    /// A former name begins so, or a former patient number is in it.
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
        if let Some(row) = chart::PatientId::parse(&query.digits).and_then(|id| self.find(&id)) {
            hits.push((Hit::Number, row.number()));
        }
        for (group, first) in self.groups() {
            group.search(query, &mut |hit, place| {
                hits.push((hit, first.saturating_add(u32::try_from(place).unwrap_or(u32::MAX))));
            });
        }
        self.rank(hits, limit)
    }

    /// Booked today first, then who lies in a bed, then by how well it matched, then by reading.
    fn rank(&self, mut hits: Vec<(Hit, u32)>, limit: usize) -> Vec<(u32, Hit)> {
        hits.sort_unstable_by(|a, b| {
            let place = |(hit, row): (Hit, u32)| {
                let near = (!self.is_booked(row), self.bed_of(row).is_none());
                (hit != Hit::Number, near, hit)
            };
            place(*a)
                .cmp(&place(*b))
                .then_with(|| self.reading(a.1).cmp(self.reading(b.1)))
                .then(a.1.cmp(&b.1))
        });
        let mut seen = HashSet::new();
        hits.into_iter()
            .filter(|(_, row)| seen.insert(*row))
            .take(limit)
            .map(|(hit, row)| (row, hit))
            .collect()
    }

    fn reading(&self, row: u32) -> &str {
        let (group, place) = self.stands(row);
        group.kana_keys.get().get(place)
    }
}

impl Group {
    /// Says every place that matches, and how.
    fn search(&self, query: &Query, hit: &mut dyn FnMut(Hit, usize)) {
        if let Some(birth) = query.birth {
            let born = self.fixed.get().iter().enumerate().filter(|(_, f)| f.birth == birth);
            born.take(MOST).for_each(|(place, _)| hit(Hit::Birth, place));
        }
        if !query.digits.is_empty() {
            self.by_digits(&query.digits, hit);
        }
        if !query.kana.is_empty() {
            by_key(self.kana_keys.get(), &query.kana, hit);
        }
        if !query.romaji.is_empty() {
            by_key(self.romaji_keys.get(), &query.romaji, hit);
        }
        if query.digits.is_empty() && query.birth.is_none() && !query.name.is_empty() {
            by_key(self.name_keys.get(), &query.name, hit);
        }
    }

    fn by_digits(&self, digits: &str, hit: &mut dyn FnMut(Hit, usize)) {
        let ids = self.ids.get();
        for at in memmem::find_iter(ids.text().as_bytes(), digits).take(MOST) {
            let place = ids.row_at(at);
            let whole = super::bare(ids.get(place)) == super::bare(digits);
            hit(if whole { Hit::Number } else { Hit::PartOfNumber }, place);
        }
        // A number that the patient had before a merge is kept as a former name.
        by_key(self.name_keys.get(), digits, &mut |found, place| {
            if found == Hit::Former {
                hit(Hit::Former, place);
            }
        });
        if digits.len() >= 4 {
            let phones = self.phones.get();
            for end in ["\n", " "] {
                let needle = format!("{digits}{end}");
                let found = memmem::find_iter(phones.text().as_bytes(), &needle).take(MOST);
                found.for_each(|at| hit(Hit::Phone, phones.row_at(at)));
            }
        }
    }
}

fn by_key(keys: &Arena, wanted: &str, found: &mut dyn FnMut(Hit, usize)) {
    let text = keys.text();
    let mut count = 0;
    for at in memmem::find_iter(text.as_bytes(), wanted) {
        let place = keys.row_at(at);
        let start = keys.start(place);
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
        found(hit, place);
        count += 1;
        if count >= MOST {
            break;
        }
    }
}

const fn is_kana(c: char) -> bool {
    matches!(c, 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー')
}
