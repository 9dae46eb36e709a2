//! One station: its disk, which outlives everything but a fire, and one life of its process after another.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chart::entry::CheckIn;
use chart::{Act, Author, Coded, Entry, EntryId, FormId, Moment, PatientId, StationCode, Subject};
use downtime::identity::ranges::Block;
use downtime::journal::{OPEN_ENTRY, recorded};
use downtime::stations::replica::{Lies, Peer, Replica, ReplicaStart, Visit, incarnation};
use downtime::view::{Day, Order, Recorded};
use vault::files::Files;
use vault::journal::{Class, Journal, NewRecord, Record, Start, Stations, read_journal};
use vault::keys::{RoleSecret, StationSecret};
use vault::simfs::SimFs;
use vault::{CompartmentId, HospitalId, StationId};

use crate::merge::dice::Dice;

pub const HOSPITAL: HospitalId = HospitalId([9; 16]);

/// A life of the process.
pub struct Life {
    pub journal: Journal,
    pub replica: Replica,
    pub peers: BTreeMap<usize, Peer>,
    pub visit: Option<(usize, u64, Visit)>,
    /// The largest number used, as this life knows it.
    used: u32,
    hlc: u64,
}

pub struct Node {
    pub code: StationCode,
    pub id: StationId,
    pub secret: Arc<StationSecret>,
    pub fs: SimFs,
    pub life: Option<Life>,
    pub destroyed: bool,
}

/// An entry somebody was told is saved.
#[derive(Debug, Clone)]
pub struct Saved {
    pub id: EntryId,
    pub order: Order,
    pub number: String,
    /// On which disks: more than one only for a copied one.
    pub node: usize,
}

fn data() -> PathBuf {
    PathBuf::from("/data")
}

/// Randomness that is the same for the same seed.
pub struct Chance<'d>(pub &'d mut Dice);

impl vault_rng::TryRng for Chance<'_> {
    type Error = std::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok((self.0.roll() >> 32) as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.0.roll())
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in bytes.chunks_mut(8) {
            let word = self.0.roll().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

impl vault_rng::TryCryptoRng for Chance<'_> {}

use getrandom::rand_core as vault_rng;

impl Node {
    /// Begins a life, as a running station does; false when the disk does not let it.
    pub fn start(&mut self, stations: &Stations, reader: &RoleSecret, now: u64, dice: &mut Dice) -> bool {
        let files: Arc<dyn Files> = Arc::new(self.fs.clone());
        let data = data();
        let start = ReplicaStart {
            files: Arc::clone(&files),
            data: &data,
            hospital: HOSPITAL,
            station: self.id,
            secret: Arc::clone(&self.secret),
            stations: stations.clone(),
        };
        let own_dir = data.join("journal");
        let public = self.secret.public();
        let own = || read_journal(&*files, &own_dir, &HOSPITAL, &self.id, &public).map(|walk| walk.records);
        let readers = [reader.public()];
        let journal_start = Start {
            hospital: HOSPITAL,
            station: self.id,
            secret: &self.secret,
            incarnation: incarnation(&start, || own().unwrap_or_default()),
            readers: &readers,
            hlc: now << 20,
            time_quality: 0,
        };
        let Ok((journal, walk)) = Journal::start(Arc::clone(&files), &own_dir, &journal_start, &mut Chance(dice))
        else {
            return false;
        };
        let mut hlc = now << 20;
        let mut look = |record: &Record| hlc = hlc.max(record.header().hlc);
        let own = walk.records.iter().chain([journal.key_record()]);
        let own = own.zip(walk.places.iter().chain(journal.places()).copied());
        let Ok((replica, _)) = Replica::start(&start, own, &mut Chance(dice), &mut look) else {
            return false;
        };
        let mut day = Day::default();
        day.add(read(&replica, &replica.mine()));
        let block = Block::whole(1).unwrap();
        let used = day.used_numbers(self.code, "A", &block, "", 0..1).reception;
        self.life = Some(Life {
            journal,
            replica,
            peers: BTreeMap::new(),
            visit: None,
            used,
            hlc,
        });
        true
    }

    /// Saves some receptions in one batch; what comes back is acknowledged.
    pub fn save(&mut self, count: usize, now: u64, node: usize, dice: &mut Dice) -> Vec<Saved> {
        let Some(life) = self.life.as_mut() else {
            return Vec::new();
        };
        let mut made = Vec::new();
        for _ in 0..count {
            life.used += 1;
            life.hlc = (now << 20).max(life.hlc + 1);
            let number = format!("A-{:03}", life.used);
            let entry = reception(self.code, &number, now, dice);
            made.push((number, life.hlc, entry.to_bytes().unwrap()));
        }
        let new: Vec<NewRecord<'_>> = made
            .iter()
            .map(|(_, hlc, payload)| NewRecord {
                class: OPEN_ENTRY,
                compartment: CompartmentId(0),
                user: [1; 16],
                hlc: *hlc,
                time_quality: 0,
                payload,
            })
            .collect();
        let Ok(records) = life.journal.append_batch(&new, &mut Chance(dice)) else {
            return Vec::new();
        };
        life.replica
            .own(records.iter().zip(life.journal.places().iter().copied()));
        let order = |record: &Record| Order {
            hlc: record.header().hlc,
            station: record.header().station.0,
            incarnation: record.header().incarnation.0,
            seq: record.header().seq,
        };
        let saved = records.iter().zip(made).map(|(record, (number, ..))| Saved {
            id: EntryId(*record.id()),
            order: order(record),
            number,
            node,
        });
        saved.collect()
    }
}

fn reception(station: StationCode, number: &str, now: u64, dice: &mut Dice) -> Entry {
    let at = Moment(i64::try_from(1_795_132_800 + now).unwrap());
    Entry {
        by: Author {
            user: "1001".into(),
            name: "試験　花子".into(),
            role: "reception".into(),
        },
        written_at: at,
        station,
        subject: Subject::Patient(PatientId::parse(&format!("{:08}", dice.below(9))).unwrap()),
        act: Act::CheckedIn(CheckIn {
            number: number.to_owned(),
            visit: FormId::issue(at.day(), 1, 1).unwrap(),
            department: Coded::new("01", "循環器内科"),
            doctor: Coded::default(),
            booked_at: None,
            unbooked: true,
            identity_confirmed: true,
            insurance_seen: false,
            paper_language: None,
        }),
    }
}

/// Entries where they lie.
pub fn read(replica: &Replica, lie: &[Lies]) -> Vec<Recorded> {
    let mut reader = replica.reader();
    let records = lie.iter().filter_map(|lies| reader.read(*lies).ok());
    let entries = records
        .filter(|record| record.header().class != Class::KEY)
        .filter_map(|record| {
            let entry = Entry::from_bytes(record.open_payload()?).ok()?;
            Some(recorded(&record, entry))
        });
    entries.collect()
}

/// Everything a station shows, as text: equal texts are equal days.
pub fn shown(replica: &Replica) -> String {
    let mut day = Day::default();
    day.add(read(replica, &replica.all()));
    let mut out = String::new();
    for r in day.all() {
        out.push_str(&format!("{:?} {:?}\n", r.order, r.entry));
    }
    for conflict in day.conflicts() {
        out.push_str(&format!("{conflict:?}\n"));
    }
    out
}

pub fn station_id(n: usize) -> StationId {
    StationId([u8::try_from(n).unwrap() + 1; 16])
}

pub fn code(n: usize) -> StationCode {
    StationCode::parse(&format!("S{n:02}")).unwrap()
}

/// Whether a directory holds anything.
pub fn has_files(fs: &SimFs) -> bool {
    fs.paths().iter().any(|path| path.starts_with(Path::new("/data")))
}
