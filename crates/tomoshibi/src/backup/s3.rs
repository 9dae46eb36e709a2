//! A store that speaks S3, with the four verbs that backups need, signed as AWS Signature Version 4 asks.
//!
//! `If-None-Match: *` on every put: the store itself refuses to write anything again, whoever asks. Where the bucket has object lock,
//! each object is held for the days that are configured, in compliance mode, which no account can undo. Deliberately absent: multipart
//! uploads (a part has 64 MiB), public authorities, redirects, proxies.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use wire::tls::Trust;
use wire::{Client, Limits, Method, Request, Response};
use zeroize::Zeroizing;

use super::parts::hex;
use super::store::StoreFault;
use crate::{clock, secrets};

/// Largest settings file.
const MAX_SETTINGS: u64 = 64 << 10;
/// Most bytes of an answer that is not an object.
const MAX_ANSWER: u64 = 4 << 20;
/// Most pages of a listing.
const MOST_PAGES: usize = 100;
/// Longest a part may take.
const PATIENCE: Duration = Duration::from_secs(900);

/// A settings file (TOML).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// `https://host:port`
    endpoint: String,
    bucket: String,
    #[serde(default = "default_region")]
    region: String,
    /// Before every name.
    #[serde(default)]
    prefix: String,
    /// File (0600) with two lines: key id and secret.
    credentials: PathBuf,
    /// The authority that vouches for the store (PEM). Needed for `https`.
    ca: Option<PathBuf>,
    /// Days for which the store lets nobody remove an object; 0 where the bucket has no object lock.
    #[serde(default)]
    lock_days: u16,
}

fn default_region() -> String {
    "us-east-1".to_owned()
}

/// A bucket.
pub struct S3 {
    client: Client,
    endpoint: String,
    host: String,
    bucket: String,
    region: String,
    prefix: String,
    key: String,
    secret: Zeroizing<String>,
    lock_days: u16,
}

impl S3 {
    /// The bucket of a settings file.
    ///
    /// # Errors
    /// When the file or the credentials cannot be used.
    pub fn of_file(path: &Path) -> Result<Self> {
        let unusable = || format!("保管先の設定 {} を使えません", path.display());
        if std::fs::metadata(path).with_context(unusable)?.len() > MAX_SETTINGS {
            bail!("{}: 大きすぎます", unusable());
        }
        let text = std::fs::read_to_string(path).with_context(unusable)?;
        let settings: Settings = toml::from_str(&text).with_context(unusable)?;
        let beside = path.parent().unwrap_or(Path::new("."));
        let credentials = Zeroizing::new(secrets::read(&beside.join(&settings.credentials))?);
        let credentials = std::str::from_utf8(&credentials).context("鍵のファイルを読めません")?;
        let mut lines = credentials.lines().map(str::trim);
        let (Some(key), Some(secret)) = (lines.next(), lines.next()) else {
            bail!("鍵のファイルは2行です（鍵の番号、秘密）");
        };
        let trust = settings.ca.map(|ca| Trust::authority(&beside.join(ca))).transpose()?;
        let endpoint = settings.endpoint.trim_end_matches('/').to_owned();
        let host = endpoint.split_once("://").map(|(_, host)| host.to_owned());
        let host = host.with_context(unusable)?;
        let limits = Limits {
            whole: PATIENCE,
            ..Limits::default()
        };
        Ok(Self {
            client: Client::new(trust.as_ref(), limits)?,
            endpoint,
            host,
            bucket: settings.bucket,
            region: settings.region,
            prefix: prefix(&settings.prefix),
            key: key.to_owned(),
            secret: Zeroizing::new(secret.to_owned()),
            lock_days: settings.lock_days,
        })
    }

    /// Puts an object that must not exist.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub fn put_new(&self, name: &str, bytes: &[u8]) -> Result<(), StoreFault> {
        let checksum = BASE64.encode(Sha256::digest(bytes));
        let mut headers = vec![("if-none-match", "*".to_owned()), ("x-amz-checksum-sha256", checksum)];
        if self.lock_days > 0 {
            let until = clock::now().0 + i64::from(self.lock_days) * 86_400;
            headers.push(("x-amz-object-lock-mode", "COMPLIANCE".to_owned()));
            headers.push(("x-amz-object-lock-retain-until-date", iso(until)));
        }
        let answer = self.ask(Method::Put, name, "", &headers, bytes, MAX_ANSWER)?;
        match answer.status {
            200 | 201 | 204 => Ok(()),
            409 | 412 => Err(StoreFault::Exists(name.to_owned())),
            _ => Err(refused(&answer)),
        }
    }

    /// Reads an object.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub fn get(&self, name: &str, most: u64) -> Result<Vec<u8>, StoreFault> {
        let answer = self.ask(Method::Get, name, "", &[], b"", most.max(MAX_ANSWER))?;
        match answer.status {
            200 if answer.body.len() as u64 > most => Err(StoreFault::TooLarge(name.to_owned())),
            200 => Ok(answer.body),
            404 => Err(StoreFault::Missing(name.to_owned())),
            _ => Err(refused(&answer)),
        }
    }

    /// Removes an object. Where it is locked the store refuses, and that is the point.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub fn remove(&self, name: &str) -> Result<(), StoreFault> {
        let answer = self.ask(Method::Delete, name, "", &[], b"", MAX_ANSWER)?;
        match answer.status {
            200 | 202 | 204 | 404 => Ok(()),
            _ => Err(refused(&answer)),
        }
    }

    /// Names of generations.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub fn list(&self) -> Result<Vec<String>> {
        let (mut names, mut token) = (Vec::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            // In the order of the alphabet, as the signature wants it.
            let mut query = String::new();
            if let Some(token) = &token {
                query.push_str(&format!("continuation-token={}&", encoded(token, false)));
            }
            query.push_str(&format!(
                "delimiter=%2F&list-type=2&prefix={}",
                encoded(&self.prefix, false)
            ));
            let answer = self.ask(Method::Get, "", &query, &[], b"", MAX_ANSWER)?;
            if answer.status != 200 {
                return Err(refused(&answer).into());
            }
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            for common in between(&text, "<CommonPrefixes>", "</CommonPrefixes>") {
                for found in between(common, "<Prefix>", "</Prefix>") {
                    let name = found.strip_prefix(&self.prefix).unwrap_or(found);
                    names.push(name.trim_end_matches('/').to_owned());
                }
            }
            token = between(&text, "<NextContinuationToken>", "</NextContinuationToken>")
                .next()
                .map(unescaped);
            if token.is_none() {
                return Ok(names);
            }
        }
        bail!("保管先の一覧が長すぎます")
    }

    fn ask(
        &self,
        method: Method,
        name: &str,
        query: &str,
        headers: &[(&str, String)],
        body: &[u8],
        most: u64,
    ) -> Result<Response, StoreFault> {
        let object = if name.is_empty() {
            String::new()
        } else {
            format!("/{}{name}", self.prefix)
        };
        let path = encoded(&format!("/{}{object}", self.bucket), true);
        let signed = self.signed(verb(method), &path, query, headers, body, clock::now().0);
        let all: Vec<(&str, &str)> = signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let question = if query.is_empty() { "" } else { "?" };
        let url = format!("{}{path}{question}{query}", self.endpoint);
        let request = Request {
            method,
            url: &url,
            headers: &all,
            body,
            most,
        };
        self.client
            .send(&request)
            .map_err(|fault| StoreFault::Unreachable(fault.to_string()))
    }

    /// The headers of a request with its signature (AWS Signature Version 4, section "signing").
    fn signed<'n>(
        &self,
        verb: &str,
        path: &str,
        query: &str,
        headers: &[(&'n str, String)],
        body: &[u8],
        now: i64,
    ) -> Vec<(&'n str, String)> {
        let at = iso(now).replace(['-', ':'], "");
        let day = at.get(..8).unwrap_or_default().to_owned();
        let content = hex(&Sha256::digest(body));
        let mut all: Vec<(&'n str, String)> = headers.to_vec();
        all.push(("x-amz-content-sha256", content.clone()));
        all.push(("x-amz-date", at.clone()));
        let mut canonical: Vec<(&str, &str)> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
        canonical.push(("host", &self.host));
        canonical.sort_unstable();
        let names: Vec<&str> = canonical.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines: String = canonical
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        let request = format!("{verb}\n{path}\n{query}\n{lines}\n{names}\n{content}");
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let text = format!("AWS4-HMAC-SHA256\n{at}\n{scope}\n{}", hex(&Sha256::digest(request)));
        let first = Zeroizing::new(format!("AWS4{}", *self.secret).into_bytes());
        let steps = [day.as_str(), &self.region, "s3", "aws4_request"];
        let key = steps
            .iter()
            .fold(first, |key, step| Zeroizing::new(mac(&key, step.as_bytes())));
        let signature = hex(&mac(&key, text.as_bytes()));
        all.push((
            "authorization",
            format!(
                "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
                self.key
            ),
        ));
        all
    }
}

const fn verb(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
    }
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length; without one nothing would be signed, and the store would refuse.
    let Ok(mut mac) = <Hmac<Sha256>>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn refused(answer: &Response) -> StoreFault {
    let text = String::from_utf8_lossy(&answer.body);
    let code = between(&text, "<Code>", "</Code>").next().unwrap_or_default();
    StoreFault::Refused(format!("{} {code}", answer.status))
}

fn prefix(text: &str) -> String {
    let text = text.trim_matches('/');
    if text.is_empty() {
        String::new()
    } else {
        format!("{text}/")
    }
}

/// `2026-11-20T00:00:00Z`
fn iso(seconds: i64) -> String {
    let at = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Percent-encoding as the signature wants it: everything but letters, digits and `-._~`, and `/` in a path.
fn encoded(text: &str, path: bool) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || path && byte == b'/';
    let one = |byte: u8| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(one).collect()
}

/// Texts between two marks of an answer. Names of ours need no decoding, and others are left out by whoever asked.
fn between<'t>(text: &'t str, begin: &'t str, end: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(begin)
        .skip(1)
        .filter_map(move |rest| rest.split_once(end).map(|(inside, _)| inside))
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket() -> S3 {
        S3 {
            client: Client::new(None, Limits::default()).unwrap(),
            endpoint: "https://examplebucket.s3.amazonaws.com".into(),
            host: "examplebucket.s3.amazonaws.com".into(),
            bucket: String::new(),
            region: "us-east-1".into(),
            prefix: String::new(),
            key: "AKIAIOSFODNN7EXAMPLE".into(),
            secret: Zeroizing::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into()),
            lock_days: 0,
        }
    }

    /// The example "PUT Object" of the documentation of Signature Version 4 for S3.
    #[test]
    fn the_published_example_is_signed_as_it_is_printed() {
        let headers = [
            ("date", "Fri, 24 May 2013 00:00:00 GMT".to_owned()),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY".to_owned()),
        ];
        let path = encoded("/test$file.text", true);
        let signed = bucket().signed("PUT", &path, "", &headers, b"Welcome to Amazon S3.", 1_369_353_600);
        let (_, authorization) = signed.last().unwrap();
        let said = "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd";
        assert!(authorization.ends_with(said), "{authorization}");
    }

    #[test]
    fn a_listing_is_read_and_its_token_goes_on() {
        let text = "<CommonPrefixes><Prefix>p/tmb-a/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>p/tmb-b/</Prefix></CommonPrefixes><NextContinuationToken>a&amp;b=</NextContinuationToken>";
        let found: Vec<&str> = between(text, "<CommonPrefixes>", "</CommonPrefixes>").collect();
        assert_eq!(found.len(), 2);
        let token = between(text, "<NextContinuationToken>", "</NextContinuationToken>").next();
        assert_eq!(encoded(&unescaped(token.unwrap()), false), "a%26b%3D");
    }
}
