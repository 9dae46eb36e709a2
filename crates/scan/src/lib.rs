//! Returned paper: pages of a scanned file as pictures, and which sheet each of them is.
//!
//! Bytes in, findings out. Not here: files, patients, journals, and what becomes of a page (the program decides that). Every
//! size is bounded, and a file that makes a decoder fail costs its own pages, not the pile.

mod fax;
mod pages;
mod payloads;
mod picture;
mod read;

pub use pages::{FileFault, Kind, MAX_FILE_BYTES, MAX_FILE_PAGES, MAX_PIXELS, PageFault, kind, pages};
pub use payloads::{MAX_PHOTO_BYTES, Payload, PhotoFault, of_picture, payloads};
pub use picture::{PREVIEW_SIDE, Picture};
pub use read::{Finding, read};
