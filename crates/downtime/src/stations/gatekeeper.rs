//! The count of failed sign-ins, kept on disk so that a restart does not forget it. Two files take turns: one is whole.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use chart::Moment;
use vault::UserId;
use vault::files::Files;

use crate::identity::{Admission, Attempts};

/// Longest file read back.
const MAX_FILE: u64 = 1 << 20;

pub(super) struct Gatekeeper {
    files: Arc<dyn Files>,
    dir: PathBuf,
    state: Mutex<(u64, Attempts)>,
}

impl Gatekeeper {
    pub(super) fn open(files: Arc<dyn Files>, dir: PathBuf) -> Self {
        let newest = (0..2_u64)
            .filter_map(|side| read(&*files, &dir, side))
            .max_by_key(|(turn, _)| *turn);
        Self {
            files,
            dir,
            state: Mutex::new(newest.unwrap_or_default()),
        }
    }

    pub(super) fn ask(&self, user: &UserId, now: Moment) -> Admission {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.1.ask(user, now)
    }

    /// Counts a failure; true when the account is locked here from now on.
    pub(super) fn failed(&self, user: &UserId, now: Moment) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let locked = state.1.failed(user, now);
        self.keep(&mut state);
        locked
    }

    pub(super) fn succeeded(&self, user: &UserId) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.1.clone();
        state.1.succeeded(user);
        if state.1 != before {
            self.keep(&mut state);
        }
    }

    fn keep(&self, state: &mut (u64, Attempts)) {
        state.0 += 1;
        let bytes = [&state.0.to_le_bytes()[..], &state.1.to_bytes()].concat();
        let path = self.dir.join(format!("attempts.{}", state.0 % 2));
        let written = self
            .files
            .create_dir(&self.dir)
            .and_then(|()| self.files.remove(&path))
            .and_then(|()| self.files.create_new(&path))
            .and_then(|mut file| {
                file.write_all(&bytes)?;
                file.sync()
            });
        // The count still holds in memory; a disk that takes nothing shows itself elsewhere, loudly.
        if let Err(error) = written {
            tracing::warn!(%error, "failed sign-ins could not be counted on disk");
        }
    }
}

fn read(files: &dyn Files, dir: &std::path::Path, side: u64) -> Option<(u64, Attempts)> {
    let source = files.open(&dir.join(format!("attempts.{side}"))).ok()?;
    let size = source.size().ok().filter(|size| (8..=MAX_FILE).contains(size))?;
    let mut bytes = vec![0; usize::try_from(size).ok()?];
    source.read_exact_at(0, &mut bytes).ok()?;
    let (turn, rest) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_le_bytes(*turn), Attempts::from_bytes(rest)?))
}
