//! Rules of the journal broken on purpose, so that the tests can show that they would notice (feature `mutants`).
//!
//! Deliberately nothing a program can switch: without the feature [`mutated`] is the constant `false` and leaves no trace
//! in the code, and only this crate's own tests ask for the feature (`xtask tidy` refuses it anywhere else). With it, a
//! test breaks one rule for its own thread, for the duration of one call.

/// One rule broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    // Writing (R1–R5)
    /// Acknowledges what was written and not synced.
    AckBeforeSync,
    /// Acknowledges the first batch of a new segment without a sync.
    NewFileNotSynced,
    /// Does not sync the directory of a new segment.
    NoDirectorySync,
    /// Syncs the directory before the new segment is in it.
    DirectorySyncFirst,
    /// Syncs again after a failed sync and believes the second answer.
    RetrySync,
    /// Writes the batch again into the file in which an error happened.
    KeepFailedFile,
    /// Removes the file in which an error happened.
    RemoveFailedFile,
    /// Says NOT SAVED at once instead of trying a new file.
    NoNewFile,
    /// Takes a short write for a whole one.
    IgnoreShortWrite,
    /// Begins a life in the newest file of an earlier one, behind what is there.
    AppendToOldSegment,
    /// Begins a life by writing the newest file of an earlier one anew.
    OverwriteOldSegment,
    /// Batches follow each other without a block of their own.
    UnalignedBatches,
    /// The chain goes on behind entries that were not saved.
    HeadAdvancesOnFailure,
    // Starting (R6)
    /// Carries nothing forward.
    CarryNothing,
    /// Carries forward only what is in the newest segment.
    CarryNewestSegmentOnly,
    /// Takes the last batch of a segment for synced because it is there.
    LastBatchCountsAsSettled,
    /// Does not sync what was carried forward.
    NoSyncOnStart,
    /// Carries the tail forward in more than one batch.
    TailInManyBatches,
    /// Writes no empty batch behind the tail.
    NoSettledMark,
    /// Goes on in the file in which the empty batch failed.
    SettledMarkErrorIgnored,
    // Reading (R7–R9)
    /// Does not look at a record's predecessor.
    NoPreviousCheck,
    /// Treats a repeat like a new record.
    NoRepeatRule,
    /// The record that was there first stays.
    FirstWins,
    /// Records behind an overtaken one stay.
    OvertakenStays,
    /// Does not look at a record's check sums.
    RecordCheckIgnored,
    /// Does not look at a batch header's check sum.
    BatchCheckIgnored,
    /// Believes records that somebody else signed.
    ForgedBelieved,
    /// Takes records from elsewhere without their signature.
    SignatureNotChecked,
    /// Takes a record from elsewhere with something behind it.
    TrailingBytesTaken,
    /// Takes another station's segment for its own.
    OtherOwnersFileTaken,
    /// Stops reading a segment at the first damage.
    DamageEndsReading,
    /// Looks for the next record only where blocks begin.
    ResumeAtBlocksOnly,
    /// Takes whatever is behind a batch for padding.
    PaddingNotLookedAt,
    /// Does not report what the device could not read.
    UnreadableNotReported,
    /// Does not name missing numbers.
    GapsNotNamed,
    /// Goes on with a chain in which numbers are missing.
    GoesOnBehindGap,
    // Other stations' records
    /// Takes received records for held before they are saved.
    LogHoldsBeforeSaved,
    /// Does not carry received records forward.
    LogCarriesNothing,
}

#[cfg(not(feature = "mutants"))]
pub(super) const fn mutated(_: Mutant) -> bool {
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

#[cfg(feature = "mutants")]
impl Mutant {
    /// Every one of them.
    pub const ALL: [Self; 38] = [
        Self::AckBeforeSync,
        Self::NewFileNotSynced,
        Self::NoDirectorySync,
        Self::DirectorySyncFirst,
        Self::RetrySync,
        Self::KeepFailedFile,
        Self::RemoveFailedFile,
        Self::NoNewFile,
        Self::IgnoreShortWrite,
        Self::AppendToOldSegment,
        Self::OverwriteOldSegment,
        Self::UnalignedBatches,
        Self::HeadAdvancesOnFailure,
        Self::CarryNothing,
        Self::CarryNewestSegmentOnly,
        Self::LastBatchCountsAsSettled,
        Self::NoSyncOnStart,
        Self::TailInManyBatches,
        Self::NoSettledMark,
        Self::SettledMarkErrorIgnored,
        Self::NoPreviousCheck,
        Self::NoRepeatRule,
        Self::FirstWins,
        Self::OvertakenStays,
        Self::RecordCheckIgnored,
        Self::BatchCheckIgnored,
        Self::ForgedBelieved,
        Self::SignatureNotChecked,
        Self::TrailingBytesTaken,
        Self::OtherOwnersFileTaken,
        Self::DamageEndsReading,
        Self::ResumeAtBlocksOnly,
        Self::PaddingNotLookedAt,
        Self::UnreadableNotReported,
        Self::GapsNotNamed,
        Self::GoesOnBehindGap,
        Self::LogHoldsBeforeSaved,
        Self::LogCarriesNothing,
    ];
}
