//! Values as the texts of a path, a query or a header, by serde: the mirror of how routes read them.

use std::fmt;

use serde::ser::{self, Impossible, Serialize, Serializer};

/// All texts of a value: none for a `None`, several for a list.
///
/// # Errors
/// When it is a structure, which no text stands for.
pub(super) fn write<T: Serialize + ?Sized>(value: &T) -> Result<Vec<String>, Unwritable> {
    let mut texts = Vec::new();
    value.serialize(Texts { texts: &mut texts, in_list: false })?;
    Ok(texts)
}

/// Why a value has no text.
#[derive(Debug)]
pub(super) struct Unwritable(String);

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unwritable {}

impl ser::Error for Unwritable {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Takes the texts of a value.
struct Texts<'a> {
    texts: &'a mut Vec<String>,
    in_list: bool,
}

impl Texts<'_> {
    fn add(self, text: impl fmt::Display) -> Result<(), Unwritable> {
        self.texts.push(text.to_string());
        Ok(())
    }

    fn refuse<T>(&self, what: &str) -> Result<T, Unwritable> {
        Err(Unwritable(format!("{what} can't be written as one text; expected a text, a number, an id, or a list of these")))
    }
}

macro_rules! shown {
    ($($method:ident $type:ty;)*) => {
        $(
            fn $method(self, value: $type) -> Result<(), Unwritable> {
                self.add(value)
            }
        )*
    };
}

impl<'a> Serializer for Texts<'a> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = Impossible<(), Unwritable>;
    type SerializeMap = Impossible<(), Unwritable>;
    type SerializeStruct = Impossible<(), Unwritable>;
    type SerializeStructVariant = Impossible<(), Unwritable>;

    shown! {
        serialize_bool bool;
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_i128 i128;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
        serialize_u128 u128;
        serialize_f32 f32;
        serialize_f64 f64;
        serialize_char char;
        serialize_str &str;
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unwritable> {
        match std::str::from_utf8(value) {
            Ok(text) => self.add(text),
            Err(_) => self.refuse("bytes that are no UTF-8"),
        }
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        if self.in_list { self.refuse("a `None` in a list") } else { Ok(()) }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        self.refuse("nothing")
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Unwritable> {
        self.refuse(name)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Unwritable> {
        self.add(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unwritable> {
        self.refuse(name)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List<'a>, Unwritable> {
        if self.in_list { self.refuse("a list in a list") } else { Ok(List(self.texts)) }
    }

    fn serialize_tuple(self, length: usize) -> Result<List<'a>, Unwritable> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<List<'a>, Unwritable> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unwritable> {
        self.refuse(name)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unwritable> {
        self.refuse("a map")
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Self::SerializeStruct, Unwritable> {
        self.refuse(name)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unwritable> {
        self.refuse(name)
    }
}

/// Takes the texts of a list's elements.
struct List<'a>(&'a mut Vec<String>);

macro_rules! elements {
    ($($trait:ident $method:ident;)*) => {
        $(
            impl ser::$trait for List<'_> {
                type Ok = ();
                type Error = Unwritable;

                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
                    value.serialize(Texts { texts: self.0, in_list: true })
                }

                fn end(self) -> Result<(), Unwritable> {
                    Ok(())
                }
            }
        )*
    };
}

elements! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[derive(Serialize)]
    struct OrderId(uuid::Uuid);

    #[derive(Serialize)]
    #[serde(rename_all = "lowercase")]
    enum Color {
        Green,
        Mixed(u8),
    }

    #[derive(Serialize)]
    struct Whole {
        part: u8,
    }

    fn written<T: Serialize>(value: T) -> Result<Vec<String>, String> {
        write(&value).map_err(|error| error.to_string())
    }

    #[test]
    fn values_become_the_texts_that_routes_read() {
        let id = "0190163d-8694-739b-aea5-966c26f8ad91";
        assert_eq!(written(OrderId(id.parse().unwrap())).unwrap(), [id]);
        assert_eq!(written(Color::Green).unwrap(), ["green"]);
        assert_eq!(written(Some(-1.5)).unwrap(), ["-1.5"]);
        assert_eq!(written((true, 'x')).unwrap(), ["true", "x"]);
        assert_eq!(written("").unwrap(), [""]);
        assert_eq!(written(None::<u8>).unwrap(), [] as [&str; 0]);
        assert_eq!(written(Some(vec![1, 2])).unwrap(), ["1", "2"]);
        assert_eq!(written(Vec::<u8>::new()).unwrap(), [] as [&str; 0]);
    }

    #[test]
    fn what_has_no_text_is_refused() {
        assert!(written(Whole { part: 1 }).unwrap_err().starts_with("Whole can't be written"));
        assert!(written(Color::Mixed(1)).is_err());
        assert!(written(vec![None::<u8>]).is_err());
        assert!(written(vec![vec![1]]).is_err());
        assert!(written(()).is_err());
    }
}
