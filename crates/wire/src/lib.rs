//! The line to a machine that the hospital named: HTTP and HTTPS with limits, TLS by the hospital's own authority, and a key that signs.
//!
//! Deliberately absent: what is said over the line, lists of public authorities, proxies, redirects, cookies. What may be retried is
//! decided by whoever asks.

mod client;
pub mod hospital;
mod key;
pub mod tls;

pub use client::{Client, Fault, Limits, Method, Request, Response};
pub use key::{Algorithm, Key, KeyFault};
