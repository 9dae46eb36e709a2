//! The desk as a browser meets it: a real station with a sealed snapshot behind every request.
#![allow(clippy::unwrap_used, clippy::panic)]

mod access;
mod browser;
mod clinic;
mod hospital;
mod pages;
mod safety;
