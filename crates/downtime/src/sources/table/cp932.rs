//! CP932 by table: two bytes, one look. Exports are large and Japanese, and nearly all of their bytes are sound.
//!
//! It deliberately knows only sound text: what is to become of bytes that are no characters is decided in `decode`, with the
//! decoder that this table is made from.

use std::sync::LazyLock;

use encoding_rs::SHIFT_JIS;

/// First of the leading bytes: 0x81 to 0x9F and 0xE0 to 0xFC, with the half-width kana between them.
const FIRST_LEAD: u8 = 0x81;
const LEADS: usize = 0xFC - FIRST_LEAD as usize + 1;

/// So few ASCII characters between Japanese ones are sooner pushed one by one than proved to be text.
const FEW: usize = 16;

/// By leading byte and second byte; 0 where the two are no character.
static PAIRS: LazyLock<Vec<[u16; 256]>> = LazyLock::new(|| {
    let rows = (FIRST_LEAD..).take(LEADS);
    rows.map(|lead| std::array::from_fn(|second| pair(lead, second)))
        .collect()
});

fn pair(lead: u8, second: usize) -> u16 {
    let (Ok(second), false) = (u8::try_from(second), is_half_width_kana(lead)) else {
        return 0;
    };
    let mut decoder = SHIFT_JIS.new_decoder_without_bom_handling();
    let mut out = [0; 4];
    let (result, read, written) = decoder.decode_to_utf16_without_replacement(&[lead, second], &mut out, true);
    match (result, read, written, out) {
        (encoding_rs::DecoderResult::InputEmpty, 2, 1, [code, ..]) => code,
        _ => 0,
    }
}

/// Reads sound CP932 into `room`. False when some byte is no character; `room` then holds nothing of use.
pub fn decode(bytes: &[u8], room: &mut String) -> bool {
    let pairs = PAIRS.as_slice();
    room.clear();
    // Two bytes become three; half-width kana, which become three each, are few and may make it grow.
    room.reserve(bytes.len() + bytes.len() / 2);
    let mut rest = bytes;
    loop {
        let (ascii, from) = rest.split_at_checked(ascii_length(rest)).unwrap_or((rest, &[]));
        if ascii.len() < FEW {
            ascii.iter().for_each(|byte| room.push(char::from(*byte)));
        } else if let Ok(ascii) = std::str::from_utf8(ascii) {
            room.push_str(ascii);
        }
        rest = from;
        while let [lead, after @ ..] = rest
            && !lead.is_ascii()
        {
            let (code, after) = if is_half_width_kana(*lead) {
                (u32::from(*lead) + (0xFF61 - 0xA1), after)
            } else if let [second, after @ ..] = after {
                let row = pairs.get(usize::from(lead.wrapping_sub(FIRST_LEAD)));
                (u32::from(row.map_or(0, |row| row[usize::from(*second)])), after)
            } else {
                return false;
            };
            match char::from_u32(code) {
                None | Some('\0') => return false,
                Some(c) => room.push(c),
            }
            rest = after;
        }
        if rest.is_empty() {
            return true;
        }
    }
}

/// How many ASCII bytes come first, looked at eight at a time.
fn ascii_length(bytes: &[u8]) -> usize {
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
    let mut length = 0;
    let (eights, tail) = bytes.as_chunks::<8>();
    for eight in eights {
        let high = u64::from_le_bytes(*eight) & HIGH_BITS;
        if high != 0 {
            return length + (high.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    length + tail.iter().position(|byte| !byte.is_ascii()).unwrap_or(tail.len())
}

const fn is_half_width_kana(byte: u8) -> bool {
    matches!(byte, 0xA1..=0xDF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ours(bytes: &[u8]) -> Option<String> {
        let mut room = String::from("left over");
        decode(bytes, &mut room).then_some(room)
    }

    fn theirs(bytes: &[u8]) -> Option<String> {
        let text = SHIFT_JIS.decode_without_bom_handling_and_without_replacement(bytes)?;
        // 0x80 is let through by the decoder and is no character.
        (!text.contains('\u{80}')).then(|| text.into_owned())
    }

    #[test]
    fn every_pair_of_bytes_is_what_the_decoder_makes_of_it() {
        for first in 0..=u8::MAX {
            assert_eq!(ours(&[first]), theirs(&[first]), "{first:02X}");
            for second in 0..=u8::MAX {
                let bytes = [first, second];
                assert_eq!(ours(&bytes), theirs(&bytes), "{bytes:02X?}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_what_the_decoder_makes_of_them(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            prop_assert_eq!(ours(&bytes), theirs(&bytes));
        }

        #[test]
        fn any_japanese_text_survives(text in "[ -~ァ-ヶぁ-ん亜-熙ｱ-ﾝ\n]{0,60}") {
            let (bytes, _, lost) = SHIFT_JIS.encode(&text);
            prop_assume!(!lost);
            prop_assert_eq!(ours(&bytes), Some(text));
        }
    }
}
