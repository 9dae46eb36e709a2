//! The audit log for other programs, against golden files in `fixtures/exports/audit_log/`; `UPDATE=1` refreshes them.

use std::path::PathBuf;
use std::sync::Arc;

use chart::{Author, Moment, PatientId, Subject};
use downtime::audit::{Deed, Method, Outcome, Seen, Sighting};
use downtime::exports::audit_log;
use downtime::state::TimeQuality;
use downtime::view::Order;

use crate::hospital::{code, nine};

/// One sighting of each kind, with what a spreadsheet must not run and a system must not lose.
fn one_of_each() -> Vec<Arc<Seen>> {
    let methods = [
        Method::Password,
        Method::BadgeAndPassword,
        Method::Envelope,
        Method::Program,
        Method::Nobody,
    ];
    let outcomes = [Outcome::Done, Outcome::Done, Outcome::Refused, Outcome::Failed];
    Deed::ALL
        .into_iter()
        .zip(1_u8..)
        .map(|(deed, n)| {
            let about = matches!(
                deed,
                Deed::Opened | Deed::Printed | Deed::Linked | Deed::Filed | Deed::Destroyed
            );
            let patient = PatientId::parse("00123456").unwrap();
            let sighting = Sighting {
                at: Moment(nine().0 + i64::from(n) * 61),
                station: code("R03"),
                by: Author {
                    user: "2001".into(),
                    name: "佐藤　一郎".into(),
                    role: "physician".into(),
                },
                method: methods[usize::from(n) % methods.len()],
                deed,
                subject: if about {
                    Subject::Patient(patient)
                } else {
                    Subject::Hospital
                },
                reason: if n % 3 == 0 {
                    "=救急の、\"問い合わせ\"".into()
                } else {
                    String::new()
                },
                outcome: outcomes[usize::from(n) % outcomes.len()],
                count: u32::from(n),
                detail: if n % 2 == 0 {
                    "F13 261120031279\n二行目".into()
                } else {
                    String::new()
                },
            };
            Arc::new(Seen {
                id: [n; 32],
                order: Order {
                    hlc: u64::from(n),
                    station: [3; 16],
                    incarnation: [1; 8],
                    seq: u64::from(n),
                },
                time_quality: TimeQuality::Synced.to_byte(),
                sighting,
            })
        })
        .collect()
}

#[test]
fn csv_and_fhir_are_what_they_were() {
    let all = one_of_each();
    let (mut csv, mut fhir) = (Vec::new(), Vec::new());
    audit_log::csv(&all, &mut csv).unwrap();
    audit_log::fhir(&all, "試験病院", &mut fhir).unwrap();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/exports/audit_log");
    for (name, bytes) in [("audit.csv", csv), ("audit.ndjson", fhir)] {
        let path = folder.join(name);
        #[allow(clippy::disallowed_methods)] // A person asks for new goldens through the environment.
        let update = std::env::var_os("UPDATE").is_some();
        if update {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        assert!(
            std::fs::read(&path).unwrap_or_default() == bytes,
            "{name} says something else; look at it, then UPDATE=1"
        );
    }
}

#[test]
fn every_event_has_what_fhir_requires() {
    for seen in one_of_each() {
        let event = audit_log::audit_event(&seen, "試験病院");
        for part in ["type", "recorded", "agent", "source"] {
            assert!(!event[part].is_null(), "{part} of {:?}", seen.sighting.deed);
        }
        assert!(event["agent"][0]["requestor"].is_boolean());
        let outcome = event["outcome"].as_str().unwrap();
        assert!(["0", "4", "8", "12"].contains(&outcome));
        let action = event["action"].as_str().unwrap();
        assert!(["C", "R", "U", "D", "E"].contains(&action));
        assert!(
            !event.to_string().contains(":\"\""),
            "FHIR knows no empty text: {event}"
        );
    }
}
