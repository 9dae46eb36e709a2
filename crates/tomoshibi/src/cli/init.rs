//! `tomoshibi init`: a hub from nothing. Makes every key; nothing has a default password.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chart::StationCode;
use downtime::identity::{NewUser, Role, Roster};
use vault::HospitalId;
use vault::keys::{RoleSecret, SealerSecret, StationSecret};
use vault::slot::SlotCost;

use crate::home::{roster_file, sealer_key, station_key, write_durably};
use crate::{random, secrets};

/// Makes a hub: configuration, keys, roster and the first user (an informatics officer).
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi init --dir /srv/tomoshibi --hospital あかり総合病院 --user 9001 --name 灯山明 --password-file first-password.txt"
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
    /// Staff number of the first user.
    #[arg(long)]
    user: String,
    /// Name of the first user.
    #[arg(long)]
    name: String,
    /// File whose first line is the first user's password (15 characters or more); asked when absent.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Init {
    /// Runs the command.
    ///
    /// # Errors
    /// When the directory exists or cannot be written.
    pub fn run(&self) -> Result<ExitCode> {
        let code = StationCode::parse(&self.code).context("--code は英大文字と数字の3文字です")?;
        let password = super::password::read(
            self.password_file.as_ref(),
            &format!("{} の新しいパスワード", self.user),
        )?;
        let hub = NewHub {
            dir: &self.dir,
            hospital: &self.hospital,
            code,
        };
        let made = hub.make(
            &[NewUser {
                staff_number: &self.user,
                name: &self.name,
                role: Role::Informatics,
                password: &password,
            }],
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
        fs::create_dir_all(data.join("keys")).with_context(|| format!("{} を作れません", data.display()))?;
        let mut rng = random::system();
        let (station, sealer, journal) = (
            StationSecret::random(&mut rng),
            SealerSecret::random(&mut rng),
            RoleSecret::random(&mut rng),
        );
        let mut hospital = [0; 16];
        rand_core::Rng::fill_bytes(&mut rng, &mut hospital);
        let mut roster = Roster::new(HospitalId(hospital), self.hospital, &journal.public(), &sealer.public());
        roster.enrol_station(self.code, 1, 'A', &station.public())?;
        for user in users {
            roster.enrol_user(user, &journal, cost, &mut rng)?;
        }
        secrets::write(&station_key(&data), &station.to_file_bytes())?;
        secrets::write(&sealer_key(&data), &sealer.to_file_bytes())?;
        write_durably(&roster_file(&data), &roster.to_bytes()?)?;
        let text = include_str!("init.toml")
            .replace("@HOSPITAL@", &self.hospital.replace(['"', '\\'], ""))
            .replace("@CODE@", self.code.as_str());
        write_durably(&config, text.as_bytes())?;
        Ok(Made { config })
    }
}
