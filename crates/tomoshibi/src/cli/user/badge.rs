//! Continuity badges: number, secret, and where they go: a paper to print (F24) or a file for a program. Either is for its
//! owner's eyes only and to be destroyed once the badge is made.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use downtime::identity::{BadgeSecret, Credentials, Roster, UserRecord};
use downtime::papers::{BadgeCard, Office, badge_sheet};

use crate::config::Config;
use crate::home::Home;
use crate::{clock, random, secrets, serving};

/// What opens an account.
#[derive(Debug, Clone, clap::Args)]
pub struct BadgeArgs {
    /// File with the user's new password; asked when absent. 15 characters or more alone, 8 or more beside a badge.
    #[arg(long, value_name = "FILE")]
    pub new_password_file: Option<PathBuf>,
    /// Make a continuity badge; needs --badge-out.
    #[arg(long, requires = "badge_out")]
    pub badge: bool,
    /// New file (owner only) for the badge: a paper to print when it ends in .pdf, otherwise digits and typed form, a line each.
    #[arg(long, value_name = "FILE", requires = "badge")]
    pub badge_out: Option<PathBuf>,
}

/// A badge that was just made.
pub struct Badge {
    /// Its number, 8 digits.
    pub number: u32,
    /// What opens the account beside the password.
    pub secret: BadgeSecret,
}

impl Badge {
    /// A badge with a number that nobody of the roster has.
    pub fn random(roster: &Roster) -> Self {
        let mut rng = random::system();
        let mut number = 0;
        while number == 0 || roster.users.iter().any(|user| user.record.badge == number) {
            number = rand_core::Rng::next_u32(&mut rng) % vault::secret_text::NUMBERS;
        }
        Self {
            number,
            secret: BadgeSecret::random(&mut rng),
        }
    }

    /// The scanned digits.
    pub fn digits(&self) -> Result<String> {
        let digits = self.secret.to_digits(self.number).context("バッジの番号")?;
        Ok((*digits).clone())
    }

    /// The typed characters.
    pub fn typed(&self) -> String {
        (*self.secret.to_typed()).clone()
    }

    /// Writes the badge where it was asked for.
    pub fn write(&self, path: &Path, user: &UserRecord, config: &Config, home: &Home) -> Result<()> {
        if path.extension().is_none_or(|end| end != "pdf") {
            return secrets::write(path, format!("{}\n{}\n", self.digits()?, self.typed()).as_bytes());
        }
        let card = BadgeCard {
            name: user.name.clone(),
            staff_number: user.staff_number.clone(),
            role: user.role,
            badge: self.number,
            secret: &self.secret,
            valid_from: clock::now().day(),
            lost: String::new(),
        };
        let sheet = badge_sheet(&[card], &office(config, home, 0)).context("バッジの番号が大きすぎます")?;
        secrets::write(path, &serving::press(config)?.sheet(&sheet)?.bytes)
    }
}

/// Where and when a paper of the office is issued.
pub fn office(config: &Config, home: &Home, nth: u32) -> Office {
    Office {
        hospital: config.hospital.name.clone(),
        station: home.code,
        now: clock::now(),
        nth,
    }
}

/// The credentials of a password with or without a badge, where the hospital allows them.
pub fn credentials<'a>(config: &Config, password: &'a str, badge: Option<&'a Badge>) -> Result<Credentials<'a>> {
    match badge {
        Some(badge) => Ok(Credentials::PasswordAndBadge {
            password,
            badge: &badge.secret,
        }),
        None if config.identity.password_alone => Ok(Credentials::Password(password)),
        None => bail!(
            "この病院ではパスワードだけの登録を認めていません（[identity] password_alone = false）。--badge を付けてください"
        ),
    }
}
