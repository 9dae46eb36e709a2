//! Everybody a source speaks about, for sources whose statements come in any order: messages, resources, files of one patient each.
//!
//! All of it is in memory, so a source hands over only whom it was asked for where it can tell (see [`Gathering::wants`]).
//! Sources that read row by row in two passes (`table`) do without.

use std::collections::BTreeSet;

use chart::stay::Bed;
use chart::{AsOf, Chart, DataKind, Finding, Moment, Patient, PatientId, Severity, Stay};

use super::draft::{Draft, Frame};
use super::ledger::{Ledger, Sink};
use super::people::{Key, People, Reach};
use super::said::{Limits, kind_word};
use super::wards::Wards;
use crate::sources::{Extract, Origin, Progress, PullFault, Scope};

/// Most patients taken in full when nothing says who is booked.
pub const MAX_EVERYBODY: usize = 200_000;

/// Kinds whose failure leaves a chart without its list.
pub const CLINICAL: [DataKind; 5] = [
    DataKind::Allergy,
    DataKind::Diagnosis,
    DataKind::Note,
    DataKind::Prescription,
    DataKind::Result,
];

/// Minutes within which kinds count as vouched for together.
const TOGETHER_MINUTES: i64 = 15;

/// One source's statements, patient by patient.
pub struct Gathering {
    people: People,
    drafts: Vec<Draft>,
    wards: Wards,
    frame: Frame,
    carries: BTreeSet<DataKind>,
    vouched: Vec<(DataKind, Moment)>,
    asked_for_some: bool,
    /// What is wrong or missing.
    pub ledger: Ledger,
}

/// One patient while a statement about them is taken in.
pub struct About<'g> {
    /// What was said so far.
    pub draft: &'g mut Draft,
    /// Where Findings about this statement go.
    pub ledger: &'g mut Ledger,
    /// What is the same for everybody.
    pub frame: &'g Frame,
    people: &'g mut People,
    wards: &'g mut Wards,
    person: u32,
}

impl Gathering {
    /// For one pull. `carries` are the kinds of data that this source can say anything about: of all others nothing is known,
    /// which is not the same as none.
    #[must_use]
    pub fn new(scope: &Scope, limits: Limits, carries: impl IntoIterator<Item = DataKind>) -> Self {
        let carries: BTreeSet<DataKind> = carries.into_iter().collect();
        let unmapped = DataKind::ALL.into_iter().filter(|kind| !carries.contains(kind));
        Self {
            people: People::wanting(scope.wanted.clone()),
            drafts: Vec::new(),
            wards: Wards::default(),
            frame: Frame {
                day: scope.day,
                last_day: scope.last_day(),
                now: scope.now,
                limits,
                failed: BTreeSet::new(),
                doubtful: BTreeSet::new(),
                unmapped: unmapped.collect(),
                as_of: AsOf::default(),
                crowded: super::wards::Crowded::new(),
            },
            carries,
            vouched: Vec::new(),
            asked_for_some: scope.wanted.is_some(),
            ledger: Ledger::default(),
        }
    }

    /// True unless somebody else has said who is wanted and this patient is not among them. A source that lists beds or
    /// appointments itself must not ask: whoever it has there is wanted too.
    #[must_use]
    pub fn wants(&self, id: &PatientId) -> bool {
        self.people.wants(id)
    }

    /// True when this patient's whole chart will come out: by an appointment, a bed, or because nobody says who is wanted. To be
    /// asked when appointments, beds and what failed of them are known.
    #[must_use]
    pub fn takes(&self, id: &PatientId) -> bool {
        if !self.somebody_says_who() {
            return true;
        }
        let person = Key::of_text(id.as_str()).and_then(|key| self.people.find(&key));
        match person.and_then(|number| self.people.get(number)) {
            Some(person) => person.reach == Reach::Full,
            // Not named yet: whoever is asked for is wanted when they are.
            None => self.asked_for_some && self.people.wants(id),
        }
    }

    /// A patient, new or known; `None` when a source names more people than a hospital has.
    pub fn about(&mut self, id: &PatientId) -> Option<About<'_>> {
        let person = self.people.enter(Key::of_text(id.as_str())?)?;
        if self.drafts.len() <= person as usize {
            self.drafts.resize_with(person as usize + 1, Draft::default);
        }
        Some(About {
            draft: self.drafts.get_mut(person as usize)?,
            ledger: &mut self.ledger,
            frame: &self.frame,
            people: &mut self.people,
            wards: &mut self.wards,
            person,
        })
    }

    /// Who a patient is, by every registration of the number: more than one that differ are told as two people.
    pub fn register(&mut self, id: &PatientId, patients: impl IntoIterator<Item = Patient>) {
        let Some(about) = self.about(id) else { return };
        about.people.register(about.person);
        let mut findings = std::mem::take(&mut about.draft.findings);
        let mut sink = Sink {
            ledger: about.ledger,
            chart: &mut findings,
            file: "",
            line: 0,
            patient: id.as_str(),
        };
        for patient in patients {
            about.draft.add_patient(0, patient, &mut sink);
        }
        about.draft.findings = findings;
    }

    /// A bed of the hospital, whoever lies in it.
    pub fn bed(&mut self, bed: Bed) {
        self.wards.bed(bed, true);
    }

    /// The source vouches for a kind of data as of a moment; the newest one counts, one in the future does not.
    pub fn vouch(&mut self, kind: DataKind, at: Moment) {
        let at = at.min(self.frame.now);
        match self.vouched.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, newest)) => *newest = at.max(*newest),
            None => self.vouched.push((kind, at)),
        }
    }

    /// Some of this kind could not be read: an empty list of it is not "none".
    pub fn fail(&mut self, kind: DataKind) {
        self.frame.failed.insert(kind);
    }

    /// Something of this kind is there of which nobody can say whose it is.
    pub fn doubt(&mut self, kind: DataKind) {
        self.frame.doubtful.insert(kind);
    }

    /// How many people were named.
    #[must_use]
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// True before anybody was named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// Hands over every chart: whole ones first, then the thin ones.
    ///
    /// # Errors
    /// [`PullFault::Unreadable`] when nothing says who is wanted and there are too many for everybody;
    /// [`PullFault::Receiver`] when the receiver fails.
    pub fn finish(
        mut self,
        origins: Vec<Origin>,
        chart: &mut dyn FnMut(Chart) -> anyhow::Result<()>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Extract, PullFault> {
        self.take_everybody_if_nobody_says_who()?;
        self.tell_unmapped();
        self.frame.as_of = as_of(&self.vouched, self.frame.now);
        self.frame.crowded = self.wards.crowded(&self.people, &mut self.ledger);
        self.wards.tell_unlisted(&self.people, &mut self.ledger);
        let mut order: Vec<u32> = self
            .people
            .iter()
            .filter(|(_, person)| person.reach > Reach::Nothing)
            .map(|(number, _)| number)
            .collect();
        order.sort_by_key(|number| {
            let reach = self.people.get(*number).map(|person| person.reach);
            (reach != Some(Reach::Full), *number)
        });
        let mut extract = Extract {
            as_of: self.frame.as_of.clone(),
            origins,
            ..Extract::default()
        };
        let registry = self.carries.contains(&DataKind::Patient) && !self.frame.failed.contains(&DataKind::Patient);
        let all = order.len() as u64;
        for (place, number) in (0_u64..).zip(order) {
            if place % 64 == 0 {
                progress(Progress::Assembling(place, all));
            }
            let draft = self.drafts.get_mut(number as usize).map(std::mem::take);
            let (Some(person), Some(draft)) = (self.people.get(number).copied(), draft) else {
                continue;
            };
            let Some(one) = draft.finish(&person, &self.frame, registry, &mut self.ledger) else {
                continue;
            };
            extract.count(&one);
            chart(one).map_err(PullFault::Receiver)?;
        }
        progress(Progress::Assembling(all, all));
        let unread = self.frame.failed.contains(&DataKind::Stay) || self.frame.doubtful.contains(&DataKind::Stay);
        extract.beds = self.wards.beds(self.carries.contains(&DataKind::Stay), !unread);
        (extract.findings, extract.findings_dropped) = self.ledger.finish();
        Ok(extract)
    }

    fn somebody_says_who(&self) -> bool {
        let says_who = |kind| self.carries.contains(&kind) && !self.frame.failed.contains(&kind);
        self.asked_for_some || says_who(DataKind::Appointment) || says_who(DataKind::Stay)
    }

    fn take_everybody_if_nobody_says_who(&mut self) -> Result<(), PullFault> {
        if self.somebody_says_who() {
            return Ok(());
        }
        let all = self.people.len();
        if all > MAX_EVERYBODY {
            return Err(PullFault::Unreadable(format!(
                "誰の予約があるかを読めず、患者が{all}人いて全員は取り出せません（{MAX_EVERYBODY}人まで）。前回の写しはそのまま使えます。予約を出す取り出し元を設定に加えてください。"
            )));
        }
        for number in 0..u32::try_from(all).unwrap_or(u32::MAX) {
            self.people.want(number, Reach::Full);
        }
        let message = format!("誰の予約があるかを言う取り出し元がないため、全員（{all}人）を取り出しました。");
        self.ledger
            .add(Finding::new("scope.everybody", Severity::Note, message));
        Ok(())
    }

    fn tell_unmapped(&mut self) {
        // Where several sources are read together, the others may have it; what is missing in the end is told there.
        if self.asked_for_some {
            return;
        }
        for kind in CLINICAL.into_iter().filter(|kind| !self.carries.contains(kind)) {
            let severity = if kind == DataKind::Allergy {
                Severity::Severe
            } else {
                Severity::Note
            };
            let message = format!(
                "この取り出し元には「{}」がないため、この内容は全員「取得できず」になります。",
                kind_word(kind)
            );
            self.ledger.add(Finding::new("kind.unmapped", severity, message));
        }
    }
}

impl About<'_> {
    /// Widens how much of the patient is wanted, because of an appointment or a bed.
    pub fn want(&mut self, reach: Reach) {
        self.people.want(self.person, reach);
    }

    /// The patient lies in this bed: wanted in full.
    pub fn stays(&mut self, stay: Stay, file: &str) -> bool {
        let bed = Bed {
            ward: stay.ward.clone(),
            room: stay.room.clone(),
            bed: stay.bed.clone(),
        };
        self.wards.lies(self.person, bed);
        self.want(Reach::Full);
        let patient = self.patient_number();
        let Self { draft, ledger, .. } = self;
        let mut findings = std::mem::take(&mut draft.findings);
        let taken = draft.stay.add(
            stay,
            &mut Sink {
                ledger,
                chart: &mut findings,
                file,
                line: 0,
                patient: &patient,
            },
        );
        draft.findings = findings;
        taken
    }

    /// Who the patient is, said anew: what was said before is replaced.
    pub fn is(&mut self, patient: Patient) {
        self.people.register(self.person);
        self.draft.replace_patient(patient);
    }

    /// An appointment; on the day it makes the patient wanted in full, in the coming days thinly.
    pub fn books(&mut self, appointment: chart::Appointment) -> bool {
        let (on, day, last) = (appointment.on, self.frame.day, self.frame.last_day);
        if on == day {
            self.want(Reach::Full);
        } else if on > day && on <= last {
            self.want(Reach::Thin);
        }
        self.draft.add_booking(appointment, self.frame)
    }

    /// Something about this patient that the readers of the chart must know. `field` names the segment or element.
    pub fn tell(&mut self, code: &str, severity: Severity, file: &str, field: &str, message: impl Into<String>) {
        self.tell_at(code, severity, (file, 0), field, message);
    }

    /// [`Self::tell`] with the line, for sources whose files have lines.
    pub fn tell_at(
        &mut self,
        code: &str,
        severity: Severity,
        (file, line): (&str, u64),
        field: &str,
        message: impl Into<String>,
    ) {
        let patient = self.patient_number();
        let Self { draft, ledger, .. } = self;
        let mut findings = std::mem::take(&mut draft.findings);
        let mut sink = Sink {
            ledger,
            chart: &mut findings,
            file,
            line,
            patient: &patient,
        };
        sink.tell(code, severity, field, message);
        draft.findings = findings;
    }

    fn patient_number(&self) -> String {
        self.people
            .get(self.person)
            .map(|person| person.key.as_str().to_owned())
            .unwrap_or_default()
    }
}

/// The data's as-of time from those of its kinds: kinds vouched for together share the oldest of them, others stand apart.
#[must_use]
pub fn as_of(vouched: &[(DataKind, Moment)], now: Moment) -> AsOf {
    let oldest_of = |kind: DataKind| vouched.iter().filter(|(k, _)| *k == kind).map(|(_, at)| *at).min();
    let kinds: Vec<(DataKind, Moment)> = DataKind::ALL
        .into_iter()
        .filter_map(|kind| oldest_of(kind).map(|at| (kind, at)))
        .collect();
    let first = kinds.first().map_or(now, |(_, at)| *at);
    let near = |at: &Moment| at.minutes_since(first).abs() <= TOGETHER_MINUTES;
    let at = kinds.iter().map(|(_, at)| *at).filter(near).min().unwrap_or(first);
    let apart = kinds.into_iter().filter(|(_, at)| !near(at)).collect();
    AsOf { at, apart }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chart::{Appointment, Coded};
    use jiff::civil::date;

    fn scope() -> Scope {
        Scope {
            day: date(2026, 11, 20),
            thin_days: 14,
            now: Moment::from_local(date(2026, 11, 20).at(0, 5, 0, 0)),
            wanted: None,
        }
    }

    fn id(text: &str) -> PatientId {
        PatientId::parse(text).unwrap()
    }

    fn charts(gathering: Gathering) -> (Vec<Chart>, Extract) {
        let mut charts = Vec::new();
        let extract = gathering
            .finish(
                Vec::new(),
                &mut |chart| {
                    charts.push(chart);
                    Ok(())
                },
                &mut |_| (),
            )
            .unwrap();
        (charts, extract)
    }

    fn booking(on: jiff::civil::Date) -> Appointment {
        Appointment {
            on,
            at: None,
            department: Coded::default(),
            doctor: Coded::default(),
            place: String::new(),
            purpose: String::new(),
            number: String::new(),
        }
    }

    #[test]
    fn a_bed_and_todays_appointment_are_whole_charts_and_who_only_exists_is_none() {
        let mut gathering = Gathering::new(&scope(), Limits::default(), DataKind::ALL);
        gathering.about(&id("0001")).unwrap().books(booking(date(2026, 11, 25)));
        gathering.about(&id("0002")).unwrap().books(booking(date(2026, 11, 20)));
        gathering
            .about(&id("0003"))
            .unwrap()
            .stays(Stay::at(Coded::new("5E", "5階東"), "501", "1"), "x");
        gathering.about(&id("0004"));
        let (charts, extract) = charts(gathering);
        let seen: Vec<(&str, bool)> = charts.iter().map(|c| (c.patient.id.as_str(), c.thin)).collect();
        assert_eq!(seen, [("0002", false), ("0003", false), ("0001", true)]);
        assert_eq!((extract.charts, extract.thin_charts), (2, 1));
        assert_eq!(extract.wards, [("5E".to_owned(), "5階東".to_owned(), 1)]);
    }

    #[test]
    fn what_a_source_does_not_carry_is_unavailable_and_what_it_carries_and_does_not_have_is_not_recorded() {
        let carried = [DataKind::Patient, DataKind::Diagnosis];
        let mut gathering = Gathering::new(&scope(), Limits::default(), carried);
        gathering.about(&id("0001"));
        let (charts, extract) = charts(gathering);
        assert_eq!(charts[0].diagnoses, chart::Known::NotRecorded);
        assert_eq!(charts[0].allergies, chart::Known::Unavailable { since: None });
        assert!(
            extract
                .findings
                .iter()
                .any(|f| f.code == "kind.unmapped" && f.severity == Severity::Severe)
        );
        assert!(extract.findings.iter().any(|f| f.code == "scope.everybody"));
    }

    #[test]
    fn only_who_is_asked_for_comes_out() {
        let wanted = [(id("0002"), Reach::Full)].into_iter().collect();
        let scope = Scope {
            wanted: Some(std::sync::Arc::new(wanted)),
            ..scope()
        };
        let mut gathering = Gathering::new(&scope, Limits::default(), [DataKind::Patient]);
        assert!(!gathering.wants(&id("0001")));
        gathering.about(&id("0001"));
        gathering.about(&id("0002"));
        let (charts, _) = charts(gathering);
        assert_eq!(charts.len(), 1);
        assert_eq!(charts[0].patient.id.as_str(), "0002");
    }

    #[test]
    fn a_kind_that_was_vouched_for_long_ago_stands_apart() {
        let at = |minutes: i64| Moment(1_800_000_000 + minutes * 60);
        let kinds = [
            (DataKind::Patient, at(0)),
            (DataKind::Note, at(-5)),
            (DataKind::Allergy, at(-300)),
        ];
        let as_of = as_of(&kinds, at(60));
        assert_eq!(as_of.of(DataKind::Patient), at(-5));
        assert_eq!(as_of.of(DataKind::Allergy), at(-300));
        assert_eq!(as_of.oldest(), at(-300));
    }
}
