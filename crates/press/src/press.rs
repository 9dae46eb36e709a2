//! The press itself: set up once, then sheet after sheet.
//!
//! Typst runs on threads of our own, each with its own one-thread pool and a deep stack. Inside a shared pool, work stealing starts other
//! documents on the same stack until it overflows. Typst's cache is emptied after every sheet, or memory grows with every patient.

use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, PoisonError};

use chart::{FormId, Sheet};
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::Serialize;
use typst::diag::SourceDiagnostic;
use typst::foundations::{Bytes, Smart};
use typst::{World, WorldExt};
use typst_layout::PagedDocument;
use typst_pdf::PdfOptions;

use crate::codes::{MAX_BAR_CODE_CHARS, MAX_SHEET_PAGES, is_code_text};
use crate::error::PressError;
use crate::forms::{Codes, Form, Forms, Strip};
use crate::legible::{make_legible, mark_gaiji};
use crate::world::{Copy, Stock};

/// Largest sheet handed to Typst, in bytes of CBOR: a thousand times a usual one.
pub const MAX_SHEET_BYTES: usize = 1024 * 1024;

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
}

/// Forms, fonts and threads, kept for the life of the program.
pub struct Press {
    forms: Forms,
    stock: Stock,
    benches: Mutex<Vec<ThreadPool>>,
    freed: Condvar,
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
        Ok(Self {
            forms,
            stock: Stock::new()?,
            benches: Mutex::new(benches),
            freed: Condvar::new(),
            threads,
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
        self.on_a_bench(|| {
            let laid = self.lay(sheet)?;
            let pages = laid.document.pages().len();
            Ok(Pdf {
                bytes: export(&laid.document, &sheet.form)?,
                pages,
                instead: laid.instead,
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
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| bench.install(work)));
        self.benches.lock().unwrap_or_else(PoisonError::into_inner).push(bench);
        self.freed.notify_one();
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Lays out one sheet; must run on a bench. A hospital's own form that fails gives way to the built-in one.
    pub(crate) fn lay(&self, sheet: &Sheet) -> Result<Laid, PressError> {
        let form = self.forms.get(&sheet.form)?;
        match (self.lay_with(form, sheet), self.forms.behind(&sheet.form)) {
            (Ok(document), _) => Ok(Laid {
                document,
                instead: None,
            }),
            (Err(error @ PressError::Layout { .. }), Some(built_in)) => {
                let document = self.lay_with(built_in, sheet)?;
                Ok(Laid {
                    document,
                    instead: Some(error.to_string()),
                })
            }
            (Err(error), _) => Err(error),
        }
    }

    pub(crate) fn lay_with(&self, form: &Form, sheet: &Sheet) -> Result<PagedDocument, PressError> {
        check(form, sheet)?;
        let copy = Copy {
            stock: &self.stock,
            form,
            data: Bytes::new(self.data(form, sheet)?),
        };
        let result = typst::compile::<PagedDocument>(&copy).output;
        typst::comemo::evict(self.threads);
        let document = result.map_err(|errors| layout_error(&copy, form, &errors))?;
        let pages = document.pages().len();
        if pages > MAX_SHEET_PAGES {
            return Err(PressError::TooLarge {
                what: "the number of pages of a sheet",
                found: pages,
                limit: MAX_SHEET_PAGES,
            });
        }
        Ok(document)
    }

    /// The sheet as the frame reads it: CBOR, every text printable.
    fn data(&self, form: &Form, sheet: &Sheet) -> Result<Vec<u8>, PressError> {
        let bad = |reason: String| PressError::BadSheet {
            form: sheet.form.clone(),
            reason,
        };
        let mut values = ciborium::Value::serialized(sheet).map_err(|error| bad(error.to_string()))?;
        let unprintable = make_legible(&mut values, &self.stock.fonts);
        mark_gaiji(&mut values);
        let about = &form.about;
        let (width, height) = about.paper.size_mm();
        let (left, top, right, foot) = about.paper.margins_mm();
        let data = Data {
            sheet: values,
            unprintable,
            form: FrameFacts {
                title: &about.title,
                code: &about.code,
                version: &about.version,
                width,
                height,
                left,
                top,
                right,
                foot,
                codes: if sheet.form_id.is_empty() {
                    0
                } else if about.codes == Codes::Two {
                    2
                } else {
                    1
                },
            },
        };
        let mut bytes = Vec::with_capacity(8 * 1024);
        ciborium::into_writer(&data, &mut bytes).map_err(|error| bad(error.to_string()))?;
        if bytes.len() > MAX_SHEET_BYTES {
            return Err(PressError::TooLarge {
                what: "the sheet in bytes",
                found: bytes.len(),
                limit: MAX_SHEET_BYTES,
            });
        }
        Ok(bytes)
    }
}

impl Press {
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

/// What `frame.typ` finds in `/data.cbor`.
#[derive(Serialize)]
struct Data<'a> {
    sheet: ciborium::Value,
    form: FrameFacts<'a>,
    /// Characters that became 〓.
    unprintable: usize,
}

/// Lengths in millimetres.
#[derive(Serialize)]
struct FrameFacts<'a> {
    title: &'a str,
    code: &'a str,
    version: &'a str,
    width: u16,
    height: u16,
    left: u16,
    top: u16,
    right: u16,
    foot: u16,
    codes: u8,
}

/// What no page may lack: whose it is, as of when, under which seal.
fn check(form: &Form, sheet: &Sheet) -> Result<(), PressError> {
    let bad = |reason: &str| {
        Err(PressError::BadSheet {
            form: sheet.form.clone(),
            reason: reason.to_owned(),
        })
    };
    for (what, text) in [
        ("as_of", &sheet.as_of),
        ("seal", &sheet.seal),
        ("title_mark", &sheet.title_mark),
        ("issued", &sheet.issued),
    ] {
        if text.trim().is_empty() {
            return bad(&format!("{what} is blank, and no page is printed without it"));
        }
    }
    if !sheet.form_id.is_empty() && FormId::parse(&sheet.form_id).is_none() {
        return bad("form_id is not a form number of 12 digits with its check digit");
    }
    let Some(strip) = &sheet.strip else {
        return if form.about.patient_strip == Strip::Rows {
            Ok(())
        } else {
            bad("it has no patient")
        };
    };
    if strip.id.trim().is_empty() || (strip.name.trim().is_empty() && strip.kana.trim().is_empty()) {
        return bad("the patient has no number or no name");
    }
    if !is_code_text(&strip.id_code) || strip.id_code.len() > MAX_BAR_CODE_CHARS {
        return bad("the patient number does not fit a bar code");
    }
    Ok(())
}

/// Typst's first complaints with file and line, so that whoever wrote the form can mend it.
fn layout_error(copy: &Copy, form: &Form, errors: &[SourceDiagnostic]) -> PressError {
    let line = |error: &SourceDiagnostic| {
        let place = error.span.id().and_then(|id| {
            let line = copy
                .source(id)
                .ok()?
                .lines()
                .byte_to_line(copy.range(error.span)?.start)?;
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
