//! The first pass over every file: whose rows lie where. Row text is looked at, never kept.
//!
//! Appointments come first and say who is wanted; the patient file says who exists; of everything else only the places of
//! wanted patients' rows are remembered, and rows of nobody are told.

use std::collections::{BTreeMap, HashMap};

use chart::{Finding, Severity};
use jiff::civil::Date;

use super::cell::Row;
use super::feed::Feed;
use super::locate::raw_column;
use super::marks::Marks;
use super::plan::Plan;
use super::scan::{RawRow, Refusal, Step, Why};
use super::split::{Columns, Split};
use super::take::{Take, short};
use crate::sources::gather::Wards;
use crate::sources::gather::{Key, People, Reach};
use crate::sources::gather::{Ledger, Sink};

mod bookings;
mod stays;

/// Most keys of one head file.
const MAX_KEYS: usize = 5_000_000;

/// A key that belongs to patients who are not wanted, or to several.
const NOBODY: u32 = u32::MAX;

/// What the first pass knows while it goes through the files.
pub struct Index<'l> {
    /// Everybody.
    pub people: People,
    /// Of each head entry: key → patient.
    pub heads: BTreeMap<usize, HashMap<Box<str>, u32>>,
    /// The day.
    pub day: Date,
    /// The last day of the thin list.
    pub last_day: Date,
    /// True when nothing says who is wanted, so that everybody is.
    pub everybody: bool,
    /// True when the patient file could be read: only then a stranger is known to be one.
    pub registry: bool,
    /// Who lies where.
    pub wards: Wards,
    /// Where Findings go.
    pub ledger: &'l mut Ledger,
    room: String,
    columns: Columns,
    /// Of the file of appointments being read: the columns that are looked at.
    looked_at: Vec<usize>,
    /// Whose row was last seen.
    before: u32,
    days_elsewhere: DaysElsewhere,
    /// True from a refused line on until a row is somebody's again: what cannot be read in between is its continuation.
    after_refusal: bool,
    quiet: u64,
}

/// Appointments on days that are not asked for, counted per file.
#[derive(Debug, Clone, Copy, Default)]
struct DaysElsewhere {
    past: u64,
    far: u64,
}

/// What a row's patient column says.
enum Who {
    Known(u32),
    Stranger(String),
    Unreadable(String),
}

impl<'l> Index<'l> {
    /// An empty index for a day and the days of its thin list.
    pub fn new(people: People, day: Date, last_day: Date, ledger: &'l mut Ledger) -> Self {
        Self {
            people,
            heads: BTreeMap::new(),
            day,
            last_day,
            everybody: false,
            registry: false,
            wards: Wards::default(),
            ledger,
            room: String::new(),
            columns: Columns::default(),
            looked_at: Vec::new(),
            before: 0,
            days_elsewhere: DaysElsewhere::default(),
            after_refusal: false,
            quiet: 0,
        }
    }

    /// Goes through one file. `progress` is told the bytes read since it was last called.
    ///
    /// # Errors
    /// When the file cannot be read any more.
    pub fn go(&mut self, feed: &mut Feed, progress: &mut dyn FnMut(u64)) -> std::io::Result<()> {
        let mut scanner = feed.sheet.scanner()?;
        let mut last: (Vec<u8>, Option<u32>) = (Vec::new(), None);
        let mut told_position = 0;
        self.days_elsewhere = DaysElsewhere::default();
        self.looked_at = bookings::looked_at(feed);
        (self.after_refusal, self.quiet) = (false, 0);
        loop {
            let position = scanner.position();
            if position - told_position >= 1 << 20 {
                progress(position - told_position);
                told_position = position;
            }
            match scanner.step()? {
                None => break,
                Some(Step::Refused(refusal)) => {
                    feed.tally.rows += 1;
                    feed.tally.refused += 1;
                    self.refused(feed, &refusal);
                }
                // An empty line, or the end mark that DOS programs leave.
                Some(Step::Row(raw)) if raw.bytes.is_empty() || raw.bytes == b"\x1A" => {}
                Some(Step::Row(raw)) => {
                    feed.tally.rows += 1;
                    self.row(feed, &raw, &mut last);
                }
            }
        }
        progress(scanner.position().saturating_sub(told_position));
        let name = feed.sheet.name.clone();
        if self.quiet > 0 {
            let quiet = self.quiet;
            let message =
                format!("引用符や列の数が合わない行に続く{quiet}行も読めませんでした（その行の続きと思われます）。");
            self.ledger
                .add(Finding::new("row.quote", Severity::Warning, message).at(&name, 0));
        }
        if scanner.cut_off() {
            feed.tally.half_written = true;
            let message =
                "ファイルが行の途中で終わっています。出力が途中で止まった疑いがあります。出力をやり直してください。";
            self.ledger
                .add(Finding::new("file.half_written", Severity::Severe, message).at(&name, 0));
        }
        self.tell_days(feed);
        Ok(())
    }

    fn row(&mut self, feed: &mut Feed, raw: &RawRow<'_>, last: &mut (Vec<u8>, Option<u32>)) {
        if matches!(feed.plan, Plan::Appointment(_)) {
            self.appointment(feed, raw);
            return;
        }
        if matches!(feed.plan, Plan::Stay(_) | Plan::Bed(_)) {
            self.stay(feed, raw);
            return;
        }
        let plain = feed.id.as_ref().and_then(super::cell::Cell::only_column);
        let bytes = plain.and_then(|at| raw_column(raw.bytes, &feed.sheet.marks, at));
        if feed.key.is_none()
            && let Some(bytes) = bytes
            && !last.0.is_empty()
            && last.0 == bytes
        {
            match last.1 {
                Some(person) => feed.note_row(person, raw.offset, raw.length, raw.line),
                None => feed.tally.elsewhere += 1,
            }
            return;
        }
        let who = match bytes.and_then(Key::of_bytes) {
            Some(key) => self.known(feed, key),
            None => self.who(feed, raw),
        };
        last.0.clear();
        match who {
            Who::Known(person) => {
                self.after_refusal = false;
                let wanted = self.is_wanted(feed, person).then_some(person);
                match wanted {
                    Some(person) => feed.note_row(person, raw.offset, raw.length, raw.line),
                    None => feed.tally.elsewhere += 1,
                }
                if let Some(bytes) = bytes {
                    last.0.extend_from_slice(bytes);
                    last.1 = wanted;
                }
                if feed.kind == super::fields::Kind::Head {
                    self.head_key(feed, raw, person);
                }
            }
            Who::Stranger(id) => self.stranger(feed, raw.line, &id),
            Who::Unreadable(text) => self.no_id(feed, raw.line, &text),
        }
    }

    /// The number of a readable patient number; patient files enter new people.
    fn known(&mut self, feed: &Feed, key: Key) -> Who {
        let enters = matches!(feed.plan, Plan::Patient(_));
        let found = match self.people.find_near(self.before, &key) {
            Some(number) => Some(number),
            None if enters => self.people.enter(key),
            None => self.people.find(&key),
        };
        match found {
            Some(number) => {
                self.before = number;
                if enters {
                    self.people.register(number);
                    if self.everybody {
                        self.people.want(number, Reach::Full);
                    }
                }
                Who::Known(number)
            }
            None => Who::Stranger(key.as_str().to_owned()),
        }
    }

    /// The slow way to a row's patient: decoded, with the rules of its field, or through its head row.
    fn who(&mut self, feed: &Feed, raw: &RawRow<'_>) -> Who {
        let (text, _) = feed.sheet.charset.decode(raw.bytes, &mut self.room);
        if self
            .columns
            .split(text, feed.sheet.marks.delimiter, feed.sheet.marks.quote)
            == Split::Broken
        {
            return Who::Unreadable("（行を分けられません）".to_owned());
        }
        let row = Row::plain(text, &self.columns);
        let (mut scratch, mut unseen) = (Ledger::default(), Vec::new());
        let mut sink = silent(&mut scratch, &mut unseen);
        if feed.id.is_none() {
            let key = feed
                .key
                .as_ref()
                .map(|cell| cell.text(&row, &mut sink).into_owned())
                .unwrap_or_default();
            let person = feed
                .head
                .and_then(|head| self.heads.get(&head))
                .and_then(|keys| keys.get(key.as_str()))
                .copied();
            return match person {
                Some(person) => Who::Known(person),
                None => Who::Stranger(format!("つなぐ番号「{}」", short(&key))),
            };
        }
        let text = feed.id_text(&row, &mut sink);
        match Key::of_text(&text) {
            Some(key) => self.known(feed, key),
            None => Who::Unreadable(text),
        }
    }

    fn is_wanted(&self, feed: &Feed, person: u32) -> bool {
        let reach = self.people.get(person).map_or(Reach::Nothing, |person| person.reach);
        match feed.plan {
            Plan::Patient(_) | Plan::Appointment(_) => reach > Reach::Nothing,
            _ => reach == Reach::Full,
        }
    }

    fn head_key(&mut self, feed: &Feed, raw: &RawRow<'_>, person: u32) {
        let (text, _) = feed.sheet.charset.decode(raw.bytes, &mut self.room);
        if self
            .columns
            .split(text, feed.sheet.marks.delimiter, feed.sheet.marks.quote)
            == Split::Broken
        {
            return;
        }
        let row = Row::plain(text, &self.columns);
        let name = &feed.sheet.name;
        let (mut scratch, mut unseen) = (Ledger::default(), Vec::new());
        let mut sink = silent(&mut scratch, &mut unseen);
        let key = feed
            .key
            .as_ref()
            .map(|cell| cell.text(&row, &mut sink))
            .unwrap_or_default();
        let keys = self.heads.entry(feed.entry).or_default();
        if key.is_empty() || keys.len() >= MAX_KEYS {
            return;
        }
        match keys.get(&*key) {
            Some(other) if *other != person => {
                let message = format!(
                    "つなぐ番号「{}」が2人の患者に使われています。この番号の明細は使いません。",
                    short(&key)
                );
                self.ledger
                    .add(Finding::new("key.two_people", Severity::Severe, message).at(name, raw.line));
                keys.insert(key.into(), NOBODY);
            }
            Some(_) => {}
            None => {
                keys.insert(key.into(), person);
            }
        }
    }

    fn stranger(&mut self, feed: &mut Feed, line: u64, id: &str) {
        if !self.registry {
            // Without a patient file nobody can be called a stranger.
            feed.tally.elsewhere += 1;
            return;
        }
        feed.tally.refused += 1;
        if self.after_refusal {
            self.quiet += 1;
            return;
        }
        let message = if feed.id.is_some() {
            format!(
                "患者基本にも予約にもない患者番号の{}です。この行は使いませんでした。",
                feed.kind.word()
            )
        } else {
            format!("{id}に合う見出しの行がありません。この行は使いませんでした。")
        };
        let finding = Finding::new("row.orphan", Severity::Warning, message).at(&feed.sheet.name, line);
        self.ledger
            .add(if feed.id.is_some() { finding.about(id) } else { finding });
    }

    fn no_id(&mut self, feed: &mut Feed, line: u64, text: &str) {
        feed.tally.refused += 1;
        if self.after_refusal {
            self.quiet += 1;
            return;
        }
        feed.tally.nobodys += 1;
        let what = if text.trim().is_empty() {
            "患者番号が空です".to_owned()
        } else {
            format!("「{}」は患者番号として読めません", short(text))
        };
        let message = format!("{what}。この行は使いませんでした。");
        let title = feed.id.as_ref().map_or("", |cell| cell.title.as_str());
        let finding = Finding::new("id.invalid", Severity::Severe, message)
            .at(&feed.sheet.name, line)
            .in_field(title);
        self.ledger.add(finding);
    }

    /// A refused line: told, and remembered with its patient where its beginning still says whom it is about.
    fn refused(&mut self, feed: &mut Feed, refusal: &Refusal<'_>) {
        let person = self.patient_of_start(feed, refusal.start);
        let id = person
            .and_then(|person| self.people.get(person))
            .map(|person| person.key);
        if let Some(person) = person {
            if matches!(feed.plan, Plan::Appointment(_) | Plan::Stay(_))
                || (self.everybody && matches!(feed.plan, Plan::Patient(_)))
            {
                self.people.want(person, Reach::Full);
            }
            feed.note_loss(person, refusal.line);
        }
        if refusal.quiet {
            self.quiet += 1;
            return;
        }
        self.after_refusal = true;
        feed.tally.nobodys += u64::from(person.is_none());
        let (code, message) = match refusal.why {
            Why::TooLong => (
                "row.too_long",
                format!(
                    "1行が長すぎます（{}バイトまで）。この行は使わず、次の行から続けました。",
                    feed.sheet.bounds.row_bytes
                ),
            ),
            Why::Unclosed => (
                "row.quote",
                "引用符（\"）が閉じていません。この行だけを使わず、次の行から続けました。".to_owned(),
            ),
            Why::Loose => (
                "row.quote",
                "引用符（\"）の閉じたあとに文字が続いています。この行だけを使わず、次の行から続けました。".to_owned(),
            ),
            Why::Columns(found) => ("row.columns", columns_message(feed, found)),
        };
        let mut finding = Finding::new(code, Severity::Warning, message).at(&feed.sheet.name, refusal.line);
        if let Some(key) = id {
            finding = finding.about(key.as_str());
        }
        self.ledger.add(finding);
    }

    fn patient_of_start(&mut self, feed: &Feed, start: &[u8]) -> Option<u32> {
        let at = feed.id.as_ref()?.only_column()?;
        let unquoted = Marks {
            quote: None,
            ..feed.sheet.marks
        };
        let raw = raw_column(start, &feed.sheet.marks, at).or_else(|| raw_column(start, &unquoted, at))?;
        let key = Key::of_bytes(raw)?;
        match feed.plan {
            Plan::Patient(_) | Plan::Appointment(_) | Plan::Stay(_) => self.people.enter(key),
            _ => self.people.find(&key),
        }
    }
}

/// A sink for a first look: the row is read again for its chart, and its Findings are told then.
const fn silent<'l>(scratch: &'l mut Ledger, unseen: &'l mut Vec<Finding>) -> Sink<'l> {
    Sink {
        ledger: scratch,
        chart: unseen,
        file: "",
        line: 0,
        patient: "",
    }
}

/// What to say about a row with the wrong number of columns.
#[must_use]
pub fn columns_message(feed: &Feed, found: usize) -> String {
    let expected = feed.sheet.columns.map_or(0, |(fewest, _)| fewest);
    format!(
        "列の数が合いません（{expected}列のはずが{found}列）。列がずれているおそれがあるため、この行は使いませんでした。"
    )
}
