//! What was fetched earlier, so that the next time only what changed need be: in memory, and sealed in `data/sources/` across restarts.
//!
//! Believed only for the same questions to the same server, for a day, and while the server still has the newest of what it gave: one
//! that was restored from a backup, or whose clock went back, is asked for everything. It deliberately decides nothing about charts.

use std::collections::HashMap;
use std::sync::Arc;

use chart::Moment;
use jiff::civil::Date;
use minicbor::{Decode, Encode};

use super::line::{Failed, Line};
use crate::sources::fhir::input::{Bytes, Fault, Input, Piece, Place, Taker};
use crate::sources::fhir::resource::Head;
use crate::sources::fhir::{json, when};
use crate::sources::keep::{Keep, MAX_PART};

/// After so many hours everything is fetched anew, whatever changed.
const FULL_AFTER_HOURS: i64 = 24;
/// Most bytes that are kept across a restart; beyond, in memory only.
const MAX_KEPT: u64 = 1 << 30;
/// Resources by which it is seen that a server still has what it gave.
const WITNESSES: usize = 8;

/// What was fetched.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The answers, the older first.
    pub pieces: Vec<Piece>,
    /// The server's own time of the newest of them.
    pub transaction: Moment,
    /// When everything was fetched.
    pub full: Moment,
    /// For searches: the day that was asked about, and what each question brought.
    pub searched: Option<Searched>,
}

/// The questions of a search.
#[derive(Debug, Clone)]
pub struct Searched {
    /// The day.
    pub day: Date,
    /// One for each question.
    pub groups: Vec<Group>,
}

/// One question about some patients, and all its answers.
#[derive(Debug, Clone)]
pub struct Group {
    /// Type of resource.
    pub name: String,
    /// The patients.
    pub ids: Vec<String>,
    /// The question.
    pub query: String,
    /// The answers.
    pub pieces: Vec<Piece>,
}

#[derive(Encode, Decode)]
struct Header {
    #[n(0)]
    version: u32,
    #[n(1)]
    of: String,
    #[n(2)]
    transaction: i64,
    #[n(3)]
    full: i64,
    #[n(4)]
    day: Option<String>,
    #[n(5)]
    pieces: Vec<PieceHead>,
    #[n(6)]
    groups: Vec<GroupHead>,
}

#[derive(Encode, Decode)]
struct PieceHead {
    #[n(0)]
    name: String,
    #[n(1)]
    modified: Option<i64>,
    #[n(2)]
    lines: bool,
    #[n(3)]
    stamp: String,
}

#[derive(Encode, Decode)]
struct GroupHead {
    #[n(0)]
    name: String,
    #[n(1)]
    ids: Vec<String>,
    #[n(2)]
    query: String,
    #[n(3)]
    pieces: Vec<PieceHead>,
}

const VERSION: u32 = 1;

impl Kept {
    /// True while it may be built upon.
    #[must_use]
    pub fn holds(&self, now: Moment, most_bytes: u64) -> bool {
        let hours = now.minutes_since(self.full) / 60;
        (0..FULL_AFTER_HOURS).contains(&hours) && self.size() < most_bytes / 2 && self.transaction <= now
    }

    fn size(&self) -> u64 {
        self.all().map(|piece| piece.size).sum()
    }

    fn all(&self) -> impl Iterator<Item = &Piece> {
        let groups = self.searched.iter().flat_map(|searched| &searched.groups);
        self.pieces.iter().chain(groups.flat_map(|group| &group.pieces))
    }

    /// Seals it. `of` says which questions to which server.
    ///
    /// # Errors
    /// When it is too much, or cannot be written.
    pub fn write(&self, keep: &Keep, of: &str) -> std::io::Result<()> {
        if self.size() > MAX_KEPT {
            return Err(std::io::Error::other("too much to be kept across a restart"));
        }
        let heads = |pieces: &[Piece]| pieces.iter().map(PieceHead::of).collect::<Vec<_>>();
        let groups = self.searched.iter().flat_map(|searched| &searched.groups);
        let header = Header {
            version: VERSION,
            of: of.to_owned(),
            transaction: self.transaction.0,
            full: self.full.0,
            day: self.searched.as_ref().map(|searched| chart::date::iso(searched.day)),
            pieces: heads(&self.pieces),
            groups: groups
                .map(|group| GroupHead {
                    name: group.name.clone(),
                    ids: group.ids.clone(),
                    query: group.query.clone(),
                    pieces: heads(&group.pieces),
                })
                .collect(),
        };
        let header = minicbor::to_vec(&header).map_err(std::io::Error::other)?;
        let mut parts: Vec<&[u8]> = vec![&header];
        for piece in self.all() {
            match &piece.bytes {
                Bytes::Held(bytes) if bytes.len() <= MAX_PART => parts.push(bytes.as_slice()),
                Bytes::Held(_) | Bytes::File(_) => return Err(std::io::Error::other("an answer that cannot be kept")),
            }
        }
        keep.write(&parts)
    }

    /// What was kept for these questions; `None` when there is none that can be believed.
    #[must_use]
    pub fn read(keep: &Keep, of: &str) -> Option<Self> {
        let mut parts = keep.read()?.into_iter();
        let header: Header = minicbor::decode(&parts.next()?).ok()?;
        if header.version != VERSION || header.of != of {
            return None;
        }
        let mut take = |heads: Vec<PieceHead>| -> Option<Vec<Piece>> {
            heads
                .into_iter()
                .map(|head| Some(head.piece(parts.next()?.to_vec())))
                .collect()
        };
        let pieces = take(header.pieces)?;
        let groups = header.groups.into_iter().map(|head| {
            Some(Group {
                name: head.name,
                ids: head.ids,
                query: head.query,
                pieces: take(head.pieces)?,
            })
        });
        let groups = groups.collect::<Option<Vec<_>>>()?;
        let day = header.day.map(|day| day.parse::<Date>().ok());
        let searched = match day {
            None => None,
            Some(day) => Some(Searched { day: day?, groups }),
        };
        Some(Self {
            pieces,
            transaction: Moment(header.transaction),
            full: Moment(header.full),
            searched,
        })
    }
}

impl PieceHead {
    fn of(piece: &Piece) -> Self {
        Self {
            name: piece.name.clone(),
            modified: piece.modified.map(|at| at.0),
            lines: piece.lines,
            stamp: piece.stamp.clone(),
        }
    }

    fn piece(self, bytes: Vec<u8>) -> Piece {
        Piece {
            name: self.name,
            size: bytes.len() as u64,
            bytes: Bytes::Held(Arc::new(bytes)),
            modified: self.modified.map(Moment),
            lines: self.lines,
            stamp: self.stamp,
        }
    }
}

/// The resources of some answers, each with when it was last changed, as the server says; without those that are said to be deleted.
#[derive(Default)]
pub struct Living(HashMap<String, Option<Moment>>);

impl Living {
    /// Of these answers, the older first.
    #[must_use]
    pub fn of(pieces: &[Piece]) -> Self {
        let input = Input {
            pieces: pieces.to_vec(),
            ..Input::default()
        };
        let mut living = Self::default();
        for number in 0..pieces.len() {
            input.each(number, &mut living);
        }
        living
    }

    /// How many there are of a type.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        let of_type = |key: &&String| key.split_once('/').is_some_and(|(kind, _)| kind == name);
        self.0.keys().filter(of_type).count() as u64
    }

    /// When the newest was changed.
    #[must_use]
    pub fn newest(&self) -> Option<Moment> {
        self.0.values().flatten().max().copied()
    }

    /// True when the server still has the newest of them, at least as new. Without any that has a time nothing is proven.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn are_still_there(&self, line: &mut Line<'_>) -> Result<bool, Failed> {
        let mut known: Vec<(Moment, &str)> = self
            .0
            .iter()
            .filter_map(|(key, at)| Some(((*at)?, key.as_str())))
            .collect();
        known.sort_unstable();
        if known.is_empty() {
            return Ok(false);
        }
        for (at, key) in known.iter().rev().take(WITNESSES) {
            let url = format!("{}/{key}", line.server.base);
            let answer = line.get(&url, "application/fhir+json", false, true)?;
            let text = String::from_utf8_lossy(&answer.body);
            let now = json::read::<Head<'_>>(&text)
                .ok()
                .and_then(|(head, _)| when::rank(&head.meta.last_updated));
            if now.is_none_or(|now| now < *at) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Taker for Living {
    fn take(&mut self, text: &str, place: &Place<'_>) {
        if place.deleted {
            // `Type/id`, or an address that ends so.
            let mut parts = text.rsplit('/');
            if let (Some(id), Some(kind)) = (parts.next(), parts.next()) {
                self.0.remove(&format!("{kind}/{id}"));
            }
            return;
        }
        let Ok((head, _)) = json::read::<Head<'_>>(text) else {
            return;
        };
        let plain = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        };
        if plain(&head.resource_type) && plain(&head.id) {
            let at = when::rank(&head.meta.last_updated);
            let key = format!("{}/{}", &*head.resource_type, &*head.id);
            let known = self.0.entry(key).or_default();
            *known = at.max(*known);
        }
    }

    fn fault(&mut self, _: &str, _: Fault) {}

    fn read(&mut self, _: u64) {}
}
