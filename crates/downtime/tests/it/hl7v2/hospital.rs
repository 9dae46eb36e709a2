//! The invented hospital as SS-MIX2 and as a stream of HL7 gives the charts that its tables give, for what these formats carry
//! (`carries.toml` of each shape says what that is).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chart::{Chart, Known, PatientId};
use downtime::sources::Scope;
use downtime::sources::gather::Reach;
use downtime::sources::hl7v2::{Hl7, Messages, Names, Received, Settings};
use downtime::sources::ssmix2::{self, SsMix2};

use super::pull;
use crate::table;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/hospital")
}

fn by_tables() -> Vec<Chart> {
    let dir = fixtures().join("a");
    table::pull(&std::fs::read_to_string(dir.join("mapping.toml")).unwrap(), &dir)
        .unwrap()
        .0
}

/// Everybody of the tables, as whole as there.
fn asked(charts: &[Chart]) -> Scope {
    let reach = |chart: &Chart| if chart.thin { Reach::Thin } else { Reach::Full };
    let wanted: BTreeMap<PatientId, Reach> = charts
        .iter()
        .map(|chart| (chart.patient.id.clone(), reach(chart)))
        .collect();
    Scope {
        wanted: Some(Arc::new(wanted)),
        now: chart::Moment::from_local(jiff::civil::date(2026, 11, 20).at(8, 30, 0, 0)),
        ..table::scope()
    }
}

/// Wards by their codes, as the tables' master has them.
fn names(charts: &[Chart]) -> Names {
    let mut names = Names::default();
    for chart in charts {
        if let Some(stay) = &chart.stay {
            names.wards.insert(stay.ward.code.clone(), stay.ward.name.clone());
            names
                .departments
                .insert(stay.department.code.clone(), stay.department.name.clone());
        }
        for booked in &chart.appointments {
            names
                .departments
                .insert(booked.department.code.clone(), booked.department.name.clone());
        }
    }
    names
}

/// What the format cannot write: kanji outside JIS X 0208 are ■, half width is full width.
fn folded(text: &str) -> String {
    let iso = hl7::charset::encode(text, hl7::Encoding::Iso2022Jp, hl7::charset::Policy::Substitute).unwrap();
    let text = hl7::decode(&iso.bytes).text.into_owned();
    text.chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| if c == '〓' { '■' } else { c })
        .collect()
}

fn items<T>(known: &Known<Vec<T>>, show: impl Fn(&T) -> String) -> Vec<String> {
    let mut all: Vec<String> = known.items().iter().map(|item| folded(&show(item))).collect();
    all.sort();
    all
}

/// The parts of a chart that both say in the same words.
fn parts(chart: &Chart) -> BTreeMap<&'static str, Vec<String>> {
    let p = &chart.patient;
    let mut parts = BTreeMap::from([
        ("name", vec![folded(&p.name.written), folded(&p.name.kana)]),
        ("birth", vec![format!("{:?}", p.birth)]),
    ]);
    if chart.thin {
        return parts;
    }
    parts.insert("sex", vec![p.sex.word().to_owned()]);
    parts.insert(
        "insurances",
        items(&chart.insurances, |c| match c.insurer.as_str() {
            // Who has public money only: one row here, its own there.
            "" => String::new(),
            insurer => format!(
                "{insurer} {} {} {:?} {:?} {:?}",
                c.symbol, c.number, c.member, c.valid_from, c.valid_until
            ),
        }),
    );
    parts.insert(
        "diagnoses",
        items(&chart.diagnoses, |d| {
            format!(
                "{} {} {:?} {} {}",
                d.text(),
                d.icd10.replace('.', ""),
                d.since,
                d.main,
                d.department
            )
        }),
    );
    parts.insert(
        "allergies",
        items(&chart.allergies, |a| {
            format!("{} {} {}", a.code, a.substance, a.reaction)
        }),
    );
    parts.insert(
        "allergies.state",
        vec![match chart.allergies {
            // Neither format can say that the EHR could not read it.
            Known::Unavailable { .. } => "not_recorded".to_owned(),
            ref other => other.state().to_owned(),
        }],
    );
    parts.insert(
        "results",
        items(&chart.results, |r| {
            format!(
                "{:?} {:?} {} {} {} {:?}",
                r.on,
                r.at.map(|at| (at.hour(), at.minute())),
                r.name,
                r.value,
                r.unit,
                r.flag
            )
        }),
    );
    let lines = chart.prescriptions.items().iter().flat_map(|p| {
        p.items.iter().map(move |item| {
            let uneven: Vec<String> = item.uneven.iter().filter(|q| q.milli > 0).map(|q| q.number()).collect();
            folded(&format!(
                "{:?} {} {} {} {} {} {:?} {:?} {:?} {:?} {:?}",
                p.on,
                p.department.code,
                p.doctor.name,
                item.rp,
                item.drug.name,
                item.usage,
                item.route,
                item.days,
                item.times,
                item.rhythm,
                uneven,
            ))
        })
    });
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    parts.insert("prescriptions", lines);
    if let Some(stay) = &chart.stay {
        parts.insert(
            "stay",
            vec![
                stay.whole_place(),
                format!(
                    "{:?} {} {}",
                    stay.admitted,
                    stay.department.code,
                    folded(&stay.attending.name)
                ),
            ],
        );
        let drug = |line: &chart::stay::Scheduled| line.item.drug.name.split(' ').next().unwrap_or("").to_owned();
        parts.insert("stay.medicines", items(&stay.medicines, drug));
        parts.insert("stay.injections", items(&stay.injections, drug));
        let vital = |v: &chart::stay::Vital| {
            format!(
                "{:?} {:?} {} {}",
                v.on,
                v.at.map(|at| at.hour()),
                v.pressure,
                v.temperature.trim_end_matches('℃')
            )
        };
        parts.insert("stay.vitals", items(&stay.vitals, vital));
    }
    parts
}

/// Charts that differ, part by part.
fn differences(tables: &[Chart], others: &[Chart]) -> BTreeMap<&'static str, Vec<String>> {
    let mut differ: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for one in tables {
        let Some(other) = others.iter().find(|other| other.patient.id == one.patient.id) else {
            differ.entry("missing").or_default().push(one.patient.id.to_string());
            continue;
        };
        let theirs = parts(other);
        for (part, mine) in parts(one) {
            let said = theirs.get(part);
            if said != Some(&mine) {
                let mine: Vec<&String> = mine
                    .iter()
                    .filter(|line| !said.is_some_and(|said| said.contains(line)))
                    .collect();
                differ
                    .entry(part)
                    .or_default()
                    .push(format!("{}: {mine:?} / {said:?}", one.patient.id));
            }
        }
    }
    differ
}

fn assert_alike(tables: &[Chart], others: &[Chart]) {
    let differ = differences(tables, others);
    let told: Vec<String> = differ
        .iter()
        .map(|(part, lines)| {
            format!(
                "{part}: {}\n  {}",
                lines.len(),
                lines.iter().take(3).cloned().collect::<Vec<_>>().join("\n  ")
            )
        })
        .collect();
    assert!(differ.is_empty(), "{}", told.join("\n"));
}

#[test]
fn the_storage_gives_the_charts_of_the_tables() {
    let tables = by_tables();
    let dir = fixtures().join("ssmix2");
    let roots = |part: &str| -> Vec<PathBuf> {
        let mut roots: Vec<PathBuf> = std::fs::read_dir(dir.join(part))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        roots.sort();
        roots
    };
    let mut settings = ssmix2::Settings::of(roots("STD"));
    settings.extended = roots("ANX");
    settings.names = names(&tables);
    let (charts, extract) = pull(&SsMix2::new(settings).unwrap(), &asked(&tables)).unwrap();
    // Whoever only has an appointment in the coming days has no folder there.
    let whole: Vec<Chart> = tables.into_iter().filter(|chart| !chart.thin).collect();
    assert_alike(&whole, &charts);
    assert!(
        extract.wards.iter().map(|ward| ward.2).sum::<u64>() >= 5,
        "{:?}",
        extract.wards
    );
}

#[test]
fn the_stream_gives_the_charts_of_the_tables() {
    let tables = by_tables();
    let bytes = std::fs::read(fixtures().join("hl7/stream.mllp")).unwrap();
    let mut messages: Vec<Received> = Vec::new();
    for (number, frame) in bytes
        .split(|byte| *byte == 0x0B)
        .filter(|frame| !frame.is_empty())
        .enumerate()
    {
        let end = frame.iter().rposition(|byte| *byte == 0x1C).unwrap();
        messages.push(Received {
            bytes: frame[..end].to_vec(),
            at: chart::Moment(1_800_000_000),
            number: number.to_string(),
        });
    }
    assert!(messages.len() > 500);
    // What happens during the day is told after the night, and the tables know nothing of it; but some lists and results are completed
    // and corrected there.
    messages.retain(|message| {
        let text = hl7::decode(&message.bytes).text.into_owned();
        let field = |at: usize| text.split('|').nth(at).unwrap_or("").to_owned();
        field(6).as_str() < "20261120060000" || ["PPR", "OUL", "SIU"].contains(&&field(8)[..3])
    });
    let settings = Settings {
        names: names(&tables),
        whole_lists: true,
        ..Settings::default()
    };
    let open = move || -> Result<Messages, String> { Ok(Box::new(messages.clone().into_iter().map(Ok))) };
    let (charts, _) = pull(&Hl7::over(open, settings), &asked(&tables)).unwrap();
    assert_alike(&tables, &charts);
    let booked = |charts: &[Chart]| -> Vec<String> {
        let of = |c: &Chart| -> Vec<String> {
            let line = |a: &chart::Appointment| {
                folded(&format!(
                    "{} {} {:?} {} {} {}",
                    c.patient.id, a.on, a.at, a.department.code, a.doctor.code, a.place
                ))
            };
            c.appointments.iter().map(line).collect()
        };
        let mut all: Vec<String> = charts.iter().filter(|chart| !chart.thin).flat_map(of).collect();
        all.sort();
        all
    };
    assert_eq!(booked(&tables), booked(&charts));
}
