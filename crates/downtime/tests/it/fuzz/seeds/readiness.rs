//! Receipts and canary patients, for fuzzing.

use chart::{Moment, StationCode};
use downtime::readiness::Light;
use downtime::readiness::board::{Bundle, HeldUntil};
use downtime::readiness::canaries::{Canaries, FormPages, Maker, Pressed, charts};
use downtime::readiness::receipt::{People, Point, Program, Receipt, Signed, What, Why};

use super::super::targets::{STATION, keys};
use super::Seed;

/// Target, name, bytes.
pub fn seeds() -> Vec<Seed> {
    let keys = keys();
    let receipt = Receipt {
        station: STATION.0,
        code: StationCode::parse("R03").unwrap(),
        at: Moment(1_795_000_000),
        holds: None,
        printed: Some(Moment(1_794_999_000)),
        points: vec![
            Point::new(What::Printers, Light::Bad, Why::PrintersSilent)
                .of(1, 2)
                .saying("1階受付"),
        ],
        program: Program::default(),
        people: People::default(),
        took_ms: 12,
    };
    let held = HeldUntil {
        station: STATION.0,
        at: receipt.at,
    };
    let bundle = Bundle {
        receipts: vec![Signed::sign(&receipt, &keys.station)],
        held: vec![held],
    };
    let pressed = Pressed {
        maker: Maker {
            version: "1".into(),
            system: "linux".into(),
        },
        forms: vec![FormPages {
            form: "F02".into(),
            sheets: 1,
            pages: 1,
            sha256: [7; 32],
        }],
    };
    let few: Vec<_> = charts().into_iter().skip(3).step_by(4).take(2).collect();
    vec![
        ("receipts", "one", bundle.to_bytes()),
        ("receipts", "none", Bundle::default().to_bytes()),
        ("canaries", "two", Canaries::to_bytes(&few, Some(pressed)).unwrap()),
    ]
}
