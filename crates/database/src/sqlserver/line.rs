//! The line to the server, under the driver: introduction (PRELOGIN), TLS, packets, and heads with text as bytes.
//!
//! The driver has a TLS of its own, with another library of ciphers and the public authorities of the machine beside the hospital's. Here
//! it is ours, as everywhere in the house: the hospital's authority and nobody else. The driver is told that the line needs no protection,
//! and sees nothing of this. Reading and writing block, so that a future over this line is done when it is first asked; whoever waits ends
//! a wait by shutting the socket. Deliberately absent: limits of time, logging in, anything that is retried.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::io::{AsyncRead, AsyncWrite};
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::columns::{self, Coming, Head};

/// Bytes before every packet (MS-TDS 2.2.3.1): type, status, length of both, process, number, window.
const HEADER: usize = 8;
/// Status of the last packet of a message.
const END_OF_MESSAGE: u8 = 1;
/// Longest payload of a packet that we put together, in bytes.
const MAX_PAYLOAD: usize = 32_000;
/// Most bytes of an introduction or of one packet of a handshake.
const MAX_INTRODUCTION: usize = 64 << 10;
/// Bytes read from the system at once.
const AT_ONCE: usize = 64 << 10;

const PRELOGIN: u8 = 0x12;
const ANSWER: u8 = 0x04;

/// What an introduction says of encryption (MS-TDS 2.2.6.5).
mod encryption {
    pub const OFF: u8 = 0;
    pub const ON: u8 = 1;
    pub const NOT_SUPPORTED: u8 = 2;
    pub const REQUIRED: u8 = 3;
}

/// Why there is no line.
#[derive(Debug, thiserror::Error)]
pub enum LineFault {
    /// The connection itself.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Whoever answers does not speak TDS.
    #[error("SQL Server の返事ではありません")]
    NotTds,
    /// The server will not have it as it must be.
    #[error("サーバが暗号化に応じません")]
    Unprotected,
    /// The server wants what was not asked for.
    #[error("サーバが暗号化を求めています。ca に院内の認証局の証明書（PEM）を書いてください")]
    WantsProtection,
    /// The certificate does not prove the server.
    #[error("サーバの証明書を確かめられません（{0}）。ca の認証局が発行した、この名前の証明書をサーバに入れてください")]
    NotProven(String),
    /// No common way to speak TLS.
    #[error(
        "TLS 1.2 で話せません（{0}）。TLS 1.0 だけのサーバや Windows Server 2012 R2 以前なら、type = \"sql\" の database を \"odbc\" にしてください"
    )]
    NoTls(String),
    /// What stands in the configuration cannot be used.
    #[error("{0}")]
    Unusable(String),
}

/// What the line knows and the driver does not say; said by the line, read by whoever reads the rows.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    columns: Vec<Coming>,
    lost: Option<String>,
}

impl Seen {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the columns of the present answer come; empty when its head was not understood.
    pub fn columns(&self) -> Vec<Coming> {
        self.known().columns.clone()
    }

    /// Why the line is gone; none as long as it is not, whatever the driver says.
    pub fn lost(&self) -> Option<String> {
        self.known().lost.clone()
    }

    /// Remembers a fault of the system.
    fn noted<T>(&self, done: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &done {
            let why = if hung_up(error.kind()) {
                "サーバが接続を切りました".to_owned()
            } else {
                error.to_string()
            };
            self.known().lost.get_or_insert(why);
        }
        done
    }
}

enum Bytes {
    Plain(TcpStream),
    Secured(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Read for Bytes {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(into),
            Self::Secured(tls) => tls.read(into),
        }
    }
}

impl Write for Bytes {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(from),
            Self::Secured(tls) => tls.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Secured(tls) => tls.flush(),
        }
    }
}

/// An answer on its way in.
enum Looking {
    /// Its head is still to come; so much is there.
    Head(Vec<u8>),
    /// The rest, packet by packet.
    Rest,
}

/// A line over which the driver can speak.
pub struct Line {
    bytes: BufReader<Bytes>,
    /// What the driver has not read yet, from `read` on.
    incoming: Vec<u8>,
    read: usize,
    looking: Looking,
    seen: Seen,
    /// The driver's own introduction, which is answered here and never leaves.
    introduction: Option<Vec<u8>>,
    /// An answer is on its way. Whoever reads behind its end has misread it, and would wait for ever.
    owed: bool,
}

impl Line {
    /// Introduces us, and protects the line where `authority` (PEM) vouches for the server's `name`.
    ///
    /// # Errors
    /// [`LineFault`]; nothing but the introduction has left then.
    pub fn open(mut tcp: TcpStream, name: &str, authority: Option<&[u8]>, seen: Seen) -> Result<Self, LineFault> {
        tcp.set_nodelay(true)?;
        let config = authority.map(trusting).transpose()?;
        let asked = if config.is_some() {
            encryption::ON
        } else {
            encryption::NOT_SUPPORTED
        };
        tcp.write_all(&introduction(PRELOGIN, asked))?;
        let answered = encryption_of(&message(&mut tcp)?).ok_or(LineFault::NotTds)?;
        let bytes = match (config, answered) {
            (Some(config), encryption::ON | encryption::REQUIRED) => {
                Bytes::Secured(Box::new(secured(tcp, name, config)?))
            }
            (Some(_), _) => return Err(LineFault::Unprotected),
            (None, encryption::NOT_SUPPORTED | encryption::OFF) => Bytes::Plain(tcp),
            (None, _) => return Err(LineFault::WantsProtection),
        };
        Ok(Self {
            bytes: BufReader::with_capacity(AT_ONCE, bytes),
            incoming: Vec::new(),
            read: 0,
            looking: Looking::Head(Vec::new()),
            seen,
            introduction: Some(Vec::new()),
            owed: false,
        })
    }

    /// Reads packets until the driver has something to read.
    fn fill(&mut self) -> io::Result<()> {
        if !self.owed {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "返事の終わりの後を読もうとしました",
            ));
        }
        self.incoming.clear();
        self.read = 0;
        while self.incoming.is_empty() {
            let mut header = [0; HEADER];
            self.seen.noted(self.bytes.read_exact(&mut header))?;
            let length = length_of(header).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
            let [_, status, ..] = header;
            let last = status & END_OF_MESSAGE != 0;
            match &mut self.looking {
                Looking::Rest => {
                    self.incoming.extend_from_slice(&header);
                    let from = self.incoming.len();
                    self.incoming.resize(from + length, 0);
                    let part = self.incoming.get_mut(from..).unwrap_or_default();
                    self.seen.noted(self.bytes.read_exact(part))?;
                }
                Looking::Head(head) => {
                    let from = head.len();
                    head.resize(from + length, 0);
                    self.seen
                        .noted(self.bytes.read_exact(head.get_mut(from..).unwrap_or_default()))?;
                    if from == 0 {
                        self.seen.known().columns.clear();
                    }
                    match columns::read(head) {
                        Head::More if !last => continue,
                        Head::More | Head::Leave => packets(&mut self.incoming, head, last),
                        Head::Read(rewritten, columns) => {
                            self.seen.known().columns = columns;
                            packets(&mut self.incoming, &rewritten, last);
                        }
                    }
                    self.looking = Looking::Rest;
                }
            }
            if last {
                self.looking = Looking::Head(Vec::new());
                self.owed = false;
            }
        }
        Ok(())
    }

    /// Keeps the driver's introduction, and answers it once it is whole.
    fn swallow(&mut self, from: &[u8]) -> usize {
        let Some(swallowed) = &mut self.introduction else {
            return 0;
        };
        let wanted = swallowed.get(2..4).map_or(HEADER, |length| {
            usize::from(u16::from_be_bytes([
                length.first().copied().unwrap_or_default(),
                length.get(1).copied().unwrap_or_default(),
            ]))
        });
        let take = wanted.saturating_sub(swallowed.len()).min(from.len());
        swallowed.extend_from_slice(from.get(..take).unwrap_or_default());
        let whole = swallowed.len() >= HEADER
            && swallowed.get(2..4) == Some(&u16::try_from(swallowed.len()).unwrap_or_default().to_be_bytes()[..]);
        if whole {
            self.introduction = None;
            self.incoming.extend(introduction(ANSWER, encryption::NOT_SUPPORTED));
        }
        take
    }
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let line = self.get_mut();
        if line.read >= line.incoming.len() {
            if let Err(error) = line.fill() {
                // Half a packet is none.
                line.incoming.clear();
                return Poll::Ready(Err(error));
            }
        }
        let ready = line.incoming.get(line.read..).unwrap_or_default();
        let length = ready.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..length), ready.get(..length)) {
            to.copy_from_slice(from);
        }
        line.read += length;
        Poll::Ready(Ok(length))
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let line = self.get_mut();
        if line.introduction.is_some() {
            return Poll::Ready(Ok(line.swallow(from)));
        }
        line.owed = true;
        let written = line.bytes.get_mut().write(from);
        Poll::Ready(line.seen.noted(written))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let line = self.get_mut();
        let flushed = line.bytes.get_mut().flush();
        Poll::Ready(line.seen.noted(flushed))
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

/// The payload's length by a packet's header.
fn length_of(header: [u8; HEADER]) -> Option<usize> {
    let [_, _, high, low, ..] = header;
    usize::from(u16::from_be_bytes([high, low])).checked_sub(HEADER)
}

fn header(kind: u8, status: u8, payload: usize) -> [u8; HEADER] {
    let [high, low] = u16::try_from(payload + HEADER).unwrap_or(u16::MAX).to_be_bytes();
    [kind, status, high, low, 0, 0, 1, 0]
}

/// Puts a payload into packets of an answer.
fn packets(into: &mut Vec<u8>, payload: &[u8], last: bool) {
    let mut rest = payload;
    loop {
        let (now, later) = rest.split_at_checked(MAX_PAYLOAD).unwrap_or((rest, &[]));
        let status = if last && later.is_empty() { END_OF_MESSAGE } else { 0 };
        into.extend_from_slice(&header(ANSWER, status, now.len()));
        into.extend_from_slice(now);
        if later.is_empty() {
            return;
        }
        rest = later;
    }
}

/// An introduction: five options, where each lies, and the options.
fn introduction(kind: u8, encryption: u8) -> Vec<u8> {
    // Version 0, encryption, no instance, no thread, no multiple active results.
    let options: [&[u8]; 5] = [&[0; 6], &[encryption], &[0], &[0; 4], &[0]];
    let mut table = Vec::new();
    let mut at = options.len() * 5 + 1;
    for (number, option) in (0_u8..).zip(options) {
        table.push(number);
        table.extend(u16::try_from(at).unwrap_or_default().to_be_bytes());
        table.extend(u16::try_from(option.len()).unwrap_or_default().to_be_bytes());
        at += option.len();
    }
    table.push(0xFF);
    table.extend(options.concat());
    let mut packet = header(kind, END_OF_MESSAGE, table.len()).to_vec();
    packet.extend(table);
    packet
}

/// One message, which is an introduction's answer.
fn message(tcp: &mut TcpStream) -> Result<Vec<u8>, LineFault> {
    let mut payload = Vec::new();
    loop {
        let mut header = [0; HEADER];
        tcp.read_exact(&mut header)?;
        let [kind, status, ..] = header;
        let length = length_of(header)
            .filter(|_| kind == ANSWER || kind == PRELOGIN)
            .ok_or(LineFault::NotTds)?;
        let from = payload.len();
        if from + length > MAX_INTRODUCTION {
            return Err(LineFault::NotTds);
        }
        payload.resize(from + length, 0);
        tcp.read_exact(payload.get_mut(from..).unwrap_or_default())?;
        if status & END_OF_MESSAGE != 0 {
            return Ok(payload);
        }
    }
}

/// What an introduction's answer says of encryption.
fn encryption_of(payload: &[u8]) -> Option<u8> {
    let mut options = payload.chunks(5);
    loop {
        match options.next()? {
            [1, high, low, _, _] => return payload.get(usize::from(u16::from_be_bytes([*high, *low]))).copied(),
            [0xFF, ..] => return None,
            _ => {}
        }
    }
}

/// TLS that believes these authorities and nobody else.
fn trusting(authority: &[u8]) -> Result<Arc<ClientConfig>, LineFault> {
    let unusable =
        |error: &dyn std::fmt::Display| LineFault::Unusable(format!("認証局の証明書を使えません（{error}）"));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority) {
        let certificate = certificate.map_err(|error| unusable(&error))?;
        roots.add(certificate).map_err(|error| unusable(&error))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // Inside packets the handshake's end must be certain, which it is in 1.2; servers that speak 1.3 do so only around the whole line.
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .map_err(|error| unusable(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// The handshake, inside packets of the introduction's kind; what follows it is not wrapped (MS-TDS 2.2.6.5).
fn secured(
    mut tcp: TcpStream,
    name: &str,
    config: Arc<ClientConfig>,
) -> Result<StreamOwned<ClientConnection, TcpStream>, LineFault> {
    let unusable = |error: &dyn std::fmt::Display| {
        LineFault::Unusable(format!("サーバの名前 {name} を確かめられません（{error}）"))
    };
    let named = ServerName::try_from(name.to_owned()).map_err(|error| unusable(&error))?;
    let mut tls = ClientConnection::new(config, named).map_err(|error| unusable(&error))?;
    let mut wrapped = Wrapped {
        tcp: &mut tcp,
        written: Vec::new(),
        left: 0,
    };
    while tls.is_handshaking() {
        while tls.wants_write() {
            tls.write_tls(&mut wrapped)?;
        }
        wrapped.flush()?;
        match tls.read_tls(&mut wrapped) {
            Ok(0) => return Err(LineFault::NoTls("サーバが切りました".to_owned())),
            Ok(_) => {}
            // A server that knows nothing better than TLS 1.0 often just hangs up.
            Err(error) if hung_up(error.kind()) => return Err(LineFault::NoTls("サーバが切りました".to_owned())),
            Err(error) => return Err(error.into()),
        }
        if let Err(error) = tls.process_new_packets() {
            // So that the server's log says why.
            let _told = tls.write_tls(&mut wrapped).and_then(|_| wrapped.flush());
            return Err(match error {
                rustls::Error::InvalidCertificate(why) => LineFault::NotProven(format!("{why:?}")),
                other => LineFault::NoTls(other.to_string()),
            });
        }
    }
    while tls.wants_write() {
        tls.write_tls(&mut wrapped)?;
    }
    wrapped.flush()?;
    if wrapped.left > 0 {
        return Err(LineFault::NotTds);
    }
    Ok(StreamOwned::new(tls, tcp))
}

fn hung_up(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}

/// Bytes of a handshake in packets.
struct Wrapped<'t> {
    tcp: &'t mut TcpStream,
    written: Vec<u8>,
    /// Bytes of the present packet that are still to be read.
    left: usize,
}

impl Read for Wrapped<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.left == 0 {
            let mut header = [0; HEADER];
            self.tcp.read_exact(&mut header)?;
            let [kind, ..] = header;
            self.left = length_of(header)
                .filter(|_| kind == PRELOGIN || kind == ANSWER)
                .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
        }
        let most = self.left.min(into.len());
        let read = self.tcp.read(into.get_mut(..most).unwrap_or_default())?;
        self.left -= read;
        Ok(read)
    }
}

impl Write for Wrapped<'_> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.written.extend_from_slice(from);
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // One packet for one flight, as servers expect it.
        for part in self.written.chunks(MAX_PAYLOAD) {
            let mut packet = header(PRELOGIN, END_OF_MESSAGE, part.len()).to_vec();
            packet.extend_from_slice(part);
            self.tcp.write_all(&packet)?;
        }
        self.written.clear();
        self.tcp.flush()
    }
}
