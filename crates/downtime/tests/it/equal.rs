//! One hospital read through every source gives the same charts, field by field, but for what `carries.toml` of each shape says that
//! its format cannot carry.
//!
//! A field that is carried (`yes`) is equal; one that is carried in part is equal under a named reading (`readings`); one that is not
//! carried (`no`) is not stated. What is tolerated must happen: an entry or a reading that nothing needs fails as well, and so does a
//! field that is empty in every table.

use std::collections::{BTreeMap, BTreeSet};

use chart::{Chart, Known};

use self::fields::{Field, From, Line, STATE};
use self::hospital::{Read, WAYS, Way, World};
use self::readings::{Pair, Reading};

mod fields;
mod hospital;
mod readings;

/// What a shape carries: field, `yes` `part` `no`, and why.
type Carries = BTreeMap<String, (String, String)>;

fn carries(way: &Way) -> Carries {
    let path = crate::every_case::top()
        .join("fixtures/hospital")
        .join(way.shape)
        .join("carries.toml");
    let said: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let word = |said: &toml::Value, name: &str| said.get(name).and_then(|w| w.as_str()).unwrap_or_default().to_owned();
    let fields = said["carries"].as_table().unwrap().iter();
    fields
        .map(|(field, said)| (field.clone(), (word(said, "carried"), word(said, "why"))))
        .collect()
}

/// What the comparison of one field has seen.
#[derive(Default)]
struct Seen {
    /// Charts (or hospitals) of whose tables the field says something.
    stated: u64,
    /// Where the source says anything else than the tables, before any reading.
    differ: u64,
    wrong: Vec<String>,
}

#[test]
fn one_hospital_through_every_source_gives_the_same_charts() {
    let worlds = [World::kept(), World::large()];
    let mut wrong = Vec::new();
    for way in WAYS {
        let carries = carries(way);
        let fields = fields::all();
        let named: BTreeSet<&str> = fields.iter().map(|(path, _)| *path).collect();
        let told: BTreeSet<&str> = carries.keys().map(String::as_str).collect();
        assert_eq!(named, told, "{}: fields of carries.toml and of this test", way.shape);
        let mut seen: BTreeMap<&str, Seen> = BTreeMap::new();
        for world in &worlds {
            let read = world.by(way);
            wrong.extend(people(way, world, &read));
            wrong.extend(without_field(way, &read));
            wrong.extend(made_none(way, world, &read));
            wrong.extend(untold(way, world, &read));
            for field in &fields {
                compare(way, world, &read, field, &carries, seen.entry(field.0).or_default());
            }
        }
        for (field, seen) in seen {
            wrong.extend(verdict(way, field, &carries[field], seen));
        }
    }
    assert!(wrong.is_empty(), "{} findings\n{}", wrong.len(), wrong.join("\n"));
}

/// The same people, as whole as in the tables.
fn people(way: &Way, world: &World, read: &Read) -> Vec<String> {
    let who = |read: &Read, all: bool| -> BTreeSet<String> {
        let charts = read.charts.values().filter(|chart| all || !chart.thin);
        charts
            .map(|chart| format!("{} {}", chart.patient.id, if chart.thin { "予約のみ" } else { "" }))
            .collect()
    };
    // Whoever only has an appointment in the coming days is nobody where there are no appointments.
    let (tables, theirs) = (who(&world.tables, way.alone), who(read, way.alone));
    tables
        .symmetric_difference(&theirs)
        .map(|who| format!("{} {}: only one of both has {who}", way.shape, world.name))
        .collect()
}

fn compare(way: &Way, world: &World, read: &Read, field: &Field, carries: &Carries, seen: &mut Seen) {
    let (path, from) = field;
    let (carried, _) = &carries[*path];
    let reading = readings::of(way.shape, path, carried);
    let mut both = |charts: Option<(&Chart, &Chart)>, tables: Vec<Line>, source: Vec<Line>| {
        let (tables, source) = (folded(tables), folded(source));
        seen.stated += u64::from(tables.iter().any(|line| line.key != STATE));
        seen.differ += u64::from(tables != source);
        let (tables, source) = match (carried.as_str(), reading, charts) {
            ("no", ..) => {
                let stated: Vec<Line> = source.into_iter().filter(|line| !unstated(line)).collect();
                (Vec::new(), stated)
            }
            ("part", Some(Reading::Through(through)), Some((one, other))) => {
                let mut pair = Pair {
                    tables: (one, tables),
                    source: (other, source),
                };
                through(&mut pair);
                (sorted(pair.tables.1), sorted(pair.source.1))
            }
            _ => (tables, source),
        };
        if tables != source {
            let who = charts.map_or("", |(one, _)| one.patient.id.as_str());
            seen.wrong
                .push(format!("{} {who}: {}", world.name, difference(&tables, &source)));
        }
    };
    match from {
        From::Hospital(show) => both(None, show(&world.tables.extract), show(&read.extract)),
        From::Everybody(_) | From::Whole(_) | From::Words(_) => {
            let show = |chart: &Chart| match from {
                From::Everybody(show) | From::Whole(show) => show(chart),
                From::Words(show) => show(chart, &world.words),
                From::Hospital(_) => Vec::new(),
            };
            for (id, one) in &world.tables.charts {
                let Some(other) = read.charts.get(id) else { continue };
                if (one.thin || other.thin) && !matches!(from, From::Everybody(_)) {
                    continue;
                }
                both(Some((one, other)), show(one), show(other));
            }
        }
    }
}

/// That nothing is known, and nothing else.
fn unstated(line: &Line) -> bool {
    line.key == STATE && line.value == "unavailable"
}

/// What is wrong with a field once everybody was compared.
fn verdict(way: &Way, field: &str, (carried, why): &(String, String), seen: Seen) -> Vec<String> {
    let told = |what: String| {
        format!(
            "{} {field} ({carried}{}): {what}",
            way.shape,
            if why.is_empty() {
                String::new()
            } else {
                format!(", {why}")
            }
        )
    };
    let mut wrong: Vec<String> = Vec::new();
    if !seen.wrong.is_empty() {
        let some = seen
            .wrong
            .iter()
            .take(SHOWN)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n    ");
        wrong.push(told(format!("{} differ\n    {some}", seen.wrong.len())));
    }
    let reading = readings::of(way.shape, field, carried);
    match (carried.as_str(), reading) {
        ("part", None) => wrong.push(told(
            "carried in part, and no reading says how it is compared".to_owned(),
        )),
        ("yes" | "no", Some(_)) => wrong.push(told("a reading for what is not carried in part".to_owned())),
        _ => {}
    }
    let nobody = seen.stated == 0;
    if nobody && !NOBODY.contains(&field) {
        wrong.push(told("nobody has it in the tables: nothing was compared".to_owned()));
    }
    let needed = carried == "no" || matches!(reading, Some(Reading::Through(_)));
    if needed && seen.differ == 0 && !nobody {
        wrong.push(told("stale: nobody's chart differs in it".to_owned()));
    }
    wrong
}

/// What no table makes.
const NOBODY: [&str; 1] = ["diagnoses.untold"];

/// Differences of one field that are written out.
const SHOWN: usize = 3;

fn difference(tables: &[Line], source: &[Line]) -> String {
    let lacking = |from: &[Line], other: &[Line]| -> String {
        let lines = from.iter().filter(|line| !other.contains(line));
        let lines: Vec<String> = lines
            .take(SHOWN)
            .map(|line| format!("[{}] {}", line.key, line.value))
            .collect();
        if lines.is_empty() {
            "–".to_owned()
        } else {
            lines.join("; ")
        }
    };
    format!(
        "tables {} / source {}",
        lacking(tables, source),
        lacking(source, tables)
    )
}

/// What shape a itself cannot hold, for both sides: it is CP932, where what that lacks is ■, 〓 or a character of the vendor's own.
fn folded(lines: Vec<Line>) -> Vec<Line> {
    sorted(
        lines
            .into_iter()
            .map(|line| Line {
                key: cp932(&line.key),
                value: cp932(&line.value),
            })
            .collect(),
    )
}

fn sorted(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort();
    lines
}

fn cp932(text: &str) -> String {
    let seen = text
        .chars()
        .filter(|c| !matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}'));
    let one = |c: char| match c {
        // One character under two numbers.
        '〜' => '～',
        '−' => '－',
        '\u{a0}' => ' ',
        '〓' | '\u{E000}'..='\u{F8FF}' => '■',
        c => {
            let mut bytes = [0; 4];
            let (_, _, lacks) = encoding_rs::SHIFT_JIS.encode(c.encode_utf8(&mut bytes));
            if lacks { '■' } else { c }
        }
    };
    seen.map(one).collect()
}

/// What a format says beyond the tables: the documents of an extended storage, and who is out for the night.
const MORE: [(&str, &str); 3] = [("ssmix2", "文書"), ("ssmix2", "外出泊中"), ("hl7", "外出泊中")];

fn more(way: &Way, words: &str) -> bool {
    MORE.iter()
        .any(|(shape, begins)| *shape == way.shape && words.starts_with(begins))
}

/// Facts and plans have fields by their words: one that has none would never be compared.
fn without_field(way: &Way, read: &Read) -> Vec<String> {
    let of = |chart: &Chart| -> Vec<String> {
        let facts = chart.patient.facts.iter().map(|fact| fact.label.as_str());
        let facts = facts.filter(|label| !fields::LABELS.contains(label) && !more(way, label));
        let plans = chart.stay.iter().flat_map(|stay| stay.plans.items());
        let plans = plans.map(|plan| plan.what.as_str()).filter(|what| {
            let known = fields::PLANS.iter().any(|plan| what.starts_with(plan));
            !known && !more(way, what)
        });
        facts.chain(plans).map(str::to_owned).collect()
    };
    let words: BTreeSet<String> = read.charts.values().flat_map(of).collect();
    words
        .into_iter()
        .map(|word| format!("{}: 「{word}」 of a chart belongs to no field", way.shape))
        .collect()
}

/// Nobody's allergies are called none but where the tables say that a person confirmed it, whatever carries.toml would allow.
fn made_none(way: &Way, world: &World, read: &Read) -> Vec<String> {
    let none = |chart: Option<&Chart>| chart.is_some_and(|c| matches!(c.allergies, Known::ConfirmedNone { .. }));
    let ids = read.charts.keys();
    ids.filter(|id| none(read.charts.get(*id)) && !none(world.tables.charts.get(*id)))
        .map(|id| format!("{} {id}: allergies became none", way.shape))
        .collect()
}

/// The patients' diagnoses that their resources mark as untold (tags of JP-CLINS) are marked in their charts, and no others: whoever reads
/// two copies of one must keep the mark.
fn untold(way: &Way, world: &World, read: &Read) -> Vec<String> {
    let marked = |chart: &Chart| -> Vec<String> {
        let untold = chart.diagnoses.items().iter().filter(|one| one.uninformed);
        untold.map(|one| format!("{} {}", chart.patient.id, one.name)).collect()
    };
    let mut said: BTreeSet<String> = BTreeSet::new();
    if way.shape == "fhir" {
        let text = std::fs::read_to_string(world.folder("fhir").join("bulk/Condition.ndjson")).unwrap();
        for line in text.lines() {
            let one: serde_json::Value = serde_json::from_str(line).unwrap();
            let tags = one["meta"]["tag"].as_array().into_iter().flatten();
            let mut tags = tags.filter_map(|tag| tag["code"].as_str());
            if tags.any(|tag| ["UNINFORMED", "UNDELIVERED"].contains(&tag)) {
                let id = one["subject"]["reference"]
                    .as_str()
                    .unwrap()
                    .trim_start_matches("Patient/");
                let name = one["code"]["text"].as_str().unwrap();
                // What is over is no diagnosis of now, in the tables as here.
                let chart = chart::PatientId::parse(id).and_then(|id| world.tables.charts.get(&id));
                let now = chart.is_some_and(|chart| chart.diagnoses.items().iter().any(|d| d.name == name));
                said.extend(now.then(|| format!("{id} {name}")));
            }
        }
        assert!(said.len() >= 4, "{}: {said:?}", world.name);
    }
    let shown: BTreeSet<String> = read.charts.values().flat_map(marked).collect();
    let differ = said.symmetric_difference(&shown);
    differ
        .map(|one| format!("{} {}: only one of both marks {one} as untold", way.shape, world.name))
        .collect()
}
