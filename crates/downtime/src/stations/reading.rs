//! A station's entries from its files, without the station: for exports, scans and proofs, also while it runs.

use chart::StationCode;
use vault::files::Files;
use vault::journal::{read_journal, read_placed};

use super::{Live, StationFault, enrolled_stations, live};
use crate::identity::Roster;

/// A station's entries read from its files without starting it: for exports and proofs, also while it runs.
///
/// # Errors
/// [`StationFault`] when the files cannot be listed or the station is not enrolled.
pub fn read_entries(
    files: &dyn Files,
    data: &std::path::Path,
    roster: &Roster,
    code: StationCode,
    journal: &vault::keys::RoleSecret,
) -> Result<Live, StationFault> {
    let (hospital, id) = (roster.hospital(), roster.station_id(code));
    let public = roster.station(code).ok_or(StationFault::NotEnrolled(code))?.public()?;
    let stations = enrolled_stations(roster)?;
    let own = read_journal(files, &data.join("journal"), &hospital, &id, &public);
    let live = Live::open(Some(journal.clone()), &own.map_err(StationFault::Read)?.records);
    let mut some = Vec::new();
    let mut each = |record, _| {
        some.push(record);
        if some.len() >= live::AT_ONCE {
            live.take_older(&some);
            some.clear();
        }
    };
    read_placed(files, &data.join("peers"), &hospital, &id, &stations, &mut each).map_err(StationFault::Read)?;
    live.take_older(&some);
    Ok(live)
}
