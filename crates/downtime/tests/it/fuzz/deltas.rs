//! Seeds of what travels: the file of a delta, the end of a file, a heartbeat.

use std::sync::Arc;

use downtime::distribution::Heartbeat;
use vault::CompartmentId;
use vault::snapshot::{Amendment, Sealed, Snapshot, SnapshotWriter, Tail};

use super::seeds::{Seed, manifest_of};
use super::targets::{HOSPITAL, Repeatable, keys};

/// From the file an epoch began with.
pub fn all(file: &[u8], sealed: Sealed, compartment: CompartmentId) -> Vec<Seed> {
    let (keys, mut rng) = (keys(), Repeatable(3));
    let trusted = [keys.sealer.public()];
    let open = |file: &[u8]| Snapshot::open(Arc::new(file.to_vec()), &trusted).unwrap();
    let when = Amendment {
        created: 1_795_000_900,
        fresh_until: 1_795_094_500,
        level: 3,
    };
    let beat = Heartbeat {
        hospital: HOSPITAL,
        newest: (&sealed.manifest).into(),
        at: chart::Moment(1_795_000_000),
    };
    let before = open(file);
    let mut amended = Vec::new();
    let mut writer = SnapshotWriter::amend(&mut amended, &before, sealed.reopen, when, &keys.sealer, &mut rng).unwrap();
    writer.add_record(&[compartment], b"another patient").unwrap();
    writer.finish(&mut |_, _| vec![b"a list".to_vec()], b"stat").unwrap();
    vec![
        ("manifest", "delta", manifest_of(&amended)),
        ("tail", "one-record", Tail::of(&before).unwrap()),
        ("tail", "delta", Tail::of(&open(&amended)).unwrap()),
        ("heartbeat", "beat", beat.sign(&keys.sealer)),
        ("snapshot", "delta", amended),
    ]
}
