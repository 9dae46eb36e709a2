//! What the roof lends S71: the packs on the disk, the press for many sheets, and what the hospital has configured.
//!
//! Making packs unattended is the roof's; who may let one out, and that it is written down, is the screen's.

use std::sync::Arc;

use downtime::packs::{Kind, Lent, Pages, PaperOf, Store};
use downtime::shelf::Opened;

/// Packs of a station.
pub struct Packs {
    /// Where they lie.
    pub store: Store,
    /// Sheets to one PDF.
    pub pages: Arc<Pages<'static>>,
    /// The size of a form's paper.
    pub paper: Arc<PaperOf<'static>>,
    /// Digits of this station's audit log for F13.
    pub checkpoint: Arc<dyn Fn() -> String + Send + Sync>,
    /// Whether a department's or ward's pack is made by itself.
    pub wants: Arc<Wants>,
    /// Names of its printers, in the order of the configuration; all of them are listed.
    pub printers: Arc<PrintersOf>,
    /// Pages that a printer prints in a minute.
    pub per_minute: u16,
    /// Makes them now, in the background, with the keys of who asks; `None` on a station that makes none.
    pub remake: Option<Remake>,
    /// The last packs that were destroyed, newest first.
    pub destroyed: Arc<dyn Fn() -> Vec<Gone> + Send + Sync>,
}

impl Packs {
    /// Somebody is making them now.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.store
            .hold()
            .is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

/// Whether the pack of a department or ward, by its code, is made by itself.
pub type Wants = dyn Fn(Kind, &str) -> bool + Send + Sync;

/// The names of the printers of a department or ward, by its code.
pub type PrintersOf = dyn Fn(Kind, &str) -> Vec<String> + Send + Sync;

/// Begins to make the packs of a snapshot.
pub type Remake = Arc<dyn Fn(Arc<Opened>) + Send + Sync>;

/// A line of the log of destructions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// When, as it stands there.
    pub at: String,
    /// Which snapshot's packs.
    pub epoch: u64,
    /// How many.
    pub packs: usize,
    /// How many files could not be destroyed.
    pub left: usize,
}

impl Packs {
    /// Press and paper for `downtime::packs::render`.
    pub(crate) fn lent<'a>(&'a self, checkpoint: &'a str) -> Lent<'a> {
        Lent {
            paper: &*self.paper,
            pages: &*self.pages,
            checkpoint,
        }
    }
}
