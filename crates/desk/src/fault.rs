//! What can go wrong on a screen, said in three parts: what happened → what is true now → what to do.
//!
//! A fault is only named where it happens; the gate words it in the reader's language and frames it like every page. The
//! chain of causes is logged once, without patient data; the page shows the reference under which it was logged.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::words::Words;

/// Why a page cannot be shown or an act was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No such page, or a handle this process did not make.
    NotFound,
    /// The handle belongs to an earlier snapshot or process.
    Stale,
    /// A bar code that is no patient's and no sheet's of ours.
    UnknownCode,
    /// This role may not.
    Role,
    /// Nobody is signed in (any more).
    SignedOut,
    /// The request came from another site.
    Foreign,
    /// The station could not save: nothing is recorded.
    NotSaved(String),
    /// That a chart is opened could not be written down, so it stays closed.
    NotAudited(String),
    /// A chart cannot be opened.
    CannotOpen(String),
    /// The sheet could not be made.
    NotPrinted(String),
    /// A field says something impossible and the form cannot be shown again.
    Input(&'static str),
    /// A mistake of ours.
    Broken(String),
}

/// The three parts, and where the main button leads.
pub struct Worded {
    /// What happened.
    pub happened: String,
    /// What is true now.
    pub now: String,
    /// What to do.
    pub todo: String,
    /// Address of the main button.
    pub href: &'static str,
    /// Its words.
    pub words: String,
}

impl Fault {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::UnknownCode => StatusCode::NOT_FOUND,
            Self::Stale => StatusCode::GONE,
            Self::Role | Self::Foreign => StatusCode::FORBIDDEN,
            Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::NotSaved(_) | Self::NotPrinted(_) | Self::NotAudited(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::CannotOpen(_) | Self::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Input(_) => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// The cause for the log; `None` for what is no fault of the station.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::NotSaved(cause)
            | Self::NotAudited(cause)
            | Self::CannotOpen(cause)
            | Self::NotPrinted(cause)
            | Self::Broken(cause) => Some(cause),
            _ => None,
        }
    }

    /// In the reader's words.
    #[must_use]
    pub fn worded(&self, w: &Words) -> Worded {
        let (happened, now, todo, href, words) = match self {
            Self::NotFound => (
                &w["fault-not-found"],
                &w["fault-nothing-lost"],
                &w["fault-from-list"],
                "/patients",
                &w["nav-lists"],
            ),
            Self::Stale => (
                &w["fault-stale"],
                &w["fault-stale-now"],
                &w["fault-from-list"],
                "/patients",
                &w["nav-lists"],
            ),
            Self::UnknownCode => (
                &w["fault-code"],
                &w["fault-nothing-done"],
                &w["fault-code-do"],
                "/",
                &w["nav-home"],
            ),
            Self::Role => (
                &w["fault-role"],
                &w["fault-nothing-done"],
                &w["fault-role-do"],
                "/",
                &w["nav-home"],
            ),
            Self::SignedOut => (
                &w["fault-signed-out"],
                &w["fault-nothing-done"],
                &w["fault-signed-out-do"],
                "/sign-in",
                &w["sign-in"],
            ),
            Self::Foreign => (
                &w["fault-foreign"],
                &w["fault-nothing-done"],
                &w["fault-foreign-do"],
                "/",
                &w["nav-home"],
            ),
            Self::NotSaved(_) => (
                &w["fault-not-saved"],
                &w["fault-not-saved-now"],
                &w["fault-not-saved-do"],
                "/",
                &w["nav-home"],
            ),
            Self::NotAudited(_) => (
                &w["fault-not-audited"],
                &w["fault-not-audited-now"],
                &w["fault-not-audited-do"],
                "/envelope",
                &w["sign-in-envelope"],
            ),
            Self::CannotOpen(_) => (
                &w["fault-cannot-open"],
                &w["fault-cannot-open-now"],
                &w["fault-cannot-open-do"],
                "/patients",
                &w["nav-lists"],
            ),
            Self::NotPrinted(_) => (
                &w["fault-not-printed"],
                &w["fault-not-printed-now"],
                &w["fault-not-printed-do"],
                "/",
                &w["nav-home"],
            ),
            Self::Input(_) => (
                &w["fault-input"],
                &w["fault-nothing-done"],
                &w["fault-input-do"],
                "/",
                &w["nav-home"],
            ),
            Self::Broken(_) => (
                &w["fault-broken"],
                &w["fault-nothing-lost"],
                &w["fault-broken-do"],
                "/",
                &w["nav-home"],
            ),
        };
        let mut now = now.to_owned();
        if let Self::NotSaved(detail) | Self::CannotOpen(detail) | Self::NotPrinted(detail) = self {
            now.push_str(&format!(" {detail}"));
        }
        Worded {
            happened: happened.to_owned(),
            now,
            todo: todo.to_owned(),
            href,
            words: words.to_owned(),
        }
    }
}

impl IntoResponse for Fault {
    /// The bare status with the fault attached; the gate turns it into a page.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
