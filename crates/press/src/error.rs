//! What can go wrong between a sheet and its PDF, in words for the person at the printer.
//!
//! Not here: anything about paper jams. The press ends where the PDF begins.

use thiserror::Error;

/// A sheet, form or pack that could not be printed. Nothing was issued.
#[derive(Debug, Error)]
pub enum PressError {
    /// No folder for this form code, embedded or the hospital's own.
    #[error("there is no form {form}. Nothing was printed. Check the form's name, or the hospital's forms directory")]
    UnknownForm {
        /// The form code that was asked for.
        form: String,
    },
    /// A form folder that cannot be used.
    #[error("form {form} cannot be used: {reason}. The built-in forms are not affected. Mend {file} and start again")]
    BrokenForm {
        /// The form's folder name.
        form: String,
        /// The file in it.
        file: String,
        /// What is wrong with the file.
        reason: String,
    },
    /// A file of the hospital's forms directory that is not used, or not wholly.
    #[error("{file}: {reason}。{now}")]
    Own {
        /// The file, as it is called in that directory.
        file: String,
        /// What is wrong with it.
        reason: String,
        /// What is printed now, and what to do.
        now: String,
    },
    /// A sheet that breaks the frame's contract: printing it would put a wrong or unreadable identity on paper.
    #[error("the sheet for form {form} was not printed: {reason}")]
    BadSheet {
        /// The form's code.
        form: String,
        /// Which part of the contract.
        reason: String,
    },
    /// Typst refused the form with this sheet.
    #[error("form {form} could not be laid out: {reason}. Nothing was printed")]
    Layout {
        /// The form's code.
        form: String,
        /// Typst's own words, with file and line.
        reason: String,
    },
    /// Larger than the press takes.
    #[error("{what} is {found}; the press takes at most {limit}. Nothing was printed. Print in smaller parts")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much is allowed.
        limit: usize,
    },
    /// A code that cannot be drawn.
    #[error("{text:?} cannot be drawn as {code}: {reason}")]
    Code {
        /// Code 128 or QR.
        code: &'static str,
        /// What was to be encoded.
        text: String,
        /// Why not.
        reason: String,
    },
    /// The finished PDF could not be handed over.
    #[error("the finished PDF could not be written: {0}. Nothing is lost: print again")]
    Sink(#[source] std::io::Error),
    /// The machine has no room for the press.
    #[error("the press could not be set up: {0}")]
    Setup(String),
}
