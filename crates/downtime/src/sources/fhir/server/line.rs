//! One conversation with a server: tokens, retries, waiting, limits. What is asked is not decided here.

use std::collections::HashSet;

use chart::{Finding, Moment, Severity};

use super::token::{self, Token};
use super::{MAX_ANSWER, ServerSettings};
use crate::sources::fhir::json;
use crate::sources::fhir::outcome_words;
use crate::sources::fhir::resource::OperationOutcome;

/// How often one request is tried.
const TRIES: u32 = 4;
/// Longest single wait between tries, in seconds.
const MAX_WAIT: u64 = 60;
/// Most requests of one pull.
const MAX_REQUESTS: u32 = 200_000;

/// How something is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST of a form
    Post,
    /// DELETE, of an export of our own that was fetched
    Delete,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Ask {
    /// How.
    pub method: Method,
    /// Whole address.
    pub url: String,
    /// `Accept`
    pub accept: &'static str,
    /// `Authorization: Bearer`
    pub bearer: Option<String>,
    /// `Prefer: respond-async`
    pub respond_async: bool,
    /// Body of a form.
    pub form: Option<String>,
    /// Most bytes of the answer.
    pub most: u64,
}

/// One answer, whatever its status.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// 200 …
    pub status: u16,
    /// `Retry-After` in seconds.
    pub retry_after: Option<u64>,
    /// `Content-Location`
    pub content_location: Option<String>,
    /// `Date`: the server's own time.
    pub date: Option<Moment>,
    /// Body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebFault {
    /// No connection, or it broke off.
    #[error("つながりません（{0}）")]
    Unreachable(String),
    /// It did not prove who it is.
    #[error("相手がその EHR だと証明できません（{0}）。証明書を確かめてください")]
    NotProven(String),
    /// Longer than the time given.
    #[error("時間内に返事がありません")]
    TooSlow,
    /// More bytes than may be.
    #[error("返事が大きすぎます")]
    TooLarge,
}

/// What the roof lends: the line, the clock, the key, the dice.
pub trait Web: Send + Sync {
    /// Asks once.
    ///
    /// # Errors
    /// [`WebFault`] when there is no answer at all.
    fn ask(&self, ask: &Ask) -> Result<Answer, WebFault>;
    /// Waits.
    fn wait(&self, seconds: u64);
    /// The time.
    fn now(&self) -> Moment;
    /// Signs with the private key, in the form of a JWS.
    ///
    /// # Errors
    /// When the key cannot sign, in words.
    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, String>;
    /// Something nobody can guess.
    fn nonce(&self) -> [u8; 16];
}

/// A date as HTTP writes it (RFC 9110, 5.6.7): `Fri, 20 Nov 2026 00:35:00 GMT`.
#[must_use]
pub fn http_date(text: &str) -> Option<Moment> {
    let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some(Moment(at.timestamp().as_second()))
}

/// A conversation.
pub struct Line<'s> {
    pub(super) server: &'s ServerSettings,
    pub(super) web: &'s dyn Web,
    token: Option<Token>,
    requests: u32,
    /// The server's own time of its first answer.
    pub dated: Option<Moment>,
    /// Bytes fetched so far.
    pub bytes: u64,
    seen: HashSet<String>,
}

/// Why something could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// In words, with what the server says itself.
    pub why: String,
    /// The status, where there was an answer.
    pub status: u16,
}

impl<'s> Line<'s> {
    /// Nothing asked yet.
    pub fn new(server: &'s ServerSettings, web: &'s dyn Web) -> Self {
        Self {
            server,
            web,
            token: None,
            requests: 0,
            dated: None,
            bytes: 0,
            seen: HashSet::new(),
        }
    }

    /// True for an address of the configured server: a token and a patient's number go nowhere else.
    #[must_use]
    pub fn is_ours(&self, url: &str) -> bool {
        origin(url).is_some_and(|one| Some(one) == origin(&self.server.base))
    }

    /// True when this address is fetched for the first time; a list that goes round in a circle ends.
    pub fn is_new(&mut self, url: &str) -> bool {
        self.seen.insert(url.to_owned())
    }

    /// Fetches one address: tries again what may pass by itself, and says what does not.
    ///
    /// # Errors
    /// [`Failed`] in words.
    pub fn get(
        &mut self,
        url: &str,
        accept: &'static str,
        respond_async: bool,
        with_token: bool,
    ) -> Result<Answer, Failed> {
        self.request(Method::Get, url, accept, respond_async, with_token)
    }

    /// Says that an export is no longer needed; whether the server listens is its matter.
    pub fn drop_export(&mut self, url: &str) {
        let _ = self.request(Method::Delete, url, "application/fhir+json", false, true);
    }

    fn request(
        &mut self,
        method: Method,
        url: &str,
        accept: &'static str,
        respond_async: bool,
        with_token: bool,
    ) -> Result<Answer, Failed> {
        let mut renewed = false;
        let mut tried = 0;
        loop {
            tried += 1;
            let bearer = if with_token { self.bearer()? } else { None };
            let left = self.server.most_bytes.saturating_sub(self.bytes);
            if left == 0 || self.requests >= MAX_REQUESTS {
                return Err(failed(
                    0,
                    "取り出しの上限に達しました。設定の max_bytes を見直してください",
                ));
            }
            self.requests += 1;
            let ask = Ask {
                method,
                url: url.to_owned(),
                accept,
                bearer,
                respond_async,
                form: None,
                most: left.min(MAX_ANSWER),
            };
            let wait = match self.web.ask(&ask) {
                Ok(answer) => match answer.status {
                    200..=299 => {
                        self.bytes += answer.body.len() as u64;
                        self.dated = self.dated.or(answer.date);
                        return Ok(answer);
                    }
                    401 if !renewed && with_token && self.token.is_some() => {
                        // The token ended earlier than was said: one new one.
                        renewed = true;
                        self.token = None;
                        continue;
                    }
                    408 | 429 | 500 | 502 | 503 | 504 if tried < TRIES => answer.retry_after.unwrap_or(1 << tried),
                    status => return Err(failed(status, &words_of(&answer))),
                },
                Err(WebFault::Unreachable(_) | WebFault::TooSlow) if tried < TRIES => 1 << tried,
                Err(fault) => return Err(failed(0, &fault.to_string())),
            };
            self.web.wait(wait.min(MAX_WAIT));
        }
    }

    fn bearer(&mut self) -> Result<Option<String>, Failed> {
        let Some(client) = &self.server.client else {
            return Ok(None);
        };
        let now = self.web.now();
        if let Some(token) = self.token.as_ref().filter(|token| token.holds(now)) {
            return Ok(Some(token.text.clone()));
        }
        self.requests += 1;
        let token = token::fetch(client, self.web)?;
        let text = token.text.clone();
        self.token = Some(token);
        Ok(Some(text))
    }
}

fn failed(status: u16, why: &str) -> Failed {
    Failed {
        why: why.to_owned(),
        status,
    }
}

/// What an answer says went wrong: the OperationOutcome's words, else the status.
#[must_use]
pub fn words_of(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let said = json::read::<OperationOutcome<'_>>(&text).ok().map(|(read, _)| read);
    let said = said.filter(|read| &*read.resource_type == "OperationOutcome");
    let words: Vec<String> = said
        .iter()
        .flat_map(|read| read.issue.iter().take(3).map(outcome_words))
        .collect();
    let meaning = match answer.status {
        401 | 403 => "権限がありません",
        404 => "ありません",
        429 => "混み合っています",
        500..=599 => "EHR 側の故障です",
        _ => "断られました",
    };
    if words.is_empty() {
        format!("{meaning}（HTTP {}）", answer.status)
    } else {
        format!("{meaning}（HTTP {}: {}）", answer.status, words.join(" / "))
    }
}

/// `https://host:port` of an address.
fn origin(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    // Somebody's name before the host would make another host look like ours.
    let plain = !host.is_empty() && !host.contains('@');
    plain.then(|| (scheme.to_ascii_lowercase(), host.to_ascii_lowercase()))
}

/// A Finding about something that could not be fetched.
#[must_use]
pub fn finding(what: &str, failed: &Failed, severity: Severity) -> Finding {
    let message = format!("{what} を EHR から取り出せません。{}。", failed.why);
    Finding::new("fhir.server", severity, message)
}
