//! Repeatable randomness: SplitMix64 (Steele, Lea, Flood 2014), one stream per patient and per subject.
//!
//! It is written here so that the bytes of an export stay the same for ever, whatever happens to other people's generators.
//! It is not for secrets: anybody can compute it.

/// One stream of repeatable numbers.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

/// What a stream is for. Every subject has its own stream, so that a change in one (the notes, say) leaves the others as they were.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject {
    Plan = 1,
    Person = 2,
    Body = 3,
    Illness = 4,
    Caution = 5,
    Medicine = 6,
    Laboratory = 7,
    Note = 8,
    Booking = 9,
    Thin = 10,
    Profile = 11,
    Stay = 12,
    Insurance = 13,
    Former = 14,
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

impl Rng {
    /// The stream of one patient number for one subject.
    pub(crate) fn of(seed: u64, number: u32, subject: Subject) -> Self {
        let mut mixer = Rng(seed ^ 0x746F_6D6F_7368_6962);
        let base = mixer.next();
        let mut stream = Rng(base ^ (u64::from(number) << 8 | subject as u64).wrapping_mul(GOLDEN));
        stream.next();
        stream
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 up to but not including `limit` (0 when the limit is 0).
    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        let wide = (self.next() >> 32) * u64::from(limit);
        (wide >> 32) as u32
    }

    /// A number from `from` to `to`, both included; `from` when they are in the wrong order.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        let span = u32::try_from(to.saturating_sub(from).saturating_add(1)).unwrap_or(1);
        from + i64::from(self.below(span))
    }

    /// The same, leaning to the middle.
    pub(crate) fn around(&mut self, from: i64, to: i64) -> i64 {
        (self.between(from, to) + self.between(from, to)).div_euclid(2)
    }

    /// True in `percent` of cases.
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of them, all alike; nothing when there are none.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(u32::try_from(from.len()).unwrap_or(u32::MAX)) as usize)
    }

    /// One of some words; the empty string when there are none.
    pub(crate) fn word<'a>(&mut self, from: &[&'a str]) -> &'a str {
        self.pick(from).copied().unwrap_or_default()
    }

    /// One of them, more often near the beginning.
    pub(crate) fn pick_early<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let len = u32::try_from(from.len()).unwrap_or(u32::MAX);
        let first = self.below(len);
        let second = self.below(len);
        from.get(first.min(second) as usize)
    }

    /// The place of one of the weights, in proportion to them; nothing when all are 0.
    pub(crate) fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> Option<usize> {
        let total: u32 = weights.clone().sum();
        let mut point = self.below(total);
        for (place, weight) in weights.enumerate() {
            if point < weight {
                return Some(place);
            }
            point -= weight;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers are written down: they may never change.
    #[test]
    fn numbers_never_change() {
        let mut plain = Rng(0);
        assert_eq!(
            plain.next(),
            0xE220_A839_7B1D_CDAF,
            "published first output of SplitMix64 for seed 0"
        );
        let mut rng = Rng::of(1, 1, Subject::Person);
        let got: Vec<u32> = (0..5).map(|_| rng.below(1000)).collect();
        let mut again = Rng::of(1, 1, Subject::Person);
        assert_eq!(got, (0..5).map(|_| again.below(1000)).collect::<Vec<_>>());
        assert_ne!(got, {
            let mut other = Rng::of(1, 2, Subject::Person);
            (0..5).map(|_| other.below(1000)).collect::<Vec<_>>()
        });
    }

    #[test]
    fn ranges_hold() {
        let mut rng = Rng::of(7, 7, Subject::Note);
        for _ in 0..1000 {
            assert!((3..=9).contains(&rng.between(3, 9)));
            assert!((3..=9).contains(&rng.around(3, 9)));
            assert!(rng.below(4) < 4);
        }
        assert_eq!(rng.between(5, 5), 5);
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.pick::<u8>(&[]), None);
        assert_eq!(rng.weighted([0, 3, 0].into_iter()), Some(1));
        assert_eq!(rng.weighted([].into_iter()), None);
    }
}
