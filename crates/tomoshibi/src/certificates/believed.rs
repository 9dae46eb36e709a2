//! Whose word counts at the moment: the authorities of the roster, from its file or from the snapshot, whichever an officer touched last.
//!
//! A hub changes its file, so the file counts there. A station gets its roster with every snapshot; a trust file that was put there by
//! hand after the sealing counts beside it, until the next one comes.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use chart::Moment;
use downtime::identity::Roster;
use downtime::stations::Station;

use crate::home::{MAX_ROSTER, roster_file};

/// The file as it was last read.
#[derive(Default)]
pub struct Believed(Mutex<Option<Read>>);

struct Read {
    mark: (u64, Option<SystemTime>),
    authorities: Vec<Vec<u8>>,
}

impl Believed {
    /// Certificates (DER) of the authorities that count now.
    pub fn authorities(&self, data: &Path, station: &Station) -> Vec<Vec<u8>> {
        let hub = roster_file(data);
        let is_hub = hub.exists();
        let path = if is_hub { hub } else { data.join("trust.cbor") };
        let (file, written) = self.file(&path);
        let sealed = station.shelf().current().filter(|_| !is_hub);
        let sealed = sealed.map(|shelved| (shelved.roster().authorities(), shelved.state().sealed_at));
        counted(file, written, sealed)
    }

    /// What the file says, read again when it has changed, and when it was written.
    fn file(&self, path: &Path) -> (Vec<Vec<u8>>, Option<Moment>) {
        let mut read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = fs::metadata(path).map(|about| (about.len(), about.modified().ok()));
        let mark = mark.ok().filter(|(length, _)| *length <= MAX_ROSTER);
        let known = read.as_ref().map(|read| read.mark);
        if let Some(mark) = mark.filter(|mark| Some(*mark) != known)
            && let Some(roster) = fs::read(path).ok().and_then(|bytes| Roster::from_bytes(&bytes).ok())
        {
            let authorities = roster.authorities();
            *read = Some(Read { mark, authorities });
        }
        let written = read
            .as_ref()
            .and_then(|read| read.mark.1?.duration_since(UNIX_EPOCH).ok());
        let written = written.and_then(|since| Some(Moment(i64::try_from(since.as_secs()).ok()?)));
        let authorities = read.as_ref().map(|read| read.authorities.clone());
        (authorities.unwrap_or_default(), written)
    }
}

fn counted(file: Vec<Vec<u8>>, written: Option<Moment>, sealed: Option<(Vec<Vec<u8>>, Moment)>) -> Vec<Vec<u8>> {
    match sealed {
        Some((mut sealed, at)) if !sealed.is_empty() => {
            if written.is_some_and(|written| written > at) {
                let more: Vec<Vec<u8>> = file.into_iter().filter(|one| !sealed.contains(one)).collect();
                sealed.extend(more);
                sealed.truncate(wire::hospital::MOST_AUTHORITIES);
            }
            sealed
        }
        _ => file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_officer_touched_last_counts() {
        let (old, new) = (vec![vec![1]], vec![vec![2]]);
        let at = |second| Some(Moment(second));
        // On a hub, and on a station before its first snapshot.
        assert_eq!(counted(old.clone(), at(1), None), old);
        // A snapshot of a hub that made no authority yet takes nothing away.
        assert_eq!(counted(old.clone(), at(1), Some((vec![], Moment(9)))), old);
        // An authority that the officer took away is gone with the next snapshot.
        assert_eq!(counted(old.clone(), at(1), Some((new.clone(), Moment(9)))), new);
        // A trust file carried by hand after that counts beside it.
        assert_eq!(counted(old, at(10), Some((new, Moment(9)))), [vec![2], vec![1]]);
    }
}
