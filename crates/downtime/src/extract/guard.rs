//! The extract guard: what must not replace the last good snapshot.
//!
//! Empty, shrunken and half-written exports look like success to a copying program. Here they are refused, loudly, and
//! only a person can accept them after looking. A day is held against the last days of its weekday: a Sunday without patients
//! is no fault where Sundays have none, and a Monday is not excused by the Sunday before it.
//!
//! Inpatients are counted apart and ward by ward, against the last snapshot whatever its weekday: wards do not close on Sundays, and
//! a ward of forty that vanished from nine hundred people must not pass as a quiet day.
//!
//! Keeping what the last days held is deliberately the caller's work.

mod history;

use chart::DataKind;

use super::SnapshotStat;
use crate::sources::Extract;

pub use history::{History, HistoryFault};

/// How careful to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// Refuse when charts, or rows of any kind, shrink by more than this many percent.
    pub shrink_percent: u8,
    /// A person has looked and accepts an empty or shrunken extract (a holiday). Half-written files stay refused.
    pub accepted: bool,
    /// The last days. Where it knows no day of the same weekday, the last snapshot is compared with.
    pub history: History,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            shrink_percent: 30,
            accepted: false,
            history: History::default(),
        }
    }
}

/// Why an extract was refused, in words for the person who must decide.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No chart at all.
    #[error(
        "患者が一人もいません。書き出しが終わっているか、対象日が正しいかを確かめてください。休診日なら --accept を付けて実行してください（同じ曜日の休診は次から要りません）。"
    )]
    Empty,
    /// Far fewer than on the last comparable day.
    #[error(
        "{what}が{since}の {before} から {now} に減りました（許容 -{percent}%）。書き出しを確かめてください。正しければ --accept を付けて実行してください。"
    )]
    Shrunken {
        /// What shrank, in Japanese.
        what: String,
        /// What it was compared with, in Japanese.
        since: &'static str,
        /// Count on the day it was compared with.
        before: u64,
        /// Count now.
        now: u64,
        /// Allowed shrinkage.
        percent: u8,
    },
    /// A ward in which people lay has nobody left.
    #[error(
        "{ward} の入院患者が前回の {before} 人から 0 人になりました。入院の書き出しを確かめてください。病棟が閉じたのなら --accept を付けて実行してください。"
    )]
    WardVanished {
        /// The ward.
        ward: String,
        /// People in it last time.
        before: u64,
    },
    /// The EHR vouches for an earlier moment than last time: a backup was restored, or an old export lies in the folder.
    #[error(
        "データ時点が前回の {before} より古い {now} です。古い書き出しか、復元されたばかりの電子カルテかもしれません。確かめて、正しければ --accept を付けて実行してください。"
    )]
    Older {
        /// As-of time of the snapshot in use.
        before: String,
        /// As-of time of the extract.
        now: String,
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
        if let Some(last) = last {
            if now.as_of.at < last.as_of.at {
                return Err(Refusal::Older {
                    before: last.as_of.at.text(),
                    now: now.as_of.at.text(),
                });
            }
            self.wards(last, now)?;
        }
        let like = now.day.and_then(|day| self.history.like(day));
        if extract.charts == 0 && like.as_ref().is_none_or(|like| like.charts > 0) {
            return Err(Refusal::Empty);
        }
        let (since, before) = match (&like, last) {
            (Some(like), _) => (SAME_WEEKDAY, like),
            (None, Some(last)) => (LAST_TIME, last),
            (None, None) => return Ok(()),
        };
        let outside = |stat: &SnapshotStat| stat.charts.saturating_sub(stat.inpatients());
        self.compare(since, "入院していない患者", outside(before), outside(now))?;
        self.compare(since, "患者", before.charts, extract.charts)?;
        for before in &before.kinds {
            let after = now.kinds.iter().find(|k| k.kind == before.kind).map_or(0, |k| k.used);
            self.compare(since, kind_label(before.kind), before.used, after)?;
        }
        Ok(())
    }

    /// Every ward against the last snapshot.
    fn wards(&self, last: &SnapshotStat, now: &SnapshotStat) -> Result<(), Refusal> {
        self.compare(LAST_TIME, "入院患者", last.inpatients(), now.inpatients())?;
        for before in &last.wards {
            let after = now
                .wards
                .iter()
                .find(|ward| ward.code == before.code)
                .map_or(0, |ward| ward.people);
            if after == 0 && before.people >= WARD_IN_USE {
                return Err(Refusal::WardVanished {
                    ward: before.name.clone(),
                    before: before.people,
                });
            }
            self.compare(LAST_TIME, &format!("{} の入院患者", before.name), before.people, after)?;
        }
        Ok(())
    }

    fn compare(&self, since: &'static str, what: &str, before: u64, now: u64) -> Result<(), Refusal> {
        // Below this many rows a percentage says nothing (two of three patients is a quiet day, not a broken export).
        const TOO_FEW: u64 = 20;
        let floor = before * u64::from(100 - self.shrink_percent.min(100)) / 100;
        if before >= TOO_FEW && now < floor {
            return Err(Refusal::Shrunken {
                what: what.to_owned(),
                since,
                before,
                now,
                percent: self.shrink_percent,
            });
        }
        Ok(())
    }
}

/// A ward with fewer people may be empty the next day.
const WARD_IN_USE: u64 = 5;

const LAST_TIME: &str = "前回";
const SAME_WEEKDAY: &str = "同じ曜日（直近2回の多いほう）";

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
        DataKind::Insurance => "保険・公費",
        DataKind::Stay => "入院・病床の行",
        DataKind::Schedule => "与薬予定・注射",
        DataKind::Vital => "バイタル",
        DataKind::Handover => "申し送り",
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
            ..Guard::default()
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

    #[test]
    fn a_ward_that_vanished_is_refused_however_many_others_there_are() {
        let guard = Guard::default();
        let with = |charts: u64, wards: &[(&str, u64)]| SnapshotStat {
            wards: wards
                .iter()
                .map(|(name, people)| crate::extract::WardCount {
                    code: (*name).to_owned(),
                    name: (*name).to_owned(),
                    people: *people,
                })
                .collect(),
            ..stat(charts, charts)
        };
        let last = with(900, &[("5階東", 40), ("5階西", 38), ("ICU", 4)]);
        let judge = |now: &SnapshotStat| guard.judge(&extract(now.charts), now, Some(&last));
        assert_eq!(judge(&with(890, &[("5階東", 41), ("5階西", 30), ("ICU", 0)])), Ok(()));
        let refusal = judge(&with(860, &[("5階西", 38), ("ICU", 4), ("6階東", 30)])).unwrap_err();
        assert!(
            refusal.to_string().contains("5階東 の入院患者が前回の 40 人から 0 人"),
            "{refusal}"
        );
        let refusal = judge(&with(880, &[("5階東", 20), ("5階西", 38), ("ICU", 4), ("6階東", 20)])).unwrap_err();
        assert!(
            refusal.to_string().contains("5階東 の入院患者が前回の 40 から 20"),
            "{refusal}"
        );
        assert!(
            judge(&with(900, &[]))
                .unwrap_err()
                .to_string()
                .contains("入院患者が前回の 82 から 0")
        );
        // Nobody booked, and the beds full: the outpatients are missed all the same.
        let refusal = guard.judge(
            &extract(82),
            &with(82, &[("5階東", 40), ("5階西", 38), ("ICU", 4)]),
            Some(&last),
        );
        assert!(
            refusal
                .unwrap_err()
                .to_string()
                .contains("入院していない患者が前回の 818 から 0")
        );
    }

    #[test]
    fn a_day_is_held_against_its_weekday_and_not_against_the_day_before() {
        let friday = jiff::civil::date(2026, 11, 20);
        let on = |days: i64, charts| SnapshotStat {
            day: Some(friday.saturating_add(jiff::Span::new().days(days))),
            ..stat(charts, charts)
        };
        let mut guard = Guard::default();
        let judge =
            |guard: &Guard, now: &SnapshotStat, last: &SnapshotStat| guard.judge(&extract(now.charts), now, Some(last));
        // The first Sunday is refused until a person has looked; the next one is like it.
        assert_eq!(judge(&guard, &on(2, 0), &on(0, 600)), Err(Refusal::Empty));
        guard.history.remember(&on(2, 0));
        assert_eq!(judge(&guard, &on(9, 0), &on(8, 600)), Ok(()));
        // An empty Sunday does not excuse a broken Monday.
        guard.history.remember(&on(3, 600));
        let refusal = judge(&guard, &on(10, 200), &on(9, 0)).unwrap_err();
        assert!(
            refusal
                .to_string()
                .contains("患者が同じ曜日（直近2回の多いほう）の 600 から 200 に減りました"),
            "{refusal}"
        );
        assert_eq!(judge(&guard, &on(10, 0), &on(9, 0)), Err(Refusal::Empty));
        // A holiday that was accepted does not blunt the guard for the week after.
        guard.history.remember(&on(10, 0));
        assert!(judge(&guard, &on(17, 200), &on(16, 0)).is_err());
        assert_eq!(judge(&guard, &on(17, 590), &on(16, 0)), Ok(()));
    }
}
