//! What the roof lends for S82: the roster's file, the invitations, and what other stations say about either.
//!
//! Who may decide, and that it is in the audit log first, is the screen's; what is written where, the roof's.

use std::sync::Arc;

use chart::StationCode;
use downtime::identity::Roster;
use downtime::identity::enrolment::{ID_LEN, InvitationCode, Ledger, NotDone, Wish};

/// Everything there is to show.
pub struct Books {
    /// The roster, without users where this station is no hub.
    pub roster: Arc<Roster>,
    /// The invitations; empty where this station is no hub.
    pub ledger: Ledger,
    /// The roster is changed here.
    pub keeps: bool,
}

/// An invitation that was just issued. The code is shown once.
pub struct Issued {
    /// What is typed at the new terminal.
    pub code: InvitationCode,
    /// Name of the invitation.
    pub id: [u8; ID_LEN],
}

/// A request that proved nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotHeard {
    /// No message of an enrolment.
    Malformed,
    /// No code fits: mistyped, too old, or guessed.
    WrongCode,
    /// This station enrols nobody.
    NoHub,
    /// The file could not be read or written: nothing was changed.
    Failed,
}

/// Enrolment at this station. Every call may wait for the disk.
pub trait Office: Send + Sync {
    /// What there is to show.
    ///
    /// # Errors
    /// [`NotDone::Failed`].
    fn books(&self) -> Result<Books, NotDone>;

    /// Issues a code.
    ///
    /// # Errors
    /// [`NotDone`]; then there is none.
    fn invite(&self, wish: &Wish, by: &str) -> Result<Issued, NotDone>;

    /// Enrols the terminal that waits with this invitation and fingerprint.
    ///
    /// # Errors
    /// [`NotDone`]; then it is not enrolled.
    fn approve(&self, id: &[u8; ID_LEN], fingerprint: &str, by: &str) -> Result<StationCode, NotDone>;

    /// Refuses the terminal that waits, or takes the code back.
    ///
    /// # Errors
    /// [`NotDone`].
    fn refuse(&self, id: &[u8; ID_LEN], why: &str, by: &str) -> Result<StationCode, NotDone>;

    /// Takes a station out.
    ///
    /// # Errors
    /// [`NotDone`].
    fn retire(&self, code: StationCode, why: &str, by: &str) -> Result<(), NotDone>;

    /// A new terminal asks; gives the answer's bytes.
    ///
    /// # Errors
    /// [`NotHeard`].
    fn hear(&self, body: &[u8], from: &str) -> Result<Vec<u8>, NotHeard>;

    /// Another station asks for a newer roster; gives the answer's bytes.
    ///
    /// # Errors
    /// Words for the log.
    fn newer(&self, body: &[u8]) -> Result<Vec<u8>, String>;

    /// Another station brings a newer roster; true when it was taken.
    ///
    /// # Errors
    /// Words for the log.
    fn take(&self, body: &[u8]) -> Result<bool, String>;
}
