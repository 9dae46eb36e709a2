//! Ink: a [`Sheet`](chart::Sheet) becomes a PDF, one at a counter or a whole department's morning as one file.
//!
//! The only crate that knows Typst. A form is a folder (`forms/F01/…`, see `forms/README.md`); the frame around it (who, as of when,
//! sealed by whom, page n/m, codes) is drawn here and no form can leave it out.
//!
//! Deliberately absent: what a form says (`downtime` fills the sheet), which printer it goes to, the clock, and the network.
//! The same sheet, forms and fonts give the same bytes.

mod codes;
mod dates;
mod error;
mod filled;
mod fonts;
mod forms;
mod ink;
mod legible;
mod masks;
mod own;
mod pack;
mod press;
mod quick;
mod second;
mod world;

pub use codes::{Bars, Squares};
pub use error::PressError;
pub use forms::{About, Codes, Form, Forms, Paper, Strip};
pub use pack::{PackReport, Progress, Spoiled};
pub use press::{Pdf, Press};
pub use second::Languages;
