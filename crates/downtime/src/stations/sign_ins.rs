//! When each account last signed in at this station: a station at which nobody ever did proves nothing about people.
//!
//! Accounts are named by their hash, and only numbers leave the station. Two files take turns: one is whole. A disk that takes nothing
//! must not keep anybody from signing in; then it holds in memory.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chart::Moment;
use minicbor::{Decode, Encode};
use vault::UserId;
use vault::files::Files;

/// Longest file read back: twice the users a snapshot may have.
const MAX_FILE: u64 = 2 << 20;

/// Seconds within which a second sign-in of the same account is not written down again.
const AGAIN: i64 = 600;

/// The last sign-in of each account here.
pub struct SignIns {
    files: Arc<dyn Files>,
    dir: PathBuf,
    state: Mutex<(u64, BTreeMap<[u8; 16], Moment>)>,
}

#[derive(Encode, Decode)]
struct One {
    #[cbor(n(0), with = "minicbor::bytes")]
    user: [u8; 16],
    #[n(1)]
    at: Moment,
}

impl SignIns {
    /// Reads what earlier lives noted in `data/readiness/`.
    #[must_use]
    pub fn open(files: Arc<dyn Files>, data: &Path) -> Self {
        let dir = data.join("readiness");
        let newest = (0..2_u64)
            .filter_map(|side| read(&*files, &dir, side))
            .max_by_key(|(turn, _)| *turn);
        Self {
            files,
            dir,
            state: Mutex::new(newest.unwrap_or_default()),
        }
    }

    fn state(&self) -> MutexGuard<'_, (u64, BTreeMap<[u8; 16], Moment>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody has signed in.
    pub(super) fn note(&self, user: &UserId, now: Moment) {
        let mut state = self.state();
        let before = state.1.insert(*user.as_bytes(), now);
        if before.is_some_and(|before| (0..AGAIN).contains(&(now.0 - before.0))) {
            return;
        }
        state.0 += 1;
        let all: Vec<One> = state.1.iter().map(|(user, at)| One { user: *user, at: *at }).collect();
        let body = minicbor::to_vec(all).unwrap_or_default();
        let bytes = [&state.0.to_le_bytes()[..], &body].concat();
        let path = self.dir.join(name(state.0 % 2));
        let written = self
            .files
            .create_dir(&self.dir)
            .and_then(|()| self.files.remove(&path))
            .and_then(|()| self.files.create_new(&path))
            .and_then(|mut file| {
                file.write_all(&bytes)?;
                file.sync()
            });
        if let Err(error) = written {
            tracing::warn!(%error, "that somebody signed in could not be noted for the readiness receipt");
        }
    }

    /// When an account last signed in here.
    #[must_use]
    pub fn last(&self, user: &UserId) -> Option<Moment> {
        self.state().1.get(user.as_bytes()).copied()
    }

    /// When anybody last did.
    #[must_use]
    pub fn newest(&self) -> Option<Moment> {
        self.state().1.values().max().copied()
    }
}

fn name(side: u64) -> String {
    format!("sign-ins.{side}")
}

fn read(files: &dyn Files, dir: &Path, side: u64) -> Option<(u64, BTreeMap<[u8; 16], Moment>)> {
    let source = files.open(&dir.join(name(side))).ok()?;
    let size = source.size().ok().filter(|size| (8..=MAX_FILE).contains(size))?;
    let mut bytes = vec![0; usize::try_from(size).ok()?];
    source.read_exact_at(0, &mut bytes).ok()?;
    let (turn, rest) = bytes.split_first_chunk::<8>()?;
    let all: Vec<One> = minicbor::decode(rest).ok()?;
    Some((
        u64::from_le_bytes(*turn),
        all.into_iter().map(|one| (one.user, one.at)).collect(),
    ))
}
