//! Which signed manifest may be fetched at all: newer than what was ever here, of this hospital, and of a day that can be.
//!
//! The attacks are those of The Update Framework, §1.5.2. A signature says who made a snapshot, not when it is shown: an old one is as
//! well signed as a new one. Whether its bytes are right is deliberately not asked here.

use chart::Moment;
use vault::HospitalId;
use vault::shelf_slots::{Identity, Water};
use vault::snapshot::{MAX_DELTAS, Manifest};

/// Numbers of epochs that belong to one day, counted from 2020-01-01.
pub const EPOCHS_A_DAY: u64 = 16;

const FIRST_DAY: i64 = 18_262; // 2020-01-01 in days since 1970
const DAYS_AHEAD: u64 = 2;
/// A hub that is restarted often uses up more numbers than its days have: so many beyond the newest that was here are let pass.
const EPOCHS_AHEAD: u64 = 32;
/// A clock that is behind the sealer's by less is not called wrong.
const BEHIND_SECONDS: i64 = 120;

/// What this station knows before it asks.
#[derive(Debug, Clone, Copy)]
pub struct Admission {
    /// Whose station.
    pub hospital: HospitalId,
    /// The snapshot in use.
    pub in_use: Option<Identity>,
    /// The newest that was ever in use, and the latest time a sealer vouched for.
    pub water: Option<Water>,
}

/// Why a well signed manifest is not followed. The snapshot in use stays in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Another hospital's.
    #[error("ほかの病院の封印済みデータです。取り込みません")]
    Elsewhere,
    /// The same as here, or older.
    #[error("いまの封印済みデータより新しくありません")]
    NotNewer,
    /// Older than one that was in use here.
    #[error(
        "前にこの端末にあったものより古い封印済みデータが差し出されました。取り込みません。情報担当者に伝えてください"
    )]
    Rollback,
    /// Another snapshot under a number that was already used.
    #[error("同じ番号の、内容の違う封印済みデータが差し出されました。取り込みません。情報担当者に伝えてください")]
    Forked,
    /// A number far ahead of the calendar: after it no honest one would count as newer.
    #[error("番号が日付より大きく進んだ封印済みデータが差し出されました。取り込みません。情報担当者に伝えてください")]
    FastForward,
    /// More deltas than an epoch has.
    #[error("差分の番号が上限を超えています。取り込みません")]
    TooManyDeltas,
}

/// What people must know about a manifest that is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warning {
    /// It was made at a time that this station's clock has not come to.
    ClockBehind {
        /// By so many minutes.
        minutes: i64,
    },
    /// It has already run out.
    RunOut {
        /// When.
        at: Moment,
    },
}

/// Decides about a manifest a trusted sealer signed.
///
/// # Errors
/// [`Refused`].
pub fn judge(manifest: &Manifest, here: &Admission, now: Moment) -> Result<Vec<Warning>, Refused> {
    let offered = Identity::from(manifest);
    let place = |identity: &Identity| (identity.epoch, identity.delta);
    if manifest.hospital != here.hospital {
        return Err(Refused::Elsewhere);
    }
    if manifest.delta > MAX_DELTAS {
        return Err(Refused::TooManyDeltas);
    }
    let forks = |known: &Identity| place(known) == place(&offered) && *known != offered;
    let known = [here.in_use, here.water.map(|water| water.identity)];
    if known.iter().flatten().any(forks) {
        return Err(Refused::Forked);
    }
    if here.in_use.is_some_and(|in_use| place(&offered) <= place(&in_use)) {
        return Err(Refused::NotNewer);
    }
    if here.water.is_some_and(|water| water.is_above(&offered)) {
        return Err(Refused::Rollback);
    }
    let told = here.water.map(|water| Moment(water.told));
    // Where nothing was ever told, the sealer's own time is all there is.
    let latest = told.map_or_else(|| now.max(Moment(manifest.created)), |told| now.max(told));
    let by_day = first_epoch_of(latest).saturating_add((DAYS_AHEAD + 1) * EPOCHS_A_DAY);
    let by_number = known.iter().flatten().map(|known| known.epoch).max();
    let limit = by_number.map_or(by_day, |known| by_day.max(known.saturating_add(EPOCHS_AHEAD + 1)));
    if offered.epoch >= limit {
        return Err(Refused::FastForward);
    }
    let mut warnings = Vec::new();
    if now.0.saturating_add(BEHIND_SECONDS) < manifest.created {
        let minutes = Moment(manifest.created).minutes_since(now);
        warnings.push(Warning::ClockBehind { minutes });
    }
    if latest.0 > manifest.fresh_until {
        let at = Moment(manifest.fresh_until);
        warnings.push(Warning::RunOut { at });
    }
    Ok(warnings)
}

/// The first number of the day.
fn first_epoch_of(moment: Moment) -> u64 {
    let days = (moment.0.div_euclid(86_400) - FIRST_DAY).max(0);
    u64::try_from(days).unwrap_or(0).saturating_mul(EPOCHS_A_DAY)
}
