//! Putting a snapshot's file together: sections that are here are copied, the others are asked for by their hash, from whoever has them.
//!
//! Lengths come from the signed manifest, so nobody can give too much; each request is at most a megabyte and has its own patience, so
//! nobody can give too slowly; what a giver gave is hashed, and one that gave wrong bytes is not asked again in this pull and is named in
//! the log. Who is asked, and over what line, is deliberately the roof's.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use vault::files::{Files, ReadAt};
use vault::snapshot::{Section, Snapshot, Tail};

use super::pieces::{Pieces, lengths};

/// Most bytes asked for at once (1 MiB).
pub const PIECE: usize = 1 << 20;
/// Small sections that are asked for together have at most so many bytes in all.
pub const MAX_BATCH: usize = PIECE;
/// Most sections in one such request.
const MAX_NAMES: usize = 1024;
/// Room that must be left on the disk after a pull: the journal comes first (64 MiB).
pub const SPARE_ROOM: u64 = 64 << 20;

/// Somebody who may have bytes: the hub, or another station.
pub trait Giver {
    /// How it is called in the log.
    fn name(&self) -> &str;

    /// `len` bytes of the section with this hash, from `offset`.
    ///
    /// # Errors
    /// [`Lost`].
    fn piece(&self, sha256: &[u8; 32], offset: u64, len: usize) -> Result<Vec<u8>, Lost>;

    /// Whole sections, one behind the other; `len` is their length together, at most [`MAX_BATCH`].
    ///
    /// # Errors
    /// [`Lost`].
    fn batch(&self, sha256: &[[u8; 32]], len: usize) -> Result<Vec<u8>, Lost>;
}

/// Why somebody gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// It does not have it.
    #[error("it does not have it")]
    NotThere,
    /// It serves as many as it can.
    #[error("it is busy")]
    Busy,
    /// The line broke, or it was too slow.
    #[error("the line broke or was too slow: {0}")]
    Line(String),
}

/// What the log must say of a pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// Somebody gave other bytes than it was asked for, and is not asked again in this pull.
    Lied {
        /// Who.
        who: String,
    },
    /// Somebody gave nothing.
    Lost {
        /// Who.
        who: String,
        /// Why.
        why: Lost,
    },
    /// What had arrived in an earlier attempt, or from several, is not what it should be; it is fetched again.
    Spoiled,
    /// A section of the snapshot in use is not what it was; it is fetched instead of copied.
    Rotten,
}

/// Why a snapshot could not be gathered. What has arrived is kept for the next attempt.
#[derive(Debug, thiserror::Error)]
pub enum PullFault {
    /// Nobody who was asked has all of it.
    #[error(
        "封印済みデータの一部をどこからも取得できませんでした。いまのものはそのまま使えます。次の機会に続きから取得します"
    )]
    Nobody,
    /// Not enough room.
    #[error(
        "ディスクの空きが足りません（必要 {needed} バイト、空き {free} バイト）。いまの封印済みデータはそのまま使えます。空きを作ってください"
    )]
    NoRoom {
        /// Bytes needed.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// The disk.
    #[error("取得したものを書けません。いまの封印済みデータはそのまま使えます: {0}")]
    Disk(#[from] io::Error),
}

/// What must be done to have a snapshot.
pub struct Plan<'a> {
    tail: &'a Tail,
    here: Option<&'a Snapshot>,
    pieces: Pieces,
    copied: Vec<(Section, u64)>,
    missing: Vec<Section>,
}

/// A snapshot of which everything is here.
pub struct Gathered<'a> {
    plan: Plan<'a>,
    /// Bytes that came over the line.
    pub fetched: u64,
}

impl<'a> Plan<'a> {
    /// Compares the manifest with the snapshot in use (`None`: copy nothing). `dir` is where what arrives is kept.
    ///
    /// # Errors
    /// [`PullFault::Disk`].
    pub fn new(
        tail: &'a Tail,
        here: Option<&'a Snapshot>,
        files: Arc<dyn Files>,
        dir: &Path,
    ) -> Result<Self, PullFault> {
        let pieces = Pieces::open(files, dir)?;
        let (mut copied, mut missing) = (Vec::new(), Vec::new());
        let known = here.map_or(&[][..], |here| here.manifest().sections.as_slice());
        for section in &tail.manifest().sections {
            let same = known
                .iter()
                .find(|known| (known.sha256, known.len) == (section.sha256, section.len));
            match same {
                Some(same) => copied.push((*section, same.offset)),
                None => missing.push(*section),
            }
        }
        pieces.sweep(&missing)?;
        Ok(Self {
            tail,
            here,
            pieces,
            copied,
            missing,
        })
    }

    /// Bytes that are not here.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing.iter().map(|section| section.len).sum()
    }

    /// Room that gathering and installing take at most.
    #[must_use]
    pub fn room(&self) -> u64 {
        self.tail
            .file_len()
            .saturating_add(self.missing())
            .saturating_add(SPARE_ROOM)
    }

    /// Refuses to begin what the disk cannot hold; `None`: nobody could see how much is free.
    ///
    /// # Errors
    /// [`PullFault::NoRoom`].
    pub fn fits(&self, free: Option<u64>) -> Result<(), PullFault> {
        match free {
            Some(free) if free < self.room() => Err(PullFault::NoRoom {
                needed: self.room(),
                free,
            }),
            _ => Ok(()),
        }
    }

    /// Asks `givers`, in order, for what is missing.
    ///
    /// # Errors
    /// [`PullFault`]; what has arrived stays for the next attempt.
    pub fn gather(self, givers: &[&dyn Giver], remark: &mut dyn FnMut(Remark)) -> Result<Gathered<'a>, PullFault> {
        let mut asking = Asking {
            pieces: &self.pieces,
            givers: givers.to_vec(),
            remark,
            fetched: 0,
        };
        let mut batch: Vec<Section> = Vec::new();
        let mut batched = 0;
        for section in &self.missing {
            let len = usize::try_from(section.len).unwrap_or(usize::MAX);
            if len > MAX_BATCH {
                asking.large(section)?;
                continue;
            }
            if batched + len > MAX_BATCH || batch.len() >= MAX_NAMES {
                asking.small(&batch)?;
                batch.clear();
                batched = 0;
            }
            batched += len;
            batch.push(*section);
        }
        asking.small(&batch)?;
        let fetched = asking.fetched;
        Ok(Gathered { plan: self, fetched })
    }
}

impl Gathered<'_> {
    /// Whether anything of the file is taken from the snapshot in use.
    #[must_use]
    pub fn copies(&self) -> bool {
        !self.plan.copied.is_empty()
    }

    /// Writes the file.
    ///
    /// # Errors
    /// What the disk says.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let plan = &self.plan;
        out.write_all(&Tail::header())?;
        for section in &plan.tail.manifest().sections {
            let copied = plan.copied.iter().find(|(known, _)| known.offset == section.offset);
            match (copied, plan.here) {
                (Some((_, from)), Some(here)) => copy(here.source(), *from, section.len, out)?,
                _ => plan.pieces.each(section, &mut |piece| out.write_all(piece))?,
            }
        }
        out.write_all(plan.tail.bytes())
    }

    /// Forgets what arrived, once the snapshot is in use.
    ///
    /// # Errors
    /// What the disk says.
    pub fn done(self) -> io::Result<()> {
        self.plan.pieces.sweep(&[])
    }
}

fn copy(from: &dyn ReadAt, mut at: u64, len: u64, out: &mut dyn Write) -> io::Result<()> {
    let end = at.saturating_add(len);
    let mut piece = vec![0; PIECE];
    while at < end {
        let now = usize::try_from(end - at).map_or(PIECE, |left| left.min(PIECE));
        let piece = piece.get_mut(..now).unwrap_or_default();
        from.read_exact_at(at, piece)?;
        out.write_all(piece)?;
        at += now as u64;
    }
    Ok(())
}

/// One pull's conversation.
struct Asking<'p, 'g> {
    pieces: &'p Pieces,
    /// Who may still be asked.
    givers: Vec<&'g dyn Giver>,
    remark: &'p mut dyn FnMut(Remark),
    fetched: u64,
}

impl Asking<'_, '_> {
    /// Small sections together, from the first who has them all; who has not is asked for each alone.
    fn small(&mut self, sections: &[Section]) -> Result<(), PullFault> {
        let left: Vec<Section> = sections
            .iter()
            .filter(|section| !self.pieces.is_whole(section))
            .copied()
            .collect();
        let names: Vec<[u8; 32]> = left.iter().map(|section| section.sha256).collect();
        let len = left.iter().map(|section| section.len).sum::<u64>();
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if left.is_empty() {
            return Ok(());
        }
        for giver in self.givers.clone() {
            match giver.batch(&names, len) {
                Ok(bytes) if are(&left, &bytes) => {
                    self.fetched += bytes.len() as u64;
                    let mut rest = bytes.as_slice();
                    for section in &left {
                        let len = usize::try_from(section.len).unwrap_or(usize::MAX);
                        let (own, behind) = rest.split_at_checked(len).unwrap_or_default();
                        self.pieces.put(section, 0, own)?;
                        rest = behind;
                    }
                    return Ok(());
                }
                Ok(_) => self.lied(giver),
                Err(why) => self.lost(giver, why),
            }
        }
        left.iter().try_for_each(|section| self.large(section))
    }

    /// One section, piece by piece. Whoever breaks off is gone on from by the next; when the whole is wrong then, each is asked for
    /// all of it alone, so that it is known who lied.
    fn large(&mut self, section: &Section) -> Result<(), PullFault> {
        let mut missing = self.lacking(section);
        let mut of: Vec<&dyn Giver> = Vec::new();
        let begun = missing.len() < lengths(section).count();
        for giver in self.givers.clone() {
            if missing.is_empty() {
                break;
            }
            let before = missing.len();
            missing = self.take(giver, section, &missing)?;
            if missing.len() < before {
                of.push(giver);
            }
        }
        if missing.is_empty() && self.pieces.is_whole(section) {
            return Ok(());
        }
        if !missing.is_empty() {
            return Err(PullFault::Nobody);
        }
        self.pieces.drop_section(section)?;
        match of.as_slice() {
            [only] if !begun => self.lied(*only),
            _ => (self.remark)(Remark::Spoiled),
        }
        for giver in self.givers.clone() {
            let all = self.lacking(section);
            if self.take(giver, section, &all)?.is_empty() {
                if self.pieces.is_whole(section) {
                    return Ok(());
                }
                self.lied(giver);
            }
            self.pieces.drop_section(section)?;
        }
        Err(PullFault::Nobody)
    }

    fn lacking(&self, section: &Section) -> Vec<(u64, u64, usize)> {
        let all = lengths(section);
        all.filter(|(n, _, len)| !self.pieces.has(section, *n, *len)).collect()
    }

    /// Pieces from one giver, until it breaks off; what is still missing then.
    fn take(
        &mut self,
        giver: &dyn Giver,
        section: &Section,
        wanted: &[(u64, u64, usize)],
    ) -> Result<Vec<(u64, u64, usize)>, PullFault> {
        for (done, (n, offset, len)) in wanted.iter().enumerate() {
            let left = || wanted.get(done..).unwrap_or_default().to_vec();
            match giver.piece(&section.sha256, *offset, *len) {
                Ok(bytes) if bytes.len() == *len => {
                    self.fetched += bytes.len() as u64;
                    self.pieces.put(section, *n, &bytes)?;
                }
                // The length was named: another one is a lie about every byte.
                Ok(_) => {
                    self.lied(giver);
                    return Ok(left());
                }
                Err(why) => {
                    self.lost(giver, why);
                    return Ok(left());
                }
            }
        }
        Ok(Vec::new())
    }

    fn lied(&mut self, giver: &dyn Giver) {
        let who = giver.name().to_owned();
        self.givers.retain(|known| known.name() != who);
        (self.remark)(Remark::Lied { who });
    }

    fn lost(&mut self, giver: &dyn Giver, why: Lost) {
        let who = giver.name().to_owned();
        (self.remark)(Remark::Lost { who, why });
    }
}

/// Whether these bytes are those sections, one behind the other.
fn are(sections: &[Section], bytes: &[u8]) -> bool {
    let mut rest = bytes;
    for section in sections {
        let len = usize::try_from(section.len).unwrap_or(usize::MAX);
        let Some((own, behind)) = rest.split_at_checked(len) else {
            return false;
        };
        if Sha256::digest(own).as_slice() != section.sha256 {
            return false;
        }
        rest = behind;
    }
    rest.is_empty()
}
