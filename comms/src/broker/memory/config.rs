//! The options of a memory broker and its URL.

use std::time::Duration;

use crate::broker::{BrokerError, BrokerErrorKind};
use crate::text::parse_duration;

/// The options of a memory broker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryConfig {
    /// How many messages a group may hold back, queued or delayed, before publishing waits; as many dead
    /// letters may lie beside them. 100,000.
    pub capacity: usize,
    /// How many of the last messages of all topics are kept for groups that start with the earliest; with 0,
    /// none, the broker is not replayable.
    pub log: usize,
    /// How many of the last published messages are recorded for [`Memory::published`](super::Memory::published). 0.
    pub record: usize,
    /// The largest payload in bytes; no limit.
    pub max_message: Option<usize>,
    /// How long publishing waits for room when the message has no deadline. 30 s.
    pub publish_timeout: Duration,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self { capacity: 100_000, log: 0, record: 0, max_message: None, publish_timeout: Duration::from_secs(30) }
    }
}

/// What a URL says: the shared name, and the options if it states any.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) name: Option<String>,
    pub(super) config: Option<MemoryConfig>,
}

impl Address {
    /// Reads `memory:[name][?option=value[&option=value]]`.
    pub(super) fn parse(url: &str) -> Result<Self, BrokerError> {
        let rest = url.strip_prefix("memory:").ok_or_else(|| wrong(url, "it does not begin with `memory:`"))?;
        let (name, query) = rest.split_once('?').unwrap_or((rest, ""));
        let name = name.trim_start_matches('/');
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
            return Err(wrong(url, "a name has letters, digits, `-`, `_` and `.` only"));
        }
        let name = (!name.is_empty()).then(|| name.to_owned());
        Ok(Self { name, config: options(url, query)? })
    }
}

fn options(url: &str, query: &str) -> Result<Option<MemoryConfig>, BrokerError> {
    if query.is_empty() {
        return Ok(None);
    }
    let mut config = MemoryConfig::default();
    for pair in query.split('&') {
        let (option, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !config.set(option, value) {
            return Err(wrong(
                url,
                &format!(
                    "`{pair}` is no option with its value; there are capacity=N, log=N, record=N, max_message=BYTES and publish_timeout=N(ms|s|m|h)"
                ),
            ));
        }
    }
    Ok(Some(config))
}

impl MemoryConfig {
    fn set(&mut self, option: &str, value: &str) -> bool {
        let place = match option {
            "capacity" => return value.parse().is_ok_and(|capacity: usize| capacity > 0 && store(&mut self.capacity, capacity)),
            "publish_timeout" => return parse_duration(value).is_ok_and(|timeout| store(&mut self.publish_timeout, timeout)),
            "max_message" => return value.parse().is_ok_and(|limit| store(&mut self.max_message, Some(limit))),
            "log" => &mut self.log,
            "record" => &mut self.record,
            _ => return false,
        };
        value.parse().is_ok_and(|number| store(place, number))
    }
}

fn store<T>(place: &mut T, value: T) -> bool {
    *place = value;
    true
}

fn wrong(url: &str, why: &str) -> BrokerError {
    BrokerError::new(BrokerErrorKind::Config, format!("could not open the memory broker `{url}`: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_name_and_options() {
        assert_eq!(Address::parse("memory:").unwrap(), Address { name: None, config: None });
        assert_eq!(Address::parse("memory://shop").unwrap().name.as_deref(), Some("shop"));
        let config = Address::parse("memory:shop?log=5&capacity=7&record=3&max_message=9&publish_timeout=250ms").unwrap().config.unwrap();
        assert_eq!((config.log, config.capacity, config.record, config.max_message), (5, 7, 3, Some(9)));
        assert_eq!(config.publish_timeout, Duration::from_millis(250));
    }

    #[test]
    fn what_is_wrong_in_a_url_is_named() {
        for url in [
            "amqp://x",
            "memory:a/b",
            "memory:?capacity=0",
            "memory:?capacity=many",
            "memory:?size=1",
            "memory:?publish_timeout=5",
            "memory:?log",
        ] {
            let error = Address::parse(url).unwrap_err();
            assert_eq!(error.kind(), BrokerErrorKind::Config, "{url}");
            assert!(error.to_string().contains(url), "{error}");
        }
    }
}
