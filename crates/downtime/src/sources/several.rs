//! Several sources read together: one hospital's appointments here, its medicines there.
//!
//! Who is wanted is found out first, from every source that has appointments or beds; then each source is asked for these people,
//! and what they say is laid together patient by patient (`merge`). A source that cannot be read leaves a gap that people see; it
//! does not stop the others. Which source is right is the hospital's configuration, never guessed here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chart::{Chart, DataKind, Finding, Moment, PatientId, Severity};

use super::gather::{self, Reach};
use super::{Beds, Extract, MAX_FINDINGS, Progress, PullFault, Scope, Source, Wanted};

mod merge;
mod same;

/// Most sources one hospital may have.
pub const MAX_SOURCES: usize = 16;

/// Most bytes of charts kept while sources are read. 20,000 patients of 60 KB fit with room to spare.
const MAX_KEPT_BYTES: usize = 4 << 30;

/// One of the sources.
pub struct Part {
    /// Its name in the configuration: shown wherever a fact's origin is.
    pub name: String,
    /// The source.
    pub source: Box<dyn Source + Send + Sync>,
}

/// Sources with an order of precedence.
pub struct Several {
    parts: Vec<Part>,
    precedence: BTreeMap<DataKind, Vec<usize>>,
}

/// Why sources cannot be read together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeveralFault {
    /// None, or more than [`MAX_SOURCES`].
    #[error("取り出し元は1つから{MAX_SOURCES}までです（{0}個あります）。設定の [[extract.sources]] を直してください")]
    Number(usize),
    /// Two of one name.
    #[error("取り出し元の名前「{0}」が2つあります。それぞれ違う名前にしてください")]
    TwoOfOneName(String),
    /// A name in the precedence that is no source.
    #[error("優先順の「{kind}」に書かれた「{name}」という取り出し元はありません（あるもの: {known}）")]
    Unknown {
        /// The kind's word.
        kind: &'static str,
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
}

/// What one part said.
struct Heard {
    charts: BTreeMap<PatientId, Vec<u8>>,
    order: Vec<PatientId>,
    /// Its own account, or why it could not be read.
    extract: Result<Extract, String>,
}

/// Who is wanted, where any part can say so, and what was heard on the way to knowing it.
#[derive(Default)]
struct Who {
    wanted: Option<Wanted>,
    heard: Option<(usize, Heard)>,
}

impl Several {
    /// Puts sources together. Without an entry in `precedence` the order of the parts is the order of precedence; parts that an
    /// entry leaves out come after those it names.
    ///
    /// # Errors
    /// [`SeveralFault`]: names that are not unique or not there.
    pub fn new(parts: Vec<Part>, precedence: &BTreeMap<DataKind, Vec<String>>) -> Result<Self, SeveralFault> {
        if parts.is_empty() || parts.len() > MAX_SOURCES {
            return Err(SeveralFault::Number(parts.len()));
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = parts.iter().find(|part| !names.insert(part.name.as_str())) {
            return Err(SeveralFault::TwoOfOneName(twice.name.clone()));
        }
        let mut ordered = BTreeMap::new();
        for kind in DataKind::ALL {
            let mut list = Vec::new();
            for name in precedence.get(&kind).into_iter().flatten() {
                let Some(at) = parts.iter().position(|part| part.name == *name) else {
                    return Err(SeveralFault::Unknown {
                        kind: kind.word(),
                        name: name.clone(),
                        known: names.iter().copied().collect::<Vec<_>>().join("、"),
                    });
                };
                list.push(at);
            }
            let rest = (0..parts.len()).filter(|at| !list.contains(at)).collect::<Vec<_>>();
            list.extend(rest);
            list.retain(|at| parts.get(*at).is_some_and(|part| part.source.carries().contains(&kind)));
            ordered.insert(kind, list);
        }
        Ok(Self {
            parts,
            precedence: ordered,
        })
    }

    /// The parts that carry a kind, the most trusted first.
    fn of(&self, kind: DataKind) -> &[usize] {
        self.precedence.get(&kind).map_or(&[], Vec::as_slice)
    }

    fn says_who(&self, at: usize) -> bool {
        self.of(DataKind::Appointment).contains(&at) || self.of(DataKind::Stay).contains(&at)
    }

    /// Everybody whom some source has an appointment or a bed for, and what was heard on the way where only one source can say so.
    fn who(&self, scope: &Scope, room: &mut Room) -> Result<Who, PullFault> {
        let say: Vec<usize> = (0..self.parts.len()).filter(|at| self.says_who(*at)).collect();
        let scope = Scope {
            wanted: Some(Arc::default()),
            ..scope.clone()
        };
        match say.as_slice() {
            [] => Ok(Who::default()),
            [only] => {
                let heard = self.hear(*only, &scope, room, &mut |_| ())?;
                let mut wanted = Wanted::new();
                for bytes in heard.charts.values() {
                    let chart = Chart::from_bytes(bytes).map_err(|fault| PullFault::Receiver(fault.into()))?;
                    want(&mut wanted, &chart);
                }
                Ok(Who {
                    wanted: Some(wanted),
                    heard: Some((*only, heard)),
                })
            }
            several => {
                let mut wanted = Wanted::new();
                for part in several.iter().filter_map(|at| self.parts.get(*at)) {
                    let mut list = |chart: Chart| {
                        want(&mut wanted, &chart);
                        Ok(())
                    };
                    // A part that fails here is asked again, and told of then.
                    match part.source.pull(&scope, &mut list, &mut |_| ()) {
                        Ok(_) | Err(PullFault::Unreadable(_)) => {}
                        Err(fault) => return Err(fault),
                    }
                }
                Ok(Who {
                    wanted: Some(wanted),
                    heard: None,
                })
            }
        }
    }

    /// Pulls one part and keeps what it hands over.
    fn hear(
        &self,
        at: usize,
        scope: &Scope,
        room: &mut Room,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Heard, PullFault> {
        let mut heard = Heard {
            charts: BTreeMap::new(),
            order: Vec::new(),
            extract: Err(String::new()),
        };
        let Some(part) = self.parts.get(at) else {
            return Ok(heard);
        };
        let mut bytes = Vec::new();
        let mut keep = |chart: Chart| {
            chart.to_bytes(&mut bytes)?;
            room.take(bytes.len())?;
            heard.order.push(chart.patient.id.clone());
            heard.charts.insert(chart.patient.id, bytes.clone());
            Ok(())
        };
        match part.source.pull(scope, &mut keep, progress) {
            Ok(extract) => heard.extract = Ok(extract),
            Err(PullFault::Unreadable(why)) => {
                // Half of a source is none: whom it had not come to yet would look as if it knew nothing of them.
                heard.charts.clear();
                heard.order.clear();
                heard.extract = Err(why);
            }
            Err(fault) => return Err(fault),
        }
        Ok(heard)
    }

    /// What all parts say about their data together: the account of the whole pull, without the counts of charts.
    fn account(&self, heard: &mut [Heard], now: Moment) -> Extract {
        let mut whole = Extract::default();
        let mut vouched = Vec::new();
        for kind in DataKind::ALL {
            let first = self
                .of(kind)
                .iter()
                .find_map(|at| heard.get(*at)?.extract.as_ref().ok());
            vouched.extend(first.map(|extract| (kind, extract.as_of.of(kind))));
        }
        whole.as_of = gather::as_of(&vouched, now);
        let beds = self
            .of(DataKind::Stay)
            .iter()
            .find_map(|at| heard.get(*at)?.extract.as_ref().ok());
        whole.beds = match (beds, self.of(DataKind::Stay).is_empty()) {
            (Some(extract), _) => extract.beds.clone(),
            (None, true) => Beds::NotAsked,
            (None, false) => Beds::Unread,
        };
        for (part, heard) in self.parts.iter().zip(heard) {
            match &mut heard.extract {
                Ok(extract) => {
                    for mut origin in std::mem::take(&mut extract.origins) {
                        origin.name = format!("{}/{}", part.name, origin.name);
                        whole.origins.push(origin);
                    }
                    for finding in std::mem::take(&mut extract.findings) {
                        add(&mut whole, named(&part.name, finding));
                    }
                    whole.findings_dropped += extract.findings_dropped;
                }
                Err(why) => {
                    let kinds: Vec<&str> = part.source.carries().into_iter().map(gather::kind_word).collect();
                    let message = format!(
                        "取り出し元「{}」を読めませんでした（{why}）。ほかの取り出し元にないもの（{}）は「取得できず」になります。",
                        part.name,
                        kinds.join("、")
                    );
                    let finding = Finding::new("source.unreadable", Severity::Severe, message).at(&part.name, 0);
                    add(&mut whole, finding);
                }
            }
        }
        whole
    }
}

impl Source for Several {
    fn carries(&self) -> BTreeSet<DataKind> {
        self.parts.iter().flat_map(|part| part.source.carries()).collect()
    }

    fn pull(
        &self,
        scope: &Scope,
        chart: &mut dyn FnMut(Chart) -> anyhow::Result<()>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Extract, PullFault> {
        if let [only] = self.parts.as_slice() {
            return only.source.pull(scope, chart, progress);
        }
        let mut room = Room::default();
        let Who {
            wanted,
            heard: mut first,
        } = self.who(scope, &mut room)?;
        let asked = Scope {
            wanted: wanted.map(Arc::new),
            ..scope.clone()
        };
        let mut all = Vec::with_capacity(self.parts.len());
        for at in 0..self.parts.len() {
            let heard = match first.take_if(|(known, _)| *known == at) {
                Some((_, heard)) => heard,
                None => self.hear(at, &asked, &mut room, progress)?,
            };
            all.push(heard);
        }
        if all.iter().all(|heard| heard.extract.is_err()) {
            let why: Vec<&str> = all
                .iter()
                .filter_map(|heard| heard.extract.as_ref().err())
                .map(String::as_str)
                .collect();
            return Err(PullFault::Unreadable(why.join(" / ")));
        }
        let mut whole = self.account(&mut all, scope.now);
        let merge = merge::Merge {
            names: self.parts.iter().map(|part| part.name.as_str()).collect(),
            read: all.iter().map(|heard| heard.extract.is_ok()).collect(),
            precedence: &self.precedence,
            now: scope.now,
        };
        // In the order of the first part that names somebody; whole charts first, as every source hands them over.
        let mut seen = BTreeSet::new();
        let order: Vec<PatientId> = all
            .iter()
            .flat_map(|heard| &heard.order)
            .filter(|id| seen.insert((*id).clone()))
            .cloned()
            .collect();
        let count = 2 * order.len() as u64;
        for (place, (thin, id)) in (0_u64..).zip(
            [false, true]
                .iter()
                .flat_map(|thin| order.iter().map(move |id| (*thin, id))),
        ) {
            if place % 64 == 0 {
                progress(Progress::Assembling(place, count));
            }
            let said: Vec<Option<Chart>> = all
                .iter()
                .map(|heard| heard.charts.get(id).map(|bytes| Chart::from_bytes(bytes)).transpose())
                .collect::<Result<_, _>>()
                .map_err(|fault| PullFault::Receiver(fault.into()))?;
            if said.iter().flatten().all(|chart| chart.thin) != thin {
                continue;
            }
            let Some(one) = merge.charts(said) else { continue };
            for finding in one
                .findings
                .iter()
                .filter(|finding| finding.code.starts_with("source."))
            {
                add(&mut whole, finding.clone());
            }
            whole.count(&one);
            chart(one).map_err(PullFault::Receiver)?;
        }
        progress(Progress::Assembling(count, count));
        Ok(whole)
    }
}

/// How much is kept.
#[derive(Default)]
struct Room(usize);

impl Room {
    fn take(&mut self, bytes: usize) -> anyhow::Result<()> {
        self.0 += bytes;
        anyhow::ensure!(
            self.0 <= MAX_KEPT_BYTES,
            "取り出したカルテが多すぎます（{MAX_KEPT_BYTES} バイトまで）。対象日の予約を出す取り出し元を確かめてください"
        );
        Ok(())
    }
}

fn want(wanted: &mut Wanted, chart: &Chart) {
    let reach = if chart.thin { Reach::Thin } else { Reach::Full };
    let known = wanted.entry(chart.patient.id.clone()).or_insert(reach);
    *known = reach.max(*known);
}

/// A Finding with the name of its source before its file.
fn named(source: &str, mut finding: Finding) -> Finding {
    finding.file = match finding.file.as_str() {
        "" => source.to_owned(),
        file => format!("{source}/{file}"),
    };
    finding
}

fn add(extract: &mut Extract, finding: Finding) {
    if extract.findings.len() < MAX_FINDINGS {
        extract.findings.push(finding);
    } else {
        extract.findings_dropped += 1;
    }
}
