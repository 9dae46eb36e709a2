//! The certificate this station shows, and its change while it runs.
//!
//! A new certificate counts from the next handshake on; connections that are open stay. Deliberately absent: where certificates come from
//! ([`crate::certificates`]).

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context, Result, bail, ensure};
use chart::Moment;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use crate::secrets;

/// Most certificates that are shown: the machine's and the ones up to the root.
const MOST_CHAIN: usize = 8;
/// Largest file of certificates, in bytes.
const MAX_CHAIN_FILE: u64 = 256 << 10;
/// Version of the file.
const VERSION: u8 = 1;

/// Key and certificate that the hospital's authority made for this station, in one file: they are changed together.
#[derive(Clone, Encode, Decode)]
pub struct Identity {
    #[n(0)]
    version: u8,
    #[n(1)]
    key: ByteVec,
    #[n(2)]
    chain: Vec<ByteVec>,
    #[n(3)]
    names: Vec<String>,
}

/// `data/keys/server.tls`
#[must_use]
pub fn identity_file(data: &Path) -> PathBuf {
    data.join("keys").join("server.tls")
}

impl Identity {
    /// A key (PKCS #8) with its chain (DER), made for these names.
    #[must_use]
    pub fn new(key: &[u8], chain: Vec<Vec<u8>>, names: &[String]) -> Self {
        Self {
            version: VERSION,
            key: key.to_vec().into(),
            chain: chain.into_iter().map(ByteVec::from).collect(),
            names: names.to_vec(),
        }
    }

    /// What the authority made for this station; `None` before it did.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(data: &Path) -> Result<Option<Self>> {
        let path = identity_file(data);
        if !path.exists() {
            return Ok(None);
        }
        let bytes = Zeroizing::new(secrets::read(&path)?);
        let read = minicbor::decode::<Self>(&bytes).ok();
        let read = read.filter(|file| file.version == VERSION && file.chain.len() <= MOST_CHAIN);
        Ok(Some(read.with_context(|| {
            format!("{} を読めません。消すと、次の更新で作り直されます", path.display())
        })?))
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, data: &Path) -> Result<()> {
        let bytes = Zeroizing::new(minicbor::to_vec(self).context("証明書のファイルを作れません")?);
        secrets::swap(&identity_file(data), &bytes)
    }

    /// The names it was made for.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// As it is shown.
    ///
    /// # Errors
    /// When key and certificate do not belong together.
    pub fn shown(&self) -> Result<Shown> {
        let chain = self
            .chain
            .iter()
            .map(|der| CertificateDer::from(der.to_vec()))
            .collect();
        Shown::new(chain, PrivatePkcs8KeyDer::from(self.key.to_vec()).into())
    }
}

/// A certificate as it is shown, with its time.
#[derive(Clone)]
pub struct Shown {
    key: Arc<CertifiedKey>,
    /// First moment in which it counts.
    pub from: Moment,
    /// Last moment in which it counts.
    pub until: Moment,
}

impl Shown {
    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self> {
        let first = chain.first().context("証明書が1枚もありません")?;
        let (from, until) = wire::hospital::lifetime(first).context("証明書の期間を読めません")?;
        let provider = rustls::crypto::ring::default_provider();
        let key = CertifiedKey::from_der(chain, key, &provider).context("証明書と鍵が合いません")?;
        Ok(Self {
            key: Arc::new(key),
            from: Moment(i64::try_from(from)?),
            until: Moment(i64::try_from(until)?),
        })
    }

    /// Certificate and key of an authority that the hospital has already, as PEM files.
    ///
    /// # Errors
    /// When a file cannot be read, others may read the key, or they do not belong together.
    pub fn of_files(certificate: &Path, key: &Path) -> Result<Self> {
        let name = certificate.display();
        let size = std::fs::metadata(certificate)
            .with_context(|| format!("証明書 {name} がありません"))?
            .len();
        ensure!(size <= MAX_CHAIN_FILE, "証明書 {name} が大きすぎます");
        let pem = std::fs::read(certificate).with_context(|| format!("証明書 {name} を読めません"))?;
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem)
            .take(MOST_CHAIN + 1)
            .collect::<Result<_, _>>()
            .with_context(|| format!("証明書 {name} は PEM の証明書ではありません"))?;
        if chain.is_empty() || chain.len() > MOST_CHAIN {
            bail!(
                "証明書 {name} に {} 枚あります。1–{MOST_CHAIN} 枚の PEM を置いてください",
                chain.len()
            );
        }
        let pem = Zeroizing::new(secrets::read(key)?);
        let der = PrivateKeyDer::from_pem_slice(&pem)
            .ok()
            .with_context(|| format!("秘密鍵 {} は PEM の秘密鍵ではありません", key.display()))?;
        Self::new(chain, der).with_context(|| format!("証明書 {name}"))
    }

    /// The certificates, the machine's first.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.key.cert
    }
}

/// What is shown at the moment. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Served(Arc<RwLock<Option<Shown>>>);

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Served")
    }
}

impl Served {
    /// Shows this from the next handshake on.
    pub fn show(&self, shown: Shown) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(shown);
    }

    /// What is shown.
    #[must_use]
    pub fn now(&self) -> Option<Shown> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The server's side of TLS, 1.3 only: every browser that can show the desk speaks it (decision 0031).
    ///
    /// # Errors
    /// When the library refuses.
    pub fn config(&self) -> Result<Arc<ServerConfig>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(self.clone()));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.now().map(|shown| shown.key)
    }
}

/// Certificates as text that browsers and systems take in.
#[must_use]
pub fn pem(certificates: &[Vec<u8>]) -> String {
    use base64::Engine as _;
    let mut out = String::new();
    for der in certificates {
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        out.push_str("-----BEGIN CERTIFICATE-----\n");
        for line in text.as_bytes().chunks(64) {
            out.push_str(&String::from_utf8_lossy(line));
            out.push('\n');
        }
        out.push_str("-----END CERTIFICATE-----\n");
    }
    out
}
