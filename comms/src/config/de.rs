//! Reads a user's type out of a tree, and remembers where it did not fit.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::Origin;
use super::tree::{self, Node, Table, Value};

/// What serde said, and where.
#[derive(Debug)]
pub(super) struct ReadError {
    pub(super) message: String,
    pub(super) place: Option<(Origin, String)>,
}

impl ReadError {
    /// The innermost place is the one to keep.
    fn at(mut self, origin: &Origin, path: &str) -> Self {
        self.place.get_or_insert_with(|| (origin.clone(), path.to_owned()));
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl serde::de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), place: None }
    }
}

/// Reads one value.
pub(super) struct Reader<'a> {
    node: &'a Node,
    path: String,
}

impl<'a> Reader<'a> {
    pub(super) fn new(node: &'a Node, path: String) -> Self {
        Self { node, path }
    }

    /// Text without a type, as the number or truth value that is asked for; as text if it is none.
    fn untyped<'de, T, V>(self, visitor: V, visit: impl FnOnce(V, T) -> Result<V::Value, ReadError>) -> Result<V::Value, ReadError>
    where
        T: std::str::FromStr,
        V: Visitor<'de>,
    {
        match &self.node.value {
            Value::Untyped(text) => match text.trim().parse() {
                Ok(value) => visit(visitor, value),
                Err(_) => self.deserialize_any(visitor),
            },
            _ => self.deserialize_any(visitor),
        }
    }
}

macro_rules! read_untyped {
    ($($method:ident $visit:ident $type:ty,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            self.untyped::<$type, V>(visitor, |visitor, value| visitor.$visit(value))
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let Self { node, path } = self;
        let result = match &node.value {
            Value::Text(text) | Value::Untyped(text) => visitor.visit_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Boolean(value) => visitor.visit_bool(*value),
            Value::List(values) => visitor.visit_seq(Items { values: values.iter().enumerate(), path: &path }),
            Value::Table(table) => visitor.visit_map(Entries::new(table, &path)),
        };
        // A table as a whole is wrong where its name stands.
        let origin = if matches!(node.value, Value::Table(_)) { &node.named } else { &node.origin };
        result.map_err(|error: ReadError| error.at(origin, &path))
    }

    read_untyped! {
        deserialize_bool visit_bool bool,
        deserialize_i8 visit_i64 i64,
        deserialize_i16 visit_i64 i64,
        deserialize_i32 visit_i64 i64,
        deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u64 u64,
        deserialize_u16 visit_u64 u64,
        deserialize_u32 visit_u64 u64,
        deserialize_u64 visit_u64 u64,
        deserialize_f32 visit_f64 f64,
        deserialize_f64 visit_f64 f64,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, ReadError> {
        let Self { node, path } = self;
        let result = match &node.value {
            Value::Text(text) | Value::Untyped(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Value::Table(table) => visitor.visit_enum(MapAccessDeserializer::new(Entries::new(table, &path))),
            _ => Err(serde::de::Error::custom(format!("expected the name of a variant in quotes, found {}", node.value.kind()))),
        };
        result.map_err(|error| error.at(&node.origin, &path))
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Items<'a, I> {
    values: I,
    path: &'a str,
}

impl<'de, 'a, I: Iterator<Item = (usize, &'a Node)>> SeqAccess<'de> for Items<'a, I> {
    type Error = ReadError;

    fn next_element_seed<T: serde::de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let next = self.values.next();
        next.map(|(index, node)| seed.deserialize(Reader::new(node, format!("{}[{index}]", self.path)))).transpose()
    }
}

struct Entries<'a> {
    entries: std::collections::btree_map::Iter<'a, String, Node>,
    value: Option<(&'a str, &'a Node)>,
    path: &'a str,
}

impl<'a> Entries<'a> {
    fn new(table: &'a Table, path: &'a str) -> Self {
        Self { entries: table.iter(), value: None, path }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = ReadError;

    fn next_key_seed<K: serde::de::DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some((name, node)) = self.entries.next() else { return Ok(None) };
        self.value = Some((name, node));
        let reader: StrDeserializer<'_, ReadError> = name.as_str().into_deserializer();
        seed.deserialize(reader).map(Some).map_err(|error| error.at(&node.named, &tree::join(self.path, name)))
    }

    fn next_value_seed<V: serde::de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let Some((name, node)) = self.value.take() else {
            return Err(serde::de::Error::custom("a value was asked for before its key"));
        };
        let path = tree::join(self.path, name);
        // A range check of serde happens after the value was read: it belongs here all the same.
        seed.deserialize(Reader::new(node, path.clone())).map_err(|error| error.at(&node.origin, &path))
    }
}
