//! What S71 says of each pack, in words with a shape.

use downtime::packs::{Batch, Head, Kind, Only, Pack, PackFault, Released, minutes, share, wanted};
use downtime::printing::Paper;
use downtime::shelf::Opened;

use super::{Fault, Packs, Visit, say};
use crate::words::Words;

/// The screen.
pub struct Table {
    /// データ時点 and which snapshot.
    pub head: String,
    /// Its number; 0 without one.
    pub epoch: u64,
    /// What weakens it, or why there is nothing.
    pub says: Vec<String>,
    /// One for each department and ward.
    pub lines: Vec<Line>,
    /// Pages of all that are made, and their minutes.
    pub sum: String,
    /// Somebody may have them made now.
    pub may_make: bool,
    /// What was destroyed.
    pub gone: Vec<String>,
}

/// One pack.
#[derive(Clone, Default)]
pub struct Line {
    pub id: String,
    /// 外来, 病棟
    pub kind: String,
    pub label: String,
    /// 78枚
    pub pages: String,
    pub paper: String,
    /// 約3分
    pub minutes: String,
    /// Its printers, as configured.
    pub printers: String,
    pub made: String,
    pub mark: &'static str,
    pub state: String,
    /// More about the state.
    pub note: Option<String>,
    pub urgent: bool,
    /// Printed before, all of it: printing again is marked so.
    pub again: bool,
    /// Some of it is out; the rest can follow.
    pub rest: bool,
    /// What can be chosen: value and words.
    pub choices: Vec<(String, String)>,
}

impl Table {
    pub fn of(visit: &Visit) -> Result<Self, Fault> {
        let w = visit.w();
        let signed = visit.signed()?;
        let opened = signed.session.opened();
        let state = opened.shelved().state();
        let at = say::moment(w, state.as_of.oldest(), visit.state.now);
        let head = w.with(
            "packs-head",
            &[
                ("time", (&at).into()),
                ("day", (&state.day).into()),
                ("epoch", state.epoch.into()),
            ],
        );
        let mut table = Self {
            head,
            epoch: state.epoch,
            says: Vec::new(),
            lines: Vec::new(),
            sum: String::new(),
            may_make: false,
            gone: Vec::new(),
        };
        if state.has_run_out(visit.state.now) {
            table.says.push(w["packs-stale"].to_owned());
        }
        if !opened.opens_everybody() {
            table.says.push(w["packs-scope"].to_owned());
            return Ok(table);
        }
        let Some(packs) = &visit.site.desk.packs else {
            table.says.push(w["packs-none-here"].to_owned());
            return Ok(table);
        };
        table.fill(visit, packs, &opened);
        Ok(table)
    }

    fn fill(&mut self, visit: &Visit, packs: &Packs, opened: &Opened) {
        let w = visit.w();
        let day = opened.shelved().stat().day;
        let batches = day
            .and_then(|day| wanted(opened, day, Only::default()).ok())
            .unwrap_or_default();
        if batches.is_empty() {
            self.says.push(w["packs-nobody"].to_owned());
        }
        let made = packs.store.made(self.epoch);
        let making = made.is_none() && packs.remake.is_some() && packs.is_busy();
        if packs.remake.is_none() {
            self.says.push(w["packs-elsewhere"].to_owned());
        } else if making {
            self.says.push(w["packs-making"].to_owned());
        } else if made.is_none() && !batches.is_empty() {
            self.says.push(w["packs-not-made"].to_owned());
        } else if made.as_ref().is_some_and(|made| !made.is_whole()) {
            self.says.push(w["packs-failed-some"].to_owned());
        }
        self.may_make = packs.remake.is_some() && !making && !batches.is_empty();
        let all = packs.store.packs().unwrap_or_default();
        let mut pages = 0;
        for batch in &batches {
            let id = batch.id();
            let older = all.range(..self.epoch).rev().find(|(_, ids)| ids.contains(&id));
            let why = made
                .iter()
                .flat_map(|made| &made.failed)
                .find(|one| one.id == id.as_str());
            let here = all.get(&self.epoch).is_some_and(|ids| ids.contains(&id));
            let seen = Seen {
                pack: here.then(|| packs.store.open(self.epoch, &id)),
                released: packs.store.released(self.epoch, &id).unwrap_or(Released {
                    unsure: true,
                    ..Released::default()
                }),
                failed: why.map(|one| one.why.clone()),
                older: older
                    .and_then(|(epoch, _)| packs.store.open(*epoch, &id).ok())
                    .map(|pack| pack.head),
                making,
            };
            if let Some(Ok(pack)) = &seen.pack {
                pages += pack.head.pages;
            }
            self.lines.push(line(visit, packs, batch, seen));
        }
        if pages > 0 {
            let time = minutes(pages, packs.per_minute);
            self.sum = w.with(
                "packs-sum",
                &[("n", u64::from(pages).into()), ("minutes", u64::from(time).into())],
            );
        }
        self.gone = (packs.destroyed)()
            .iter()
            .map(|gone| {
                let values = [
                    ("time", (&gone.at).into()),
                    ("epoch", gone.epoch.into()),
                    ("n", gone.packs.into()),
                    ("left", gone.left.into()),
                ];
                w.with(
                    if gone.left == 0 {
                        "packs-gone"
                    } else {
                        "packs-gone-left"
                    },
                    &values,
                )
            })
            .collect();
    }
}

/// What was found of one pack.
struct Seen {
    pack: Option<Result<Pack, PackFault>>,
    released: Released,
    failed: Option<String>,
    older: Option<Head>,
    making: bool,
}

fn line(visit: &Visit, packs: &Packs, batch: &Batch, seen: Seen) -> Line {
    let w = visit.w();
    let kind = match batch {
        Batch::Department(..) => Kind::Department,
        Batch::Ward(_) => Kind::Ward,
    };
    let configured = (packs.printers)(kind, batch.key());
    let mut line = Line {
        id: batch.id().as_str().to_owned(),
        kind: match kind {
            Kind::Department => w["packs-department"].to_owned(),
            Kind::Ward => w["packs-ward"].to_owned(),
        },
        label: batch.label().to_owned(),
        pages: w.with("packs-expected", &[("n", batch.sheets_expected().into())]),
        paper: Paper::A4.word().to_owned(),
        minutes: "－".to_owned(),
        printers: if configured.is_empty() {
            "－".to_owned()
        } else {
            configured.join("・")
        },
        made: "－".to_owned(),
        choices: choices(visit, w, &configured),
        ..Line::default()
    };
    let parts = match &seen.pack {
        Some(Ok(pack)) => {
            let mut papers: Vec<&str> = pack.printed().iter().map(|part| part.paper.as_str()).collect();
            papers.sort_unstable();
            papers.dedup();
            line.paper = papers.join("・");
            line.pages = w.with("printing-pages", &[("n", u64::from(pack.head.pages).into())]);
            line.minutes = time(w, packs, pack, configured.len());
            line.made = say::moment(w, pack.head.made, visit.state.now);
            pack.printed().len()
        }
        _ => usize::MAX,
    };
    say_state(visit, packs, kind, batch, &seen, parts, &mut line);
    line
}

/// 約3分, at one printer or shared by several.
fn time(w: &Words, packs: &Packs, pack: &Pack, printers: usize) -> String {
    let pages: Vec<u32> = pack.printed().iter().map(|part| part.pages).collect();
    let longest = share(&pages, printers).iter().map(|one| one.pages).max().unwrap_or(0);
    w.with(
        "packs-minutes",
        &[("n", u64::from(minutes(longest, packs.per_minute)).into())],
    )
}

fn say_state(visit: &Visit, packs: &Packs, kind: Kind, batch: &Batch, seen: &Seen, parts: usize, line: &mut Line) {
    let w = visit.w();
    let put = |line: &mut Line, mark: &'static str, key: &str| {
        line.mark = mark;
        line.state = w[key].to_owned();
        line.urgent = mark == "■";
    };
    let out = seen.released.last.as_ref();
    if let (Some(last), false) = (out, seen.released.is_none()) {
        let whole = last.to == "PDF" || last.parts.is_empty() || seen.released.is_whole(parts);
        line.again = whole || parts == usize::MAX;
        line.rest = !line.again;
        put(
            line,
            if line.again { "●" } else { "◐" },
            if line.again { "packs-out" } else { "packs-out-part" },
        );
        let at = say::moment(w, chart::Moment(last.at), visit.state.now);
        line.note = Some(w.with(
            "packs-out-by",
            &[
                ("time", (&at).into()),
                ("name", (&last.name).into()),
                ("to", (&last.to).into()),
            ],
        ));
        return;
    }
    if seen.released.unsure {
        line.again = true;
        put(line, "■", "packs-unsure");
        return;
    }
    match (&seen.pack, &seen.failed, &seen.older) {
        (Some(Ok(pack)), ..) => {
            put(line, "○", "packs-ready");
            let spoiled = u64::from(pack.head.spoiled);
            if spoiled > 0 {
                line.note = Some(w.with("packs-spoiled", &[("n", spoiled.into())]));
                line.urgent = true;
            }
        }
        (Some(Err(fault)), ..) => {
            put(line, "■", "packs-damaged");
            line.note = Some(format!("{fault}　{}", &w["packs-instead"]));
        }
        (None, Some(why), _) => {
            put(line, "■", "packs-failed");
            line.note = Some(format!("{why}　{}", &w["packs-instead"]));
        }
        (None, None, _) if seen.making => put(line, "◇", "packs-state-making"),
        (None, None, Some(old)) => {
            put(line, "□", "packs-old");
            let at = say::moment(w, old.as_of, visit.state.now);
            let values = [("epoch", old.epoch.into()), ("time", (&at).into())];
            line.note = Some(format!("{}　{}", w.with("packs-old-of", &values), &w["packs-instead"]));
        }
        (None, None, None) => {
            put(line, "－", "packs-none");
            let unwanted = packs.remake.is_some() && !(packs.wants)(kind, batch.key());
            let key = if unwanted { "packs-unwanted" } else { "packs-instead" };
            line.note = Some(w[key].to_owned());
        }
    }
}

/// Where it can go: the configured printers together, then every printer that holds A4.
fn choices(visit: &Visit, w: &Words, configured: &[String]) -> Vec<(String, String)> {
    let Some(queue) = &visit.site.desk.printers else {
        return Vec::new();
    };
    let mut choices = Vec::new();
    if configured.len() > 1 {
        let words = w.with("packs-shared", &[("printers", (&configured.join("・")).into())]);
        choices.push((String::new(), words));
    }
    let listed = queue.printers().iter().filter(|printer| printer.holds(Paper::A4));
    let mut rest: Vec<&str> = listed.map(|printer| printer.name.as_str()).collect();
    rest.sort_by_key(|name| configured.iter().position(|one| one == name).unwrap_or(usize::MAX));
    choices.extend(rest.into_iter().map(|name| (name.to_owned(), name.to_owned())));
    choices
}
