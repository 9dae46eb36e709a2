//! S01 ログイン・交代: a number and a password open the person's keys on this station.
//!
//! There is no account to be logged into: what the password does not open stays closed. Badges, PINs and lock-out come
//! with the identity work; the demo's one-click buttons use the demo staff's real passwords.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use downtime::identity::{Role, SignInFault};
use serde::Deserialize;
use std::sync::Arc;

use super::{Open, Route, Screen};
use crate::fault::Fault;
use crate::gate::set_cookie;
use crate::layout::{Page, SCRIPTS};
use crate::say;
use crate::session::Token;
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
    ],
};

/// Longest staff number and password taken, in bytes.
const MAX_USER: usize = 64;
const MAX_PASSWORD: usize = 1024;

#[derive(Deserialize, Default)]
#[serde(default)]
struct To {
    to: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SignIn {
    user: String,
    password: String,
    badge: String,
    to: String,
}

async fn show(visit: Visit, Query(to): Query<To>) -> Result<Response, Fault> {
    page(&visit, StatusCode::OK, &to.to, "", None)
}

async fn enter(visit: Visit, headers: HeaderMap, Form(form): Form<SignIn>) -> Result<Response, Fault> {
    let badge = visit.site.desk.demo.iter().find(|demo| demo.staff_number == form.badge);
    let (user, password) = match badge {
        Some(demo) if !form.badge.is_empty() => (demo.staff_number.clone(), demo.password.clone()),
        _ => (form.user.clone(), form.password.clone()),
    };
    if user.len() > MAX_USER || password.len() > MAX_PASSWORD {
        return refuse(&visit, &form, &SignInFault::Refused);
    }
    let station = Arc::clone(&visit.site.desk.station);
    let door = visit
        .site
        .doors
        .acquire()
        .await
        .map_err(|fault| Fault::Broken(fault.to_string()))?;
    let answer = tokio::task::spawn_blocking(move || station.sign_in(&user, &password))
        .await
        .map_err(|fault| Fault::Broken(fault.to_string()))?;
    drop(door);
    let session = match answer {
        Ok(session) => session,
        Err(fault) => return refuse(&visit, &form, &fault),
    };
    let mut bytes = [0; 32];
    (visit.site.desk.chance)(&mut bytes).map_err(|fault| Fault::Broken(fault.to_string()))?;
    let first = match session.role() {
        Role::Reception => "/reception",
        Role::Physician => "/patients",
        Role::Informatics => "/",
    };
    // Whoever sat here before is signed out: one browser, one person.
    visit.site.sessions.end(&headers);
    let cookie = visit.site.sessions.begin(Token::new(bytes), session, visit.site.now());
    let mut response = Redirect::to(own_address(&form.to).unwrap_or(first)).into_response();
    set_cookie(&mut response, &cookie);
    Ok(response)
}

async fn leave(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let cookie = site.sessions.end(&headers);
    let mut response = Redirect::to("/sign-in").into_response();
    set_cookie(&mut response, &cookie);
    response
}

/// Only addresses of this station: no other host hides behind `//` or a backslash.
fn own_address(to: &str) -> Option<&str> {
    let own = to.len() > 1
        && to.starts_with('/')
        && !to.starts_with("//")
        && to.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
        && !to.starts_with("/sign-");
    own.then_some(to)
}

fn refuse(visit: &Visit, form: &SignIn, fault: &SignInFault) -> Result<Response, Fault> {
    let w = visit.w();
    let problem = match fault {
        SignInFault::Refused => w["sign-in-refused"].to_owned(),
        SignInFault::NoSnapshot => w["sign-in-no-snapshot"].to_owned(),
        other => {
            tracing::warn!(fault = %other, "sign-in failed");
            w["sign-in-failed"].to_owned()
        }
    };
    page(visit, StatusCode::UNAUTHORIZED, &form.to, &form.user, Some(problem))
}

fn page(visit: &Visit, status: StatusCode, to: &str, user: &str, problem: Option<String>) -> Result<Response, Fault> {
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
    let html = SignInPage {
        page: visit.page(&w["sign-in-title"], SCRIPTS),
        to,
        user,
        problem,
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
    problem: Option<String>,
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
