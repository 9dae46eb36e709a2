//! Sound bytes of every sort, small, the same at every writing: what fuzzing begins with.

use std::path::Path;
use std::sync::Arc;

use chart::entry::{CheckIn, SignedNote};
use chart::{Act, Author, Coded, Entry, FormId, Known, Moment, PatientId, StationCode, Subject};
use downtime::identity::Roster;
use downtime::index::IndexBuilder;
use downtime::stations::carried::to_digits;
use downtime::stations::{Bytes, Heads, Parcel, Showing, Shown};
use jiff::civil::{date, time};
use vault::checkpoint::{Checkpoint, Origin};
use vault::files::Disk;
use vault::journal::{Class, Incarnation, Journal, NewRecord, Record, Start, read_journal};
use vault::secret_text::{BadgeSecret, EnvelopeSecret};
use vault::slot::{Credentials, Slot, SlotCost};
use vault::snapshot::{Compartment, Grant, RoleGrant, SealPlan, SnapshotWriter, StationGrant, UserGrant};
use vault::{CompartmentId, IncarnationId, RoleId, UserId, sealbox, wrap};

mod carried;
mod readiness;
mod sightings;

use super::targets::{HOSPITAL, Repeatable, STATION, keys, place};
use crate::hospital::{DAY, patient, patients};

mod enrol;

pub type Seed = (&'static str, &'static str, Vec<u8>);

/// Target, name, bytes.
pub fn all() -> Vec<Seed> {
    [
        vault_files(),
        journal_files(),
        charts(),
        tables(),
        words(),
        symbols(),
        feeds(),
        readiness::seeds(),
        carried::seeds(),
        enrol::enrolment(),
    ]
    .concat()
}

const EVERYBODY: CompartmentId = CompartmentId(0);
const USER: UserId = UserId([1; 16]);
const ROLE: RoleId = RoleId(1);

fn vault_files() -> Vec<Seed> {
    let (keys, mut rng) = (keys(), Repeatable(1));
    let plan = SealPlan {
        hospital: HOSPITAL,
        epoch: 1,
        delta: 0,
        created: 1_795_000_000,
        fresh_until: 1_795_093_600,
        previous: [0; 32],
        stations: vec![StationGrant {
            id: STATION,
            public: keys.station.public(),
        }],
        users: vec![UserGrant {
            id: USER,
            public: keys.user.public(),
            record: b"user".to_vec(),
            roles: vec![ROLE],
            slots: Vec::new(),
        }],
        roles: vec![RoleGrant {
            id: ROLE,
            grants: vec![Grant {
                compartment: EVERYBODY,
                verbs: 1,
            }],
            enclosed: Vec::new(),
        }],
        compartments: vec![Compartment {
            id: EVERYBODY,
            name: b"all".to_vec(),
        }],
        policy: Vec::new(),
        dictionary: Vec::new(),
        level: 3,
        recovery: None,
    };
    let mut file = Vec::new();
    let mut writer = SnapshotWriter::new(&mut file, &plan, &keys.sealer, &mut rng).unwrap();
    writer.add_record(&[EVERYBODY], b"a patient").unwrap();
    let sealed = writer.finish(&mut |_, _| vec![b"a list".to_vec()], b"stat").unwrap();
    let mut empty = Vec::new();
    let writer = SnapshotWriter::new(&mut empty, &plan, &keys.sealer, &mut rng).unwrap();
    writer.finish(&mut |_, _| Vec::new(), b"").unwrap();
    let boxed = |len: usize, rng: &mut Repeatable| sealbox::seal(&keys.key, &place(), &vec![7; len], rng);
    let who = Credentials::Password("password");
    let slot = Slot::create(&HOSPITAL, &USER, 0, &who, &keys.user, SlotCost::FLOOR, &mut rng).unwrap();
    let (_, boxes) = vault::recovery::split(&HOSPITAL, &vault::keys::RecoverySecret::random(&mut rng), &mut rng);
    let mut seeds = super::deltas::all(&file, sealed, EVERYBODY);
    seeds.extend([
        ("manifest", "one-record", manifest_of(&file)),
        ("manifest", "no-record", manifest_of(&empty)),
        ("snapshot", "one-record", file),
        ("snapshot", "no-record", empty),
        ("sealbox", "empty", boxed(0, &mut rng)),
        ("sealbox", "short", boxed(40, &mut rng)),
        (
            "wrap",
            "key",
            wrap::wrap(&keys.user.public(), &place(), &[9; 32], &mut rng).unwrap(),
        ),
        ("slot", "password", slot.as_bytes().to_vec()),
        ("secret_file", "station", keys.station.to_file_bytes().to_vec()),
        ("secret_file", "sealer", keys.sealer.to_file_bytes().to_vec()),
        ("secret_file", "role", keys.role.to_file_bytes().to_vec()),
        ("recovery", "boxes", boxes.to_bytes()),
    ]);
    seeds
}

/// The signed part of a snapshot: its trailer says where it is.
pub fn manifest_of(file: &[u8]) -> Vec<u8> {
    let trailer = &file[file.len() - 32..];
    let at = u64::from_le_bytes(trailer[..8].try_into().unwrap()) as usize;
    let len = u32::from_le_bytes(trailer[8..12].try_into().unwrap()) as usize;
    file[at..at + len].to_vec()
}

fn journal_files() -> Vec<Seed> {
    let (keys, mut rng) = (keys(), Repeatable(2));
    let dir = tempfile::tempdir().unwrap();
    let start = Start {
        hospital: HOSPITAL,
        station: STATION,
        secret: &keys.station,
        incarnation: Incarnation::Continue,
        readers: &[keys.role.public()],
        hlc: 1,
        time_quality: 1,
    };
    let (mut journal, _) = Journal::start(Arc::new(Disk), dir.path(), &start, &mut rng).unwrap();
    let entry = |class: u8, payload| NewRecord {
        class: Class(class),
        compartment: EVERYBODY,
        user: [8; 16],
        hlc: 9,
        time_quality: 2,
        payload,
    };
    journal
        .append_batch(&[entry(5, b"sealed"), entry(200, b"open")], &mut rng)
        .unwrap();
    let public = keys.station.public();
    let records = read_journal(&Disk, dir.path(), &HOSPITAL, &STATION, &public)
        .unwrap()
        .records;
    let segment = std::fs::read(dir.path().join("0000000001.tmbj")).unwrap();
    let checkpoint = Checkpoint {
        origin: Origin {
            hospital: HOSPITAL,
            station: STATION,
            incarnation: IncarnationId([3; 8]),
        },
        size: 1_234,
        root: [5; 32],
        time: 1_795_000_000,
    };
    let checkpoint = checkpoint.sign(&keys.station);
    let bytes = |record: &Record| record.bytes().to_vec();
    let declaration = format!(
        "宣言 {}\r\n確認 {}\r\n",
        to_digits(records[1].bytes()),
        to_digits(records[2].bytes())
    );
    let showing = Showing {
        station: STATION.0,
        chains: vec![Shown {
            checkpoint: Bytes(checkpoint.to_compact()),
            proof: Vec::new(),
        }],
        remembered: Vec::new(),
    };
    vec![
        ("segment", "behind-the-header", segment[4096..].to_vec()),
        ("segment", "whole", segment),
        ("record", "key", bytes(&records[0])),
        ("record", "sealed", bytes(&records[1])),
        ("record", "open", bytes(&records[2])),
        ("parcel", "three", parcel_of(&records)),
        ("parcel", "none", Parcel::default().to_bytes()),
        ("heads", "two", heads_of(&records)),
        ("heads", "none", Heads::default().to_bytes()),
        ("checkpoint", "text", checkpoint.to_text().into_bytes()),
        ("checkpoint", "compact", checkpoint.to_compact()),
        ("declaration", "two", declaration.into_bytes()),
        ("sighting", "opened", sightings::one().to_bytes()),
        ("showing", "one", showing.to_bytes()),
        ("showing", "none", Showing::default().to_bytes()),
    ]
}

/// A parcel of these records: CBOR `[[record, …], more]`.
pub fn parcel_of(records: &[Record]) -> Vec<u8> {
    let mut bytes = vec![0x82, 0x98, u8::try_from(records.len()).unwrap()];
    for record in records {
        bytes.push(0x59);
        bytes.extend_from_slice(&u16::try_from(record.bytes().len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(record.bytes());
    }
    bytes.push(0xF4);
    bytes
}

/// The chain of these records, named twice: CBOR `[[station, incarnation, number], …]`.
fn heads_of(records: &[Record]) -> Vec<u8> {
    let header = records[0].header();
    let head = [
        &[0x83, 0x50],
        header.station.as_bytes().as_slice(),
        &[0x48],
        header.incarnation.as_bytes(),
        &[3],
    ]
    .concat();
    [[0x81, 0x82].as_slice(), &head, &head].concat()
}

fn charts() -> Vec<Seed> {
    let bytes_of = |chart: &chart::Chart| {
        let mut bytes = Vec::new();
        chart.to_bytes(&mut bytes).unwrap();
        bytes
    };
    let mut full = patient("00001234", "𠮷田　花子", "ヨシダ　ハナコ", 9);
    let result = |n: usize| chart::LabResult {
        name: ["BNP", "K", "Cr"][n % 3].into(),
        value: format!("{n}.{n}"),
        unit: "mg/dL".into(),
        flag: None,
        reference: "0.4–0.8".into(),
        on: Some(DAY),
        at: Some(time(8, 50, 0, 0)),
        code: format!("C{n}"),
    };
    full.results = Known::Present((0..6).map(result).collect());
    let entry = |act| Entry {
        by: Author {
            user: "1".into(),
            name: "花".into(),
            role: "reception".into(),
        },
        written_at: Moment(3),
        station: StationCode::parse("R03").unwrap(),
        subject: Subject::Patient(PatientId::parse("1").unwrap()),
        act,
    };
    let check_in = Act::CheckedIn(CheckIn {
        number: "A-001".into(),
        visit: FormId::issue(date(2026, 11, 20), 3, 1).unwrap(),
        department: Coded::new("01", "内科"),
        doctor: Coded::default(),
        booked_at: Some(time(9, 30, 0, 0)),
        unbooked: false,
        identity_confirmed: true,
        insurance_seen: false,
        paper_language: None,
    });
    let note = Act::NoteSigned(SignedNote {
        vitals: vec![("体温".into(), "36.5℃".into())],
        ..SignedNote::default()
    });
    let mut builder = IndexBuilder::new(DAY);
    patients(6).iter().for_each(|chart| builder.add(chart).unwrap());
    let blocks = builder.finish(Vec::new(), &chart::stay::Beds::NotAsked).unwrap();
    let behind_lengths =
        |block: &Vec<u8>| [&u32::try_from(block.len()).unwrap().to_le_bytes(), block.as_slice()].concat();
    let list: Vec<u8> = blocks.iter().flat_map(behind_lengths).collect();
    let (keys, mut rng) = (keys(), Repeatable(3));
    let mut roster = Roster::new(
        HOSPITAL,
        "試験病院",
        &keys.role.public(),
        &keys.role.public(),
        &keys.sealer.public(),
    );
    let station = StationCode::parse("R03").unwrap();
    roster.enrol_station(station, 3, 'C', &keys.station.public()).unwrap();
    let badge = BadgeSecret::random(&mut rng);
    let envelope = EnvelopeSecret::random(&mut rng);
    vec![
        ("chart", "full", bytes_of(&full)),
        ("chart", "short", bytes_of(&patients(1)[0])),
        ("entry", "check-in", entry(check_in).to_bytes().unwrap()),
        ("entry", "note", entry(note).to_bytes().unwrap()),
        ("index", "six", list),
        ("roster", "one-station", roster.to_bytes().unwrap()),
        (
            "secret_text",
            "badge-digits",
            badge.to_digits(12_345_678).unwrap().as_bytes().to_vec(),
        ),
        ("secret_text", "badge-typed", badge.to_typed().as_bytes().to_vec()),
        (
            "secret_text",
            "envelope-digits",
            envelope.to_digits(7).unwrap().as_bytes().to_vec(),
        ),
    ]
}

fn tables() -> Vec<Seed> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let read = |path: &str| std::fs::read(top.join(path)).unwrap();
    let people = |case: &str| read(&format!("sources/fhir/{case}/in/base.ndjson"));
    let text = "番号,氏名,カナ,性別,生年月日\n0001,山田 花子,ﾔﾏﾀﾞ ﾊﾅｺ,2,S26.5.12\n0002,\"佐藤, 一\",サトウ　ハジメ,1,1988/8/30\n";
    let (cp932, _) = downtime::exports::csv::to_cp932(text);
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        ("table", "utf8", text.as_bytes().to_vec()),
        ("table", "cp932", cp932),
        ("table", "utf16", [[0xFF, 0xFE].as_slice(), &utf16].concat()),
        ("fhir", "ward", read("sources/fhir/wards/in/all.ndjson")),
        ("fhir", "bundle", read("sources/fhir/clins/in/two.json")),
        ("fhir", "document", read("sources/fhir/clins/in/referral.json")),
        (
            "fhir",
            "notes",
            read("sources/fhir/notes-orders-insurance/in/all.ndjson"),
        ),
        (
            "fhir",
            "drugs",
            [
                people("prescriptions"),
                read("sources/fhir/prescriptions/in/MedicationRequest.ndjson"),
            ]
            .concat(),
        ),
        (
            "fhir",
            "results",
            [people("results"), read("sources/fhir/results/in/Observation.ndjson")].concat(),
        ),
        (
            "fhir",
            "allergies",
            [
                people("allergies"),
                read("sources/fhir/allergies/in/AllergyIntolerance.ndjson"),
            ]
            .concat(),
        ),
        ("mapping", "a", read("hospital/a/mapping.toml")),
        ("mapping", "b", read("hospital/b/mapping.toml")),
    ]
}

fn words() -> Vec<Seed> {
    let dates = [
        "2026-11-20",
        "S26.5.12",
        "昭和26年5月12日",
        "20261120",
        "令和元年５月１日",
        "1,000 mg",
    ];
    let numbers = ["0001234", "T-C-00001-X", "R03", "ABC-1234"];
    let seeds = |target, names: [&'static str; 6], texts: &[&str]| -> Vec<Seed> {
        let named = names.into_iter().zip(texts);
        named
            .map(|(name, text)| (target, name, text.as_bytes().to_vec()))
            .collect()
    };
    let names = ["1", "2", "3", "4", "5", "6"];
    [seeds("date", names, &dates), seeds("patient_id", names, &numbers)].concat()
}

/// Files and pieces of QR symbols, and the code of a sheet.
fn symbols() -> Vec<Seed> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/notebooks");
    let read = |path: &str| std::fs::read(top.join(path)).unwrap();
    let cut = |case: &str| {
        let mut files: Vec<_> = std::fs::read_dir(top.join(case))
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        files.retain(|file| !file.ends_with("expected.txt"));
        files.sort();
        let texts = files.iter().map(|file| std::fs::read_to_string(file).unwrap());
        texts.collect::<Vec<_>>().join("----\n").into_bytes()
    };
    let joined: Vec<u8> = [(0_u8, "02", "0"), (1, "03", "1"), (2, "01", "2")]
        .into_iter()
        .flat_map(|(place, file, number)| {
            let names = std::fs::read_dir(top.join("three-symbols-cut-within-characters-out-of-order")).unwrap();
            let mut names = names.map(|e| e.unwrap().path());
            let wanted = format!("{file}-picture-{number}-3-");
            let path = names
                .find(|p| p.file_name().unwrap().to_str().unwrap().starts_with(&wanted))
                .unwrap();
            let parity = path
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .rsplit('-')
                .next()
                .unwrap()
                .parse()
                .unwrap();
            let bytes = std::fs::read(&path).unwrap();
            [vec![u8::try_from(bytes.len()).unwrap(), place, 3, parity], bytes].concat()
        })
        .collect();
    let rx = include_bytes!("../../../../jahis/tests/it/reference.jahis");
    let book = include_bytes!("../../../../jahis/tests/it/reference.okusuri");
    vec![
        ("jahis_rx", "reference", rx.to_vec()),
        ("okusuri", "reference", book.to_vec()),
        ("okusuri", "utf8", read("telephone-utf8-first-edition/01-typed.txt")),
        ("okusuri_join", "three", joined),
        ("okusuri_typed", "one", read("one-symbol-typed/01-typed.txt")),
        (
            "okusuri_typed",
            "latin-letters",
            cut("typed-bytes-of-three-symbols-cut-within-characters"),
        ),
        (
            "okusuri_typed",
            "out-of-order",
            cut("typed-text-of-three-symbols-out-of-order"),
        ),
        ("okusuri_typed", "files", cut("three-files-of-911-out-of-order")),
        ("sheet_code", "one", b"T12611200312790102KJKNF02N".to_vec()),
    ]
}

fn feeds() -> Vec<Seed> {
    let message = |text: &str| {
        let encoded = hl7::charset::encode(text, hl7::Encoding::Iso2022Jp, hl7::charset::Policy::Refuse);
        encoded.unwrap().bytes
    };
    let prescription = message(
        "MSH|^~\\&|HIS|KAKU|GW|RCV|20261120091005.333||RDE^O11^RDE_O11|1|P|2.5||||||~ISO IR87||ISO 2022-1994\r\
         PID|0001||0001234567^^^^PI||模擬^日出男^^^^^L^I~モギ^ヒデオ^^^^^L^P||19580302|M\r\
         ORC|NW|000000000012345||1|||||20261120091000|D001^架空^花子^^^^^^^L^^^^^I\r\
         RXE||999999901^架空消炎錠５ｍｇ^HOT9|1||TAB^錠^MR9P||||||28||||||||||2^TAB&錠&MR9P\r\
         TQ1|1||1012040400000000&内服・経口・１日２回朝夕食後&JAMISDP01|||14^d|20261120\rZZ1|x\\F\\y\\X41\\\r",
    );
    let kanji = b"\x1b$BLO5<\x1b(B^\x1b$BF|=PCK\x1b(B|M\r\x1b(IS7^\x1b(B|\x1b$(D\x30\x21\x1b$(Q\x2E\x22\x1b(J~";
    let dir = tempfile::tempdir().unwrap();
    let secret = vault::keys::StationSecret::from_file_bytes(&keys().station.to_file_bytes()).unwrap();
    let place = downtime::feeds::Place {
        files: Arc::new(Disk),
        dir: dir.path().to_path_buf(),
        hospital: HOSPITAL,
        station: STATION,
        secret: Arc::new(secret),
        feed: "ehr".into(),
        segment_bytes: downtime::feeds::SEGMENT_BYTES,
    };
    let inbox = downtime::feeds::Inbox::start(place, 400, Box::new(Repeatable(9))).unwrap();
    for sender in ["10.0.3.15", "10.0.3.16"] {
        let arrival =
            downtime::feeds::Arrival::new(sender.as_bytes().to_vec(), None, true, sender, Moment(1_795_000_000));
        inbox.take_and_wait(arrival).unwrap();
    }
    drop(inbox);
    let log = std::fs::read(dir.path().join("0000000001.tmbf")).unwrap();
    let frames = [
        hl7::mllp::frame(b"MSH|^~\\&|A"),
        b"\r\nnoise\x0bhalf".to_vec(),
        hl7::mllp::frame(b"x\x1cy"),
    ]
    .concat();
    vec![
        ("hl7", "prescription", prescription),
        ("mllp", "frames", frames),
        ("iso2022jp", "sets", kanji.to_vec()),
        ("feed_log", "two-messages", log),
    ]
}
