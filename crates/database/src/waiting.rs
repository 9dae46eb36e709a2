//! Waiting for a server without a thread of its own: drivers are asynchronous, the sources are not.
//!
//! Everything that is waited for has a limit. Deliberately absent: waiting inside another runtime, which would panic; sources run on
//! threads of their own.

use std::time::Duration;

use downtime::sources::sql::Fault;
use tokio::runtime::{Builder, Runtime};

/// Where one session's line is driven from.
#[derive(Debug)]
pub struct Waiting(Option<Runtime>);

impl Waiting {
    /// Ready to wait.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn new() -> Result<Self, Fault> {
        Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map(|runtime| Self(Some(runtime)))
            .map_err(|error| Fault::Connection(format!("通信の準備ができません（{error}）")))
    }

    /// Drives `work` to its end, or gives it up after `limit`.
    pub fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let runtime = self.0.as_ref()?;
        runtime.block_on(async { tokio::time::timeout(limit, work).await.ok() })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // A name that is still being looked up may take its time, but not ours.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_is_given_up() {
        let waiting = Waiting::new().unwrap();
        assert_eq!(waiting.within(Duration::from_secs(5), async { 7 }), Some(7));
        assert_eq!(
            waiting.within(Duration::from_millis(1), std::future::pending::<()>()),
            None
        );
    }
}
