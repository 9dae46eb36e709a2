//! SQL Server over TDS, read only.
//!
//! One transaction, at the isolation level SNAPSHOT where the database allows it, so that all answers are of one moment. Whatever the
//! account may do, nothing here writes, and every transaction is given up and never committed. Text in the hospital's code page comes as
//! the bytes that are stored. Deliberately absent: named instances (SQL Server Browser), Windows authentication, TLS older than 1.2:
//! `odbc` has them. Decision 0026.

use std::collections::BTreeSet;

use chart::{Finding, Moment, Severity};
use downtime::sources::sql::{Database, Dialect, Fault, Rows, Session};

use self::account::Facts;
use self::server::{Server, Trouble};
use self::statements::{BEGIN_COMMITTED, BEGIN_SNAPSHOT, SETTING_UP, STILL_THERE};
use crate::Settings;

mod account;
mod columns;
mod greeting;
mod line;
mod server;
pub mod statements;
mod text;

/// The port of an instance that was never given another.
pub const PORT: u16 = 1433;

/// A SQL Server and the account that reads it.
#[derive(Debug, Clone)]
pub struct SqlServer {
    settings: Settings,
}

impl SqlServer {
    /// The server of these settings. Nothing is connected yet.
    #[must_use]
    pub const fn new(settings: Settings) -> Self {
        Self { settings }
    }
}

impl Database for SqlServer {
    fn dialect(&self) -> Dialect {
        Dialect::SqlServer
    }

    fn open(&self) -> Result<Box<dyn Session + '_>, Fault> {
        Ok(Box::new(Conversation::begin(&self.settings)?))
    }
}

/// A session, over as many connections as it takes.
struct Conversation<'d> {
    settings: &'d Settings,
    /// None after a question that could not be read to its end.
    server: Option<Server>,
    facts: Facts,
    /// Transactions that were begun.
    begun: u32,
    /// Columns that had more than ASCII in a code page that is not Japan's.
    foreign: BTreeSet<String>,
}

impl<'d> Conversation<'d> {
    fn begin(settings: &'d Settings) -> Result<Self, Fault> {
        let mut server = Server::connect(settings)?;
        server
            .tell(SETTING_UP)
            .map_err(|trouble| connection(&trouble, settings))?;
        let facts = Facts::ask(&mut server).map_err(|trouble| connection(&trouble, settings))?;
        let mut conversation = Self {
            settings,
            server: None,
            facts,
            begun: 0,
            foreign: BTreeSet::new(),
        };
        conversation.transaction(server)?;
        Ok(conversation)
    }

    fn transaction(&mut self, mut server: Server) -> Result<(), Fault> {
        let begin = if self.facts.snapshot() {
            BEGIN_SNAPSHOT
        } else {
            BEGIN_COMMITTED
        };
        server
            .tell(begin)
            .map_err(|trouble| connection(&trouble, self.settings))?;
        self.begun += 1;
        self.server = Some(server);
        Ok(())
    }

    /// The server in a transaction, a new one where the old one is gone.
    fn ready(&mut self) -> Result<&mut Server, Fault> {
        if self.server.is_none() {
            let mut server = Server::connect(self.settings)?;
            server
                .tell(SETTING_UP)
                .map_err(|trouble| connection(&trouble, self.settings))?;
            self.transaction(server)?;
        }
        self.server
            .as_mut()
            .ok_or_else(|| Fault::Connection("接続がありません".to_owned()))
    }
}

impl Session for Conversation<'_> {
    fn now(&self) -> Option<Moment> {
        self.facts.now()
    }

    fn ask(&mut self, sql: &str, rows: &mut dyn Rows) -> Result<(), Fault> {
        let mut foreign = std::mem::take(&mut self.foreign);
        let settings = self.settings;
        let asked = self.ready().map(|server| server.ask(sql, rows, &mut foreign));
        self.foreign = foreign;
        let trouble = match asked? {
            Ok(()) => return Ok(()),
            Err(trouble) => trouble,
        };
        // A refusal leaves the line in order; whether it left the transaction is for the server to say. Anything else does not.
        let kept = matches!(trouble, Trouble::Refused(..))
            && self
                .server
                .as_mut()
                .is_some_and(|server| server.number(STILL_THERE).is_some_and(|open| open > 0));
        if !kept {
            self.server = None;
        }
        Err(match trouble {
            Trouble::Gone(why) => Fault::Connection(why),
            Trouble::Slow => Fault::TooSlow(settings.answer_within.as_secs()),
            Trouble::Stopped => Fault::Stopped,
            Trouble::Refused(_, words) => Fault::Refused(words),
            Trouble::Unreadable(why) => Fault::Refused(why),
        })
    }

    fn remarks(&self) -> Vec<Finding> {
        let mut remarks = self.facts.remarks(self.begun);
        if !self.foreign.is_empty() {
            let columns = self.foreign.iter().map(String::as_str).collect::<Vec<_>>().join("、");
            let message = format!(
                "列 {columns} は日本語でない照合順序（コードページ）の VARCHAR で、サーバの言うとおりに読みました。日本語の文字（Shift_JIS のバイト）が入っている列なら文字が化けています。問い合わせで CAST(列 AS VARBINARY(8000)) AS 名前 と書いてください。"
            );
            let mut finding = Finding::new("sql.varchar", Severity::Warning, message);
            finding.field = columns;
            remarks.push(finding);
        }
        remarks
    }
}

/// What went wrong before the first question.
fn connection(trouble: &Trouble, settings: &Settings) -> Fault {
    Fault::Connection(match trouble {
        Trouble::Slow => format!("{}秒以内に返事がありません", settings.connect_within.as_secs()),
        Trouble::Gone(words) | Trouble::Refused(_, words) | Trouble::Unreadable(words) => words.clone(),
        Trouble::Stopped => "途中でやめました".to_owned(),
    })
}
