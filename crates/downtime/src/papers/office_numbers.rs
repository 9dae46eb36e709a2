//! Numbers of the papers of the office, apart from those of stations and packs.
//!
//! These papers are printed by commands while the station runs, so their numbers come from the time of day and not from the
//! journal's sequence. What was printed under an older rule keeps its number and is read as before.

use chart::FormId;

use super::Office;

/// Where the numbers of one of these papers lie: node, first sequence, how many, seconds of a step. No station has these nodes, and
/// no pack. F29 and F31 came when nodes 85–89 were given away and 90–99 were chart sheets': they share node 0.
const fn range(form: &[u8]) -> Option<(u8, u32, u32, i32)> {
    Some(match form {
        b"F24" => (85, 0, 10_000, 10),
        b"F25" => (86, 0, 10_000, 10),
        b"F26" => (87, 0, 10_000, 10),
        b"F27" => (88, 0, 10_000, 10),
        b"F28" => (89, 0, 10_000, 10),
        b"F29" => (0, 0, 5_000, 20),
        b"F31" => (0, 5_000, 5_000, 20),
        _ => return None,
    })
}

impl Office {
    /// The number of one of these papers: steps of ten or twenty seconds of the day, and which of several at once.
    pub(super) fn number(&self, form: &str) -> Option<FormId> {
        let (node, first, count, seconds) = range(form.as_bytes())?;
        let time = self.now.local().time();
        let passed = i32::from(time.hour()) * 3600 + i32::from(time.minute()) * 60 + i32::from(time.second());
        let sequence = u32::try_from(passed / seconds).ok()?.checked_add(self.nth)?;
        FormId::issue(self.now.day(), node, first + sequence % count)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::forms::{FORMS, PACK_NODES};
    use crate::identity::MAX_NODE;

    /// No number of a paper of the office can be a station's, a pack's or another paper's.
    #[test]
    fn every_paper_of_the_office_has_numbers_of_its_own() {
        let mut taken: Vec<(u8, Range<u32>)> = Vec::new();
        for form in FORMS {
            let Some((node, first, count, seconds)) = range(form.as_bytes()) else {
                continue;
            };
            assert!(node == 0 || node > MAX_NODE, "{form}: a station's node");
            let a_packs = PACK_NODES.iter().any(|nodes| nodes.contains(&node));
            assert!(!a_packs, "{form}: a pack's node");
            assert!(
                86_400 / seconds <= i32::try_from(count).unwrap(),
                "{form}: more steps than numbers"
            );
            let numbers = first..first + count;
            assert!(numbers.end <= FormId::MAX_SEQUENCE + 1);
            for (other, theirs) in &taken {
                let apart = *other != node || numbers.end <= theirs.start || theirs.end <= numbers.start;
                assert!(apart, "{form}");
            }
            taken.push((node, numbers));
        }
        assert_eq!(taken.len(), 7, "F24 to F29 and F31");
    }

    #[test]
    fn a_number_of_the_old_rule_still_reads() {
        // F29 and F31 as they were numbered once, among chart sheets' nodes.
        for old in ["261120031279", "263249200369"] {
            assert!(FormId::parse(old).is_some(), "{old}");
        }
    }
}
