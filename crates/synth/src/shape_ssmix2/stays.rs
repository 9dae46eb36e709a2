//! Stays: admitted, moved, on leave, back, another doctor, discharged (ADT-22, 42, 31, 32, 01, 51, 52), and what was taken back.

use super::{Leaf, NO_ORDER, ShapeSsMix2};
use crate::SynthError;
use crate::calendar;
use crate::former::Left;
use crate::inpatient::Lying;
use crate::patient::Patient;
use crate::sheet::Open;
use crate::v2::Place;
use jiff::civil::{Date, DateTime, time};

/// What happens to the first inpatients, in the order of beds.
mod story {
    /// Moved twice today.
    pub(super) const MOVED: u32 = 0;
    /// On leave.
    pub(super) const AWAY: u32 = 1;
    /// Discharged and admitted again on one day.
    pub(super) const AGAIN: u32 = 2;
    /// Another doctor since yesterday.
    pub(super) const DOCTOR: u32 = 3;
    /// Back from leave.
    pub(super) const BACK: u32 = 4;
    /// A move was entered and taken back.
    pub(super) const NOT_MOVED: u32 = 5;
    /// A discharge was entered and taken back.
    pub(super) const NOT_LEFT: u32 = 6;
}

/// One event of a stay.
struct Event<'a> {
    kind: &'a str,
    message: &'a str,
    /// When it happened.
    at: DateTime,
    flag: u8,
    /// The segments behind PID.
    rest: String,
}

impl ShapeSsMix2<'_> {
    /// A stay, over when `left` says how.
    pub(super) fn stay(
        &mut self,
        patient: &Patient,
        lying: &Lying,
        left: Option<(DateTime, Left)>,
        open: Open,
    ) -> Result<(), SynthError> {
        let v2 = self.v2;
        let today = self.hospital.today();
        let yesterday = calendar::plus(today, -1);
        let bed = Place::of(lying);
        let high = |room: &str, bed: &str| Place {
            ward: "HCU".to_owned(),
            room: room.to_owned(),
            bed: bed.to_owned(),
        };
        let clock = |on: Date, hour, minute| on.to_datetime(time(hour, minute, 0, 0));
        let admitted = clock(lying.admitted, 14, 0);
        let nth = if left.is_some() { u32::MAX } else { self.lain };
        let mut events: Vec<Event<'_>> = Vec::new();
        let mut push = |kind, message, at, flag, rest| {
            events.push(Event {
                kind,
                message,
                at,
                flag,
                rest,
            });
        };
        let enter = |lying: &Lying, place: &Place, at| v2.pv1_in(lying, place, None, Some(at), None);
        match nth {
            story::MOVED => {
                let (first, second) = (high("391", "1"), high("392", "2"));
                push("ADT-22", "ADT^A01^ADT_A01", admitted, 1, enter(lying, &first, admitted));
                let step = |to: &Place, from: &Place| v2.pv1_in(lying, to, Some(from), None, None);
                // Two moves of one day have one key: the first file becomes a superseded one.
                push(
                    "ADT-42",
                    "ADT^A02^ADT_A02",
                    clock(today, 6, 10),
                    2,
                    step(&second, &first),
                );
                push("ADT-42", "ADT^A02^ADT_A02", clock(today, 7, 40), 1, step(&bed, &second));
            }
            story::AGAIN => {
                let before = clock(calendar::plus(lying.admitted, -6), 10, 30);
                let (out, again) = (clock(lying.admitted, 10, 0), clock(lying.admitted, 15, 20));
                push(
                    "ADT-22",
                    "ADT^A01^ADT_A01",
                    before,
                    1,
                    enter(lying, &high("390", "1"), before),
                );
                let gone = v2.pv1_in(lying, &high("390", "1"), None, Some(before), Some((out, "01")));
                push("ADT-52", "ADT^A03^ADT_A03", out, 1, gone);
                push("ADT-22", "ADT^A01^ADT_A01", again, 1, enter(lying, &bed, again));
            }
            story::DOCTOR => {
                let mut before = lying.clone();
                let doctors = &self.hospital.catalogue.doctors;
                let other = doctors
                    .iter()
                    .enumerate()
                    .find(|(place, d)| d.department == lying.department && *place != lying.doctor);
                before.doctor = other.map_or(lying.doctor, |(place, _)| place);
                push("ADT-22", "ADT^A01^ADT_A01", admitted, 1, enter(&before, &bed, admitted));
                let change = v2.pv1_in(lying, &bed, None, None, None);
                push(
                    "ADT-01",
                    "ADT^A54^ADT_A54",
                    clock(yesterday.max(lying.admitted), 16, 30),
                    1,
                    change,
                );
            }
            _ => push("ADT-22", "ADT^A01^ADT_A01", admitted, 1, enter(lying, &bed, admitted)),
        }
        let here = |more: &str| format!("{}{more}", v2.pv1_in(lying, &bed, None, None, None));
        let day_after = |on: Date| if on > lying.admitted { on } else { lying.admitted };
        match nth {
            story::AWAY => {
                let back = v2.pv2("", None, Some(clock(today, 16, 0)));
                push(
                    "ADT-31",
                    "ADT^A21^ADT_A21",
                    clock(day_after(yesterday), 17, 0),
                    1,
                    here(&back),
                );
            }
            story::BACK => {
                let away = day_after(yesterday);
                push("ADT-31", "ADT^A21^ADT_A21", clock(away, 17, 0), 1, here(""));
                push("ADT-32", "ADT^A22^ADT_A21", clock(away, 20, 30), 1, here(""));
            }
            story::NOT_MOVED => {
                let there = v2.pv1_in(lying, &high("393", "1"), Some(&bed), None, None);
                push("ADT-42", "ADT^A02^ADT_A02", clock(today, 5, 50), 0, there.clone());
                push("ADT-42", "ADT^A12^ADT_A09", clock(today, 6, 0), 0, there);
            }
            story::NOT_LEFT => {
                let gone = v2.pv1_in(lying, &bed, None, Some(admitted), Some((clock(today, 6, 0), "01")));
                push("ADT-52", "ADT^A03^ADT_A03", clock(today, 6, 0), 0, gone.clone());
                push("ADT-52", "ADT^A13^ADT_A01", clock(today, 6, 20), 0, gone);
            }
            _ => {}
        }
        if let Some(leaves) = lying.discharge.filter(|_| left.is_none()) {
            let plan = here(&v2.pv2("", Some(leaves), None));
            push("ADT-51", "ADT^A16^ADT_A16", clock(leaves, 10, 0), 1, plan);
        }
        if let Some((at, how)) = left {
            let code = match how {
                Left::Home => "01",
                Left::Elsewhere => "02",
                Left::Died => "20",
            };
            let gone = v2.pv1_in(lying, &bed, None, Some(admitted), Some((at, code)));
            push("ADT-52", "ADT^A03^ADT_A03", at, 1, gone);
        }
        for (seq, event) in (0..).zip(&events) {
            // What is planned was written yesterday, what happened when it happened.
            let written = if event.kind == "ADT-51" {
                clock(yesterday, 15, 0)
            } else {
                event.at
            };
            let at = self.moment(written.date(), written.hour(), written.minute(), patient.number, seq);
            let evn = v2.evn(at, (event.kind == "ADT-51").then_some(event.at), Some(event.at));
            let leaf = Leaf {
                id: &patient.id,
                on: (event.kind != "ADT-01").then_some(event.at.date()),
                kind: event.kind,
                message: event.message,
                order: NO_ORDER,
                at,
                department: v2.department_code(lying.department),
                flag: event.flag,
            };
            let body = [evn, v2.pid(patient, None), event.rest.clone()].concat();
            self.leaf(open, &leaf, &body)?;
        }
        Ok(())
    }
}
