//! Padmé: lengths are rounded up so that a sealed record's size says little about the patient behind it.
//!
//! From Nikitin, Barman, Lueks, Underwood, Hubaux, Ford: "Reducing Metadata Leakage from Encrypted Files and
//! Communication with PURBs" (PoPETs 2019), §4: at most 12 % larger, and only O(log log L) bits of the length leak.
//!
//! It knows only lengths; who pads writes zeros and checks them when reading.

/// The padded length of `len` bytes: `len` itself for 0 and 1, never more than 12 % above it.
#[must_use]
pub fn padme(len: usize) -> usize {
    let Some(exponent) = len.checked_ilog2().filter(|exponent| *exponent > 0) else {
        return len;
    };
    let kept = exponent.ilog2() + 1;
    let mask = (1_usize << (exponent - kept.min(exponent))) - 1;
    len.checked_add(mask).map_or(len, |sum| sum & !mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_from_the_paper() {
        for (len, padded) in [
            (0, 0),
            (1, 1),
            (2, 2),
            (8, 8),
            (9, 10),
            (100, 104),
            (1000, 1024),
            (1025, 1088),
            (100_000, 100_352),
        ] {
            assert_eq!(padme(len), padded, "of {len}");
        }
    }

    proptest! {
        #[test]
        fn never_shorter_never_much_longer_and_stable(len in 0_usize..1 << 31) {
            let padded = padme(len);
            prop_assert!(padded >= len);
            prop_assert!(padded - len <= len * 12 / 100 + 1);
            prop_assert_eq!(padme(padded), padded, "a padded length stays");
            prop_assert!(padme(len + 1) >= padded, "order is kept");
        }
    }
}
