//! One row of the index: a person as lists show them, and the chart of somebody who has no record.
//!
//! A row copies nothing but its fixed part; texts are lent from the columns. Who may see it is decided elsewhere.

use chart::patient::Phone;
use chart::{Appointment, AsOf, Chart, Known, Name, Patient, PatientId, Sex};
use jiff::civil::Date;

use super::{Alike, BIT_DIED, BIT_FINDINGS, Fixed, Group, Index, Slot, current};

/// One person as lists show them.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    pub(super) index: &'a Index,
    pub(super) group: &'a Group,
    pub(super) number: u32,
    /// Place in the columns of the group.
    pub(super) place: usize,
    pub(super) fixed: Fixed,
}

impl<'a> Row<'a> {
    /// The row's number in its index.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The index it stands in.
    #[must_use]
    pub const fn index(&self) -> &'a Index {
        self.index
    }

    /// 患者番号 as text.
    #[must_use]
    pub fn id_text(&self) -> &'a str {
        self.group.ids.get().get(self.place)
    }

    /// 患者番号.
    #[must_use]
    pub fn id(&self) -> Option<PatientId> {
        PatientId::parse(self.id_text())
    }

    /// 漢字氏名 as registered.
    #[must_use]
    pub fn written(&self) -> &'a str {
        self.part(0)
    }

    /// カナ氏名, empty when the EHR has none.
    #[must_use]
    pub fn kana(&self) -> &'a str {
        self.part(1)
    }

    /// Former names, separated by `、`; empty when there are none.
    #[must_use]
    pub fn former(&self) -> &'a str {
        self.part(2)
    }

    /// The present name as searches and comparisons see it (`chart::fold::name_key`).
    #[must_use]
    pub fn name_key(&self) -> &'a str {
        current(self.group.name_keys.get().get(self.place))
    }

    /// The present reading as searches and comparisons see it (`chart::fold::kana_key`).
    #[must_use]
    pub fn kana_key(&self) -> &'a str {
        current(self.group.kana_keys.get().get(self.place))
    }

    fn part(&self, n: usize) -> &'a str {
        self.group
            .names
            .get()
            .get(self.place)
            .split('\u{1F}')
            .nth(n)
            .unwrap_or("")
    }

    /// 生年月日.
    #[must_use]
    pub fn birth(&self) -> Option<Date> {
        chart::codec::date::from_number(self.fixed.birth)
    }

    /// 性別.
    #[must_use]
    pub const fn sex(&self) -> Sex {
        match self.fixed.sex {
            0 => Sex::Male,
            1 => Sex::Female,
            2 => Sex::Other,
            _ => Sex::Unknown,
        }
    }

    /// Phone numbers as digits, the first to call first.
    pub fn phones(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.group
            .phones
            .get()
            .get(self.place)
            .split(' ')
            .filter(|p| !p.is_empty())
    }

    /// State word of the allergies: `known`, `none`, `not_recorded`, `unavailable`.
    #[must_use]
    pub const fn allergy_state(&self) -> &'static str {
        match self.fixed.allergy {
            0 => "known",
            1 => "none",
            2 => "not_recorded",
            _ => "unavailable",
        }
    }

    /// 保険 as the EHR last knew it, as far as the reception card says it: kind, insurer, whose, share, days. Unavailable for people without a
    /// record, and in snapshots from before it was extracted.
    #[must_use]
    pub fn insurances(&self) -> Known<Vec<chart::Coverage>> {
        if self.is_thin() {
            return Known::Unavailable { since: None };
        }
        super::insurance::read(self.index.insurances.get().get(self.place))
    }

    /// Who else in today's universe could be mistaken for this person.
    #[must_use]
    pub const fn alike(&self) -> Alike {
        self.fixed.alike
    }

    /// Identity and coming appointments only.
    #[must_use]
    pub const fn is_thin(&self) -> bool {
        self.number as usize >= self.index.full.len
    }

    /// The EHR says that the patient has died.
    #[must_use]
    pub const fn has_died(&self) -> bool {
        self.fixed.bits & BIT_DIED != 0
    }

    /// Something about this patient is wrong or missing.
    #[must_use]
    pub const fn has_findings(&self) -> bool {
        self.fixed.bits & BIT_FINDINGS != 0
    }

    /// Appointments of this person, earliest first.
    pub fn slots(&self) -> impl Iterator<Item = &'a Slot> + use<'a> {
        let (today, others) = (&self.index.today, &self.index.others);
        let mut slots: Vec<&Slot> = today.of(self.number).chain(others.of(self.number)).collect();
        slots.sort_by_key(|slot| slot.on);
        slots.into_iter()
    }

    /// Appointments of this person on one day.
    pub fn slots_on(&self, day: Date) -> impl Iterator<Item = &'a Slot> + use<'a> {
        let slots = self.index.table(day).of(self.number);
        slots.filter(move |slot| slot.day() == Some(day))
    }

    /// The chart of a thin row: identity and appointments, every clinical part `Unavailable`. `None` for other rows.
    #[must_use]
    pub fn thin_chart(&self, as_of: AsOf) -> Option<Chart> {
        if !self.is_thin() {
            return None;
        }
        let index = self.index;
        let appointments = self.slots().filter_map(|slot| {
            Some(Appointment {
                on: slot.day()?,
                at: slot.time(),
                department: index.department(slot).clone(),
                doctor: index.doctor(slot).clone(),
                place: index.place(slot).to_owned(),
                purpose: String::new(),
                number: String::new(),
            })
        });
        Some(Chart {
            patient: Patient {
                id: self.id()?,
                name: Name::new(self.written(), self.kana()),
                former_names: self
                    .former()
                    .split('、')
                    .filter(|n| !n.is_empty())
                    .map(|n| Name::new(n, ""))
                    .collect(),
                birth: self.birth(),
                sex: self.sex(),
                phones: self
                    .phones()
                    .map(|p| Phone {
                        number: p.to_owned(),
                        purpose: String::new(),
                    })
                    .collect(),
                facts: Vec::new(),
                died: None,
                address: String::new(),
                insurance: String::new(),
                language: None,
            },
            appointments: appointments.collect(),
            orders: Vec::new(),
            allergies: Known::Unavailable { since: None },
            diagnoses: Known::Unavailable { since: None },
            notes: Known::Unavailable { since: None },
            prescriptions: Known::Unavailable { since: None },
            results: Known::Unavailable { since: None },
            as_of,
            findings: Vec::new(),
            thin: true,
            origins: Vec::new(),
            insurances: Known::Unavailable { since: None },
            stay: None,
        })
    }
}
