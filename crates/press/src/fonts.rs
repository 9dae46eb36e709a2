//! The embedded fonts, and which characters they have: what none of them has is printed as 〓 and said.
//!
//! Fonts of the machine are never looked at: a page must not change with the station it is printed from. A hospital's own fonts set second
//! languages only; names keep to the embedded ones, which were looked at.

use typst::foundations::Bytes;
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;

use crate::error::PressError;

/// Font order on the page: the text face first, the fallback last.
const FILES: [&[u8]; 6] = [
    include_bytes!("../fonts/BIZUDPGothic-Regular.ttf"),
    include_bytes!("../fonts/BIZUDPGothic-Bold.ttf"),
    include_bytes!("../fonts/BIZUDGothic-Regular.ttf"),
    include_bytes!("../fonts/BIZUDGothic-Bold.ttf"),
    include_bytes!("../fonts/NotoSansCJKjp-Subset-Regular.otf"),
    include_bytes!("../fonts/NotoSansCJKjp-Subset-Bold.otf"),
];

/// All fonts of the press, ready for Typst.
pub struct Fonts {
    pub(crate) book: LazyHash<FontBook>,
    pub(crate) fonts: Vec<Font>,
    /// One bit for each code point that some embedded font draws.
    drawn: Vec<u64>,
    /// The same with the hospital's own.
    drawn_with_own: Vec<u64>,
}

impl Fonts {
    /// The embedded fonts.
    pub fn embedded() -> Result<Self, PressError> {
        Self::with_own(&[])
    }

    /// The embedded fonts, and behind them the hospital's own.
    pub fn with_own(own: &[Font]) -> Result<Self, PressError> {
        let mut fonts = Vec::with_capacity(FILES.len());
        for (number, file) in FILES.into_iter().enumerate() {
            let font = Font::new(Bytes::new(file), 0);
            fonts.push(font.ok_or_else(|| PressError::Setup(format!("embedded font {number} cannot be read")))?);
        }
        let embedded = drawn(&fonts);
        fonts.extend_from_slice(own);
        Ok(Self {
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            drawn_with_own: if own.is_empty() {
                embedded.clone()
            } else {
                drawn(&fonts)
            },
            drawn: embedded,
            fonts,
        })
    }

    /// Whether some font of this name is there.
    pub fn is_family(&self, name: &str) -> bool {
        self.fonts
            .iter()
            .any(|font| font.info().family.eq_ignore_ascii_case(name))
    }

    /// Whether some font, the hospital's own included, draws this character.
    pub fn has_with_own(&self, character: char) -> bool {
        is_in(&self.drawn_with_own, character)
    }

    /// Whether some embedded font draws this character.
    pub fn has(&self, character: char) -> bool {
        is_in(&self.drawn, character)
    }
}

fn is_in(drawn: &[u64], character: char) -> bool {
    let code = u32::from(character);
    drawn
        .get(code as usize / 64)
        .is_some_and(|word| word >> (code % 64) & 1 == 1)
}

fn drawn(fonts: &[Font]) -> Vec<u64> {
    let mut drawn = vec![0_u64; char::MAX as usize / 64 + 1];
    for code in fonts.iter().flat_map(|font| font.info().coverage.iter()) {
        if let Some(word) = drawn.get_mut(code as usize / 64) {
            *word |= 1 << (code % 64);
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_characters_are_covered_and_private_ones_are_not() {
        let fonts = Fonts::embedded().unwrap();
        for c in "髙﨑𠮷邊邉齋濵辻ソ能表ー～−①㈱Ⅲ㎎ẽ俱".chars() {
            assert!(fonts.has(c), "{c}");
        }
        for c in ['\u{E000}', '\u{F8FF}', '\u{10FFFD}', '😀'] {
            assert!(!fonts.has(c), "{c}");
        }
    }
}
