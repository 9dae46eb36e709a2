//! Feeds: what other systems send by themselves (HL7 over MLLP), kept raw until a source reads it.
//!
//! A message is durable before its sender hears that it was taken, and stays as it came: what it means is a source's matter
//! (`sources`), how it came over the network the roof's. Bytes on disk: `docs/formats/feed-log.md`. Nothing here is shown to anybody.

mod compact;
mod inbox;
mod known;
mod log;
mod reading;
mod segment;

use std::path::PathBuf;
use std::sync::Arc;

use vault::files::Files;
use vault::keys::StationSecret;
use vault::{HospitalId, StationId};

pub use inbox::{Arrival, Inbox, NotTaken, Overview, StartFault, Taken};
pub use known::MAX_KNOWN;
pub use reading::{Messages, Reader, Stored, Unread};
pub use segment::SEGMENT_BYTES;

/// Longest name of a feed; it is the name of its directory.
pub const MAX_NAME: usize = 32;

/// Days for which messages are kept unless the configuration says otherwise: longer than a year, so that what is said once a year is there.
pub const KEEP_DAYS: u32 = 400;

/// Where one feed is kept, and for whom it is sealed.
#[derive(Clone)]
pub struct Place {
    /// The disk.
    pub files: Arc<dyn Files>,
    /// The directory of this feed.
    pub dir: PathBuf,
    /// The hospital.
    pub hospital: HospitalId,
    /// This station, which receives and reads.
    pub station: StationId,
    /// Its key: messages are sealed to it, so that the hub reads them with nobody signed in.
    pub secret: Arc<StationSecret>,
    /// The feed's name. Part of every seal.
    pub feed: String,
    /// A segment that has reached so many bytes is followed by a new one: [`SEGMENT_BYTES`].
    pub segment_bytes: u64,
}

/// A name that can be a directory everywhere: `a`–`z`, digits, `-`, at most [`MAX_NAME`] of them.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('-')
}

/// The directory of a feed under a station's data.
#[must_use]
pub fn dir(data: &std::path::Path, feed: &str) -> PathBuf {
    data.join("feeds").join(feed)
}
