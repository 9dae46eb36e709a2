//! `tomoshibi release`: makes, signs, approves and lets in new versions of the program.
//!
//! Making and signing happen where a version is released, approving where the hospital keeps its key, letting in at a hub. No step
//! needs the others' keys, and none needs a network: a version is a folder on a stick.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chart::Moment;
use downtime::audit::Deed;
use downtime::updates::{Approval, Order, ProgramFile, ProgramVersion, Release, Signed, Trust, hex, sha256};
use vault::keys::{ApprovalPublic, ApprovalSecret, ReleasePublic, ReleaseSecret};

use super::ConfigArg;
use super::person::{SponsorArgs, officer};
use crate::home::{Home, log, write_durably};
use crate::releases::{APPROVAL, RELEASE, signed};
use crate::{clock, random, secrets, trail, updating};

mod admit;
mod show;

/// New versions of the program.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi release key --kind release --out k1.key\n  tomoshibi release make --version 0.2.0 --file x86_64-linux=tomoshibi --file x86_64-windows=tomoshibi.exe --out release-0.2.0\n  tomoshibi release sign release-0.2.0 --key k1.key\n  tomoshibi release approve release-0.2.0 --key hospital.key --canary-ward 5E --approved-by '9001 灯山　明'\n  tomoshibi release import release-0.2.0 --by 9001 -c /srv/tomoshibi/tomoshibi.toml      (on the hub)\n  tomoshibi release pause --reason 様子を見る --by 9001\n\ndocs/operating/updates.md tells who does what."
)]
pub struct ReleaseCommand {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Kind {
    /// For those who release.
    Release,
    /// For the hospital.
    Approval,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Makes a key: a secret file and, beside it, its public half.
    Key {
        /// What it signs.
        #[arg(long)]
        kind: Kind,
        /// New file for the secret; the public half is written beside it as .public.
        #[arg(long)]
        out: PathBuf,
    },
    /// Writes the file of the keys that count, for hubs and stations.
    Trust {
        /// Public key of somebody who releases; several times.
        #[arg(long = "release-key", required = true)]
        release_keys: Vec<PathBuf>,
        /// How many of them must sign.
        #[arg(long, default_value_t = 1)]
        release_needed: u8,
        /// Public key of the hospital; several times.
        #[arg(long = "approval-key", required = true)]
        approval_keys: Vec<PathBuf>,
        /// How many of them must sign.
        #[arg(long, default_value_t = 1)]
        approval_needed: u8,
        /// The one before, which this one is to follow.
        #[arg(long)]
        after: Option<PathBuf>,
        /// New file.
        #[arg(long)]
        out: PathBuf,
    },
    /// Makes a folder with the list of a version's files and the files.
    Make {
        /// Its number, such as 0.2.0.
        #[arg(long)]
        version: String,
        /// A program, as x86_64-linux=FILE or x86_64-windows=FILE; several times.
        #[arg(long = "file", required = true, value_name = "MACHINE=FILE")]
        files: Vec<String>,
        /// Text file: what changes, for whoever approves it.
        #[arg(long)]
        notes: Option<PathBuf>,
        /// Days within which stations may begin to take it.
        #[arg(long, default_value_t = 180)]
        days: u16,
        /// New folder.
        #[arg(long)]
        out: PathBuf,
    },
    /// Adds a signature to a version, or to a file of keys that follows another.
    Sign {
        /// Folder of the version, or the file of keys.
        what: PathBuf,
        /// Secret key of either kind.
        #[arg(long)]
        key: PathBuf,
    },
    /// The hospital's word: this version, from then, there first.
    Approve {
        /// Folder of the version.
        folder: PathBuf,
        /// The hospital's secret key.
        #[arg(long)]
        key: PathBuf,
        /// Keys that count: the version must be signed by enough of them.
        #[arg(long)]
        trust: PathBuf,
        /// Ward whose stations go first; several times.
        #[arg(long = "canary-ward")]
        canary_wards: Vec<String>,
        /// Station that goes first, by code; several times.
        #[arg(long = "canary-station")]
        canary_stations: Vec<String>,
        /// Hours until one station in ten follows.
        #[arg(long, default_value_t = 24)]
        canary_hours: u16,
        /// Hours after that until all follow.
        #[arg(long, default_value_t = 24)]
        tenth_hours: u16,
        /// Who approves, for people.
        #[arg(long)]
        approved_by: String,
        /// Takes the word back instead: no further station takes this version.
        #[arg(long)]
        withdraw: bool,
    },
    /// What a version is, who signed it, and what is missing.
    Show {
        /// Folder of the version.
        folder: PathBuf,
        /// Keys that count, instead of those of the configuration.
        #[arg(long)]
        trust: Option<PathBuf>,
    },
    /// On the hub: lets a version in that both kinds of keys have signed.
    Import {
        /// Folder of the version.
        folder: PathBuf,
        #[command(flatten)]
        by: SponsorArgs,
    },
    /// On the hub: passes on keys that follow the ones before.
    ImportTrust {
        /// The signed file of keys.
        file: PathBuf,
        #[command(flatten)]
        by: SponsorArgs,
    },
    /// On the hub: no further station takes a version.
    Pause {
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: SponsorArgs,
    },
    /// On the hub: goes on after a pause.
    Resume {
        #[command(flatten)]
        by: SponsorArgs,
    },
    /// How this station's program stands; on a hub, also those of the others.
    State {
        /// One JSON object instead of words.
        #[arg(long)]
        json: bool,
    },
}

impl ReleaseCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// What is missing or wrong; nothing was let in then.
    pub fn run(&self) -> Result<ExitCode> {
        match &self.action {
            Action::Key { kind, out } => key(*kind, out)?,
            Action::Trust {
                release_keys,
                release_needed,
                approval_keys,
                approval_needed,
                after,
                out,
            } => {
                let release = release_keys
                    .iter()
                    .map(|path| release_public(path))
                    .collect::<Result<_>>()?;
                let approval = approval_keys
                    .iter()
                    .map(|path| approval_public(path))
                    .collect::<Result<_>>()?;
                let before = after.as_ref().map(|path| trust_file(path)).transpose()?;
                let serial = before.as_ref().map_or(1, |before| before.serial().saturating_add(1));
                let trust = Trust::new(serial, release, *release_needed, approval, *approval_needed)?;
                if before.is_some() {
                    write_durably(out, &Signed::unsigned(trust.to_body()).to_bytes())?;
                    say!(
                        "{} 番の鍵の一覧を作りました。前の鍵で `release sign` してください: {}",
                        serial,
                        out.display()
                    );
                } else {
                    write_durably(out, &trust.to_body())?;
                    say!("信頼する鍵の一覧を作りました: {}", out.display());
                }
                show::keys(&trust);
            }
            Action::Make {
                version,
                files,
                notes,
                days,
                out,
            } => make(version, files, notes.as_deref(), *days, out)?,
            Action::Sign { what, key } => sign(what, key)?,
            Action::Approve {
                folder,
                key,
                trust,
                canary_wards,
                canary_stations,
                canary_hours,
                tenth_hours,
                approved_by,
                withdraw,
            } => {
                let release = signed(&folder.join(RELEASE))?;
                let accepted = trust_file(trust)?.accept_release(&release)?;
                let before = signed(&folder.join(APPROVAL)).ok();
                let before = before.and_then(|signed| Approval::from_body(&signed.body).ok());
                let wish = Approval {
                    release: sha256(&release.body),
                    version: accepted.version,
                    revision: before.map_or(0, |before| before.revision).saturating_add(1),
                    order: if *withdraw { Order::Withdraw } else { Order::Take },
                    starts_at: clock::now(),
                    canary_wards: canary_wards.clone(),
                    canary_stations: canary_stations.clone(),
                    canary_hours: *canary_hours,
                    tenth_hours: *tenth_hours,
                    by: approved_by.clone(),
                };
                let secret = ApprovalSecret::from_file_bytes(&secrets::read(key)?)
                    .with_context(|| format!("{} は病院の承認の鍵ではありません", key.display()))?;
                let mut word = Signed::unsigned(wish.to_body()?);
                word.sign_approval(&secret)?;
                write_durably(&folder.join(APPROVAL), &word.to_bytes())?;
                show::approval(&wish);
            }
            Action::Show { folder, trust } => {
                let line = match trust {
                    Some(path) => vec![trust_file(path)?],
                    None => updating::trust(&self.config.read()?)?,
                };
                return show::folder(folder, &line);
            }
            Action::Import { folder, by } => admit::import(&self.config, folder, by)?,
            Action::ImportTrust { file, by } => admit::import_trust(&self.config, file, by)?,
            Action::Pause { reason, by } => admit::pause(&self.config, reason, by)?,
            Action::Resume { by } => admit::resume(&self.config, by)?,
            Action::State { json } => return show::state(&self.config.read()?, *json),
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A key of either kind.
fn key(kind: Kind, out: &Path) -> Result<()> {
    let mut rng = random::system();
    let (secret, public, finger) = match kind {
        Kind::Release => {
            let key = ReleaseSecret::random(&mut rng);
            (key.to_file_bytes(), key.public().to_bytes(), key.public().fingerprint())
        }
        Kind::Approval => {
            let key = ApprovalSecret::random(&mut rng);
            (key.to_file_bytes(), key.public().to_bytes(), key.public().fingerprint())
        }
    };
    secrets::write(out, &secret)?;
    let beside = out.with_extension("public");
    write_durably(&beside, &public)?;
    say!(
        "秘密の鍵: {}（鍵のかかる場所に、ネットワークにつながない媒体で保管）",
        out.display()
    );
    say!("公開の鍵: {}（指紋 {finger}）", beside.display());
    Ok(())
}

fn public_bytes(path: &Path) -> Result<[u8; 32]> {
    let bytes = std::fs::read(path).with_context(|| format!("{} を読めません", path.display()))?;
    let bytes: Option<[u8; 32]> = bytes.try_into().ok();
    bytes.with_context(|| format!("{} は公開の鍵ではありません", path.display()))
}

fn release_public(path: &Path) -> Result<ReleasePublic> {
    Ok(ReleasePublic::from_bytes(&public_bytes(path)?)?)
}

fn approval_public(path: &Path) -> Result<ApprovalPublic> {
    Ok(ApprovalPublic::from_bytes(&public_bytes(path)?)?)
}

/// A file of keys, the first or one that follows.
fn trust_file(path: &Path) -> Result<Trust> {
    let bytes = std::fs::read(path).with_context(|| format!("{} を読めません", path.display()))?;
    let trust = Trust::from_body(&bytes).or_else(|fault| match Signed::from_bytes(&bytes) {
        Ok(signed) => Trust::from_body(&signed.body),
        Err(_) => Err(fault),
    });
    trust.with_context(|| path.display().to_string())
}

fn make(version: &str, files: &[String], notes: Option<&Path>, days: u16, out: &Path) -> Result<()> {
    let version = ProgramVersion::parse(version).context("--version は 0.2.0 の形です")?;
    let notes = notes
        .map(std::fs::read_to_string)
        .transpose()
        .context("--notes を読めません")?;
    if out.exists() {
        bail!("{} はもうあります。上書きしません", out.display());
    }
    let mut listed = Vec::new();
    let mut bytes_of = Vec::new();
    for file in files {
        let (platform, path) = file.split_once('=').context("--file は x86_64-linux=FILE の形です")?;
        let bytes = std::fs::read(path).with_context(|| format!("{path} を読めません"))?;
        listed.push(ProgramFile {
            platform: platform.to_owned(),
            length: bytes.len() as u64,
            sha256: sha256(&bytes),
        });
        bytes_of.push(bytes);
    }
    let now = clock::now();
    let release = Release {
        version,
        made_at: now,
        expires_at: Moment(now.0.saturating_add(i64::from(days) * 86_400)),
        files: listed,
        notes: notes.unwrap_or_default(),
    };
    let body = release.to_body()?;
    std::fs::create_dir_all(out).with_context(|| format!("{} を作れません", out.display()))?;
    for (file, bytes) in release.files.iter().zip(&bytes_of) {
        write_durably(&out.join(hex(&file.sha256)), bytes)?;
    }
    write_durably(&out.join(RELEASE), &Signed::unsigned(body).to_bytes())?;
    say!(
        "版 {version} のフォルダを作りました: {}。まだだれも署名していません",
        out.display()
    );
    Ok(())
}

/// A release is signed by those who release; keys that follow others are signed by both kinds.
fn sign(what: &Path, key: &Path) -> Result<()> {
    let file = if what.is_dir() {
        what.join(RELEASE)
    } else {
        what.to_path_buf()
    };
    let mut document = signed(&file)?;
    let is_release = Release::from_body(&document.body).is_ok();
    if !is_release && Trust::from_body(&document.body).is_err() {
        bail!(
            "{} はリリースでも鍵の一覧でもありません。署名していません",
            file.display()
        );
    }
    let secret = secrets::read(key)?;
    let finger = match (
        ReleaseSecret::from_file_bytes(&secret),
        ApprovalSecret::from_file_bytes(&secret),
    ) {
        (Ok(release), _) => {
            document.sign_release(&release)?;
            release.public().fingerprint()
        }
        (_, Ok(approval)) if !is_release => {
            document.sign_approval(&approval)?;
            approval.public().fingerprint()
        }
        (_, Ok(_)) => bail!("病院の承認の鍵では、リリースに署名できません。`release approve` を使います"),
        (Err(fault), _) => return Err(fault).with_context(|| key.display().to_string()),
    };
    write_durably(&file, &document.to_bytes())?;
    say!("署名しました（鍵 {finger}）: {}", file.display());
    Ok(())
}

/// What an officer did, in the audit log before it is done.
fn witnessed(home: &Home, by: &SponsorArgs, reason: &str, detail: &str) -> Result<String> {
    let acting = officer(home, by)?;
    let mut sighting = acting.sighting(home, Deed::Configured);
    reason.clone_into(&mut sighting.reason);
    detail.clone_into(&mut sighting.detail);
    trail::write(home, vec![sighting])?;
    let author = acting.author();
    let who = format!("{} {}", author.user, author.name);
    log(
        &home.data,
        "updates.log",
        &format!("{} hub: {detail}（{who}）", clock::now().text()),
    )?;
    Ok(who)
}
