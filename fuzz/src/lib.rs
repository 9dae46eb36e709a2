//! What fuzzing calls: one function per parser of bytes from outside.
//!
//! A function says whether its bytes got past the door. It may refuse them in any way but one: it must not panic, and it must not take time or memory for what the
//! bytes only claim. Where a signature or a check sum would turn every changed byte away at the door, the function also dresses the bytes up with right
//! ones, so that what is behind the door is reached. What is read and written again must be read as the same. Used by `fuzz_targets/` and by `downtime`'s tests.

mod carried;
mod distribution;
mod enrol;
mod feeds;
mod fhir;
mod readiness;
mod stand;
mod tables;

use std::path::Path;
use std::sync::Arc;

use vault::journal::{JournalKeys, Record, RecordLog, Stations, read_journal};
use vault::keys::{RoleSecret, SealerSecret, StationSecret, UserSecret};
use vault::sign::Purpose;
use vault::snapshot::Snapshot;
use vault::{UserId, sealbox, wrap};

pub use carried::{age_file, carried_codes, pack};
pub use distribution::{heartbeat, tail};
pub use enrol::enrolment;
pub use feeds::{feed_log, hl7_message, iso2022jp, mllp};
pub use fhir::fhir;
pub use readiness::{canaries, receipts};
pub use stand::{HOSPITAL, Repeatable, STATION, keys, place};
use stand::{OneFile, crc32c};
pub use tables::table;

/// A parser: its name, which is also the folder of its corpus, and the function.
pub type Target = (&'static str, fn(&[u8]) -> bool);

/// Every parser. The next one goes at the end, with a file in `fuzz_targets/` and a folder in `corpus/`.
pub const TARGETS: [Target; 42] = [
    ("snapshot", snapshot),
    ("manifest", manifest),
    ("sealbox", sealed_box),
    ("wrap", wrapped_key),
    ("slot", slot),
    ("secret_file", secret_file),
    ("segment", segment),
    ("record", record),
    ("secret_text", secret_text),
    ("recovery", recovery),
    ("checkpoint", checkpoint),
    ("chart", chart_record),
    ("entry", entry),
    ("date", date),
    ("patient_id", patient_id),
    ("roster", roster),
    ("index", index),
    ("heads", heads),
    ("parcel", parcel),
    ("receipts", receipts),
    ("canaries", canaries),
    ("mapping", mapping),
    ("table", table),
    ("declaration", declaration),
    ("sighting", sighting),
    ("showing", showing),
    ("jahis_rx", jahis_rx),
    ("okusuri", okusuri),
    ("okusuri_join", okusuri_join),
    ("okusuri_typed", okusuri_typed),
    ("sheet_code", sheet_code),
    ("hl7", hl7_message),
    ("mllp", mllp),
    ("iso2022jp", iso2022jp),
    ("feed_log", feed_log),
    ("fhir", fhir),
    ("heartbeat", heartbeat),
    ("tail", tail),
    ("pack", pack),
    ("carried_codes", carried_codes),
    ("age_file", age_file),
    ("enrolment", enrolment),
];

/// A whole snapshot file.
pub fn snapshot(data: &[u8]) -> bool {
    open_snapshot(data.to_vec())
}

/// The signed part of a snapshot: a right trailer and a right signature around whatever it says, and as many zeros before it
/// as its last section asks for (`docs/formats/snapshot.md`: 120 bytes, a count, 52 bytes per section).
pub fn manifest(data: &[u8]) -> bool {
    let number = |at: usize, len: usize| {
        let bytes = data.get(at..at + len).unwrap_or_default();
        bytes
            .iter()
            .rev()
            .fold(0_usize, |number, byte| (number << 8) | usize::from(*byte))
    };
    let last = 124 + 52 * number(120, 4).clamp(1, 100) - 52;
    let end = number(last + 4, 8).saturating_add(number(last + 12, 8));
    let mut file = [b"TMBSNAP1".as_slice(), &[0; 8]].concat();
    file.resize(end.clamp(16, 64 << 10), 0);
    let mut trailer = (file.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(data);
    file.extend_from_slice(&[1, 1]);
    file.extend_from_slice(&keys().sealer.public().to_bytes());
    file.extend_from_slice(&keys().sealer.sign(Purpose::Manifest, data));
    trailer.extend_from_slice(&(data.len() as u32).to_le_bytes());
    trailer.extend_from_slice(&98_u32.to_le_bytes());
    trailer.extend_from_slice(&[0; 4]);
    trailer.extend_from_slice(b"TMBSNEND");
    trailer.extend_from_slice(&crc32c(&trailer));
    file.extend_from_slice(&trailer);
    open_snapshot(file)
}

fn open_snapshot(file: Vec<u8>) -> bool {
    let keys = keys();
    let Ok(snapshot) = Snapshot::open(Arc::new(file), &[keys.sealer.public()]) else {
        return false;
    };
    let _ = snapshot.stat();
    snapshot.verify_sections(&mut |_, _| ());
    let Ok(outer) = snapshot.unlock_station(&STATION, &keys.station) else {
        return true;
    };
    for user in outer.users() {
        let Ok(unlocked) = outer.unlock_user(&user.id, &keys.user) else {
            continue;
        };
        for access in unlocked.access() {
            let _ = unlocked.index(access.compartment);
            let _ = unlocked.record(access.compartment, 0);
        }
    }
    true
}

/// The symmetric box.
pub fn sealed_box(data: &[u8]) -> bool {
    sealbox::open(&keys().key, &place(), data).is_ok()
}

/// A key wrapped to a user.
pub fn wrapped_key(data: &[u8]) -> bool {
    wrap::unwrap(&keys().user, &place(), data).is_ok()
}

/// A user's slot. Opening one costs what it says, within bounds: that is done for one in 256.
pub fn slot(data: &[u8]) -> bool {
    let Ok(slot) = vault::slot::Slot::from_bytes(data) else {
        return false;
    };
    let sum = data.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    let cheap = data.get(4..16) == Some(&[0, 0x4C, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0]);
    if cheap && sum == 0 {
        let who = vault::slot::Credentials::Password("password");
        let _ = slot.open(&HOSPITAL, &UserId([1; 16]), 0, &who);
    }
    slot.wants().is_ok()
}

/// A file with a secret key.
pub fn secret_file(data: &[u8]) -> bool {
    StationSecret::from_file_bytes(data).is_ok()
        | SealerSecret::from_file_bytes(data).is_ok()
        | RoleSecret::from_file_bytes(data).is_ok()
        | UserSecret::from_file_bytes(data).is_ok()
}

/// A segment file, in a journal and in a log of other stations' records; as it is, and behind a right header.
pub fn segment(data: &[u8]) -> bool {
    let stations = Stations::from([(STATION, keys().station.public())]);
    let mut found = 0;
    for (magic, own) in [(b"TMBJRNL1", true), (b"TMBRLOG1", false)] {
        let mut header = [magic.as_slice(), &1_u32.to_le_bytes(), &[0; 4], &1_u64.to_le_bytes()].concat();
        header.extend_from_slice(HOSPITAL.as_bytes());
        header.extend_from_slice(STATION.as_bytes());
        header.extend_from_slice(&crc32c(&header));
        header.resize(4096, 0);
        for file in [data.to_vec(), [&header, data].concat()] {
            let (files, dir) = (OneFile(Arc::new(file)), Path::new(""));
            let public = keys().station.public();
            found += if own {
                read_journal(&files, dir, &HOSPITAL, &STATION, &public).map_or(0, |walk| walk.records.len())
            } else {
                RecordLog::read(&files, dir, &HOSPITAL, &STATION, &stations).map_or(0, |log| log.records.len())
            };
        }
    }
    found > 0
}

/// A record from another station: as it is, and with right lengths, check sums and signature.
pub fn record(data: &[u8]) -> bool {
    let stations = Stations::from([(STATION, keys().station.public())]);
    let read = |bytes: &[u8]| {
        let Ok(record) = Record::parse_verified(bytes, &stations) else {
            return false;
        };
        assert_eq!(record.bytes(), bytes, "what is taken is what came");
        let mut keys = JournalKeys::new(keys().role.clone());
        keys.learn(&record);
        let _ = (keys.open(&record), record.open_payload());
        true
    };
    let taken = read(data);
    let payload = data.get(140..data.len().saturating_sub(68).max(140));
    let (Some(header), Some(payload)) = (data.get(8..136), payload) else {
        return taken;
    };
    let len = 140 + payload.len() + 68;
    let mut dressed = [b"TMJR".as_slice(), &(len as u32).to_le_bytes(), header].concat();
    dressed.extend_from_slice(&crc32c(&dressed));
    dressed.extend_from_slice(payload);
    dressed.extend_from_slice(&keys().station.sign(Purpose::Record, &dressed));
    dressed.extend_from_slice(&crc32c(&dressed));
    read(&dressed) | taken
}

/// Badge, envelope and recovery codes as they are scanned or typed.
pub fn secret_text(data: &[u8]) -> bool {
    use vault::recovery::Share;
    use vault::secret_text::{BadgeSecret, EnvelopeSecret, Scanned};
    let text = String::from_utf8_lossy(data);
    let _ = Scanned::looks_like(&text);
    Scanned::read(&text).is_ok()
        | BadgeSecret::from_digits(&text).is_ok()
        | BadgeSecret::from_typed(&text).is_ok()
        | EnvelopeSecret::from_digits(&text).is_ok()
        | EnvelopeSecret::from_typed(&text).is_ok()
        | Share::from_digits(&text).is_ok()
        | Share::from_typed(&text).is_ok()
}

/// The boxes that recovery shares open.
pub fn recovery(data: &[u8]) -> bool {
    let boxes = vault::recovery::RecoveryBoxes::from_bytes(data);
    boxes.is_ok_and(|boxes| {
        assert_eq!(boxes.to_bytes(), data, "one way to write it");
        true
    })
}

/// A checkpoint of an audit log, as text and as the bytes of a QR code.
pub fn checkpoint(data: &[u8]) -> bool {
    use vault::checkpoint::SignedCheckpoint;
    let text = SignedCheckpoint::from_text(&String::from_utf8_lossy(data));
    if let Ok(checkpoint) = &text {
        assert_eq!(checkpoint.to_text().as_bytes(), data, "one way to write it");
    }
    let compact = SignedCheckpoint::from_compact(data, &HOSPITAL);
    if let Ok(checkpoint) = &compact {
        assert_eq!(checkpoint.to_compact(), data, "one way to write it");
    }
    text.is_ok() || compact.is_ok()
}

/// One patient's chart.
pub fn chart_record(data: &[u8]) -> bool {
    let Ok(chart) = chart::Chart::from_bytes(data) else {
        return false;
    };
    let mut again = Vec::new();
    if chart.to_bytes(&mut again).is_ok() {
        let read = chart::Chart::from_bytes(&again).ok();
        assert_eq!(read.as_ref(), Some(&chart), "read as it was written");
    }
    true
}

/// One entry of a journal.
pub fn entry(data: &[u8]) -> bool {
    let Ok(entry) = chart::Entry::from_bytes(data) else {
        return false;
    };
    if let Ok(again) = entry.to_bytes() {
        let read = chart::Entry::from_bytes(&again).ok();
        assert_eq!(read.as_ref(), Some(&entry), "read as it was written");
    }
    true
}

/// Dates and numbers as people and exports write them.
pub fn date(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
    let _ = chart::dose::Quantity::parse(number, unit);
    let _ = chart::note::split_soap(&text);
    let _ = (chart::fold::name_key(&text), chart::fold::typed_romaji(&text));
    let _ = chart::fold::romaji_key(&chart::fold::kana_key(&text));
    chart::date::parse(&text).is_ok()
}

/// Patient numbers, station codes, provisional numbers, form numbers.
pub fn patient_id(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let _ = (
        chart::StationCode::parse(&text),
        chart::TemporaryId::parse(&text),
        chart::FormId::parse(&text),
    );
    let Some(id) = chart::PatientId::parse(&text) else {
        return false;
    };
    assert_eq!(chart::PatientId::parse(id.as_str()), Some(id), "stays what it is");
    true
}

/// The list of people and stations; what a snapshot counts.
pub fn roster(data: &[u8]) -> bool {
    use downtime::identity::Roster;
    let _ = downtime::extract::SnapshotStat::from_bytes(data);
    let Ok(roster) = Roster::from_bytes(data) else {
        return false;
    };
    let _ = roster.sealers();
    let again = roster.to_bytes().unwrap_or_default();
    assert!(Roster::from_bytes(&again).is_ok(), "read as it was written");
    true
}

/// The list of patients of one compartment: its blocks, each behind its length as a `u32`.
pub fn index(data: &[u8]) -> bool {
    let (mut rest, mut blocks) = (data, Vec::new());
    while let Some((len, tail)) = rest.split_first_chunk() {
        let (block, tail) = tail.split_at(tail.len().min(u32::from_le_bytes(*len) as usize));
        blocks.extend(vault::snapshot::Block::pack(block));
        rest = tail;
    }
    let Ok(index) = downtime::index::Index::from_blocks(blocks) else {
        return false;
    };
    for row in (0..100).map_while(|number| index.row(number)) {
        let _ = (row.id(), row.birth(), row.phones().count(), row.slots().count());
    }
    for day in index.days().take(20) {
        for slot in index.slots_on(day).iter().take(100) {
            let _ = (
                slot.day(),
                slot.time_text(),
                index.place(slot),
                index.exams(slot),
                index.doctor(slot),
            );
        }
    }
    if let Some(query) = downtime::index::Query::parse("ヤマダ") {
        let _ = index.search(&query, 10);
    }
    true
}

/// How far another station is.
pub fn heads(data: &[u8]) -> bool {
    use downtime::stations::Heads;
    let Ok(heads) = Heads::from_bytes(data) else {
        return false;
    };
    assert_eq!(
        Heads::from_bytes(&heads.to_bytes()).ok(),
        Some(heads),
        "read as it was written"
    );
    true
}

/// Records from another station.
pub fn parcel(data: &[u8]) -> bool {
    let Ok(parcel) = downtime::stations::Parcel::from_bytes(data) else {
        return false;
    };
    let stations = Stations::from([(STATION, keys().station.public())]);
    for bytes in parcel.records.iter().take(100) {
        let _ = Record::parse_verified(&bytes.0, &stations);
    }
    true
}

/// The codes of a declaration, as a reader types them.
pub fn declaration(data: &[u8]) -> bool {
    let Ok(codes) = downtime::stations::carried::read_codes(&String::from_utf8_lossy(data)) else {
        return false;
    };
    let stations = Stations::from([(STATION, keys().station.public())]);
    for bytes in &codes {
        let again = downtime::stations::carried::to_digits(bytes);
        let read = downtime::stations::carried::read_codes(&again).unwrap_or_default();
        assert_eq!(read, [bytes.as_slice()], "what was read can be read again");
        let _ = Record::parse_verified(bytes, &stations);
    }
    true
}

/// The payload of an audit record.
pub fn sighting(data: &[u8]) -> bool {
    downtime::audit::Sighting::from_bytes(data).is_ok()
}

/// What a station shows of its audit log.
pub fn showing(data: &[u8]) -> bool {
    let _ = downtime::stations::Asking::from_bytes(data);
    let _ = downtime::stations::Remembered::from_bytes(data);
    downtime::stations::Showing::from_bytes(data).is_ok()
}

/// The file of a prescription's 2D symbols. What was understood is written, or refused with a box.
pub fn jahis_rx(data: &[u8]) -> bool {
    let Ok(reading) = jahis::read(data) else { return false };
    let _ = jahis::write(&reading.script);
    true
}

/// The file of a medicine notebook. What was understood whole is written and must be read as the same.
pub fn okusuri(data: &[u8]) -> bool {
    let Ok(reading) = jahis::okusuri::read(data) else {
        return false;
    };
    if let Ok(again) = jahis::okusuri::write(&reading.notebook)
        && reading.findings.is_empty()
    {
        assert!(jahis::okusuri::read(&again).is_ok());
    }
    true
}

/// Symbols with places, as a camera sees them: records of length (one byte), place, number, parity, bytes.
pub fn okusuri_join(data: &[u8]) -> bool {
    let mut fragments = Vec::new();
    let mut rest = data;
    while let [length, place, of, parity, more @ ..] = rest {
        let (bytes, behind) = more.split_at((*length).min(u8::try_from(more.len()).unwrap_or(u8::MAX)).into());
        fragments.push(jahis::okusuri::Fragment {
            joined: (*of > 0).then_some((*place, *of, *parity)),
            bytes: bytes.to_vec(),
        });
        rest = behind;
    }
    match jahis::okusuri::join(&fragments) {
        Ok(file) => {
            let _ = jahis::okusuri::join_files(&[file]);
            true
        }
        Err(_) => false,
    }
}

/// What a scanner typed into the fields of the desk, one field a line of `----`.
pub fn okusuri_typed(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let pieces: Vec<chart::entry::NotebookPiece> = text
        .split("----\n")
        .take(chart::entry::MAX_NOTEBOOK_PIECES)
        .map(|text| chart::entry::NotebookPiece {
            way: chart::entry::NotebookWay::Typed,
            joined: None,
            bytes: text.as_bytes().to_vec(),
        })
        .collect();
    if !chart::entry::NotebookRead::fits(&pieces) {
        return false;
    }
    let gathered = jahis::okusuri::gather(&pieces);
    assert_eq!(jahis::okusuri::gather(&pieces), gathered);
    !gathered.books.is_empty()
}

/// The code in the corners of our sheets.
pub fn sheet_code(data: &[u8]) -> bool {
    chart::SheetCode::parse(&String::from_utf8_lossy(data)).is_some()
}

/// A hospital's mapping of its export.
pub fn mapping(data: &[u8]) -> bool {
    downtime::sources::table::Config::read(&String::from_utf8_lossy(data)).is_ok()
}
