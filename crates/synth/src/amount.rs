//! Exact amounts of medicine in thousandths: no floating point, no rounding surprises in print.

use std::fmt;

/// An amount in thousandths of its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Amount(pub i64);

impl Amount {
    /// Reads `1`, `0.5`, `2.25`; nothing for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        if part.len() > 3
            || part.contains('.')
            || whole.is_empty()
            || !text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let mut thousandths = 0;
        for place in 0..3 {
            thousandths = thousandths * 10 + part.as_bytes().get(place).map_or(0, |b| i64::from(b - b'0'));
        }
        Some(Amount(whole.checked_mul(1000)?.checked_add(thousandths)?))
    }

    /// This many times as much.
    pub(crate) fn times(self, count: i64) -> Self {
        Amount(self.0.saturating_mul(count))
    }

    /// Rounded to the nearest whole multiple of `step` thousandths, but never to nothing.
    pub(crate) fn rounded(self, step: i64) -> Self {
        Amount(((self.0 + step / 2) / step * step).max(step))
    }
}

impl fmt::Display for Amount {
    /// Without trailing zeros: `2.5`, `0.5`, `1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1000, (self.0 % 1000).abs());
        if part == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{part:03}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints() {
        for text in ["1", "0.5", "2.25", "0.133", "20"] {
            assert_eq!(Amount::parse(text).map(|a| a.to_string()).as_deref(), Some(text));
        }
        for text in ["", ".5", "1.0001", "x", "-1", "1.2.3"] {
            assert_eq!(Amount::parse(text), None, "{text}");
        }
        assert_eq!(Amount(1234).rounded(100), Amount(1200));
        assert_eq!(Amount(10).rounded(100), Amount(100));
    }
}
