//! Signatures, kept apart by purpose: `Ed25519(sk, "TMB1/sig/" ‖ purpose ‖ 0x00 ‖ SHA-256(message))`.
//!
//! The purpose is part of what is signed, so a signed journal record can never be passed off as a manifest.
//! Verification is RFC 8032 strict: no small-order keys, no malleable encodings.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::context::PREFIX;

/// Length of a signature in bytes.
pub const SIGNATURE_LEN: usize = 64;

/// What a signature vouches for. One purpose is never accepted in the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A snapshot manifest, by a sealer.
    Manifest,
    /// A journal record, by the station that wrote it.
    Record,
    /// A receipt for records made durable, by the station that holds them.
    Receipt,
    /// The size and root of a log of records, by the station that keeps it (see [`crate::checkpoint`]).
    Checkpoint,
    /// What a station proved about itself after it took a snapshot into use, by that station.
    Readiness,
    /// That a sealer lives and which snapshot is its newest, by the sealer.
    Heartbeat,
    /// That a station is there and where it can be reached, by that station.
    Presence,
    /// A station's request to be enrolled, by the keys it made.
    Enrolment,
    /// The roster as one hub passes it on to another, by the station that is the hub.
    Roster,
    /// A pack of records carried by hand, by the station that made it.
    Pack,
    /// What a backup consists of, by the station that made it.
    Backup,
    /// A list of files of one version of the program, by whoever releases it.
    Release,
    /// That a hospital wants a version, by the hospital.
    Approval,
    /// A station's request for a certificate of its TLS key, by that station.
    Certificate,
    /// Which program a station runs and how it stands with newer ones, by that station.
    Update,
}

impl Purpose {
    fn text(self) -> &'static [u8] {
        match self {
            Self::Manifest => b"manifest",
            Self::Record => b"record",
            Self::Receipt => b"receipt",
            Self::Checkpoint => b"checkpoint",
            Self::Readiness => b"readiness",
            Self::Heartbeat => b"heartbeat",
            Self::Presence => b"presence",
            Self::Enrolment => b"enrolment",
            Self::Roster => b"roster",
            Self::Pack => b"pack",
            Self::Backup => b"backup",
            Self::Release => b"release",
            Self::Approval => b"approval",
            Self::Certificate => b"certificate",
            Self::Update => b"update",
        }
    }
}

/// The signature is not by that key over those bytes for that purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not match; these bytes are not from who they claim to be from")]
pub struct BadSignature;

pub(crate) fn sign(key: &SigningKey, purpose: Purpose, message: &[u8]) -> [u8; SIGNATURE_LEN] {
    key.sign(&signed_text(purpose, message)).to_bytes()
}

pub(crate) fn verify(
    key: &VerifyingKey,
    purpose: Purpose,
    message: &[u8],
    signature: &[u8; SIGNATURE_LEN],
) -> Result<(), BadSignature> {
    key.verify_strict(&signed_text(purpose, message), &Signature::from_bytes(signature))
        .map_err(|_| BadSignature)
}

fn signed_text(purpose: Purpose, message: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(64);
    text.extend_from_slice(PREFIX);
    text.extend_from_slice(b"sig/");
    text.extend_from_slice(purpose.text());
    text.push(0);
    text.extend_from_slice(&Sha256::digest(message));
    text
}
