//! `tomoshibi recovery`: the hospital's last key. Split into five printed shares; any three open everything again.
//!
//! Splitting takes two officers, because it covers what opens entries and what opens the audit log: both role secrets are
//! wrapped to the recovery key and lie beside the boxes, worthless without three shares. The recovery secret exists in memory
//! only. Opening is never silent: it is in the audit log before anything opens.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chart::Author;
use downtime::audit::{Deed, Method, Sighting};
use downtime::identity::{NewUser, Role, Sponsor};
use downtime::papers::{SharePaper, share};
use minicbor::{Decode, Encode};
use serde_json::json;
use vault::context::Context as Place;
use vault::files::ReadAt;
use vault::keys::{RecoveryPublic, RecoverySecret, RoleSecret};
use vault::recovery::{NEEDED, RecoveryBoxes, RecoveryFault, Share, join, split};
use vault::shelf_slots::{BoxError, Identity};
use vault::slot::SlotCost;
use vault::snapshot::Snapshot;

mod opened;
mod stored;

pub use opened::KeyArgs;
use stored::{BOXES, WRAPS, keep, name, read_share, stored};

use super::password::{WithArgs, read};
use super::person::{Acting, SponsorArgs, officer};
use super::user::{commit, office};
use super::{ConfigArg, LOOK};
use crate::config::Config;
use crate::home::Home;
use crate::{clock, progress, random, secrets, serving, trail};

/// Largest file of boxes or wraps accepted, in bytes.
const MAX_FILE: u64 = 64 << 10;

/// The hospital's last key: five shares on paper, three of which open everything.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi recovery split --out shares --by 9001 --privacy-user 9101 --keeper 病院長 --keeper 事務長\n  tomoshibi recovery open --share s1.txt --share s3.txt --share s5.txt\n  tomoshibi recovery open --share s1.txt --share s3.txt --share s5.txt --accept --out opening.json --enrol 9002 --name 次田護\n\nExit codes: 0 done, 1 nothing was opened, 3 something did not open."
)]
pub struct Recovery {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Makes a recovery key, its five shares to print, and the boxes that three of them open.
    Split {
        /// New directory (owner only) for the five papers.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// `pdf` for papers, `text` for files of digits and typed form.
        #[arg(long, default_value = "pdf")]
        format: String,
        /// Who keeps a share, in the order of the shares (up to five).
        #[arg(long)]
        keeper: Vec<String>,
        /// The informatics officer, who passes on what opens entries.
        #[command(flatten)]
        by: SponsorArgs,
        /// Staff number of the privacy officer, who passes on what opens the audit log.
        #[arg(long, value_name = "NUMBER")]
        privacy_user: String,
        /// File with the privacy officer's password; asked when absent.
        #[arg(long, value_name = "FILE")]
        privacy_password_file: Option<PathBuf>,
        /// File with the privacy officer's badge.
        #[arg(long, value_name = "FILE")]
        privacy_badge_file: Option<PathBuf>,
    },
    /// Joins three shares. Without --accept it only says whether they fit.
    Open {
        /// File whose first line is a share: the scanned digits or the typed characters. Three of them.
        #[arg(long, value_name = "FILE", required = true)]
        share: Vec<PathBuf>,
        /// Really: opens the newest snapshot and proves that every record opens.
        #[arg(long)]
        accept: bool,
        /// New file (owner only) for the protocol of the opening.
        #[arg(long, value_name = "FILE", requires = "accept")]
        out: Option<PathBuf>,
        /// Enrols somebody with what the recovery key opens: staff number.
        #[arg(long, value_name = "NUMBER", requires = "accept", requires = "name")]
        enrol: Option<String>,
        /// Name of that person.
        #[arg(long)]
        name: Option<String>,
        /// Occupation of that person: informatics or privacy-officer.
        #[arg(long, default_value = "informatics")]
        role: String,
        /// File with that person's new password; asked when absent.
        #[arg(long, value_name = "FILE")]
        new_password_file: Option<PathBuf>,
    },
    /// Writes the recovery key as age reads it, so that the public tool opens backups. It opens everything: destroy it afterwards.
    Identity {
        #[command(flatten)]
        key: KeyArgs,
        /// Directory with recovery.boxes; otherwise this station's.
        #[arg(long, value_name = "DIR")]
        boxes: Option<PathBuf>,
        /// New file, for its owner only.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// The role secrets, wrapped to the recovery key.
#[derive(Debug, Encode, Decode)]
struct Wraps {
    /// Which set of shares.
    #[n(0)]
    set: u32,
    /// What opens entries.
    #[cbor(n(1), with = "minicbor::bytes")]
    journal: Vec<u8>,
    /// What opens the audit log.
    #[cbor(n(2), with = "minicbor::bytes")]
    audit: Vec<u8>,
}

impl Recovery {
    /// Runs the command.
    ///
    /// # Errors
    /// When shares do not fit, a file cannot be written, or it cannot be written down.
    pub fn run(&self) -> Result<ExitCode> {
        if let Action::Identity {
            key,
            boxes: Some(dir),
            out,
        } = &self.action
        {
            // On a machine that is no station any more there is no log to write it down in.
            return opened::write_identity(key, dir, out);
        }
        let config = self.config.read()?;
        let mut home = Home::open(&config)?;
        match &self.action {
            Action::Identity { key, out, .. } => {
                let by = Author {
                    user: "recovery".to_owned(),
                    name: "復旧シェア".to_owned(),
                    role: String::new(),
                };
                let mut sighting = trail::sighting(&home, &by, Method::Program, Deed::Exported);
                "復旧鍵を age の鍵として書き出した".clone_into(&mut sighting.detail);
                trail::write(&home, vec![sighting])?;
                opened::write_identity(key, &home.data, out)
            }
            Action::Split {
                out,
                format,
                keeper,
                by,
                privacy_user,
                privacy_password_file,
                privacy_badge_file,
            } => {
                let privacy = SponsorArgs {
                    by: privacy_user.clone(),
                    with: WithArgs {
                        password_file: privacy_password_file.clone(),
                        badge_file: privacy_badge_file.clone(),
                    },
                };
                let pdf = match format.as_str() {
                    "pdf" => true,
                    "text" => false,
                    other => bail!("--format は pdf か text です: {other}"),
                };
                let papers = Papers {
                    out,
                    pdf,
                    keepers: keeper,
                };
                make(&config, &mut home, &papers, by, &privacy)?;
                Ok(ExitCode::SUCCESS)
            }
            Action::Open {
                share,
                accept,
                out,
                enrol,
                name,
                role,
                new_password_file,
            } => {
                let shares: Vec<Share> = share.iter().map(read_share).collect::<Result<_>>()?;
                let joined = Joined::of(&home, &shares)?;
                say!(
                    "復旧シェア {} がそろいました（組 {:010}）",
                    joined.numbers(),
                    joined.boxes.set()
                );
                if !accept {
                    say!("まだ何も開いていません。開くには --accept を付けてください。監査の記録に残ります");
                    return Ok(ExitCode::SUCCESS);
                }
                let newcomer = enrol.as_ref().zip(name.as_ref()).map(|(number, name)| Newcomer {
                    number,
                    name,
                    role,
                    password: new_password_file.as_ref(),
                });
                joined.open(&mut home, out.as_deref(), newcomer.as_ref())
            }
        }
    }
}

struct Papers<'a> {
    out: &'a Path,
    pdf: bool,
    keepers: &'a [String],
}

fn make(config: &Config, home: &mut Home, papers: &Papers<'_>, by: &SponsorArgs, privacy: &SponsorArgs) -> Result<()> {
    if by.by.trim() == privacy.by.trim() {
        bail!("復旧鍵は別々の二人で作ります。何も作っていません");
    }
    if papers.out.exists() {
        bail!(
            "{} はもうあります。新しいディレクトリを指定してください",
            papers.out.display()
        );
    }
    let (first, second) = (officer(home, by)?, officer(home, privacy)?);
    let secrets_of = |acting: &Acting| (acting.unlocked.journal.clone(), acting.unlocked.audit.clone());
    let ((journal, _), (_, audit)) = (secrets_of(&first), secrets_of(&second));
    let journal = journal.context("--by の人は記載の鍵を持っていません（医療情報担当が行います）")?;
    let audit = audit.context("--privacy-user の人は監査の鍵を持っていません（個人情報保護責任者が行います）")?;
    let mut rng = random::system();
    let secret = RecoverySecret::random(&mut rng);
    let (shares, boxes) = split(&home.roster.hospital(), &secret, &mut rng);
    let wraps = Wraps {
        set: boxes.set(),
        journal: wrapped(&boxes, Which::Journal, &journal)?,
        audit: wrapped(&boxes, Which::Audit, &audit)?,
    };
    let before = home.roster.recovery()?.is_some();
    write_shares(config, home, papers, &shares, before)?;
    let mut roster = home.roster.clone();
    roster.set_recovery(&secret.public());
    let sighting = |acting: &Acting| {
        let mut sighting = acting.sighting(home, Deed::Configured);
        sighting.detail = format!("復旧鍵の組 {:010} を作った（5枚のうち3枚で開く）", boxes.set());
        sighting
    };
    let sightings = vec![sighting(&first), sighting(&second)];
    let kept = keep(home, &boxes, &wraps).and_then(|()| commit(home, roster, sightings));
    if let Err(fault) = kept {
        let _ = std::fs::remove_dir_all(papers.out);
        return Err(fault);
    }
    say!(
        "復旧鍵を5枚に分けました（組 {:010}）: {}",
        boxes.set(),
        papers.out.display()
    );
    say!("  印刷して5か所に分けて保管し、このディレクトリを消してください。3枚あればすべてが開きます");
    say!(
        "  {} と {} は、ほかの端末や媒体にも写してください（紙がなければ何も開きません）",
        name(BOXES),
        name(WRAPS)
    );
    say!("次の取り出し（tomoshibi extract）からの封印が、この鍵でも開きます");
    Ok(())
}

fn write_shares(config: &Config, home: &Home, papers: &Papers<'_>, shares: &[Share], replaces: bool) -> Result<()> {
    let old = if replaces {
        stored(home, "").ok().map(|(boxes, _)| boxes.set())
    } else {
        None
    };
    std::fs::create_dir_all(papers.out).with_context(|| format!("{} を作れません", papers.out.display()))?;
    let press = if papers.pdf {
        Some(serving::press(config)?)
    } else {
        None
    };
    for (share_, nth) in shares.iter().zip(0_u32..) {
        let file = papers.out.join(format!("share-{}", share_.number()));
        let Some(press) = &press else {
            let text = format!("{}\n{}\n", *share_.to_digits(), *share_.to_typed());
            secrets::write(&file.with_extension("txt"), text.as_bytes())?;
            continue;
        };
        let keeper = papers.keepers.get(nth as usize).cloned().unwrap_or_default();
        let paper = SharePaper {
            share: share_,
            keeper,
            made: clock::now().day(),
            replaces: old,
        };
        let sheet = share(&paper, &office(config, home, nth));
        secrets::write(&file.with_extension("pdf"), &press.sheet(&sheet)?.bytes)?;
    }
    Ok(())
}

/// Which role secret a wrap holds.
#[derive(Clone, Copy)]
enum Which {
    Journal,
    Audit,
}

fn place(boxes: &RecoveryBoxes, which: Which) -> Place {
    let which = match which {
        Which::Journal => 1,
        Which::Audit => 2,
    };
    Place::new("recov-role", boxes.hospital()).u32(boxes.set()).u8(which)
}

fn wrapped(boxes: &RecoveryBoxes, which: Which, secret: &Arc<RoleSecret>) -> Result<Vec<u8>> {
    let public: RecoveryPublic = boxes.public();
    let mut rng = random::system();
    Ok(vault::wrap::wrap(
        &public,
        &place(boxes, which),
        &secret.to_file_bytes(),
        &mut rng,
    )?)
}

/// Three shares that fit, and what they open.
struct Joined {
    secret: RecoverySecret,
    boxes: RecoveryBoxes,
    wraps: Wraps,
    shares: Vec<u8>,
}

/// Somebody to enrol with what the recovery key opens.
struct Newcomer<'a> {
    number: &'a str,
    name: &'a str,
    role: &'a str,
    password: Option<&'a PathBuf>,
}

impl Joined {
    fn of(home: &Home, shares: &[Share]) -> Result<Self> {
        let mut last = RecoveryFault::TooFew(0);
        for end in ["", ".old"] {
            let Ok((boxes, wraps)) = stored(home, end) else {
                if end.is_empty() {
                    stored(home, end)?;
                }
                continue;
            };
            match join(&boxes, shares) {
                Ok(secret) => {
                    let mut numbers: Vec<u8> = shares.iter().map(Share::number).collect();
                    numbers.sort_unstable();
                    numbers.dedup();
                    return Ok(Self {
                        secret,
                        boxes,
                        wraps,
                        shares: numbers,
                    });
                }
                Err(fault) => last = fault,
            }
        }
        match last {
            RecoveryFault::TooFew(found) => {
                bail!("違うシェアが {found} 枚です。{NEEDED} 枚要ります。何も開いていません")
            }
            RecoveryFault::OtherSet(number) => {
                bail!(
                    "シェア {number} は別の組のものです。紙の「組」の番号が同じ {NEEDED} 枚を使ってください。何も開いていません"
                )
            }
            fault => bail!("シェアで開けません（{fault}）。何も開いていません"),
        }
    }

    fn numbers(&self) -> String {
        let all: Vec<String> = self.shares.iter().map(u8::to_string).collect();
        all.join("・")
    }

    fn author(&self) -> Author {
        Author {
            user: "recovery".to_owned(),
            name: format!("復旧シェア {}", self.numbers()),
            role: String::new(),
        }
    }

    fn open(&self, home: &mut Home, out: Option<&Path>, newcomer: Option<&Newcomer<'_>>) -> Result<ExitCode> {
        let mut sighting = self.sighting(home, Deed::Opened);
        "復旧鍵で全件を開いて確かめ、何も表示していない".clone_into(&mut sighting.detail);
        trail::write(home, vec![sighting])?;
        let proof = self.prove(home);
        let whole = match &proof {
            Ok((epoch, checked)) => {
                say!(
                    "封印済みデータ epoch {epoch}: {} / {} 件が復旧鍵で開きました",
                    checked.opened,
                    checked.expected
                );
                checked.is_whole()
            }
            Err(fault) => {
                say!("★ 封印済みデータは開けませんでした: {fault:#}");
                false
            }
        };
        if let Some(out) = out {
            let (epoch, opened, expected) = match &proof {
                Ok((epoch, checked)) => (Some(*epoch), Some(checked.opened), Some(checked.expected)),
                Err(_) => (None, None, None),
            };
            let fault = proof.as_ref().err().map(|fault| format!("{fault:#}"));
            let text = json!({"at": clock::now().text(), "station": home.code.to_string(), "set": self.boxes.set(), "shares": self.shares, "epoch": epoch, "opened": opened, "expected": expected, "fault": fault, "enrolled": newcomer.map(|n| n.number)});
            secrets::write(out, format!("{text:#}\n").as_bytes())?;
        }
        if let Some(newcomer) = newcomer {
            self.enrol(home, newcomer)?;
        }
        Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(LOOK) })
    }

    fn sighting(&self, home: &Home, deed: Deed) -> Sighting {
        trail::sighting(home, &self.author(), Method::Program, deed)
    }

    /// Opens every record of the newest snapshot with the recovery key alone.
    fn prove(&self, home: &Home) -> Result<(u64, vault::snapshot::RecordsChecked)> {
        let (shelf, trusted) = (home.shelf()?, home.roster.sealers()?);
        let mut verify = |source: Arc<dyn ReadAt>| -> Result<(Identity, Snapshot), BoxError> {
            let snapshot = Snapshot::open(source, &trusted)?;
            Ok((Identity::from(snapshot.manifest()), snapshot))
        };
        let found = shelf.slots().current(&mut verify)?.current;
        let current = found.context("棚に開ける封印済みデータがありません")?;
        let opened = current.opened.unlock_recovery(&self.secret)?;
        let bar = progress::bar("開封", false);
        let checked = opened.verify_records(&mut |done, all| progress::show(&bar, done, all))?;
        bar.finish_and_clear();
        Ok((current.identity.epoch, checked))
    }

    fn role_secret(&self, which: Which) -> Result<RoleSecret> {
        let wrap = match which {
            Which::Journal => &self.wraps.journal,
            Which::Audit => &self.wraps.audit,
        };
        let bytes = vault::wrap::unwrap(&self.secret, &place(&self.boxes, which), wrap);
        let bytes = bytes.map_err(|_| anyhow::anyhow!("{} が壊れているか、別の組のものです", name(WRAPS)))?;
        Ok(RoleSecret::from_file_bytes(&bytes)?)
    }

    fn enrol(&self, home: &mut Home, newcomer: &Newcomer<'_>) -> Result<()> {
        let role = Role::parse(newcomer.role).filter(|r| matches!(r, Role::Informatics | Role::PrivacyOfficer));
        let role = role.context("--role は informatics か privacy-officer です。登録していません")?;
        let (journal, audit) = (self.role_secret(Which::Journal)?, self.role_secret(Which::Audit)?);
        let by = self.author();
        let sponsor = Sponsor {
            user: &by.user,
            journal: Some(&journal),
            audit: Some(&audit),
            at: clock::now(),
            note: &by.name,
        };
        let password = read(newcomer.password, &format!("{} の新しいパスワード", newcomer.number))?;
        let new = NewUser::with_password(newcomer.number.trim(), newcomer.name.trim(), role, &password);
        let mut roster = home.roster.clone();
        roster.enrol_user(&new, &sponsor, SlotCost::STANDARD, &mut random::system())?;
        let mut sighting = self.sighting(home, Deed::Granted);
        sighting.detail = format!("{} {}（{}）", newcomer.number, newcomer.name, role.label());
        "復旧".clone_into(&mut sighting.reason);
        commit(home, roster, vec![sighting])?;
        say!(
            "{} {}（{}）を登録しました。この人が tomoshibi user で続きを行えます。次の取り出しから使えます",
            newcomer.number,
            newcomer.name,
            role.label()
        );
        Ok(())
    }
}
