//! Style sheet, scripts and fonts, compiled in: a station has no other server to ask.
//!
//! Addresses carry the first digits of the content's SHA-256, so browsers may keep a file for ever and never a stale one.

use std::collections::HashMap;

use axum::body::Body;
use axum::extract::Path;
use axum::http::Uri;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "assets"]
struct Files;

/// The bytes of one asset, for a page that takes them along.
pub fn bytes(name: &str) -> Vec<u8> {
    Files::get(name).map(|file| file.data.into_owned()).unwrap_or_default()
}

/// The address of every asset with its version.
pub struct Assets {
    addresses: HashMap<String, String>,
}

impl Assets {
    /// Computes the versions once.
    #[must_use]
    pub fn new() -> Self {
        let addresses = Files::iter()
            .filter_map(|name| {
                let hash = Files::get(&name)?.metadata.sha256_hash();
                let version: String = hash.iter().take(4).map(|b| format!("{b:02x}")).collect();
                Some((name.to_string(), format!("/assets/{name}?v={version}")))
            })
            .collect();
        Self { addresses }
    }

    /// The address of one asset, with its version.
    #[must_use]
    pub fn at(&self, name: &str) -> &str {
        self.addresses.get(name).map_or("", String::as_str)
    }
}

/// `GET /assets/{*name}`.
pub async fn serve(Path(name): Path<String>, uri: Uri) -> Response {
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let Some(file) = Files::get(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // Fonts are asked for by the style sheet, without a version: a day is long enough for those.
    let keep = if uri.query().is_some_and(|query| query.starts_with("v=")) {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=86400"
    };
    let mut response = Response::new(Body::from(file.data));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    response
}
