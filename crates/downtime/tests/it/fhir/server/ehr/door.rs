//! The door of the small FHIR server: signatures are really verified, and nothing is believed twice.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, UnparsedPublicKey};
use serde_json::Value;

use super::State;
use crate::table::scope;

/// RFC 7523: the assertion is ours, in time, said once, and signed by the key that is registered.
pub fn let_in(state: &mut State, body: &str, root: &str, known: &(&str, Vec<u8>)) -> Result<String, String> {
    let form = fields(body);
    let is = |name: &str, wanted: &str| form.get(name).is_some_and(|value| value == wanted);
    if !is("grant_type", "client_credentials")
        || !is(
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        )
    {
        return Err("form".to_owned());
    }
    let assertion = form.get("client_assertion").ok_or("no assertion")?;
    let (signed, signature) = assertion.rsplit_once('.').ok_or("no signature")?;
    let (head, claims) = signed.split_once('.').ok_or("no claims")?;
    let read = |text: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap() };
    let (head, claims) = (read(head), read(claims));
    if head["alg"] != known.0 || head["kid"] != "key-1" {
        return Err(format!("unknown key {}", head["alg"]));
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "base64")?;
    let how: &dyn signature::VerificationAlgorithm = match known.0 {
        "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
        _ => &signature::ECDSA_P384_SHA384_FIXED,
    };
    UnparsedPublicKey::new(how, &known.1)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| "bad signature")?;
    if claims["iss"] != "tomoshibi" || claims["sub"] != "tomoshibi" || claims["aud"] != format!("{root}/token") {
        return Err("claims".to_owned());
    }
    let (from, until) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
    if until - from > 300 || from < scope().now.0 {
        return Err("time".to_owned());
    }
    if !state.nonces.insert(claims["jti"].as_str().unwrap().to_owned()) {
        return Err("said twice".to_owned());
    }
    let token = format!("token-{}", state.tokens.len());
    state.tokens.insert(token.clone());
    Ok(token)
}

/// The fields of a query or a form.
pub fn fields(text: &str) -> HashMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), unescaped(value))).collect()
}

fn unescaped(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let hex: String = [bytes.next().unwrap(), bytes.next().unwrap()]
                .map(char::from)
                .iter()
                .collect();
            out.push(u8::from_str_radix(&hex, 16).unwrap());
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).unwrap()
}
