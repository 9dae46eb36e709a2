//! What people at thirty desks record, knowing what their station knows.

use std::sync::Arc;

use chart::entry::{CheckIn, Declaration, Link, Ordered, ProvisionalAppointment, SignedNote, TemporaryPatient};
use chart::order::{Order, OrderKind};
use chart::{
    Act, Author, Coded, Entry, EntryId, FormId, Known, Moment, Name, PatientId, Sex, StationCode, Subject, TemporaryId,
};
use downtime::view::{Day, Recorded};
use jiff::civil::{date, time};

use super::dice::Dice;
use super::tally::Tally;
use super::world::World;

impl World {
    /// What somebody at this station records, knowing what the station knows.
    pub(super) fn invent(&mut self, at: usize, now: Moment, tally: &mut Tally) -> Entry {
        let known: Vec<Arc<Recorded>> = {
            let station = &self.stations[at];
            let all = station.disk.iter().chain(&station.memory);
            all.filter_map(|place| self.records[*place].read.clone()).collect()
        };
        let of = |dice: &mut Dice, wanted: &dyn Fn(&Act) -> bool| -> Option<EntryId> {
            let some: Vec<EntryId> = known.iter().filter(|r| wanted(&r.entry.act)).map(|r| r.id).collect();
            dice.pick(&some)
        };
        let dice = &mut self.dice;
        let patient = PatientId::parse(&format!("{:08}", 1 + dice.below(4))).unwrap();
        let code = station_code(at);
        let mut subject = Subject::Patient(patient.clone());
        let reason = "試験".to_owned();
        let note = SignedNote {
            department: Coded::new("01", "内科"),
            ..SignedNote::default()
        };
        let act = match dice.below(20) {
            0..=2 => None,
            3 => of(dice, &|a| matches!(a, Act::CheckedIn(_))).map(|entry| Act::CheckInUndone { entry, reason }),
            4 => Some(Act::NoteSigned(note)),
            5 | 6 => {
                of(dice, &|a| matches!(a, Act::NoteSigned(_))).map(|entry| Act::NoteCorrected { entry, reason, note })
            }
            7 | 8 => Some(Act::AppointmentProvisional(ProvisionalAppointment {
                on: date(2026, 12, 1),
                at: Some(time(9 + dice.below(2) as i8, 0, 0, 0)),
                department: Coded::new("01", "内科"),
                doctor: Coded::default(),
                purpose: String::new(),
                exams: String::new(),
                phone: String::new(),
                paper_language: None,
            })),
            9 => of(dice, &|a| matches!(a, Act::AppointmentProvisional(_)))
                .map(|entry| Act::AppointmentCancelled { entry, reason }),
            10 => {
                let id = TemporaryId::issue(code, 1 + dice.below(3) as u32).unwrap();
                subject = Subject::Temporary(id.clone());
                Some(Act::TemporaryRegistered(temporary(id)))
            }
            11 => {
                of(dice, &|a| !matches!(a, Act::EnteredInEhr { .. })).map(|entry| Act::EnteredInEhr { entry, at: now })
            }
            12 => Some(Act::LinkProposed(Link {
                temporary: TemporaryId::issue(station_code(dice.below(2)), 1).unwrap(),
                patient,
                reason,
            })),
            13 => of(dice, &|a| matches!(a, Act::LinkProposed(_))).map(|entry| {
                if dice.one_in(4) {
                    Act::LinkUndone { entry, reason }
                } else {
                    Act::LinkConfirmed { entry }
                }
            }),
            14 | 15 => {
                subject = Subject::Hospital;
                let declared = of(dice, &|a| matches!(a, Act::DowntimeDeclared(_)));
                Some(match (declared, dice.below(3)) {
                    (Some(entry), 0) => Act::DowntimeConfirmed { entry },
                    (Some(entry), 1) => Act::DowntimeEnded { entry, reason },
                    _ => Act::DowntimeDeclared(Declaration {
                        provisional: true,
                        drill: false,
                        stopped_at: now,
                        reason,
                    }),
                })
            }
            17 => Some(Act::Ordered(Box::new(ordered(now, at, dice)))),
            18 => of(dice, &|a| matches!(a, Act::Ordered(_))).map(|entry| Act::OrderVoided { entry, reason }),
            16 => {
                subject = Subject::Hospital;
                Some(Act::UserDisabled {
                    user: format!("{}", dice.below(3)),
                    reason,
                })
            }
            _ => {
                let mut day = Day::default();
                day.add_shared(known.iter().cloned());
                let conflicts = day.conflicts();
                tally.settled += u64::from(!conflicts.is_empty());
                conflicts.into_iter().next().map(|conflict| Act::ConflictSettled {
                    entries: conflict.entries,
                    decision: reason,
                })
            }
        };
        let act = act.unwrap_or_else(|| {
            Act::CheckedIn(CheckIn {
                number: format!("A-{:03}", 1 + dice.below(900)),
                visit: FormId::issue(now.day(), 1 + at as u8, 1 + dice.below(900) as u32).unwrap(),
                department: Coded::new("01", "内科"),
                doctor: Coded::default(),
                booked_at: None,
                unbooked: false,
                identity_confirmed: true,
                insurance_seen: false,
                paper_language: None,
            })
        });
        let user = format!("{:04}", 1_000 + dice.below(5));
        Entry {
            by: Author {
                name: user.clone(),
                user,
                role: "reception".to_owned(),
            },
            written_at: now,
            station: code,
            subject,
            act,
        }
    }
}

fn ordered(now: Moment, at: usize, dice: &mut Dice) -> Ordered {
    let kind = OrderKind::ALL[dice.below(3)];
    let mut order = Order::empty(kind);
    order.other = "試験".to_owned();
    Ordered {
        sheet: FormId::issue(now.day(), 1 + at as u8, 1 + dice.below(900) as u32).unwrap(),
        department: Coded::new("01", "内科"),
        doctor: Coded::default(),
        order,
    }
}

fn temporary(id: TemporaryId) -> TemporaryPatient {
    TemporaryPatient {
        id,
        name: Name::default(),
        birth: None,
        estimated_age: String::new(),
        sex: Sex::Male,
        phone: String::new(),
        reason: String::new(),
        allergies: Known::NotRecorded,
        remarks: String::new(),
        department: Coded::default(),
    }
}

fn station_code(at: usize) -> StationCode {
    StationCode::parse(&format!("S{at:02}")).unwrap()
}
