//! PostgreSQL: a transaction that reads one moment, in the text protocol.
//!
//! Nothing of it is written anywhere: the transaction is read-only on the server and is never committed.

use chart::Moment;
use downtime::sources::sql::{Database, Dialect, Fault, Rows, Session};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow, PgSslMode, PgTypeInfo};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Postgres, Row, TypeInfo, ValueRef};

use crate::kind::Kind;
use crate::session::{Begun, Driver, Live, Meaning};
use crate::settings::{Line, Place, Settings};
use crate::stream::{Ended, Reading, answer, told};

/// The port it listens on unless told otherwise.
pub const PORT: u16 = 5432;

/// What of the tables the account sees may be written, the encoding of the database, its clock. One row.
const ABOUT: &str = "SELECT current_setting('transaction_read_only'), \
     floor(extract(epoch FROM transaction_timestamp()))::bigint, \
     (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user), \
     (SELECT min(n.nspname || '.' || c.relname) FROM pg_catalog.pg_class c \
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
       WHERE c.relkind IN ('r', 'p', 'f', 'v') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
         AND has_schema_privilege(n.oid, 'USAGE') \
         AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))";

/// The text protocol.
struct Written;

/// A PostgreSQL server.
#[derive(Debug, Clone)]
pub struct PostgreSql {
    settings: Settings,
}

impl PostgreSql {
    /// The server of these settings.
    #[must_use]
    pub const fn new(settings: Settings) -> Self {
        Self { settings }
    }

    fn options(&self, line: &Line) -> PgConnectOptions {
        let settings = &self.settings;
        let mut options = PgConnectOptions::new_without_pgpass()
            .username(&settings.user)
            .password(settings.secret.as_ref().map_or("", |secret| secret.reveal()))
            .database(&settings.database)
            .application_name("tomoshibi")
            // As the server writes binary numbers by itself: in new ones exactly, in old ones to the digits that were meant.
            .extra_float_digits(None)
            .options([
                ("default_transaction_read_only", "on"),
                ("client_min_messages", "error"),
            ])
            // Questions name patients: they stay out of logs.
            .disable_statement_logging();
        options = match &settings.place {
            Place::Tcp(host, port) => options.host(host).port(*port),
            Place::Socket(folder, port) => options.host("localhost").socket(folder).port(*port),
        };
        match line {
            Line::Plain => options.ssl_mode(PgSslMode::Disable),
            Line::Tls(ca) => options
                .ssl_mode(PgSslMode::VerifyFull)
                .ssl_root_cert_from_pem(ca.clone()),
        }
    }
}

impl Database for PostgreSql {
    fn dialect(&self) -> Dialect {
        Dialect::PostgreSql
    }

    fn open(&self) -> Result<Box<dyn Session + '_>, Fault> {
        self.settings.line()?;
        Ok(Box::new(Live::open(self)?))
    }
}

impl Driver for PostgreSql {
    type Connection = PgConnection;

    fn settings(&self) -> &Settings {
        &self.settings
    }

    async fn begin(&self) -> Result<Begun<PgConnection>, sqlx::Error> {
        let line = self
            .settings
            .line()
            .map_err(|fault| sqlx::Error::Configuration(fault.to_string().into()))?;
        let mut connection = self.options(&line).connect().await?;
        // Dates in one way whatever the server's settings; the hospital's own time; then one moment for every question.
        let setting = format!(
            "SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'; SET TimeZone = 'Asia/Tokyo'; \
             SET standard_conforming_strings = on; SET statement_timeout = {}; \
             BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            self.settings.answer_within.as_millis()
        );
        connection.execute(sqlx::raw_sql(AssertSqlSafe(setting))).await?;
        let about = told::<Written, _>(&mut connection, ABOUT).await?;
        let about = about.first().map(Vec::as_slice).unwrap_or_default();
        let [read_only, now, superuser, writable] = about else {
            return Err(sqlx::Error::Protocol("about the transaction".to_owned()));
        };
        if read_only != "on" {
            return Err(sqlx::Error::Protocol("the transaction is not read-only".to_owned()));
        }
        // What a refused question loses is taken back to here, and the moment stays.
        connection.execute(sqlx::raw_sql("SAVEPOINT begun")).await?;
        let writes = if superuser == "t" {
            Some("superuser です".to_owned())
        } else {
            (!writable.is_empty()).then(|| format!("{writable} などに書けます"))
        };
        Ok(Begun {
            connection,
            now: now.parse().ok().map(Moment),
            writes,
        })
    }

    async fn answer(
        &self,
        connection: &mut PgConnection,
        sql: &str,
        rows: &mut dyn Rows,
    ) -> Result<Ended, sqlx::Error> {
        answer::<Written, _>(connection, sql, rows).await
    }

    async fn go_on(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        connection
            .execute(sqlx::raw_sql("ROLLBACK TO SAVEPOINT begun"))
            .await
            .map(|_| ())
    }

    fn meaning(&self, error: &(dyn sqlx::error::DatabaseError + 'static)) -> Meaning {
        let code = error.code().unwrap_or_default();
        match code.as_ref() {
            "57014" => Meaning::Ended,
            code if code.starts_with("28") => Meaning::Account,
            "25P03" | "25P04" => Meaning::Gone,
            code if code.starts_with("08") || code.starts_with("57P") => Meaning::Gone,
            _ => Meaning::Refused,
        }
    }
}

impl Reading for Written {
    type Engine = Postgres;

    fn kind(given: &PgTypeInfo) -> Kind {
        match given.name() {
            "BOOL" => Kind::Truth,
            "FLOAT4" | "FLOAT8" => Kind::Float,
            "BYTEA" => Kind::Hex,
            "TIMESTAMP" | "TIMESTAMPTZ" | "TIME" => Kind::Time,
            _ => Kind::Text,
        }
    }

    fn bytes(row: &PgRow, at: usize) -> Result<Option<&[u8]>, sqlx::Error> {
        let value = row.try_get_raw(at)?;
        Ok(if value.is_null() { None } else { value.as_bytes().ok() })
    }
}
