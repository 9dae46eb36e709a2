//! How much a test tries: what fits into every run of the suite, or what `cargo xtask torture` asks for.
//!
//! Deliberately the only place of these tests that looks at the environment and the clock.
#![allow(clippy::disallowed_methods)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Whether `cargo xtask torture` runs this.
pub fn is_torture() -> bool {
    number("TORTURE").is_some()
}

/// How many images, flips or runs: `usual`, or what torture asks for.
pub fn images(usual: u64) -> u64 {
    number("TORTURE_IMAGES").unwrap_or(usual)
}

/// Where the seeds begin, so that another torture run tries other courses.
pub fn first_seed() -> u64 {
    number("TORTURE_SEED").unwrap_or(0)
}

/// Gives out seeds to several threads until there are no more or the time torture has is over.
pub struct Seeds {
    next: AtomicU64,
    until: Option<Instant>,
}

impl Seeds {
    pub fn new() -> Self {
        let seconds = number("TORTURE_SECONDS").filter(|seconds| *seconds > 0);
        Self {
            next: AtomicU64::new(first_seed()),
            until: seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds)),
        }
    }

    /// The next seed while `done` is below `wanted`; with a time to keep, while there is time.
    pub fn next(&self, done: u64, wanted: u64) -> Option<u64> {
        let goes_on = match self.until {
            Some(until) => Instant::now() < until,
            None => done < wanted,
        };
        goes_on.then(|| self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// Runs `work` on both cores and gives back what each made.
pub fn on_two_cores<T: Send>(work: impl Fn() -> T + Sync) -> [T; 2] {
    std::thread::scope(|scope| {
        let other = scope.spawn(&work);
        let mine = work();
        let theirs = other
            .join()
            .unwrap_or_else(|failure| std::panic::resume_unwind(failure));
        [mine, theirs]
    })
}

/// Where the writer of `faults.rs` writes, when this process is one.
pub fn writer_dir() -> Option<PathBuf> {
    std::env::var_os("VAULT_TEST_WRITER").map(PathBuf::from)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
