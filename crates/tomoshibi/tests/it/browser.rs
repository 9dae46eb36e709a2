//! A browser made small: pages, forms, a cookie. It fills in forms the way a person without JavaScript would.

use std::collections::BTreeMap;

/// One person's browser at one station.
pub struct Browser {
    agent: ureq::Agent,
    base: String,
    cookies: BTreeMap<String, String>,
}

/// What came back.
pub struct Page {
    pub status: u16,
    pub address: String,
    pub body: Vec<u8>,
}

impl Page {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Addresses of links that begin so.
    pub fn links(&self, beginning: &str) -> Vec<String> {
        let text = self.text();
        let mut out = Vec::new();
        for part in text.split("href=\"").skip(1) {
            let link = part.split('"').next().unwrap_or("");
            if link.starts_with(beginning) {
                out.push(unescape(link));
            }
        }
        out
    }

    /// Hidden fields and preset values of the first form that posts to this address.
    pub fn form(&self, action: &str) -> BTreeMap<String, String> {
        let text = self.text();
        let start = text
            .find(&format!("action=\"{action}\""))
            .unwrap_or_else(|| panic!("no form for {action}:\n{text}"));
        let form = text[start..].split("</form>").next().unwrap_or("");
        let mut fields = BTreeMap::new();
        for input in form.split("<input ").skip(1).map(|i| i.split('>').next().unwrap_or("")) {
            let kind = attribute(input, "type").unwrap_or_default();
            let unchecked = matches!(kind.as_str(), "checkbox" | "radio") && !input.contains(" checked");
            if let (Some(name), false) = (attribute(input, "name"), unchecked) {
                fields.insert(name, attribute(input, "value").unwrap_or_default());
            }
        }
        fields
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!("{name}=\""))? + name.len() + 2;
    tag[start..].split('"').next().map(unescape)
}

fn unescape(text: &str) -> String {
    text.replace("&amp;", "&")
        .replace("&#38;", "&")
        .replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
}

impl Browser {
    pub fn new(base: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .build()
            .into();
        Self {
            agent,
            base: base.trim_end_matches('/').to_owned(),
            cookies: BTreeMap::new(),
        }
    }

    /// The same over lines that somebody else opens.
    pub fn over(agent: ureq::Agent, base: &str) -> Self {
        Self {
            agent,
            ..Self::new(base)
        }
    }

    /// Signs in, or panics with what the page says.
    pub fn signed_in(base: &str, user: &str, password: &str) -> Self {
        let mut browser = Self::new(base);
        let page = browser.post("/sign-in", &[("user", user), ("password", password)]);
        assert!(
            !page.address.contains("sign-in"),
            "{user} did not get in: {}",
            page.text()
        );
        browser
    }

    pub fn get(&mut self, address: &str) -> Page {
        let mut request = self
            .agent
            .get(format!("{}{address}", self.base))
            .header("accept-language", "ja");
        if let Some(cookie) = self.cookie() {
            request = request.header("cookie", cookie);
        }
        let request = request.config().http_status_as_error(false).build();
        let response = request.call().expect("the station answers");
        self.arrive(address, response)
    }

    pub fn post(&mut self, address: &str, fields: &[(&str, &str)]) -> Page {
        let mut request = self
            .agent
            .post(format!("{}{address}", self.base))
            .header("sec-fetch-site", "same-origin")
            .header("accept-language", "ja");
        if let Some(cookie) = self.cookie() {
            request = request.header("cookie", cookie);
        }
        let request = request.config().http_status_as_error(false).build();
        let response = request.send_form(fields.iter().copied()).expect("the station answers");
        self.arrive(address, response)
    }

    /// Sends one picture as a form with a file.
    pub fn upload(&mut self, address: &str, picture: &[u8]) -> Page {
        let head = b"--cut\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n";
        let body = [head.as_slice(), picture, b"\r\n--cut--\r\n"].concat();
        let mut request = self
            .agent
            .post(format!("{}{address}", self.base))
            .header("content-type", "multipart/form-data; boundary=cut")
            .header("sec-fetch-site", "same-origin");
        if let Some(cookie) = self.cookie() {
            request = request.header("cookie", cookie);
        }
        let response = request.send(&body[..]).expect("the station answers");
        self.arrive(address, response)
    }

    /// Fills in the form of a page and posts it.
    pub fn submit(&mut self, page: &Page, action: &str, typed: &[(&str, &str)]) -> Page {
        let mut fields = page.form(action);
        for (name, value) in typed {
            fields.insert((*name).to_owned(), (*value).to_owned());
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        self.post(action, &fields)
    }

    fn cookie(&self) -> Option<String> {
        let all: Vec<String> = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    fn arrive(&mut self, address: &str, response: ureq::http::Response<ureq::Body>) -> Page {
        for cookie in response.headers().get_all("set-cookie") {
            let pair = cookie.to_str().unwrap_or("").split(';').next().unwrap_or("");
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let status = response.status().as_u16();
        if let Some(location) = response.headers().get("location").and_then(|l| l.to_str().ok()) {
            let location = location.to_owned();
            return self.get(&location);
        }
        let body = response.into_body().read_to_vec().expect("the whole answer");
        Page {
            status,
            address: address.to_owned(),
            body,
        }
    }
}
