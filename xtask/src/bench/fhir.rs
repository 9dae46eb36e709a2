//! FHIR: NDJSON into our borrowed types, beside `serde_json` with less to do, and beside `fhir.resources` in Python.

use anyhow::Result;

use super::hospital::text;
use super::measure::example;
use super::messages::figures;
use super::{Ground, Measured, measure, medians_of};
use crate::setup;

/// Resources a second and MB a second, by CPU time of one thread.
pub fn rate(ground: &Ground) -> Result<Vec<Measured>> {
    let program = text(&example("downtime", "fhir_rate")?)?;
    let [ours, ours_mb, limit, limit_mb, raw] = medians_of(ground.runs, || {
        let (_, said) = measure::finished(&program, &[], &ground.scratch)?;
        let [ours, ours_mb] = figures(&said, "fhir.read")?;
        let [limit, limit_mb] = figures(&said, "serde_json.six-fields")?;
        Ok([ours, ours_mb, limit, limit_mb, figures(&said, "serde_json.raw")?[0]])
    })?;
    Ok(vec![
        Measured::beside(ours, limit),
        Measured::beside(ours_mb, limit_mb),
        Measured::beside(ours, raw),
    ])
}

/// Resources a second beside `fhir.resources`, which makes complete and checked models of the same lines.
pub fn rate_beside_python(ground: &Ground) -> Result<Vec<Measured>> {
    let program = text(&example("downtime", "fhir_rate")?)?;
    let lines = text(&ground.scratch.join("observations.ndjson"))?;
    measure::finished(&program, &["write", &lines], &ground.scratch)?;
    let root = ground.hospitals.root();
    let python = text(&setup::message_peers(root, ground.hospitals.target())?)?;
    let script = text(&root.join("xtask").join("peers").join("fhir_rate.py"))?;
    let [ours, theirs] = medians_of(ground.runs, || {
        let (_, said) = measure::finished(&program, &[], &ground.scratch)?;
        let (_, said_there) = measure::finished(&python, &[&script, &lines], &ground.scratch)?;
        Ok([
            figures(&said, "fhir.read")?[0],
            figures(&said_there, "fhir.resources")?[0],
        ])
    })?;
    Ok(vec![Measured::beside(ours, theirs)])
}
