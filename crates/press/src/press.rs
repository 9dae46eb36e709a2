//! The press itself: set up once, then sheet after sheet.
//!
//! Typst runs on threads of our own, each with its own one-thread pool and a deep stack. Inside a shared pool, work stealing starts other
//! documents on the same stack until it overflows. Typst's cache is aged after every sheet, or memory grows with every patient: what no
//! sheet on any thread has used for as many sheets as there are threads is dropped. (Dropping all of it takes the cache away from the
//! sheets on the other threads: a third more work on two.)
//!
//! Not here: what a form says, codes, and several sheets in one PDF (`pack`).

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, PoisonError};

use chart::Sheet;
use chart::sheet_code::MAX_SHEET_PAGES;
use rayon::{ThreadPool, ThreadPoolBuilder};
use typst::diag::SourceDiagnostic;
use typst::foundations::{Bytes, Smart};
use typst::{World, WorldExt};
use typst_layout::PagedDocument;
use typst_pdf::PdfOptions;

use crate::dates::edition;
use crate::error::PressError;
use crate::filled::filled;
use crate::forms::{Form, Forms};
use crate::quick::{Inkwell, Page as QuickPage, Quick};
use crate::world::{Galley, Stock};

/// Stack of a layout thread, in bytes: nested tables go deep.
const STACK: usize = 16 * 1024 * 1024;

/// A finished PDF.
#[derive(Debug, Clone)]
pub struct Pdf {
    /// The file.
    pub bytes: Vec<u8>,
    /// Pages in it.
    pub pages: usize,
    /// The hospital's own form failed and the built-in one was printed: why.
    pub instead: Option<String>,
    /// No edition of the form is in force on the day of issue, or there are no words for its second language: a sentence for whoever
    /// hands the sheet out.
    pub warning: Option<String>,
}

/// Forms, fonts and threads, kept for the life of the program.
pub struct Press {
    forms: Forms,
    pub(crate) stock: Stock,
    /// Sets the usual charts without Typst.
    pub(crate) quick: Option<Quick>,
    benches: Mutex<Vec<ThreadPool>>,
    freed: Condvar,
    /// Held by a pack: a second one waits, or it would take the thread kept for single sheets.
    pub(crate) packing: Mutex<()>,
    pub(crate) threads: usize,
}

impl Press {
    /// Sets up a press that lays out packs on `threads` threads; one more is kept for single sheets, so that a slip at the counter does
    /// not wait for a department's morning.
    ///
    /// # Errors
    /// Embedded fonts that cannot be read, or no threads to be had.
    pub fn new(forms: Forms, threads: NonZeroUsize) -> Result<Self, PressError> {
        let threads = threads.get();
        let bench = |_| {
            let pool = ThreadPoolBuilder::new()
                .num_threads(1)
                .stack_size(STACK)
                .thread_name(|_| "press".to_owned());
            pool.build().map_err(|error| PressError::Setup(error.to_string()))
        };
        let benches = (0..=threads).map(bench).collect::<Result<Vec<_>, _>>()?;
        let stock = Stock::new(forms.fonts())?;
        Ok(Self {
            quick: Quick::new(&stock.fonts, &forms),
            forms,
            stock,
            benches: Mutex::new(benches),
            freed: Condvar::new(),
            packing: Mutex::new(()),
            threads,
        })
    }

    /// The same press with everything set by Typst: what the quick way is compared with.
    #[must_use]
    pub fn without_quick(self) -> Self {
        Self { quick: None, ..self }
    }

    /// The sheet's pages, if the quick way sets it; anything it would set otherwise than Typst is not its business.
    pub(crate) fn quickly(&self, sheet: &Sheet, well: &mut Inkwell) -> Option<Vec<QuickPage>> {
        self.quick
            .as_ref()?
            .pages(self.forms.get(&sheet.form).ok()?, sheet, well)
    }

    /// Whether the quick way sets this sheet.
    pub fn is_quick(&self, sheet: &Sheet) -> bool {
        self.quickly(sheet, &mut Inkwell::new()).is_some()
    }

    fn quick_sheet(&self, sheet: &Sheet) -> Option<Pdf> {
        let pages = self.quickly(sheet, &mut Inkwell::new())?;
        let title = format!("{} {}", self.forms.get(&sheet.form).ok()?.about.title, sheet.form_id);
        let mut file = Quick::file();
        pages.iter().for_each(|page| file.add(page));
        Some(Pdf {
            bytes: self.quick.as_ref()?.finish(file, &self.stock.fonts, Some(&title))?,
            pages: pages.len(),
            instead: None,
            warning: None,
        })
    }

    /// The forms in force.
    pub fn forms(&self) -> &Forms {
        &self.forms
    }

    /// Prints one sheet.
    ///
    /// # Errors
    /// An unknown form, a sheet without what the frame must show, or one too large. Nothing is printed then.
    pub fn sheet(&self, sheet: &Sheet) -> Result<Pdf, PressError> {
        if let Some(pdf) = self.quick_sheet(sheet) {
            return Ok(pdf);
        }
        self.on_a_bench(|| {
            let laid = self.lay(sheet)?;
            let pages = laid.document.pages().len();
            Ok(Pdf {
                bytes: export(&laid.document, &sheet.form)?,
                pages,
                instead: laid.instead,
                warning: laid.warning,
            })
        })
    }

    /// Runs `work` on a free layout thread, waiting for one.
    pub(crate) fn on_a_bench<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let bench = {
            let mut benches = self.benches.lock().unwrap_or_else(PoisonError::into_inner);
            loop {
                if let Some(bench) = benches.pop() {
                    break bench;
                }
                benches = self.freed.wait(benches).unwrap_or_else(PoisonError::into_inner);
            }
        };
        let done = catch_unwind(AssertUnwindSafe(|| bench.install(work)));
        self.benches.lock().unwrap_or_else(PoisonError::into_inner).push(bench);
        self.freed.notify_one();
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Lays out one sheet; must run on a bench. A hospital's own form that fails gives way to the built-in one.
    pub(crate) fn lay(&self, sheet: &Sheet) -> Result<Laid, PressError> {
        let (form, warning) = edition(&self.forms, self.forms.get(&sheet.form)?, sheet);
        let warning = warning.or_else(|| form.languages.missing(sheet));
        match (self.lay_with(form, sheet), self.forms.behind(&form.about.code)) {
            (Ok(document), _) => Ok(Laid {
                document,
                instead: None,
                warning,
            }),
            (Err(error @ PressError::Layout { .. }), Some(built_in)) => {
                let document = self.lay_with(built_in, sheet)?;
                Ok(Laid {
                    document,
                    instead: Some(error.to_string()),
                    warning,
                })
            }
            (Err(error), _) => Err(error),
        }
    }

    pub(crate) fn lay_with(&self, form: &Form, sheet: &Sheet) -> Result<PagedDocument, PressError> {
        let galley = Galley {
            stock: &self.stock,
            form,
            data: Bytes::new(filled(form, sheet, &self.stock.fonts)?),
        };
        // A fault inside Typst must not take the rest of a morning with it.
        let result = catch_unwind(AssertUnwindSafe(|| typst::compile::<PagedDocument>(&galley).output));
        typst::comemo::evict(self.threads);
        let document = result
            .map_err(|_| PressError::Layout {
                form: sheet.form.clone(),
                reason: "the typesetter itself failed on this sheet".to_owned(),
            })?
            .map_err(|errors| layout_error(&galley, form, &errors))?;
        let pages = document.pages().len();
        if pages > usize::from(MAX_SHEET_PAGES) {
            return Err(PressError::TooLarge {
                what: "the number of pages of a sheet",
                found: pages,
                limit: usize::from(MAX_SHEET_PAGES),
            });
        }
        Ok(document)
    }

    /// The page that stands in a pack for a sheet that failed: the patient and the reason. No page if even the frame cannot be drawn.
    pub(crate) fn placeholder(&self, sheet: &Sheet, error: &PressError) -> Vec<typst_layout::Page> {
        let Ok(form) = self.forms.get(&sheet.form).and_then(Form::placeholder) else {
            return Vec::new();
        };
        let body = serde_json::json!({ "reason": error.to_string() });
        let sheet = Sheet { body, ..sheet.clone() };
        self.lay_with(&form, &sheet)
            .map(|document| document.pages().to_vec())
            .unwrap_or_default()
    }
}

/// A sheet after layout.
pub struct Laid {
    /// Its pages.
    pub document: PagedDocument,
    /// Why the built-in form was used instead of the hospital's own.
    pub instead: Option<String>,
    /// Why no edition of the form is right for the day of issue.
    pub warning: Option<String>,
}

/// Turns laid-out pages into a PDF: untagged, because it is paper (a third of the size), and without a date, because the sheet has one.
pub fn export(document: &PagedDocument, form: &str) -> Result<Vec<u8>, PressError> {
    let options = PdfOptions {
        creator: Smart::Custom(Some("Tomoshibi".to_owned())),
        tagged: false,
        ..PdfOptions::default()
    };
    typst_pdf::pdf(document, &options).map_err(|errors| PressError::Layout {
        form: form.to_owned(),
        reason: errors
            .iter()
            .map(|error| error.message.to_string())
            .collect::<Vec<_>>()
            .join("; "),
    })
}

/// Typst's first complaints with file and line, so that whoever wrote the form can mend it.
fn layout_error(galley: &Galley, form: &Form, errors: &[SourceDiagnostic]) -> PressError {
    let line = |error: &SourceDiagnostic| {
        let place = error.span.id().and_then(|id| {
            let line = galley
                .source(id)
                .ok()?
                .lines()
                .byte_to_line(galley.range(error.span)?.start)?;
            Some(format!("{} line {}: ", id.get().vpath().get_without_slash(), line + 1))
        });
        format!("{}{}", place.unwrap_or_default(), error.message)
    };
    let reason = errors.iter().take(3).map(line).collect::<Vec<_>>().join("; ");
    PressError::Layout {
        form: form.about.code.clone(),
        reason,
    }
}
