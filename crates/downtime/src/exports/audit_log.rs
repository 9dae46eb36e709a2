//! The log for other programs: CSV for people with a spreadsheet, FHIR R4 AuditEvent (one resource a line) for systems.
//!
//! Codes: DICOM PS3.16 CID 400–403 as FHIR R4's AuditEvent uses them; the emergency override is DICOM 110113 "Security Alert"
//! with subtype 110127 "Emergency Override Started". What has no code there carries our own word under our own system.

use std::io::{self, Write};
use std::sync::Arc;

use chart::Subject;
use serde_json::{Value, json};

use crate::audit::{Deed, Method, Outcome, Seen};
use crate::state::TimeQuality;

/// System of our own subtype codes.
pub const SYSTEM: &str = "urn:tomoshibi:audit-deed";

const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const REST: &str = "http://hl7.org/fhir/restful-interaction";

/// First line of the CSV.
pub const HEADER: &str = "記録番号,日時,時刻の質,端末,職員番号,氏名,職種,認証,行為,患者番号,件数,理由,結果,詳細";

/// Writes the CSV: UTF-8 with a byte order mark, CRLF, every cell quoted, formulas defused.
///
/// # Errors
/// What the file system says.
pub fn csv(found: &[Arc<Seen>], out: &mut dyn Write) -> io::Result<()> {
    write!(out, "\u{FEFF}{HEADER}\r\n")?;
    for seen in found {
        let s = &seen.sighting;
        let cells = [
            hex(&seen.id),
            s.at.text(),
            TimeQuality::from_byte(seen.time_quality).word().to_owned(),
            s.station.to_string(),
            s.by.user.clone(),
            s.by.name.clone(),
            s.by.role.clone(),
            s.method.word().to_owned(),
            s.deed.label().to_owned(),
            s.subject.number().to_owned(),
            s.count.to_string(),
            s.reason.clone(),
            s.outcome.label().to_owned(),
            s.detail.clone(),
        ];
        let line: Vec<String> = cells.iter().map(|cell| super::csv::quoted(cell).0).collect();
        write!(out, "{}\r\n", line.join(","))?;
    }
    Ok(())
}

/// Writes FHIR R4 AuditEvent resources as NDJSON.
///
/// # Errors
/// What the file system says.
pub fn fhir(found: &[Arc<Seen>], hospital: &str, out: &mut dyn Write) -> io::Result<()> {
    for seen in found {
        writeln!(out, "{}", audit_event(seen, hospital))?;
    }
    Ok(())
}

/// One AuditEvent.
#[must_use]
pub fn audit_event(seen: &Seen, hospital: &str) -> Value {
    let s = &seen.sighting;
    let (kind, subtype, action) = codes(s.deed);
    let mut event = json!({
        "resourceType": "AuditEvent",
        "id": hex(&seen.id),
        "type": kind,
        "subtype": [subtype, {"system": SYSTEM, "code": s.deed.word(), "display": s.deed.label()}],
        "action": action,
        "recorded": s.at.iso(),
        "outcome": match s.outcome { Outcome::Done => "0", Outcome::Refused => "4", Outcome::Failed => "8" },
        "agent": [{
            "who": {"identifier": {"value": s.by.user}, "display": s.by.name},
            "altId": s.by.user,
            "name": s.by.name,
            "requestor": true,
            "role": [{"text": s.by.role}],
            "network": {"address": s.station.to_string(), "type": "1"},
            "policy": [s.method.word()],
        }],
        "source": {"site": hospital, "observer": {"display": format!("Tomoshibi {}", s.station)}},
    });
    if s.method == Method::Envelope || s.deed == Deed::EnvelopeOpened {
        let mut purpose = json!({"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "ETREAT", "display": "Emergency Treatment"
        }]});
        // FHIR knows no empty text.
        if !s.reason.is_empty() {
            purpose["text"] = json!(s.reason);
        }
        event["purposeOfEvent"] = json!([purpose]);
    } else if !s.reason.is_empty() {
        event["purposeOfEvent"] = json!([{"text": s.reason}]);
    }
    if s.subject != Subject::Hospital {
        event["entity"] = json!([{
            "what": {"identifier": {"value": s.subject.number()}},
            "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-entity-type", "code": "1", "display": "Person"},
            "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "1", "display": "Patient"},
        }]);
    }
    if !s.detail.is_empty() {
        event["outcomeDesc"] = json!(s.detail);
    }
    event
}

fn codes(deed: Deed) -> (Value, Value, &'static str) {
    let dicom = |code: &str, display: &str| json!({"system": DCM, "code": code, "display": display});
    let rest = |code: &str| json!({"system": REST, "code": code});
    let login = || dicom("110114", "User Authentication");
    let record = || dicom("110110", "Patient Record");
    match deed {
        Deed::SignedIn | Deed::LockedOut => (login(), dicom("110122", "Login"), "E"),
        Deed::SignedOut | Deed::Cleared => (login(), dicom("110123", "Logout"), "E"),
        Deed::Listed | Deed::Searched => (dicom("110112", "Query"), rest("search"), "E"),
        Deed::Opened => (record(), rest("read"), "R"),
        Deed::Printed => (dicom("110106", "Export"), dicom("110106", "Export"), "R"),
        Deed::Exported => (dicom("110106", "Export"), dicom("110106", "Export"), "R"),
        Deed::EnvelopeOpened => (
            dicom("110113", "Security Alert"),
            dicom("110127", "Emergency Override Started"),
            "E",
        ),
        Deed::EnvelopeClosed => (
            dicom("110113", "Security Alert"),
            dicom("110138", "Emergency Override Stopped"),
            "E",
        ),
        Deed::Granted | Deed::Reset => (
            dicom("110113", "Security Alert"),
            dicom("110136", "User security Attributes Changed"),
            "U",
        ),
        Deed::Disabled => (
            dicom("110113", "Security Alert"),
            dicom("110136", "User security Attributes Changed"),
            "D",
        ),
        Deed::Configured | Deed::Declared => (
            dicom("110113", "Security Alert"),
            dicom("110128", "Network Configuration"),
            "U",
        ),
        Deed::AuditRead | Deed::Reviewed => (
            dicom("110101", "Audit Log Used"),
            dicom("110101", "Audit Log Used"),
            "R",
        ),
        Deed::ClockJumped | Deed::Degraded => (
            dicom("110113", "Security Alert"),
            dicom("110131", "Software Configuration"),
            "E",
        ),
        Deed::Maintained => (
            dicom("110113", "Security Alert"),
            dicom("110134", "Restricted Function"),
            "E",
        ),
        Deed::Destroyed => (record(), rest("delete"), "D"),
        Deed::Linked | Deed::Filed => (record(), rest("update"), "U"),
    }
}

fn hex(id: &[u8; 32]) -> String {
    id.iter().map(|b| format!("{b:02x}")).collect()
}
