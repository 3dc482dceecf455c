//! Structures as forms: each field as the texts that a query would have.

use std::fmt;

use serde::ser::{Error as _, Impossible, Serialize, SerializeMap, SerializeStruct, Serializer};

use super::path;
use super::text::{self, Unwritable};

/// `name=text&name=text`.
///
/// # Errors
/// When it is no structure, or a field of it has no text.
pub(super) fn write<T: Serialize + ?Sized>(value: &T) -> Result<String, Unwritable> {
    let mut form = String::new();
    value.serialize(Form(&mut form))?;
    Ok(form)
}

struct Form<'a>(&'a mut String);

/// The fields of a structure, or the entries of a map.
struct Fields<'a> {
    form: &'a mut String,
    /// The key of a map, whose value comes next.
    key: String,
}

impl Fields<'_> {
    fn add<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Unwritable> {
        let texts = text::write(value).map_err(|why| Unwritable::custom(format_args!("the field `{name}` of the form: {why}")))?;
        texts.iter().for_each(|text| path::add_to_form(self.form, name, text));
        Ok(())
    }
}

fn refuse<T>(what: impl fmt::Display) -> Result<T, Unwritable> {
    Err(Unwritable::custom(format_args!("{what} is no form: a form is a structure or a map, of texts, numbers, and lists of these")))
}

macro_rules! refused {
    ($($method:ident $type:ty;)*) => {
        $(
            fn $method(self, value: $type) -> Result<(), Unwritable> {
                refuse(format_args!("`{value:?}`"))
            }
        )*
    };
}

impl<'a> Serializer for Form<'a> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Impossible<(), Unwritable>;
    type SerializeTuple = Impossible<(), Unwritable>;
    type SerializeTupleStruct = Impossible<(), Unwritable>;
    type SerializeTupleVariant = Impossible<(), Unwritable>;
    type SerializeMap = Fields<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Impossible<(), Unwritable>;

    refused! {
        serialize_bool bool;
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
        serialize_f32 f32;
        serialize_f64 f64;
        serialize_char char;
        serialize_str &str;
        serialize_bytes &[u8];
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_unit_variant(self, name: &'static str, _: u32, _: &'static str) -> Result<(), Unwritable> {
        refuse(name)
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
        refuse(name)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Unwritable> {
        refuse("a list")
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unwritable> {
        refuse("a tuple")
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Unwritable> {
        refuse(name)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unwritable> {
        refuse(name)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields<'a>, Unwritable> {
        Ok(Fields { form: self.0, key: String::new() })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'a>, Unwritable> {
        Ok(Fields { form: self.0, key: String::new() })
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unwritable> {
        refuse(name)
    }
}

impl SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Unwritable> {
        self.add(name, value)
    }

    fn end(self) -> Result<(), Unwritable> {
        Ok(())
    }
}

impl SerializeMap for Fields<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        match <[String; 1]>::try_from(text::write(key)?) {
            Ok([key]) => self.key = key,
            Err(_) => return refuse("a map whose keys are no texts"),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        let key = std::mem::take(&mut self.key);
        self.add(&key, value)
    }

    fn end(self) -> Result<(), Unwritable> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;

    use super::*;

    #[derive(Serialize)]
    struct Page {
        size: u8,
    }

    #[derive(Serialize)]
    struct Login<'a> {
        user: &'a str,
        age: Option<u8>,
        scope: Vec<&'a str>,
        #[serde(flatten)]
        page: Page,
    }

    #[derive(Serialize)]
    struct Wrapped<T>(T);

    fn written(value: impl Serialize) -> Result<String, String> {
        write(&value).map_err(|error| error.to_string())
    }

    #[test]
    fn a_structure_becomes_its_fields() {
        let login = Login { user: "a b&c=ö+", age: None, scope: vec!["x", "y"], page: Page { size: 3 } };
        assert_eq!(written(Wrapped(Some(login))).unwrap(), "user=a%20b%26c%3D%C3%B6%2B&scope=x&scope=y&size=3");
        assert_eq!(written(BTreeMap::from([(1, true), (2, false)])).unwrap(), "1=true&2=false");
        assert_eq!(written(()).unwrap(), "");
    }

    #[test]
    fn what_has_no_fields_is_no_form() {
        for error in [written("a"), written(7), written(vec![1]), written((1, 2))] {
            assert!(error.clone().unwrap_err().contains("is no form"), "{error:?}");
        }
        let nested = BTreeMap::from([("page", Page { size: 1 })]);
        assert!(written(nested).unwrap_err().starts_with("the field `page` of the form: Page can't be written"));
    }
}
