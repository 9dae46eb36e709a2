//! Observation: laboratory results, vital signs, and the few facts beside a name (blood group, height, weight).
//!
//! By category where there is one, by code where it says more. What is none of these is counted, not guessed.

use chart::patient::Fact;
use chart::stay::Vital;
use chart::{DataKind, LabResult};

use super::value;
use super::{Scene, bounded};
use crate::sources::fhir::codes::{self, System};
use crate::sources::fhir::model::Concept;
use crate::sources::fhir::resource::{Observation, ObservationComponent, ReferenceRange};
use crate::sources::gather::ward::WARD;

/// Order of codes of a result.
const RESULT_ORDER: [System; 2] = [System::Jlac, System::Loinc];

/// What one observation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Laboratory,
    Temperature,
    Pressure,
    Systolic,
    Diastolic,
    Pulse,
    Spo2,
    OtherVital,
    Body,
    BloodGroup,
    /// A labelled fact beside the name.
    Fact,
    /// What a ward knows of somebody in a bed.
    Ward,
    Elsewhere,
}

fn about(it: &Observation<'_>) -> About {
    let by_code = by_code(&it.code);
    let category = |word: &str| it.category.iter().any(|one| one.has(word));
    match by_code {
        Some(About::BloodGroup) => About::BloodGroup,
        Some(found) if !category("laboratory") => found,
        _ if category("vital-signs") => About::OtherVital,
        _ if category("laboratory") => About::Laboratory,
        _ if codes::code_of(&it.code, System::Jlac).is_some() => About::Laboratory,
        Some(found) => found,
        None if category("survey") && WARD.contains(&it.code.words()) => About::Ward,
        None if category("exam") || category("social-history") || category("survey") => About::Fact,
        None => About::Elsewhere,
    }
}

fn by_code(code: &Concept<'_>) -> Option<About> {
    if let Some(loinc) = codes::code_of(code, System::Loinc) {
        let found = match loinc {
            "8310-5" | "8331-1" | "8328-7" => About::Temperature,
            "85354-9" | "55284-4" => About::Pressure,
            "8480-6" => About::Systolic,
            "8462-4" => About::Diastolic,
            "8867-4" | "8889-8" => About::Pulse,
            "59408-5" | "2708-6" => About::Spo2,
            "8302-2" | "29463-7" | "3141-9" | "39156-5" => About::Body,
            "882-1" | "883-9" | "10331-7" => About::BloodGroup,
            "9279-1" => About::OtherVital,
            _ => return None,
        };
        return Some(found);
    }
    if let Some(jlac) = codes::code_of(code, System::Jlac) {
        let found = match jlac.get(..5)? {
            "9A751" => About::Systolic,
            "9A761" => About::Diastolic,
            "9N001" | "9N006" | "9N011" => About::Body,
            "5H010" | "5H020" => About::BloodGroup,
            _ => return None,
        };
        return Some(found);
    }
    Some(match code.words() {
        "体温" => About::Temperature,
        "血圧" => About::Pressure,
        "収縮期血圧" | "最高血圧" => About::Systolic,
        "拡張期血圧" | "最低血圧" => About::Diastolic,
        "脈拍" | "脈拍数" | "心拍数" | "心拍" => About::Pulse,
        "SpO2" | "SpO₂" | "ＳｐＯ２" | "酸素飽和度" | "経皮的動脈血酸素飽和度" => About::Spo2,
        "身長" | "体重" | "BMI" => About::Body,
        "血液型" | "ABO式血液型" | "ABO血液型" | "Rh式血液型" | "Rh血液型" => About::BloodGroup,
        _ => return None,
    })
}

/// One observation. True when it became a fact.
pub fn observation(it: &Observation<'_>, scene: &mut Scene<'_>) -> bool {
    if matches!(&*it.status, "entered-in-error" | "cancelled" | "registered") {
        return false;
    }
    let what = about(it);
    let kind = match what {
        About::Laboratory => DataKind::Result,
        About::Body | About::BloodGroup | About::Fact => DataKind::Profile,
        About::Ward => DataKind::Stay,
        About::Elsewhere => return false,
        _ => DataKind::Vital,
    };
    let Some(id) = scene.wanted(kind, &it.subject, &it.contained) else {
        return false;
    };
    let start = it.effective_period.as_ref().map_or("", |period| &*period.start);
    let times = [&*it.effective, &*it.effective_instant, start, &*it.issued];
    let text = times.into_iter().find(|text| !text.is_empty()).unwrap_or("");
    let when = scene.past(&id, "Observation.effective", text);
    match what {
        About::Laboratory => {
            let results = results(it, when.on, when.at);
            if results.is_empty() {
                return false;
            }
            if let Some(about) = scene.about(&id) {
                about.draft.results.extend(results);
            }
        }
        About::Ward => {
            let words = shown(it);
            if words.is_empty() || !scene.pending.lies(&id) {
                return false;
            }
            scene.pending.mark(&id, it.code.words(), words);
        }
        About::Body | About::BloodGroup | About::Fact => {
            let (value, unit) = said(&Said::of(it));
            if value.is_empty() {
                return false;
            }
            let value = format!("{value} {unit}").trim().to_owned();
            let fact = Fact {
                label: it.code.words().to_owned(),
                value,
                on: when.on,
            };
            if let Some(about) = scene.about(&id) {
                newest(&mut about.draft.facts, fact);
            }
        }
        _ => {
            if let Some(about) = scene.about(&id) {
                let list = &mut about.draft.stay.vitals;
                let at = list
                    .iter()
                    .position(|one| when.on.is_some() && (one.on, one.at) == (when.on, when.at));
                let at = at.unwrap_or_else(|| {
                    list.push(Vital {
                        on: when.on,
                        at: when.at,
                        ..Vital::default()
                    });
                    list.len() - 1
                });
                if let Some(vital) = list.get_mut(at) {
                    measure(vital, what, it);
                }
            }
        }
    }
    true
}

/// One of a label: the newest, and of equal days the last.
fn newest(facts: &mut Vec<Fact>, fact: Fact) {
    match facts.iter_mut().find(|one| one.label == fact.label) {
        Some(known) if known.on <= fact.on => *known = fact,
        Some(_) => {}
        None => facts.push(fact),
    }
}

/// The value of the whole observation as one text.
fn shown(it: &Observation<'_>) -> String {
    let (value, unit) = said(&Said::of(it));
    format!("{value}{unit}")
}

fn measure(vital: &mut Vital, what: About, it: &Observation<'_>) {
    let text = shown(it);
    let put = |field: &mut String, remark: &mut String, text: String| {
        if field.is_empty() {
            *field = text;
        } else if *field != text {
            // Measured twice at one time: both stay.
            add(remark, &text);
        }
    };
    match what {
        About::Temperature => put(
            &mut vital.temperature,
            &mut vital.remark,
            text.replace("Cel", "℃").replace("degC", "℃"),
        ),
        About::Pulse => put(&mut vital.pulse, &mut vital.remark, number_only(it).unwrap_or(text)),
        About::Spo2 => put(&mut vital.spo2, &mut vital.remark, text),
        About::Systolic => vital.pressure = joined(&number_only(it).unwrap_or(text), half(&vital.pressure, 1)),
        About::Diastolic => vital.pressure = joined(half(&vital.pressure, 0), &number_only(it).unwrap_or(text)),
        About::Pressure => {
            let part = |wanted: About| {
                let found = it.component.iter().find(|one| by_code(&one.code) == Some(wanted))?;
                found.quantity.as_ref().map(value::number)
            };
            match (part(About::Systolic), part(About::Diastolic)) {
                (None, None) => put(&mut vital.pressure, &mut vital.remark, text),
                (high, low) => {
                    let whole = joined(&high.unwrap_or_default(), &low.unwrap_or_default());
                    put(&mut vital.pressure, &mut vital.remark, whole);
                }
            }
        }
        _ => add(&mut vital.remark, &format!("{} {text}", it.code.words())),
    }
    for note in &it.note {
        add(&mut vital.remark, note.text.trim());
    }
}

fn number_only(it: &Observation<'_>) -> Option<String> {
    it.quantity.as_ref().map(value::number).filter(|text| !text.is_empty())
}

/// `118/70`; what is not known is a question mark, never a blank that could be read as zero.
fn joined(high: &str, low: &str) -> String {
    let or = |text: &str| {
        if text.is_empty() {
            "?".to_owned()
        } else {
            text.to_owned()
        }
    };
    format!("{}/{}", or(high), or(low))
}

fn half(pressure: &str, at: usize) -> &str {
    pressure.split('/').nth(at).filter(|text| *text != "?").unwrap_or("")
}

fn add(remark: &mut String, words: &str) {
    if words.is_empty() || remark.contains(words) {
        return;
    }
    if !remark.is_empty() {
        remark.push(' ');
    }
    remark.push_str(words);
}

/// The ways of saying a value, of an observation or of a part of one.
struct Said<'o, 'a> {
    quantity: Option<&'o crate::sources::fhir::model::Quantity<'a>>,
    string: &'o str,
    concept: Option<&'o Concept<'a>>,
    integer: &'o str,
    other: String,
    absent: Option<&'o Concept<'a>>,
}

impl<'o, 'a> Said<'o, 'a> {
    fn of(it: &'o Observation<'a>) -> Self {
        let boolean = it.boolean.map(|yes| if yes { "はい" } else { "いいえ" }.to_owned());
        let range = it.range.as_ref().map(value::range);
        let ratio = it.ratio.as_ref().map(value::ratio);
        Self {
            quantity: it.quantity.as_ref(),
            string: &it.string,
            concept: it.concept.as_ref(),
            integer: &it.integer,
            other: boolean.or(range).or(ratio).unwrap_or_default(),
            absent: it.absent.as_ref(),
        }
    }

    fn of_part(part: &'o ObservationComponent<'a>) -> Self {
        Self {
            quantity: part.quantity.as_ref(),
            string: &part.string,
            concept: part.concept.as_ref(),
            integer: &part.integer,
            other: String::new(),
            absent: part.absent.as_ref(),
        }
    }
}

/// Value and unit as reported.
fn said(said: &Said<'_, '_>) -> (String, String) {
    if let Some(quantity) = said.quantity.filter(|one| !one.value.is_empty()) {
        return (value::number(quantity), value::unit(quantity).to_owned());
    }
    let concept = said.concept.map_or("", Concept::words);
    let first = [said.string.trim(), concept, said.integer, said.other.as_str()]
        .into_iter()
        .find(|text| !text.is_empty());
    if let Some(text) = first {
        return (bounded(text), String::new());
    }
    match said.absent.map(Concept::words) {
        Some("") => ("（値なし）".to_owned(), String::new()),
        Some(why) => (format!("（値なし: {}）", bounded(why)), String::new()),
        None => (String::new(), String::new()),
    }
}

fn results(it: &Observation<'_>, on: Option<jiff::civil::Date>, at: Option<jiff::civil::Time>) -> Vec<LabResult> {
    let one = |name: String,
               code: &Concept<'_>,
               said_here: &Said<'_, '_>,
               marks: &[Concept<'_>],
               range: &[ReferenceRange<'_>]| {
        let (mut value, unit) = said(said_here);
        if value.is_empty() {
            return None;
        }
        if &*it.status == "preliminary" {
            value.push_str("（速報）");
        }
        // 溶血 and the like: it belongs to the value.
        for note in it
            .note
            .iter()
            .map(|note| note.text.trim())
            .filter(|note| !note.is_empty())
        {
            value = bounded(&format!("{value} {note}"));
        }
        Some(LabResult {
            name,
            value,
            unit,
            flag: value::flag(marks),
            reference: value::reference(range),
            on,
            at,
            code: codes::coded(code, &RESULT_ORDER).code,
        })
    };
    let name = bounded(it.code.words());
    let mut list: Vec<LabResult> = one(
        name.clone(),
        &it.code,
        &Said::of(it),
        &it.interpretation,
        &it.reference_range,
    )
    .into_iter()
    .collect();
    for part in &it.component {
        let own = format!("{name} {}", part.code.words());
        list.extend(one(
            own,
            &part.code,
            &Said::of_part(part),
            &part.interpretation,
            &part.reference_range,
        ));
    }
    list
}
