//! What the sources share: facts about people come in one by one, charts go out.
//!
//! A source turns foreign bytes into facts and says where each stands; which facts a chart takes, in which order, what is told
//! where something is missing or contradicts itself, is decided here and is the same for all of them.

pub use self::draft::{Draft, Frame};
pub use self::gathering::{About, CLINICAL, Gathering, MAX_EVERYBODY, as_of};
pub use self::identity::{
    Identity, MAX_LISTED, NAMELESS, compare as compare_identity, complete as complete_identity, fits as same_name,
    is_lossy as is_lossy_name,
};
pub use self::ledger::{Ledger, MAX_PER_CHART, Sink};
pub use self::people::{Key, People, Person, Reach};
pub use self::said::{AllergySaid, DrugSaid, Limits, kind_word};
pub use self::wards::{Crowded, Wards};

mod blood;
mod draft;
mod gathering;
mod identity;
mod ledger;
pub mod names;
mod people;
mod said;
mod select;
mod stay;
pub mod ward;
mod wards;
