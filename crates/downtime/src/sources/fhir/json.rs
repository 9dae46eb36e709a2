//! JSON into borrowed types, so that one field of a wrong type costs that field and not the resource.
//!
//! Unknown fields are skipped without a copy, texts point into the input, numbers keep their digits (3.50 stays 3.50). What was wrong
//! is counted in [`Odd`], not refused. Only broken JSON itself is an error. Every value is read into its place: a resource is a thousand
//! bytes, and handing it up from level to level would copy it each time. Nothing here knows FHIR's meanings.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Most entries read of one list; a resource of care has a dozen.
pub const MAX_LIST: usize = 5_000;

/// What in one resource was not as it must be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Odd {
    /// How many fields had a wrong type or stood twice.
    pub count: u32,
    /// The first of them.
    pub first: &'static str,
    here: &'static str,
}

impl Odd {
    /// The field being read is not of its type.
    pub const fn wrong(&mut self) {
        if self.count == 0 {
            self.first = self.here;
        }
        self.count = self.count.saturating_add(1);
    }

    /// Which field is read next.
    pub const fn at(&mut self, field: &'static str) {
        self.here = field;
    }
}

/// Something that can stand in a field.
pub trait Field<'a>: Default {
    /// Reads it into its place, where the default stands; a value of another type is counted and leaves the default.
    ///
    /// # Errors
    /// Broken JSON.
    fn fill<D: Deserializer<'a>>(&mut self, from: D, odd: &mut Odd) -> Result<(), D::Error>;
}

/// Reads one [`Field`] into its place.
pub struct Seed<'o, 's, T> {
    odd: &'o mut Odd,
    place: &'s mut T,
}

impl<'o, 's, T> Seed<'o, 's, T> {
    /// With where to count what is wrong, and the place, which must hold the default.
    pub const fn new(odd: &'o mut Odd, place: &'s mut T) -> Self {
        Self { odd, place }
    }
}

impl<'a, T: Field<'a>> DeserializeSeed<'a> for Seed<'_, '_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<(), D::Error> {
        self.place.fill(from, self.odd)
    }
}

/// Reads one value from text.
///
/// # Errors
/// Broken JSON, deeper than `serde_json` goes (128), or something behind the value.
pub fn read<'a, T: Field<'a>>(text: &'a str) -> Result<(T, Odd), serde_json::Error> {
    let (mut value, mut odd) = (T::default(), Odd::default());
    let mut from = serde_json::Deserializer::from_str(text);
    value.fill(&mut from, &mut odd)?;
    from.end()?;
    Ok((value, odd))
}

/// A text that points into the input where it can.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text<'a>(pub Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// A number with its digits as they were written; empty for none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Number<'a>(pub &'a str);

impl Deref for Number<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        self.0
    }
}

/// JSON left unread.
#[derive(Debug, Clone, Copy, Default)]
pub struct Raw<'a>(pub &'a str);

impl PartialEq for Raw<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// What a visitor says to values of other types: null leaves the default, everything else is counted.
macro_rules! otherwise_wrong {
    ($($kind:ident: $of:ty),*) => {
        $(fn $kind<E>(self, _: $of) -> Result<(), E> {
            self.0.wrong();
            Ok(())
        })*
        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }
    };
}
pub(super) use otherwise_wrong;

struct TextVisitor<'o, 's, 'a>(&'o mut Odd, &'s mut Text<'a>);

impl<'a> Visitor<'a> for TextVisitor<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<(), E> {
        self.1.0 = Cow::Borrowed(text);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.1.0 = Cow::Owned(text.to_owned());
        Ok(())
    }

    // A number where a text belongs: leading zeros may be lost, so it is used and told.
    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.0.wrong();
        self.1.0 = Cow::Owned(number.to_string());
        Ok(())
    }

    otherwise_wrong!(visit_bool: bool, visit_i64: i64, visit_f64: f64);

    fn visit_seq<A: SeqAccess<'a>>(self, list: A) -> Result<(), A::Error> {
        self.0.wrong();
        drain_list(list)
    }

    fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<(), A::Error> {
        self.0.wrong();
        drain_map(map)
    }
}

/// Reads a list to its end without keeping anything.
///
/// # Errors
/// Broken JSON.
pub fn drain_list<'a, A: SeqAccess<'a>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Reads an object to its end without keeping anything.
///
/// # Errors
/// Broken JSON.
pub fn drain_map<'a, A: MapAccess<'a>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

impl<'a> Field<'a> for Text<'a> {
    fn fill<D: Deserializer<'a>>(&mut self, from: D, odd: &mut Odd) -> Result<(), D::Error> {
        from.deserialize_any(TextVisitor(odd, self))
    }
}

impl<'a> Field<'a> for Raw<'a> {
    fn fill<D: Deserializer<'a>>(&mut self, from: D, _: &mut Odd) -> Result<(), D::Error> {
        let raw: &'a RawValue = serde::Deserialize::deserialize(from)?;
        self.0 = raw.get();
        Ok(())
    }
}

impl<'a> Field<'a> for Number<'a> {
    fn fill<D: Deserializer<'a>>(&mut self, from: D, odd: &mut Odd) -> Result<(), D::Error> {
        let raw: &'a RawValue = serde::Deserialize::deserialize(from)?;
        let text = raw.get();
        let inside = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match (text.as_bytes().first(), inside) {
            (Some(b'-' | b'0'..=b'9'), _) => self.0 = text,
            // A number in quotation marks is a number that somebody wrote wrong.
            (_, Some(inside)) if is_number(inside) => {
                odd.wrong();
                self.0 = inside;
            }
            (Some(b'n'), _) => {}
            _ => odd.wrong(),
        }
        Ok(())
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

struct BoolVisitor<'o, 's>(&'o mut Odd, &'s mut bool);

impl<'a> Visitor<'a> for BoolVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        *self.1 = value;
        Ok(())
    }

    otherwise_wrong!(visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_seq<A: SeqAccess<'a>>(self, list: A) -> Result<(), A::Error> {
        self.0.wrong();
        drain_list(list)
    }

    fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<(), A::Error> {
        self.0.wrong();
        drain_map(map)
    }
}

impl<'a> Field<'a> for bool {
    fn fill<D: Deserializer<'a>>(&mut self, from: D, odd: &mut Odd) -> Result<(), D::Error> {
        from.deserialize_any(BoolVisitor(odd, self))
    }
}

impl<'a, T: Field<'a>> Field<'a> for Option<T> {
    fn fill<D: Deserializer<'a>>(&mut self, from: D, odd: &mut Odd) -> Result<(), D::Error> {
        self.insert(T::default()).fill(from, odd)
    }
}

struct ListVisitor<'o, 's, T>(&'o mut Odd, &'s mut Vec<T>);

/// Reads one more entry of a list; the list stays as it is where there is none.
struct Entry<'o, 's, T>(&'o mut Odd, &'s mut Vec<T>);

impl<'a, T: Field<'a>> DeserializeSeed<'a> for Entry<'_, '_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<(), D::Error> {
        self.1.push(T::default());
        match self.1.last_mut() {
            Some(place) => place.fill(from, self.0),
            None => Ok(()),
        }
    }
}

impl<'a, T: Field<'a>> Visitor<'a> for ListVisitor<'_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<(), A::Error> {
        while self.1.len() < MAX_LIST {
            if list.next_element_seed(Entry(self.0, self.1))?.is_none() {
                return Ok(());
            }
        }
        if list.next_element::<IgnoredAny>()?.is_some() {
            self.0.wrong();
            drain_list(list)?;
        }
        Ok(())
    }

    otherwise_wrong!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<(), A::Error> {
        self.0.wrong();
        drain_map(map)
    }
}

impl<'a, T: Field<'a>> Field<'a> for Vec<T> {
    fn fill<D: Deserializer<'a>>(&mut self, from: D, odd: &mut Odd) -> Result<(), D::Error> {
        from.deserialize_any(ListVisitor(odd, self))
    }
}

/// An object with named fields: the struct, and how it is read.
macro_rules! node {
    ($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident = $key:literal : $kind:ty),* $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $name<'a> {
            $($(#[$field_about])* #[doc = concat!("`", $key, "`")] pub $field: $kind,)*
            #[doc(hidden)]
            pub life: std::marker::PhantomData<&'a ()>,
        }

        const _: () = {
            use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
            use $crate::sources::fhir::json::{Field, Odd, Seed, drain_list};

            #[allow(non_camel_case_types)]
            #[derive(Clone, Copy)]
            enum Key { $($field,)* Other }
            struct KeySeed;
            impl<'a> Visitor<'a> for KeySeed {
                type Value = Key;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a field name")
                }
                fn visit_str<E>(self, text: &str) -> Result<Key, E> {
                    Ok(match text { $($key => Key::$field,)* _ => Key::Other })
                }
            }
            impl<'a> DeserializeSeed<'a> for KeySeed {
                type Value = Key;
                fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<Key, D::Error> {
                    from.deserialize_identifier(self)
                }
            }
            struct Look<'o, 's, 'a>(&'o mut Odd, &'s mut $name<'a>);
            impl<'a> Visitor<'a> for Look<'_, '_, 'a> {
                type Value = ();
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str(stringify!($name))
                }
                fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
                    let Self(odd, it) = self;
                    let mut seen = 0_u64;
                    while let Some(key) = map.next_key_seed(KeySeed)? {
                        match key {
                            $(Key::$field => {
                                odd.at($key);
                                // Which of two is meant nobody can say: the last is used, and told.
                                if seen >> (Key::$field as u64) & 1 == 1 {
                                    odd.wrong();
                                    it.$field = Default::default();
                                }
                                seen |= 1 << (Key::$field as u64);
                                map.next_value_seed(Seed::new(odd, &mut it.$field))?;
                            })*
                            Key::Other => { map.next_value::<IgnoredAny>()?; }
                        }
                    }
                    Ok(())
                }
                $crate::sources::fhir::json::otherwise_wrong!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);
                fn visit_seq<A: SeqAccess<'a>>(self, list: A) -> Result<(), A::Error> {
                    self.0.wrong();
                    drain_list(list)
                }
            }
            impl<'a> Field<'a> for $name<'a> {
                fn fill<D: Deserializer<'a>>(&mut self, from: D, odd: &mut Odd) -> Result<(), D::Error> {
                    from.deserialize_any(Look(odd, self))
                }
            }
        };
    };
}
pub(super) use node;

#[cfg(test)]
mod tests {
    use super::*;

    node! {
        /// A test's own.
        Thing {
            name = "name": Text<'a>,
            amount = "amount": Number<'a>,
            yes = "yes": Option<bool>,
            parts = "parts": Vec<Thing<'a>>,
        }
    }

    fn thing(text: &str) -> (Thing<'_>, Odd) {
        read(text).unwrap()
    }

    #[test]
    fn texts_point_into_the_input_and_numbers_keep_their_digits() {
        let text = r#"{"x":[{"deep":1}],"name":"山田","amount":3.50,"yes":true,"parts":[{"name":"a\nb"}]}"#;
        let (it, odd) = thing(text);
        assert!(matches!(it.name.0, Cow::Borrowed("山田")));
        assert_eq!((&*it.amount, it.yes), ("3.50", Some(true)));
        assert_eq!(&*it.parts[0].name, "a\nb");
        assert_eq!(odd.count, 0);
    }

    #[test]
    fn a_wrong_type_costs_its_field_and_is_told() {
        for (text, field) in [
            (r#"{"name":{"a":[1]},"yes":true}"#, "name"),
            (r#"{"name":[1,2],"yes":true}"#, "name"),
            (r#"{"amount":[],"yes":true}"#, "amount"),
            (r#"{"parts":{"name":"x"},"yes":true}"#, "parts"),
            (r#"{"parts":[7],"yes":true}"#, "parts"),
            (r#"{"name":"a","name":"b","yes":true}"#, "name"),
        ] {
            let (it, odd) = thing(text);
            assert_eq!((odd.count, odd.first, it.yes), (1, field, Some(true)), "{text}");
        }
        assert_eq!(&*thing(r#"{"amount":"12.5"}"#).0.amount, "12.5");
        assert_eq!(&*thing(r#"{"name":12}"#).0.name, "12");
    }

    #[test]
    fn depth_bombs_and_torn_text_are_refused() {
        let deep = format!("{}1{}", r#"{"parts":["#.repeat(400), "]}".repeat(400));
        assert!(read::<Thing<'_>>(&deep).is_err());
        let unknown = format!(r#"{{"x":{}{},"name":"n"}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(
            &*thing(&unknown).0.name,
            "n",
            "what is skipped may be as deep as it likes"
        );
        for torn in ["", "{", r#"{"name":"a"#, r#"{"name":"a"} x"#, "nul"] {
            assert!(read::<Thing<'_>>(torn).is_err(), "{torn}");
        }
    }
}
