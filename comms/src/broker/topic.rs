//! Topics and patterns of topics.

use std::fmt;
use std::str::FromStr;

/// A set of topics: a topic's name, or words with `*` (exactly one word) and `#` (any number of words,
/// also none) between dots, as in AMQP 0-9-1's topic exchange.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TopicPattern(String);

/// A topic, or a pattern, that can't be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: expected words of a-z, 0-9, `-` and `_` with dots between, at most 200 bytes")]
pub struct InvalidTopic {
    text: String,
    what: &'static str,
}

/// Checks the name of a topic: words of `a-z`, `0-9`, `-`, `_`, dots between, at most 200 bytes.
///
/// The alphabet is what every backend takes without escaping.
///
/// # Errors
/// [`InvalidTopic`] when it has another form.
pub fn validate_topic(topic: &str) -> Result<(), InvalidTopic> {
    if is_dotted(topic, is_word) { Ok(()) } else { Err(InvalidTopic { text: topic.to_owned(), what: "topic" }) }
}

fn is_dotted(text: &str, is_part: impl Fn(&str) -> bool) -> bool {
    text.len() <= 200 && text.split('.').all(is_part)
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

impl TopicPattern {
    /// The text that it was made from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names exactly one topic.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        !self.0.contains(['*', '#'])
    }

    /// Whether the topic belongs to the set.
    #[must_use]
    pub fn matches(&self, topic: &str) -> bool {
        let pattern: Vec<&str> = self.0.split('.').collect();
        let words: Vec<&str> = topic.split('.').collect();
        matches_words(&pattern, &words)
    }
}

fn matches_words(pattern: &[&str], words: &[&str]) -> bool {
    match pattern.split_first() {
        None => words.is_empty(),
        Some((&"#", rest)) => (0..=words.len()).any(|skipped| matches_words(rest, &words[skipped..])),
        Some((&word, rest)) => {
            words.split_first().is_some_and(|(&first, others)| (word == "*" || word == first) && matches_words(rest, others))
        }
    }
}

impl FromStr for TopicPattern {
    type Err = InvalidTopic;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_dotted(text, |part| part == "*" || part == "#" || is_word(part)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidTopic { text: text.to_owned(), what: "topic pattern (where a word may also be `*` or `#`)" })
        }
    }
}

impl fmt::Display for TopicPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, topic: &str) -> bool {
        pattern.parse::<TopicPattern>().unwrap().matches(topic)
    }

    #[test]
    fn patterns_match_as_in_a_topic_exchange() {
        assert!(matches("orders", "orders"));
        assert!(!matches("orders", "orders.eu"));
        assert!(matches("shop.*", "shop.orders"));
        assert!(!matches("shop.*", "shop.orders.eu"));
        assert!(!matches("shop.*", "shop"));
        assert!(matches("shop.#", "shop"));
        assert!(matches("shop.#", "shop.orders.eu"));
        assert!(matches("#.eu", "shop.orders.eu"));
        assert!(matches("#", "anything.at.all"));
    }

    #[test]
    fn what_no_backend_could_carry_is_refused() {
        for topic in ["", ".", "a..b", "Orders", "a b", "ünï", "a.*", &"a".repeat(201)] {
            assert!(validate_topic(topic).is_err(), "{topic}");
        }
        assert!("a*".parse::<TopicPattern>().is_err());
    }
}
