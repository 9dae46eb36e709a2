//! One read-only transaction from its beginning to its end, whatever the database: limits, the line that breaks, the second beginning.
//!
//! Deliberately absent: how a database is spoken to, see the drivers.

use std::time::Duration;

use chart::{Finding, Moment, Severity};
use downtime::sources::sql::{Fault, Rows, Session};
use tokio::time::Instant;

use crate::settings::{PATIENCE, Place, Settings};
use crate::stream::Ended;
use crate::waiting::Waiting;

/// What a session needs of a driver.
pub trait Driver {
    /// A connection.
    type Connection;

    /// Where, and how long.
    fn settings(&self) -> &Settings;

    /// Connects and begins the read-only transaction.
    async fn begin(&self) -> Result<Begun<Self::Connection>, sqlx::Error>;

    /// Asks one question.
    async fn answer(
        &self,
        connection: &mut Self::Connection,
        sql: &str,
        rows: &mut dyn Rows,
    ) -> Result<Ended, sqlx::Error>;

    /// After a refused question: goes on in the same transaction where that can be.
    async fn go_on(&self, connection: &mut Self::Connection) -> Result<(), sqlx::Error>;

    /// What the database's own word for an error means.
    fn meaning(&self, error: &(dyn sqlx::error::DatabaseError + 'static)) -> Meaning;
}

/// A transaction that has begun.
pub struct Begun<C> {
    /// Its connection.
    pub connection: C,
    /// The server's clock, seconds since 1970.
    pub now: Option<Moment>,
    /// What may write, or why that is not known; none where nothing may.
    pub writes: Option<String>,
}

/// What a database means by an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// This question is not answered.
    Refused,
    /// It was ended, perhaps by the limit of time.
    Ended,
    /// The server goes, or has closed the line.
    Gone,
    /// The account is not let in.
    Account,
}

/// A session of a driver.
pub struct Live<'d, D: Driver> {
    driver: &'d D,
    // Before what drives it: a line is closed while its driver still lives.
    connection: Option<D::Connection>,
    waiting: Waiting,
    now: Option<Moment>,
    remarks: Vec<Finding>,
    begun_again: bool,
}

impl<'d, D: Driver> Live<'d, D> {
    /// Opens it.
    pub fn open(driver: &'d D) -> Result<Self, Fault> {
        let waiting = Waiting::new()?;
        let begun = begin(driver, &waiting)?;
        let remarks = begun.writes.as_deref().map(account_writes).into_iter().collect();
        Ok(Self {
            driver,
            connection: Some(begun.connection),
            waiting,
            now: begun.now,
            remarks,
            begun_again: false,
        })
    }

    fn connection(&mut self) -> Result<D::Connection, Fault> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let begun = begin(self.driver, &self.waiting)?;
        if !std::mem::replace(&mut self.begun_again, true) {
            self.remarks.push(second_transaction());
        }
        Ok(begun.connection)
    }
}

impl<D: Driver> Session for Live<'_, D> {
    fn now(&self) -> Option<Moment> {
        self.now
    }

    fn ask(&mut self, sql: &str, rows: &mut dyn Rows) -> Result<(), Fault> {
        let settings = self.driver.settings();
        let limit = settings.answer_within;
        let mut connection = self.connection()?;
        let begun = Instant::now();
        let ended = self
            .waiting
            .within(limit + PATIENCE, self.driver.answer(&mut connection, sql, rows));
        let error = match ended {
            Some(Ok(Ended::Whole)) => {
                self.connection = Some(connection);
                return Ok(());
            }
            // What is still on its way would have to be read to its end: hanging up is kinder to the server.
            Some(Ok(Ended::Stopped)) => return Err(Fault::Stopped),
            None => return Err(Fault::TooSlow(limit.as_secs())),
            Some(Err(error)) => error,
        };
        let fault = fault(self.driver, &error, Some(begun.elapsed()));
        if !matches!(fault, Fault::Connection(_)) {
            let going = self.waiting.within(PATIENCE, self.driver.go_on(&mut connection));
            if let Some(Ok(())) = going {
                self.connection = Some(connection);
            }
        }
        Err(fault)
    }

    fn remarks(&self) -> Vec<Finding> {
        self.remarks.clone()
    }
}

fn begin<D: Driver>(driver: &D, waiting: &Waiting) -> Result<Begun<D::Connection>, Fault> {
    let settings = driver.settings();
    waiting
        .within(settings.connect_within, driver.begin())
        .ok_or_else(|| {
            let seconds = settings.connect_within.as_secs();
            Fault::Connection(format!("{} から{seconds}秒以内に返事がありません", settings.place))
        })?
        .map_err(|error| match fault(driver, &error, None) {
            Fault::Connection(why) => Fault::Connection(why),
            other => Fault::Connection(format!("{}: {other}", settings.place)),
        })
}

/// What an error is, for people. `took`: how long the question ran.
fn fault<D: Driver>(driver: &D, error: &sqlx::Error, took: Option<Duration>) -> Fault {
    let settings = driver.settings();
    let place = &settings.place;
    match error {
        sqlx::Error::Database(said) => match driver.meaning(said.as_ref()) {
            Meaning::Ended if took.is_some_and(|took| took + PATIENCE / 5 >= settings.answer_within) => {
                Fault::TooSlow(settings.answer_within.as_secs())
            }
            Meaning::Refused | Meaning::Ended => Fault::Refused(said.message().to_owned()),
            Meaning::Gone => Fault::Connection(format!("{place}: {}", said.message())),
            Meaning::Account => Fault::Connection(format!(
                "{place} が口座 {} を受け付けません。パスワードと、許された接続元を確かめてください。データベースの返事: {}",
                settings.user,
                said.message()
            )),
        },
        sqlx::Error::Io(said) if unproven(said) => not_proven(place, said),
        sqlx::Error::Io(said) => Fault::Connection(format!("{place} と通信できません（{said}）")),
        sqlx::Error::Tls(said) => not_proven(place, said),
        sqlx::Error::Configuration(said) => Fault::Connection(format!("{place}: {said}")),
        other => Fault::Connection(format!("{place} の返事が分かりません（{other}）")),
    }
}

fn not_proven(place: &Place, said: &dyn std::fmt::Display) -> Fault {
    Fault::Connection(format!(
        "{place} が本物か確かめられません。何も送っていません。ca の証明書と host の名前を確かめてください（{said}）"
    ))
}

/// The handshake is read and written like any other line: what is wrong with a certificate comes as an error of that, known by the
/// words of rustls.
fn unproven(error: &std::io::Error) -> bool {
    error.to_string().starts_with("invalid peer certificate")
}

/// The account may do more than read.
pub fn account_writes(what: &str) -> Finding {
    Finding::new(
        "sql.account_writes",
        Severity::Warning,
        format!(
            "データベースの口座は読むだけではありません（{what}）。この取り出しは読み取り専用で行いました。読むだけの口座に替えてください。"
        ),
    )
}

/// Answers before and after were not given at one moment.
pub fn second_transaction() -> Finding {
    Finding::new(
        "sql.second_transaction",
        Severity::Note,
        "途中で接続し直したので、その前と後の問い合わせは、同じ時点のデータではありません。",
    )
}
