//! `tomoshibi user`: enrolling, listing and disabling users at the hub. Takes effect with the next sealing.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use downtime::identity::{NewUser, Role, unlock};
use vault::slot::SlotCost;

use super::ConfigArg;
use crate::home::Home;
use crate::random;

/// Enrols, lists and disables users. Changes take effect with the next extract.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tomoshibi user add --number 1001 --name 受付花子 --role reception --by 9001")]
pub struct User {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Enrols a user. An enrolled user must sign in to pass the journal's key on.
    Add {
        /// Staff number (職員番号).
        #[arg(long)]
        number: String,
        /// Name as shown.
        #[arg(long)]
        name: String,
        /// reception, physician or informatics.
        #[arg(long)]
        role: String,
        /// File with the new user's password; asked when absent.
        #[arg(long, value_name = "FILE")]
        new_password_file: Option<PathBuf>,
        /// Staff number of the enrolled user who passes the key on.
        #[arg(long)]
        by: String,
        /// File with that user's password; asked when absent.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Lists users.
    List,
    /// Leaves a user out of every later snapshot.
    Disable {
        /// Staff number.
        #[arg(long)]
        number: String,
    },
}

impl User {
    /// Runs the command.
    ///
    /// # Errors
    /// When the roster cannot be read or written, or the sign-in fails.
    pub fn run(&self) -> Result<ExitCode> {
        let mut home = Home::open(&self.config.read()?)?;
        match &self.action {
            Action::List => {
                for user in &home.roster.users {
                    let state = if user.disabled { "停止" } else { "有効" };
                    say!(
                        "{}\t{}\t{}\t{state}",
                        user.record.staff_number,
                        user.record.name,
                        user.record.role.label()
                    );
                }
            }
            Action::Disable { number } => {
                let user = home.roster.users.iter_mut().find(|u| u.record.staff_number == *number);
                user.with_context(|| format!("職員番号 {number} は名簿にありません"))?
                    .disabled = true;
                home.save_roster()?;
                say!(
                    "{number} を止めました。次の取り出し（tomoshibi extract）から開けません。すぐに効かせるには今すぐ extract してください"
                );
            }
            Action::Add {
                number,
                name,
                role,
                new_password_file,
                by,
                password_file,
            } => {
                let role = Role::parse(role)
                    .with_context(|| format!("--role は reception, physician, informatics のどれかです: {role}"))?;
                let sponsor = home
                    .roster
                    .users
                    .iter()
                    .find(|u| u.record.staff_number == *by && !u.disabled)
                    .with_context(|| format!("職員番号 {by} は名簿にありません"))?;
                let password = super::password::read(password_file.as_ref(), &format!("{by} のパスワード"))?;
                let unlocked = unlock(&home.roster.hospital(), &sponsor.record, &[sponsor.slot()?], &password)?;
                let password =
                    super::password::read(new_password_file.as_ref(), &format!("{number} の新しいパスワード"))?;
                let new = NewUser {
                    staff_number: number,
                    name,
                    role,
                    password: &password,
                };
                home.roster
                    .enrol_user(&new, &unlocked.journal, SlotCost::STANDARD, &mut random::system())?;
                home.save_roster()?;
                say!(
                    "{number} {name}（{}）を登録しました。次の取り出しから使えます",
                    role.label()
                );
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
