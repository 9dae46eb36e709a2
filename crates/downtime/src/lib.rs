//! downtime
