//! A running station that is asked to make place for another program, or to stop.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// A station that is asked to leave, so that its supervisor starts another program.
#[derive(Debug, Default)]
pub struct Leave {
    asked: AtomicBool,
    another: AtomicBool,
    notify: Notify,
}

impl Leave {
    /// Asks it to make place for another program.
    pub(super) fn for_another(&self) {
        self.another.store(true, Ordering::SeqCst);
        self.stop();
    }

    /// Asks it to stop.
    pub fn stop(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.notify.notify_waiters();
    }

    /// Whether somebody has asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Whether another program is to be started.
    #[must_use]
    pub fn wants_another(&self) -> bool {
        self.another.load(Ordering::SeqCst)
    }

    /// Resolves when somebody asks.
    pub async fn asked(&self) {
        loop {
            // Listens before it looks: what is asked in between is heard.
            let mut heard = std::pin::pin!(self.notify.notified());
            heard.as_mut().enable();
            if self.is_asked() {
                return;
            }
            heard.await;
        }
    }
}
