//! A browser without scripts: follows no redirects, keeps cookies, reads forms. What works here works with JavaScript off.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use tower::ServiceExt;

use downtime::identity::{EnvelopeSecret, Role};

use crate::hospital::{ENVELOPE, Hospital, PASSWORD, number_of};

/// One browser window.
pub struct Browser {
    router: Router,
    cookies: Vec<(String, String)>,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// As text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Where a redirect leads.
    pub fn location(&self) -> String {
        assert!(self.status.is_redirection(), "{} {}", self.status, self.text());
        self.headers[header::LOCATION].to_str().unwrap().to_owned()
    }

    /// One header, or empty.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The value of the first element whose tag holds both texts, by attribute.
    pub fn attribute(&self, holding: &[&str], name: &str) -> String {
        let text = self.text();
        let tag = text
            .split('<')
            .filter_map(|part| part.split_once('>').map(|(tag, _)| tag))
            .find(|tag| holding.iter().all(|h| tag.contains(h)))
            .unwrap_or_else(|| panic!("no element with {holding:?} in {text}"));
        let value = tag
            .split_once(&format!("{name}=\""))
            .unwrap_or_else(|| panic!("no {name} in <{tag}>"))
            .1;
        value.split('"').next().unwrap().to_owned()
    }
}

impl Browser {
    pub fn new(hospital: &Hospital) -> Self {
        Self::with(hospital.desk())
    }

    /// In front of a desk made by the test.
    pub fn with(desk: desk::Desk) -> Self {
        Self {
            router: desk::router(desk).unwrap(),
            cookies: Vec::new(),
        }
    }

    /// Another window of the same station's desk, with cookies of its own.
    pub fn another(&self) -> Self {
        Self {
            router: self.router.clone(),
            cookies: Vec::new(),
        }
    }

    /// One cookie's value, or empty.
    pub fn cookie(&self, name: &str) -> &str {
        let found = self.cookies.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// Signs in with number and password through the form.
    pub async fn signed_in(hospital: &Hospital, number: &str) -> Self {
        let mut browser = Self::new(hospital);
        let answer = browser.sign_in(number, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        browser
    }

    /// Signs in whoever has this role, through the form that is theirs.
    pub async fn in_role(hospital: &Hospital, role: Role) -> Self {
        if role != Role::BreakGlass {
            return Self::signed_in(hospital, &number_of(role)).await;
        }
        let mut browser = Self::new(hospital);
        let code = EnvelopeSecret::from_bytes(ENVELOPE).to_digits(1).unwrap();
        let fields = [
            ("operator", "緊急　次郎"),
            ("reason", "emergency"),
            ("code", code.as_str()),
        ];
        let answer = browser.post("/envelope", &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        browser
    }

    pub async fn sign_in(&mut self, number: &str, password: &str) -> Answer {
        self.post("/sign-in", &[("user", number), ("password", password)]).await
    }

    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.retain(|(n, _)| n != name);
        self.cookies.push((name.to_owned(), value.to_owned()));
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path)).await
    }

    /// Follows one redirect by GET.
    pub async fn follow(&mut self, answer: &Answer) -> Answer {
        self.get(&answer.location()).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(path, fields, &[("sec-fetch-site", "same-origin")]).await
    }

    pub async fn post_with(&mut self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let body: Vec<String> = fields.iter().map(|(n, v)| format!("{n}={}", encode(v))).collect();
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send_body(request, Body::from(body.join("&"))).await
    }

    /// Sends text fields and pictures as a form with files.
    pub async fn upload(&mut self, path: &str, fields: &[(&str, String)], pictures: &[Vec<u8>]) -> Answer {
        let mut body = Vec::new();
        for (name, value) in fields {
            body.extend(format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
        }
        for picture in pictures {
            body.extend(b"--cut\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n");
            body.extend(picture);
            body.extend(b"\r\n");
        }
        body.extend(b"--cut--\r\n");
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut")
            .header("sec-fetch-site", "same-origin");
        self.send_body(request, Body::from(body)).await
    }

    pub async fn send(&mut self, request: axum::http::request::Builder) -> Answer {
        self.send_body(request, Body::empty()).await
    }

    async fn send_body(&mut self, mut request: axum::http::request::Builder, body: Body) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        let answer = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        for set in headers.get_all(header::SET_COOKIE) {
            let (name, rest) = set.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap().to_owned();
            self.set_cookie(name, &value);
        }
        let body = to_bytes(answer.into_body(), 16 << 20).await.unwrap().to_vec();
        Answer { status, headers, body }
    }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}
