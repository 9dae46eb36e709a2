//! What a station remembers of carrying: which pack lies on which stick, and what others have signed that they hold.
//!
//! A pack that was written is no copy elsewhere: sticks get lost. It counts only when another station's signed pack came back. Two
//! files take turns, so that a power cut leaves one whole.

use std::io::Write;
use std::path::Path;

use chart::{Moment, StationCode};
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};
use vault::files::Files;

use super::{CarryFault, Carrying, StickName};
use crate::stations::{Head, Heads};

/// Packs that are remembered.
pub const MOST_OUT: usize = 64;
/// Largest file read back: heads of every station.
const MAX_FILE: u64 = 64 << 20;
const MAGIC: &[u8; 8] = b"TMBCREG1";

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Register {
    /// Number of the last pack written here.
    #[n(0)]
    pub serial: u64,
    /// Packs that went out, the newest last.
    #[n(1)]
    pub out: Vec<Out>,
    /// What others signed on sticks that came in, one for each station.
    #[n(2)]
    heard: Vec<Heard>,
}

/// A pack on a stick.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Out {
    /// Its number.
    #[n(0)]
    pub serial: u64,
    /// When it was verified on the stick.
    #[n(1)]
    pub at: Moment,
    /// The stick.
    #[n(2)]
    pub stick: StickName,
    /// Records in it.
    #[n(3)]
    pub records: u64,
    /// How far this station's own chains went in it.
    #[n(4)]
    own: Vec<Head>,
    /// Who has signed that all of this station's own records of it are there, and when that came back.
    #[n(5)]
    pub confirmed: Option<Confirmed>,
}

/// A receipt that came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Confirmed {
    /// Who signed it.
    #[n(0)]
    pub by: StationCode,
    /// When it came back.
    #[n(1)]
    pub at: Moment,
}

/// The newest that a station signed about what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Heard {
    /// Station.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub station: [u8; 16],
    /// Number of its pack.
    #[n(1)]
    pub serial: u64,
    /// When that was made, by its clock.
    #[n(2)]
    pub made: Moment,
    /// What it held then.
    #[n(3)]
    pub heads: Heads,
}

impl Register {
    /// What a station last said.
    #[must_use]
    pub fn heard(&self, station: &[u8; 16]) -> Option<&Heard> {
        self.heard.iter().find(|heard| heard.station == *station)
    }

    /// Packs on sticks without a receipt.
    pub fn unconfirmed(&self) -> impl Iterator<Item = &Out> {
        self.out.iter().filter(|out| out.confirmed.is_none())
    }

    pub(super) fn put_out(&mut self, out: Out) {
        self.serial = self.serial.max(out.serial);
        // A stick holds one pack: what lay on it before is there no more.
        self.out
            .retain(|old| old.stick != out.stick || old.stick == StickName::default() || old.confirmed.is_some());
        self.out.push(out);
        let over = self.out.len().saturating_sub(MOST_OUT);
        self.out.drain(..over);
    }

    /// Takes what a station signed; an older one changes nothing. Gives the packs that it confirms.
    pub(super) fn hear(
        &mut self,
        mut heard: Heard,
        partial: bool,
        by: StationCode,
        counts: bool,
        now: Moment,
    ) -> Vec<Out> {
        let newer = self.heard(&heard.station).is_none_or(|old| old.serial < heard.serial);
        let holds = |head: &Head| {
            let same = |h: &&Head| (h.station, h.incarnation) == (head.station, head.incarnation);
            heard.heads.0.iter().find(same).is_some_and(|h| h.seq >= head.seq)
        };
        let mut confirmed = Vec::new();
        for out in self.out.iter_mut().filter(|out| out.confirmed.is_none() && counts) {
            if out.own.iter().all(holds) {
                out.confirmed = Some(Confirmed { by, at: now });
                confirmed.push(out.clone());
            }
        }
        if newer {
            // A receipt for one station says nothing about the others.
            if let Some(old) = self.heard(&heard.station).filter(|_| partial) {
                let known = |head: &&Head| {
                    !heard
                        .heads
                        .0
                        .iter()
                        .any(|h| (h.station, h.incarnation) == (head.station, head.incarnation))
                };
                let kept: Vec<Head> = old.heads.0.iter().filter(known).copied().collect();
                heard.heads.0.extend(kept);
            }
            self.heard.retain(|old| old.station != heard.station);
            self.heard.push(heard);
        }
        confirmed
    }
}

impl Out {
    pub(super) const fn new(serial: u64, at: Moment, stick: StickName, records: u64, own: Vec<Head>) -> Self {
        Self {
            serial,
            at,
            stick,
            records,
            own,
            confirmed: None,
        }
    }
}

impl Carrying {
    /// Changes the register durably; a second program that does so at the same moment is refused, not mixed in.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Register) -> T) -> Result<T, CarryFault> {
        let not_saved = |error: std::io::Error| CarryFault::NotSaved(error.to_string());
        self.files.create_dir(&self.dir).map_err(not_saved)?;
        let _lock = self.files.lock(&self.dir.join("LOCK")).map_err(not_saved)?;
        let (turn, mut register) = newest(&*self.files, &self.dir)?;
        let made = change(&mut register);
        let turn = turn.saturating_add(1);
        let path = self.dir.join(name(turn % 2));
        self.files
            .remove(&path)
            .and_then(|()| self.files.create_new(&path))
            .and_then(|mut file| {
                file.write_all(&to_bytes(turn, &register))?;
                file.sync()
            })
            .and_then(|()| self.files.sync_dir(&self.dir))
            .map_err(not_saved)?;
        Ok(made)
    }
}

fn name(side: u64) -> String {
    format!("register.{side}")
}

pub(super) fn read(files: &dyn Files, dir: &Path) -> Result<Register, CarryFault> {
    newest(files, dir).map(|(_, register)| register)
}

/// The newer one of the two that is whole. Files that are there and both not whole are said, not taken for a fresh start.
fn newest(files: &dyn Files, dir: &Path) -> Result<(u64, Register), CarryFault> {
    let sides: Vec<Option<(u64, Register)>> = [0, 1]
        .into_iter()
        .filter_map(|side| match files.open(&dir.join(name(side))) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(_) => Some(None),
            Ok(source) => Some(whole(&*source)),
        })
        .collect();
    // One that a power cut left unfinished beside none: the very first change was never acknowledged.
    if sides.len() < 2 && sides.iter().all(Option::is_none) {
        return Ok((0, Register::default()));
    }
    let newest = sides.into_iter().flatten().max_by_key(|(turn, _)| *turn);
    newest.ok_or_else(|| CarryFault::NotSaved(format!("{} is damaged", dir.display())))
}

fn whole(source: &dyn vault::files::ReadAt) -> Option<(u64, Register)> {
    let size = source.size().ok().filter(|size| *size <= MAX_FILE)?;
    let mut bytes = vec![0; usize::try_from(size).ok()?];
    source.read_exact_at(0, &mut bytes).ok()?;
    let body = bytes.strip_prefix(MAGIC)?;
    let (body, check) = body.split_last_chunk::<32>()?;
    if Sha256::digest(body).as_slice() != check {
        return None;
    }
    let (turn, register) = body.split_first_chunk::<8>()?;
    Some((u64::from_le_bytes(*turn), minicbor::decode(register).ok()?))
}

fn to_bytes(turn: u64, register: &Register) -> Vec<u8> {
    let register = minicbor::to_vec(register).unwrap_or_default();
    let body = [&turn.to_le_bytes()[..], &register].concat();
    let check = Sha256::digest(&body);
    [&MAGIC[..], &body, check.as_slice()].concat()
}
