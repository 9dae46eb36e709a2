//! Carrying by hand: records, receipts and the sealed snapshot on a stick, between stations that no line joins.
//!
//! Nothing new is sealed or opened here: records travel byte for byte as they are, each signed by its own station, and the snapshot is
//! sealed already. What a pack adds is one signature over what it says it holds, so that a truncated, mixed or made-up stick shows
//! itself. `pack` is the file, `stick` how it gets onto a stick and is read back, `codes` the smallest things as symbols, `register` what this station remembers,
//! Finding sticks is the roof's. Layout: `docs/formats/carry.md`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chart::{Moment, StationCode};
use minicbor::{Decode, Encode};
use vault::files::Files;
use vault::journal::Stations;
use vault::keys::StationSecret;
use vault::{HospitalId, StationId};

use crate::identity::{Roster, RosterFault};
use crate::stations::{Bytes, Heads, Portion, Station, Stock, Whose};

pub mod codes;
pub mod pack;
mod register;
mod stick;
mod taking;
mod writing;

pub use register::{Confirmed, Out, Register};
pub use stick::{PACK_NAME, PART_NAME};
pub use taking::{Install, SeenPack, Taken};
pub use writing::{Plan, Wish, Written};

/// Longest that reading and checking one piece of a pack may take: a sound stick needs a fifth of it.
pub const PIECE_PATIENCE: Duration = Duration::from_secs(2);

/// Longest a snapshot on a stick may take to be read, per 64 MiB.
pub const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(60);

/// A stick as it was found: what people call it, and what tells it from others.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct StickName {
    /// Name of the volume, such as `TMB-3E`; may be empty.
    #[n(0)]
    pub label: String,
    /// Serial number of the volume; empty where the system does not tell.
    #[n(1)]
    pub serial: String,
}

/// How far it is: bytes done, bytes in all.
pub type Progress<'p> = dyn FnMut(u64, u64) + 'p;

/// Why nothing was carried, or not all of it. Whatever was on the stick and in this station before is there still.
#[derive(Debug, thiserror::Error)]
pub enum CarryFault {
    /// There is no such folder, or it cannot be read.
    #[error("no stick can be read there: {0}")]
    NoStick(String),
    /// No pack lies on it.
    #[error("no pack lies on this stick")]
    Nothing,
    /// The name belongs to something that is no plain file: a folder, a link, a device.
    #[error("what bears the pack's name on this stick is not a file; it was not opened")]
    NotAFile,
    /// Not a pack.
    #[error("the file on this stick is not a pack of records; nothing was taken")]
    NotAPack,
    /// It ends too early, or goes on behind its end.
    #[error("the pack on this stick is not whole; nothing was taken; write it again where it came from")]
    Truncated,
    /// A newer version wrote it.
    #[error("a newer version has written this pack; nothing was taken; bring this station up to date")]
    Newer,
    /// From another hospital.
    #[error("this pack is from another hospital; nothing was taken")]
    OtherHospital,
    /// From a station that is not enrolled here.
    #[error("this pack is from a station that is not enrolled here; nothing was taken; enrol it first")]
    UnknownStation,
    /// Not signed by the station that it names.
    #[error("this pack is not signed by the station it names; nothing was taken; tell the informatics officer")]
    Forged,
    /// A piece is not as it was signed; those before it were taken.
    #[error("piece {0} of the pack is damaged; what was before it is taken; carry it again")]
    Damaged(usize),
    /// The stick gave its bytes too slowly; those before were taken.
    #[error("the stick is too slow or failing; what was read is taken; use another one")]
    TooSlow,
    /// The stick cannot be read or written.
    #[error("the stick failed: {0}")]
    Stick(String),
    /// The stick has no room.
    #[error("the stick is full; what lay on it lies there still")]
    Full,
    /// Read back, it was not what was written.
    #[error("read back from the stick, the pack is not what was written; do not carry this stick")]
    ReadBack,
    /// Somebody else's pack lies there and cannot be taken in first.
    #[error("a pack that cannot be taken in lies on this stick; it was not overwritten")]
    Occupied(#[source] Box<CarryFault>),
    /// Another station's pack lies there, and was not taken in here.
    #[error("a pack of {0} lies on this stick that was not taken in; it was not overwritten; take it in first")]
    NotTakenIn(StationCode),
    /// No code of ours was read.
    #[error("no code of carried entries or of a receipt was read; nothing was changed")]
    NoCode,
    /// The code of this place, counted from 1, was not read whole, or belongs to others.
    #[error("code {0} was not read whole, or belongs to others; nothing was changed; read it again")]
    CodeMisread(usize),
    /// Some codes are missing: so many are there, of so many.
    #[error("{0} of {1} codes were read; nothing was changed; read the others too")]
    CodesMissing(usize, usize),
    /// This station's own disk did not take it.
    #[error("this station could not save: {0}")]
    NotSaved(String),
    /// The roster has a key that is none.
    #[error(transparent)]
    Roster(#[from] RosterFault),
}

/// Where the records are that go onto a stick.
pub enum Holder<'s> {
    /// A running station.
    Running(&'s Station),
    /// A station's files.
    Files(&'s Stock),
}

impl Holder<'_> {
    fn heads(&self) -> Heads {
        match self {
            Self::Running(station) => station.heads(),
            Self::Files(stock) => stock.heads(),
        }
    }

    fn portion(&self, theirs: &Heads, whose: Whose) -> Portion {
        match self {
            Self::Running(station) => station.portion(theirs, whose),
            Self::Files(stock) => stock.portion(theirs, whose, pack::PIECE),
        }
    }

    /// What it can sign for others that it holds of theirs. Files alone sign nothing.
    fn receipts(&self, of: &mut dyn Iterator<Item = &StationId>) -> Vec<Bytes> {
        match self {
            Self::Running(station) => of
                .flat_map(|id| station.receipts_for(id))
                .take(pack::MAX_RECEIPTS)
                .collect(),
            Self::Files(_) => Vec::new(),
        }
    }
}

/// One station's carrying.
pub struct Carrying {
    hospital: HospitalId,
    code: StationCode,
    id: StationId,
    secret: Arc<StationSecret>,
    stations: Stations,
    /// Codes of the stations, the hub first; and those that were taken out.
    codes: Vec<(StationId, StationCode)>,
    retired: Vec<StationId>,
    hub: Option<StationId>,
    files: Arc<dyn Files>,
    dir: PathBuf,
}

impl Carrying {
    /// The carrying of a station; `data` is its directory.
    ///
    /// # Errors
    /// [`CarryFault::Roster`].
    pub fn new(
        roster: &Roster,
        code: StationCode,
        secret: Arc<StationSecret>,
        files: Arc<dyn Files>,
        data: &Path,
    ) -> Result<Self, CarryFault> {
        let stations: Stations = roster
            .machines()?
            .into_iter()
            .map(|(id, _, public)| (id, public))
            .collect();
        let all = roster.stations.iter();
        let id = |code| roster.station_id(code);
        let hub = all.clone().find(|s| s.hub && s.code != code && !s.retired);
        // Rosters from before hubs were marked: node 1 is the hub that `init` makes.
        let hub = hub.or_else(|| {
            all.clone()
                .find(|s| s.block.node() == 1 && s.block.is_whole() && s.code != code && !s.retired)
        });
        Ok(Self {
            hospital: roster.hospital(),
            code,
            id: id(code),
            secret,
            stations,
            hub: hub.map(|s| id(s.code)),
            retired: all.clone().filter(|s| s.retired).map(|s| id(s.code)).collect(),
            codes: all.map(|s| (id(s.code), s.code)).collect(),
            files,
            dir: data.join("carry"),
        })
    }

    /// This station's code.
    #[must_use]
    pub const fn code(&self) -> StationCode {
        self.code
    }

    /// The code of a station.
    #[must_use]
    pub fn code_of(&self, station: &[u8; 16]) -> Option<StationCode> {
        let known = self.codes.iter().find(|(id, _)| id.as_bytes() == station);
        known.map(|(_, code)| *code)
    }

    /// What this station remembers of what it carried.
    ///
    /// # Errors
    /// [`CarryFault::NotSaved`] when it cannot be read.
    pub fn register(&self) -> Result<Register, CarryFault> {
        register::read(&*self.files, &self.dir)
    }

    /// Heads of the station a pack is for, as far as it ever said by hand.
    fn heads_of(&self, register: &Register, station: Option<&StationId>) -> Heads {
        station
            .and_then(|id| register.heard(id.as_bytes()))
            .map(|heard| heard.heads.clone())
            .unwrap_or_default()
    }
}

/// What the stick is asked for and told, with the clock of the roof.
pub struct Hands<'h> {
    /// Now, by the station's clock.
    pub now: Moment,
    /// Time that only goes forward, for limits.
    pub elapsed: &'h dyn Fn() -> Duration,
    /// How far it is.
    pub progress: &'h mut Progress<'h>,
}
