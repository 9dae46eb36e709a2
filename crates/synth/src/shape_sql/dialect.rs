//! Three dialects of SQL: how a database writes its columns and its literals.
//!
//! The script for SQL Server is ASCII: what is not is given as bytes of CP932, as they lie in a `VARCHAR` column of a Japanese collation,
//! gaiji and all. The bytes are kept whatever the client's code page is.

use super::tables::{Kind, Table};
use crate::amount::Amount;
use crate::calendar::compact;
use crate::cp932::{self, Lost};
use jiff::civil::{Date, DateTime, Time};
use std::fmt::Write as _;

/// A dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
    /// SQL Server.
    SqlServer,
}

impl Dialect {
    /// All of them with the names of their files.
    pub(super) const ALL: [(Dialect, &'static str); 3] = [
        (Dialect::Postgres, "postgresql.sql"),
        (Dialect::MySql, "mysql.sql"),
        (Dialect::SqlServer, "sqlserver.sql"),
    ];
}

/// One value of a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cell<'a> {
    /// Text; nothing when empty.
    Text(&'a str),
    /// Text that SQL Server holds with half a character at its end.
    Torn(&'a str),
    /// A number.
    Int(i64),
    /// An amount.
    Amount(Amount),
    /// A date.
    Date(Date),
    /// A time.
    Time(Time),
    /// Both.
    Stamp(DateTime),
    /// Nothing.
    Null,
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Cell::Null, Into::into)
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Cell::Text(text)
    }
}

impl<'a> From<&'a String> for Cell<'a> {
    fn from(text: &'a String) -> Self {
        Cell::Text(text)
    }
}

impl From<i64> for Cell<'_> {
    fn from(number: i64) -> Self {
        Cell::Int(number)
    }
}

impl From<Amount> for Cell<'_> {
    fn from(amount: Amount) -> Self {
        Cell::Amount(amount)
    }
}

impl From<Date> for Cell<'_> {
    fn from(day: Date) -> Self {
        Cell::Date(day)
    }
}

impl From<Time> for Cell<'_> {
    fn from(time: Time) -> Self {
        Cell::Time(time)
    }
}

impl From<DateTime> for Cell<'_> {
    fn from(at: DateTime) -> Self {
        Cell::Stamp(at)
    }
}

impl Dialect {
    /// What stands before the tables.
    pub(super) fn head(self) -> &'static str {
        match self {
            Dialect::Postgres => "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\nBEGIN;\n",
            Dialect::MySql => "SET NAMES utf8mb4;\nSET SESSION sql_mode = 'STRICT_TRANS_TABLES';\nSTART TRANSACTION;\n",
            Dialect::SqlServer => "SET NOCOUNT ON;\nSET XACT_ABORT ON;\nGO\n",
        }
    }

    /// What stands behind the data.
    pub(super) fn foot(self) -> &'static str {
        match self {
            Dialect::Postgres | Dialect::MySql => "COMMIT;\n",
            Dialect::SqlServer => "GO\n",
        }
    }

    /// Makes a table.
    pub(super) fn create(self, table: &Table) -> String {
        let mut out = format!("CREATE TABLE {} (\n", table.name);
        for (name, kind) in table.columns {
            let must = table.columns.iter().take(table.key).any(|(key, _)| key == name);
            let null = if must { " NOT NULL" } else { "" };
            let _ = writeln!(out, "  {name} {}{null},", self.column(*kind));
        }
        let key: Vec<&str> = table.columns.iter().take(table.key).map(|(name, _)| *name).collect();
        let _ = writeln!(out, "  PRIMARY KEY ({})", key.join(", "));
        out.push_str(match self {
            Dialect::Postgres => ");\n",
            Dialect::MySql => ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;\n",
            Dialect::SqlServer => ");\nGO\n",
        });
        out
    }

    fn column(self, kind: Kind) -> String {
        let server = self == Dialect::SqlServer;
        match kind {
            Kind::Id if server => "CHAR(10) COLLATE Japanese_CI_AS".to_owned(),
            Kind::Id => "VARCHAR(10)".to_owned(),
            // Two bytes a character, and one for what a careless writer cut.
            Kind::Text(most) if server => format!("VARCHAR({}) COLLATE Japanese_CI_AS", most * 2 + 1),
            Kind::Text(most) => format!("VARCHAR({most})"),
            Kind::Long if server => "VARCHAR(MAX) COLLATE Japanese_CI_AS".to_owned(),
            Kind::Long => "TEXT".to_owned(),
            Kind::Int => "INT".to_owned(),
            Kind::Amount => "DECIMAL(12,3)".to_owned(),
            Kind::Date if server => "DATETIME".to_owned(),
            Kind::Date => "DATE".to_owned(),
            Kind::Date8 => "VARCHAR(8)".to_owned(),
            Kind::Clock => "CHAR(4)".to_owned(),
            Kind::Stamp if self == Dialect::Postgres => "TIMESTAMP(0)".to_owned(),
            Kind::Stamp => "DATETIME".to_owned(),
        }
    }

    /// Writes a value of a column; `lost` stands for what CP932 lacks.
    pub(super) fn value(self, cell: Cell<'_>, kind: Kind, lost: Lost, out: &mut String) {
        let _ = match (cell, kind) {
            (Cell::Null, _) => out.write_str("NULL"),
            // An empty text is nothing in one database and an empty text in the others.
            (Cell::Text("") | Cell::Torn(""), _) if self == Dialect::Postgres => out.write_str("NULL"),
            (Cell::Text(text), _) => {
                self.text(text, false, lost, out);
                Ok(())
            }
            (Cell::Torn(text), _) => {
                self.text(text, true, lost, out);
                Ok(())
            }
            (Cell::Int(number), _) => write!(out, "{number}"),
            (Cell::Amount(amount), _) => write!(out, "{amount}"),
            (Cell::Date(day), Kind::Date8) => write!(out, "'{}'", compact(day)),
            // The one form that SQL Server reads the same in every language.
            (Cell::Date(day), _) if self == Dialect::SqlServer => write!(out, "'{}'", compact(day)),
            (Cell::Date(day), _) => write!(out, "'{day}'"),
            (Cell::Time(time), _) => write!(out, "'{:02}{:02}'", time.hour(), time.minute()),
            (Cell::Stamp(at), _) => {
                let (day, time) = (at.date(), at.time());
                let between = if self == Dialect::SqlServer { 'T' } else { ' ' };
                write!(
                    out,
                    "'{day}{between}{:02}:{:02}:{:02}'",
                    time.hour(),
                    time.minute(),
                    time.second()
                )
            }
        };
    }

    fn text(self, text: &str, torn: bool, lost: Lost, out: &mut String) {
        match self {
            Dialect::SqlServer if torn || !text.is_ascii() || text.contains('\n') => {
                let mut bytes = Vec::new();
                cp932::encode(&text.replace('\n', "\r\n"), lost, &mut bytes);
                if torn {
                    // The first half of a character that a program cut at a number of bytes.
                    bytes.push(0x8e);
                }
                out.push_str("CONVERT(VARCHAR(MAX),0x");
                for byte in bytes {
                    let _ = write!(out, "{byte:02X}");
                }
                out.push(')');
            }
            Dialect::MySql => {
                out.push('\'');
                for c in text.chars() {
                    match c {
                        '\'' => out.push_str("''"),
                        '\\' => out.push_str("\\\\"),
                        '\n' => out.push_str("\\n"),
                        other => out.push(other),
                    }
                }
                out.push('\'');
            }
            Dialect::Postgres | Dialect::SqlServer => {
                out.push('\'');
                out.push_str(&text.replace('\'', "''"));
                out.push('\'');
            }
        }
    }
}
