//! The 128-bit secrets that are on paper: on the continuity badge behind a staff card, and in a sealed envelope.
//!
//! ```text
//! scanned   91 (badge) or 92 (envelope) ‖ number(8 digits) ‖ secret(39 digits) ‖ check(2 digits)        51 digits
//! typed     secret(26 characters of Crockford base32) ‖ check(2 characters), in groups of four
//! ```
//! Digits only, because a scanner that plays keyboard types what the keyboard layout and the input method make of it,
//! and digits are the same on all of them. The reasons and the check characters: `docs/formats/secret-text.md`.
//!
//! Whose badge or envelope it is, whether it was revoked and how often somebody tried is deliberately not known here.

use std::fmt;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::codec_text::{decimal_128, from_base32, from_decimal_128, read_digits, to_base32, with_check_digits};

pub use crate::codec_text::TextFault;

/// Length of a secret in bytes.
pub const SECRET_LEN: usize = 16;
/// Characters of the typed form, check characters included, separators not.
pub const TYPED_CHARS: usize = TYPED + 2;
/// Digits of the scanned form, check digits included.
pub const SCANNED_DIGITS: usize = SCANNED + 2;
/// Numbers of badges and envelopes are below this.
pub const NUMBERS: u32 = 100_000_000;

const TYPED: usize = 26;
const SCANNED: usize = 2 + NUMBER_DIGITS + 39;
const NUMBER_DIGITS: usize = 8;

/// What a scanned code belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// A continuity badge.
    Badge,
    /// A sealed envelope.
    Envelope,
}

impl Carrier {
    fn prefix(self) -> &'static str {
        match self {
            Self::Badge => "91",
            Self::Envelope => "92",
        }
    }
}

/// What was scanned.
#[derive(Clone, Debug)]
pub enum Scanned {
    /// A badge: its number and secret.
    Badge(u32, BadgeSecret),
    /// An envelope: its number and secret.
    Envelope(u32, EnvelopeSecret),
}

impl Scanned {
    /// Reads the digits of a badge or an envelope.
    ///
    /// # Errors
    /// [`TextFault`]: what kind of mistake it is.
    pub fn read(text: &str) -> Result<Self, TextFault> {
        let digits = read_digits(text, SCANNED)?;
        let (prefix, rest) = digits.split_at_checked(2).ok_or(TextFault::Empty)?;
        let (number, secret) = rest.split_at_checked(NUMBER_DIGITS).ok_or(TextFault::Empty)?;
        let number = number.parse().map_err(|_| TextFault::Impossible)?;
        let secret = || from_decimal_128(secret);
        if prefix == Carrier::Badge.prefix() {
            Ok(Self::Badge(number, BadgeSecret(secret()?)))
        } else if prefix == Carrier::Envelope.prefix() {
            Ok(Self::Envelope(number, EnvelopeSecret(secret()?)))
        } else {
            Err(TextFault::OtherKind)
        }
    }

    /// Whether a scanned text is meant to be a badge or an envelope, from its length and first digits alone: so that a
    /// field that expects something else can say so before it looks anything up. It may still be misread.
    #[must_use]
    pub fn looks_like(text: &str) -> Option<Carrier> {
        let text = text.trim();
        let whole = text.len() == SCANNED_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        let carriers = [Carrier::Badge, Carrier::Envelope];
        carriers
            .into_iter()
            .find(|carrier| whole && text.starts_with(carrier.prefix()))
    }
}

/// Writes a secret of 16 bytes that is printed for one carrier.
macro_rules! printed_secret {
    ($(#[$doc:meta])* $name:ident, $carrier:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Zeroizing<[u8; SECRET_LEN]>);

        impl $name {
            /// A fresh random secret.
            pub fn random(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
                let mut bytes = Zeroizing::new([0; SECRET_LEN]);
                rng.fill_bytes(&mut *bytes);
                Self(bytes)
            }

            /// The secret with these bytes. The caller's copy is the caller's to erase.
            #[must_use]
            pub fn from_bytes(bytes: [u8; SECRET_LEN]) -> Self {
                Self(Zeroizing::new(bytes))
            }

            /// The secret bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; SECRET_LEN] {
                &self.0
            }

            /// The digits for a scanner. `None` when `number` is not below [`NUMBERS`].
            #[must_use]
            pub fn to_digits(&self, number: u32) -> Option<Zeroizing<String>> {
                if number >= NUMBERS {
                    return None;
                }
                let mut digits = Zeroizing::new(String::with_capacity(SCANNED));
                digits.push_str(Carrier::$carrier.prefix());
                digits.push_str(&format!("{number:08}"));
                digits.push_str(&decimal_128(&self.0));
                Some(with_check_digits(&digits))
            }

            /// Reads the digits of this carrier: its number and the secret.
            ///
            /// # Errors
            /// [`TextFault`]: what kind of mistake it is.
            pub fn from_digits(text: &str) -> Result<(u32, Self), TextFault> {
                match Scanned::read(text)? {
                    Scanned::$carrier(number, secret) => Ok((number, secret)),
                    _ => Err(TextFault::OtherKind),
                }
            }

            /// The characters for people, in groups of four.
            #[must_use]
            pub fn to_typed(&self) -> Zeroizing<String> {
                to_base32(&*self.0, TYPED)
            }

            /// Reads what was typed.
            ///
            /// # Errors
            /// [`TextFault`]: what kind of mistake it is.
            pub fn from_typed(text: &str) -> Result<Self, TextFault> {
                from_base32(text, TYPED).map(Self)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(secret)"))
            }
        }
    };
}

printed_secret!(
    /// The secret on a continuity badge: together with the password it opens a slot.
    BadgeSecret,
    Badge
);

printed_secret!(
    /// The secret in a sealed envelope: it opens a slot by itself.
    EnvelopeSecret,
    Envelope
);
