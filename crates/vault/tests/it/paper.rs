//! Secrets on paper: badge and envelope codes, and the five shares of the recovery, in all their forms.

use proptest::prelude::*;
use vault::HospitalId;
use vault::keys::RecoverySecret;
use vault::recovery::{self, BOXES_LEN, NEEDED, RecoveryBoxes, RecoveryFault, SHARES, Share, join, split};
use vault::secret_text::{
    BadgeSecret, Carrier, EnvelopeSecret, NUMBERS, SCANNED_DIGITS, Scanned, TYPED_CHARS, TextFault,
};

use crate::hospital::*;

const SECRET: [u8; 16] = [
    0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10, 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF,
];

fn badge() -> BadgeSecret {
    BadgeSecret::from_bytes(SECRET)
}

const LETTERS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Every text that differs from a printed one in one character or by a swap of neighbours.
fn mistakes(text: &str, letters: &str) -> Vec<String> {
    let plain: Vec<char> = text.chars().filter(|letter| *letter != '-').collect();
    let mut all = Vec::new();
    for at in 0..plain.len() {
        for letter in letters.chars().filter(|letter| *letter != plain[at]) {
            let mut changed = plain.clone();
            changed[at] = letter;
            all.push(changed.into_iter().collect());
        }
        if at > 0 && plain[at] != plain[at - 1] {
            let mut swapped = plain.clone();
            swapped.swap(at - 1, at);
            all.push(swapped.into_iter().collect());
        }
    }
    assert!(all.len() > plain.len() * (letters.len() - 1));
    all
}

#[test]
fn the_texts_are_as_documented() {
    assert_eq!(
        *badge().to_digits(12_345_678).unwrap(),
        "911234567833877000084573429251604225206208507441555"
    );
    assert_eq!(
        *EnvelopeSecret::from_bytes(SECRET).to_digits(7).unwrap(),
        "920000000733877000084573429251604225206208507441514"
    );
    assert_eq!(*badge().to_typed(), "7YVJ-X9GX-JM68-8028-T5CY-4TQK-FFXY");
    assert_eq!(badge().to_digits(0).unwrap().len(), SCANNED_DIGITS);
    assert_eq!(SCANNED_DIGITS, 51);
    assert_eq!(TYPED_CHARS, 28);
    assert_eq!(badge().to_digits(NUMBERS), None);
    assert!(badge().to_digits(NUMBERS - 1).is_some());
    assert!(!format!("{:?} {:?}", badge(), Scanned::read(&badge().to_digits(1).unwrap())).contains("FE"));
}

#[test]
fn every_wrong_character_and_every_swap_is_found() {
    let mut rng = Repeatable(70);
    for _ in 0..20 {
        let secret = BadgeSecret::random(&mut rng);
        let number = u32::try_from(rng.below(u64::from(NUMBERS))).unwrap();
        let digits = secret.to_digits(number).unwrap();
        assert_eq!(BadgeSecret::from_digits(&digits), Ok((number, secret.clone())));
        for wrong in mistakes(&digits, "0123456789") {
            assert_eq!(Scanned::read(&wrong).unwrap_err(), TextFault::Check, "{wrong}");
        }
        let typed = secret.to_typed();
        assert_eq!(BadgeSecret::from_typed(&typed), Ok(secret));
        for wrong in mistakes(&typed, LETTERS) {
            assert_eq!(
                BadgeSecret::from_typed(&wrong).unwrap_err(),
                TextFault::Check,
                "{wrong}"
            );
        }
    }
}

#[test]
fn what_keyboards_and_eyes_do_to_a_code_is_undone() {
    let typed = badge().to_typed();
    let wide = |text: &str| -> String {
        text.chars()
            .map(|letter| match letter {
                '!'..='~' => char::from_u32(letter as u32 + 0xFEE0).unwrap(),
                other => other,
            })
            .collect()
    };
    let variants = [
        typed.to_lowercase(),
        typed.replace('-', ""),
        typed.replace('-', " "),
        typed.replace('-', "　"),
        typed.replace('-', "ー"),
        typed.replace('-', "−"),
        typed.replace('0', "O").replace('1', "I"),
        typed.replace('0', "o").replace('1', "l"),
        wide(&typed),
        wide(&typed.to_lowercase()),
        format!("  {}\r\n", *typed),
    ];
    for variant in variants {
        assert_eq!(BadgeSecret::from_typed(&variant), Ok(badge()), "{variant}");
    }
    let digits = badge().to_digits(42).unwrap();
    for variant in [
        wide(&digits),
        format!("{}\n", *digits),
        format!(" {} {}", &digits[..20], &digits[20..]),
    ] {
        assert_eq!(BadgeSecret::from_digits(&variant), Ok((42, badge())), "{variant}");
    }
}

#[test]
fn a_mistake_is_called_what_it_is() {
    let typed = |text: &str| BadgeSecret::from_typed(text).unwrap_err();
    let good = badge().to_typed();
    assert_eq!(typed(""), TextFault::Empty);
    assert_eq!(typed(" - ー"), TextFault::Empty);
    let length = |found| TextFault::Length { found, expected: 28 };
    assert_eq!(typed(&good[1..]), length(27));
    assert_eq!(typed(&format!("{}0", *good)), length(29));
    let character = |found, place| TextFault::Character { found, place };
    assert_eq!(typed("12U4"), character('U', 3));
    assert_eq!(typed("あ"), character('あ', 1));
    assert_eq!(typed("12-3*"), character('*', 4));
    let scan = |text: &str| Scanned::read(text).unwrap_err();
    assert_eq!(scan("PT0012345"), character('P', 1));
    assert_eq!(scan("0012345"), TextFault::Length { found: 7, expected: 51 });
    let (badge, envelope) = (badge(), EnvelopeSecret::from_bytes(SECRET));
    let (of_badge, of_envelope) = (badge.to_digits(9).unwrap(), envelope.to_digits(9).unwrap());
    assert_eq!(
        BadgeSecret::from_digits(&of_envelope).unwrap_err(),
        TextFault::OtherKind
    );
    assert_eq!(
        EnvelopeSecret::from_digits(&of_badge).unwrap_err(),
        TextFault::OtherKind
    );
    assert!(matches!(Scanned::read(&of_badge), Ok(Scanned::Badge(9, secret)) if secret == badge));
    assert!(matches!(Scanned::read(&of_envelope), Ok(Scanned::Envelope(9, secret)) if secret == envelope));
    assert_eq!(Scanned::looks_like(&of_badge), Some(Carrier::Badge));
    assert_eq!(
        Scanned::looks_like(&format!("{}\n", *of_envelope)),
        Some(Carrier::Envelope)
    );
    for other in ["", "91", &of_badge[1..], &good, &format!("93{}", &of_badge[2..])] {
        assert_eq!(Scanned::looks_like(other), None, "{other}");
    }
    // Right check digits, but a prefix or a secret that is never printed.
    let with_check = |digits: &str| {
        let all = (0..100).map(|check| format!("{digits}{check:02}"));
        let faults: Vec<TextFault> = all
            .map(|text| scan(&text))
            .filter(|fault| *fault != TextFault::Check)
            .collect();
        assert_eq!(
            faults.len(),
            1,
            "one pair of check digits is right, and 99 is not read as 02"
        );
        faults[0]
    };
    assert_eq!(with_check(&format!("90{}", &of_badge[2..49])), TextFault::OtherKind);
    assert_eq!(
        with_check(&format!("9100000009{}", "9".repeat(39))),
        TextFault::Impossible
    );
}

fn made(seed: u64) -> (RecoverySecret, [Share; SHARES], RecoveryBoxes) {
    let mut rng = Repeatable(seed);
    let secret = RecoverySecret::random(&mut rng);
    let (shares, boxes) = split(&HOSPITAL, &secret, &mut rng);
    (secret, shares, boxes)
}

#[test]
fn three_shares_open_and_fewer_do_not() {
    let (secret, shares, boxes) = made(80);
    assert_eq!(boxes.public(), secret.public());
    let (mut opened, mut refused) = (0, 0);
    for subset in 1_usize..32 {
        let chosen: Vec<Share> = (0..SHARES)
            .filter(|n| subset >> n & 1 == 1)
            .map(|n| shares[n].clone())
            .collect();
        let backwards: Vec<Share> = chosen.iter().rev().cloned().collect();
        let twice = [chosen.as_slice(), &backwards].concat();
        for shares in [&chosen, &backwards, &twice] {
            match join(&boxes, shares) {
                Ok(joined) => assert_eq!(*joined.to_seed(), *secret.to_seed()),
                Err(fault) => assert_eq!(fault, RecoveryFault::TooFew(chosen.len()), "{subset:b}"),
            }
        }
        let is_open = join(&boxes, &chosen).is_ok();
        assert_eq!(is_open, chosen.len() >= NEEDED);
        if is_open { opened += 1 } else { refused += 1 }
    }
    assert_eq!((opened, refused), (16, 15));
    assert_eq!(join(&boxes, &[]).unwrap_err(), RecoveryFault::TooFew(0));
}

#[test]
fn shares_of_another_hospital_or_splitting_open_nothing() {
    let (secret, shares, boxes) = made(81);
    let mut rng = Repeatable(82);
    let (again, boxes_again) = split(&HOSPITAL, &secret, &mut rng);
    let (foreign, foreign_boxes) = split(&HospitalId([1; 16]), &RecoverySecret::random(&mut rng), &mut rng);
    assert_eq!(join(&boxes, &again).unwrap_err(), RecoveryFault::OtherSet(1));
    assert_eq!(join(&boxes_again, &shares).unwrap_err(), RecoveryFault::OtherSet(1));
    assert_eq!(join(&foreign_boxes, &shares).unwrap_err(), RecoveryFault::OtherSet(1));
    assert_eq!(join(&boxes, &foreign).unwrap_err(), RecoveryFault::OtherSet(1));
    let mixed = [shares[0].clone(), shares[1].clone(), again[2].clone()];
    assert_eq!(join(&boxes, &mixed).unwrap_err(), RecoveryFault::OtherSet(3));
    // Claiming another set, number or hospital does not help: all three are in every box's context.
    let forged: Vec<Share> = again
        .iter()
        .map(|share| claiming(share, share.number(), boxes.set()))
        .collect();
    assert_eq!(join(&boxes, &forged).unwrap_err(), RecoveryFault::CannotOpen);
    let renumbered = [
        claiming(&shares[0], 2, boxes.set()),
        claiming(&shares[1], 1, boxes.set()),
        shares[2].clone(),
    ];
    assert_eq!(join(&boxes, &renumbered).unwrap_err(), RecoveryFault::CannotOpen);
    let two_thirds = [
        shares[0].clone(),
        claiming(&shares[0], 2, boxes.set()),
        shares[2].clone(),
    ];
    assert_eq!(join(&boxes, &two_thirds).unwrap_err(), RecoveryFault::CannotOpen);
    let contradicting = [
        shares[0].clone(),
        shares[1].clone(),
        claiming(&shares[2], 1, boxes.set()),
    ];
    assert_eq!(
        join(&boxes, &contradicting).unwrap_err(),
        RecoveryFault::Contradiction(1)
    );
    let moved = checked(boxes.to_bytes(), |bytes| bytes[8..24].copy_from_slice(&[1; 16]));
    let moved = RecoveryBoxes::from_bytes(&moved).unwrap();
    assert_eq!(*moved.hospital(), HospitalId([1; 16]));
    assert_eq!(join(&moved, &shares).unwrap_err(), RecoveryFault::CannotOpen);
    assert_eq!(
        join(&boxes, &shares).unwrap().public(),
        secret.public(),
        "the right ones still open"
    );
}

/// The same 32 bytes under another number and set, made through the scanned form as a forger would.
fn claiming(share: &Share, number: u8, set: u32) -> Share {
    let digits = share.to_digits();
    let digits = format!("93{number}{set:010}{}", &digits[13..91]);
    (0..100)
        .find_map(|check| Share::from_digits(&format!("{digits}{check:02}")).ok())
        .unwrap()
}

/// Changed bytes with the check sum made right again.
fn checked(mut bytes: Vec<u8>, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    change(&mut bytes);
    let body = bytes.len() - 8;
    let check = Sha256::digest(&bytes[..body]);
    bytes[body..].copy_from_slice(&check[..8]);
    bytes
}

#[test]
fn every_changed_bit_of_the_boxes_is_refused() {
    let (secret, shares, boxes) = made(83);
    let bytes = boxes.to_bytes();
    assert_eq!(bytes.len(), BOXES_LEN);
    assert_eq!(RecoveryBoxes::from_bytes(&bytes).unwrap(), boxes);
    let three = &shares[..NEEDED];
    let first_box = 64..64 + 113;
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(RecoveryBoxes::from_bytes(&changed).is_err(), "bit {bit}");
        if bit / 8 < first_box.end {
            let forged = checked(bytes.clone(), |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
            let outcome = RecoveryBoxes::from_bytes(&forged).and_then(|boxes| join(&boxes, three));
            assert!(outcome.is_err(), "bit {bit}, check sum made right");
            if first_box.contains(&(bit / 8)) {
                let boxes = RecoveryBoxes::from_bytes(&forged).unwrap();
                let with_four = join(&boxes, &shares[..4]).unwrap();
                assert_eq!(
                    with_four.public(),
                    secret.public(),
                    "another box opens with a fourth share"
                );
            }
        }
    }
    for len in 0..bytes.len() {
        assert!(RecoveryBoxes::from_bytes(&bytes[..len]).is_err(), "first {len} bytes");
    }
    let swapped = checked(bytes.clone(), |bytes| {
        let (left, right) = bytes[64..].split_at_mut(113);
        left.swap_with_slice(&mut right[..113]);
    });
    let swapped = RecoveryBoxes::from_bytes(&swapped).unwrap();
    assert_eq!(
        join(&swapped, three).unwrap_err(),
        RecoveryFault::CannotOpen,
        "boxes in each other's place"
    );
    let (_, _, other) = made(84);
    let replaced = checked(bytes, |bytes| {
        bytes[first_box.clone()].copy_from_slice(&other.to_bytes()[first_box])
    });
    let replaced = RecoveryBoxes::from_bytes(&replaced).unwrap();
    assert_eq!(
        join(&replaced, three).unwrap_err(),
        RecoveryFault::CannotOpen,
        "a box of another set"
    );
}

#[test]
fn shares_come_back_from_paper_and_every_misreading_is_found() {
    let (_, shares, _) = made(85);
    for share in &shares {
        let (typed, digits) = (share.to_typed(), share.to_digits());
        assert_eq!(typed.replace('-', "").len(), recovery::TYPED_CHARS);
        assert_eq!(typed.split('-').count(), 15);
        assert_eq!(digits.len(), recovery::SCANNED_DIGITS);
        assert_eq!(Share::from_typed(&typed.to_lowercase()).unwrap(), *share);
        assert_eq!(Share::from_digits(&digits).unwrap(), *share);
        for wrong in mistakes(&typed, LETTERS) {
            assert_eq!(Share::from_typed(&wrong).unwrap_err(), TextFault::Check, "{wrong}");
        }
        for wrong in mistakes(&digits, "0123456789") {
            assert_eq!(Share::from_digits(&wrong).unwrap_err(), TextFault::Check, "{wrong}");
        }
    }
    let badge = badge();
    assert!(matches!(
        Share::from_typed(&badge.to_typed()),
        Err(TextFault::Length {
            found: 28,
            expected: 60
        })
    ));
    assert!(matches!(
        Share::from_digits(&badge.to_digits(1).unwrap()),
        Err(TextFault::Length {
            found: 51,
            expected: 93
        })
    ));
    let impossible = |number: u8, set: u64| {
        let digits = format!("93{number}{set:010}{}", &shares[0].to_digits()[13..91]);
        (0..100)
            .filter_map(|check| match Share::from_digits(&format!("{digits}{check:02}")) {
                Err(TextFault::Check) => None,
                other => Some(other.map(drop)),
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(impossible(5, (1 << 30) - 1), [Ok(())]);
    for (number, set) in [(0, 1), (6, 1), (9, 1), (1, 1 << 30), (1, 9_999_999_999)] {
        assert_eq!(impossible(number, set), [Err(TextFault::Impossible)], "{number}, {set}");
    }
}

/// Known answer: with this randomness, exactly these shares and boxes.
#[test]
fn recovery_bytes() {
    let (_, shares, boxes) = made(86);
    assert_eq!(
        *shares[2].to_typed(),
        "6ZPS-Z303-BYT5-02DN-WKVP-YGRX-T1H1-8TR9-S2C3-1NEJ-ZSXE-BFBV-GKS3-V55B-H4MR"
    );
    assert_eq!(
        *shares[2].to_digits(),
        "933053205355201793843745560990644363461939145118007104569617434134284475433953962897615619687"
    );
    assert_eq!(
        crate::vectors::digest(&boxes.to_bytes()),
        "8ee2c9b1951a3d1dea2f0550d1e4d9d8ff9f4c856aa05849625bcbebde498ec0"
    );
}

proptest! {
    #[test]
    fn every_secret_comes_back_from_paper(bytes in any::<[u8; 16]>(), number in 0..NUMBERS) {
        let secret = EnvelopeSecret::from_bytes(bytes);
        prop_assert_eq!(EnvelopeSecret::from_digits(&secret.to_digits(number).unwrap()), Ok((number, secret.clone())));
        prop_assert_eq!(EnvelopeSecret::from_typed(&secret.to_typed()), Ok(secret));
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,120}") {
        let _ = Scanned::read(&text);
        let _ = Scanned::looks_like(&text);
        let _ = Share::from_typed(&text);
        let _ = Share::from_digits(&text);
    }
}
