//! Failed sign-ins at this station: delay, then a lock of minutes. Never for ever, never for another station.
//!
//! A counter protects a stolen, running station against somebody who types; the slot's derivation protects the files. So
//! nothing here may become a way to keep a physician from the patients: every wait ends by itself, each station counts by
//! itself, and a sealed envelope is never counted. Numbers nobody has are counted like others: the wait tells nothing.
//!
//! Pure: the moment comes in, the caller keeps the bytes.

use std::collections::BTreeMap;

use chart::Moment;
use minicbor::{Decode, Encode};
use vault::UserId;

/// Failures after which this station locks the account for [`LOCK_SECONDS`].
pub const LOCK_AFTER: u32 = 10;

/// Length of a lock.
pub const LOCK_SECONDS: i64 = 15 * 60;

/// Longest delay between two attempts.
pub const MAX_DELAY: i64 = 300;

/// Most accounts counted at once; beyond, the one with the fewest failures is forgotten.
const MOST: usize = 4_096;

/// Failed attempts by account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Attempts {
    #[n(0)]
    by_user: BTreeMap<Key, Tries>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
struct Key(#[cbor(n(0), with = "minicbor::bytes")] [u8; 16]);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
struct Tries {
    #[n(0)]
    failures: u32,
    /// When the next attempt is allowed.
    #[n(1)]
    next: Moment,
    /// When the last attempt failed, by the same clock.
    #[n(2)]
    last: Moment,
}

/// Whether somebody may try now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Yes.
    Try,
    /// In so many seconds.
    Wait(i64),
    /// Locked here for so many seconds; other stations and a sealed envelope work.
    Locked(i64),
}

impl Attempts {
    /// May this account be tried now? A clock set back shortens nothing and lengthens nothing beyond one full wait.
    #[must_use]
    pub fn ask(&self, user: &UserId, now: Moment) -> Admission {
        let Some(tries) = self.by_user.get(&Key(*user.as_bytes())) else {
            return Admission::Try;
        };
        let full = tries.next.0.saturating_sub(tries.last.0);
        let left = tries.next.0.saturating_sub(now.0).min(full);
        match left {
            ..=0 => Admission::Try,
            left if tries.failures >= LOCK_AFTER => Admission::Locked(left),
            left => Admission::Wait(left),
        }
    }

    /// Counts a failure. True when this one locks the account here: somebody should be told.
    pub fn failed(&mut self, user: &UserId, now: Moment) -> bool {
        let key = Key(*user.as_bytes());
        if self.by_user.len() >= MOST
            && !self.by_user.contains_key(&key)
            && let Some(least) = self
                .by_user
                .iter()
                .min_by_key(|(_, t)| (t.failures, t.last))
                .map(|(k, _)| *k)
        {
            self.by_user.remove(&least);
        }
        let before = self.by_user.get(&key).map_or(0, |tries| tries.failures);
        let failures = before.saturating_add(1);
        let wait = delay_seconds(failures);
        let next = Moment(now.0.saturating_add(wait));
        self.by_user.insert(
            key,
            Tries {
                failures,
                next,
                last: now,
            },
        );
        failures == LOCK_AFTER
    }

    /// Forgets an account that signed in.
    pub fn succeeded(&mut self, user: &UserId) {
        self.by_user.remove(&Key(*user.as_bytes()));
    }

    /// True when nothing is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_user.is_empty()
    }

    /// CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// Reads [`Self::to_bytes`]; `None` when the bytes are something else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        minicbor::decode::<Self>(bytes).ok().filter(|a| a.by_user.len() <= MOST)
    }
}

/// Seconds to wait after so many failures: 0, 0, 1, 2, 4 … 300, and from [`LOCK_AFTER`] on the lock.
const fn delay_seconds(failures: u32) -> i64 {
    match failures {
        0..=2 => 0,
        LOCK_AFTER.. => LOCK_SECONDS,
        n => {
            let wait = 1_i64 << (n - 3);
            if wait > MAX_DELAY { MAX_DELAY } else { wait }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOMEBODY: UserId = UserId([7; 16]);

    fn after(failures: u32, at: i64) -> Attempts {
        let mut attempts = Attempts::default();
        (0..failures).for_each(|_| {
            attempts.failed(&SOMEBODY, Moment(at));
        });
        attempts
    }

    #[test]
    fn the_delay_doubles_and_ends_by_itself() {
        let waits: Vec<i64> = (1..=9)
            .map(|n| match after(n, 1_000).ask(&SOMEBODY, Moment(1_000)) {
                Admission::Try => 0,
                Admission::Wait(s) => s,
                Admission::Locked(s) => -s,
            })
            .collect();
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 64]);
        assert_eq!(after(9, 1_000).ask(&SOMEBODY, Moment(1_064)), Admission::Try);
    }

    #[test]
    fn the_tenth_failure_locks_here_for_minutes_and_says_so_once() {
        let mut attempts = after(9, 0);
        assert!(attempts.failed(&SOMEBODY, Moment(100)));
        assert_eq!(
            attempts.ask(&SOMEBODY, Moment(101)),
            Admission::Locked(LOCK_SECONDS - 1)
        );
        assert_eq!(attempts.ask(&SOMEBODY, Moment(100 + LOCK_SECONDS)), Admission::Try);
        assert!(!attempts.failed(&SOMEBODY, Moment(100 + LOCK_SECONDS)));
        assert_eq!(
            attempts.ask(&UserId([8; 16]), Moment(101)),
            Admission::Try,
            "nobody else is locked"
        );
        attempts.succeeded(&SOMEBODY);
        assert!(attempts.is_empty());
    }

    #[test]
    fn a_clock_that_jumps_neither_frees_nor_jails() {
        let attempts = after(LOCK_AFTER, 1_000_000);
        let back = attempts.ask(&SOMEBODY, Moment(10));
        assert_eq!(
            back,
            Admission::Locked(LOCK_SECONDS),
            "a clock set back: one full wait at most"
        );
        let far = after(LOCK_AFTER, i64::MAX).ask(&SOMEBODY, Moment(i64::MIN));
        assert!(
            matches!(far, Admission::Try | Admission::Locked(0..=LOCK_SECONDS)),
            "{far:?}"
        );
    }

    #[test]
    fn the_table_is_bounded_and_keeps_the_worst() {
        let mut attempts = after(5, 0);
        for n in 0..u32::try_from(MOST).unwrap_or(0) + 100 {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&n.to_le_bytes());
            attempts.failed(&UserId(id), Moment(1));
        }
        assert!(attempts.by_user.len() <= MOST);
        assert_ne!(attempts.ask(&SOMEBODY, Moment(0)), Admission::Try);
        assert_eq!(Attempts::from_bytes(&attempts.to_bytes()), Some(attempts));
        assert_eq!(Attempts::from_bytes(b"x"), None);
    }
}
