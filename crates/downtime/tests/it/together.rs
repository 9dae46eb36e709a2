//! Several sources read together: who is wanted, whose word counts, and what is told where they differ.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use chart::allergy::AllergyKind;
use chart::{Allergy, Chart, Coded, DataKind, Known, Moment, Severity, Stay};
use downtime::sources::several::{Part, Several};
use downtime::sources::{Extract, Progress, PullFault, Scope, Source, Wanted};

use crate::hospital::{DAY, nine, patient};

/// A small EHR: what it has, what it can say anything about, and whom it was asked for.
struct Small {
    carries: Vec<DataKind>,
    charts: Vec<Chart>,
    broken: bool,
    asked: Mutex<Vec<Option<Wanted>>>,
}

impl Source for Small {
    fn carries(&self) -> BTreeSet<DataKind> {
        self.carries.iter().copied().collect()
    }

    fn pull(
        &self,
        scope: &Scope,
        chart: &mut dyn FnMut(Chart) -> anyhow::Result<()>,
        _: &mut dyn FnMut(Progress),
    ) -> Result<Extract, PullFault> {
        self.asked
            .lock()
            .unwrap()
            .push(scope.wanted.as_ref().map(|wanted| (**wanted).clone()));
        if self.broken {
            return Err(PullFault::Unreadable("つながりません".into()));
        }
        let mut extract = Extract {
            as_of: chart::AsOf::all(scope.now),
            ..Extract::default()
        };
        for one in &self.charts {
            let booked = one.appointments.iter().any(|a| a.on == scope.day) || one.stay.is_some();
            let wanted = scope.wanted.as_ref().is_some_and(|w| w.contains_key(&one.patient.id));
            if booked || wanted {
                extract.count(one);
                chart(one.clone()).map_err(PullFault::Receiver)?;
            }
        }
        Ok(extract)
    }
}

fn small(carries: &[DataKind], charts: Vec<Chart>) -> Small {
    Small {
        carries: carries.to_vec(),
        charts,
        broken: false,
        asked: Mutex::default(),
    }
}

/// A chart without an appointment and without anything known.
fn bare(id: &str, written: &str, kana: &str) -> Chart {
    const fn unknown<T>() -> Known<Vec<T>> {
        Known::Unavailable { since: None }
    }
    Chart {
        appointments: Vec::new(),
        allergies: unknown(),
        diagnoses: unknown(),
        notes: unknown(),
        prescriptions: unknown(),
        results: unknown(),
        insurances: unknown(),
        ..patient(id, written, kana, 9)
    }
}

fn avoids(substance: &str) -> Known<Vec<Allergy>> {
    Known::Present(vec![Allergy {
        kind: AllergyKind::default(),
        substance: substance.into(),
        code: String::new(),
        reaction: String::new(),
        on: None,
    }])
}

fn scope() -> Scope {
    Scope {
        day: DAY,
        thin_days: 14,
        now: Moment(nine().0 + 60),
        wanted: None,
    }
}

fn pull(parts: Vec<(&str, Small)>, precedence: &[(DataKind, &[&str])]) -> Result<(Vec<Chart>, Extract), PullFault> {
    let parts = parts
        .into_iter()
        .map(|(name, source)| Part {
            name: name.into(),
            source: Box::new(source),
        })
        .collect();
    let precedence: BTreeMap<DataKind, Vec<String>> = precedence
        .iter()
        .map(|(kind, names)| (*kind, names.iter().map(|name| (*name).to_owned()).collect()))
        .collect();
    let several = Several::new(parts, &precedence).unwrap();
    let mut charts = Vec::new();
    let mut take = |chart| {
        charts.push(chart);
        Ok(())
    };
    let extract = several.pull(&scope(), &mut take, &mut |_| ())?;
    Ok((charts, extract))
}

const LIST: [DataKind; 2] = [DataKind::Patient, DataKind::Appointment];
const CLINICAL: [DataKind; 4] = [
    DataKind::Patient,
    DataKind::Allergy,
    DataKind::Prescription,
    DataKind::Stay,
];

#[test]
fn a_source_without_a_list_is_asked_for_those_whom_the_others_have() {
    let booked = patient("0001", "山田　花子", "ヤマダ　ハナコ", 9);
    let list = small(&LIST, vec![booked]);
    let lab = small(
        &[DataKind::Allergy],
        vec![
            Chart {
                allergies: avoids("ペニシリン"),
                ..bare("0001", "山田　花子", "ヤマダ　ハナコ")
            },
            bare("0009", "別　人", "ベツ　ジン"),
        ],
    );
    let (charts, extract) = pull(vec![("予約", list), ("検査", lab)], &[]).unwrap();
    assert_eq!(charts.len(), 1);
    assert_eq!((extract.charts, extract.thin_charts), (1, 0));
    let chart = &charts[0];
    assert_eq!(chart.allergies.items()[0].substance, "ペニシリン");
    assert!(chart.origins.contains(&(DataKind::Allergy, "検査".to_owned())));
    assert!(chart.origins.contains(&(DataKind::Appointment, "予約".to_owned())));
    assert_eq!(
        chart.diagnoses,
        Known::Unavailable { since: None },
        "nobody carries diagnoses: that is not 'none recorded'"
    );
}

#[test]
fn whose_word_counts_is_configured_and_an_allergy_of_any_source_stays() {
    let with = |substance: &str, bed: &str| {
        let chart = Chart {
            allergies: avoids(substance),
            stay: Some(Stay::at(Coded::new("5E", "5階東"), "501", bed)),
            ..bare("0001", "山田　花子", "ヤマダ　ハナコ")
        };
        small(&CLINICAL, vec![chart])
    };
    let order: &[(DataKind, &[&str])] = &[(DataKind::Stay, &["b"])];
    let (charts, _) = pull(vec![("a", with("卵", "1")), ("b", with("ヨード造影剤", "2"))], order).unwrap();
    let chart = &charts[0];
    assert_eq!(chart.stay.as_ref().unwrap().bed, "2");
    assert_eq!(chart.allergies.items().len(), 2);
    let told = |code: &str| {
        chart
            .findings
            .iter()
            .any(|f| f.code == code && f.severity == Severity::Severe)
    };
    assert!(told("source.bed"), "{:?}", chart.findings);
}

#[test]
fn none_here_and_something_there_is_something_and_is_told() {
    let none = Chart {
        allergies: Known::ConfirmedNone { on: Some(DAY) },
        ..patient("0001", "山田　花子", "ヤマダ　ハナコ", 9)
    };
    let some = Chart {
        allergies: avoids("そば"),
        ..bare("0001", "山田　花子", "ヤマダ　ハナコ")
    };
    let kinds = [DataKind::Patient, DataKind::Appointment, DataKind::Allergy];
    let (charts, extract) = pull(
        vec![
            ("a", small(&kinds, vec![none])),
            ("b", small(&[DataKind::Allergy], vec![some])),
        ],
        &[],
    )
    .unwrap();
    assert_eq!(charts[0].allergies.items()[0].substance, "そば");
    let told = extract.findings.iter().find(|f| f.code == "source.differs").unwrap();
    assert_eq!(told.severity, Severity::Severe);
}

#[test]
fn one_number_and_two_people_is_severe() {
    let one = patient("0001", "山田　花子", "ヤマダ　ハナコ", 9);
    let other = Chart {
        allergies: Known::NotRecorded,
        ..bare("0001", "鈴木　一郎", "スズキ　イチロウ")
    };
    let kinds = [DataKind::Patient, DataKind::Allergy];
    let (charts, _) = pull(
        vec![("a", small(&LIST, vec![one])), ("b", small(&kinds, vec![other]))],
        &[],
    )
    .unwrap();
    let told = charts[0].findings.iter().find(|f| f.code == "source.identity").unwrap();
    assert_eq!(told.severity, Severity::Severe);
    assert!(told.message.contains("山田　花子") && told.message.contains("鈴木　一郎"));
}

#[test]
fn a_source_that_cannot_be_read_leaves_a_gap_and_not_a_none() {
    let booked = Chart {
        allergies: Known::Unavailable { since: None },
        ..patient("0001", "山田　花子", "ヤマダ　ハナコ", 9)
    };
    let broken = Small {
        broken: true,
        ..small(&CLINICAL, Vec::new())
    };
    let (charts, extract) = pull(vec![("a", small(&LIST, vec![booked])), ("b", broken)], &[]).unwrap();
    assert!(matches!(charts[0].allergies, Known::Unavailable { since: Some(_) }));
    assert!(extract.findings.iter().any(|f| f.code == "source.unreadable"));
    assert_eq!(extract.beds, chart::stay::Beds::Unread);
}

#[test]
fn where_two_sources_say_who_is_wanted_both_are_asked_for_everybody() {
    let booked = patient("0001", "山田　花子", "ヤマダ　ハナコ", 9);
    let known = bare("0002", "佐藤　次郎", "サトウ　ジロウ");
    let a = small(&[DataKind::Patient, DataKind::Appointment], vec![booked, known]);
    let lying = Chart {
        stay: Some(Stay::at(Coded::new("5E", "5階東"), "501", "1")),
        ..bare("0002", "佐藤　次郎", "サトウ　ジロウ")
    };
    let b = small(&[DataKind::Stay], vec![lying]);
    let (charts, _) = pull(vec![("a", a), ("b", b)], &[]).unwrap();
    let ids: Vec<&str> = charts.iter().map(|c| c.patient.id.as_str()).collect();
    assert_eq!(ids, ["0001", "0002"]);
    assert_eq!(charts[1].patient.name.written, "佐藤　次郎");
    assert!(charts[1].stay.is_some());
}
