//! Targets of what other systems send: messages, frames, encodings, and the log they are kept in.

use std::path::Path;
use std::sync::Arc;

use vault::keys::StationSecret;

use super::stand::{HOSPITAL, OneFile, STATION, keys};

/// An HL7 message as it came: decoded, taken apart to the last sub-component, indexed, answered.
pub fn hl7_message(data: &[u8]) -> bool {
    let decoded = hl7::decode(data);
    let mut index = hl7::Index::new();
    let Ok(message) = hl7::Message::parse(&decoded.text) else {
        assert!(
            index.read(&decoded.text).is_err(),
            "the index takes what the parser takes"
        );
        return false;
    };
    for segment in message.segments().take(1_000) {
        for field in segment.fields().take(1_000) {
            let _ = decoded.damage_of(field.raw()).count();
            for repetition in field.repetitions().take(100) {
                let _ = (
                    hl7::types::PersonName::of(repetition),
                    hl7::types::Doctor::of(repetition),
                );
                let _ = (hl7::types::Address::of(repetition), hl7::types::Phone::of(repetition));
                let _ = (hl7::types::Coded::of(repetition), hl7::types::Quantity::of(repetition));
                let _ = (
                    hl7::types::Place::of(repetition),
                    hl7::types::ParentResult::of(repetition),
                );
                let parts = repetition.components().flat_map(|component| component.subs());
                let _ = parts.take(1_000).map(|sub| sub.text().len()).sum::<usize>();
            }
            let _ = hl7::Stamp::read(&field.text());
        }
        let _ = hl7::types::Timing::of(segment);
    }
    let indexed = index.read(&decoded.text).map(|indexed| indexed.len());
    assert_eq!(
        indexed.ok(),
        Some(message.segments().count()),
        "the index finds the same segments"
    );
    let by = hl7::ack::Answerer {
        application: "TOMOSHIBI",
        facility: "",
        time: "20261120093016",
        control_id: "1",
    };
    if let Some(answer) = hl7::ack::answer(Some(&message.header()), hl7::ack::Verdict::Accepted, None, &by) {
        assert!(hl7::Message::parse(&answer).is_ok(), "an answer is a message");
    }
    true
}

/// A connection's bytes, at once and in pieces of 7: the same frames.
pub fn mllp(data: &[u8]) -> bool {
    use hl7::mllp::{Event, Framer};
    let frames = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut framer, mut found) = (Framer::new(1_000), Vec::new());
        for piece in pieces {
            framer.feed(piece, &mut |event| {
                if !matches!(event, Event::Stray(_)) {
                    found.push(event);
                }
            });
            assert!(framer.held() <= hl7::mllp::OVERSIZE_HEAD, "bounded");
        }
        found
    };
    let whole = frames(&mut std::iter::once(data));
    assert_eq!(frames(&mut data.chunks(7)), whole, "however it is cut");
    !whole.is_empty()
}

/// ISO-2022-JP, and what it is when it is written again.
pub fn iso2022jp(data: &[u8]) -> bool {
    use hl7::charset::{Encoding, Policy, decode_as, encode};
    let decoded = decode_as(data, Encoding::Iso2022Jp);
    assert!(decoded.text.len() <= 3 * data.len() + 3, "bounded");
    if let Ok(encoded) = encode(&decoded.text, Encoding::Iso2022Jp, Policy::Refuse) {
        let again = decode_as(&encoded.bytes, Encoding::Iso2022Jp);
        assert!(again.text == decoded.text && again.is_sound(), "read as it was written");
    }
    let _ = encode(&decoded.text, Encoding::Iso2022Jp, Policy::Substitute).map(|encoded| encoded.changes.len());
    decoded.is_sound()
}

/// A segment of a feed's log.
pub fn feed_log(data: &[u8]) -> bool {
    use downtime::feeds::{Place, Reader, SEGMENT_BYTES};
    let secret = StationSecret::from_file_bytes(&keys().station.to_file_bytes());
    let Ok(secret) = secret else { return false };
    let place = Place {
        files: Arc::new(OneFile(Arc::new(data.to_vec()))),
        dir: Path::new("").to_path_buf(),
        hospital: HOSPITAL,
        station: STATION,
        secret: Arc::new(secret),
        feed: "ehr".to_owned(),
        segment_bytes: SEGMENT_BYTES,
    };
    Reader::open(place).is_ok_and(|reader| reader.messages(1).take(10_000).filter(Result::is_ok).count() > 0)
}
