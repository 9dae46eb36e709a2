//! What was tried, added up over all seeds.

use std::fmt;

/// What was tried.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub seeds: u64,
    pub entries: u64,
    pub deliveries: u64,
    pub duplicates: u64,
    pub late: u64,
    pub restarts: u64,
    pub lost_before_the_disk: u64,
    pub destroyed: u64,
    pub told_safe: u64,
    pub conflicts: u64,
    pub settled: u64,
    pub newer: u64,
    pub folds: u64,
}

impl Tally {
    pub fn and(mut self, other: Self) -> Self {
        let pairs = [
            (&mut self.seeds, other.seeds),
            (&mut self.entries, other.entries),
            (&mut self.deliveries, other.deliveries),
            (&mut self.duplicates, other.duplicates),
            (&mut self.late, other.late),
            (&mut self.restarts, other.restarts),
            (&mut self.lost_before_the_disk, other.lost_before_the_disk),
            (&mut self.destroyed, other.destroyed),
            (&mut self.told_safe, other.told_safe),
            (&mut self.conflicts, other.conflicts),
            (&mut self.settled, other.settled),
            (&mut self.newer, other.newer),
            (&mut self.folds, other.folds),
        ];
        for (mine, theirs) in pairs {
            *mine += theirs;
        }
        self
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} seeds, {} entries, {} deliveries ({} twice, {} late), {} restarts ({} unsaved records gone), \
             {} stations destroyed, {} entries told safe, {} conflicts, {} settled, {} entries of newer programs; 0 lost, all {} folds equal",
            self.seeds,
            self.entries,
            self.deliveries,
            self.duplicates,
            self.late,
            self.restarts,
            self.lost_before_the_disk,
            self.destroyed,
            self.told_safe,
            self.conflicts,
            self.settled,
            self.newer,
            self.folds
        )
    }
}
