//! A small hospital for the tests: keys, a plan, records, and random numbers that repeat.

use std::convert::Infallible;
use std::sync::Arc;

use vault::files::ReadAt;
use vault::keys::{SealerPublic, SealerSecret, StationSecret, UserSecret};
use vault::snapshot::{
    Compartment, Grant, Index, RoleGrant, SealPlan, Sealed, Snapshot, SnapshotWriter, StationGrant, Unlocked, UserGrant,
};
use vault::{CompartmentId, HospitalId, RoleId, StationId, UserId};

/// Repeatable randomness (SplitMix64). Good enough to stand for the operating system's in a test.
pub struct Repeatable(pub u64);

impl Repeatable {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.step() % limit
    }

    fn step(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

impl rand_core::TryRng for Repeatable {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.step() >> 32) as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.step())
    }
    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        for chunk in to.chunks_mut(8) {
            let word = self.step().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Repeatable {}

pub const HOSPITAL: HospitalId = HospitalId(*b"tomoshibi-hosp-1");
pub const STATION: StationId = StationId(*b"station-ward-3E1");
pub const OTHER_STATION: StationId = StationId(*b"station-desk-001");
pub const CLERK: UserId = UserId(*b"user-clerk-00001");
pub const DOCTOR: UserId = UserId(*b"user-doctor-0001");
pub const EVERYBODY: CompartmentId = CompartmentId(0);
pub const WARD: CompartmentId = CompartmentId(7);
pub const RECEPTION: RoleId = RoleId(1);
pub const PHYSICIAN: RoleId = RoleId(2);
pub const READ: u32 = 1;
pub const RECORD: u32 = 2;

/// Everybody's secrets.
pub struct Hospital {
    pub sealer: SealerSecret,
    pub station: StationSecret,
    pub other_station: StationSecret,
    pub clerk: UserSecret,
    pub doctor: UserSecret,
    pub rng: Repeatable,
}

impl Hospital {
    pub fn new(seed: u64) -> Self {
        let mut rng = Repeatable(seed);
        Self {
            sealer: SealerSecret::random(&mut rng),
            station: StationSecret::random(&mut rng),
            other_station: StationSecret::random(&mut rng),
            clerk: UserSecret::random(&mut rng),
            doctor: UserSecret::random(&mut rng),
            rng,
        }
    }

    pub fn trusted(&self) -> [SealerPublic; 1] {
        [self.sealer.public()]
    }

    /// Two stations, two users, two roles, two compartments: the clerk opens the ward list, the doctor everybody.
    pub fn plan(&self, epoch: u64) -> SealPlan {
        let user = |id, secret: &UserSecret, roles: &[RoleId], record: &[u8]| UserGrant {
            id,
            public: secret.public(),
            record: record.to_vec(),
            roles: roles.to_vec(),
            slots: Vec::new(),
        };
        SealPlan {
            hospital: HOSPITAL,
            epoch,
            delta: 0,
            created: 1_795_000_000,
            fresh_until: 1_795_093_600,
            previous: [0; 32],
            stations: vec![
                StationGrant {
                    id: STATION,
                    public: self.station.public(),
                },
                StationGrant {
                    id: OTHER_STATION,
                    public: self.other_station.public(),
                },
            ],
            users: vec![
                user(CLERK, &self.clerk, &[RECEPTION], b"clerk"),
                user(DOCTOR, &self.doctor, &[PHYSICIAN, RECEPTION], b"doctor"),
            ],
            roles: vec![
                RoleGrant {
                    id: RECEPTION,
                    grants: vec![Grant {
                        compartment: WARD,
                        verbs: READ,
                    }],
                    enclosed: b"for reception".to_vec(),
                },
                RoleGrant {
                    id: PHYSICIAN,
                    grants: vec![
                        Grant {
                            compartment: EVERYBODY,
                            verbs: READ | RECORD,
                        },
                        Grant {
                            compartment: WARD,
                            verbs: RECORD,
                        },
                    ],
                    enclosed: b"for physicians".to_vec(),
                },
            ],
            compartments: vec![
                Compartment {
                    id: EVERYBODY,
                    name: b"all".to_vec(),
                },
                Compartment {
                    id: WARD,
                    name: b"ward".to_vec(),
                },
            ],
            recovery: None,
            policy: b"policy".to_vec(),
            dictionary: b"temperature pulse blood pressure note ".repeat(4),
            level: 3,
        }
    }

    /// Seals `records` patients: all in one compartment, every second one in the other too.
    pub fn seal(&mut self, epoch: u64, records: usize) -> (Vec<u8>, Sealed) {
        let plan = self.plan(epoch);
        self.seal_plan(&plan, records)
    }

    pub fn seal_plan(&mut self, plan: &SealPlan, records: usize) -> (Vec<u8>, Sealed) {
        let mut file = Vec::new();
        let mut writer = SnapshotWriter::new(&mut file, plan, &self.sealer, &mut self.rng).unwrap();
        for n in 0..records {
            let compartments: &[CompartmentId] = if n % 2 == 0 { &[EVERYBODY, WARD] } else { &[EVERYBODY] };
            let ordinals = writer.add_record(compartments, &patient(n)).unwrap();
            assert_eq!(ordinals[0], u32::try_from(n).unwrap());
        }
        let sealed = writer
            .finish(&mut |id, count| thin(id, count), b"stat: all is well")
            .unwrap();
        (file, sealed)
    }

    pub fn open_as_doctor(&self, file: Vec<u8>) -> Unlocked {
        let snapshot = Snapshot::open(source(file), &self.trusted()).unwrap();
        let outer = snapshot.unlock_station(&STATION, &self.station).unwrap();
        outer.unlock_user(&DOCTOR, &self.doctor).unwrap()
    }
}

pub fn source(file: Vec<u8>) -> Arc<dyn ReadAt> {
    Arc::new(file)
}

pub fn patient_id(n: usize) -> String {
    format!("{n:08}")
}

/// Text of varying length, like a chart: repetitive, but not the same for any two patients.
pub fn patient(n: usize) -> Vec<u8> {
    let mut rng = Repeatable(n as u64);
    let mut text = format!("patient {n} ");
    for day in 0..(n * 7) % 23 {
        text.push_str(&format!(
            "day {day}: temperature {} pulse {} note ",
            355 + rng.below(50),
            50 + rng.below(70)
        ));
    }
    text.into_bytes()
}

/// The blocks of a list, opened.
pub fn blocks(index: &Index) -> Vec<Vec<u8>> {
    index.thin.iter().map(|block| block.open().unwrap().to_vec()).collect()
}

pub fn thin(id: CompartmentId, count: u32) -> Vec<Vec<u8>> {
    let first = format!("list of {} with {count} patients", id.0).into_bytes();
    vec![first, Vec::new(), vec![b'x'; 3 * count as usize]]
}
