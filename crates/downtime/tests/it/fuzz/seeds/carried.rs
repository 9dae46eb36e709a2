//! Seeds of what people carry: a receipt as a pack and as a code, and a sealed file of a backup.

use chart::Moment;
use downtime::carry::{codes, pack};
use downtime::stations::Heads;

use super::Seed;
use crate::fuzz::targets::{HOSPITAL, Repeatable, STATION, keys};

/// Target, name, bytes.
pub fn seeds() -> Vec<Seed> {
    let header = pack::Header {
        version: 1,
        hospital: *HOSPITAL.as_bytes(),
        sender: *STATION.as_bytes(),
        serial: 3,
        made: Moment(1_795_000_000),
        heads: Heads::default(),
        records: 0,
        ranges: Vec::new(),
        pieces: Vec::new(),
        snapshot: None,
        more: false,
        answers: None,
        partial: true,
        receipts: Vec::new(),
    };
    let whole = [&pack::MAGIC[..], &pack::close(&header, &keys().station)].concat();
    let codes = codes::cut(&whole).join("\r\n");
    let secret = vault::keys::RecoverySecret::from_seed(&[7; 32]);
    let public = secret.public();
    let mut age = vault::age::Writer::new(Vec::new(), &[&public], &mut Repeatable(11)).unwrap();
    std::io::Write::write_all(&mut age, b"everything that must not be lost").unwrap();
    vec![
        ("pack", "receipt", minicbor::to_vec(&header).unwrap()),
        ("carried_codes", "receipt", codes.into_bytes()),
        ("age_file", "small", age.finish().unwrap()),
    ]
}
