//! The extract guard: what must not replace the last good snapshot.
//!
//! Empty, shrunken and half-written exports look like success to a copying program. Here they are refused, loudly, and
//! only a person can accept them after looking.

use chart::DataKind;

use super::SnapshotStat;
use crate::sources::Extract;

/// How careful to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// Refuse when charts, or rows of any kind, shrink by more than this many percent.
    pub shrink_percent: u8,
    /// A person has looked and accepts an empty or shrunken extract (a holiday). Half-written files stay refused.
    pub accepted: bool,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            shrink_percent: 30,
            accepted: false,
        }
    }
}

/// Why an extract was refused, in words for the person who must decide.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No chart at all.
    #[error(
        "患者が一人もいません。書き出しが終わっているか、対象日が正しいかを確かめてください。休診日なら --accept を付けて実行してください。"
    )]
    Empty,
    /// Far fewer than last time.
    #[error(
        "{what}が前回の {before} から {now} に減りました（許容 -{percent}%）。書き出しを確かめてください。正しければ --accept を付けて実行してください。"
    )]
    Shrunken {
        /// What shrank, in Japanese.
        what: String,
        /// Count in the last good snapshot.
        before: u64,
        /// Count now.
        now: u64,
        /// Allowed shrinkage.
        percent: u8,
    },
    /// A file ends in the middle of a row or changed while it was read.
    #[error(
        "{file} が書きかけです（途中で終わっているか、読んでいる間に変わりました）。書き出しが終わってから実行してください。"
    )]
    HalfWritten {
        /// File name.
        file: String,
    },
}

impl Guard {
    /// Decides.
    ///
    /// # Errors
    /// [`Refusal`] says what a person must look at.
    pub fn judge(&self, extract: &Extract, now: &SnapshotStat, last: Option<&SnapshotStat>) -> Result<(), Refusal> {
        if let Some(origin) = extract.origins.iter().find(|o| o.half_written) {
            return Err(Refusal::HalfWritten {
                file: origin.name.clone(),
            });
        }
        if self.accepted {
            return Ok(());
        }
        if extract.charts == 0 {
            return Err(Refusal::Empty);
        }
        let Some(last) = last else { return Ok(()) };
        self.compare("患者", last.charts, extract.charts)?;
        for before in &last.kinds {
            let after = now.kinds.iter().find(|k| k.kind == before.kind).map_or(0, |k| k.used);
            self.compare(kind_label(before.kind), before.used, after)?;
        }
        Ok(())
    }

    fn compare(&self, what: &str, before: u64, now: u64) -> Result<(), Refusal> {
        // Below this many rows a percentage says nothing (two of three patients is a quiet day, not a broken export).
        const TOO_FEW: u64 = 20;
        let floor = before * u64::from(100 - self.shrink_percent.min(100)) / 100;
        if before >= TOO_FEW && now < floor {
            return Err(Refusal::Shrunken {
                what: what.to_owned(),
                before,
                now,
                percent: self.shrink_percent,
            });
        }
        Ok(())
    }
}

const fn kind_label(kind: DataKind) -> &'static str {
    match kind {
        DataKind::Patient => "患者基本情報",
        DataKind::Appointment => "予約",
        DataKind::Order => "検査予約",
        DataKind::Diagnosis => "病名",
        DataKind::Note => "診療録",
        DataKind::Prescription => "処方",
        DataKind::Allergy => "アレルギー・禁忌",
        DataKind::Result => "検査結果",
        DataKind::Profile => "患者プロファイル",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::KindCount;
    use crate::sources::Origin;

    fn extract(charts: u64) -> Extract {
        Extract {
            charts,
            ..Extract::default()
        }
    }

    fn stat(charts: u64, notes: u64) -> SnapshotStat {
        let kinds = vec![KindCount {
            kind: DataKind::Note,
            rows: notes,
            used: notes,
            refused: 0,
        }];
        SnapshotStat {
            charts,
            kinds,
            ..SnapshotStat::default()
        }
    }

    #[test]
    fn empty_shrunken_and_half_written_are_refused() {
        let guard = Guard::default();
        assert_eq!(guard.judge(&extract(0), &stat(0, 0), None), Err(Refusal::Empty));
        assert_eq!(guard.judge(&extract(600), &stat(600, 600), None), Ok(()));
        let last = stat(600, 600);
        assert_eq!(guard.judge(&extract(420), &stat(420, 600), Some(&last)), Ok(()));
        assert!(matches!(
            guard.judge(&extract(419), &stat(419, 600), Some(&last)),
            Err(Refusal::Shrunken { .. })
        ));
        let refusal = guard.judge(&extract(600), &stat(600, 0), Some(&last)).unwrap_err();
        assert!(
            refusal.to_string().contains("診療録が前回の 600 から 0 に減りました"),
            "{refusal}"
        );
        let accepted = Guard {
            accepted: true,
            ..guard
        };
        assert_eq!(accepted.judge(&extract(0), &stat(0, 0), Some(&last)), Ok(()));
        let half = Origin {
            name: "病名.csv".into(),
            kind: DataKind::Diagnosis,
            bytes: 1,
            rows: 1,
            used: 1,
            refused: 0,
            written: chart::Moment(0),
            half_written: true,
        };
        let half = Extract {
            charts: 600,
            origins: vec![half],
            ..Extract::default()
        };
        assert!(matches!(
            accepted.judge(&half, &stat(600, 600), None),
            Err(Refusal::HalfWritten { .. })
        ));
    }
}
