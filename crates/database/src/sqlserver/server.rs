//! One connection: the login, questions, rows.
//!
//! Nothing here waits for ever: a thread beside every question shuts the socket when its time is over, upon which the server gives the
//! question up. Deliberately absent: transactions, what a fault means for the questions after it.

use std::collections::BTreeSet;
use std::net::{Shutdown, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use downtime::sources::sql::{Fault, Field, Rows};
use futures_util::{FutureExt, TryStreamExt};
use tiberius::error::Error;
use tiberius::{AuthMethod, Client, ColumnType, Config, EncryptionLevel, QueryItem};

use super::columns::Coming;
use super::greeting::LineFault;
use super::line::{Line, Seen};
use super::text;
use crate::{Line as Protection, Place, Settings, Waiting};

/// Bytes of a packet; more than 16,383 no server takes under TLS.
const PACKET: u32 = 8_192;
/// How often an availability group may send us on to another server.
const MOST_ROUTES: usize = 2;
/// Most columns that a fault names.
const MOST_NAMED: usize = 20;

/// One connection.
pub struct Server {
    client: Client<Line>,
    /// The same connection, to end a wait.
    socket: TcpStream,
    seen: Seen,
    limit: Duration,
}

/// Why a question has no answer, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The connection is gone.
    Gone(String),
    /// It took longer than it may.
    Slow,
    /// The receiver wanted no more.
    Stopped,
    /// The server's number and words.
    Refused(u32, String),
    /// An answer that the driver cannot read.
    Unreadable(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Server(error) => Self::Refused(error.code(), words(error.code(), error.message(), error.line())),
            other => Self::Unreadable(format!("サーバの返事を読めません（{other}）")),
        }
    }
}

impl Server {
    /// Connects and logs in.
    ///
    /// # Errors
    /// [`Fault::Connection`].
    pub fn connect(settings: &Settings) -> Result<Self, Fault> {
        let (mut host, mut port) = address(&settings.place)?;
        let authority = match settings.line()? {
            Protection::Plain => None,
            Protection::Tls(authority) => Some(authority),
        };
        for _ in 0..=MOST_ROUTES {
            let (socket, line, seen) = reach(&host, port, authority.as_deref(), settings)?;
            let config = login(&host, port, settings)?;
            let logged_in = within(&socket, settings.connect_within, || {
                catch_unwind(AssertUnwindSafe(|| Client::connect(config, line).now_or_never()))
                    .ok()
                    .flatten()
                    .unwrap_or_else(never)
            })?;
            match logged_in {
                Ok(Ok(client)) => {
                    return Ok(Self {
                        client,
                        socket,
                        seen,
                        limit: settings.answer_within,
                    });
                }
                Ok(Err(Error::Routing { host: to, port: at })) => {
                    host = to.split('\\').next().unwrap_or_default().to_owned();
                    port = at;
                    // Another machine than the one that was named, so another line.
                    if authority.is_none() && !Place::read(&host, port).is_this_machine() {
                        return Err(Fault::Connection(format!(
                            "サーバが別の機械 {host} を案内しましたが、暗号化せずには接続しません"
                        )));
                    }
                }
                Ok(Err(error)) => {
                    let why = match Trouble::from(error) {
                        Trouble::Refused(_, words) => words,
                        other => seen.lost().unwrap_or_else(|| other.why().to_owned()),
                    };
                    return Err(Fault::Connection(format!(
                        "{host}:{port} にログインできません（{why}）"
                    )));
                }
                Err(Slow) => return Err(slow(settings)),
            }
        }
        Err(Fault::Connection("サーバの案内が続いて、たどり着けません".to_owned()))
    }

    /// Says something that has no answer.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn tell(&mut self, sql: &str) -> Result<(), Trouble> {
        self.ask(sql, &mut Numbers::default(), &mut BTreeSet::new())
    }

    /// The first row, of numbers.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn numbers(&mut self, sql: &str) -> Result<Vec<i64>, Trouble> {
        let mut numbers = Numbers::default();
        self.ask(sql, &mut numbers, &mut BTreeSet::new())?;
        Ok(numbers.0)
    }

    /// The first number of the first row, where there is one.
    pub fn number(&mut self, sql: &str) -> Option<i64> {
        self.numbers(sql).ok()?.first().copied()
    }

    /// Asks, and hands over the rows. `foreign` takes the names of columns with more than ASCII in a code page that is not Japan's.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn ask(&mut self, sql: &str, rows: &mut dyn Rows, foreign: &mut BTreeSet<String>) -> Result<(), Trouble> {
        let Self {
            client,
            socket,
            seen,
            limit,
        } = self;
        let mut doubtful = Vec::new();
        let asked = within(socket, *limit, || {
            // What a server sends is read by code that is not ours. After a panic this connection is not used again.
            let read = catch_unwind(AssertUnwindSafe(|| {
                answer(client, seen, sql, rows, foreign, &mut doubtful).now_or_never()
            }));
            match read {
                // Whether the line is gone the line knows: the driver calls much by that name.
                Ok(Some(Err(Trouble::Unreadable(why)))) => {
                    Err(seen.lost().map_or(Trouble::Unreadable(why), Trouble::Gone))
                }
                Ok(Some(done)) => done,
                Ok(None) => Err(Trouble::Gone("接続が応じません".to_owned())),
                Err(_) => Err(Trouble::Unreadable(
                    "サーバの返事を読めません（読み手が止まりました）".to_owned(),
                )),
            }
        });
        match asked {
            Ok(Ok(Err(Trouble::Unreadable(why)))) => Err(Trouble::Unreadable(to_be_cast(why, &doubtful))),
            Ok(Ok(done)) => done,
            Ok(Err(Slow)) => Err(Trouble::Slow),
            Err(fault) => Err(Trouble::Gone(fault.to_string())),
        }
    }
}

async fn answer(
    client: &mut Client<Line>,
    seen: &Seen,
    sql: &str,
    rows: &mut dyn Rows,
    foreign: &mut BTreeSet<String>,
    doubtful: &mut Vec<String>,
) -> Result<(), Trouble> {
    let mut stream = client.simple_query(sql).await?;
    let mut coming: Vec<Coming> = Vec::new();
    let mut room = String::new();
    while let Some(item) = stream.try_next().await? {
        match item {
            QueryItem::Metadata(head) => {
                // Only the first head of an answer is looked at.
                coming = if head.result_index() == 0 {
                    seen.columns()
                } else {
                    Vec::new()
                };
                coming.resize(head.columns().len(), Coming::Read);
                let named = head.columns().iter().zip(&coming);
                *doubtful = named
                    .filter(|(column, coming)| is_doubtful(column.column_type(), **coming))
                    .map(|(column, _)| column.name().to_owned())
                    .collect();
                let names: Vec<&str> = head.columns().iter().map(tiberius::Column::name).collect();
                if rows.heading(&names).is_break() {
                    return Err(Trouble::Stopped);
                }
            }
            QueryItem::Row(row) => {
                for ((column, value), coming) in row.cells().zip(&coming) {
                    let field = text::field(value, column.column_type(), *coming, &mut room);
                    if let (Coming::Foreign, Field::Text(text)) = (coming, field)
                        && !text.is_ascii()
                        && !foreign.contains(column.name())
                    {
                        foreign.insert(column.name().to_owned());
                    }
                    rows.field(field);
                }
                if rows.end_row().is_break() {
                    return Err(Trouble::Stopped);
                }
                seen.row();
            }
        }
    }
    Ok(())
}

/// Columns whose text the driver decodes by itself, and strictly.
const fn is_doubtful(kind: ColumnType, coming: Coming) -> bool {
    matches!(coming, Coming::Foreign)
        || matches!(
            kind,
            ColumnType::BigVarChar | ColumnType::BigChar | ColumnType::Text | ColumnType::SSVariant | ColumnType::Xml
        )
}

fn to_be_cast(why: String, doubtful: &[String]) -> String {
    if doubtful.is_empty() {
        return why;
    }
    let more = if doubtful.len() > MOST_NAMED { " ほか" } else { "" };
    let names = doubtful
        .iter()
        .take(MOST_NAMED)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join("、");
    format!(
        "{why}。文字でないバイトがあるようです。列 {names}{more} を、問い合わせで CAST(列 AS VARBINARY(8000)) AS 名前 と書いてください"
    )
}

impl Trouble {
    fn why(&self) -> &str {
        match self {
            Self::Gone(why) | Self::Refused(_, why) | Self::Unreadable(why) => why,
            Self::Slow => "時間切れ",
            Self::Stopped => "中止",
        }
    }
}

/// Numbers of the first row.
#[derive(Default)]
struct Numbers(Vec<i64>, bool);

impl Rows for Numbers {
    fn heading(&mut self, _: &[&str]) -> std::ops::ControlFlow<()> {
        std::ops::ControlFlow::Continue(())
    }

    fn field(&mut self, field: Field<'_>) {
        if !self.1 {
            let number = match field {
                Field::Text(text) => text.parse().unwrap_or_default(),
                Field::Null | Field::Bytes(_) => 0,
            };
            self.0.push(number);
        }
    }

    fn end_row(&mut self) -> std::ops::ControlFlow<()> {
        self.1 = true;
        std::ops::ControlFlow::Continue(())
    }
}

fn address(place: &Place) -> Result<(String, u16), Fault> {
    match place {
        Place::Tcp(host, _) if host.contains('\\') => Err(Fault::Connection(format!(
            "{host} のインスタンス名は使いません。host はサーバの名前だけにし、port にそのインスタンスのポート番号を書いてください"
        ))),
        Place::Tcp(host, port) => Ok((host.clone(), *port)),
        Place::Socket(..) => Err(Fault::Connection(
            "SQL Server に Unix ソケットはありません。host にサーバの名前を書いてください".to_owned(),
        )),
    }
}

fn login(host: &str, port: u16, settings: &Settings) -> Result<Config, Fault> {
    let secret = settings.secret.as_ref().ok_or_else(|| {
        Fault::Connection(
            "SQL Server の口座にはパスワードのファイルが要ります（Windows 認証は database = \"odbc\" だけです）"
                .to_owned(),
        )
    })?;
    let mut config = Config::new();
    config.host(host);
    config.port(port);
    config.database(&settings.database);
    config.application_name("Tomoshibi");
    config.authentication(AuthMethod::sql_server(&settings.user, secret.reveal()));
    // A replica for reading, where there is one.
    config.readonly(true);
    // The line underneath is protected already, and every wait has a limit.
    config.encryption(EncryptionLevel::NotSupported);
    config.handshake_timeout(None);
    config.command_timeout(None);
    config.lossy_utf16_decoding(true);
    config.packet_size(PACKET);
    Ok(config)
}

/// Connects and protects the line.
fn reach(
    host: &str,
    port: u16,
    authority: Option<&[u8]>,
    settings: &Settings,
) -> Result<(TcpStream, Line, Seen), Fault> {
    let cannot = |error: std::io::Error| Fault::Connection(format!("{host}:{port} に接続できません（{error}）"));
    let tcp = Waiting::new()?
        .within(settings.connect_within, tokio::net::TcpStream::connect((host, port)))
        .ok_or_else(|| slow(settings))?
        .and_then(tokio::net::TcpStream::into_std)
        .map_err(cannot)?;
    tcp.set_nonblocking(false).map_err(cannot)?;
    let socket = tcp.try_clone().map_err(cannot)?;
    let seen = Seen::default();
    let opened = within(&socket, settings.connect_within, || {
        Line::open(tcp, host, authority, seen.clone())
    })?;
    match opened {
        Ok(Ok(line)) => Ok((socket, line, seen)),
        Ok(Err(LineFault::Io(error))) => Err(cannot(error)),
        Ok(Err(fault)) => Err(Fault::Connection(format!("{host}:{port} に接続できません（{fault}）"))),
        Err(Slow) => Err(slow(settings)),
    }
}

fn slow(settings: &Settings) -> Fault {
    Fault::Connection(format!("{}秒以内に返事がありません", settings.connect_within.as_secs()))
}

/// The time was over.
struct Slow;

/// Does `work`, and shuts the socket when it takes longer than `limit`, which ends it.
fn within<T>(socket: &TcpStream, limit: Duration, work: impl FnOnce() -> T) -> Result<Result<T, Slow>, Fault> {
    let over = AtomicBool::new(false);
    let ended = &over;
    let (working, watching) = mpsc::channel::<()>();
    let done = thread::scope(|scope| {
        thread::Builder::new()
            .name("sqlserver-limit".to_owned())
            .spawn_scoped(scope, move || {
                if watching.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                    ended.store(true, Ordering::SeqCst);
                    // It may be gone already, which is as good.
                    let _gone = socket.shutdown(Shutdown::Both);
                }
            })
            .map_err(|error| Fault::Connection(format!("見張りを始められません（{error}）")))?;
        let done = work();
        drop(working);
        Ok(done)
    })?;
    Ok(if over.load(Ordering::SeqCst) {
        Err(Slow)
    } else {
        Ok(done)
    })
}

/// A login that stopped in the middle of what the server said.
fn never<T>() -> Result<T, Error> {
    Err(Error::Protocol("the login was not understood".into()))
}

/// The server's words, and what to do where that is known.
fn words(code: u32, message: &str, line: u32) -> String {
    let advice = match code {
        18456 => " 口座（user）とパスワードを確かめてください。",
        18470 => " 口座が無効になっています。",
        18486..=18488 => " パスワードの期限か締め出しです。データベースの管理者に頼んでください。",
        4060 => " database の名前と、口座がそのデータベースに入れるかを確かめてください。",
        229 | 230 => " 口座に SELECT の権限を付けてください。",
        1205 => " 電子カルテの処理とぶつかったので譲りました。次の回で読みます。",
        1222 => " 電子カルテの処理が表を使っていて、10秒待っても読めませんでした。",
        3952 => " その別のデータベースにも ALLOW_SNAPSHOT_ISOLATION が要ります。",
        _ => "",
    };
    format!("{message}（{code}、{line}行目）{advice}")
}
