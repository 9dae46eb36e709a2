//! Taking a pack in: checked from its end to its last byte, records made durable piece by piece, and what it proves remembered.
//!
//! Taking the same pack twice, an older one after a newer one, or half of one before the stick is pulled out, all end in the same
//! state. What does not verify is left out and said. A pack of this station's own that comes back is nobody's receipt.

use std::io::{self, Read};
use std::path::Path;

use chart::{Moment, StationCode};
use sha2::{Digest, Sha256};
use vault::files::ReadAt;
use vault::journal::Record;

use super::pack::{self, Header};
use super::register::Heard;
use super::stick::{self, read_chunks};
use super::{CarryFault, Carrying, Hands, Out, PIECE_PATIENCE, SNAPSHOT_PATIENCE};
use crate::stations::{Parcel, ParcelFault, Station};

/// A pack on a stick, as its signed header tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPack {
    /// Who made it.
    pub from: StationCode,
    /// It is this station's own.
    pub own: bool,
    /// The header.
    pub header: Header,
    /// Bytes in all.
    pub bytes: u64,
}

/// What was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Who made the pack.
    pub from: StationCode,
    /// Its header.
    pub header: Header,
    /// Records that were new here.
    pub new: u64,
    /// Records that were here already.
    pub known: u64,
    /// Records that no station of this hospital signed, or that are damaged; left out.
    pub refused: u64,
    /// An older pack of the same station than one that was taken before.
    pub older: bool,
    /// Packs of this station that are elsewhere too now.
    pub confirmed: Vec<Out>,
    /// The epoch of the snapshot that was taken into use from it, or why it was not.
    pub snapshot: Option<Result<u64, String>>,
    /// Its sender is no longer enrolled: its records are taken, its receipt does not count.
    pub retired: bool,
}

impl Taken {
    /// Which pack it was, for the one that answers it.
    #[must_use]
    pub const fn answer(&self) -> pack::Answered {
        pack::Answered {
            sender: self.header.sender,
            serial: self.header.serial,
        }
    }
}

/// Takes a snapshot into use; the reader gives its sealed bytes.
pub type Install<'i> = dyn FnMut(&mut dyn Read) -> Result<(), String> + 'i;

impl Carrying {
    /// What lies on a stick. Only the header is read.
    ///
    /// # Errors
    /// [`CarryFault`].
    pub fn look(&self, dir: &Path) -> Result<SeenPack, CarryFault> {
        let file = stick::open(dir)?;
        self.header(&file)
    }

    /// Takes in what lies on a stick; `install` takes a newer snapshot into use.
    ///
    /// # Errors
    /// [`CarryFault`]; what was taken before it stays taken, and taking the pack again goes on from there.
    pub fn take(
        &self,
        dir: &Path,
        station: &Station,
        install: &mut Install<'_>,
        hands: &mut Hands<'_>,
    ) -> Result<Taken, CarryFault> {
        self.take_from(&stick::open(dir)?, station, install, hands)
    }

    /// The same for bytes wherever they are.
    pub(super) fn take_from(
        &self,
        file: &dyn ReadAt,
        station: &Station,
        install: &mut Install<'_>,
        hands: &mut Hands<'_>,
    ) -> Result<Taken, CarryFault> {
        let seen = self.header(file)?;
        let (header, all) = (&seen.header, seen.bytes);
        let mut taken = Taken {
            from: seen.from,
            header: header.clone(),
            new: 0,
            known: 0,
            refused: 0,
            older: false,
            confirmed: Vec::new(),
            snapshot: None,
            retired: self.retired.contains(&header.sender()),
        };
        let mut at = pack::MAGIC.len() as u64;
        for (piece, number) in header.pieces.iter().zip(1..) {
            let parcel = read_piece(file, at, piece, number, hands)?;
            self.take_piece(station, parcel, &mut taken)?;
            at += piece.len;
            (hands.progress)(at, all);
        }
        if let Some(snapshot) = &header.snapshot {
            let here = station.shelf().current().map(|shelved| shelved.identity().epoch);
            if here.is_none_or(|here| here < snapshot.epoch) {
                let mut reader = Hashed::new(file, at, snapshot.bytes, hands);
                let installed = install(&mut reader);
                taken.snapshot = Some(installed.map(|()| snapshot.epoch));
            }
        }
        (hands.progress)(all, all);
        // The receipt last: it may only be remembered once everything before it is.
        self.remember(station, hands.now, &mut taken)?;
        Ok(taken)
    }

    pub(super) fn header(&self, file: &dyn ReadAt) -> Result<SeenPack, CarryFault> {
        let size = file.size().map_err(stick::failed)?;
        let mut first = [0; 8];
        let mut last = [0; 12];
        let end = size.checked_sub(last.len() as u64).ok_or(CarryFault::NotAPack)?;
        file.read_exact_at(0, &mut first).map_err(stick::failed)?;
        if first != *pack::MAGIC {
            return Err(CarryFault::NotAPack);
        }
        file.read_exact_at(end, &mut last).map_err(stick::failed)?;
        let (at, length) = pack::header_at(size, &last)?;
        let mut bytes = vec![0; length + vault::sign::SIGNATURE_LEN];
        file.read_exact_at(at, &mut bytes).map_err(stick::failed)?;
        let header = pack::open(at, &bytes, &self.hospital, &self.stations)?;
        Ok(SeenPack {
            from: self.code_of(&header.sender).ok_or(CarryFault::UnknownStation)?,
            own: header.sender() == self.id,
            header,
            bytes: size,
        })
    }

    fn take_piece(&self, station: &Station, parcel: Parcel, taken: &mut Taken) -> Result<(), CarryFault> {
        let all = parcel.records.len();
        let good = |bytes: &crate::stations::Bytes| Record::parse_verified(&bytes.0, &self.stations).is_ok();
        let refused = parcel.records.iter().filter(|bytes| !good(bytes)).count();
        let new = station.take(&parcel).map_err(|fault| match fault {
            ParcelFault::NotSaved(fault) => CarryFault::NotSaved(fault.to_string()),
            other => CarryFault::NotSaved(other.to_string()),
        })?;
        taken.new += new as u64;
        taken.refused += refused as u64;
        taken.known += all.saturating_sub(new).saturating_sub(refused) as u64;
        Ok(())
    }

    /// What the sender signed that it holds: it counts as another place unless it is this station or was taken out.
    fn remember(&self, station: &Station, now: Moment, taken: &mut Taken) -> Result<(), CarryFault> {
        let header = &taken.header;
        if header.sender() == self.id {
            return Ok(());
        }
        let heard = Heard {
            station: header.sender,
            serial: header.serial,
            made: header.made,
            heads: header.heads.clone(),
        };
        let partial = header.partial;
        let (counts, from) = (!taken.retired, taken.from);
        let (older, confirmed) = self.change(|register| {
            let older = register
                .heard(&heard.station)
                .is_some_and(|old| old.serial > heard.serial);
            (older, register.hear(heard, partial, from, counts, now))
        })?;
        if counts {
            station.note_receipts(&taken.header.receipts);
        }
        taken.older = older;
        taken.confirmed = confirmed;
        Ok(())
    }
}

fn read_piece(
    file: &dyn ReadAt,
    at: u64,
    piece: &pack::Piece,
    number: usize,
    hands: &Hands<'_>,
) -> Result<Parcel, CarryFault> {
    let mut bytes = Vec::with_capacity(usize::try_from(piece.len).unwrap_or(0));
    let mut keep = |chunk: &[u8]| {
        bytes.extend_from_slice(chunk);
        Ok(())
    };
    read_chunks(file, at, piece.len, hands.elapsed, PIECE_PATIENCE, &mut keep)?;
    if Sha256::digest(&bytes).as_slice() != piece.sha256 {
        return Err(CarryFault::Damaged(number));
    }
    Parcel::from_bytes(&bytes).map_err(|_| CarryFault::Damaged(number))
}

/// The bytes of a snapshot on a stick, which end in an error unless all of them are as they were signed.
struct Hashed<'f, 'h> {
    file: &'f dyn ReadAt,
    at: u64,
    left: u64,
    hash: Sha256,
    said: [u8; 32],
    hands: &'f Hands<'h>,
    until: std::time::Duration,
}

impl<'f, 'h> Hashed<'f, 'h> {
    fn new(file: &'f dyn ReadAt, at: u64, bytes: pack::Piece, hands: &'f Hands<'h>) -> Self {
        let portions = u32::try_from(bytes.len >> 26).unwrap_or(u32::MAX).saturating_add(1);
        Self {
            file,
            at,
            left: bytes.len,
            hash: Sha256::new(),
            said: bytes.sha256,
            until: (hands.elapsed)().saturating_add(SNAPSHOT_PATIENCE.saturating_mul(portions)),
            hands,
        }
    }
}

impl Read for Hashed<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if (self.hands.elapsed)() > self.until {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let now = buf.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let part = buf.get_mut(..now).unwrap_or_default();
        self.file.read_exact_at(self.at, part)?;
        self.hash.update(&*part);
        self.at += now as u64;
        let before = self.left;
        self.left -= now as u64;
        if self.left == 0 && before > 0 && self.hash.clone().finalize().as_slice() != self.said {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not as it was signed"));
        }
        Ok(now)
    }
}
