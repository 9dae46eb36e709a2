//! What a listener is told: who may send, how much, with which certificates; and what it counts.
//!
//! It deliberately opens no socket.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use anyhow::{Context, Result, bail};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::pace::Paces;

/// Most certificates of a chain or of an authority's file.
const MOST_CERTIFICATES: usize = 16;
/// Largest certificate or key file, in bytes.
const MAX_PEM: u64 = 256 << 10;

/// Addresses that may send: one, or a net.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// `10.0.3.15` or `10.0.3.0/24`, or the same of IPv6.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { address, bits })
    }

    /// Whether an address is inside.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let same = |one: &[u8], other: &[u8]| {
            (0..usize::from(self.bits)).all(|bit| {
                let of = |bytes: &[u8]| bytes.get(bit / 8).map(|byte| byte >> (7 - bit % 8) & 1);
                of(one) == of(other)
            })
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(one), IpAddr::V4(other)) => same(&one.octets(), &other.octets()),
            (IpAddr::V6(one), IpAddr::V6(other)) => same(&one.octets(), &other.octets()),
            _ => false,
        }
    }
}

/// TLS of a feed: this station's certificate and key, and the authority of the senders' certificates where they must have one.
///
/// # Errors
/// When a file cannot be read or does not fit.
pub fn tls(certificate: &Path, key: &Path, client_ca: Option<&Path>) -> Result<Arc<ServerConfig>> {
    let read = |path: &Path| {
        let size = std::fs::metadata(path)
            .with_context(|| format!("{} がありません", path.display()))?
            .len();
        if size > MAX_PEM {
            bail!("{} は大きすぎて、証明書や鍵のファイルではありません", path.display());
        }
        std::fs::read(path).with_context(|| format!("{} を読めません", path.display()))
    };
    let certificates = |path: &Path| {
        let found: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read(path)?)
            .take(MOST_CERTIFICATES + 1)
            .collect::<Result<_, _>>()
            .with_context(|| format!("{} は PEM の証明書ではありません", path.display()))?;
        if found.is_empty() || found.len() > MOST_CERTIFICATES {
            bail!("{} には証明書が 1 から {MOST_CERTIFICATES} 枚要ります", path.display());
        }
        Ok(found)
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for der in certificates(path)? {
                roots
                    .add(der)
                    .with_context(|| format!("{} は認証局の証明書ではありません", path.display()))?;
            }
            builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?,
            )
        }
    };
    let secret = PrivateKeyDer::from_pem_slice(&read(key)?)
        .with_context(|| format!("{} は PEM の秘密鍵ではありません", key.display()))?;
    let config = builder.with_single_cert(certificates(certificate)?, secret);
    Ok(Arc::new(config.with_context(|| {
        format!("証明書 {} と鍵 {} が合いません", certificate.display(), key.display())
    })?))
}

/// What one feed's listener needs to know.
#[derive(Clone)]
pub struct Settings {
    /// The feed's name.
    pub name: String,
    /// Address and port.
    pub listen: String,
    /// Who may connect; nobody else is read from.
    pub senders: Vec<Network>,
    /// Encrypted connections only, where there is a configuration.
    pub tls: Option<Arc<ServerConfig>>,
    /// Most connections at once.
    pub most_connections: usize,
    /// Most connections of one address. A further one takes the place of its most silent one: a sender whose cable was pulled returns.
    pub most_per_sender: usize,
    /// Most bytes of one message.
    pub most_bytes: usize,
    /// How fast each address may send.
    pub paces: Paces,
    /// MSH-4 of answers to messages that name no receiver.
    pub facility: String,
}

/// What happened on the network, for the log of the hospital's IT.
#[derive(Debug, Default)]
pub struct Counts {
    /// Connections of senders that are not listed.
    pub strangers: AtomicU64,
    /// Connections refused because there were too many.
    pub crowded: AtomicU64,
    /// Messages longer than the bound.
    pub too_long: AtomicU64,
    /// Bytes outside frames, and frames that were begun again before their end.
    pub broken: AtomicU64,
    /// Times that a sender was not read from for a while, because it had sent more than its share.
    pub slowed: AtomicU64,
}
