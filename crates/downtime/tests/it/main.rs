//! The crate's integration tests: one binary, one module per room. Stories of the rooms together, on real files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

mod audit;
mod audit_export;
mod audit_tampering;
mod carried;
mod carry;
mod clock;
mod distribution;
mod enrolment;
mod entering;
mod equal;
mod every_case;
mod exports;
mod feeds;
mod fhir;
mod flips;
mod fuzz;
mod hl7v2;
mod hospital;
mod index;
mod merge;
mod notebook;
mod orders;
mod payment;
mod printing;
mod readiness;
mod replica;
mod returned;
mod saving;
mod scans;
mod scopes;
mod sealing;
mod simulator;
mod table;
mod together;
mod updates;
mod working;
