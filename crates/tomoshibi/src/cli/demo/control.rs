//! The control page: two switches, and what to try.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use super::ehr::Ehr;
use super::line::Line;

/// Where hub and station are.
pub struct Addresses {
    /// `http://127.0.0.1:8300/`
    pub hub: String,
    /// `http://127.0.0.1:8301/`
    pub station: String,
}

/// What the page switches.
pub struct Panel {
    /// The EHR.
    pub ehr: Ehr,
    /// The network.
    pub line: Line,
    /// Links.
    pub addresses: Addresses,
}

const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The page and its two switches.
pub fn router(panel: Arc<Panel>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/style.css", get(style))
        .route("/switch/{what}/{to}", post(switch))
        .with_state(panel)
}

async fn page(State(panel): State<Arc<Panel>>) -> Response {
    let ehr = panel.ehr.is_running();
    let line = panel.line.is_up();
    let html = include_str!("control.html")
        .replace("@HUB@", &panel.addresses.hub)
        .replace("@STATION@", &panel.addresses.station)
        .replace(
            "@EHR_STATE@",
            if ehr {
                "○ 動いています"
            } else {
                "■ 止まっています"
            },
        )
        .replace("@EHR_TO@", if ehr { "stop" } else { "start" })
        .replace(
            "@EHR_BUTTON@",
            if ehr {
                "電子カルテを止める"
            } else {
                "電子カルテを動かす"
            },
        )
        .replace(
            "@LINE_STATE@",
            if line {
                "○ つながっています"
            } else {
                "■ 切れています"
            },
        )
        .replace("@LINE_TO@", if line { "stop" } else { "start" })
        .replace(
            "@LINE_BUTTON@",
            if line {
                "ネットワークを切る"
            } else {
                "ネットワークをつなぐ"
            },
        );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, html).into_response()
}

async fn style() -> Response {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8")],
        include_str!("control.css"),
    )
        .into_response()
}

async fn switch(
    State(panel): State<Arc<Panel>>,
    Path((what, to)): Path<(String, String)>,
    headers: axum::http::HeaderMap,
) -> Response {
    // Only this page's own buttons: a form on another site must not stop anything.
    let site = headers
        .get("sec-fetch-site")
        .and_then(|v| v.to_str().ok())
        .unwrap_or("same-origin");
    if site != "same-origin" {
        return StatusCode::FORBIDDEN.into_response();
    }
    let run = to == "start";
    let outcome = match what.as_str() {
        "ehr" => panel.ehr.set(run).await,
        "line" => panel.line.set(run).await,
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    match outcome {
        Ok(()) => Redirect::to("/").into_response(),
        Err(fault) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{fault:#}")).into_response(),
    }
}
