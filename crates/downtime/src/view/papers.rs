//! Paper about one patient that came back, and where its pictures lie.
//!
//! Not here: the account of all paper (that is `scans`), and the pictures, which stay at the station that scanned them.

use std::sync::Arc;

use chart::entry::PageBack;
use chart::{Act, FormId, StationCode, Subject};

use super::{Day, Recorded};

/// Where the pictures of some pages lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The station that has them.
    pub station: StationCode,
    /// Name of the scanned file.
    pub name: String,
    /// Which page of the sheet stands on which page of the file.
    pub pages: Vec<PageBack>,
}

/// A sheet that came back: by its code, or a blank one by what a person read on it.
#[derive(Debug, Clone)]
pub struct PaperBack {
    /// The entry that says so.
    pub recorded: Arc<Recorded>,
    /// Where the pictures lie; empty where no entry says so yet.
    pub pictures: Vec<Picture>,
    /// The entry that says that it is somebody else's after all, if any.
    pub withdrawn: Option<Arc<Recorded>>,
}

/// Everything about one patient that came back, in order.
pub(super) fn papers_back(entries: &[Arc<Recorded>], day: &Day) -> Vec<PaperBack> {
    let of = |recorded: &Arc<Recorded>| {
        let pictures = match &recorded.entry.act {
            Act::SheetReturned(_) => picture(recorded).into_iter().collect(),
            Act::SheetNamed(named) => of_blank(&named.form_id, day),
            _ => return None,
        };
        Some(PaperBack {
            recorded: Arc::clone(recorded),
            pictures,
            withdrawn: day.undone_by(&recorded.id),
        })
    };
    entries.iter().filter_map(of).collect()
}

/// A blank sheet came back as nobody's: whose it is was said later.
fn of_blank(number: &FormId, day: &Day) -> Vec<Picture> {
    let nobodys = day.about(&Subject::Hospital);
    nobodys
        .filter(|r| matches!(&r.entry.act, Act::SheetReturned(back) if back.form_id == *number))
        .filter_map(|r| picture(&r))
        .collect()
}

fn picture(recorded: &Recorded) -> Option<Picture> {
    match &recorded.entry.act {
        Act::SheetReturned(back) => Some(Picture {
            station: recorded.entry.station,
            name: back.name.clone(),
            pages: back.found.clone(),
        }),
        _ => None,
    }
}
