//! What every request shares: the station, both languages, sessions, handles. Built once by [`crate::router`].
//!
//! It holds nothing about patients: those live in the station and in the sessions of people who are signed in.

use std::sync::Arc;

use chart::Moment;
use downtime::state::State;
use downtime::stations::Station;
use tokio::sync::{Mutex, MutexGuard, Semaphore};

use crate::assets::Assets;
use crate::handle::Handles;
use crate::rolls::Rolls;
use crate::session::Sessions;
use crate::words::Dictionary;
use crate::{Desk, DeskFault};

/// Shared by all requests.
pub struct Site {
    /// What the roof handed over.
    pub desk: Desk,
    /// Both languages.
    pub words: Dictionary,
    /// Addresses of scripts and styles.
    pub assets: Assets,
    /// Who is signed in.
    pub sessions: Sessions,
    /// Opaque addresses.
    pub handles: Handles,
    /// Rows of lists, ready made, while somebody is signed in.
    pub rolls: Rolls,
    /// At most this many people unlock at once: each takes 64 MiB for its moment.
    pub doors: Semaphore,
    turns: Vec<Mutex<()>>,
}

/// Turns for acts on one thing at a time; two things rarely share one.
const TURNS: usize = 64;
/// People who may be unlocking at once.
const DOORS: usize = 2;

impl Site {
    /// Reads words, versions assets, draws the handle key.
    ///
    /// # Errors
    /// [`DeskFault`] when the compiled-in words are broken or there is no randomness.
    pub fn new(desk: Desk) -> Result<Arc<Self>, DeskFault> {
        let mut key = [0; 32];
        (desk.chance)(&mut key)?;
        Ok(Arc::new(Self {
            words: Dictionary::load()?,
            assets: Assets::new(),
            sessions: Sessions::new(desk.idle_seconds, desk.https),
            handles: Handles::new(key),
            rolls: Rolls::default(),
            doors: Semaphore::new(DOORS),
            turns: (0..TURNS).map(|_| Mutex::new(())).collect(),
            desk,
        }))
    }

    /// The station.
    #[must_use]
    pub fn station(&self) -> &Station {
        &self.desk.station
    }

    /// Waits for the turn to act on one thing (a person's reception, one form): what is looked at stays true until it is done.
    pub async fn turn(&self, thing: &str) -> Option<MutexGuard<'_, ()>> {
        let sum = thing
            .bytes()
            .fold(0_usize, |sum, b| sum.wrapping_mul(31).wrapping_add(b.into()));
        match self.turns.get(sum % TURNS) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        }
    }

    /// Its state, now.
    #[must_use]
    pub fn state(&self) -> State {
        self.station().state()
    }

    /// Its clock.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.station().now()
    }
}
