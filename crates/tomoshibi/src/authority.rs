//! The hospital's own certificate authority: a root that lies in a safe, and a key on the hub that vouches for machines from day to day.
//!
//! The root vouches for names of this hospital and for private networks only, and says so in itself: whoever stole it could not stand in
//! for a bank's web site in the browsers that trust it. Keys are ECDSA P-256, which every browser takes. Deliberately absent: lists of
//! withdrawn certificates (they are short-lived, and stations ask the roster who has left), requests in other forms than our own.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use chart::Moment;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use time::OffsetDateTime;
use vault::context::Context as Place;
use vault::keys::{Key32, UserSecret};
use vault::slot::{Credentials, Slot, SlotCost};
use vault::{HospitalId, UserId};
use zeroize::Zeroizing;

use crate::{random, secrets};

mod scope;
#[cfg(test)]
pub mod tests;

pub use scope::{Scope, check_name};

/// Days for which a root counts: ten years.
pub const ROOT_DAYS: i32 = 3_653;
/// Days for which the hub's key counts: a year and a month, so that a yearly renewal on the same day is never late.
pub const ISSUING_DAYS: i32 = 396;
/// Days for which a machine's certificate counts.
pub const SERVER_DAYS: i32 = 90;
/// Days before its end at which a machine's certificate is renewed: at 60 of 90.
pub const RENEW_DAYS: i64 = 30;
/// Days before its end at which people are told that the hub's key must be renewed.
pub const TELL_DAYS: i64 = 60;
/// Most names of one certificate.
pub const MOST_NAMES: usize = 16;
/// Largest file of a root, in bytes.
const MAX_ROOT_FILE: u64 = 64 << 10;
/// Version of the files here.
const VERSION: u8 = 1;
/// Bytes of a public key: an uncompressed point on P-256 (SEC 1 §2.3.3).
const POINT: usize = 65;

/// The root as it lies in the safe: its key sealed under a passphrase.
#[derive(Debug, Clone, Encode, Decode)]
pub struct RootFile {
    #[n(0)]
    version: u8,
    #[cbor(n(1), with = "minicbor::bytes")]
    hospital: [u8; 16],
    #[n(2)]
    name: String,
    #[n(3)]
    scope: Scope,
    #[n(4)]
    certificate: ByteVec,
    #[n(5)]
    slot: ByteVec,
    #[n(6)]
    sealed: ByteVec,
}

/// What lies on the hub: the key that vouches from day to day, with its certificate and the root's.
#[derive(Clone, Encode, Decode)]
pub struct Issuing {
    #[n(0)]
    version: u8,
    #[n(1)]
    name: String,
    #[n(2)]
    scope: Scope,
    #[n(3)]
    root: ByteVec,
    #[n(4)]
    certificate: ByteVec,
    #[n(5)]
    key: ByteVec,
    #[n(6)]
    from: i64,
    #[n(7)]
    until: i64,
}

/// A machine's public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point(Vec<u8>);

impl Point {
    /// An uncompressed point, as it stands in a certificate.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == POINT && bytes.first() == Some(&4)).then(|| Self(bytes.to_vec()))
    }
}

impl PublicKeyData for Point {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

/// A new key of a machine: PKCS #8, and its public half.
///
/// # Errors
/// When the system gives no randomness.
pub fn new_key() -> Result<(Zeroizing<Vec<u8>>, Point)> {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("鍵を作れません")?;
    let point = Point::from_bytes(pair.public_key_raw()).context("鍵を作れません")?;
    Ok((Zeroizing::new(pair.serialize_der()), point))
}

/// `data/keys/issuing.ca`
#[must_use]
pub fn issuing_file(data: &Path) -> PathBuf {
    data.join("keys").join("issuing.ca")
}

impl RootFile {
    /// Makes a root for these names and networks.
    ///
    /// # Errors
    /// When the passphrase or the scope cannot be used.
    pub fn new(
        hospital: HospitalId,
        hospital_name: &str,
        scope: Scope,
        passphrase: &str,
        cost: SlotCost,
        now: Moment,
    ) -> Result<Self> {
        let name = format!("{hospital_name} Tomoshibi CA {}", now.day().year());
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let params = authority(&name, &scope, 1, now, ROOT_DAYS)?;
        let certificate = params.self_signed(&pair)?.der().to_vec();
        let mut rng = random::system();
        let secret = UserSecret::random(&mut rng);
        let who = Credentials::Password(passphrase);
        let slot = Slot::create(&hospital, &holder(), 0, &who, &secret, cost, &mut rng)?;
        let key = Key32::from_bytes(*secret.to_seed());
        let pkcs8 = Zeroizing::new(pair.serialize_der());
        let sealed = vault::sealbox::seal(&key, &place(&hospital, &certificate), &pkcs8, &mut rng);
        Ok(Self {
            version: VERSION,
            hospital: hospital.0,
            name,
            scope,
            certificate: certificate.into(),
            slot: slot.as_bytes().to_vec().into(),
            sealed: sealed.into(),
        })
    }

    /// Reads one.
    ///
    /// # Errors
    /// When it is not there or none.
    pub fn read(path: &Path) -> Result<Self> {
        let size = std::fs::metadata(path)
            .with_context(|| {
                format!(
                    "ルートの鍵ファイル {} がありません。保管場所から持って来てください",
                    path.display()
                )
            })?
            .len();
        ensure!(
            size <= MAX_ROOT_FILE,
            "{} はルートの鍵ファイルではありません",
            path.display()
        );
        let bytes = std::fs::read(path).with_context(|| format!("{} を読めません", path.display()))?;
        let file: Self = minicbor::decode(&bytes)
            .ok()
            .filter(|file: &Self| file.version == VERSION)
            .with_context(|| format!("{} はルートの鍵ファイルではないか、新しい版のものです", path.display()))?;
        Ok(file)
    }

    /// As bytes of a file. The key in it is sealed.
    ///
    /// # Errors
    /// Never in practice.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        minicbor::to_vec(self).context("ルートの鍵ファイルを作れません")
    }

    /// Its certificate.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Which hospital it is the root of.
    #[must_use]
    pub const fn hospital(&self) -> HospitalId {
        HospitalId(self.hospital)
    }

    /// Makes a key that vouches from day to day, under this root.
    ///
    /// # Errors
    /// When the passphrase does not open it.
    pub fn issuing(&self, passphrase: &str, now: Moment) -> Result<Issuing> {
        let hospital = self.hospital();
        let secret = Slot::from_bytes(&self.slot)?
            .open(&hospital, &holder(), 0, &Credentials::Password(passphrase))
            .ok()
            .context("合言葉が違うか、ルートの鍵ファイルが壊れています。何も変えていません")?;
        let key = Key32::from_bytes(*secret.to_seed());
        let pkcs8 = vault::sealbox::open(&key, &place(&hospital, &self.certificate), &self.sealed)
            .ok()
            .context("ルートの鍵ファイルが壊れています。控えを使ってください。何も変えていません")?;
        let root_pair = pair(&pkcs8)?;
        let root = Issuer::new(authority(&self.name, &self.scope, 1, now, ROOT_DAYS)?, root_pair);
        let name = format!("{} {}", self.name, now.day());
        let (fresh, params) = (
            KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?,
            authority(&name, &self.scope, 0, now, ISSUING_DAYS)?,
        );
        let certificate = params.signed_by(&fresh, &root)?.der().to_vec();
        let (from, until) = wire::hospital::lifetime(&certificate).context("証明書を作れません")?;
        Ok(Issuing {
            version: VERSION,
            name,
            scope: self.scope.clone(),
            root: self.certificate.clone(),
            certificate: certificate.into(),
            key: fresh.serialize_der().into(),
            from: i64::try_from(from)?,
            until: i64::try_from(until)?,
        })
    }
}

impl Issuing {
    /// The key on this hub; `None` where there is none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(data: &Path) -> Result<Option<Self>> {
        let path = issuing_file(data);
        if !path.exists() {
            return Ok(None);
        }
        let bytes = Zeroizing::new(secrets::read(&path)?);
        let read = minicbor::decode::<Self>(&bytes).ok();
        let read = read.filter(|file| file.version == VERSION);
        Ok(Some(read.with_context(|| {
            format!("{} を読めません。`tomoshibi ca renew` で作り直せます", path.display())
        })?))
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, data: &Path) -> Result<()> {
        let bytes = Zeroizing::new(minicbor::to_vec(self).context("鍵のファイルを作れません")?);
        secrets::swap(&issuing_file(data), &bytes)
    }

    /// What it may vouch for.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// True for the certificate of this very key.
    #[must_use]
    pub fn is_by(&self, certificate: &[u8]) -> bool {
        *self.certificate == *certificate
    }

    /// When it ends.
    #[must_use]
    pub const fn until(&self) -> Moment {
        Moment(self.until)
    }

    /// Vouches that this key is the machine of these names, for [`SERVER_DAYS`]: its certificate, and this key's behind it.
    ///
    /// # Errors
    /// When a name is outside what the authority may vouch for.
    pub fn issue(&self, point: &Point, names: &[String], now: Moment) -> Result<Vec<Vec<u8>>> {
        ensure!(
            (1..=MOST_NAMES).contains(&names.len()),
            "証明書の名前は 1–{MOST_NAMES} 個です（今は {} 個）。station.names を確かめてください",
            names.len()
        );
        for name in names {
            check_name(name)?;
            if !self.scope.covers(name) {
                bail!(
                    "{name} は、この認証局が証明できる範囲（{}）の外です。`tomoshibi ca new --domain` か `--network` で範囲を広げて作り直してください",
                    self.scope
                );
            }
        }
        let mut params = CertificateParams::new(names.to_vec())?;
        params.distinguished_name = common_name(names.first().map_or("", String::as_str));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        // Never outside the time of the key that signs: then there is a moment at which all of the chain counts.
        (params.not_before, params.not_after) = days_around(now, SERVER_DAYS)?;
        let (from, until) = (second(self.from)?, second(self.until)?);
        params.not_before = params.not_before.max(from);
        params.not_after = params.not_after.min(until);
        ensure!(
            params.not_before < params.not_after,
            "hub の署名の鍵の期限（{}）が切れています。`tomoshibi ca renew` で更新してください",
            Moment(self.until).text()
        );
        let issuer = Issuer::new(
            authority(&self.name, &self.scope, 0, now, ISSUING_DAYS)?,
            pair(&self.key)?,
        );
        let leaf = params.signed_by(point, &issuer)?.der().to_vec();
        Ok(vec![leaf, self.certificate.to_vec()])
    }
}

fn pair(pkcs8: &[u8]) -> Result<KeyPair> {
    KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(pkcs8), &PKCS_ECDSA_P256_SHA256)
        .context("鍵のファイルが壊れています")
}

fn common_name(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

/// An authority of this name with so many below it.
fn authority(name: &str, scope: &Scope, below: u8, now: Moment, days: i32) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: permitted(scope)?,
        excluded_subtrees: Vec::new(),
    });
    (params.not_before, params.not_after) = days_around(now, days)?;
    Ok(params)
}

fn permitted(scope: &Scope) -> Result<Vec<GeneralSubtree>> {
    let mut out: Vec<GeneralSubtree> = scope
        .domains()
        .map(|name| GeneralSubtree::DnsName(name.to_owned()))
        .collect();
    for (address, bits) in scope.networks()? {
        out.push(GeneralSubtree::IpAddress(subnet(address, bits)));
    }
    Ok(out)
}

fn subnet(address: IpAddr, bits: u8) -> rcgen::CidrSubnet {
    rcgen::CidrSubnet::from_addr_prefix(address, bits)
}

/// From yesterday, for clocks that are a little behind, until so many days from now.
fn days_around(now: Moment, days: i32) -> Result<(OffsetDateTime, OffsetDateTime)> {
    let until = now.0.saturating_add(i64::from(days) * DAY);
    Ok((second(now.0.saturating_sub(DAY))?, second(until)?))
}

fn second(second: i64) -> Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(second).context("この端末の時計では証明書を作れません。時計を合わせてください")
}

/// Seconds of a day.
pub const DAY: i64 = 86_400;

fn holder() -> UserId {
    UserId(*b"tomoshibi-ca-key")
}

fn place(hospital: &HospitalId, certificate: &[u8]) -> Place {
    Place::new("ca-root", hospital).variable(certificate)
}
