//! A department's morning as one PDF: laid out on several threads, in their order, in bounded memory.
//!
//! One Typst document for everybody needs gigabytes and one PDF per patient embeds the fonts each time. So every sheet is its own
//! document (that is also what numbers its pages n/m); finished pages are gathered into segments, each written as soon as it is full,
//! and the segments joined at the end. A sheet that fails does not stop the rest: a page with the patient and the reason stands in its
//! place.
//!
//! Charts that the quick way sets never become Typst pages: they go straight into one file of their own, fonts shared by all, which is the
//! whole pack where nothing else is in it; else its pages and Typst's are joined in their order.
//!
//! Not here: what a morning consists of, and how many printers share it.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use chart::Sheet;
use krilla::SerializeSettings;
use krilla::pdf::{Pdf as Loaded, PdfDocument};
use typst::ecow::EcoVec;
use typst::foundations::Smart;
use typst::layout::{Frame, FrameItem};
use typst::model::DocumentInfo;
use typst_layout::{Page, PagedDocument};

use crate::error::PressError;
use crate::press::{Press, export};
use crate::quick::{File, Inkwell, Page as QuickPage, Quick};

/// Most pages of one pack.
pub const MAX_PACK_PAGES: usize = 20_000;

/// Pages after which a segment is written. Each waits in about a third of a megabyte; each segment embeds its fonts once.
const SEGMENT_PAGES: usize = 120;

/// How far a pack is. The caller knows how many sheets it gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Sheets laid out, spoiled ones included.
    pub sheets: usize,
    /// Their pages.
    pub pages: usize,
}

/// What became of a pack.
#[derive(Debug, Default)]
pub struct PackReport {
    /// Sheets and pages in the PDF.
    pub printed: Progress,
    /// Size of the PDF.
    pub bytes: usize,
    /// Sheets that could not be printed, in their order.
    pub spoiled: Vec<Spoiled>,
    /// The first reason why a hospital's own form gave way to the built-in one.
    pub instead: Option<String>,
    /// No edition of a form was in force on the day of issue: the first such sentence.
    pub warning: Option<String>,
}

/// A sheet of a pack that could not be printed.
#[derive(Debug)]
pub struct Spoiled {
    /// Its place among the sheets, from 0.
    pub index: usize,
    /// Form code.
    pub form: String,
    /// Patient number as shown, empty for lists.
    pub patient: String,
    /// Why.
    pub error: PressError,
    /// A page with the patient and the reason stands in its place.
    pub placeholder: bool,
}

impl Press {
    /// Prints sheets into one PDF, in their order; no sheets, no PDF. One pack at a time: the next waits.
    /// `progress` hears of every finished sheet, from several threads but one at a time.
    ///
    /// # Errors
    /// More than [`MAX_PACK_PAGES`] pages, or a sink that fails. Sheets that cannot be printed are not errors but
    /// [`PackReport::spoiled`].
    pub fn pack<I>(
        &self,
        sheets: I,
        progress: impl FnMut(Progress) + Send,
        mut sink: impl Write,
    ) -> Result<PackReport, PressError>
    where
        I: IntoIterator<Item = Sheet>,
        I::IntoIter: Send,
    {
        let _turn = self.packing.lock().unwrap_or_else(PoisonError::into_inner);
        let sheets = Mutex::new(sheets.into_iter().enumerate());
        let tray = Mutex::new(Tray::new(progress));
        std::thread::scope(|scope| {
            for _ in 0..self.threads {
                scope.spawn(|| self.on_a_bench(|| self.work(&sheets, &tray)));
            }
        });
        let mut tray = tray.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = tray.stopped {
            return Err(error);
        }
        let mut report = tray.report;
        report.spoiled.sort_by_key(|spoiled| spoiled.index);
        if !tray.open.is_empty() {
            let open = std::mem::take(&mut tray.open);
            let last = self.on_a_bench(|| segment(open))?;
            tray.segments.insert(tray.segments.len(), last);
        }
        let quick = match &self.quick {
            Some(quick) if tray.quick.pages() > 0 => {
                let bytes = quick.finish(tray.quick, &self.stock.fonts, None);
                Some(bytes.ok_or_else(|| PressError::Setup("the fonts of a pack could not be cut".to_owned()))?)
            }
            _ => None,
        };
        let bytes = join(tray.segments.into_values().collect(), quick, &tray.runs)?;
        sink.write_all(&bytes)
            .and_then(|()| sink.flush())
            .map_err(PressError::Sink)?;
        report.bytes = bytes.len();
        Ok(report)
    }

    /// One thread's share: the next sheet until none is left or something stopped the pack.
    fn work<P: FnMut(Progress) + Send>(
        &self,
        sheets: &Mutex<impl Iterator<Item = (usize, Sheet)>>,
        tray: &Mutex<Tray<P>>,
    ) {
        let mut well = Inkwell::new();
        loop {
            let next = sheets.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((index, sheet)) = next else { return };
            if let Some(pages) = self.quickly(&sheet, &mut well) {
                self.laid(tray, index, Pages::Quick(pages));
                if tray.lock().unwrap_or_else(PoisonError::into_inner).stopped.is_some() {
                    return;
                }
                continue;
            }
            let (pages, spoiled, instead, warning) = match self.lay(&sheet) {
                Ok(laid) => (bare(&laid.document), None, laid.instead, laid.warning),
                Err(error) => {
                    let pages = self.placeholder(&sheet, &error);
                    let placeholder = !pages.is_empty();
                    let patient = sheet.strip.as_ref().map(|strip| strip.id.clone()).unwrap_or_default();
                    (
                        pages,
                        Some(Spoiled {
                            index,
                            form: sheet.form.clone(),
                            patient,
                            error,
                            placeholder,
                        }),
                        None,
                        None,
                    )
                }
            };
            {
                let mut tray = tray.lock().unwrap_or_else(PoisonError::into_inner);
                tray.report.spoiled.extend(spoiled);
                tray.report.instead = tray.report.instead.take().or(instead);
                tray.report.warning = tray.report.warning.take().or(warning);
            }
            self.laid(tray, index, Pages::Typst(pages));
            if tray.lock().unwrap_or_else(PoisonError::into_inner).stopped.is_some() {
                return;
            }
        }
    }

    /// Puts a sheet's pages into the tray and writes the segments that are full now, outside of its lock.
    fn laid<P: FnMut(Progress) + Send>(&self, tray: &Mutex<Tray<P>>, index: usize, pages: Pages) {
        let full = tray.lock().unwrap_or_else(PoisonError::into_inner).put(index, pages);
        for (number, pages) in full {
            let written = segment(pages);
            tray.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .written(number, written);
        }
    }
}

/// A sheet's pages.
enum Pages {
    Typst(Vec<Page>),
    Quick(Vec<QuickPage>),
}

/// So many pages in a row that come from one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    quick: bool,
    pages: usize,
}

/// Where the threads put finished pages.
struct Tray<P> {
    /// Sheets that came before their turn.
    early: BTreeMap<usize, Pages>,
    /// The sheet whose turn it is.
    turn: usize,
    /// The segment being filled, in order.
    open: Vec<Page>,
    /// The charts set by the quick way, in order.
    quick: File,
    /// Whose pages follow whose.
    runs: Vec<Run>,
    /// Segments taken out so far.
    taken: usize,
    /// Segments written.
    segments: BTreeMap<usize, Vec<u8>>,
    stopped: Option<PressError>,
    report: PackReport,
    progress: P,
}

impl<P: FnMut(Progress)> Tray<P> {
    fn new(progress: P) -> Self {
        Self {
            early: BTreeMap::new(),
            turn: 0,
            open: Vec::new(),
            quick: Quick::file(),
            runs: Vec::new(),
            taken: 0,
            segments: BTreeMap::new(),
            stopped: None,
            report: PackReport::default(),
            progress,
        }
    }

    /// Takes a sheet's pages and gives back the segments that are now full, with their numbers. They are cut at the same sheets however
    /// many threads there are.
    fn put(&mut self, index: usize, pages: Pages) -> Vec<(usize, Vec<Page>)> {
        self.report.printed.sheets += 1;
        self.report.printed.pages += match &pages {
            Pages::Typst(pages) => pages.len(),
            Pages::Quick(pages) => pages.len(),
        };
        (self.progress)(self.report.printed);
        let found = self.report.printed.pages;
        if found > MAX_PACK_PAGES {
            self.stopped = Some(PressError::TooLarge {
                what: "the number of pages of a pack",
                found,
                limit: MAX_PACK_PAGES,
            });
        }
        self.early.insert(index, pages);
        let mut full = Vec::new();
        while let Some(pages) = self.early.remove(&self.turn) {
            self.turn += 1;
            match pages {
                Pages::Typst(pages) => {
                    self.follow(false, pages.len());
                    self.open.extend(pages);
                }
                Pages::Quick(pages) => {
                    self.follow(true, pages.len());
                    pages.iter().for_each(|page| self.quick.add(page));
                }
            }
            if self.open.len() >= SEGMENT_PAGES {
                full.push((self.taken, std::mem::take(&mut self.open)));
                self.taken += 1;
            }
        }
        full
    }

    fn follow(&mut self, quick: bool, pages: usize) {
        match self.runs.last_mut() {
            Some(run) if run.quick == quick => run.pages += pages,
            _ => self.runs.push(Run { quick, pages }),
        }
    }

    fn written(&mut self, number: usize, segment: Result<Vec<u8>, PressError>) {
        match segment {
            Ok(bytes) => drop(self.segments.insert(number, bytes)),
            Err(error) => self.stopped = Some(error),
        }
    }
}

/// The pages without Typst's marks for cross-references, which hold on to all the text they came from.
fn bare(document: &PagedDocument) -> Vec<Page> {
    let mut pages = document.pages().to_vec();
    pages.iter_mut().for_each(|page| without_tags(&mut page.frame));
    pages
}

fn without_tags(frame: &mut Frame) {
    frame.retain(|item| {
        if let FrameItem::Group(group) = item {
            without_tags(&mut group.frame);
        }
        !matches!(item, FrameItem::Tag(_))
    });
}

fn segment(pages: Vec<Page>) -> Result<Vec<u8>, PressError> {
    let info = DocumentInfo {
        date: Smart::Custom(None),
        ..DocumentInfo::default()
    };
    export(
        &PagedDocument::new(pages.into_iter().collect::<EcoVec<Page>>(), info),
        "pack",
    )
}

/// One PDF out of Typst's segments and the file of the quick way, in the order of the runs.
fn join(segments: Vec<Vec<u8>>, quick: Option<Vec<u8>>, runs: &[Run]) -> Result<Vec<u8>, PressError> {
    let unreadable = |reason: String| PressError::Setup(format!("the parts of a pack could not be joined: {reason}"));
    let (mut segments, quick) = match quick {
        Some(bytes) if segments.is_empty() => return Ok(bytes),
        quick => (segments, quick),
    };
    if segments.len() < 2 && quick.is_none() {
        return Ok(segments.pop().unwrap_or_default());
    }
    let load = |bytes: Vec<u8>| {
        let part = Loaded::new(bytes).map_err(|error| unreadable(format!("{error:?}")))?;
        let pages = part.pages().len();
        Ok::<_, PressError>((PdfDocument::new(Arc::new(part)), pages))
    };
    let mut joined = krilla::Document::new_with(SerializeSettings {
        enable_tagging: false,
        ..SerializeSettings::default()
    });
    let quick = quick.map(load).transpose()?;
    let (mut next_quick, mut typst, mut open) = (0, segments.drain(..), None);
    for run in runs {
        let mut left = run.pages;
        if let (true, Some((document, _))) = (run.quick, &quick) {
            let pages: Vec<usize> = (next_quick..next_quick + left).collect();
            joined.embed_pdf_pages(document, &pages);
            next_quick += left;
            continue;
        }
        while left > 0 {
            let (document, next, all) = match open.take() {
                Some(part) => part,
                None => {
                    let bytes = typst
                        .next()
                        .ok_or_else(|| unreadable("a segment is missing".to_owned()))?;
                    let (document, all) = load(bytes)?;
                    (document, 0, all)
                }
            };
            let taken = left.min(all - next);
            let pages: Vec<usize> = (next..next + taken).collect();
            joined.embed_pdf_pages(&document, &pages);
            left -= taken;
            if next + taken < all {
                open = Some((document, next + taken, all));
            }
        }
    }
    joined.finish().map_err(|error| unreadable(format!("{error:?}")))
}
