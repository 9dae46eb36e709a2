//! `tomoshibi print`: what is carried away from here. `pack` makes the morning's paper, `blank` numbered sheets for the hand, `sheet` a
//! paper of the office from a file, `lifeboat` the copy that opens in a browser when nothing of ours runs, `shred` destroys packs and
//! lifeboats when their time is over.
//!
//! Whoever is on it is in the audit log before the first chart opens. Printers are deliberately not driven from here.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chart::Subject;
use downtime::audit::Deed;
use downtime::forms::{Department, departments};
use downtime::identity::verb;
use jiff::civil::Date;

use super::password::{SignInArgs, WithArgs};
use super::person::{Entered, about_each, enter};
use super::{ConfigArg, LOOK};
use crate::home::Home;
use crate::trail;

mod blank;
mod contents;
mod contract;
mod lifeboat;
mod numbers;
mod pack;
mod sheet;
mod shred;

/// Paper without a screen, and what opens without us.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tomoshibi print pack --user 9001 --password-file pw.txt --out paper\n  tomoshibi print blank --form F22 --form F04 --count 20 --department 01 --user 9001 --out paper\n  tomoshibi print sheet cards/reception.toml --out card.pdf\n  tomoshibi print lifeboat --user 9001 --out /media/stick\n  tomoshibi print shred paper --user 9001 --witness 1001 --yes\n\nThe PDFs hold patients' data in the clear: print, then shred."
)]
pub struct Print {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Every department's list (F13) and chart sheets (F02), one PDF per department, with pages and minutes.
    Pack {
        #[command(flatten)]
        who: SignInArgs,
        /// Directory for the PDFs.
        #[arg(long)]
        out: PathBuf,
        /// Only the department with this code.
        #[arg(long)]
        department: Option<String>,
        /// One PDF per sheet instead of one per department.
        #[arg(long)]
        split: bool,
        /// Pages that the printer prints in a minute; that of the configuration when absent.
        #[arg(long, value_name = "PAGES", value_parser = clap::value_parser!(u16).range(1..=1000))]
        per_minute: Option<u16>,
        /// One JSON object instead of words.
        #[arg(long)]
        json: bool,
    },
    /// Blank numbered sheets to write on by hand, one PDF for each form: kept in a sealed box, counted when they come back.
    Blank {
        #[command(flatten)]
        who: SignInArgs,
        /// Form such as F04; may come several times.
        #[arg(long = "form", value_name = "CODE", required = true)]
        forms: Vec<String>,
        /// Sheets of each form.
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=i64::from(numbers::MAX_BLANKS)))]
        count: u16,
        /// Code of the department for which they are made; written by hand when absent.
        #[arg(long)]
        department: Option<String>,
        /// Directory for the PDFs.
        #[arg(long)]
        out: PathBuf,
        /// One JSON object instead of words.
        #[arg(long)]
        json: bool,
    },
    /// A paper about no patient from a file of the hospital's: action cards (F17), announcements (F19), reports (F21) and the like.
    /// Nobody signs in, and the sheet has no number.
    Sheet {
        /// TOML or JSON: `form = "F17"` and a table `[body]`.
        file: PathBuf,
        /// The PDF.
        #[arg(long)]
        out: PathBuf,
        /// A drill: every page says 訓練.
        #[arg(long)]
        drill: bool,
    },
    /// The last resort: each department's list and charts as one sealed HTML file that any browser opens. Each file's
    /// passphrase is shown once, here.
    Lifeboat {
        #[command(flatten)]
        who: SignInArgs,
        /// Directory or stick for the files.
        #[arg(long)]
        out: PathBuf,
        /// Only the department with this code.
        #[arg(long)]
        department: Option<String>,
        /// One JSON object instead of words, passphrases included.
        #[arg(long)]
        json: bool,
    },
    /// Destroys packs and lifeboats of snapshots that have been replaced. Without --yes it only says which.
    Shred {
        /// Where they lie.
        dir: PathBuf,
        #[command(flatten)]
        who: SignInArgs,
        /// Staff number of who watches: somebody else, who signs in too.
        #[arg(long, value_name = "NUMBER")]
        witness: String,
        /// File whose first line is the witness's password; asked at the keyboard when absent.
        #[arg(long, value_name = "FILE")]
        witness_password_file: Option<PathBuf>,
        /// Also what is still in force.
        #[arg(long)]
        all: bool,
        /// Really.
        #[arg(long)]
        yes: bool,
    },
}

impl Print {
    /// Runs the command.
    ///
    /// # Errors
    /// When nobody can sign in, there is no snapshot, or a file cannot be written.
    pub fn run(&self) -> Result<ExitCode> {
        let config = self.config.read()?;
        if let What::Sheet { file, out, drill } = &self.what {
            // About no patient: no keys are needed, and none are asked for.
            sheet::run(&config, file, out, *drill)?;
            return Ok(ExitCode::SUCCESS);
        }
        let home = Home::open(&config)?;
        let look = match &self.what {
            What::Sheet { .. } => false,
            What::Blank {
                who,
                forms,
                count,
                department,
                out,
                json,
            } => {
                let wish = blank::Wish {
                    forms,
                    count: *count,
                    department: department.as_deref(),
                    out,
                    json: *json,
                };
                blank::run(&config, &home, &enter(&home, who, verb::PRINT)?, &wish)?;
                false
            }
            What::Pack {
                who,
                out,
                department,
                split,
                per_minute,
                json,
            } => {
                let wish = pack::Wish {
                    out,
                    only: department.as_deref(),
                    split: *split,
                    per_minute: per_minute.unwrap_or_else(|| config.forms.per_minute()),
                    json: *json,
                };
                pack::run(&config, &home, &enter(&home, who, verb::PRINT)?, &wish)?
            }
            What::Lifeboat {
                who,
                out,
                department,
                json,
            } => {
                // Charts leave the house as data: what export asks for is asked for here.
                let entered = enter(&home, who, verb::READ | verb::PRINT | verb::EXPORT)?;
                lifeboat::run(&config, &home, &entered, out, department.as_deref(), *json)?
            }
            What::Shred {
                dir,
                who,
                witness,
                witness_password_file,
                all,
                yes,
            } => {
                if who.user.trim() == witness.trim() {
                    bail!("--user と --witness は別の人にしてください。何も消していません");
                }
                let entered = enter(&home, who, verb::PRINT)?;
                let other = SignInArgs {
                    user: witness.clone(),
                    with: WithArgs {
                        password_file: witness_password_file.clone(),
                        badge_file: None,
                    },
                };
                let witness = enter(&home, &other, 0)?;
                shred::run(&home, &entered, &witness, dir, *all, *yes)?
            }
        };
        Ok(if look { ExitCode::from(LOOK) } else { ExitCode::SUCCESS })
    }
}

/// The day of the snapshot, and the departments that are wanted with their places among all.
fn wanted(entered: &Entered, only: Option<&str>) -> Result<(Date, Vec<(usize, Department)>)> {
    let opened = &entered.opened;
    let day = opened
        .shelved()
        .stat()
        .day
        .context("封印済みデータに対象日がありません")?;
    let wanted: Vec<_> = departments(opened, day)
        .into_iter()
        .enumerate()
        .filter(|(_, d)| only.is_none_or(|code| d.department.code == code))
        .collect();
    if wanted.is_empty() {
        bail!("{} に予約のある診療科が見つかりません", chart::date::iso(day));
    }
    Ok((day, wanted))
}

/// Every patient who leaves on paper or on a stick is in the audit log before the first chart opens.
fn witness<'a>(
    home: &Home,
    entered: &Entered,
    deed: Deed,
    what: &str,
    wanted: impl Iterator<Item = &'a Department>,
) -> Result<()> {
    let index = entered.opened.index();
    let mut all = Vec::new();
    for department in wanted {
        let rows: BTreeSet<u32> = department.slots.iter().map(|slot| slot.row).collect();
        let subjects: Vec<Subject> = rows
            .iter()
            .filter_map(|row| Some(Subject::Patient(index.row(*row)?.id()?)))
            .collect();
        let mut whole = entered.acting.sighting(home, deed);
        whole.count = u32::try_from(subjects.len()).unwrap_or(u32::MAX);
        whole.detail = format!("{what} {}", department.department.label());
        all.extend(about_each(whole, &subjects));
    }
    trail::write(home, all)
}

/// `2026-11-28_01_循環器内科`: what a department's file or folder is called.
fn file_name(day: Date, department: &chart::Coded) -> String {
    let clean = |text: &str| -> String {
        let letters = text.chars().take(40);
        letters.map(|c| if c.is_alphanumeric() { c } else { '_' }).collect()
    };
    format!(
        "{}_{}_{}",
        chart::date::iso(day),
        clean(&department.code),
        clean(department.label())
    )
}
