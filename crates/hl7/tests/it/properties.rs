//! What must hold for any bytes and any text.

use hl7::charset::{Policy, encode};
use hl7::{Builder, Encoding, Index, Message, decode};
use proptest::prelude::*;

use crate::hospital::{ADMISSION, PRESCRIPTION, on_disk};

/// Text of the characters that JIS X 0208 has, and what HL7 treats specially.
fn words() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        prop::sample::select(
            "日剤図折袋京時府本骨糖模擬アイウガー　１Ａα－～￥"
                .chars()
                .collect::<Vec<_>>()
        ),
        prop::sample::select("|^~\\&\"abcXYZ019 .<>".chars().collect::<Vec<_>>()),
    ];
    prop::collection::vec(character, 0..12).prop_map(|characters| characters.into_iter().collect())
}

proptest! {
    #[test]
    fn a_written_message_reads_back(fields in prop::collection::vec(prop::collection::vec(words(), 1..4), 1..8)) {
        let mut builder = Builder::new();
        builder.segment("MSH").text(3, "HIS").text(18, "ISO IR87");
        let segment = builder.segment("ZAA");
        for (at, parts) in fields.iter().enumerate() {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            segment.components(at + 1, &parts);
        }
        let text = builder.finish();
        for encoding in [Encoding::Iso2022Jp, Encoding::Cp932, Encoding::Utf8] {
            let bytes = encode(&text, encoding, Policy::Refuse).unwrap().bytes;
            let decoded = decode(&bytes);
            prop_assert!(decoded.is_sound(), "{encoding:?} {:?}", decoded.damage);
            let message = Message::parse(&decoded.text).unwrap();
            for (at, parts) in fields.iter().enumerate() {
                for (number, part) in parts.iter().enumerate() {
                    let found = message.field("ZAA", at + 1).component(number + 1);
                    prop_assert_eq!(&*found.text(), part.trim_start_matches('\u{feff}'));
                }
            }
        }
    }

    #[test]
    fn mutated_messages_are_read_or_refused(
        first in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..4, any::<u8>()), 0..12),
    ) {
        let mut bytes = on_disk(if first { ADMISSION } else { PRESCRIPTION });
        for (place, how, byte) in changes {
            let at = place.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, b"|^~\\&\r\n\x1b\x00$B("[usize::from(byte) % 12]),
                2 if bytes.len() > 4 => drop(bytes.remove(at)),
                _ => bytes.truncate(at.max(4)),
            }
        }
        let decoded = decode(&bytes);
        prop_assert!(decoded.text.len() <= 3 * bytes.len() + 16);
        let mut index = Index::new();
        let Ok(message) = Message::parse(&decoded.text) else {
            prop_assert!(index.read(&decoded.text).is_err());
            return Ok(());
        };
        let indexed = index.read(&decoded.text).unwrap();
        prop_assert_eq!(indexed.len(), message.segments().count());
        for (one, other) in indexed.segments().zip(message.segments()) {
            prop_assert_eq!(one.segment(), other);
            prop_assert_eq!(one.name(), other.name());
            for number in 0..other.field_count() + 2 {
                prop_assert_eq!(one.field(number), other.field(number));
            }
        }
    }

    #[test]
    fn any_bytes_at_all(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let decoded = decode(&bytes);
        for damage in &decoded.damage {
            prop_assert!(damage.at <= bytes.len() && damage.in_text <= decoded.text.len());
        }
        let _ = Message::parse(&decoded.text).map(|message| message.header().control_id().len());
    }
}
