//! The canonical byte string that binds a sealed thing to its place.
//!
//! A context names what is sealed and where it belongs: `"TMB1/" ‖ type ‖ 0x00 ‖ suite ‖ hospital(16) ‖ fields…`.
//! It enters the key derivation and the authenticated data of every [`crate::sealbox`], so bytes moved to another
//! patient, role, epoch or hospital do not open. It holds nothing secret and is never stored: the reader rebuilds it.
//!
//! It deliberately has no parser: two parties that disagree about a context must fail, not negotiate.

use crate::ids::HospitalId;

/// Prefix of every context and signature text: product and generation of the construction.
pub(crate) const PREFIX: &[u8] = b"TMB1/";

/// Suite 1: X25519, HKDF-SHA-256, ChaCha20-Poly1305 with explicit commitment, Ed25519, SHA-256, Argon2id.
/// Suite 2 is reserved for AES-256-GCM in the same frame, suite 3 for a post-quantum wrap.
pub const SUITE_1: u8 = 1;

/// A context, built field by field. Order matters; integers are little-endian; variable bytes carry their length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    bytes: Vec<u8>,
}

impl Context {
    /// Starts a context. `kind` is a short constant such as `"rec"`: it decides which fields follow, and must not
    /// contain a zero byte (none of the constants in this crate does).
    #[must_use]
    pub fn new(kind: &'static str, hospital: &HospitalId) -> Self {
        let mut bytes = Vec::with_capacity(96);
        bytes.extend_from_slice(PREFIX);
        bytes.extend_from_slice(kind.as_bytes());
        bytes.push(0);
        bytes.push(SUITE_1);
        bytes.extend_from_slice(hospital.as_bytes());
        Self { bytes }
    }

    /// Adds one byte.
    #[must_use]
    pub fn u8(mut self, value: u8) -> Self {
        self.bytes.push(value);
        self
    }

    /// Adds a 16-bit number.
    #[must_use]
    pub fn u16(mut self, value: u16) -> Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Adds a 32-bit number.
    #[must_use]
    pub fn u32(mut self, value: u32) -> Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Adds a 64-bit number.
    #[must_use]
    pub fn u64(mut self, value: u64) -> Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Adds bytes whose length is fixed by `kind`: no length is written.
    #[must_use]
    pub fn fixed<const N: usize>(mut self, bytes: &[u8; N]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Adds bytes of any length behind their `u32` length.
    #[must_use]
    pub fn variable(mut self, bytes: &[u8]) -> Self {
        crate::codec::put_bytes(&mut self.bytes, bytes);
        self
    }

    /// The canonical bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_as_documented() {
        let ctx = Context::new("rec", &HospitalId([7; 16])).u16(1).u64(2).variable(b"ab");
        let mut expected = b"TMB1/rec\0\x01".to_vec();
        expected.extend_from_slice(&[7; 16]);
        expected.extend_from_slice(&[1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, b'a', b'b']);
        assert_eq!(ctx.as_bytes(), expected);
    }

    #[test]
    fn a_shifted_boundary_is_another_context() {
        let hospital = HospitalId([0; 16]);
        let one = Context::new("x", &hospital).variable(b"ab").variable(b"c");
        let other = Context::new("x", &hospital).variable(b"a").variable(b"bc");
        assert_ne!(one, other);
    }
}
