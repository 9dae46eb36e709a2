//! Brackets, stops and middle dots: which blank belongs to a mark, and how two of them in a row are drawn together (JIS X 4051).
//!
//! It deliberately breaks no line.

use super::par::Glyph;

/// JIS X 4051: what may be taken from a mark at its left and right, in ems.
pub fn shrink(c: char, advance: f64) -> (f64, f64) {
    let full = advance == 1.0;
    match c {
        '，' | '。' | '．' | '、' | '：' | '；' | '》' | '）' | '』' | '」' | '】' | '〗' | '〕' | '〉' | '］'
        | '｝' => (0.0, advance / 2.0),
        '”' | '’' if full => (0.0, advance / 2.0),
        '《' | '（' | '『' | '「' | '【' | '〖' | '〔' | '〈' | '［' | '｛' => (advance / 2.0, 0.0),
        '“' | '‘' if full => (advance / 2.0, 0.0),
        '\u{30FB}' | '\u{B7}' => (advance / 4.0, advance / 4.0),
        _ => (0.0, 0.0),
    }
}

fn is_mark(glyph: &Glyph) -> bool {
    is_opening(glyph) || is_closing(glyph) || matches!(glyph.c, '？' | '！' | '\u{30FB}' | '\u{B7}')
}

/// A mark whose blank stands before it.
pub fn is_opening(glyph: &Glyph) -> bool {
    matches!(
        glyph.c,
        '《' | '（' | '『' | '「' | '【' | '〖' | '〔' | '〈' | '［' | '｛'
    ) || (matches!(glyph.c, '“' | '‘') && glyph.advance == 1.0)
}

/// A mark whose blank stands behind it.
pub fn is_closing(glyph: &Glyph) -> bool {
    matches!(
        glyph.c,
        '，' | '。'
            | '．'
            | '、'
            | '：'
            | '；'
            | '》'
            | '）'
            | '』'
            | '」'
            | '】'
            | '〗'
            | '〕'
            | '〉'
            | '］'
            | '｝'
    ) || (matches!(glyph.c, '”' | '’') && glyph.advance == 1.0)
}

/// Two marks in a row share one blank: 」「, 。）.
pub fn draw_together(glyphs: &mut [Glyph]) {
    for at in 1..glyphs.len() {
        let (before, after) = glyphs.split_at_mut(at);
        let (Some(glyph), Some(next)) = (before.last_mut(), after.first_mut()) else {
            continue;
        };
        let delta = glyph.advance / 2.0;
        if is_mark(glyph) && is_mark(next) && glyph.shrink.1 + next.shrink.0 >= delta {
            let own = glyph.shrink.1.min(delta);
            glyph.advance -= own;
            glyph.shrink.1 -= own;
            let rest = delta - own;
            next.offset -= rest;
            next.advance -= rest;
            next.shrink.0 -= rest;
        }
    }
}
