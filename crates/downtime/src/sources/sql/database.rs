//! What a source needs of a database: to be opened, asked, and to hand over rows one by one.
//!
//! Drivers live elsewhere and are lent as these traits, so that the source can be tried without a server and a database be added
//! without touching the source.

use std::ops::ControlFlow;

use chart::{Finding, Moment};

/// A database that can be asked.
pub trait Database {
    /// How it writes dates and quotes names.
    fn dialect(&self) -> Dialect;

    /// Connects and begins one read-only transaction, in which every question sees the same data as far as the database can.
    ///
    /// # Errors
    /// [`Fault::Connection`].
    fn open(&self) -> Result<Box<dyn Session + '_>, Fault>;
}

/// A connection with its transaction. Dropping it ends both without changing anything.
pub trait Session {
    /// The server's clock when the transaction began.
    fn now(&self) -> Option<Moment>;

    /// Asks one question and hands over its heading, once, and then its rows. After any fault but [`Fault::Connection`] the next
    /// question can be asked, in a new transaction where the old one was lost.
    ///
    /// # Errors
    /// [`Fault`]; rows handed over before it are good.
    fn ask(&mut self, sql: &str, rows: &mut dyn Rows) -> Result<(), Fault>;

    /// What the hospital should know of this database: an account that may write, a column that may be lost, a second transaction.
    fn remarks(&self) -> Vec<Finding>;
}

/// Where rows go.
pub trait Rows {
    /// The columns of what follows. Said again by a second question, it must be the same columns.
    fn heading(&mut self, columns: &[&str]) -> ControlFlow<()>;

    /// The next field of the row.
    fn field(&mut self, field: Field<'_>);

    /// The row is complete. On `Break` no more rows are wanted, and the session ends the question with [`Fault::Stopped`].
    fn end_row(&mut self) -> ControlFlow<()>;
}

/// One field. Numbers as decimal digits (`1.50` stays `1.50`, never an exponent), dates as `2026-11-20`, times as `09:30:00`, both
/// with a blank between them, truth as `1` and `0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<'v> {
    /// NULL.
    Null,
    /// Text that the driver could read.
    Text(&'v str),
    /// Text in the hospital's encoding as it is stored: decoded here, so that a stray byte costs its field and nothing more.
    Bytes(&'v [u8]),
}

/// How a database wants its literals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL.
    PostgreSql,
    /// MySQL and MariaDB.
    MySql,
    /// SQL Server.
    SqlServer,
    /// Any other through ODBC, with its escapes for dates.
    Odbc,
}

/// Why a question has no answer, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The connection cannot be made or is gone.
    #[error("{0}")]
    Connection(String),
    /// The database refuses this question; its own words.
    #[error("データベースの返事: {0}")]
    Refused(String),
    /// It took longer than it may.
    #[error("{0}秒以内に終わりませんでした")]
    TooSlow(u64),
    /// The receiver wanted no more.
    #[error("上限に達しました")]
    Stopped,
}
