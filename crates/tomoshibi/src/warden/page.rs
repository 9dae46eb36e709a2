//! The warden's page: what stands, and when it last looked, so that a warden that has stopped looking is seen.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chart::Moment;

use super::Standing;
use crate::clock;

/// Minutes after which the page says that the warden no longer looks.
const BLIND_MINUTES: i64 = 10;

type Shown = Arc<Mutex<Standing>>;

/// Serves the page on a thread of its own.
///
/// # Errors
/// When the address cannot be bound or the thread cannot be started.
pub fn serve(address: &str, shown: Shown) -> Result<std::net::SocketAddr> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (listener, bound) = runtime.block_on(crate::serving::bind(address))?;
    let router = Router::new().route("/", get(page)).with_state(shown);
    std::thread::Builder::new().name("warden-page".into()).spawn(move || {
        let served = runtime.block_on(async { axum::serve(listener, router).await });
        if let Err(error) = served {
            tracing::error!(%error, "★ the warden's page is gone");
        }
    })?;
    Ok(bound)
}

async fn page(State(shown): State<Shown>) -> Response {
    let shown = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let html = html(&shown, clock::now());
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'",
        ),
    ];
    (headers, html).into_response()
}

fn html(shown: &Standing, now: Moment) -> String {
    let blind = shown.looked.is_none_or(|at| now.minutes_since(at) > BLIND_MINUTES);
    let looked = shown.looked.map_or_else(|| "まだありません".to_owned(), Moment::text);
    let head = match (blind, shown.alarms.len()) {
        (true, _) => "✕ 見張りが働いていません".to_owned(),
        (false, 0) => "○ 異常なし / All is well".to_owned(),
        (false, n) => format!("■ 警報 {n}件 / {n} alarms"),
    };
    let list: String = shown
        .alarms
        .iter()
        .map(|(since, words)| format!("<li>{} {}</li>", since.text(), escaped(words)))
        .collect();
    format!(
        "<!doctype html><html lang=\"ja\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"30\"><title>{head}</title>\
         <style>body{{font:1.125rem/1.5 sans-serif;margin:1.5rem;max-width:60rem}}h1{{font-size:1.75rem}}li{{margin:.75rem 0}}</style></head>\
         <body><main><h1>{head}</h1><p>最後に見た時刻 / last look: {looked}</p><ul>{list}</ul><p>{}</p></main></body></html>",
        escaped(&shown.fleet)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warden_that_has_stopped_looking_is_never_well() {
        let mut shown = Standing::default();
        assert!(html(&shown, Moment(1_000_000)).contains("✕"), "it never looked");
        shown.looked = Some(Moment(1_000_000));
        assert!(html(&shown, Moment(1_000_060)).contains("○ 異常なし"));
        assert!(html(&shown, Moment(1_000_000 + 3_600)).contains("✕"), "an hour ago");
        shown.alarms.push((Moment(1_000_000), "<b>x</b>".to_owned()));
        let page = html(&shown, Moment(1_000_060));
        assert!(page.contains("■ 警報 1件") && page.contains("&lt;b&gt;x") && !page.contains("<b>x"));
    }
}
