//! Whether people know the way in: how many of those who are meant to work at a station have signed in there lately. Numbers only.

use chart::{Moment, StationCode};

use super::receipt::People;
use crate::identity::{Role, Scope, UserRecord, user_id};
use crate::shelf::Shelved;
use crate::stations::SignIns;

/// Seconds that count as lately: seven days.
pub const LATELY: i64 = 7 * 86_400;

/// The numbers of one station for its receipt.
#[must_use]
pub fn staff(shelved: &Shelved, code: StationCode, sign_ins: &SignIns, now: Moment) -> People {
    let roster = shelved.roster();
    let hospital = roster.hospital();
    let all: Vec<UserRecord> = shelved.users().filter(is_staff).collect();
    let (wards, departments) = roster.station(code).map_or((&[][..], &[][..]), |station| {
        (&station.wards[..], &station.departments[..])
    });
    let here = |user: &&UserRecord| match &user.scope {
        Scope::Wards(of) => of.iter().any(|ward| wards.contains(ward)),
        Scope::Departments(of) => of.iter().any(|department| departments.contains(department)),
        Scope::All | Scope::Nothing => false,
    };
    let own: Vec<&UserRecord> = all.iter().filter(here).collect();
    // Where nobody is meant for this ward in particular, everybody who is meant for all of them is.
    let meant: Vec<&UserRecord> = if own.is_empty() {
        all.iter().filter(|user| user.scope == Scope::All).collect()
    } else {
        own
    };
    let last = |user: &&&UserRecord| sign_ins.last(&user_id(&hospital, &user.staff_number));
    let lately = |at: Moment| (0..=LATELY).contains(&now.0.saturating_sub(at.0));
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    People {
        staff: count(meant.len()),
        lately: count(meant.iter().filter(|user| last(user).is_some_and(lately)).count()),
        never: count(meant.iter().filter(|user| last(user).is_none()).count()),
        last: sign_ins.newest(),
    }
}

/// A person with a place of their own: no envelope, no maintenance.
fn is_staff(user: &UserRecord) -> bool {
    !matches!(user.role, Role::BreakGlass | Role::Maintenance) && user.until.is_none()
}
