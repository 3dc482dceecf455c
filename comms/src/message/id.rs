//! Identifiers of messages, correlations and causations.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

/// The identity of a message, or of the conversation that it belongs to.
///
/// Ours are UUIDv7 (RFC 9562), ordered by time and kept inline; a foreign producer's may be any
/// non-empty text, since CloudEvents asks for no more.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(Repr);

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Repr {
    Uuid(Uuid),
    Text(Arc<str>),
}

impl Id {
    /// A new identifier, later than every one made before it in this process.
    #[must_use]
    pub fn new() -> Self {
        Self(Repr::Uuid(Uuid::now_v7()))
    }

    /// The identifier that a message carried, ours or a foreign one.
    ///
    /// Only the canonical spelling of a UUID is kept as one, so that what is written again is the
    /// text that was read.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match Uuid::try_parse(text) {
            Ok(uuid) if is_canonical(text) => Self(Repr::Uuid(uuid)),
            _ => Self(Repr::Text(text.into())),
        }
    }

    /// Works with its text, for which nothing is allocated.
    pub(crate) fn with_text<R>(&self, work: impl FnOnce(&str) -> R) -> R {
        match &self.0 {
            Repr::Uuid(uuid) => work(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer())),
            Repr::Text(text) => work(text),
        }
    }
}

fn is_canonical(text: &str) -> bool {
    text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

impl Default for Id {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Uuid> for Id {
    fn from(uuid: Uuid) -> Self {
        Self(Repr::Uuid(uuid))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| f.write_str(text))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Id;

    #[test]
    fn what_was_read_is_what_is_written() {
        for text in
            ["0190163d-8694-739b-aea5-966c26f8ad91", "0190163D-8694-739B-AEA5-966C26F8AD91", "order/17", "0190163d8694739baea5966c26f8ad91"]
        {
            assert_eq!(Id::parse(text).to_string(), text);
        }
    }

    #[test]
    fn ids_of_one_process_are_ordered_by_time() {
        let ids: Vec<Id> = (0..1000).map(|_| Id::new()).collect();
        assert!(ids.is_sorted());
    }
}
