//! `tomoshibi station`: a further terminal. Its secret never leaves it; two small files are carried by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chart::StationCode;
use downtime::audit::Deed;
use vault::keys::{StationPublic, StationSecret};

use super::ConfigArg;
use super::person::{SponsorArgs, officer};
use crate::home::{Home, station_key, write_durably};
use crate::{random, secrets, trail};

mod prove;

/// Makes and enrols further stations.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  (on the new station)  tomoshibi station new --dir /srv/tomoshibi --hospital あかり総合病院 --code R03 --node 3 --letter C --hub http://10.0.0.2:8300\n  (on the hub)          tomoshibi station add --code R03 --node 3 --letter C --public R03.public --trust R03.trust\n  (on the new station)  cp R03.trust /srv/tomoshibi/data/trust.cbor\n  (on the hub)          tomoshibi station retire --code R03 --reason 廃棄 --by 9001"
)]
pub struct Station {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// On the new station: makes its keys and configuration, and the public file for the hub.
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
        /// Node number, 2–99.
        #[arg(long)]
        node: u8,
        /// Letter of its reception numbers.
        #[arg(long)]
        letter: char,
        /// Address of the hub.
        #[arg(long)]
        hub: String,
    },
    /// On the hub: enrols a station. It can open the next snapshot.
    Add {
        /// Its three characters.
        #[arg(long)]
        code: String,
        /// Its node number.
        #[arg(long)]
        node: u8,
        /// Its letter.
        #[arg(long)]
        letter: char,
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
        #[command(flatten)]
        by: SponsorArgs,
    },
}

impl Station {
    /// Runs the command.
    ///
    /// # Errors
    /// When a file cannot be read or written, or code, node or letter are taken.
    pub fn run(&self) -> Result<ExitCode> {
        match &self.action {
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
                    letter: *letter,
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
                add(&mut home, parse(code)?, *node, *letter, public, trust)?;
                say!(
                    "端末 {code} を登録しました。{} を端末の data/trust.cbor に置いてください。次の取り出しから開けます",
                    trust.display()
                );
            }
            Action::Prove(prove) => return prove.run(&self.config.read()?),
            Action::Retire { code, reason, by } => {
                let mut home = Home::open(&self.config.read()?)?;
                retire(&mut home, parse(code)?, reason, by)?;
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
fn retire(home: &mut Home, code: StationCode, reason: &str, by: &SponsorArgs) -> Result<()> {
    if reason.trim().is_empty() {
        bail!("--reason（理由）が要ります。何も変えていません");
    }
    if code == home.code {
        bail!("この hub 自身は外せません。何も変えていません。hub を移すときは docs/operating/disposal.md");
    }
    let acting = officer(home, by)?;
    let mut roster = home.roster.clone();
    if !roster.retire_station(code) {
        bail!("端末 {code} は名簿にないか、もう外してあります。何も変えていません");
    }
    let mut sighting = acting.sighting(home, Deed::Configured);
    sighting.reason = reason.trim().to_owned();
    sighting.detail = format!("端末 {code} を外す");
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
    /// Its node number.
    pub node: u8,
    /// Letter of its reception numbers.
    pub letter: char,
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
    let clean = |text: &str| text.replace(['"', '\\', '\n'], "");
    let text = format!(
        "# Tomoshibi の設定（端末）\n\n[hospital]\nname = \"{}\"\n\n[station]\ncode = \"{}\"\nnode = {}\nletter = \"{}\"\ndata = \"data\"\nlisten = \"{}\"\nhub = \"{}\"\n",
        clean(station.hospital),
        station.code,
        station.node,
        station.letter,
        clean(station.listen),
        clean(station.hub)
    );
    write_durably(&config, text.as_bytes())?;
    Ok(public)
}

/// Enrols a station at the hub and writes its trust file.
///
/// # Errors
/// When the public file is not one, or code, node or letter are taken.
pub fn add(home: &mut Home, code: StationCode, node: u8, letter: char, public: &Path, trust: &Path) -> Result<()> {
    let bytes = fs::read(public).with_context(|| format!("{} を読めません", public.display()))?;
    let bytes: [u8; 64] = bytes
        .try_into()
        .ok()
        .with_context(|| format!("{} は端末の公開鍵ではありません", public.display()))?;
    home.roster
        .enrol_station(code, node, letter, &StationPublic::from_bytes(&bytes)?)?;
    home.save_roster()?;
    write_durably(trust, &home.roster.without_users().to_bytes()?)
}
