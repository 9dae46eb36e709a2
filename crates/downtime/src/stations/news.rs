//! That something new is here: whoever carries records onward need not wait for the next round.
//!
//! A count and nothing else; what is new, the replica says.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// Counts what came: saved here, or received.
pub struct News {
    /// Saved here.
    saved: Mutex<u64>,
    changed: Condvar,
    watch: watch::Sender<u64>,
}

impl Default for News {
    fn default() -> Self {
        Self {
            saved: Mutex::new(0),
            changed: Condvar::new(),
            watch: watch::Sender::new(0),
        }
    }
}

impl News {
    /// Something new came from elsewhere.
    pub(super) fn tell(&self) {
        self.watch.send_modify(|count| *count += 1);
    }

    /// Something was saved here.
    pub(super) fn tell_saved(&self) {
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_all();
        self.tell();
    }

    /// How many wait for news.
    #[must_use]
    pub fn listeners(&self) -> usize {
        self.watch.receiver_count()
    }

    /// How often something was saved here.
    #[must_use]
    pub fn saved(&self) -> u64 {
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits on a thread until more was saved than `seen`, or so long; gives the count.
    #[must_use]
    pub fn wait_saved(&self, seen: u64, longest: Duration) -> u64 {
        let saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(saved, longest, |saved| *saved <= seen);
        let (saved, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *saved
    }

    /// Everything that came, from here or elsewhere, for who waits without holding a thread.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.watch.subscribe()
    }
}
