//! Whom the hospital believes on the line: certificates of its authorities, which travel with the roster that officers change.

use super::Roster;

impl Roster {
    /// Certificates (DER) of the authorities that vouch for stations and hubs on the line, the newest first.
    #[must_use]
    pub fn authorities(&self) -> Vec<Vec<u8>> {
        self.authorities.iter().map(|one| one.to_vec()).collect()
    }

    /// From now on these vouch for stations and hubs on the line.
    pub fn set_authorities(&mut self, certificates: &[Vec<u8>]) {
        self.authorities = certificates.iter().map(|one| one.clone().into()).collect();
    }
}

#[cfg(test)]
mod tests {
    use chart::StationCode;
    use vault::keys::{RoleSecret, SealerSecret, StationSecret};

    use super::*;
    use crate::identity::HospitalId;

    #[test]
    fn authorities_travel_with_the_roster_and_none_is_none() {
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let role = RoleSecret::random(&mut rng).public();
        let sealer = SealerSecret::random(&mut rng).public();
        let mut roster = Roster::new(HospitalId([1; 16]), "x", &role, &role, &sealer);
        let station = StationSecret::random(&mut rng).public();
        roster
            .enrol_station(StationCode::parse("R03").unwrap(), 3, 'C', &station)
            .unwrap();
        assert!(roster.authorities().is_empty());
        roster.set_authorities(&[vec![1, 2, 3], vec![4]]);
        let read = Roster::from_bytes(&roster.without_users().to_bytes().unwrap()).unwrap();
        assert_eq!(read.authorities(), [vec![1, 2, 3], vec![4]]);
    }
}
