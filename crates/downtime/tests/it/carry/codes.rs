//! The smallest things as QR symbols: read by another decoder, refused when misread, and answered by a receipt the same way.

use downtime::carry::CarryFault;

use super::{Apart, enter, hands, note};
use crate::hospital::code;

/// Entries and receipt as symbols: seen by another program's decoder, typed by a reader, in any order and width.
#[test]
fn the_smallest_things_travel_as_codes_and_the_receipt_comes_back_the_same_way() {
    let there = Apart::new();
    let session = enter(&there.ward);
    (0..5).for_each(|_| note(&session));
    let now = there.ward.now();
    let (ward, hub) = (there.carrying("R03"), there.carrying("H01"));
    let codes = ward.entry_codes(&there.ward, 3, now).unwrap().unwrap();
    assert_eq!(codes.entries, 3);
    let seen: Vec<String> = codes.digits.iter().map(|digits| by_zbar(digits)).collect();
    assert_eq!(seen, codes.digits);
    let typed: String = seen.iter().rev().map(|code| format!("読取 {code}\r\n")).collect();
    let take = |text: &str| hands(|hands| hub.take_codes(text, &there.hub, hands));
    let taken = take(&typed.replace('1', "１")).unwrap();
    assert_eq!(taken.new, 4, "three entries and the key that seals them");
    assert_eq!(take(&typed).unwrap().new, 0);
    // Three of five are there and the first two are not: nothing may count as elsewhere yet.
    let before = there.ward.only_here();
    let receipt = hub.receipt_codes(&there.hub, code("R03"), now).unwrap().unwrap();
    let back = hands(|hands| ward.take_codes(&receipt.digits.join(" "), &there.ward, hands)).unwrap();
    assert_eq!((back.header.records, back.new), (0, 0));
    assert!(
        there.ward.only_here() >= before - 1,
        "a chain counts as far as it is whole"
    );
    // By stick the rest; then the receipt covers everything.
    there.out("R03", &there.ward).unwrap();
    there.take("H01", &there.hub).unwrap();
    let receipt = hub.receipt_codes(&there.hub, code("R03"), now).unwrap().unwrap();
    let back = hands(|hands| ward.take_codes(&receipt.digits.join(" "), &there.ward, hands)).unwrap();
    assert_eq!(back.confirmed.len(), 1);
    assert_eq!(there.ward.only_here(), 0);
    assert_eq!(
        ward.entry_codes(&there.ward, 3, now).unwrap(),
        None,
        "nothing is only here"
    );
}

#[test]
fn codes_that_are_misread_missing_or_of_others_change_nothing() {
    let there = Apart::new();
    let session = enter(&there.ward);
    (0..3).for_each(|_| note(&session));
    let now = there.ward.now();
    let codes = there.carrying("R03").entry_codes(&there.ward, 3, now).unwrap().unwrap();
    let hub = there.carrying("H01");
    let refused = |text: &str| match hands(|hands| hub.take_codes(text, &there.hub, hands)) {
        Ok(taken) => panic!("{taken:?}"),
        Err(fault) => fault,
    };
    assert!(matches!(refused("2026-11-20 94"), CarryFault::NoCode));
    assert!(codes.digits.len() > 1, "{}", codes.digits.len());
    let (first, second) = (&codes.digits[0], &codes.digits[1]);
    assert!(matches!(refused(first), CarryFault::CodesMissing(1, _)));
    for at in (2..first.len()).step_by(97) {
        let mut wrong = first.clone();
        let other = if &wrong[at..=at] == "7" { "3" } else { "7" };
        wrong.replace_range(at..=at, other);
        assert!(
            matches!(refused(&format!("{wrong} {second}")), CarryFault::CodeMisread(1)),
            "{at}"
        );
    }
    let others = there.carrying("R03").entry_codes(&there.ward, 1, now).unwrap().unwrap();
    let mixed = format!("{first} {}", others.digits[0]);
    assert!(matches!(refused(&mixed), CarryFault::CodeMisread(2)));
    assert_eq!(there.hub.heads().0.len(), 1, "nothing was taken");
}

/// The digits as a decoder that is not ours reads them from a picture.
fn by_zbar(digits: &str) -> String {
    let drawn = qrcodegen::QrCode::encode_text(digits, qrcodegen::QrCodeEcc::Low).unwrap();
    let (scale, quiet) = (4, 4);
    let side = (drawn.size() + 2 * quiet) * scale;
    let mut picture = format!("P5\n{side} {side}\n255\n").into_bytes();
    for y in 0..side {
        for x in 0..side {
            let dark = drawn.get_module(x / scale - quiet, y / scale - quiet);
            picture.push(if dark { 0 } else { 255 });
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("code.pgm");
    std::fs::write(&path, picture).unwrap();
    let read = std::process::Command::new("zbarimg")
        .args(["--quiet", "--raw", "--oneshot"])
        .arg(&path)
        .output();
    let read = read.unwrap_or_else(|error| panic!("zbarimg is needed ({error}): apt-get install zbar-tools"));
    String::from_utf8(read.stdout).unwrap().trim().to_owned()
}
