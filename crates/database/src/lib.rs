//! Databases of the hospital, spoken to in their own protocols: what `downtime::sources::sql` asks is sent, and rows come back as text.
//!
//! Every session reads only: a read-only transaction on the server, whatever the account may do. Deliberately absent: what is asked, what
//! the answers mean, where the secret lies, pools of connections, anything that writes.

pub mod settings;
pub mod sqlserver;
mod waiting;

pub use settings::{Line, Place, Secret, Settings};
pub use waiting::Waiting;
