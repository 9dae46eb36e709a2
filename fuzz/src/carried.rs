//! Targets of what people carry: packs on sticks, packs as codes, and the sealed files of backups.

use std::io::Read;

use downtime::carry::{codes, pack};
use vault::journal::Stations;
use vault::keys::RecoverySecret;
use vault::sign::Purpose;

use super::stand::{HOSPITAL, STATION, keys};

/// The header of a pack without pieces, under a right signature: a stick is hostile, and a stolen key signs anything.
pub fn pack(data: &[u8]) -> bool {
    let station = &keys().station;
    let stations = Stations::from([(STATION, station.public())]);
    let signature = station.sign(Purpose::Pack, &[pack::MAGIC, data].concat());
    let mut last = [0; 12];
    last.iter_mut()
        .zip(data.iter().rev())
        .for_each(|(to, from)| *to = *from);
    let _ = pack::header_at(data.len() as u64, &last);
    let at = pack::MAGIC.len() as u64;
    pack::open(at, &[data, &signature].concat(), &HOSPITAL, &stations).is_ok()
}

/// What a reader of codes typed.
pub fn carried_codes(data: &[u8]) -> bool {
    codes::joined(&String::from_utf8_lossy(data)).is_ok()
}

/// An age file.
pub fn age_file(data: &[u8]) -> bool {
    let secret = RecoverySecret::from_seed(&[7; 32]);
    let Ok(reader) = vault::age::Reader::open(data, &secret) else {
        return false;
    };
    reader.take(1 << 20).read_to_end(&mut Vec::new()).is_ok()
}
