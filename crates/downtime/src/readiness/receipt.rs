//! 即応証明: what one station proved about itself, signed by it.
//!
//! A receipt says what was looked at, when, for which snapshot and by which program. It holds counts and times, never a person. Points are
//! numbers with values, so that whoever reads it hears them in their own language, and a point of a newer program is still shown as one
//! that this program does not know. What follows from receipts is `fleet`'s. The format: `docs/formats/readiness-receipt.md`.

use chart::{Moment, StationCode};
use minicbor::{Decode, Encode};
use vault::StationId;
use vault::keys::{StationPublic, StationSecret};
use vault::sign::{Purpose, SIGNATURE_LEN};

use super::Light;

/// Longest receipt accepted, in bytes.
pub const MAX_RECEIPT: usize = 16 << 10;

/// Most points of a receipt.
pub const MAX_POINTS: usize = 64;

/// Most characters of a point's text.
pub const MAX_POINT_TEXT: usize = 300;

/// What one station proved about itself at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Receipt {
    /// Which station, in the vault's name.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub station: [u8; 16],
    /// Which station, as people say it.
    #[n(1)]
    pub code: StationCode,
    /// When, by the station's clock.
    #[n(2)]
    pub at: Moment,
    /// The snapshot it holds; `None` where it has none.
    #[n(3)]
    pub holds: Option<Holds>,
    /// When every form was last printed into memory from this snapshot by this program; `None` when it was not yet.
    #[n(4)]
    pub printed: Option<Moment>,
    /// What was looked at.
    #[n(5)]
    pub points: Vec<Point>,
    /// The program.
    #[n(6)]
    pub program: Program,
    /// Who has signed in here, in numbers.
    #[n(7)]
    pub people: People,
    /// How long the proof took, in milliseconds.
    #[n(8)]
    pub took_ms: u32,
}

/// A snapshot on a station.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Holds {
    /// Its epoch.
    #[n(0)]
    pub epoch: u64,
    /// Its delta.
    #[n(1)]
    pub delta: u32,
    /// SHA-256 of its manifest.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub manifest: [u8; 32],
    /// When it was sealed.
    #[n(3)]
    pub sealed: Moment,
    /// データ時点, the oldest of all kinds.
    #[n(4)]
    pub as_of: Moment,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Program {
    /// Its version.
    #[n(0)]
    pub version: String,
    /// Kind of system.
    #[n(1)]
    pub system: String,
    /// SHA-256 of its file; zeros where it could not be read.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub file: [u8; 32],
}

/// Who has signed in on a station, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct People {
    /// Accounts that are meant to work here.
    #[n(0)]
    pub staff: u32,
    /// Of them, those that signed in here in the last seven days.
    #[n(1)]
    pub lately: u32,
    /// Of them, those that never signed in here.
    #[n(2)]
    pub never: u32,
    /// The last sign-in of anybody.
    #[n(3)]
    pub last: Option<Moment>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Point {
    /// What, as [`What::code`]; unknown ones are those of a newer program.
    #[n(0)]
    what: u8,
    /// How it stands.
    #[n(1)]
    light: u8,
    /// Which sentence, as [`Why::code`].
    #[n(2)]
    why: u8,
    /// A number of the sentence.
    #[n(3)]
    pub n: u64,
    /// Of how many.
    #[n(4)]
    pub all: u64,
    /// A moment of the sentence.
    #[n(5)]
    pub at: Option<Moment>,
    /// Names or a cause, in the station's own words.
    #[n(6)]
    pub text: String,
}

macro_rules! coded {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $case:ident = $code:literal $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $case,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$case,)*];

            /// Its number in a receipt.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Self::$case => $code,)* }
            }

            /// Its key in the words.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$case => $word,)* }
            }

            /// The reverse of [`Self::code`].
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$case),)* _ => None }
            }
        }
    };
}

coded! {
    /// What a point is about, in the order in which they are shown.
    What {
        /// The station's secret opens the snapshot.
        Opening = 1 "proof-opening",
        /// The canary patients open.
        Canaries = 2 "proof-canaries",
        /// Every form comes out of the press.
        Forms = 3 "proof-forms",
        /// They come out as at the sealer.
        Pages = 4 "proof-pages",
        /// A record is written, synced and read back.
        Saving = 5 "proof-saving",
        /// Room on the disk.
        Disk = 6 "proof-disk",
        /// The clock.
        Clock = 7 "proof-clock",
        /// Printers.
        Printers = 8 "proof-printers",
        /// Another station holds what is recorded here.
        SecondCopy = 9 "proof-second",
        /// People sign in here.
        People = 10 "proof-people",
    }
}

coded! {
    /// The sentence of a point.
    Why {
        /// It opens.
        Opens = 1 "proof-opens",
        /// There is no snapshot.
        NoSnapshot = 2 "proof-no-snapshot",
        /// The station's secret does not open it.
        DoesNotOpen = 3 "proof-does-not-open",
        /// It is past the time for which it counts as fresh.
        Expired = 4 "proof-expired",
        /// All canary patients open.
        CanariesOpen = 10 "proof-canaries-open",
        /// The snapshot has none.
        NoCanaries = 11 "proof-no-canaries",
        /// They do not open.
        CanariesFail = 12 "proof-canaries-fail",
        /// Every form comes out.
        FormsPrint = 20 "proof-forms-print",
        /// Some do not.
        FormsFail = 21 "proof-forms-fail",
        /// The time was over before all were tried.
        FormsUnfinished = 22 "proof-forms-unfinished",
        /// Nobody has tried yet.
        FormsNotYet = 23 "proof-forms-not-yet",
        /// Every form comes out; some of the hospital's own cannot be tried by themselves.
        FormsLeftOut = 24 "proof-forms-left-out",
        /// The same pages as at the sealer.
        PagesSame = 30 "proof-pages-same",
        /// Another program sealed it: not compared.
        PagesOther = 31 "proof-pages-other",
        /// The sealer said nothing about pages.
        PagesNothing = 32 "proof-pages-nothing",
        /// Other pages than at the sealer.
        PagesDiffer = 33 "proof-pages-differ",
        /// Nothing to compare yet.
        PagesNotYet = 34 "proof-pages-not-yet",
        /// Written and read back.
        Saved = 40 "proof-saved",
        /// Not.
        NotSaved = 41 "proof-not-saved",
        /// Enough room.
        Room = 50 "proof-room",
        /// Little room.
        LittleRoom = 51 "proof-little-room",
        /// Too little room.
        NoRoom = 52 "proof-no-room",
        /// Nobody could look.
        RoomUnknown = 53 "proof-room-unknown",
        /// In agreement with a time service.
        Synced = 60 "home-time-synced",
        /// Alone for a while.
        Drifting = 61 "home-time-drifting",
        /// Set by hand, or off.
        ByHand = 62 "home-time-by-hand",
        /// Nobody knows.
        TimeUnknown = 63 "home-time-unknown",
        /// All printers answer.
        PrintersReady = 70 "proof-printers-ready",
        /// Some wait for a person.
        PrintersWait = 71 "proof-printers-wait",
        /// Some do not answer.
        PrintersSilent = 72 "proof-printers-silent",
        /// Some were never asked.
        PrintersUnknown = 73 "proof-printers-unknown",
        /// The browser prints: nobody can see from here whether it can.
        PrintersBrowser = 74 "proof-printers-browser",
        /// Somebody else answers.
        SecondAnswers = 80 "proof-second-answers",
        /// Nobody does.
        SecondSilent = 81 "proof-second-silent",
        /// Nobody was asked yet.
        SecondUnknown = 82 "proof-second-unknown",
        /// People have signed in here lately.
        PeopleCame = 90 "proof-people-came",
        /// Nobody has for seven days.
        NobodyCame = 91 "proof-nobody-came",
    }
}

impl Point {
    /// A point without values.
    #[must_use]
    pub const fn new(what: What, light: Light, why: Why) -> Self {
        Self {
            what: what.code(),
            light: light as u8,
            why: why.code(),
            n: 0,
            all: 0,
            at: None,
            text: String::new(),
        }
    }

    /// The same with a number of how many.
    #[must_use]
    pub const fn of(mut self, n: u64, all: u64) -> Self {
        (self.n, self.all) = (n, all);
        self
    }

    /// The same with a moment.
    #[must_use]
    pub const fn at(mut self, at: Moment) -> Self {
        self.at = Some(at);
        self
    }

    /// The same with words, cut at [`MAX_POINT_TEXT`].
    #[must_use]
    pub fn saying(mut self, text: &str) -> Self {
        self.text = text.chars().take(MAX_POINT_TEXT).collect();
        self
    }

    /// What it is about; `None` for a point of a newer program.
    #[must_use]
    pub const fn what(&self) -> Option<What> {
        What::from_code(self.what)
    }

    /// Its sentence; `None` for one of a newer program.
    #[must_use]
    pub const fn why(&self) -> Option<Why> {
        Why::from_code(self.why)
    }

    /// How it stands. What this program does not understand was, for it, not checked.
    #[must_use]
    pub const fn light(&self) -> Light {
        match self.light {
            0 => Light::Good,
            1 => Light::Care,
            3 => Light::Bad,
            _ => Light::Unchecked,
        }
    }
}

/// What must have been looked at before a station counts as ready: a receipt that leaves one out proves nothing about it.
pub const NEEDED: [What; 9] = [
    What::Opening,
    What::Canaries,
    What::Forms,
    What::Pages,
    What::Saving,
    What::Disk,
    What::Clock,
    What::Printers,
    What::SecondCopy,
];

impl Receipt {
    /// The worst point, the first of equal ones.
    #[must_use]
    pub fn worst(&self) -> Option<&Point> {
        let mut worst: Option<&Point> = None;
        for point in &self.points {
            if worst.is_none_or(|worst| point.light() > worst.light()) {
                worst = Some(point);
            }
        }
        worst
    }

    /// Whether everything that is needed was looked at, and nothing failed or was left unchecked.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let there = |what: &What| self.points.iter().any(|point| point.what() == Some(*what));
        let fine = |point: &Point| point.light() <= Light::Care;
        self.holds.is_some() && self.printed.is_some() && NEEDED.iter().all(there) && self.points.iter().all(fine)
    }

    /// One point.
    #[must_use]
    pub fn point(&self, what: What) -> Option<&Point> {
        self.points.iter().find(|point| point.what() == Some(what))
    }
}

/// A receipt with its signature, as it travels and as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Signed {
    #[cbor(n(0), with = "minicbor::bytes")]
    receipt: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    signature: [u8; SIGNATURE_LEN],
}

/// Why a receipt is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotBelieved {
    /// Not a receipt, or longer than one.
    #[error("即応証明として読めません。信じていません")]
    Malformed,
    /// Not signed by the station it names.
    #[error("即応証明の署名が違います。信じていません")]
    Forged,
    /// Of a station that is not enrolled, or was taken out.
    #[error("名簿にない端末、または外した端末の即応証明です。信じていません")]
    NotEnrolled,
    /// Older than the one that is held.
    #[error("手元より古い即応証明です。置き換えていません")]
    Older,
    /// Its time is in the future of this clock: it is kept beside the others and shown as what it is.
    #[error("この時計より先の時刻の即応証明です。使えるとは数えません")]
    FromTheFuture,
}

impl Signed {
    /// Signs a receipt.
    #[must_use]
    pub fn sign(receipt: &Receipt, secret: &StationSecret) -> Self {
        let receipt = minicbor::to_vec(receipt).unwrap_or_default();
        let signature = secret.sign(Purpose::Readiness, &receipt);
        Self { receipt, signature }
    }

    /// What it claims; believed by nobody before [`Self::verify`].
    ///
    /// # Errors
    /// [`NotBelieved::Malformed`].
    pub fn claim(&self) -> Result<Receipt, NotBelieved> {
        if self.receipt.len() > MAX_RECEIPT {
            return Err(NotBelieved::Malformed);
        }
        let receipt: Receipt = minicbor::decode(&self.receipt).map_err(|_| NotBelieved::Malformed)?;
        let long = |point: &Point| point.text.chars().count() > MAX_POINT_TEXT;
        if receipt.points.len() > MAX_POINTS || receipt.points.iter().any(long) {
            return Err(NotBelieved::Malformed);
        }
        Ok(receipt)
    }

    /// The receipt, if the station it names signed it: `name` and `code` are the enrolled station's, `public` is its key.
    ///
    /// # Errors
    /// [`NotBelieved`].
    pub fn verify(&self, name: &StationId, code: StationCode, public: &StationPublic) -> Result<Receipt, NotBelieved> {
        let receipt = self.claim()?;
        let signed = public.verify(Purpose::Readiness, &self.receipt, &self.signature);
        if signed.is_err() || receipt.station != *name.as_bytes() || receipt.code != code {
            return Err(NotBelieved::Forged);
        }
        Ok(receipt)
    }

    /// CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`NotBelieved::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotBelieved> {
        if bytes.len() > 2 * MAX_RECEIPT {
            return Err(NotBelieved::Malformed);
        }
        minicbor::decode(bytes).map_err(|_| NotBelieved::Malformed)
    }
}
