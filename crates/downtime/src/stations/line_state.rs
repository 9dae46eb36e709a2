//! What is known of the lines between this station and others: certificates, their time, who was refused.
//!
//! The roof observes, S70 shows. Nothing about patients travels by what is said here.

use std::sync::{Arc, Mutex, PoisonError};

use chart::Moment;

use super::Station;

/// One certificate's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// First moment in which it counts.
    pub from: Moment,
    /// Last moment in which it counts.
    pub until: Moment,
}

/// What was met at another station's or hub's door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineMet {
    /// Its certificate ended then; the line goes on.
    Expired(Moment),
    /// Its certificate begins then: one of the two clocks is wrong; the line goes on.
    NotYet(Moment),
    /// It did not prove who it is; no line.
    Refused(String),
}

/// The lines of this station, as the roof last saw them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineState {
    /// When it was looked at.
    pub at: Moment,
    /// Somebody said yes to lines without TLS.
    pub plain: bool,
    /// The certificate that this station shows; `None` where it shows none.
    pub shown: Option<Lifetime>,
    /// On a hub, when the key ends that makes certificates.
    pub issuing_until: Option<Moment>,
    /// Why a certificate could not be made or changed the last time.
    pub trouble: Option<String>,
    /// Others by name, where something was not as it should be.
    pub met: Vec<(String, LineMet)>,
}

/// Where the roof leaves it.
#[derive(Default)]
pub(super) struct Lines(Mutex<Option<Arc<LineState>>>);

impl Station {
    /// The roof looked at the lines.
    pub fn observe_lines(&self, state: LineState) {
        *self.lines.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(state));
    }

    /// The lines as last seen; `None` where nobody looks.
    #[must_use]
    pub fn lines(&self) -> Option<Arc<LineState>> {
        self.lines.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
