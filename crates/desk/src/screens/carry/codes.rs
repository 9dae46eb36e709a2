//! S74, the smallest things: this terminal's newest entries or a receipt as QR symbols, and reading those of another terminal.
//!
//! The symbols hold sealed records: whoever photographs the screen has nothing. Showing them is on record all the same.

use std::fmt::Write;
use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use chart::StationCode;
use downtime::audit::Deed;
use downtime::carry::codes::{Codes, MOST_ENTRIES};
use downtime::carry::{CarryFault, Hands};
use qrcodegen::{QrCode, QrCodeEcc};
use serde::Deserialize;

use super::carry;
use super::said::{fault_words, taken_lines};
use crate::fault::Fault;
use crate::layout::Page;
use crate::visit::Visit;

/// Longest text that is looked through, in bytes.
const MAX_TEXT: usize = 160 << 10;
/// Blank modules around a symbol, as ISO/IEC 18004 asks.
const QUIET: i32 = 4;

const SCRIPTS: &[&str] = &["modebar.js", "scan.js", "keys.js"];

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Wanted {
    /// Show this terminal's newest entries.
    show: Option<String>,
    /// Show the receipt for this terminal.
    receipt: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Read {
    codes: String,
}

/// One symbol.
struct Symbol {
    nth: String,
    side: i32,
    path: String,
}

pub(super) async fn show(visit: Visit, Query(wanted): Query<Wanted>) -> Result<Response, Fault> {
    let receipt = StationCode::parse(&wanted.receipt);
    if wanted.show.is_none() && receipt.is_none() {
        return page(&visit, StatusCode::OK, None, None, Vec::new(), "");
    }
    let signed = visit.signed()?.clone();
    let mut sighting = signed.session.sighting(Deed::Exported);
    sighting.detail = match receipt {
        Some(code) => format!("端末 {code} への受領を QR で見せた"),
        None => "新しい記録を QR で見せた（封印されたまま）".to_owned(),
    };
    let witnessed = signed.session.witness(sighting).await;
    witnessed.map_err(|fault| Fault::NotAudited(fault.to_string()))?;
    let (lent, station, now) = (carry(&visit)?, Arc::clone(&visit.site.desk.station), visit.state.now);
    let made = tokio::task::spawn_blocking(move || match receipt {
        Some(code) => lent.carrying.receipt_codes(&station, code, now),
        None => lent.carrying.entry_codes(&station, MOST_ENTRIES, now),
    })
    .await
    .map_err(|fault| Fault::Broken(fault.to_string()))?;
    let w = visit.w();
    match made {
        Ok(Some(codes)) => {
            let say = match receipt {
                Some(code) => w.with("carry-codes-receipt-say", &[("code", (&code.to_string()).into())]),
                None => w.with("carry-codes-say", &[("n", codes.entries.into())]),
            };
            page(&visit, StatusCode::OK, Some((say, codes)), None, Vec::new(), "")
        }
        Ok(None) => {
            let none = w["carry-codes-none"].to_owned();
            page(&visit, StatusCode::OK, None, Some(none), Vec::new(), "")
        }
        Err(fault) => page(
            &visit,
            StatusCode::OK,
            None,
            Some(fault_words(w, &fault)),
            Vec::new(),
            "",
        ),
    }
}

pub(super) async fn take(visit: Visit, Form(read): Form<Read>) -> Result<Response, Fault> {
    let w = visit.w();
    if read.codes.len() > MAX_TEXT {
        let words = fault_words(w, &CarryFault::NoCode);
        return page(
            &visit,
            StatusCode::UNPROCESSABLE_ENTITY,
            None,
            Some(words),
            Vec::new(),
            "",
        );
    }
    let (lent, station, now) = (carry(&visit)?, Arc::clone(&visit.site.desk.station), visit.state.now);
    let (taken, read) = tokio::task::spawn_blocking(move || {
        let mut hands = Hands {
            now,
            elapsed: &*lent.elapsed,
            progress: &mut |_, _| (),
        };
        (lent.carrying.take_codes(&read.codes, &station, &mut hands), read)
    })
    .await
    .map_err(|fault| Fault::Broken(fault.to_string()))?;
    match taken {
        Ok(taken) if taken.header.records > 0 && taken.from != carry(&visit)?.carrying.code() => {
            // What came in is answered at once: the receipt may be carried back the same way.
            let lines = taken_lines(w, &taken);
            let (lent, station) = (carry(&visit)?, Arc::clone(&visit.site.desk.station));
            let receipt = tokio::task::spawn_blocking(move || lent.carrying.receipt_codes(&station, taken.from, now))
                .await
                .map_err(|fault| Fault::Broken(fault.to_string()))?;
            let say = w.with("carry-codes-receipt-say", &[("code", (&taken.from.to_string()).into())]);
            let codes = receipt.ok().flatten().map(|codes| (say, codes));
            page(&visit, StatusCode::OK, codes, None, lines, "")
        }
        Ok(taken) => page(&visit, StatusCode::OK, None, None, taken_lines(w, &taken), ""),
        Err(CarryFault::NotSaved(fault)) => Err(Fault::NotSaved(fault)),
        Err(fault) => {
            let words = fault_words(w, &fault);
            page(
                &visit,
                StatusCode::UNPROCESSABLE_ENTITY,
                None,
                Some(words),
                Vec::new(),
                &read.codes,
            )
        }
    }
}

fn page(
    visit: &Visit,
    status: StatusCode,
    codes: Option<(String, Codes)>,
    problem: Option<String>,
    done: Vec<String>,
    typed: &str,
) -> Result<Response, Fault> {
    let w = visit.w();
    let (say, symbols) = match codes {
        None => (None, Vec::new()),
        Some((say, codes)) => {
            let all = codes.digits.len() as u64;
            let symbols: Option<Vec<Symbol>> = codes
                .digits
                .iter()
                .zip(1_u64..)
                .map(|(digits, n)| {
                    symbol(
                        digits,
                        w.with("carry-codes-nth", &[("n", n.into()), ("all", all.into())]),
                    )
                })
                .collect();
            (
                Some(say),
                symbols.ok_or_else(|| Fault::Broken("a code does not fit a symbol".to_owned()))?,
            )
        }
    };
    let page = CodesPage {
        page: visit.page(&w["carry-codes"], SCRIPTS),
        say,
        symbols,
        done,
        problem,
        typed,
    };
    visit.show_as(status, &page)
}

/// Digits as a symbol, drawn as one path of squares.
fn symbol(digits: &str, nth: String) -> Option<Symbol> {
    let code = QrCode::encode_text(digits, QrCodeEcc::Low).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            write!(path, "M{} {}h1v1h-1z", x + QUIET, y + QUIET).ok()?;
        }
    }
    Some(Symbol {
        nth,
        side: code.size() + 2 * QUIET,
        path,
    })
}

#[derive(Template)]
#[template(path = "screens/carry_codes.html")]
struct CodesPage<'a> {
    page: Page<'a>,
    say: Option<String>,
    symbols: Vec<Symbol>,
    done: Vec<String>,
    problem: Option<String>,
    typed: &'a str,
}
