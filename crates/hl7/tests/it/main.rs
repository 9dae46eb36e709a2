//! The parser and the codec against what hospitals really send, and against what nobody should.

mod damage;
mod hospital;
mod properties;
