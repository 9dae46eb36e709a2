//! One line of an audit log.

use chart::Subject;
use chart::{Author, Moment, PatientId, StationCode};
use downtime::audit::{Deed, Method, Outcome, Sighting};

/// A chart was opened.
pub fn one() -> Sighting {
    Sighting {
        at: Moment(1_795_000_000),
        station: StationCode::parse("R03").unwrap(),
        by: Author {
            user: "2001".into(),
            name: "試験　花子".into(),
            role: "physician".into(),
        },
        method: Method::BadgeAndPassword,
        deed: Deed::Opened,
        subject: Subject::Patient(PatientId::parse("00001000").unwrap()),
        reason: "当直".into(),
        outcome: Outcome::Done,
        count: 1,
        detail: "外来".into(),
    }
}
