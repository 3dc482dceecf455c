//! The names of a subscription's topics and of its group.
//!
//! Messages' topics are written in small letters. What a subscription has for itself ends in capitals, so that no pattern
//! matches it, and no message is published to it by accident.

use std::time::Duration;

use super::config::{KafkaConfig, config_error};
use crate::broker::{BrokerError, Subscription, TopicPattern};
use crate::text::format_duration;

/// What Kafka allows.
const LONGEST_TOPIC: usize = 249;

/// A topic that belongs to one subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rung {
    pub(super) delay: Duration,
    pub(super) topic: String,
}

/// The topics of a subscription beside the ones it listens to.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// The consumer group: `group.topic`.
    pub(super) group: String,
    /// What was given up.
    pub(super) dead_letters: String,
    /// What was replayed; not in an ordered subscription, whose replays go to the topic itself, to keep their shard.
    pub(super) again: Option<String>,
    /// What waits for its next attempt; not in an ordered subscription, which retries in place.
    pub(super) ladder: Vec<Rung>,
}

impl Names {
    pub(super) fn new(subscription: &Subscription, config: &KafkaConfig) -> Result<Self, BrokerError> {
        let group = format!("{}{}", config.prefix, subscription.name());
        let base = base(&group);
        let ordered = subscription.order.is_some();
        let rung = |&delay: &Duration| Rung { delay, topic: format!("{base}.RETRY-{}", format_duration(delay)) };
        let names = Self {
            dead_letters: format!("{base}.DLQ"),
            again: (!ordered).then(|| format!("{base}.AGAIN")),
            ladder: if ordered { Vec::new() } else { config.ladder.iter().map(rung).collect() },
            group,
        };
        names.check(subscription)
    }

    fn check(self, subscription: &Subscription) -> Result<Self, BrokerError> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        if subscription.group.is_empty() || !subscription.group.chars().all(is_allowed) {
            return Err(config_error(format!(
                "the group `{}` can't be one on Kafka: it is part of topics' names, which may hold a-z, A-Z, 0-9, `.`, `-` and `_`",
                subscription.group
            )));
        }
        match self.own_topics().map(str::len).max().filter(|&longest| longest > LONGEST_TOPIC) {
            Some(longest) => Err(config_error(format!(
                "the subscription `{}` has too long a name for Kafka: its topics would need {longest} characters, {LONGEST_TOPIC} are allowed",
                self.group
            ))),
            None => Ok(self),
        }
    }

    /// The topics that only this subscription uses.
    pub(super) fn own_topics(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.dead_letters.as_str()).chain(self.side_topics())
    }

    /// Those of them that are consumed.
    pub(super) fn side_topics(&self) -> impl Iterator<Item = &str> {
        self.again.iter().map(String::as_str).chain(self.ladder.iter().map(|rung| rung.topic.as_str()))
    }

    /// The rung for a delay: the next longer one, or the last.
    pub(super) fn rung(&self, delay: Duration) -> Option<&Rung> {
        self.ladder.iter().find(|rung| rung.delay >= delay).or(self.ladder.last())
    }
}

/// The name with the signs of patterns written in letters.
fn base(name: &str) -> String {
    name.replace('*', "ANY").replace('#', "ALL")
}

/// The regular expression (POSIX, extended) of the topics of a pattern.
pub(super) fn regex(prefix: &str, pattern: &TopicPattern) -> String {
    const WORD: &str = "[a-z0-9_-]+";
    let mut words: Vec<&str> = pattern.as_str().split('.').collect();
    words.dedup_by(|a, b| *a == "#" && *b == "#");
    let mut text = format!("^{}", prefix.replace('.', "\\."));
    if words == ["#"] {
        return format!("{text}{WORD}(\\.{WORD})*$");
    }
    let mut needs_dot = false;
    for (index, word) in words.into_iter().enumerate() {
        match (word, index) {
            ("#", 0) => text.push_str(&format!("({WORD}\\.)*")),
            ("#", _) => text.push_str(&format!("(\\.{WORD})*")),
            (word, _) => {
                text.push_str(if needs_dot { "\\." } else { "" });
                text.push_str(if word == "*" { WORD } else { word });
                needs_dot = true;
            }
        }
    }
    text.push('$');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(group: &str, topic: &str) -> Result<Names, String> {
        let subscription = Subscription::new(topic.parse().unwrap(), group);
        let config = KafkaConfig { ladder: [1, 90].map(Duration::from_secs).to_vec(), ..KafkaConfig::default() };
        Names::new(&subscription, &config).map_err(|error| error.to_string())
    }

    #[test]
    fn no_pattern_matches_what_a_subscription_has_for_itself() {
        let names = names("shop", "shop.*.#").unwrap();
        let own: Vec<&str> = names.own_topics().collect();
        assert_eq!(own, ["shop.shop.ANY.ALL.DLQ", "shop.shop.ANY.ALL.AGAIN", "shop.shop.ANY.ALL.RETRY-1s", "shop.shop.ANY.ALL.RETRY-90s"]);
        assert!(own.iter().all(|topic| crate::broker::validate_topic(topic).is_err()));
    }

    #[test]
    fn a_delay_goes_to_the_next_longer_rung() {
        let names = names("g", "t").unwrap();
        let rung = |seconds| names.rung(Duration::from_secs(seconds)).unwrap().delay.as_secs();
        assert_eq!([rung(0), rung(1), rung(2), rung(1000)], [1, 1, 90, 90]);
    }

    #[test]
    fn what_kafka_could_not_name_is_refused() {
        assert!(names("a b", "t").unwrap_err().contains("the group `a b`"));
        assert!(names(&"g".repeat(200), &"t".repeat(100)).unwrap_err().contains("too long"));
    }

    #[test]
    fn patterns_become_regular_expressions() {
        let regex = |pattern: &str| regex("", &pattern.parse().unwrap());
        assert_eq!(regex("shop.*.paid"), "^shop\\.[a-z0-9_-]+\\.paid$");
        assert_eq!(regex("shop.#"), "^shop(\\.[a-z0-9_-]+)*$");
        assert_eq!(regex("#.eu"), "^([a-z0-9_-]+\\.)*eu$");
        assert_eq!(regex("shop.#.#.eu"), "^shop(\\.[a-z0-9_-]+)*\\.eu$");
        assert_eq!(super::regex("dev.", &"a.*".parse().unwrap()), "^dev\\.a\\.[a-z0-9_-]+$");
        assert_eq!(regex("#"), "^[a-z0-9_-]+(\\.[a-z0-9_-]+)*$");
    }
}
