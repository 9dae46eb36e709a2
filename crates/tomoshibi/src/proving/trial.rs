//! A dummy record, written and synced as every entry is, and read back: on the disk of the journal, beside it, with keys that are nobody's.
//!
//! It is a journal of its own in a directory of its own, so that nothing of it can ever be taken for something that a person recorded.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use vault::files::{Disk, Files};
use vault::journal::{Class, Incarnation, Journal, NewRecord, Start, read_journal};
use vault::keys::{RoleSecret, StationSecret};
use vault::{CompartmentId, HospitalId, StationId};

use crate::{clock, random};

/// Where the trial takes place.
const DIR: &str = "journal-trial";

/// What is written.
const WORDS: &[u8] = b"proof that a record can be saved here; it says nothing about anybody";

/// Milliseconds until a record was durable and read back.
///
/// # Errors
/// What the disk says.
pub fn save_and_read_back(data: &Path) -> Result<u64> {
    let files: Arc<dyn Files> = Arc::new(Disk);
    let dir = data.join(DIR);
    clear(&*files, &dir)?;
    let begun = clock::running();
    let mut rng = random::system();
    let (secret, reader) = (StationSecret::random(&mut rng), RoleSecret::random(&mut rng));
    let (hospital, station) = (HospitalId([0; 16]), StationId([0; 16]));
    let start = Start {
        hospital,
        station,
        secret: &secret,
        incarnation: Incarnation::New,
        readers: &[reader.public()],
        hlc: 0,
        time_quality: 0,
    };
    let record = NewRecord {
        class: Class(1),
        compartment: CompartmentId(0),
        user: [0; 16],
        hlc: 1,
        time_quality: 0,
        payload: WORDS,
    };
    let (mut journal, _) = Journal::start(Arc::clone(&files), &dir, &start, &mut rng)?;
    let written = journal.append_batch(&[record], &mut rng)?;
    drop(journal);
    let read = read_journal(&*files, &dir, &hospital, &station, &secret.public())?;
    let name = written.first().context("nothing was written")?.id();
    ensure!(
        read.records.iter().any(|record| record.id() == name),
        "the record is not there when read back"
    );
    let took = clock::running().saturating_sub(begun).as_millis();
    clear(&*files, &dir)?;
    Ok(u64::try_from(took).unwrap_or(u64::MAX))
}

/// Removes what an earlier trial left.
fn clear(files: &dyn Files, dir: &Path) -> std::io::Result<()> {
    for name in files.list(dir)? {
        files.remove(&dir.join(name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_saved_and_nothing_is_left_of_it() {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            save_and_read_back(dir.path()).unwrap();
            assert_eq!(std::fs::read_dir(dir.path().join(DIR)).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_disk_that_takes_nothing_is_said() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(DIR), "a file where the directory should be").unwrap();
        assert!(save_and_read_back(dir.path()).is_err());
    }
}
