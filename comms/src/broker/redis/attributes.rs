//! The attributes of CloudEvents as one JSON object.
//!
//! What Redis and its clients spend on an entry grows with its fields, more than with their bytes; ADR 8 has figures.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use crate::message::{Metadata, cloudevents};

pub(super) const CONTENT_TYPE: &str = "datacontenttype";
pub(super) const PARTITION_KEY: &str = "partitionkey";

/// About as long as most are.
const USUAL: usize = 512;

/// The object, in one line. The attribute `elsewhere` is left out.
pub(super) fn write(metadata: &Metadata, elsewhere: Option<&str>) -> Vec<u8> {
    let mut object = Vec::with_capacity(USUAL);
    let mut put = |name: &str, value: &str| {
        if elsewhere != Some(name) {
            object.push(if object.is_empty() { b'{' } else { b',' });
            quote(&mut object, name);
            object.push(b':');
            quote(&mut object, value);
        }
    };
    cloudevents::write(metadata, |name, value| put(name, &value));
    if let Some(content_type) = &metadata.content_type {
        put(CONTENT_TYPE, content_type);
    }
    object.push(b'}');
    object
}

fn quote(object: &mut Vec<u8>, text: &str) {
    // A text can always be written, and a `Vec` takes everything.
    let _ = serde_json::to_writer(object, text);
}

/// The attributes of such an object, by their names.
pub(super) struct Attributes<'a>(Vec<(Text<'a>, Text<'a>)>);

impl<'a> Attributes<'a> {
    /// `None` for anything else than an object of texts, numbers and truth values.
    pub(super) fn read(object: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(object).ok()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(other, _)| other.0 == name)
    }

    pub(super) fn set(&self, metadata: &mut Metadata) {
        self.0.iter().for_each(|(name, value)| cloudevents::read(metadata, &name.0, &value.0));
    }
}

impl<'de> Deserialize<'de> for Attributes<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Attributes<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut attributes = Vec::with_capacity(16);
                while let Some((name, value)) = map.next_entry::<Text<'de>, Option<Text<'de>>>()? {
                    // `null` is an attribute that is not set.
                    attributes.extend(value.map(|value| (name, value)));
                }
                Ok(Attributes(attributes))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// An attribute's value as text; what has no escapes is not copied.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Value;
        impl<'de> Visitor<'de> for Value {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a whole number or a truth value")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_bool<E: Error>(self, truth: bool) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(if truth { "true" } else { "false" })))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }
        }
        deserializer.deserialize_any(Value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Id;

    #[test]
    fn every_attribute_survives_the_wire() {
        let mut written = Metadata::new("orders.placed", "shop".into());
        written.key = Some("o-\"1\"\n".into());
        written.content_type = Some("text/plain".into());
        written.extensions.insert("note \\".into(), "two\nlines „“ \u{7}".into());
        let object = write(&written, None);
        assert!(!object.contains(&b'\n'), "one line");
        assert!(object.starts_with(br#"{"specversion":"1.0","id":""#), "the scripts look for that");
        let mut read = Metadata::foreign(Id::new());
        Attributes::read(&object).unwrap().set(&mut read);
        assert_eq!(read, written);
        let without_key = write(&written, Some(PARTITION_KEY));
        assert!(!Attributes::read(&without_key).unwrap().has(PARTITION_KEY));
    }

    #[test]
    fn a_foreign_object_may_hold_numbers_and_truth_values() {
        let mut metadata = Metadata::foreign(Id::new());
        let object = br#"{"typeversion": 3, "sampled": true, "low": -1, "tenant": null, "id": "17"}"#;
        Attributes::read(object).unwrap().set(&mut metadata);
        assert_eq!((metadata.version, metadata.id.to_string()), (3, "17".to_owned()));
        let extensions: Vec<_> = metadata.extensions.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(extensions, [("low", "-1"), ("sampled", "true")]);
    }

    #[test]
    fn anything_else_is_no_such_object() {
        for other in ["", "x", "[]", "{", "{\"a\": {}}", "{\"a\": []}", "{\"a\": \"b\"} more", "\"a\""] {
            assert!(Attributes::read(other.as_bytes()).is_none(), "{other}");
        }
    }
}
