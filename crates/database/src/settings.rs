//! Which database, as whom, and how far it is trusted.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use downtime::sources::sql::Fault;
use zeroize::Zeroizing;

/// Largest file of certificates, in bytes.
const MAX_CA_FILE: u64 = 256 << 10;

/// How long a connection may take to be made, unless told otherwise.
pub const CONNECT_WITHIN: Duration = Duration::from_secs(15);
/// How long one question may take, unless told otherwise.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(300);
/// How much longer than the server we wait before we hang up: a server that keeps its own limit says so in this time.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// One database and the account that reads it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the server is.
    pub place: Place,
    /// The name of the database on it.
    pub database: String,
    /// The account.
    pub user: String,
    /// Its password; none where the server knows the account otherwise.
    pub secret: Option<Secret>,
    /// The hospital's certificate authority (PEM), which vouches for the server.
    pub ca: Option<PathBuf>,
    /// How long a connection may take to be made.
    pub connect_within: Duration,
    /// How long one question may take, on the server and, with some patience, here.
    pub answer_within: Duration,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A machine of the network, by name or address, and a port.
    Tcp(String, u16),
    /// A Unix socket of this machine: its folder (PostgreSQL) or itself (MySQL), and the port that is part of PostgreSQL's name for it.
    Socket(PathBuf, u16),
}

/// How the line is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Not at all: it does not leave this machine.
    Plain,
    /// TLS, with the server's certificate and name vouched for by these authorities (PEM) and nobody else.
    Tls(Vec<u8>),
}

/// A password. It is never shown, and gone from memory with its last copy.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A password as it stands in its file: the first line, without the end of the line.
    ///
    /// # Errors
    /// What is wrong with it, for people; never the password.
    pub fn new(bytes: Vec<u8>) -> Result<Self, String> {
        let bytes = Zeroizing::new(bytes);
        let text =
            std::str::from_utf8(&bytes).map_err(|_| "パスワードのファイルが UTF-8 の文字ではありません".to_owned())?;
        let line = text.trim_start_matches('\u{FEFF}').trim_end_matches(['\r', '\n']);
        if line.is_empty() || line.contains(char::is_control) {
            return Err("パスワードのファイルには、パスワードを1行だけ書いてください".to_owned());
        }
        Ok(Self(Zeroizing::new(line.to_owned())))
    }

    /// The password itself, for the driver.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Place {
    /// A host as it is written in the configuration: a name, an address, or the path of a Unix socket.
    #[must_use]
    pub fn read(host: &str, port: u16) -> Self {
        if host.starts_with('/') {
            Self::Socket(PathBuf::from(host), port)
        } else {
            Self::Tcp(host.trim_matches(['[', ']']).to_owned(), port)
        }
    }

    /// True when what is said there never leaves this machine.
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        match self {
            Self::Socket(..) => true,
            Self::Tcp(host, _) => {
                host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Socket(path, _) => write!(f, "{}", path.display()),
        }
    }
}

impl Settings {
    /// How the line to this server is protected: always, unless it stays on this machine.
    ///
    /// # Errors
    /// When it would not be, or the authority cannot be read.
    pub fn line(&self) -> Result<Line, Fault> {
        match &self.ca {
            Some(path) => authority(path).map(Line::Tls).map_err(Fault::Connection),
            None if self.place.is_this_machine() => Ok(Line::Plain),
            None => Err(Fault::Connection(format!(
                "{} は別の機械なので、通信を暗号化せずには接続しません。ca に院内の認証局の証明書（PEM）を書いてください",
                self.place
            ))),
        }
    }
}

fn authority(path: &Path) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("認証局の証明書 {} を読めません（{error}）", path.display());
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_CA_FILE + 1).read_to_end(&mut bytes))
        .map_err(cannot)?;
    let found = memchr::memmem::find(&bytes, b"-----BEGIN CERTIFICATE-----").is_some();
    if !found || bytes.len() as u64 > MAX_CA_FILE {
        return Err(format!("{} は PEM の証明書ではありません", path.display()));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(host: &str, ca: Option<&str>) -> Settings {
        Settings {
            place: Place::read(host, 5432),
            database: "ehr".to_owned(),
            user: "reader".to_owned(),
            secret: Some(Secret::new(b"hush\n".to_vec()).unwrap()),
            ca: ca.map(PathBuf::from),
            connect_within: CONNECT_WITHIN,
            answer_within: ANSWER_WITHIN,
        }
    }

    #[test]
    fn a_line_that_leaves_this_machine_is_protected_or_not_used() {
        for here in ["localhost", "127.0.0.1", "::1", "[::1]", "/run/postgresql"] {
            assert_eq!(settings(here, None).line().unwrap(), Line::Plain, "{here}");
        }
        for elsewhere in [
            "ehr.example",
            "192.0.2.1",
            "127.0.0.1.example",
            "localhost.example",
            "0.0.0.0",
        ] {
            let fault = settings(elsewhere, None).line().unwrap_err().to_string();
            assert!(fault.contains("暗号化") && fault.contains(elsewhere), "{fault}");
        }
        assert!(settings("ehr.example", Some("/no/such.pem")).line().is_err());
        assert!(
            settings("localhost", Some("/dev/null"))
                .line()
                .unwrap_err()
                .to_string()
                .contains("PEM")
        );
    }

    #[test]
    fn a_password_is_one_line_and_never_shown() {
        let settings = settings("localhost", None);
        assert!(!format!("{settings:?}").contains("hush"));
        assert_eq!(settings.secret.unwrap().reveal(), "hush");
        assert_eq!(
            Secret::new("\u{FEFF}a b\r\n".as_bytes().to_vec()).unwrap().reveal(),
            "a b"
        );
        for bad in [&b""[..], b"\n", b"a\nb", b"\xFF"] {
            assert!(Secret::new(bad.to_vec()).is_err());
        }
    }
}
