//! The one TOML file of a station: small structs per concern, unknown keys refused, secrets never inline.
//!
//! `tomoshibi doctor` prints the effective configuration with where each value came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

pub mod backup;
pub mod carry;
pub mod feed;
mod fhir;
mod hl7;
pub mod line;
pub mod packs;
mod payment;
mod printer;
pub mod probe;
mod readiness;
pub mod source;
pub mod sql;
mod ssmix2;
pub mod symbols;
mod time;
pub mod update;

pub use time::{Time, TimeSource};

/// A station's configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The hospital.
    pub hospital: Hospital,
    /// This station.
    pub station: Station,
    /// The EHR that is watched.
    #[serde(default)]
    pub ehr: Ehr,
    /// How the hub extracts; absent on a station that only receives snapshots.
    pub extract: Option<Extract>,
    /// Printed forms.
    #[serde(default)]
    pub forms: Forms,
    /// What is ticked on order sheets.
    #[serde(default)]
    pub orders: Orders,
    /// Payments put off to another day.
    #[serde(default)]
    pub payment: payment::Payment,
    /// Print packs that are made by themselves.
    #[serde(default)]
    pub packs: packs::Packs,
    /// How to see whether this machine's clock is right.
    #[serde(default)]
    pub time: Time,
    /// Who may sign in with what.
    #[serde(default)]
    pub identity: Identity,
    /// Printers to which sheets go straight; without any, the browser prints.
    #[serde(default, rename = "printer")]
    pub printer: Vec<printer::Printer>,
    /// Where other systems send HL7 messages to; only a hub has them.
    #[serde(default)]
    pub feed: Vec<feed::Feed>,
    /// How often this station proves itself.
    #[serde(default)]
    pub readiness: readiness::Readiness,
    /// Carrying by hand.
    #[serde(default)]
    pub carry: carry::CarrySettings,
    /// Backups.
    #[serde(default)]
    pub backup: backup::BackupSettings,
    /// What is watched besides.
    #[serde(default)]
    pub probe: Vec<probe::ProbeSettings>,
    /// The page behind the desktop icon of terminals that have a browser only.
    #[serde(default)]
    pub icon: line::Icon,
    /// New versions of the program.
    #[serde(default)]
    pub update: update::Update,
    /// Where the file lies; relative paths start there.
    #[serde(skip)]
    pub home: PathBuf,
    /// The file itself.
    #[serde(skip)]
    pub file: PathBuf,
}

/// `[hospital]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hospital {
    /// Name on screens and paper.
    pub name: String,
    /// Phone for changing appointments, printed on F06.
    #[serde(default)]
    pub contact_phone: String,
    /// 保険医療機関, printed on prescriptions.
    #[serde(default)]
    pub institution: Institution,
}

/// `[hospital.institution]`. What is left out is an empty box on the prescription, to be written by hand.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Institution {
    /// 都道府県番号, two digits.
    pub prefecture: String,
    /// 医療機関コード, seven digits.
    pub code: String,
    /// 郵便番号, `105-0000`.
    pub postcode: String,
    /// 所在地
    pub address: String,
    /// Telephone that a pharmacy can reach while the EHR is away.
    pub phone: String,
    /// FAX
    pub fax: String,
}

impl Hospital {
    /// The institution with the hospital's name.
    #[must_use]
    pub fn prescriber(&self) -> chart::rx::Institution {
        let i = &self.institution;
        chart::rx::Institution {
            prefecture: i.prefecture.clone(),
            code: i.code.clone(),
            name: self.name.clone(),
            postcode: i.postcode.clone(),
            address: i.address.clone(),
            phone: i.phone.clone(),
            fax: i.fax.clone(),
        }
    }
}

/// `[station]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Station {
    /// Three characters, such as `H01`.
    pub code: String,
    /// Node number in form numbers. The roster decides; what is written here must say the same.
    pub node: Option<u8>,
    /// Letters in front of reception numbers. The roster decides; what is written here must say the same.
    pub letter: Option<String>,
    /// Keys, shelf, journals, drafts, logs.
    #[serde(default = "default_data")]
    pub data: PathBuf,
    /// Address and port of the desk.
    #[serde(default = "default_listen")]
    pub listen: String,
    /// `https://host:port` of the hub; absent on the hub itself.
    pub hub: Option<String>,
    /// Every hub, where there are several: any of them may fail.
    #[serde(default)]
    pub hubs: Vec<String>,
    /// Names and addresses under which this station's certificate counts; the first is told to people.
    #[serde(default)]
    pub names: Vec<String>,
    /// Certificate and key of an authority that the hospital has already.
    pub tls: Option<line::Tls>,
    /// Address and port for other stations only: no desk there.
    pub peers_listen: Option<String>,
    /// Said yes to lines without TLS, until there are certificates.
    #[serde(default)]
    pub plain: bool,
    /// Seconds between checks of the hub.
    #[serde(default = "default_every")]
    pub hub_every_seconds: u64,
    /// The browsers here are started with `--kiosk-printing`: sheets without a printer of their own come out without a dialogue.
    #[serde(default)]
    pub kiosk_printing: bool,
}

impl Station {
    /// Every hub's address, each once, without a slash at its end.
    #[must_use]
    pub fn hub_addresses(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for hub in self.hub.iter().chain(&self.hubs) {
            let hub = hub.trim_end_matches('/').to_owned();
            if !all.contains(&hub) {
                all.push(hub);
            }
        }
        all
    }
}

/// `[ehr]`: how to see that the EHR is there. Without a probe the mode bar says 確認できません, never 通常.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ehr {
    /// `host:port` that accepts connections while the EHR runs.
    pub probe_tcp: Option<String>,
    /// Seconds between checks.
    #[serde(default = "default_every")]
    pub every_seconds: u64,
}

/// `[extract]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extract {
    /// Directory into which the EHR writes its export, where that is the only source.
    pub dir: Option<PathBuf>,
    /// The mapping of the export's columns (see docs/operating/mapping.md).
    pub mapping: Option<PathBuf>,
    /// The sources, where there are several or one of another kind.
    #[serde(default)]
    pub sources: Vec<source::SourceSettings>,
    /// For a kind of data (`allergy`, `stay` …) the names of the sources, the one to be believed first.
    #[serde(default)]
    pub precedence: BTreeMap<String, Vec<String>>,
    /// Local time of the nightly extract, `HH:MM`.
    #[serde(default = "default_at")]
    pub at: String,
    /// Minutes between refreshes of the day's snapshot; 0 for none.
    #[serde(default = "default_refresh")]
    pub refresh_minutes: u16,
    /// Days of the thin appointment list.
    #[serde(default = "default_thin_days")]
    pub thin_days: u16,
    /// Refuse an extract that has shrunk by more than this many percent against the last good one.
    #[serde(default = "default_shrink")]
    pub shrink_percent: u8,
    /// Hours for which a snapshot counts as fresh.
    #[serde(default = "default_fresh_hours")]
    pub fresh_hours: u16,
}

/// `[forms]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forms {
    /// The hospital's own forms: folders of the same name replace the built-in ones.
    pub dir: Option<PathBuf>,
    /// Pages that a printer prints in a minute, for the time that packs take.
    pub pages_per_minute: Option<u16>,
    /// QR symbols of prescriptions.
    #[serde(default)]
    pub symbols: symbols::SymbolTable,
    /// QR symbols of the medicine notebook.
    #[serde(default, rename = "notebook-symbols")]
    pub notebook_symbols: symbols::SymbolTable,
}

impl Forms {
    /// How QR symbols are made.
    ///
    /// # Errors
    /// Which key is out of its bounds.
    pub fn symbols(&self) -> Result<desk::Symbols> {
        symbols::both(&self.symbols, &self.notebook_symbols)
    }

    /// Pages a minute: 30 unless configured, an office printer of this decade.
    #[must_use]
    pub fn per_minute(&self) -> u16 {
        self.pages_per_minute.unwrap_or(30)
    }
}

/// `[orders]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    /// The hospital's own lists of examinations and treatments (docs/operating/orders.md); without it, the built-in ones.
    pub lists: Option<PathBuf>,
}

/// `[identity]`: what the hospital asks of those who sign in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Whether a password of 15 characters may stand alone; otherwise every account needs a continuity badge.
    #[serde(default = "yes")]
    pub password_alone: bool,
    /// Days after which an account that nobody has looked at is due for review.
    #[serde(default = "default_review_days")]
    pub review_days: u16,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            password_alone: yes(),
            review_days: default_review_days(),
        }
    }
}

const fn yes() -> bool {
    true
}

const fn default_review_days() -> u16 {
    365
}

fn default_data() -> PathBuf {
    PathBuf::from("data")
}

fn default_listen() -> String {
    "127.0.0.1:8300".to_owned()
}

const fn default_every() -> u64 {
    5
}

const fn default_refresh() -> u16 {
    60
}

const fn default_thin_days() -> u16 {
    14
}

const fn default_shrink() -> u8 {
    30
}

const fn default_fresh_hours() -> u16 {
    26
}

fn default_at() -> String {
    "00:00".to_owned()
}

/// Largest configuration file accepted, in bytes.
const MAX_CONFIG: u64 = 1 << 20;

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// When it cannot be read, has unknown keys, or says things that do not go together.
    pub fn read(path: &Path) -> Result<Self> {
        let size = std::fs::metadata(path)
            .with_context(|| {
                format!(
                    "設定ファイル {} がありません。`tomoshibi init --dir DIR` で作れます",
                    path.display()
                )
            })?
            .len();
        if size > MAX_CONFIG {
            bail!(
                "設定ファイル {} が大きすぎます（{size} バイト）。別のファイルを指していませんか",
                path.display()
            );
        }
        let text =
            std::fs::read_to_string(path).with_context(|| format!("設定ファイル {} を読めません", path.display()))?;
        // An editor of Windows may have put its mark before the text.
        let mut config: Self = toml::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text)).with_context(|| {
            format!(
                "設定ファイル {} の書き方が違います。直してから起動してください",
                path.display()
            )
        })?;
        path.clone_into(&mut config.file);
        config.home = path.parent().map(Path::to_path_buf).unwrap_or_default();
        if config.station.hub.is_none() {
            config.station.hub = config.station.hubs.first().cloned();
        }
        config
            .check()
            .with_context(|| format!("設定ファイル {}", path.display()))?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        if chart::StationCode::parse(&self.station.code).is_none() {
            bail!(
                "station.code は英大文字と数字の3文字です（例: H01）: {}",
                self.station.code
            );
        }
        if self.station.hub_addresses().len() > downtime::stations::MAX_HUBS {
            bail!("station.hubs は {} までです", downtime::stations::MAX_HUBS);
        }
        self.check_line()?;
        if !(1..=1000).contains(&self.forms.per_minute()) {
            bail!("forms.pages_per_minute は 1–1000 です");
        }
        self.forms.symbols()?;
        if let Some(extract) = &self.extract {
            if extract.shrink_percent > 100 || extract.thin_days > 60 || extract.fresh_hours == 0 {
                bail!("[extract] shrink_percent は 0–100、thin_days は 0–60、fresh_hours は 1 以上です");
            }
            if extract.refresh_minutes != 0 && !(5..=1_440).contains(&extract.refresh_minutes) {
                bail!(
                    "extract.refresh_minutes は 0（しない）か 5–1440 です: {}",
                    extract.refresh_minutes
                );
            }
            if extract_time(&extract.at).is_none() {
                bail!("extract.at は HH:MM です: {}", extract.at);
            }
            extract.check_sources()?;
        }
        feed::check(&self.feed, self.station.hub.is_none())?;
        self.probes()?;
        self.packs.check(&self.printers()?)?;
        self.trusts()?;
        self.payment.rules()?;
        self.update.allowed()?;
        self.backup.check()?;
        Ok(())
    }

    /// A path of the configuration, from the configuration file's own directory.
    #[must_use]
    pub fn path(&self, path: &Path) -> PathBuf {
        if path.is_absolute() {
            path.to_path_buf()
        } else {
            self.home.join(path)
        }
    }

    /// Where keys, shelf and journals lie.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.path(&self.station.data)
    }

    /// What is ticked on order sheets: the hospital's own lists, or the built-in ones where none are named.
    ///
    /// # Errors
    /// When the file that is named cannot be read or is wrong: other lists than the hospital's own are not put in its place.
    pub fn order_lists(&self) -> Result<downtime::forms::OrderLists> {
        let Some(file) = &self.orders.lists else {
            return Ok(downtime::forms::OrderLists::built_in()?);
        };
        let path = self.path(file);
        let wrong = || format!("検査・処置の一覧 {} を使えません", path.display());
        let size = std::fs::metadata(&path).with_context(wrong)?.len();
        if size > downtime::forms::MAX_ORDER_LISTS as u64 {
            bail!("検査・処置の一覧 {} が大きすぎます（{size} バイト）", path.display());
        }
        let text = std::fs::read_to_string(&path).with_context(wrong)?;
        downtime::forms::OrderLists::parse(&text).with_context(wrong)
    }

    /// The printers, in the order of the file.
    ///
    /// # Errors
    /// When one cannot be used as it is written; says which and why.
    pub fn printers(&self) -> Result<Vec<downtime::printing::Printer>> {
        printer::listed(&self.printer)
    }

    /// What proves who each encrypted printer is.
    ///
    /// # Errors
    /// When a certificate cannot be read.
    pub fn trusts(&self) -> Result<crate::printing::Trusts> {
        printer::trusts(&self.printer, &|path| self.path(path))
    }

    /// The station code; checked when the file was read.
    ///
    /// # Errors
    /// When the configuration was built by hand with a bad code.
    pub fn code(&self) -> Result<chart::StationCode> {
        chart::StationCode::parse(&self.station.code).context("station.code")
    }
}

/// `00:30` as minutes after midnight.
#[must_use]
pub fn extract_time(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}
