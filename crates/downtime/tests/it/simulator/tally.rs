//! How much of everything there was: a proof in which nothing goes wrong proves nothing.

use std::fmt;

#[derive(Debug, Default, Clone)]
pub struct Tally {
    pub seeds: u64,
    pub saved: u64,
    pub vouched: u64,
    pub delivered: u64,
    pub restarts: u64,
    pub power_cuts: u64,
    pub faults: u64,
    pub parted: u64,
    pub one_way: u64,
    pub clogged: u64,
    pub sticks: u64,
    pub forged: u64,
    pub copied: u64,
    pub destroyed: u64,
}

impl Tally {
    pub fn and(mut self, other: &Self) -> Self {
        self.seeds += other.seeds;
        self.saved += other.saved;
        self.vouched += other.vouched;
        self.delivered += other.delivered;
        self.restarts += other.restarts;
        self.power_cuts += other.power_cuts;
        self.faults += other.faults;
        self.parted += other.parted;
        self.one_way += other.one_way;
        self.clogged += other.clogged;
        self.sticks += other.sticks;
        self.forged += other.forged;
        self.copied += other.copied;
        self.destroyed += other.destroyed;
        self
    }

    /// What must not be rare.
    pub fn rare(&self) -> [(&'static str, u64); 9] {
        [
            ("a restart", self.restarts),
            ("a power cut", self.power_cuts),
            ("a disk that goes wrong", self.faults),
            ("a partition", self.parted),
            ("a clog", self.clogged),
            ("a stick", self.sticks),
            ("a forged receipt", self.forged),
            ("a copied disk", self.copied),
            ("a fire", self.destroyed),
        ]
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} seeds, {} entries saved, {} vouched for, {} messages, {} restarts ({} power cuts), {} disk faults, {} partitions \
             ({} one way), {} clogs, {} sticks, {} forged receipts, {} copied disks, {} fires",
            self.seeds,
            self.saved,
            self.vouched,
            self.delivered,
            self.restarts,
            self.power_cuts,
            self.faults,
            self.parted,
            self.one_way,
            self.clogged,
            self.sticks,
            self.forged,
            self.copied,
            self.destroyed
        )
    }
}
