//! The compression dictionary: what a hospital's records have in common, so that each can be compressed alone.
//!
//! The dictionary is made of patients' text: it is as secret as they are, and the snapshot seals it.
//!
//! Why trained, and why this large (9,746 charts of 4.8 KB from the synthetic hospital, one core of a 2-core machine;
//! size is the whole sealed file against one zstd -3 stream over the same bytes, CPU is training and sealing together):
//!
//! | dictionary | level | CPU s | size |
//! |---|---|---|---|
//! | none | 3 | 0.24 | 4.06 × |
//! | raw text, 112 KiB | 3 | 0.19 | 1.63 × |
//! | trained, 64 KiB of 2 MB | 3 | 0.22 | 1.50 × |
//! | trained, 112 KiB of 2 MB | 3 | 0.21 | 1.38 × |
//! | trained, 224 KiB of 2 MB | 3 | 0.22 | 1.28 × |
//! | **trained, 256 KiB of 1 MB** | **3** | **0.20** | **1.25 ×** |
//! | trained, 224 KiB of 2 MB | 5 | 0.38 | 1.10 × |
//! | trained, 448 KiB of 6 MB | 3 | 0.35 | 1.18 × |
//!
//! Training costs CPU by the bytes it is shown and by the size it makes, and more samples gain little. (The chosen row was
//! measured later, on a slower machine, beside the row above it, and is scaled to that.)

use std::io;

/// The size that pays: see the table above. Packed and sealed it takes about 70 KB of the file.
pub const DICTIONARY_SIZE: usize = 256 << 10;
/// Sample bytes worth showing to the trainer.
pub const SAMPLE_BYTES: usize = 1 << 20;
/// The zstd level that goes with it.
pub const LEVEL: i32 = 3;

/// Fewer samples teach nothing, and zstd's trainer refuses them.
const FEWEST_SAMPLES: usize = 16;

/// Makes a dictionary of at most `size` bytes from sample records; samples beyond [`SAMPLE_BYTES`] are not looked at.
/// With fewer than 16 samples, or ones zstd's trainer can learn nothing from, it is empty, which means: compress
/// without. A larger snapshot is better than none, so a refusing trainer is not an error.
///
/// # Errors
/// None at present.
pub fn train_dictionary(samples: &[&[u8]], size: usize) -> io::Result<Vec<u8>> {
    let mut left = SAMPLE_BYTES;
    let worth = samples.iter().take_while(|sample| {
        let fits = left > 0;
        left = left.saturating_sub(sample.len());
        fits
    });
    let worth: Vec<&[u8]> = worth.copied().collect();
    if worth.len() < FEWEST_SAMPLES {
        return Ok(Vec::new());
    }
    Ok(zstd::dict::from_samples(&worth, size).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dictionary_makes_small_records_smaller_and_few_samples_make_none() {
        let records: Vec<Vec<u8>> = (0_u32..200)
            .map(|n| {
                format!(
                    "blood pressure {} mmHg, pulse {}, no complaint; next visit in {} weeks",
                    n * 7 % 190,
                    n * 3 % 90,
                    n % 13
                )
                .into_bytes()
            })
            .collect();
        let samples: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        let dictionary = train_dictionary(&samples, 4096).unwrap();
        assert!(!dictionary.is_empty() && dictionary.len() <= 4096);
        let with = zstd::bulk::Compressor::with_dictionary(LEVEL, &dictionary)
            .unwrap()
            .compress(&records[7])
            .unwrap();
        assert!(with.len() * 2 < zstd::bulk::compress(&records[7], LEVEL).unwrap().len());
        assert!(train_dictionary(&samples[..15], 4096).unwrap().is_empty());
        assert!(
            train_dictionary(&[b"".as_slice(); 40], 4096).unwrap().is_empty(),
            "nothing to learn from"
        );
    }
}
