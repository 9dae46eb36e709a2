//! Databases of the hospital, spoken to in their own protocols: what `downtime::sources::sql` asks is sent, and rows come back as text.
//!
//! Every session reads only: a read-only transaction on the server, whatever the account may do. Deliberately absent: what is asked, what
//! the answers mean, where the secret lies, pools of connections, anything that writes.

mod kind;
pub mod mysql;
#[cfg(feature = "odbc")]
pub mod odbc;
pub mod postgresql;
mod session;
pub mod settings;
pub mod sqlserver;
mod stream;
mod waiting;

pub use mysql::MySql;
#[cfg(feature = "odbc")]
pub use odbc::Odbc;
pub use postgresql::PostgreSql;
pub use session::{account_writes, second_transaction};
pub use settings::{Line, Place, Secret, Settings};
pub use sqlserver::SqlServer;
pub use waiting::Waiting;
