//! The desk as a browser meets it: a real station with a sealed snapshot behind every request.
#![allow(clippy::unwrap_used, clippy::panic)]

mod access;
mod audit;
mod browser;
mod clinic;
mod deciding;
mod fleet;
mod hospital;
mod identity;
mod idle;
mod insurance;
mod lifeboat;
mod long_outage;
mod namesakes;
mod notebook;
mod orders;
mod packs;
mod pages;
mod paper_language;
mod paying;
mod prescribing;
mod printing;
mod readiness;
mod returned;
mod safety;
