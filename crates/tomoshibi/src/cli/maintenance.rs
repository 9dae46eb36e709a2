//! `tomoshibi maintenance`: personal accounts for people who repair something, for hours, approved by the hospital, without any
//! patient's key; and the report of a day for signature (Q&A シQ-23).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chart::{EntryId, Moment};
use downtime::audit::{Book, Deed, Seen};
use downtime::identity::{Credentials, NewUser, Role, RosterUser, Scope, Sponsor, UserRecord};
use downtime::papers::{MaintenanceAccount, MaintenanceDay, Office, maintenance_report};
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::json;
use vault::slot::SlotCost;

use super::ConfigArg;
use super::audit::open_book;
use super::password::{SignInArgs, WithArgs};
use super::person::{self, Acting, SponsorArgs};
use crate::config::Config;
use crate::home::{Home, write_durably};
use crate::{clock, random, serving, trail};

/// Longest time of one account.
const MOST_HOURS: i64 = 4;

/// Parts of the note in the roster's history: ticket, company, hours.
const BETWEEN: &str = " / ";

/// Accounts for people who repair something.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi maintenance open --ticket T-2041 --number M01 --name 保守太郎 --company 架空システム --hours 4 --approved-by 9001\n  tomoshibi extract\n  tomoshibi maintenance close --number M01 --approved-by 9001\n  tomoshibi maintenance report --day 2026-11-20 --user 8001 --out reports\n\nAn account opens no patient's data, whoever approves it. It takes effect with the next sealing."
)]
pub struct Maintenance {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Opens an account for one person, one ticket and at most four hours.
    Open {
        /// Number of the ticket.
        #[arg(long)]
        ticket: String,
        /// Number of the account, such as `M01`.
        #[arg(long)]
        number: String,
        /// Name of the person.
        #[arg(long)]
        name: String,
        /// For whom they work.
        #[arg(long)]
        company: String,
        /// Hours, 1 to 4.
        #[arg(long, value_parser = clap::value_parser!(i64).range(1..=MOST_HOURS))]
        hours: i64,
        /// Staff number of the hospital's person who approves it and signs in for it.
        #[arg(long)]
        approved_by: String,
        /// File with the new account's password (15 characters or more); asked when absent.
        #[arg(long, value_name = "FILE")]
        new_password_file: Option<PathBuf>,
        #[command(flatten)]
        with: WithArgs,
    },
    /// Closes an account before its time is over.
    Close {
        /// Number of the account.
        #[arg(long)]
        number: String,
        /// Staff number of the hospital's person who closes it.
        #[arg(long)]
        approved_by: String,
        #[command(flatten)]
        with: WithArgs,
    },
    /// What maintenance did on one day: F27 to sign, and JSON. Only auditors and privacy officers can read the audit log.
    Report {
        /// The day, such as 2026-11-20.
        #[arg(long)]
        day: Date,
        /// Directory for the PDF and the JSON.
        #[arg(long)]
        out: PathBuf,
        #[command(flatten)]
        who: SignInArgs,
    },
}

impl Maintenance {
    /// Runs the command.
    ///
    /// # Errors
    /// When nobody of the hospital signs in, the account is somebody else's, or the roster cannot be written.
    pub fn run(&self) -> Result<ExitCode> {
        let config = self.config.read()?;
        let mut home = Home::open(&config)?;
        match &self.action {
            Action::Open {
                ticket,
                number,
                name,
                company,
                hours,
                approved_by,
                new_password_file,
                with,
            } => {
                let acting = approver(&home, number, approved_by, with)?;
                let password =
                    super::password::read(new_password_file.as_ref(), &format!("{number} の新しいパスワード"))?;
                let until = Moment(clock::now().0.saturating_add(hours * 3600));
                let record = UserRecord {
                    role: Role::Maintenance,
                    scope: Scope::Nothing,
                    until: Some(until),
                    purpose: [plain(ticket), plain(company)].join(BETWEEN),
                    ..UserRecord::named(number.trim(), name.trim())
                };
                let note = [plain(ticket), plain(company), hours.to_string()].join(BETWEEN);
                open(&mut home, &record, &password, &acting.sponsor(&note))?;
                tell(&home, &acting, &format!("{number} {name} を登録 {note}時間"))?;
                home.save_roster()?;
                say!(
                    "{number} {name} を {} まで登録しました（{ticket}）。患者データの鍵は持ちません",
                    until.text()
                );
                say!("使えるようになるのは次の封印からです。すぐ使うときは `tomoshibi extract` を実行してください");
            }
            Action::Close {
                number,
                approved_by,
                with,
            } => {
                let acting = approver(&home, number, approved_by, with)?;
                let user = home.roster.user(number);
                if user.is_none_or(|user| user.record.role != Role::Maintenance) {
                    bail!("{number} は保守の利用者ではありません。何も変えていません");
                }
                home.roster.disable_user(number, &acting.sponsor("closed"))?;
                tell(&home, &acting, &format!("{number} を閉じた"))?;
                home.save_roster()?;
                say!(
                    "{number} を閉じました。次の封印から開けません。すぐ効かせるには `tomoshibi extract` を実行してください"
                );
            }
            Action::Report { day, out, who } => {
                let acting = person::reader(&home, who)?;
                let key = acting
                    .unlocked
                    .audit
                    .as_ref()
                    .context("監査の記録を読む鍵がありません")?;
                let mut sighting = acting.sighting(&home, Deed::AuditRead);
                sighting.detail = format!("保守作業報告 {}", chart::date::iso(*day));
                trail::write(&home, vec![sighting])?;
                let report = report(&home, &open_book(&home, key)?, *day);
                let (pdf, touched) = write(&config, &home, &report, *day, out)?;
                say!(
                    "{} に書きました（保守の利用者 {} 人、患者 {touched} 人）",
                    pdf.display(),
                    report.accounts.len()
                );
                say!("内容を確かめ、4つの署名欄に署名してください");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Enrols the account, or opens the same person's account again for another ticket.
fn open(home: &mut Home, record: &UserRecord, password: &str, sponsor: &Sponsor<'_>) -> Result<()> {
    let number = record.staff_number.as_str();
    let opens = Credentials::Password(password);
    let mut rng = random::system();
    let Some(before) = home.roster.user(number).map(|user| user.record.clone()) else {
        let new = NewUser {
            record: record.clone(),
            opens,
        };
        return Ok(home.roster.enrol_user(&new, sponsor, SlotCost::STANDARD, &mut rng)?);
    };
    if before.role != Role::Maintenance || before.name != record.name {
        bail!(
            "{number} は {} さんの番号です。保守の利用者は人ごとに別の番号にしてください",
            before.name
        );
    }
    home.roster
        .reset_user(number, 0, &opens, sponsor, SlotCost::STANDARD, &mut rng)?;
    if let Some(user) = home.roster.users.iter_mut().find(|u| u.record.staff_number == number) {
        user.record.until = record.until;
        user.record.purpose.clone_from(&record.purpose);
        user.disabled = false;
    }
    Ok(())
}

/// An officer of the hospital, signed in, who is not the one who gets the account.
fn approver(home: &Home, number: &str, by: &str, with: &WithArgs) -> Result<Acting> {
    if number.trim() == by.trim() {
        bail!("承認する人と作業する人は別の人にしてください。何も変えていません");
    }
    let args = SponsorArgs {
        by: by.to_owned(),
        with: with.clone(),
    };
    person::officer(home, &args)
}

/// Written down before the roster changes.
fn tell(home: &Home, acting: &Acting, detail: &str) -> Result<()> {
    let mut sighting = acting.sighting(home, Deed::Maintained);
    detail.clone_into(&mut sighting.detail);
    trail::write(home, vec![sighting])
}

/// One part of a note: the separator belongs to us.
fn plain(text: &str) -> String {
    text.trim().replace('/', "／")
}

fn report(home: &Home, book: &Book, day: Date) -> MaintenanceDay {
    let midnight = |day: Date| Moment::from_local(day.at(0, 0, 0, 0));
    let (from, until) = (midnight(day), midnight(day.checked_add(1.day()).unwrap_or(day)));
    let accounts: Vec<MaintenanceAccount> = home
        .roster
        .users
        .iter()
        .filter(|user| user.record.role == Role::Maintenance)
        .flat_map(accounts)
        .filter(|a| a.opened < until && a.until >= from)
        .collect();
    let numbers: BTreeSet<&str> = home
        .roster
        .users
        .iter()
        .filter(|user| user.record.role == Role::Maintenance)
        .map(|user| user.record.staff_number.as_str())
        .collect();
    let about = |seen: &&Arc<Seen>| {
        let s = &seen.sighting;
        let theirs = s.by.role == Role::Maintenance.word() || numbers.contains(s.by.user.as_str());
        (from..until).contains(&s.at) && (theirs || s.deed == Deed::Maintained)
    };
    let deeds = book.all().filter(about).cloned().collect();
    MaintenanceDay {
        from,
        until,
        accounts,
        deeds,
        looked_through: book.len(),
        unreadable: book.unreadable(),
    }
}

/// Each time an account was opened, from the roster's history.
fn accounts(user: &RosterUser) -> Vec<MaintenanceAccount> {
    let mut all: Vec<MaintenanceAccount> = Vec::new();
    for change in &user.history {
        match change.what.as_str() {
            "enrolled" | "reset" => {
                let mut parts = change.note.split(BETWEEN);
                let mut part = || parts.next().unwrap_or_default().to_owned();
                let (ticket, company) = (part(), part());
                let hours = part().parse().unwrap_or(MOST_HOURS).min(MOST_HOURS);
                all.push(MaintenanceAccount {
                    number: user.record.staff_number.clone(),
                    name: user.record.name.clone(),
                    company,
                    ticket,
                    approved_by: change.by.clone(),
                    opened: change.at,
                    until: Moment(change.at.0.saturating_add(hours * 3600)),
                    closed: None,
                });
            }
            "disabled" => {
                if let Some(last) = all.last_mut().filter(|a| a.closed.is_none()) {
                    last.closed = Some(change.at);
                }
            }
            _ => {}
        }
    }
    all
}

fn write(config: &Config, home: &Home, report: &MaintenanceDay, day: Date, out: &Path) -> Result<(PathBuf, usize)> {
    std::fs::create_dir_all(out).with_context(|| format!("{} を作れません", out.display()))?;
    let office = Office {
        hospital: config.hospital.name.clone(),
        station: home.code,
        now: clock::now(),
        nth: 0,
    };
    let sheet = maintenance_report(report, &office);
    let stem = format!("maintenance-{}", chart::date::iso(day));
    let pdf = out.join(format!("{stem}.pdf"));
    write_durably(&pdf, &serving::press(config)?.sheet(&sheet)?.bytes)?;
    let patients = report.patients();
    let accounts: Vec<_> = report
        .accounts
        .iter()
        .map(|a| {
            json!({"number": a.number, "name": a.name, "company": a.company, "ticket": a.ticket, "approvedBy": a.approved_by,
                "opened": a.opened.iso(), "until": a.until.iso(), "closed": a.closed.map(Moment::iso)})
        })
        .collect();
    let deeds: Vec<_> = report
        .deeds
        .iter()
        .map(|seen| {
            let s = &seen.sighting;
            json!({"record": EntryId(seen.id).hex(), "at": s.at.iso(), "station": s.station.to_string(), "user": s.by.user,
                "deed": s.deed.word(), "patient": s.subject.number(), "outcome": s.outcome.word(), "detail": s.detail})
        })
        .collect();
    let touched: Vec<_> = patients
        .iter()
        .map(|p| json!({"patient": p.key, "times": p.times, "first": p.first.iso(), "last": p.last.iso()}))
        .collect();
    let whole = json!({
        "from": report.from.iso(), "until": report.until.iso(), "accounts": accounts, "records": deeds, "patients": touched,
        "lookedThrough": report.looked_through, "unreadable": report.unreadable,
    });
    write_durably(&out.join(format!("{stem}.json")), format!("{whole:#}\n").as_bytes())?;
    Ok((pdf, patients.len()))
}
