//! One request, one answer, within limits.

use std::io::Read;
use std::time::Duration;

use anyhow::Result;
use ureq::http::Uri;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector, TcpConnector};
use ureq::{Agent, Timeout};

use crate::tls::{NotProven, Secured, Trust};

/// Longest header value passed on.
const MAX_HEADER: usize = 4_096;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until there is a connection.
    pub connect: Duration,
    /// Until the whole answer is there.
    pub whole: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            whole: Duration::from_secs(300),
        }
    }
}

/// How something is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST of a body
    Post,
    /// PUT of a body
    Put,
    /// DELETE
    Delete,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Request<'r> {
    /// How.
    pub method: Method,
    /// Whole address, `http` or `https`.
    pub url: &'r str,
    /// Headers.
    pub headers: &'r [(&'r str, &'r str)],
    /// Body of a POST or PUT.
    pub body: &'r [u8],
    /// Most bytes of the answer.
    pub most: u64,
}

/// One answer, whatever its status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// 200 …
    pub status: u16,
    /// Headers with their names in small letters.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Response {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No connection, or it broke off.
    #[error("{0}")]
    Unreachable(String),
    /// The other end has not proven who it is. Nothing was sent.
    #[error("{0}")]
    NotProven(String),
    /// Longer than the limit.
    #[error("too slow")]
    TooSlow,
    /// More bytes than asked for.
    #[error("too large")]
    TooLarge,
}

/// A client with its trust.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
}

impl Client {
    /// A client that trusts what it is given and nothing else; without trust every `https` address is refused.
    ///
    /// # Errors
    /// When the certificates are none.
    pub fn new(trust: Option<&Trust>, limits: Limits) -> Result<Self> {
        let config = Agent::config_builder()
            .timeout_connect(Some(limits.connect))
            .timeout_global(Some(limits.whole))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .user_agent("tomoshibi")
            .build();
        let connector = ().chain(TcpConnector::default()).chain(Secured::new(trust)?);
        Ok(Self {
            agent: Agent::with_parts(config, connector, DefaultResolver::default()),
        })
    }

    /// Asks once.
    ///
    /// # Errors
    /// [`Fault`] when there is no whole answer.
    pub fn send(&self, request: &Request<'_>) -> Result<Response, Fault> {
        let uri: Uri = request
            .url
            .parse()
            .map_err(|_| Fault::Unreachable("bad address".to_owned()))?;
        let answer = match request.method {
            Method::Post | Method::Put => {
                let mut built = if request.method == Method::Post {
                    self.agent.post(uri)
                } else {
                    self.agent.put(uri)
                };
                for (name, value) in request.headers {
                    built = built.header(*name, *value);
                }
                built.send(request.body)
            }
            Method::Get | Method::Delete => {
                let mut built = if request.method == Method::Get {
                    self.agent.get(uri)
                } else {
                    self.agent.delete(uri)
                };
                for (name, value) in request.headers {
                    built = built.header(*name, *value);
                }
                built.call()
            }
        };
        let answer = answer.map_err(|error| fault(&error))?;
        let status = answer.status().as_u16();
        let headers = answer.headers().iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
        let headers = headers.filter(|(_, value)| value.len() <= MAX_HEADER).collect();
        let mut body = Vec::new();
        let mut reader = answer
            .into_body()
            .into_with_config()
            .limit(u64::MAX)
            .reader()
            .take(request.most.saturating_add(1));
        reader.read_to_end(&mut body).map_err(|error| of_io(&error))?;
        if body.len() as u64 > request.most {
            return Err(Fault::TooLarge);
        }
        Ok(Response { status, headers, body })
    }
}

fn fault(error: &ureq::Error) -> Fault {
    match error {
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => Fault::Unreachable("no connection".to_owned()),
        ureq::Error::Timeout(_) => Fault::TooSlow,
        ureq::Error::Other(why) if why.is::<NotProven>() => Fault::NotProven(why.to_string()),
        ureq::Error::Io(error) => of_io(error),
        other => Fault::Unreachable(other.to_string()),
    }
}

fn of_io(error: &std::io::Error) -> Fault {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    match inner {
        Some(ureq::Error::Timeout(_)) => Fault::TooSlow,
        _ if error.kind() == std::io::ErrorKind::TimedOut => Fault::TooSlow,
        _ => Fault::Unreachable(error.to_string()),
    }
}
