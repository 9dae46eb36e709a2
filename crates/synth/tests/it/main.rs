//! The exports as a reader sees them: files, bytes and fields. How patients are made is tested beside the code that makes them.

// Tests say what went wrong by stopping, and UPDATE=1 comes from whoever runs them.
#![allow(clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod content;
mod documented;
mod files;
mod fixtures;
mod same_facts;
mod sources;
