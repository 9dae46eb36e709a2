//! Checking a log's files from outside, slowly and thoroughly: every signature, every link, and every checkpoint that
//! somebody kept of it. For `verify`, after a suspicion, and with checkpoints read from paper.
//!
//! It needs no key and reads nobody's sighting. It cannot see what was never recorded, nor the records behind the last
//! checkpoint that somebody else keeps.

use std::io;
use std::path::Path;

use vault::checkpoint::SignedCheckpoint;
use vault::files::Files;
use vault::journal::{Class, Damage, DamageKind, Stations, read_journal, verify_chain};
use vault::keys::StationPublic;
use vault::{HospitalId, StationId};

use super::{Flaw, Ledger, SIGHTING};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Records that stand in a chain.
    pub records: u64,
    /// Places in the files that are not as they were written, without those that a crash leaves.
    pub damage: Vec<Damage>,
    /// Records that this station did not sign.
    pub bad_signatures: u64,
    /// Gaps, forks, breaks.
    pub flaws: Vec<Flaw>,
    /// Signed records that another one overtook; a failed write leaves such, a rewritten log too.
    pub superseded: u64,
    /// Records that are no sightings.
    pub strangers: u64,
    /// Checkpoints of this log that it contains.
    pub contained: u64,
    /// Checkpoints that it no longer contains: something was taken away or changed after somebody saw it.
    pub contradicted: Vec<SignedCheckpoint>,
}

impl Checked {
    /// Nothing speaks against the log.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damage.is_empty()
            && self.flaws.is_empty()
            && self.contradicted.is_empty()
            && self.bad_signatures + self.superseded + self.strangers == 0
    }
}

/// Checks the log of one station under `dir` against what `seen` says about it. Checkpoints that the station did not sign
/// prove nothing and are left out.
///
/// # Errors
/// When the directory cannot be listed.
pub fn verify(
    files: &dyn Files,
    dir: &Path,
    hospital: &HospitalId,
    station: &StationId,
    public: &StationPublic,
    seen: &[SignedCheckpoint],
) -> io::Result<Checked> {
    let walk = read_journal(files, dir, hospital, station, public)?;
    let chain = verify_chain(&walk.records, &Stations::from([(*station, *public)]));
    let mut ledger = Ledger::default();
    walk.records.iter().for_each(|record| ledger.take(record));
    let mut checked = Checked {
        records: ledger.chains().map(|(_, size)| size).sum(),
        damage: walk.damage,
        bad_signatures: chain.bad_signatures.len() as u64,
        flaws: ledger.flaws(),
        superseded: walk.superseded.len() as u64,
        ..Checked::default()
    };
    checked.damage.retain(|damage| damage.kind != DamageKind::Unfinished);
    let stranger = |class: Class| class != Class::KEY && class != SIGHTING;
    checked.strangers = walk.records.iter().filter(|r| stranger(r.header().class)).count() as u64;
    for checkpoint in seen {
        let Ok(claim) = checkpoint.verify(public) else { continue };
        if claim.origin.hospital != *hospital || claim.origin.station != *station {
            continue;
        }
        let chain = (claim.origin.station, claim.origin.incarnation);
        if ledger.root(&chain, claim.size) == Some(claim.root) {
            checked.contained += 1;
        } else {
            checked.contradicted.push(*checkpoint);
        }
    }
    Ok(checked)
}
