//! Sound messages of an enrolment.

use chart::{Moment, StationCode};
use downtime::identity::Roster;
use downtime::identity::enrolment::{Answer, Ask, Card, InvitationCode, Ledger, Reply, Wish};
use downtime::identity::passing::{Passed, SignedRoster};

use super::super::targets::{HOSPITAL, Repeatable, keys};
use super::Seed;

pub(super) fn enrolment() -> Vec<Seed> {
    let (keys, mut rng) = (keys(), Repeatable(9));
    let code = InvitationCode::random(&mut rng);
    let (station, sealer) = (keys.station.public(), keys.sealer.public());
    let ask = Ask::new(&code, &station, &sealer, "ward-3e", "0.1.0", &mut rng).sign(&code, &keys.station);
    let mut roster = Roster::new(HOSPITAL, "試験病院", &keys.role.public(), &keys.role.public(), &sealer);
    let hub = StationCode::parse("H01").unwrap();
    roster.enrol_station(hub, 1, 'A', &station).unwrap();
    roster.changed_at(hub).unwrap();
    let card = Card {
        hospital: HOSPITAL.0,
        name: "試験病院".into(),
        hub,
        public: station.to_bytes(),
    };
    let mut ledger = Ledger::default();
    let offer = Wish::default().offer(&roster, &ledger, Moment(0)).unwrap();
    ledger.issue(&code, &card, offer, "9001", Moment(0), 15).unwrap();
    ledger.hear(&ask, "10.0.0.7", Moment(60)).unwrap();
    let answer = Answer::new(&ask, &Reply::Expired, &ledger.invitations[0], &keys.station);
    let passed = Passed {
        stamp: roster.stamp(),
        public: Some(SignedRoster::sign(&roster, hub, &keys.station).unwrap()),
        whole: None,
        who: Some(hub),
    };
    vec![
        ("enrolment", "ask", ask.to_bytes()),
        ("enrolment", "answer", answer.to_bytes()),
        ("enrolment", "ledger", ledger.to_bytes()),
        ("enrolment", "passed", passed.to_bytes()),
        ("enrolment", "code", code.to_typed().as_bytes().to_vec()),
    ]
}
