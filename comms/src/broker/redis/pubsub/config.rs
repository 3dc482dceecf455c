//! The URL of channels and its options.

use std::str::FromStr;

use super::super::RedisConfig;
use super::super::config::config_error;
use crate::broker::BrokerError;

/// Where and how to connect: `redis+pubsub://user:password@host:6379?option=value&..`, or `rediss+pubsub://` for TLS.
///
/// The options are those of [`RedisConfig`] that are not about keeping messages: `prefix` (what all channels begin with), `heartbeat`,
/// `connection_name`, `connect_timeout`, `publish_timeout`, `window`, `max_message`, `cluster`, `hash_tag`, `sentinel`, `sentinel_user`,
/// `sentinel_password`, `ca`, `cert`, `key`; and
///
/// | option | default | meaning |
/// |---|---|---|
/// | `buffer` | `10000` | how many messages a subscription holds for handlers that are slow; further ones are lost, and reported as a gap |
///
/// Channels are the same in every database of a server, so the URL names none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisPubSubConfig {
    /// The server.
    pub server: RedisConfig,
    /// How many messages a subscription holds for handlers that are slow.
    pub buffer: usize,
}

const BUFFER: usize = 10_000;

/// What is about keeping messages.
const STREAMS_ONLY: &[&str] = &["durable", "retain", "lease", "wait", "wait_timeout"];

impl FromStr for RedisPubSubConfig {
    type Err = BrokerError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = url.split_once("://").unwrap_or((url, ""));
        let Some(plain) = scheme.strip_suffix("+pubsub") else {
            return Err(config_error("a URL of Redis Pub/Sub begins with redis+pubsub:// or rediss+pubsub://"));
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (mut buffer, mut others) = (BUFFER, Vec::new());
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            match name {
                "buffer" => buffer = parse_buffer(value)?,
                _ if STREAMS_ONLY.contains(&name) => return Err(keeps_nothing(name)),
                _ => others.push(option),
            }
        }
        let mut server: RedisConfig = format!("{plain}://{place}?{}", others.join("&")).parse()?;
        if server.database != 0 {
            return Err(config_error(
                "the URL of Redis Pub/Sub names a database, but channels are the same in all of them: leave it out, and keep environments apart by the option `prefix`",
            ));
        }
        // It is for members, of which there are none; but it must fit the heartbeat.
        server.lease = server.lease.max(server.heartbeat * 4);
        Ok(Self { server, buffer })
    }
}

fn parse_buffer(value: &str) -> Result<usize, BrokerError> {
    value.parse().ok().filter(|&buffer| buffer > 0).ok_or_else(|| {
        config_error(format!(
            "`{value}` is no value of `buffer` in the Redis URL: expected a number of messages, at least 1, for example 10000"
        ))
    })
}

fn keeps_nothing(option: &str) -> BrokerError {
    config_error(format!("the Redis URL has the option `{option}`, but Redis Pub/Sub keeps no messages: leave it out, or use redis://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        url.parse::<RedisPubSubConfig>().unwrap_err().to_string()
    }

    #[test]
    fn it_is_the_url_of_a_server_with_its_own_scheme() {
        let config: RedisPubSubConfig = "redis+pubsub://shop:p%40ss@h:7000?prefix=x&buffer=7".parse().unwrap();
        assert_eq!((config.server.host.as_str(), config.server.port, config.server.prefix.as_str(), config.buffer), ("h", 7000, "x", 7));
        assert!(!format!("{config:?}").contains("p@ss"));
    }

    #[test]
    fn its_servers_may_be_a_cluster() {
        let config: RedisPubSubConfig = "redis+pubsub://a,b:7000?cluster=true".parse().unwrap();
        assert_eq!((config.server.cluster, config.server.nodes.len()), (true, 2));
    }

    #[test]
    fn what_channels_can_not_do_is_refused_with_what_to_write() {
        for (url, advice) in [
            ("redis://h", "redis+pubsub://"),
            ("redis+pubsub://h/3", "`prefix`"),
            ("redis+pubsub://h?durable=true", "use redis://"),
            ("redis+pubsub://h?wait=1", "use redis://"),
            ("redis+pubsub://h/3?cluster=true", "`prefix`"),
            ("redis+pubsub://h?buffer=0", "at least 1"),
            ("redis+pubsub://h?prefiks=x", "did you mean `prefix`?"),
            ("carrier+pubsub://h", "is not Redis's"),
        ] {
            let error = refused(url);
            assert!(error.contains(advice), "{url}: {error}");
        }
    }
}
