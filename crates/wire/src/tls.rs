//! Who the other end is, over TLS: proven by the hospital's own certificate authority, or by the one certificate it was listed with.
//!
//! Printers and the EHR's server alike. Nothing else is trusted: no list of public authorities, no first use, no way to go on when it does
//! not fit. Before the handshake is through nothing has left. Deliberately absent: certificates of this station's own.

use std::fmt;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme, StreamOwned};
use sha2::{Digest, Sha256};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};

/// Most certificates of a CA file: a root and the ones between.
const MOST_CERTIFICATES: usize = 16;
/// Largest CA file, in bytes.
const MAX_CA_FILE: u64 = 256 << 10;

/// What proves that the other end is the listed machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Certificates (DER) of the hospital's authority: it vouches for its name and for the time.
    Authority(Vec<Vec<u8>>),
    /// SHA-256 of its own certificate (DER), whatever name and days stand in it.
    Pinned([u8; 32]),
}

impl Trust {
    /// The authority of a PEM file.
    ///
    /// # Errors
    /// When it cannot be read or holds no certificate.
    pub fn authority(path: &Path) -> Result<Self> {
        let size = std::fs::metadata(path)
            .with_context(|| format!("認証局の証明書 {} がありません", path.display()))?
            .len();
        if size > MAX_CA_FILE {
            bail!("{} は大きすぎて、証明書のファイルではありません", path.display());
        }
        let bytes = std::fs::read(path).with_context(|| format!("{} を読めません", path.display()))?;
        let found: Vec<Vec<u8>> = CertificateDer::pem_slice_iter(&bytes)
            .take(MOST_CERTIFICATES + 1)
            .map(|one| one.map(|der| der.to_vec()))
            .collect::<Result<_, _>>()
            .with_context(|| format!("{} は PEM の証明書ではありません", path.display()))?;
        if found.is_empty() || found.len() > MOST_CERTIFICATES {
            bail!(
                "{} に証明書が {} 枚あります。1 から {MOST_CERTIFICATES} 枚の PEM を置いてください",
                path.display(),
                found.len()
            );
        }
        let trust = Self::Authority(found);
        trust.client().with_context(|| format!("{} の証明書", path.display()))?;
        Ok(trust)
    }

    /// A fingerprint as `openssl x509 -fingerprint -sha256` prints it, with or without colons.
    #[must_use]
    pub fn pinned(text: &str) -> Option<Self> {
        let digits: String = text.trim().chars().filter(|c| *c != ':').collect();
        if digits.len() != 64 || !digits.is_ascii() {
            return None;
        }
        let mut pin = [0; 32];
        for (at, byte) in pin.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Self::Pinned(pin))
    }

    fn client(&self) -> Result<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let verifier: Arc<dyn ServerCertVerifier> = match self {
            Self::Authority(certificates) => {
                let mut roots = RootCertStore::empty();
                for der in certificates {
                    roots.add(CertificateDer::from(der.as_slice()))?;
                }
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?
            }
            Self::Pinned(pin) => Arc::new(Pinned { pin: *pin, provider }),
        };
        Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth())
    }
}

/// The other end has not proven that it is the listed machine. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("the other end did not prove who it is: {0}")]
pub struct NotProven(String);

/// The handshake broke off: nobody speaks TLS there, or the line went. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("no handshake: {0}")]
pub struct NoHandshake(String);

/// One certificate and no other. Its key must sign, its name and days do not matter: a machine's own certificate has any.
#[derive(Debug)]
struct Pinned {
    pin: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // Public bytes on both sides: nothing to hide in how long it takes.
        if Sha256::digest(end_entity.as_ref()).as_slice() == self.pin {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Where a line may go without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    /// Wherever an `http` address says.
    Anywhere,
    /// Only to this machine.
    ThisMachine,
}

/// Stands before every connection: an `http` address that must not be used is not even called.
#[derive(Debug)]
pub(crate) struct Guard(pub Plain);

impl<In: Transport> Connector<In> for Guard {
    type Out = In;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<In>, ureq::Error> {
        let host = details.uri.host().unwrap_or_default();
        if !details.needs_tls() && self.0 == Plain::ThisMachine && !is_this_machine(host) {
            return Err(other(NotProven(format!("{host} is spoken to over https only"))));
        }
        Ok(chained)
    }
}

/// Puts TLS over the connection of an `https` address.
pub struct Secured(Option<Arc<ClientConfig>>);

impl Secured {
    /// Without trust every `https` address is refused.
    ///
    /// # Errors
    /// When the certificates are none.
    pub fn new(trust: Option<&Trust>) -> Result<Self> {
        Ok(Self(trust.map(Trust::client).transpose()?.map(Arc::new)))
    }

    /// With a configuration made elsewhere.
    pub(crate) const fn of(client: Arc<ClientConfig>) -> Self {
        Self(Some(client))
    }
}

/// True for an address that never leaves this machine.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    let address = host.parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secured")
    }
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> ureq::Error {
    ureq::Error::Other(Box::new(error))
}

impl<In: Transport> Connector<In> for Secured {
    type Out = Either<In, Wrapped>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(plain) = chained else { return Ok(None) };
        if !details.needs_tls() {
            return Ok(Some(Either::A(plain)));
        }
        let config = self
            .0
            .clone()
            .ok_or_else(|| other(NotProven("no trust is configured".to_owned())))?;
        let host = details.uri.host().unwrap_or_default();
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|error| other(NotProven(error.to_string())))?;
        let mut connection =
            ClientConnection::new(config, name).map_err(|error| other(NotProven(error.to_string())))?;
        let mut line = TransportAdapter::new(Transport::boxed(plain), details.current_time.clone());
        line.set_timeout(details.timeout);
        while connection.is_handshaking() {
            connection.complete_io(&mut line).map_err(|error| {
                let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
                match of_tls {
                    Some(rustls::Error::InvalidCertificate(why)) => other(NotProven(format!("{why:?}"))),
                    _ => other(NoHandshake(error.to_string())),
                }
            })?;
        }
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Either::B(Wrapped {
            buffers,
            stream: StreamOwned::new(connection, line),
        })))
    }
}

/// A connection under TLS.
pub struct Wrapped {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wrapped")
    }
}

impl Transport for Wrapped {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream.write_all(output)?;
        // What lies in the session must go too: a machine answers to whole requests.
        self.stream.flush()?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let input = self.buffers.input_append_buf();
        let amount = self.stream.read(input)?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_as_openssl_prints_them() {
        let plain = "ab".repeat(32);
        let colons = vec!["AB"; 32].join(":");
        assert_eq!(Trust::pinned(&plain), Some(Trust::Pinned([0xAB; 32])));
        assert_eq!(Trust::pinned(&colons), Trust::pinned(&plain));
        for bad in [
            "",
            "ab",
            &plain[1..],
            &format!("{plain}00"),
            &"zz".repeat(32),
            &"あ".repeat(22),
        ] {
            assert_eq!(Trust::pinned(bad), None, "{bad}");
        }
    }
}
