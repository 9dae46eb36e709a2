//! `tomoshibi dispose`: destroys what a station holds, keys first, and makes the certificate that two people sign.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use downtime::papers::{Office, disposal_certificate};
use downtime::stations::{Asking, Heads, Remembered};
use vault::files::Disk;
use vault::journal::{Class, Record, RecordLog, read_journal};

use super::ConfigArg;
use crate::config::Config;
use crate::disposal::{self, Begun, Disposing, Step, Unsent};
use crate::home::Home;
use crate::hub_link::HubWord;
use crate::{clock, serving};

/// Destroys what this station holds: keys first, then sealed data, drafts and journals. It cannot be undone.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi dispose --serial PF3XK201 --model 'Note 14' --method 'ドライブを業者が粉砕' --by 9001 --witness 1001 --yes\n\nThe station must be stopped. Interrupted? Run the same command again: it goes on where it stopped."
)]
pub struct Dispose {
    #[command(flatten)]
    config: ConfigArg,
    /// Serial number of the machine or the medium.
    #[arg(long)]
    serial: String,
    /// Model.
    #[arg(long)]
    model: String,
    /// What happens to the medium after this.
    #[arg(long)]
    method: String,
    /// Staff number of who does it.
    #[arg(long)]
    by: String,
    /// Staff number of who watches: somebody else.
    #[arg(long)]
    witness: String,
    /// Leaves the sealed journals and the audit log on the medium.
    #[arg(long)]
    keep_journal: bool,
    /// Destroys although there are records that no other node is known to hold: why that is accepted.
    #[arg(long, value_name = "REASON")]
    unsent_accepted: Option<String>,
    /// Address of a station that is asked what it holds; the hub of the configuration when absent.
    #[arg(long, value_name = "URL")]
    ask: Option<String>,
    /// Directory for the certificate; beside the configuration when absent.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Really. Without it, only what would be destroyed is said.
    #[arg(long)]
    yes: bool,
}

impl Dispose {
    /// Runs the command.
    ///
    /// # Errors
    /// When the station runs, records would be lost, the two people are one, or something cannot be destroyed.
    pub fn run(&self) -> Result<ExitCode> {
        let config = self.config.read()?;
        let data = config.data();
        if self.by.trim() == self.witness.trim() {
            bail!("--by と --witness は別の人にしてください。何も壊していません");
        }
        if self.serial.is_empty() || !self.serial.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            bail!("--serial は英数字と - です。何も壊していません");
        }
        let lock = disposal::lock(&data)?;
        let out = self.out.clone().unwrap_or_else(|| config.home.clone());
        let name = |end: &str| out.join(format!("disposal-{}.{end}", self.serial));
        let begun = match disposal::earlier(&name("log"))? {
            Some(begun) if (&begun.by.0, &begun.witness.0) == (&self.by, &self.witness) => begun,
            Some(begun) => bail!(
                "この製造番号の廃棄は {} と {} が始めています。同じ2人で続けてください",
                begun.by.0,
                begun.witness.0
            ),
            None => self.decide(&config, &data)?,
        };
        if !self.yes {
            for (step, files, bytes) in &begun.plan {
                say!("{step:?}\t{files} 個\t{bytes} バイト");
            }
            say!("まだ何も壊していません。元に戻せません。壊すときは --yes を付けて実行してください");
            return Ok(ExitCode::SUCCESS);
        }
        let mut disposing = Disposing::begin(&data, &name("log"), begun, lock)?;
        let done = disposing.finish(&clock::now)?;
        disposal::write_json(&name("json"), &done, &config.station.code, &config.hospital.name)?;
        let office = Office {
            hospital: config.hospital.name.clone(),
            station: config.code()?,
            now: clock::now(),
            nth: 0,
        };
        let pdf = serving::press(&config)?.sheet(&disposal_certificate(&done, &office))?;
        crate::home::write_durably(&name("pdf"), &pdf.bytes)?;
        say!(
            "壊しました。証明書: {} と {}",
            name("json").display(),
            name("pdf").display()
        );
        say!("証明書に2人が署名し、hub で `tomoshibi station` の名簿からこの端末を外してください");
        say!("SSD や USB メモリは、媒体の破壊か Secure Erase を合わせて行ってください（docs/operating/disposal.md）");
        Ok(ExitCode::SUCCESS)
    }

    /// Everything that needs the keys is asked before they go.
    fn decide(&self, config: &Config, data: &Path) -> Result<Begun> {
        let home = Home::open(config).context(
            "この端末の鍵か名簿を読めません。途中まで壊した端末なら、初めと同じ --serial と --out で続けてください",
        )?;
        let unsent = self.unsent(config, &home)?;
        Ok(Begun {
            serial: self.serial.clone(),
            model: self.model.clone(),
            method: self.method.clone(),
            hospital: config.hospital.name.clone(),
            station: config.station.code.clone(),
            by: (self.by.clone(), name_of(&home, &self.by)?),
            witness: (self.witness.clone(), name_of(&home, &self.witness)?),
            keep_journal: self.keep_journal,
            unsent,
            at: clock::now().0,
            plan: disposal::inventory(data)?
                .into_iter()
                .filter(|(step, ..)| !(self.keep_journal && matches!(step, Step::Journal | Step::Audit)))
                .collect(),
        })
    }

    fn unsent(&self, config: &Config, home: &Home) -> Result<Option<Unsent>> {
        if self.keep_journal {
            return Ok(None);
        }
        let (entries, sightings) = records(home)?;
        let address = self.ask.as_ref().or(config.station.hub.as_ref());
        let (heads, audit) = match address.map(|address| ask(address, home)) {
            Some(Ok(both)) => both,
            Some(Err(error)) => {
                tracing::warn!(%error, "nobody could be asked what they hold");
                Default::default()
            }
            None => Default::default(),
        };
        let (entries, sightings) = (not_held(&entries, &heads), not_held(&sightings, &audit));
        if entries + sightings == 0 {
            return Ok(None);
        }
        match self
            .unsent_accepted
            .as_deref()
            .map(str::trim)
            .filter(|reason| !reason.is_empty())
        {
            Some(reason) => Ok(Some(Unsent {
                entries,
                sightings,
                reason: reason.to_owned(),
            })),
            None => bail!(
                "記録 {entries} 件と監査の記録 {sightings} 件は、ほかの端末にあると確かめられません。何も壊していません。\n端末を動かして hub につなぎ、未送信が 0 になってから止めて、もう一度実行してください。\n失ってよいときだけ --unsent-accepted \"理由\" を付けてください"
            ),
        }
    }
}

fn name_of(home: &Home, number: &str) -> Result<String> {
    if let Some(user) = home.roster.user(number) {
        return Ok(user.record.name.clone());
    }
    let record = home.shelf()?.current().and_then(|shelved| shelved.user(number).ok());
    Ok(record
        .with_context(|| format!("職員番号 {number} はこの端末の名簿にありません。何も壊していません"))?
        .name)
}

/// Everything this station holds: entries of all stations, and its own audit records.
fn records(home: &Home) -> Result<(Vec<Record>, Vec<Record>)> {
    let (hospital, id) = (home.roster.hospital(), home.roster.station_id(home.code));
    let public = home.secret.public();
    let stations = home.stations()?;
    let own = |dir: &str| read_journal(&Disk, &home.data.join(dir), &hospital, &id, &public).map(|walk| walk.records);
    let mut entries = own("journal")?;
    entries.extend(RecordLog::read(&Disk, &home.data.join("peers"), &hospital, &id, &stations)?.records);
    let mut sightings = own("audit")?;
    sightings.extend(own("audit-tools")?);
    Ok((entries, sightings))
}

/// How far another station holds everybody's entries, and this one's audit records.
fn ask(address: &str, home: &Home) -> Result<(Heads, Heads)> {
    let base = address.trim_end_matches('/');
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .into();
    let word = agent
        .get(format!("{base}/parcel/word"))
        .call()?
        .into_body()
        .read_to_vec()?;
    let word: HubWord = minicbor::decode(&word).context("the station's word cannot be read")?;
    let asking = Asking {
        station: *home.roster.station_id(home.code).as_bytes(),
    };
    let answer = agent
        .post(format!("{base}/parcel/audit/seen"))
        .send(&asking.to_bytes()[..])?;
    let remembered = Remembered::from_bytes(&answer.into_body().read_to_vec()?)?;
    Ok((word.heads, remembered.heads))
}

/// Records beyond what these heads hold. Key records say nothing by themselves.
fn not_held(records: &[Record], heads: &Heads) -> u64 {
    let held = |record: &Record| {
        let header = record.header();
        heads.0.iter().any(|head| {
            head.station == *header.station.as_bytes()
                && head.incarnation == *header.incarnation.as_bytes()
                && header.seq <= head.seq
        })
    };
    let lost = records.iter().filter(|r| r.header().class != Class::KEY && !held(r));
    lost.count() as u64
}
