//! Values out of the texts of a path, a query or a header, by serde.

use std::borrow::Cow;
use std::collections::{BTreeMap, btree_map};
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Reads a value out of all texts of one name: none for an `Option` that is not there, several for a list.
///
/// # Errors
/// What is wrong, for the client.
pub(super) fn read<T: DeserializeOwned>(texts: &[Cow<'_, str>]) -> Result<T, Invalid> {
    T::deserialize(Texts { texts, separator: None })
}

/// The same of a header: a list in it stands between commas, on one line or on several, as RFC 9110 has it (section 5.3). Any
/// other value is the whole line.
///
/// # Errors
/// What is wrong, for the client.
pub(super) fn read_header<T: DeserializeOwned>(lines: &[Cow<'_, str>]) -> Result<T, Invalid> {
    T::deserialize(Texts { texts: lines, separator: Some(',') })
}

/// Reads a struct out of fields with all their texts.
///
/// # Errors
/// What is wrong, for the client.
pub(super) fn read_fields<T: DeserializeOwned>(fields: &BTreeMap<Cow<'_, str>, Vec<Cow<'_, str>>>) -> Result<T, Invalid> {
    T::deserialize(MapAccessDeserializer::new(Fields { left: fields.iter(), current: None }))
}

/// The fields that are left.
struct Fields<'a> {
    left: btree_map::Iter<'a, Cow<'a, str>, Vec<Cow<'a, str>>>,
    current: Option<(&'a str, &'a [Cow<'a, str>])>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Invalid;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Invalid> {
        let Some((name, texts)) = self.left.next() else { return Ok(None) };
        self.current = Some((name, texts));
        seed.deserialize(IntoDeserializer::<Invalid>::into_deserializer(name.as_ref())).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Invalid> {
        let (name, texts) = self.current.take().unwrap_or_default();
        seed.deserialize(Texts { texts, separator: None }).map_err(|Invalid(why)| Invalid(format!("`{name}`: {why}")))
    }
}

/// What is wrong with a text, for the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid(String);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}

impl de::Error for Invalid {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// All texts of one name.
struct Texts<'a> {
    texts: &'a [Cow<'a, str>],
    /// What stands between the elements of a list, where one text may hold several.
    separator: Option<char>,
}

impl<'a> Texts<'a> {
    fn one(&self) -> Result<Text<'a>, Invalid> {
        match self.texts {
            [] => Err(Invalid("it is missing".to_owned())),
            [text] => Ok(Text(text)),
            texts => Err(Invalid(format!("it is given {} times, and may be given once", texts.len()))),
        }
    }
}

/// One text.
#[derive(Clone, Copy)]
struct Text<'a>(&'a str);

impl Text<'_> {
    fn parse<N: std::str::FromStr>(self, expected: &str) -> Result<N, Invalid> {
        self.0.parse().map_err(|_| self.unexpected(expected))
    }

    /// `inf` and `NaN`, which Rust reads, are no numbers in JSON and to those who read a document.
    fn number<N: std::str::FromStr + Copy>(self, is_finite: fn(N) -> bool) -> Result<N, Invalid> {
        let number = self.parse("a number")?;
        if is_finite(number) { Ok(number) } else { Err(self.unexpected("a number")) }
    }

    fn unexpected(self, expected: &str) -> Invalid {
        Invalid(format!("expected {expected}, found {}", shown(self.0)))
    }
}

/// A long text is of no use in an error.
fn shown(text: &str) -> String {
    match text.char_indices().nth(64) {
        Some((end, _)) => format!("`{}..`", &text[..end]),
        None => format!("`{text}`"),
    }
}

macro_rules! of_one {
    ($($method:ident)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
                self.one()?.$method(visitor)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for Texts<'_> {
    type Error = Invalid;

    of_one! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_unit
        deserialize_map deserialize_identifier
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        if self.texts.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        match self.separator {
            None => visitor.visit_seq(SeqDeserializer::new(self.texts.iter().map(|text| Text(text)))),
            // Empty elements mean nothing, RFC 9110, section 5.6.1.
            Some(separator) => {
                let elements = self.texts.iter().flat_map(|text| text.split(separator)).map(str::trim).filter(|text| !text.is_empty());
                visitor.visit_seq(SeqDeserializer::new(elements.map(Text)))
            }
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Invalid> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, visitor: V) -> Result<V::Value, Invalid> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Invalid> {
        self.one()?.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Invalid> {
        self.one()?.deserialize_struct(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Invalid> {
        self.one()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_unit()
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $expected:literal;)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
                visitor.$visit(self.parse($expected)?)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = Invalid;

    parsed! {
        deserialize_bool visit_bool "`true` or `false`";
        deserialize_i8 visit_i8 "a whole number from -128 to 127";
        deserialize_i16 visit_i16 "a whole number of 16 bits";
        deserialize_i32 visit_i32 "a whole number of 32 bits";
        deserialize_i64 visit_i64 "a whole number of 64 bits";
        deserialize_i128 visit_i128 "a whole number of 128 bits";
        deserialize_u8 visit_u8 "a whole number from 0 to 255";
        deserialize_u16 visit_u16 "a whole number from 0 to 65535";
        deserialize_u32 visit_u32 "a whole number of 32 bits, not below 0";
        deserialize_u64 visit_u64 "a whole number of 64 bits, not below 0";
        deserialize_u128 visit_u128 "a whole number of 128 bits, not below 0";
        deserialize_char visit_char "one character";
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_f32(self.number(f32::is_finite)?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_f64(self.number(f64::is_finite)?)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_str(self.0)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_bytes(self.0.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_bytes(self.0.as_bytes())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_enum(IntoDeserializer::<Invalid>::into_deserializer(self.0))
    }

    forward_to_deserialize_any! {
        str string unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Invalid> for Text<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests;
