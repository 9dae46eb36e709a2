//! A word for pages that look for a desk that answers: the icon of terminals that have a browser only. And the word to browsers that this
//! name is to be asked over https from now on.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use downtime::stations::Station;

/// Ninety days: as long as the certificate.
const STRICT: HeaderValue = HeaderValue::from_static("max-age=7776000");

/// The route `/alive`.
pub fn routes(station: Arc<Station>) -> Router {
    Router::new().route("/alive", get(alive)).with_state(station)
}

/// The station's code and nothing else. A page from the desktop's own disk may read it: nobody is signed in there.
async fn alive(State(station): State<Arc<Station>>) -> Response {
    (
        [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/plain; charset=utf-8"),
            ),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
            (
                header::HeaderName::from_static("access-control-allow-private-network"),
                HeaderValue::from_static("true"),
            ),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ],
        format!("tomoshibi {}\n", station.code()),
    )
        .into_response()
}

/// Answers asked by one of these names tell the browser never to ask without TLS again (RFC 6797).
pub fn strictly(router: Router, names: Vec<String>) -> Router {
    let names: Arc<[String]> = names.into();
    router.layer(from_fn(move |request: Request, next: Next| {
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let strict = host.is_some_and(|host| is_strict(&names, host));
        async move {
            let mut response = next.run(request).await;
            if strict {
                response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, STRICT);
            }
            response
        }
    }))
}

/// Bare addresses are left out, as the standard wants; so is this machine itself, where the word would count for every other program too.
fn is_strict(names: &[String], host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let bare = name.trim_matches(['[', ']']);
    let numbered = bare.parse::<std::net::IpAddr>().is_ok();
    !numbered && !wire::tls::is_this_machine(bare) && names.iter().any(|own| own.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::is_strict;

    #[test]
    fn only_a_configured_name_that_is_a_name_is_made_strict() {
        let names = ["hub.example.jp", "10.0.0.2", "localhost"].map(str::to_owned);
        assert!(is_strict(&names, "hub.example.jp:8300") && is_strict(&names, "HUB.example.jp"));
        for host in [
            "10.0.0.2:8300",
            "localhost:8300",
            "[fd00::1]:8300",
            "other.example.jp",
            "",
        ] {
            assert!(!is_strict(&names, host), "{host}");
        }
    }
}
