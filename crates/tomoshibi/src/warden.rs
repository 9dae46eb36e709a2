//! The warden: a small process that seals nothing, and calls out when whoever seals cannot.
//!
//! It asks the hubs for readiness receipts and verifies every one itself against its own trust file; it looks at the hubs' signs of life
//! and at the clock. What stands is a pure function of what was seen (`downtime::readiness::alarm`). An alarm is written down durably,
//! logged, shown on a page, and handed to a command; it ends by itself, with a line. A warden that cannot do its work says that first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use chart::Moment;
use downtime::distribution::{HEARTBEAT_LEN, HEARTBEAT_SECONDS, Heartbeat};
use downtime::identity::Roster;
use downtime::readiness::alarm::{Alarm, HubSeen, Seen, alarms};
use downtime::readiness::board::{Bundle, MAX_BUNDLE_BYTES};
use downtime::readiness::fleet::fleet;
use downtime::readiness::kept::{Kept, members, newest_known};
use vault::files::Disk;

use crate::clock;
use crate::home::{MAX_ROSTER, write_durably};
use crate::hub_link::HubWord;
use crate::line::Line;
use crate::receipt_routes::PATH;

mod call;
mod page;
mod settings;
mod words;

pub use page::serve;
pub use settings::Settings;

/// Longest one question to a hub may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest word of a hub, in bytes: its heads of a long outage.
const MAX_WORD: u64 = 16 << 20;

/// What stands, for people: the page shows it and `alarm.txt` holds it.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// When the warden last looked.
    pub looked: Option<Moment>,
    /// Every alarm with the moment at which it was raised, and its words.
    pub alarms: Vec<(Moment, String)>,
    /// The fleet in one line.
    pub fleet: String,
}

/// A warden at work.
pub struct Warden {
    settings: Settings,
    line: Line,
    kept: Option<Kept>,
    hubs: Vec<HubSeen>,
    since: Moment,
    raised: BTreeMap<String, (Moment, Moment, String)>,
    shown: Arc<Mutex<Standing>>,
    no_disk: Option<String>,
}

impl Warden {
    /// Begins to look.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let hub = |address: &String| HubSeen {
            address: address.trim_end_matches('/').to_owned(),
            answered: None,
            heartbeat: None,
            ahead: None,
            why: "まだ答えを聞いていません".to_owned(),
        };
        Self {
            hubs: settings.hubs.iter().map(hub).collect(),
            line: Line::with_plain(settings.plain),
            kept: None,
            since: clock::now(),
            raised: BTreeMap::new(),
            shown: Arc::default(),
            no_disk: None,
            settings,
        }
    }

    /// What stands, shared with the page.
    #[must_use]
    pub fn shown(&self) -> Arc<Mutex<Standing>> {
        Arc::clone(&self.shown)
    }

    /// One look at everything; gives how many alarms stand.
    pub fn look(&mut self) -> usize {
        let (roster, no_trust) = match trust(&self.settings.trust) {
            Ok(roster) => (Some(roster), None),
            Err(fault) => (None, Some(format!("{fault:#}"))),
        };
        if let Some(roster) = &roster
            && let Err(fault) = self.line.trust(&roster.authorities())
        {
            tracing::warn!(%fault, "the trust file names an authority that is none");
        }
        let mut strangers = Vec::new();
        let agent = self.line.agent(PATIENCE);
        for hub in &mut self.hubs {
            let bundle = match ask(&agent, hub, roster.as_ref()) {
                Ok(bundle) => bundle,
                Err(fault) => {
                    hub.why = format!("{fault:#}");
                    tracing::warn!(hub = hub.address, why = hub.why, "the hub does not answer");
                    continue;
                }
            };
            let Some(roster) = &roster else { continue };
            let kept = self
                .kept
                .get_or_insert_with(|| Kept::open(Arc::new(Disk), &self.settings.data.join("receipts"), roster));
            let known = |code| roster.station(code).is_some();
            strangers.extend(
                bundle
                    .receipts
                    .iter()
                    .filter_map(|signed| Some(signed.claim().ok()?.code))
                    .filter(|code| !known(*code)),
            );
            if let Err(error) = kept.take(&bundle.receipts, roster, clock::now()) {
                self.no_disk = Some(format!("受け取った即応証明を書けません: {error}"));
            }
        }
        strangers.sort();
        strangers.dedup();
        let now = clock::now();
        let found = self.judge(roster.as_ref(), no_trust, strangers, now);
        self.tell(found, now)
    }

    /// The alarms that stand, and the fleet in a line.
    fn judge(
        &self,
        roster: Option<&Roster>,
        no_trust: Option<String>,
        strangers: Vec<chart::StationCode>,
        now: Moment,
    ) -> (Vec<Alarm>, String) {
        let mut seen = Seen {
            now,
            since: self.since,
            no_trust,
            no_disk: self.no_disk.clone(),
            hubs: self.hubs.clone(),
            fleet: None,
            sealed: None,
            strangers,
        };
        let bounds = self.settings.bounds();
        let Some(roster) = roster else {
            return (
                alarms(&seen, &bounds),
                "端末の状態は分かりません（信頼ファイルがありません）".to_owned(),
            );
        };
        let judge = |held: &BTreeMap<_, _>| {
            let members = members(roster, held);
            let newest = newest_known(&members);
            let fleet = fleet(members, newest.as_ref(), now);
            seen.sealed = newest.map(|newest| newest.sealed);
            let line = words::fleet(&fleet);
            let seen = Seen {
                fleet: Some(&fleet),
                ..seen
            };
            (alarms(&seen, &bounds), line)
        };
        match &self.kept {
            Some(kept) => kept.read(judge),
            None => judge(&BTreeMap::new()),
        }
    }

    /// Raises what is new, ends what is over, and calls whoever is to be called.
    fn tell(&mut self, (found, fleet): (Vec<Alarm>, String), now: Moment) -> usize {
        self.no_disk = None;
        let mut lines = Vec::new();
        let mut call = Vec::new();
        let standing: BTreeMap<String, String> = found
            .iter()
            .map(|alarm| (alarm.name(), words::alarm(alarm, now)))
            .collect();
        let over: Vec<String> = self
            .raised
            .keys()
            .filter(|name| !standing.contains_key(*name))
            .cloned()
            .collect();
        for name in over {
            if let Some((since, _, words)) = self.raised.remove(&name) {
                let line = format!("解除: {words}（{} から）", since.text());
                tracing::info!("{line}");
                call.push(line.clone());
                lines.push(line);
            }
        }
        for (name, words) in &standing {
            match self.raised.get_mut(name) {
                Some((_, called, text)) => {
                    text.clone_from(words);
                    let again = self.settings.again_minutes.saturating_mul(60);
                    if again > 0 && now.0.saturating_sub(called.0) >= again {
                        *called = now;
                        call.push(format!("警報（続いています）: {words}"));
                    }
                }
                None => {
                    self.raised.insert(name.clone(), (now, now, words.clone()));
                    tracing::error!("★ {words}");
                    lines.push(format!("警報: {words}"));
                    call.push(format!("警報: {words}"));
                }
            }
        }
        if self.raised.is_empty() && !call.is_empty() {
            call.push("警報はすべて解除されました".to_owned());
            lines.push("警報はすべて解除されました".to_owned());
        }
        let shown = Standing {
            looked: Some(now),
            alarms: found
                .iter()
                .filter_map(|alarm| {
                    let (since, _, words) = self.raised.get(&alarm.name())?;
                    Some((*since, words.clone()))
                })
                .collect(),
            fleet,
        };
        if let Err(fault) = write(&self.settings.data, &shown, &lines) {
            // Said at the next look as an alarm of its own; the command is called all the same.
            self.no_disk = Some(format!("警報を書けません: {fault:#}"));
            tracing::error!("★ {}", self.no_disk.as_deref().unwrap_or_default());
        }
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = shown;
        if !call.is_empty() {
            call::call(&self.settings.command, &call.join("\n"));
        }
        self.raised.len()
    }

    /// Seconds between two looks.
    #[must_use]
    pub const fn every(&self) -> Duration {
        Duration::from_secs(self.settings.every_seconds)
    }
}

/// The trust file: whom this warden believes.
fn trust(path: &Path) -> Result<Roster> {
    let size = std::fs::metadata(path)
        .with_context(|| format!("信頼ファイル {} がありません", path.display()))?
        .len();
    anyhow::ensure!(size <= MAX_ROSTER, "信頼ファイル {} が大きすぎます", path.display());
    let roster = Roster::from_bytes(&std::fs::read(path)?)?;
    anyhow::ensure!(
        !roster.stations.is_empty(),
        "信頼ファイル {} に端末がありません",
        path.display()
    );
    Ok(roster)
}

/// Asks one hub for its word and for receipts.
fn ask(agent: &ureq::Agent, hub: &mut HubSeen, roster: Option<&Roster>) -> Result<Bundle> {
    let before = clock::now();
    let word = agent.get(format!("{}/parcel/word", hub.address)).call()?;
    let word = word.into_body().with_config().limit(MAX_WORD).read_to_vec()?;
    let word: HubWord = minicbor::decode(&word).context("拠点の返事を読めません")?;
    let after = clock::now();
    hub.ahead = word.now.map(|now| {
        if now < before {
            now.0.saturating_sub(before.0)
        } else {
            now.0.saturating_sub(after.0).max(0)
        }
    });
    let answer = agent.get(format!("{}{PATH}", hub.address)).call()?;
    let limit = u64::try_from(MAX_BUNDLE_BYTES).unwrap_or(u64::MAX);
    let bytes = answer.into_body().with_config().limit(limit).read_to_vec()?;
    let bundle = Bundle::from_bytes(&bytes).context("即応証明の束を読めません")?;
    hub.answered = Some(after);
    // A hub that answers is not yet a sealer that lives.
    if let Some(roster) = roster
        && let Ok(answer) = agent.get(format!("{}/parcel/heartbeat", hub.address)).call()
    {
        let bytes = answer
            .into_body()
            .with_config()
            .limit(HEARTBEAT_LEN as u64 + 1)
            .read_to_vec()?;
        let beat = Heartbeat::read(&bytes, &roster.sealers()?).context("封印者の生存の合図を信じられません")?;
        // It is silent from the moment at which the next one is overdue.
        hub.heartbeat = Some(after.min(Moment(beat.at.0.saturating_add(HEARTBEAT_SECONDS))));
    }
    hub.why.clear();
    Ok(bundle)
}

/// `alarm.txt`, anew and durably, and what has changed at the end of `alarms.log`.
fn write(data: &Path, shown: &Standing, lines: &[String]) -> Result<()> {
    std::fs::create_dir_all(data)?;
    write_durably(&alarm_file(data), words::file(shown).as_bytes())?;
    let at = shown.looked.unwrap_or_default().text();
    for line in lines {
        crate::home::log(data, "alarms.log", &format!("{at} {line}"))?;
    }
    Ok(())
}

/// Where what stands is written.
#[must_use]
pub fn alarm_file(data: &Path) -> PathBuf {
    data.join("alarm.txt")
}
