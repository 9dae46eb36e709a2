//! Stations of one hospital to one another: TLS 1.3, with the hospital's own authorities and nobody else's.
//!
//! A certificate out of its time does not stop the line: what travels is signed and sealed by itself, a wrong clock is a common accident,
//! and an outage outlives certificates. It is remembered and told. Another authority's certificate, or another machine's name, ends the
//! line before anything was said. Deliberately absent: certificates of the client (stations sign what they say), lists of withdrawn
//! certificates (the roster says who has left).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use ureq::Agent;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector, TcpConnector};

use crate::tls::{Guard, Plain, Secured};

/// Most authorities of one hospital: the one in use, and old and new ones while they change.
pub const MOST_AUTHORITIES: usize = 8;
/// Largest certificate of an authority, in bytes.
pub const MAX_CERTIFICATE: usize = 16 << 10;
/// Most machines of which is remembered how the last handshake went.
const MOST_MET: usize = 1_024;
/// A chain has so few certificates that each is out of its time at most once.
const MOST_LAPSES: usize = 4;

/// How the last handshake with a machine went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Met {
    /// As it should.
    Well,
    /// The line was opened all the same; its certificate ended at this second since 1970.
    Expired(u64),
    /// The line was opened all the same; its certificate begins at this second since 1970. One of the two clocks is wrong.
    NotYet(u64),
    /// No line: another authority, another name, damaged. In the words of the library.
    Refused(String),
}

/// The hospital's authorities, and what was met on the line. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Authorities(Arc<Inner>);

struct Inner {
    provider: Arc<CryptoProvider>,
    verifier: RwLock<Option<Arc<WebPkiServerVerifier>>>,
    /// True for a line on which whatever is said proves itself.
    anybody: bool,
    met: Mutex<BTreeMap<String, (u64, Met)>>,
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorities")
    }
}

impl Default for Authorities {
    fn default() -> Self {
        Self(Arc::new(Inner {
            provider: Arc::new(rustls::crypto::ring::default_provider()),
            verifier: RwLock::default(),
            anybody: false,
            met: Mutex::default(),
        }))
    }
}

impl Authorities {
    /// Believes whoever answers: for a terminal that is being enrolled and does not know the hospital's authority yet. The line hides what
    /// is said from those who only listen; both sides prove who they are by the code that an officer carried (`docs/formats/enrolment.md`).
    #[must_use]
    pub fn unproven() -> Self {
        Self(Arc::new(Inner {
            provider: Arc::new(rustls::crypto::ring::default_provider()),
            verifier: RwLock::default(),
            anybody: true,
            met: Mutex::default(),
        }))
    }

    /// Trusts these certificates (DER) from now on, in the place of the ones before; none closes the line.
    ///
    /// # Errors
    /// When one is no certificate, or there are too many; nothing has changed then.
    pub fn trust(&self, certificates: &[Vec<u8>]) -> Result<()> {
        if certificates.len() > MOST_AUTHORITIES {
            bail!(
                "認証局の証明書は {MOST_AUTHORITIES} 枚までです（{} 枚あります）",
                certificates.len()
            );
        }
        let verifier = match certificates {
            [] => None,
            some => Some(verifier(some, &self.0.provider)?),
        };
        *self.0.verifier.write().unwrap_or_else(PoisonError::into_inner) = verifier;
        Ok(())
    }

    /// True when there is somebody to trust.
    #[must_use]
    pub fn any(&self) -> bool {
        self.verifier().is_some()
    }

    /// How the last handshake with each machine went, by the name it was called by.
    #[must_use]
    pub fn met(&self) -> BTreeMap<String, Met> {
        self.met_since(0)
    }

    /// The same, of machines that were called at this second (since 1970) or later.
    #[must_use]
    pub fn met_since(&self, second: u64) -> BTreeMap<String, Met> {
        let all = self.0.met.lock().unwrap_or_else(PoisonError::into_inner);
        let late = all.iter().filter(|(_, (at, _))| *at >= second);
        late.map(|(name, (_, met))| (name.clone(), met.clone())).collect()
    }

    /// Opens connections that may take so long in all. A new connection for every request: a kept one would hide that the line is gone.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn agent(&self, patience: Duration, plain: Plain) -> Result<Agent> {
        let config = Agent::config_builder()
            .timeout_global(Some(patience))
            .max_idle_connections(0)
            .max_redirects(0)
            .proxy(None)
            .build();
        let secured = Secured::of(Arc::new(self.client()?));
        let connector = Guard(plain).chain(TcpConnector::default()).chain(secured);
        Ok(Agent::with_parts(config, connector, DefaultResolver::default()))
    }

    /// Would a machine that shows this chain be believed to be of this name?
    ///
    /// # Errors
    /// Why not, in the words of the library.
    pub fn vouch(&self, chain: &[CertificateDer<'_>], name: &str, now: i64) -> Result<()> {
        let (first, rest) = chain.split_first().context("証明書が1枚もありません")?;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now)?));
        let name = ServerName::try_from(name.to_owned())?;
        self.judge(first, rest, &name, &[], now)
            .map_err(|why| anyhow::anyhow!("証明書がこの病院の認証局のものではないか、名前が違います（{why}）"))?;
        Ok(())
    }

    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<Met, Error> {
        if self.0.anybody {
            return Ok(Met::Well);
        }
        let verifier = self.verifier();
        let verifier = verifier.ok_or(Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
        let (mut at, mut met) = (now, Met::Well);
        for _ in 0..=MOST_LAPSES {
            match verifier.verify_server_cert(end_entity, intermediates, name, stapled, at) {
                Ok(_) => return Ok(met),
                // Everything else must hold: it is asked again at a moment at which the certificate counts.
                Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
                    (at, met) = (not_after, Met::Expired(not_after.as_secs()));
                }
                Err(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => {
                    (at, met) = (not_before, Met::NotYet(not_before.as_secs()));
                }
                Err(why) => return Err(why),
            }
        }
        // Certificates of a chain that were never valid together are no chain.
        Err(Error::InvalidCertificate(CertificateError::BadEncoding))
    }

    /// The client's side of TLS. Nothing is resumed: a resumed line would not look at the certificate.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn client(&self) -> Result<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(self.0.provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])?;
        let mut config = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(self.clone()))
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    fn verifier(&self) -> Option<Arc<WebPkiServerVerifier>> {
        self.0.verifier.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn meet(&self, name: &ServerName<'_>, now: UnixTime, met: Met) {
        let mut all = self.0.met.lock().unwrap_or_else(PoisonError::into_inner);
        let name = name.to_str().into_owned();
        if all.len() < MOST_MET || all.contains_key(&name) {
            all.insert(name, (now.as_secs(), met));
        }
    }
}

fn verifier(certificates: &[Vec<u8>], provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>> {
    let mut roots = RootCertStore::empty();
    for der in certificates {
        if der.len() > MAX_CERTIFICATE {
            bail!("認証局の証明書が大きすぎます（{} バイト）", der.len());
        }
        roots
            .add(CertificateDer::from(der.as_slice()))
            .context("認証局の証明書を読めません")?;
    }
    Ok(WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build()?)
}

/// First and last second (since 1970) in which a certificate counts. `None` when it is none.
#[must_use]
pub fn lifetime(der: &[u8]) -> Option<(u64, u64)> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let end_entity = CertificateDer::from(der);
    // Which authority does not matter: the time is looked at before the signature.
    let judge = verifier(&[der.to_vec()], &provider).ok()?;
    let name = ServerName::try_from("localhost").ok()?;
    let at = |second: u64| {
        let time = UnixTime::since_unix_epoch(Duration::from_secs(second));
        judge.verify_server_cert(&end_entity, &[], &name, &[], time).err()
    };
    match (at(0), at(END_OF_TIME)) {
        (
            Some(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })),
            Some(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })),
        ) => Some((not_before.as_secs(), not_after.as_secs())),
        _ => None,
    }
}

/// The last second of the year 9999, which no certificate outlives (RFC 5280 §4.1.2.5).
const END_OF_TIME: u64 = 253_402_300_800;

impl ServerCertVerifier for Authorities {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.judge(end_entity, intermediates, name, stapled, now) {
            Ok(met) => {
                self.meet(name, now, met);
                Ok(ServerCertVerified::assertion())
            }
            Err(why) => {
                self.meet(name, now, Met::Refused(why.to_string()));
                Err(why)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken between stations".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.provider.signature_verification_algorithms.supported_schemes()
    }
}
