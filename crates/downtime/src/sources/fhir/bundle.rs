//! A bundle taken apart: its head, and its entries as they come, so that a torn file still gives what stood before the tear.
//!
//! What an entry means is not decided here.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::json::{self, Odd};
use super::resource::BundleHead;

/// Most entries of one bundle.
pub const MAX_ENTRIES: usize = 2_000_000;

/// What was read of a bundle.
#[derive(Debug, Default)]
pub struct Parts<'a> {
    /// `type`, `timestamp`, links.
    pub head: BundleHead<'a>,
    /// Entries, unread.
    pub entries: Vec<&'a str>,
    /// Why the rest could not be read.
    pub torn: Option<String>,
}

/// Reads as much of a bundle as there is.
#[must_use]
pub fn read(text: &str) -> Parts<'_> {
    let mut parts = Parts::default();
    let mut from = serde_json::Deserializer::from_str(text);
    let read = Whole(&mut parts).deserialize(&mut from).and_then(|()| from.end());
    parts.torn = read.err().map(|error| error.to_string());
    parts
}

struct Whole<'p, 'a>(&'p mut Parts<'a>);

impl<'a> DeserializeSeed<'a> for Whole<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Whole<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bundle")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut odd, mut key) = (Odd::default(), json::Text::default());
        let parts = self.0;
        while map.next_key_seed(json::Seed::new(&mut odd, &mut key))?.is_some() {
            // Of two the last counts, so what the first left goes.
            let head = &mut parts.head;
            match &*key {
                "entry" => map.next_value_seed(Entries(&mut *parts))?,
                "type" => map.next_value_seed(json::Seed::new(&mut odd, emptied(&mut head.kind)))?,
                "timestamp" => map.next_value_seed(json::Seed::new(&mut odd, emptied(&mut head.timestamp)))?,
                "meta" => map.next_value_seed(json::Seed::new(&mut odd, emptied(&mut head.meta)))?,
                "link" => map.next_value_seed(json::Seed::new(&mut odd, emptied(&mut head.link)))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// A place with the default in it again.
fn emptied<T: Default>(place: &mut T) -> &mut T {
    *place = T::default();
    place
}

struct Entries<'p, 'a>(&'p mut Parts<'a>);

impl<'a> DeserializeSeed<'a> for Entries<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for Entries<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entries")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(raw) = list.next_element::<&'a RawValue>()? {
            if self.0.entries.len() >= MAX_ENTRIES {
                return Err(serde::de::Error::custom("too many entries"));
            }
            self.0.entries.push(raw.get());
        }
        Ok(())
    }
}

/// The resource's type where it stands first, as nearly every writer puts it; else by looking through all of it.
///
/// # Errors
/// Broken JSON.
pub fn type_of(text: &str) -> Result<json::Text<'_>, serde_json::Error> {
    if let Some(word) = first_type(text) {
        return Ok(json::Text(word.into()));
    }
    let (head, _) = json::read::<super::resource::Head<'_>>(text)?;
    Ok(head.resource_type)
}

fn first_type(text: &str) -> Option<&str> {
    let rest = text.trim_start().strip_prefix('{')?.trim_start();
    let rest = rest.strip_prefix("\"resourceType\"")?.trim_start();
    let rest = rest.strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let word = rest.get(..rest.find('"')?)?;
    word.bytes().all(|b| b.is_ascii_alphabetic()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_bundle_gives_what_stood_before_the_tear() {
        let whole = r#"{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:1","resource":{"a":1}},{"resource":{"b":2}}]}"#;
        let parts = read(whole);
        assert_eq!(
            (parts.entries.len(), parts.torn.is_none(), &*parts.head.kind.0),
            (2, true, "collection")
        );
        let parts = read(&whole[..whole.len() - 8]);
        assert_eq!((parts.entries.len(), parts.torn.is_some()), (1, true));
    }

    #[test]
    fn a_type_is_found_wherever_it_stands() {
        assert_eq!(
            &*type_of(r#" { "resourceType" : "Patient", "id":"1"}"#).unwrap(),
            "Patient"
        );
        assert_eq!(&*type_of(r#"{"id":"1","resourceType":"Flag"}"#).unwrap(), "Flag");
        assert_eq!(&*type_of(r#"{"id":"1"}"#).unwrap(), "");
        assert!(type_of("{").is_err());
    }
}
