//! JSON into borrowed types, so that one field of a wrong type costs that field and not the resource.
//!
//! Unknown fields are skipped without a copy, texts point into the input, numbers keep their digits (3.50 stays 3.50). What was wrong
//! is counted in [`Odd`], not refused. Only broken JSON itself is an error. Nothing here knows FHIR's meanings.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
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
    /// Reads it; a value of another type is counted and leaves the default.
    ///
    /// # Errors
    /// Broken JSON.
    fn take<D: Deserializer<'a>>(from: D, odd: &mut Odd) -> Result<Self, D::Error>;
}

/// Reads one [`Field`].
pub struct Seed<'o, T>(pub &'o mut Odd, PhantomData<T>);

impl<'o, T> Seed<'o, T> {
    /// With where to count what is wrong.
    pub const fn new(odd: &'o mut Odd) -> Self {
        Self(odd, PhantomData)
    }
}

impl<'a, T: Field<'a>> DeserializeSeed<'a> for Seed<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<T, D::Error> {
        T::take(from, self.0)
    }
}

/// Reads one value from text.
///
/// # Errors
/// Broken JSON, deeper than `serde_json` goes (128), or something behind the value.
pub fn read<'a, T: Field<'a>>(text: &'a str) -> Result<(T, Odd), serde_json::Error> {
    let mut odd = Odd::default();
    let mut from = serde_json::Deserializer::from_str(text);
    let value = T::take(&mut from, &mut odd)?;
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

struct TextVisitor<'o>(&'o mut Odd);

impl<'a> Visitor<'a> for TextVisitor<'_> {
    type Value = Text<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    // A number where a text belongs: leading zeros may be lost, so it is used and told.
    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        self.0.wrong();
        Ok(Text(Cow::Owned(number.to_string())))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        self.0.wrong();
        Ok(Text::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        self.0.wrong();
        Ok(Text::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        self.0.wrong();
        Ok(Text::default())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Text::default())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, list: A) -> Result<Self::Value, A::Error> {
        self.0.wrong();
        drain_list(list)?;
        Ok(Text::default())
    }

    fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<Self::Value, A::Error> {
        self.0.wrong();
        drain_map(map)?;
        Ok(Text::default())
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
    fn take<D: Deserializer<'a>>(from: D, odd: &mut Odd) -> Result<Self, D::Error> {
        from.deserialize_any(TextVisitor(odd))
    }
}

impl<'a> Field<'a> for Raw<'a> {
    fn take<D: Deserializer<'a>>(from: D, _: &mut Odd) -> Result<Self, D::Error> {
        let raw: &'a RawValue = serde::Deserialize::deserialize(from)?;
        Ok(Self(raw.get()))
    }
}

impl<'a> Field<'a> for Number<'a> {
    fn take<D: Deserializer<'a>>(from: D, odd: &mut Odd) -> Result<Self, D::Error> {
        let raw: &'a RawValue = serde::Deserialize::deserialize(from)?;
        let text = raw.get();
        let inside = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        Ok(match (text.as_bytes().first(), inside) {
            (Some(b'-' | b'0'..=b'9'), _) => Self(text),
            // A number in quotation marks is a number that somebody wrote wrong.
            (_, Some(inside)) if is_number(inside) => {
                odd.wrong();
                Self(inside)
            }
            (Some(b'n'), _) => Self(""),
            _ => {
                odd.wrong();
                Self("")
            }
        })
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

struct BoolVisitor<'o>(&'o mut Odd);

macro_rules! otherwise_wrong {
    ($life:lifetime, $default:expr; $($kind:ident: $of:ty),*) => {
        $(fn $kind<E>(self, _: $of) -> Result<Self::Value, E> {
            self.0.wrong();
            Ok($default)
        })*
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($default)
        }
    };
}
pub(super) use otherwise_wrong;

impl<'a> Visitor<'a> for BoolVisitor<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false")
    }

    fn visit_bool<E>(self, value: bool) -> Result<bool, E> {
        Ok(value)
    }

    otherwise_wrong!('a, false; visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_seq<A: SeqAccess<'a>>(self, list: A) -> Result<bool, A::Error> {
        self.0.wrong();
        drain_list(list).map(|()| false)
    }

    fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<bool, A::Error> {
        self.0.wrong();
        drain_map(map).map(|()| false)
    }
}

impl<'a> Field<'a> for bool {
    fn take<D: Deserializer<'a>>(from: D, odd: &mut Odd) -> Result<Self, D::Error> {
        from.deserialize_any(BoolVisitor(odd))
    }
}

impl<'a, T: Field<'a>> Field<'a> for Option<T> {
    fn take<D: Deserializer<'a>>(from: D, odd: &mut Odd) -> Result<Self, D::Error> {
        T::take(from, odd).map(Some)
    }
}

struct ListVisitor<'o, T>(&'o mut Odd, PhantomData<T>);

impl<'a, T: Field<'a>> Visitor<'a> for ListVisitor<'_, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut out = Vec::new();
        while out.len() < MAX_LIST {
            match list.next_element_seed(Seed::<T>::new(self.0))? {
                Some(item) => out.push(item),
                None => return Ok(out),
            }
        }
        if list.next_element::<IgnoredAny>()?.is_some() {
            self.0.wrong();
            drain_list(list)?;
        }
        Ok(out)
    }

    otherwise_wrong!('a, Vec::new(); visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<Vec<T>, A::Error> {
        self.0.wrong();
        drain_map(map).map(|()| Vec::new())
    }
}

impl<'a, T: Field<'a>> Field<'a> for Vec<T> {
    fn take<D: Deserializer<'a>>(from: D, odd: &mut Odd) -> Result<Self, D::Error> {
        from.deserialize_any(ListVisitor(odd, PhantomData))
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
            struct Look<'o>(&'o mut Odd);
            impl<'a> Visitor<'a> for Look<'_> {
                type Value = $name<'a>;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str(stringify!($name))
                }
                fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<$name<'a>, A::Error> {
                    let mut it = $name::default();
                    let mut seen = 0_u64;
                    while let Some(key) = map.next_key_seed(KeySeed)? {
                        match key {
                            $(Key::$field => {
                                self.0.at($key);
                                // Which of two is meant nobody can say: the last is used, and told.
                                if seen >> (Key::$field as u64) & 1 == 1 {
                                    self.0.wrong();
                                }
                                seen |= 1 << (Key::$field as u64);
                                it.$field = map.next_value_seed(Seed::new(self.0))?;
                            })*
                            Key::Other => { map.next_value::<IgnoredAny>()?; }
                        }
                    }
                    Ok(it)
                }
                $crate::sources::fhir::json::otherwise_wrong!('a, $name::default(); visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);
                fn visit_seq<A: SeqAccess<'a>>(self, list: A) -> Result<$name<'a>, A::Error> {
                    self.0.wrong();
                    drain_list(list).map(|()| $name::default())
                }
            }
            impl<'a> Field<'a> for $name<'a> {
                fn take<D: Deserializer<'a>>(from: D, odd: &mut Odd) -> Result<Self, D::Error> {
                    from.deserialize_any(Look(odd))
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
