//! Writing CP932 as real systems do: what the encoding cannot hold becomes ■, 〓 or a vendor character (外字), never an error.
//!
//! The table is made from encoding_rs's decoder (WHATWG Shift_JIS = CP932 with the private use range), in the order in which Windows
//! prefers duplicates: JIS X 0208, then NEC row 13, then the IBM extensions, NEC's selection last.

use std::sync::OnceLock;

/// What stands for a character that CP932 lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// ■ 81A1
    Square,
    /// 〓 81AC
    Geta,
    /// The first vendor character, F040.
    Vendor,
}

/// Appends `text` in CP932 to `out`.
pub(crate) fn encode(text: &str, lost: Lost, out: &mut Vec<u8>) {
    for c in text.chars() {
        match c {
            '\u{0}'..='\u{7f}' => out.push(c as u8),
            // Half-width katakana.
            '\u{ff61}'..='\u{ff9f}' => out.push((c as u32 - 0xff61 + 0xa1) as u8),
            // Variation selectors have no place in the old encoding and vanish.
            '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {}
            _ => match bytes_of(c) {
                Some([first, second]) => out.extend([first, second]),
                None => out.extend(match lost {
                    Lost::Square => [0x81, 0xa1],
                    Lost::Geta => [0x81, 0xac],
                    Lost::Vendor => [0xf0, 0x40],
                }),
            },
        }
    }
}

/// Can all of it be written (with the usual swaps of wave dash and minus sign)?
#[cfg(test)]
pub(crate) fn lossless(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii() || ('\u{ff61}'..='\u{ff9f}').contains(&c) || bytes_of(c).is_some())
}

/// The two bytes of a character that CP932 has.
pub(crate) fn bytes_of(c: char) -> Option<[u8; 2]> {
    // Characters that Windows has at another code point for the same bytes.
    let windows = match c {
        '\u{301c}' => '\u{ff5e}', // wave dash
        '\u{2212}' => '\u{ff0d}', // minus sign
        '\u{2014}' => '\u{2015}', // em dash
        '\u{2016}' => '\u{2225}', // double vertical line
        '\u{00a2}' => '\u{ffe0}',
        '\u{00a3}' => '\u{ffe1}',
        '\u{00ac}' => '\u{ffe2}',
        other => other,
    };
    let code = *table().get(windows as usize)?;
    (code != 0).then(|| code.to_be_bytes())
}

fn table() -> &'static [u16] {
    static TABLE: OnceLock<Vec<u16>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = vec![0u16; 0x1_0000];
        let leads = (0x81..=0x9f).chain(0xe0..=0xec).chain(0xf0..=0xfc).chain(0xed..=0xef);
        for lead in leads {
            for trail in (0x40..=0x7e).chain(0x80..=0xfc) {
                let pair = [lead, trail];
                let (text, bad) = encoding_rs::SHIFT_JIS.decode_without_bom_handling(&pair);
                let mut chars = text.chars();
                if let (false, Some(c), None) = (bad, chars.next(), chars.next())
                    && let Some(place) = table.get_mut(c as usize)
                    && *place == 0
                {
                    *place = u16::from_be_bytes([lead, trail]);
                }
            }
        }
        table
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str, lost: Lost) -> Vec<u8> {
        let mut out = Vec::new();
        encode(text, lost, &mut out);
        out
    }

    #[test]
    fn known_bytes() {
        assert_eq!(
            bytes("表ソ能十予構ポ", Lost::Square),
            [
                0x95, 0x5c, 0x83, 0x5c, 0x94, 0x5c, 0x8f, 0x5c, 0x97, 0x5c, 0x8d, 0x5c, 0x83, 0x7c
            ]
        );
        assert_eq!(bytes("髙﨑", Lost::Square), [0xfb, 0xfc, 0xfa, 0xb1]);
        assert_eq!(bytes("①Ⅲ≒", Lost::Square), [0x87, 0x40, 0x87, 0x56, 0x81, 0xe0]);
        assert_eq!(bytes("〜−ｱA", Lost::Square), [0x81, 0x60, 0x81, 0x7c, 0xb1, 0x41]);
        assert_eq!(bytes("葛\u{e0100}", Lost::Square), bytes("葛", Lost::Square));
    }

    #[test]
    fn what_is_lost() {
        assert_eq!(bytes("𠮷", Lost::Square), [0x81, 0xa1]);
        assert_eq!(bytes("𠮷", Lost::Geta), [0x81, 0xac]);
        assert_eq!(bytes("𠮷", Lost::Vendor), [0xf0, 0x40]);
    }

    /// Whatever we write is what the decoder reads back.
    #[test]
    fn round_trip() {
        let text = "灯里市立病院　ヤマダ ハナコ 1〜2錠「薬」髙橋";
        let encoded = bytes(text, Lost::Square);
        let (back, _, bad) = encoding_rs::SHIFT_JIS.decode(&encoded);
        assert!(!bad);
        assert_eq!(back, text.replace('〜', "～"));
    }
}
