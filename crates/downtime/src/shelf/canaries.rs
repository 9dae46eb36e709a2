//! The canary patients of a snapshot, opened by this station with nobody signed in. What they are is `readiness`'s.

use vault::snapshot::SnapshotFault;
use zeroize::Zeroizing;

use super::{Shelf, Shelved};

impl Shelf {
    /// The bytes of the canary section of a snapshot, by this station's secret alone; `None` where it was sealed without one.
    ///
    /// # Errors
    /// What the vault says: the station's secret does not open the snapshot any more, or the section is damaged.
    pub fn canaries(&self, shelved: &Shelved) -> Result<Option<Zeroizing<Vec<u8>>>, SnapshotFault> {
        shelved.snapshot.canaries(&self.station, &self.secret)
    }
}
