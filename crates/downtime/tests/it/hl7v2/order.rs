//! Whatever the order in which messages arrive, and however often, the same charts come out.

use std::path::Path;

use downtime::sources::hl7v2::Settings;
use proptest::prelude::*;
use serde_json::Value;

use super::cases::messages;
use super::{names, pull_feed};
use crate::table::show;

fn shown(messages: &[downtime::sources::hl7v2::Received]) -> Vec<Value> {
    let settings = Settings {
        names: names(),
        ..Settings::default()
    };
    let (charts, _) = pull_feed(messages, settings).unwrap();
    charts.iter().map(show::chart).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn shuffled_and_repeated_messages_make_the_same_charts(
        case in prop::sample::select(vec!["moves", "appointments", "orders", "merge", "statements"]),
        keys in prop::collection::vec(any::<u32>(), 60),
        again in prop::collection::vec(0_usize..60, 0..10),
    ) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sources/hl7v2").join(case).join("in/feed.txt");
        let told = messages(&std::fs::read_to_string(path).unwrap());
        let mut mixed: Vec<_> = told.iter().cloned().zip(&keys).collect();
        mixed.sort_by_key(|(_, key)| **key);
        let mut mixed: Vec<_> = mixed.into_iter().map(|(message, _)| message).collect();
        for at in again {
            mixed.extend(told.get(at).cloned());
        }
        // Numbers of messages are shown in Findings; of a message that came twice either may be.
        prop_assert_eq!(shown(&told), shown(&mixed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn damaged_messages_neither_stop_the_rest_nor_disappear(
        case in prop::sample::select(vec!["moves", "appointments", "orders", "merge", "statements"]),
        at in any::<prop::sample::Index>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..12),
    ) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sources/hl7v2").join(case).join("in/feed.txt");
        let mut told = messages(&std::fs::read_to_string(path).unwrap());
        let hit = at.index(told.len());
        let bytes = &mut told[hit].bytes;
        for (place, byte, how) in cuts {
            if bytes.is_empty() {
                break;
            }
            let place = place.index(bytes.len());
            match how {
                0 => bytes[place] = byte,
                1 => bytes.truncate(place),
                _ => bytes.insert(place, byte),
            }
        }
        let settings = Settings { names: names(), ..Settings::default() };
        let (charts, extract) = pull_feed(&told, settings).unwrap();
        prop_assert!(charts.iter().all(|chart| !chart.patient.name.written.is_empty()));
        prop_assert_eq!(extract.origins[0].rows, told.len() as u64);
    }
}
