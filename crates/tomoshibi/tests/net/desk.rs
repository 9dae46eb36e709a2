//! People at the desks: they sign in, write notes, receive, register, print, and remember what they were told is saved.
//!
//! Saved is what the desk said was saved: the page after an act names the entry. Whatever else happens (no answer, a page that says
//! no) is a refusal, and nothing is expected of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::browser::Page;
use crate::effort::{Dice, until};
use crate::hospital::{Hospital, PASSWORD, PHYSICIAN, RECEPTION, STATIONS};

/// Longest an answer may take before somebody takes it for none.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often somebody is looked for who can be received.
const TRIES: usize = 12;
/// How names begin.
const KANA: [&str; 22] = [
    "アイ", "イト", "オカ", "カト", "キム", "コバ", "サイ", "サト", "シミ", "スズ", "タカ", "タナ", "ナカ", "ハシ",
    "マツ", "モリ", "ヤマ", "ヨシ", "ワタ", "フジ", "オオ", "ミヤ",
];

/// What somebody was told is saved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Saved {
    /// The entry's name, 64 digits.
    pub entry: String,
    /// Where.
    pub station: &'static str,
    /// As the export calls it.
    pub kind: &'static str,
}

/// One person at one desk.
pub struct Person {
    agent: ureq::Agent,
    base: String,
    station: &'static str,
    user: &'static str,
    cookies: BTreeMap<String, String>,
}

impl Person {
    pub fn at(hospital: &Hospital, place: usize, user: &'static str) -> Self {
        let agent = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .max_idle_connections(0)
            .build()
            .into();
        Self {
            agent,
            base: hospital.base(place),
            station: STATIONS[place].0,
            user,
            cookies: BTreeMap::new(),
        }
    }

    /// Signed in, as soon as the station lets them.
    pub fn signed_in(hospital: &Hospital, place: usize, user: &'static str) -> Self {
        let mut person = Self::at(hospital, place, user);
        until("signing in", Duration::from_secs(60), || person.sign_in());
        person
    }

    pub fn sign_in(&mut self) -> Result<(), String> {
        self.cookies.clear();
        let page = self.post("/sign-in", &[("user", self.user), ("password", PASSWORD)])?;
        if page.address.contains("sign-in") {
            return Err(self.tells("sign-in", &page));
        }
        Ok(())
    }

    pub fn get(&mut self, address: &str) -> Result<Page, String> {
        let mut request = self
            .agent
            .get(format!("{}{address}", self.base))
            .header("accept-language", "ja");
        if let Some(cookie) = self.cookie() {
            request = request.header("cookie", cookie);
        }
        let answer = request.call();
        self.arrive(address, answer)
    }

    fn post(&mut self, address: &str, fields: &[(&str, &str)]) -> Result<Page, String> {
        let mut request = self
            .agent
            .post(format!("{}{address}", self.base))
            .header("sec-fetch-site", "same-origin")
            .header("accept-language", "ja");
        if let Some(cookie) = self.cookie() {
            request = request.header("cookie", cookie);
        }
        let answer = request.send_form(fields.iter().copied());
        self.arrive(address, answer)
    }

    fn cookie(&self) -> Option<String> {
        let all: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    fn arrive(
        &mut self,
        address: &str,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Page, String> {
        let gone = |error: ureq::Error| format!("{}: {address}: {error}", self.station);
        let answer = answer.map_err(gone)?;
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str().unwrap_or("").split(';').next().unwrap_or("");
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        if let Some(to) = answer.headers().get("location").and_then(|to| to.to_str().ok()) {
            let to = to.to_owned();
            // What was saved is said in the address already: a page that does not come any more takes nothing back.
            let unseen = Page {
                status: answer.status().as_u16(),
                address: to.clone(),
                body: Vec::new(),
            };
            return if to.contains("done=") {
                Ok(unseen)
            } else {
                self.get(&to)
            };
        }
        let status = answer.status().as_u16();
        let body = answer.into_body().read_to_vec().map_err(gone)?;
        Ok(Page {
            status,
            address: address.to_owned(),
            body,
        })
    }

    fn tells(&self, what: &str, page: &Page) -> String {
        let text = page.text();
        let main = text.split("<main").nth(1).unwrap_or(&text);
        let words: String = main
            .split('<')
            .filter_map(|part| part.split_once('>'))
            .map(|(_, words)| words)
            .collect();
        let words: String = words.split_whitespace().collect::<Vec<_>>().join(" ");
        format!(
            "{}: {what}: {} {}: {}",
            self.station,
            page.status,
            page.address,
            words.chars().take(200).collect::<String>()
        )
    }

    /// A page of somebody who is signed in; signs in again where the station has forgotten them.
    fn page(&mut self, address: &str) -> Result<Page, String> {
        let page = self.get(address)?;
        if page.address.contains("sign-in") || page.status == 401 {
            self.sign_in()?;
            return self.get(address);
        }
        Ok(page)
    }

    /// Charts of today's list.
    pub fn charts(&mut self) -> Result<Vec<String>, String> {
        let page = self.page("/patients")?;
        let charts: Vec<String> = page
            .links("/p/")
            .into_iter()
            .filter(|link| link.matches('/').count() == 2)
            .collect();
        if charts.is_empty() {
            return Err(self.tells("the list", &page));
        }
        Ok(charts)
    }

    /// The chart of the nth patient by name, who is the same at every station; namesakes are left out.
    pub fn of_patient(&mut self, n: usize) -> Result<String, String> {
        let page = self.page("/patients")?;
        let text = page.text();
        let mut people: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in text.split("data-row href=\"").skip(1) {
            let name = row
                .split_once('"')
                .and_then(|(chart, rest)| Some((rest.split("</a>").next()?, chart)));
            if let Some((name, chart)) = name.filter(|(_, chart)| chart.starts_with("/p/")) {
                people.entry(name).or_default().insert(chart);
            }
        }
        let alone: Vec<&str> = people
            .values()
            .filter(|charts| charts.len() == 1)
            .flatten()
            .copied()
            .collect();
        match alone.len() {
            0 => Err(self.tells("the names of patients", &page)),
            all => Ok(alone[n % all].to_owned()),
        }
    }

    /// A note about somebody of today.
    pub fn note(&mut self, text: &str, dice: &mut Dice) -> Result<Saved, String> {
        let charts = self.charts()?;
        self.note_on(&charts[dice.roll(charts.len())], text)
    }

    /// A note in this chart.
    pub fn note_on(&mut self, chart: &str, text: &str) -> Result<Saved, String> {
        let address = format!("{chart}/note");
        let page = self.get(&address)?;
        let Some(once) = field(&page, "once") else {
            return Err(self.tells("the note's form", &page));
        };
        let after = self.post(&address, &[("once", &once), ("s", text), ("sign", "only")])?;
        self.saved("記録", "a note", &after)
    }

    /// Somebody nobody knows.
    pub fn temporary(&mut self, dice: &mut Dice) -> Result<Saved, String> {
        let page = self.page("/temporary")?;
        if field(&page, "once").is_none() {
            return Err(self.tells("the form of a temporary patient", &page));
        }
        let first = ["イチロウ", "ジロウ", "サブロウ", "シロウ", "ハナコ", "ウメ"][dice.roll(6)];
        let kana = format!("カリノ　{first}");
        let mut fields = page.form("/temporary");
        for (name, value) in [
            ("kana", kana.as_str()),
            ("sex", "M"),
            ("allergy", "not_recorded"),
            ("reason", "emergency"),
            ("estimated", "推定60代"),
        ] {
            fields.insert(name.to_owned(), value.to_owned());
        }
        let after = self.post_all("/temporary", &fields)?;
        self.saved("仮患者登録", "a temporary patient", &after)
    }

    /// The chart of somebody on paper: a sheet with a number.
    pub fn print(&mut self, dice: &mut Dice) -> Result<(), String> {
        let charts = self.charts()?;
        let chart = &charts[dice.roll(charts.len())];
        let page = self.get(chart)?;
        if !page.text().contains("action=\"/print/chart\"") {
            return Err(self.tells("the chart's print button", &page));
        }
        let fields = page.form("/print/chart");
        let after = self.post_all("/print/chart", &fields)?;
        if after.status == 200 && !after.address.contains("unprinted") {
            Ok(())
        } else {
            Err(self.tells("a chart on paper", &after))
        }
    }

    /// Receives somebody of today who can be received without asking anybody.
    pub fn receive(&mut self, dice: &mut Dice) -> Result<Saved, String> {
        for _ in 0..TRIES {
            self.page("/reception")?;
            let found = self.post("/reception", &[("q", KANA[dice.roll(KANA.len())])])?;
            let cards = found.links("/reception/");
            let Some(card) = cards.get(dice.roll(cards.len())).filter(|link| link.len() > 11) else {
                continue;
            };
            let page = self.get(card)?;
            let text = page.text();
            let asks = text.contains("name=\"again\"") || text.contains("name=\"day\"");
            if asks || !text.contains("action=\"/reception/check-in\"") || !text.contains("name=\"slot\"") {
                continue;
            }
            let after = self.post_all("/reception/check-in", &page.form("/reception/check-in"))?;
            return self.saved("受付", "a reception", &after);
        }
        Err(format!("{}: nobody to receive", self.station))
    }

    /// Declares that the EHR has stopped.
    pub fn declare(&mut self) -> Result<Saved, String> {
        let page = self.page("/declare")?;
        if !page.text().contains("action=\"/declare\"") {
            return Err(self.tells("the form of a declaration", &page));
        }
        let mut fields = page.form("/declare");
        fields.insert("reason".to_owned(), "1".to_owned());
        let after = self.post_all("/declare", &fields)?;
        self.saved("停止の宣言", "a declaration", &after)
    }

    /// The word of the mode bar: `normal`, `silent`, `ehr`, `net`, …
    pub fn mode(&mut self) -> Result<String, String> {
        let page = self.get("/state")?;
        let state: serde_json::Value = serde_json::from_slice(&page.body).map_err(|fault| fault.to_string())?;
        Ok(state["mode"].as_str().unwrap_or_default().to_owned())
    }

    fn post_all(&mut self, address: &str, fields: &BTreeMap<String, String>) -> Result<Page, String> {
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.post(address, &fields)
    }

    fn saved(&self, kind: &'static str, what: &str, page: &Page) -> Result<Saved, String> {
        let entry = page
            .address
            .split("done=")
            .nth(1)
            .map(|rest| rest.chars().take(64).collect::<String>());
        match entry {
            Some(entry) if entry.len() == 64 => Ok(Saved {
                entry,
                station: self.station,
                kind,
            }),
            _ => Err(self.tells(what, page)),
        }
    }
}

/// The first field of this name on a page.
fn field(page: &Page, name: &str) -> Option<String> {
    let text = page.text();
    let rest = text.split(&format!("name=\"{name}\" value=\"")).nth(1)?;
    rest.split('"').next().map(str::to_owned)
}

/// Everybody who works at one place.
pub struct Desk {
    pub physician: Person,
    pub reception: Person,
}

impl Desk {
    pub fn at(hospital: &Hospital, place: usize) -> Self {
        Self {
            physician: Person::signed_in(hospital, place, PHYSICIAN),
            reception: Person::signed_in(hospital, place, RECEPTION),
        }
    }
}
