//! The four text faces as tables: which glyph a character has and how wide it is.
//!
//! The faces have no kerning and only a handful of ligatures, so that outside of those a text is its characters set side by side, exactly
//! as Typst's shaper gives it. Whatever could be set otherwise is refused here and goes to Typst: characters a face lacks (the fallback
//! chain), marks that combine, what `legible` would change, and anything that turns the writing direction.

use crate::fonts::Fonts;
use crate::legible::{UNBROKEN_RUN, is_invisible, is_variation_selector, stand_in, unbreakable};

/// Longest text of one field, in characters; longer ones go to Typst.
const MAX_TEXT: usize = 6_000;

/// Codes of characters whose glyph another character has too start here, above every glyph number.
pub const ALIASES: u16 = 0x8000;

/// Most such characters of a face; ours have two.
pub const MAX_ALIASES: usize = 64;

/// A face, in the order of `fonts::FILES`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// BIZ UDPGothic.
    Text = 0,
    /// Its bold.
    Bold = 1,
    /// BIZ UDGothic: figures of one width.
    Figures = 2,
    /// Its bold.
    BoldFigures = 3,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Text, Self::Bold, Self::Figures, Self::BoldFigures];
}

/// How a text is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Style {
    /// Face.
    pub face: Kind,
    /// Size in points.
    pub size: f64,
    /// White on black.
    pub white: bool,
}

/// One face.
pub struct Face {
    /// Code for each code point, 0 for none.
    codes: Vec<u16>,
    /// Advance of each glyph, in ems.
    advances: Vec<f64>,
    /// Glyph and character behind each code from `ALIASES` on.
    aliases: Vec<(u16, char)>,
    /// Character of each glyph, NUL for none.
    characters: Vec<char>,
    /// Height and shift of subscripts, in ems.
    pub subscript: (f64, f64),
}

/// The four faces.
pub struct Faces {
    faces: Vec<Face>,
    /// For each code point whether it is set as it is.
    plain: Vec<bool>,
}

impl Faces {
    /// Reads the tables.
    pub fn new(fonts: &Fonts) -> Option<Self> {
        let faces = fonts.fonts.iter().take(Kind::ALL.len()).map(Face::new);
        let faces = faces.collect::<Option<Vec<_>>>()?;
        let codes = faces.get(Kind::Text as usize)?.codes.iter().zip(0..);
        let plain = codes.map(|(code, point)| {
            let known = |c: &char| *c == '\n' || *code != 0;
            let c = char::from_u32(point).filter(known);
            c.is_some_and(|c| !is_odd(c) && stand_in(c).is_none())
        });
        Some(Self {
            plain: plain.collect(),
            faces,
        })
    }

    /// The face of this kind.
    pub fn of(&self, kind: Kind) -> Option<&Face> {
        self.faces.get(kind as usize)
    }
}

impl Face {
    fn new(font: &typst::text::Font) -> Option<Self> {
        let ttf = ttf_parser::Face::parse(font.data(), font.index()).ok()?;
        let em = f64::from(ttf.units_per_em());
        let advance = |glyph| f64::from(ttf.glyph_hor_advance(typst_glyph(glyph)).unwrap_or(0)) / em;
        let glyphs = ttf.number_of_glyphs();
        let mut codes = Vec::new();
        let mut aliases = Vec::new();
        let mut characters = vec!['\0'; usize::from(glyphs)];
        for code in font.info().coverage.iter() {
            let Some(c) = char::from_u32(code) else { continue };
            // Typst gives the blank that holds together the width of the other one, whatever the font says.
            let drawn = if c == '\u{A0}' { ' ' } else { c };
            let Some(glyph) = ttf.glyph_index(drawn).map(|id| id.0) else {
                continue;
            };
            let place = code as usize;
            if codes.len() <= place {
                codes.resize(place + 1, 0);
            }
            let first = characters.get_mut(usize::from(glyph))?;
            let given = if *first == '\0' {
                *first = c;
                glyph
            } else {
                aliases.push((glyph, c));
                ALIASES.checked_add(u16::try_from(aliases.len() - 1).ok()?)?
            };
            *codes.get_mut(place)? = given;
        }
        let sub = ttf.subscript_metrics()?;
        (glyphs < ALIASES && aliases.len() < MAX_ALIASES).then(|| Self {
            codes,
            advances: (0..glyphs).map(advance).collect(),
            aliases,
            characters,
            subscript: (f64::from(sub.y_size) / em, f64::from(sub.y_offset) / em),
        })
    }

    /// The code of a character in this face's font object, and its advance in ems.
    pub fn code(&self, c: char) -> Option<(u16, f64)> {
        let code = self
            .codes
            .get(u32::from(c) as usize)
            .copied()
            .filter(|code| *code != 0)?;
        Some((code, self.advance(code)?))
    }

    /// The glyph behind a code.
    pub fn glyph(&self, code: u16) -> u16 {
        let alias = code
            .checked_sub(ALIASES)
            .and_then(|at| self.aliases.get(usize::from(at)));
        alias.map_or(code, |(glyph, _)| *glyph)
    }

    /// The character behind a code.
    pub fn character(&self, code: u16) -> Option<char> {
        match code.checked_sub(ALIASES) {
            Some(at) => self.aliases.get(usize::from(at)).map(|(_, c)| *c),
            None => self.characters.get(usize::from(code)).copied().filter(|c| *c != '\0'),
        }
    }

    /// Advance in ems.
    pub fn advance(&self, code: u16) -> Option<f64> {
        self.advances.get(usize::from(self.glyph(code))).copied()
    }

    /// Largest code in use.
    pub fn codes(&self) -> u16 {
        ALIASES.saturating_add(u16::try_from(self.aliases.len()).unwrap_or(u16::MAX))
    }
}

fn typst_glyph(glyph: u16) -> ttf_parser::GlyphId {
    ttf_parser::GlyphId(glyph)
}

/// Whether every character of `text` is set one by one and left as it is: no change by `legible`, no ligature, no mark, no other
/// direction, nothing that Typst breaks by rules of its own (web addresses).
pub fn is_plain(faces: &Faces, text: &str) -> bool {
    let (mut run, mut before, mut count, mut address) = (0, ' ', 0, false);
    for c in text.chars() {
        count += 1;
        run = if unbreakable(c) { run + 1 } else { 0 };
        let ligature = before == 'f' && matches!(c, 'i' | 'l');
        let plain = faces.plain.get(u32::from(c) as usize).copied().unwrap_or(false);
        if run > UNBROKEN_RUN || ligature || !plain || count > MAX_TEXT {
            return false;
        }
        address |= matches!(c, '/' | 'w');
        before = c;
    }
    !(address && (text.contains("://") || text.contains("www.")))
}

/// Marks that combine, blanks with rules of their own, tone letters that join, and controls.
fn is_odd(c: char) -> bool {
    (c.is_control() && c != '\n')
        || is_invisible(c)
        || is_variation_selector(c)
        || matches!(c,
            '\u{AD}' | '\u{2E5}'..='\u{2E9}' | '\u{300}'..='\u{36F}' | '\u{590}'..='\u{1CFF}' | '\u{1DC0}'..='\u{1DFF}'
            | '\u{2000}'..='\u{200F}' | '\u{2011}' | '\u{2028}'..='\u{202F}' | '\u{205F}'..='\u{206F}' | '\u{20D0}'..='\u{20FF}'
            | '\u{302A}'..='\u{302F}' | '\u{3099}' | '\u{309A}' | '\u{3164}' | '\u{A640}'..='\u{ABFF}' | '\u{D7B0}'..='\u{F8FF}'
            | '\u{FB00}'..='\u{FE2F}' | '\u{FE70}'..='\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_set_otherwise_is_refused() {
        let fonts = Fonts::embedded().unwrap();
        let faces = Faces::new(&fonts).unwrap();
        for plain in [
            "アムロジピン錠 5 mg",
            "髙﨑　花子",
            "1.73m²（前回）",
            "ｱﾚﾙｷﾞｰ",
            "一行\n二行",
            "✓→※",
        ] {
            assert!(is_plain(&faces, plain), "{plain}");
        }
        for odd in [
            "𠮷",
            "influenza",
            "か\u{309A}",
            "葛\u{E0100}城",
            "a\tb",
            "\u{202E}5",
            "₂",
            "😀",
            "123456789012345",
            "https://a.b",
        ] {
            assert!(!is_plain(&faces, odd), "{odd}");
        }
    }

    #[test]
    fn codes_lead_back_to_their_characters() {
        let fonts = Fonts::embedded().unwrap();
        let faces = Faces::new(&fonts).unwrap();
        let face = faces.of(Kind::Bold).unwrap();
        for c in "花ーµμ−Ａa".chars() {
            let (code, _) = face.code(c).unwrap();
            assert_eq!(face.character(code), Some(c));
        }
    }
}
