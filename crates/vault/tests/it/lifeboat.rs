//! The sealing that a browser opens: an answer made by another implementation, and every way in which a part may be wrong.

use vault::lifeboat::{ITERATIONS, LifeboatKey, MAX_ITERATIONS, PASSPHRASE_CHARS, Passphrase, SALT_LEN, Sealing};
use vault::secret_text::TextFault;

use crate::hospital::*;

const TYPED: &str = "HMAS-W9NF-6YY0-938N-KR2Y";
const HEAD: &str = "{\"format\":1,\"note\":\"試し\"}";

fn salt() -> [u8; SALT_LEN] {
    std::array::from_fn(|n| u8::try_from(n).unwrap())
}

fn key() -> LifeboatKey {
    Passphrase::from_typed(TYPED).unwrap().key(&salt(), ITERATIONS).unwrap()
}

/// Made with WebCrypto and zlib of Node.js 20: other code for PBKDF2, AES-GCM and DEFLATE.
#[test]
fn what_webcrypto_sealed_opens() {
    let sealed = "a204b91e8e99c0dba4fa1a8f1d8f175670bf74229c58b0f96b8e192741ef1c864d84af202b";
    let sealed: Vec<u8> = (0..sealed.len())
        .step_by(2)
        .map(|n| u8::from_str_radix(&sealed[n..n + 2], 16).unwrap())
        .collect();
    let plain = key().open(HEAD, 258, &sealed).unwrap();
    assert_eq!(std::str::from_utf8(&plain).unwrap(), "停止中の控え");
}

#[test]
fn a_passphrase_has_ninety_bits_and_comes_back() {
    let mut rng = Repeatable(11);
    let mut high = 0;
    for _ in 0..200 {
        let passphrase = Passphrase::random(&mut rng);
        let typed = passphrase.to_typed();
        assert_eq!(typed.replace('-', "").len(), PASSPHRASE_CHARS);
        assert_eq!(
            Passphrase::from_typed(&typed.to_lowercase().replace('-', " ")).unwrap(),
            passphrase
        );
        high += u32::from(typed.as_bytes()[0] >= b'G');
    }
    assert!(
        (60..140).contains(&high),
        "the first character uses all of its 5 bits: {high}"
    );
    assert_eq!(
        Passphrase::from_typed("HMAS-W9NF-6YY0-938N-KR2Z").unwrap_err(),
        TextFault::Check
    );
    assert!(matches!(
        Passphrase::from_typed("HMAS-W9NF").unwrap_err(),
        TextFault::Length { .. }
    ));
}

#[test]
fn fewer_rounds_than_promised_are_refused() {
    let passphrase = Passphrase::from_typed(TYPED).unwrap();
    for rounds in [0, 1, ITERATIONS - 1, MAX_ITERATIONS + 1, u32::MAX] {
        assert!(passphrase.key(&salt(), rounds).is_err(), "{rounds}");
    }
}

#[test]
fn every_bit_every_length_and_every_place_counts() {
    let mut sealing = Sealing::new(key(), HEAD.to_owned());
    let plain = "山田　花子　ペニシリン系".repeat(8);
    let first = sealing.seal(plain.as_bytes()).unwrap();
    let second = sealing.seal(plain.as_bytes()).unwrap();
    assert_ne!(first, second, "no nonce comes twice");
    let key = key();
    assert_eq!(*key.open(HEAD, 0, &first).unwrap(), plain.as_bytes());
    assert_eq!(*key.open(HEAD, 1, &second).unwrap(), plain.as_bytes());
    for length in 0..first.len() {
        assert!(key.open(HEAD, 0, &first[..length]).is_err(), "cut at {length}");
    }
    for bit in 0..first.len() * 8 {
        let mut changed = first.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(key.open(HEAD, 0, &changed).is_err(), "bit {bit}");
    }
    assert!(key.open(HEAD, 0, &[first.as_slice(), &[0]].concat()).is_err(), "longer");
    assert!(
        key.open(HEAD, 1, &first).is_err() && key.open(HEAD, 0, &second).is_err(),
        "swapped"
    );
    for bit in 0..HEAD.len() * 8 {
        let mut changed = HEAD.as_bytes().to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(changed) = String::from_utf8(changed) {
            assert!(key.open(&changed, 0, &first).is_err(), "head bit {bit}");
        }
    }
}

#[test]
fn a_part_of_another_file_does_not_open() {
    let passphrase = Passphrase::from_typed(TYPED).unwrap();
    let mut other = salt();
    other[0] ^= 1;
    let mut sealing = Sealing::new(passphrase.key(&other, ITERATIONS).unwrap(), HEAD.to_owned());
    assert!(
        key().open(HEAD, 0, &sealing.seal(b"{}").unwrap()).is_err(),
        "same passphrase, other salt"
    );
    let stranger = Passphrase::random(&mut Repeatable(5));
    let mut sealing = Sealing::new(stranger.key(&salt(), ITERATIONS).unwrap(), HEAD.to_owned());
    assert!(
        key().open(HEAD, 0, &sealing.seal(b"{}").unwrap()).is_err(),
        "other passphrase"
    );
}

#[test]
fn what_does_not_fit_is_refused_before_it_is_sealed() {
    let mut sealing = Sealing::new(key(), HEAD.to_owned());
    assert!(sealing.seal(&vec![0; vault::lifeboat::MAX_PLAIN + 1]).is_err());
    assert_eq!(sealing.seal(b"{}").map(|sealed| sealed.len() > 16), Ok(true));
}
