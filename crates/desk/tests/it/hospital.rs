//! A small invented hospital on a real disk: a sealed snapshot, a running station, and the desk in front of it.
//!
//! The people are literals that carry the hazards of the trade. The printer makes a small real PDF of the sheet's words, so
//! that everything but Typst is the real thing.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chart::{AsOf, Chart, Finding, Moment, Severity, Sheet, StationCode};
use desk::{DemoSignIn, Desk, Printed};
use downtime::extract::{self, Guard, Order};
use downtime::identity::{BadgeSecret, Credentials, EnvelopeSecret, NewUser, Role, Roster, Sponsor};
use downtime::printing::{Paper, Printer, Queue, Setup};
use downtime::shelf::Shelf;
use downtime::sources::{Extract, Progress, PullFault, Scope, Source};
use downtime::stations::{Parts, Session, Station};
use getrandom::SysRng;
use getrandom::rand_core::{Rng, UnwrapErr};
use jiff::civil::{Date, date};
use vault::HospitalId;
use vault::files::Disk;
use vault::keys::{RolePublic, RoleSecret, SealerSecret, StationSecret};
use vault::slot::SlotCost;
use vault::snapshot::EpochKeys;

#[path = "hospital/people.rs"]
pub mod people;

// The measuring example uses all of them, the tests only the people.
#[allow(unused_imports)]
pub use people::{booking, hanako, people};

/// Password of all staff.
pub const PASSWORD: &str = "a-long-enough-password";
/// Reception, physician, informatics.
pub const STAFF: [(&str, &str, Role); 3] = [
    ("1001", "田中　恵", Role::Reception),
    ("2001", "佐藤　一郎", Role::Physician),
    ("9001", "高橋　灯", Role::Informatics),
];
/// Secret of the one sealed envelope, number 1.
pub const ENVELOPE: [u8; 16] = [42; 16];
/// A nurse with a badge, where everybody is there: staff number, name, badge number, its secret.
pub const BADGED: (&str, &str, u32, [u8; 16]) = ("3333", "鈴木　光", 77, [77; 16]);
/// The day of every story.
pub const DAY: Date = date(2026, 11, 20);

/// A hospital with its station.
pub struct Hospital {
    /// Keeps the files.
    pub _dir: tempfile::TempDir,
    /// The station.
    pub station: Arc<Station>,
    /// Its clock, in seconds.
    pub clock: Arc<AtomicI64>,
    /// Its queue to printers, where a test has given it some.
    pub printers: Option<Arc<Queue>>,
    /// Its packs, where a test has given it some.
    pub packs: Option<Arc<desk::packs::Packs>>,
    /// What it knows about all stations, where a test has given it something.
    pub fleet: Option<Arc<downtime::readiness::board::Board>>,
    /// Its carrying, where a test has given it some.
    pub carry: Option<Arc<desk::carry::Carry>>,
    /// Opens the snapshot as whoever sealed it.
    #[allow(dead_code)] // The measuring example makes no packs.
    pub keys: EpochKeys,
    journal: RolePublic,
}

/// Staff number of whoever has this role, where everybody is there.
pub fn number_of(role: Role) -> String {
    let known = STAFF.iter().find(|(.., known)| *known == role);
    match (known, role) {
        (Some((number, ..)), _) => (*number).to_owned(),
        (None, Role::BreakGlass) => "bg-001".to_owned(),
        (None, role) => format!("7{:03}", Role::ALL.iter().position(|r| *r == role).unwrap()),
    }
}

pub fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

struct Literal(Vec<Chart>, Vec<Finding>);

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
        Ok(Extract {
            as_of: AsOf::all(Moment(scope.now.0)),
            charts: self.0.len() as u64,
            findings: self.1.clone(),
            ..Extract::default()
        })
    }
}

impl Hospital {
    /// Sealed at 8:45, now 9:12; nothing is known about the EHR yet.
    pub fn open(charts: Vec<Chart>) -> Self {
        Self::with(charts, &[])
    }

    /// The same with somebody of every role, and one sealed envelope.
    pub fn of_everybody(charts: Vec<Chart>) -> Self {
        Self::with(charts, &Role::ALL)
    }

    /// The same with further stations in the roster, as `enrol` adds them.
    #[allow(dead_code)] // The measuring example has none.
    pub fn of_stations(charts: Vec<Chart>, enrol: &dyn Fn(&mut Roster)) -> Self {
        Self::built(charts, &Role::ALL, enrol)
    }

    fn with(charts: Vec<Chart>, roles: &[Role]) -> Self {
        Self::built(charts, roles, &|_| ())
    }

    fn built(charts: Vec<Chart>, roles: &[Role], enrol: &dyn Fn(&mut Roster)) -> Self {
        let mut rng = rng();
        let dir = tempfile::tempdir().unwrap();
        let secret = Arc::new(StationSecret::random(&mut rng));
        let (sealer, journal) = (SealerSecret::random(&mut rng), RoleSecret::random(&mut rng));
        let audit = RoleSecret::random(&mut rng);
        let mut roster = Roster::new(
            HospitalId([7; 16]),
            "試験病院",
            &journal.public(),
            &audit.public(),
            &sealer.public(),
        );
        let code = StationCode::parse("R03").unwrap();
        roster.enrol_station(code, 3, 'A', &secret.public()).unwrap();
        enrol(&mut roster);
        let sponsor = Sponsor {
            user: "9001",
            journal: Some(&journal),
            audit: Some(&audit),
            at: Moment(0),
            note: "試験",
        };
        for (staff_number, name, role) in STAFF {
            let user = NewUser::with_password(staff_number, name, role, PASSWORD);
            roster.enrol_user(&user, &sponsor, SlotCost::FLOOR, &mut rng).unwrap();
        }
        let others = roles
            .iter()
            .filter(|role| STAFF.iter().all(|(.., known)| known != *role));
        for role in others {
            let (number, envelope) = (number_of(*role), EnvelopeSecret::from_bytes(ENVELOPE));
            let mut user = NewUser::with_password(&number, "試験　職員", *role, PASSWORD);
            if *role == Role::BreakGlass {
                user.opens = Credentials::Envelope(&envelope);
                user.record.purpose = "3階東病棟".into();
            }
            roster.enrol_user(&user, &sponsor, SlotCost::FLOOR, &mut rng).unwrap();
        }
        if !roles.is_empty() {
            let (number, name, badge, secret) = BADGED;
            let secret = BadgeSecret::from_bytes(secret);
            let mut user = NewUser::with_password(number, name, Role::Nurse, PASSWORD);
            user.record.badge = badge;
            user.opens = Credentials::PasswordAndBadge {
                password: PASSWORD,
                badge: &secret,
            };
            roster.enrol_user(&user, &sponsor, SlotCost::FLOOR, &mut rng).unwrap();
        }
        let shelf = Shelf::open(
            Arc::new(Disk),
            &dir.path().join("shelf"),
            (roster.hospital(), roster.sealers().unwrap()),
            roster.station_id(code),
            Arc::clone(&secret),
        )
        .unwrap();
        let sealed_at = Moment::from_local(DAY.at(8, 45, 0, 0));
        let scope = Scope {
            day: DAY,
            thin_days: 14,
            now: sealed_at,
            wanted: None,
        };
        let order = Order {
            roster: &roster,
            sealer: &sealer,
            scope,
            guard: Guard::default(),
            fresh_hours: 26,
            only_new: false,
            canaries: &[],
        };
        let finding = Finding::new(
            "date.impossible",
            Severity::Warning,
            "生年月日を読めません。空として続けました。",
        )
        .at("患者基本.csv", 12)
        .in_field("生年月日")
        .about("00009999");
        let done = extract::run(
            &Literal(charts, vec![finding]),
            shelf.slots(),
            &order,
            &mut rng,
            &mut |_| (),
        )
        .unwrap();
        shelf.refresh().unwrap();
        let clock = Arc::new(AtomicI64::new(Moment::from_local(DAY.at(9, 12, 0, 0)).0));
        let parts = Parts {
            hospital_name: "あかりの市立総合病院（架空）".into(),
            contact_phone: "0120-000-000".into(),
            institution: chart::rx::Institution::default(),
            order_lists: downtime::forms::OrderLists::built_in().unwrap(),
            payment: downtime::forms::PaymentRules::default(),
            code,
            roster,
            secret,
            shelf,
            data: dir.path().join("data"),
            files: Arc::new(Disk),
            clock: {
                let clock = Arc::clone(&clock);
                Arc::new(move || Moment(clock.load(Ordering::SeqCst)))
            },
            has_hub: false,
        };
        let station = Station::start(parts, Arc::new(|| Box::new(UnwrapErr(SysRng)))).unwrap();
        Self {
            _dir: dir,
            station,
            clock,
            printers: None,
            packs: None,
            fleet: None,
            carry: None,
            keys: done.keys,
            journal: journal.public(),
        }
    }

    /// Printers at this address, with both sizes of paper.
    #[allow(dead_code)] // The measuring example has none.
    pub fn with_printers(mut self, names: &[&str]) -> Self {
        let printer = |name: &&str| Printer {
            name: (*name).into(),
            uri: "ipp://127.0.0.1/ipp/print".into(),
            place: "1階".into(),
            trays: [Paper::A4, Paper::A5].map(|paper| (paper, String::new())).into(),
            stations: Vec::new(),
        };
        self.printers = Some(Arc::new(Queue::new(Setup {
            files: Arc::new(Disk),
            dir: self._dir.path().join("data/print"),
            hospital: HospitalId([7; 16]),
            journal: self.journal,
            randomness: Arc::new(|| Box::new(rng())),
            station: "R03".into(),
            printers: names.iter().map(printer).collect(),
        })));
        self
    }

    /// Three checks of the EHR failed, the first at 9:00.
    pub fn silence(&self) {
        let now = self
            .clock
            .swap(Moment::from_local(DAY.at(9, 0, 0, 0)).0, Ordering::SeqCst);
        self.station.observe_ehr(false);
        self.clock.store(now, Ordering::SeqCst);
        self.station.observe_ehr(false);
        self.station.observe_ehr(false);
    }

    /// The EHR answered just now.
    pub fn answers(&self) {
        self.station.observe_ehr(true);
    }

    /// Somebody's session beside the desk. Signing in waits for the disk, which no async test may.
    pub fn session(&self, number: &str) -> Session {
        let (station, number) = (Arc::clone(&self.station), number.to_owned());
        let enter = move || station.sign_in(&number, &Credentials::Password(PASSWORD)).unwrap();
        std::thread::spawn(enter).join().unwrap()
    }

    /// The desk in front of the station.
    pub fn desk(&self) -> Desk {
        Desk {
            station: Arc::clone(&self.station),
            print: Arc::new(|sheet| {
                Ok(Printed {
                    pdf: paper(sheet),
                    pages: 1,
                    paper: Paper::A5,
                })
            }),
            codes: Arc::new(codes),
            symbols: desk::Symbols::default(),
            printers: self.printers.clone(),
            packs: self.packs.clone(),
            fleet: self.fleet.clone(),
            carry: self.carry.clone(),
            backups: None,
            updates: None,
            office: None,
            silent_browser: false,
            chance: Arc::new(|bytes| {
                UnwrapErr(SysRng).fill_bytes(bytes);
                Ok(())
            }),
            demo: STAFF
                .iter()
                .map(|(number, name, role)| DemoSignIn {
                    staff_number: (*number).into(),
                    password: PASSWORD.into(),
                    name: (*name).into(),
                    role: *role,
                })
                .collect(),
            languages: vec![
                (chart::Language::parse("en").unwrap(), "English".into()),
                (chart::Language::parse("vi").unwrap(), "Tiếng Việt".into()),
            ],
            own_forms: vec![desk::OwnForm {
                code: "H01".into(),
                title: "転倒・転落確認票".into(),
            }],
            notice: None,
            https: false,
            idle_seconds: desk::IDLE_SECONDS,
        }
    }
}

/// A picture as this hospital makes them: `QR` and a text of one symbol on each line. The roof's reader is tested with real pictures.
fn codes(picture: &[u8]) -> Result<Vec<desk::Code>, desk::PrintFault> {
    let text = std::str::from_utf8(picture)?.strip_prefix("QR\n").ok_or("no picture")?;
    let code = |line: &str| desk::Code {
        joined: None,
        bytes: line.replace('|', "\r\n").into_bytes(),
    };
    Ok(text.lines().map(code).collect())
}

/// A PDF of one empty page whose metadata name the form: small, real, printable.
fn paper(sheet: &Sheet) -> Vec<u8> {
    let mut pdf = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for body in [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 420 595]>>".to_owned(),
        format!("<</Title({} {})>>", sheet.form, sheet.form_id),
    ] {
        places.push(pdf.len());
        pdf.extend(format!("{} 0 obj{body}endobj\n", places.len()).bytes());
    }
    let start = pdf.len();
    pdf.extend(format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).bytes());
    for place in &places {
        pdf.extend(format!("{place:010} 00000 n \n").bytes());
    }
    pdf.extend(
        format!(
            "trailer<</Size {}/Root 1 0 R/Info 4 0 R>>\nstartxref\n{start}\n%%EOF\n",
            places.len() + 1
        )
        .bytes(),
    );
    pdf
}
