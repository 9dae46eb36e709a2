//! A store that speaks S3, made small: a real server on a port, objects in memory, conditional puts, a signature on every request,
//! and two accounts, of which the one that writes may remove nothing. It checks no signature's arithmetic (the published example in
//! `backup/s3.rs` does that), only whose it is.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// May put and read.
pub const WRITER: &str = "WRITER";
/// May remove as well.
pub const KEEPER: &str = "KEEPER";

type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

pub struct Bucket {
    pub address: String,
    pub objects: Objects,
}

impl Bucket {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("its address"));
        let objects = Objects::default();
        let shared = Arc::clone(&objects);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || answer(stream, &shared));
            }
        });
        Self { address, objects }
    }

    pub fn names(&self) -> Vec<String> {
        self.objects.lock().expect("objects").keys().cloned().collect()
    }
}

fn answer(stream: TcpStream, objects: &Objects) {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        head.push(line.trim_end().to_owned());
    }
    let header = |name: &str| {
        let find = |line: &String| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then(|| value.to_owned())
        };
        head.iter().find_map(find)
    };
    let length = header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let first = head.first().cloned().unwrap_or_default();
    let mut words = first.split(' ');
    let (verb, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let authorization = header("authorization").unwrap_or_default();
    let account = [WRITER, KEEPER]
        .into_iter()
        .find(|name| authorization.starts_with(&format!("AWS4-HMAC-SHA256 Credential={name}/")));
    let conditional = header("if-none-match").as_deref() == Some("*");
    let (status, body) = act(verb, target, account, conditional, body, objects);
    let mut stream = reader.into_inner();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(&[head.as_bytes(), &body].concat());
}

fn act(
    verb: &str,
    target: &str,
    account: Option<&str>,
    conditional: bool,
    body: Vec<u8>,
    objects: &Objects,
) -> (&'static str, Vec<u8>) {
    let mut objects = objects.lock().expect("objects");
    let Some(account) = account else {
        return ("403 Forbidden", b"<Code>AccessDenied</Code>".to_vec());
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let name = path.trim_start_matches("/bucket").trim_start_matches('/').to_owned();
    match verb {
        "GET" if query.contains("list-type=2") => {
            let prefix = "hospital/";
            let mut folders: Vec<String> = objects
                .keys()
                .filter_map(|key| {
                    key.strip_prefix(prefix)?
                        .split_once('/')
                        .map(|(folder, _)| folder.to_owned())
                })
                .collect();
            folders.dedup();
            let one = |folder: &String| format!("<CommonPrefixes><Prefix>{prefix}{folder}/</Prefix></CommonPrefixes>");
            ("200 OK", folders.iter().map(one).collect::<String>().into_bytes())
        }
        "GET" => match objects.get(&name) {
            Some(bytes) => ("200 OK", bytes.clone()),
            None => ("404 Not Found", Vec::new()),
        },
        // The bucket's policy: a writer puts only what is not there.
        "PUT" if objects.contains_key(&name) => {
            ("412 Precondition Failed", b"<Code>PreconditionFailed</Code>".to_vec())
        }
        "PUT" if !conditional => ("403 Forbidden", b"<Code>AccessDenied</Code>".to_vec()),
        "PUT" => {
            objects.insert(name, body);
            ("200 OK", Vec::new())
        }
        "DELETE" if account == KEEPER => {
            objects.remove(&name);
            ("204 No Content", Vec::new())
        }
        _ => ("403 Forbidden", b"<Code>AccessDenied</Code>".to_vec()),
    }
}
