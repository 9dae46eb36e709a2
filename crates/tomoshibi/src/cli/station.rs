//! `tomoshibi station`: further terminals. A secret never leaves the terminal that made it.
//!
//! Here: the commands, and the way without a line, on which two small files are carried by hand. Codes and decisions are `officer`'s,
//! the new terminal's side `join`'s.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chart::StationCode;
use downtime::audit::Deed;
use downtime::identity::ranges::{Block, Label, NODE};
use downtime::identity::{Hand, RosterFault};
use vault::keys::{StationPublic, StationSecret};

use super::ConfigArg;
use super::person::{self, SponsorArgs};
use crate::home::{Home, station_key, write_durably};
use crate::{clock, random, secrets, trail};

mod join;
mod officer;
mod prove;

/// Enrols further stations: a code from the hub, typed at the new terminal, a fingerprint compared by an officer.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  (on the hub)          tomoshibi station invite --desk --department 01 --by 9001\n  (on the new terminal) tomoshibi station join --dir /srv/tomoshibi --hub https://10.0.0.2:8300\n  (on the hub)          tomoshibi station pending\n  (on the hub)          tomoshibi station approve --code R03 --fingerprint 1A2B-… --by 9001\n  (on the hub)          tomoshibi station retire --code R03 --reason 廃棄 --by 9001\n\nWithout a line between them: `station new` on the terminal, `station add` on the hub, two small files carried by hand."
)]
pub struct Station {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// On the hub: issues a single-use code for a new terminal, or for a machine in the place of an old one (--renew).
    Invite(officer::Invite),
    /// On the new terminal: makes its keys, shows their fingerprint, waits for an officer, and sets the terminal up.
    Join(join::Join),
    /// On the hub: codes that hold and terminals that wait.
    Pending(officer::Pending),
    /// On the hub: enrols the terminal that waits, after its fingerprint was compared.
    Approve(officer::Approve),
    /// On the hub: refuses the terminal that waits, or takes a code back.
    Refuse(officer::Refuse),
    /// Every station of the roster.
    List(officer::List),
    /// On another hub: the hub that kept the roster is gone for good; from now on it is changed here.
    Promote(officer::Promote),
    /// Without a line, on the new station: makes its keys and configuration, and the public file for the hub.
    New {
        /// New directory for configuration and data.
        #[arg(long)]
        dir: PathBuf,
        /// Name of the hospital.
        #[arg(long)]
        hospital: String,
        /// Three characters.
        #[arg(long)]
        code: String,
        /// Node number, if it is to be written into the configuration; the roster decides.
        #[arg(long)]
        node: Option<u8>,
        /// Letter of its reception numbers, if it is to be written into the configuration; the roster decides.
        #[arg(long)]
        letter: Option<String>,
        /// Address of the hub.
        #[arg(long)]
        hub: String,
    },
    /// Without a line, on the hub: enrols a station. It can open the next snapshot.
    Add {
        /// Its three characters.
        #[arg(long)]
        code: String,
        /// Its node number; proposed when absent.
        #[arg(long)]
        node: Option<u8>,
        /// Its letter; proposed when absent.
        #[arg(long)]
        letter: Option<String>,
        /// The public file that `station new` made.
        #[arg(long)]
        public: PathBuf,
        /// Where to write the trust file for the station.
        #[arg(long)]
        trust: PathBuf,
    },
    /// On any station: tries it now, as it does by itself after every snapshot, and says what came out.
    Prove(prove::Prove),
    /// On the hub: takes a station out that was disposed of, lost or stolen. It opens no snapshot sealed from now on; what it holds
    /// already can only be opened with a user's password or badge, so reset those of whoever used it.
    Retire {
        /// Its three characters.
        #[arg(long)]
        code: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// It is a hub whose sealing key is in the wrong hands: what it sealed is no longer accepted anywhere. Seal at the other hub at
        /// once: stations that hold nothing else show nothing.
        #[arg(long)]
        distrust: bool,
        #[command(flatten)]
        by: SponsorArgs,
    },
}

impl Station {
    /// Runs the command.
    ///
    /// # Errors
    /// When a file cannot be read or written, or code, numbers or letter are taken.
    pub fn run(&self) -> Result<ExitCode> {
        match &self.action {
            Action::Invite(invite) => invite.run(&self.config)?,
            Action::Join(join) => join.run()?,
            Action::Pending(pending) => pending.run(&self.config)?,
            Action::Approve(approve) => approve.run(&self.config)?,
            Action::Refuse(refuse) => refuse.run(&self.config)?,
            Action::List(list) => list.run(&self.config)?,
            Action::Promote(promote) => promote.run(&self.config)?,
            Action::New {
                dir,
                hospital,
                code,
                node,
                letter,
                hub,
            } => {
                let code = parse(code)?;
                let public = new(&NewStation {
                    dir,
                    hospital,
                    code,
                    node: *node,
                    letter: letter.as_deref(),
                    hub,
                    listen: "127.0.0.1:8300",
                })?;
                say!(
                    "端末 {code} の鍵を作りました。{} を hub へ運び、`tomoshibi station add` を実行してください",
                    public.display()
                );
            }
            Action::Add {
                code,
                node,
                letter,
                public,
                trust,
            } => {
                let mut home = Home::open(&self.config.read()?)?;
                let code = parse(code)?;
                add(&mut home, code, *node, letter.as_deref(), public, trust)?;
                say!(
                    "端末 {code} を登録しました。{} を端末の data/trust.cbor に置いてください。次の取り出しから開けます",
                    trust.display()
                );
            }
            Action::Prove(prove) => return prove.run(&self.config.read()?),
            Action::Retire {
                code,
                reason,
                distrust,
                by,
            } => {
                let mut home = Home::open(&self.config.read()?)?;
                retire(&mut home, parse(code)?, reason, *distrust, by)?;
                say!(
                    "端末 {code} を外しました。次の取り出し（tomoshibi extract）から、封印済みデータはこの端末では開きません"
                );
                say!(
                    "なくした・盗まれた端末なら、そこで使っていた人のパスワードとバッジも作り直してください（tomoshibi user reset）"
                );
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Takes a station out, in the audit log before it is in the roster.
fn retire(home: &mut Home, code: StationCode, reason: &str, distrust: bool, by: &SponsorArgs) -> Result<()> {
    if reason.trim().is_empty() {
        bail!("--reason（理由）が要ります。何も変えていません");
    }
    if code == home.code {
        bail!("この hub 自身は外せません。何も変えていません。hub を移すときは docs/operating/disposal.md");
    }
    let acting = person::officer(home, by)?;
    let mut roster = home.roster.clone();
    let hand = Hand {
        by: &acting.author().user,
        at: clock::now(),
        note: reason,
    };
    if !roster.retire_station(code, Some(&hand)) {
        bail!("端末 {code} は名簿にないか、もう外してあります。何も変えていません");
    }
    if distrust && !roster.distrust_sealer(code) {
        bail!("端末 {code} は封印しないか、ほかに封印する hub がありません。何も変えていません");
    }
    let mut sighting = acting.sighting(home, Deed::Configured);
    sighting.reason = reason.trim().to_owned();
    let more = if distrust { "（封印も認めない）" } else { "" };
    sighting.detail = format!("端末 {code} を外す{more}");
    trail::write(home, vec![sighting])?;
    home.roster = roster;
    home.save_roster()
}

fn parse(code: &str) -> Result<StationCode> {
    StationCode::parse(code).context("--code は英大文字と数字の3文字です")
}

/// A station to make.
pub struct NewStation<'a> {
    /// New directory.
    pub dir: &'a Path,
    /// Name of the hospital.
    pub hospital: &'a str,
    /// Its code.
    pub code: StationCode,
    /// Its node number, if it is to stand in the configuration.
    pub node: Option<u8>,
    /// Letter of its reception numbers, if it is to stand in the configuration.
    pub letter: Option<&'a str>,
    /// Address of the hub.
    pub hub: &'a str,
    /// Address of its own desk.
    pub listen: &'a str,
}

/// Makes a station's directory and keys; gives the public file.
///
/// # Errors
/// When the directory has a configuration already, or cannot be written.
pub fn new(station: &NewStation<'_>) -> Result<PathBuf> {
    let config = station.dir.join("tomoshibi.toml");
    let data = station.dir.join("data");
    if config.exists() || data.exists() {
        bail!(
            "{} にはもう Tomoshibi があります。上書きしません",
            station.dir.display()
        );
    }
    fs::create_dir_all(data.join("keys")).with_context(|| format!("{} を作れません", data.display()))?;
    #[cfg(windows)]
    crate::protecting::directory(&data, false).with_context(|| format!("{} の権限を絞れません", data.display()))?;
    let secret = StationSecret::random(&mut random::system());
    secrets::write(&station_key(&data), &secret.to_file_bytes())?;
    let public = station.dir.join(format!("{}.public", station.code));
    write_durably(&public, &secret.public().to_bytes())?;
    let word = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = format!(
        "# Tomoshibi の設定（端末）\n\n[hospital]\nname = {}\n\n[station]\ncode = {}\n",
        word(station.hospital),
        word(station.code.as_str())
    );
    if let Some(node) = station.node {
        text.push_str(&format!("node = {node}\n"));
    }
    if let Some(letter) = station.letter {
        text.push_str(&format!("letter = {}\n", word(letter)));
    }
    text.push_str(&format!(
        "data = \"data\"\nlisten = {}\nhub = {}\n",
        word(station.listen),
        word(station.hub)
    ));
    write_durably(&config, text.as_bytes())?;
    Ok(public)
}

/// Enrols a station at the hub and writes its trust file. Node and letter are proposed where they are not given.
///
/// # Errors
/// When the public file is not one, or code, node or letter are taken.
pub fn add(
    home: &mut Home,
    code: StationCode,
    node: Option<u8>,
    letter: Option<&str>,
    public: &Path,
    trust: &Path,
) -> Result<()> {
    let bytes = fs::read(public).with_context(|| format!("{} を読めません", public.display()))?;
    let bytes: [u8; 64] = bytes
        .try_into()
        .ok()
        .with_context(|| format!("{} は端末の公開鍵ではありません", public.display()))?;
    let block = match node {
        Some(node) => Block::whole(node),
        None => home.roster.propose_block(NODE, &[]),
    };
    let label = match letter {
        Some(letter) => Label::parse(letter),
        None => home.roster.propose_label(code, &[]),
    };
    let (Some(block), Some(label)) = (block, label) else {
        return Err(RosterFault::StationTaken(code).into());
    };
    let hand = Hand {
        by: "station add",
        at: clock::now(),
        note: "",
    };
    let station = downtime::identity::NewStation {
        code,
        block,
        label,
        public: &StationPublic::from_bytes(&bytes)?,
        sealer: None,
        wards: &[],
        departments: &[],
        address: None,
        hub: false,
    };
    home.roster.enrol(&station, Some(&hand))?;
    home.save_roster()?;
    write_durably(trust, &home.roster.without_users().to_bytes()?)
}
