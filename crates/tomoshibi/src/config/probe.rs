//! `[[probe]]`: what is watched, how it is asked, and over which path it is reached. What does not go together is refused at the start.
//!
//! `[ehr] probe_tcp` is the short way to write one probe of the EHR's application.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use downtime::state::{Hours, MAX_PROBES, MAX_SPANS, Watched};
use downtime::stations::EHR_NAME;
use serde::Deserialize;

use super::Config;

/// Most characters of a name.
const MAX_NAME: usize = 40;

/// Longest pause between checks: with a check that takes its three seconds it still proves something (15 seconds).
const MAX_EVERY: u64 = 10;

/// One probe as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeSettings {
    /// As people call it.
    pub name: String,
    /// `ehr-db`, `ehr-app`, `hl7-feed`, `hub`, `gateway` or `line`.
    pub what: String,
    /// `host:port` that accepts connections while it is there.
    pub tcp: Option<String>,
    /// `http://…` that is answered while it is there.
    pub http: Option<String>,
    /// For a feed: the folder into which its messages come.
    pub folder: Option<PathBuf>,
    /// For a feed: the `[[feed]]` of this hub that receives it.
    pub feed: Option<String>,
    /// For a feed: hours in which nobody expects it to speak, such as `22:00-06:00`.
    #[serde(default)]
    pub quiet_hours: Vec<String>,
    /// For a feed: the longest silence outside of them that is usual, in minutes; without it, it is learnt.
    pub silent_minutes: Option<u16>,
    /// Seconds between checks.
    #[serde(default = "super::default_every")]
    pub every_seconds: u64,
    /// Name of the gateway or line over which it is reached.
    pub via: Option<String>,
}

/// How something is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// A connection.
    Tcp(String),
    /// A request.
    Http(String),
    /// A look into a folder.
    Folder(PathBuf),
    /// What the listener of a `[[feed]]` of this hub has received.
    Received(String),
    /// By the visits to the hub.
    Hub,
}

/// One probe that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// As people call it.
    pub name: String,
    /// What it looks at.
    pub what: Watched,
    /// How.
    pub way: Way,
    /// How often.
    pub every: Duration,
    /// Over which path.
    pub via: Option<String>,
    /// For a feed: what is expected of it.
    pub expected: Expected,
}

/// What a hospital says about the silences of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// When nobody expects it to speak.
    pub quiet: Vec<Hours>,
    /// The longest usual silence otherwise, in seconds.
    pub allowed: Option<i64>,
}

impl Config {
    /// What is watched, in the order of the file.
    ///
    /// # Errors
    /// Which probe cannot be used as it is written, and why.
    pub fn probes(&self) -> Result<Vec<Checked>> {
        if self.probe.len() >= MAX_PROBES {
            bail!("[[probe]] は {} 個までです", MAX_PROBES - 1);
        }
        let mut probes: Vec<Checked> = Vec::new();
        for settings in &self.probe {
            let checked = self.one(settings)?;
            if probes.iter().any(|other| other.name == checked.name) {
                bail!("[[probe]] の name が重なっています: {}", checked.name);
            }
            probes.push(checked);
        }
        for probe in &probes {
            let Some(via) = &probe.via else { continue };
            let path = probes.iter().find(|other| other.name == *via);
            if !path.is_some_and(|path| path.what.is_path()) {
                bail!(
                    "[[probe]] {} の via は、gateway か line の [[probe]] の name です: {via}",
                    probe.name
                );
            }
            if probe.what.is_path() {
                bail!("[[probe]] {} は経路そのものです。via は書けません", probe.name);
            }
        }
        if probes.iter().filter(|probe| probe.what == Watched::Hub).count() > 1 {
            bail!("[[probe]] の what = \"hub\" は一つだけです");
        }
        if let Some(address) = self.ehr.probe_tcp.as_ref().filter(|_| self.station.hub.is_none()) {
            if probes.iter().any(|probe| probe.what.is_ehr() || probe.name == EHR_NAME) {
                bail!(
                    "[ehr] probe_tcp と、電子カルテを見る [[probe]]（または名前「{EHR_NAME}」）は一緒に書けません。[[probe]] だけにしてください"
                );
            }
            probes.push(Checked {
                name: EHR_NAME.to_owned(),
                what: Watched::EhrApp,
                way: Way::Tcp(address.clone()),
                every: Duration::from_secs(self.ehr.every_seconds.max(1)),
                via: None,
                expected: Expected::default(),
            });
        }
        Ok(probes)
    }

    fn one(&self, settings: &ProbeSettings) -> Result<Checked> {
        let name = settings.name.trim();
        if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            bail!("[[probe]] の name は 1–{MAX_NAME} 字です: {:?}", settings.name);
        }
        let Some(what) = Watched::parse(&settings.what) else {
            let known = Watched::ALL.map(Watched::word).join("、");
            bail!("[[probe]] {name} の what は {known} のどれかです: {}", settings.what);
        };
        if !(1..=MAX_EVERY).contains(&settings.every_seconds) {
            bail!(
                "[[probe]] {name} の every_seconds は 1–{MAX_EVERY} です。15秒より古い確認は「確認中」になります: {}",
                settings.every_seconds
            );
        }
        if self.station.hub.is_some() && (what.is_ehr() || what == Watched::Feed) {
            bail!("[[probe]] {name}: 電子カルテは拠点（hub）が見ます。この端末では hub、gateway、line を見ます");
        }
        let expected = expected(settings, what)?;
        if settings.feed.is_some() && what != Watched::Feed {
            bail!("[[probe]] {name}: feed は what = \"hl7-feed\" だけに書きます");
        }
        let way = match (what, &settings.tcp, &settings.http, &settings.folder) {
            (Watched::Hub, None, None, None) if self.station.hub.is_some() => Way::Hub,
            (Watched::Hub, ..) => bail!(
                "[[probe]] {name}: what = \"hub\" は station.hub のある端末だけで使い、tcp・http・folder は書きません"
            ),
            (Watched::Feed, None, None, folder) => match (folder, &settings.feed) {
                (Some(folder), None) => Way::Folder(self.path(folder)),
                (None, Some(feed)) if self.feed.iter().any(|known| known.name == *feed) => Way::Received(feed.clone()),
                (None, Some(feed)) => bail!("[[probe]] {name}: feed = \"{feed}\" という [[feed]] がありません"),
                _ => bail!(FEED_WAYS.replace("{name}", name)),
            },
            (Watched::Feed, ..) => bail!(FEED_WAYS.replace("{name}", name)),
            (_, Some(tcp), None, None) if is_address(tcp) => Way::Tcp(tcp.clone()),
            (_, None, Some(http), None) if http.starts_with("http://") => Way::Http(http.clone()),
            _ => bail!(
                "[[probe]] {name}: tcp = \"host:port\" か http = \"http://…\" のどちらか一つを書きます（folder と feed は hl7-feed だけ）"
            ),
        };
        Ok(Checked {
            name: name.to_owned(),
            what,
            way,
            every: Duration::from_secs(settings.every_seconds),
            via: settings.via.clone(),
            expected,
        })
    }
}

/// Longest usual silence that can be said, in minutes.
const MAX_SILENT: u16 = 24 * 60;

/// Said where the way of a feed is missing or doubled.
const FEED_WAYS: &str = "[[probe]] {name}: hl7-feed には folder（電文が届くフォルダ）か feed（この hub の [[feed]] の name）のどちらか一つを書きます";

fn expected(settings: &ProbeSettings, what: Watched) -> Result<Expected> {
    let name = settings.name.trim();
    if what != Watched::Feed && (!settings.quiet_hours.is_empty() || settings.silent_minutes.is_some()) {
        bail!("[[probe]] {name}: quiet_hours と silent_minutes は what = \"hl7-feed\" だけに書きます");
    }
    if settings.quiet_hours.len() > MAX_SPANS {
        bail!("[[probe]] {name} の quiet_hours は {MAX_SPANS} 個までです");
    }
    let hours = |text: &String| {
        Hours::parse(text)
            .with_context(|| format!("[[probe]] {name} の quiet_hours は \"22:00-06:00\" のように書きます: {text}"))
    };
    if let Some(minutes) = settings.silent_minutes.filter(|m| !(1..=MAX_SILENT).contains(m)) {
        bail!("[[probe]] {name} の silent_minutes は 1–{MAX_SILENT} です: {minutes}");
    }
    Ok(Expected {
        quiet: settings.quiet_hours.iter().map(hours).collect::<Result<_>>()?,
        allowed: settings.silent_minutes.map(|minutes| i64::from(minutes) * 60),
    })
}

/// `host:port`
fn is_address(text: &str) -> bool {
    text.rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(more: &str) -> Config {
        let text =
            format!("[hospital]\nname = \"試験病院\"\n[station]\ncode = \"H01\"\nnode = 1\nletter = \"A\"\n{more}");
        toml::from_str(&text).unwrap()
    }

    const PATHS: &str = "[[probe]]\nname = \"北回線\"\nwhat = \"line\"\ntcp = \"10.0.0.1:22\"\n";

    #[test]
    fn the_short_form_is_one_probe_of_the_application() {
        let probes = config("[ehr]\nprobe_tcp = \"10.0.0.5:1433\"\n").probes().unwrap();
        assert_eq!(probes.len(), 1);
        assert_eq!(probes[0].what, Watched::EhrApp);
        assert_eq!(probes[0].way, Way::Tcp("10.0.0.5:1433".to_owned()));
        assert_eq!(config("").probes().unwrap(), []);
    }

    #[test]
    fn probes_are_read_with_their_ways_and_paths() {
        let text = format!(
            "{PATHS}[[probe]]\nname = \"DB\"\nwhat = \"ehr-db\"\ntcp = \"db:1433\"\nvia = \"北回線\"\n\
             [[probe]]\nname = \"画面\"\nwhat = \"ehr-app\"\nhttp = \"http://ehr/\"\nevery_seconds = 10\n\
             [[probe]]\nname = \"ADT\"\nwhat = \"hl7-feed\"\nfolder = \"/var/spool/adt\"\n"
        );
        let probes = config(&text).probes().unwrap();
        assert_eq!(probes.len(), 4);
        assert_eq!(probes[1].via.as_deref(), Some("北回線"));
        assert_eq!(probes[3].way, Way::Folder("/var/spool/adt".into()));
    }

    #[test]
    fn what_does_not_go_together_is_refused_by_name() {
        let db = "name = \"DB\"\nwhat = \"ehr-db\"\ntcp = \"db:1433\"\n";
        for (bad, says) in [
            (format!("[[probe]]\n{db}[[probe]]\n{db}"), "重なって"),
            (format!("[[probe]]\n{db}via = \"南回線\"\n"), "via"),
            (format!("{PATHS}via = \"北回線\"\n"), "経路そのもの"),
            (format!("[[probe]]\n{db}http = \"http://db/\"\n"), "どちらか一つ"),
            (format!("[[probe]]\n{db}every_seconds = 11\n"), "every_seconds"),
            (format!("[[probe]]\n{db}every_seconds = 0\n"), "every_seconds"),
            (
                "[[probe]]\nname = \"x\"\nwhat = \"server\"\ntcp = \"a:1\"\n".to_owned(),
                "what",
            ),
            (
                "[[probe]]\nname = \" \"\nwhat = \"line\"\ntcp = \"a:1\"\n".to_owned(),
                "name",
            ),
            (
                "[[probe]]\nname = \"x\"\nwhat = \"line\"\ntcp = \"a\"\n".to_owned(),
                "host:port",
            ),
            (
                "[[probe]]\nname = \"x\"\nwhat = \"hl7-feed\"\ntcp = \"a:1\"\n".to_owned(),
                "folder",
            ),
            ("[[probe]]\nname = \"x\"\nwhat = \"hub\"\n".to_owned(), "station.hub"),
            (format!("[ehr]\nprobe_tcp = \"a:1\"\n[[probe]]\n{db}"), "probe_tcp"),
        ] {
            let fault = config(&bad).probes().unwrap_err().to_string();
            assert!(fault.contains(says), "{bad}\n{fault}");
        }
    }

    #[test]
    fn a_feed_is_watched_where_it_is_received_with_what_is_expected_of_it() {
        let feed = "[[feed]]\nname = \"ehr\"\nlisten = \"0.0.0.0:2575\"\nsenders = [\"10.0.3.15\"]\n";
        let probe = "[[probe]]\nname = \"ADT\"\nwhat = \"hl7-feed\"\n";
        let probes = config(&format!(
            "{feed}{probe}feed = \"ehr\"\nquiet_hours = [\"22:00-06:00\"]\nsilent_minutes = 15\n"
        ))
        .probes()
        .unwrap();
        assert_eq!(probes[0].way, Way::Received("ehr".to_owned()));
        assert_eq!(probes[0].expected.allowed, Some(900));
        assert_eq!(probes[0].expected.quiet, [Hours::parse("22:00-06:00").unwrap()]);
        for (more, says) in [
            ("feed = \"lab\"\n", "lab"),
            ("", "どちらか一つ"),
            ("feed = \"ehr\"\nfolder = \"/x\"\n", "どちらか一つ"),
            ("feed = \"ehr\"\nquiet_hours = [\"夜\"]\n", "quiet_hours"),
            ("feed = \"ehr\"\nsilent_minutes = 0\n", "silent_minutes"),
        ] {
            let fault = config(&format!("{feed}{probe}{more}"))
                .probes()
                .unwrap_err()
                .to_string();
            assert!(fault.contains(says), "{more}: {fault}");
        }
        let line = format!("{feed}{PATHS}silent_minutes = 5\n");
        assert!(config(&line).probes().unwrap_err().to_string().contains("hl7-feed"));
        let line = format!("{feed}{PATHS}feed = \"ehr\"\n");
        assert!(config(&line).probes().unwrap_err().to_string().contains("hl7-feed"));
    }

    #[test]
    fn a_station_watches_its_hub_and_its_lines_and_leaves_the_ehr_to_the_hub() {
        let mut station = config(&format!(
            "{PATHS}[[probe]]\nname = \"拠点\"\nwhat = \"hub\"\nvia = \"北回線\"\n"
        ));
        station.station.hub = Some("http://hub:8300".to_owned());
        assert_eq!(station.probes().unwrap()[1].way, Way::Hub);
        let mut station = config("[[probe]]\nname = \"DB\"\nwhat = \"ehr-db\"\ntcp = \"db:1433\"\n");
        station.station.hub = Some("http://hub:8300".to_owned());
        assert!(station.probes().is_err());
    }
}
