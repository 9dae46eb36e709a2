//! Who sits at which browser: our own table of sessions, in memory only.
//!
//! A session is the signed-in person's unlocked keys, so it ends with the process, with signing out, after a time without use,
//! and after twelve hours in any case; also when the account is disabled, its time is over, the envelope was closed or the
//! newest snapshot was not sealed for this person. The cookie carries nothing but a random token.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use chart::{EntryId, Moment};
use downtime::audit::Deed;
use downtime::identity::Role;
use downtime::index::Index;
use downtime::printing::JobId;
use downtime::stations::Session;
use jiff::civil::Date;

use crate::rolls::Roll;
use crate::visit::Visit;

/// Longest life of a session, in seconds, whatever happens in it.
pub const ABSOLUTE_SECONDS: i64 = 12 * 3600;
/// PDFs kept for the browser to fetch and print again, per session (about 70 KB each).
const SHEETS: usize = 24;
/// Forms remembered so that a second press does nothing twice, per session.
const ONCE: usize = 200;
/// Days held ready-made, per session.
const ROLLS: usize = 3;
/// Name of the cookie that says who sat here last.
pub const SEAT: &str = "seat";
/// Most sessions at once: far more than one station has browsers, few enough to bound memory.
const MOST: usize = 2_000;

/// One signed-in browser.
pub struct SignedIn {
    /// The keys and everything they open.
    pub session: Session,
    began: Moment,
    last: AtomicI64,
    idle_seconds: i64,
    sheets: Mutex<VecDeque<(String, Kept)>>,
    once: Mutex<VecDeque<(String, EntryId)>>,
    rolls: Mutex<VecDeque<Arc<Roll>>>,
}

impl SignedIn {
    fn new(session: Session, now: Moment, idle_seconds: i64) -> Self {
        Self {
            session,
            began: now,
            last: AtomicI64::new(now.0),
            idle_seconds,
            sheets: Mutex::default(),
            once: Mutex::default(),
            rolls: Mutex::default(),
        }
    }

    /// Occupation.
    #[must_use]
    pub fn role(&self) -> Role {
        self.session.role()
    }

    /// Seconds without use after which this session ends.
    #[must_use]
    pub const fn idle_seconds(&self) -> i64 {
        self.idle_seconds
    }

    /// Keeps a PDF so that it can be asked for under a random name.
    pub fn keep_sheet(&self, name: String, kept: Kept) {
        let mut sheets = self.sheets.lock().unwrap_or_else(PoisonError::into_inner);
        if sheets.len() >= SHEETS {
            sheets.pop_front();
        }
        sheets.push_back((name, kept));
    }

    /// A PDF kept earlier.
    #[must_use]
    pub fn sheet(&self, name: &str) -> Option<Kept> {
        let sheets = self.sheets.lock().unwrap_or_else(PoisonError::into_inner);
        sheets.iter().find(|(n, _)| n == name).map(|(_, kept)| kept.clone())
    }

    /// The roll of a day, held while this person is signed in.
    pub fn roll(&self, visit: &Visit, index: &Index, day: Date) -> Arc<Roll> {
        let roll = visit.site.rolls.of(visit, index, day, self.role());
        let mut rolls = self.rolls.lock().unwrap_or_else(PoisonError::into_inner);
        if !rolls.iter().any(|held| Arc::ptr_eq(held, &roll)) {
            if rolls.len() >= ROLLS {
                rolls.pop_front();
            }
            rolls.push_back(Arc::clone(&roll));
        }
        roll
    }

    /// What the form with this token did the first time it was sent.
    #[must_use]
    pub fn done_once(&self, token: &str) -> Option<EntryId> {
        let once = self.once.lock().unwrap_or_else(PoisonError::into_inner);
        once.iter().find(|(t, _)| t == token).map(|(_, entry)| *entry)
    }

    /// Remembers what a form did.
    pub fn remember(&self, token: &str, entry: EntryId) {
        let mut once = self.once.lock().unwrap_or_else(PoisonError::into_inner);
        if once.len() >= ONCE {
            once.pop_front();
        }
        once.push_back((token.chars().take(64).collect(), entry));
    }
}

/// A sheet that was issued.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Code of the form.
    pub form: String,
    /// Its pages.
    pub pdf: Arc<Vec<u8>>,
    /// Which way it goes.
    pub way: Way,
}

/// Which way a sheet goes to paper.
#[derive(Debug, Clone)]
pub enum Way {
    /// The browser prints it: no printer serves this size here.
    Browser,
    /// It was sent to this printer.
    Sent(JobId, String),
    /// It should have been sent; this key of the words says why it was not. The browser prints it.
    NotSent(&'static str),
}

/// A session token: 256 random bits, shown as hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Token([u8; 32]);

impl Token {
    /// From random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// As the cookie carries it.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().map(|b| format!("{b:02x}")).collect()
    }

    fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(i * 2..i * 2 + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

/// All sessions of this process.
pub struct Sessions {
    table: RwLock<HashMap<Token, Arc<SignedIn>>>,
    idle_seconds: i64,
    secure: bool,
}

impl Sessions {
    /// `secure` when the station is reached over HTTPS: the cookie then takes the `__Host-` prefix (RFC 6265bis §4.1.3.2).
    #[must_use]
    pub fn new(idle_seconds: i64, secure: bool) -> Self {
        Self {
            table: RwLock::default(),
            idle_seconds: idle_seconds.clamp(*crate::IDLE_LIMITS.start(), *crate::IDLE_LIMITS.end()),
            secure,
        }
    }

    const fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-tomoshibi" } else { "tomoshibi" }
    }

    /// Begins a session and gives the cookie.
    pub fn begin(&self, token: Token, session: Session, now: Moment) -> String {
        let cookie = self.cookie(&token.text(), ABSOLUTE_SECONDS);
        let idle = match session.role() {
            Role::BreakGlass => self.idle_seconds.min(crate::ENVELOPE_IDLE_SECONDS),
            _ => self.idle_seconds,
        };
        self.sweep(now);
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= MOST
            && let Some(oldest) = table
                .iter()
                .min_by_key(|(_, s)| s.last.load(Ordering::Relaxed))
                .map(|(token, _)| token.clone())
        {
            table.remove(&oldest);
        }
        table.insert(token, Arc::new(SignedIn::new(session, now, idle)));
        cookie
    }

    /// Ends every session whose time is over, so that keys do not wait in memory for a browser that never comes back.
    pub fn sweep(&self, now: Moment) {
        let over: Vec<Token> = {
            let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
            let over = table.iter().filter(|(_, signed)| !Self::is_alive(signed, now));
            over.map(|(token, _)| token.clone()).collect()
        };
        for token in over {
            self.close(&token, Deed::Cleared);
        }
    }

    /// The session of a request, if it lives. `counts` is false for the mode bar's own questions, which are no use.
    pub fn find(&self, headers: &HeaderMap, now: Moment, counts: bool) -> Option<Arc<SignedIn>> {
        if !counts {
            self.sweep(now);
        }
        let token = self.token(headers)?;
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let signed = table.get(&token).cloned()?;
        drop(table);
        if !Self::is_alive(&signed, now) {
            self.close(&token, Deed::Cleared);
            return None;
        }
        if signed.session.ended().is_some() {
            self.close(&token, Deed::SignedOut);
            return None;
        }
        if counts {
            signed.last.store(now.0, Ordering::Relaxed);
        }
        Some(signed)
    }

    /// Ends a session: its keys are erased when the last request that still uses them is done. `how` is what the audit log
    /// says. Gives the cookie that clears.
    pub fn end(&self, headers: &HeaderMap, how: Deed) -> String {
        if let Some(token) = self.token(headers) {
            self.close(&token, how);
        }
        self.cookie("", 0)
    }

    fn close(&self, token: &Token, how: Deed) {
        let removed = self.table.write().unwrap_or_else(PoisonError::into_inner).remove(token);
        if let Some(signed) = removed {
            let session = &signed.session;
            session.station().audit().note(session.sighting(how));
        }
    }

    fn is_alive(signed: &SignedIn, now: Moment) -> bool {
        let idle = now.0 - signed.last.load(Ordering::Relaxed);
        let age = now.0 - signed.began.0;
        // A clock set back must not lengthen a session for ever.
        (-60..=signed.idle_seconds).contains(&idle) && (-60..=ABSOLUTE_SECONDS).contains(&age)
    }

    fn token(&self, headers: &HeaderMap) -> Option<Token> {
        cookie(headers, self.cookie_name()).and_then(Token::parse)
    }

    /// Who sat here last, so that the page after a cleared screen can ask for that person's password alone.
    #[must_use]
    pub fn seat(&self, staff_number: &str) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        let plain = staff_number.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let number = if plain { staff_number } else { "" };
        format!("{SEAT}={number}; Path=/sign-in; HttpOnly; SameSite=Strict; Max-Age={ABSOLUTE_SECONDS}{secure}")
    }

    fn cookie(&self, value: &str, seconds: i64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}",
            self.cookie_name()
        )
    }
}

/// One cookie's value.
#[must_use]
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, value)| value)
}
