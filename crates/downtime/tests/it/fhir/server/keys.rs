//! Keys and certificates of the tests, from `crates/wire/tests/keys`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::signature::{self, EcdsaKeyPair, KeyPair, RsaKeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A key for tests.
pub fn key_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../wire/tests/keys")
        .join(name)
}

/// Algorithm and public half of a key.
pub fn public_key(name: &str) -> (&'static str, Vec<u8>) {
    let pem = std::fs::read(key_path(name)).unwrap();
    let der = PrivateKeyDer::from_pem_slice(&pem).unwrap();
    if name.starts_with("rs") {
        return (
            "RS384",
            RsaKeyPair::from_pkcs8(der.secret_der())
                .unwrap()
                .public()
                .as_ref()
                .to_vec(),
        );
    }
    let random = ring::rand::SystemRandom::new();
    let pair =
        EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, der.secret_der(), &random).unwrap();
    ("ES384", pair.public_key().as_ref().to_vec())
}

/// The server's certificate.
pub fn tls_config() -> Arc<rustls::ServerConfig> {
    let read = |name: &str| std::fs::read(key_path(name)).unwrap();
    let certificate = CertificateDer::from_pem_slice(&read("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(&read("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    Arc::new(
        builder
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap(),
    )
}
