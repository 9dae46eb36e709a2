//! A station takes a new version of the program: asks for it, fetches it by its hash, verifies it, tries whether it starts and opens the
//! snapshot here, and changes over when it may. What it may is decided in `downtime::updates`; the change itself is the supervisor's.
//!
//! Every step is in `data/log/updates.log`. How the program stands lies in `data/program/standing`, for receipts and for `doctor`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chart::Moment;
use downtime::stations::Station;
use downtime::updates::{
    Allowed, Facts, Holding, Next, Offer, Placed, ProgramSlot, ProgramSlots, ProgramVersion, Standing, Trust,
    UpdateFault, decide, sha256,
};
use minicbor::{Decode, Encode};
use vault::keys::StationSecret;

use crate::config::Config;
use crate::home::{Home, log, write_durably};
use crate::line::Line;
use crate::{clock, releases};

mod attempt;
mod leave;
mod place;
mod source;

use attempt::attempt;
pub use leave::Leave;
use place::read_bounded;
pub use place::{alone, make_runnable, slots, trust, version};
use source::Source;
pub use source::{PIECE, Shown};

/// The kind of machine this program is for.
pub const PLATFORM: &str = if cfg!(windows) {
    "x86_64-windows"
} else {
    "x86_64-linux"
};

/// How long a new program may take to say its version.
const VERSION_PATIENCE: Duration = Duration::from_secs(60);

/// How long it may take to verify the snapshot here.
const VERIFY_PATIENCE: Duration = Duration::from_secs(1800);

/// After so long without news the hub is told again how this program stands.
const TELL_AGAIN_SECONDS: i64 = 3600;

/// How a station's program stands, as it wrote it down.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Told {
    /// Which runs.
    #[n(0)]
    pub running: ProgramVersion,
    /// How it stands with newer ones.
    #[n(1)]
    pub standing: Standing,
    /// Since when this is so.
    #[n(2)]
    pub at: Moment,
}

/// What the station of this directory last wrote down about its program; `None` before it ever ran.
#[must_use]
pub fn told(data: &Path) -> Option<Told> {
    minicbor::decode(&read_bounded(&data.join("program").join("standing")).ok()?).ok()
}

/// The same in words, for `doctor`.
///
/// # Errors
/// When somebody should look.
pub fn state(config: &Config) -> Result<String> {
    let Some(told) = told(&config.data()) else {
        return Ok(format!("版 {}（まだ一度も動かしていません）", version()));
    };
    let words = format!("版 {}。{}", told.running, told.standing.text());
    if told.standing.needs_a_look() {
        bail!("{words}");
    }
    Ok(words)
}

/// Looks for new versions until the station is gone. Without trusted keys it only writes down that it does not.
///
/// # Errors
/// When keys or places cannot be read, or the thread cannot be started.
pub fn start(station: &Arc<Station>, config: &Config, line: Line, leave: &Arc<Leave>, in_service: bool) -> Result<()> {
    let home = Home::open(config)?;
    let data = home.data.clone();
    let enrolled = home.roster.station(home.code);
    let updater = Updater {
        station: Arc::downgrade(station),
        slots: slots(&data)?,
        source: Source::of(config.station.hub_addresses(), line, &data),
        code: home.code.to_string(),
        id: home.roster.station_id(home.code).0,
        wards: enrolled.map(|enrolled| enrolled.wards.clone()).unwrap_or_default(),
        secret: Arc::clone(&home.secret),
        allowed: config.update.allowed()?,
        config: config.clone(),
        leave: Arc::clone(leave),
        in_service,
        data,
    };
    std::thread::Builder::new()
        .name("updating".into())
        .spawn(move || updater.look())?;
    Ok(())
}

struct Updater {
    station: Weak<Station>,
    config: Config,
    data: PathBuf,
    slots: ProgramSlots,
    source: Source,
    code: String,
    id: [u8; 16],
    wards: Vec<String>,
    secret: Arc<StationSecret>,
    allowed: Allowed,
    leave: Arc<Leave>,
    in_service: bool,
}

impl Updater {
    fn look(&self) {
        let every = Duration::from_secs(self.config.update.every_seconds);
        let mut last: Option<Shown> = None;
        let mut told_hub = None;
        let mut fault_before = String::new();
        loop {
            let Some(station) = self.station.upgrade() else { return };
            match self.turn(&station, &mut last) {
                Ok(()) => fault_before.clear(),
                Err(fault) => {
                    let words = format!("{fault:#}");
                    if words != fault_before {
                        self.tell(&format!("★ {words}"));
                        fault_before = words;
                    }
                }
            }
            self.tell_hub(&mut told_hub);
            drop(station);
            if self.leave.is_asked() {
                return;
            }
            std::thread::sleep(every);
        }
    }

    /// One look: what is wanted, what may be done, and does it.
    fn turn(&self, station: &Arc<Station>, last: &mut Option<Shown>) -> Result<()> {
        let Ok(trust) = trust(&self.config) else {
            self.stands(Standing::NotSetUp);
            return Ok(());
        };
        let shown = match self.source.shown() {
            Ok(shown) => {
                last.clone_from(&shown);
                shown
            }
            // The line is away: what was heard last still holds.
            Err(error) => {
                tracing::debug!(%error, "no word about versions");
                last.clone()
            }
        };
        let trust = match &shown {
            Some(shown) => self.followed(trust, shown)?,
            None => trust,
        };
        let offer = match &shown {
            None => None,
            Some(shown) => match self.accepted(&trust, shown) {
                Ok(offer) => Some(offer),
                Err(fault) => {
                    self.refused(shown, &fault, station.now());
                    return Ok(());
                }
            },
        };
        let slots = self.slots.state()?;
        let state = station.state();
        let facts = Facts {
            now: state.now,
            placed: Placed {
                code: &self.code,
                id: &self.id,
                wards: &self.wards,
            },
            mode: &state.mode,
            declared: state.declared,
            drill: state.drill,
            allowed: &self.allowed,
            running: self.running(),
            slots: &slots,
            offer: offer.as_ref(),
            in_service: self.in_service,
        };
        let (next, standing) = decide(&facts);
        self.stands(standing);
        match (next, &offer, &shown) {
            (Next::Fetch(_), Some(offer), Some(shown)) => self.fetch(station, &trust, offer, shown),
            (Next::Switch(slot), Some(offer), _) => self.change_over(slot, offer, state.now),
            _ => Ok(()),
        }
    }

    /// What runs: this program, which its service may know under the number of the release it came with.
    fn running(&self) -> ProgramVersion {
        let held = self
            .slots
            .state()
            .ok()
            .and_then(|state| Some(state.holding(state.current?)?.version));
        held.filter(|_| self.in_service).unwrap_or_default().max(version())
    }

    /// Later trusts that follow are kept.
    fn followed(&self, trust: Vec<Trust>, shown: &Shown) -> Result<Vec<Trust>> {
        let Some(root) = trust.first().cloned() else {
            return Ok(trust);
        };
        let line = root.line(&shown.chain);
        if line.len() <= trust.len() {
            return Ok(trust);
        }
        write_durably(
            &self.data.join("program").join("trust.chain"),
            &minicbor::to_vec(&shown.chain)?,
        )?;
        self.tell(&format!(
            "信頼する鍵の一覧が {} 番になりました",
            line.last().map_or(0, Trust::serial)
        ));
        Ok(line)
    }

    /// Both signatures, and no older word of the hospital than one that was heard.
    fn accepted(&self, trust: &[Trust], shown: &Shown) -> Result<Offer, UpdateFault> {
        let newest = trust.last().ok_or(UpdateFault::Unreadable("信頼する鍵の一覧"))?;
        let hash = sha256(&shown.release.body);
        // A withdrawal is remembered too, so that the word before it is not believed again.
        let approval = newest.accept_approval(&shown.release, &shown.approval)?;
        alone(&self.data, || self.slots.saw(&hash, approval.revision))?;
        let (release, approval) = newest.accept(&shown.release, &shown.approval)?;
        Ok(Offer {
            release,
            sha256: hash,
            approval,
            paused: shown.paused.clone(),
        })
    }

    fn fetch(&self, station: &Arc<Station>, trust: &[Trust], offer: &Offer, shown: &Shown) -> Result<()> {
        let version = offer.release.version;
        let listed = offer.release.file(PLATFORM)?;
        let incoming = self.data.join("program").join("incoming");
        std::fs::create_dir_all(&incoming).with_context(|| format!("{} を作れません", incoming.display()))?;
        let mut before = u8::MAX;
        let mut progress = |percent: u8| {
            if percent / 10 != before / 10 {
                before = percent;
                self.stands(Standing::Fetching(version, percent));
            }
            // A declaration in the middle stops it; what is here stays and is gone on with.
            let state = station.state();
            !state.declared && state.mode == downtime::state::Mode::Normal
        };
        let Some(mut file) = self.source.file(listed, &incoming, &mut progress)? else {
            self.tell(&format!(
                "版 {version} の受け取りを止めました（停止の宣言、または「通常」でなくなりました）"
            ));
            return Ok(());
        };
        self.tell(&format!("版 {version} を受け取りました（{} バイト）", listed.length));
        let documents = (&shown.release, &shown.approval);
        let held = self
            .slots
            .prepare(documents, &mut file, trust, PLATFORM, station.now())?;
        drop(file);
        source::clear(&incoming);
        let slot = self.slots.state()?.free();
        self.tell(&format!("版 {version} を {slot} に置き、署名とハッシュを確かめました"));
        if let Err(why) = self.rehearse(station, slot, &held) {
            let why = format!("{why:#}");
            self.tell(&format!("★ 版 {version} を採用しません: {why}"));
            alone(&self.data, || self.slots.refuse(&held, &why, station.now()))?;
            return Ok(());
        }
        self.tell(&format!(
            "版 {version} は始まり、この端末の封印済みデータを確かめられました"
        ));
        Ok(())
    }

    /// Whether the new program starts here, says the version that was signed, and verifies the snapshot on this shelf.
    fn rehearse(&self, station: &Arc<Station>, slot: ProgramSlot, held: &Holding) -> Result<()> {
        let program = self.slots.program(slot);
        make_runnable(&program)?;
        let said = attempt(Command::new(&program).arg("--version"), VERSION_PATIENCE).context("始まりません")?;
        let wanted = held.version.to_string();
        if said.split_whitespace().nth(1) != Some(wanted.as_str()) {
            bail!("名乗った版が、署名された版 {wanted} と違います: {}", said.trim());
        }
        if station.shelf().current().is_some() {
            let mut verify = Command::new(&program);
            attempt(
                verify.args(["verify", "--json", "-c"]).arg(&self.config.file),
                VERIFY_PATIENCE,
            )
            .context("この端末の封印済みデータを確かめられません")?;
        }
        Ok(())
    }

    fn change_over(&self, slot: ProgramSlot, offer: &Offer, now: Moment) -> Result<()> {
        alone(&self.data, || self.slots.try_out(slot, self.running(), now))?;
        self.tell(&format!(
            "版 {} に切り替えます（承認: {}）",
            offer.release.version, offer.approval.by
        ));
        self.leave.for_another();
        Ok(())
    }

    /// What is offered is not accepted: since when it is so stays as it was first said.
    fn refused(&self, shown: &Shown, fault: &UpdateFault, now: Moment) {
        let release = downtime::updates::Release::from_body(&shown.release.body);
        let (version, why) = (
            release.map(|release| release.version).unwrap_or_default(),
            fault.to_string(),
        );
        let before = told(&self.data).map(|told| told.standing);
        let since = match before {
            Some(Standing::Refused(v, at, w)) if v == version && w == why => at,
            _ => now,
        };
        self.stands(Standing::Refused(version, since, why));
    }

    /// Writes down how the program stands, where it has changed.
    fn stands(&self, standing: Standing) {
        let told = told(&self.data);
        let running = self.running();
        if told.is_some_and(|told| told.standing == standing && told.running == running) {
            return;
        }
        self.tell(&standing.text());
        let told = Told {
            running,
            standing,
            at: clock::now(),
        };
        let path = self.data.join("program").join("standing");
        // invariant: writing into a vector does not fail.
        let written = write_durably(&path, &minicbor::to_vec(&told).unwrap_or_default());
        if let Err(error) = written {
            tracing::error!("★ {error:#}");
        }
    }

    /// The hub hears how this program stands, so that it can stop a version that does no good.
    fn tell_hub(&self, told_hub: &mut Option<(Told, Moment)>) {
        let Some(told) = told(&self.data) else { return };
        let now = clock::now();
        let is_news = told_hub
            .as_ref()
            .is_none_or(|(before, at)| *before != told || now.0 - at.0 > TELL_AGAIN_SECONDS);
        if !is_news {
            return;
        }
        let word = releases::Word::signed(&self.code, told.clone(), now, &self.secret);
        match self.source.tell(&word) {
            Ok(()) => *told_hub = Some((told, now)),
            Err(error) => tracing::debug!(%error, "the hub did not hear how this program stands"),
        }
    }

    fn tell(&self, what: &str) {
        tracing::info!("{what}");
        let line = format!("{} {} {what}", clock::now().text(), self.running());
        if let Err(error) = log(&self.data, "updates.log", &line) {
            tracing::error!(%error, "the log of updates cannot be written");
        }
    }
}
