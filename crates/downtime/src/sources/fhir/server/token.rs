//! Who we are to the server: OAuth 2.0 for backend services (SMART), with an assertion signed by a private key.
//!
//! No password and no shared secret: the key stays at the roof, which signs what is put together here (RFC 7523, RFC 7515).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chart::Moment;
use serde::Deserialize;
use serde_json::json;

use super::line::{Answer, Ask, Failed, Method, Web, words_of};

/// How long an assertion holds: SMART allows five minutes, and clocks differ.
const ASSERTION_SECONDS: i64 = 240;
/// Seconds before its end at which a token is no longer used.
const TOKEN_GRACE: i64 = 30;
/// Largest answer of a token endpoint.
const MAX_TOKEN: u64 = 64 << 10;

/// How an assertion is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA, SHA-384
    Rs384,
    /// P-384, SHA-384
    Es384,
}

impl Algorithm {
    /// `RS384`, `ES384`
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rs384 => "RS384",
            Self::Es384 => "ES384",
        }
    }
}

/// Our registration at the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Where tokens are given.
    pub token_url: String,
    /// Our name there.
    pub id: String,
    /// The key's name there.
    pub key_id: String,
    /// `system/*.read`
    pub scope: String,
    /// By the key's kind.
    pub algorithm: Algorithm,
}

/// A token and its end.
pub struct Token {
    /// Its text.
    pub text: String,
    until: Moment,
}

impl Token {
    /// True while it is good to use.
    #[must_use]
    pub const fn holds(&self, now: Moment) -> bool {
        now.0 + TOKEN_GRACE < self.until.0
    }
}

#[derive(Deserialize)]
struct Given {
    access_token: String,
    #[serde(default)]
    token_type: String,
    #[serde(default)]
    expires_in: Option<i64>,
}

/// The assertion: who we are, to whom we say it, until when, said once.
///
/// # Errors
/// When the key cannot sign.
pub fn assertion(client: &Client, web: &dyn Web) -> Result<String, String> {
    let now = web.now().0;
    let id: String = web.nonce().iter().map(|byte| format!("{byte:02x}")).collect();
    let head = json!({"alg": client.algorithm.word(), "typ": "JWT", "kid": client.key_id});
    let claims = json!({
        "iss": client.id, "sub": client.id, "aud": client.token_url,
        "iat": now, "exp": now + ASSERTION_SECONDS, "jti": id,
    });
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!(
        "{}.{}",
        encode(head.to_string().as_bytes()),
        encode(claims.to_string().as_bytes())
    );
    let signature = web.sign(signed.as_bytes())?;
    Ok(format!("{signed}.{}", encode(&signature)))
}

/// A new token.
///
/// # Errors
/// [`Failed`] in words; neither the assertion nor a token is in them.
pub fn fetch(client: &Client, web: &dyn Web) -> Result<Token, Failed> {
    let fail = |status, why: String| Failed {
        why: format!(
            "EHR の認可サーバから許可を得られません: {why}。client_id・鍵・scope の登録を EHR の担当者と確かめてください"
        ),
        status,
    };
    let assertion = assertion(client, web).map_err(|why| fail(0, why))?;
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", client.scope.as_str()),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", assertion.as_str()),
    ];
    let form: Vec<String> = form
        .iter()
        .map(|(name, value)| format!("{name}={}", escaped(value)))
        .collect();
    let ask = Ask {
        method: Method::Post,
        url: client.token_url.clone(),
        accept: "application/json",
        bearer: None,
        respond_async: false,
        form: Some(form.join("&")),
        most: MAX_TOKEN,
    };
    let mut tries = 0;
    let answer = loop {
        tries += 1;
        match web.ask(&ask) {
            Ok(answer) if answer.status >= 500 && tries < 3 => web.wait(2 * tries),
            Ok(answer) => break answer,
            Err(_) if tries < 3 => web.wait(2 * tries),
            Err(fault) => return Err(fail(0, fault.to_string())),
        }
    };
    if answer.status != 200 {
        return Err(fail(answer.status, refused(&answer)));
    }
    let given: Given = serde_json::from_slice(&answer.body).map_err(|_| fail(200, "返事を読めません".to_owned()))?;
    if given.access_token.is_empty() || !given.token_type.eq_ignore_ascii_case("bearer") {
        return Err(fail(200, "返事が Bearer の許可ではありません".to_owned()));
    }
    // Unsaid is short: five minutes is the longest SMART recommends.
    let seconds = given.expires_in.unwrap_or(300).clamp(1, 3_600);
    Ok(Token {
        text: given.access_token,
        until: Moment(web.now().0 + seconds),
    })
}

/// `invalid_client: …`, as RFC 6749 has it.
fn refused(answer: &Answer) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
        #[serde(default)]
        error_description: String,
    }
    match serde_json::from_slice::<Refusal>(&answer.body) {
        Ok(said) => format!("{} {}", said.error, said.error_description)
            .trim()
            .chars()
            .take(200)
            .collect(),
        Err(_) => words_of(answer),
    }
}

/// Percent-encoding of everything but what never needs it.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
