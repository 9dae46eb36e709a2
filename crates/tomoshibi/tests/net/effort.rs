//! How much is tried: a little in the suite, all of it in `cargo xtask torture`.

use std::time::{Duration, Instant};

/// Asked for by torture.
pub fn is_torture() -> bool {
    std::env::var_os("TORTURE").is_some()
}

/// The first seed: given by torture, else another one every day, so that the suite sees them all in time. It is printed with every failure.
pub fn seed() -> u64 {
    let told = std::env::var("TORTURE_SEED").ok().and_then(|seed| seed.parse().ok());
    told.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(0, |now| now.as_secs() / 86_400)
    })
}

/// How many of something are tried: so many in the suite, `all` in torture or as many as it was told.
pub fn count(suite: usize, all: usize) -> usize {
    let told = std::env::var("TORTURE_IMAGES")
        .ok()
        .and_then(|images| images.parse::<usize>().ok());
    match told {
        Some(told) if is_torture() => told.clamp(1, all),
        _ if is_torture() => all,
        _ => suite,
    }
}

/// A small generator: the same course of events for the same seed, as far as processes let themselves be led.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// 0 to `below` - 1.
    pub fn roll(&mut self, below: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % below.max(1) as u64).unwrap_or(0)
    }
}

/// Looks again and again until something is so, and gives how long it took; panics with what is wrong after `patience`.
pub fn until(what: &str, patience: Duration, mut so: impl FnMut() -> Result<(), String>) -> Duration {
    let begun = Instant::now();
    loop {
        match so() {
            Ok(()) => return begun.elapsed(),
            Err(why) => assert!(
                begun.elapsed() < patience,
                "{what}: still not so after {} s: {why}",
                patience.as_secs()
            ),
        }
        pause(20);
    }
}

/// Lets others work for so many milliseconds; nothing is concluded from it.
pub fn pause(milliseconds: u64) {
    std::thread::park_timeout(Duration::from_millis(milliseconds));
}
