//! S01 ログイン・交代: a badge and a password, or a password alone, open the person's keys on this station.
//!
//! There is no account to be logged into: what badge and password do not open stays closed. Scanning another badge anywhere
//! leads here, to the other person's password; the first person goes when the second has come in. 離席 ends a session and
//! asks the same person again, by password, with or without the badge; there is no shorter secret. The demo's one-click
//! buttons use the demo staff's real passwords.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use downtime::audit::Deed;
use downtime::identity::{BadgeSecret, Carrier, Credentials, Role, Scanned, SignInFault, UserRecord};
use downtime::stations::Session;
use serde::Deserialize;
use std::sync::Arc;

use super::{Open, Route, Screen, first_screen};
use crate::fault::Fault;
use crate::gate::set_cookie;
use crate::layout::{Page, SCRIPTS};
use crate::say;
use crate::session::{SEAT, Token, cookie};
use crate::site::Site;
use crate::visit::Visit;

/// S01.
pub static SCREEN: Screen = Screen {
    id: "S01",
    name: "sign-in",
    nav: None,
    who: &[],
    open: Open::Everybody,
    routes: &[
        Route {
            method: "GET",
            path: "/sign-in",
            handler: || get(show).post(enter),
        },
        Route {
            method: "POST",
            path: "/sign-out",
            handler: || post(leave),
        },
        Route {
            method: "POST",
            path: "/sign-out/away",
            handler: || post(away),
        },
        Route {
            method: "POST",
            path: "/sign-in/here",
            handler: || post(here),
        },
    ],
};

/// Longest staff number, password and code taken, in bytes.
const MAX_USER: usize = 64;
const MAX_PASSWORD: usize = 1024;
const MAX_CODE: usize = 256;
/// Longest address to come back to, in bytes.
const MAX_TO: usize = 512;

#[derive(Deserialize, Default)]
#[serde(default)]
struct To {
    to: String,
    /// The screen was cleared; the same person is asked again.
    away: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SignIn {
    user: String,
    password: String,
    /// What a scanner read from a continuity badge.
    scanned: String,
    /// The badge's characters, typed by hand.
    badge: String,
    /// Staff number of a demo person.
    demo: String,
    to: String,
    /// The screen was cleared, of this person; never from a form.
    #[serde(skip)]
    cleared: bool,
    #[serde(skip)]
    name: String,
}

/// What somebody brought, owned.
enum Brought {
    Password(String),
    Both(String, BadgeSecret),
}

impl Brought {
    const fn credentials(&self) -> Credentials<'_> {
        match self {
            Self::Password(password) => Credentials::Password(password.as_str()),
            Self::Both(password, badge) => Credentials::PasswordAndBadge {
                password: password.as_str(),
                badge,
            },
        }
    }
}

async fn show(visit: Visit, headers: HeaderMap, Query(to): Query<To>) -> Result<Response, Fault> {
    let mut form = SignIn {
        to: to.to,
        ..SignIn::default()
    };
    if visit.signed.is_some() || to.away.is_empty() {
        return page(&visit, StatusCode::OK, &form, None, None);
    }
    let shelved = visit.site.station().shelf().current();
    let seated = cookie(&headers, SEAT).and_then(|number| shelved.and_then(|s| s.user(number).ok()));
    form.cleared = true;
    if let Some(user) = seated.filter(|user| user.role != Role::BreakGlass) {
        form.user.clone_from(&user.staff_number);
        form.name = user.name;
    }
    page(&visit, StatusCode::OK, &form, None, None)
}

async fn enter(visit: Visit, headers: HeaderMap, Form(mut form): Form<SignIn>) -> Result<Response, Fault> {
    let too_long = form.user.len() > MAX_USER
        || form.password.len() > MAX_PASSWORD
        || form.scanned.len() > MAX_CODE
        || form.badge.len() > MAX_CODE;
    if too_long {
        return refuse(&visit, &form, &SignInFault::Refused);
    }
    // A badge may also have been read into the field for the number.
    if Scanned::looks_like(&form.user).is_some() {
        form.scanned = std::mem::take(&mut form.user);
    }
    if Scanned::looks_like(&form.scanned) == Some(Carrier::Envelope) {
        return super::envelope::begin(&visit, &form.scanned);
    }
    let (user, brought) = match brought(&visit, &form) {
        Ok(both) => both,
        Err(problem) => return page(&visit, StatusCode::UNAUTHORIZED, &form, None, Some(problem)),
    };
    if form.password.is_empty() && !form.scanned.is_empty() {
        // A badge alone: say whose it is and ask for what only that person knows. A number alone says nothing.
        let held = visit.site.station().shelf().current().and_then(|s| s.user(&user).ok());
        return page(&visit, StatusCode::OK, &form, held, None);
    }
    let station = Arc::clone(&visit.site.desk.station);
    let door = visit
        .site
        .doors
        .acquire()
        .await
        .map_err(|fault| Fault::Broken(fault.to_string()))?;
    let answer = tokio::task::spawn_blocking(move || station.sign_in(&user, &brought.credentials()))
        .await
        .map_err(|fault| Fault::Broken(fault.to_string()))?;
    drop(door);
    match answer {
        Ok(session) => let_in(&visit, &headers, session, &form.to),
        Err(fault) => refuse(&visit, &form, &fault),
    }
}

/// Whose account, and what opens it.
fn brought(visit: &Visit, form: &SignIn) -> Result<(String, Brought), String> {
    let w = visit.w();
    if let Some(demo) = visit.site.desk.demo.iter().find(|d| d.staff_number == form.demo) {
        return Ok((demo.staff_number.clone(), Brought::Password(demo.password.clone())));
    }
    if !form.scanned.is_empty() {
        let (number, badge) =
            BadgeSecret::from_digits(&form.scanned).map_err(|_| w["sign-in-badge-unreadable"].to_owned())?;
        let shelved = visit.site.station().shelf().current();
        let user = shelved.and_then(|s| s.users().find(|u| u.badge == number));
        // An old badge and one of another hospital read alike: the number is in no account.
        let user = user.ok_or_else(|| w["sign-in-badge-unknown"].to_owned())?;
        return Ok((user.staff_number, Brought::Both(form.password.clone(), badge)));
    }
    if !form.badge.trim().is_empty() {
        let badge = BadgeSecret::from_typed(&form.badge).map_err(|_| w["sign-in-badge-mistyped"].to_owned())?;
        return Ok((form.user.clone(), Brought::Both(form.password.clone(), badge)));
    }
    Ok((form.user.clone(), Brought::Password(form.password.clone())))
}

/// Begins a session and leads to its first page.
pub(super) fn let_in(visit: &Visit, headers: &HeaderMap, session: Session, to: &str) -> Result<Response, Fault> {
    let mut bytes = [0; 32];
    (visit.site.desk.chance)(&mut bytes).map_err(|fault| Fault::Broken(fault.to_string()))?;
    let first = first_screen(session.role());
    let seat = visit.site.sessions.seat(&session.author().user);
    // Sheets that an earlier life of the program left go on now that somebody is here whose keys open them.
    if let (Some(printers), Some(journal)) = (&visit.site.desk.printers, session.journal_key()) {
        printers.unlock(journal, visit.site.now());
    }
    // Whoever sat here before is signed out: one browser, one person.
    visit.site.sessions.end(headers, Deed::SignedOut);
    let cookie = visit.site.sessions.begin(Token::new(bytes), session, visit.site.now());
    let mut response = Redirect::to(own_address(to).unwrap_or(first)).into_response();
    set_cookie(&mut response, &cookie);
    set_cookie(&mut response, &seat);
    Ok(response)
}

async fn leave(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let cookie = site.sessions.end(&headers, Deed::SignedOut);
    let mut response = Redirect::to("/sign-in").into_response();
    set_cookie(&mut response, &cookie);
    response
}

/// 離席: the session ends, its keys are erased, and the same person is asked again.
async fn away(State(site): State<Arc<Site>>, headers: HeaderMap, Form(to): Form<To>) -> Response {
    let cookie = site.sessions.end(&headers, Deed::Cleared);
    let to = encoded(own_address(&to.to).unwrap_or_default());
    let mut response = Redirect::to(&format!("/sign-in?away=1&to={to}")).into_response();
    set_cookie(&mut response, &cookie);
    response
}

/// Somebody types or moves at a page that asks for nothing else: that is use too. Tells a page whose session has ended to clear.
async fn here(visit: Visit) -> StatusCode {
    match visit.signed {
        Some(_) => StatusCode::NO_CONTENT,
        None => StatusCode::UNAUTHORIZED,
    }
}

/// One value within an address.
fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'/');
    text.bytes()
        .map(|b| {
            if plain(b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

/// Only addresses of this station: no other host hides behind `//` or a backslash.
fn own_address(to: &str) -> Option<&str> {
    let own = to.len() > 1
        && to.starts_with('/')
        && !to.starts_with("//")
        && to.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
        && !to.starts_with("/sign-")
        && to.len() <= MAX_TO;
    own.then_some(to)
}

fn refuse(visit: &Visit, form: &SignIn, fault: &SignInFault) -> Result<Response, Fault> {
    page(visit, StatusCode::UNAUTHORIZED, form, None, Some(said(visit, fault)))
}

/// A refusal in the reader's words.
pub(super) fn said(visit: &Visit, fault: &SignInFault) -> String {
    let w = visit.w();
    match fault {
        SignInFault::Refused => w["sign-in-refused"].to_owned(),
        SignInFault::Wait(seconds) => w.with("sign-in-wait", &[("seconds", (*seconds).unsigned_abs().into())]),
        SignInFault::Locked(seconds) => w.with(
            "sign-in-locked",
            &[("minutes", (seconds.unsigned_abs().div_ceil(60)).into())],
        ),
        SignInFault::NoSnapshot => w["sign-in-no-snapshot"].to_owned(),
        SignInFault::TooOld(hours) => w.with("sign-in-too-old", &[("hours", hours.unsigned_abs().into())]),
        SignInFault::NotAudited(_) => w["sign-in-not-audited"].to_owned(),
        other => {
            tracing::warn!(fault = %other, "sign-in failed");
            w["sign-in-failed"].to_owned()
        }
    }
}

fn page(
    visit: &Visit,
    status: StatusCode,
    form: &SignIn,
    held: Option<UserRecord>,
    problem: Option<String>,
) -> Result<Response, Fault> {
    let w = visit.w();
    let accounts = visit.state.snapshot.as_ref().map_or_else(
        || w["sign-in-no-snapshot"].to_owned(),
        |snapshot| {
            let at = say::moment(w, snapshot.sealed_at, visit.state.now);
            w.with("sign-in-accounts", &[("time", (&at).into())])
        },
    );
    let badges = visit
        .site
        .desk
        .demo
        .iter()
        .map(|demo| Badge {
            number: &demo.staff_number,
            name: &demo.name,
            role: say::role(w, demo.role),
        })
        .collect();
    let scanned = if held.is_some() { form.scanned.as_str() } else { "" };
    let html = SignInPage {
        page: visit.page(&w["sign-in-title"], SCRIPTS),
        to: &form.to,
        user: &form.user,
        scanned,
        held: held.map(|user| w.with("sign-in-held", &[("name", (&user.name).into())])),
        leaves: visit.signed.as_ref().map(|signed| {
            let name = &signed.session.author().name;
            w.with("sign-in-leaves", &[("name", name.into())])
        }),
        cleared: match (form.cleared, form.name.as_str()) {
            (false, _) => None,
            (true, "") => Some(w["sign-in-cleared"].to_owned()),
            (true, name) => Some(w.with("sign-in-cleared-of", &[("name", name.into())])),
        },
        problem,
        only_here: crate::kept::only_here(visit),
        accounts,
        badges,
    };
    visit.show_as(status, &html)
}

struct Badge<'a> {
    number: &'a str,
    name: &'a str,
    role: &'a str,
}

#[derive(Template)]
#[template(path = "screens/sign_in.html")]
struct SignInPage<'a> {
    page: Page<'a>,
    to: &'a str,
    user: &'a str,
    scanned: &'a str,
    held: Option<String>,
    leaves: Option<String>,
    cleared: Option<String>,
    problem: Option<String>,
    only_here: Option<String>,
    accounts: String,
    badges: Vec<Badge<'a>>,
}

#[cfg(test)]
mod tests {
    use super::own_address;

    #[test]
    fn only_our_own_addresses_are_followed() {
        assert_eq!(own_address("/reception"), Some("/reception"));
        for bad in [
            "",
            "/",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a b",
            "/sign-in",
            "x",
        ] {
            assert_eq!(own_address(bad), None, "{bad}");
        }
    }
}
