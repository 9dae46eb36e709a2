//! Bytes of whole charts and entries: they come back as they were, and damage is an error.

mod bytes;
