//! JSON as it is written: members in the order they were given, nothing that is empty.

use std::fmt::Write as _;

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Json {
    /// Text.
    Text(String),
    /// A number with the digits it was given.
    Number(String),
    /// True or false.
    Flag(bool),
    /// A list.
    List(Vec<Json>),
    /// Members.
    Map(Vec<(&'static str, Json)>),
}

/// A map from names to values.
macro_rules! map {
    ($($name:literal : $value:expr),* $(,)?) => {
        $crate::shape_fhir::json::Json::Map(vec![$(($name, $crate::shape_fhir::json::Json::from($value))),*])
    };
}

/// A list of values.
macro_rules! list {
    ($($value:expr),* $(,)?) => {
        $crate::shape_fhir::json::Json::List(vec![$($crate::shape_fhir::json::Json::from($value)),*])
    };
}

pub(super) use {list, map};

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Json::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Json::Text(text)
    }
}

impl From<&String> for Json {
    fn from(text: &String) -> Self {
        Json::Text(text.clone())
    }
}

impl From<bool> for Json {
    fn from(flag: bool) -> Self {
        Json::Flag(flag)
    }
}

impl From<i64> for Json {
    fn from(number: i64) -> Self {
        Json::Number(number.to_string())
    }
}

impl From<crate::Amount> for Json {
    fn from(amount: crate::Amount) -> Self {
        Json::Number(amount.to_string())
    }
}

impl From<Vec<Json>> for Json {
    fn from(list: Vec<Json>) -> Self {
        Json::List(list)
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or_else(|| Json::List(Vec::new()), Into::into)
    }
}

impl Json {
    fn is_empty(&self) -> bool {
        match self {
            Json::Text(text) => text.is_empty(),
            Json::Number(_) | Json::Flag(_) => false,
            Json::List(list) => list.iter().all(Json::is_empty),
            Json::Map(members) => members.iter().all(|(_, value)| value.is_empty()),
        }
    }

    /// The same with another member, which replaces one of that name.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Json>) -> Self {
        if let Json::Map(members) = &mut self {
            let value = value.into();
            match members.iter_mut().find(|(known, _)| *known == name) {
                Some((_, old)) => *old = value,
                None => members.push((name, value)),
            }
        }
        self
    }

    /// The text of a member.
    pub(super) fn text(&self, name: &str) -> &str {
        let Json::Map(members) = self else { return "" };
        match members.iter().find(|(known, _)| *known == name) {
            Some((_, Json::Text(text))) => text,
            _ => "",
        }
    }

    /// Appends the value to `out`.
    pub(super) fn write(&self, out: &mut String) {
        match self {
            Json::Text(text) => quoted(text, out),
            Json::Number(digits) => out.push_str(digits),
            Json::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Json::List(list) => {
                out.push('[');
                for (place, value) in list.iter().filter(|value| !value.is_empty()).enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    value.write(out);
                }
                out.push(']');
            }
            Json::Map(members) => {
                out.push('{');
                for (place, (name, value)) in members.iter().filter(|(_, value)| !value.is_empty()).enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    quoted(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_empty_is_left_out() {
        let value = map! { "a": "x\"\n", "b": "", "c": None::<&str>, "d": list![map! { "e": "" }], "f": list![1_i64], "g": true };
        let mut out = String::new();
        value.with("a", "y").write(&mut out);
        assert_eq!(out, r#"{"a":"y","f":[1],"g":true}"#);
    }
}
