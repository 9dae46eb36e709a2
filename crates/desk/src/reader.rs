//! Who reads a patient's panels: somebody at the desk now, or whoever will open a copy that was made before.
//!
//! What is read is deliberately not here: the panels are the same for both.

use chart::{Moment, PatientId};
use downtime::index::Alike;
use downtime::view::Recorded;
use jiff::civil::Date;

use crate::visit::Visit;
use crate::words::Words;

/// Who reads: in which language, on which day, and how far the same names are known.
pub trait Reader {
    /// Words in the reader's language.
    fn w(&self) -> &Words;
    /// The moment that times are told from: those of its day are shown without a date.
    fn now(&self) -> Moment;
    /// The day whose plan is shown and on which ages are told.
    fn day(&self) -> Date;
    /// How many others are called like this patient.
    fn alike(&self, id: &PatientId) -> Option<Alike>;
    /// Where an entry is by now, in words; `None` for who reads a copy made before.
    fn kept(&self, _: &Recorded) -> Option<String> {
        None
    }
}

impl Reader for Visit {
    fn w(&self) -> &Words {
        self.w()
    }

    fn now(&self) -> Moment {
        self.state.now
    }

    fn day(&self) -> Date {
        self.state.now.day()
    }

    fn alike(&self, id: &PatientId) -> Option<Alike> {
        let index = self.signed.as_ref()?.session.index();
        index.find(id).map(|row| row.alike())
    }

    fn kept(&self, recorded: &Recorded) -> Option<String> {
        let day = self.signed.as_ref()?.session.day();
        Some(crate::kept::level(self, &day, recorded))
    }
}
