//! A pack over several printers: each gets neighbours, so that every pile is in its order and the piles laid together are the pack.

use std::ops::Range;

/// What one printer prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Which parts.
    pub parts: Range<usize>,
    /// Their pages.
    pub pages: u32,
}

/// Shares parts of so many pages among printers, as evenly as their order allows. A printer may get none.
#[must_use]
pub fn share(pages: &[u32], printers: usize) -> Vec<Share> {
    let printers = printers.max(1);
    let mut left: u32 = pages.iter().sum();
    let mut at = 0;
    let mut out = Vec::with_capacity(printers);
    for still in (1..=printers).rev() {
        let begin = at;
        let mut mine = 0_u32;
        let wanted = left.div_ceil(u32::try_from(still).unwrap_or(u32::MAX));
        while let Some(next) = pages.get(at)
            && (still == 1 || mine == 0 || mine.saturating_add(next / 2) < wanted)
        {
            mine = mine.saturating_add(*next);
            at += 1;
            if mine >= wanted && still > 1 {
                break;
            }
        }
        left = left.saturating_sub(mine);
        out.push(Share {
            parts: begin..at,
            pages: mine,
        });
    }
    out
}

/// Minutes at a printer, rounded up.
#[must_use]
pub fn minutes(pages: u32, per_minute: u16) -> u32 {
    pages.div_ceil(u32::from(per_minute).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_printed_once_and_in_order_however_many_printers_there_are() {
        let packs: [&[u32]; 6] = [&[], &[3], &[1, 40, 40, 40, 12], &[20; 7], &[100, 1, 1], &[1, 1, 100]];
        for pages in packs {
            for printers in 1..5 {
                let shares = share(pages, printers);
                assert_eq!(shares.len(), printers);
                let order: Vec<usize> = shares.iter().flat_map(|one| one.parts.clone()).collect();
                assert_eq!(order, (0..pages.len()).collect::<Vec<_>>(), "{pages:?} over {printers}");
                let all: u32 = shares.iter().map(|one| one.pages).sum();
                assert_eq!(all, pages.iter().sum::<u32>());
            }
        }
        let even = share(&[20; 8], 2);
        assert_eq!((even[0].pages, even[1].pages), (80, 80));
    }

    #[test]
    fn minutes_are_rounded_up() {
        for (pages, per_minute, expected) in [(78, 30, 3), (60, 30, 2), (61, 30, 3), (1, 30, 1), (0, 30, 0)] {
            assert_eq!(minutes(pages, per_minute), expected, "{pages} pages");
        }
    }
}
