//! A server of SQL Server's protocol on a port of this machine: introduction, TLS, login, batches. It answers as it was told.
//!
//! It holds no tables and understands no SQL. Written against MS-TDS, with nothing of the driver in it.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::tokens;

/// What happens upon a batch.
#[derive(Clone)]
pub enum Reply {
    /// These tokens, and the next batch.
    Tokens(Vec<u8>),
    /// These tokens and the line is cut.
    Cut(Vec<u8>),
    /// Nothing, until the other end hangs up.
    Silence,
}

/// How the server protects the line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Protects {
    /// It cannot.
    Never,
    /// With the certificate of `crates/wire/tests/keys`.
    Always,
    /// It knows nothing better than TLS 1.0, and says so.
    Old,
    /// The same, without a word.
    OldAndSilent,
}

/// How it answers.
pub struct Script {
    /// The address of this machine on which it listens.
    pub host: &'static str,
    pub protects: Protects,
    /// Bytes of a packet's payload: small ones cut heads and rows anywhere.
    pub packet: usize,
    /// What the server says of itself, in the order of `statements::FACTS`.
    pub facts: [i32; 12],
    pub writable: i32,
    /// What to answer a login with, where it is not welcome.
    pub login: Option<Vec<u8>>,
    /// By a part of the question. The first that fits.
    pub replies: Vec<(String, Reply)>,
    /// Open transactions, said when asked.
    pub transactions: i32,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            host: "127.0.0.1",
            protects: Protects::Never,
            packet: 4_088,
            facts: [20_777, 3_600, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            writable: 0,
            login: None,
            replies: Vec::new(),
            transactions: 1,
        }
    }
}

/// What was said to the server.
#[derive(Default)]
pub struct Heard {
    pub logins: Vec<Login>,
    pub batches: Vec<String>,
}

/// A login as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub password: String,
    pub database: String,
    pub application: String,
    /// ApplicationIntent=ReadOnly.
    pub read_only: bool,
    pub protected: bool,
}

/// A running server.
pub struct Served {
    pub port: u16,
    heard: Arc<Mutex<Heard>>,
}

impl Served {
    pub fn logins(&self) -> Vec<Login> {
        self.heard.lock().unwrap().logins.clone()
    }

    pub fn batches(&self) -> Vec<String> {
        self.heard.lock().unwrap().batches.clone()
    }
}

pub fn serve(script: Script) -> Served {
    let listener = TcpListener::bind((script.host, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Heard::default()));
    let (script, told) = (Arc::new(script), heard.clone());
    thread::spawn(move || {
        for tcp in listener.incoming().map_while(Result::ok) {
            let (script, told) = (script.clone(), told.clone());
            // The other end hangs up whenever it likes.
            thread::spawn(move || converse(tcp, &script, &told).ok());
        }
    });
    Served { port, heard }
}

trait Both: Read + Write {}
impl<T: Read + Write> Both for T {}

fn converse(mut tcp: TcpStream, script: &Script, heard: &Mutex<Heard>) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let (kind, asked) = message(&mut tcp)?;
    assert_eq!(kind, 0x12, "an introduction comes first");
    let wants = asked[usize::from(u16::from_be_bytes([asked[6], asked[7]]))];
    // What SQL Server answers (MS-TDS 2.2.6.5): where one wants it and the other can, it is on.
    let encryption = match (script.protects, wants) {
        (Protects::Never, _) => 2,
        (_, 1) => 1,
        _ => 3,
    };
    // Version and encryption only, in another order than the driver's own, with an option that nobody knows.
    let options = [0_u8, 0, 16, 0, 6, 9, 0, 23, 0, 0, 1, 0, 22, 0, 1, 0xFF];
    let mut introduction = options.to_vec();
    introduction.extend([15, 0, 0x10, 0xCE, 0, 0, encryption]);
    send(&mut tcp, 4, &introduction, script.packet)?;
    let protected = encryption == 1;
    let mut line: Box<dyn Both> = match (protected, script.protects) {
        (true, Protects::Always) => Box::new(secured(tcp)?),
        (true, Protects::Old) => {
            message(&mut tcp)?;
            // A fatal alert: protocol version.
            send(&mut tcp, 0x12, &[0x15, 3, 1, 0, 2, 2, 70], script.packet)?;
            return Ok(());
        }
        (true, _) => {
            message(&mut tcp)?;
            return Ok(());
        }
        (false, _) => Box::new(tcp),
    };
    let (kind, login) = message(&mut line)?;
    assert_eq!(kind, 0x10, "a login comes second");
    heard.lock().unwrap().logins.push(login_of(&login, protected));
    if let Some(refusal) = &script.login {
        return send(&mut line, 4, refusal, script.packet);
    }
    send(&mut line, 4, &tokens::welcome(), script.packet)?;
    loop {
        let (kind, batch) = message(&mut line)?;
        assert_eq!(kind, 1, "batches and nothing else");
        let sql = text(&batch[batch_header(&batch)..]);
        heard.lock().unwrap().batches.push(sql.clone());
        match reply(script, &sql) {
            Reply::Tokens(tokens) => send(&mut line, 4, &tokens, script.packet)?,
            Reply::Cut(tokens) => {
                let whole = packets(4, &tokens, script.packet);
                // Without the last byte, so that the message never ends.
                line.write_all(&whole[..whole.len() - 1])?;
                return line.flush();
            }
            Reply::Silence => {
                let mut nothing = [0];
                while line.read(&mut nothing)? > 0 {}
                return Ok(());
            }
        }
    }
}

fn reply(script: &Script, sql: &str) -> Reply {
    use database::sqlserver::statements;
    if let Some((_, reply)) = script.replies.iter().find(|(part, _)| sql.contains(part.as_str())) {
        return reply.clone();
    }
    let numbers = |numbers: &[i32]| {
        let columns: Vec<_> = numbers.iter().map(|_| tokens::int("n")).collect();
        tokens::answer(&columns, &[numbers.iter().map(|n| tokens::number(*n)).collect()])
    };
    Reply::Tokens(match sql {
        statements::SETTING_UP => tokens::done(false),
        statements::FACTS => numbers(&script.facts),
        statements::WRITABLE => numbers(&[script.writable]),
        statements::STILL_THERE => numbers(&[script.transactions]),
        statements::BEGIN_SNAPSHOT | statements::BEGIN_COMMITTED => {
            [tokens::done(true), tokens::begun(1), tokens::done(false)].concat()
        }
        _ => tokens::error(208, "オブジェクト名 'NOTHING' が無効です。"),
    })
}

/// One message: its kind and its payload.
fn message(line: &mut dyn Read) -> io::Result<(u8, Vec<u8>)> {
    let mut payload = Vec::new();
    loop {
        let mut header = [0; 8];
        line.read_exact(&mut header)?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]])) - 8;
        let from = payload.len();
        payload.resize(from + length, 0);
        line.read_exact(&mut payload[from..])?;
        if header[1] & 1 == 1 {
            return Ok((header[0], payload));
        }
    }
}

fn packets(kind: u8, payload: &[u8], size: usize) -> Vec<u8> {
    let parts: Vec<&[u8]> = payload.chunks(size).collect();
    let mut bytes = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let [high, low] = u16::try_from(part.len() + 8).unwrap().to_be_bytes();
        let last = u8::from(at + 1 == parts.len());
        bytes.extend([kind, last, high, low, 0, 51, u8::try_from(at % 256).unwrap(), 0]);
        bytes.extend(*part);
    }
    bytes
}

fn send(line: &mut dyn Write, kind: u8, payload: &[u8], size: usize) -> io::Result<()> {
    line.write_all(&packets(kind, payload, size))?;
    line.flush()
}

/// Bytes before a batch's text: the headers with their own length.
fn batch_header(batch: &[u8]) -> usize {
    u32::from_le_bytes(batch[..4].try_into().unwrap()).try_into().unwrap()
}

fn text(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes.chunks(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect();
    String::from_utf16(&units).unwrap()
}

/// LOGIN7 (MS-TDS 2.2.6.4).
fn login_of(login: &[u8], protected: bool) -> Login {
    let short = |at: usize| usize::from(u16::from_le_bytes([login[at], login[at + 1]]));
    let named = |at: usize| login[short(at)..short(at) + 2 * short(at + 2)].to_vec();
    let password: Vec<u8> = named(44).iter().map(|byte| (byte ^ 0xA5).rotate_left(4)).collect();
    Login {
        user: text(&named(40)),
        password: text(&password),
        application: text(&named(48)),
        database: text(&named(68)),
        read_only: login[26] & 0x20 != 0,
        protected,
    }
}

/// The server's side of a handshake in packets.
fn secured(mut tcp: TcpStream) -> io::Result<StreamOwned<ServerConnection, TcpStream>> {
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wire/tests/keys");
    let certificates = CertificateDer::pem_file_iter(keys.join("server.pem"))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let key = PrivateKeyDer::from_pem_file(keys.join("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    let mut tls = ServerConnection::new(Arc::new(config)).unwrap();
    while tls.is_handshaking() {
        let (_, flight) = message(&mut tcp)?;
        let mut flight = flight.as_slice();
        while !flight.is_empty() {
            tls.read_tls(&mut flight)?;
        }
        if let Err(error) = tls.process_new_packets() {
            return Err(io::Error::other(error));
        }
        let mut out = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut out)?;
        }
        if !out.is_empty() {
            send(&mut tcp, 0x12, &out, 4_088)?;
        }
    }
    Ok(StreamOwned::new(tls, tcp))
}
