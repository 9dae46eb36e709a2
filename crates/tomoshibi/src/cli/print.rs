//! `tomoshibi print`: what is carried away from here. `pack` makes the morning's paper, `blank` numbered sheets for the hand, `sheet` a
//! paper of the office from a file, `lifeboat` the copy that opens in a browser when nothing of ours runs, `shred` destroys packs and
//! lifeboats when their time is over.
//!
//! Whoever is on it is in the audit log before the first chart opens. Only `pack --printer` drives a printer, one of the list.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chart::Subject;
use downtime::audit::Deed;
use downtime::identity::verb;
use downtime::packs::{self as shelved, Batch, Only};
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
mod packs;
mod queued;
mod sheet;
mod shred;

/// Paper without a screen, and what opens without us.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tomoshibi print pack --user 9001 --password-file pw.txt --out paper\n  tomoshibi print pack --user 9001 --printer 1階受付 --department 01\n  tomoshibi print packs\n  tomoshibi print blank --form F22 --form F04 --count 20 --department 01 --user 9001 --out paper\n  tomoshibi print sheet cards/reception.toml --out card.pdf\n  tomoshibi print lifeboat --user 9001 --out /media/stick\n  tomoshibi print shred paper --user 9001 --witness 1001 --yes\n\nThe PDFs hold patients' data in the clear: print, then shred."
)]
pub struct Print {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Every department's list (F13) and chart sheets (F02), and every ward's list (F10), summaries (F11) and day sheets (F12): one
    /// PDF each, with pages and minutes.
    Pack {
        #[command(flatten)]
        who: SignInArgs,
        /// Directory for the PDFs.
        #[arg(long, required_unless_present = "printer", conflicts_with = "printer")]
        out: Option<PathBuf>,
        /// Instead of PDFs: straight to this printer of the configuration, sheet by sheet. Run again, it goes on where it stopped.
        #[arg(long, value_name = "NAME")]
        printer: Option<String>,
        /// With --printer: sheets (帳票番号) to be sent although they may have come out. Can be given several times.
        #[arg(long, value_name = "NUMBER", requires = "printer")]
        again: Vec<String>,
        /// With --printer: send what stopped at the printer, or may have come out, once more.
        #[arg(long, requires = "printer")]
        resend: bool,
        /// Only the department with this code.
        #[arg(long)]
        department: Option<String>,
        /// Only the ward with this code.
        #[arg(long, conflicts_with = "department")]
        ward: Option<String>,
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
    /// Packs that were made by themselves after the last sealing: pages, minutes, state. Nobody signs in; printing them is S71.
    Packs {
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
    /// The last resort: each department's and ward's list and charts as one sealed HTML file that any browser opens. Each file's
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
        /// Only the ward with this code.
        #[arg(long, conflicts_with = "department")]
        ward: Option<String>,
        /// Also print the passphrases, one page for each file (F31), into this PDF: it opens every file. Print it, then destroy it.
        #[arg(long, value_name = "FILE")]
        passphrase_paper: Option<PathBuf>,
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
            What::Packs { json } => packs::run(&config, &home, *json)?,
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
                printer: Some(printer),
                again,
                resend,
                department,
                ward,
                json,
                ..
            } => {
                let wish = queued::Wish {
                    printer,
                    only: Only {
                        department: department.as_deref(),
                        ward: ward.as_deref(),
                    },
                    again,
                    resend: *resend,
                    json: *json,
                };
                queued::run(&config, &home, &enter(&home, who, verb::PRINT)?, &wish)?
            }
            What::Pack {
                who,
                out,
                department,
                ward,
                split,
                per_minute,
                json,
                ..
            } => {
                let out = out.as_deref().context("--out がありません")?;
                let wish = pack::Wish {
                    out,
                    only: Only {
                        department: department.as_deref(),
                        ward: ward.as_deref(),
                    },
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
                ward,
                passphrase_paper,
                json,
            } => {
                // Charts leave the house as data: what export asks for is asked for here.
                let entered = enter(&home, who, verb::READ | verb::PRINT | verb::EXPORT)?;
                let wish = lifeboat::Wish {
                    out,
                    only: Only {
                        department: department.as_deref(),
                        ward: ward.as_deref(),
                    },
                    paper: passphrase_paper.as_deref(),
                    json: *json,
                };
                lifeboat::run(&config, &home, &entered, &wish)?
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

/// The day of the snapshot, and what is wanted of it.
fn wanted(entered: &Entered, only: Only<'_>) -> Result<(Date, Vec<Batch>)> {
    let opened = &entered.opened;
    let day = opened
        .shelved()
        .stat()
        .day
        .context("封印済みデータに対象日がありません")?;
    Ok((day, shelved::wanted(opened, day, only)?))
}

/// Every patient who leaves on paper or on a stick is in the audit log before the first chart opens.
fn witness(home: &Home, entered: &Entered, deed: Deed, what: Option<&str>, wanted: &[Batch]) -> Result<()> {
    let index = entered.opened.index();
    let mut all = Vec::new();
    for batch in wanted {
        let subjects: Vec<Subject> = batch
            .rows()
            .iter()
            .filter_map(|row| Some(Subject::Patient(index.row(*row)?.id()?)))
            .collect();
        let mut whole = entered.acting.sighting(home, deed);
        whole.count = u32::try_from(subjects.len()).unwrap_or(u32::MAX);
        whole.detail = format!("{} {}", what.unwrap_or_else(|| batch.forms()), batch.label());
        all.extend(about_each(whole, &subjects));
    }
    trail::write(home, all)
}
