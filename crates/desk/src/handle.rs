//! Opaque handles for addresses: paths never carry a patient number, a name or a number that could be counted up.
//!
//! A handle is an ordinal (a row of the index, a sheet of the session) scrambled with a key that lives as long as the
//! process. It needs no table, is worthless in the next process, and is no permission: who may open what is decided by
//! the session, not by knowing a handle. Entries need none: their hash already says nothing and never changes place.

use sha2::{Digest, Sha256};

/// What a handle points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A row of the index.
    Row(u32),
    /// A sheet that was just filled, by number in its session.
    Sheet(u32),
}

/// Makes and reads handles.
pub struct Handles {
    key: [u8; 32],
}

/// Rounds of the Feistel network; four make a strong permutation from a pseudo-random function (Luby and Rackoff, 1988).
const ROUNDS: u8 = 4;

impl Handles {
    /// With a key from the system's random source.
    #[must_use]
    pub const fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The handle, 16 hexadecimal digits. `generation` ties it to one snapshot (or 0 where that does not matter).
    #[must_use]
    pub fn of(&self, target: Target, generation: u32) -> String {
        let (kind, ordinal) = match target {
            Target::Row(n) => (1, n),
            Target::Sheet(n) => (2, n),
        };
        let (mut left, mut right) = (tag(kind, generation), ordinal);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ self.mix(round, right));
        }
        format!("{left:08x}{right:08x}")
    }

    /// What a handle points at; `None` for anything that this process did not make for this generation.
    #[must_use]
    pub fn read(&self, handle: &str, generation: u32) -> Option<Target> {
        if handle.len() != 16 || !handle.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let mut left = u32::from_str_radix(handle.get(..8)?, 16).ok()?;
        let mut right = u32::from_str_radix(handle.get(8..)?, 16).ok()?;
        for round in (0..ROUNDS).rev() {
            (left, right) = (right ^ self.mix(round, left), left);
        }
        match (left >> 28, left == tag(left >> 28, generation)) {
            (1, true) => Some(Target::Row(right)),
            (2, true) => Some(Target::Sheet(right)),
            _ => None,
        }
    }

    fn mix(&self, round: u8, half: u32) -> u32 {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update([round]);
        hash.update(half.to_le_bytes());
        let hash = hash.finalize();
        hash.iter().take(4).fold(0, |n, b| n << 8 | u32::from(*b))
    }
}

/// Kind in the upper four bits, generation below: 32 bits that a guess would have to hit.
const fn tag(kind: u32, generation: u32) -> u32 {
    kind << 28 | (generation & 0x0FFF_FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_round_trip_and_say_nothing() {
        let handles = Handles::new([7; 32]);
        for n in [0, 1, 2, 99_999, u32::MAX] {
            for target in [Target::Row(n), Target::Sheet(n)] {
                let handle = handles.of(target, 12_345);
                assert_eq!(handles.read(&handle, 12_345), Some(target));
                assert_eq!(handles.read(&handle, 12_346), None, "another snapshot");
                assert_eq!(Handles::new([8; 32]).read(&handle, 12_345), None, "another process");
            }
        }
        let first = handles.of(Target::Row(1), 1);
        let second = handles.of(Target::Row(2), 1);
        let same = first.bytes().zip(second.bytes()).filter(|(a, b)| a == b).count();
        assert!(same < 8, "neighbours must not look alike: {first} {second}");
    }

    #[test]
    fn what_we_did_not_make_is_refused() {
        let handles = Handles::new([7; 32]);
        for bad in [
            "",
            "00123456",
            "zzzzzzzzzzzzzzzz",
            "0000000000000000",
            "ffffffffffffffff0",
        ] {
            assert_eq!(handles.read(bad, 1), None);
        }
    }
}
