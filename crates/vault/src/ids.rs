//! Typed identifiers that appear in file headers and sealing contexts.
//!
//! They are opaque bytes to this crate: it neither makes them up (except an [`IncarnationId`], from the caller's
//! randomness) nor prints anything a person would recognise. They are not secrets.

use std::fmt;

/// Writes one fixed-size byte identifier: construction, bytes back, hexadecimal display.
macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;
            /// The raw bytes, as they are written to files.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

byte_id!(
    /// One hospital (or clinic). Chosen at set-up, the same in every file for ever.
    HospitalId, 16
);
byte_id!(
    /// One enrolled station (a terminal, or the hub). Chosen at enrolment.
    StationId, 16
);
byte_id!(
    /// One user, break-glass users included. Opaque: never a staff number in clear.
    UserId, 16
);
byte_id!(
    /// One life of a station's journal as a chain: random, renewed when a copied disk makes a fork.
    IncarnationId, 8
);

/// One role (reception, physician …) as a number the hospital's roster gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleId(pub u16);

/// One compartment: a set of patients that is opened together (a department, a ward, everybody).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CompartmentId(pub u16);
