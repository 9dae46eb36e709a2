//! What a station finds when it tries itself becomes the points of its receipt.
//!
//! Pure: findings come in, points come out. Whatever could not be tried is ✕, never good and never left out.

use chart::Moment;

use super::canaries::Compared;
use super::receipt::{People, Point, What, Why};
use super::{DISK_CARE_BYTES, DISK_FRESH_SECONDS, DISK_LEAST_BYTES, Light, PrinterState};
use crate::printing::Health;
use crate::state::TimeQuality;
use crate::stations::Disk;

/// Most names that one point says.
const NAMES: usize = 6;

/// Everything that was tried, at one moment.
#[derive(Debug, Clone)]
pub struct Tried {
    /// Now, by this station's clock.
    pub now: Moment,
    /// The snapshot under this station's secret.
    pub opening: Opening,
    /// The canary patients.
    pub canaries: CanariesTried,
    /// The forms.
    pub forms: FormsTried,
    /// Milliseconds until a dummy record was on the disk and read back, or why it was not.
    pub saving: Result<u64, String>,
    /// Room on the disk.
    pub disk: Option<Disk>,
    /// The clock.
    pub clock: TimeQuality,
    /// Listed printers; `None` where the browser prints.
    pub printers: Option<Vec<(String, PrinterState)>>,
    /// Whoever else holds what is recorded here.
    pub second: Second,
    /// Who has signed in here.
    pub people: People,
}

impl From<Health> for PrinterState {
    fn from(health: Health) -> Self {
        match health {
            Health::Ready | Health::Busy => Self::Ready,
            Health::Stopped | Health::Refuses => Self::Waits,
            Health::Silent => Self::Silent,
            Health::Unknown => Self::Unknown,
        }
    }
}

/// How the snapshot opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// There is none.
    NoSnapshot,
    /// It does not open, and why.
    Refused(String),
    /// It opens, and counts as fresh until then.
    Opened(Moment),
}

/// How the canary patients open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CanariesTried {
    /// There are none in this snapshot, or there is no snapshot.
    None,
    /// They do not open, and why.
    Failed(String),
    /// So many opened.
    Opened(u64),
}

/// How the forms came out of the press.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormsTried {
    /// Nobody has tried yet.
    NotYet,
    /// The time was over after so many of so many.
    Unfinished(u64, u64),
    /// All were tried.
    Done {
        /// Forms that came out.
        printed: u64,
        /// Forms that did not, with the reason.
        failed: Vec<(String, String)>,
        /// Forms of the hospital's own that nobody can fill by themselves.
        left_out: Vec<String>,
        /// Against what the sealer got.
        compared: Compared,
    },
}

/// Another holder of what is recorded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Second {
    /// Answered then.
    Answers(Moment),
    /// Silent since then.
    Silent(Moment),
    /// Nobody was asked.
    Unknown,
}

/// The points of a receipt, in the order of [`What`].
#[must_use]
pub fn points(tried: &Tried) -> Vec<Point> {
    vec![
        opening(tried),
        canaries(&tried.canaries),
        forms(&tried.forms),
        pages(&tried.forms),
        saving(&tried.saving),
        disk(tried),
        clock(tried.clock),
        printers(tried.printers.as_deref()),
        second(tried.second),
        people(&tried.people),
    ]
}

fn opening(tried: &Tried) -> Point {
    match &tried.opening {
        Opening::NoSnapshot => Point::new(What::Opening, Light::Bad, Why::NoSnapshot),
        Opening::Refused(why) => Point::new(What::Opening, Light::Bad, Why::DoesNotOpen).saying(why),
        Opening::Opened(until) if tried.now > *until => Point::new(What::Opening, Light::Bad, Why::Expired).at(*until),
        Opening::Opened(until) => Point::new(What::Opening, Light::Good, Why::Opens).at(*until),
    }
}

fn canaries(tried: &CanariesTried) -> Point {
    match tried {
        CanariesTried::None => Point::new(What::Canaries, Light::Unchecked, Why::NoCanaries),
        CanariesTried::Failed(why) => Point::new(What::Canaries, Light::Bad, Why::CanariesFail).saying(why),
        CanariesTried::Opened(n) => Point::new(What::Canaries, Light::Good, Why::CanariesOpen).of(*n, *n),
    }
}

fn forms(tried: &FormsTried) -> Point {
    match tried {
        FormsTried::NotYet => Point::new(What::Forms, Light::Unchecked, Why::FormsNotYet),
        FormsTried::Unfinished(done, all) => {
            Point::new(What::Forms, Light::Unchecked, Why::FormsUnfinished).of(*done, *all)
        }
        FormsTried::Done {
            printed,
            failed,
            left_out,
            ..
        } => {
            let all = *printed + failed.len() as u64;
            if !failed.is_empty() {
                let named: Vec<String> = failed
                    .iter()
                    .take(NAMES)
                    .map(|(form, why)| format!("{form}: {why}"))
                    .collect();
                let failing = Point::new(What::Forms, Light::Bad, Why::FormsFail);
                return failing.of(failed.len() as u64, all).saying(&named.join(" / "));
            }
            if all == 0 {
                return Point::new(What::Forms, Light::Unchecked, Why::FormsNotYet);
            }
            if left_out.is_empty() {
                return Point::new(What::Forms, Light::Good, Why::FormsPrint).of(*printed, all);
            }
            let left = Point::new(What::Forms, Light::Care, Why::FormsLeftOut);
            left.of(*printed, all).saying(&some(left_out))
        }
    }
}

fn pages(tried: &FormsTried) -> Point {
    let FormsTried::Done { compared, .. } = tried else {
        return Point::new(What::Pages, Light::Unchecked, Why::PagesNotYet);
    };
    match compared {
        Compared::Same => Point::new(What::Pages, Light::Good, Why::PagesSame),
        Compared::OtherMaker => Point::new(What::Pages, Light::Care, Why::PagesOther),
        Compared::Nothing => Point::new(What::Pages, Light::Care, Why::PagesNothing),
        Compared::Otherwise(forms) => Point::new(What::Pages, Light::Bad, Why::PagesDiffer)
            .of(forms.len() as u64, 0)
            .saying(&some(forms)),
    }
}

fn some(names: &[String]) -> String {
    let shown = names.iter().take(NAMES).cloned().collect::<Vec<_>>().join("、");
    if names.len() > NAMES {
        format!("{shown} …")
    } else {
        shown
    }
}

fn saving(tried: &Result<u64, String>) -> Point {
    match tried {
        Ok(ms) => Point::new(What::Saving, Light::Good, Why::Saved).of(*ms, 0),
        Err(why) => Point::new(What::Saving, Light::Bad, Why::NotSaved).saying(why),
    }
}

fn disk(tried: &Tried) -> Point {
    let fresh = |disk: &Disk| tried.now.0.saturating_sub(disk.at.0).abs() <= DISK_FRESH_SECONDS;
    let Some(disk) = tried.disk.filter(fresh) else {
        return Point::new(What::Disk, Light::Unchecked, Why::RoomUnknown);
    };
    let (light, why) = match disk.free {
        ..DISK_LEAST_BYTES => (Light::Bad, Why::NoRoom),
        DISK_LEAST_BYTES..DISK_CARE_BYTES => (Light::Care, Why::LittleRoom),
        _ => (Light::Good, Why::Room),
    };
    Point::new(What::Disk, light, why).of(disk.free, disk.all)
}

/// A clock of which nobody knows is a matter of today and not of this minute: the machine works, and its ages may be wrong.
const fn clock(quality: TimeQuality) -> Point {
    let (light, why) = match quality {
        TimeQuality::Synced => (Light::Good, Why::Synced),
        TimeQuality::Drifting => (Light::Care, Why::Drifting),
        TimeQuality::ByHand => (Light::Bad, Why::ByHand),
        TimeQuality::Unknown => (Light::Care, Why::TimeUnknown),
    };
    Point::new(What::Clock, light, why)
}

fn printers(printers: Option<&[(String, PrinterState)]>) -> Point {
    let Some(printers) = printers else {
        return Point::new(What::Printers, Light::Care, Why::PrintersBrowser);
    };
    let named = |state: PrinterState| -> Vec<String> {
        let with = printers.iter().filter(|(_, s)| *s == state);
        with.map(|(name, _)| name.clone()).collect()
    };
    let ready = named(PrinterState::Ready).len() as u64;
    let all = printers.len() as u64;
    let of = [
        (PrinterState::Silent, Light::Bad, Why::PrintersSilent),
        (PrinterState::Unknown, Light::Unchecked, Why::PrintersUnknown),
        (PrinterState::Waits, Light::Care, Why::PrintersWait),
    ];
    for (state, light, why) in of {
        let names = named(state);
        if !names.is_empty() {
            return Point::new(What::Printers, light, why)
                .of(ready, all)
                .saying(&some(&names));
        }
    }
    Point::new(What::Printers, Light::Good, Why::PrintersReady).of(ready, all)
}

const fn second(second: Second) -> Point {
    match second {
        Second::Answers(at) => Point::new(What::SecondCopy, Light::Good, Why::SecondAnswers).at(at),
        Second::Silent(since) => Point::new(What::SecondCopy, Light::Bad, Why::SecondSilent).at(since),
        Second::Unknown => Point::new(What::SecondCopy, Light::Unchecked, Why::SecondUnknown),
    }
}

fn people(people: &People) -> Point {
    let lately = u64::from(people.lately);
    let (light, why) = if people.lately > 0 {
        (Light::Good, Why::PeopleCame)
    } else {
        (Light::Care, Why::NobodyCame)
    };
    Point::new(What::People, light, why).of(lately, u64::from(people.staff))
}
