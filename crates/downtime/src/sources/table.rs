//! Placeholder header: the table source is being written.
