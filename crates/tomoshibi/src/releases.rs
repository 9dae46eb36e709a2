//! The versions a hub has let in, and what stations say of theirs: `data/releases/`.
//!
//! ```text
//! data/releases/0.2.0/release.signed, approval.signed, <sha256>   one version; without both documents it is not offered
//! data/releases/paused          why nobody takes a version now
//! data/releases/stations/R03    what a station last said of its program
//! ```
//! A station that went back pauses the version for all, without anybody.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chart::Moment;
use downtime::identity::Roster;
use downtime::updates::{MAX_SIGNED, ProgramVersion, Signed, Standing, Trust};
use minicbor::{Decode, Encode};
use vault::keys::StationSecret;
use vault::sign::Purpose;

use crate::home::{Home, log, write_durably};
use crate::updating::{self, Shown, Told};

/// The release's document.
pub const RELEASE: &str = "release.signed";
/// The hospital's.
pub const APPROVAL: &str = "approval.signed";
const PAUSED: &str = "paused";
const CHAIN: &str = "trust.chain";

/// Most versions looked at.
const MAX_VERSIONS: usize = 256;

/// Largest word of a station, in bytes.
pub const MAX_WORD: usize = 8 << 10;

/// Longest reason for a pause, in characters.
const MAX_WHY: usize = 200;

/// What a station says of its program, signed by it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Word {
    #[cbor(n(0), with = "minicbor::bytes")]
    body: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    signature: [u8; 64],
}

/// What is in it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Said {
    /// Which station.
    #[n(0)]
    pub code: String,
    /// How its program stands.
    #[n(1)]
    pub told: Told,
    /// When it said so.
    #[n(2)]
    pub at: Moment,
}

impl Word {
    /// A station's word.
    #[must_use]
    pub fn signed(code: &str, told: Told, at: Moment, secret: &StationSecret) -> Self {
        let said = Said {
            code: code.to_owned(),
            told,
            at,
        };
        // invariant: writing into a vector does not fail.
        let body = minicbor::to_vec(said).unwrap_or_default();
        Self {
            signature: secret.sign(Purpose::Update, &body),
            body,
        }
    }

    /// CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // invariant: writing into a vector does not fail.
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// Reads [`Self::to_bytes`], and proves that a station of the roster said it.
    ///
    /// # Errors
    /// When it is none, or nobody's.
    pub fn proved(bytes: &[u8], roster: &Roster) -> Result<(Self, Said)> {
        if bytes.len() > MAX_WORD {
            bail!("too large");
        }
        let word: Self = minicbor::decode(bytes)?;
        let said: Said = minicbor::decode(&word.body)?;
        let code = chart::StationCode::parse(&said.code).context("no station's code")?;
        let enrolled = roster
            .station(code)
            .filter(|enrolled| !enrolled.retired)
            .context("not enrolled")?;
        enrolled
            .public()?
            .verify(Purpose::Update, &word.body, &word.signature)?;
        Ok((word, said))
    }
}

/// `data/releases/`
#[derive(Debug, Clone)]
pub struct Releases {
    data: PathBuf,
    dir: PathBuf,
}

impl Releases {
    /// Those of a hub.
    #[must_use]
    pub fn at(data: &Path) -> Self {
        Self {
            data: data.to_path_buf(),
            dir: data.join("releases"),
        }
    }

    /// The directory of a version.
    #[must_use]
    pub fn version_dir(&self, version: ProgramVersion) -> PathBuf {
        self.dir.join(version.to_string())
    }

    /// Versions that are here with both documents, the newest last.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn versions(&self) -> Result<Vec<ProgramVersion>> {
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.with_context(|| format!("{} を読めません", self.dir.display()))?,
        };
        let mut found = Vec::new();
        for entry in entries.take(MAX_VERSIONS) {
            let entry = entry?;
            let version = entry.file_name().to_str().and_then(ProgramVersion::parse);
            let whole = [RELEASE, APPROVAL].iter().all(|name| entry.path().join(name).is_file());
            found.extend(version.filter(|_| whole));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The newest version with its documents, as stations are shown it.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn shown(&self) -> Result<Option<Shown>> {
        let Some(version) = self.versions()?.pop() else {
            return Ok(None);
        };
        let dir = self.version_dir(version);
        Ok(Some(Shown {
            release: signed(&dir.join(RELEASE))?,
            approval: signed(&dir.join(APPROVAL))?,
            chain: self.chain(),
            paused: self.paused(),
        }))
    }

    /// The trusts that followed the first, as this hub passes them on.
    fn chain(&self) -> Vec<Signed> {
        let bytes = fs::read(self.dir.join(CHAIN)).unwrap_or_default();
        minicbor::decode(&bytes).unwrap_or_default()
    }

    /// Adds a trust to those that are passed on.
    ///
    /// # Errors
    /// When it does not follow, or cannot be written.
    pub fn add_trust(&self, root: Trust, later: Signed) -> Result<u32> {
        let mut chain = self.chain();
        let before = root.clone().line(&chain).len();
        chain.push(later);
        let line = root.line(&chain);
        let Some(newest) = line.last().filter(|_| line.len() > before) else {
            return Err(downtime::updates::UpdateFault::NotFollowing.into());
        };
        fs::create_dir_all(&self.dir)?;
        write_durably(&self.dir.join(CHAIN), &minicbor::to_vec(&chain)?)?;
        Ok(newest.serial())
    }

    /// Why nobody takes a version now.
    #[must_use]
    pub fn paused(&self) -> Option<String> {
        let text = fs::read_to_string(self.dir.join(PAUSED)).ok()?;
        Some(text.chars().take(MAX_WHY).collect())
    }

    /// Nobody takes a version any more, until [`Self::resume`].
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn pause(&self, why: &str) -> Result<()> {
        fs::create_dir_all(&self.dir)?;
        write_durably(
            &self.dir.join(PAUSED),
            why.chars().take(MAX_WHY).collect::<String>().as_bytes(),
        )
    }

    /// Goes on. False when nothing was paused.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn resume(&self) -> Result<bool> {
        match fs::remove_file(self.dir.join(PAUSED)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error).context("一時停止を解けません"),
        }
    }

    /// Where a file of a version lies, by its hash.
    #[must_use]
    pub fn file(&self, hash: &str) -> Option<PathBuf> {
        let plain = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase());
        let versions = self.versions().ok().filter(|_| plain)?;
        let paths = versions
            .iter()
            .rev()
            .map(|version| self.version_dir(*version).join(hash));
        paths.into_iter().find(|path| path.is_file())
    }

    /// A station said how its program stands. One that went back from the version offered now pauses it. True when it was news.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn hear(&self, word: &Word) -> Result<bool> {
        let said: Said = minicbor::decode(&word.body)?;
        let before = self.said(&said.code);
        if before.as_ref().is_some_and(|before| before.at >= said.at) {
            return Ok(false);
        }
        let dir = self.dir.join("stations");
        fs::create_dir_all(&dir)?;
        write_durably(&dir.join(&said.code), &word.to_bytes())?;
        let is_new = before.is_none_or(|before| before.told != said.told);
        if let (Standing::WentBack(version, _, why), true) = (&said.told.standing, is_new)
            && self.versions()?.last() == Some(version)
            && self.paused().is_none()
        {
            let why = format!("{} が版 {version} から前の版へ戻りました: {why}", said.code);
            self.pause(&why)?;
            tracing::error!("★ {why}。配るのを止めました");
            log(
                &self.data,
                "updates.log",
                &format!("{} hub: ★ {why}。配るのを止めました", said.at.text()),
            )?;
        }
        Ok(is_new)
    }

    /// What a station last said.
    #[must_use]
    pub fn said(&self, code: &str) -> Option<Said> {
        let code = chart::StationCode::parse(code)?;
        let bytes = fs::read(self.dir.join("stations").join(code.as_str())).ok()?;
        let word: Word = minicbor::decode(&bytes).ok()?;
        minicbor::decode(&word.body).ok()
    }
}

/// How each station's program stands, for the screens: of this station from its own directory, of others as a hub heard it.
#[must_use]
pub fn lend(home: &Home) -> Arc<desk::UpdateOf> {
    let (own, data, releases) = (home.code, home.data.clone(), Releases::at(&home.data));
    Arc::new(move |code| {
        let (told, at) = if code == own {
            let told = updating::told(&data)?;
            let at = told.at;
            (told, at)
        } else {
            let said = releases.said(code.as_str())?;
            (said.told, said.at)
        };
        Some((told.standing, at))
    })
}

/// Reads a signed document.
///
/// # Errors
/// When it is none.
pub fn signed(path: &Path) -> Result<Signed> {
    let size = fs::metadata(path)
        .with_context(|| format!("{} がありません", path.display()))?
        .len();
    if size > MAX_SIGNED as u64 {
        bail!("{} は大きすぎます（{size} バイト）", path.display());
    }
    let bytes = fs::read(path).with_context(|| format!("{} を読めません", path.display()))?;
    Signed::from_bytes(&bytes).with_context(|| path.display().to_string())
}
