//! Rules of replication broken on purpose, so that the simulator can show that it would notice (feature `mutants`).
//!
//! Deliberately nothing a program can switch: without the feature [`mutated`] is the constant `false`, and only this crate's own
//! tests ask for the feature (`xtask tidy` refuses it anywhere else).

/// One rule broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A receipt reaches over a gap.
    ReceiptOverGap,
    /// A receipt is believed whatever name it gives the last record.
    ReceiptNotCompared,
    /// A receipt is believed whoever signed it.
    ReceiptNotVerified,
    /// A record joins a chain whatever predecessor it names.
    PredecessorNotChecked,
    /// What comes before its predecessor is dropped, and taken for held.
    EarlyOnesDropped,
    /// The second of two records with one number is dropped.
    OtherBranchDropped,
    /// A station that starts does not look at its own journal for the numbers it has used.
    NumbersForgotten,
}

#[cfg(not(feature = "mutants"))]
pub(crate) const fn mutated(_: Mutant) -> bool {
    false
}

#[cfg(feature = "mutants")]
thread_local! {
    static BROKEN: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
}

/// Whether this rule is broken right now, in this thread.
#[cfg(feature = "mutants")]
pub(crate) fn mutated(rule: Mutant) -> bool {
    BROKEN.get() == Some(rule)
}

/// Does `work` with one rule broken, or with none.
#[cfg(feature = "mutants")]
pub fn with_mutant<T>(mutant: Option<Mutant>, work: impl FnOnce() -> T) -> T {
    let before = BROKEN.replace(mutant);
    let done = work();
    BROKEN.set(before);
    done
}
