//! The gate before every handler: language, session, role, mode; and after it: security headers and worded faults.
//!
//! Refusals are pages like all others, with the mode bar. Nothing a browser sends is trusted to say where it comes from
//! except `Sec-Fetch-Site`, which scripts cannot forge.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};

use downtime::identity::Role;

use crate::assets;
use crate::fault::Fault;
use crate::screens::{Open, Route, SCREENS, Screen};
use crate::session::cookie;
use crate::site::Site;
use crate::visit::Visit;
use crate::words::Lang;

/// Largest request body, in bytes: a note of 40 KB, form-encoded, is three times as long.
pub const MAX_BODY: usize = 192 << 10;

/// Longest address, in bytes.
const MAX_URI: usize = 2_048;

/// What a page may load and where it may send to: only this station.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; form-action 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A sheet is shown by the browser's own viewer inside our hidden frame.
pub const SHEET_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'; base-uri 'none'";

/// All routes behind their gates.
pub fn routes(site: Arc<Site>) -> Router {
    let mut router: Router<Arc<Site>> = Router::new().route("/assets/{*name}", axum::routing::get(assets::serve));
    for screen in SCREENS {
        for route in screen.routes {
            let checkpoint = Checkpoint {
                site: Arc::clone(&site),
                screen,
                route,
            };
            let handler = (route.handler)().layer(from_fn_with_state(checkpoint, check));
            router = router.route(route.path, handler);
        }
    }
    router
        .fallback_service(Router::new().fallback(lost).with_state(Arc::clone(&site)))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn(same_site_only))
        .layer(from_fn(dress))
        .with_state(site)
}

#[derive(Clone)]
struct Checkpoint {
    site: Arc<Site>,
    screen: &'static Screen,
    route: &'static Route,
}

async fn check(State(point): State<Checkpoint>, mut request: Request, next: Next) -> Response {
    let counts = point.route.path != "/state";
    let visit = Visit::new(
        Arc::clone(&point.site),
        point.screen,
        request.headers(),
        request.uri().query(),
        counts,
    );
    let chosen = visit.chosen_language(request.uri().query());
    tell_of_paper(&visit);
    let refused = admit(&visit, &point, &request);
    let mut response = match refused {
        Some(response) => response,
        None => {
            request.extensions_mut().insert(visit.clone());
            next.run(request).await
        }
    };
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        response = visit.fault_page(&fault);
    }
    if let Some(lang) = chosen {
        set_cookie(&mut response, &language_cookie(lang));
    }
    response
}

/// Once a minute, while somebody works here: what the archive of returned paper knows becomes entries. Nobody waits for it.
fn tell_of_paper(visit: &Visit) {
    let Some(signed) = &visit.signed else { return };
    // Who reads no journal could not tell anything, and must not use up the minute.
    let reads = signed.session.journal_key().is_some();
    if reads && signed.session.station().paper_is_due(visit.state.now) {
        let signed = Arc::clone(signed);
        drop(tokio::task::spawn_blocking(move || {
            if let Err(fault) = signed.session.tell_of_paper() {
                tracing::warn!(%fault, "what is known of returned paper is not told to other stations yet");
            }
        }));
    }
}

/// `None` lets the request through.
fn admit(visit: &Visit, point: &Checkpoint, request: &Request) -> Option<Response> {
    if point.screen.open == Open::Everybody {
        return None;
    }
    let Some(signed) = &visit.signed else {
        let comes_back = request.method() == Method::GET && !request.headers().contains_key("x-part");
        return Some(if comes_back {
            Redirect::to(&format!("/sign-in?to={}", request.uri().path())).into_response()
        } else {
            visit.fault_page(&Fault::SignedOut)
        });
    };
    if !point.screen.who.contains(&signed.role()) {
        return Some(visit.fault_page(&Fault::Role));
    }
    // Whoever opened a sealed envelope works in normal times too; every screen says so.
    let closed = point.screen.open == Open::Downtime && !visit.state.mode.is_open();
    if closed && signed.role() != Role::BreakGlass {
        return Some(visit.closed_page());
    }
    None
}

/// No such address: a page with the mode bar, like every other.
async fn lost(State(site): State<Arc<Site>>, request: Request) -> Response {
    let visit = Visit::new(site, &crate::screens::help::SCREEN, request.headers(), None, false);
    visit.fault_page(&Fault::NotFound)
}

/// Acts must come from our own pages: `Sec-Fetch-Site` (all browsers from Chromium 76 on), else `Origin` against `Host`.
async fn same_site_only(request: Request, next: Next) -> Response {
    if request.uri().to_string().len() > MAX_URI {
        return StatusCode::URI_TOO_LONG.into_response();
    }
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    if safe || is_ours(request.headers()) {
        next.run(request).await
    } else {
        (
            StatusCode::FORBIDDEN,
            "別のサイトからの操作は受け付けません。本システムの画面から操作してください。",
        )
            .into_response()
    }
}

fn is_ours(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        Some(site) => site == "same-origin",
        // A program or a browser older than Chromium 76: the origin, where it says one, must be this host.
        None => match (text("origin"), text("host")) {
            (None, _) => true,
            (Some(origin), Some(host)) => origin.split("://").nth(1) == Some(host),
            (Some(_), None) => false,
        },
    }
}

/// Headers of every answer. A handler may set its own policy or caching; it cannot lose the rest.
async fn dress(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            header::HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Adds a cookie to an answer.
pub fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

fn language_cookie(lang: Lang) -> String {
    format!("lang={}; Path=/; SameSite=Strict; Max-Age=31536000", lang.tag())
}

/// The language of a request: `?lang=`, then the cookie, then Japanese.
#[must_use]
pub fn language(headers: &HeaderMap, query: Option<&str>) -> Lang {
    asked_language(query)
        .or_else(|| cookie(headers, "lang").and_then(Lang::parse))
        .unwrap_or_default()
}

/// `?lang=en` in an address.
#[must_use]
pub fn asked_language(query: Option<&str>) -> Option<Lang> {
    query?
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == "lang")
        .and_then(|(_, value)| Lang::parse(value))
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        parts
            .extensions
            .remove::<Self>()
            .ok_or_else(|| Fault::Broken("a handler outside the gate".to_owned()))
    }
}
