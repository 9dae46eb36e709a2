//! The program: clock, randomness, arguments, configuration and wiring.

mod clock;
mod config;
mod progress;
mod random;
mod secrets;

fn main() {}
