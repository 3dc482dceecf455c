//! Identifiers of messages, correlations and causations.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use rand::RngExt;
use uuid::{Builder, Uuid};

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
        Self::at(Timestamp::now())
    }

    /// A new identifier of this moment; if one was made of a later moment, then directly behind that one.
    #[allow(clippy::cast_possible_truncation, reason = "the version takes the place of the upper bits")]
    pub(crate) fn at(now: Timestamp) -> Self {
        // 48 bits of the time in milliseconds, and 12 that count within one (RFC 9562, section 6.2, method 1).
        static LAST: AtomicU64 = AtomicU64::new(0);
        let first = u64::try_from(now.as_millisecond()).unwrap_or(0) << 12;
        let later = |last| first.max(last + 1);
        let made = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(later(last)));
        let number = made.map_or_else(|last| last, later);
        let mut rest = [0; 10];
        rest[..2].copy_from_slice(&(number as u16).to_be_bytes());
        rest[2..].copy_from_slice(&rand::rng().random::<[u8; 8]>());
        Self(Repr::Uuid(Builder::from_unix_timestamp_millis(number >> 12, &rest).into_uuid()))
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
    use super::*;

    #[test]
    fn what_was_read_is_what_is_written() {
        for text in
            ["0190163d-8694-739b-aea5-966c26f8ad91", "0190163D-8694-739B-AEA5-966C26F8AD91", "order/17", "0190163d8694739baea5966c26f8ad91"]
        {
            assert_eq!(Id::parse(text).to_string(), text);
        }
    }

    #[test]
    fn an_id_is_a_uuid_of_version_7_that_tells_its_time() {
        let before = Timestamp::now().as_millisecond();
        let Repr::Uuid(uuid) = Id::new().0 else { panic!("a text") };
        let (seconds, nanos) = uuid.get_timestamp().unwrap().to_unix();
        let told = i64::try_from(seconds * 1000).unwrap() + i64::from(nanos / 1_000_000);
        assert_eq!((uuid.get_version_num(), uuid.get_variant()), (7, uuid::Variant::RFC4122));
        // Others in this process may have run ahead of the clock.
        assert!((before..before + 60_000).contains(&told), "{told} is not {before}");
    }

    #[test]
    fn a_clock_that_goes_back_makes_no_earlier_ids_and_no_two_alike() {
        let now = Timestamp::now();
        let ids: Vec<Id> = (0..10_000).map(|n| Id::at(if n % 2 == 0 { now } else { now - jiff::SignedDuration::from_secs(n) })).collect();
        assert!(ids.is_sorted_by(|earlier, later| earlier < later));
    }

    #[test]
    fn ids_of_one_process_are_ordered_by_time() {
        let ids: Vec<Id> = (0..1000).map(|_| Id::new()).collect();
        assert!(ids.is_sorted());
    }
}
