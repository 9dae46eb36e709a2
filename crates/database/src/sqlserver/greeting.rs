//! How a conversation with a server begins: introduction (PRELOGIN, MS-TDS 2.2.6.5), and TLS inside its packets.
//!
//! The hospital's authority vouches for the server, and nobody else. Deliberately absent: what follows, logging in, limits of time.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Bytes before every packet (MS-TDS 2.2.3.1): type, status, length of both, process, number, window.
pub const HEADER: usize = 8;
/// Status of the last packet of a message.
pub const END_OF_MESSAGE: u8 = 1;
/// Longest payload of a packet that we put together, in bytes.
pub const MAX_PAYLOAD: usize = 32_000;
/// Most bytes of an introduction or of one packet of a handshake.
const MAX_INTRODUCTION: usize = 64 << 10;

const PRELOGIN: u8 = 0x12;
pub const ANSWER: u8 = 0x04;

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

/// A line after its introduction.
pub enum Bytes {
    /// Without protection, on this machine.
    Plain(TcpStream),
    /// Under TLS.
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

/// Introduces us, and protects the line where `authority` (PEM) vouches for the server's `name`.
///
/// # Errors
/// [`LineFault`]; nothing but the introduction has left then.
pub fn greet(mut tcp: TcpStream, name: &str, authority: Option<&[u8]>) -> Result<Bytes, LineFault> {
    tcp.set_nodelay(true)?;
    let config = authority.map(trusting).transpose()?;
    let asked = if config.is_some() {
        encryption::ON
    } else {
        encryption::NOT_SUPPORTED
    };
    tcp.write_all(&introduction(PRELOGIN, asked))?;
    let answered = encryption_of(&message(&mut tcp)?).ok_or(LineFault::NotTds)?;
    match (config, answered) {
        (Some(config), encryption::ON | encryption::REQUIRED) => {
            Ok(Bytes::Secured(Box::new(secured(tcp, name, config)?)))
        }
        (Some(_), _) => Err(LineFault::Unprotected),
        (None, encryption::NOT_SUPPORTED | encryption::OFF) => Ok(Bytes::Plain(tcp)),
        (None, _) => Err(LineFault::WantsProtection),
    }
}

/// The answer to a driver's introduction: the line needs no protection.
pub fn nothing_to_protect() -> Vec<u8> {
    introduction(ANSWER, encryption::NOT_SUPPORTED)
}

/// The payload's length by a packet's header.
pub fn length_of(header: [u8; HEADER]) -> Option<usize> {
    let [_, _, high, low, ..] = header;
    usize::from(u16::from_be_bytes([high, low])).checked_sub(HEADER)
}

pub fn header(kind: u8, status: u8, payload: usize) -> [u8; HEADER] {
    let [high, low] = u16::try_from(payload + HEADER).unwrap_or(u16::MAX).to_be_bytes();
    [kind, status, high, low, 0, 0, 1, 0]
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

pub fn hung_up(kind: io::ErrorKind) -> bool {
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
