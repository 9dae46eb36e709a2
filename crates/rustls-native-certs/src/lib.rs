//! Nobody's authority: stands in for the library of the same name, which hands the operating system's list of certificate authorities to
//! whoever asks.
//!
//! The drivers of databases add that list to the hospital's own authority, and offer no way not to. A hospital's database is vouched for
//! by the hospital alone (decision 0025), so the list is empty here. Only what those drivers call exists.

use std::fmt;

use rustls::pki_types::CertificateDer;

/// What was found: nothing.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct CertificateResult {
    /// No certificate.
    pub certs: Vec<CertificateDer<'static>>,
    /// No error.
    pub errors: Vec<Error>,
}

/// Never made.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {}

impl fmt::Display for Error {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Error {}

/// The empty list.
#[must_use]
pub fn load_native_certs() -> CertificateResult {
    CertificateResult::default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn nobody_is_trusted_by_default() {
        let found = super::load_native_certs();
        assert!(found.certs.is_empty() && found.errors.is_empty());
    }
}
