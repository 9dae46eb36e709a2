//! `tomoshibi user`: who may act. Enrolling, changing posts, new passwords and badges, disabling, the list to review.
//!
//! Every change is made by a named officer who signs in, is in the audit log before it is in the roster, and takes effect with
//! the next sealing; disabling takes effect at once where the hub is running. Envelopes and maintenance accounts have commands
//! of their own.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chart::Moment;
use downtime::audit::{Deed, Sighting};
use downtime::identity::{Role, Roster, RosterUser, Scope, UserRecord};
use serde_json::json;

use super::person::{Acting, SponsorArgs, officer};
use super::{ConfigArg, LOOK};
use crate::config::Config;
use crate::home::Home;
use crate::{clock, trail};

mod badge;
mod enrol;
mod import;

pub use badge::{BadgeArgs, office};

/// Enrols, changes, disables and lists users. Changes take effect with the next extract; disabling at once.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi user add --number 1001 --name 受付花子 --role reception --by 9001\n  tomoshibi user add --number 2101 --name 病棟望 --role 看護師 --scope ward:3E --badge --badge-out 2101.pdf --by 9001\n  tomoshibi user import staff.csv --out first.csv --by 9001\n  tomoshibi user reset --number 1001 --how '職員証と顔を見て確認' --by 9001\n  tomoshibi user disable --number 1001 --reason 退職 --by 9001\n  tomoshibi user review --days 365\n\nExit codes: 0 done, 1 nothing was changed, 3 done, but somebody must look."
)]
pub struct User {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Enrols a user. Who enrols passes on the keys that the role needs.
    Add {
        /// Staff number (職員番号).
        #[arg(long)]
        number: String,
        /// Name as shown.
        #[arg(long)]
        name: String,
        /// Occupation: a word (`nurse`) or its Japanese label (`看護師`).
        #[arg(long)]
        role: String,
        /// Whose charts: `all`, `nothing`, `dept:01,02` or `ward:3E`; the role's usual scope when absent.
        #[arg(long)]
        scope: Option<String>,
        #[command(flatten)]
        opens: BadgeArgs,
        #[command(flatten)]
        by: SponsorArgs,
    },
    /// Enrols everybody of a CSV file: 職員番号, 氏名, 職種, and optionally 範囲 and 仮パスワード (UTF-8 or CP932).
    Import {
        /// The file.
        file: PathBuf,
        /// New CSV file (owner only) with the passwords and badges that were made.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Make a continuity badge for everybody.
        #[arg(long)]
        badge: bool,
        /// One JSON object instead of words.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        by: SponsorArgs,
    },
    /// Lists users with scope, last review and state.
    List {
        /// One JSON object instead of words.
        #[arg(long)]
        json: bool,
    },
    /// Gives a user a new password and, with --badge, a new badge. The old ones open nothing of the next snapshot.
    Reset {
        /// Staff number.
        #[arg(long)]
        number: String,
        /// How the person's identity was checked.
        #[arg(long)]
        how: String,
        /// New occupation, where the new post reads what the old one did not.
        #[arg(long)]
        role: Option<String>,
        /// New scope.
        #[arg(long)]
        scope: Option<String>,
        #[command(flatten)]
        opens: BadgeArgs,
        #[command(flatten)]
        by: SponsorArgs,
    },
    /// Ends an account: running stations refuse it within seconds, later snapshots are not sealed for it. For good.
    Disable {
        /// Staff number.
        #[arg(long)]
        number: String,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: SponsorArgs,
    },
    /// Changes occupation or scope because the post changed.
    Change {
        /// Staff number.
        #[arg(long)]
        number: String,
        /// New occupation.
        #[arg(long)]
        role: Option<String>,
        /// New scope; the new role's usual scope when only the role changes.
        #[arg(long)]
        scope: Option<String>,
        /// Why.
        #[arg(long, default_value = "異動")]
        reason: String,
        #[command(flatten)]
        by: SponsorArgs,
    },
    /// Lists accounts that nobody has looked at for long, or marks accounts as looked at.
    Review {
        /// Accounts not changed or reviewed for so many days; from the configuration when absent.
        #[arg(long)]
        days: Option<u16>,
        /// Marks this account as looked at and found right (may be repeated); needs --by.
        #[arg(long, value_name = "NUMBER")]
        mark: Vec<String>,
        /// What was found.
        #[arg(long, default_value = "見直し")]
        note: String,
        /// Staff number of the officer who looked.
        #[arg(long, value_name = "NUMBER")]
        by: Option<String>,
        #[command(flatten)]
        with: super::password::WithArgs,
        /// One JSON object instead of words.
        #[arg(long)]
        json: bool,
    },
}

impl User {
    /// Runs the command.
    ///
    /// # Errors
    /// When the roster cannot be read or written, the sign-in fails, or the audit log cannot be written.
    pub fn run(&self) -> Result<ExitCode> {
        let config = self.config.read()?;
        let mut home = Home::open(&config)?;
        match &self.action {
            Action::Add {
                number,
                name,
                role,
                scope,
                opens,
                by,
            } => {
                let record = record(number, name, role, scope.as_deref())?;
                enrol::add(&config, &mut home, record, opens, by)?;
            }
            Action::Import {
                file,
                out,
                badge,
                json,
                by,
            } => {
                let order = import::Import {
                    file,
                    out,
                    badge: *badge,
                    json: *json,
                };
                return order.run(&config, &mut home, by);
            }
            Action::List { json } => list(&home, *json),
            Action::Reset {
                number,
                how,
                role,
                scope,
                opens,
                by,
            } => {
                let post = (role.as_deref(), scope.as_deref());
                enrol::reset(&config, &mut home, (number, how), post, opens, by)?;
            }
            Action::Disable { number, reason, by } => disable(&mut home, number, reason, by)?,
            Action::Change {
                number,
                role,
                scope,
                reason,
                by,
            } => change_post(&mut home, number, (role.as_deref(), scope.as_deref()), reason, by)?,
            Action::Review {
                days,
                mark,
                note,
                by,
                with,
                json,
            } => {
                if mark.is_empty() {
                    let days = days.unwrap_or(config.identity.review_days);
                    return Ok(due(&config, &home, days, *json));
                }
                let by = by
                    .clone()
                    .context("--mark には --by（見直した人の職員番号）が要ります")?;
                let by = SponsorArgs { by, with: with.clone() };
                review(&mut home, mark, note, &by)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A record as the arguments say it.
fn record(number: &str, name: &str, role: &str, scope: Option<&str>) -> Result<UserRecord> {
    let role = occupation(role)?;
    Ok(UserRecord {
        role,
        scope: scope.map_or_else(|| Ok(role.usual_scope()), scope_of)?,
        ..UserRecord::named(number.trim(), name.trim())
    })
}

/// An occupation that people of the hospital may have.
fn occupation(word: &str) -> Result<Role> {
    let role = Role::parse(word.trim()).with_context(|| {
        let all: Vec<String> = Role::ALL
            .iter()
            .map(|r| format!("{}（{}）", r.word(), r.label()))
            .collect();
        format!("職種 {word} はありません。どれかにしてください: {}", all.join("、"))
    })?;
    match role {
        Role::BreakGlass => bail!("緊急封筒は `tomoshibi envelope make` で作ります"),
        Role::Maintenance => bail!("保守の利用者は `tomoshibi maintenance open` で作ります（作業票ごと、4時間まで）"),
        role => Ok(role),
    }
}

fn scope_of(text: &str) -> Result<Scope> {
    Scope::parse(text)
        .with_context(|| format!("範囲 {text} を読めません。all、nothing、dept:01,02、ward:3E のどれかです"))
}

/// Changes the roster: tried in memory, written into the audit log, then saved. What cannot be written down is not done.
pub fn commit(home: &mut Home, roster: Roster, sightings: Vec<Sighting>) -> Result<()> {
    trail::write(home, sightings.clone()).context("名簿は変えていません")?;
    let before = std::mem::replace(&mut home.roster, roster);
    if let Err(fault) = home.save_roster() {
        home.roster = before;
        for mut sighting in sightings {
            sighting.outcome = downtime::audit::Outcome::Failed;
            trail::note(home, sighting);
        }
        return Err(fault);
    }
    Ok(())
}

/// A sighting of a change of one user.
pub fn changed(home: &Home, acting: &Acting, deed: Deed, user: &UserRecord, note: &str) -> Sighting {
    let mut sighting = acting.sighting(home, deed);
    sighting.detail = format!(
        "{} {}（{}・{}）",
        user.staff_number,
        user.name,
        user.role.label(),
        user.scope.text()
    );
    note.trim().clone_into(&mut sighting.reason);
    sighting
}

/// Somebody whose account these commands may change: no envelope, nobody who is disabled, not the officer themselves.
fn somebody<'a>(home: &'a Home, number: &str, by: &str) -> Result<&'a RosterUser> {
    let number = number.trim();
    let user = home
        .roster
        .user(number)
        .with_context(|| format!("職員番号 {number} は名簿にありません"))?;
    if number == by.trim() {
        bail!("自分の登録は変えられません。もう一人の担当者が行ってください。何も変えていません");
    }
    if user.record.role == Role::BreakGlass {
        bail!("{number} は緊急封筒です。`tomoshibi envelope` を使ってください");
    }
    if user.disabled {
        bail!("{number} は停止しました。停止した番号は、どの端末でも二度と開けません。新しい番号で登録してください");
    }
    Ok(user)
}

fn disable(home: &mut Home, number: &str, reason: &str, by: &SponsorArgs) -> Result<()> {
    somebody(home, number, &by.by)?;
    if reason.trim().is_empty() {
        bail!("--reason に理由を書いてください。何も変えていません");
    }
    let acting = officer(home, by)?;
    let mut roster = home.roster.clone();
    roster.disable_user(number.trim(), &acting.sponsor(reason))?;
    let record = &somebody(home, number, &by.by)?.record;
    let sighting = changed(home, &acting, Deed::Disabled, record, reason);
    commit(home, roster, vec![sighting])?;
    say!("{number} を止めました。動いている hub は数秒で全端末に知らせ、どの端末でもサインインできなくなります");
    say!("hub が止まっているときは、起動したときに知らせます。次の取り出し（tomoshibi extract）からは封も開きません");
    Ok(())
}

fn change_post(
    home: &mut Home,
    number: &str,
    (role, scope): (Option<&str>, Option<&str>),
    reason: &str,
    by: &SponsorArgs,
) -> Result<()> {
    if role.is_none() && scope.is_none() {
        bail!("--role か --scope を指定してください");
    }
    let user = somebody(home, number, &by.by)?;
    let new = role.map_or(Ok(user.record.role), occupation)?;
    let scope = match (scope, role) {
        (Some(scope), _) => scope_of(scope)?,
        (None, Some(_)) => new.usual_scope(),
        (None, None) => user.record.scope.clone(),
    };
    let acting = officer(home, by)?;
    let mut roster = home.roster.clone();
    roster.change_post(number.trim(), new, scope, &acting.sponsor(reason))?;
    let record = roster.user(number.trim()).context("名簿")?.record.clone();
    let sighting = changed(home, &acting, Deed::Granted, &record, reason);
    commit(home, roster, vec![sighting])?;
    say!(
        "{number} を {}・{} に変えました。次の取り出しから効きます",
        record.role.label(),
        record.scope.text()
    );
    Ok(())
}

fn review(home: &mut Home, numbers: &[String], note: &str, by: &SponsorArgs) -> Result<()> {
    for number in numbers {
        somebody(home, number, &by.by)?;
    }
    let acting = officer(home, by)?;
    let mut roster = home.roster.clone();
    let mut sightings = Vec::new();
    for number in numbers {
        roster.review_user(number.trim(), &acting.sponsor(note))?;
        let record = &somebody(home, number, &by.by)?.record;
        let mut sighting = changed(home, &acting, Deed::Granted, record, note);
        sighting.detail = format!("見直し {}", sighting.detail);
        sightings.push(sighting);
    }
    commit(home, roster, sightings)?;
    say!("{} 人を見直し済みにしました", numbers.len());
    Ok(())
}

/// When somebody last looked at an account, as text.
fn looked_at(user: &RosterUser) -> String {
    user.last_looked_at().map(Moment::text).unwrap_or_default()
}

fn described(user: &RosterUser) -> serde_json::Value {
    let record = &user.record;
    json!({"number": record.staff_number, "name": record.name, "role": record.role.word(), "scope": record.scope.text(), "badge": record.badge != 0, "looked_at": looked_at(user), "disabled": user.disabled})
}

fn list(home: &Home, json: bool) {
    if json {
        let all: Vec<_> = home.roster.users.iter().map(described).collect();
        say!("{}", json!({"users": all}));
        return;
    }
    say!("職員番号\t氏名\t職種\t範囲\tバッジ\t最後の確認\t状態");
    home.roster.users.iter().for_each(line);
}

fn line(user: &RosterUser) {
    let record = &user.record;
    say!(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}",
        record.staff_number,
        record.name,
        record.role.label(),
        record.scope.text(),
        if record.badge == 0 { "なし" } else { "あり" },
        looked_at(user),
        if user.disabled { "停止" } else { "有効" }
    );
}

/// Accounts that are due for review. Envelopes and maintenance have their own lists.
fn due(config: &Config, home: &Home, days: u16, json: bool) -> ExitCode {
    let before = clock::now().0 - i64::from(days) * 86_400;
    let mut due: Vec<&RosterUser> = home
        .roster
        .users
        .iter()
        .filter(|u| !u.disabled && !matches!(u.record.role, Role::BreakGlass | Role::Maintenance))
        .filter(|u| u.last_looked_at().is_none_or(|at| at.0 <= before))
        .collect();
    due.sort_by_key(|user| user.last_looked_at());
    if json {
        let all: Vec<_> = due.iter().map(|user| described(user)).collect();
        say!("{}", json!({"days": days, "due": all}));
    } else if due.is_empty() {
        say!(
            "{days} 日より長く見直していない利用者はありません（{}）",
            config.hospital.name
        );
    } else {
        say!("{days} 日以上、変更も見直しもない利用者 {} 人:", due.len());
        due.iter().for_each(|user| line(user));
        say!("確かめたら: tomoshibi user review --mark 番号 --by 自分の番号");
    }
    if due.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(LOOK)
    }
}
