//! Numbers and words of ward paper.

use super::*;
use jiff::civil::date;

#[test]
fn numbers_of_one_day_do_not_meet_and_a_snapshot_more_changes_them() {
    let day = date(2026, 11, 20);
    let mut seen = std::collections::HashSet::new();
    for epoch in 40_000..40_000 + SNAPSHOTS_A_DAY {
        for place in [0, 1, 600, 1_998] {
            let id = number(day, WARD_SHEETS, epoch, place).unwrap();
            assert!(seen.insert(id.to_string()), "{epoch} {place}");
        }
    }
    assert_eq!(
        number(day, WARD_SHEETS, 1, 1_999),
        None,
        "more beds than numbers: none, never a number twice"
    );
    let last = number(day, WARD_SHEETS, SNAPSHOTS_A_DAY - 1, 1_998).unwrap();
    assert!(last.to_string().get(5..7) == Some("99"), "{last}");
}

#[test]
fn the_four_states_are_four_symbols() {
    let states = [
        Known::Present("2 L".to_owned()),
        Known::ConfirmedNone { on: None },
        Known::NotRecorded,
        Known::Unavailable { since: None },
    ];
    assert_eq!(states.each_ref().map(symbol), ["2 L", "－", "未", "×"]);
}
