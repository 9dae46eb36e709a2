//! What somebody hears who comes without TLS to a door that speaks it: where to go. Nothing that was sent is looked at.

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

/// Longest name of a host that is repeated.
const LONGEST_HOST: usize = 255;

/// Answers every request; what other stations ask is answered by `others`, where somebody has said yes to lines without TLS.
pub fn router(port: u16, others: Option<Router>) -> Router {
    let others = others.unwrap_or_default();
    others.fallback(move |request: Request| async move { answer(&request, port) })
}

fn answer(request: &Request, port: u16) -> Response {
    if request.uri().path().starts_with("/parcel") {
        return (
            StatusCode::FORBIDDEN,
            "this station speaks https only: put https:// in front of its address",
        )
            .into_response();
    }
    let place = host(request).map(|host| format!("https://{host}:{port}{}", path(request)));
    let mut response = match (
        request.method() == Method::GET || request.method() == Method::HEAD,
        place,
    ) {
        (true, Some(place)) => (
            StatusCode::TEMPORARY_REDIRECT,
            [(header::LOCATION, place.clone())],
            Html(page(&place, MOVED)),
        )
            .into_response(),
        (true, None) => (StatusCode::BAD_REQUEST, Html(page("", MOVED))).into_response(),
        (false, place) => (StatusCode::FORBIDDEN, Html(page(&place.unwrap_or_default(), NOT_TAKEN))).into_response(),
    };
    // What was not read of the request is not waited for.
    response
        .headers_mut()
        .insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        header::HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"),
    );
    response
}

/// The name by which this machine was called, without a port; only what can be a host's name.
fn host(request: &Request) -> Option<String> {
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    let authority: axum::http::uri::Authority = host.parse().ok()?;
    let host = authority.host();
    let plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-[]:".contains(&b));
    (plain && !host.is_empty() && host.len() <= LONGEST_HOST).then(|| host.to_owned())
}

/// The path, without what stands behind a question mark: it may have been typed into a form.
fn path(request: &Request) -> &str {
    let path = request.uri().path();
    let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~".contains(&b));
    if plain { path } else { "/" }
}

const MOVED: [&str; 2] = [
    "この画面は https で開きます。お気に入りやアイコンの住所を、下の住所に直してください。",
    "This screen is opened over https. Change the bookmark or icon to the address below.",
];

const NOT_TAKEN: [&str; 2] = [
    "送られたものは受け取っていません。保存もしていません。下の住所で開き直して、もう一度入力してください。いま入力したパスワードは暗号化されずに網を通りました。情報担当に知らせて、作り直してください。",
    "What was sent was not taken and is not saved. Open the address below and enter it again. A password typed just now went over the network unencrypted: tell the informatics officer and have it reset.",
];

fn page(place: &str, words: [&str; 2]) -> String {
    let [ja, en] = words;
    let link = if place.is_empty() {
        String::new()
    } else {
        format!("<p><a href=\"{place}\">{place}</a></p>")
    };
    format!(
        "<!doctype html><html lang=\"ja\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>https で開きます</title>\
         <style>body{{font:1.25rem/1.8 sans-serif;max-width:44rem;margin:4rem auto;padding:0 1rem;color:#111;background:#fff}}a{{color:#003c8f}}</style>\
         <main><h1>灯火 Tomoshibi</h1><p>{ja}</p><p lang=\"en\">{en}</p>{link}</main></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn asked(method: Method, host: &str, path: &str) -> Response {
        let request = Request::builder().method(method).uri(path).header("host", host);
        answer(&request.body(Body::empty()).unwrap(), 8300)
    }

    #[test]
    fn people_are_sent_on_and_forms_are_not_taken() {
        let moved = asked(Method::GET, "hub.local:8300", "/reception?name=x");
        assert_eq!(moved.status(), StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(moved.headers()["location"], "https://hub.local:8300/reception");
        let refused = asked(Method::POST, "hub.local:8300", "/sign-in");
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        assert!(refused.headers().get("location").is_none());
        assert_eq!(
            asked(Method::GET, "hub.local:8300", "/parcel/word").status(),
            StatusCode::FORBIDDEN
        );
    }

    #[test]
    fn nobody_is_sent_to_where_a_forged_host_points() {
        for host in ["", "a b", "<script>", "x@y:1", "a/b"] {
            let answer = asked(Method::GET, host, "/");
            let place = answer.headers().get("location").map(|l| l.to_str().unwrap().to_owned());
            assert!(place.is_none_or(|place| place == "https://y:8300/"), "{host}");
        }
        let odd = asked(Method::GET, "[::1]:8300", "/a\"b");
        assert_eq!(odd.headers()["location"], "https://[::1]:8300/");
    }
}
