//! A hospital of a few literal patients on a real disk: hub, users, source.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chart::{AsOf, Chart, Coded, Known, Moment, Name, PatientId, StationCode};
use downtime::extract::{self, Done, ExtractFault, Guard, Lasting, Order};
use downtime::identity::{NewUser, Role, Roster, Sponsor};
use downtime::shelf::Shelf;
use downtime::sources::{Extract, Progress, PullFault, Scope, Source};
use downtime::stations::{Parts, Station};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use jiff::civil::{Date, date};
use vault::HospitalId;
use vault::files::{Disk, Files};
use vault::keys::{RoleSecret, SealerSecret, StationSecret};
use vault::slot::SlotCost;

pub const PASSWORD: &str = "a-long-enough-password";
pub const DAY: Date = date(2026, 11, 20);

pub fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// 9:00 on the day.
pub fn nine() -> Moment {
    Moment::from_local(DAY.at(9, 0, 0, 0))
}

/// Charts that a test made, handed over like a real source would, fifteen minutes old.
pub struct Literal(pub Vec<Chart>);

/// The same, written at a moment.
pub struct Written(pub Vec<Chart>, pub Moment);

impl Source for Written {
    fn carries(&self) -> std::collections::BTreeSet<chart::DataKind> {
        chart::DataKind::ALL.into_iter().collect()
    }

    fn pull(
        &self,
        scope: &Scope,
        chart: &mut dyn FnMut(Chart) -> anyhow::Result<()>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Extract, PullFault> {
        let as_of = AsOf::all(self.1);
        let extract = Literal(self.0.clone()).pull(scope, chart, progress)?;
        Ok(Extract { as_of, ..extract })
    }
}

impl Source for Literal {
    fn carries(&self) -> std::collections::BTreeSet<chart::DataKind> {
        chart::DataKind::ALL.into_iter().collect()
    }

    fn pull(
        &self,
        scope: &Scope,
        chart: &mut dyn FnMut(Chart) -> anyhow::Result<()>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Extract, PullFault> {
        for (one, n) in self.0.iter().zip(1..) {
            chart(one.clone()).map_err(PullFault::Receiver)?;
            progress(Progress::Assembling(n, self.0.len() as u64));
        }
        let as_of = AsOf::all(Moment(scope.now.0 - 900));
        Ok(Extract {
            as_of,
            charts: self.0.len() as u64,
            ..Extract::default()
        })
    }
}

pub fn patient(id: &str, written: &str, kana: &str, time: i8) -> Chart {
    let department = Coded::new("01", "循環器内科");
    Chart {
        patient: chart::Patient {
            id: PatientId::parse(id).unwrap(),
            name: Name::new(written, kana),
            former_names: Vec::new(),
            birth: Some(date(1951, 5, 12)),
            sex: chart::Sex::Female,
            phones: vec![chart::patient::Phone {
                number: "090-1234-5678".into(),
                purpose: String::new(),
            }],
            facts: Vec::new(),
            died: None,
            address: String::new(),
            insurance: String::new(),
            language: None,
        },
        appointments: vec![chart::Appointment {
            on: DAY,
            at: Some(jiff::civil::time(time, 30, 0, 0)),
            department,
            doctor: Coded::new("D1", "佐藤　一郎"),
            place: "2階 C受付".into(),
            purpose: String::new(),
            number: String::new(),
        }],
        orders: Vec::new(),
        allergies: Known::NotRecorded,
        diagnoses: Known::NotRecorded,
        notes: Known::NotRecorded,
        prescriptions: Known::NotRecorded,
        results: Known::NotRecorded,
        as_of: AsOf::all(nine()),
        findings: Vec::new(),
        thin: false,
        origins: Vec::new(),
        insurances: Known::NotRecorded,
        stay: None,
    }
}

pub fn patients(n: usize) -> Vec<Chart> {
    let name = |i| (format!("山田　{i}子"), "ヤマダ　ハナコ");
    (0..n)
        .map(|i| patient(&format!("{:08}", 1000 + i), &name(i).0, name(i).1, 9))
        .collect()
}

/// A hub and one further station, enrolled, in one directory.
pub struct Hospital {
    pub dir: tempfile::TempDir,
    pub roster: Roster,
    pub sealer: SealerSecret,
    pub hub: Arc<StationSecret>,
    pub ward: Arc<StationSecret>,
    pub clock: Arc<AtomicI64>,
    pub audit: RoleSecret,
    pub journal: RoleSecret,
}

impl Hospital {
    pub fn new() -> Self {
        Self::named(HospitalId([7; 16]))
    }

    /// Another hospital, with the same names.
    pub fn named(id: HospitalId) -> Self {
        let mut rng = rng();
        let (hub, ward) = (StationSecret::random(&mut rng), StationSecret::random(&mut rng));
        let (sealer, journal) = (SealerSecret::random(&mut rng), RoleSecret::random(&mut rng));
        let audit = RoleSecret::random(&mut rng);
        let mut roster = Roster::new(id, "試験病院", &journal.public(), &audit.public(), &sealer.public());
        roster.enrol_station(code("H01"), 1, 'A', &hub.public()).unwrap();
        roster.enrol_station(code("R03"), 3, 'C', &ward.public()).unwrap();
        for (number, role) in [
            ("1001", Role::Reception),
            ("2001", Role::Physician),
            ("8001", Role::Auditor),
        ] {
            let user = NewUser::with_password(number, "試験　花子", role, PASSWORD);
            let sponsor = Sponsor {
                user: "9001",
                journal: Some(&journal),
                audit: Some(&audit),
                at: Moment(0),
                note: "試験",
            };
            roster.enrol_user(&user, &sponsor, SlotCost::FLOOR, &mut rng).unwrap();
        }
        let clock = Arc::new(AtomicI64::new(nine().0));
        let dir = tempfile::tempdir().unwrap();
        Self {
            dir,
            roster,
            sealer,
            hub: Arc::new(hub),
            ward: Arc::new(ward),
            clock,
            audit,
            journal,
        }
    }

    /// One more user, in force from the next sealing on.
    pub fn enrol(&mut self, number: &str, role: Role, scope: downtime::identity::Scope) {
        let mut user = NewUser::with_password(number, "試験　一郎", role, PASSWORD);
        user.record.scope = scope;
        let sponsor = Sponsor {
            user: "9001",
            journal: Some(&self.journal),
            audit: Some(&self.audit),
            at: Moment(0),
            note: "試験",
        };
        self.roster
            .enrol_user(&user, &sponsor, SlotCost::FLOOR, &mut rng())
            .unwrap();
    }

    pub fn data(&self, which: &str) -> PathBuf {
        self.dir.path().join(which)
    }

    pub fn shelf(&self, which: &str) -> Shelf {
        let secret = if which == "H01" { &self.hub } else { &self.ward };
        let id = self.roster.station_id(code(which));
        let dir = self.data(which).join("shelf");
        Shelf::open(
            Arc::new(Disk),
            &dir,
            (self.roster.hospital(), self.roster.sealers().unwrap()),
            id,
            Arc::clone(secret),
        )
        .unwrap()
    }

    pub fn seal(&self, charts: Vec<Chart>, guard: Guard) -> Result<Done, ExtractFault> {
        self.seal_from(&Literal(charts), guard, false)
    }

    pub fn seal_from(&self, source: &dyn Source, guard: Guard, only_new: bool) -> Result<Done, ExtractFault> {
        self.seal_on(&mut Lasting::default(), source, guard, only_new)
    }

    /// The next sealing of a hub that has been running since the last.
    pub fn seal_on(
        &self,
        lasting: &mut Lasting,
        source: &dyn Source,
        guard: Guard,
        only_new: bool,
    ) -> Result<Done, ExtractFault> {
        let now = Moment(self.clock.fetch_add(60, Ordering::SeqCst));
        let scope = Scope {
            day: DAY,
            thin_days: 14,
            now,
            wanted: None,
        };
        let order = Order {
            roster: &self.roster,
            sealer: &self.sealer,
            scope,
            guard,
            fresh_hours: 26,
            only_new,
            canaries: &[],
        };
        let shelf = self.shelf("H01");
        extract::run_lasting(source, shelf.slots(), &order, lasting, &mut rng(), &mut |_| ())
    }

    pub fn start(&self, which: &str) -> Arc<Station> {
        self.start_on(which, Arc::new(Disk))
    }

    /// With journal and drafts on other files; the shelf stays on the disk.
    pub fn start_on(&self, which: &str, files: Arc<dyn Files>) -> Arc<Station> {
        let clock = Arc::clone(&self.clock);
        let parts = Parts {
            hospital_name: "試験病院".into(),
            contact_phone: String::new(),
            institution: chart::rx::Institution::default(),
            order_lists: downtime::forms::OrderLists::built_in().unwrap(),
            payment: downtime::forms::PaymentRules::default(),
            code: code(which),
            roster: self.roster.clone(),
            secret: Arc::clone(if which == "H01" { &self.hub } else { &self.ward }),
            shelf: self.shelf(which),
            data: self.data(which),
            files,
            clock: Arc::new(move || Moment(clock.load(Ordering::SeqCst))),
            has_hub: which != "H01",
        };
        Station::start(parts, Arc::new(|| Box::new(rng()))).unwrap()
    }
}

pub fn code(text: &str) -> StationCode {
    StationCode::parse(text).unwrap()
}

/// The sealed file in use, as bytes, to carry it to another station.
pub fn sealed_file(shelf: &Shelf) -> Vec<u8> {
    let shelved = shelf.current().unwrap();
    shelved
        .read_at(0, usize::try_from(shelved.size().unwrap()).unwrap())
        .unwrap()
}

/// The file of the newest slot on disk.
pub fn newest_file(dir: &Path) -> PathBuf {
    let mut files: Vec<PathBuf> = ["A", "B", "C"]
        .iter()
        .map(|s| dir.join(s).join("snapshot.tmb"))
        .collect();
    files.retain(|f| f.exists());
    files.sort_by_key(|f| std::fs::metadata(f).unwrap().modified().unwrap());
    files.pop().unwrap()
}
