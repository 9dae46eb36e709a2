//! The hospital and what must hold in it.
//!
//! At every step: what a station saved is on it after every restart; what somebody vouched for is still on the voucher's disk.
//! After healing: everything saved on a disk that is left, and everything vouched for wherever it was saved, is everywhere; all
//! show the same; no number was given twice; nobody says that something is only here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use downtime::stations::Bytes;
use downtime::stations::replica::{Answer, Ask, Give, Head, Step, Visit};
use vault::journal::Stations;
use vault::keys::{RoleSecret, StationSecret};
use vault::simfs::{Ending, Fault, SimFs};

use super::network::{Body, Network, Packet};
use super::node::{Chance, HOSPITAL, Node, Saved, code, has_files, station_id};
use super::tally::Tally;
use crate::merge::dice::Dice;

const HUBS: usize = 2;
const NODES: usize = 6;
/// Milliseconds of trouble, then of peace.
const TROUBLE: u64 = 120_000;
/// Rounds of visits of everybody to everybody after everything has healed.
const ROUNDS: usize = 12;

/// A chain, a number in it, and the name of that record.
pub type Vouched = (([u8; 16], [u8; 8]), u64, [u8; 32]);

enum Event {
    Packet(Packet),
    Visit(usize),
    Save(usize),
    Trouble,
    Start(usize),
}

pub struct World<'t> {
    dice: Dice,
    now: u64,
    events: BTreeMap<(u64, u64), Event>,
    count: u64,
    pub nodes: Vec<Node>,
    network: Network,
    stations: Stations,
    reader: RoleSecret,
    pub saved: Vec<Saved>,
    /// Entries that their writer was told are elsewhere too.
    pub safe: BTreeSet<usize>,
    /// What each node has vouched for: chain, number, name.
    pub vouched: BTreeMap<usize, BTreeSet<Vouched>>,
    pub copied: bool,
    tally: &'t mut Tally,
}

pub type Outcome<T = ()> = Result<T, String>;

impl<'t> World<'t> {
    pub fn run(seed: u64, tally: &'t mut Tally) -> Outcome {
        let mut world = Self::new(seed, tally);
        world.live()?;
        world.heal()?;
        world.tally.seeds += 1;
        Ok(())
    }

    fn new(seed: u64, tally: &'t mut Tally) -> Self {
        let mut dice = Dice(seed ^ 0x5EED);
        let reader = RoleSecret::random(&mut Chance(&mut dice));
        let mut stations = Stations::new();
        let nodes: Vec<Node> = (0..NODES)
            .map(|n| {
                let secret = Arc::new(StationSecret::random(&mut Chance(&mut dice)));
                stations.insert(station_id(n), secret.public());
                Node {
                    code: code(n),
                    id: station_id(n),
                    secret,
                    fs: SimFs::new(dice.roll()),
                    life: None,
                    destroyed: false,
                }
            })
            .collect();
        let mut world = Self {
            dice,
            now: 0,
            events: BTreeMap::new(),
            count: 0,
            nodes,
            network: Network::default(),
            stations,
            reader,
            saved: Vec::new(),
            safe: BTreeSet::new(),
            vouched: BTreeMap::new(),
            copied: false,
            tally,
        };
        for n in 0..NODES {
            world.at(0, Event::Start(n));
            let (first, second) = (world.dice.below(5_000) as u64, world.dice.below(20_000) as u64);
            world.at(first + 10, Event::Visit(n));
            world.at(second + 10, Event::Save(n));
        }
        world.at(3_000, Event::Trouble);
        world
    }

    fn at(&mut self, when: u64, event: Event) {
        self.count += 1;
        self.events.insert((when, self.count), event);
    }

    fn send(&mut self, packet: Packet) {
        for (when, packet) in self.network.send(packet, &mut self.dice, self.now) {
            self.at(when, Event::Packet(packet));
        }
    }

    fn live(&mut self) -> Outcome {
        while let Some(((when, _), event)) = self.events.pop_first() {
            if when > TROUBLE {
                break;
            }
            self.now = when.max(self.now);
            self.step(event)?;
        }
        Ok(())
    }

    fn step(&mut self, event: Event) -> Outcome {
        match event {
            Event::Start(n) => self.start(n)?,
            Event::Save(n) => {
                self.save(n);
                let next = self.now + 2_000 + self.dice.below(25_000) as u64;
                self.at(next, Event::Save(n));
            }
            Event::Visit(n) => {
                self.visit(n);
                let next = self.now + 2_500 + self.dice.below(5_000) as u64;
                self.at(next, Event::Visit(n));
            }
            Event::Packet(packet) => self.deliver(packet)?,
            Event::Trouble => {
                self.trouble()?;
                let next = self.now + 500 + self.dice.below(6_000) as u64;
                self.at(next, Event::Trouble);
            }
        }
        self.bury();
        Ok(())
    }

    /// Processes that died in the middle of something.
    fn bury(&mut self) {
        for n in 0..self.nodes.len() {
            if self.nodes[n].fs.is_dead() && !self.nodes[n].destroyed {
                self.stop(n);
            }
        }
    }

    fn stop(&mut self, n: usize) {
        let power = self.dice.one_in(2);
        self.nodes[n].life = None;
        self.nodes[n]
            .fs
            .restart(if power { Ending::PowerCut } else { Ending::Kill });
        self.tally.restarts += 1;
        self.tally.power_cuts += u64::from(power);
        let again = self.now + 200 + self.dice.below(15_000) as u64;
        self.at(again, Event::Start(n));
    }

    fn start(&mut self, n: usize) -> Outcome {
        if self.nodes[n].destroyed || self.nodes[n].life.is_some() {
            return Ok(());
        }
        let (stations, reader) = (self.stations.clone(), &self.reader);
        if !self.nodes[n].start(&stations, reader, self.now, &mut self.dice) {
            self.nodes[n].life = None;
            if self.nodes[n].fs.is_dead() {
                self.stop(n);
            } else {
                self.nodes[n].fs.heal();
                let again = self.now + 500;
                self.at(again, Event::Start(n));
            }
            return Ok(());
        }
        self.still_there(n)
    }

    fn save(&mut self, n: usize) {
        let count = 1 + self.dice.below(3);
        let saved = self.nodes[n].save(count, self.now, n, &mut self.dice);
        self.tally.saved += saved.len() as u64;
        self.saved.extend(saved);
    }

    /// Stations visit hubs and one another, hubs each other.
    fn visit(&mut self, n: usize) {
        let others: Vec<usize> = (0..self.nodes.len())
            .filter(|other| *other != n && (*other < HUBS || n >= HUBS))
            .collect();
        let Some(to) = self.dice.pick(&others) else { return };
        self.count += 1;
        let (number, now) = (self.count, i64::try_from(self.now).unwrap());
        let Some(life) = self.nodes[n].life.as_mut() else {
            return;
        };
        let mut visit = Visit::new();
        let peer = life.peers.entry(to).or_default();
        if let Ok((Step::Ask(ask), _)) = visit.next(&life.replica, peer, None, now) {
            life.visit = Some((to, number, visit));
            let body = Body::Ask(number, ask.to_bytes());
            self.send(Packet { from: n, to, body });
        }
    }

    fn deliver(&mut self, packet: Packet) -> Outcome {
        self.tally.delivered += 1;
        let Packet { from, to, body } = packet;
        let now = i64::try_from(self.now).unwrap();
        let Some(life) = self.nodes[to].life.as_mut() else {
            return Ok(());
        };
        match body {
            Body::Ask(number, bytes) => {
                let ask = Ask::from_bytes(&bytes).map_err(|fault| fault.to_string())?;
                let Ok((answer, _)) = life.replica.answer(&ask, now) else {
                    return Ok(());
                };
                self.note_vouched(to, receipts_in(&answer));
                let body = Body::Answer(number, answer.to_bytes());
                self.send(Packet {
                    from: to,
                    to: from,
                    body,
                });
                self.look_at_levels(to)
            }
            Body::Answer(number, bytes) => {
                let Some((peer_is, current, mut visit)) = life.visit.take() else {
                    return Ok(());
                };
                if peer_is != from || current != number {
                    life.visit = Some((peer_is, current, visit));
                    return Ok(());
                }
                let answer = Answer::from_bytes(&bytes).map_err(|fault| fault.to_string())?;
                let peer = life.peers.entry(from).or_default();
                if let Ok((Step::Ask(ask), _)) = visit.next(&life.replica, peer, Some(answer), now) {
                    self.count += 1;
                    let number = self.count;
                    if let Some(life) = self.nodes[to].life.as_mut() {
                        life.visit = Some((from, number, visit));
                    }
                    if let Ask::Give(Give { receipts, .. }) = &ask {
                        self.note_vouched(to, receipts);
                    }
                    let body = Body::Ask(number, ask.to_bytes());
                    self.send(Packet {
                        from: to,
                        to: from,
                        body,
                    });
                }
                self.look_at_levels(to)
            }
        }
    }

    fn note_vouched(&mut self, n: usize, receipts: &[Bytes]) {
        for receipt in receipts
            .iter()
            .filter_map(|r| vault::receipt::Receipt::from_bytes(&r.0).ok())
        {
            let claim = receipt.claim();
            let entry = ((claim.station.0, claim.incarnation.0), claim.n, claim.head);
            if self.vouched.entry(n).or_default().insert(entry) {
                self.tally.vouched += 1;
            }
        }
    }

    fn trouble(&mut self) -> Outcome {
        let nodes = self.nodes.len();
        let n = self.dice.below(nodes);
        match self.dice.below(14) {
            0 | 1 => {
                self.tally.parted += 1;
                self.tally.one_way += u64::from(self.network.part(nodes, &mut self.dice));
            }
            2 | 3 => self.network.mend(),
            4 => {
                self.tally.clogged += 1;
                self.network.clog(nodes, &mut self.dice);
            }
            5 | 6 => {
                for (when, packet) in self.network.unclog(&mut self.dice, self.now) {
                    self.at(when, Event::Packet(packet));
                }
            }
            7 | 8 if self.nodes[n].life.is_some() => self.stop(n),
            9 | 10 if self.nodes[n].life.is_some() => {
                let fault = [Fault::Kill, Fault::Fail, Fault::Short, Fault::Kill][self.dice.below(4)];
                let after = self.dice.below(6) as u64;
                self.nodes[n].fs.fault_in(after, fault);
                self.tally.faults += 1;
            }
            11 => self.carry_stick(n)?,
            12 => self.forge(n)?,
            13 if !self.copied && has_files(&self.nodes[n].fs) && n >= HUBS && self.dice.one_in(3) => self.copy(n),
            13 if self.dice.one_in(5) && self.nodes.iter().filter(|node| node.destroyed).count() == 0 => {
                self.nodes[n].destroyed = true;
                self.nodes[n].life = None;
                self.tally.destroyed += 1;
            }
            _ => {}
        }
        Ok(())
    }

    /// Some records, in any order, by hand.
    fn carry_stick(&mut self, from: usize) -> Outcome {
        let to = self.dice.below(self.nodes.len());
        let Some(life) = &self.nodes[from].life else {
            return Ok(());
        };
        let (mut records, _) = life.replica.missing(&[]);
        let mut carried = Vec::new();
        while !records.is_empty() {
            let one = records.swap_remove(self.dice.below(records.len()));
            if !self.dice.one_in(3) {
                carried.push(one);
            }
        }
        let now = i64::try_from(self.now).unwrap();
        if let Some(life) = &self.nodes[to].life
            && life.replica.take(&carried).is_ok()
        {
            self.tally.sticks += 1;
            // The way back: what the receiver can vouch for.
            let back = life.replica.all_receipts_for(&self.nodes[from].id, now);
            let bytes: Vec<Bytes> = back.iter().map(|receipt| Bytes(receipt.to_bytes())).collect();
            self.note_vouched(to, &bytes);
            if let Some(life) = &self.nodes[from].life {
                life.replica.hear_receipts(back);
            }
        }
        self.look_at_levels(from)
    }

    /// Somebody without a key claims that everything is safe.
    fn forge(&mut self, n: usize) -> Outcome {
        let liar = StationSecret::random(&mut Chance(&mut self.dice));
        let Some(life) = &self.nodes[n].life else { return Ok(()) };
        let own = life
            .replica
            .heads()
            .into_iter()
            .filter(|head| head.station == self.nodes[n].id.0);
        let forged = own.filter_map(|head: Head| {
            let claim = vault::receipt::Holding {
                hospital: HOSPITAL,
                holder: station_id((n + 1) % NODES),
                station: self.nodes[n].id,
                incarnation: vault::IncarnationId(head.incarnation),
                n: head.seq,
                head: head.id?,
                time: 0,
            };
            Some(claim.sign(&liar))
        });
        let forged: Vec<_> = forged.collect();
        self.tally.forged += forged.len() as u64;
        life.replica.hear_receipts(forged);
        self.look_at_levels(n)
    }

    /// A disk is copied, and the copy runs beside the first: two stations with one key.
    fn copy(&mut self, n: usize) {
        let fs = self.nodes[n].fs.fork(self.dice.roll());
        // The copy is taken while the machine is off: what was in the air is not on it.
        fs.restart(Ending::PowerCut);
        let copy = Node {
            code: self.nodes[n].code,
            id: self.nodes[n].id,
            secret: Arc::clone(&self.nodes[n].secret),
            fs,
            life: None,
            destroyed: false,
        };
        self.nodes.push(copy);
        self.copied = true;
        self.tally.copied += 1;
        let twin = self.nodes.len() - 1;
        let again = self.now + 100;
        self.at(again, Event::Start(twin));
        self.at(again + 50, Event::Save(twin));
        self.at(again + 70, Event::Visit(twin));
    }

    /// The line holds, disks work, everybody runs who has a disk; then all visit all.
    fn heal(&mut self) -> Outcome {
        self.network.heal();
        self.events.clear();
        for n in 0..self.nodes.len() {
            if self.nodes[n].destroyed {
                continue;
            }
            self.nodes[n].fs.heal();
            if self.nodes[n].fs.is_dead() {
                self.nodes[n].life = None;
                self.nodes[n].fs.restart(Ending::PowerCut);
            }
            for _ in 0..3 {
                self.start(n)?;
                self.nodes[n].fs.heal();
            }
            if self.nodes[n].life.is_none() {
                return Err(format!("node {n} does not start on a healthy disk"));
            }
            self.still_there(n)?;
        }
        for _ in 0..ROUNDS {
            self.now += 5_000;
            for n in 0..self.nodes.len() {
                for to in 0..self.nodes.len() {
                    // As in life: hubs visit no terminals.
                    if n != to && (to < HUBS || n >= HUBS) {
                        self.whole_visit(n, to)?;
                    }
                }
            }
        }
        self.judge()
    }

    fn whole_visit(&mut self, n: usize, to: usize) -> Outcome {
        let now = i64::try_from(self.now).unwrap();
        // Looked at before anything is taken: who visits a station that burnt down comes home and is judged.
        if self.nodes[n].life.is_none() || self.nodes[to].life.is_none() {
            return Ok(());
        }
        let (Some(mut life), Some(other)) = (self.nodes[n].life.take(), self.nodes[to].life.take()) else {
            return Ok(());
        };
        let peer = life.peers.entry(to).or_default();
        let (mut visit, mut answer) = (Visit::new(), None);
        let mut questions = 0;
        let outcome = loop {
            questions += 1;
            if questions > 200 {
                break Err(format!("a visit of {n} to {to} does not end"));
            }
            match visit.next(&life.replica, peer, answer.take(), now) {
                Ok((Step::Done, _)) => break Ok(()),
                Ok((Step::Ask(ask), _)) => {
                    if let Ask::Give(give) = &ask {
                        self.note_vouched(n, &give.receipts);
                    }
                    match other.replica.answer(&ask, now) {
                        Ok((given, _)) => {
                            self.note_vouched(to, receipts_in(&given));
                            answer = Some(given);
                        }
                        Err(fault) => break Err(fault.to_string()),
                    }
                }
                Err(fault) => break Err(fault.to_string()),
            }
        };
        self.nodes[n].life = Some(life);
        self.nodes[to].life = Some(other);
        outcome
    }
}

fn receipts_in(answer: &Answer) -> &[Bytes] {
    match answer {
        Answer::Heads(told) | Answer::Taken(told) => &told.receipts,
        Answer::Records(_) => &[],
    }
}
