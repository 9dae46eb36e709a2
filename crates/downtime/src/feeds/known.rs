//! Which messages have been taken: a resend is answered again and not kept twice.
//!
//! The key is (MSH-3, MSH-4, MSH-10), but numbers are used again: by senders that begin at 1 every morning. So a message is a resend
//! only if its words are the same too, MSH aside, whose time a resend renews. Dropping another message for its number would lose it.

use std::collections::VecDeque;

use hashbrown::HashMap;
use sha2::{Digest, Sha256};

/// Most messages remembered; a resend of an older one is kept a second time, which does no harm.
pub const MAX_KNOWN: usize = 500_000;

/// What is remembered of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) identity: [u8; 16],
    pub(super) content: [u8; 16],
}

impl Marks {
    /// Of a message as it came. One without a number is known by its words alone.
    pub(super) fn of(bytes: &[u8], header: Option<&hl7::Header<'_>>) -> Self {
        let end = memchr::memchr2(b'\r', b'\n', bytes.trim_ascii_start());
        let body = end.and_then(|end| bytes.trim_ascii_start().get(end..)).unwrap_or(&[]);
        let Some(header) = header.filter(|header| !header.control_id().trim().is_empty()) else {
            let whole = hash(&[bytes]);
            return Self {
                identity: whole,
                content: whole,
            };
        };
        let [three, four, ten, nine] = [3, 4, 10, 9].map(|number| header.field(number).raw().as_bytes());
        Self {
            identity: hash(&[three, four, ten]),
            content: hash(&[nine, body]),
        }
    }
}

/// Half of a SHA-256, every part behind its length.
fn hash(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let digest: [u8; 32] = hasher.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(digest.split_at(16).0);
    half
}

/// How a message stands to those taken before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    New,
    /// Taken before, with the same words.
    Again,
    /// Its number was there before, with other words.
    Reused,
}

/// The messages taken lately.
#[derive(Debug, Default)]
pub(super) struct Known {
    contents: HashMap<[u8; 16], [u8; 16]>,
    order: VecDeque<[u8; 16]>,
}

impl Known {
    pub(super) fn standing(&self, marks: &Marks) -> Standing {
        match self.contents.get(&marks.identity) {
            None => Standing::New,
            Some(content) if *content == marks.content => Standing::Again,
            Some(_) => Standing::Reused,
        }
    }

    pub(super) fn learn(&mut self, marks: &Marks) {
        if self.contents.insert(marks.identity, marks.content).is_none() {
            self.order.push_back(marks.identity);
        }
        while self.order.len() > MAX_KNOWN {
            if let Some(oldest) = self.order.pop_front() {
                self.contents.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(text: &str) -> Marks {
        let message = hl7::Message::parse(text).unwrap();
        Marks::of(text.as_bytes(), Some(&message.header()))
    }

    #[test]
    fn a_resend_is_known_and_another_message_with_its_number_is_not_lost() {
        let first = marks("MSH|^~\\&|HIS|KAKU|||20261120||ADT^A08|1|P|2.5\rPID|||7\r");
        let mut known = Known::default();
        assert_eq!(known.standing(&first), Standing::New);
        known.learn(&first);
        assert_eq!(known.standing(&first), Standing::Again);
        let later = marks("MSH|^~\\&|HIS|KAKU|||20261121||ADT^A08|1|P|2.5\rPID|||7\r");
        assert_eq!(known.standing(&later), Standing::Again, "sent again with a new time");
        let other = marks("MSH|^~\\&|HIS|KAKU|||20261121||ADT^A08|1|P|2.5\rPID|||8\r");
        assert_eq!(known.standing(&other), Standing::Reused);
        let event = marks("MSH|^~\\&|HIS|KAKU|||20261120||ADT^A03|1|P|2.5\rPID|||7\r");
        assert_eq!(known.standing(&event), Standing::Reused);
        let elsewhere = marks("MSH|^~\\&|LAB|KAKU|||20261120||ADT^A08|1|P|2.5\rPID|||7\r");
        assert_eq!(known.standing(&elsewhere), Standing::New);
    }
}
