//! Where the picture of a returned sheet lies, in the reader's words. The picture itself stays at the station that scanned it.

use chart::{EntryId, StationCode};
use downtime::view::{PaperBack, Picture, View};

use crate::words::Words;

fn paper<'a>(view: &'a View, entry: &EntryId) -> Option<&'a PaperBack> {
    view.papers.iter().find(|paper| paper.recorded.id == *entry)
}

/// Whether somebody said that the sheet is another person's after all.
pub fn is_withdrawn(view: &View, entry: &EntryId) -> bool {
    paper(view, entry).is_some_and(|paper| paper.withdrawn.is_some())
}

/// 「画像は端末 R03 にあります（scan007.pdf の 3 ページ）」, a line for each file; for a sheet that is somebody else's after all, why
/// it is no longer here.
pub fn lies(w: &Words, view: &View, entry: &EntryId) -> String {
    let Some(paper) = paper(view, entry) else {
        return String::new();
    };
    let mut lines: Vec<String> = paper.pictures.iter().map(|picture| of(w, picture)).collect();
    if let Some(chart::Act::SheetNamed(later)) = paper.withdrawn.as_ref().map(|later| &later.entry.act) {
        lines.push(w.with("paper-withdrawn", &[("reason", (&later.reason).into())]));
    }
    lines.join("\n")
}

/// Where one file's pictures lie.
fn of(w: &Words, picture: &Picture) -> String {
    let pages: Vec<String> = picture.pages.iter().map(|page| page.at.to_string()).collect();
    at(w, picture.station, &picture.name, &pages)
}

/// 「画像は端末 R03 にあります（scan007.pdf の 3 ページ）」.
pub fn at(w: &Words, station: StationCode, file: &str, pages: &[String]) -> String {
    let (station, pages) = (station.to_string(), pages.join(", "));
    w.with(
        "paper-lies",
        &[
            ("station", (&station).into()),
            ("file", file.into()),
            ("pages", (&pages).into()),
        ],
    )
}
