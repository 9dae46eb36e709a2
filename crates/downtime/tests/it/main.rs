//! The crate's integration tests: one binary, one module per room. Stories of the rooms together, on real files.

mod hospital;
mod sealing;
mod table;
mod working;
