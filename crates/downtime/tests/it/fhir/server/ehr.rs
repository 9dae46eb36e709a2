//! A small FHIR server: one thread per connection, everything in memory, signatures really verified.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use chart::Moment;
use serde_json::{Value, json};

use self::door::{fields, let_in};
use super::Shared;
use super::keys::{public_key, tls_config};
use crate::table::scope;

mod door;

/// In which ways it misbehaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct Behaviour {
    /// The first so many requests for data are answered with 503.
    pub busy_first: u32,
    /// A type that nobody may read.
    pub forbidden: &'static str,
    /// What stands as the next page's address.
    pub next: Option<&'static str>,
    /// Files of an export have a line less than they are said to have.
    pub short_file: bool,
    /// Speaks TLS.
    pub tls: bool,
    /// Does not say what time it is.
    pub undated: bool,
}

struct State {
    resources: Vec<Value>,
    deleted: Vec<String>,
    changed_since: usize,
    tokens: BTreeSet<String>,
    nonces: BTreeSet<String>,
    asked: Vec<String>,
    busy: u32,
    looks: u32,
    since: bool,
    transaction: Moment,
    clock: Moment,
    backup: Vec<Value>,
}

/// A running server; it stops when dropped.
pub struct Ehr {
    /// `http://127.0.0.1:port`
    pub root: String,
    state: Shared<State>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Request {
    method: String,
    path: String,
    query: HashMap<String, String>,
    bearer: String,
    body: String,
}

struct Reply(u16, &'static str, String, Vec<(&'static str, String)>);

fn reply(status: u16, body: &Value) -> Reply {
    Reply(status, "application/fhir+json", body.to_string(), Vec::new())
}

impl Ehr {
    /// A hospital of so many patients, each with an appointment and two allergies, that lets this key in.
    pub fn start(patients: u32, key: &str, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let root = if behaviour.tls {
            format!("https://localhost:{port}")
        } else {
            format!("http://127.0.0.1:{port}")
        };
        let resources: Vec<Value> = (1..=patients).flat_map(|n| patient(&format!("{n:04}"))).collect();
        let state = Arc::new(Mutex::new(State {
            backup: resources.clone(),
            clock: scope().now,
            resources,
            deleted: Vec::new(),
            changed_since: usize::MAX,
            tokens: BTreeSet::new(),
            nonces: BTreeSet::new(),
            asked: Vec::new(),
            busy: behaviour.busy_first,
            looks: 0,
            since: false,
            transaction: Moment(scope().now.0 - 60),
        }));
        let stop = Arc::new(AtomicBool::new(false));
        let known = public_key(key);
        let tls = behaviour.tls.then(tls_config);
        let thread = {
            let (state, stop, root) = (Arc::clone(&state), Arc::clone(&stop), root.clone());
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let (state, root, known, tls) = (Arc::clone(&state), root.clone(), known.clone(), tls.clone());
                    std::thread::spawn(move || {
                        let stream = stream.unwrap();
                        // A client that goes away is its own matter.
                        let _ = match tls {
                            Some(config) => {
                                let connection = rustls::ServerConnection::new(config).unwrap();
                                talk(
                                    rustls::StreamOwned::new(connection, stream),
                                    &state,
                                    &root,
                                    &known,
                                    behaviour,
                                )
                            }
                            None => talk(stream, &state, &root, &known, behaviour),
                        };
                    });
                }
            })
        };
        Self {
            root,
            state,
            stop,
            thread: Some(thread),
        }
    }

    /// Every request line so far.
    pub fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }

    /// The time of its exports.
    pub fn transaction(&self) -> Moment {
        self.state.lock().unwrap().transaction
    }

    /// A drug allergy gets another name; the next increment brings it.
    pub fn change(&self, patient: &str, name: &str) {
        let mut state = self.state.lock().unwrap();
        state.transaction.0 += 600;
        state.changed_since = state.resources.len();
        let mut one = allergy(patient, "m", name);
        one["meta"] = json!({"lastUpdated": "2026-11-20T00:35:00+09:00"});
        state.resources.push(one);
    }

    /// A drug allergy is given another name, in its place; time passes.
    pub fn update(&self, patient: &str, name: &str) {
        let mut state = self.state.lock().unwrap();
        state.clock.0 += 600;
        state.transaction.0 += 600;
        let at = Moment(state.clock.0 - 60).iso();
        let id = format!("m{patient}");
        let one = state.resources.iter_mut().find(|one| one["id"] == id.as_str()).unwrap();
        one["code"]["text"] = json!(name);
        one["meta"]["lastUpdated"] = json!(at);
    }

    /// It is as it was at the beginning, and does not know that it was ever different.
    pub fn restore_backup(&self) {
        let mut state = self.state.lock().unwrap();
        state.clock.0 += 600;
        state.transaction.0 += 600;
        state.resources = state.backup.clone();
        state.changed_since = state.resources.len();
    }

    /// What was asked from now on is counted anew.
    pub fn forget_questions(&self) {
        self.state.lock().unwrap().asked.clear();
    }

    /// Something is deleted.
    pub fn delete(&self, which: &str) {
        self.state.lock().unwrap().deleted.push(which.to_owned());
    }

    /// Its clock goes back by a day.
    pub fn turn_clock_back(&self) {
        let mut state = self.state.lock().unwrap();
        state.transaction.0 -= 86_400;
        state.clock.0 -= 86_400;
    }
}

impl Drop for Ehr {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.root.rsplit_once("://").unwrap().1);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn allergy(id: &str, short: &str, name: &str) -> Value {
    let category = if short == "m" { "medication" } else { "food" };
    json!({"resourceType": "AllergyIntolerance", "id": format!("{short}{id}"), "meta": {"lastUpdated": "2026-11-01T00:00:00+09:00"},
        "category": [category], "code": {"text": name}, "patient": {"reference": format!("Patient/p{id}")}})
}

fn patient(id: &str) -> Vec<Value> {
    let of = json!({"reference": format!("Patient/p{id}")});
    vec![
        json!({"resourceType": "Patient", "id": format!("p{id}"), "identifier": [{"system": "urn:oid:1.2.392.100495.20.3.51.11319999999", "value": id}], "name": [{"text": format!("試験 {id}")}], "birthDate": "1960-01-02"}),
        json!({"resourceType": "Appointment", "id": format!("a{id}"), "status": "booked", "start": "2026-11-20T09:30:00+09:00", "participant": [{"actor": of, "status": "accepted"}]}),
        allergy(id, "m", &format!("薬{id}")),
        allergy(id, "f", &format!("食物{id}")),
    ]
}

fn talk(
    stream: impl Read + Write,
    state: &Mutex<State>,
    root: &str,
    known: &(&str, Vec<u8>),
    behaviour: Behaviour,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (method, target) = (
        words.next().unwrap_or("").to_owned(),
        words.next().unwrap_or("").to_owned(),
    );
    if method.is_empty() {
        return Ok(());
    }
    let (mut bearer, mut length) = (String::new(), 0);
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => bearer = value.trim().trim_start_matches("Bearer ").to_owned(),
            "content-length" => length = value.trim().parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let request = Request {
        method: method.clone(),
        path: path.to_owned(),
        query: fields(query),
        bearer,
        body: String::from_utf8(body).unwrap(),
    };
    let Reply(status, kind, text, headers) = {
        let mut state = state.lock().unwrap();
        state.asked.push(format!("{method} {target}"));
        answer(&mut state, &request, root, known, behaviour)
    };
    let more: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let clock = state.lock().unwrap().clock;
    let more = if behaviour.undated {
        more
    } else {
        let utc = jiff::Timestamp::from_second(clock.0)
            .unwrap()
            .to_zoned(jiff::tz::TimeZone::UTC);
        format!("{more}Date: {}\r\n", utc.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    };
    let stream = stream.get_mut();
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n{more}\r\n",
        text.len()
    )?;
    stream.write_all(text.as_bytes())?;
    stream.flush()
}

fn answer(state: &mut State, request: &Request, root: &str, known: &(&str, Vec<u8>), behaviour: Behaviour) -> Reply {
    if request.path == "/token" {
        return match let_in(state, &request.body, root, known) {
            Ok(token) => reply(
                200,
                &json!({"access_token": token, "token_type": "bearer", "expires_in": 300}),
            ),
            Err(why) => reply(400, &json!({"error": "invalid_client", "error_description": why})),
        };
    }
    if !state.tokens.contains(&request.bearer) {
        return reply(401, &json!({}));
    }
    if state.busy > 0 {
        state.busy -= 1;
        let mut busy = reply(503, &json!({}));
        busy.3.push(("Retry-After", "7".to_owned()));
        return busy;
    }
    let path = request.path.strip_prefix("/fhir/").unwrap_or("");
    if let Some(name) = path.strip_prefix("files/") {
        return file(state, name.trim_end_matches(".ndjson"), behaviour);
    }
    match (request.method.as_str(), path) {
        (_, "Patient/$export") => {
            state.looks = 0;
            state.since = request.query.contains_key("_since");
            Reply(
                202,
                "text/plain",
                String::new(),
                vec![("Content-Location", format!("{root}/fhir/status/1"))],
            )
        }
        ("DELETE", _) => Reply(202, "text/plain", String::new(), Vec::new()),
        (_, "status/1") => status(state, root),
        (_, name) => match name.split_once('/') {
            Some((kind, id)) => one(state, kind, id),
            None => search(state, name, request, root, behaviour),
        },
    }
}

/// One resource by its id: the newest there is.
fn one(state: &State, kind: &str, id: &str) -> Reply {
    if state.deleted.contains(&format!("{kind}/{id}")) {
        return reply(410, &json!({}));
    }
    let found = state
        .resources
        .iter()
        .rev()
        .find(|one| one["resourceType"] == kind && one["id"] == id);
    found.map_or_else(|| reply(404, &json!({})), |one| reply(200, one))
}

fn search(state: &State, name: &str, request: &Request, root: &str, behaviour: Behaviour) -> Reply {
    if name == behaviour.forbidden {
        let outcome = json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden", "diagnostics": "この患者の情報は見られません"}]});
        return reply(403, &outcome);
    }
    let of = |field: &str| {
        request
            .query
            .get(field)
            .map(|list| list.split(',').map(str::to_owned).collect::<Vec<_>>())
    };
    let (patients, ids) = (of("patient"), of("_id"));
    let since = request.query.get("_lastUpdated");
    let since = since.map(|text| text.strip_prefix("ge").unwrap().parse::<jiff::Timestamp>().unwrap());
    let fits = |one: &&Value| {
        let whose = one["patient"]["reference"]
            .as_str()
            .unwrap_or("")
            .trim_start_matches("Patient/")
            .to_owned();
        let id = one["id"].as_str().unwrap().to_owned();
        let updated = one["meta"]["lastUpdated"]
            .as_str()
            .map(|text| text.parse::<jiff::Timestamp>().unwrap());
        one["resourceType"] == name
            && !state.deleted.contains(&format!("{name}/{id}"))
            && since.is_none_or(|since| updated.is_some_and(|updated| updated >= since))
            && patients.as_ref().is_none_or(|list| list.contains(&whose))
            && ids.as_ref().is_none_or(|list| list.contains(&id))
    };
    let all: Vec<&Value> = state.resources.iter().filter(fits).collect();
    if request.query.get("_summary").is_some_and(|summary| summary == "count") {
        return reply(
            200,
            &json!({"resourceType": "Bundle", "type": "searchset", "total": all.len()}),
        );
    }
    let page: usize = request.query.get("page").map_or(0, |page| page.parse().unwrap());
    let here: Vec<Value> = all.iter().skip(page * 2).take(2).map(|one| json!({"fullUrl": format!("{root}/fhir/{name}/{}", one["id"].as_str().unwrap()), "resource": one, "search": {"mode": "match"}})).collect();
    let mut bundle = json!({"resourceType": "Bundle", "type": "searchset", "total": all.len(), "entry": here});
    if all.len() > (page + 1) * 2 {
        let again: Vec<String> = request
            .query
            .iter()
            .filter(|(key, _)| *key != "page")
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let url = match behaviour.next {
            Some("same") => format!("{root}/fhir/{name}?page=1"),
            Some(other) => other.to_owned(),
            None => format!("{root}/fhir/{name}?{}&page={}", again.join("&"), page + 1),
        };
        bundle["link"] = json!([{"relation": "self", "url": "x"}, {"relation": "next", "url": url}]);
    }
    reply(200, &bundle)
}

fn exported(state: &State, name: &str) -> Vec<Value> {
    let from = if state.since {
        state.changed_since.min(state.resources.len())
    } else {
        0
    };
    let is_there = |one: &&Value| {
        !state
            .deleted
            .contains(&format!("{name}/{}", one["id"].as_str().unwrap()))
    };
    state
        .resources
        .iter()
        .skip(from)
        .filter(|one| one["resourceType"] == name)
        .filter(is_there)
        .cloned()
        .collect()
}

fn status(state: &mut State, root: &str) -> Reply {
    state.looks += 1;
    if state.looks < 4 {
        let mut wait = Reply(202, "text/plain", String::new(), Vec::new());
        wait.3.push(("Retry-After", "3".to_owned()));
        return wait;
    }
    let output: Vec<Value> = ["Patient", "Appointment", "AllergyIntolerance"]
        .iter()
        .map(|name| (name, exported(state, name).len()))
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| json!({"type": name, "url": format!("{root}/fhir/files/{name}.ndjson"), "count": count}))
        .collect();
    let deleted = if state.since && !state.deleted.is_empty() {
        json!([{"type": "Bundle", "url": format!("{root}/fhir/files/deleted.ndjson")}])
    } else {
        json!([])
    };
    reply(
        200,
        &json!({"transactionTime": state.transaction.iso(), "request": "x", "requiresAccessToken": true, "output": output, "deleted": deleted, "error": []}),
    )
}

fn file(state: &State, name: &str, behaviour: Behaviour) -> Reply {
    if name == behaviour.forbidden {
        return reply(403, &json!({}));
    }
    let mut lines: Vec<String> = if name == "deleted" {
        let entries: Vec<Value> = state
            .deleted
            .iter()
            .map(|which| json!({"request": {"method": "DELETE", "url": which}}))
            .collect();
        vec![json!({"resourceType": "Bundle", "type": "transaction", "entry": entries}).to_string()]
    } else {
        exported(state, name).iter().map(Value::to_string).collect()
    };
    if behaviour.short_file && name == "AllergyIntolerance" {
        lines.pop();
    }
    Reply(200, "application/fhir+ndjson", lines.join("\n") + "\n", Vec::new())
}
