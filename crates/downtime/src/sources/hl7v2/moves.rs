//! Who lies in which bed: admissions, transfers, leaves and discharges replayed in the order in which they happened.
//!
//! Not in the order in which they were said: a transfer of the morning may be registered in the evening. What a person's master record
//! says about the bed (PV1 of A08) is compared with the replay; where they differ both are told, and the replay is shown.

use chart::stay::Plan;
use chart::{Coded, Known, Moment, Severity, Stay};
use hl7::Segment;
use jiff::civil::Date;

use super::read::{Cwe, Place, Remarks, When, person, place, short};
use super::said::{Latest, Register, Said};
use super::told::{Names, Taking};

/// How far the EHR's clock may be ahead of ours.
const AHEAD_SECONDS: i64 = 600;

/// What happened to an inpatient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Step {
    Admit,
    Transfer,
    Leave,
    Return,
    Attending,
    Discharge,
}

/// One event as a message said it.
#[derive(Debug, Clone)]
struct Event {
    /// When it happened; for a day without a time, at the time of the message or at the day's edge.
    at: Moment,
    place: Place,
    department: String,
    attending: Coded,
    /// PV2-47: when somebody on leave is expected back.
    until: Option<When>,
    admitted: Option<Date>,
    /// PV2-3
    purpose: String,
}

/// Events by what and when, cancellations beside them.
#[derive(Debug, Clone, Default)]
pub struct Moves {
    events: Register<(Step, Option<When>, bool), Event>,
    snapshot: Latest<Snapshot>,
    /// 入院予定 転棟予定 退院予定
    planned: Register<&'static str, Plan>,
}

/// PV1 of a master record.
#[derive(Debug, Clone)]
struct Snapshot {
    inpatient: bool,
    event: Event,
}

/// Somebody in a bed, while events are replayed.
#[derive(Debug, Clone)]
struct InBed {
    place: Place,
    department: String,
    attending: Coded,
    purpose: String,
    admitted: Option<Date>,
    leave: Option<(Option<When>, Option<When>)>,
}

/// A stay, and what must be said about it.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Where the patient lies.
    pub stay: Option<Stay>,
    /// For the chart.
    pub remarks: Remarks,
    /// Planned admission of somebody who lies in no bed.
    pub coming: Option<Plan>,
    /// Something is said to happen later than now: the same messages may mean something else then.
    pub unsettled: bool,
}

impl Moves {
    /// An ADT message; true when it said something about beds.
    pub fn take(&mut self, event: &str, taking: &Taking<'_>) -> bool {
        let message = taking.message;
        let Some(pv1) = message.segment("PV1") else {
            return false;
        };
        let occurred = When::of(message.field("EVN", 6));
        let recorded = When::of(message.field("EVN", 2));
        let pv2 = |number: usize| When::of(message.field("PV2", number));
        let (admitted, left) = (When::of(pv1.field(44)), When::of(pv1.field(45)));
        let (step, when, cancels) = match event {
            "A01" => (Step::Admit, admitted.or(occurred), false),
            "A11" => (Step::Admit, admitted.or(occurred), true),
            "A02" => (Step::Transfer, occurred, false),
            "A12" => (Step::Transfer, occurred, true),
            "A21" => (Step::Leave, occurred, false),
            "A52" => (Step::Leave, occurred, true),
            "A22" => (Step::Return, occurred, false),
            "A53" => (Step::Return, occurred.or(pv2(47)), true),
            "A54" => (Step::Attending, occurred, false),
            "A55" => (Step::Attending, occurred, true),
            "A03" => (Step::Discharge, left.or(occurred), false),
            "A13" => (Step::Discharge, left.or(occurred), true),
            "A08" | "A31" => {
                self.master(pv1, recorded, taking);
                return true;
            }
            other => return self.plan(other, pv1, taking),
        };
        let when = when.or(recorded);
        // An event without a time of its own must not collide with another of its day.
        let timed = when.filter(|when| when.at.is_some());
        let mut event = at_bed(pv1, moment(step, when, &taking.said));
        event.until = pv2(47);
        event.admitted = admitted.map(|when| when.on);
        event.purpose = Cwe::of(message.field("PV2", 3).first()).words();
        let key = (step, timed.or(when), cancels);
        self.events.take(key, taking.told(Some(event), Remarks::default()));
        true
    }

    fn master(&mut self, pv1: Segment<'_>, recorded: Option<When>, taking: &Taking<'_>) {
        let class = short(pv1.field(2).component(1));
        if class.is_empty() {
            return;
        }
        let mut event = at_bed(pv1, moment(Step::Transfer, recorded, &taking.said));
        event.admitted = When::of(pv1.field(44)).map(|when| when.on);
        let snapshot = Snapshot {
            // A place of type N is a ward, whatever the class says.
            inpatient: class == "I",
            event,
        };
        self.snapshot.take(taking.told(Some(snapshot), Remarks::default()));
    }

    fn plan(&mut self, event: &str, pv1: Segment<'_>, taking: &Taking<'_>) -> bool {
        let pv2 = |number: usize| When::of(taking.message.field("PV2", number));
        let (what, when) = match event {
            "A14" => ("入院予定", pv2(8)),
            "A27" => ("入院予定", None),
            "A15" => ("転棟予定", pv2(8)),
            "A26" => ("転棟予定", None),
            "A16" => ("退院予定", pv2(9)),
            "A25" => ("退院予定", None),
            _ => return false,
        };
        let plan = when.map(|when| Plan {
            when: match when.at {
                Some(at) => format!("{} {:02}:{:02}", chart::date::iso(when.on), at.hour(), at.minute()),
                None => chart::date::iso(when.on),
            },
            what: {
                let to = place(pv1.field(3));
                let ward = if what == "退院予定" { "" } else { to.point.as_str() };
                format!("{what} {ward}").trim().to_owned()
            },
        });
        self.planned.take(what, taking.told(plan, Remarks::default()));
        true
    }

    /// Replays everything up to the moment of the pull. `died` is PV1-36 of the last discharge.
    #[must_use]
    pub fn replay(&self, names: &Names, now: Moment) -> Replayed {
        let mut remarks = Remarks::default();
        let mut events = self.standing();
        let all = events.len();
        events.retain(|(step, _, event)| {
            let future = event.at.0 > now.0 + AHEAD_SECONDS;
            if future {
                let message = format!(
                    "{}の記録の日時（{}）が今より後です。まだ起きていないものとして扱いました。",
                    step.word(),
                    event.at.text()
                );
                remarks.add("stay.future", Severity::Warning, "EVN-6", message);
            }
            !future
        });
        let unsettled = events.len() < all;
        let newest = events.iter().map(|(_, said, _)| (*said).clone()).max();
        let mut lying: Option<InBed> = None;
        for (step, _, event) in events {
            step.apply(event, &mut lying, &mut remarks);
        }
        self.compare(newest.as_ref(), &mut lying, names, &mut remarks);
        let stay = lying.map(|bed| self.stay(bed, names, &mut remarks));
        let coming = if stay.is_none() {
            self.coming("入院予定")
        } else {
            None
        };
        Replayed {
            stay,
            remarks,
            coming,
            unsettled,
        }
    }

    /// Events that were not cancelled, in the order in which they happened.
    fn standing(&self) -> Vec<(Step, &Said, &Event)> {
        let mut said: Vec<_> = self
            .events
            .iter()
            .filter_map(|((step, when, cancels), told)| Some((*step, *when, *cancels, &told.said, told.what.as_ref()?)))
            .collect();
        said.sort_by(|a, b| a.3.cmp(b.3));
        let mut standing: Vec<(Step, Option<When>, &Said, &Event)> = Vec::new();
        for (step, when, cancels, at, event) in said {
            if !cancels {
                standing.push((step, when, at, event));
                continue;
            }
            // The event of exactly that time, else the one of its kind that happened last.
            let same = standing
                .iter()
                .rposition(|(other, at, ..)| *other == step && when.is_some() && *at == when);
            let last = || {
                let of_kind = standing.iter().enumerate().filter(|(_, (other, ..))| *other == step);
                of_kind.max_by_key(|(_, (.., event))| event.at).map(|(at, _)| at)
            };
            if let Some(at) = same.or_else(last) {
                standing.remove(at);
            }
        }
        standing.sort_by(|a, b| (a.3.at, a.2).cmp(&(b.3.at, b.2)));
        standing
            .into_iter()
            .map(|(step, _, said, event)| (step, said, event))
            .collect()
    }

    /// The master record against the replay.
    fn compare(&self, newest: Option<&Said>, lying: &mut Option<InBed>, names: &Names, remarks: &mut Remarks) {
        let Some(told) = self.snapshot.told() else { return };
        let Some(snapshot) = &told.what else { return };
        if newest.is_some_and(|newest| told.said < *newest) {
            return;
        }
        let of = |place: &Place| place_words(place, names);
        match (lying.as_mut(), snapshot.inpatient) {
            (Some(bed), true) => {
                let there = &snapshot.event.place;
                let differs = !there.point.is_empty()
                    && ((&there.point, &there.room) != (&bed.place.point, &bed.place.room)
                        || (!there.bed.is_empty() && there.bed != bed.place.bed));
                if bed.place.point.is_empty() {
                    bed.place = there.clone();
                } else if differs {
                    let message = format!(
                        "病床が食い違います: 移動の記録では「{}」、患者基本（{}）では「{}」。移動の記録のほうを出しました。いまの病床を病棟で確かめてください。",
                        of(&bed.place),
                        told.said.moment().text(),
                        of(there)
                    );
                    remarks.add("stay.differs", Severity::Severe, "PV1-3", message);
                }
                if bed.attending.is_empty() {
                    bed.attending = snapshot.event.attending.clone();
                }
                if bed.department.is_empty() {
                    bed.department.clone_from(&snapshot.event.department);
                }
            }
            (Some(bed), false) => {
                let message = format!(
                    "移動の記録では「{}」に入院中ですが、患者基本（{}）では入院していません。入院中として出しました。病棟で確かめてください。",
                    of(&bed.place),
                    told.said.moment().text()
                );
                remarks.add("stay.differs", Severity::Severe, "PV1-2", message);
            }
            (None, true) => {
                let event = &snapshot.event;
                let message = format!(
                    "患者基本（{}）では「{}」に入院中ですが、入院の記録がありません。入院中として出しました。病棟で確かめてください。",
                    told.said.moment().text(),
                    of(&event.place)
                );
                remarks.add("stay.no_admission", Severity::Warning, "PV1-2", message);
                *lying = Some(InBed::of(event, event.admitted));
            }
            (None, false) => {}
        }
    }

    fn coming(&self, what: &'static str) -> Option<Plan> {
        self.planned.get(&what)?.what.clone()
    }

    fn stay(&self, bed: InBed, names: &Names, remarks: &mut Remarks) -> Stay {
        if bed.place.point.is_empty() {
            let message = "病棟の分からない入院です。病棟の一覧では「病棟 不明」に出ます。病棟を確かめてください。";
            remarks.add("stay.no_ward", Severity::Severe, "PV1-3", message);
        }
        let mut stay = Stay::at(names.ward(&bed.place.point), bed.place.room, bed.place.bed);
        stay.admitted = bed.admitted;
        stay.department = names.department(&bed.department, "");
        stay.attending = bed.attending;
        stay.purpose = bed.purpose;
        let mut plans: Vec<Plan> = Vec::new();
        if let Some((since, until)) = bed.leave {
            let until = until
                .map(|until| format!("（帰院予定 {}）", until.text()))
                .unwrap_or_default();
            let since = since.map(When::text).unwrap_or_default();
            plans.push(Plan {
                when: format!("{since}から"),
                what: format!("外出泊中{until}"),
            });
            let message = format!("外出泊中です（{since}から）{until}。病床はそのままです。");
            remarks.add("stay.on_leave", Severity::Note, "EVN-6", message);
        }
        plans.extend(
            ["転棟予定", "退院予定"]
                .into_iter()
                .filter_map(|what| self.coming(what)),
        );
        // Operations and examinations are planned elsewhere: that no message names a plan does not say that there is none.
        if !plans.is_empty() {
            stay.plans = Known::Present(plans);
        }
        stay
    }
}

impl Step {
    const fn word(self) -> &'static str {
        match self {
            Self::Admit => "入院",
            Self::Transfer => "転棟・転床",
            Self::Leave => "外出泊",
            Self::Return => "帰院",
            Self::Attending => "担当医の変更",
            Self::Discharge => "退院",
        }
    }

    fn apply(self, event: &Event, lying: &mut Option<InBed>, remarks: &mut Remarks) {
        match (self, lying.as_mut()) {
            (Self::Admit, _) => *lying = Some(InBed::of(event, Some(event.at.day()))),
            (Self::Transfer, Some(bed)) => {
                if !event.place.point.is_empty() {
                    bed.place = event.place.clone();
                }
                if !event.attending.is_empty() {
                    bed.attending = event.attending.clone();
                }
                if !event.department.is_empty() {
                    bed.department.clone_from(&event.department);
                }
            }
            (Self::Transfer, None) => {
                let message = format!(
                    "入院の記録がない（または退院の後の）転棟・転床（{}）です。入院中として出しました。病棟で確かめてください。",
                    event.at.text()
                );
                remarks.add("stay.no_admission", Severity::Warning, "EVN-6", message);
                *lying = Some(InBed::of(event, event.admitted));
            }
            (Self::Leave, Some(bed)) => {
                let since = event.at.local();
                let since = When {
                    on: since.date(),
                    at: Some(since.time()),
                };
                bed.leave = Some((Some(since), event.until));
            }
            (Self::Return, Some(bed)) => bed.leave = None,
            (Self::Attending, Some(bed)) => {
                if !event.attending.is_empty() {
                    bed.attending = event.attending.clone();
                }
            }
            (Self::Discharge, Some(_)) => *lying = None,
            (Self::Leave | Self::Return | Self::Attending | Self::Discharge, None) => {}
        }
    }
}

impl InBed {
    fn of(event: &Event, admitted: Option<Date>) -> Self {
        Self {
            place: event.place.clone(),
            department: event.department.clone(),
            attending: event.attending.clone(),
            purpose: event.purpose.clone(),
            admitted,
            leave: None,
        }
    }
}

fn at_bed(pv1: Segment<'_>, at: Moment) -> Event {
    Event {
        at,
        place: place(pv1.field(3)),
        department: short(pv1.field(10).component(1)),
        attending: person(pv1.field(7)),
        until: None,
        admitted: None,
        purpose: String::new(),
    }
}

/// A day without a time: the message's own time where it is of that day, else the day's beginning, for a discharge its end.
fn moment(step: Step, when: Option<When>, said: &Said) -> Moment {
    match when {
        None => said.moment(),
        Some(When { on, at: None }) if said.moment().day() == on => said.moment(),
        Some(When { on, at: None }) if step == Step::Discharge => {
            Moment::from_local(on.to_datetime(jiff::civil::Time::constant(23, 59, 59, 0)))
        }
        Some(when) => when.moment(),
    }
}

fn place_words(place: &Place, names: &Names) -> String {
    let ward = names.ward(&place.point);
    format!("{} {}", ward.label(), chart::stay::place(&place.room, &place.bed))
        .trim()
        .to_owned()
}
