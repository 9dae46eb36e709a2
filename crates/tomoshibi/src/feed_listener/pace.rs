//! How fast one sender may send: messages and bytes in a second, over all its connections.
//!
//! What goes beyond is not refused and not lost: it is kept and answered, and then nothing is read from the sender until its share has
//! grown again. The sender's own buffers fill, and it waits. It deliberately knows neither sockets nor the wall clock, which may jump.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::settings::Network;

/// Most senders remembered; those that may send at once are forgotten first.
const MOST_SENDERS: usize = 4_096;

/// What one sender may send in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Messages.
    pub messages: u32,
    /// Bytes.
    pub bytes: u32,
}

/// Who may send how fast.
#[derive(Debug, Clone, Default)]
pub struct Paces {
    /// For senders that are named nowhere else; `None` is no limit.
    pub usual: Option<Pace>,
    /// For senders with a pace of their own. The first that holds an address counts.
    pub own: Vec<(Network, Pace)>,
}

impl Paces {
    fn of(&self, address: IpAddr) -> Option<Pace> {
        let own = self.own.iter().find(|(network, _)| network.holds(address));
        own.map(|(_, pace)| *pace).or(self.usual)
    }
}

/// How far each sender has used its share up.
#[derive(Debug, Default)]
pub struct Meter(Mutex<HashMap<IpAddr, Debt>>);

/// From when on a sender has a full share again, counted apart for messages and bytes.
#[derive(Debug, Clone, Copy)]
struct Debt {
    messages: Instant,
    bytes: Instant,
}

impl Meter {
    /// Counts what a sender has sent and says how long it is not to be read. A second's share may come at once.
    pub fn count(&self, paces: &Paces, address: IpAddr, messages: usize, bytes: usize, now: Instant) -> Duration {
        let Some(pace) = paces.of(address) else {
            return Duration::ZERO;
        };
        let mut senders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if senders.len() >= MOST_SENDERS {
            senders.retain(|_, debt| debt.messages.max(debt.bytes) > now);
        }
        let debt = senders.entry(address).or_insert(Debt {
            messages: now,
            bytes: now,
        });
        debt.messages = debt.messages.max(now) + share(messages, pace.messages);
        debt.bytes = debt.bytes.max(now) + share(bytes, pace.bytes);
        let full = debt.messages.max(debt.bytes);
        full.saturating_duration_since(now)
            .saturating_sub(Duration::from_secs(1))
    }
}

/// The time in which so much may be sent.
fn share(sent: usize, in_a_second: u32) -> Duration {
    let micros = (sent as u64).saturating_mul(1_000_000) / u64::from(in_a_second.max(1));
    Duration::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 3, 15));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 3, 16));

    #[test]
    fn a_seconds_share_may_come_at_once_and_what_is_beyond_waits() {
        let paces = Paces {
            usual: Some(Pace {
                messages: 10,
                bytes: 1_000,
            }),
            own: vec![(
                Network::parse("10.0.3.16").unwrap(),
                Pace {
                    messages: 100,
                    bytes: 1_000,
                },
            )],
        };
        let (meter, now) = (Meter::default(), Instant::now());
        let after = |milliseconds| now + Duration::from_millis(milliseconds);
        assert_eq!(meter.count(&paces, ONE, 10, 100, now), Duration::ZERO);
        assert_eq!(meter.count(&paces, ONE, 1, 10, now), Duration::from_millis(100));
        assert_eq!(meter.count(&paces, OTHER, 11, 100, now), Duration::ZERO, "its own pace");
        assert_eq!(meter.count(&paces, ONE, 1, 10, after(200)), Duration::ZERO);
        assert_eq!(
            meter.count(&paces, ONE, 1, 5_000, after(9_000)),
            Duration::from_secs(4),
            "bytes count, too"
        );
        assert_eq!(
            meter.count(&Paces::default(), ONE, 1 << 20, 1 << 30, now),
            Duration::ZERO
        );
    }
}
