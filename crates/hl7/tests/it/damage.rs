//! What is wrong with real bytes, and what is left of them.

use hl7::charset::{Policy, encode};
use hl7::{DamageKind, Encoding, Fault, Message, decode};

use crate::hospital::{ADMISSION, on_disk};

fn damages(bytes: &[u8]) -> (String, Vec<(DamageKind, usize)>) {
    let decoded = decode(bytes);
    let damage = decoded.damage.iter().map(|damage| (damage.kind, damage.at)).collect();
    (decoded.text.into_owned(), damage)
}

/// A message whose PID-5 and what follows are these bytes.
fn pid(name: &[u8]) -> Vec<u8> {
    let head = b"MSH|^~\\&|HIS|KAKU|||20261120||ADT^A08|1|P|2.5||||||~ISO IR87\rPID|||7||";
    [head.as_slice(), name, b"\rPV1||I\r"].concat()
}

/// PID-5.1, PID-5.2, PID-8, and the name of the last segment, of such a message.
fn read(name: &[u8]) -> ([String; 4], Vec<DamageKind>) {
    let bytes = pid(name);
    let decoded = decode(&bytes);
    let message = Message::parse(&decoded.text).unwrap();
    let part = |number: usize| message.field("PID", 5).component(number).text().into_owned();
    let last = message.segments().last().unwrap().name().to_owned();
    let kinds = decoded.damage.iter().map(|damage| damage.kind).collect();
    (
        [part(1), part(2), message.field("PID", 8).text().into_owned(), last],
        kinds,
    )
}

fn strings(parts: [&str; 4]) -> [String; 4] {
    parts.map(ToOwned::to_owned)
}

#[test]
fn a_missing_return_costs_no_delimiter() {
    use DamageKind::{MissingReturn, OddByte};
    let whole = strings(["模擬", "日出男", "M", "PV1"]);
    // Missing before a field separator, before a component separator, before one with empty components behind it, at the line's end.
    let (parts, kinds) = read(b"\x1b$BLO5<\x1b(B^\x1b$BF|=PCK||19580302|M");
    assert_eq!((parts, kinds), (whole.clone(), vec![MissingReturn]));
    let (parts, kinds) = read(b"\x1b$BLO5<^\x1b$BF|=PCK\x1b(B||19580302|M");
    assert_eq!((parts, kinds), (whole.clone(), vec![MissingReturn]));
    let (parts, kinds) = read(b"\x1b$BLO5<\x1b(B^\x1b$BF|=PCK^^^^^L^I||19580302|M");
    assert_eq!((parts, kinds), (whole.clone(), vec![MissingReturn]));
    let (parts, kinds) = read(b"\x1b$BLO5<\x1b(B^\x1b$BF|=PCK^^^^^L^I~\x1b$B%b%.\x1b(B||19580302|M");
    assert_eq!((parts, kinds), (whole.clone(), vec![MissingReturn]));
    let (parts, kinds) = read(b"|||M|\x1b$BF|=PCK");
    assert_eq!((parts, kinds), (strings(["", "", "M", "PV1"]), vec![MissingReturn]));
    // Half a kanji before the delimiter.
    let (parts, kinds) = read(b"\x1b$BLO5\x1b(B^\x1b$BF|=PCK\x1b(B||19580302|M");
    assert_eq!(
        (parts, kinds),
        (strings(["模\u{FFFD}", "日出男", "M", "PV1"]), vec![OddByte])
    );
}

#[test]
fn the_damage_is_found_by_the_field() {
    let bytes = pid(b"\x1b$BLO5\x1b(B^X||19580302|M");
    let decoded = decode(&bytes);
    let message = Message::parse(&decoded.text).unwrap();
    let of = |number| decoded.damage_of(message.field("PID", number).raw()).count();
    assert_eq!((of(5), of(7), of(8)), (1, 0, 0));
    assert_eq!(bytes.get(decoded.damage[0].at), Some(&b'5'));
    assert_eq!(decoded.damage_of("elsewhere").count(), 0);
}

#[test]
fn kanji_that_no_set_has() {
    use DamageKind::{EmptyRun, Gaiji, StrayByte, UnknownEscape, Unmapped};
    assert_eq!(
        damages(b"\x1b$B\x76\x21\x1b(B|"),
        ("\u{FFFD}|".into(), vec![(Gaiji, 3)])
    );
    assert_eq!(
        damages(b"\x1b$B\x2F\x21\x1b(B|"),
        ("\u{FFFD}|".into(), vec![(Unmapped, 3)])
    );
    assert_eq!(damages(b"a\x1b$B\x1b(Bb"), ("ab".into(), vec![(EmptyRun, 1)]));
    assert_eq!(damages(b"a\x1b.Ab"), ("a.Ab".into(), vec![(UnknownEscape, 1)]));
    assert_eq!(
        damages(b"\x1b$BLO\x805<\x1b(B"),
        ("模\u{FFFD}擬".into(), vec![(StrayByte, 5)])
    );
    assert_eq!(damages(b"\x1b$BLO 5<\x1b(B"), ("模 擬".into(), vec![(StrayByte, 5)]));
}

#[test]
fn the_sets_that_are_used() {
    for (bytes, text) in [
        (b"\x1b$@LO5<\x1b(J".as_slice(), "模擬"),
        (b"\x1b(IS7^\x1b(B|", "ﾓｷﾞ|"),
        (b"\x1b$B|b66\x1b(B", "髙橋"),
        (b"\x1b$(D\x30\x21\x1b(B", "丂"),
        (b"\x1b$(D\x30\x21\x1b$BLO\x1b(B", "丂模"),
        (b"\x1b$(Q\x2E\x22LO\x1b(B", "𠀋模"),
        (b"\x1b$(P\x21\x21\x1b(B", "\u{20089}"),
        (b"\x1b&@\x1b$BLO\x1b(B", "模"),
        ("ﾓｷﾞ".as_bytes(), "ﾓｷﾞ"),
    ] {
        assert_eq!(damages(bytes), (text.to_owned(), vec![]), "{text}");
    }
    assert_eq!(damages(b"\x1b(IS7|M").0, "ﾓｷ|M", "kana end at a field separator");
}

#[test]
fn the_same_message_in_every_encoding() {
    for encoding in [
        Encoding::Iso2022Jp,
        Encoding::Cp932,
        Encoding::EucJp,
        Encoding::Utf8,
        Encoding::Utf16Le,
        Encoding::Utf16Be,
    ] {
        let bytes = encode(ADMISSION, encoding, Policy::Refuse).unwrap().bytes;
        let decoded = decode(&bytes);
        assert_eq!((&*decoded.text, decoded.encoding), (ADMISSION, encoding));
        assert!(decoded.is_sound(), "{encoding:?}");
    }
    let marked = [b"\xEF\xBB\xBF".as_slice(), ADMISSION.as_bytes()].concat();
    assert_eq!(decode(&marked).text, ADMISSION);
}

#[test]
fn a_broken_byte_of_cp932_costs_its_character() {
    let mut bytes = encode(ADMISSION, Encoding::Cp932, Policy::Refuse).unwrap().bytes;
    let at = bytes.windows(2).position(|pair| pair == b"\x96\xcd").unwrap();
    bytes[at] = 0xFD;
    let decoded = decode(&bytes);
    assert_eq!(decoded.encoding, Encoding::Cp932);
    assert_eq!(decoded.damage[0].at, at);
    assert!(
        Message::parse(&decoded.text)
            .unwrap()
            .field("PID", 5)
            .component(2)
            .text()
            == "日出男"
    );
    let gaiji = decode(b"MSH|^~\\&|A\rPID|||1||\xF0\x40^X");
    assert_eq!((gaiji.damage[0].kind, gaiji.damage[0].at), (DamageKind::Gaiji, 20));
}

#[test]
fn every_line_end() {
    let bytes = on_disk(ADMISSION);
    let decoded = decode(&bytes);
    let wanted: Vec<_> = Message::parse(&decoded.text)
        .unwrap()
        .segments()
        .map(|segment| segment.raw().to_owned())
        .collect();
    for end in ["\n", "\r\n", "\n\n", "\r\r", "\n\r"] {
        let text = format!("\u{b}\r\n {}\u{1c}\r", ADMISSION.replace('\r', end));
        let found: Vec<_> = Message::parse(&text)
            .unwrap()
            .segments()
            .map(|segment| segment.raw().to_owned())
            .collect();
        assert_eq!(found, wanted, "{end:?}");
    }
    let text = "MSH|^~\\&|A\rOBX|1|TX|X||一行目\n二行目\nPID is meant\rOBX|2|TX|Y||z";
    let message = Message::parse(text).unwrap();
    assert_eq!(message.segments().count(), 3);
    assert_eq!(
        message.field("OBX", 5).text(),
        "一行目\n二行目\nPID is meant",
        "a line feed inside free text"
    );
}

#[test]
fn truncated_empty_and_foreign() {
    for (text, fault) in [
        ("", Fault::Empty),
        (" \r\n\u{b}\u{1c}\r", Fault::Empty),
        ("PID|1", Fault::NoHeader),
        ("<?xml version=\"1.0\"?>", Fault::NoHeader),
        ("MSH", Fault::Delimiters),
        ("MSH||||", Fault::Delimiters),
        ("MSH|^^\\&|", Fault::Delimiters),
        ("MSHA^~\\&A", Fault::Delimiters),
    ] {
        let found = Message::parse(text).err();
        assert_eq!(
            found.filter(|_| text != "MSH||||"),
            Some(fault).filter(|_| text != "MSH||||"),
            "{text:?}"
        );
    }
    let bytes = on_disk(ADMISSION);
    for len in 0..bytes.len() {
        let decoded = decode(&bytes[..len]);
        let Ok(message) = Message::parse(&decoded.text) else {
            assert!(len < 12);
            continue;
        };
        assert_eq!(message.segments().next().unwrap().name(), "MSH");
    }
}

#[test]
fn unknown_segments_stay_in_their_place() {
    let text = "MSH|^~\\&|A\rZZ9|x\r|nameless\rpid|1\rPID|2";
    let names: Vec<_> = Message::parse(text)
        .unwrap()
        .segments()
        .map(|segment| segment.name())
        .collect();
    assert_eq!(names, ["MSH", "ZZ9", "", "pid", "PID"]);
}

#[test]
fn other_delimiters() {
    let text = "MSH#*!\\%#HIS\rPID#1##7***X!8#a%b*c";
    let message = Message::parse(text).unwrap();
    assert_eq!(message.field("PID", 3).repetitions().count(), 2);
    assert_eq!(message.field("PID", 4).component(1).sub(2).raw(), "b");
}

#[test]
fn bounds() {
    let many = |part: &str, count: usize| format!("MSH|^~\\&|A\r{}", part.repeat(count));
    assert_eq!(
        Message::parse(&many("A|\r", hl7::MAX_SEGMENTS)).err(),
        Some(Fault::TooManySegments)
    );
    assert!(Message::parse(&many("A|\r", hl7::MAX_SEGMENTS - 1)).is_ok());
    let field = |count: usize| format!("MSH|^~\\&|A\rPID|{}", "~".repeat(count));
    assert_eq!(
        Message::parse(&field(hl7::MAX_REPETITIONS)).err(),
        Some(Fault::TooManyRepetitions)
    );
    assert!(Message::parse(&field(hl7::MAX_REPETITIONS - 1)).is_ok());
    assert!(Message::parse(&many("PID|~\r", 50_000)).is_ok(), "one in each field");
    assert_eq!(
        Message::parse(&many("x", hl7::MAX_MESSAGE_BYTES)).err(),
        Some(Fault::TooLong)
    );
}
