//! The further attributes of a message.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

static NONE: BTreeMap<String, String> = BTreeMap::new();

/// Attributes by name. Most messages have none, and making and dropping such a map costs nothing.
///
/// ```
/// let mut extensions = comms::message::Extensions::default();
/// assert!(extensions.get("tenant").is_none());
/// extensions.insert("tenant".to_owned(), "blue".to_owned());
/// assert_eq!(extensions["tenant"], "blue");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Extensions(Option<BTreeMap<String, String>>);

impl Deref for Extensions {
    type Target = BTreeMap<String, String>;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().unwrap_or(&NONE)
    }
}

impl DerefMut for Extensions {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.get_or_insert_default()
    }
}

/// A map that was emptied equals one that never held anything.
impl PartialEq for Extensions {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<'a> IntoIterator for &'a Extensions {
    type Item = (&'a String, &'a String);
    type IntoIter = std::collections::btree_map::Iter<'a, String, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::Extensions;

    #[test]
    fn an_emptied_map_equals_an_empty_one() {
        let mut extensions = Extensions::default();
        extensions.insert("tenant".to_owned(), "blue".to_owned());
        assert_ne!(extensions, Extensions::default());
        extensions.clear();
        assert_eq!(extensions, Extensions::default());
    }
}
