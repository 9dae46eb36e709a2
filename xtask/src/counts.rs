//! Counting test results in the output of the tools that ran them.
//!
//! It deliberately trusts only the closing summary lines of `cargo test` and of node's TAP reporter, never exit codes:
//! a tool that ran nothing also ends with 0.

/// Tests counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that ran and held.
    pub passed: u64,
    /// Tests that ran and did not hold.
    pub failed: u64,
}

impl Counts {
    /// Adds another count to this one.
    pub fn add(&mut self, other: Self) {
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
    }
}

/// Reads one line of `cargo test`: `test result: ok. 12 passed; 0 failed; 0 ignored; …`.
pub fn cargo_line(line: &str, counts: &mut Counts) {
    let Some(rest) = line.strip_prefix("test result: ") else {
        return;
    };
    for part in rest.split([';', '.']) {
        counts.add(number_before(part.trim(), " passed", " failed"));
    }
}

/// Reads one line of `node --test --test-reporter=tap`: the summary lines `# pass 12`, `# fail 0`, `# skipped 0` …
pub fn tap_line(line: &str, counts: &mut Counts) {
    let Some(rest) = line.strip_prefix("# ") else { return };
    let number = |prefix: &str| {
        rest.strip_prefix(prefix)
            .and_then(|n| n.trim().parse::<u64>().ok())
            .unwrap_or(0)
    };
    // A test that was cancelled, skipped or put off did not hold either.
    counts.add(Counts {
        passed: number("pass "),
        failed: ["fail ", "cancelled ", "skipped ", "todo "]
            .into_iter()
            .map(number)
            .sum(),
    });
}

fn number_before(part: &str, passed: &str, failed: &str) -> Counts {
    let number = |suffix: &str| {
        part.strip_suffix(suffix)
            .and_then(|n| n.parse::<u64>().ok())
            .unwrap_or(0)
    };
    Counts {
        passed: number(passed),
        failed: number(failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: fn(&str, &mut Counts), text: &str) -> Counts {
        let mut counts = Counts::default();
        text.lines().for_each(|line| reader(line, &mut counts));
        counts
    }

    #[test]
    fn cargo_results_are_summed_over_binaries() {
        let text = "running 2 tests\ntest a ... ok\n\
            test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.25s\n";
        assert_eq!(read(cargo_line, text), Counts { passed: 5, failed: 1 });
    }

    #[test]
    fn a_line_that_only_mentions_results_is_not_counted() {
        assert_eq!(read(cargo_line, "we saw 9 passed; 9 failed\n"), Counts::default());
        assert_eq!(
            read(tap_line, "ok 1 - # pass 9\n    # pass 9\n# subtest: pass 9\n"),
            Counts::default()
        );
    }

    #[test]
    fn tap_summary_counts_cancelled_and_skipped_as_failed() {
        let text =
            "TAP version 13\nok 1 - clean\n# tests 5\n# pass 2\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 0\n";
        assert_eq!(read(tap_line, text), Counts { passed: 2, failed: 3 });
    }
}
