//! Keys as age writes them: Bech32 (BIP 173) of 32 bytes, `age1…` for who may open, `AGE-SECRET-KEY-1…` for what opens.

use zeroize::Zeroizing;

use crate::keys::{RecoveryPublic, RecoverySecret};

const CHARSET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
const RECIPIENT: &str = "age";
const IDENTITY: &str = "age-secret-key-";
/// Characters behind the name: 52 of data, 6 of check.
const CHARS: usize = 58;

/// Text that is no key of this kind, or was mistyped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an age key of the kind needed here, or a character of it is wrong")]
pub struct BadText;

/// `age1…`: whoever holds the recovery secret opens what is sealed to it.
#[must_use]
pub fn recipient(public: &RecoveryPublic) -> String {
    encode(RECIPIENT, &public.to_bytes()).to_string()
}

/// Reads `age1…`.
///
/// # Errors
/// [`BadText`], also for a weak point.
pub fn read_recipient(text: &str) -> Result<RecoveryPublic, BadText> {
    let bytes = decode(RECIPIENT, text)?;
    RecoveryPublic::from_bytes(&bytes).map_err(|_| BadText)
}

/// `AGE-SECRET-KEY-1…`: the recovery secret for the public tool. It opens everything.
#[must_use]
pub fn identity(secret: &RecoverySecret) -> Zeroizing<String> {
    let text = encode(IDENTITY, &secret.to_seed());
    Zeroizing::new(text.to_ascii_uppercase())
}

/// Reads `AGE-SECRET-KEY-1…`.
///
/// # Errors
/// [`BadText`].
pub fn read_identity(text: &str) -> Result<RecoverySecret, BadText> {
    decode(IDENTITY, text).map(|seed| RecoverySecret::from_seed(&seed))
}

fn encode(name: &str, bytes: &[u8; 32]) -> Zeroizing<String> {
    let mut values = Zeroizing::new(Vec::with_capacity(CHARS));
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = (held << 8 | u32::from(*byte)) & 0xfff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            values.push((held >> bits) & 31);
        }
    }
    values.push((held << (5 - bits)) & 31);
    let check = checksum(name, &values, &[0; 6]) ^ 1;
    let check = (0..6).map(|n| (check >> (5 * (5 - n))) & 31);
    let all: Vec<u32> = values.iter().copied().chain(check).collect();
    let mut text = Zeroizing::new(format!("{name}1"));
    let char_of = |value: &u32| CHARSET.get(*value as usize).map(|c| char::from(*c));
    text.extend(all.iter().filter_map(char_of));
    text
}

fn decode(name: &str, text: &str) -> Result<Zeroizing<[u8; 32]>, BadText> {
    let text = text.trim();
    let mixed = text.chars().any(|c| c.is_ascii_lowercase()) && text.chars().any(|c| c.is_ascii_uppercase());
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    let rest = lower.strip_prefix(name).and_then(|rest| rest.strip_prefix('1'));
    let rest = rest.filter(|rest| rest.len() == CHARS && !mixed).ok_or(BadText)?;
    let value = |c: u8| {
        CHARSET
            .iter()
            .position(|known| *known == c)
            .and_then(|v| u32::try_from(v).ok())
    };
    let values: Option<Vec<u32>> = rest.bytes().map(value).collect();
    let values = Zeroizing::new(values.ok_or(BadText)?);
    if checksum(name, &values, &[]) != 1 {
        return Err(BadText);
    }
    let mut bytes = Zeroizing::new([0; 32]);
    let mut to = bytes.iter_mut();
    let (mut held, mut bits) = (0_u32, 0);
    for value in values.iter().take(CHARS - 6) {
        held = (held << 5 | value) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            if let Some(to) = to.next() {
                *to = u8::try_from((held >> bits) & 0xff).map_err(|_| BadText)?;
            }
        }
    }
    // The bits behind the last byte are zeros, or two texts would be one key.
    if held & ((1 << bits) - 1) != 0 {
        return Err(BadText);
    }
    Ok(bytes)
}

fn checksum(name: &str, values: &[u32], more: &[u32]) -> u32 {
    let high = name.bytes().map(|b| u32::from(b) >> 5);
    let low = name.bytes().map(|b| u32::from(b) & 31);
    let all = high
        .chain([0])
        .chain(low)
        .chain(values.iter().copied())
        .chain(more.iter().copied());
    all.fold(1, |sum: u32, value| {
        let top = sum >> 25;
        let next = (sum & 0x01ff_ffff) << 5 ^ value;
        let bit = |(n, generator): (usize, &u32)| if top >> n & 1 == 1 { *generator } else { 0 };
        GENERATOR.iter().enumerate().map(bit).fold(next, |sum, one| sum ^ one)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pair of the README of age and its test data.
    #[test]
    fn a_known_pair_is_written_and_read() {
        let text = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
        let secret = RecoverySecret::from_seed(&[0x42; 32]);
        assert_eq!(*identity(&secret), text);
        let public = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
        assert_eq!(recipient(&secret.public()), public);
        assert_eq!(read_identity(text).unwrap().public(), secret.public());
        assert_eq!(read_recipient(public).unwrap(), secret.public());
    }

    #[test]
    fn no_wrong_character_and_no_missing_one_passes() {
        let text = recipient(&RecoverySecret::from_seed(&[7; 32]).public());
        for at in 0..text.len() {
            for other in CHARSET.iter().copied().chain(*b"1bioA ") {
                let mut wrong = text.clone().into_bytes();
                wrong[at] = other;
                let wrong = String::from_utf8(wrong).unwrap();
                assert_eq!(read_recipient(&wrong).is_ok(), wrong == text, "{wrong}");
            }
            assert!(read_recipient(&text[..at]).is_err());
        }
        assert!(read_identity(&text).is_err(), "another kind");
        assert!(read_recipient(&text.to_uppercase()).is_ok());
    }
}
