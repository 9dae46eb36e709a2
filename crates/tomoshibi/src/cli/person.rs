//! Who acts at the keyboard: signing in for a command that opens patients, and for one that changes who may.
//!
//! The same as at a desk: keys open or they do not, a disabled or expired account opens nothing, and the sign-in is in the
//! audit log before anything else happens. Failed attempts are written down; they are not delayed, because whoever can run
//! these commands can also copy the files.

use anyhow::{Context, Result, bail};
use chart::{Author, Entry, Subject};
use downtime::audit::{Deed, Method, Outcome, Sighting};
use downtime::identity::{Credentials, Role, SignInFault, Sponsor, Unlocked, unlock};
use downtime::journal::recorded;
use downtime::shelf::Opened;
use downtime::stations::method;
use downtime::view::Day;
use vault::files::Disk;
use vault::journal::{RecordLog, read_journal};

use super::password::{SignInArgs, WithArgs};
use crate::home::Home;
use crate::{clock, trail};

/// Who carries out a change of the roster: an informatics or a privacy officer of this hospital.
#[derive(Debug, Clone, clap::Args)]
pub struct SponsorArgs {
    /// Staff number of the officer who does this.
    #[arg(long, value_name = "NUMBER")]
    pub by: String,
    #[command(flatten)]
    pub with: WithArgs,
}

/// Somebody who is signed in.
pub struct Acting {
    /// What their sign-in holds.
    pub unlocked: Unlocked,
    /// How they came in.
    pub method: Method,
}

/// Somebody who is signed in, with the snapshot they can open.
pub struct Entered {
    /// Who.
    pub acting: Acting,
    /// What they can open.
    pub opened: Opened,
}

impl Acting {
    /// Who.
    #[must_use]
    pub const fn author(&self) -> &Author {
        &self.unlocked.author
    }

    /// What they can pass on, and why.
    #[must_use]
    pub fn sponsor<'a>(&'a self, note: &'a str) -> Sponsor<'a> {
        Sponsor {
            user: &self.unlocked.author.user,
            journal: self.unlocked.journal.as_deref(),
            audit: self.unlocked.audit.as_deref(),
            at: clock::now(),
            note,
        }
    }

    /// A sighting of what they do, about nobody in particular.
    #[must_use]
    pub fn sighting(&self, home: &Home, deed: Deed) -> Sighting {
        trail::sighting(home, self.author(), self.method, deed)
    }
}

/// Signs in to open patients; `verb` is what the role must allow.
///
/// # Errors
/// When there is no snapshot, nothing opens, the account may not do this, or it cannot be written down.
pub fn enter(home: &Home, who: &SignInArgs, verb: u32) -> Result<Entered> {
    let shelf = home.shelf()?;
    let shelved = shelf
        .current()
        .context("棚に開ける封印済みデータがありません。`tomoshibi extract` を実行してください")?;
    let brought = who.with.read(&who.user)?;
    let credentials = brought.credentials();
    let opened = shelved.sign_in(&who.user, &credentials);
    let (unlocked, opened) = opened.inspect_err(|fault| refused(home, &who.user, &credentials, fault))?;
    let acting = admitted(home, unlocked, &who.user, &credentials)?;
    let state = shelved.state();
    let declared = open_entries(home)?.declaration(clock::now()).is_some();
    if let Some(hours) = downtime::state::too_old(clock::now(), state.sealed_at, declared) {
        return Err(SignInFault::TooOld(hours).into());
    }
    if acting.unlocked.role.verbs() & verb != verb {
        let mut sighting = acting.sighting(home, Deed::SignedIn);
        sighting.outcome = Outcome::Refused;
        trail::note(home, sighting);
        bail!(
            "{}（{}）にはこの操作の権限がありません。何も開いていません",
            acting.author().user,
            acting.unlocked.role.label()
        );
    }
    trail::write(home, vec![acting.sighting(home, Deed::SignedIn)])?;
    Ok(Entered { acting, opened })
}

/// Signs in an informatics or privacy officer by the hub's roster, to change who may act.
///
/// # Errors
/// When nothing opens or the account is neither.
pub fn officer(home: &Home, args: &SponsorArgs) -> Result<Acting> {
    let roles = [Role::Informatics, Role::PrivacyOfficer];
    by_roster(home, &args.by, &args.with, &roles, "医療情報担当か個人情報保護責任者")
}

/// Signs in somebody who reads the audit log: by the hub's roster, elsewhere by the snapshot.
///
/// # Errors
/// When nothing opens or the account reads no audit log.
pub fn reader(home: &Home, who: &SignInArgs) -> Result<Acting> {
    let (roles, words) = ([Role::PrivacyOfficer, Role::Auditor], "個人情報保護責任者か監査");
    if home.roster.user(&who.user).is_some() {
        return by_roster(home, &who.user, &who.with, &roles, words);
    }
    let entered = enter(home, who, 0)?;
    if !roles.contains(&entered.acting.unlocked.role) {
        bail!("この操作は{words}だけができます");
    }
    Ok(entered.acting)
}

fn by_roster(home: &Home, number: &str, with: &WithArgs, roles: &[Role], words: &str) -> Result<Acting> {
    let brought = with.read(number)?;
    let credentials = brought.credentials();
    let unlocked = match home.roster.user(number) {
        Some(user) => unlock(&home.roster.hospital(), &user.record, &[user.slot()?], &credentials),
        None => Err(SignInFault::Refused),
    };
    let unlocked = unlocked.inspect_err(|fault| refused(home, number, &credentials, fault))?;
    let acting = admitted(home, unlocked, number, &credentials)?;
    if !roles.contains(&acting.unlocked.role) {
        bail!("この操作は{words}だけができます。何も変えていません");
    }
    Ok(acting)
}

/// Whether an account whose keys opened may still act.
fn admitted(home: &Home, unlocked: Unlocked, number: &str, credentials: &Credentials<'_>) -> Result<Acting> {
    let number = number.trim();
    let on_paper = home.roster.user(number).is_some_and(|user| user.disabled);
    let announced = open_entries(home)?.is_disabled(number);
    let expired = unlocked.until.is_some_and(|until| clock::now() >= until);
    if on_paper || announced || expired {
        refused(home, number, credentials, &SignInFault::Refused);
        return Err(SignInFault::Refused.into());
    }
    Ok(Acting {
        method: method(unlocked.brought),
        unlocked,
    })
}

fn refused(home: &Home, number: &str, credentials: &Credentials<'_>, fault: &SignInFault) {
    if matches!(fault, SignInFault::Refused) {
        let nobody = Author {
            user: number.chars().take(64).collect(),
            ..Author::default()
        };
        let mut sighting = trail::sighting(home, &nobody, method(credentials.suit()), Deed::SignedIn);
        sighting.outcome = Outcome::Refused;
        trail::note(home, sighting);
    }
}

/// The entries that every station may read with nobody signed in: declarations, envelopes, disabled accounts.
///
/// # Errors
/// When the journals cannot be read.
pub fn open_entries(home: &Home) -> Result<Day> {
    let (hospital, id) = (home.roster.hospital(), home.roster.station_id(home.code));
    let stations = home.stations()?;
    let own = read_journal(&Disk, &home.data.join("journal"), &hospital, &id, &home.secret.public())
        .context("この端末の記録を読めません")?;
    let heard = RecordLog::read(&Disk, &home.data.join("peers"), &hospital, &id, &stations)
        .context("ほかの端末の記録を読めません")?;
    let mut day = Day::default();
    day.add(own.records.iter().chain(&heard.records).filter_map(|record| {
        let entry = Entry::from_bytes(record.open_payload()?).ok()?;
        Some(recorded(record, entry))
    }));
    Ok(day)
}

/// A sighting for each patient among these, and one for the whole: who asks later about one patient finds it.
#[must_use]
pub fn about_each<'a>(whole: Sighting, subjects: impl IntoIterator<Item = &'a Subject>) -> Vec<Sighting> {
    let mut all: Vec<Sighting> = subjects
        .into_iter()
        .filter(|subject| **subject != Subject::Hospital)
        .map(|subject| Sighting {
            subject: subject.clone(),
            count: 1,
            ..whole.clone()
        })
        .collect();
    all.push(whole);
    all
}
