//! Numbers of a symbol: exact decimals of up to six digits before and five behind the point (用量, 係数, 不均等).
//!
//! Never floating point: an amount that cannot be said exactly is not said.

/// Hundred-thousandths of a unit: 0.25 is 25,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(u64);

impl Amount {
    const ONE: u64 = 100_000;

    /// The largest number the twelve bytes hold: 999999.99999.
    pub const MAX: Self = Self(1_000_000 * Self::ONE - 1);

    /// From thousandths; `None` when it needs more than six digits before the point.
    #[must_use]
    pub fn from_milli(milli: u64) -> Option<Self> {
        Self::from_e5(milli.checked_mul(100)?)
    }

    /// From hundred-thousandths; `None` when it needs more than six digits before the point.
    #[must_use]
    pub fn from_e5(e5: u64) -> Option<Self> {
        (e5 <= Self::MAX.0).then_some(Self(e5))
    }

    /// Hundred-thousandths.
    #[must_use]
    pub const fn e5(self) -> u64 {
        self.0
    }

    /// `14`, `0.25`: no leading zero but the one before the point, none at the end, no point for whole numbers.
    #[must_use]
    pub fn text(self) -> String {
        let whole = self.0 / Self::ONE;
        match self.0 % Self::ONE {
            0 => whole.to_string(),
            rest => format!("{whole}.{}", format!("{rest:05}").trim_end_matches('0')),
        }
    }
}
