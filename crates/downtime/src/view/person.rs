//! One patient as the desk and the forms show them: chart, temporary registration and entries in one.

use std::sync::Arc;

use chart::entry::{
    CheckIn, NotebookRead, Ordered, PaymentDeferred, Prescribed, ProvisionalAppointment, TemporaryPatient,
};
use chart::{Act, Allergy, Chart, FormId, Known, Language, Moment, PatientStrip, Subject};

use super::papers::{PaperBack, papers_back};
use super::{Day, DowntimeNote, Recorded};

/// So many seconds after a reception somebody may still be in the house when the day has changed.
const STILL_HERE: i64 = 12 * 3_600;

/// One patient: what the EHR said and what was recorded since.
#[derive(Debug, Clone)]
pub struct View {
    /// Who.
    pub subject: Subject,
    /// What the snapshot holds; `None` for a temporary patient, or for a patient whom the snapshot does not hold.
    pub chart: Option<Arc<Chart>>,
    /// The registration of a temporary patient.
    pub temporary: Option<TemporaryPatient>,
    /// Everything recorded about this patient, in order.
    pub entries: Vec<Arc<Recorded>>,
    /// Receptions that hold, of all days.
    pub receptions: Vec<(Arc<Recorded>, CheckIn)>,
    /// Notes of the downtime, in order, corrections included.
    pub notes: Vec<DowntimeNote>,
    /// Provisional appointments that hold.
    pub provisional: Vec<(Arc<Recorded>, ProvisionalAppointment)>,
    /// Prescriptions of the downtime that hold, in order.
    pub prescribed: Vec<(Arc<Recorded>, Prescribed)>,
    /// Orders of the downtime, in order; those that were taken back say so.
    pub orders: Vec<DowntimeOrder>,
    /// Payments put off that hold, in order.
    pub payments: Vec<(Arc<Recorded>, PaymentDeferred)>,
    /// Readings of medicine notebooks that hold, in order. Never a part of the chart: shown beside it, with source and time.
    pub notebooks: Vec<(Arc<Recorded>, NotebookRead)>,
    /// Sheets about this patient that came back, in order; those that are somebody else's after all say so.
    pub papers: Vec<PaperBack>,
    /// Labels such as 同姓同名 2人, from the index.
    pub flags: Vec<String>,
    on: Moment,
}

impl View {
    pub(super) fn new(subject: Subject, chart: Option<Arc<Chart>>, day: &Day, on: Moment) -> Self {
        let entries: Vec<Arc<Recorded>> = day.about(&subject).collect();
        let receptions = day.receptions(&subject).collect();
        let temporary = match &subject {
            Subject::Temporary(id) => day.temporary(id),
            _ => None,
        };
        let notes = entries.iter().filter_map(|r| downtime_note(r, day)).collect();
        let provisional = entries
            .iter()
            .filter_map(|r| match &r.entry.act {
                Act::AppointmentProvisional(a) if !day.is_undone(&r.id) => Some((r.clone(), a.clone())),
                _ => None,
            })
            .collect();
        let prescribed = entries
            .iter()
            .filter_map(|r| match &r.entry.act {
                Act::Prescribed(p) if !day.is_undone(&r.id) => Some((r.clone(), (**p).clone())),
                _ => None,
            })
            .collect();
        let orders = entries.iter().filter_map(|r| downtime_order(r, day)).collect();
        let payments = day.payments_of(&subject).collect();
        let notebooks = entries
            .iter()
            .filter_map(|r| match &r.entry.act {
                Act::NotebookRead(read) if !day.is_undone(&r.id) => Some((r.clone(), (**read).clone())),
                _ => None,
            })
            .collect();
        let papers = papers_back(&entries, day);
        Self {
            subject,
            chart,
            temporary,
            entries,
            receptions,
            notes,
            provisional,
            prescribed,
            orders,
            payments,
            notebooks,
            papers,
            flags: Vec::new(),
            on,
        }
    }

    /// Identity as every screen and page shows it.
    #[must_use]
    pub fn strip(&self) -> PatientStrip {
        match (&self.chart, &self.temporary) {
            (Some(chart), _) => {
                let p = &chart.patient;
                PatientStrip {
                    kana: p.name.kana_shown().to_owned(),
                    name: p.name.shown(),
                    birth: p
                        .birth
                        .map_or_else(|| p.birth_long(), |b| format!("{}生", chart::date::long(b))),
                    age: p.age(self.on.day()),
                    sex: p.sex.word().to_owned(),
                    id: p.id.shown(),
                    id_code: p.id.to_string(),
                    flags: self.flags.clone(),
                    temporary: false,
                    gaiji: p.name.has_gaiji(),
                    blank: false,
                }
            }
            (None, Some(t)) => temporary_strip(t, self.flags.clone(), self.on),
            (None, None) => PatientStrip {
                kana: "カナ不明".to_owned(),
                name: "氏名不明".to_owned(),
                birth: "生年月日 未確認".to_owned(),
                age: "年齢不明".to_owned(),
                sex: "性別不明".to_owned(),
                id: self.subject.shown(),
                id_code: self.subject.number().to_owned(),
                ..PatientStrip::default()
            },
        }
    }

    /// Allergies: from the chart, or as said at the desk for a temporary patient. Never blank.
    #[must_use]
    pub fn allergies(&self) -> Known<Vec<Allergy>> {
        match (&self.chart, &self.temporary) {
            (Some(chart), _) => chart.allergies.clone(),
            (None, Some(t)) => t.allergies.clone(),
            (None, None) => Known::Unavailable { since: None },
        }
    }

    /// The reception that counts: the earliest of today that holds, or else, for who came in the evening and is still here,
    /// the newest of the last twelve hours.
    #[must_use]
    pub fn reception(&self) -> Option<&(Arc<Recorded>, CheckIn)> {
        let of_today = |(r, _): &&(Arc<Recorded>, CheckIn)| self.is_of_today(r);
        let of_tonight = |(r, _): &&(Arc<Recorded>, CheckIn)| self.is_of_tonight(r);
        let mut newest_first = self.receptions.iter().rev();
        self.receptions
            .iter()
            .find(of_today)
            .or_else(|| newest_first.find(of_tonight))
    }

    /// What the patient reads besides Japanese: as chosen at the reception that counts, else as registered.
    #[must_use]
    pub fn language(&self) -> Option<Language> {
        let chosen = self.reception().and_then(|(_, check_in)| check_in.paper_language);
        let registered = || self.chart.as_ref().and_then(|chart| chart.patient.language);
        chosen.map_or_else(registered, |chosen| chosen.0)
    }

    fn is_of_today(&self, recorded: &Recorded) -> bool {
        recorded.entry.written_at.day_number() == self.on.day_number()
    }

    fn is_of_tonight(&self, recorded: &Recorded) -> bool {
        (0..STILL_HERE).contains(&self.on.0.saturating_sub(recorded.entry.written_at.0))
    }

    /// Orders of this visit, taken back or not: of today, and of the evening before for who came then.
    pub fn orders_today(&self) -> impl Iterator<Item = &DowntimeOrder> {
        let of_visit = |o: &&DowntimeOrder| self.is_of_today(&o.recorded) || self.is_of_tonight(&o.recorded);
        self.orders.iter().filter(of_visit)
    }

    /// The number of the newest sheet of a form that was printed for this visit.
    #[must_use]
    pub fn newest_sheet(&self, wanted: &str) -> Option<&FormId> {
        let of_visit = |r: &&Arc<Recorded>| self.is_of_today(r) || self.is_of_tonight(r);
        let mut newest_first = self.entries.iter().rev().filter(of_visit);
        newest_first.find_map(|r| match &r.entry.act {
            Act::Printed { form, form_id, .. } if form == wanted => Some(form_id),
            _ => None,
        })
    }

    /// The moment for which ages were computed.
    #[must_use]
    pub const fn moment(&self) -> Moment {
        self.on
    }
}

/// 検査・処置の依頼 of the downtime.
#[derive(Debug, Clone)]
pub struct DowntimeOrder {
    /// The entry.
    pub recorded: Arc<Recorded>,
    /// What is ordered.
    pub ordered: Ordered,
    /// The entry that took it back, if any: the first that did.
    pub voided: Option<Arc<Recorded>>,
}

fn downtime_order(recorded: &Arc<Recorded>, day: &Day) -> Option<DowntimeOrder> {
    let Act::Ordered(ordered) = &recorded.entry.act else {
        return None;
    };
    Some(DowntimeOrder {
        recorded: recorded.clone(),
        ordered: (**ordered).clone(),
        voided: day.undone_by(&recorded.id),
    })
}

fn downtime_note(recorded: &Arc<Recorded>, day: &Day) -> Option<DowntimeNote> {
    let (note, reason) = match &recorded.entry.act {
        Act::NoteSigned(note) => (note.clone(), None),
        Act::NoteCorrected { reason, note, .. } => (note.clone(), Some(reason.clone())),
        _ => return None,
    };
    let superseded = day.corrected_by(&recorded.id).is_some();
    Some(DowntimeNote {
        recorded: recorded.clone(),
        note,
        reason,
        superseded,
    })
}

/// Identity of a temporary patient: 「仮・氏名不明」 where nobody knows, never blank.
fn temporary_strip(t: &TemporaryPatient, flags: Vec<String>, on: Moment) -> PatientStrip {
    let unknown = t.name.written.is_empty() && t.name.kana.is_empty();
    let written = if unknown {
        "氏名不明".to_owned()
    } else if t.name.written.is_empty() {
        t.name.kana.clone()
    } else {
        t.name.shown()
    };
    let estimated = if t.estimated_age.is_empty() {
        "年齢不明".to_owned()
    } else {
        t.estimated_age.clone()
    };
    PatientStrip {
        kana: if unknown {
            "シメイフメイ".to_owned()
        } else {
            t.name.kana_shown().to_owned()
        },
        name: format!("仮・{written}"),
        birth: t.birth.map_or_else(
            || format!("生年月日 不明（{estimated}）"),
            |b| format!("{}生", chart::date::long(b)),
        ),
        age: t.birth.map_or(estimated, |b| chart::date::age(b, on.day())),
        sex: t.sex.word().to_owned(),
        id: t.id.to_string(),
        id_code: t.id.to_string(),
        flags,
        temporary: true,
        gaiji: t.name.has_gaiji(),
        blank: false,
    }
}
