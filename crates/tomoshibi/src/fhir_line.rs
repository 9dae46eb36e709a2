//! The line to a FHIR server, lent to the source: sockets, TLS, clock, dice and the private key come in here.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use chart::Moment;
use downtime::sources::fhir::server::{Answer, Ask, Method, Web, WebFault, http_date};
use wire::tls::Trust;

use crate::{clock, random};

/// One server's line.
pub struct FhirLine {
    client: wire::Client,
    key: Option<wire::Key>,
}

impl FhirLine {
    /// A line that trusts the hospital's authority; without one every `https` address is refused.
    ///
    /// # Errors
    /// When the authority's certificates cannot be read.
    pub fn new(ca: Option<&Path>, key: Option<wire::Key>) -> Result<Self> {
        let trust = ca.map(Trust::authority).transpose()?;
        Ok(Self {
            client: wire::Client::new(trust.as_ref(), wire::Limits::default())?,
            key,
        })
    }
}

impl Web for FhirLine {
    fn ask(&self, ask: &Ask) -> Result<Answer, WebFault> {
        let bearer = ask.bearer.as_ref().map(|token| format!("Bearer {token}"));
        let mut headers = vec![("Accept", ask.accept)];
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        if ask.respond_async {
            headers.push(("Prefer", "respond-async"));
        }
        if ask.form.is_some() {
            headers.push(("Content-Type", "application/x-www-form-urlencoded"));
        }
        let request = wire::Request {
            method: match ask.method {
                Method::Get => wire::Method::Get,
                Method::Post => wire::Method::Post,
                Method::Delete => wire::Method::Delete,
            },
            url: &ask.url,
            headers: &headers,
            body: ask.form.as_deref().unwrap_or("").as_bytes(),
            most: ask.most,
        };
        let answer = self.client.send(&request).map_err(|fault| match fault {
            wire::Fault::Unreachable(why) => WebFault::Unreachable(why),
            wire::Fault::NotProven(why) => WebFault::NotProven(why),
            wire::Fault::TooSlow => WebFault::TooSlow,
            wire::Fault::TooLarge => WebFault::TooLarge,
        })?;
        Ok(Answer {
            status: answer.status,
            retry_after: answer.header("retry-after").and_then(|text| text.trim().parse().ok()),
            content_location: answer.header("content-location").map(str::to_owned),
            date: answer.header("date").and_then(http_date),
            body: answer.body,
        })
    }

    fn wait(&self, seconds: u64) {
        std::thread::sleep(Duration::from_secs(seconds));
    }

    fn now(&self) -> Moment {
        clock::now()
    }

    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let key = self.key.as_ref().ok_or("秘密鍵が設定されていません")?;
        key.sign(bytes).map_err(|fault| fault.to_string())
    }

    fn nonce(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        rand_core::Rng::fill_bytes(&mut random::system(), &mut bytes);
        bytes
    }
}
