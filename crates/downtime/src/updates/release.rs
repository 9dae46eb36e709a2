//! A release: one version of the program, as a list of files with their lengths and hashes.
//!
//! Versions only go up. Going back to an older program on purpose is a new release with a higher number; a station that goes back by
//! itself goes back to the program it still has.

use std::fmt;

use chart::Moment;
use minicbor::{Decode, Encode};
use sha2::Digest;

use super::UpdateFault;

/// Most files of one release.
pub const MAX_FILES: usize = 16;

/// Largest program, in bytes.
pub const MAX_FILE: u64 = 512 << 20;

/// Longest text about a release, in bytes.
pub const MAX_NOTES: usize = 8 << 10;

/// Longest name of a kind of machine, in bytes.
const MAX_PLATFORM: usize = 32;

/// What stands before the fields, so that no other signed thing is taken for a release.
const MAGIC: &[u8; 8] = b"TMBREL1\0";

/// A SHA-256.
pub type Sha256 = [u8; 32];

/// The hash of bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Sha256 {
    sha2::Sha256::digest(bytes).into()
}

/// 64 hexadecimal digits.
#[must_use]
pub fn hex(hash: &Sha256) -> String {
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        use fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `1.4.0`: three numbers, compared one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
pub struct ProgramVersion {
    /// Formats or ways of working change.
    #[n(0)]
    pub major: u32,
    /// Something is new.
    #[n(1)]
    pub minor: u32,
    /// Something is mended.
    #[n(2)]
    pub patch: u32,
}

impl ProgramVersion {
    /// Reads `1.4.0`; nothing before, behind or between.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| {
            let plain = !part.is_empty() && part.len() <= 9 && part.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| part.parse().ok()).flatten()
        });
        let version = Self {
            major: parts.next()??,
            minor: parts.next()??,
            patch: parts.next()??,
        };
        parts.next().is_none().then_some(version)
    }
}

impl fmt::Display for ProgramVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The program for one kind of machine.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ProgramFile {
    /// `x86_64-linux`, `x86_64-windows`
    #[n(0)]
    pub platform: String,
    /// Bytes.
    #[n(1)]
    pub length: u64,
    /// Their hash.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub sha256: Sha256,
}

/// One version of the program.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Release {
    /// Its number.
    #[n(0)]
    pub version: ProgramVersion,
    /// When it was made.
    #[n(1)]
    pub made_at: Moment,
    /// Until when a station may begin to take it. A program that runs goes on running.
    #[n(2)]
    pub expires_at: Moment,
    /// One for each kind of machine.
    #[n(3)]
    pub files: Vec<ProgramFile>,
    /// What changes, for whoever approves it.
    #[n(4)]
    pub notes: String,
}

impl Release {
    /// The bytes to sign.
    ///
    /// # Errors
    /// [`UpdateFault::Bounds`] when it is not within its bounds.
    pub fn to_body(&self) -> Result<Vec<u8>, UpdateFault> {
        self.check()?;
        // invariant: writing into a vector does not fail.
        let fields = minicbor::to_vec(self).unwrap_or_default();
        Ok([MAGIC.as_slice(), &fields].concat())
    }

    /// Reads the bytes that were signed. Whether those who signed may is asked of [`super::Trust`].
    ///
    /// # Errors
    /// [`UpdateFault::Unreadable`] or [`UpdateFault::Bounds`].
    pub fn from_body(body: &[u8]) -> Result<Self, UpdateFault> {
        let unreadable = UpdateFault::Unreadable("リリースの一覧");
        let fields = body.strip_prefix(MAGIC.as_slice()).ok_or(unreadable.clone())?;
        let release: Self = minicbor::decode(fields).map_err(|_| unreadable)?;
        release.check()?;
        Ok(release)
    }

    fn check(&self) -> Result<(), UpdateFault> {
        let bounds = |what: &str| Err(UpdateFault::Bounds(format!("リリース {}: {what}", self.version)));
        if self.files.is_empty() || self.files.len() > MAX_FILES {
            return bounds("ファイルは 1–16 です");
        }
        if self.notes.len() > MAX_NOTES {
            return bounds("説明が長すぎます");
        }
        for (at, file) in self.files.iter().enumerate() {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
            if file.platform.is_empty() || file.platform.len() > MAX_PLATFORM || !file.platform.bytes().all(plain) {
                return bounds("端末の種類の名前が違います");
            }
            if file.length == 0 || file.length > MAX_FILE {
                return bounds("ファイルの大きさが違います");
            }
            let before = self.files.get(..at).unwrap_or_default();
            if before.iter().any(|other| other.platform == file.platform) {
                return bounds("同じ種類の端末のファイルが2つあります");
            }
        }
        Ok(())
    }

    /// The program for this kind of machine.
    ///
    /// # Errors
    /// [`UpdateFault::NoFile`].
    pub fn file(&self, platform: &str) -> Result<&ProgramFile, UpdateFault> {
        let mut files = self.files.iter();
        files
            .find(|file| file.platform == platform)
            .ok_or_else(|| UpdateFault::NoFile(self.version, platform.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_strictly_and_ordered_by_number() {
        let version = |text: &str| ProgramVersion::parse(text);
        assert_eq!(version("1.4.0").unwrap().to_string(), "1.4.0");
        assert!(version("0.10.0") > version("0.9.9"));
        assert!(version("1.0.0") > version("0.99.99"));
        for wrong in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "1.2.x",
            "v1.2.3",
            "1.2.3-rc1",
            "1..3",
            "+1.2.3",
            " 1.2.3",
            "1.2.9999999999",
        ] {
            assert_eq!(version(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_release_out_of_bounds_is_neither_made_nor_read() {
        let file = |platform: &str| ProgramFile {
            platform: platform.to_owned(),
            length: 10,
            sha256: [1; 32],
        };
        let good = Release {
            version: ProgramVersion::parse("0.2.0").unwrap(),
            made_at: Moment(1),
            expires_at: Moment(2),
            files: vec![file("x86_64-linux"), file("x86_64-windows")],
            notes: "直したこと".to_owned(),
        };
        let body = good.to_body().unwrap();
        assert_eq!(Release::from_body(&body).unwrap(), good);
        assert!(Release::from_body(&body[1..]).is_err());
        assert!(Release::from_body(&body[..body.len() - 1]).is_err());
        type Change = fn(&mut Release);
        let changes: [Change; 6] = [
            |r| r.files.clear(),
            |r| r.files[1].platform = "x86_64-linux".to_owned(),
            |r| r.files[0].platform = "../x".to_owned(),
            |r| r.files[0].length = 0,
            |r| r.files[0].length = MAX_FILE + 1,
            |r| r.notes = "x".repeat(MAX_NOTES + 1),
        ];
        for (n, change) in changes.iter().enumerate() {
            let mut bad = good.clone();
            change(&mut bad);
            assert!(bad.to_body().is_err(), "{n}");
            let raw = [MAGIC.as_slice(), &minicbor::to_vec(&bad).unwrap()].concat();
            assert!(Release::from_body(&raw).is_err(), "{n}");
        }
        assert!(good.file("x86_64-linux").is_ok());
        assert!(matches!(good.file("aarch64-linux"), Err(UpdateFault::NoFile(..))));
    }
}
