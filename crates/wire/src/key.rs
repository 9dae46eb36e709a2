//! A private key that signs what a client says about itself (RFC 7515: RS384 and ES384).
//!
//! The key never leaves this module. Reading it and nothing else happens on the disk.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::SigningKey;

/// Largest key file, in bytes.
const MAX_KEY_FILE: u64 = 64 << 10;
/// Bytes of one number of a P-384 signature.
const NUMBER: usize = 48;

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA PKCS #1 v1.5 with SHA-384
    Rs384,
    /// ECDSA on P-384 with SHA-384
    Es384,
}

/// Why a key cannot be used. Nothing of the key is in the words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Not there, or not readable.
    #[error("秘密鍵 {0} を読めません（{1}）。置き場所と権限を確かめてください")]
    Unreadable(String, String),
    /// Not a key.
    #[error("秘密鍵 {0} は PEM の秘密鍵ではありません。PKCS#8 の PEM を置いてください")]
    NotPem(String),
    /// Some other kind.
    #[error("秘密鍵 {0} の種類は使えません。RSA（2048ビット以上）か楕円曲線 P-384 の鍵を作ってください")]
    WrongKind(String),
    /// It refused.
    #[error("秘密鍵で署名できません")]
    NotSigned,
}

/// A key.
#[derive(Clone)]
pub struct Key {
    key: Arc<dyn SigningKey>,
    algorithm: Algorithm,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// The key of a PEM file.
    ///
    /// # Errors
    /// [`KeyFault`] in words for whoever sets the station up.
    pub fn read(path: &Path) -> Result<Self, KeyFault> {
        let name = path.display().to_string();
        let unreadable = |error: std::io::Error| KeyFault::Unreadable(name.clone(), error.to_string());
        if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_KEY_FILE {
            return Err(KeyFault::NotPem(name));
        }
        let pem = std::fs::read(path).map_err(unreadable)?;
        let der = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| KeyFault::NotPem(name.clone()))?;
        let key = any_supported_type(&der).map_err(|_| KeyFault::WrongKind(name.clone()))?;
        let algorithm = [
            (SignatureScheme::RSA_PKCS1_SHA384, Algorithm::Rs384),
            (SignatureScheme::ECDSA_NISTP384_SHA384, Algorithm::Es384),
        ];
        let fits = algorithm
            .into_iter()
            .find(|(scheme, _)| key.choose_scheme(&[*scheme]).is_some());
        let (_, algorithm) = fits.ok_or(KeyFault::WrongKind(name))?;
        Ok(Self { key, algorithm })
    }

    /// How it signs.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// A signature in the form of a JWS.
    ///
    /// # Errors
    /// [`KeyFault::NotSigned`].
    pub fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, KeyFault> {
        let scheme = match self.algorithm {
            Algorithm::Rs384 => SignatureScheme::RSA_PKCS1_SHA384,
            Algorithm::Es384 => SignatureScheme::ECDSA_NISTP384_SHA384,
        };
        let signer = self.key.choose_scheme(&[scheme]).ok_or(KeyFault::NotSigned)?;
        let signature = signer.sign(bytes).map_err(|_| KeyFault::NotSigned)?;
        match self.algorithm {
            Algorithm::Rs384 => Ok(signature),
            Algorithm::Es384 => fixed(&signature).ok_or(KeyFault::NotSigned),
        }
    }
}

/// TLS writes the two numbers of a signature in DER, JWS one behind the other in full length.
fn fixed(der: &[u8]) -> Option<Vec<u8>> {
    let mut rest = der.strip_prefix(&[0x30])?;
    let (length, behind) = rest.split_first()?;
    // Two numbers of 48 bytes make at most 102: the short form of a length.
    if usize::from(*length) != behind.len() || *length >= 0x80 {
        return None;
    }
    rest = behind;
    let mut out = Vec::with_capacity(NUMBER * 2);
    for _ in 0..2 {
        let body = rest.strip_prefix(&[0x02])?;
        let (length, body) = body.split_first()?;
        let (number, behind) = body.split_at_checked(usize::from(*length))?;
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        out.extend(std::iter::repeat_n(0, NUMBER.checked_sub(number.len())?));
        out.extend_from_slice(number);
        rest = behind;
    }
    rest.is_empty().then_some(out)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use super::*;
    use ring::signature::{
        ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA384,
        RsaKeyPair, UnparsedPublicKey,
    };

    fn path(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys").join(name)
    }

    fn der(name: &str) -> Vec<u8> {
        PrivateKeyDer::from_pem_slice(&std::fs::read(path(name)).unwrap())
            .unwrap()
            .secret_der()
            .to_vec()
    }

    #[test]
    fn another_implementation_verifies_what_is_signed() {
        let key = Key::read(&path("es384.pem")).unwrap();
        assert_eq!(key.algorithm(), Algorithm::Es384);
        let pair = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P384_SHA384_FIXED_SIGNING,
            &der("es384.pem"),
            &ring::rand::SystemRandom::new(),
        )
        .unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, pair.public_key().as_ref());
        // Numbers with leading zeros come about once in 256 signatures.
        for n in 0..600_u32 {
            let signature = key.sign(&n.to_be_bytes()).unwrap();
            assert_eq!(signature.len(), 96);
            public.verify(&n.to_be_bytes(), &signature).unwrap();
        }
        assert!(public.verify(b"other", &key.sign(b"this").unwrap()).is_err());
        let key = Key::read(&path("rs384.pem")).unwrap();
        assert_eq!(key.algorithm(), Algorithm::Rs384);
        let pair = RsaKeyPair::from_pkcs8(&der("rs384.pem")).unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA384, pair.public().as_ref());
        public.verify(b"this", &key.sign(b"this").unwrap()).unwrap();
    }

    #[test]
    fn what_is_no_key_is_told_without_a_word_of_it() {
        let wrong = Key::read(&path("p256.pem")).unwrap_err();
        assert!(matches!(wrong, KeyFault::WrongKind(_)));
        assert!(matches!(Key::read(&path("none.pem")), Err(KeyFault::Unreadable(..))));
        assert!(matches!(Key::read(&path("../../Cargo.toml")), Err(KeyFault::NotPem(_))));
    }

    #[test]
    fn damaged_signatures_are_none() {
        for bad in [
            &b""[..],
            &[0x30],
            &[0x30, 0],
            &[0x30, 2, 2, 9],
            &[0x30, 0x81, 1, 0],
            &[0x30, 6, 2, 1, 1, 2, 1, 1, 0],
        ] {
            assert_eq!(fixed(bad), None, "{bad:?}");
        }
        assert_eq!(
            fixed(&[0x30, 6, 2, 1, 1, 2, 1, 2]).map(|out| (out[47], out[95])),
            Some((1, 2))
        );
    }
}
