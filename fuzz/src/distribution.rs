//! What a station is told over the line before it asks for a byte of a snapshot: the sealer's heartbeat, and the end of a file.

use downtime::distribution::{Heartbeat, HeartbeatFault};
use vault::sign::Purpose;
use vault::snapshot::Tail;

use super::stand::keys;

/// A heartbeat as it is, and with a right signature behind whatever it says.
pub fn heartbeat(data: &[u8]) -> bool {
    let keys = keys();
    let trusted = [keys.sealer.public()];
    let _ = Heartbeat::read(data, &trusted);
    let mut dressed = data.get(..80).unwrap_or(data).to_vec();
    let signature = keys.sealer.sign(Purpose::Heartbeat, &dressed);
    dressed.extend_from_slice(&keys.sealer.public().to_bytes());
    dressed.extend_from_slice(&signature);
    match Heartbeat::read(&dressed, &trusted) {
        Ok(beat) => {
            assert_eq!(beat.sign(&keys.sealer), dressed, "written again it is the same");
            true
        }
        Err(fault) => {
            assert_ne!(fault, HeartbeatFault::Untrusted, "its signature is right");
            false
        }
    }
}

/// The end of a snapshot file.
pub fn tail(data: &[u8]) -> bool {
    match Tail::parse(data, &[keys().sealer.public()]) {
        Ok(tail) => {
            assert_eq!(tail.bytes(), data);
            true
        }
        Err(_) => false,
    }
}
