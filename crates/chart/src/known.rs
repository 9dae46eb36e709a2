//! The four states of what we know: present, confirmed none, not recorded, could not be fetched.
//!
//! Blank is never a value. A list that is empty because nobody asked and a list that is empty because somebody
//! asked and the answer was no are different facts, and confusing them harms people.

use jiff::civil::Date;
use minicbor::{Decode, Encode};

use crate::as_of::Moment;

/// One of the four states every clinical panel, screen and printed box shows.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Known<T> {
    /// あり: the EHR holds this.
    #[n(0)]
    Present(#[n(0)] T),
    /// なし（確認済）: a person confirmed that there is none, on this day if the EHR says which.
    #[n(1)]
    ConfirmedNone {
        /// Day of the confirmation.
        #[cbor(n(0), with = "crate::codec::maybe_date")]
        on: Option<Date>,
    },
    /// 未確認（記録なし）: the EHR holds nothing, and nothing says that anybody asked.
    #[n(2)]
    NotRecorded,
    /// 取得できず: the source could not be read; the truth is in the EHR, not here.
    #[n(3)]
    Unavailable {
        /// Since when reading has failed, if known.
        #[n(0)]
        since: Option<Moment>,
    },
}

/// What was never asked for is not known to be absent: a record written before a kind of data existed could not fetch it.
impl<T> Default for Known<T> {
    fn default() -> Self {
        Self::Unavailable { since: None }
    }
}

impl<T> Known<T> {
    /// The value, when there is one.
    pub const fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            _ => None,
        }
    }

    /// The word used in code, on wire and in style sheets: `known`, `none`, `not_recorded`, `unavailable`.
    pub const fn state(&self) -> &'static str {
        match self {
            Self::Present(_) => "known",
            Self::ConfirmedNone { .. } => "none",
            Self::NotRecorded => "not_recorded",
            Self::Unavailable { .. } => "unavailable",
        }
    }
}

impl<T> Known<Vec<T>> {
    /// The items, or an empty slice in the three states without any.
    pub fn items(&self) -> &[T] {
        self.present().map_or(&[], Vec::as_slice)
    }

    /// A list from a source: empty means nobody recorded anything.
    #[must_use]
    pub fn from_list(list: Vec<T>) -> Self {
        if list.is_empty() {
            Self::NotRecorded
        } else {
            Self::Present(list)
        }
    }
}
