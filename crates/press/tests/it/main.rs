//! The press as its users meet it: sheets in, PDF out, read back with the tools a hospital's printer room has.
//!
//! Needs `pdftotext`, `pdftoppm`, `pdffonts` (poppler-utils) and `zbarimg` (zbar-tools).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]
#![allow(clippy::disallowed_methods, reason = "UPDATE=1 is read here")]

mod blanks;
mod codes;
mod editions;
mod forms;
mod goldens;
mod ink;
mod marks;
mod orders;
mod overflow;
mod own;
mod pack;
mod paper;
mod quick;
mod second;
