//! How many connections each address has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::is_this_machine;

/// Counts connections by address; this machine itself is not counted, because everybody at it is one person.
#[derive(Debug, Clone)]
pub struct Crowd {
    each: usize,
    inside: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Crowd {
    /// Lets so many of one address in.
    pub fn new(each: usize) -> Self {
        Self {
            each,
            inside: Arc::default(),
        }
    }

    /// A place for one more of this address, until it is dropped; `None` when it has too many.
    pub fn enter(&self, address: IpAddr) -> Option<Place> {
        let address = neighbourhood(address);
        if is_this_machine(address) {
            return Some(Place(None));
        }
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let count = inside.entry(address).or_default();
        if *count >= self.each {
            return None;
        }
        *count += 1;
        Some(Place(Some((self.clone(), address))))
    }

    fn leave(&self, address: IpAddr) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = inside.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                inside.remove(&address);
            }
        }
    }
}

/// One machine has as many addresses of version 6 as it likes within its network of 64 bits.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) if !six.is_loopback() => IpAddr::V6((u128::from(six) >> 64 << 64).into()),
        other => other,
    }
}

/// Held as long as the connection lives.
#[derive(Debug)]
pub struct Place(Option<(Crowd, IpAddr)>);

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((crowd, address)) = &self.0 {
            crowd.leave(*address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_takes_its_share_and_gives_it_back() {
        let crowd = Crowd::new(2);
        let ward: IpAddr = "10.0.0.7".parse().unwrap();
        let held: Vec<_> = (0..2).map(|_| crowd.enter(ward).unwrap()).collect();
        assert!(crowd.enter(ward).is_none());
        assert!(crowd.enter("10.0.0.8".parse().unwrap()).is_some());
        assert!(
            crowd.enter("::ffff:10.0.0.7".parse().unwrap()).is_none(),
            "the same machine in another notation"
        );
        drop(held);
        assert!(crowd.enter(ward).is_some());
        let one: Vec<_> = (1..4)
            .map(|n| crowd.enter(format!("fd00::{n}").parse().unwrap()))
            .collect();
        assert!(one[2].is_none(), "three addresses of one network");
        drop(one);
        assert!(crowd.inside.lock().unwrap().is_empty());
        let here: Vec<_> = (0..9).map(|_| crowd.enter("127.0.0.1".parse().unwrap())).collect();
        assert!(here.iter().all(Option::is_some));
    }
}
