//! Putting a pack onto a stick: what is there is taken in first, the new one is written beside it, put in its place, and read back
//! from the stick byte for byte. Only then is it remembered, and only then may somebody pull the stick out.

use std::collections::BTreeMap;
use std::path::Path;

use chart::StationCode;
use sha2::{Digest, Sha256};
use vault::StationId;

use super::pack::{self, Answered, Header, Piece, Range, SealedSnapshot};
use super::stick::{self, Part, read_chunks};
use super::taking::Install;
use super::{CarryFault, Carrying, Hands, Holder, Out, PIECE_PATIENCE, SNAPSHOT_PATIENCE, StickName, Taken};
use crate::shelf::Shelved;
use crate::stations::{Bytes, Heads, Parcel, Station, Whose};

/// What goes onto a stick.
#[derive(Clone, Copy, Default)]
pub struct Wish<'w> {
    /// The sealed snapshot that goes along.
    pub snapshot: Option<&'w Shelved>,
    /// Whom it is for: what that station is known to hold is left out. Nobody named: the hub.
    pub to: Option<StationCode>,
    /// The pack that it answers.
    pub answers: Option<Answered>,
    /// A pack that cannot be taken in is overwritten.
    pub replace: bool,
}

/// What would go onto a stick now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Plan {
    /// This station's own records.
    pub own: u64,
    /// Those of others.
    pub others: u64,
    /// Their bytes.
    pub bytes: u64,
    /// There is more than goes into one pack.
    pub more: bool,
}

/// A pack that lies on a stick and was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its header.
    pub header: Header,
    /// Bytes in all, each read back.
    pub bytes: u64,
    /// What was taken in before.
    pub taken: Option<Taken>,
}

impl Carrying {
    /// What would go onto a stick for the hub, or for `to`.
    ///
    /// # Errors
    /// [`CarryFault::NotSaved`] when the register cannot be read.
    pub fn plan(&self, holder: &Holder<'_>, to: Option<StationCode>) -> Result<Plan, CarryFault> {
        let register = self.register()?;
        let theirs = self.heads_of(&register, self.addressee(to).as_ref());
        let mut plan = Plan::default();
        let mut pieces = 0;
        for whose in [Whose::Own, Whose::Others] {
            let mut have = theirs.clone();
            loop {
                let portion = holder.portion(&have, whose);
                if portion.records.is_empty() {
                    break;
                }
                if pieces == pack::MAX_PIECES {
                    plan.more = true;
                    break;
                }
                pieces += 1;
                let count = portion.records.len() as u64;
                match whose {
                    Whose::Own => plan.own += count,
                    Whose::Others => plan.others += count,
                }
                plan.bytes += portion.records.iter().map(|r| r.bytes().len() as u64).sum::<u64>();
                have = portion.after(&have);
                if !portion.more {
                    break;
                }
            }
        }
        Ok(plan)
    }

    fn addressee(&self, to: Option<StationCode>) -> Option<StationId> {
        match to {
            Some(code) => self.codes.iter().find(|(_, known)| *known == code).map(|(id, _)| *id),
            None => self.hub,
        }
    }

    /// Takes in what another station left on a stick, so that it may be overwritten: it goes on in the pack that is written then.
    ///
    /// # Errors
    /// [`CarryFault::Occupied`] when it cannot be taken in.
    pub fn make_room(
        &self,
        dir: &Path,
        station: &Station,
        install: &mut Install<'_>,
        hands: &mut Hands<'_>,
    ) -> Result<Option<Taken>, CarryFault> {
        match self.look(dir) {
            Err(CarryFault::Nothing) => Ok(None),
            Err(fault @ CarryFault::NoStick(_)) => Err(fault),
            Err(fault) => Err(CarryFault::Occupied(Box::new(fault))),
            Ok(seen) if seen.own => Ok(None),
            Ok(_) => match self.take(dir, station, install, hands) {
                Ok(taken) => Ok(Some(taken)),
                Err(fault @ CarryFault::NotSaved(_)) => Err(fault),
                Err(fault) => Err(CarryFault::Occupied(Box::new(fault))),
            },
        }
    }

    /// Writes a pack and reads it back. Another station's pack that lies there must have been taken in ([`Self::make_room`]).
    ///
    /// # Errors
    /// [`CarryFault`]; a pack that lay there lies there still, unless it is [`CarryFault::ReadBack`].
    pub fn write(
        &self,
        dir: &Path,
        name: &StickName,
        holder: &Holder<'_>,
        wish: Wish<'_>,
        hands: &mut Hands<'_>,
    ) -> Result<Written, CarryFault> {
        let heads = holder.heads();
        if !wish.replace {
            self.may_overwrite(dir)?;
        }
        let register = self.register()?;
        let theirs = self.heads_of(&register, self.addressee(wish.to).as_ref());
        // The number is used up before anything is written: two packs never share one.
        let serial = self.change(|register| {
            register.serial += 1;
            register.serial
        })?;
        let mut header = Header {
            version: pack::VERSION,
            hospital: *self.hospital.as_bytes(),
            sender: *self.id.as_bytes(),
            serial,
            made: hands.now,
            heads,
            records: 0,
            ranges: Vec::new(),
            pieces: Vec::new(),
            snapshot: None,
            more: false,
            answers: wish.answers,
            partial: false,
            receipts: holder.receipts(&mut self.codes.iter().map(|(id, _)| id).filter(|id| **id != self.id)),
        };
        let mut part = Part::create(dir)?;
        let written = self.fill(&mut part, &mut header, holder, &theirs, wish.snapshot, hands);
        let bytes = part.len;
        if let Err(fault) = written {
            part.give_up();
            return Err(fault);
        }
        part.finish()?;
        self.read_back(dir, &header, bytes, hands)?;
        // What goes out on the stick and nobody has signed for yet: up to the last own record in it.
        let own = header.ranges.iter().filter(|range| range.station == header.sender);
        let own = own.map(|range| crate::stations::Head {
            station: range.station,
            incarnation: range.incarnation,
            seq: range.to,
            id: None,
            sum: 0,
        });
        let out = Out::new(serial, hands.now, name.clone(), header.records, own.collect());
        self.change(|register| register.put_out(out))?;
        Ok(Written {
            header,
            bytes,
            taken: None,
        })
    }

    /// What lies on the stick is this station's own, or was taken in here.
    fn may_overwrite(&self, dir: &Path) -> Result<(), CarryFault> {
        let seen = match self.look(dir) {
            Err(CarryFault::Nothing) => return Ok(()),
            Err(fault @ CarryFault::NoStick(_)) => return Err(fault),
            Err(fault) => return Err(CarryFault::Occupied(Box::new(fault))),
            Ok(seen) => seen,
        };
        let register = self.register()?;
        let known = register.heard(&seen.header.sender);
        if seen.own || known.is_some_and(|heard| heard.serial >= seen.header.serial) {
            Ok(())
        } else {
            Err(CarryFault::NotTakenIn(seen.from))
        }
    }

    fn fill(
        &self,
        part: &mut Part<'_>,
        header: &mut Header,
        holder: &Holder<'_>,
        theirs: &Heads,
        snapshot: Option<&Shelved>,
        hands: &mut Hands<'_>,
    ) -> Result<(), CarryFault> {
        part.write(pack::MAGIC)?;
        let mut ranges = BTreeMap::new();
        for whose in [Whose::Own, Whose::Others] {
            let mut have = theirs.clone();
            loop {
                let portion = holder.portion(&have, whose);
                if portion.records.is_empty() {
                    break;
                }
                if header.pieces.len() == pack::MAX_PIECES {
                    header.more = true;
                    break;
                }
                let mut parcel = Parcel::default();
                for record in &portion.records {
                    note(&mut ranges, record.header());
                    parcel.records.push(Bytes(record.bytes().to_vec()));
                }
                let bytes = parcel.to_bytes();
                header.records += portion.records.len() as u64;
                header.pieces.push(piece(&bytes));
                part.write(&bytes)?;
                (hands.progress)(part.len, 0);
                have = portion.after(&have);
                if !portion.more {
                    break;
                }
            }
        }
        header.ranges = ranges.into_values().collect();
        if let Some(shelved) = snapshot {
            header.snapshot = Some(copy_snapshot(part, shelved, hands)?);
        }
        part.write(&pack::close(header, &self.secret))
    }

    /// Every byte from the stick again: the signed header, and each piece against it.
    fn read_back(&self, dir: &Path, header: &Header, bytes: u64, hands: &mut Hands<'_>) -> Result<(), CarryFault> {
        let file = stick::open(dir).map_err(|_| CarryFault::ReadBack)?;
        let seen = self.header(&file).map_err(|_| CarryFault::ReadBack)?;
        if seen.header != *header || seen.bytes != bytes {
            return Err(CarryFault::ReadBack);
        }
        let mut at = pack::MAGIC.len() as u64;
        let snapshot = header
            .snapshot
            .iter()
            .map(|s| (s.bytes, snapshot_patience(s.bytes.len)));
        let pieces = header.pieces.iter().map(|piece| (*piece, PIECE_PATIENCE));
        for (piece, patience) in pieces.chain(snapshot) {
            let mut hash = Sha256::new();
            let mut feed = |chunk: &[u8]| {
                hash.update(chunk);
                Ok(())
            };
            read_chunks(&file, at, piece.len, hands.elapsed, patience, &mut feed)?;
            if hash.finalize().as_slice() != piece.sha256 {
                return Err(CarryFault::ReadBack);
            }
            at += piece.len;
            (hands.progress)(at, bytes);
        }
        Ok(())
    }
}

fn snapshot_patience(len: u64) -> std::time::Duration {
    let portions = u32::try_from(len >> 26).unwrap_or(u32::MAX).saturating_add(1);
    SNAPSHOT_PATIENCE.saturating_mul(portions)
}

fn copy_snapshot(part: &mut Part<'_>, shelved: &Shelved, hands: &mut Hands<'_>) -> Result<SealedSnapshot, CarryFault> {
    let here = |error: std::io::Error| CarryFault::NotSaved(error.to_string());
    let len = shelved.size().map_err(here)?;
    let (mut hash, mut at) = (Sha256::new(), 0);
    while at < len {
        let now = usize::try_from(len - at).unwrap_or(stick::CHUNK).min(stick::CHUNK);
        let bytes = shelved.read_at(at, now).map_err(here)?;
        hash.update(&bytes);
        part.write(&bytes)?;
        at += now as u64;
        (hands.progress)(part.len, 0);
    }
    Ok(SealedSnapshot {
        epoch: shelved.identity().epoch,
        bytes: Piece {
            len,
            sha256: hash.finalize().into(),
        },
    })
}

fn piece(bytes: &[u8]) -> Piece {
    Piece {
        len: bytes.len() as u64,
        sha256: Sha256::digest(bytes).into(),
    }
}

fn note(ranges: &mut BTreeMap<([u8; 16], [u8; 8]), Range>, header: &vault::journal::Header) {
    let (station, incarnation) = (*header.station.as_bytes(), *header.incarnation.as_bytes());
    let range = ranges.entry((station, incarnation)).or_insert(Range {
        station,
        incarnation,
        from: header.seq,
        to: header.seq,
        count: 0,
    });
    range.from = range.from.min(header.seq);
    range.to = range.to.max(header.seq);
    range.count += 1;
}
