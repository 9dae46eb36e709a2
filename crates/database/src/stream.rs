//! One question sent, its answer handed over row by row as it comes in: the same for every driver of `sqlx`.
//!
//! The text protocol is used on purpose: the database writes its values as people read them, with the digits they were stored with.
//! Never more than what the driver has buffered is in memory here.

use downtime::sources::sql::Rows;
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Column, Database, Either, Executor, Row, SqlSafeStr, Statement};

use crate::kind::Kind;

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With its last row.
    Whole,
    /// Before it: the receiver wanted no more.
    Stopped,
}

/// What a driver tells about its columns and values.
pub trait Reading {
    /// Its database.
    type Engine: Database;

    /// How a type is written in the text protocol.
    fn kind(given: &<Self::Engine as Database>::TypeInfo) -> Kind;

    /// The bytes of a value of a row, none where it is NULL.
    fn bytes(row: &<Self::Engine as Database>::Row, at: usize) -> Result<Option<&[u8]>, sqlx::Error>;
}

/// Asks, and hands over the heading and the rows.
pub async fn answer<R, DB>(
    connection: &mut DB::Connection,
    sql: &str,
    rows: &mut dyn Rows,
) -> Result<Ended, sqlx::Error>
where
    R: Reading<Engine = DB>,
    DB: Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let mut kinds = Vec::new();
    let mut begun = false;
    let mut room = Vec::new();
    let mut answer = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_many(&mut *connection);
    while let Some(next) = answer.try_next().await? {
        let Either::Right(row) = next else { continue };
        if !begun {
            begun = true;
            if !heading::<R>(row.columns(), &mut kinds, rows) {
                return Ok(Ended::Stopped);
            }
        }
        for (at, kind) in kinds.iter().enumerate() {
            kind.hand(R::bytes(&row, at)?, &mut room, rows);
        }
        if rows.end_row().is_break() {
            return Ok(Ended::Stopped);
        }
    }
    drop(answer);
    if !begun {
        // The driver shows columns with rows only, and an answer of no rows is an answer all the same.
        let statement = connection.prepare(AssertSqlSafe(sql.to_owned()).into_sql_str()).await?;
        if !heading::<R>(statement.columns(), &mut kinds, rows) {
            return Ok(Ended::Stopped);
        }
    }
    Ok(Ended::Whole)
}

fn heading<R: Reading>(
    columns: &[<R::Engine as Database>::Column],
    kinds: &mut Vec<Kind>,
    rows: &mut dyn Rows,
) -> bool {
    let names: Vec<&str> = columns.iter().map(Column::name).collect();
    kinds.extend(columns.iter().map(|column| R::kind(column.type_info())));
    names.is_empty() || rows.heading(&names).is_continue()
}

/// One row of the server's own settings, as text.
pub async fn told<R, DB>(connection: &mut DB::Connection, sql: &str) -> Result<Vec<Vec<String>>, sqlx::Error>
where
    R: Reading<Engine = DB>,
    DB: Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let mut lines = Vec::new();
    let mut answer = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch(&mut *connection);
    while let Some(row) = answer.try_next().await? {
        let mut line = Vec::new();
        for at in 0..row.columns().len() {
            let bytes = R::bytes(&row, at)?.unwrap_or_default();
            line.push(String::from_utf8_lossy(bytes).into_owned());
        }
        if lines.len() < MOST_LINES {
            lines.push(line);
        }
    }
    Ok(lines)
}

/// Most lines of settings that are looked at.
const MOST_LINES: usize = 1000;
