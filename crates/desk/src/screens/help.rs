//! S91 使い方: for every screen one picture and five lines. Bundled; F1 from anywhere.
//!
//! The picture is three steps, drawn; the lines are what somebody needs who has never seen the screen.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;

use super::{Open, Route, SCREENS, Screen};
use crate::fault::Fault;
use crate::layout::{Page, SCRIPTS};
use crate::visit::Visit;
use crate::words::Words;

/// S91.
pub static SCREEN: Screen = Screen {
    id: "S91",
    name: "help",
    nav: None,
    who: &[],
    open: Open::Everybody,
    routes: &[Route {
        method: "GET",
        path: "/help/{screen}",
        handler: || get(show),
    }],
};

/// Drawings of 72 by 56 units, in strokes.
const PERSON: &str = "M36 8a10 10 0 1 1 0 20a10 10 0 1 1 0-20M14 52c0-14 10-20 22-20s22 6 22 20z";
const SCAN: &str = "M8 14V6h12M52 6h12v8M64 42v8H52M20 50H8v-8M20 14v28M28 14v28M34 14v28M44 14v28M52 14v28";
const PAPER: &str = "M18 4h26l12 12v36H18zM44 4v12h12M26 24h22M26 32h22M26 40h14";
const LIST: &str = "M8 10h8v8H8zM24 14h40M8 26h8v8H8zM24 30h40M8 42h8v8H8zM24 46h40";
const PEN: &str = "M10 46l4-14L48 6l10 10-34 28zM14 32l10 12M8 52h56";
const CLOCK: &str = "M36 4a24 24 0 1 1 0 48a24 24 0 1 1 0-48M36 14v14l10 8";
const KEY: &str = "M8 12h56v32H8zM24 36h24M18 20h4M28 20h4M38 20h4M48 20h4";
const BELL: &str = "M16 40h40c-6-6-6-10-6-18a14 14 0 0 0-28 0c0 8 0 12-6 18zM30 46a6 6 0 0 0 12 0";
const SCREEN_DRAWING: &str = "M6 8h60v34H6zM28 50h16M36 42v8";

struct Step {
    drawing: &'static str,
    words: String,
}

/// Which drawings belong to a screen.
const fn drawings(name: &str) -> [&'static str; 3] {
    match name.as_bytes() {
        b"reception" => [SCAN, PERSON, PAPER],
        b"patients" | b"ward" => [LIST, KEY, SCREEN_DRAWING],
        b"chart" => [SCREEN_DRAWING, BELL, PEN],
        b"note" => [PEN, CLOCK, PAPER],
        b"rx" | b"orders" => [BELL, LIST, PAPER],
        b"payment" => [SCAN, PEN, PAPER],
        b"notebook" => [SCAN, PERSON, SCREEN_DRAWING],
        b"next" => [CLOCK, PERSON, PAPER],
        b"temporary" => [PERSON, BELL, PAPER],
        b"work" | b"returned" => [LIST, SCREEN_DRAWING, KEY],
        b"carry" => [SCREEN_DRAWING, KEY, PERSON],
        b"declare" => [SCREEN_DRAWING, BELL, PERSON],
        b"audit" => [SCREEN_DRAWING, LIST, PEN],
        b"users" => [LIST, PERSON, KEY],
        b"stations" => [KEY, SCREEN_DRAWING, LIST],
        b"print-menu" => [PERSON, LIST, PAPER],
        b"readiness" | b"fleet" => [SCREEN_DRAWING, CLOCK, BELL],
        b"contact" => [LIST, PERSON, BELL],
        b"printing" => [LIST, BELL, PAPER],
        b"packs" => [LIST, CLOCK, PAPER],
        b"sign-in" => [PERSON, KEY, SCREEN_DRAWING],
        _ => [SCREEN_DRAWING, CLOCK, BELL],
    }
}

/// Screens with their own help; the others show that of home.
const EXPLAINED: [&str; 26] = [
    "reception",
    "patients",
    "ward",
    "chart",
    "note",
    "rx",
    "orders",
    "payment",
    "notebook",
    "next",
    "temporary",
    "work",
    "returned",
    "declare",
    "carry",
    "sign-in",
    "home",
    "audit",
    "users",
    "stations",
    "print-menu",
    "printing",
    "packs",
    "readiness",
    "fleet",
    "contact",
];

async fn show(visit: Visit, Path(name): Path<String>) -> Result<Response, Fault> {
    let w = visit.w();
    let name = EXPLAINED.into_iter().find(|known| *known == name).unwrap_or("home");
    let screen = SCREENS.iter().find(|screen| screen.name == name);
    let title = w.with("help-title", &[("screen", text(w, &format!("help-{name}")).into())]);
    let steps = drawings(name)
        .into_iter()
        .zip(["a", "b", "c"])
        .map(|(drawing, part)| Step {
            drawing,
            words: text(w, &format!("help-{name}-{part}")).to_owned(),
        })
        .collect();
    let lines = (1..=5)
        .map(|n| text(w, &format!("help-{name}-{n}")).to_owned())
        .collect();
    let keys = vec![
        ("F2", w["help-key-f2"].to_owned()),
        ("Enter", w["help-key-enter"].to_owned()),
        ("Esc", w["help-key-esc"].to_owned()),
        ("Alt+0 … Alt+9", w["help-key-alt"].to_owned()),
        ("Ctrl+P", w["help-key-print"].to_owned()),
        ("Alt+Z", w["help-key-undo"].to_owned()),
    ];
    visit.show(&HelpPage {
        page: visit.page(&title, SCRIPTS),
        steps,
        lines,
        keys,
        back: screen.and_then(|screen| screen.nav).map_or("/", |(_, _, path)| path),
    })
}

fn text<'w>(w: &'w Words, key: &str) -> &'w str {
    &w[key]
}

#[derive(Template)]
#[template(path = "screens/help.html")]
struct HelpPage<'a> {
    page: Page<'a>,
    steps: Vec<Step>,
    lines: Vec<String>,
    keys: Vec<(&'static str, String)>,
    back: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    #[test]
    fn every_explained_screen_has_its_picture_and_five_lines_in_both_languages() {
        for lang in Lang::ALL {
            let w = Words::load(lang).unwrap();
            for name in EXPLAINED {
                assert!(SCREENS.iter().any(|screen| screen.name == name), "{name} is no screen");
                for part in ["", "-a", "-b", "-c", "-1", "-2", "-3", "-4", "-5"] {
                    let key = format!("help-{name}{part}");
                    assert!(w.get(&key).is_some(), "{key} is missing in {}", lang.tag());
                }
            }
        }
    }
}
