//! Receipts from signing to "if it stopped now": forged, old, damaged and missing ones, every combination of what a station may say, and
//! the alarms of somebody who watches from outside.

mod alarms;
mod fleets;
mod kept;

use chart::{Moment, StationCode};
use downtime::identity::Roster;
use downtime::readiness::Light;
use downtime::readiness::receipt::{Holds, NEEDED, People, Point, Program, Receipt, Signed, What, Why};
use vault::HospitalId;
use vault::keys::{RoleSecret, SealerSecret, StationSecret};

use crate::hospital::{nine, rng};

/// Stations with their secrets, enrolled at one hospital.
pub struct Enrolled {
    pub roster: Roster,
    pub secrets: Vec<(StationCode, StationSecret)>,
}

pub fn code(text: &str) -> StationCode {
    StationCode::parse(text).unwrap()
}

/// A hub and three stations: two on ward 3E, one of them in the clinic 01 too, one on 4W.
pub fn enrolled() -> Enrolled {
    let mut rng = rng();
    let role = || RoleSecret::random(&mut crate::hospital::rng()).public();
    let sealer = SealerSecret::random(&mut rng).public();
    let mut roster = Roster::new(HospitalId([7; 16]), "あかり病院", &role(), &role(), &sealer);
    let mut secrets = Vec::new();
    for (n, (name, letter)) in [("H01", 'A'), ("R03", 'C'), ("R04", 'D'), ("R05", 'E')]
        .into_iter()
        .enumerate()
    {
        let secret = StationSecret::random(&mut rng);
        roster
            .enrol_station(code(name), u8::try_from(n).unwrap() + 1, letter, &secret.public())
            .unwrap();
        secrets.push((code(name), secret));
    }
    roster.stations[0].hub = true;
    roster.stations[1].wards = vec!["3E".to_owned()];
    roster.stations[2].wards = vec!["3E".to_owned()];
    roster.stations[2].departments = vec!["01".to_owned()];
    roster.stations[3].wards = vec!["4W".to_owned()];
    Enrolled { roster, secrets }
}

pub fn newest() -> Holds {
    Holds {
        epoch: 40_000,
        delta: 2,
        manifest: [9; 32],
        sealed: Moment(nine().0 - 1_200),
        as_of: Moment(nine().0 - 1_500),
    }
}

/// Everything good, at nine, for the newest snapshot.
pub fn good(roster: &Roster, station: StationCode) -> Receipt {
    let why = |what| match what {
        What::Opening => Why::Opens,
        What::Canaries => Why::CanariesOpen,
        What::Forms => Why::FormsPrint,
        What::Pages => Why::PagesSame,
        What::Saving => Why::Saved,
        What::Disk => Why::Room,
        What::Clock => Why::Synced,
        What::Printers => Why::PrintersReady,
        What::SecondCopy => Why::SecondAnswers,
        What::People => Why::PeopleCame,
    };
    Receipt {
        station: *roster.station_id(station).as_bytes(),
        code: station,
        at: nine(),
        holds: Some(newest()),
        printed: Some(Moment(nine().0 - 600)),
        points: NEEDED
            .iter()
            .map(|what| Point::new(*what, Light::Good, why(*what)))
            .collect(),
        program: Program {
            version: "0.1.0".to_owned(),
            system: "linux-x86_64".to_owned(),
            file: [3; 32],
        },
        people: People {
            staff: 33,
            lately: 31,
            never: 1,
            last: Some(Moment(nine().0 - 60)),
        },
        took_ms: 4_200,
    }
}

impl Enrolled {
    pub fn secret(&self, station: StationCode) -> &StationSecret {
        &self.secrets.iter().find(|(code, _)| *code == station).unwrap().1
    }

    /// A good receipt, changed, then signed by its station.
    pub fn signed(&self, station: &str, change: impl FnOnce(&mut Receipt)) -> Signed {
        let mut receipt = good(&self.roster, code(station));
        change(&mut receipt);
        Signed::sign(&receipt, self.secret(code(station)))
    }
}
