//! MySQL and MariaDB: a read-only transaction on a consistent snapshot, in the text protocol.
//!
//! Tables without transactions (MyISAM) are read as they are at each question. Deliberately absent: passwords over an open line by RSA,
//! which MySQL 8 asks for where there is no TLS (decision 0025).

use chart::Moment;
use downtime::sources::sql::{Database, Dialect, Fault, Rows, Session};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlRow, MySqlSslMode, MySqlTypeInfo};
use sqlx::{AssertSqlSafe, ConnectOptions, Decode, Executor, MySql as Engine, Row, Type, TypeInfo};

use crate::kind::Kind;
use crate::session::{Begun, Driver, Live, Meaning};
use crate::settings::{Line, Place, Settings};
use crate::stream::{Ended, Reading, answer, told};

/// The port it listens on unless told otherwise.
pub const PORT: u16 = 3306;

/// Longest text that GROUP_CONCAT may make, in bytes: its own limit of 1024 would cut silently.
const GROUP_CONCAT: u32 = 16 << 20;

/// Rights that only look.
const LOOKING: [&str; 11] = [
    "USAGE",
    "SELECT",
    "SHOW VIEW",
    "SHOW DATABASES",
    "PROCESS",
    "REPLICATION CLIENT",
    "BINLOG MONITOR",
    "SLAVE MONITOR",
    "REPLICA MONITOR",
    "LOCK TABLES",
    "SHOW_ROUTINE",
];

/// The text protocol.
struct Written;

/// A MySQL or MariaDB server.
#[derive(Debug, Clone)]
pub struct MySql {
    settings: Settings,
}

impl MySql {
    /// The server of these settings.
    #[must_use]
    pub const fn new(settings: Settings) -> Self {
        Self { settings }
    }

    fn options(&self, line: &Line) -> MySqlConnectOptions {
        let settings = &self.settings;
        let mut options = MySqlConnectOptions::new()
            .username(&settings.user)
            .database(&settings.database)
            .charset("utf8mb4")
            // Times of the hospital. As a difference: servers know names of zones only where somebody loaded them.
            .timezone(Some("+09:00".to_owned()))
            // The hospital's questions mean what they mean in its other tools.
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            // Questions name patients: they stay out of logs.
            .disable_statement_logging();
        if let Some(secret) = &settings.secret {
            options = options.password(secret.reveal());
        }
        options = match &settings.place {
            Place::Tcp(host, port) => options.host(host).port(*port),
            Place::Socket(path, _) => options.socket(path),
        };
        match line {
            Line::Plain => options.ssl_mode(MySqlSslMode::Disabled),
            Line::Tls(ca) => options
                .ssl_mode(MySqlSslMode::VerifyIdentity)
                .ssl_ca_from_pem(ca.clone()),
        }
    }
}

impl Database for MySql {
    fn dialect(&self) -> Dialect {
        Dialect::MySql
    }

    fn open(&self) -> Result<Box<dyn Session + '_>, Fault> {
        self.settings.line()?;
        Ok(Box::new(Live::open(self)?))
    }
}

impl Driver for MySql {
    type Connection = MySqlConnection;

    fn settings(&self) -> &Settings {
        &self.settings
    }

    async fn begin(&self) -> Result<Begun<MySqlConnection>, sqlx::Error> {
        let line = self
            .settings
            .line()
            .map_err(|fault| sqlx::Error::Configuration(fault.to_string().into()))?;
        let mut connection = self.options(&line).connect().await?;
        let version = told::<Written, _>(&mut connection, "SELECT VERSION()").await?;
        let maria = version.iter().flatten().any(|text| text.contains("MariaDB"));
        let limit = if maria {
            format!("max_statement_time = {:.3}", self.settings.answer_within.as_secs_f64())
        } else {
            format!("max_execution_time = {}", self.settings.answer_within.as_millis())
        };
        // Both: without the session's setting MariaDB ends the transaction for a DROP TABLE, and then does it.
        for setting in [
            format!("SET SESSION {limit}, SESSION group_concat_max_len = {GROUP_CONCAT}"),
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY".to_owned(),
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY".to_owned(),
        ] {
            connection.execute(sqlx::raw_sql(AssertSqlSafe(setting))).await?;
        }
        let read_only = if maria {
            "@@SESSION.tx_read_only"
        } else {
            "@@SESSION.transaction_read_only"
        };
        let about = told::<Written, _>(&mut connection, &format!("SELECT UNIX_TIMESTAMP(), {read_only}")).await?;
        let Some([now, read_only]) = about.first().map(Vec::as_slice) else {
            return Err(sqlx::Error::Protocol("about the transaction".to_owned()));
        };
        if read_only != "1" && read_only != "ON" {
            return Err(sqlx::Error::Protocol("the transaction is not read-only".to_owned()));
        }
        let now = now.parse().ok().map(Moment);
        let grants = told::<Written, _>(&mut connection, "SHOW GRANTS").await?;
        Ok(Begun {
            connection,
            now,
            writes: grants.iter().flatten().find_map(|grant| writes(grant)),
        })
    }

    async fn answer(
        &self,
        connection: &mut MySqlConnection,
        sql: &str,
        rows: &mut dyn Rows,
    ) -> Result<Ended, sqlx::Error> {
        answer::<Written, _>(connection, sql, rows).await
    }

    async fn go_on(&self, _: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        // A refused question leaves the transaction as it was.
        Ok(())
    }

    fn meaning(&self, error: &(dyn sqlx::error::DatabaseError + 'static)) -> Meaning {
        let number = error
            .try_downcast_ref::<MySqlDatabaseError>()
            .map_or(0, MySqlDatabaseError::number);
        match number {
            // Interrupted, by its limit of time or by somebody.
            1317 | 1969 | 3024 => Meaning::Ended,
            1044 | 1045 | 1698 | 1130 | 1129 | 4151 | 3118 | 1820 | 1862 => Meaning::Account,
            1053 | 1077..=1080 | 1927 | 2006 | 2013 => Meaning::Gone,
            _ => Meaning::Refused,
        }
    }
}

/// What a line of `SHOW GRANTS` allows beyond looking.
fn writes(grant: &str) -> Option<String> {
    let rest = grant.strip_prefix("GRANT ")?;
    let Some((rights, on)) = rest.split_once(" ON ") else {
        // GRANT `role`@`%` TO `reader`@`%`: what the role may do is on lines of its own only where it is in force.
        let role = rest.split(" TO ").next().unwrap_or(rest);
        return Some(format!("役割 {role} を持っています。役割の権限は確かめていません"));
    };
    let on = on.split(" TO ").next().unwrap_or(on);
    let mut depth = 0_u32;
    let rights = rights.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    for right in rights {
        let right = right.split('(').next().unwrap_or(right).trim();
        if !LOOKING.contains(&right) && right != "PROXY" {
            return Some(format!("{on} に {right}"));
        }
    }
    grant
        .contains(" WITH GRANT OPTION")
        .then(|| format!("{on} に GRANT OPTION"))
}

impl Reading for Written {
    type Engine = Engine;

    fn kind(given: &MySqlTypeInfo) -> Kind {
        match given.name() {
            "FLOAT" | "DOUBLE" => Kind::Float,
            "TIMESTAMP" | "DATETIME" | "TIME" => Kind::Time,
            "BIT" => Kind::Bits,
            "GEOMETRY" => Kind::Bytes,
            // Texts that compare by their bytes are called binary too; what has no character set is not compatible with text.
            _ if <[u8] as Type<Engine>>::compatible(given) && !<str as Type<Engine>>::compatible(given) => Kind::Bytes,
            _ => Kind::Text,
        }
    }

    fn bytes(row: &MySqlRow, at: usize) -> Result<Option<&[u8]>, sqlx::Error> {
        // Its only fault is NULL.
        Ok(<&[u8] as Decode<Engine>>::decode(row.try_get_raw(at)?).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::writes;

    #[test]
    fn rights_beyond_looking_are_named() {
        for good in [
            "GRANT USAGE ON *.* TO `reader`@`%` IDENTIFIED BY PASSWORD '*00'",
            "GRANT SELECT, SHOW VIEW ON `ehr`.* TO `reader`@`%`",
            "GRANT SELECT (`A`, `INSERT`), SHOW VIEW ON `ehr`.`t` TO `reader`@`%`",
        ] {
            assert_eq!(writes(good), None, "{good}");
        }
        for (bad, word) in [
            (
                "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION",
                "ALL PRIVILEGES",
            ),
            ("GRANT SELECT, INSERT ON `ehr`.* TO `reader`@`%`", "INSERT"),
            (
                "GRANT SELECT (`A`, `B`), UPDATE (`B`) ON `ehr`.`t` TO `reader`@`%`",
                "UPDATE",
            ),
            (
                "GRANT SELECT ON `ehr`.* TO `reader`@`%` WITH GRANT OPTION",
                "GRANT OPTION",
            ),
            ("GRANT `writer`@`%` TO `reader`@`%`", "役割 `writer`@`%`"),
        ] {
            assert!(
                writes(bad).is_some_and(|what| what.contains(word)),
                "{bad}: {:?}",
                writes(bad)
            );
        }
    }
}
