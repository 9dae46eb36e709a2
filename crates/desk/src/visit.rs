//! One request, as handlers see it: who, in which language, with the station's state at this moment.
//!
//! The state is taken once, so that the bar, the data times and the decision whether patient screens are open agree.

use std::sync::Arc;

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use downtime::identity::Role;
use downtime::state::State;

use crate::fault::Fault;
use crate::gate;
use crate::layout::{Bar, NavItem, Page, SCRIPTS, Signed};
use crate::screens::{Open, SCREENS, Screen, first_screen, reads_charts};
use crate::session::SignedIn;
use crate::site::Site;
use crate::words::{Lang, Words};

/// One request.
#[derive(Clone)]
pub struct Visit {
    /// What all requests share.
    pub site: Arc<Site>,
    /// The screen asked for.
    pub screen: &'static Screen,
    /// Who is signed in.
    pub signed: Option<Arc<SignedIn>>,
    /// The station, at the beginning of the request.
    pub state: Arc<State>,
    /// The printer that somebody chose for this browser; it may no longer be listed.
    pub printer: Option<String>,
    lang: Lang,
}

impl Visit {
    /// Looks at a request.
    #[must_use]
    pub fn new(
        site: Arc<Site>,
        screen: &'static Screen,
        headers: &HeaderMap,
        query: Option<&str>,
        counts: bool,
    ) -> Self {
        let state = Arc::new(site.state());
        let signed = site.sessions.find(headers, state.now, counts);
        Self {
            lang: gate::language(headers, query),
            printer: crate::screens::printing::chosen(headers),
            signed,
            state,
            screen,
            site,
        }
    }

    /// Words in the reader's language.
    #[must_use]
    pub fn w(&self) -> &Words {
        self.site.words.in_lang(self.lang)
    }

    /// The language that the address asks to be remembered.
    #[must_use]
    pub fn chosen_language(&self, query: Option<&str>) -> Option<Lang> {
        gate::asked_language(query)
    }

    /// The signed-in person; a handler behind the gate always has one.
    ///
    /// # Errors
    /// [`Fault::SignedOut`].
    pub fn signed(&self) -> Result<&Arc<SignedIn>, Fault> {
        self.signed.as_ref().ok_or(Fault::SignedOut)
    }

    /// The role, if anybody is signed in.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.signed.as_ref().map(|signed| signed.role())
    }

    /// Number of the snapshot, to which ready-made rows are tied.
    #[must_use]
    pub fn generation(&self) -> u64 {
        match &self.signed {
            Some(signed) => signed.session.opened().shelved().edition(),
            None => self.state.snapshot.as_ref().map_or(0, |s| s.epoch),
        }
    }

    /// A token that makes a form work once: a second press finds what the first one did.
    ///
    /// # Errors
    /// [`Fault::Broken`] without randomness.
    pub fn once(&self) -> Result<String, Fault> {
        let mut bytes = [0; 12];
        (self.site.desk.chance)(&mut bytes).map_err(|fault| Fault::Broken(fault.to_string()))?;
        Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
    }

    /// The first screen of this person's work.
    #[must_use]
    pub fn first_screen(&self) -> &'static str {
        self.role().map_or("/", first_screen)
    }

    /// Where this person's work with one patient begins: the chart for who reads charts, payment for accounting, else the reception.
    #[must_use]
    pub fn person_address(&self, handle: &str) -> String {
        if self.role().is_some_and(reads_charts) {
            format!("/p/{handle}")
        } else if self.role() == Some(Role::Accounting) {
            format!("/p/{handle}/payment")
        } else {
            format!("/reception/{handle}")
        }
    }

    /// The mode bar for this reader.
    #[must_use]
    pub fn bar(&self) -> Bar {
        let decides = self
            .signed
            .as_ref()
            .filter(|signed| crate::screens::conflicts::SCREEN.who.contains(&signed.role()));
        let conflicts = decides.map_or(0, |signed| signed.session.disagreeing());
        let prints = self
            .role()
            .is_some_and(|role| crate::screens::printing::SCREEN.who.contains(&role));
        let printers = self.site.desk.printers.as_ref().filter(|_| prints);
        let stuck = printers.map_or(0, |printers| printers.stuck());
        let older = self.signed.as_ref().map_or(0, |signed| signed.session.older());
        Bar::new(self.w(), &self.state)
            .with_older(self.w(), older)
            .with_conflicts(self.w(), conflicts)
            .with_stuck(self.w(), stuck)
            .with_carry(self.w(), crate::screens::carry::reminder(self))
    }

    /// The frame around a page, with the scripts it needs.
    #[must_use]
    pub fn page(&self, title: &str, scripts: &'static [&'static str]) -> Page<'_> {
        let w = self.w();
        let desk = &self.site.desk;
        let role = self.role();
        let nav = SCREENS
            .iter()
            .filter(|screen| screen.open == Open::Everybody || role.is_some_and(|role| screen.who.contains(&role)))
            .filter_map(|screen| {
                let (word, key, path) = screen.nav?;
                Some(NavItem {
                    path,
                    key,
                    word: w.get(word).unwrap_or(word),
                    current: screen.id == self.screen.id,
                })
            })
            .collect();
        Page {
            w,
            a: &self.site.assets,
            bar: self.bar(),
            title: title.to_owned(),
            nav,
            signed: self.signed.as_ref().map(|signed| Signed {
                name: &signed.session.author().name,
                role: crate::say::role(w, signed.role()),
                idle: signed.idle_seconds(),
            }),
            station: self.site.station().code().to_string(),
            screen: self.screen.name,
            scripts,
            follows_mode: self.screen.open != Open::SignedIn,
            notice: desk
                .notice
                .as_ref()
                .map(|notice| (notice.words.as_str(), notice.href.as_str())),
        }
    }

    /// A page of HTML.
    pub fn show(&self, template: &impl Template) -> Result<Response, Fault> {
        self.show_as(StatusCode::OK, template)
    }

    /// A page of HTML with a status of its own.
    pub fn show_as(&self, status: StatusCode, template: &impl Template) -> Result<Response, Fault> {
        let mut html = String::with_capacity(32 << 10);
        template
            .render_into(&mut html)
            .map_err(|fault| Fault::Broken(format!("template: {fault}")))?;
        let mut response = (status, html).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        Ok(response)
    }

    /// The page of a fault; its cause is logged here, once.
    #[must_use]
    pub fn fault_page(&self, fault: &Fault) -> Response {
        let w = self.w();
        let reference = fault.cause().map(|cause| {
            let mut bytes = [0; 4];
            let drawn = (self.site.desk.chance)(&mut bytes).is_ok();
            let number: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
            tracing::error!(reference = %number, drawn, screen = self.screen.id, %cause, "a page could not be shown");
            number
        });
        let worded = fault.worded(w);
        let page = FaultPage {
            page: self.page(&worded.happened, SCRIPTS),
            happened: &worded.happened,
            now: &worded.now,
            todo: &worded.todo,
            reference: reference.unwrap_or_default(),
            href: worded.href,
            words: &worded.words,
        };
        self.show_as(fault.status(), &page)
            .unwrap_or_else(|_| fault.status().into_response())
    }

    /// Why patient screens are closed in normal times, and how they are opened.
    #[must_use]
    pub fn closed_page(&self) -> Response {
        let page = ClosedPage {
            page: self.page(&self.w()["closed-head"], SCRIPTS),
            may_declare: self
                .role()
                .is_some_and(|role| crate::screens::declare::SCREEN.who.contains(&role)),
        };
        self.show_as(StatusCode::LOCKED, &page)
            .unwrap_or_else(|_| StatusCode::LOCKED.into_response())
    }
}

#[derive(Template)]
#[template(path = "layout/fault.html")]
struct FaultPage<'a> {
    page: Page<'a>,
    happened: &'a str,
    now: &'a str,
    todo: &'a str,
    reference: String,
    href: &'a str,
    words: &'a str,
}

#[derive(Template)]
#[template(path = "layout/closed.html")]
struct ClosedPage<'a> {
    page: Page<'a>,
    may_declare: bool,
}
