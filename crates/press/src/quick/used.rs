//! Which codes of which face stand on a page or in a file.

use super::face::{ALIASES, Kind, MAX_ALIASES};

/// Words of 64 codes for a face.
const WORDS: usize = (ALIASES as usize + MAX_ALIASES).div_ceil(64);

/// Codes as bits.
pub struct Used(Vec<u64>);

impl Used {
    /// None yet.
    pub fn new() -> Self {
        Self(vec![0; WORDS * Kind::ALL.len()])
    }

    /// Notes a code; whether it is new.
    pub fn note(&mut self, kind: Kind, code: u16) -> bool {
        let word = self.0.get_mut(kind as usize * WORDS + usize::from(code) / 64);
        let bit = 1 << (code % 64);
        word.is_some_and(|word| {
            let new = *word & bit == 0;
            *word |= bit;
            new
        })
    }

    /// None again.
    pub fn clear(&mut self) {
        self.0.fill(0);
    }

    /// The codes of a face, from the lowest.
    pub fn of(&self, kind: Kind) -> Vec<u16> {
        let words = self
            .0
            .iter()
            .skip(kind as usize * WORDS)
            .take(WORDS)
            .zip((0..).step_by(64));
        let codes = words.flat_map(|(word, first)| {
            (0..64)
                .filter(move |bit| word >> bit & 1 == 1)
                .map(move |bit| first + bit)
        });
        codes.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_kept_by_face_and_in_order() {
        let mut used = Used::new();
        let last = ALIASES + 63;
        for code in [last, 64, 63, 0, 64] {
            let new = used.note(Kind::Bold, code);
            assert_eq!(new, code != 64 || used.of(Kind::Bold).len() == 2, "{code}");
        }
        assert!(used.note(Kind::BoldFigures, 7));
        assert_eq!(used.of(Kind::Bold), [0, 63, 64, last]);
        assert_eq!((used.of(Kind::Text), used.of(Kind::BoldFigures)), (vec![], vec![7]));
        used.clear();
        assert!(used.of(Kind::Bold).is_empty());
    }
}
