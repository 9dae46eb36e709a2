//! `tomoshibi init`: a hub from nothing. Makes every key; nothing has a default password.
//!
//! Two people begin: an informatics officer, who passes on what opens entries, and a privacy officer, who alone passes on what
//! opens the audit log. Neither secret stays in a file.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chart::{Author, StationCode};
use downtime::audit::{Deed, Method};
use downtime::identity::ranges::{Block, Label};
use downtime::identity::{Hand, NewStation, NewUser, Role, Roster, Sponsor};
use vault::HospitalId;
use vault::keys::{RoleSecret, SealerSecret, StationSecret};
use vault::slot::SlotCost;

use crate::home::{Home, roster_file, sealer_key, station_key, write_durably};
use crate::{clock, config, random, secrets, trail};

/// Makes a hub: configuration, keys, roster and the first two users (an informatics officer and a privacy officer).
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi init --dir /srv/tomoshibi --hospital あかり総合病院 --user 9001 --name 灯山明 --password-file informatics.txt --privacy-user 9101 --privacy-name 守山望 --privacy-password-file privacy.txt\n\nPasswords have 15 characters or more and are none that is guessed first. Exit codes: 0 made, 1 nothing was made."
)]
pub struct Init {
    /// New directory for configuration and data.
    #[arg(long)]
    dir: PathBuf,
    /// Name of the hospital on screens and paper.
    #[arg(long)]
    hospital: String,
    /// Three characters that name the hub.
    #[arg(long, default_value = "H01")]
    code: String,
    /// Staff number of the informatics officer (医療情報担当).
    #[arg(long)]
    user: String,
    /// Name of the informatics officer.
    #[arg(long)]
    name: String,
    /// File whose first line is the informatics officer's password; asked when absent.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Staff number of the privacy officer (個人情報保護責任者): somebody else.
    #[arg(long)]
    privacy_user: String,
    /// Name of the privacy officer.
    #[arg(long)]
    privacy_name: String,
    /// File whose first line is the privacy officer's password; asked when absent.
    #[arg(long, value_name = "FILE")]
    privacy_password_file: Option<PathBuf>,
}

impl Init {
    /// Runs the command.
    ///
    /// # Errors
    /// When the directory exists or cannot be written.
    pub fn run(&self) -> Result<ExitCode> {
        let code = StationCode::parse(&self.code).context("--code は英大文字と数字の3文字です")?;
        if self.user.trim() == self.privacy_user.trim() {
            bail!("医療情報担当と個人情報保護責任者は別の人にしてください。何も作っていません");
        }
        let ask = |user: &str, file: &Option<PathBuf>| {
            super::password::read(file.as_ref(), &format!("{user} の新しいパスワード"))
        };
        let password = ask(&self.user, &self.password_file)?;
        let privacy = ask(&self.privacy_user, &self.privacy_password_file)?;
        let hub = NewHub {
            dir: &self.dir,
            hospital: &self.hospital,
            code,
        };
        let made = hub.make(
            &[
                NewUser::with_password(&self.user, &self.name, Role::Informatics, &password),
                NewUser::with_password(&self.privacy_user, &self.privacy_name, Role::PrivacyOfficer, &privacy),
            ],
            SlotCost::STANDARD,
        )?;
        say!("hub {code} を作りました: {}", made.config.display());
        say!("次にすること:");
        say!(
            "  1. {} の [ehr] と [extract] を書く（docs/operating/mapping.md）",
            made.config.display()
        );
        say!("  2. tomoshibi map --check -c {}", made.config.display());
        say!("  3. tomoshibi extract -c {}", made.config.display());
        say!("  4. tomoshibi serve -c {}", made.config.display());
        say!("  5. tomoshibi recovery split、tomoshibi envelope make（docs/operating/users.md）");
        Ok(ExitCode::SUCCESS)
    }
}

/// What a new hub is made of.
pub struct NewHub<'a> {
    /// New directory.
    pub dir: &'a std::path::Path,
    /// Name of the hospital.
    pub hospital: &'a str,
    /// The hub's code.
    pub code: StationCode,
}

/// A hub that was made.
pub struct Made {
    /// Its configuration file.
    pub config: PathBuf,
}

impl NewHub<'_> {
    /// Makes directory, keys, roster with these users, and a configuration to fill in.
    ///
    /// # Errors
    /// When the directory has a configuration already, or cannot be written.
    pub fn make(&self, users: &[NewUser<'_>], cost: SlotCost) -> Result<Made> {
        let config = self.dir.join("tomoshibi.toml");
        let data = self.dir.join("data");
        if config.exists() || data.exists() {
            bail!("{} にはもう Tomoshibi があります。上書きしません", self.dir.display());
        }
        let mut rng = random::system();
        let (station, sealer) = (StationSecret::random(&mut rng), SealerSecret::random(&mut rng));
        let (journal, audit) = (RoleSecret::random(&mut rng), RoleSecret::random(&mut rng));
        let mut hospital = [0; 16];
        rand_core::Rng::fill_bytes(&mut rng, &mut hospital);
        let mut roster = Roster::new(
            HospitalId(hospital),
            self.hospital,
            &journal.public(),
            &audit.public(),
            &sealer.public(),
        );
        let (block, label) = (Block::whole(1), Label::parse("A"));
        let first = NewStation {
            code: self.code,
            block: block.context("1")?,
            label: label.context("A")?,
            public: &station.public(),
            sealer: Some(&sealer.public()),
            wards: &[],
            departments: &[],
            address: None,
            hub: true,
        };
        let hand = Hand {
            by: "init",
            at: clock::now(),
            note: "導入",
        };
        roster.enrol(&first, Some(&hand))?;
        roster.changed_at(self.code)?;
        let sponsor = Sponsor {
            user: "init",
            journal: Some(&journal),
            audit: Some(&audit),
            at: clock::now(),
            note: "導入",
        };
        for user in users {
            roster
                .enrol_user(user, &sponsor, cost, &mut rng)
                .with_context(|| format!("{} を登録できません。何も作っていません", user.record.staff_number))?;
        }
        // Nothing is on the disk before every password was found good.
        fs::create_dir_all(data.join("keys")).with_context(|| format!("{} を作れません", data.display()))?;
        #[cfg(windows)]
        crate::protecting::directory(&data, false).with_context(|| format!("{} の権限を絞れません", data.display()))?;
        secrets::write(&station_key(&data), &station.to_file_bytes())?;
        secrets::write(&sealer_key(&data), &sealer.to_file_bytes())?;
        write_durably(&roster_file(&data), &roster.to_bytes()?)?;
        let text = include_str!("init.toml")
            .replace("@HOSPITAL@", &self.hospital.replace(['"', '\\'], ""))
            .replace("@CODE@", self.code.as_str());
        write_durably(&config, text.as_bytes())?;
        let home = Home::open(&config::Config::read(&config)?)?;
        let granted = users.iter().map(|user| {
            let mut sighting = trail::sighting(&home, &Author::default(), Method::Program, Deed::Granted);
            let (record, role) = (&user.record, user.record.role.label());
            sighting.detail = format!("{} {}（{role}）", record.staff_number, record.name);
            "導入".clone_into(&mut sighting.reason);
            sighting
        });
        trail::write(&home, granted.collect())?;
        Ok(Made { config })
    }
}
