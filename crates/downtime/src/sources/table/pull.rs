//! One pull from beginning to end: choose and open the files, first pass, who is wanted, second pass, what was found.
//!
//! The order of these steps is the whole content; what each does lives in its own file.

use std::collections::BTreeSet;

use chart::{Chart, DataKind, Finding, Severity};

use super::assemble::Assembly;
use super::codebook::{self, Codebooks};
use super::config::Config;
use super::count::{self, Listed};
use super::dating;
use super::export::Export;
use super::feed::{Feed, Opening};
use super::fields::Kind;
use super::files::Files;
use super::index::Index;
use super::pattern::Pattern;
use super::plan::Plan;
use crate::sources::gather::Frame;
use crate::sources::gather::Ledger;
use crate::sources::gather::People;
use crate::sources::gather::{CLINICAL, MAX_EVERYBODY, kind_word};
use crate::sources::gather::{Crowded, Wards};
use crate::sources::{Extract, Origin, Progress, PullFault, Scope};

/// A pull under way.
pub struct Pull<'c> {
    config: &'c Config,
    scope: Scope,
    feeds: Vec<Feed>,
    listed: Option<Listed>,
    /// True when the list of counts should be there and is not.
    unproven: bool,
    failed: BTreeSet<DataKind>,
    /// True when the list of the day itself could not be read.
    day_list_failed: bool,
    people: People,
    registry: bool,
    wards: Wards,
    crowded: Crowded,
}

impl<'c> Pull<'c> {
    /// Chooses and opens the files.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn open(config: &'c Config, files: &'c Files, scope: &Scope, ledger: &mut Ledger) -> Result<Self, PullFault> {
        let export = Export::open(config, files, scope.day)?;
        let books = codebook::load(&export, ledger);
        let mut pull = Self {
            config,
            scope: scope.clone(),
            feeds: Vec::new(),
            listed: None,
            unproven: false,
            failed: BTreeSet::new(),
            day_list_failed: false,
            people: People::default(),
            registry: false,
            wards: Wards::default(),
            crowded: Crowded::new(),
        };
        match count::read(&export, &books) {
            Ok(listed) => pull.listed = listed,
            Err(finding) => {
                pull.unproven = true;
                ledger.add(*finding);
            }
        }
        // Heads first: the files that refer to them are bound to their columns.
        let mut entries: Vec<usize> = (0..config.files.len()).collect();
        entries.sort_by_key(|entry| config.files.get(*entry).is_some_and(|spec| spec.kind != Kind::Head));
        for entry in entries {
            pull.open_entry(entry, &export, &books, ledger);
        }
        Ok(pull)
    }

    fn open_entry(&mut self, entry: usize, export: &Export<'_>, books: &Codebooks, ledger: &mut Ledger) {
        let Some(spec) = self.config.files.get(entry) else {
            return;
        };
        let Ok(pattern) = Pattern::parse(spec.pattern.get_ref()) else {
            return;
        };
        let chosen = pattern.choose(&export.names, self.scope.day);
        let word = spec.kind.word();
        let fail = |this: &mut Self| {
            // Without the bed list no bed is known to be empty; nobody's chart lacks anything.
            if spec.kind == Kind::Bed {
                return;
            }
            if let Some(kind) = spec.kind.data().or_else(|| this.kind_of_head(&spec.name)) {
                this.failed.insert(kind);
            }
            this.day_list_failed |= spec.kind == Kind::Appointment && pattern.names_the_day();
        };
        if chosen.files.is_empty() {
            let others = if chosen.other_days.is_empty() {
                String::new()
            } else {
                let shown: Vec<&str> = chosen.other_days.iter().rev().take(3).map(String::as_str).collect();
                format!("別の日のファイルはあります（{}）が、使いません。", shown.join("、"))
            };
            let message = format!(
                "{word}のファイルがありません。{others}この内容は「取得できず」になります。出力が行われたか確かめてください。"
            );
            ledger.add(Finding::new("file.missing", Severity::Severe, message).at(spec.pattern.get_ref(), 0));
            fail(self);
            return;
        }
        if !chosen.older.is_empty() {
            let message = format!(
                "同じ名前の形の古いファイルが{}個あり、いちばん新しいものだけを使いました。",
                chosen.older.len()
            );
            ledger.add(Finding::new("file.older", Severity::Note, message).at(spec.pattern.get_ref(), 0));
        }
        let head_entry = self
            .config
            .files
            .iter()
            .position(|other| other.kind == Kind::Head && other.name == spec.head);
        let head_entry = head_entry.filter(|_| !spec.head.is_empty());
        for (name, written) in &chosen.files {
            let head = head_entry.and_then(|head| {
                self.feeds
                    .iter()
                    .find(|feed| feed.entry == head)
                    .map(|feed| (head, &feed.sheet))
            });
            if head_entry.is_some() && head.is_none() {
                let message = format!("{word}の見出しのファイルを読めないため、このファイルは使えません。");
                ledger.add(Finding::new("file.head_missing", Severity::Severe, message).at(name, 0));
                fail(self);
                continue;
            }
            let opening = Opening { export, books };
            match opening.open(entry, name, head) {
                Ok(mut feed) => {
                    for missing in &feed.missing {
                        let message = format!(
                            "{}この項目は空になります。対応表か出力を直してください。",
                            missing.text()
                        );
                        let finding = Finding::new("file.column_missing", Severity::Severe, message).at(name, 0);
                        ledger.add(finding.in_field(&missing.column.to_string()));
                    }
                    feed.names_the_day = pattern.names_the_day();
                    feed.written = dating::written(
                        &feed,
                        &spec.as_of,
                        *written,
                        self.listed.as_ref(),
                        self.scope.now,
                        ledger,
                    );
                    self.feeds.push(feed);
                }
                Err(finding) => {
                    ledger.add(*finding);
                    fail(self);
                }
            }
        }
    }

    fn kind_of_head(&self, name: &str) -> Option<DataKind> {
        self.config
            .files
            .iter()
            .find(|entry| entry.head == name)
            .and_then(|entry| entry.kind.data())
    }

    /// The first pass over every file.
    ///
    /// # Errors
    /// When neither a patient file nor a list with names can be read, or nobody can be left out of too many.
    pub fn index(&mut self, ledger: &mut Ledger, progress: &mut dyn FnMut(Progress)) -> Result<(), PullFault> {
        let total = self.feeds.iter().map(|feed| feed.sheet.size).sum();
        let mut done = 0;
        let mut told = |bytes: u64| {
            done += bytes;
            progress(Progress::Reading(done.min(total), total));
        };
        let last_day = self.scope.last_day();
        let people = People::wanting(self.scope.wanted.clone());
        let mut index = Index::new(people, self.scope.day, last_day, ledger);
        let mut feeds = std::mem::take(&mut self.feeds);
        for stage in 0..4 {
            if stage == 1 {
                let booked = feeds
                    .iter()
                    .any(|feed| matches!(feed.kind, Kind::Appointment | Kind::Stay));
                index.everybody = (!booked && self.scope.wanted.is_none()) || self.day_list_failed;
            }
            if stage == 2 {
                self.registry = feeds
                    .iter()
                    .any(|feed| feed.kind == Kind::Patient && feed.tally.rows > feed.tally.refused);
                index.registry = self.registry && !self.failed.contains(&DataKind::Patient);
            }
            for feed in feeds.iter_mut().filter(|feed| stage_of(feed.kind) == stage) {
                let read = index.go(feed, &mut told);
                self.judge(feed, read.err(), index.ledger);
            }
        }
        let everybody = index.everybody;
        self.people = std::mem::take(&mut index.people);
        self.wards = std::mem::take(&mut index.wards);
        self.feeds = feeds;
        self.crowded = self.wards.crowded(&self.people, ledger);
        self.wards.tell_unlisted(&self.people, ledger);
        self.refuse_if_useless(everybody, ledger)
    }

    /// Rows and people seen in the first pass.
    pub fn seen(&self) -> (u64, usize) {
        (self.feeds.iter().map(|feed| feed.tally.rows).sum(), self.people.len())
    }

    /// What a file's first pass says about the file as a whole.
    fn judge(&mut self, feed: &mut Feed, error: Option<std::io::Error>, ledger: &mut Ledger) {
        let spec = self.config.files.get(feed.entry);
        let name = feed.sheet.name.clone();
        if let Some(error) = error {
            feed.tally.half_written = true;
            self.fails(feed);
            let message = format!("ファイルを最後まで読めませんでした（{error}）。読めたところまでを使いました。");
            ledger.add(Finding::new("file.unreadable", Severity::Severe, message).at(&name, 0));
        }
        if let Some(why) = feed.sheet.place.cut() {
            feed.tally.half_written = true;
            let message = format!("最後まで受け取れませんでした（{why}）。受け取れたところまでを使いました。");
            ledger.add(Finding::new("file.half_written", Severity::Severe, message).at(&name, 0));
        }
        if feed.tally.rows == 0 && spec.is_some_and(|spec| !spec.may_be_empty) {
            self.fails(feed);
            self.day_list_failed |= feed.kind == Kind::Appointment && feed.names_the_day;
            let message = format!(
                "{}のファイルに見出しだけがあり、データが1行もありません。この内容は「取得できず」になります。空でよいファイルなら対応表に may_be_empty = true と書いてください。",
                feed.kind.word()
            );
            ledger.add(Finding::new("file.header_only", Severity::Severe, message).at(&name, 0));
        }
        if self.unproven {
            feed.tally.half_written = true;
        }
        if let Some(listed) = &self.listed {
            count::compare(feed, listed, ledger);
        }
    }

    fn fails(&mut self, feed: &Feed) {
        if feed.kind != Kind::Bed {
            self.failed.insert(feed.data);
        }
    }

    fn refuse_if_useless(&self, everybody: bool, ledger: &mut Ledger) -> Result<(), PullFault> {
        let named = self.feeds.iter().any(|feed| match &feed.plan {
            Plan::Patient(plan) => plan.names_people() && feed.tally.rows > feed.tally.refused,
            Plan::Appointment(plan) => plan.identity.names_people() && feed.tally.rows > feed.tally.refused,
            _ => false,
        });
        // Where several sources are read together another one may have the names.
        if !named && self.scope.wanted.is_none() {
            let why = std::mem::take(ledger).finish().0;
            let why: Vec<String> = why
                .iter()
                .filter(|f| f.severity == Severity::Severe)
                .take(5)
                .map(Finding::text)
                .collect();
            return Err(PullFault::Unreadable(format!(
                "患者基本を読めず、氏名の入った予約もないため、取り出しを中止しました。前回の写しはそのまま使えます。{}",
                why.join(" / ")
            )));
        }
        if everybody {
            if self.people.len() > MAX_EVERYBODY {
                return Err(PullFault::Unreadable(format!(
                    "対象日の予約を読めず、患者が{}人いて全員は取り出せません（{MAX_EVERYBODY}人まで）。前回の写しはそのまま使えます。予約のファイルを確かめてください。",
                    self.people.len()
                )));
            }
            let mapped = self.config.files.iter().any(|spec| spec.kind == Kind::Appointment);
            let (severity, why) = if mapped {
                (Severity::Severe, "対象日の予約を読めないため")
            } else {
                (Severity::Note, "対応表に予約のファイルがないため")
            };
            let message = format!("{why}、患者基本にいる全員（{}人）を取り出しました。", self.people.len());
            ledger.add(Finding::new("scope.everybody", severity, message));
        }
        Ok(())
    }

    /// The second pass.
    ///
    /// # Errors
    /// When the receiver of charts fails.
    pub fn assemble(
        mut self,
        mut ledger: Ledger,
        chart: &mut dyn FnMut(Chart) -> anyhow::Result<()>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Extract, PullFault> {
        let mut extract = Extract {
            as_of: dating::as_of(&self.feeds, self.scope.now),
            ..Extract::default()
        };
        let frame = Frame {
            day: self.scope.day,
            last_day: self.scope.last_day(),
            now: self.scope.now,
            limits: self.config.limits.of_a_person(),
            failed: self.failed.clone(),
            doubtful: self
                .feeds
                .iter()
                .filter(|feed| feed.tally.nobodys > 0)
                .map(|feed| feed.data)
                .collect(),
            unmapped: self.unmapped(&mut ledger),
            as_of: extract.as_of.clone(),
            crowded: std::mem::take(&mut self.crowded),
        };
        let stays = self.config.files.iter().any(|spec| spec.kind == Kind::Stay);
        let feeds = std::mem::take(&mut self.feeds);
        let mut assembly = Assembly::new(feeds, &self.people, &frame, self.registry, &mut ledger);
        let all = assembly.len();
        for place in 0..all {
            if place % 64 == 0 {
                progress(Progress::Assembling(place as u64, all as u64));
            }
            let Some(one) = assembly.chart(place, &mut ledger) else {
                continue;
            };
            extract.count(&one);
            chart(one).map_err(PullFault::Receiver)?;
        }
        progress(Progress::Assembling(all as u64, all as u64));
        let mut lost = 0;
        for mut feed in assembly.into_feeds() {
            lost += if feed.kind == Kind::Stay { feed.lost.len() } else { 0 };
            if feed.sheet.has_changed() {
                feed.tally.half_written = true;
                let message = "読んでいる間にファイルが書き換えられました。取り出しをやり直してください。";
                ledger.add(Finding::new("file.changed", Severity::Severe, message).at(&feed.sheet.name, 0));
            }
            extract.origins.push(origin(&feed));
        }
        // A row of nobody may be somebody's in a bed that would be called empty.
        let read = !frame.failed.contains(&DataKind::Stay) && !frame.doubtful.contains(&DataKind::Stay) && lost == 0;
        extract.beds = self.wards.beds(stays, read);
        (extract.findings, extract.findings_dropped) = ledger.finish();
        Ok(extract)
    }

    fn unmapped(&self, ledger: &mut Ledger) -> BTreeSet<DataKind> {
        let mapped: BTreeSet<DataKind> = self.config.files.iter().filter_map(|spec| spec.kind.data()).collect();
        let unmapped: BTreeSet<DataKind> = DataKind::ALL
            .into_iter()
            .filter(|kind| !mapped.contains(kind))
            .collect();
        // Where several sources are read together another one may have it.
        let alone = self.scope.wanted.is_none();
        for kind in CLINICAL.into_iter().filter(|kind| alone && unmapped.contains(kind)) {
            let severity = if kind == DataKind::Allergy {
                Severity::Severe
            } else {
                Severity::Note
            };
            let message = format!(
                "対応表に「{}」のファイルがないため、この内容は全員「取得できず」になります。",
                kind_word(kind)
            );
            ledger.add(Finding::new("kind.unmapped", severity, message));
        }
        unmapped
    }
}

/// Appointments and stays, then patients, then heads, then everything else.
const fn stage_of(kind: Kind) -> usize {
    match kind {
        Kind::Appointment | Kind::Stay | Kind::Bed => 0,
        Kind::Patient => 1,
        Kind::Head => 2,
        _ => 3,
    }
}

fn origin(feed: &Feed) -> Origin {
    Origin {
        name: feed.sheet.name.clone(),
        kind: feed.data,
        bytes: feed.sheet.size,
        rows: feed.tally.rows,
        used: feed.tally.used,
        refused: feed.tally.refused,
        written: feed.written,
        half_written: feed.tally.half_written,
    }
}
