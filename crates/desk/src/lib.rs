//! Every screen of Tomoshibi: pages rendered on the station, for the browser of the same PC or of the same hospital.
//!
//! `gate` decides who may see what and when; `screens` is the list; `layout` is the frame with the mode bar; `words` are both
//! languages. Deliberately absent: the clock, randomness, Typst and files. The roof hands over a station, a printer and a
//! source of random bytes; nothing is fetched from anywhere else.

use std::sync::Arc;

use axum::Router;
use chart::{Language, Sheet};
use downtime::identity::Role;
use downtime::printing::{Paper, Queue};
use downtime::readiness::board::Board;
use downtime::stations::Station;

mod assets;
mod booked;
pub mod carry;
mod drafts;
mod fault;
pub mod fleet;
mod gate;
mod handle;
mod kept;
mod layout;
pub mod lifeboat;
pub mod office;
pub mod packs;
mod panels;
mod paper;
mod paper_language;
mod people;
mod reader;
mod ready;
mod reason;
mod rolls;
mod rx_symbols;
mod say;
mod screens;
mod session;
mod site;
mod symbols;
mod visit;
mod who;
mod words;

pub use gate::{MAX_BODY, POLICY};
pub use jahis::{Layout, Level};
pub use screens::{Open, Route, SCREENS, Screen};
pub use symbols::{SymbolSize, Symbols};
pub use words::{Lang, Words, WordsFault};

/// A form that the hospital has added to its forms directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnForm {
    /// Its code, `H01`.
    pub code: String,
    /// Its title, as printed.
    pub title: String,
}

/// Turns a filled sheet into a PDF. It may take milliseconds to seconds and is called where a thread may block.
pub type Print = Arc<dyn Fn(&Sheet) -> Result<Printed, PrintFault> + Send + Sync>;

/// A sheet as pages.
#[derive(Debug, Clone)]
pub struct Printed {
    /// The PDF.
    pub pdf: Vec<u8>,
    /// How many pages it has.
    pub pages: usize,
    /// Their size.
    pub paper: Paper,
}

/// Why a sheet could not be turned into a PDF.
pub type PrintFault = Box<dyn std::error::Error + Send + Sync>;

/// Finds every QR symbol in a picture (PNG or JPEG). It may take seconds and is called where a thread may block.
pub type Codes = Arc<dyn Fn(&[u8]) -> Result<Vec<Code>, PrintFault> + Send + Sync>;

/// How backups stand now.
pub type BackupsOf = dyn Fn() -> Option<downtime::readiness::Backups> + Send + Sync;

/// How the program of a station stands with newer versions, as it last said, and when; `None` where this station has not heard of it.
pub type UpdateOf = dyn Fn(chart::StationCode) -> Option<(downtime::updates::Standing, chart::Moment)> + Send + Sync;

/// One QR symbol of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Place (from 0), number of symbols and parity, where it says that it belongs to others.
    pub joined: Option<(u8, u8, u8)>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Fills a buffer with random bytes from the operating system.
pub type Chance = Arc<dyn Fn(&mut [u8]) -> std::io::Result<()> + Send + Sync>;

/// What the roof hands over.
pub struct Desk {
    /// The running station.
    pub station: Arc<Station>,
    /// Paper.
    pub print: Print,
    /// QR symbols in pictures.
    pub codes: Codes,
    /// How QR symbols of prescriptions and medicine notebooks are made.
    pub symbols: Symbols,
    /// The queue to the printers of the list; `None` without any, and then the browser prints.
    pub printers: Option<Arc<Queue>>,
    /// Packs: what was made of the snapshot, and the way to make them; `None` where nobody has lent it.
    pub packs: Option<Arc<packs::Packs>>,
    /// What this station knows about all stations; `None` where no receipts are kept.
    pub fleet: Option<Arc<Board>>,
    /// How stations' programs stand with newer versions; `None` where nobody has lent it.
    pub updates: Option<Arc<UpdateOf>>,
    /// Carrying by hand; `None` where nobody has lent it.
    pub carry: Option<Arc<carry::Carry>>,
    /// How backups stand; `None` where nobody has lent it, or where none are made.
    pub backups: Option<Arc<BackupsOf>>,
    /// Enrolment of stations; `None` where nobody has lent it.
    pub office: Option<Arc<dyn office::Office>>,
    /// Browsers of this station are started so that they print without asking (`--kiosk-printing`).
    pub silent_browser: bool,
    /// Randomness for session tokens and handles.
    pub chance: Chance,
    /// People offered for one-click sign-in. Only the demo has any.
    pub demo: Vec<DemoSignIn>,
    /// Languages that paper for patients can carry besides Japanese, with their names in themselves.
    pub languages: Vec<(Language, String)>,
    /// Forms that the hospital has added, offered in the print menu of a patient.
    pub own_forms: Vec<OwnForm>,
    /// A link in the navigation, such as the demo's control page.
    pub notice: Option<Notice>,
    /// The station is reached over HTTPS: cookies are then marked so.
    pub https: bool,
    /// Seconds without use after which the screen clears and the session ends; taken within [`IDLE_LIMITS`].
    pub idle_seconds: i64,
}

/// Seconds without use after which a session ends, unless configured otherwise.
pub const IDLE_SECONDS: i64 = 180;

/// What may be configured: shorter nobody can work, longer somebody else reads.
pub const IDLE_LIMITS: std::ops::RangeInclusive<i64> = 60..=600;

/// Seconds without use after which the session of an opened envelope ends, at most.
pub const ENVELOPE_IDLE_SECONDS: i64 = 120;

/// How often sessions are looked through.
const SWEEP: std::time::Duration = std::time::Duration::from_secs(5);

/// One person of the demo, who really unlocks with a real password.
#[derive(Debug, Clone)]
pub struct DemoSignIn {
    /// 職員番号
    pub staff_number: String,
    /// The password.
    pub password: String,
    /// Name as shown.
    pub name: String,
    /// Occupation.
    pub role: Role,
}

/// A link the roof adds to the navigation.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Its words.
    pub words: String,
    /// Its address.
    pub href: String,
}

/// Why the desk cannot open.
#[derive(Debug, thiserror::Error)]
pub enum DeskFault {
    /// The compiled-in words are broken.
    #[error(transparent)]
    Words(#[from] WordsFault),
    /// No random bytes.
    #[error("no random bytes from the operating system: {0}")]
    Chance(#[from] std::io::Error),
}

/// Every screen behind its gate.
///
/// # Errors
/// [`DeskFault`] before anything is served.
pub fn router(desk: Desk) -> Result<Router, DeskFault> {
    let site = site::Site::new(desk)?;
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(sweep(Arc::downgrade(&site)));
    }
    Ok(gate::routes(site))
}

/// Ends sessions whose time is over, by the station's clock, as long as there is a desk. A browser that was switched off asks
/// for nothing, and its person's keys must go all the same.
async fn sweep(site: std::sync::Weak<site::Site>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(site) = site.upgrade() else { return };
        site.sessions.sweep(site.now());
    }
}
