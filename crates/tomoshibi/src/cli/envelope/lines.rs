//! Codes of envelopes as data: halves for two persons, CSV. What is secret in them is the caller's to protect.

use serde_json::Value;

/// Two papers that say nothing alone: each holds 14 of the 28 characters, so that 58 bits or more are missing to either.
pub fn halves(body: &Value) -> (Value, Value) {
    let typed = body.get("typed").and_then(Value::as_str).unwrap_or("");
    let characters: Vec<char> = typed.chars().filter(|c| *c != '-').collect();
    let (left, right) = characters.split_at(characters.len() / 2);
    let half = |part: &[char], which: &str| {
        let groups: Vec<String> = part.chunks(4).map(|group| group.iter().collect()).collect();
        let mut body = body.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.remove("digits");
            fields.insert("typed".to_owned(), groups.join("-").into());
            fields.insert("half".to_owned(), which.into());
        }
        body
    };
    (half(left, "1/2"), half(right, "2/2"))
}

/// One line per envelope, every cell quoted.
pub fn csv(bodies: &[Value]) -> String {
    let columns = [
        "number",
        "place",
        "opens",
        "serial",
        "digits",
        "typed",
        "half",
        "hours",
        "valid_from",
    ];
    let mut text = format!("\u{FEFF}{}\r\n", columns.join(","));
    for body in bodies {
        let cell = |name: &&str| {
            body.get(*name)
                .and_then(Value::as_str)
                .unwrap_or("")
                .replace('"', "\"\"")
        };
        let cells: Vec<String> = columns.iter().map(|name| format!("\"{}\"", cell(name))).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}
