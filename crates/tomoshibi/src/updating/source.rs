//! Where a station hears of versions and fetches them: from its hub by hash, piece by piece, or, on a hub, from its own directory.
//!
//! Nothing that comes from there is believed: the signatures and the hash decide.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use downtime::updates::{MAX_CHAIN, MAX_SIGNED, ProgramFile, Signed, hex};
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use crate::line::Line;
use crate::releases::{Releases, Word};

/// Bytes of a program asked for and answered at a time.
pub const PIECE: u64 = 1 << 20;

/// Longest one request may take: a piece over the slowest line of a hospital.
const PATIENCE: Duration = Duration::from_secs(60);

/// Largest answer about versions, in bytes.
const MAX_SHOWN: usize = MAX_SIGNED * 2 + (64 << 10);

/// What is offered: the two documents, later trusts, and whether it is paused.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Shown {
    /// The release, signed.
    #[n(0)]
    pub release: Signed,
    /// The hospital's word, signed.
    #[n(1)]
    pub approval: Signed,
    /// Trusts that followed the first.
    #[n(2)]
    pub chain: Vec<Signed>,
    /// Why nobody takes it now.
    #[n(3)]
    pub paused: Option<String>,
}

impl Shown {
    fn from_bytes(bytes: &[u8]) -> Result<Option<Self>> {
        let shown: Option<Self> = minicbor::decode(bytes).context("the word about versions cannot be read")?;
        if shown.as_ref().is_some_and(|shown| shown.chain.len() > MAX_CHAIN) {
            bail!("too many trusts");
        }
        Ok(shown)
    }
}

/// Where versions come from.
pub enum Source {
    /// From the hubs, whichever answers.
    Hubs { hubs: Vec<String>, line: Line },
    /// From this hub's own directory.
    Own(Releases),
}

impl Source {
    /// The hubs of a station, in the order in which they are asked; a hub has none and looks into its own directory.
    pub fn of(hubs: Vec<String>, line: Line, data: &Path) -> Self {
        if hubs.is_empty() {
            return Self::own(data);
        }
        Self::Hubs { hubs, line }
    }

    pub fn own(data: &Path) -> Self {
        Self::Own(Releases::at(data))
    }

    /// What is offered now: by the first hub that offers something. A hub where no version was ever laid down does not hide what another
    /// offers, and an older word than one that was heard is not believed from any of them.
    ///
    /// # Errors
    /// When the line or the disk fails.
    pub fn shown(&self) -> Result<Option<Shown>> {
        match self {
            Self::Own(releases) => releases.shown(),
            Self::Hubs { hubs, line } => {
                let mut outcome = Err(anyhow!("no hub"));
                for hub in hubs {
                    match shown_by(hub, line) {
                        Ok(Some(shown)) => return Ok(Some(shown)),
                        Ok(None) => outcome = Ok(None),
                        Err(error) if outcome.is_err() => outcome = Err(error),
                        Err(_) => {}
                    }
                }
                outcome
            }
        }
    }

    /// Fetches a file whole and checks its hash; `None` when `go_on` said no in between. What came before is gone on with.
    ///
    /// # Errors
    /// When the line breaks, or what came is not what was signed.
    pub fn file(
        &self,
        listed: &ProgramFile,
        incoming: &Path,
        go_on: &mut dyn FnMut(u8) -> bool,
    ) -> Result<Option<File>> {
        let name = hex(&listed.sha256);
        let (hubs, line) = match self {
            Self::Own(releases) => {
                return Ok(Some(File::open(
                    releases.file(&name).context("版のファイルがありません")?,
                )?));
            }
            Self::Hubs { hubs, line } => (hubs, line),
        };
        let path = incoming.join(&name);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        if file.metadata()?.len() > listed.length {
            file.set_len(0)?;
        }
        let agent = line.agent(PATIENCE);
        loop {
            let have = file.seek(SeekFrom::End(0))?;
            let percent = u8::try_from(have.saturating_mul(100) / listed.length.max(1)).unwrap_or(100);
            if !go_on(percent) {
                return Ok(None);
            }
            if have >= listed.length {
                break;
            }
            let most = PIECE.min(listed.length - have);
            let piece = first(hubs, |hub| {
                let answer = agent.get(format!("{hub}/release/file/{name}/{have}")).call()?;
                let mut body = answer.into_body();
                let piece = body.with_config().limit(most + 1).read_to_vec()?;
                if piece.is_empty() || piece.len() as u64 > most {
                    bail!("版のファイルの続きが来ません（{have} / {} バイト）", listed.length);
                }
                Ok(piece)
            })?;
            file.write_all(&piece)?;
        }
        file.sync_all()?;
        file.seek(SeekFrom::Start(0))?;
        let mut hasher = Sha256::new();
        let mut piece = vec![0; 256 << 10];
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                break;
            }
            hasher.update(piece.get(..read).unwrap_or_default());
        }
        if hasher.finalize().as_slice() != listed.sha256 {
            drop(file);
            // Whatever it is, going on with it leads nowhere.
            fs::remove_file(&path)?;
            bail!("受け取ったプログラムのファイルが、署名された一覧と違います。捨てました。次に取り直します");
        }
        file.seek(SeekFrom::Start(0))?;
        Ok(Some(file))
    }

    /// Tells every hub how this station's program stands: either may be the one that is left to stop a version.
    ///
    /// # Errors
    /// When the disk fails, or one of the hubs did not hear it.
    pub fn tell(&self, word: &Word) -> Result<()> {
        match self {
            Self::Own(releases) => releases.hear(word).map(drop),
            Self::Hubs { hubs, line } => {
                let agent = line.agent(PATIENCE);
                let told = hubs
                    .iter()
                    .map(|hub| agent.post(format!("{hub}/release/word")).send(&word.to_bytes()[..]));
                // Every one is told before the first that failed counts.
                let told: Vec<_> = told.collect();
                told.into_iter().try_for_each(|told| Ok(told.map(drop)?))
            }
        }
    }
}

fn shown_by(hub: &str, line: &Line) -> Result<Option<Shown>> {
    let answer = line.agent(PATIENCE).get(format!("{hub}/release/list")).call()?;
    let mut body = answer.into_body();
    let bytes = body.with_config().limit(MAX_SHOWN as u64).read_to_vec()?;
    Shown::from_bytes(&bytes)
}

/// The first answer; when there is none, why the last one gave none.
fn first<T>(hubs: &[String], ask: impl Fn(&str) -> Result<T>) -> Result<T> {
    let mut outcome = Err(anyhow!("no hub"));
    for hub in hubs {
        outcome = ask(hub);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

/// Removes what was fetched, also pieces of versions that are no longer wanted.
pub fn clear(incoming: &Path) {
    let files = fs::read_dir(incoming).into_iter().flatten().filter_map(Result::ok);
    let paths: Vec<PathBuf> = files.map(|entry| entry.path()).collect();
    for path in paths {
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(%error, "{} stays", path.display());
        }
    }
}
