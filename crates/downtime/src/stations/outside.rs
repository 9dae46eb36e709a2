//! What happens to a station from outside its screens: the roster on the hub's disk disables somebody; a command asks what was
//! remembered of audit logs. Nobody is signed in here and nothing is opened.

use std::path::Path;
use std::sync::Arc;

use chart::{Act, Author, Entry, Subject};
use vault::HospitalId;
use vault::checkpoint::SignedCheckpoint;
use vault::files::Files;

use super::Station;
use super::witness::Witnesses;
use crate::identity::{Role, Roster, RosterUser};
use crate::journal::NotSaved;

impl Station {
    /// Announces accounts that the roster has disabled and no entry says so yet: every station that hears it refuses them.
    /// Envelopes are left out, they end by themselves. Gives how many were announced; blocks until they are durable.
    ///
    /// # Errors
    /// [`NotSaved`]: those before it are announced.
    pub fn announce_disabled(&self, roster: &Roster) -> Result<usize, NotSaved> {
        let mut announced = 0;
        for user in roster.users.iter().filter(|user| user.disabled) {
            let number = &user.record.staff_number;
            if user.record.role == Role::BreakGlass || self.is_disabled(number) {
                continue;
            }
            let (by, reason) = disabled_by(roster, user);
            self.keeper.keep_and_wait(Entry {
                by,
                written_at: self.now(),
                station: self.code,
                subject: Subject::Hospital,
                act: Act::UserDisabled {
                    user: number.clone(),
                    reason,
                },
            })?;
            announced += 1;
        }
        Ok(announced)
    }
}

/// Who disabled an account, and why, by its history.
fn disabled_by(roster: &Roster, user: &RosterUser) -> (Author, String) {
    let change = user.history.iter().rev().find(|change| change.what == "disabled");
    let Some(change) = change else {
        return (Author::default(), String::new());
    };
    let by = roster.user(&change.by).map(|by| Author {
        user: by.record.staff_number.clone(),
        name: by.record.name.clone(),
        role: by.record.role.word().to_owned(),
    });
    let by = by.unwrap_or_else(|| Author {
        user: change.by.clone(),
        ..Author::default()
    });
    (by, change.note.clone())
}

/// What a station remembers of its own and of others' audit logs, read from its files without starting it.
#[must_use]
pub fn remembered_checkpoints(files: Arc<dyn Files>, data: &Path, hospital: &HospitalId) -> Vec<SignedCheckpoint> {
    Witnesses::open(files, data, hospital).all()
}
