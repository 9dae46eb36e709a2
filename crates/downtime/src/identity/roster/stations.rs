//! Stations of the roster: enrolling, renewing after a re-image or a replacement, taking out; and what to propose to the officer.
//!
//! A code, a block of numbers and a label are never given to two stations, also not to one that was taken out: they stand on paper.
//! How a request gets here, and who may decide about it, is `enrolment`'s and the roof's.

use chart::{Moment, StationCode};
use jiff::civil::Date;
use minicbor::{Decode, Encode};

use super::users::{Change, MAX_HISTORY};
use super::{Bytes32, Roster, RosterFault};
use crate::identity::ranges::{Block, GRAIN, Label, NODE};
use crate::identity::{SealerPublic, StationId, StationPublic, station_id_of};

/// Largest node number of a station. 80–99 belong to packs printed before anybody is there (`forms::pack`).
pub const MAX_NODE: u8 = 79;

/// How often one code may be given to another machine: temporary patients' numbers have room for ten lives of ten thousand.
pub const MAX_GENERATION: u8 = 9;

/// Temporary patients' numbers of one life of a code.
pub const TEMPORARY_PER_LIFE: u32 = 10_000;

/// Days for which the numbers of the day of a re-image stay taken.
const SPARE_DAYS: i64 = 7;

/// One enrolled station.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Enrolled {
    /// `R03`
    #[n(0)]
    pub code: StationCode,
    /// Its form numbers.
    #[n(1)]
    pub block: Block,
    /// What stands before its reception numbers.
    #[n(2)]
    pub label: Label,
    /// Public keys (X25519 and Ed25519).
    #[cbor(n(3), with = "minicbor::bytes")]
    pub(super) public: [u8; 64],
    /// Disposed of, lost or stolen: no further snapshot is sealed for it. Its key stays, because what it signed before still counts.
    #[n(4)]
    #[cbor(default)]
    pub retired: bool,
    /// Wards it serves, by code; empty for none in particular.
    #[n(5)]
    #[cbor(default)]
    pub wards: Vec<String>,
    /// Departments it serves, by code; empty for none in particular.
    #[n(6)]
    #[cbor(default)]
    pub departments: Vec<String>,
    /// Where other stations reach it, `https://host:port`; `None` where only it visits others.
    #[n(7)]
    #[cbor(default)]
    pub address: Option<String>,
    /// True for a hub: it seals, and every station visits it.
    #[n(8)]
    #[cbor(default)]
    pub hub: bool,
    /// How often another machine took this code; 0 for the first.
    #[n(9)]
    #[cbor(default)]
    pub generation: u8,
    /// Numbers for the day on which another machine took this code: what the old one issued on that day is not known for certain.
    #[n(10)]
    #[cbor(default)]
    pub spare: Option<Spare>,
    /// Machines that had this code before. What they signed still counts.
    #[n(11)]
    #[cbor(default)]
    pub former: Vec<Former>,
    /// The sealing key of a hub.
    #[n(12)]
    #[cbor(default)]
    pub(super) sealer: Option<Bytes32>,
    /// Who changed what, when. Newest last, at most [`MAX_HISTORY`].
    #[n(13)]
    #[cbor(default)]
    pub history: Vec<Change>,
    /// Numbers of earlier re-images of the same days: they stay taken, too.
    #[n(14)]
    #[cbor(default)]
    pub(super) spent: Vec<Spare>,
}

/// Numbers for the rest of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Spare {
    /// The numbers.
    #[n(0)]
    pub block: Block,
    /// To this day, inclusive; yyyymmdd.
    #[cbor(n(1), with = "chart::codec::date")]
    pub through: Date,
}

/// A machine that had a code before.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Former {
    /// Its public keys.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(super) public: [u8; 64],
    /// Which life of the code it was.
    #[n(1)]
    pub generation: u8,
    /// What stood before its reception numbers.
    #[n(2)]
    pub label: Label,
    /// Until when it counted.
    #[n(3)]
    pub until: Moment,
}

/// A station to enrol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStation<'a> {
    /// Its code.
    pub code: StationCode,
    /// Its form numbers.
    pub block: Block,
    /// What stands before its reception numbers.
    pub label: Label,
    /// Its public keys.
    pub public: &'a StationPublic,
    /// The sealing key, of a hub.
    pub sealer: Option<&'a SealerPublic>,
    /// Wards by code.
    pub wards: &'a [String],
    /// Departments by code.
    pub departments: &'a [String],
    /// Where other stations reach it.
    pub address: Option<&'a str>,
    /// Whether it is a hub.
    pub hub: bool,
}

/// Who changes a station, when and why.
#[derive(Debug, Clone, Copy)]
pub struct Hand<'a> {
    /// 職員番号
    pub by: &'a str,
    /// When.
    pub at: Moment,
    /// Why.
    pub note: &'a str,
}

impl Roster {
    /// Enrols a station with a whole node and one letter.
    ///
    /// # Errors
    /// [`RosterFault::StationTaken`] when code, node or letter are in use or the node is not 1–[`MAX_NODE`].
    pub fn enrol_station(
        &mut self,
        code: StationCode,
        node: u8,
        letter: char,
        public: &StationPublic,
    ) -> Result<(), RosterFault> {
        let label = Label::parse(&letter.to_string()).filter(|_| letter.is_ascii_uppercase());
        let (Some(block), Some(label)) = (Block::whole(node), label) else {
            return Err(RosterFault::StationTaken(code));
        };
        let new = NewStation {
            code,
            block,
            label,
            public,
            sealer: None,
            wards: &[],
            departments: &[],
            address: None,
            hub: false,
        };
        self.enrol(&new, None)
    }

    /// Enrols a station.
    ///
    /// # Errors
    /// [`RosterFault::StationTaken`] when its code, one of its numbers or its label (or one that looks like it) is taken.
    pub fn enrol(&mut self, new: &NewStation<'_>, hand: Option<&Hand<'_>>) -> Result<(), RosterFault> {
        let code = self.stations.iter().any(|s| s.code == new.code);
        let taken = code || self.taken_blocks().any(|block| block.overlaps(&new.block));
        if taken || self.label_is_taken(&new.label) || self.key_is_known(new.public) {
            return Err(RosterFault::StationTaken(new.code));
        }
        let mut station = Enrolled {
            code: new.code,
            block: new.block,
            label: new.label.clone(),
            public: new.public.to_bytes(),
            retired: false,
            wards: new.wards.to_vec(),
            departments: new.departments.to_vec(),
            address: new.address.map(str::to_owned),
            hub: new.hub,
            generation: 0,
            spare: None,
            former: Vec::new(),
            sealer: None,
            history: Vec::new(),
            spent: Vec::new(),
        };
        station.seals_with(new.sealer, &mut self.sealers);
        station.note(hand, "enrolled");
        self.stations.push(station);
        Ok(())
    }

    /// Gives a code to another machine: after a re-image, or in the place of a broken one. The old key signs nothing from now on; what it
    /// signed still counts. The numbers of the block are the same from tomorrow; for the rest of `today` there are others, reception
    /// numbers have another label, temporary patients another thousandth, because nobody knows what the old machine gave away last.
    ///
    /// # Errors
    /// [`RosterFault::NoStation`], [`RosterFault::StationTaken`] when the label is taken or the key is known,
    /// [`RosterFault::NoNumbers`] when no numbers are left for today or the code had ten machines already.
    pub fn renew(&mut self, new: &NewStation<'_>, today: Date, hand: &Hand<'_>) -> Result<(), RosterFault> {
        if self.label_is_taken(&new.label) || self.key_is_known(new.public) {
            return Err(RosterFault::StationTaken(new.code));
        }
        let old = self.station(new.code).ok_or(RosterFault::NoStation(new.code))?;
        let generation = old.generation + 1;
        if generation > MAX_GENERATION {
            return Err(RosterFault::NoNumbers(new.code));
        }
        let spare = self.propose_spare(old.block.len(), today);
        let spare = spare.ok_or(RosterFault::NoNumbers(new.code))?;
        let sealers = &mut self.sealers;
        let station = self.stations.iter_mut().find(|s| s.code == new.code);
        let station = station.ok_or(RosterFault::NoStation(new.code))?;
        station.former.push(Former {
            public: station.public,
            generation: station.generation,
            label: station.label.clone(),
            until: hand.at,
        });
        station.generation = generation;
        station.spent.extend(station.spare);
        station.spare = Some(Spare {
            block: spare,
            through: today,
        });
        station.public = new.public.to_bytes();
        station.label = new.label.clone();
        station.retired = false;
        station.wards = new.wards.to_vec();
        station.departments = new.departments.to_vec();
        station.address = new.address.map(str::to_owned);
        station.hub = new.hub;
        station.seals_with(new.sealer, sealers);
        station.note(Some(hand), "renewed");
        Ok(())
    }

    /// Takes a station out: it opens no snapshot that is sealed from now on. Its code, numbers and label stay taken, because they stand
    /// on paper. False when there is no such station, or it was taken out before.
    pub fn retire_station(&mut self, code: StationCode, hand: Option<&Hand<'_>>) -> bool {
        let station = self.stations.iter_mut().find(|s| s.code == code && !s.retired);
        station
            .map(|station| {
                station.retired = true;
                station.note(hand, "retired");
            })
            .is_some()
    }

    /// Snapshots that a hub sealed are no longer accepted: its key is in the wrong hands. False when it had none, or it is the last.
    pub fn distrust_sealer(&mut self, code: StationCode) -> bool {
        let Some(sealer) = self.station(code).and_then(|s| s.sealer) else {
            return false;
        };
        let others = self.sealers.iter().filter(|s| **s != sealer).count();
        if others == 0 || others == self.sealers.len() {
            return false;
        }
        self.sealers.retain(|s| *s != sealer);
        true
    }

    /// One station by its code.
    #[must_use]
    pub fn station(&self, code: StationCode) -> Option<&Enrolled> {
        self.stations.iter().find(|s| s.code == code)
    }

    /// The vault's name of the machine that has a code now.
    #[must_use]
    pub fn station_id(&self, code: StationCode) -> StationId {
        let generation = self.station(code).map_or(0, |s| s.generation);
        station_id_of(&self.hospital(), code, generation)
    }

    /// Every machine that ever had a code, with the key its records are signed with; retired and former ones included.
    ///
    /// # Errors
    /// [`RosterFault::Unreadable`] when a key is none.
    pub fn machines(&self) -> Result<Vec<(StationId, StationCode, StationPublic)>, RosterFault> {
        let hospital = self.hospital();
        let mut all = Vec::with_capacity(self.stations.len());
        for station in &self.stations {
            for former in &station.former {
                let id = station_id_of(&hospital, station.code, former.generation);
                all.push((id, station.code, former.public()?));
            }
            let id = station_id_of(&hospital, station.code, station.generation);
            all.push((id, station.code, station.public()?));
        }
        Ok(all)
    }

    /// A code that nobody has: the letter given and two digits, then the letters after it.
    #[must_use]
    pub fn propose_code(&self, first: char, reserved: &[StationCode]) -> Option<StationCode> {
        let start = u8::try_from(first).ok().filter(u8::is_ascii_uppercase)? - b'A';
        let letters = (0..26).map(|n| char::from(b'A' + (start + n) % 26));
        let mut codes = letters.flat_map(|letter| (1..=99).map(move |n| format!("{letter}{n:02}")));
        codes.find_map(|text| {
            let code = StationCode::parse(&text)?;
            (self.station(code).is_none() && !reserved.contains(&code)).then_some(code)
        })
    }

    /// A block of so many numbers that nobody has: whole nodes from below, parts from above, so that both find room. `None` when there is
    /// none.
    #[must_use]
    pub fn propose_block(&self, len: u16, reserved: &[Block]) -> Option<Block> {
        if len == 0 || len > NODE || !len.is_multiple_of(GRAIN) {
            return None;
        }
        let mut taken: Vec<Block> = self.taken_blocks().collect();
        taken.extend_from_slice(reserved);
        let within = |node: u8| {
            let mine: Vec<&Block> = taken.iter().filter(|t| t.node() == node).collect();
            (0..=(NODE - len) / GRAIN)
                .filter_map(|at| Block::new(node, at * GRAIN, len))
                .find(|wanted| !mine.iter().any(|t| t.overlaps(wanted)))
        };
        let mut nodes = 1..=MAX_NODE;
        if len == NODE {
            return nodes.find_map(within);
        }
        nodes.rev().find_map(within)
    }

    /// A label that nobody has and that looks like nobody's; the station's own code where they have run out.
    #[must_use]
    pub fn propose_label(&self, code: StationCode, reserved: &[Label]) -> Option<Label> {
        let free = |label: &Label| !self.label_is_taken(label) && !reserved.iter().any(|r| r.looks_like(label));
        let own = std::iter::once(code.to_string());
        let later = crate::identity::ranges::CLEAR_LETTERS
            .iter()
            .map(move |letter| format!("{code}{}", char::from(*letter)));
        let own = own.chain(later).filter_map(|text| Label::parse(&text));
        Label::proposals().chain(own).find(free)
    }

    /// Every block that is somebody's, those for single days included.
    pub(crate) fn taken_blocks(&self) -> impl Iterator<Item = Block> + '_ {
        self.stations.iter().flat_map(|s| {
            let days = s.spare.iter().chain(&s.spent).map(|spare| spare.block);
            std::iter::once(s.block).chain(days)
        })
    }

    /// Numbers for the rest of a day, as many as the block has where there is room, else fewer.
    fn propose_spare(&mut self, like: u16, today: Date) -> Option<Block> {
        let over = |spare: &Spare| {
            let days = (today - spare.through).get_days();
            i64::from(days) > SPARE_DAYS
        };
        for station in &mut self.stations {
            station.spent.retain(|spare| !over(spare));
            if station.spare.as_ref().is_some_and(over) {
                station.spare = None;
            }
        }
        let sizes = [NODE, NODE / 2, NODE / 4, 1_000, 500, 200, 100];
        let fitting = std::iter::once(like).chain(sizes.into_iter().filter(|size| *size < like));
        fitting.into_iter().find_map(|size| self.propose_block(size, &[]))
    }

    fn label_is_taken(&self, label: &Label) -> bool {
        let of_one = |s: &Enrolled| s.label.looks_like(label) || s.former.iter().any(|f| f.label.looks_like(label));
        self.stations.iter().any(of_one)
    }

    fn key_is_known(&self, public: &StationPublic) -> bool {
        let bytes = public.to_bytes();
        let of_one = |s: &Enrolled| s.public == bytes || s.former.iter().any(|f| f.public == bytes);
        self.stations.iter().any(of_one)
    }
}

impl Enrolled {
    /// Public keys.
    ///
    /// # Errors
    /// [`RosterFault::Unreadable`] when the bytes are not usable keys.
    pub fn public(&self) -> Result<StationPublic, RosterFault> {
        StationPublic::from_bytes(&self.public).map_err(|e| RosterFault::Unreadable(e.to_string()))
    }

    /// The form numbers it issues on a day.
    #[must_use]
    pub fn block_on(&self, day: Date) -> Block {
        match self.spare {
            // Also before that day: a clock that is behind must not find the numbers that the old machine gave away.
            Some(spare) if day <= spare.through => spare.block,
            _ => self.block,
        }
    }

    /// When it was first enrolled and by whom, where that is known.
    #[must_use]
    pub fn enrolled(&self) -> Option<&Change> {
        let joined = |change: &&Change| change.what == "enrolled" || change.what == "renewed";
        self.history.iter().rfind(joined)
    }

    fn seals_with(&mut self, sealer: Option<&SealerPublic>, sealers: &mut Vec<Bytes32>) {
        self.sealer = sealer.map(|sealer| Bytes32(sealer.to_bytes()));
        if let Some(key) = self.sealer.filter(|key| !sealers.contains(key)) {
            sealers.push(key);
        }
    }

    pub(super) fn note(&mut self, hand: Option<&Hand<'_>>, what: &str) {
        let Some(hand) = hand else { return };
        if self.history.len() >= MAX_HISTORY {
            self.history.remove(0);
        }
        self.history.push(Change {
            at: hand.at,
            by: hand.by.to_owned(),
            what: what.to_owned(),
            note: hand.note.trim().to_owned(),
        });
    }
}

impl Former {
    /// Public keys.
    ///
    /// # Errors
    /// [`RosterFault::Unreadable`] when the bytes are not usable keys.
    pub fn public(&self) -> Result<StationPublic, RosterFault> {
        StationPublic::from_bytes(&self.public).map_err(|e| RosterFault::Unreadable(e.to_string()))
    }
}
