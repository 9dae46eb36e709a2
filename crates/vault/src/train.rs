//! The compression dictionary: what the hospital's records have in common, so that each can be compressed alone.
//!
//! The dictionary is made of patients' text: it is as secret as they are, and the snapshot seals it.

use std::io;

/// Makes a dictionary of at most `size` bytes from sample records.
///
/// # Errors
/// What zstd says when it cannot train (too few or too uniform samples).
pub fn train_dictionary(samples: &[&[u8]], size: usize) -> io::Result<Vec<u8>> {
    zstd::dict::from_samples(samples, size)
}
