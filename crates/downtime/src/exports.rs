//! Handing back what was recorded: to a person who retypes it, or to a program as CSV.
//!
//! An export never changes an entry and never leaves one out: what was undone or corrected is there too, and says so.

pub mod audit_log;
pub mod contact_list;
pub mod csv;
pub mod retype_list;
// The next export goes here, with its golden files in `fixtures/exports/<name>/`.
