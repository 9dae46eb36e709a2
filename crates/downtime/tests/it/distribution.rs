//! From the sealer to a station: what changes travels, what is wrong is refused, and the last good one is never lost.

mod attacks;
mod heartbeats;
mod lasting;
mod pulling;
mod shop;
