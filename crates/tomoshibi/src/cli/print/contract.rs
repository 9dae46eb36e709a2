//! The contract of a form's body (`contract.toml`) and what a file says that does not keep it.
//!
//! A word for each value: `"text"`, `"number"`, `"yes-no"`, or words to choose from parted by ` | `; `?` behind it: may be absent. `number` may
//! have bounds (`"number 0..40"`). A list is `[what one is, "fewest..most"]`, a table a table. Not here: how any of it is printed.

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

/// Longest text, in characters: what still reads well on a wall or a card.
const MAX_TEXT: usize = 1_000;
/// Problems said at most.
const MAX_SAID: usize = 20;

/// What may stand in one place.
#[derive(Debug)]
enum Kind {
    Text,
    Number(i64, i64),
    YesNo,
    OneOf(Vec<String>),
    List(Box<Place>, usize, usize),
    Table(Vec<(String, Place)>),
}

/// A place in the body.
#[derive(Debug)]
struct Place {
    kind: Kind,
    optional: bool,
}

/// What a form's body may say.
#[derive(Debug)]
pub struct Contract(Place);

impl Contract {
    /// Reads `contract.toml`.
    ///
    /// # Errors
    /// When it says what this program does not understand.
    pub fn read(text: &str) -> Result<Self> {
        let table: toml::Table = toml::from_str(text)?;
        Ok(Self(place(&toml::Value::Table(table))?))
    }

    /// Every sentence that says what is wrong, with the field; empty when the body keeps the contract.
    #[must_use]
    pub fn problems(&self, body: &Value) -> Vec<String> {
        let mut out = Vec::new();
        self.0.check("body", Some(body), &mut out);
        out.truncate(MAX_SAID);
        out
    }

    /// The body with `null` for what was left out: forms look every key up.
    #[must_use]
    pub fn completed(&self, mut body: Value) -> Value {
        self.0.complete(&mut body);
        body
    }
}

fn place(written: &toml::Value) -> Result<Place> {
    let certain = |kind| Place { kind, optional: false };
    match written {
        toml::Value::String(word) => {
            let (word, optional) = match word.strip_suffix('?') {
                Some(word) => (word, true),
                None => (word.as_str(), false),
            };
            let kind = match word.split_once(' ').unwrap_or((word, "")) {
                ("text", "") => Kind::Text,
                ("yes-no", "") => Kind::YesNo,
                ("number", "") => Kind::Number(0, 1_000_000),
                ("number", bounds) => {
                    let (least, most) = range(bounds)?;
                    Kind::Number(i64::try_from(least)?, i64::try_from(most)?)
                }
                _ if word.contains(" | ") => Kind::OneOf(word.split(" | ").map(str::to_owned).collect()),
                _ => bail!("「{word}」は契約の言葉ではありません"),
            };
            Ok(Place { kind, optional })
        }
        toml::Value::Array(list) => match list.as_slice() {
            [one, toml::Value::String(bounds)] => {
                let (least, most) = range(bounds)?;
                Ok(certain(Kind::List(Box::new(place(one)?), least, most)))
            }
            _ => bail!("一覧は [1つ分, \"少なくとも..多くとも\"] です"),
        },
        toml::Value::Table(table) => {
            let keys = table.iter().map(|(key, value)| Ok((key.clone(), place(value)?)));
            Ok(certain(Kind::Table(keys.collect::<Result<_>>()?)))
        }
        other => bail!("契約に {} は書けません", other.type_str()),
    }
}

/// `0..9`, both included.
fn range(text: &str) -> Result<(usize, usize)> {
    let (least, most) = text.split_once("..").context("範囲は 0..9 のように書きます")?;
    Ok((least.trim().parse()?, most.trim().parse()?))
}

impl Place {
    fn check(&self, name: &str, value: Option<&Value>, out: &mut Vec<String>) {
        let mut say = |what: String| out.push(format!("{name}: {what}"));
        let Some(value) = value.filter(|value| !value.is_null()) else {
            if !self.optional {
                say(format!("ありません。{} を書いてください", self.words()));
            }
            return;
        };
        match (&self.kind, value) {
            (Kind::Text, Value::String(text)) => {
                let length = text.chars().count();
                if text.trim().is_empty() && !self.optional {
                    say("空です。文字を書いてください".to_owned());
                } else if length > MAX_TEXT {
                    say(format!("長すぎます（{length} 文字、上限 {MAX_TEXT} 文字）"));
                }
            }
            (Kind::OneOf(words), Value::String(text)) if words.contains(text) => {}
            (Kind::OneOf(_), _) => say(format!("{value} は選べません。{} です", self.words())),
            (Kind::YesNo, Value::Bool(_)) => {}
            (Kind::Number(least, most), Value::Number(number)) => {
                let fits = number.as_i64().is_some_and(|n| (*least..=*most).contains(&n));
                if !fits {
                    say(format!("{number} は {least} から {most} までの整数ではありません"));
                }
            }
            (Kind::List(one, least, most), Value::Array(list)) => {
                if !(*least..=*most).contains(&list.len()) {
                    say(format!("{least} から {most} 個までです（{} 個あります）", list.len()));
                }
                for (at, value) in (1..=*most).zip(list) {
                    one.check(&format!("{name} の {at} 番め"), Some(value), out);
                }
            }
            (Kind::Table(places), Value::Object(table)) => {
                for key in table.keys().filter(|key| places.iter().all(|(known, _)| known != *key)) {
                    let known: Vec<&str> = places.iter().map(|(known, _)| known.as_str()).collect();
                    say(format!("{key} という項目はありません。あるのは: {}", known.join(" ")));
                }
                for (key, place) in places {
                    place.check(&format!("{name}.{key}"), table.get(key), out);
                }
            }
            _ => say(format!("{} ではありません", self.words())),
        }
    }

    fn complete(&self, value: &mut Value) {
        match (&self.kind, value) {
            (Kind::List(one, ..), Value::Array(list)) => list.iter_mut().for_each(|value| one.complete(value)),
            (Kind::Table(places), Value::Object(table)) => complete(places, table),
            _ => {}
        }
    }

    fn words(&self) -> String {
        match &self.kind {
            Kind::Text => "文字".to_owned(),
            Kind::Number(..) => "整数".to_owned(),
            Kind::YesNo => "true か false".to_owned(),
            Kind::OneOf(words) => words.join(" か "),
            Kind::List(..) => "一覧 [ … ]".to_owned(),
            Kind::Table(_) => "表 { … }".to_owned(),
        }
    }
}

fn complete(places: &[(String, Place)], table: &mut Map<String, Value>) {
    for (key, place) in places {
        place.complete(table.entry(key.clone()).or_insert(Value::Null));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CONTRACT: &str = "role = \"text\"\nstyle = \"READ-DO | DO-CONFIRM\"\nitems = [\"text\", \"1..2\"]\nrows = \"number 0..40\"\nmet = \"yes-no?\"\nwho = [{ name = \"text\", what = \"text?\" }, \"0..3\"]";

    #[test]
    fn every_breach_is_said_with_its_field_and_what_is_expected() {
        let contract = Contract::read(CONTRACT).unwrap();
        let good = json!({"role": "受付", "style": "READ-DO", "items": ["a"], "rows": 3, "who": [{"name": "森"}]});
        assert_eq!(contract.problems(&good), Vec::<String>::new());
        let completed = contract.completed(good.clone());
        assert_eq!(
            (&completed["met"], &completed["who"][0]["what"]),
            (&Value::Null, &Value::Null)
        );
        type Spoil = fn(&mut Value);
        let cases: [(Spoil, &str); 9] = [
            (|b| b["role"] = json!(" "), "body.role: 空"),
            (|b| b["role"] = json!(3), "body.role: 文字 ではありません"),
            (|b| b["style"] = json!("DO"), "READ-DO か DO-CONFIRM"),
            (|b| b["items"] = json!(["a", "b", "c"]), "body.items: 1 から 2 個まで"),
            (|b| b["items"] = json!([]), "0 個"),
            (|b| b["rows"] = json!(41), "0 から 40"),
            (
                |b| b["who"][0]["name"] = Value::Null,
                "body.who の 1 番め.name: ありません",
            ),
            (|b| b["rolle"] = json!("x"), "rolle という項目はありません"),
            (|b| b["role"] = json!("長".repeat(1_001)), "1001 文字"),
        ];
        for (spoil, expected) in cases {
            let mut body = good.clone();
            spoil(&mut body);
            let problems = contract.problems(&body).join("\n");
            assert!(problems.contains(expected), "{expected}: {problems}");
        }
    }

    #[test]
    fn a_contract_that_nobody_understands_is_refused() {
        for text in [
            "a = \"word\"",
            "a = 3",
            "a = [\"text\"]",
            "a = [\"text\", \"many\"]",
            "a = ",
        ] {
            assert!(Contract::read(text).is_err(), "{text}");
        }
    }
}
