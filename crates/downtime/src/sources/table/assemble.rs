//! The second pass: patient by patient, in the order of the patient file, from the places of their rows to a chart.
//!
//! One patient is in memory at a time. Who is wanted and where rows lie was found out by the first pass.

use chart::{Chart, Finding, Severity};

use super::cell::Row;
use super::decode::Damage;
use super::draft::{Draft, HeadRow};
use super::feed::Feed;
use super::index::columns_message;
use super::plan::Plan;
use super::rows::{About, Rows};
use super::split::Columns;
use crate::sources::gather::Frame;
use crate::sources::gather::{Key, People, Person, Reach};
use crate::sources::gather::{Ledger, Sink};

/// Most rows of one patient in one file.
const MAX_ROWS: u64 = 50_000;

/// The files on their second pass.
pub struct Assembly<'a> {
    /// Who there is.
    pub people: &'a People,
    /// What is the same for everybody.
    pub frame: &'a Frame,
    /// True when the patient file could be read.
    pub registry: bool,
    lanes: Vec<Lane>,
    order: Vec<u32>,
}

/// One file with its cursors.
struct Lane {
    feed: Feed,
    rows: Option<Rows>,
    next_run: usize,
    next_loss: usize,
}

impl<'a> Assembly<'a> {
    /// Puts everybody wanted in order and opens the files again.
    pub fn new(
        mut feeds: Vec<Feed>,
        people: &'a People,
        frame: &'a Frame,
        registry: bool,
        ledger: &mut Ledger,
    ) -> Self {
        // Heads before the rows that refer to them, patients before the appointments that are compared with them.
        feeds.sort_by_key(|feed| {
            let place = match feed.plan {
                Plan::Head => 0,
                Plan::Patient(_) => 1,
                Plan::Appointment(_) => 2,
                // The stay before what is due during it.
                Plan::Stay(_) => 3,
                _ => 4,
            };
            (place, feed.entry)
        });
        let order = order(&feeds, people);
        let mut places = vec![u32::MAX; people.len()];
        for (place, person) in (0_u32..).zip(&order) {
            if let Some(slot) = places.get_mut(*person as usize) {
                *slot = place;
            }
        }
        let place_of = |person: u32| places.get(person as usize).copied().unwrap_or(u32::MAX);
        let lanes = feeds
            .into_iter()
            .map(|mut feed| {
                for run in &mut feed.runs {
                    run.person = place_of(run.person);
                }
                for loss in &mut feed.lost {
                    loss.0 = place_of(loss.0);
                }
                feed.runs.sort_by_key(|run| (run.person, run.offset));
                feed.lost.sort_unstable();
                let rows = Rows::open(&feed.sheet).ok();
                if rows.is_none() {
                    feed.tally.half_written = true;
                    let message = "ファイルが読んでいる間になくなりました。";
                    ledger.add(Finding::new("file.changed", Severity::Severe, message).at(&feed.sheet.name, 0));
                }
                Lane {
                    feed,
                    rows,
                    next_run: 0,
                    next_loss: 0,
                }
            })
            .collect();
        Self {
            people,
            frame,
            registry,
            lanes,
            order,
        }
    }

    /// How many charts there will be.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// The chart at a place of the order.
    pub fn chart(&mut self, place: usize, ledger: &mut Ledger) -> Option<Chart> {
        let person = self.people.get(*self.order.get(place)?)?;
        let place = u32::try_from(place).ok()?;
        let mut draft = Draft::default();
        for lane in &mut self.lanes {
            let for_all = matches!(lane.feed.plan, Plan::Patient(_) | Plan::Appointment(_));
            if for_all || person.reach == Reach::Full {
                lane.visit(place, person, &mut draft, self.frame, ledger);
            }
        }
        draft.said.finish(person, self.frame, self.registry, ledger)
    }

    /// The files back, with their counts.
    pub fn into_feeds(self) -> impl Iterator<Item = Feed> {
        self.lanes.into_iter().map(|lane| lane.feed)
    }
}

/// Everybody wanted: whole charts, then thin ones; of each as the first patient file has them, then those who are in appointment
/// lists only.
fn order(feeds: &[Feed], people: &People) -> Vec<u32> {
    let mut seen = vec![false; people.len()];
    let mut order = Vec::new();
    let mut enter = |person: u32| {
        let wanted = people.get(person).is_some_and(|person| person.reach > Reach::Nothing);
        if let Some(seen) = seen.get_mut(person as usize)
            && wanted
            && !*seen
        {
            *seen = true;
            order.push(person);
        }
    };
    for feed in feeds.iter().filter(|feed| matches!(feed.plan, Plan::Patient(_))) {
        feed.runs.iter().for_each(|run| enter(run.person));
    }
    people.iter().for_each(|(person, _)| enter(person));
    // Stable, so that both sweeps go forward through every file.
    order.sort_by_key(|person| people.get(*person).is_none_or(|person| person.reach != Reach::Full));
    order
}

impl Lane {
    /// Takes every row of one patient.
    fn visit(&mut self, place: u32, person: &Person, draft: &mut Draft, frame: &Frame, ledger: &mut Ledger) {
        let Self {
            feed,
            rows,
            next_run,
            next_loss,
        } = self;
        while feed.lost.get(*next_loss).is_some_and(|loss| loss.0 < place) {
            *next_loss += 1;
        }
        if feed.lost.get(*next_loss).is_some_and(|loss| loss.0 == place) {
            draft.said.lost.insert(feed.data);
        }
        while feed.runs.get(*next_run).is_some_and(|run| run.person < place) {
            *next_run += 1;
        }
        let left = feed.runs.get(*next_run..).unwrap_or_default();
        // Few, and at the front.
        let many = left.iter().take_while(|run| run.person == place).count();
        let mine = left.get(..many).unwrap_or_default();
        *next_run += mine.len();
        let Some(rows) = rows else {
            draft.said.lost.insert(feed.data);
            return;
        };
        if mine.is_empty() {
            return;
        }
        tell_missing_columns(feed, person, draft, ledger);
        let mut tally = feed.tally;
        let mut left = mine.iter().map(|run| u64::from(run.rows)).sum::<u64>();
        if left > MAX_ROWS {
            let message = format!("1人の患者に{left}行あり、後ろの{MAX_ROWS}行ほどだけを読みました。");
            let mut sink = sink(ledger, &mut draft.said.findings, feed, person, 0);
            sink.tell("rows.many", Severity::Severe, "", message);
        }
        for run in mine {
            if left > MAX_ROWS {
                left -= u64::from(run.rows);
                continue;
            }
            let read = rows.each(&feed.sheet, run, |row, about| {
                match check(feed, row, about, person, draft, ledger) {
                    Checked::Take => {}
                    Checked::Sieved => {
                        tally.sieved += 1;
                        return;
                    }
                    Checked::Refused => {
                        tally.refused += 1;
                        draft.said.lost.insert(feed.data);
                        return;
                    }
                    Checked::Foreign => {
                        tally.refused += 1;
                        tally.half_written = true;
                        draft.said.lost.insert(feed.data);
                        return;
                    }
                }
                tally.used += u64::from(take(feed, row, about.line, person, draft, frame, ledger));
            });
            if read.is_err() {
                tally.half_written = true;
                draft.said.lost.insert(feed.data);
                let message = "ファイルを途中から読めなくなりました。";
                sink(ledger, &mut draft.said.findings, feed, person, 0).tell(
                    "file.changed",
                    Severity::Severe,
                    "",
                    message,
                );
            }
        }
        feed.tally = tally;
    }
}

enum Checked {
    Take,
    Sieved,
    Refused,
    /// The row is not the patient's: the file changed after the first pass.
    Foreign,
}

fn check(feed: &Feed, row: &Row<'_>, about: About, person: &Person, draft: &mut Draft, ledger: &mut Ledger) -> Checked {
    let mut sink = sink(ledger, &mut draft.said.findings, feed, person, about.line);
    if !about.whole {
        sink.tell(
            "row.columns",
            Severity::Warning,
            "",
            columns_message(feed, about.columns),
        );
        return Checked::Refused;
    }
    if let Damage::Other(charset) = about.damage {
        let message = format!(
            "{}のファイルに{}の行が混ざっています。その文字コードで読みました。出力の設定を確かめてください。",
            feed.sheet.charset.word(),
            charset.word()
        );
        sink.tell("file.mixed_encoding", Severity::Warning, "", message);
    }
    if !feed.sieve.is_open() && !feed.sieve.takes(row) {
        return Checked::Sieved;
    }
    if let Some(cell) = &feed.id {
        let text = cell.text(row, &mut sink);
        if !person.key.is(&text) && Key::of_text(&text) != Some(person.key) {
            let message =
                "読んでいる間にファイルが書き換えられました。この行は使いませんでした。取り出しをやり直してください。";
            sink.tell("file.changed", Severity::Severe, "", message);
            return Checked::Foreign;
        }
    }
    Checked::Take
}

fn take(
    feed: &Feed,
    row: &Row<'_>,
    line: u64,
    person: &Person,
    draft: &mut Draft,
    frame: &Frame,
    ledger: &mut Ledger,
) -> bool {
    if matches!(feed.plan, Plan::Head) {
        let key = key_of(feed, row);
        let mut columns = Columns::default();
        let text = row.text().to_owned();
        columns.split(&text, feed.sheet.marks.delimiter, feed.sheet.marks.quote);
        draft.heads.push(HeadRow {
            entry: feed.entry,
            key,
            text,
            columns,
        });
        return true;
    }
    let Some(entry) = feed.head else {
        return draft.row(feed, row, line, person, frame, ledger);
    };
    let key = key_of(feed, row);
    // The heads are lent to the row while it is read.
    let heads = std::mem::take(&mut draft.heads);
    let head = heads.iter().find(|head| head.entry == entry && head.key == key);
    let used = match head {
        Some(head) => {
            let row = row.with_head(Some((&head.text, &head.columns)));
            draft.row(feed, &row, line, person, frame, ledger)
        }
        None => {
            let message = "つなぐ番号に合う見出しの行がありません。この行は使いませんでした。";
            sink(ledger, &mut draft.said.findings, feed, person, line).tell(
                "row.orphan",
                Severity::Warning,
                "",
                message,
            );
            draft.said.lost.insert(feed.data);
            false
        }
    };
    draft.heads = heads;
    used
}

fn key_of(feed: &Feed, row: &Row<'_>) -> String {
    let (mut scratch, mut unseen) = (Ledger::default(), Vec::new());
    let mut sink = Sink {
        ledger: &mut scratch,
        chart: &mut unseen,
        file: "",
        line: 0,
        patient: "",
    };
    feed.key
        .as_ref()
        .map(|cell| cell.text(row, &mut sink).into_owned())
        .unwrap_or_default()
}

/// A mapped column that the file does not have leaves a gap in every chart with rows of that file: its readers must know.
fn tell_missing_columns(feed: &Feed, person: &Person, draft: &mut Draft, ledger: &mut Ledger) {
    if feed.missing.is_empty() || feed.kind == super::fields::Kind::Head {
        return;
    }
    let names: Vec<String> = feed.missing.iter().map(|missing| missing.column.to_string()).collect();
    let message = format!(
        "{}のファイルに列がなく、取り出せなかった項目があります: {}。",
        feed.kind.word(),
        names.join("、")
    );
    // The ledger has been told once when the file was opened.
    let _ = ledger;
    if draft.said.findings.len() < crate::sources::gather::MAX_PER_CHART {
        let finding = Finding::new("file.column_missing", Severity::Warning, message)
            .at(&feed.sheet.name, 0)
            .about(person.key.as_str());
        draft.said.findings.push(finding);
    }
}

fn sink<'l>(
    ledger: &'l mut Ledger,
    findings: &'l mut Vec<Finding>,
    feed: &'l Feed,
    person: &'l Person,
    line: u64,
) -> Sink<'l> {
    Sink {
        ledger,
        chart: findings,
        file: &feed.sheet.name,
        line,
        patient: person.key.as_str(),
    }
}
