//! What HL7 v2.5 messages (JAHIS data exchange, SS-MIX2) mean for a chart, for files of a storage and messages of a feed alike.
//!
//! A message becomes statements about one patient; later statements replace earlier ones by the time they were said, whatever the order
//! in which they arrive. Which segment and field becomes which fact: docs/formats/hl7v2-facts.md. How bytes become fields is `hl7`'s.

use std::collections::BTreeMap;
use std::sync::Arc;

use chart::{Chart, DataKind, Finding, Moment, PatientId, Severity};
use hl7::Message;

pub use self::read::When;
pub use self::said::{Said, millis};
use self::told::merged::{self, Heritage};
pub use self::told::{Names, Saying, Taking, Told, VITALS, merged_number, patient_number};
use super::gather::{Gathering, Limits};
use super::{Extract, Origin, Progress, PullFault, Scope, Source};

mod booked;
mod departments;
mod dosing;
mod exams;
mod injection;
mod lists;
mod moves;
mod orders;
mod person;
mod read;
mod results;
mod said;
mod told;
mod units;
mod ward;

/// Most patients of one feed.
const MAX_PATIENTS: usize = 2_000_000;
/// Days back for prescriptions where nothing else is configured: half a year of supply and a little.
pub const MEDICINE_DAYS: u16 = 190;

/// One message of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// As it came.
    pub bytes: Vec<u8>,
    /// When it was received.
    pub at: Moment,
    /// Its number in the feed, for Findings.
    pub number: String,
}

/// How a feed is read from its beginning: an error for the whole, or for one message.
pub type Messages = Box<dyn Iterator<Item = Result<Received, String>>>;

/// The messages a hospital's systems sent, as one source.
pub struct Hl7<F> {
    open: F,
    settings: Settings,
}

/// What the hospital configures for a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Names for codes that come alone.
    pub names: Names,
    /// Days back for prescriptions.
    pub medicine_days: u16,
    /// Lists of allergies and diagnoses come whole each time.
    pub whole_lists: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            names: Names::default(),
            medicine_days: MEDICINE_DAYS,
            whole_lists: false,
        }
    }
}

impl<F> Hl7<F>
where
    F: Fn() -> Result<Messages, String> + Send + Sync,
{
    /// A source over a feed that `open` begins anew for every pull.
    pub const fn over(open: F, settings: Settings) -> Self {
        Self { open, settings }
    }
}

/// What a feed can say anything about: all of it.
const CARRIES: [DataKind; 14] = DataKind::ALL;

impl<F> Source for Hl7<F>
where
    F: Fn() -> Result<Messages, String> + Send + Sync,
{
    fn carries(&self) -> std::collections::BTreeSet<DataKind> {
        CARRIES.into_iter().collect()
    }

    fn pull(
        &self,
        scope: &Scope,
        chart: &mut dyn FnMut(Chart) -> anyhow::Result<()>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Extract, PullFault> {
        let messages = (self.open)().map_err(PullFault::Unreadable)?;
        let mut gathering = Gathering::new(scope, Limits::default(), CARRIES);
        let mut feed = Feed::new(&self.settings);
        for (count, received) in (0_u64..).zip(messages) {
            if count % 4096 == 0 {
                progress(Progress::Reading(count, count));
            }
            match received {
                Ok(received) => feed.take(&received, &mut gathering),
                Err(why) => {
                    let message = format!("受信した電文を読めませんでした（{why}）。誰の記録かは分かりません。");
                    gathering
                        .ledger
                        .add(Finding::new("feed.unreadable", Severity::Severe, message));
                    CARRIES.into_iter().for_each(|kind| gathering.doubt(kind));
                }
            }
        }
        if feed.messages == 0 {
            let message =
                "受信した電文が1通もありません。前回の写しはそのまま使えます。送信元と受信の設定を確かめてください。";
            return Err(PullFault::Unreadable(message.to_owned()));
        }
        feed.finish(scope, gathering, chart, progress)
    }
}

/// Everybody of a feed while its messages come in.
struct Feed<'s> {
    settings: &'s Settings,
    everybody: BTreeMap<PatientId, Told>,
    messages: u64,
    used: u64,
    bytes: u64,
    newest: Moment,
}

impl<'s> Feed<'s> {
    const fn new(settings: &'s Settings) -> Self {
        Self {
            settings,
            everybody: BTreeMap::new(),
            messages: 0,
            used: 0,
            bytes: 0,
            newest: Moment(i64::MIN),
        }
    }

    fn take(&mut self, received: &Received, gathering: &mut Gathering) {
        self.messages += 1;
        self.bytes += received.bytes.len() as u64;
        self.newest = self.newest.max(received.at);
        let decoded = hl7::decode(&received.bytes);
        let message = match Message::parse(&decoded.text) {
            Ok(message) => message,
            Err(fault) => {
                let text = format!("電文として読めません（{fault}）。使いませんでした。");
                let finding = Finding::new("message.unreadable", Severity::Severe, text).at(&received.number, 0);
                gathering.ledger.add(finding);
                CARRIES.into_iter().for_each(|kind| gathering.doubt(kind));
                return;
            }
        };
        let Some(id) = patient_number(&message).and_then(|number| PatientId::parse(&number)) else {
            // Acknowledgements, master files and other messages without a patient say nothing about charts.
            if message.segment("PID").is_some() {
                let text = "患者番号が空か、読めない電文です。使いませんでした。";
                let finding = Finding::new("id.invalid", Severity::Severe, text).at(&received.number, 0);
                gathering.ledger.add(finding);
            }
            return;
        };
        let taking = Taking {
            message: &message,
            said: Said::of(&message, received.at),
            file: Arc::from(received.number.as_str()),
            kind: "",
            whole_lists: self.settings.whole_lists,
        };
        if self.everybody.len() >= MAX_PATIENTS && !self.everybody.contains_key(&id) {
            return;
        }
        self.used += 1;
        let told = self.everybody.entry(id.clone()).or_default();
        told.take(&taking);
        if !decoded.is_sound() {
            told.damage(damaged(&received.number, &decoded));
        }
        if let Some(old) = merged_number(&message)
            .and_then(|old| PatientId::parse(&old))
            .filter(|old| *old != id)
        {
            self.everybody.entry(old).or_default().merged_into(id.as_str(), &taking);
        }
    }

    fn finish(
        self,
        scope: &Scope,
        mut gathering: Gathering,
        chart: &mut dyn FnMut(Chart) -> anyhow::Result<()>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Extract, PullFault> {
        let saying = Saying {
            day: scope.day,
            now: scope.now,
            names: &self.settings.names,
            medicine_days: self.settings.medicine_days,
        };
        let mut wanted = std::collections::BTreeSet::new();
        let mut spoken: BTreeMap<DataKind, (u64, Moment)> = BTreeMap::new();
        for (id, told) in &self.everybody {
            for (kind, at) in told.vouched() {
                gathering.vouch(*kind, *at);
                let (messages, newest) = spoken.entry(*kind).or_insert((0, *at));
                *messages += told.spoken().get(kind).copied().unwrap_or(0);
                *newest = (*at).max(*newest);
            }
            let asked = scope.wanted.is_some() && gathering.wants(id);
            if asked || told.is_in_bed(scope.now) || told.is_booked(scope.day, scope.last_day()) {
                // A number that was merged away finds its chart, too, and so does the one into which it was.
                let surviving = merged::surviving(id, &self.everybody);
                let olds = merged::old_numbers(surviving.as_ref().unwrap_or(id), &self.everybody);
                wanted.extend(olds.into_iter().chain(surviving));
                wanted.insert(id.clone());
            }
        }
        // What was said under old numbers is shown under the surviving one, apart.
        let mut heritage: BTreeMap<PatientId, Heritage> = BTreeMap::new();
        for id in &wanted {
            let olds = merged::old_numbers(id, &self.everybody);
            if !olds.is_empty() {
                heritage.insert(id.clone(), Heritage::of(&olds, &self.everybody, &saying));
            }
        }
        for (id, told) in self.everybody {
            if !wanted.contains(&id) {
                continue;
            }
            let heritage = heritage.remove(&id);
            let of_a_merge = told.successor().is_some() || heritage.is_some();
            let Some(mut about) = gathering.about(&id) else {
                continue;
            };
            if of_a_merge {
                about.want(super::gather::Reach::Full);
            }
            told.say(&id, &mut about, &saying);
            if let Some(heritage) = heritage {
                heritage.say(&mut about);
            }
        }
        let origin = Origin {
            name: "HL7".to_owned(),
            kind: DataKind::Patient,
            bytes: self.bytes,
            rows: self.messages,
            used: self.used,
            refused: self.messages - self.used,
            written: self.newest,
            half_written: false,
        };
        // Of the whole feed first; then what was told of each kind, so that a kind that came is not called missing.
        let of_kind = |(kind, (messages, written)): (DataKind, (u64, Moment))| Origin {
            kind,
            bytes: 0,
            rows: messages,
            used: messages,
            refused: 0,
            written,
            ..origin.clone()
        };
        let kinds = spoken.into_iter().filter(|(kind, _)| *kind != DataKind::Patient);
        let mut origins: Vec<Origin> = kinds.map(of_kind).collect();
        origins.insert(0, origin);
        gathering.finish(origins, chart, progress)
    }
}

/// What was bridged while a message's bytes became text.
#[must_use]
pub fn damaged(file: &str, decoded: &hl7::Decoded<'_>) -> String {
    let count = decoded.damage.len() + decoded.damage_dropped;
    format!("電文（{file}）に読めない文字が{count}か所ありました。〓か、文字の欠けたままで出しています。")
}
