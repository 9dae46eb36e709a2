//! Whatever has an ODBC driver: questions through unixODBC or Windows, on a thread of its own, because a driver that hangs cannot be
//! interrupted.
//!
//! How far a driver protects the line, keeps to one moment and reads only cannot be asked in one way, so nothing is promised: the source
//! says each time that the account must do it. Never committed. Deliberately absent: drivers.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use chart::{Finding, Moment, Severity};
use downtime::sources::sql::{Database, Dialect, Fault, Rows, Session};
use odbc_api::{Connection, ConnectionOptions, Cursor, CursorRow, DataType, Error, ResultSetMetadata, environment};
use tokio::time::Instant;

use crate::kind::Kind;
use crate::session::second_transaction;
use crate::settings::{PATIENCE, Secret};

/// Rows that lie ready between the driver's thread and ours, in messages.
const READY: usize = 16;
/// Rows of one message.
const TOGETHER: usize = 256;
/// Longest connection string.
const MAX_CONNECTION: usize = 4_096;

/// A database behind a driver.
#[derive(Debug, Clone)]
pub struct Odbc {
    /// The connection string without account and password.
    pub connection: String,
    /// The account, where the driver wants one.
    pub user: String,
    /// Its password.
    pub secret: Option<Secret>,
    /// How long a connection may take to be made.
    pub connect_within: Duration,
    /// How long one question may take.
    pub answer_within: Duration,
}

/// One value on its way between the threads.
enum Cell {
    Null,
    Bytes(Vec<u8>),
}

/// What the driver's thread says.
enum Said {
    Connected,
    Heading(Vec<(String, Kind)>),
    Rows(Vec<Vec<Cell>>),
    Done,
    Wrong(Fault),
}

/// The driver's thread from here.
struct Line {
    asks: Sender<String>,
    says: Receiver<Said>,
}

impl Odbc {
    fn text(&self) -> Result<String, Fault> {
        let wrong = |what: &str| Err(Fault::Connection(format!("connection {what}")));
        if self.connection.trim().is_empty() || self.connection.len() > MAX_CONNECTION {
            return wrong("に ODBC の接続文字列を書いてください");
        }
        let keys: BTreeSet<String> = self
            .connection
            .split(';')
            .filter_map(|part| part.split_once('='))
            .map(|(key, _)| key.trim().to_ascii_uppercase())
            .collect();
        if keys.contains("PWD") || keys.contains("PASSWORD") {
            return wrong("にパスワードを書かないでください。password_file に書きます");
        }
        let mut text = self.connection.trim_end_matches(';').to_owned();
        text.push(';');
        if !self.user.is_empty() {
            text.push_str(&format!("UID={};", braced(&self.user)));
        }
        if let Some(secret) = &self.secret {
            text.push_str(&format!("PWD={};", braced(secret.reveal())));
        }
        Ok(text)
    }

    fn connect(&self) -> Result<Line, Fault> {
        let text = self.text()?;
        let (asks, asked) = channel();
        let (says, said) = sync_channel(READY);
        let (settings, seconds) = (self.clone(), self.connect_within.as_secs());
        thread::Builder::new()
            .name("odbc".to_owned())
            .spawn(move || settings.drive(&text, &asked, &says))
            .map_err(|error| Fault::Connection(format!("スレッドを作れません（{error}）")))?;
        let line = Line { asks, says: said };
        match line.says.recv_timeout(self.connect_within + PATIENCE) {
            Ok(Said::Connected) => Ok(line),
            Ok(Said::Wrong(fault)) => Err(fault),
            Ok(_) | Err(RecvTimeoutError::Disconnected) => {
                Err(Fault::Connection("ODBC のドライバが途中で終わりました".to_owned()))
            }
            Err(RecvTimeoutError::Timeout) => Err(Fault::Connection(format!(
                "ODBC のドライバから{seconds}秒以内に返事がありません"
            ))),
        }
    }

    /// The driver's thread: connects, answers questions until nobody asks any more, and never commits.
    fn drive(&self, text: &str, asked: &Receiver<String>, says: &SyncSender<Said>) {
        let options = ConnectionOptions {
            login_timeout_sec: u32::try_from(self.connect_within.as_secs()).ok(),
            packet_size: None,
        };
        let connected = environment().and_then(|all| all.connect_with_connection_string(text, options));
        let connection = match connected.and_then(|connection| {
            connection.set_autocommit(false)?;
            Ok(connection)
        }) {
            Ok(connection) => connection,
            Err(error) => {
                let _ = says.send(Said::Wrong(Fault::Connection(self.words(&error))));
                return;
            }
        };
        if says.send(Said::Connected).is_err() {
            return;
        }
        while let Ok(question) = asked.recv() {
            let end = match self.answer(&connection, &question, says) {
                Ok(true) => Said::Done,
                // Nobody listens any more.
                Ok(false) => return,
                Err(error) => {
                    let gone = connection.is_dead().unwrap_or(true) || gone(&error);
                    let words = self.words(&error);
                    Said::Wrong(if gone {
                        Fault::Connection(words)
                    } else {
                        Fault::Refused(words)
                    })
                }
            };
            // A refused question may have ended the transaction in the driver's eyes; nothing of it is wanted anyway.
            if matches!(end, Said::Wrong(_)) {
                let _ = connection.rollback();
            }
            if says.send(end).is_err() {
                return;
            }
        }
        let _ = connection.rollback();
    }

    fn answer(&self, connection: &Connection<'_>, question: &str, says: &SyncSender<Said>) -> Result<bool, Error> {
        let seconds = usize::try_from(self.answer_within.as_secs()).ok();
        // Not every driver takes a limit; then ours holds.
        let cursor = match connection.execute(question, (), seconds) {
            Err(Error::Diagnostics { function, .. }) if function.contains("Attr") => {
                connection.execute(question, (), None)?
            }
            other => other?,
        };
        let Some(mut cursor) = cursor else { return Ok(true) };
        let mut columns = Vec::new();
        for at in 1..=u16::try_from(cursor.num_result_cols()?).unwrap_or(0) {
            columns.push((cursor.col_name(at)?, Column::of(cursor.col_data_type(at)?)));
        }
        let heading = columns
            .iter()
            .map(|(name, column)| (name.clone(), column.kind))
            .collect();
        if says.send(Said::Heading(heading)).is_err() {
            return Ok(false);
        }
        let mut rows = Vec::new();
        let mut wide = Vec::new();
        while let Some(mut row) = cursor.next_row()? {
            let mut cells = Vec::with_capacity(columns.len());
            for (at, (_, column)) in (1..).zip(&columns) {
                cells.push(column.cell(&mut row, at, &mut wide)?);
            }
            rows.push(cells);
            if rows.len() >= TOGETHER && says.send(Said::Rows(std::mem::take(&mut rows))).is_err() {
                return Ok(false);
            }
        }
        Ok(says.send(Said::Rows(rows)).is_ok())
    }

    /// The driver's own words, without the password should it be among them.
    fn words(&self, error: &Error) -> String {
        let text = match error {
            Error::Diagnostics { record, .. } => record.to_string(),
            other => other.to_string(),
        };
        match &self.secret {
            Some(secret) => text.replace(secret.reveal(), "…"),
            None => text,
        }
    }
}

/// A value of a connection string: in braces but for plain words, for drivers read `%`, `+` and `;` in their own ways.
fn braced(value: &str) -> String {
    let plain = value
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if plain {
        value.to_owned()
    } else {
        format!("{{{}}}", value.replace('}', "}}"))
    }
}

/// The class of errors of connections (08), and drivers that only know a general one.
fn gone(error: &Error) -> bool {
    matches!(error, Error::Diagnostics { record, .. } if record.state.0.starts_with(b"08"))
}

/// How one column is fetched and read.
struct Column {
    kind: Kind,
    fetched: Fetched,
}

enum Fetched {
    Narrow,
    Wide,
    Bytes,
}

impl Column {
    fn of(given: DataType) -> Self {
        let (fetched, kind) = match given {
            DataType::WChar { .. } | DataType::WVarchar { .. } | DataType::WLongVarchar { .. } => {
                (Fetched::Wide, Kind::Text)
            }
            DataType::LongVarbinary { .. } | DataType::Varbinary { .. } | DataType::Binary { .. } => {
                (Fetched::Bytes, Kind::Bytes)
            }
            DataType::Float { .. } | DataType::Real | DataType::Double => (Fetched::Narrow, Kind::Float),
            DataType::Time { .. } | DataType::Timestamp { .. } => (Fetched::Narrow, Kind::Time),
            _ => (Fetched::Narrow, Kind::Text),
        };
        Self { kind, fetched }
    }

    fn cell(&self, row: &mut CursorRow<'_>, at: u16, wide: &mut Vec<u16>) -> Result<Cell, Error> {
        let mut bytes = Vec::new();
        let there = match self.fetched {
            Fetched::Narrow => row.get_text(at, &mut bytes)?,
            Fetched::Bytes => row.get_binary(at, &mut bytes)?,
            Fetched::Wide => {
                let there = row.get_wide_text(at, wide)?;
                bytes = String::from_utf16_lossy(wide).into_bytes();
                there
            }
        };
        Ok(if there { Cell::Bytes(bytes) } else { Cell::Null })
    }
}

impl Database for Odbc {
    fn dialect(&self) -> Dialect {
        Dialect::Odbc
    }

    fn open(&self) -> Result<Box<dyn Session + '_>, Fault> {
        let line = self.connect()?;
        Ok(Box::new(Live {
            database: self,
            line: Some(line),
            remarks: vec![unknown()],
            begun_again: false,
        }))
    }
}

/// A session.
struct Live<'o> {
    database: &'o Odbc,
    line: Option<Line>,
    remarks: Vec<Finding>,
    begun_again: bool,
}

impl Live<'_> {
    fn line(&mut self) -> Result<Line, Fault> {
        if let Some(line) = self.line.take() {
            return Ok(line);
        }
        let line = self.database.connect()?;
        self.begin_again();
        Ok(line)
    }

    fn begin_again(&mut self) {
        if !std::mem::replace(&mut self.begun_again, true) {
            self.remarks.push(second_transaction());
        }
    }

    /// Hands rows over until the answer ends. The line is kept where it can be asked again.
    fn receive(&mut self, line: Line, rows: &mut dyn Rows) -> Result<(), Fault> {
        let until = Instant::now() + self.database.answer_within + PATIENCE;
        let mut kinds: Vec<Kind> = Vec::new();
        let mut room = Vec::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let flow = match line.says.recv_timeout(left) {
                Ok(Said::Heading(columns)) => {
                    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
                    kinds = columns.iter().map(|(_, kind)| *kind).collect();
                    rows.heading(&names)
                }
                Ok(Said::Rows(several)) => several.iter().try_for_each(|row| {
                    for (cell, kind) in row.iter().zip(&kinds) {
                        let bytes = match cell {
                            Cell::Null => None,
                            Cell::Bytes(bytes) => Some(bytes.as_slice()),
                        };
                        kind.hand(bytes, &mut room, rows);
                    }
                    rows.end_row()
                }),
                Ok(Said::Done) => {
                    self.line = Some(line);
                    return Ok(());
                }
                Ok(Said::Wrong(fault)) => {
                    if !matches!(fault, Fault::Connection(_)) {
                        // It was taken back: whatever is asked next sees a later moment.
                        self.line = Some(line);
                        self.begin_again();
                    }
                    return Err(fault);
                }
                Ok(Said::Connected) => ControlFlow::Continue(()),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Fault::Connection("ODBC のドライバが途中で終わりました".to_owned()));
                }
                // The driver's thread is left to itself: it ends when the driver comes back.
                Err(RecvTimeoutError::Timeout) => return Err(Fault::TooSlow(self.database.answer_within.as_secs())),
            };
            if flow.is_break() {
                return Err(Fault::Stopped);
            }
        }
    }
}

impl Session for Live<'_> {
    fn now(&self) -> Option<Moment> {
        // There is no one way to ask.
        None
    }

    fn ask(&mut self, sql: &str, rows: &mut dyn Rows) -> Result<(), Fault> {
        let line = self.line()?;
        if line.asks.send(sql.to_owned()).is_err() {
            return Err(Fault::Connection("ODBC のドライバが途中で終わりました".to_owned()));
        }
        self.receive(line, rows)
    }

    fn remarks(&self) -> Vec<Finding> {
        self.remarks.clone()
    }
}

fn unknown() -> Finding {
    Finding::new(
        "sql.account_writes",
        Severity::Warning,
        "ODBC では、口座が読むだけか、通信が暗号化されているか、答えが1つの時点のものかを確かめられません。口座の権限とドライバの設定で守ってください。",
    )
}
