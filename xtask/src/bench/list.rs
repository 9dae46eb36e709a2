//! Every bench, in groups: the machine's limits first, then what is compared with them.
//!
//! It deliberately only lists: how a figure is taken lies in `measure` and `peers`, and a bench of more than a few
//! lines gets a file of its own in this folder.

use super::{Bench, Measured, Target, measure, median_of, peers};

/// Every bench. The next one goes at the end of its group.
pub const BENCHES: &[Bench] = &[
    // The machine's own limits: peers of what comes below.
    Bench {
        name: "disk.fdatasync.1kb",
        unit: "appends/s",
        peer: "the same appends without fdatasync",
        target: Target::None,
        measure: |ground| {
            let value = median_of(ground.runs, || peers::synced_appends_per_second(&ground.scratch, 1024))?;
            let peer_value = median_of(ground.runs, || {
                peers::unsynced_appends_per_second(&ground.scratch, 1024)
            })?;
            Ok(Measured {
                value,
                peer_value: Some(peer_value),
            })
        },
    },
    Bench {
        name: "process.start",
        unit: "CPU ms",
        peer: "",
        target: Target::None,
        measure: |ground| {
            let value = median_of(ground.runs, || {
                Ok(measure::finished("true", &[], &ground.scratch)?.cpu_seconds * 1e3)
            })?;
            Ok(Measured {
                value,
                peer_value: None,
            })
        },
    },
];
