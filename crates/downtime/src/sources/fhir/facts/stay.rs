//! Encounter, NutritionOrder and Flag: who lies where, and how they are cared for.

use chart::patient::Fact;
use chart::stay::{Bed, Plan};
use chart::{Coded, DataKind, Known, PatientId, Severity, Stay};

use super::{Scene, bounded, extension};
use crate::sources::fhir::codes;
use crate::sources::fhir::model::Concept;
use crate::sources::fhir::refs::{Spot, Whose};
use crate::sources::fhir::{resource, when};
use crate::sources::gather::Reach;

/// A bed from a place and what it stands in.
#[must_use]
pub fn bed(chain: &[Spot]) -> Bed {
    let of = |kinds: &[&str]| chain.iter().find(|spot| kinds.contains(&spot.kind.as_str()));
    let number = |spot: Option<&Spot>| {
        let code = spot.map_or("", |spot| {
            if spot.coded.name.is_empty() {
                &spot.coded.code
            } else {
                &spot.coded.name
            }
        });
        code.trim().to_owned()
    };
    let ward = of(&["wa", "lvl", "wi", "area"]);
    // A place whose kind nobody says is a ward when it stands alone, the way small exports name it.
    let alone = match chain {
        [only] if only.kind.is_empty() => Some(only),
        _ => None,
    };
    let (mut room, mut bed) = (number(of(&["ro"])), number(of(&["bd"])));
    if let Some(spot) = of(&["bd"]) {
        let (own_room, own_bed) = &spot.room_bed;
        if !own_bed.is_empty() {
            bed.clone_from(own_bed);
        }
        if room.is_empty() {
            // `501-1`: the usual way to name a bed where rooms are no places of their own.
            match (own_room.is_empty(), bed.rsplit_once('-')) {
                (false, _) => room.clone_from(own_room),
                (true, Some((front, behind))) => (room, bed) = (front.to_owned(), behind.to_owned()),
                (true, None) => {}
            }
        }
    }
    Bed {
        ward: ward.or(alone).map(|spot| spot.coded.clone()).unwrap_or_default(),
        room,
        bed,
    }
}

/// First pass: the department of an encounter, and who lies in a bed. True when it is a stay of now.
pub fn encounter(it: &resource::Encounter<'_>, scene: &mut Scene<'_>) -> bool {
    let by_type = it.service_type.as_ref().map(codes::department).unwrap_or_default();
    let by_extension = scene.department(&it.extension, None, &[], None);
    let provider = || it.service_provider.as_ref();
    let department = [by_extension, by_type].into_iter().find(|one| !one.is_empty());
    let department = department.unwrap_or_else(|| match provider() {
        Some(reference) => scene.directory.named(reference, &it.contained, &scene.place),
        None => Coded::default(),
    });
    let keys = scene.directory.keys_of("Encounter", &it.id, &scene.place);
    scene.directory.encounter(keys, &department);
    for one in it.diagnosis.iter().filter(|one| &*one.rank == "1") {
        scene.directory.put_first(&one.condition, &scene.place);
    }
    let inpatient = matches!(&*it.class.code, "IMP" | "ACUTE" | "NONAC" | "OBSENC" | "SS");
    if !inpatient || !matches!(&*it.status, "in-progress" | "onleave" | "arrived") {
        return false;
    }
    let end = it.period.as_ref().map_or("", |period| &*period.end);
    if when::read(end)
        .ok()
        .and_then(|end| end.on)
        .is_some_and(|end| end < scene.day)
    {
        return false;
    }
    let id = match scene.directory.whose(&it.subject, &it.contained, &scene.place) {
        Whose::Of(id) => id,
        Whose::Nobody => return false,
        Whose::Unknown => {
            scene.gathering.doubt(DataKind::Stay);
            let message = "だれのものか分からない入院です（患者への参照をたどれません）。病棟の一覧に出ません。";
            scene.gathering.ledger.add(
                chart::Finding::new("fhir.subject", Severity::Severe, message)
                    .at(scene.place.file, scene.place.line)
                    .in_field(DataKind::Stay.word()),
            );
            return false;
        }
    };
    scene.tell_odd(DataKind::Stay, &id);
    let stay = stay(it, &id, department, scene);
    let file = scene.place.file;
    scene.pending.stay(&id, stay, file);
    if let Some(mut about) = scene.about(&id) {
        about.want(Reach::Full);
    }
    true
}

fn stay(it: &resource::Encounter<'_>, id: &PatientId, department: Coded, scene: &mut Scene<'_>) -> Stay {
    let is_now = |one: &&resource::EncounterLocation<'_>| match &*one.status {
        "active" => true,
        "" => one.period.as_ref().is_none_or(|period| period.end.is_empty()),
        _ => false,
    };
    let now: Vec<_> = it.location.iter().filter(is_now).collect();
    let chain = now.last().map(|one| {
        let chain = scene.directory.place_chain(&one.location, &scene.place);
        if !chain.is_empty() {
            return chain;
        }
        let coded = scene.directory.named(&one.location, &it.contained, &scene.place);
        vec![Spot {
            coded,
            active: true,
            ..Spot::default()
        }]
    });
    let Bed { ward, room, bed } = bed(&chain.unwrap_or_default());
    if ward.is_empty() {
        let message = "病棟が分からない入院です。病棟の一覧では「病棟 不明」に出ます。病棟を確かめてください。";
        scene.tell(id, "stay.no_ward", Severity::Severe, "Encounter.location", message);
    }
    let start = it.period.as_ref().map_or("", |period| &*period.start);
    let mut admitted = scene.when(id, "Encounter.period.start", start).on;
    if admitted.is_some_and(|on| on > scene.day) {
        let message =
            "入院日が対象日より後です。入院日は空にし、病棟の一覧には出しました。まだ入院していない人かもしれません。";
        scene.tell(id, "stay.future", Severity::Severe, "Encounter.period.start", message);
        admitted = None;
    }
    let mut stay = Stay::at(ward, room, bed);
    stay.admitted = admitted;
    stay.department = department;
    let reasons: Vec<&str> = it
        .reason
        .iter()
        .map(Concept::words)
        .filter(|words| !words.is_empty())
        .collect();
    stay.purpose = bounded(&reasons.join("、"));
    for participant in &it.participant {
        if participant.period.as_ref().is_some_and(|period| !period.end.is_empty()) {
            continue;
        }
        let who = scene.person(participant.individual.as_ref(), &it.contained);
        let is = |codes: &[&str], words: &str| {
            participant
                .kind
                .iter()
                .any(|one| codes.iter().any(|code| one.has(code)) || one.words().contains(words))
        };
        if is(&["NURSE", "SPRF"], "看護") {
            stay.nurse = who;
        } else if is(&["ATND"], "主治医") || (stay.attending.is_empty() && is(&["PPRF"], "担当医")) {
            stay.attending = who;
        }
    }
    let planned = extension(&it.extension, "Encounter.plannedEndDate").map_or("", |one| &*one.date_time);
    if let Some(on) = scene.when(id, "Encounter.plannedEndDate", planned).on {
        stay.plans = Known::Present(vec![Plan {
            when: chart::date::iso(on),
            what: "退院".to_owned(),
        }]);
    }
    let diet = it
        .hospitalization
        .as_ref()
        .and_then(|one| one.diet.first())
        .map_or("", Concept::words);
    if !diet.is_empty() {
        stay.diet = Known::Present(bounded(diet));
    }
    stay
}

/// 食事 of who lies in a bed.
pub fn nutrition(it: &resource::NutritionOrder<'_>, scene: &mut Scene<'_>) -> bool {
    if !matches!(&*it.status, "active" | "on-hold" | "completed") {
        return false;
    }
    if &*it.status == "completed"
        && when::read(&it.date_time)
            .ok()
            .and_then(|at| at.on)
            .is_none_or(|on| on < scene.day)
    {
        return false;
    }
    let Some(id) = scene.wanted(DataKind::Stay, &it.patient, &it.contained) else {
        return false;
    };
    let mut words: Vec<&str> = Vec::new();
    if let Some(diet) = &it.oral_diet {
        words.extend(diet.kind.iter().map(Concept::words));
        words.push(diet.instruction.trim());
    }
    words.extend(it.note.iter().map(|one| one.text.trim()));
    words.retain(|one| !one.is_empty());
    if words.is_empty() || !scene.pending.lies(&id) {
        return false;
    }
    scene.pending.diet(&id, bounded(&words.join(" ")));
    true
}

/// A flag: isolation for who lies in a bed, a labelled fact for everybody.
pub fn flag(it: &resource::Flag<'_>, scene: &mut Scene<'_>) -> bool {
    if !matches!(&*it.status, "active") {
        return false;
    }
    let Some(id) = scene.wanted(DataKind::Profile, &it.subject, &[]) else {
        return false;
    };
    let end = it.period.as_ref().map_or("", |period| &*period.end);
    if when::read(end)
        .ok()
        .and_then(|end| end.on)
        .is_some_and(|end| end < scene.day)
    {
        return false;
    }
    let words = bounded(it.code.words());
    if words.is_empty() {
        return false;
    }
    let start = it.period.as_ref().map_or("", |period| &*period.start);
    let on = scene.when(&id, "Flag.period.start", start).on;
    let about_isolation = words.contains("隔離")
        || it
            .category
            .iter()
            .any(|one| one.words().contains("隔離") || one.has("isolation"));
    if about_isolation && scene.pending.lies(&id) {
        scene.pending.isolation(&id, words);
        return true;
    }
    let label = it
        .category
        .iter()
        .map(Concept::words)
        .find(|one| !one.is_empty())
        .unwrap_or("注意");
    let fact = Fact {
        label: label.to_owned(),
        value: words,
        on,
    };
    if let Some(about) = scene.about(&id) {
        about.draft.facts.push(fact);
    }
    true
}
