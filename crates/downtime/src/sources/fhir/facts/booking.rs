//! Appointment and ServiceRequest: what is booked.

use chart::{Appointment, Coded, DataKind, ExamOrder, PatientId, Severity};

use super::{Scene, bounded, is_any};
use crate::sources::fhir::codes::{self, System};
use crate::sources::fhir::refs::Whose;
use crate::sources::fhir::{resource, when};

/// Statuses of appointments that somebody will come for.
const COMES: [&str; 6] = ["booked", "pending", "arrived", "checked-in", "fulfilled", "proposed"];

/// An appointment. True when it became one of the days asked for.
pub fn appointment(it: &resource::Appointment<'_>, scene: &mut Scene<'_>) -> bool {
    let Some(id) = patient_of(it, scene) else { return false };
    match &*it.status {
        "proposed" | "cancelled" | "noshow" | "entered-in-error" | "waitlist" => return false,
        status if COMES.contains(&status) => {}
        other => {
            let message = format!(
                "予約の状態「{}」を知りません。予約として扱いました。",
                super::brief(other)
            );
            scene.tell(&id, "fhir.status", Severity::Warning, "Appointment.status", message);
        }
    }
    let Ok(when) = when::read(&it.start) else {
        return no_day(&id, scene);
    };
    let Some(on) = when.on else { return no_day(&id, scene) };
    let mut booking = Appointment {
        on,
        at: when.at,
        department: department(it, scene),
        doctor: Coded::default(),
        place: String::new(),
        purpose: purpose(it),
        number: it
            .identifier
            .first()
            .map(|one| one.value.trim().to_owned())
            .unwrap_or_default(),
    };
    for participant in it.participant.iter().filter(|one| &*one.status != "declined") {
        let Some(actor) = &participant.actor else { continue };
        let kind = kind_of(&actor.reference, &actor.kind);
        let named = scene.directory.named(actor, &it.contained, &scene.place);
        match kind {
            "Practitioner" | "PractitionerRole" => booking.doctor = named,
            "Location" => booking.place = named.label().to_owned(),
            "HealthcareService" | "Organization" if booking.department.is_empty() => booking.department = named,
            _ => {}
        }
    }
    scene.tell_odd(DataKind::Appointment, &id);
    if scene.modified {
        let message = "意味を変える拡張（modifierExtension）のある予約です。書かれたとおりの予約として扱いました。";
        scene.tell(&id, "fhir.modifier", Severity::Severe, "modifierExtension", message);
    }
    scene.about(&id).is_some_and(|mut about| about.books(booking))
}

fn no_day(id: &PatientId, scene: &mut Scene<'_>) -> bool {
    let message = "予約日を読めない予約です。予約の一覧には出ませんが、カルテは入れました。";
    scene.tell(id, "appointment.no_day", Severity::Severe, "Appointment.start", message);
    if let Some(mut about) = scene.about(id) {
        about.want(crate::sources::gather::Reach::Full);
    }
    true
}

fn patient_of(it: &resource::Appointment<'_>, scene: &mut Scene<'_>) -> Option<PatientId> {
    let mut unknown = false;
    for participant in &it.participant {
        let Some(actor) = &participant.actor else { continue };
        if kind_of(&actor.reference, &actor.kind) != "Patient" && !actor.reference.starts_with("urn:") {
            continue;
        }
        match scene.directory.whose(actor, &it.contained, &scene.place) {
            Whose::Of(id) => return Some(id),
            Whose::Unknown => unknown |= kind_of(&actor.reference, &actor.kind) == "Patient",
            Whose::Nobody => {}
        }
    }
    if unknown && COMES.contains(&&*it.status) {
        scene.gathering.doubt(DataKind::Appointment);
        let message = "だれのものか分からない予約です（患者への参照をたどれません）。予約の一覧に出ません。";
        scene.gathering.ledger.add(
            chart::Finding::new("fhir.subject", Severity::Severe, message)
                .at(scene.place.file, scene.place.line)
                .in_field(DataKind::Appointment.word()),
        );
    }
    None
}

fn kind_of<'r>(reference: &'r str, kind: &'r str) -> &'r str {
    let of_reference = reference.rsplit('/').nth(1).unwrap_or("");
    if of_reference.is_empty() { kind } else { of_reference }
}

fn department(it: &resource::Appointment<'_>, scene: &mut Scene<'_>) -> Coded {
    let of_extension = scene.department(&it.extension, None, &it.contained, None);
    if !of_extension.is_empty() {
        return of_extension;
    }
    let all = || it.specialty.iter().chain(&it.service_type);
    let by_system = all().find(|one| codes::code_of(one, System::Department).is_some());
    by_system
        .or_else(|| all().next())
        .map(codes::department)
        .unwrap_or_default()
}

fn purpose(it: &resource::Appointment<'_>) -> String {
    let concepts = it.appointment_type.iter().chain(&it.reason).map(|one| one.words());
    let words = [it.description.trim(), it.comment.trim()];
    let mut said: Vec<&str> = Vec::new();
    for one in concepts.chain(words).filter(|one| !one.is_empty()) {
        if !said.contains(&one) {
            said.push(one);
        }
    }
    bounded(&said.join(" "))
}

/// An examination of the days asked for.
pub fn order(it: &resource::ServiceRequest<'_>, scene: &mut Scene<'_>) -> bool {
    if matches!(&*it.status, "revoked" | "entered-in-error" | "draft" | "completed")
        || matches!(&*it.intent, "proposal" | "plan" | "option")
        || it.do_not_perform == Some(true)
    {
        return false;
    }
    let Some(id) = scene.wanted(DataKind::Order, &it.subject, &it.contained) else {
        return false;
    };
    let start = it.occurrence_period.as_ref().map_or("", |period| &*period.start);
    let text = if it.occurrence.is_empty() {
        start
    } else {
        &it.occurrence
    };
    let when = scene.when(&id, "ServiceRequest.occurrence", text);
    let Some(on) = when.on else { return false };
    let exam = it
        .code
        .as_ref()
        .map(|code| codes::coded(code, &[System::Jlac, System::Loinc, System::Snomed]))
        .unwrap_or_default();
    if exam.is_empty() {
        return false;
    }
    let mut place: Vec<String> = it.location_code.iter().map(|one| one.words().to_owned()).collect();
    for reference in &it.location {
        place.push(
            scene
                .directory
                .named(reference, &it.contained, &scene.place)
                .label()
                .to_owned(),
        );
    }
    let remarks: Vec<&str> = [it.patient_instruction.trim()]
        .into_iter()
        .chain(it.note.iter().map(|one| one.text.trim()))
        .filter(|one| !one.is_empty())
        .collect();
    let order = ExamOrder {
        on,
        at: when.at,
        exam,
        place: bounded(&place.join(" ")),
        remarks: bounded(&remarks.join(" ")),
        department: scene.department(
            &it.extension,
            it.encounter.as_ref(),
            &it.contained,
            it.requester.as_ref(),
        ),
        number: it
            .identifier
            .first()
            .map(|one| one.value.trim().to_owned())
            .unwrap_or_default(),
    };
    scene.about(&id).is_some_and(|about| {
        let frame = about.frame;
        about.draft.add_order(order, frame)
    })
}

/// True for what a status concept leaves out.
#[must_use]
pub fn is_error(concept: Option<&crate::sources::fhir::model::Concept<'_>>) -> bool {
    is_any(concept, &["entered-in-error", "refuted"])
}
