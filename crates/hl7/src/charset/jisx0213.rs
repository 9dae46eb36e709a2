//! The characters JIS X 0213 has beyond JIS X 0208, as in Python's `iso2022_jp_2004`.
//!
//! A table in the file beside this one: records of seven bytes in rising order, each a code (two bytes, plane 2 with the highest bit
//! set), a character (three bytes) and a combining character behind it or zero (two bytes), all with the greatest byte first.

const TABLE: &[u8] = include_bytes!("jisx0213.bin");
const RECORD: usize = 7;

/// The character of a plane's row and cell, with the combining one that some have.
pub fn characters(plane: u8, first: u8, second: u8) -> Option<(char, Option<char>)> {
    let high = if plane == 2 { 0x80 } else { 0 };
    let wanted = u16::from_be_bytes([first | high, second]);
    let (mut low, mut end) = (0, TABLE.len() / RECORD);
    while low < end {
        let middle = low + (end - low) / 2;
        let record = TABLE.get(middle * RECORD..)?.first_chunk::<RECORD>()?;
        let [a, b, c, d, e, f, g] = *record;
        match u16::from_be_bytes([a, b]).cmp(&wanted) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => end = middle,
            std::cmp::Ordering::Equal => {
                let more = u32::from(u16::from_be_bytes([f, g]));
                let character = char::from_u32(u32::from_be_bytes([0, c, d, e]))?;
                return Some((character, char::from_u32(more).filter(|c| *c != '\0')));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::characters;

    #[test]
    fn characters_of_both_planes() {
        // 𠮷 is not in JIS X 0213 at all; 𠀋 opens plane 1's new kanji, 𠂉 plane 2.
        assert_eq!(characters(1, 0x2E, 0x22), Some(('\u{2000B}', None)));
        assert_eq!(characters(2, 0x21, 0x21), Some(('\u{20089}', None)));
        assert_eq!(characters(1, 0x24, 0x77), Some(('か', Some('\u{309A}'))));
        assert_eq!(characters(1, 0x30, 0x21), None, "亜 is JIS X 0208's");
    }
}
