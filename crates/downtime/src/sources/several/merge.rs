//! One patient as several sources know them: which source each kind of data is taken from, and where they disagree.
//!
//! The most trusted source that has something is taken whole, kind by kind; facts of one list are never mixed, except allergies:
//! whatever any source wants avoided stays. That the sources differ is told; which of them is right nobody here can know.

use std::collections::BTreeMap;

use chart::{Allergy, AsOf, Chart, DataKind, Finding, Known, Moment, Severity, Stay};

use super::named;
use super::same::SameFact;
use crate::sources::gather::{self, Identity, Ledger, MAX_PER_CHART, NAMELESS, kind_word};

/// What is the same for every patient.
pub struct Merge<'s> {
    /// The sources' names.
    pub names: Vec<&'s str>,
    /// Which of them could be read.
    pub read: Vec<bool>,
    /// The parts that carry each kind, the most trusted first.
    pub precedence: &'s BTreeMap<DataKind, Vec<usize>>,
    /// The moment of the pull.
    pub now: Moment,
}

/// One patient being laid together.
struct Laying<'m> {
    merge: &'m Merge<'m>,
    said: &'m [Option<Chart>],
    findings: Vec<Finding>,
    origins: Vec<(DataKind, String)>,
    as_of: Vec<(DataKind, Moment)>,
    patient: String,
}

impl Merge<'_> {
    /// The chart of a patient from what each source said; `None` when none said anything.
    pub fn charts(&self, said: Vec<Option<Chart>>) -> Option<Chart> {
        let mut lay = Laying {
            merge: self,
            said: &said,
            findings: Vec::new(),
            origins: Vec::new(),
            as_of: Vec::new(),
            patient: said.iter().flatten().next()?.patient.id.as_str().to_owned(),
        };
        let patient = lay.identity()?;
        let mut facts = patient.facts.clone();
        if let Some((at, profile)) = lay.first(DataKind::Profile, |chart| !chart.patient.facts.is_empty()) {
            facts.clone_from(&profile.patient.facts);
            lay.takes(DataKind::Profile, at);
        }
        let chart = Chart {
            patient: chart::Patient { facts, ..patient },
            appointments: lay.list(DataKind::Appointment, |chart| &chart.appointments),
            orders: lay.list(DataKind::Order, |chart| &chart.orders),
            allergies: lay.allergies(),
            diagnoses: lay.known(DataKind::Diagnosis, |chart| &chart.diagnoses),
            notes: lay.known(DataKind::Note, |chart| &chart.notes),
            prescriptions: lay.known(DataKind::Prescription, |chart| &chart.prescriptions),
            results: lay.known(DataKind::Result, |chart| &chart.results),
            insurances: lay.known(DataKind::Insurance, |chart| &chart.insurances),
            stay: lay.stay(),
            thin: said.iter().flatten().all(|chart| chart.thin),
            as_of: AsOf::default(),
            findings: Vec::new(),
            origins: Vec::new(),
        };
        let mut findings = std::mem::take(&mut lay.findings);
        for (name, one) in self.names.iter().zip(&said) {
            let own = one.iter().flat_map(|chart| &chart.findings);
            findings.extend(own.map(|finding| named(name, finding.clone())));
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        findings.truncate(MAX_PER_CHART);
        Some(Chart {
            as_of: gather::as_of(&lay.as_of, self.now),
            origins: lay.origins,
            findings,
            ..chart
        })
    }
}

impl<'m> Laying<'m> {
    fn of(&self, kind: DataKind) -> &'m [usize] {
        self.merge.precedence.get(&kind).map_or(&[], Vec::as_slice)
    }

    fn chart(&self, at: usize) -> Option<&'m Chart> {
        self.said.get(at)?.as_ref()
    }

    fn name(&self, at: usize) -> &'m str {
        self.merge.names.get(at).copied().unwrap_or("")
    }

    /// The most trusted source whose chart fits.
    fn first(&self, kind: DataKind, fits: impl Fn(&Chart) -> bool) -> Option<(usize, &'m Chart)> {
        self.of(kind)
            .iter()
            .find_map(|at| self.chart(*at).filter(|chart| fits(chart)).map(|chart| (*at, chart)))
    }

    /// Notes that a kind comes from this source.
    fn takes(&mut self, kind: DataKind, at: usize) {
        if let Some(chart) = self.chart(at) {
            self.as_of.push((kind, chart.as_of.of(kind)));
        }
        self.origins.push((kind, self.name(at).to_owned()));
    }

    fn tell(&mut self, code: &str, severity: Severity, message: String) {
        self.findings
            .push(Finding::new(code, severity, message).about(&self.patient));
    }

    /// A source that carries the kind and could not be read.
    fn unread(&self, kind: DataKind) -> Option<usize> {
        let unread = |at: &&usize| !self.merge.read.get(**at).copied().unwrap_or(false);
        self.of(kind).iter().find(unread).copied()
    }

    fn identity(&mut self) -> Option<chart::Patient> {
        let named = |chart: &Chart| chart.patient.name.written != NAMELESS;
        let found = self
            .first(DataKind::Patient, named)
            .or_else(|| {
                // Nobody who carries patients names this one; an appointment list may.
                let others = (0..self.said.len()).find(|at| self.chart(*at).is_some_and(named));
                others.and_then(|at| Some((at, self.chart(at)?)))
            })
            .or_else(|| (0..self.said.len()).find_map(|at| Some((at, self.chart(at)?))));
        let (at, chosen) = found?;
        self.takes(DataKind::Patient, at);
        let mut patient = chosen.patient.clone();
        for other in 0..self.said.len() {
            let Some(chart) = self.chart(other).filter(|chart| other != at && named(chart)) else {
                continue;
            };
            self.compare(at, &patient, other, &chart.patient);
            // 髙橋 where the most trusted source could only write ■橋: the same person by number and birth date, and readable.
            let (name, theirs) = (&patient.name.written, &chart.patient.name.written);
            let same = patient.birth.is_some() && patient.birth == chart.patient.birth;
            if same && gather::same_name(name, theirs) && gather::is_lossy_name(name) && !gather::is_lossy_name(theirs)
            {
                patient.name.written.clone_from(theirs);
            }
            let facts = std::mem::take(&mut patient.facts);
            gather::complete_identity(&mut patient, chart.patient.clone());
            patient.facts = facts;
        }
        Some(patient)
    }

    /// Says where two sources know different people by one number.
    fn compare(&mut self, at: usize, patient: &chart::Patient, other: usize, theirs: &chart::Patient) {
        let (mut ledger, mut told) = (Ledger::default(), Vec::new());
        let identity = Identity {
            name: theirs.name.clone(),
            birth: theirs.birth,
            ..Identity::default()
        };
        gather::compare_identity(
            patient,
            &identity,
            &mut gather::Sink {
                ledger: &mut ledger,
                chart: &mut told,
                file: "",
                line: 0,
                patient: &self.patient,
            },
        );
        if told.is_empty() {
            return;
        }
        let message = format!(
            "患者番号は同じですが、「{}」では「{} {} {}」、「{}」では「{} {} {}」です。どちらの記録か分かりません。本人に氏名と生年月日を確かめてください。",
            self.name(at),
            patient.name.shown(),
            patient.birth_short(),
            patient.sex.word(),
            self.name(other),
            theirs.name.shown(),
            theirs.birth_short(),
            theirs.sex.word(),
        );
        self.tell("source.identity", Severity::Severe, message);
    }

    /// A list without states: that of the most trusted source that has one.
    fn list<T: Clone + SameFact>(&mut self, kind: DataKind, of: impl Fn(&Chart) -> &Vec<T>) -> Vec<T> {
        if let Some(at) = self.unread(kind) {
            let message = format!(
                "「{}」を読めなかったため、{}はここにあるものがすべてではないかもしれません。",
                self.name(at),
                kind_word(kind)
            );
            self.tell("kind.partial", Severity::Severe, message);
        }
        let Some((at, chosen)) = self.first(kind, |chart| !of(chart).is_empty()) else {
            if let Some((at, _)) = self.first(kind, |_| true) {
                self.takes(kind, at);
            }
            return Vec::new();
        };
        self.takes(kind, at);
        let mine = of(chosen).clone();
        for other in self.of(kind) {
            if let Some(theirs) = self
                .chart(*other)
                .map(&of)
                .filter(|theirs| *other != at && !theirs.is_empty())
            {
                let more = theirs.iter().filter(|one| !mine.iter().any(|my| my.same(one))).count();
                self.tell_differs(kind, at, mine.len(), *other, theirs.len(), more);
            }
        }
        mine
    }

    fn tell_differs(&mut self, kind: DataKind, at: usize, mine: usize, other: usize, theirs: usize, more: usize) {
        if more == 0 && mine == theirs {
            return;
        }
        let message = format!(
            "{}が取り出し元で違います: 「{}」は{mine}件、「{}」は{theirs}件（うち{more}件は同じものがありません）。「{}」を使いました。",
            kind_word(kind),
            self.name(at),
            self.name(other),
            self.name(at),
        );
        self.tell("source.differs", Severity::Warning, message);
    }

    /// A list with its state of knowledge: that of the most trusted source that has something.
    fn known<T: Clone + SameFact>(&mut self, kind: DataKind, of: impl Fn(&Chart) -> &Known<Vec<T>>) -> Known<Vec<T>> {
        if let Some((at, chosen)) = self.first(kind, |chart| of(chart).present().is_some()) {
            self.takes(kind, at);
            let mine = of(chosen).clone();
            for other in self.of(kind) {
                let theirs = self
                    .chart(*other)
                    .filter(|_| *other != at)
                    .map(|chart| of(chart).items());
                if let Some(theirs) = theirs.filter(|theirs| !theirs.is_empty()) {
                    let known = |one: &&T| mine.items().iter().any(|my| my.same(one));
                    let more = theirs.iter().filter(|one| !known(one)).count();
                    self.tell_differs(kind, at, mine.items().len(), *other, theirs.len(), more);
                }
            }
            return mine;
        }
        self.nothing(kind, |chart| match of(chart) {
            Known::Present(_) | Known::NotRecorded => Known::NotRecorded,
            Known::ConfirmedNone { on } => Known::ConfirmedNone { on: *on },
            Known::Unavailable { since } => Known::Unavailable { since: *since },
        })
    }

    /// Nobody has anything: whether that is "none" depends on whether everybody who should know could be read.
    fn nothing<T>(&mut self, kind: DataKind, of: impl Fn(&Chart) -> Known<T>) -> Known<T> {
        if self.unread(kind).is_some() {
            return Known::Unavailable {
                since: Some(self.merge.now),
            };
        }
        let failed = self.first(kind, |chart| matches!(of(chart), Known::Unavailable { .. }));
        let none = self.first(kind, |chart| matches!(of(chart), Known::ConfirmedNone { .. }));
        let chosen = failed.or(none).or_else(|| self.first(kind, |_| true));
        match chosen {
            // Carried by nobody, or nobody who carries it knows the patient at all.
            None if self.of(kind).is_empty() => Known::Unavailable { since: None },
            None => Known::NotRecorded,
            Some((at, chart)) => {
                self.takes(kind, at);
                of(chart)
            }
        }
    }

    /// Whatever any source wants avoided.
    fn allergies(&mut self) -> Known<Vec<Allergy>> {
        let kind = DataKind::Allergy;
        let mut all: Vec<Allergy> = Vec::new();
        let mut from = Vec::new();
        for at in self.of(kind) {
            let items = self.chart(*at).map_or(&[][..], |chart| chart.allergies.items());
            if !items.is_empty() {
                from.push(*at);
            }
            for item in items {
                let same = |known: &Allergy| {
                    chart::fold::name_key(&known.substance) == chart::fold::name_key(&item.substance)
                        && known.kind == item.kind
                };
                if !all.iter().any(same) {
                    all.push(item.clone());
                }
            }
        }
        if all.is_empty() {
            return self.nothing(kind, |chart| match &chart.allergies {
                Known::ConfirmedNone { on } => Known::ConfirmedNone { on: *on },
                Known::Unavailable { since } => Known::Unavailable { since: *since },
                Known::Present(_) | Known::NotRecorded => Known::NotRecorded,
            });
        }
        let said_none: Vec<&str> = self
            .of(kind)
            .iter()
            .filter(|at| {
                self.chart(**at)
                    .is_some_and(|chart| matches!(chart.allergies, Known::ConfirmedNone { .. }))
            })
            .map(|at| self.name(*at))
            .collect();
        if !said_none.is_empty() {
            let message = format!(
                "アレルギーが取り出し元で違います: 「{}」は「なし」、ほかは「あり」です。ありとして扱いました。",
                said_none.join("」「")
            );
            self.tell("source.differs", Severity::Severe, message);
        }
        let oldest = from
            .iter()
            .filter_map(|at| self.chart(*at))
            .map(|chart| chart.as_of.of(kind))
            .min();
        self.as_of.extend(oldest.map(|at| (kind, at)));
        let names: Vec<&str> = from.iter().map(|at| self.name(*at)).collect();
        self.origins.push((kind, names.join("、")));
        if let Some(at) = self.unread(kind) {
            let message = format!(
                "「{}」を読めなかったため、アレルギーはここにあるものがすべてではないかもしれません。",
                self.name(at)
            );
            self.tell("kind.partial", Severity::Severe, message);
        }
        Known::Present(all)
    }

    /// The bed from the most trusted source that has one; what is due, measured and told each from its own.
    fn stay(&mut self) -> Option<Stay> {
        let (at, chosen) = self.first(DataKind::Stay, |chart| chart.stay.is_some())?;
        self.takes(DataKind::Stay, at);
        let mut stay = chosen.stay.clone()?;
        for other in self.of(DataKind::Stay) {
            let theirs = self.chart(*other).and_then(|chart| chart.stay.as_ref());
            let elsewhere = |theirs: &&Stay| (&theirs.room, &theirs.bed) != (&stay.room, &stay.bed);
            if let Some(theirs) = theirs.filter(elsewhere) {
                let message = format!(
                    "病床が取り出し元で違います: 「{}」は {}、「{}」は {}。「{}」を使いました。いまの病床を確かめてください。",
                    self.name(at),
                    stay.whole_place(),
                    self.name(*other),
                    theirs.whole_place(),
                    self.name(at),
                );
                self.tell("source.bed", Severity::Severe, message);
            }
        }
        for other in self.of(DataKind::Stay) {
            let theirs = self.chart(*other).and_then(|chart| chart.stay.as_ref());
            let known = stay.clone();
            if let Some(theirs) = theirs.filter(|_| *other != at) {
                complete(&mut stay, theirs);
            }
            // Then the panel is as old as the older of both, and both vouch for it.
            if stay != known
                && let Some(chart) = self.chart(*other)
            {
                self.as_of.push((DataKind::Stay, chart.as_of.of(DataKind::Stay)));
                let name = self.name(*other);
                for (_, names) in self.origins.iter_mut().filter(|(kind, _)| *kind == DataKind::Stay) {
                    *names = format!("{names}、{name}");
                }
            }
        }
        let has = |list: fn(&Stay) -> bool| move |chart: &Chart| chart.stay.as_ref().is_some_and(list);
        let schedule = has(|stay| stay.medicines.present().is_some() || stay.injections.present().is_some());
        if let Some((at, chart)) = self.first(DataKind::Schedule, schedule) {
            self.takes(DataKind::Schedule, at);
            if let Some(theirs) = &chart.stay {
                stay.medicines.clone_from(&theirs.medicines);
                stay.injections.clone_from(&theirs.injections);
            }
        }
        if let Some((at, chart)) = self.first(DataKind::Vital, has(|stay| stay.vitals.present().is_some())) {
            self.takes(DataKind::Vital, at);
            stay.vitals = chart.stay.as_ref()?.vitals.clone();
        }
        if let Some((at, chart)) = self.first(DataKind::Handover, has(|stay| stay.handovers.present().is_some())) {
            self.takes(DataKind::Handover, at);
            stay.handovers = chart.stay.as_ref()?.handovers.clone();
        }
        Some(stay)
    }
}

/// Fills what the first source could not say about a stay.
fn complete(stay: &mut Stay, theirs: &Stay) {
    fn fill<T: Clone>(mine: &mut Known<T>, theirs: &Known<T>) {
        if matches!(mine, Known::Unavailable { since: None }) {
            mine.clone_from(theirs);
        }
    }
    let texts = [
        (&mut stay.diet, &theirs.diet),
        (&mut stay.isolation, &theirs.isolation),
        (&mut stay.rest, &theirs.rest),
        (&mut stay.oxygen, &theirs.oxygen),
        (&mut stay.drip, &theirs.drip),
        (&mut stay.insulin, &theirs.insulin),
        (&mut stay.care.adl, &theirs.care.adl),
        (&mut stay.care.falls, &theirs.care.falls),
        (&mut stay.care.swallowing, &theirs.care.swallowing),
        (&mut stay.care.skin, &theirs.care.skin),
    ];
    for (mine, theirs) in texts {
        fill(mine, theirs);
    }
    fill(&mut stay.policy, &theirs.policy);
    fill(&mut stay.plans, &theirs.plans);
    fill(&mut stay.contacts, &theirs.contacts);
    for (mine, theirs) in [
        (&mut stay.department, &theirs.department),
        (&mut stay.attending, &theirs.attending),
        (&mut stay.nurse, &theirs.nurse),
    ] {
        if mine.is_empty() {
            mine.clone_from(theirs);
        }
    }
    stay.admitted = stay.admitted.or(theirs.admitted);
    if stay.purpose.is_empty() {
        stay.purpose.clone_from(&theirs.purpose);
    }
}
